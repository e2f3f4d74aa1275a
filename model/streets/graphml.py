"""Street graphs as OSMnx saves them: GraphML in, every attribute a text; what those texts mean."""

import ast
import gzip
import math
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.classes import SPEED_WORDS_KM_H
from safepassage.model.tables import refuse, some_of

if TYPE_CHECKING:
    import networkx as nx

KM_H_PER_MPH = 1.609344
KM_H_PER_KNOT = 1.852
MAX_SPEED_KM_H = 200.0
MAX_LANES = 16
MAX_WIDTH_M = 100.0
_HOW = "Save the streets with osmnx.save_graphml(graph, path)."
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def read_graph(path: Path) -> "nx.MultiDiGraph":
    """Return the networkx.MultiDiGraph in a GraphML file (.graphml or .graphml.gz), node ids and attributes as text.

    Raises ScenarioError if there is no file, if it is not GraphML, if it is undirected or has no streets or places.
    """
    import networkx as nx

    path = Path(path)
    if not path.is_file():
        raise ScenarioError(f"{path}: there is no such file. Give the path of a GraphML file. {_HOW}")
    try:
        with _open(path) as file:
            graph = nx.read_graphml(file, node_type=str, force_multigraph=True)
    except (ParseError, nx.NetworkXError, OSError, EOFError, UnicodeDecodeError, ValueError, KeyError) as error:
        raise ScenarioError(f"{path}: this is no GraphML file ({error or type(error).__name__}). {_HOW}") from error
    check_graph(graph, str(path))
    return graph


def _open(path):
    with open(path, "rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if is_gzip else open(path, "rb")


def check_graph(graph: "nx.MultiDiGraph", place: str = "the street graph") -> None:
    """Raise ScenarioError unless the graph is directed and has nodes with coordinates and edges between them."""
    if not graph.is_directed():
        raise ScenarioError(
            f"{place}: the graph is undirected, so one-way streets cannot be told. "
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


def number(value: float | str) -> float:
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
        try:
            items = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            items = text[1:-1].split(",")
    else:
        items = [text]
    parts = (part.strip().strip("'\"") for item in items for part in str(item).split(";"))
    return tuple(part for part in parts if part and part.lower() != "nan")


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
    if "mph" in value or "mp/h" in value:
        return speed * KM_H_PER_MPH
    return speed * KM_H_PER_KNOT if "knot" in value else speed


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
    if "'" in value or "ft" in value:
        return 0.3048 * (numbers[0] + (numbers[1] / 12 if len(numbers) > 1 else 0))
    return numbers[0] / 100 if value.endswith("cm") else numbers[0]


@cache
def n_pavements(text: str) -> float:
    """Return on how many sides a `sidewalk` puts a pavement, NaN if it does not say; the fewest of several."""
    sides = {"both": 2, "yes": 2, "left": 1, "right": 1, "this": 1, "no": 0, "none": 0, "separate": 0}
    return min((sides[v.split(":")[0]] for v in values(text) if v.split(":")[0] in sides), default=math.nan)
