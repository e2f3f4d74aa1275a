import numpy as np
import pytest
from drawn_streets import X0, Y0, both, compile_at, crossing, graph_of, link, settings
from pydantic import ValidationError

from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import BorderExits, Exit
from safepassage.model.streets.build import compile_streets, reaches_exit
from safepassage.model.streets.classes import lane_flow_per_s


def test_an_exit_takes_600_vehicles_an_hour_and_lane_unless_told():
    graph = graph_of(both("a", "b") + both("b", "c", maxspeed="50", lanes="4"))
    streets, _ = compile_at(graph)
    assert streets.exit_flow_capacity_per_s[0] == pytest.approx(2 * 600 / 3600)
    assert streets.flow_capacity_per_s[link(streets, "b", "c")] == pytest.approx(2 * lane_flow_per_s(50 / 3.6))
    told, _ = compile_streets(graph, settings(exits=[Exit(node="c", flow_capacity_per_s=0.1)]))
    assert told.exit_flow_capacity_per_s[0] == 0.1


def test_an_exit_stated_beyond_what_its_roads_carry_is_told():
    graph = graph_of(both("a", "b") + both("b", "c", maxspeed="50"))
    _, report = compile_streets(graph, settings(exits=[Exit(node="c", name="bridge", flow_capacity_per_s=2.0)]))
    assert any("Exit 'bridge' is said to let out 7,200 vehicles an hour" in note for note in report.notes)


def test_a_place_becomes_the_nearest_node_and_a_far_one_is_refused():
    graph = graph_of(both("a", "b") + both("b", "c"))
    streets, _ = compile_streets(graph, settings(exits=[{"x_m": X0 + 560, "y_m": Y0 + 30, "name": "bridge"}]))
    assert streets.exit_name == ("bridge",) and streets.node_id[streets.exit_node[0]] == "c"
    longitude, latitude = streets.unproject(X0 + 10, Y0)
    by_degrees, _ = compile_streets(graph, settings(exits=[{"longitude_deg": longitude, "latitude_deg": latitude}]))
    assert by_degrees.node_id[by_degrees.exit_node[0]] == "a"
    with pytest.raises(ScenarioError, match=r"streets.exits\[0\].*km away"):
        compile_streets(graph, settings(exits=[{"longitude_deg": latitude, "latitude_deg": longitude}]))


def test_an_unknown_node_and_two_exits_at_one_node_are_named():
    graph = graph_of(both("a", "b") + both("b", "c"))
    with pytest.raises(ScenarioError, match="node 'nope' is not in the network"):
        compile_at(graph, exit_node="nope")
    with pytest.raises(ScenarioError, match="same node"):
        compile_streets(graph, settings(exits=[{"node": "c", "name": "one"}, {"node": "c", "name": "two"}]))


def test_all_exits_that_cannot_be_are_told_at_once():
    graph = graph_of(both("a", "b") + both("b", "c"))
    exits = [{"node": "nope"}, {"node": "c"}, {"x_m": X0 + 9000, "y_m": Y0}, {"node": "nor this"}]
    with pytest.raises(ScenarioError) as told:
        compile_streets(graph, settings(exits=exits))
    lines = str(told.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"streets.exits[{i}]" for i in (0, 2, 3)]
    twice = [{"node": "c", "name": "one"}, {"node": "c", "name": "two"}, {"node": "a", "name": "one"}]
    with pytest.raises(ScenarioError, match=r"(?s)'one' and 'one' have the same name.*'two' have the same node, 'c'"):
        compile_streets(graph, settings(exits=twice))


def test_all_nodes_without_coordinates_are_told_at_once():
    graph = graph_of([*both("a", "b"), *both("b", "c")])
    graph.nodes["a"]["x"], graph.nodes["c"]["y"] = "west", None
    with pytest.raises(ScenarioError, match=r"(?s)node a has x = 'west'.*node c has y = None"):
        compile_at(graph)


def test_an_exit_that_nobody_can_reach_is_named():
    edges = [*both("a", "b"), ("c", "b", {"highway": "motorway", "oneway": "True"})]
    with pytest.raises(ScenarioError, match=r"'way out' \(node c\) cannot be reached from any other node"):
        compile_at(graph_of(edges))


def test_an_exit_reached_by_car_only_is_a_note_not_an_error():
    streets, report = compile_at(graph_of(both("a", "b") + both("b", "c", highway="motorway")))
    assert report.exit_n_nodes_by_car == (2,) and report.exit_n_nodes_on_foot == (0,)
    assert any("on foot from none of" in note for note in report.notes)
    assert reaches_exit(streets, streets.walkable).sum() == 1


def test_an_exit_says_where_it_is_in_exactly_one_way():
    for keys in ({}, {"node": "1", "x_m": 1, "y_m": 2}, {"latitude_deg": 3}):
        with pytest.raises(ValidationError):
            Exit(**keys)


def test_exits_are_found_where_large_roads_leave_the_area_largest_first():
    streets, report = compile_streets(crossing(), settings())
    assert [streets.node_id[n] for n in streets.exit_node] == ["E", "S", "W", "N"]
    assert streets.exit_name[0] == "Big Road (east)" and streets.exit_name[3] == "secondary road (north)"
    assert set(report.exit_found_by) == {"road ends at the border"}
    two, _ = compile_streets(crossing(), settings(border_exits={"n_exits": 2}))
    assert [two.node_id[n] for n in two.exit_node] == ["E", "S"]
    named, _ = compile_streets(crossing(), settings(exits=[{"node": "S"}], border_exits=BorderExits(n_exits=1)))
    assert [named.node_id[n] for n in named.exit_node] == ["S", "E"]


def test_candidates_close_to_each_other_are_one_exit():
    graph = crossing()
    graph.add_node("E2", x=str(X0 + 4780), y=str(Y0 + 2430))
    for u, v, attributes in both("4,2", "E2", highway="primary"):
        graph.add_edge(u, v, **attributes)
    streets, _ = compile_streets(graph, settings())
    assert streets.exit_node.size == 4


@pytest.mark.parametrize("highway", ["residential", "trunk"])
def test_a_ring_road_without_natural_exit_still_has_exits_on_all_sides(highway):
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    nodes = {str(i): (3000 + 2000 * np.cos(a), 3000 + 2000 * np.sin(a)) for i, a in enumerate(angle)}
    nodes["middle"] = (3000, 3000)
    edges = [edge for i in range(48) for edge in both(str(i), str((i + 1) % 48), highway=highway)]
    edges += [edge for i in range(0, 48, 8) for edge in both(str(i), "middle")]
    streets, report = compile_streets(graph_of(edges, nodes), settings(border_exits={"n_exits": 4}))
    assert streets.exit_node.size == 4
    bearing = np.arctan2(
        streets.node_y_m[streets.exit_node] - Y0 - 3000, streets.node_x_m[streets.exit_node] - X0 - 3000
    )
    assert np.diff(np.sort(bearing)).min() > np.deg2rad(40)
    assert any("outermost" in note for note in report.notes)
