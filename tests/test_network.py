import gzip
import math
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepassage.model import street_columns as columns
from safepassage.model.graphml import read_graph
from safepassage.model.network import compile_streets, load_streets, reaches_exit, to_networkx
from safepassage.model.network_report import describe
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import StreetSettings

SHIPPED = Path(__file__).parent.parent / "scenarios" / "networks"
DATA = os.environ.get("SAFEPASSAGE_DATA")
EARTH_M_PER_DEGREE = math.pi * 6_371_009 / 180


def settings(**changes):
    return StreetSettings(network=SHIPPED / "tiny_town.graphml", **changes)


def street(*edges, **graph_attributes):
    """Return a graph in OSMnx's style: nodes on a plane of metres; edges (a, b, attributes), both ways if two_way."""
    graph = nx.MultiDiGraph(crs="EPSG:32637", **graph_attributes)
    for (ax, ay), (bx, by), attributes in edges:
        ends = []
        for x, y in ((ax, ay), (bx, by)):
            node = f"{x},{y}"
            graph.add_node(node, x=str(x), y=str(y))
            ends.append(node)
        two_way = attributes.pop("two_way", True)
        base = {"highway": "residential", "length": str(math.hypot(bx - ax, by - ay)), "oneway": str(not two_way)}
        graph.add_edge(*ends, **{**base, **attributes})
        if two_way:
            graph.add_edge(*reversed(ends), **{**base, **attributes})
    return graph


def line(**attributes):
    return street(((0, 0), (100, 0), attributes), ((100, 0), (200, 0), {"highway": "primary"}))


def compiled(graph, **changes):
    changes.setdefault("exits", ({"node": "200,0"},))
    return compile_streets(graph, settings(**changes))


def link(streets, upstream, downstream):
    ends = (streets.node_id.index(upstream), streets.node_id.index(downstream))
    (found,) = np.flatnonzero((streets.link_upstream == ends[0]) & (streets.link_downstream == ends[1]))
    return found


def test_a_two_way_street_is_two_links_that_know_each_other():
    streets, _ = compiled(line())
    k = link(streets, "0,0", "100,0")
    back = link(streets, "100,0", "0,0")
    assert streets.link_reverse[k] == back and streets.link_reverse[back] == k
    assert streets.link_street[k] == streets.link_street[back]


def test_people_may_walk_against_a_one_way_street_and_cars_may_not():
    streets, report = compiled(line(two_way=False))
    back = link(streets, "100,0", "0,0")
    assert report.n_against_one_way == 1
    assert streets.walkable[back] and not streets.drivable[back] and streets.flow_capacity_per_s[back] == 0


def test_missing_attributes_are_filled_by_class_and_not_by_the_mean_of_the_file():
    streets, _ = compiled(line(maxspeed="20"))
    primary = link(streets, "100,0", "200,0")
    assert streets.free_flow_speed_m_s[link(streets, "0,0", "100,0")] == pytest.approx(20 / 3.6)
    assert streets.free_flow_speed_m_s[primary] > 40 / 3.6
    assert (streets.n_lanes[streets.drivable] > 0).all() and (streets.carriageway_width_m > 0).all()


def test_miles_per_hour_lists_and_words_are_read():
    for text, km_h in (("30 mph", 30 * 1.609344), ("['40', '60']", None), ("50", 50)):
        speed = compiled(line(maxspeed=text))[0].free_flow_speed_m_s[0] * 3.6
        assert speed == pytest.approx(km_h) if km_h else 40 <= speed <= 60
    for text in ("none", "walk", "signals", ""):
        assert compiled(line(maxspeed=text))[0].free_flow_speed_m_s[0] > 1


def test_lanes_of_a_two_way_street_are_shared_between_its_directions():
    both, _ = compiled(line(lanes="4"))
    assert both.n_lanes[link(both, "0,0", "100,0")] == 2 and both.n_lanes[link(both, "100,0", "0,0")] == 2
    one_way, _ = compiled(line(lanes="4", two_way=False))
    assert one_way.n_lanes[link(one_way, "0,0", "100,0")] == 4


def test_flow_capacity_is_that_of_the_triangular_diagram_times_the_junction_factor():
    streets, _ = compiled(line(maxspeed="36", lanes="2"), junction_factor={"residential": 0.5})
    q_max = 10 * 5 * 0.133 / (10 + 5)
    assert streets.flow_capacity_per_s[link(streets, "0,0", "100,0")] == pytest.approx(0.5 * q_max)


def test_zero_lengths_get_the_least_length_and_are_reported():
    graph = line(length="0")
    streets, report = compiled(graph, min_length_m=2.0)
    assert report.n_too_short == 0 or streets.length_m.min() >= 2.0
    assert (streets.length_m > 0).all()


def test_a_length_that_is_missing_is_measured_along_the_course():
    graph = line(geometry="LINESTRING (0 0, 50 50, 100 0)")
    for *_, attributes in graph.edges(data=True):
        if "geometry" in attributes:
            del attributes["length"]
    streets, _ = compiled(graph)
    assert streets.length_m[link(streets, "0,0", "100,0")] == pytest.approx(2 * math.hypot(50, 50))


def test_parallel_edges_stay_and_self_loops_go():
    graph = line()
    graph.add_edge("0,0", "100,0", highway="tertiary", length="120", oneway="True")
    graph.add_edge("0,0", "0,0", highway="residential", length="50", oneway="True")
    streets, report = compiled(graph)
    ends = (streets.link_upstream == streets.node_id.index("0,0")) & (
        streets.link_downstream == streets.node_id.index("100,0")
    )
    assert ends.sum() == 2 and report.n_parallel == 1 and report.n_self_loops == 1
    assert (streets.link_upstream != streets.link_downstream).all()


def test_a_part_that_reaches_no_exit_is_dropped_and_counted():
    graph = nx.compose(line(), street(((5000, 0), (5100, 0), {})))
    streets, report = compiled(graph)
    assert streets.n_nodes == 3 and report.n_nodes_dropped == 2 and report.n_parts == 2


def test_footpaths_are_for_walkers_and_motorways_for_cars():
    streets, _ = compiled(line(highway="footway"))
    k = link(streets, "0,0", "100,0")
    assert streets.walkable[k] and not streets.drivable[k]
    motorway = street(((0, 0), (100, 0), {}), ((100, 0), (200, 0), {}), ((0, 0), (200, 0), {"highway": "motorway"}))
    streets, _ = compiled(motorway)
    k = link(streets, "0,0", "200,0")
    assert streets.drivable[k] and not streets.walkable[k]


def test_drive_and_walk_marks_of_multimodal_files_are_obeyed():
    streets, _ = compiled(line(drive="False", walk="True"))
    k = link(streets, "0,0", "100,0")
    assert streets.walkable[k] and not streets.drivable[k]


def test_degrees_are_projected_to_metres():
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node, (x, y) in {"a": (37.0, 48.0), "b": (37.0, 48.001), "c": (37.0, 48.002)}.items():
        graph.add_node(node, x=str(x), y=str(y))
    for a, b in (("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")):
        graph.add_edge(a, b, highway="residential", oneway="False")
    streets, report = compile_streets(graph, settings(exits=({"node": "c"},)))
    assert streets.length_m[0] == pytest.approx(0.001 * EARTH_M_PER_DEGREE, rel=0.01)
    assert not report.crs_assumed
    assert streets.unproject(*streets.project(37.0, 48.0)) == pytest.approx((37.0, 48.0))


def test_exits_may_be_nodes_or_places():
    by_node, _ = compiled(line(), exits=({"node": "0,0", "name": "West"},))
    by_place, _ = compiled(line(), exits=({"x_m": 3.0, "y_m": 4.0, "name": "West"},))
    assert by_node.exit_name == by_place.exit_name == ("West",)
    assert by_node.node_id[by_node.exit_node[0]] == by_place.node_id[by_place.exit_node[0]] == "0,0"


def ring(n=60, radius_m=1500.0):
    """Return a ring road with streets inside and no road that leaves."""
    spot = [
        (round(radius_m * math.cos(2 * math.pi * k / n)), round(radius_m * math.sin(2 * math.pi * k / n)))
        for k in range(n)
    ]
    edges = [(spot[k], spot[(k + 1) % n], {"highway": "primary"}) for k in range(n)]
    edges += [(spot[k], spot[(k + n // 2) % n], {}) for k in range(0, n // 2, 6)]
    return street(*edges)


def test_a_ring_road_without_natural_exits_still_gets_exits():
    streets, _ = compile_streets(ring(), settings())
    assert len(streets.exit_name) >= 2
    assert reaches_exit(streets, streets.drivable).all()


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        (({"node": "nowhere"},), "nowhere"),
        (({"node": "900,0"},), "reach"),
    ],
)
def test_exits_that_cannot_be_used_are_refused_by_name(exits, message):
    graph = line()
    graph.add_node("900,0", x="900", y="0")
    graph.add_edge("900,0", "200,0", highway="residential", length="700", oneway="True", drive="True", walk="False")
    with pytest.raises(ScenarioError, match=message):
        compiled(graph, exits=exits)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"just text", "GraphML"),
        (b"<html><body>not found</body></html>", "GraphML|graph"),
        (b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed"/></graphml>', "node"),
    ],
)
def test_a_file_that_is_no_street_graph_is_one_clear_message(tmp_path, content, message):
    path = tmp_path / "town.graphml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=message) as caught:
        load_streets(StreetSettings(network=path))
    assert str(path) in str(caught.value)
    packed = tmp_path / "town.graphml.gz"
    packed.write_bytes(gzip.compress(content)[:-4])
    with pytest.raises(ScenarioError):
        load_streets(StreetSettings(network=packed))


def test_nodes_without_coordinates_are_refused(tmp_path):
    graph = line()
    del graph.nodes["0,0"]["x"]
    with pytest.raises(ScenarioError, match="0,0"):
        compiled(graph)


def test_what_leaves_as_a_graph_comes_back_the_same(tmp_path):
    streets, _ = load_streets(settings())
    path = tmp_path / "again.graphml"
    nx.write_graphml(to_networkx(streets), path)
    nodes = [streets.node_id[k] for k in streets.exit_node]
    again, _ = load_streets(StreetSettings(network=path, exits=tuple({"node": node} for node in nodes)))
    assert again.n_links == streets.n_links and again.n_nodes == streets.n_nodes
    assert np.allclose(np.sort(again.length_m), np.sort(streets.length_m))
    assert np.allclose(np.sort(again.free_flow_speed_m_s), np.sort(streets.free_flow_speed_m_s))
    assert again.drivable.sum() == streets.drivable.sum()


@given(st.text(max_size=20))
def test_any_text_as_an_attribute_gives_a_usable_link(text):
    streets, _ = compiled(line(maxspeed=text, lanes=text, width=text))
    assert np.isfinite(streets.free_flow_speed_m_s).all() and (streets.free_flow_speed_m_s > 0).all()
    assert np.isfinite(streets.n_lanes).all() and np.isfinite(streets.carriageway_width_m).all()


def test_describing_a_network_tells_what_was_filled_in():
    report = describe(SHIPPED / "tiny_town.graphml")
    text = str(report)
    assert "131 nodes" in text and "by class" in text and "Main Street" in text
    assert not report.is_openstreetmap and describe(SHIPPED / "coquimbo_drive.graphml.gz").is_openstreetmap


def test_coquimbo_comes_in_whole():
    streets, report = load_streets(StreetSettings(network=SHIPPED / "coquimbo_drive.graphml.gz"))
    assert report.n_nodes_read == 4885 and report.n_edges_read == 12518
    assert streets.n_nodes > 4800 and len(streets.exit_name) >= 4
    assert columns is not None and read_graph(SHIPPED / "coquimbo_drive.graphml.gz").number_of_nodes() == 4885


@pytest.mark.skipif(DATA is None, reason="SAFEPASSAGE_DATA does not name the folder of test data")
@pytest.mark.parametrize("path", sorted(Path(DATA or ".").glob("networks/*.graphml")), ids=lambda path: path.stem)
def test_every_network_of_the_test_data_loads_and_can_be_left(path):
    streets, report = load_streets(StreetSettings(network=path))
    assert report.n_nodes_read >= streets.n_nodes > 0.9 * report.n_nodes_read
    assert len(streets.exit_name) >= 1
    by_car = reaches_exit(streets, streets.drivable)[np.unique(streets.link_upstream[streets.drivable])]
    assert by_car.mean() > (0.7 if "multimodal" in path.stem else 0.95)  # private yards hang on footpaths alone
    assert (streets.length_m > 0).all() and np.isfinite(streets.geometry_x_m).all()
    if "aleppo" in path.stem:
        assert report.n_edges_giving["maxspeed"] == 0
