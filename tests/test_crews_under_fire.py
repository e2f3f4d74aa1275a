"""One impact, one vehicle; crews pause under fire by the rule that holds for households; services keep the clock."""

import numpy as np
import pytest
from service_towns import ADULT, fleet, town, town_of

from safepassage.agents.civilians import Injury, Protection
from safepassage.model.draws import Keys
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.harm.injuries import HarmByImpacts, Pairs, vehicle_numbers
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.harm import Harm

BUSES = {
    "services.pickup_points": [
        {"name": "A", "latitude_deg": 45.004, "longitude_deg": -32.996},
        {"name": "B", "latitude_deg": 44.996, "longitude_deg": -33.003},
    ],
    "services.fleets": [{"name": "Bus", "n_vehicles": 4, "seats": 20, "dwell_s": 300, "hub_time_s": 1800}],
    "population.p_car": 0.2,
    "front.distances": [{"day": "2024-08-01", "distance_km": 5.0}],
    "drones.strikes_per_vehicle_minute": 0.02,
    "shelling.sources": [],
    "behaviour.decide_every_s": 1800.0,
}


def test_crews_are_in_as_much_danger_and_make_as_many_runs_whatever_the_step():
    crews, n_runs = [], []
    for step_s in (15.0, 60.0, 300.0, 900.0, 1800.0):
        model = EvacuationModel("tiny_town", **BUSES, **{"run.step_s": step_s}).run()
        crews.append(sum(v.expected_crew_casualties for v in model.services.vehicles))
        n_runs.append(sum(len(v.runs) for v in model.services.vehicles))
    assert crews[0] > 0.3 and min(n_runs) > 10
    assert crews == pytest.approx([crews[0]] * 5, rel=0.01) and n_runs == [n_runs[0]] * 5


def in_one_vehicle(n_cars, share):
    """Return who of two people in each of many cars an impact hurts, and their probability."""
    harm = Harm(casualty_scale=1.0, share_of_vehicle_luck=share)
    by = HarmByImpacts(harm, 3, np.zeros(n_cars), np.zeros(n_cars), np.arange(0, 2 * n_cars + 1, 2))
    impacts = Impacts(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1, np.int8), np.zeros(1, np.int32))
    person = np.arange(2 * n_cars, dtype=np.int32)
    pairs = Pairs(np.zeros(person.size, np.int32), person, np.full(person.size, 20.0))
    keys = Keys(np.repeat(np.arange(n_cars, dtype=np.uint32), 2), np.zeros(person.size, np.uint32))
    injury, when_s = np.zeros(person.size, np.int8), np.full(person.size, np.inf)
    protection = np.full(person.size, Protection.VEHICLE, np.int8)
    by.injure(injury, when_s, impacts, pairs, protection, (np.arange(person.size), keys))
    return injury.reshape(-1, 2), float(by.risks(impacts, pairs, protection)[0]), keys


def test_people_in_one_vehicle_are_hurt_together_as_often_as_they_share_its_luck_and_each_as_often_as_before():
    n = 40_000
    for share in (0.0, 0.7, 1.0):
        injury, p, _ = in_one_vehicle(n, share)
        hurt = injury != Injury.NONE
        both = hurt.all(axis=1).mean()
        assert hurt.mean() == pytest.approx(p, abs=4 * np.sqrt(p / n))
        assert both == pytest.approx(share**2 * p + (1 - share**2) * p**2, abs=4 * np.sqrt(p / n))
        fatal = (injury == Injury.FATAL).sum() / hurt.sum()
        assert fatal == pytest.approx(Harm().share_fatal, abs=0.02)


def test_with_all_luck_shared_just_those_are_hurt_whose_vehicle_is_put_out_of_action():
    injury, p, keys = in_one_vehicle(1000, 1.0)
    is_lost = vehicle_numbers(3, keys, 0).reshape(-1, 2) < p
    assert np.array_equal(injury != Injury.NONE, is_lost)


def bus_at_stop(**changes):
    """Return a model whose bus boards at the square, and the bus."""
    model = town(town_of([[ADULT]] * 10), [fleet(dwell_s=600, seats=20)], **changes)
    bus = model.services.vehicles[0]
    while not bus.seats.aboard:
        model.step()
    return model, bus


def test_a_crew_that_hears_an_impact_stays_in_cover_until_a_lull_and_then_goes_on():
    left_s = []
    for hears in (False, True):
        model, bus = bus_at_stop(**{"harm.rooms.lull_patience_s": 1e12})
        if hears:
            place = model.under_fire.whereabouts.place_of_vehicle(bus)
            model.under_fire.vehicles.hear(*place, model.time_s + 540.0, model.under_fire.whereabouts.place_of_vehicle)
            bus.lull_wanted_s = 1200.0
            quiet_s = model.time_s + 540.0 + 1200.0
        while bus.node >= 0:
            model.step()
        left_s.append(model.time_s)
    assert left_s[0] < quiet_s - 600.0 and quiet_s <= left_s[1] <= quiet_s + 60.0


def test_a_crew_in_cover_is_as_safe_as_the_place_where_it_waits_and_others_are_not_alarmed():
    model, bus = bus_at_stop()
    crews, place_of = model.under_fire.vehicles, model.under_fire.whereabouts.place_of_vehicle
    x_m, y_m = place_of(bus)
    crews.hear(x_m + 1200.0, y_m, model.time_s, place_of)
    assert not crews.is_in_cover(bus, model.time_s)
    at_the_wheel = crews._crew_factor(bus)
    crews.hear(x_m, y_m, model.time_s, place_of)
    assert crews.is_in_cover(bus, model.time_s) and bus.lull_wanted_s > 0
    assert (at_the_wheel, crews._crew_factor(bus)) == (1.0, 0.3)
