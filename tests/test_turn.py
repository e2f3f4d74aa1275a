"""A turn of many minutes against its slow twin, in which each minute is a turn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Status
from safepassage.agents.households import Household
from safepassage.agents.shelling import ShellingEvent
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results import columns
from safepassage.model.services.services import Services
from safepassage.model.turn import EVENT_MATTERS_S

ROADS = [
    {"name": "North road", "latitude_deg": 45.011242, "longitude_deg": -33.002289,
     "onward": [{"to": "A", "length_km": 60, "bearing_deg": 0}]},
    {"name": "South road", "latitude_deg": 44.989658, "longitude_deg": -32.987918,
     "onward": [{"to": "B", "length_km": 40, "bearing_deg": 180}]},
]  # fmt: skip
SPARSE = {
    "run.duration_h": 8.0, "run.step_s": 1800, "movement.walk_out_limit_m": 0.0, "streets.exits": ROADS,
    "shelling.sources": [{"kind": "process", "share_near_people": 1, "events_per_day": 30}],
    "orders": [{"issued_h": 0.2, "compliance": 0.3}], "behaviour.preparation_median_s": 10800,
}  # fmt: skip
"""A few cars on long roads out of a town."""
NEAR_FRONT = {
    "front.distances": [{"day": "2024-08-01", "distance_km": 5.0}, {"day": "2024-08-02", "distance_km": 4.0}],
    "front.closes_to_vehicles_within_km": 0.0, "front.closes_to_walkers_within_km": 0.0, "drones.reach_km": 9.0,
}  # fmt: skip
CLOSURE = {"closures.exits": [{"name": "North road", "from_h": 1.0, "until_h": 3.0}], "damage.crews.n_crews": 2}


def town(**changes):
    return EvacuationModel("tiny_town", **{**SPARSE, **changes})


def by_minutes(model):
    """Let each minute of a model be a turn of its own in which every part has its turn."""
    model.turn._n_minutes = lambda next_s, until_s: 0
    model.turn._let_leave = lambda minute_s, others_s: False
    return model


def minutes_at_once(model):
    """Run a model and return the numbers of minutes of its turns in which cars only drove on."""
    found, drive_on = [], model.turn._drive_on
    model.turn._drive_on = lambda *until_s: found.append(drive_on(*until_s)) or found[-1]
    model.run()
    return found


def turns_of(model, until_s):
    """Run a model to a time and return when each of its turns began (s)."""
    began_s, take = [], model.turn.take
    model.turn.take = lambda until_s: began_s.append(model.time_s) or take(until_s)
    while model.time_s < until_s:
        model.step()
    return began_s


def one_leaves(decision_s, departure_s):
    """Return a town an hour from its start in which nothing happens but that one household decides and leaves, and the
    row of that household."""
    calm = {"orders": [], "shelling.sources": [], "run.step_s": 3600, "behaviour.decide_every_s": 36000.0}
    model = EvacuationModel("tiny_town", **{**SPARSE, **calm})
    household = model.agents_by_type[Household].select(lambda one: one.has_car)[0]
    household.decision_time_s, household.departure_time_s = decision_s, departure_s
    model.step()
    model.population.stand(np.empty(0, np.int64))  # after an edit from outside anybody might stand without a way on
    return model, household.row


def digests(model):
    return {name: columns.digest(table) for name, table in model.recorder.tables().items()}


def test_a_quiet_hour_is_one_turn_at_whose_end_is_done_what_is_due():
    far = {"front.distances": [{"day": "2024-08-01", "distance_km": 50.0}, {"day": "2024-08-02", "distance_km": 49.0}]}
    calm = {"orders": [], "shelling.sources": [], "run.step_s": 3600, "behaviour.decide_every_s": 36000.0}
    model = town(**far, **calm)
    measured_s, near = [], model.surroundings.links_near_front.near
    model.surroundings.links_near_front.near = lambda time_s: measured_s.append(time_s) or near(time_s)
    began_s = turns_of(model, 7 * 3600.0)
    assert began_s[1:] == [hour * 3600.0 for hour in range(1, 7)]
    assert set(began_s[1:]) <= set(measured_s)


def test_an_impact_is_an_agent_for_six_hours():
    model = town(**{"run.duration_h": 24.0, "run.step_s": 600})
    n_most, n_impacts = 0, 0
    while model.running:
        model.step()
        n_most, n_impacts = max(n_most, len(model.shelling_events)), model.turn.next_row
        assert all(event.time_s >= model.time_s - EVENT_MATTERS_S for event in model.shelling_events)
        assert set(model.agents_by_type.get(ShellingEvent, ())) == set(model.shelling_events)
    assert 0 < n_most < n_impacts


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    step_s=st.sampled_from([60, 450, 600, 3600]),
    strikes=st.sampled_from([0.0, 0.02, 0.3]),
    is_closed=st.booleans(),
    live_share=st.sampled_from([0.0, 0.5]),
    n_ambulances=st.integers(0, 2),
)
def test_minutes_in_one_turn_leave_what_they_leave_one_by_one(
    seed, step_s, strikes, is_closed, live_share, n_ambulances
):  # fmt: skip
    changes = {
        "run.seed": seed, "run.step_s": step_s, "movement.live_news_share": live_share,
        "services.ambulances.n": n_ambulances, **(NEAR_FRONT if strikes else {}),
        "drones.strikes_per_vehicle_minute": strikes, **(CLOSURE if is_closed else {}),
    }  # fmt: skip
    assert digests(town(**changes).run()) == digests(by_minutes(town(**changes)).run())


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32), live_share=st.sampled_from([0.2, 0.8]))
def test_looks_that_concern_nobody_leave_what_looks_leave_at_which_all_are_told(seed, live_share):
    changes = {"run.seed": seed, "movement.live_news_share": live_share, **CLOSURE}
    quick, slow = town(**changes), town(**changes)
    slow.movement.ways.cars.has_choice[:] = True
    told = [[], []]
    for calls, model in zip(told, (quick, slow), strict=True):
        see = model.movement.ways.see_queues
        model.movement.ways.see_queues = lambda tables, calls=calls, see=see: calls.append(tables) or see(tables)
    assert digests(quick.run()) == digests(slow.run())
    assert len(told[0]) < len(told[1])


def test_most_minutes_in_which_a_few_cars_drive_pass_several_at_a_time():
    quick, slow = town(), by_minutes(town())
    found = minutes_at_once(quick)
    assert digests(quick) == digests(slow.run())
    assert max(found) > 2 and sum(found) > 2 * len(found)


class DueSoon(Services):
    """Services that may always have something to do a minute and a half later."""

    next_s = property(lambda self: self.model.time_s + 90.0)


def test_cars_drive_on_to_the_end_of_the_minute_in_which_services_have_something_to_do():
    model = town()
    model.services.__class__ = DueSoon
    minutes = minutes_at_once(model)
    assert max(minutes) == 2 and minutes.count(2) > 20


def test_nobody_looks_for_what_is_due_at_the_end_of_minutes_in_which_people_only_drive_on_or_out():
    model, ends_s = town(), []
    end = model.turn._end
    model.turn._end = lambda until_s: ends_s.append(until_s) or end(until_s)
    found = minutes_at_once(model)
    arrival_s = model.parties.arrival_time_s[np.isfinite(model.parties.arrival_time_s)]
    assert len(set(np.ceil(arrival_s / 60.0) * 60.0) - set(ends_s)) > 10  # who has left the area concerns nobody
    assert len(ends_s) < 0.5 * len(found)


def test_a_turn_of_many_minutes_ends_with_the_minute_in_which_somebody_arrives():
    model, ends_s = town(), []
    drive_on = model.turn._drive_on

    def noted(*until_s):
        n_safe = np.isfinite(model.parties.arrival_time_s).sum()
        n = drive_on(*until_s)
        arrived_s = model.parties.arrival_time_s[np.isfinite(model.parties.arrival_time_s)]
        if arrived_s.size > n_safe:
            ends_s.append((model.time_s, arrived_s.max()))
        return n

    model.turn._drive_on = noted
    model.run()
    assert len(ends_s) > 3
    for end_s, arrived_s in ends_s:
        assert end_s == pytest.approx(np.ceil(arrived_s / 60.0) * 60.0)


def test_the_minute_in_which_a_household_drives_off_is_one_with_those_in_which_it_drives():
    model, household = one_leaves(decision_s=1800.0, departure_s=4830.0)
    assert turns_of(model, 7200.0) == [3600.0, 4800.0]
    assert model.parties.is_on_way[household]


def test_to_be_shown_as_preparing_is_no_turn():
    model, household = one_leaves(decision_s=4300.0, departure_s=9000.0)
    first = model.households.first_person[household]
    assert model.people.status[first] == Status.HOME
    assert turns_of(model, 7200.0) == [3600.0]
    assert model.people.status[first] == Status.PREPARING
