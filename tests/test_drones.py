from datetime import date, datetime, time
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from safepassage.model.hazard.drones import DroneField
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import Drones

NOON_S, MIDNIGHT_S = 12 * 3600.0, 24 * 3600.0
EVERY = np.arange(4)
NAMES = ["Main Street", "Main Street", "Side Street", ""]


def field(**settings):
    rates = {"strikes_per_vehicle_minute": 0.06, "strikes_per_walker_minute": 0.012, "reach_km": 10.0}
    run = SimpleNamespace(start=datetime(2024, 8, 1), duration_h=72)
    return DroneField(Drones(**{**rates, **settings}), run, "Europe/Kyiv", NAMES)


def test_the_rate_falls_linearly_from_the_front_to_nothing_at_its_reach():
    rate_per_s = field().rate_per_s(EVERY, np.array([-2.0, 0.0, 5.0, 10.0]), NOON_S)
    np.testing.assert_allclose(rate_per_s, [1e-3, 1e-3, 0.5e-3, 0.0])


def test_walkers_have_a_rate_of_their_own():
    np.testing.assert_allclose(field().rate_per_s(EVERY, np.zeros(4), NOON_S, walking=True), 0.2e-3)


def test_there_are_no_drones_unless_a_scenario_says_so():
    run = SimpleNamespace(start=datetime(2024, 8, 1), duration_h=72)
    nothing = DroneField(Drones(), run, "Europe/Kyiv", NAMES)
    assert (nothing.rate_per_s(EVERY, np.zeros(4), NOON_S) == 0).all()
    assert (nothing.rate_per_s(EVERY, np.zeros(4), NOON_S, walking=True) == 0).all()


@pytest.mark.parametrize(("hour", "factor"), [(5.99, 0.5), (6, 1), (19.99, 1), (20, 0.5), (24, 0.5), (30, 1)])
def test_the_night_is_safer_by_its_factor(hour, factor):
    assert field(night_factor=0.5).time_factor(hour * 3600) == factor


def test_fog_lowers_the_rate_while_it_lasts():
    foggy = field(fog=[{"start": datetime(2024, 8, 1, 10), "end": datetime(2024, 8, 1, 14)}], fog_factor=0.2)
    factors = [foggy.time_factor(hour * 3600) for hour in (9.9, 10, 13.9, 14)]
    assert factors == [1, 0.2, 0.2, 1]


def test_nets_find_their_street_whatever_the_case_of_its_letters():
    rates = [
        field(nets=[{"streets": [name]}]).rate_per_s(EVERY, np.zeros(4), NOON_S)
        for name in ("Main Street", "MAIN street")
    ]
    np.testing.assert_array_equal(*rates)
    assert rates[0][0] < rates[0][2]


def test_nets_protect_their_street_from_the_day_they_hang():
    nets = [{"streets": ["Main Street"], "first_day": date(2024, 8, 2), "factor": 0.3}]
    netted = field(nets=nets)
    np.testing.assert_allclose(netted.rate_per_s(EVERY, np.zeros(4), NOON_S), 1e-3)
    np.testing.assert_allclose(netted.rate_per_s(EVERY, np.zeros(4), NOON_S + 86400), [0.3e-3, 0.3e-3, 1e-3, 1e-3])
    some = netted.rate_per_s(np.array([1, 2]), np.zeros(2), NOON_S + 86400)
    np.testing.assert_allclose(some, [0.3e-3, 1e-3])
    twice = field(nets=[{"streets": ["Main Street"], "factor": f} for f in (0.5, 0.2)])
    np.testing.assert_allclose(twice.rate_per_s(EVERY, np.zeros(4), NOON_S), [0.2e-3, 0.2e-3, 1e-3, 1e-3])


def test_nets_over_a_street_that_is_not_on_the_map_are_refused():
    with pytest.raises(ScenarioError, match="no street is called 'Maine Street'"):
        field(nets=[{"streets": ["Maine Street"]}])


def test_a_day_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValidationError, match="day_until"):
        Drones(day_from=time(9), day_until=time(8))
