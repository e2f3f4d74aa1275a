from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from safepassage.agents.parties import Mode
from safepassage.model.movement.movement import Movement
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets

N_CARS, N_WALKERS = 60, 400


def road(sidewalk="no", width="6"):
    """Return streets of 300 m from a to b to c, the exit, one lane each way."""
    graph = nx.MultiDiGraph(crs="EPSG:32637", created_with="OSMnx 2.1.1")
    for k, name in enumerate("abc"):
        graph.add_node(name, x=str(400_000.0 + 300 * k), y="5300000.0")
    about = {"highway": "unclassified", "oneway": "False", "sidewalk": sidewalk, "width": width, "lanes": "2"}
    for u, v in ("ab", "bc"):
        graph.add_edge(u, v, **about)
        graph.add_edge(v, u, **about)
    settings = StreetSettings.model_validate({"network": Path(__file__), "exits": [{"node": "c", "name": "out"}]})
    return compile_streets(graph, settings)[0]


def crowd(streets, n_walkers=N_WALKERS, n_cars=N_CARS, **settings):
    """Return the movement with walkers and cars about to set out from a."""
    movement = Movement(MovementSettings(**settings), streets, N_WALKERS + N_CARS)
    a = streets.node_id.index("a")
    walkers, cars = np.arange(n_walkers), N_WALKERS + np.arange(n_cars)
    n = np.ones(n_walkers, np.int64)
    movement.set_out(Mode.WALK, walkers, np.full(n_walkers, a), walkers * 0.5, n, np.full(n_walkers, 1.34))
    movement.set_out(Mode.CAR, cars, np.full(n_cars, a), 100.0 + 5.0 * np.arange(n_cars), None, None)
    return movement


def arrivals_s(movement, ends_s=(6000.0,)):
    time_s = np.full(N_WALKERS + N_CARS, np.nan)
    for until_s in ends_s:
        arrivals = movement.advance(until_s)
        time_s[arrivals.party] = arrivals.time_s
    return time_s


@pytest.mark.parametrize("who", [{"n_walkers": 0}, {"n_cars": 0}])
def test_alone_each_moves_exactly_as_on_a_street_of_its_own(who):
    shared = arrivals_s(crowd(road(), **who))
    apart = arrivals_s(crowd(road(), **who, shared_streets_every_s=1e9))
    assert np.array_equal(shared, apart, equal_nan=True)
    assert np.isfinite(shared).any()


def test_on_a_street_with_pavement_neither_minds_the_other():
    together = arrivals_s(crowd(road(sidewalk="both")))
    cars_alone = arrivals_s(crowd(road(sidewalk="both"), n_walkers=0))
    assert np.array_equal(together[N_WALKERS:], cars_alone[N_WALKERS:])


def test_dense_walkers_slow_cars_towards_walking_pace_and_no_further():
    movement = crowd(road())
    link = int(np.flatnonzero(movement.streets.link_upstream == movement.streets.node_id.index("a"))[0])
    movement.advance(180.0)
    street = movement.streets.link_street[link]
    rho = movement.walking.view.n_on_street[street] / (300.0 * 6.0)
    assert 0.05 < rho < 0.5
    free_m_s = movement.streets.free_flow_speed_m_s[link]
    expected_m_s = 1.34 + (free_m_s - 1.34) * (1.0 - rho / 0.5)
    assert 300.0 / movement.driving.view.link_time_s()[link] == pytest.approx(expected_m_s, rel=0.01)
    packed = crowd(road(), follow_density_per_m2=0.01)
    packed.advance(180.0)
    assert 300.0 / packed.driving.view.link_time_s()[link] == pytest.approx(1.34, rel=0.01)
    alone, among = arrivals_s(crowd(road(), n_walkers=0)), arrivals_s(movement)
    assert np.nanmean(among[N_WALKERS:]) > np.nanmean(alone[N_WALKERS:]) + 5.0
    assert np.isfinite(among).all()


def test_cars_take_room_from_walkers_and_give_it_back():
    movement = crowd(road())
    movement.advance(179.0)
    before_m2 = movement.walking._on_foot.crowd.streets["area_m2"].copy()
    movement.advance(180.0)
    street = int(movement.streets.link_street[0])
    n_cars = movement.driving.view.n_on_link[movement.streets.link_street == street].sum()
    after_m2 = movement.walking._on_foot.crowd.streets["area_m2"].copy()
    assert n_cars > 0
    whole_m2 = 300.0 * movement.streets.walk_width_m[0]
    assert after_m2[street] == pytest.approx(whole_m2 - n_cars * 2.5 / 0.133)
    assert after_m2[street] < before_m2[street]
    narrow = arrivals_s(crowd(road(), car_width_m=6.0))
    assert np.nanmean(narrow[:N_WALKERS]) > np.nanmean(arrivals_s(crowd(road(), n_cars=0))[:N_WALKERS])
    arrivals_s(movement)
    assert movement.walking._on_foot.crowd.streets["area_m2"][street] == whole_m2


def test_results_do_not_depend_on_how_the_time_is_split():
    whole = arrivals_s(crowd(road()))
    for step_s in (60.0, 300.0, 17.3):
        ends_s = [*np.arange(step_s, 3000.0, step_s), 6000.0]
        assert np.array_equal(arrivals_s(crowd(road()), ends_s), whole), step_s


def test_the_interval_is_what_the_settings_say():
    movement = crowd(road(), shared_streets_every_s=30.0)
    seen = []
    for _, until_s in pairwise(np.arange(0.0, 400.0, 10.0)):
        movement.advance(until_s)
        seen.append(movement.driving._traffic.links["free_flow_time_s"][0])
    changed_s = 10.0 * (1 + np.flatnonzero(np.diff(seen)) + 1)
    assert changed_s.size > 3
    assert (changed_s % 30.0 == 0).all()
