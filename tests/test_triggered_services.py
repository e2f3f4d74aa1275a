"""Trains, hours of services and crews that wait for a trigger."""

import numpy as np
import pytest
from service_towns import ADULT, DRIVE_S, POINT, tables, write_town

from safepassage.agents.civilians import Status
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import InvalidScenario, load

HOUR_S = 3600.0
FAR = {"distances": [{"day": "2024-08-01", "distance_km": 40.0}]}
AT_9 = {"name": "nine", "front_within_km": 99, "known_after_h": 3}
"""It acts at 09:00, three hours after the start."""
TRAIN = {"name": "Station", "node": "square", "seats": 50, "departures": ["08:00", "10:00", "12:00"], "early_s": 600}
BUS = {"name": "Buses", "n_vehicles": 1, "seats": 40, "depot": {"node": "exit"}, "dwell_s": 0}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Return the file of a town of ten adults without cars at its square."""
    return write_town(tmp_path_factory.mktemp("town"), [[ADULT]] * 10)


def run(town, services, triggers=(AT_9,), **keys):
    scenario = load(town, {"front": FAR, "triggers": list(triggers), "services": services, **keys})
    return EvacuationModel(scenario).run()


def out_h(model):
    """Return the hours after the start at which people came to safety, each once."""
    out_s = tables(model)["persons"]["safe_time_s"]
    return np.unique(np.round(out_s[np.isfinite(out_s)] / HOUR_S, 2)).tolist()


def test_no_train_leaves_before_the_trigger_acts_that_it_waits_for(town):
    assert out_h(run(town, {"trains": [TRAIN]})) == [2.0]
    assert out_h(run(town, {"trains": [TRAIN | {"begins_after": "nine"}]})) == [4.0]


def test_no_train_leaves_once_the_trigger_has_acted_with_which_they_end(town):
    late = TRAIN | {"departures": ["10:00"], "ends_after": "nine"}
    model = run(town, {"trains": [late]})
    assert out_h(model) == [] and model.services.trains.booked == {}
    assert out_h(run(town, {"trains": [TRAIN | {"ends_after": "nine"}]})) == [2.0]


def test_who_had_a_seat_on_a_train_that_is_cancelled_takes_another_way(town):
    late = TRAIN | {"departures": ["12:00"], "ends_after": "nine"}
    bus = BUS | {"hours": [{"after": "nine"}]}
    model = run(town, {"trains": [late], "pickup_points": [POINT], "fleets": [bus]})
    assert (model.people.status == Status.SAFE).all()
    assert min(out_h(model)) > 3.0 and max(out_h(model)) < 7.0


def test_hours_of_a_fleet_begin_and_end_with_triggers(town):
    stop = {"pickup_points": [POINT]}
    begun = run(town, stop | {"fleets": [BUS | {"hours": [{"after": "nine"}]}]})
    assert 3.0 < min(out_h(begun)) < 3.0 + 3 * DRIVE_S / HOUR_S + 0.2
    never = {"name": "never", "after": "nine", "share_left_below": 0.01}
    waits = stop | {"fleets": [BUS | {"hours": [{"after": "never"}]}]}
    assert out_h(run(town, waits, (AT_9, never))) == []
    ended = BUS | {"hours": [{"from_time": "09:30", "until_time": "12:00", "ends_after": "nine"}]}
    assert out_h(run(town, stop | {"fleets": [ended]})) == []


def test_a_pickup_point_opens_with_a_trigger(town):
    model = run(town, {"pickup_points": [POINT | {"hours": [{"after": "nine"}]}], "fleets": [BUS]})
    assert min(out_h(model)) > 3.0 and (model.people.status == Status.SAFE).all()


def test_clearing_crews_are_called_with_a_trigger(town):
    order = {"name": "Main Street", "after": "nine", "n_more_crews": 2}
    ends = {"between": ["exit", "square"]}
    keys = {"damage.crews.orders": [{k: v for k, v in order.items() if k != "name"} | ends]}
    n_crews = []
    scenario = load(town, {"front": FAR, "triggers": [AT_9], **keys})
    EvacuationModel(scenario).run(on_step=lambda m: n_crews.append((m.time_s, m.surroundings.damage.crews.n)))
    assert {n for time_s, n in n_crews if time_s < 3 * HOUR_S} == {0}
    assert {n for time_s, n in n_crews if time_s > 3 * HOUR_S + 600} == {2}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("services.trains", [TRAIN | {"begins_after": "ten"}]),
        ("services.trains", [TRAIN | {"ends_after": "ten"}]),
        ("services.pickup_points", [POINT | {"hours": [{"ends_after": "ten"}]}]),
        ("services.ambulances.hours", [{"after": "ten"}]),
        ("damage.crews.orders", [{"between": ["exit", "square"], "after": "ten"}]),
    ],
)
def test_a_trigger_that_is_not_there_is_refused(town, key, value):
    with pytest.raises(InvalidScenario, match="'ten': there is no such trigger; there are nine"):
        load(town, {"front": FAR, "triggers": [AT_9], key: value})
