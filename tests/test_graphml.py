import io
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from drawn_streets import both, compile_at, graph_of, saved
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.model.inputs.text_files import read_bytes
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.reading import graphml
from safepassage.model.streets.reading.graphml import check_graph, read_graph, read_table
from safepassage.model.streets.reading.order import table_of
from safepassage.model.streets.reading.plain_graphml import plain_table

NETWORKS = Path(__file__).parent.parent / "scenarios" / "networks"
TYPED = """<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="x" for="node" attr.name="x" attr.type="double"/> <key id="y" for="node" attr.name="y" attr.type="double"/>
  <key id="l" for="edge" attr.name="length" attr.type="int"/>
  <key id="o" for="edge" attr.name="oneway" attr.type="boolean"/>
  <key id="n" for="edge" attr.name="name" attr.type="string"/>
  <graph edgedefault="directed">
    <node id="10"><data key="x">1.0</data><data key="y">2.0</data></node>
    <node id="9"><data key="x">1.1</data><data key="y">2.0</data></node>
    <edge source="10" target="9" id="0"><data key="l">40</data><data key="o">true</data><data key="n"/></edge>
    <edge source="10" target="9"><data key="n">Second</data><data key="l">50</data></edge>
    <edge source="10" target="9" id="0" directed="true"><data key="l">60</data></edge>
    <edge source="9" target="10" id="way"><port name="a"/><data key="n">Third</data></edge>
  </graph>
</graphml>"""
"""Attributes of several types, one edge named twice, ports: nothing that OSMnx writes, but GraphML."""

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


def listed(table):
    """Return all that a StreetTable says, each row by itself."""
    edges = {name: [said[row] for row in range(table.upstream.size)] for name, said in table.of_edge.items()}
    kinds = [table.node_kind[row] for row in range(len(table.node))]
    ends = table.upstream.tolist(), table.downstream.tolist()
    assert table is not None
    return table.crs, table.node, table.x.tolist(), table.y.tolist(), kinds, *ends, edges


@pytest.mark.parametrize("network", ["tiny_town.graphml", "pokrovsk_schematic.graphml.gz", "typed.graphml"])
def test_a_file_read_into_a_table_is_what_its_graph_in_networkx_lists(tmp_path, network):
    path = NETWORKS / network
    if network == "typed.graphml":
        path = tmp_path / network
        path.write_text(TYPED, encoding="utf-8")
    assert (plain_table(read_bytes(path)) is None) == (network == "typed.graphml")
    assert listed(read_table(path)) == listed(table_of(read_graph(path)))


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from("&<>\"'\n\t; 1"), max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 4)] * 2, st.dictionaries(st.sampled_from("abc"), WORDS)), min_size=1),
    st.booleans(), st.sampled_from((nx.readwrite.graphml.write_graphml_xml, nx.write_graphml)),
)  # fmt: skip
def test_what_networkx_writes_of_texts_is_read_in_columns_as_networkx_reads_it(edges, pretty, write):
    graph = nx.MultiDiGraph(crs="EPSG:4326 & more")
    graph.add_nodes_from((str(node), {"x": f"{node}.5", "y": "-2", "highway": "a<b"[:node]}) for node in range(5))
    graph.add_edges_from((str(upstream), str(downstream), said) for upstream, downstream, said in edges)
    written = io.BytesIO()
    write(graph, written, prettyprint=pretty)
    read = nx.read_graphml(io.BytesIO(written.getvalue()), force_multigraph=True)
    assert listed(plain_table(written.getvalue())) == listed(table_of(read))


SMALL = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="d0" for="graph" attr.name="crs" attr.type="string" />
<key id="x" for="node" attr.name="x" attr.type="string" /><key id="y" for="node" attr.name="y" attr.type="string"/>
<key id="n" for="edge" attr.name="name" attr.type="string" />
<graph edgedefault="directed"><data key="d0">epsg:4326</data>
<node id="a"><data key="x">1</data><data key="y">2</data></node><node id="b"><data key="x">3</data>
<data key="y">4</data></node><edge source="a" target="b" id="0"><data key="n">A &amp; B</data></edge>
<edge source="b" target="a" id="0" />
</graph></graphml>"""
PIECES = [
    "", "<!-- x -->", "<![CDATA[x]]>", "&#10;", "&y;", "&amp;", '<data key="n">C</data>', '<data key="n"/>', "</node>",
    "<q>", '<node id="a"/>', '<node id="c"><data key="x">1</data><data key="y">1</data></node>', "\r\n", "\x01",
    "\xe9", ">", "<", "'", '"', "</graph>", '<edge source="a" target="b"/>', '<edge source="a" target="b" id="00"/>',
    "</data>", "<?p?>", '<edge source="a" target="c" id="1"/>', '<graph edgedefault="directed">', '<port name="p"/>',
    "<default>C</default>",
]  # fmt: skip
"""What is put into SMALL."""


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, len(SMALL)),
    st.integers(0, 12),
    st.sampled_from(PIECES),
    st.sampled_from(("utf-8", "latin-1")),
)
def test_a_text_that_is_written_otherwise_is_left_to_networkx_or_read_as_it_reads_it(at, n_cut, piece, encoding):
    content = (SMALL[:at] + piece + SMALL[at + n_cut :]).encode(encoding)
    table = plain_table(content)
    if table is not None:
        read = nx.read_graphml(io.BytesIO(content), force_multigraph=True)
        check_graph(read)
        assert listed(table) == listed(table_of(read))


@pytest.mark.parametrize(
    ("instead", "of"),
    [
        ("undirected", "directed"), ("utf-16", "utf-8"), ("int", "string"), ("<!DOCTYPE graphml><graphml", "<graphml"),
        ("<!-- a --><node", "<node"), ("><![CDATA[1]]><", ">1<"), ('"b" directed="true" id="0"', '"b" id="0"'),
        ('id="k"', 'id="0"'), (">nan<", ">4<"), ("&nothing;", "&amp;"), ("><default>z</default></key>", " />"),
    ],
)  # fmt: skip
def test_a_text_that_is_not_plain_is_not_read_in_columns(instead, of):
    assert plain_table(SMALL.encode()) is not None and plain_table(SMALL.replace(of, instead, 1).encode()) is None


TWO_KEYS = SMALL.replace("<graph ", '<key id="m" for="edge" attr.name="name" attr.type="string"/><graph ', 1).replace(
    'target="a" id="0" />', 'target="a" id="0"><data key="m">C</data></edge>'
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SMALL.replace("'utf-8'", "'latin-1'"), "latin-1"),
        (SMALL.replace("</graph>", '<edge source="b" target="a" id="00" /></graph>'), "utf-8"),
        (TWO_KEYS, "utf-8"),
        (SMALL.replace('<node id="b">', '&amp;<node id="b">'), "utf-8"),
    ],
    ids=["another encoding", "an edge a second time", "two keys of one name", "text between nodes"],
)
def test_a_text_that_could_be_read_wrongly_in_columns_is_left_to_networkx(text, encoding):
    assert text != SMALL and plain_table(text.encode(encoding)) is None


def test_edges_of_a_table_stand_by_their_ends_numbers_as_numbers_and_alike_ones_by_what_they_are(tmp_path):
    path = tmp_path / "typed.graphml"
    path.write_text(TYPED, encoding="utf-8")
    *_, upstream, downstream, edges = listed(read_table(path))
    assert read_table(path).node == ["9", "10"] and upstream == [0, 1, 1] and downstream == [1, 0, 0]
    assert edges == {"name": ["Third", "", "Second"], "length": [None, "60", "50"], "oneway": [None, "True", None]}


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"nowhere.graphml: there is no such file"):
        read_graph(tmp_path / "nowhere.graphml")


@pytest.mark.parametrize("content", [b"not xml", b"<graphml><graph", b"", b"<html></html>", b"\xff\xfe"])
def test_a_file_that_is_no_graphml_is_one_clear_error(tmp_path, content):
    path = tmp_path / "town.graphml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match="this is not a GraphML file"):
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
