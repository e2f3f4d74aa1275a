"""Street graphs as OSMnx saves them: GraphML in, every attribute a text; what those texts mean."""

import ast
import io
import math
import re
from collections.abc import Callable
from functools import cache
from itertools import count
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from safepassage.model.inputs.tables import refuse, some_of
from safepassage.model.inputs.text_files import read_bytes
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.classes import SPEED_WORDS_KM_H
from safepassage.model.streets.order import StreetTable, in_order

if TYPE_CHECKING:
    import networkx as nx

KM_H_PER_MPH = 1.609344
KM_H_PER_KNOT = 1.852
MAX_SPEED_KM_H = 200.0
MAX_LANES = 16
MAX_WIDTH_M = 100.0
OTHER_MAPS = (".pbf", ".osm", ".osm.gz", ".osm.bz2", ".o5m", ".gpkg", ".parquet")
"""Ends of the names of maps that `safepassage init` reads and a scenario does not."""
_HOW = "Save the streets with osmnx.save_graphml(graph, path)."
INCH_M = 0.0254
LENGTH_UNITS_M = {"cm": 0.01, "mm": 0.001, "km": 1000.0, "(?:yd|yds|yard|yards)": 0.9144, "(?:mi|mile|miles)": 1609.344}
"""International yard and pound (1959)."""
QUOTES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{PRIME}": "'",
                        "\N{RIGHT DOUBLE QUOTATION MARK}": '"', "\N{LEFT DOUBLE QUOTATION MARK}": '"',
                        "\N{DOUBLE PRIME}": '"'})  # fmt: skip
FEET = re.compile(r"\d\s*(?:'(?!')|(?:ft|foot|feet)\b)")
INCHES = re.compile(r"\d\s*(?:\"|''|(?:in|inch|inches)\b)")
METRES = re.compile(r"\d\s*(?:m|metres?|meters?)?\.?$")
MILES = re.compile(r"mph|mp/h|mi/h|miles?\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def read_graph(path: Path) -> "nx.MultiDiGraph":
    """Return the networkx.MultiDiGraph in a GraphML file (.graphml or .graphml.gz), node ids and attributes as text.

    Raises ScenarioError if there is no file, if it is not GraphML, if it is undirected or has no streets or places.
    """
    import networkx as nx

    graph = _read(path, lambda directed: nx.MultiDiGraph() if directed else nx.MultiGraph())
    check_graph(graph, str(path))
    return graph


def read_table(path: Path) -> StreetTable:
    """Return what read_graph would as a StreetTable, without a graph in between. Raises what read_graph does."""
    listed = _read(path, _Listed)
    nodes, edges = listed.nodes, [(u, v, data) for (u, v), keyed in listed.edges.items() for data in keyed.values()]
    _check(listed.directed, nodes, len(edges), str(path))
    return in_order(listed.graph.get("crs"), nodes, edges)


class _Listed:
    """What networkx's reader of GraphML fills as it would fill its MultiDiGraph."""

    def __init__(self, directed: bool) -> None:
        self.directed = directed
        self.graph: dict[str, Any] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.edges: dict[tuple[str, str], dict[Any, dict[str, Any]]] = {}
        """Attributes by ends and key."""

    def is_directed(self) -> bool:
        return self.directed

    def add_node(self, node: str, /, **attributes: Any) -> None:
        self.nodes.setdefault(node, {}).update(attributes)

    def has_edge(self, upstream: str, downstream: str) -> bool:
        return (upstream, downstream) in self.edges

    def add_edges_from(self, edges: list[tuple[str, str, Any, dict[str, Any]]]) -> None:
        for upstream, downstream, key, attributes in edges:
            self.nodes.setdefault(upstream, {})
            self.nodes.setdefault(downstream, {})
            keyed = self.edges.setdefault((upstream, downstream), {})
            if key is None:
                key = next(k for k in count(len(keyed)) if k not in keyed)
            if key in keyed:
                keyed[key].update(attributes)
            else:
                keyed[key] = attributes


def _read(path: Path, empty: Callable[[bool], Any]) -> Any:
    """Return what `empty` makes, for a directed graph or another, filled from a file of GraphML."""
    path = Path(path)
    if not isfile(path):
        raise ScenarioError(f"{path}: there is no such file. Give the path of a GraphML file. {_HOW}")
    if path.name.lower().endswith(OTHER_MAPS):
        raise ScenarioError(
            f"{path}: streets are read from GraphML. Make a town of this map with `safepassage init {path.name} --out "
            "FOLDER`, which writes such a file."
        )
    content = read_bytes(path)
    change = "Cut the network to the area that is looked at."
    refuse_needs([Need(str(path), len(content), "bytes of GraphML", BYTES["graphml_byte"], change)])
    import networkx as nx

    try:
        return _parsed(content, empty)
    except (ParseError, nx.NetworkXError, LookupError, UnicodeError, ValueError, TypeError, RecursionError) as error:
        raise ScenarioError(f"{path}: this is not a GraphML file ({error or type(error).__name__}). {_HOW}") from error


def _parsed(content: bytes, empty: Callable[[bool], Any]) -> Any:
    """Return the first graph of a GraphML text, read by networkx's reader into what `empty` makes."""
    from networkx import NetworkXError
    from networkx.readwrite.graphml import GraphMLReader

    tag = f"{{{GraphMLReader.NS_GRAPHML}}}data"

    class Reader(GraphMLReader):
        def make_graph(self, graph_xml: Any, graphml_keys: Any, defaults: Any, G: Any = None) -> Any:  # noqa: N803
            G = empty(graph_xml.get("edgedefault") == "directed") if G is None else G
            return super().make_graph(graph_xml, graphml_keys, defaults, G)

        def add_edge(self, G: Any, edge_element: Any, graphml_keys: Any) -> None:  # noqa: N803
            """Add an edge that says no more than between which nodes it runs, as OSMnx writes it, at once."""
            edge = dict(edge_element.items())
            if not {"source", "target"} <= edge.keys() <= {"source", "target", "id"}:
                return super().add_edge(G, edge_element, graphml_keys)
            data = self.decode_data_elements(graphml_keys, edge_element)
            try:
                key: Any = int(edge["id"])
            except (KeyError, ValueError):
                key = edge.get("id") or data.get("key")
            return G.add_edges_from([(edge["source"], edge["target"], key, data)])

        def find_graphml_keys(self, graph_element: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            keys, defaults = super().find_graphml_keys(graph_element)
            self.name_of_text = {key: said["name"] for key, said in keys.items() if said["type"] is str}
            return keys, defaults

        def decode_data_elements(self, graphml_keys: Any, obj_xml: Any) -> dict[str, Any]:
            """Return attributes that are all plain text, as OSMnx writes them, at once."""
            data, names = {}, self.name_of_text
            for element in obj_xml:
                name = names.get(element.get("key"))
                if name is None or element.tag != tag or len(element):
                    return super().decode_data_elements(graphml_keys, obj_xml)
                data[name] = element.text or ""
            return data

    reader = Reader(node_type=str, force_multigraph=True)
    graphs = list(reader(path=io.BytesIO(content)))
    if not graphs:  # a header without the namespace, which networkx forgives
        whole = content.replace(b"<graphml>", f'<graphml xmlns="{GraphMLReader.NS_GRAPHML}">'.encode())
        graphs = list(reader(string=whole))
    if not graphs:
        raise NetworkXError("file not successfully read as graphml")
    return graphs[0]


def check_graph(graph: "nx.MultiDiGraph", place: str = "the street graph") -> None:
    """Raise ScenarioError unless the graph is directed and has nodes with coordinates and edges between them."""
    _check(graph.is_directed(), dict(graph.nodes(data=True)), graph.number_of_edges(), place)


def _check(is_directed: bool, nodes: dict[Any, dict[str, Any]], n_edges: int, place: str) -> None:
    if not is_directed:
        raise ScenarioError(
            f"{place}: the graph is undirected, so one-way streets cannot be recognised. "
            "Save the directed graph that OSMnx made, not the result of osmnx.convert.to_undirected."
        )
    for what, n in (("nodes", len(nodes)), ("edges (streets)", n_edges)):
        if n == 0:
            raise ScenarioError(f"{place}: the graph has no {what}. Choose an area with streets. {_HOW}")
    wrong = [
        (node, axis, attributes.get(axis))
        for node, attributes in nodes.items()
        for axis in ("x", "y")
        if not math.isfinite(number(attributes.get(axis)))
    ]
    refuse(
        some_of(
            wrong,
            lambda found: (
                f"{place}: node {found[0]} has {found[1]} = {found[2]!r}; every node needs its coordinates x and y. "
                f"{_HOW}"
            ),
            f"{place}: {{n}} more coordinates are missing.",
        )
    )


def number(value: Any) -> float:
    """Return a number given as number or text, NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


@cache
def values(text: str | None) -> tuple[Any, ...]:
    """Return the values in an attribute's text as a tuple of texts: "['40', '50']" and "40;50" hold two."""
    if text is None:
        return ()
    text = str(text).strip()
    if text.startswith("[") and text.endswith("]"):
        items = text[1:-1].split(", ")
        if not all(map(str.isdecimal, items)):  # not only ids
            items = _items(text)
    else:
        items = [text]
    parts = (part.strip() for item in items for part in str(item).split(";"))
    return tuple(part for part in parts if part and part.lower() != "nan")


def _items(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return [item.strip().strip("'\"") for item in text[1:-1].split(",")]


@cache
def boolean(text: str | None) -> bool | None:
    """Return True for "True", "yes" or "1" (of a list: if any is), False for their contraries, None for neither."""
    said = {value.lower() for value in values(text)}
    if said & {"true", "yes", "1", "-1"}:
        return True
    return False if said & {"false", "no", "0"} else None


@cache
def speed_km_h(text: str) -> float:
    """Return the speed in a `maxspeed`, NaN if it says none: the mean if it has several, as OSMnx does."""
    speeds = [speed for speed in map(_one_speed_km_h, values(text)) if 0 < speed <= MAX_SPEED_KM_H]
    return sum(speeds) / len(speeds) if speeds else math.nan


def _one_speed_km_h(value):
    value = value.lower()
    word = value.rsplit(":", 1)[-1]
    if word in SPEED_WORDS_KM_H:
        return SPEED_WORDS_KM_H[word]
    found = _NUMBER.search(word)
    if not found or "-" in word[: found.start()]:
        return math.nan
    speed = float(found.group().replace(",", "."))
    if MILES.search(value):
        return speed * KM_H_PER_MPH
    return speed * KM_H_PER_KNOT if "knot" in value or value.endswith("kn") else speed


@cache
def lanes(text: str) -> float:
    """Return the number of lanes in a `lanes`, NaN if it says none: the fewest if it has several (the bottleneck)."""
    found = [number(value) for value in values(text)]
    return min((n for n in found if 0 < n <= MAX_LANES), default=math.nan)


@cache
def width_m(text: str) -> float:
    """Return the metres in a `width`, NaN if it says none: the least of several; feet and inches are understood."""
    return min((w for w in map(_one_width_m, values(text)) if 0 < w <= MAX_WIDTH_M), default=math.nan)


def _one_width_m(value):
    numbers = [float(part.replace(",", ".")) for part in _NUMBER.findall(value)]
    if not numbers or value.startswith("-"):
        return math.nan
    value = value.lower().translate(QUOTES)
    if not FEET.search(value) and INCHES.search(value):
        return INCH_M * numbers[0]
    if FEET.search(value):
        return 12 * INCH_M * numbers[0] + (INCH_M * numbers[1] if len(numbers) > 1 else 0.0)
    for unit, metres in LENGTH_UNITS_M.items():
        if re.search(rf"\d\s*{unit}\b", value):
            return numbers[0] * metres
    return numbers[0] if METRES.search(value) else math.nan


@cache
def n_pavements(text: str) -> float:
    """Return on how many sides a `sidewalk` puts a pavement, NaN if it does not say; the fewest of several."""
    sides = {"both": 2, "yes": 2, "left": 1, "right": 1, "this": 1, "no": 0, "none": 0, "separate": 0}
    return min((sides[v.split(":")[0]] for v in values(text) if v.split(":")[0] in sides), default=math.nan)
