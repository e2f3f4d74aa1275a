import numpy as np
import pytest
from service_towns import ADULT, ASSISTED, fleet, town, town_of

from safepassage.agents.civilians import Status
from safepassage.agents.households import Household
from safepassage.model.evacuation import EvacuationModel

SHELTERS = [{"name": "School", "x_m": 499887.0, "y_m": 4983209.0, "capacity": 200}]


@pytest.fixture(scope="module")
def busy_towns():
    """Return a town with people on the road, at home and in shelters, and one with people at a stop and aboard."""
    under_fire = {"shelters.places": SHELTERS, "shelters.share_who_go": 0.9, "shelters.walking_distance_m": 1500.0}
    model = EvacuationModel("tiny_town", **under_fire)
    while model.movement.n_moving < 30 or not (model.people.status == Status.SHELTERING).any():
        model.step()
    persons = [[ADULT]] * 30 + [[ADULT, ASSISTED]] * 4
    served = town(town_of(persons), [fleet(), fleet(name="Vans", serves="door_to_door")])
    while not any(v.seats.aboard for v in served.services.vehicles) or not served.services.stops[0].waiting:
        served.step()
    return model, served


def test_the_search_finds_exactly_those_whose_own_place_is_within_reach(busy_towns):
    for model in busy_towns:
        whereabouts = model.under_fire.whereabouts
        living = np.flatnonzero((model.people.status != Status.SAFE) & (model.people.status != Status.DEAD))
        places = {int(person): whereabouts.place_of(int(person)) for person in living}
        known = {person: place for person, place in places.items() if np.isfinite(place[0])}
        middle = np.median(list(known.values()), axis=0)
        for reach_m in (15.0, 200.0, 50_000.0):
            near = whereabouts.people_near(*middle, reach_m, model.time_s)
            away_m = {person: np.hypot(*(np.array(place) - middle)) for person, place in known.items()}
            expected = {person: away for person, away in away_m.items() if away <= reach_m}
            found = dict(zip(near.person.tolist(), near.distance_m.tolist(), strict=True))
            assert len(found) == near.person.size and expected.keys() == found.keys() & known.keys()
            assert all(found[person] == pytest.approx(away, abs=1e-6) for person, away in expected.items())


def test_vehicles_near_a_place_are_found_on_the_road_and_standing_and_none_out_of_the_area(busy_towns):
    whereabouts, services = busy_towns[1].under_fire.whereabouts, busy_towns[1].services
    inside = [v.row for v in services.vehicles if np.isfinite(whereabouts.place_of_vehicle(v)[0])]
    place = whereabouts.place_of_vehicle(services.vehicles[inside[0]])
    assert sorted(whereabouts.people_near(*place, 50_000.0, busy_towns[1].time_s).vehicle.tolist()) == sorted(inside)
    assert inside[0] in whereabouts.people_near(*place, 1.0, busy_towns[1].time_s).vehicle


def test_without_services_the_services_are_empty_and_change_nothing(busy_towns):
    model = busy_towns[0]
    assert model.services.is_empty and (model.services.seats_in_reach.share_without(model.time_s) == 1.0).all()
    assert model.services.n_driving == 0 and not model.recorder.tables().keys() & {"services", "stops", "vehicles"}


def test_what_a_household_is_bound_to_do_can_be_read_from_its_handle(busy_towns):
    model = busy_towns[0]
    households = model.agents_by_type[Household]
    someone = households[7]
    assert someone.leaving_threshold == model.households.leaving_threshold[7] > 0 and someone.preparation_s > 0
    assert someone.readiness > 0 and someone.can_walk in (True, False)
    inside = households.select(lambda household: household.shelter >= 0)
    assert len(inside) > 0 and {household.in_shelter_from_s > 0 for household in inside} == {True}
    served = busy_towns[1]
    waiting = [h for h in served.agents_by_type[Household] if h.waiting_since_s < np.inf]
    assert {h.row for h in waiting} >= set(served.services.stops[0].waiting)
