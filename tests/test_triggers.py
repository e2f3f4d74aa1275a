"""Triggers: plans that react to what authorities come to know."""

import numpy as np
import pytest

from safepassage.agents.civilians import Status
from safepassage.app.told.log import EventLog
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import InvalidScenario, load
from safepassage.model.state.past import common_until_s

HOUR_S = 3600.0
COMING = {"distances": [{"day": "2024-08-01", "distance_km": 12}, {"day": "2024-08-02", "distance_km": 0}]}
"""A front that comes nearer by half a kilometre an hour, and is some 9 km from the eastern homes at 06:00."""


def tiny(triggers, hours=6.0, **keys):
    settings = {
        "triggers": triggers, "shelling.sources": [], "run.duration_h": hours, "run.step_s": 600, "orders": [], **keys,
    }  # fmt: skip
    return EvacuationModel("tiny_town", **settings)


def test_an_order_goes_out_when_the_front_has_come_near_and_authorities_know():
    near = {"name": "near", "front_within_km": 7.0, "known_after_h": 1, "lead_time_h": 0.5}
    model = tiny([near], front=COMING, orders=[{"after": "near", "compliance": 1.0}])
    away_km = model.surroundings.homes_to_front.distance_km
    seen_h = next(hour for hour in range(6) if away_km(hour * HOUR_S).min() <= 7.0)
    model.run()
    assert seen_h > 0 and model.authorities.triggers.acts_s == {"near": (seen_h + 1.5) * HOUR_S}
    told = model.information.told
    assert len(told) == 1 and told[0].heard_s.min() > model.authorities.triggers.acts_s["near"]
    assert model.departures.warning_time_s == model.authorities.triggers.acts_s["near"]
    assert any("'near' acted at 2024-08-01" in line for line in model.report())


def test_a_trigger_that_never_holds_does_not_act_and_the_report_says_so():
    model = tiny([{"name": "near", "front_within_km": 0.1}], front=COMING, orders=[{"after": "near"}]).run()
    assert model.authorities.triggers.acts_s == {} and model.information.told == []
    assert any("'near' did not act" in line for line in model.report())


def test_the_moment_of_a_trigger_does_not_hang_on_the_step():
    near = {"name": "near", "front_within_km": 7.0, "known_after_h": 0.25}
    every_minute, each_quarter = (tiny([near], front=COMING, **{"run.step_s": step_s}).run() for step_s in (60, 900))
    assert every_minute.authorities.triggers.acts_s == each_quarter.authorities.triggers.acts_s != {}


def test_impacts_of_a_day_are_counted_in_the_zones_named():
    source = [{"kind": "process", "events_per_day": 2000, "share_near_people": 1}]
    zones = load("tiny_town").population.zones
    assert zones is not None
    few, many = ({"name": name, "impacts_per_day": n, "known_after_h": 0} for name, n in (("few", 20), ("many", 9999)))
    model = tiny([few, many], **{"shelling.sources": source, "shelling.time_zone": "UTC"}).run()
    seen = model.impacts.time_s
    acts_s = model.authorities.triggers.acts_s["few"]
    assert "many" not in model.authorities.triggers.acts_s
    assert (seen <= acts_s).sum() >= 20 and acts_s % HOUR_S == 0


def test_exits_close_and_open_when_their_triggers_act():
    first = {"name": "first", "share_left_below": 1.0, "known_after_h": 0.5}
    then = {"name": "then", "after": "first", "share_left_below": 1.0, "known_after_h": 1}
    closures = {"exits": [{"name": "North road", "closes_after": "first", "opens_after": "then"}]}
    orders = [{"issued_h": 0, "compliance": 1.0}]
    model = tiny([then, first], closures=closures, orders=orders)
    shut = []
    model.run(on_step=lambda m: shut.append((m.time_s, bool(m.surroundings.closed.exits[0]))))
    acts_s = model.authorities.triggers.acts_s
    assert 0 < acts_s["first"] < acts_s["then"]
    for time_s, is_shut in shut:
        assert is_shut == (acts_s["first"] <= time_s < acts_s["then"])


def test_a_trigger_may_wait_for_a_time_of_the_day():
    near = {"name": "near", "front_within_km": 99, "known_after_h": 0, "at_time": "08:30"}
    model = tiny([near], front=COMING).run()
    assert model.authorities.triggers.acts_s == {"near": 2.5 * HOUR_S}


def test_a_curfew_holds_from_when_its_trigger_acts():
    window = {"first_day": "2024-08-01", "from_time": "00:00", "until_time": "00:00", "after": "near"}
    near = {"name": "near", "front_within_km": 99, "known_after_h": 2}
    model = tiny([near], front=COMING, **{"curfew.windows": [window], "curfew.compliance": 1.0})
    assert model.curfew.may_move(3 * HOUR_S)
    model.run()
    assert model.curfew.may_move(1.9 * HOUR_S) and not model.curfew.may_move(2.1 * HOUR_S)
    parts = model.services.seats_sought, model.services.lifts, model.departures.way_home
    assert all(part.curfew is model.curfew for part in parts)
    assert model.population.leaving.curfew == model.curfew.as_arrays


def test_vehicles_join_a_fleet_when_a_trigger_acts():
    services = {
        "pickup_points": [{"name": "School", "latitude_deg": 45.0, "longitude_deg": -33.0}],
        "fleets": [{"name": "Buses", "n_vehicles": 1, "seats": 40}],
        "reinforcements": [{"fleet": "Buses", "n_vehicles": 3, "after": "near"}],
    }
    near = {"name": "near", "front_within_km": 99, "known_after_h": 1}
    model = tiny([near], hours=2, front=COMING, services=services)
    n_vehicles = []
    model.run(on_step=lambda m: n_vehicles.append((m.time_s, len(m.services.vehicles))))
    assert {n for time_s, n in n_vehicles if time_s < HOUR_S} == {1}
    assert {n for time_s, n in n_vehicles if time_s > HOUR_S} == {4}


def test_power_lost_anywhere_in_the_zones_lets_a_trigger_act():
    loss = [{"utility": "power", "at_h": 1.5}]
    dark = {"name": "dark", "utility_lost": "power", "known_after_h": 0}
    assert tiny([dark], **{"damage.utility_losses": loss}).run().authorities.triggers.acts_s == {"dark": 2 * HOUR_S}


def test_a_street_lost_lets_a_trigger_act():
    streets = EvacuationModel("tiny_town").streets
    link = int(np.flatnonzero(streets.drivable)[0])
    ends = [streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]]]
    lost = [{"between": ends, "at_h": 0.5, "lanes_left": 0}]
    cut = {"name": "cut", "street_lost": {"between": ends}, "known_after_h": 0.5}
    assert tiny([cut], **{"damage.dated_losses": lost}).run().authorities.triggers.acts_s == {"cut": 1.5 * HOUR_S}


@pytest.mark.parametrize(
    ("triggers", "message"),
    [
        ([{"name": "a"}], "waits for nothing"),
        ([{"name": "a", "after": "b"}, {"name": "b", "after": "a"}], "wait for each other"),
        ([{"name": "a", "after": "a"}], "wait for each other"),
        ([{"name": "a", "after": "z"}], "there is no such trigger"),
        ([{"name": "a", "share_left_below": 0.5}] * 2, "the name of two triggers"),
        ([{"name": "a", "share_left_below": 1.5}], "less than or equal to 1"),
    ],
)
def test_triggers_that_cannot_act_are_refused(triggers, message):
    with pytest.raises(InvalidScenario, match=message):
        tiny(triggers)


def test_what_waits_for_a_trigger_that_is_not_there_is_refused_by_its_key():
    with pytest.raises(InvalidScenario, match=r"orders\.0\.after = 'near'"):
        tiny([], orders=[{"after": "near"}])
    with pytest.raises(InvalidScenario, match="one way"):
        tiny([{"name": "near", "front_within_km": 5}], orders=[{"after": "near", "issued_h": 1}])


def test_a_trigger_that_names_what_the_town_does_not_have_is_refused():
    for trigger, message in (
        ({"name": "a", "front_within_km": 5}, "the scenario has no front"),
        ({"name": "a", "share_left_below": 0.5, "zones": ["Nowhere"]}, "there is no zone 'Nowhere'"),
        ({"name": "a", "street_lost": {"name": "No Such Street"}}, "no street is called"),
    ):
        with pytest.raises(ScenarioError, match=message):
            tiny([trigger])


def test_an_earlier_trigger_never_reduces_those_who_have_set_out():
    for seed in (1, 2, 3):
        gone = []
        for within_km in (9.0, 7.0):
            near = {"name": "near", "front_within_km": within_km, "known_after_h": 0}
            model = tiny([near], front=COMING, orders=[{"after": "near", "compliance": 0.7}], **{"run.seed": seed})
            counts = []
            model.run(on_step=lambda m, counts=counts: counts.append(int((m.people.status >= Status.TRAVELLING).sum())))
            gone.append(counts)
        assert np.all(np.array(gone[0]) >= gone[1]) and sum(gone[0]) > sum(gone[1])


def test_a_run_gone_on_with_from_its_state_acts_at_the_same_moment(tmp_path):
    near = {"name": "near", "front_within_km": 7.0, "known_after_h": 1}
    whole = tiny([near], front=COMING, orders=[{"after": "near"}])
    for _ in range(12):
        whole.step()
    whole.save_state(tmp_path / "state.npz")
    whole.run()
    again = EvacuationModel.from_state(tmp_path / "state.npz").run()
    assert again.authorities.triggers.acts_s == whole.authorities.triggers.acts_s != {}
    np.testing.assert_array_equal(again.people.status, whole.people.status)


def test_plans_with_different_triggers_have_no_past_in_common():
    base = load("tiny_town", {"front": COMING})
    one, other = (
        base.override({"triggers": [{"name": "near", "front_within_km": km}], "orders": [{"after": "near"}]})
        for km in (7, 8)
    )
    assert common_until_s(one, other) == 0.0


def test_the_log_of_the_page_tells_when_a_trigger_acts_and_which_orders_go_out_with_it():
    near = {"name": "near", "front_within_km": 7.0, "known_after_h": 1}
    model = tiny([near], front=COMING, orders=[{"after": "near", "compliance": 1.0}])
    log = EventLog(model)
    model.run(on_step=lambda _: log.look())
    acts_s = model.authorities.triggers.acts_s["near"]
    told = {str(event["text"]): event["time_s"] for event in log.events if event["kind"] in ("trigger", "order")}
    assert list(told) == ["Trigger near acts", "Voluntary order to all zones"]
    assert all(acts_s <= time_s <= acts_s + model.settings.run.step_s for time_s in told.values())
