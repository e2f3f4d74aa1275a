"""Contraflow: lanes into the town serve the way out for a while."""

import numpy as np
import pytest
from drawn_streets import both, graph_of, link, no_control, settings
from pydantic import ValidationError

from safepassage.experiments.traffic.bounds import bounds_of
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.movement import Movement
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.authorities import Closures
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.town.closures import ClosedOnPurpose
from safepassage.model.town.contraflow import exit_capacity_per_s

NODES = {"a": (0, 0), "b": (1000, 0), "c": (2000, 0)}


def road(second=None, **exit_keys):
    """Return a street from a over b to the exit c, and the settings; the second piece as given or two-way."""
    keys = {"name": "Long Road", "maxspeed": "50", "highway": "primary"}
    second = second or [("b", "c", {}), ("c", "b", {})]
    edges = both("a", "b", **keys) + [(u, v, keys | extra) for u, v, extra in second]
    given = settings(exits=[{"node": "c", "name": "out", **exit_keys}])
    return compile_streets(graph_of(edges, NODES), given)[0], given


def closed_with(streets, **flow):
    return ClosedOnPurpose(Closures(contraflow=[flow]), streets, (), no_control(streets))


def cars_out(until_s, *, turned, turned_at_s=0.0):
    """Return when cars that crowd in at a are out of the road, with or without contraflow on all of it."""
    streets, given = road()
    closed = closed_with(streets, name="long road")
    closed.advance(0.0)
    movement = Movement(MovementSettings(), streets, 0)
    driving = movement.driving
    path = [link(streets, "a", "b"), link(streets, "b", "c")]
    driving.add(np.arange(3000), streets.node_id.index("a"), np.zeros(3000), paths=[path] * 3000)
    found = [driving.advance(turned_at_s)]
    if turned:
        movement.set_lanes(closed.lanes_factor, exit_capacity_per_s(streets, given, closed.lanes_factor))
    found.append(driving.advance(until_s))
    return np.concatenate([one.time_s for one in found]), np.concatenate([one.id for one in found])


def test_twice_the_lanes_let_out_twice_the_cars():
    before, _ = cars_out(3600.0, turned=False)
    after, _ = cars_out(3600.0, turned=True)
    rates = [((out >= 600) & (out < 3600)).sum() / 3000 * 3600 for out in (before, after)]
    assert rates == [pytest.approx(600, rel=0.01), pytest.approx(1200, rel=0.01)]


def test_lanes_turned_while_the_road_is_full_keep_every_car_and_their_order():
    out_s, ids = cars_out(20_000.0, turned=True, turned_at_s=1500.0)
    assert ids.size == 3000 and np.unique(ids).size == 3000
    assert (np.diff(ids) > 0).all() and (np.diff(out_s) >= 0).all()
    assert ((out_s >= 2000) & (out_s < 3800)).sum() * 2 == pytest.approx(1200, rel=0.02)


def test_a_road_that_loses_lanes_again_lets_out_what_it_did():
    streets, _ = road()
    driving = Driving.on_streets(streets)
    into = np.array([link(streets, "a", "b"), link(streets, "b", "c")])
    driving.add(np.arange(3000), streets.node_id.index("a"), np.zeros(3000), paths=[into.tolist()] * 3000)
    for until_s, n_lanes in ((500.0, 2.0), (1000.0, 1.0)):
        driving.advance(until_s)
        driving.set_lanes(into, np.full(2, n_lanes))
        driving.set_flow_capacity(into, streets.flow_capacity_per_s[into] * n_lanes)
    out_s = driving.advance(6000.0).time_s
    assert ((out_s >= 2000) & (out_s < 5600)).sum() == pytest.approx(600, rel=0.01)
    assert driving.view.n_on_link[into].max() <= np.ceil(0.133 * 1000)


def test_by_name_the_lanes_lead_towards_the_exit_and_the_other_way_is_closed_to_cars():
    streets, _ = road()
    closed = closed_with(streets, name="Long Road", from_h=1, until_h=2)
    out = [link(streets, "a", "b"), link(streets, "b", "c")]
    back = [link(streets, "b", "a"), link(streets, "c", "b")]
    for time_s, factor in ((0.0, 1.0), (3600.0, 2.0), (7200.0, 1.0)):
        closed.advance(time_s)
        assert closed.lanes_factor[out].tolist() == [factor] * 2 and closed.cars[back].tolist() == [factor == 2.0] * 2
        assert not closed.cars[out].any() and not closed.walkers.any() and (closed.lanes_factor[back] == 1.0).all()


def test_between_two_nodes_the_lanes_lead_from_the_first_to_the_second():
    streets, _ = road()
    closed = closed_with(streets, between=["b", "a"])
    closed.advance(0.0)
    assert closed.lanes_factor[link(streets, "b", "a")] == 2.0 and closed.cars[link(streets, "a", "b")]


@pytest.mark.parametrize("second", [[("b", "c", {"oneway": "True"})], [("b", "c", {"oneway": "True"}), ("c", "a", {})]])
def test_contraflow_on_a_one_way_end_is_refused_with_its_place(second):
    streets, _ = road(second)
    message = r"closures\.contraflow\[0\]: 'Long Road' is one-way for cars between nodes . and .: no lane"
    with pytest.raises(ScenarioError, match=message):
        closed_with(streets, name="Long Road")
    with pytest.raises(ScenarioError, match=r"contraflow\[0\].*one-way for cars between nodes b and c"):
        closed_with(streets, between=["b", "c"])


def test_contraflow_on_a_footway_or_on_no_street_is_refused():
    streets, _ = road([("b", "c", {}), ("c", "b", {}), *both("a", "c", highway="footway", name="River Path")])
    with pytest.raises(ScenarioError, match="'River Path' is not open to cars"):
        closed_with(streets, name="River Path")
    with pytest.raises(ScenarioError, match=r"contraflow\[0\]: no street is called 'Nowhere'"):
        closed_with(streets, name="Nowhere")


def test_an_exit_of_stated_capacity_keeps_it():
    streets, given = road(flow_capacity_per_s=0.1)
    assert exit_capacity_per_s(streets, given, np.full(streets.n_links, 2.0)).tolist() == [0.1]
    streets, given = road()
    assert exit_capacity_per_s(streets, given, np.ones(streets.n_links)).tolist() == [pytest.approx(600 / 3600)]


def test_an_onward_road_shorter_than_its_gate_or_without_a_name_is_refused():
    for leg in ({"to": "X", "length_km": 1e-9}, {"to": "X", "length_km": 1e7}, {"to": "", "length_km": 5}):
        with pytest.raises(ValidationError, match=r"onward\.0\.(length_km|to)"):
            settings(onward=[leg])


def test_a_town_with_contraflow_empties_no_later_and_within_its_bounds(tmp_path):
    hurry = {"streets.exit_flow_per_lane_per_s": 1 / 60, "population.p_car": 0.9, "shelling.sources": [],
             "behaviour.preparation_median_s": 300.0, "run.duration_h": 2}  # fmt: skip
    without = EvacuationModel("tiny_town", **hurry).run()
    streets = without.streets
    into = np.flatnonzero(np.isin(streets.link_downstream, streets.exit_node) & streets.drivable)
    ends = [[streets.node_id[node[k]] for node in (streets.link_upstream, streets.link_downstream)] for k in into]
    flows = [{"between": pair, "from_h": 0.5} for pair in ends]
    model = EvacuationModel("tiny_town", **hurry, **{"closures.contraflow": flows}).run()
    n_out, n_without = (sum(route.n_cars for route in one.routes) for one in (model, without))
    assert n_out > 1.3 * n_without
    assert bounds_of(open_run(model.save(tmp_path))).holds
