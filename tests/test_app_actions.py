"""Acting while the model runs, and the plan that does it again."""

import shlex

import numpy as np
import pytest
import yaml
from service_towns import ADULT, AMBULANCES, ASSISTED, POINT, digests, fleet, town_of

from safepassage.agents.civilians import Status
from safepassage.app.actions import Actions, hours_not_before, in_zone
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.columns import digest
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load

SHORT = {"run.duration_h": 2, "run.step_s": 60}


def busiest_street(model):
    streets = model.streets
    link = int(np.argmax(model.movement.driving.view.n_left))
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
    assert actions.log == [] and model.settings.closures.exits == ()


def test_hours_name_no_earlier_moment():
    for tick in range(1, 5000, 7):
        assert hours_not_before(60.0 * tick) * 3600.0 >= 60.0 * tick
        assert hours_not_before(60.0 * tick) * 3600.0 < 60.0 * tick + 1e-4


def street_under_rubble(model):
    """Return the link, and the ids of the ends, of the street closed by rubble last."""
    streets = model.streets
    link = int(np.flatnonzero(streets.drivable & ~model.surroundings.damage.is_open_car)[-1])
    ends = [streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]]]
    return link, ends


def test_a_street_cleared_first_is_cleared_first_again_by_the_plan_and_costs_crew_time(tmp_path):
    shelled = {"run.duration_h": 4, "shelling.sources.0.events_per_day": 7000, "damage.debris.p_collapse": [0.5, 1, 1]}
    model = EvacuationModel("tiny_town", **shelled)
    actions = Actions(model)
    advance(model, 65)
    link, ends = street_under_rubble(model)
    damage = model.surroundings.damage
    street = int(damage.street[link])
    with pytest.raises(ScenarioError, match="no crew to clear it"):
        actions.do({"kind": "clear", "between": ends})
    rubble_m = damage.crews.left_m(street)
    actions.do({"kind": "clear", "between": ends, "n_more_crews": 1})
    assert "more crews: 1" in actions.log[0]
    advance(model, 1)
    lasts_s = damage.opens_at_s([link])[0] - 65 * 60
    assert lasts_s == pytest.approx(rubble_m / 10.0 * 3600, abs=0.01), "10 m an hour and crew, as in the scenario"
    model.run()
    path, _ = actions.save("clear", tmp_path, {})
    again = EvacuationModel(load("tiny_town", shelled, plan=path)).run()
    assert digests(again) == digests(model)
    changes = model.recorder.tables()["street_changes"].to_pandas()
    assert link in changes[~changes.is_closed_to_cars].link.tolist()
    untouched = EvacuationModel("tiny_town", **shelled).run().recorder.tables()["street_changes"].to_pandas()
    assert not (~untouched.is_closed_to_cars).any()


def test_buses_added_on_the_page_are_added_again_by_the_plan(tmp_path):
    people = [[ADULT, ADULT]] * 14 + [[ASSISTED]] * 3
    path = town_of(people, node="end")
    vans = fleet(name="Vans", serves="door_to_door")
    given = {
        "services.pickup_points": [POINT], "services.fleets": [fleet(), vans],
        **AMBULANCES, "run.duration_h": 5,
        "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 50}],
    }  # fmt: skip
    model = EvacuationModel(load(path, given))
    actions = Actions(model)
    advance(model, 45)
    actions.do({"kind": "buses", "fleet": "Bus", "n": 2})
    actions.do({"kind": "buses", "fleet": "Vans", "n": 1, "at": "Square"})
    advance(model, 60)
    actions.do({"kind": "buses", "fleet": "Bus", "n": 1, "at": "Square"})
    model.run()
    plan, _ = actions.save("more", tmp_path, {})
    again = EvacuationModel(load(path, given, plan=plan)).run()
    assert digests(again) == digests(model)
    runs = model.recorder.tables()["services"].to_pandas()
    started = runs[runs.vehicle.isin(["Bus 2", "Bus 3", "Vans 2"])].start_s
    assert started.size and started.min() >= 45 * 60
    alone = EvacuationModel(load(path, given)).run().recorder.tables()["services"].to_pandas()
    before = [table[table.start_s < 45 * 60].reset_index(drop=True) for table in (alone, runs)]
    assert len(before[0]) == 2 and before[0].equals(before[1])


def test_buses_come_to_a_fleet_that_had_none(tmp_path):
    path = town_of([[ADULT, ADULT]] * 5, node="end")
    given = {"services.pickup_points": [POINT], "services.fleets": [fleet(n_vehicles=0)]}
    model = EvacuationModel(load(path, given))
    actions = Actions(model)
    advance(model, 40)
    actions.do({"kind": "buses", "fleet": "Bus", "n": 1})
    model.run()
    plan, _ = actions.save("first", tmp_path, {})
    assert digests(EvacuationModel(load(path, given, plan=plan)).run()) == digests(model)
    assert model.recorder.n_by_status[Status.SAFE] == 10


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"fleet": "Taxis", "n": 1}, "there is no fleet 'Taxis'; the fleets are Bus"),
     ({"fleet": "Bus", "n": 0}, "n_vehicles"), ({"fleet": "Bus", "n": 1, "at": "Moon"}, "no pickup point 'Moon'")],
)  # fmt: skip
def test_buses_that_cannot_come_are_explained(wrong, words):
    model = EvacuationModel(load(town_of([[ADULT]]), {"services.pickup_points": [POINT], "services.fleets": [fleet()]}))
    actions = Actions(model)
    with pytest.raises(ScenarioError, match=words):
        actions.do({"kind": "buses", **wrong})
    assert actions.log == [] and model.settings.services.reinforcements == ()


def test_a_town_without_buses_says_so():
    with pytest.raises(ScenarioError, match="no buses to add to"):
        Actions(EvacuationModel("tiny_town", **SHORT)).do({"kind": "buses", "fleet": "Bus", "n": 1})


def test_nothing_is_done_after_the_end_but_the_plan_can_still_be_saved(tmp_path):
    actions = Actions(EvacuationModel("tiny_town", **SHORT))
    actions.do({"kind": "exit", "name": "South road", "close": True})
    actions.model.run()
    with pytest.raises(ScenarioError, match="the run is over"):
        actions.do({"kind": "order"})
    assert len(actions.log) == 1
    path, command = actions.save("a" * 300, tmp_path / "my plans", {"shelling.time_zone": "a b"})
    assert yaml.safe_load(path.read_text())["closures"]["exits"][0]["name"] == "South road"
    assert shlex.split(command)[-3:] == [str(path), "--set", "shelling.time_zone=a b"]


def test_the_streets_of_a_zone_are_closed_by_one_act_and_the_plan_names_each():
    model = EvacuationModel("tiny_town")
    actions, zone = Actions(model), model.zones.name[0]
    within = in_zone(model, zone)
    act = {"kind": "zone", "name": zone, "what": "streets"}
    assert str(actions.do({**act, "close": True, "walkers_pass": True})) == f"close streets of zone {zone} to cars"
    model.step()
    written = actions.plan("shut")["closures"]["streets"]
    assert [one["between"] for one in written] == [one["between"] for one in within["streets"]]
    assert all(one["walkers_pass"] for one in written)
    shut = np.unique(model.streets.link_street[model.surroundings.closed.cars])
    assert shut.size == len(written) and not model.surroundings.closed.walkers.any()
    with pytest.raises(ScenarioError, match="nothing more to close"):
        actions.do({**act, "close": True})
    actions.do({**act, "close": False})
    model.step()
    assert not model.surroundings.closed.cars.any()
