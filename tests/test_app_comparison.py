"""Many seeds in the background: what is compared, progress, stopping, and what goes wrong is told."""

import re
import shlex
from contextlib import contextmanager

import pytest
from studies import Here

from safepassage.app import comparison
from safepassage.app.comparison import Comparer
from safepassage.app.session import Session
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.settings.base import ScenarioError

SHUT = {"name": "as_shown", "scenario": "tiny_town", "closures": {"exits": [{"name": "North road", "from_h": 0.05}]}}


@pytest.fixture
def comparer(tmp_path, monkeypatch):
    """A comparer whose runs are carried out in this process, and what it has told."""

    @contextmanager
    def here(n_workers):
        yield Here()

    monkeypatch.setattr(comparison, "local", here)
    said = []
    return Comparer(tmp_path, said.append), said


def test_plans_are_compared_under_many_seeds_with_progress_intervals_and_the_command(comparer, tmp_path):
    comparer, said = comparer
    comparer.start("tiny_town", [SHUT], {"run.duration_h": 0.2}, 3)
    comparer._thread.join()
    assert [one["done"] for one in said if one.get("running")][-1] == 6
    last = said[-1]
    assert "error" not in last and last["n"] == 3 and "too few" in last["said"][0]
    rows = {row[0]: row for row in last["tables"][0]["rows"]}
    assert rows["dead"][4]
    words = shlex.split(last["command"])
    assert words[:3] == ["safepassage", "compare", "tiny_town"] and "run.duration_h=0.2" in words
    assert (tmp_path / "comparisons" / "1" / "runs.parquet").exists() or list(
        (tmp_path / "comparisons" / "1").iterdir()
    )


def test_the_table_is_told_in_the_language_of_the_page(comparer):
    comparer, said = comparer
    say = Language("uk")
    comparer.start("tiny_town", [SHUT], {"run.duration_h": 0.2}, 3, say)
    comparer._thread.join()
    rows = [row[0] for row in said[-1]["tables"][0]["rows"]]
    assert say("dead") in rows and len(rows) > 10
    assert [row for row in rows if re.search(r"[A-Za-z]", row)] == []
    assert not re.search(r"[a-z]{4}", " ".join(said[-1]["warnings"]).replace("Circ", "")) and say.missing == set()


def test_a_comparison_can_be_stopped_and_a_wrong_plan_is_told(comparer):
    comparer, said = comparer
    comparer.start("tiny_town", [SHUT], {"run.duration_h": 0.1}, 50)
    comparer.stop()
    comparer._thread.join()
    assert "Stopped" in said[-1]["error"]
    wrong = SHUT | {"closures": {"exits": [{"name": "no such road"}]}}
    comparer.start("tiny_town", [wrong], {"run.duration_h": 0.1}, 2)
    comparer._thread.join()
    assert "no such road" in said[-1]["error"]
    with pytest.raises(ScenarioError, match="nothing to compare"):
        comparer.start("tiny_town", [], {}, 2)


def test_what_was_done_on_the_page_is_what_is_compared(monkeypatch):
    session = Session("tiny_town")
    session.choices.change("run.seed", 5)
    session.start()
    started = []
    monkeypatch.setattr(session.comparer, "start", lambda *given: started.append(given))
    session.compare(50)
    assert started[-1][1] == []
    session.run.do(0, {"kind": "exit", "name": "North road", "close": True})
    session.compare(50)
    scenario, plans, changes, seeds, _ = started[-1]
    assert (scenario, changes, seeds) == ("tiny_town", {"run.seed": 5}, 50)
    assert [plan["closures"]["exits"][0]["name"] for plan in plans] == ["North road"]
    session.close()
