"""Street graphs as OSMnx saves them: GraphML in, every attribute a text; what those texts mean."""

import ast
import io
import math
import re
from functools import cache
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from safepassage.model.inputs.tables import refuse, some_of
from safepassage.model.inputs.text_files import read_bytes
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.classes import SPEED_WORDS_KM_H
from safepassage.model.streets.reading.order import StreetTable, table_of
from safepassage.model.streets.reading.plain_graphml import plain_table

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
    content = _content(path)
    import networkx as nx

    try:
        graph = nx.read_graphml(io.BytesIO(content), node_type=str, force_multigraph=True)
    except (ParseError, nx.NetworkXError, LookupError, UnicodeError, ValueError, TypeError, RecursionError) as error:
        raise ScenarioError(f"{path}: this is not a GraphML file ({error or type(error).__name__}). {_HOW}") from error
    check_graph(graph, str(path))
    return graph


def read_table(path: Path) -> StreetTable:
    """Return the StreetTable of the graph in a file. Raises what read_graph does."""
    table = plain_table(_content(path))
    return table_of(read_graph(path)) if table is None else table


def _content(path: Path) -> bytes:
    """Return the content of a file of GraphML."""
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
    return content


def check_graph(graph: "nx.MultiDiGraph", place: str = "the street graph") -> None:
    """Raise ScenarioError unless the graph is directed and has nodes with coordinates and edges between them."""
    if not graph.is_directed():
        raise ScenarioError(
            f"{place}: the graph is undirected, so one-way streets cannot be recognised. "
            "Save the directed graph that OSMnx made, not the result of osmnx.convert.to_undirected."
        )
    for what, n in (("nodes", graph.number_of_nodes()), ("edges (streets)", graph.number_of_edges())):
        if n == 0:
            raise ScenarioError(f"{place}: the graph has no {what}. Choose an area with streets. {_HOW}")
    wrong = [
        (node, axis, attributes.get(axis))
        for node, attributes in graph.nodes(data=True)
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
    if text.isdecimal():
        return (text,)
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
