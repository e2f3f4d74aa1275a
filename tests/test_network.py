import gzip
import io
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from safepassage.model import graphml
from safepassage.model.graphml import read_graph
from safepassage.model.network import compile_streets, load_streets, reaches_exit, to_networkx
from safepassage.model.network_report import describe
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import BorderExits, Exit, StreetSettings
from safepassage.model.street_defaults import STREET_CLASSES, lane_flow_per_s

COQUIMBO = Path(__file__).parents[1] / "scenarios/networks/coquimbo_drive.graphml.gz"
UTM = "EPSG:32637"
X0, Y0 = 400_000.0, 5_300_000.0


def settings(**keys):
    return StreetSettings.model_validate({"network": COQUIMBO} | keys)


def graph_of(edges, nodes=None, crs=UTM):
    """Return a graph with OSMnx's attributes. nodes: name -> (x, y) in m from a corner; edges: (u, v, attributes)."""
    graph = nx.MultiDiGraph(crs=crs, created_with="OSMnx 2.1.1") if crs else nx.MultiDiGraph()
    for name, (x, y) in (nodes or {"a": (0, 0), "b": (300, 0), "c": (600, 0)}).items():
        graph.add_node(name, x=str(X0 + x), y=str(Y0 + y))
    for u, v, attributes in edges:
        graph.add_edge(u, v, **{"highway": "residential", "oneway": "False"} | attributes)
    return graph


def both(u, v, **attributes):
    return [(u, v, attributes), (v, u, attributes)]


def compile_at(graph, exit_node="c", **keys):
    return compile_streets(graph, settings(exits=[{"node": exit_node, "name": "way out"}], **keys))


def link(streets, u, v):
    up, down = streets.node_id.index(u), streets.node_id.index(v)
    found = np.flatnonzero((streets.link_upstream == up) & (streets.link_downstream == down))
    assert found.size == 1
    return found[0]


# --- the texts that OSMnx saves -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected_km_h"),
    [
        ("50", 50),
        ("30 mph", 48.28032),
        ("['40', '50']", 45),
        ("40;60", 50),
        ("none", 120),
        ("walk", 6),
        ("CL:urban", 50),
        ("DE:zone:30", 30),
        ("['90;30;90', '30']", 60),
        ("80 km/h", 80),
    ],
)
def test_a_maxspeed_is_read_in_km_per_hour(text, expected_km_h):
    assert graphml.speed_km_h(text) == pytest.approx(expected_km_h)


@pytest.mark.parametrize("text", ["", "signals", "variable", "0", "-5", "fixme", "[]", "999", None])
def test_a_maxspeed_that_says_no_speed_is_missing(text):
    assert np.isnan(graphml.speed_km_h(text))


@given(st.lists(st.integers(1, 16), min_size=1, max_size=6))
def test_of_several_lane_counts_the_fewest_governs(counts):
    texts = [str(n) for n in counts]
    assert graphml.lanes(str(texts)) == graphml.lanes(";".join(texts)) == min(counts)


@given(st.text(max_size=30))
def test_no_text_makes_a_reader_fail(text):
    for read in (graphml.speed_km_h, graphml.lanes, graphml.width_m, graphml.n_pavements):
        value = read(text)
        assert np.isnan(value) or value >= 0
    assert graphml.boolean(text) in (True, False, None)


@given(st.lists(st.text("abcXYZ 0123456789'", min_size=1, max_size=8).filter(str.strip), min_size=1, max_size=5))
def test_a_list_saved_as_text_comes_back(items):
    if all(item == item.strip().strip("'") for item in items):
        assert list(graphml.values(str(items))) == items


@pytest.mark.parametrize(("text", "width"), [("7.5", 7.5), ("3,5 m", 3.5), ("12'6\"", 3.81), ("250 cm", 2.5)])
def test_a_width_is_read_in_metres(text, width):
    assert graphml.width_m(text) == pytest.approx(width, abs=0.01)


# --- files that cannot be used --------------------------------------------------------------------------------------


def saved(tmp_path, graph, name="town.graphml"):
    path = tmp_path / name
    nx.write_graphml(graph, path)
    return path


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"nowhere.graphml: there is no such file"):
        read_graph(tmp_path / "nowhere.graphml")


@pytest.mark.parametrize(
    "content", [b"not xml", b"<graphml><graph", b"", b"\x1f\x8bbroken", b"<html></html>", b"\xff\xfe"]
)
def test_a_file_that_is_no_graphml_is_one_clear_error(tmp_path, content):
    path = tmp_path / "town.graphml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match="this is no GraphML file"):
        read_graph(path)


def test_a_graph_without_nodes_edges_coordinates_or_direction_is_refused(tmp_path):
    undirected = nx.MultiGraph(graph_of(both("a", "b")))
    no_edges = graph_of([])
    no_place = graph_of(both("a", "b"))
    del no_place.nodes["b"]["y"]
    for graph, message in (
        (nx.MultiDiGraph(), "has no nodes"),
        (no_edges, r"has no edges"),
        (no_place, "node b has y = None"),
        (undirected, "undirected"),
    ):
        with pytest.raises(ScenarioError, match=message):
            read_graph(saved(tmp_path, graph))


def test_a_missing_crs_is_taken_for_degrees_only_if_coordinates_can_be_degrees():
    with pytest.raises(ScenarioError, match="does not say its coordinate system"):
        compile_at(graph_of(both("a", "b") + both("b", "c"), crs=None))
    graph = nx.MultiDiGraph()
    for name, x in (("a", "37.10"), ("b", "37.11"), ("c", "37.12")):
        graph.add_node(name, x=x, y="48.2")
    for u, v, attributes in both("a", "b") + both("b", "c"):
        graph.add_edge(u, v, **attributes)
    streets, report = compile_at(graph)
    assert report.crs_assumed and "EPSG:4326" in report.notes[0]
    assert streets.crs == "EPSG:32637"


def test_an_unknown_crs_is_named():
    with pytest.raises(ScenarioError, match="moon"):
        compile_at(graph_of(both("a", "b") + both("b", "c"), crs="moon"))


# --- what the arrays hold -------------------------------------------------------------------------------------------


def test_missing_values_come_from_the_class_and_given_ones_from_the_file():
    graph = graph_of(both("a", "b", length="300") + both("b", "c", length="300", maxspeed="50", width="9", lanes="4"))
    streets, report = compile_at(graph)
    filled, said = link(streets, "a", "b"), link(streets, "b", "c")
    residential = STREET_CLASSES["residential"]
    assert streets.free_flow_speed_m_s[filled] == pytest.approx(residential.speed_km_h / 3.6)
    assert streets.carriageway_width_m[filled] == pytest.approx(2 * residential.lane_width_m)
    assert streets.free_flow_speed_m_s[said] == pytest.approx(50 / 3.6)
    assert streets.n_lanes[[filled, said]].tolist() == [1, 2]
    assert streets.carriageway_width_m[said] == 9
    assert report.n_edges_giving["maxspeed"] == 2 and report.n_edges_read == 4


def test_one_fast_street_does_not_make_the_others_fast():
    graph = graph_of(both("a", "b") + both("b", "c", highway="trunk", maxspeed="110"))
    streets, _ = compile_at(graph)
    assert streets.free_flow_speed_m_s[link(streets, "a", "b")] * 3.6 == pytest.approx(25)


def test_flow_capacity_is_the_triangular_diagram_times_the_junction_factor():
    streets, _ = compile_at(
        graph_of(both("a", "b", maxspeed="40") + both("b", "c")), junction_factor={"residential": 0.5}
    )
    u, w, kj = 40 / 3.6, 5.0, 0.133
    assert streets.flow_capacity_per_s[link(streets, "a", "b")] == pytest.approx(0.5 * u * w * kj / (u + w))


def test_lanes_of_a_two_way_street_are_shared_and_of_a_one_way_street_are_not():
    edges = [*both("a", "b", lanes="3"), ("b", "c", {"lanes": "3", "oneway": "True"}), ("c", "a", {"oneway": "True"})]
    streets, _ = compile_at(graph_of(edges, {"a": (0, 0), "b": (300, 0), "c": (150, 200)}))
    assert streets.n_lanes[link(streets, "a", "b")] == 1.5
    assert streets.n_lanes[link(streets, "b", "c")] == 3


def test_people_walk_against_a_one_way_street_but_no_car_drives():
    line = f"LINESTRING ({X0 + 300} {Y0}, {X0 + 400} {Y0 + 80}, {X0 + 600} {Y0})"
    streets, report = compile_at(graph_of([*both("a", "b"), ("b", "c", {"oneway": "True", "geometry": line})]))
    there, back = link(streets, "b", "c"), link(streets, "c", "b")
    assert streets.link_reverse[there] == back and streets.link_reverse[back] == there
    assert streets.drivable[[there, back]].tolist() == [True, False]
    assert streets.walkable[[there, back]].all() and report.n_against_one_way == 1
    assert streets.flow_capacity_per_s[back] == 0 and streets.n_lanes[back] == 0
    assert np.array_equal(streets.polyline(back)[0], streets.polyline(there)[0][::-1])


def test_the_two_carriageways_of_a_divided_road_are_two_streets():
    edges = [
        ("a", "b", {"oneway": "True", "osmid": "1"}),
        ("b", "a", {"oneway": "True", "osmid": "2"}),
        *both("b", "c"),
    ]
    streets, _ = compile_at(graph_of(edges))
    cars = np.flatnonzero(streets.drivable & (streets.link_upstream + streets.link_downstream == 1))
    assert cars.size == 2 and streets.link_street[cars[0]] != streets.link_street[cars[1]]
    assert (streets.n_lanes[cars] == 1).all()


def test_paths_carry_no_cars_and_motorways_no_walkers_unless_the_scenario_says_so():
    edges = both("a", "b", highway="footway") + both("b", "c", highway="motorway") + both("a", "c", highway="track")
    graph = graph_of(edges)
    streets, _ = compile_at(graph)
    ends = (link(streets, "a", "b"), link(streets, "b", "c"), link(streets, "a", "c"))
    assert [bool(streets.drivable[k]) for k in ends] == [False, True, False]
    assert [bool(streets.walkable[k]) for k in ends] == [True, False, True]
    opened, _ = compile_at(graph, drivable={"track": True}, walkable={"motorway": True})
    assert opened.drivable[ends[2]] and opened.walkable[ends[1]] and opened.walk_width_m[ends[1]] >= 1


def test_drive_and_walk_of_a_multimodal_file_come_before_the_class():
    edges = [
        ("a", "b", {"drive": "True", "walk": "False", "oneway": "True"}),
        ("b", "a", {"drive": "False", "walk": "True", "oneway": "True"}),
        *both("b", "c", highway="pedestrian", drive="True", walk="True"),
    ]
    streets, _ = compile_at(graph_of(edges), drivable={"residential": True})
    there, back = link(streets, "a", "b"), link(streets, "b", "a")
    assert streets.link_reverse[there] == back
    assert streets.drivable[[there, back]].tolist() == [True, False]
    assert streets.walkable[[there, back]].all()
    assert streets.drivable[link(streets, "b", "c")]


def test_of_several_classes_the_most_minor_governs():
    streets, _ = compile_at(graph_of(both("a", "b", highway="['trunk', 'residential']") + both("b", "c")))
    assert streets.highway_names[streets.highway[link(streets, "a", "b")]] == "residential"


def test_a_length_comes_from_the_file_else_from_the_course_else_straight_and_is_never_zero():
    line = f"LINESTRING ({X0} {Y0}, {X0} {Y0 + 400}, {X0 + 300} {Y0})"
    nodes = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "d": (600, 0.2)}
    edges = both("a", "b", geometry=line) + both("b", "c", length="0") + both("c", "a", length="700") + both("c", "d")
    streets, report = compile_at(graph_of(edges, nodes))
    lengths = [streets.length_m[link(streets, *ends)] for ends in ("ab", "bc", "ca", "cd")]
    assert lengths == pytest.approx([900, 300, 700, 1])
    assert report.n_too_short == 2


def test_a_course_drawn_backwards_is_turned_round_and_a_broken_one_is_a_straight_line():
    line = f"LINESTRING ({X0 + 300} {Y0}, {X0 + 100} {Y0 + 50}, {X0} {Y0})"
    streets, _ = compile_at(graph_of(both("a", "b", geometry=line) + both("b", "c", geometry="LINESTRING (1")))
    x_m, _ = streets.polyline(link(streets, "a", "b"))
    assert x_m == pytest.approx([X0, X0 + 100, X0 + 300])
    assert streets.polyline(link(streets, "b", "c"))[0] == pytest.approx([X0 + 300, X0 + 600])


def test_self_loops_go_parallel_edges_stay_and_nodes_at_one_place_are_one():
    nodes = {"a": (0, 0), "b": (300, 0), "b2": (300, 0), "c": (600, 0)}
    edges = [
        *both("a", "b", length="300"),
        *both("a", "b", length="350"),
        *both("b2", "c"),
        ("a", "a", {"length": "90"}),
    ]
    streets, report = compile_at(graph_of(edges, nodes))
    assert (report.n_self_loops, report.n_nodes_merged, report.n_parallel) == (1, 1, 2)
    assert report.self_loops_km == pytest.approx(0.09)
    assert streets.n_nodes == 3 and streets.n_links == 6
    assert sorted(streets.length_m[streets.link_upstream == streets.node_id.index("a")]) == pytest.approx([300, 350])
    assert reaches_exit(streets, streets.drivable).all()


def test_parts_that_reach_no_exit_are_dropped_and_those_that_do_are_kept():
    nodes = {
        "a": (0, 0),
        "b": (300, 0),
        "c": (600, 0),
        "p": (0, 900),
        "q": (300, 900),
        "r": (0, 1500),
        "s": (300, 1500),
    }
    edges = both("a", "b") + both("b", "c") + both("p", "q", length="300") + both("r", "s", length="200")
    streets, report = compile_streets(graph_of(edges, nodes), settings(exits=[{"node": "c"}, {"node": "q"}]))
    assert set(streets.node_id) == set("abcpq")
    assert (report.n_parts, report.n_nodes_dropped) == (3, 2)
    assert report.dropped_km == pytest.approx(0.2)


def test_a_street_in_degrees_is_as_long_on_the_plane_as_on_the_ground():
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for name, latitude in (("a", -30.0), ("b", -30.009), ("c", -30.018)):
        graph.add_node(name, x=-71.3, y=latitude)
    for u, v, attributes in both("a", "b") + both("b", "c"):
        graph.add_edge(u, v, **attributes)
    streets, _ = compile_at(graph)
    assert streets.crs == "EPSG:32719"
    # 0.009 degrees of the meridian at 30 degrees south: 110,852 m a degree (WGS 84), UTM scale within 0.1 %
    assert streets.length_m == pytest.approx(0.009 * 110_852, rel=0.001)
    x_m, y_m = streets.project(-71.3, -30.009)
    assert (streets.node_x_m[1], streets.node_y_m[1]) == pytest.approx((x_m, y_m), abs=0.01)
    assert streets.unproject(x_m, y_m) == pytest.approx((-71.3, -30.009), abs=1e-9)


def test_a_polygon_is_projected_like_the_streets():
    import shapely

    streets, _ = load_streets(settings())
    box = shapely.box(-71.30, -30.00, -71.29, -29.99)
    corner = streets.project(-71.30, -30.00)
    assert min(np.hypot(*(np.array(p) - corner)) for p in streets.project_shape(box).exterior.coords) < 0.01


def test_a_speed_factor_slows_every_vehicle():
    graph = graph_of(both("a", "b", maxspeed="50") + both("b", "c"))
    whole, _ = compile_at(graph)
    half, _ = compile_at(graph, speed_factor=0.5)
    assert half.free_flow_speed_m_s == pytest.approx(whole.free_flow_speed_m_s / 2)


# --- exits ----------------------------------------------------------------------------------------------------------


def test_an_exit_takes_what_the_lanes_into_it_carry_without_junctions_unless_told():
    graph = graph_of(both("a", "b") + both("b", "c", maxspeed="50", lanes="4"))
    streets, _ = compile_at(graph)
    assert streets.exit_flow_capacity_per_s[0] == pytest.approx(2 * lane_flow_per_s(50 / 3.6))
    told, _ = compile_streets(graph, settings(exits=[Exit(node="c", flow_capacity_per_s=0.1)]))
    assert told.exit_flow_capacity_per_s[0] == 0.1


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
    assert any("on foot from only 0 of" in note for note in report.notes)
    assert reaches_exit(streets, streets.walkable).sum() == 1


def test_an_exit_says_where_it_is_in_exactly_one_way():
    for keys in ({}, {"node": "1", "x_m": 1, "y_m": 2}, {"latitude_deg": 3}):
        with pytest.raises(ValidationError):
            Exit(**keys)


def crossing(arm_highway="primary"):
    """Return a town of 5 by 5 blocks with one road of the given class leading out to each side."""
    nodes = {f"{i},{j}": (2000 + 200 * i, 2000 + 200 * j) for i in range(5) for j in range(5)}
    nodes |= {"W": (0, 2400), "E": (4800, 2400), "S": (2400, 0), "N": (2400, 4800)}
    edges = []
    for i in range(5):
        for j in range(5):
            edges += both(f"{i},{j}", f"{i + 1},{j}") if i < 4 else []
            edges += both(f"{i},{j}", f"{i},{j + 1}") if j < 4 else []
    for k in range(4):
        edges += both(f"{k},2", f"{k + 1},2", highway=arm_highway) + both(f"2,{k}", f"2,{k + 1}", highway=arm_highway)
    edges += both("W", "0,2", highway=arm_highway) + both("4,2", "E", highway=arm_highway, lanes="4", name="Big Road")
    edges += both("S", "2,0", highway=arm_highway) + both("2,4", "N", highway="secondary")
    return graph_of(edges, nodes)


def test_exits_are_found_where_large_roads_leave_the_area_largest_first():
    streets, report = compile_streets(crossing(), settings())
    assert [streets.node_id[n] for n in streets.exit_node] == ["E", "W", "S", "N"]
    assert streets.exit_name[0] == "Big Road (east)" and streets.exit_name[3] == "secondary road (north)"
    assert set(report.exit_found_by) == {"road ends at the border"}
    two, _ = compile_streets(crossing(), settings(border_exits={"n_exits": 2}))
    assert [two.node_id[n] for n in two.exit_node] == ["E", "W"]
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


# --- whole networks -------------------------------------------------------------------------------------------------


def check_arrays(streets):
    n_nodes, n_links = streets.n_nodes, streets.n_links
    assert streets.link_upstream.dtype == streets.exit_node.dtype == np.int32 and streets.highway.dtype == np.int16
    assert (streets.link_upstream != streets.link_downstream).all()
    for node in (streets.link_upstream, streets.link_downstream, streets.exit_node):
        assert node.min() >= 0 and node.max() < n_nodes
    there = np.flatnonzero(streets.link_reverse >= 0)
    back = streets.link_reverse[there]
    assert np.array_equal(streets.link_reverse[back], there)
    assert np.array_equal(streets.link_upstream[back], streets.link_downstream[there])
    assert np.array_equal(streets.link_street[back], streets.link_street[there])
    assert np.unique(streets.link_street).size == n_links - there.size // 2
    assert (streets.walkable[there] == streets.walkable[back]).all()
    assert (streets.link_reverse[streets.walkable] >= 0).all()
    assert (streets.drivable | streets.walkable).all()
    for column in (streets.length_m, streets.free_flow_speed_m_s, streets.carriageway_width_m):
        assert column.dtype == np.float64 and np.isfinite(column).all() and (column > 0).all()
    assert ((streets.flow_capacity_per_s > 0) == streets.drivable).all()
    assert ((streets.n_lanes >= 0.5) == streets.drivable).all()
    assert ((streets.walk_width_m >= 1) == streets.walkable).all()
    assert streets.geometry_first.size == n_links + 1 and (np.diff(streets.geometry_first) >= 2).all()
    start = streets.geometry_first[:-1]
    gap_m = np.hypot(
        streets.geometry_x_m[start] - streets.node_x_m[streets.link_upstream],
        streets.geometry_y_m[start] - streets.node_y_m[streets.link_upstream],
    )
    assert gap_m.max() < 1
    assert streets.exit_node.size >= 1 and len(set(streets.exit_name)) == streets.exit_node.size
    assert not streets.length_m.flags.writeable


def networks_given():
    folder = os.environ.get("SAFEPASSAGE_DATA")
    if not folder:
        reason = pytest.mark.skip(reason="SAFEPASSAGE_DATA does not name the folder of development data")
        return [pytest.param(None, marks=reason)]
    return [pytest.param(path, id=path.stem) for path in sorted(Path(folder, "networks").glob("*.graphml"))]


@pytest.mark.parametrize("path", networks_given())
def test_every_network_at_hand_is_compiled_with_exits_that_most_people_reach(path):
    streets, report = load_streets(StreetSettings(network=path))
    check_arrays(streets)
    assert report.n_nodes_dropped < 0.02 * report.n_nodes_read
    roads = np.unique(streets.link_upstream[streets.drivable])
    # in central Helsinki's multimodal file a quarter of the road nodes lie on yards that no road joins to the rest
    assert reaches_exit(streets, streets.drivable)[roads].mean() > (0.7 if "helsinki" in path.stem else 0.97)
    assert reaches_exit(streets, streets.walkable).mean() > 0.9
    assert 30 <= streets.free_flow_speed_m_s[streets.drivable].max() * 3.6 <= 130


def test_the_shipped_network_of_coquimbo_is_complete():
    streets, report = load_streets(settings())
    check_arrays(streets)
    assert (report.n_nodes_read, report.n_edges_read) == (4885, 12518)
    assert streets.n_nodes == 4885 and report.n_nodes_dropped == 0
    _, one = np.unique(streets.link_street, return_index=True)
    assert streets.length_m[one].sum() / 1000 + report.self_loops_km == pytest.approx(872, abs=1)
    living = streets.highway_names.index("living_street")
    assert streets.free_flow_speed_m_s[streets.highway == living].max() * 3.6 <= 30


def test_compiling_twice_gives_the_same_arrays():
    first, second = (load_streets(settings())[0] for _ in range(2))
    for name, value in vars(first).items():
        assert np.array_equal(value, getattr(second, name)), name


def test_an_export_comes_back_as_the_same_streets(tmp_path):
    streets, _ = compile_streets(crossing(), settings())
    path = saved(tmp_path, to_networkx(streets), "export.graphml")
    with gzip.open(tmp_path / "export.graphml.gz", "wb") as file:
        file.write(path.read_bytes())
    again, _ = load_streets(StreetSettings(network=tmp_path / "export.graphml.gz"))
    assert again.node_id == streets.node_id and again.crs == streets.crs
    assert np.array_equal(again.exit_node, streets.exit_node)
    for column in ("link_upstream", "link_reverse", "length_m", "n_lanes", "free_flow_speed_m_s", "walk_width_m"):
        assert getattr(again, column) == pytest.approx(getattr(streets, column), rel=1e-5), column


# --- the report and the map -----------------------------------------------------------------------------------------


def test_describe_says_what_was_found_filled_in_and_dropped(tmp_path):
    report = describe(saved(tmp_path, crossing()))
    text = str(report)
    for words in ("Big Road (east)", "EPSG:32637", "29 nodes", "by class", "residential", "1 connected"):
        assert words in text
    from rich.console import Console

    console = Console(record=True, width=140, file=io.StringIO())
    console.print(report)
    assert "Big Road (east)" in console.export_text()


def test_the_map_is_drawn_without_touching_pyplot(tmp_path):
    import matplotlib.image

    report = describe(saved(tmp_path, crossing()))
    report.draw(tmp_path / "map.png")
    picture = matplotlib.image.imread(tmp_path / "map.png")
    assert min(picture.shape[:2]) > 700
    assert report.is_openstreetmap
    colours = np.unique(picture[..., :3].reshape(-1, 3), axis=0)
    exit_blue = np.array((0x1B, 0x3A, 0x6B)) / 255
    assert np.abs(colours - exit_blue).max(axis=1).min() < 0.01
