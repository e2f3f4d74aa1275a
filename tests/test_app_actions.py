"""Acting while the model runs, and the plan that does it again."""

import numpy as np
import pytest
import yaml

from safepassage.app.actions import Actions, hours_not_before
from safepassage.model.config import load
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import digest
from safepassage.model.settings.base import ScenarioError

SHORT = {"run.duration_h": 2, "run.step_s": 60}


def busiest_street(model):
    streets = model.streets
    link = int(np.argmax(model.movement.driving.n_left))
    return [streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]]]


def advance(model, n_steps):
    for _ in range(n_steps):
        model.step()


def test_what_was_done_on_the_page_is_done_again_bit_for_bit_by_the_plan(tmp_path):
    model = EvacuationModel("tiny_town", **SHORT)
    actions = Actions(model)
    advance(model, 37)
    street = busiest_street(model)
    actions.do({"kind": "order", "force": "compulsory", "compliance": 0.9, "zones": [model.zones.name[0]]})
    actions.do({"kind": "exit", "name": "North road", "close": True})
    advance(model, 7)
    actions.do({"kind": "street", "between": street, "close": True, "walkers_pass": True})
    advance(model, 11)
    actions.do({"kind": "street", "between": street, "close": False})
    actions.do({"kind": "exit", "name": "North road", "close": False})
    model.run()
    path, command = actions.save("My plan!", tmp_path, {"run.seed": 4, "orders.0.compliance": 0.5})
    assert path.name == "my_plan.yaml" and "--set run.seed=4" in command and "orders.0" not in command
    again = EvacuationModel(load("tiny_town", SHORT, plan=path)).run()
    mine, theirs = model.recorder.tables(), again.recorder.tables()
    assert {name: digest(table) for name, table in mine.items()} == {n: digest(t) for n, t in theirs.items()}
    untouched = EvacuationModel("tiny_town", **SHORT).run()
    assert digest(untouched.recorder.tables()["trips"]) != digest(mine["trips"])


def test_a_plan_never_overwrites_another(tmp_path):
    actions = Actions(EvacuationModel("tiny_town", **SHORT))
    actions.do({"kind": "exit", "name": "South road", "close": True})
    first, _ = actions.save("x", tmp_path, {})
    second, _ = actions.save("x", tmp_path, {})
    assert first != second and yaml.safe_load(second.read_text())["closures"]["exits"][0]["name"] == "South road"


def test_opening_at_once_what_was_just_closed_leaves_no_closure():
    actions = Actions(EvacuationModel("tiny_town", **SHORT))
    actions.do({"kind": "exit", "name": "South road", "close": True})
    actions.do({"kind": "exit", "name": "South road", "close": False})
    assert actions.closures["exits"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "order", "zones": ["nowhere"]}, {"kind": "order", "compliance": 7}, {"kind": "fly"},
     {"kind": "exit", "name": "West road", "close": True}],
)  # fmt: skip
def test_what_cannot_be_done_is_explained_and_changes_nothing(wrong):
    model = EvacuationModel("tiny_town", **SHORT)
    actions = Actions(model)
    with pytest.raises(ScenarioError):
        actions.do(wrong)
    assert actions.log == [] and model.scenario.closures.exits == ()


def test_hours_name_no_earlier_moment():
    for tick in range(1, 5000, 7):
        assert hours_not_before(60.0 * tick) * 3600.0 >= 60.0 * tick
        assert hours_not_before(60.0 * tick) * 3600.0 < 60.0 * tick + 1e-4
