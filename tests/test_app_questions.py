"""Four questions as plans to fill in, beside what runs."""

import numpy as np
import pytest
import yaml

from safepassage.agents.civilians import Status
from safepassage.app import session as tabs
from safepassage.app.questions import QUESTIONS
from safepassage.app.scenes.difference import FEW_RESIDENTS, _counts, squares
from safepassage.app.session import Session
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setattr(tabs, "PLANS", tmp_path / "plans")
    one = Session("tiny_town")
    one.start()
    yield one
    one.close()


def plan_of(session):
    return yaml.safe_load(session.asker.question.path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", QUESTIONS)
def test_one_click_fills_a_plan_that_runs_beside_the_scenario(session, name):
    session.asker.ask(name, session, ())
    choices = session.choices
    assert choices.problems == {} and choices.is_changed and choices.compare == str(session.asker.question.path)
    assert choices.compare in choices.plans()
    left, right = EvacuationModel(choices.scenario()).settings, EvacuationModel(choices.rival()).settings
    assert left.plan != right.plan == session.asker.question.path.stem
    assert session.asker.told(Language("uk"))["items"], "something can be edited"


def test_an_order_comes_earlier_and_what_is_edited_is_what_runs(session):
    before = load("tiny_town").orders[0]
    session.asker.ask("earlier_order", session, ())
    assert plan_of(session)["orders"][0]["issued_h"] < before.issued_h
    session.asker.change({"path": "orders.0.issued_h", "value": 0.1}, session.choices)
    session.asker.change({"path": "orders.0.compliance", "value": 0.5}, session.choices)
    order = session.choices.rival().orders[0]
    assert (order.issued_h, order.compliance) == (0.1, 0.5)


def test_a_wrong_value_is_explained_and_the_plan_stays_as_it_was(session):
    session.asker.ask("earlier_order", session, ())
    before = plan_of(session)
    session.asker.change({"path": "orders.0.compliance", "value": 7}, session.choices)
    assert "compliance" in session.choices.problems["question"] and plan_of(session) == before


def test_a_question_keeps_what_was_done_and_roads_picked_one_after_the_other_add_up(session):
    session.run.do(0, {"kind": "exit", "name": "North road", "close": True})
    streets = session.model.streets
    ends = [
        [streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]]]
        for link in (4, 40)
    ]
    for picked in ends:
        session.asker.ask("other_road", session, picked)
    closed = plan_of(session)["closures"]
    assert [one["between"] for one in closed["streets"]] == ends and closed["exits"][0]["name"] == "North road"
    session.asker.change({"path": "closures.streets.0", "drop": True}, session.choices)
    assert [one["between"] for one in plan_of(session)["closures"]["streets"]] == ends[1:]


def test_the_map_of_differences_adds_up_to_the_difference_of_those_left(session):
    session.asker.ask("earlier_order", session, ())
    session.start()
    while session.run.time_s < 5400:
        session.run.step()
    left, right = session.run.scenes
    found = squares(left, right)
    change = np.frombuffer(found["change"], "<i4").reshape(found["n"], found["n"])
    out = [int((model.people.status == Status.SAFE).sum()) for model in session.run.models]
    shown = change[change != found["none"]]
    assert out[1] > out[0] and found["right"] < found["left"]
    few = scene_squares_with_few_residents(left)
    assert abs(int(shown.sum()) - (found["right"] - found["left"])) <= few
    assert found["bounds"] == sorted(found["bounds"]) and found["bounds"][0] == -found["bounds"][3]


def scene_squares_with_few_residents(scene):
    """Return how many people live in squares that are not shown."""
    residents = _counts(scene)[1]
    return int(residents[residents < FEW_RESIDENTS].sum())
