"""Homes destroyed: their people leave, live with neighbours or in a reception place, and are more ready to leave."""

import numpy as np
from service_towns import ADULT, KM_DEG, town, town_of

from safepassage.agents.civilians import Status
from safepassage.agents.households import Cause
from safepassage.model.behaviour.covariates import Covariate
from safepassage.model.evacuation import EvacuationModel

HERE = np.array([0], np.int64)
NOBODY_LEAVES = {"behaviour.lost_homes.share_who_leave": 0.0, "orders": []}
SCHOOL = {"longitude_deg": 3.0 + 1.3 * KM_DEG, "latitude_deg": 45.0}
RECEPTION = {"shelters.places": [{"name": "School", "capacity": 2, "takes_in": True, **SCHOOL}]}


def lost(n=3, node="square", **changes):
    """Return a model in which the home of the first of n households was destroyed, and what came of it."""
    model = town(town_of([[ADULT]] * n, node=node), points=(), **NOBODY_LEAVES | changes)
    model.step()
    plans = model.under_fire.lost_homes.move_out(HERE, model.time_s)
    if plans:
        model.population.plans_changed()
    return model


def apart(model_changes=None):
    """Return a town in which the second household lives a kilometre away."""
    return lost(2, node=["square", "end"], **(model_changes or {}))


def test_people_whose_home_is_destroyed_live_with_the_nearest_neighbours_and_are_found_there():
    model = lost()
    households, under_fire = model.households, model.under_fire
    host = int(households.lives_with[0])
    assert host > 0 and households.has_basement[0] == households.has_basement[host]
    households.home_x_m[host] += 150.0
    at = households.home_x_m[host], households.home_y_m[host]
    assert under_fire.whereabouts.place_of(0) == at
    near = under_fire.whereabouts.people_near(*at, 10.0, model.time_s).person
    assert (
        0 in near
        and 0
        not in under_fire.whereabouts.people_near(
            households.home_x_m[0], households.home_y_m[0], 10.0, model.time_s
        ).person
    )
    assert under_fire.lost_homes.with_guests(np.array([host])).tolist() == [0, host]


def test_guests_look_anew_when_the_home_of_their_hosts_is_destroyed():
    model = lost(4)
    first = int(model.households.lives_with[0])
    model.under_fire.lost_homes.move_out(np.array([first]), model.time_s)
    host = model.households.lives_with
    assert host[0] not in (-1, first) and host[first] not in (-1, 0, first)
    assert not model.households.has_lost_home[host[[0, first]]].any()


def test_without_neighbours_they_live_in_a_reception_place_that_has_room_and_stay_there_after_the_alert():
    model = apart(RECEPTION)
    for _ in range(120):
        model.step()
    assert model.households.shelter[0] == 0 and model.people.status[0] == Status.SHELTERING
    assert model.shelters.n_inside.tolist() == [1]


def test_without_neighbours_and_room_they_leave_because_their_home_is_lost():
    model = apart({"movement.walk_out_limit_m": 10_000})
    assert model.households.cause[0] == Cause.HOME_LOST
    model.run()
    assert model.people.status.tolist() == [Status.SAFE, Status.HOME]


def test_some_leave_at_once_whatever_the_neighbours():
    model = lost(200, **{"behaviour.lost_homes.share_who_leave": 0.3})
    moved = model.under_fire.lost_homes
    moved.move_out(np.arange(1, 100), model.time_s)
    assert 15 < (model.households.cause == Cause.HOME_LOST).sum() < 45


def test_a_lost_home_makes_a_household_readier_to_leave():
    model = lost()
    while model.time_s < 3600.0:
        model.step()
    weighed = model.information.covariates[Covariate.HOME_LOST]
    assert weighed.tolist() == [1.0, 0.0, 0.0]
    readier = lost(**{"behaviour.coefficients.home_lost": 2.0})
    while readier.time_s < 3600.0:
        readier.step()
    assert readier.households.weighed[0] > model.households.weighed[0] > 0
    assert (readier.households.weighed[1:] == model.households.weighed[1:]).all()


def test_an_impact_that_destroys_a_home_moves_its_people():
    heavy = [{"kind": "process", "share_near_people": 1, "events_per_day": 20_000, "size_shares": [0, 0, 1]}]
    keys = {"shelling.sources": heavy, "run.duration_h": 1, "harm.p_at_centre": 0.0, "orders": []}
    model = EvacuationModel("tiny_town", **keys).run()
    households, is_lost = model.households, model.surroundings.damage.home_lost
    assert is_lost.sum() > 20 and np.array_equal(households.has_lost_home, is_lost)
    hosts = households.lives_with[households.lives_with >= 0]
    assert hosts.size > 5 and not is_lost[hosts].any()
    is_housed = (households.lives_with >= 0) | np.isfinite(households.decision_time_s)
    assert is_housed[is_lost & model.population.is_at_home()].all()
