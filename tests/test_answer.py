"""The answer page of a comparison: whole in each language, no text in pictures, no more than the pairs bear."""

import os
import re
import shlex
import shutil
import subprocess
from datetime import datetime

import pytest
from matplotlib.collections import PatchCollection

from safepassage.experiments.questions import turn_over
from safepassage.experiments.questions.compare import BASELINE, compare, open_comparison
from safepassage.experiments.questions.turn_over import ASSUMPTIONS, Assumption
from safepassage.experiments.reports.answer import language, maps, page
from safepassage.experiments.reports.answer.language import Language
from safepassage.experiments.reports.report import report
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.model.results.outcomes import GROUPS
from safepassage.model.settings.base import ScenarioError

SHORT = {"run.duration_h": 1.0, "run.step_s": 300}
CHROMIUM = os.environ.get("SAFEPASSAGE_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
NO_BREAK = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tmp_path_factory.mktemp("plans") / "early.yaml"
    path.write_text("name: early\ntitle: <b>At once</b>\norders:\n  - {issued_h: 0, compliance: 0.8}\n")
    return path


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    compare("tiny_town", [plan], out=out, executor=InThisProcess(), replications=3, changes=SHORT)
    return out


@pytest.fixture(scope="module")
def pages(folder):
    return {code: report(folder, folder / f"{code}.html", language=code).read_text() for code in language.LANGUAGES}


def test_a_page_says_that_nobody_has_reviewed_its_language_until_somebody_has(folder, pages, monkeypatch):
    unreviewed = Language("uk")("No native speaker has reviewed the texts of this page yet.")
    assert unreviewed in pages["uk"] and "has reviewed" not in pages["en"]
    texts, _ = language._catalogue("uk")
    monkeypatch.setattr(language, "_catalogue", lambda code: (texts, "A. Reader"))
    assert unreviewed not in "".join(page.answer_of(folder, Language("uk")).method)


def test_numbers_shares_and_dates_are_those_of_the_language():
    english, ukrainian = Language("en"), Language("uk")
    assert (english.number(1234.5), ukrainian.number(1234.5)) == ("1,234", f"1{NO_BREAK}234")
    assert (english.signed(-1.25), ukrainian.signed(-1.25)) == ("\N{MINUS SIGN}1.2", "\N{MINUS SIGN}1,2")
    at = datetime(2024, 9, 1, 14, 30)
    assert (english.moment(at, days=True), ukrainian.moment(at, days=True)) == ("1 September", "1 вересня")
    assert ukrainian.moment(at, days=False) == "14:30"
    assert [english.percent(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0%", "<1%", "50%", ">99%", "100%"]


def test_no_text_is_drawn_into_the_pictures(folder, monkeypatch):
    drawn = []
    monkeypatch.setattr(maps, "_png", lambda figure: drawn.append(figure) or "")
    found = maps.read_maps(folder, (BASELINE, "early"))
    found.draw_left("early"), found.draw_change("early"), found.draw_delays("early")
    assert len(drawn) == 3
    for figure in drawn:
        assert figure.axes[0].collections and not figure.axes[0].axison
        for text in figure.findobj(lambda artist: hasattr(artist, "get_text")):
            assert text.get_text() == "" or (isinstance(text.axes, type(figure.axes[0])) and not text.axes.axison)


def test_the_frame_of_a_clear_cell_lies_above_the_edges_of_its_neighbours(folder, monkeypatch):
    drawn = []
    monkeypatch.setattr(maps, "_png", lambda figure: drawn.append(figure) or "")
    found = maps.read_maps(folder, (BASELINE, "early"))
    monkeypatch.setitem(found.left, "is_clear", [i % 2 == 0 for i in range(len(found.left))])
    found.draw_change("early")
    cells, frames = (one for one in drawn[0].axes[0].collections if isinstance(one, PatchCollection))
    assert frames.zorder > cells.zorder and not frames.get_facecolor().size
    assert 0 < len(frames.get_paths()) == int(found._cells("early")["is_clear"].sum()) < len(cells.get_paths())


def test_from_three_pairs_no_conclusion_is_drawn_and_the_page_says_why(pages):
    html = pages["en"]
    assert "3 pairs of runs are too few for a conclusion: chance alone could turn it." in html
    assert "more people out by" not in html.split("</section>")[0]
    assert Language("uk")("What could turn it over") in pages["uk"]


def test_the_page_holds_all_it_shows_and_shows_what_users_write_as_text(pages):
    for html in pages.values():
        assert not re.search(r"""(src|href)=["'](?!data:)|@import|url\(""", html)
        assert "<b>At once" not in html
        assert html.count("<section") == 2 and html.count('<details class="full">') == 1


def test_the_page_quotes_the_command_that_opens_its_scenario_to_explore(folder):
    found = open_comparison(folder)
    command = page.exploring(found)
    assert command and shlex.split(command)[:3] == ["safepassage", "explore", found.scenario["name"]]
    assert any(command in line for line in page.answer_of(folder, Language("uk")).method)


def test_the_groups_left_behind_add_to_what_the_comparison_found(folder):
    answer = page.answer_of(folder, Language("en"))
    found = page.open_comparison(folder)
    without_car = next(row for row in answer.who.rows if row[0].text == GROUPS["no_car"])
    assert without_car[1].text == f"{round(found.values(BASELINE, 'n_persons:no_car').mean()):,}"
    mean = (found.values("early", "left_behind:no_car") - found.values(BASELINE, "left_behind:no_car")).mean()
    assert without_car[3].text.startswith(Language("en").signed(mean)[:2])
    assert answer.costs is None


@pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on the path: apt install chromium")
def test_the_page_prints_on_two_sheets_of_a4(folder, pages, tmp_path):
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}"]
    for code in pages:
        pdf, where = tmp_path / f"{code}.pdf", (folder / f"{code}.html").as_uri()
        command = [CHROMIUM, *quiet, f"--print-to-pdf={pdf}", where]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        printed = pdf.read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
        assert b"/MediaBox [0 0 594.95996 841.91998]" in printed or b"/MediaBox [0 0 595" in printed


def test_a_report_that_is_not_translated_says_so(tmp_path):
    with pytest.raises(ScenarioError, match="only the report of a comparison is translated"):
        report(tmp_path, language="uk")


LITTLE = Assumption("population.p_car", "share of households with a car", 0.39, 0.41)
MUCH = Assumption("orders.*.compliance", "share of households that obey an order", 0.1, 0.9)


def test_what_moves_the_difference_most_is_found_and_runs_as_the_comparison_would_under_it(
    plan, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(turn_over, "ASSUMPTIONS", (LITTLE, MUCH))
    monkeypatch.setattr(turn_over, "N_VARIED", 1)
    found = turn_over.turn_over(folder, executor=InThisProcess(), pairs=2)
    assert [row["key"] for row in found["rows"]] == [MUCH.key]
    assert [end["value"] for end in found["rows"][0]["ends"]] == [0.1, 0.9] and found["rows"][0]["stated"] == 0.8
    plan_low = tmp_path / "early.yaml"
    plan_low.write_text(plan.read_text().replace("compliance: 0.8", "compliance: 0.1"))
    low = compare("tiny_town", [plan_low], out=tmp_path / "low", executor=InThisProcess(), replications=2,
                  changes=SHORT | {"orders.0.compliance": 0.1})  # fmt: skip
    expected = (low.values("early", "safe") - low.values(BASELINE, "safe")).mean()
    assert found["rows"][0]["ends"][0]["plans"]["early"]["mean"] == expected
    answer = page.answer_of(folder, Language("en"))
    assert [row[0].text for row in answer.turning.rows] == [
        "as stated", "share of households that obey an order: 0.1 instead of 0.8",
        "share of households that obey an order: 0.9 instead of 0.8",
    ]  # fmt: skip
    assert answer.turning_note.startswith("Of 2 assumptions, tried at both ends of their range")
    hurt = max(found["tried"], key=lambda one: one["moves_casualties"])
    told = f"casualties moves most with: {hurt['words']}" in answer.turning_note
    assert told == (hurt["moves_casualties"] > 0) and {one["key"] for one in found["tried"]} == {LITTLE.key, MUCH.key}


def test_more_pairs_than_the_comparison_has_and_a_study_without_analysis_are_refused(folder, tmp_path):
    with pytest.raises(ScenarioError, match="give 2 to 3 pairs"):
        turn_over.turn_over(folder, executor=None, pairs=4)
    with pytest.raises(ScenarioError, match="there is no sensitivity analysis of 'safe' here"):
        turn_over.turn_over(folder, executor=None, pairs=2, study=tmp_path)


def test_no_assumption_that_is_varied_moves_the_place_of_harm():
    from safepassage.experiments.questions.refusal import refuse_targets

    varied = {one.key.replace("*", "0"): (one.low, one.high) for one in ASSUMPTIONS}
    assert len(varied) == len(ASSUMPTIONS)
    refuse_targets(varied)
    with pytest.raises(ScenarioError):
        refuse_targets(varied | {"shelling.sources.0.zones.0.west": (0.0, 1.0)})
