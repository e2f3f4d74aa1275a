"""The bounds for the cars of a run: known answers, and no run beats them."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_streets import both, graph_of, settings

from safepassage.experiments.traffic.bounds import Cars, bounds, bounds_of, told
from safepassage.experiments.verification.route_choice import two_route_streets
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.results.exit_queues import n_swings, swings_told
from safepassage.model.results.run_folder import open_run
from safepassage.model.streets.build import compile_streets

NEVER = np.inf


def one_road(exit_per_s, road_per_s=NEVER):
    """Return a road of 1,000 m to a narrow place, 1,000 m on to an exit, each 60 s."""
    edges = both("a", "b", maxspeed="60", length="1000") + both("b", "c", maxspeed="60", length="1000")
    nodes = {"a": (0, 0), "b": (1000, 0), "c": (2000, 0)}
    exits = [{"node": "c", "name": "out", "flow_capacity_per_s": exit_per_s}]
    streets = compile_streets(graph_of(edges, nodes), settings(exits=exits))[0]
    into_b = (streets.link_downstream == streets.node_id.index("b")) & (streets.link_upstream == 0)
    limited = np.where(into_b, np.minimum(streets.flow_capacity_per_s, road_per_s), streets.flow_capacity_per_s)
    return replace(streets, flow_capacity_per_s=limited)


def cars_at(streets, departure_s, out_s=None):
    node = np.full(len(departure_s), streets.node_id.index("o" if "o" in streets.node_id else "a"))
    return Cars(node, np.asarray(departure_s, float), np.full(node.size, NEVER) if out_s is None else out_s)


def test_an_exit_alone_is_a_queue_served_at_its_rate():
    streets = one_road(0.1)
    found = bounds(streets, cars_at(streets, np.zeros(100)), 2000.0)
    assert found.soonest_s(100, by_capacity_only=True) == pytest.approx(120 + 99 / 0.1, abs=1e-6)
    assert found.soonest_s(100) == pytest.approx(120 + 99 / 0.1, abs=1.0)


def test_the_best_routes_know_a_narrow_place_within_the_town_that_the_exits_do_not():
    streets = one_road(0.4, road_per_s=0.1)
    found = bounds(streets, cars_at(streets, np.zeros(100)), 2000.0)
    assert found.soonest_s(100, by_capacity_only=True) < 400
    assert 0.9 * (120 + 99 / 0.1) < found.soonest_s(100) <= 120 + 99 / 0.1


def test_the_best_routes_over_two_roads_are_the_system_optimum():
    """0.6 cars/s for 1,800 s, two roads of 0.2/s, 310 and 610 s long: both end at 3,160 s, 906 s each on average."""
    streets = two_route_streets()
    narrow = [streets.node_id.index(name) for name in ("s", "l")]
    per_s = np.where(np.isin(streets.link_downstream, narrow), 0.2, streets.flow_capacity_per_s)
    streets = replace(streets, flow_capacity_per_s=per_s)
    five_cars_s = 25.0  # of 0.2/s: nothing is rounded
    found = bounds(streets, cars_at(streets, np.arange(1080) / 0.6), 310.0 + 150 * five_cars_s, n_periods=150)
    mean_s = 3600 * found.least_vehicle_h() / 1080
    assert 0.96 * 905.8 < mean_s <= 905.8
    assert 0.97 * 3160 < found.soonest_s(1080) <= 3160 + 5


def test_cars_without_a_way_out_are_left_out_and_told():
    streets = one_road(0.1)
    node = np.array([0, streets.node_id.index("c")])
    closed = replace(streets, drivable=streets.drivable & (streets.link_upstream != 0))
    found = bounds(closed, Cars(node, np.zeros(2), np.array([NEVER, 0.0])), 100.0)
    assert found.n_cars == 1 and found.n_without_way == 1 and "1 cars" in " ".join(told(found))


def test_a_run_that_beats_the_bounds_is_told_as_a_mistake():
    streets = one_road(0.1)
    found = bounds(streets, cars_at(streets, np.zeros(50), np.linspace(120, 300, 50)), 2000.0)
    assert not found.holds and "mistake" in told(found)[0]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """Tiny Town in a hurry: all cars at once, over exits that let out one car a minute."""
    changes = {"streets.exit_flow_per_lane_per_s": 1 / 60, "population.p_car": 0.9, "orders.0.compliance": 1.0}
    model = EvacuationModel("tiny_town", **changes, **{"behaviour.preparation_median_s": 300.0}).run()
    return bounds_of(open_run(model.save(tmp_path_factory.mktemp("runs"))))


def test_no_moment_of_a_run_beats_the_bounds(crowded):
    assert crowded.holds and crowded.n_cars > 200
    names, *columns = zip(*crowded.rows(), strict=True)
    alone, best, run = (dict(zip(names, column, strict=True)) for column in columns)
    for name in names[1:]:
        assert alone[name] <= best[name] * (1 + 1e-3)
        assert best[name] <= run[name] or np.isnan(run[name])
    assert alone[names[0]] >= best[names[0]] >= run[names[0]]
    assert 1.0 <= crowded.price < 2.0


def test_most_cars_out_never_falls_and_is_at_most_what_the_exits_let_out(crowded):
    time_s = np.linspace(0, 20_000, 500)
    most = crowded.most_out(time_s)
    assert (np.diff(most) >= -1e-9).all() and (most <= crowded.most_out(time_s, by_capacity_only=True)).all()


def test_a_long_run_of_few_cars_has_no_delay_to_save():
    streets = one_road(0.1)
    departure_s = np.array([1.0e6, 5.0e6, 9.0e7])
    found = bounds(streets, cars_at(streets, departure_s, departure_s + 120.0), 9.4e7)
    assert found.holds and found.least_vehicle_h() == pytest.approx(3 * 120 / 3600, rel=1e-3)
    assert found.price == pytest.approx(1.0, rel=1e-3)


def swinging(low):
    """Return (exit, departure, out) of cars that wait from the start for an exit whose outflow alternates."""
    counts = np.tile([100, low], 4)
    out_s = np.concatenate([900.0 * i + np.linspace(1, 899, n) for i, n in enumerate(counts)])
    return np.zeros(out_s.size, int), np.zeros(out_s.size), out_s


def test_an_exit_whose_outflow_falls_and_comes_back_swings():
    assert n_swings(*swinging(40), 1).tolist() == [3]
    assert "swings: 3 times" in swings_told(("North road",), *swinging(40))[0]


def test_a_steady_exit_does_not_swing():
    assert n_swings(*swinging(90), 1).tolist() == [0] and swings_told(("North road",), *swinging(90)) == []


def test_an_exit_that_nobody_waits_for_does_not_swing():
    row, _, out_s = swinging(40)
    assert n_swings(row, out_s - 60.0, out_s, 1).tolist() == [0]
