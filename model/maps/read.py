"""Any map file with streets, read one way: an extract of OpenStreetMap, GraphML, tables of nodes and edges."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safepassage.model.maps.clip import clipped
from safepassage.model.maps.extract import read_extract
from safepassage.model.maps.graph import graph_of
from safepassage.model.maps.graph_tables import TABLE_FORMATS, read_graph_tables
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.projection import WGS84
from safepassage.model.streets.reading.graphml import check_graph, number, read_graph

if TYPE_CHECKING:
    import networkx as nx

LEAST_PART_KM = 3.0
"""A part of the streets that is joined to nothing is left out below this length: a yard whose private access is not a
street. Assumption."""
EXTRACTS = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2", ".o5m")


@dataclass(eq=False)
class TownMap:
    """What a map file holds for a town."""

    graph: "nx.MultiDiGraph"
    """Streets with OSMnx's attributes; nodes with CUT where a street goes on outside."""
    buildings: list[tuple[Any, dict[str, str]]] = field(default_factory=list)
    places: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    n_left_out: Counter = field(default_factory=Counter)
    goes_on: frozenset = frozenset()
    """Nodes at which a way continues that is not a street here."""
    notes: list[str] = field(default_factory=list)
    boundary: Any = None
    coastlines: list[Any] = field(default_factory=list)
    """Lines (shapely, degrees) beyond which the sea lies."""
    background: list[tuple[str, Any, str]] = field(default_factory=list)
    """Kind, shape (degrees) and name of water, green, railways and places."""


def read_map(path: Path, boundary: Any = None, *, with_walkways: bool = False) -> TownMap:
    """Return the TownMap of a file, cut along a boundary (shapely, degrees) if one is given.

    with_walkways: of an extract, paths, steps, service roads and tracks become streets too. Raises ScenarioError for a
    file that is none of those read here. path: the file, which errors name.
    """
    path = Path(path)
    if path.name.lower().endswith(EXTRACTS):
        found = read_extract(path, boundary.bounds if boundary is not None else None, with_walkways=with_walkways)
        town = TownMap(
            graph_of(found.pieces, found.cut, found.signals), found.buildings, found.places, found.n_left_out,
            frozenset(map(str, found.goes_on)), _told(found.n_left_out, found.ferries), coastlines=found.coastlines,
            background=found.background,
        )  # fmt: skip
    elif path.suffix.lower() in TABLE_FORMATS:
        town = TownMap(read_graph_tables(path))
        check_graph(town.graph, str(path))
    else:
        town = TownMap(read_graph(path))
    return prepared(town, boundary, str(path))


def map_of(graph: "nx.MultiDiGraph", boundary: Any = None) -> TownMap:
    """Return the TownMap of a street graph in memory, cut along a boundary if one is given; the graph stays."""
    check_graph(graph)
    return prepared(TownMap(graph), boundary, "the street graph")


def prepared(town: TownMap, boundary: Any, place: str) -> TownMap:
    """Return a map whose streets are cut along the boundary, known to go on, and in one piece. place: for errors."""
    import networkx as nx
    import shapely

    town.graph = nx.relabel_nodes(town.graph, str, copy=True)
    _refuse_both_ends_of_the_map(town.graph, place)
    if boundary is not None:
        try:
            town.graph = clipped(town.graph, boundary)
        except ScenarioError as error:
            raise ScenarioError(f"{place}: {error}") from None
        shapely.prepare(boundary)
        town.buildings = [one for one in town.buildings if boundary.intersects(one[0])]
        town.places = [one for one in town.places if boundary.intersects(one[1])]
        town.boundary = boundary
    town.notes += _without_scraps(town.graph)
    return town


def _refuse_both_ends_of_the_map(graph: "nx.MultiDiGraph", place: str) -> None:
    """Raise ScenarioError for streets in degrees on both sides of the meridian of 180 degrees: no plane holds them."""
    if str(graph.graph.get("crs") or WGS84).upper() != WGS84:
        return
    x = [number(data["x"]) for _, data in graph.nodes(data=True)]
    if x and max(x) - min(x) > 180:
        raise ScenarioError(
            f"{place}: its streets lie on both sides of 180 degrees east ({min(x):g} to {max(x):g}). Cut them there "
            "with --boundary, or give them in plane coordinates."
        )


def _without_scraps(graph: "nx.MultiDiGraph") -> list[str]:
    """Take out parts that are joined to nothing and are small or lie outside the hull of the largest; tell of it.

    Large ones within it stay: they may be an island or a bank without its bridge, where people live.
    """
    import networkx as nx
    import shapely

    parts = sorted(nx.weakly_connected_components(graph), key=len, reverse=True)
    place = {node: (number(data["x"]), number(data["y"])) for node, data in graph.nodes(data=True)}
    hull = shapely.convex_hull(shapely.MultiPoint([place[node] for node in parts[0]]))
    scraps = [
        (part, km) for part in parts[1:]
        if (km := _km(graph, part)) < LEAST_PART_KM
        or not hull.intersects(shapely.MultiPoint([place[node] for node in part]))
    ]  # fmt: skip
    graph.remove_nodes_from([node for part, _ in scraps for node in part])
    if not scraps:
        return []
    return [
        f"{len(scraps):,} parts of the streets that are joined to nothing, and are far from the town or shorter than "
        f"{LEAST_PART_KM:g} km, are left out ({sum(km for _, km in scraps):,.1f} km)."
    ]


def _km(graph: "nx.MultiDiGraph", part: set[str]) -> float:
    """Return the kilometres of streets of a part, each two-way street counted once."""
    lengths = {
        (frozenset((u, v)), str(data.get("osmid"))): number(data.get("length"))
        for u, v, data in graph.edges(part, data=True)
    }
    return sum(lengths.values()) / 1000


def _told(n_left_out: Counter, ferries: Iterable[str]) -> list[str]:
    """Return a sentence about the ways that became no streets."""
    if not n_left_out:
        return []
    counted = "; ".join(f"{n:,} {why}" for why, n in n_left_out.most_common())
    names = list(dict.fromkeys(ferries))
    ferry = f" The ferries: {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}." * bool(
        names
    )
    return [f"Ways that are not used as streets: {counted}.{ferry}"]
