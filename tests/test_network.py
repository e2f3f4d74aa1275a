import gzip
import io
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from drawn_streets import X0, Y0, both, compile_at, crossing, graph_of, link, saved, settings

from safepassage.model.maps.report import describe
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets, load_streets, reaches_exit, to_networkx
from safepassage.model.streets.classes import STREET_CLASSES
from safepassage.model.streets.reading.graphml import read_graph

TINY_TOWN = Path(__file__).parents[1] / "scenarios/networks/tiny_town.graphml"

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


def test_flow_capacity_is_the_maximum_of_the_triangular_diagram():
    streets, _ = compile_at(
        graph_of(both("a", "b", maxspeed="40") + both("b", "c")), junction_factor={"residential": 0.5}
    )
    u, w, kj = 40 / 3.6, 5.0, 0.133
    assert streets.flow_capacity_per_s[link(streets, "a", "b")] == pytest.approx(u * w * kj / (u + w))
    assert streets.junction_share[link(streets, "a", "b")] == 0.5


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


def test_scraps_that_reach_no_exit_are_dropped_and_parts_that_do_are_kept():
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


def test_a_part_of_the_town_without_a_way_out_is_kept_and_told():
    nodes = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "p": (0, 900), "q": (300, 900), "r": (600, 900)}
    edges = both("a", "b") + both("b", "c") + both("p", "q", name="Island Road") + both("q", "r")
    streets, report = compile_at(graph_of(edges, nodes))
    assert set(streets.node_id) == set("abcpqr") and report.n_nodes_dropped == 0
    assert any("Island Road (3 nodes, 0.6 km) has no way out" in note for note in report.notes)


def test_the_order_in_which_a_file_lists_its_streets_changes_nothing():
    graph = read_graph(TINY_TOWN)
    rng = np.random.default_rng(3)
    shuffled = nx.MultiDiGraph(**graph.graph)
    shuffled.add_nodes_from([list(graph.nodes(data=True))[k] for k in rng.permutation(graph.number_of_nodes())])
    shuffled.add_edges_from([list(graph.edges(data=True))[k] for k in rng.permutation(graph.number_of_edges())])
    one, other = (compile_at(g, exit_node=next(iter(graph.nodes)))[0] for g in (graph, shuffled))
    for name, value in vars(one).items():
        assert np.array_equal(value, getattr(other, name)), name


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
