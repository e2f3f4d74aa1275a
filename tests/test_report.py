import re

import pytest

from safepassage.experiments.questions.compare import compare
from safepassage.experiments.reports.parts import shown
from safepassage.experiments.reports.report import report
from safepassage.experiments.reports.sources import assumed
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.experiments.sweeps.batch import run_batch
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load

SHORT = {"run.duration_h": 0.5, "run.step_s": 300}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return EvacuationModel("tiny_town", **SHORT).run().save(tmp_path_factory.mktemp("runs"))


def is_self_contained(html):
    return not re.search(r"""(src|href)=["'](?!data:)|@import|url\(""", html)


@pytest.fixture(scope="module")
def run_report(run_folder):
    return report(run_folder)


def test_the_report_of_a_run_holds_measures_pictures_assumptions_and_versions(run_report):
    html = run_report.read_text()
    assert is_self_contained(html)
    assert html.count("data:image/png;base64,") >= 6
    for text in ("No real place.", "out of the area", "inequality of the hours", "Assumption", "numba", "seed"):
        assert text in html


def test_a_second_report_does_not_overwrite_the_first(run_folder, run_report):
    first = run_report.read_text()
    second = report(run_folder)
    assert second != run_report
    assert second.read_text() == first == run_report.read_text()


def test_the_report_of_a_comparison_holds_its_differences_and_plans(tmp_path):
    (tmp_path / "early.yaml").write_text("name: early\ntitle: <b>At once</b>\norders:\n  - {issued_h: 0}\n")
    plans = [tmp_path / "early.yaml"]
    compare("tiny_town", plans, out=tmp_path / "out", executor=InThisProcess(), replications=3, changes=SHORT)
    html = report(tmp_path / "out").read_text()
    assert is_self_contained(html)
    for text in ("early against baseline", "runs needed if unpaired", "Only 3 replications", "issued_h"):
        assert text in html


def test_the_report_of_a_sweep_holds_a_row_for_each_point(tmp_path):
    factors = {"orders.0.compliance": [0.2, 0.9]}
    scenario = load("tiny_town", SHORT)
    run_batch(scenario, range(2), factors=factors, out=tmp_path / "out", executor=InThisProcess())
    html = report(tmp_path / "out", tmp_path / "sweep.html").read_text()
    assert is_self_contained(html)
    for text in ("orders.0.compliance", "2 replications", scenario.notice, "Assumption", "numba"):
        assert text in html


def test_the_report_of_a_sweep_says_what_its_plans_set_and_what_stands_there_without_them(tmp_path):
    plan = tmp_path / "early.yaml"
    plan.write_text("name: early\norders:\n  - {issued_h: 0.125}\n")
    scenarios = [load("tiny_town", SHORT), load("tiny_town", SHORT, plan)]
    run_batch(scenarios, range(2), out=tmp_path / "out", executor=InThisProcess())
    html = report(tmp_path / "out").read_text()
    assert re.search(r"early</td><td>orders\.0\.issued_h</td><td>0\.125</td><td>0\.25</td>", html)


def test_what_a_user_writes_is_shown_as_text_and_not_as_markup(tmp_path):
    scenario = load("tiny_town", {**SHORT, "notice": "<script>alert(1)</script>"})
    html = report(EvacuationModel(scenario).run().save(tmp_path)).read_text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("name", ["tiny_town", "coquimbo"])
def test_every_value_of_a_scenario_is_listed_once_with_what_its_field_says(name):
    rows = assumed(load(name).model_dump(mode="json"))
    assert len({row.key for row in rows}) == len(rows)
    assert not [row.key for row in rows if not row.meaning]
    assert any(row.is_assumption for row in rows)
    by_key = {row.key: row for row in rows}
    assert by_key["behaviour.p_destination"].is_default
    assert not by_key["streets.network"].is_default


def test_a_folder_without_results_is_told(tmp_path):
    with pytest.raises(ScenarioError, match="there is nothing to report"):
        report(tmp_path)


def test_places_are_shown_to_the_metre():
    names = ("exits.0.latitude_deg", "longitude", "bearing_deg")
    assert [shown(45.0112424, name) for name in names] == ["45.011242", "45.011242", "45.01"]


def test_values_are_shown_short():
    assert [shown(value) for value in (1234567.0, 0.123456, None, float("nan"), True)] == [
        "1,234,567", "0.1235", "\N{EM DASH}", "not reached", "yes",
    ]  # fmt: skip
