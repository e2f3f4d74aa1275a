"""Where a town is left: streets that the map's edge cuts, and ends of roads that the map does not explain."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from safepassage.model.maps.graph import CUT
from safepassage.model.maps.read import TownMap
from safepassage.model.streets.classes import street_class
from safepassage.model.streets.exits import side_of
from safepassage.model.streets.projection import WGS84, plane_crs, transformer
from safepassage.model.streets.reading.graphml import number, values
from safepassage.model.streets.ways_out.doubts import UNDESCRIBED, is_described

if TYPE_CHECKING:
    import networkx as nx

LEADING_CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary")
"""Roads that may lead out of a town. Assumption, as in streets.border_exits."""
EDGE_SHARE = 0.06
"""The end of a road this near to the hull of the streets, as a share of their diagonal, may lead out. Assumption."""
SAME_CROSSING_M = 80.0
"""Carriageways of one road that cross the edge lie within this. Assumption."""
SAME_ROAD_M = 600.0
"""Ends this near to each other, in a chain, are one way out. Assumption."""
MOST_EXITS = 30
"""So many at most, the largest roads first. Assumption."""


@dataclass(frozen=True)
class WayOut:
    """One way out of the town: its node, its name, why it is taken for one, and why that may be wrong."""

    node: str
    name: str
    why: str
    doubt: str = ""


def ways_out(town: TownMap) -> list[WayOut]:
    """Return the ways out of a town, the largest roads first; those with a doubt last. Empty: none is to be seen."""
    graph = town.graph
    x_m, y_m, row = _plane(graph)
    reached = _reached_from_the_town(graph)
    cut = [node for node, data in graph.nodes(data=True) if data.get(CUT) == "yes" and node in reached]
    proven = [node for node in cut if _best(graph, node, LEADING_CLASSES)] or [n for n in cut if _best(graph, n, ())]
    if proven:
        groups = _grouped(proven, x_m, y_m, row, SAME_CROSSING_M)
        found = [(group, "the map's edge cuts the road here", "") for group in groups]
    else:
        ends = [node for node in _open_ends(town, x_m, y_m, row) if node in reached]
        groups = _grouped(ends, x_m, y_m, row, SAME_ROAD_M)
        told = [any(_is_described(graph, node) for node in group) for group in groups]
        found = [
            (group, "the road ends at the edge of the map and nothing continues it",
             "" if is_told or not any(told) else UNDESCRIBED)
            for group, is_told in zip(groups, told, strict=True)
        ]  # fmt: skip
    middle = (x_m.min() + x_m.max()) / 2, (y_m.min() + y_m.max()) / 2
    outs: list[tuple[Any, WayOut]] = []
    for group, why, doubt in found:
        node = min(group, key=lambda one: (_rank(graph, one), -_n_lanes(graph, one), one))
        side = side_of(x_m[row[node]] - middle[0], y_m[row[node]] - middle[1])
        outs.append(
            ((bool(doubt), _rank(graph, node), node), WayOut(node, f"{_road(graph, node)} ({side})", why, doubt))
        )
    return _named_apart([out for _, out in sorted(outs, key=lambda one: one[0])][:MOST_EXITS])


def _reached_from_the_town(graph: "nx.MultiDiGraph") -> set[str]:
    """Return the nodes that cars reach from the largest part with ways to and fro: an exit must be one of them."""
    import networkx as nx

    roads = nx.DiGraph((u, v) for u, v, data in graph.edges(data=True) if _drivable(data))
    if not len(roads):
        return set(graph)
    town = max(nx.strongly_connected_components(roads), key=len)
    start = next(iter(town))
    return {start} | nx.descendants(roads, start)


def _plane(graph: "nx.MultiDiGraph") -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    x, y = (np.array([number(data[axis]) for _, data in graph.nodes(data=True)]) for axis in ("x", "y"))
    crs = str(graph.graph.get("crs") or WGS84)
    x_m, y_m = transformer(crs, plane_crs(crs, x, y))(x, y)
    return x_m, y_m, {node: i for i, node in enumerate(graph.nodes)}


def _into(graph: "nx.MultiDiGraph", node: str) -> list[dict[str, Any]]:
    """Return the edges on which cars come to a node."""
    return [data for u, _, data in graph.in_edges(node, data=True) if u != node and _drivable(data)]


def _classes(data: dict[str, Any]) -> tuple[str, ...]:
    return values(str(data["highway"])) if data.get("highway") is not None else ("unclassified",)


def _drivable(data: dict[str, Any]) -> bool:
    return all(street_class(one).drivable for one in _classes(data)) and str(data.get("drive")) != "False"


def _best(graph: "nx.MultiDiGraph", node: str, classes: tuple[str, ...]) -> bool:
    """Return whether cars come to a node on a road of one of the classes; () stands for any."""
    return any(
        not classes or any(one.removesuffix("_link") in classes for one in _classes(data))
        for data in _into(graph, node)
    )


def _rank(graph: "nx.MultiDiGraph", node: str) -> int:
    return min((street_class(one).rank for data in _into(graph, node) for one in _classes(data)), default=99)


def _n_lanes(graph: "nx.MultiDiGraph", node: str) -> float:
    found = [number(value) for data in _into(graph, node) for value in values(str(data.get("lanes", "")))]
    return max((n for n in found if np.isfinite(n)), default=0.0)


def _is_described(graph: "nx.MultiDiGraph", node: str) -> bool:
    return any(is_described(data) for data in _into(graph, node))


def tunnel_into(graph: "nx.MultiDiGraph", node: str) -> bool:
    """Return whether cars come to a node through a tunnel. graph: streets with OSMnx's attributes, ids as text."""
    return any(str(data.get("tunnel", "no")) not in ("no", "False", "None", "nan", "") for data in _into(graph, node))


def _open_ends(town: TownMap, x_m: np.ndarray, y_m: np.ndarray, row: dict[str, int]) -> list[str]:
    """Return nodes near the hull at which a leading road ends and no track, path or street goes on."""
    graph = town.graph
    hull = shapely.convex_hull(shapely.multipoints(np.column_stack((x_m, y_m))))
    edge = hull.boundary if hull.geom_type == "Polygon" else hull
    away_m = shapely.distance(shapely.points(x_m, y_m), edge)
    limit_m = EDGE_SHARE * float(np.hypot(np.ptp(x_m), np.ptp(y_m)))
    ends = [
        node for node, data in graph.nodes(data=True)
        if away_m[row[node]] <= limit_m
        and len(set(graph.successors(node)) | set(graph.predecessors(node)) - {node}) == 1
        and node not in town.goes_on
        and _best(graph, node, LEADING_CLASSES)
    ]  # fmt: skip
    return ends


def _grouped(nodes: list[str], x_m: np.ndarray, y_m: np.ndarray, row: dict[str, int], near_m: float) -> list[list[str]]:
    """Return nodes in groups, each a chain in which the next is near."""
    from scipy.sparse import coo_array, csgraph
    from scipy.spatial import KDTree

    if not nodes:
        return []
    at = np.array([(x_m[row[node]], y_m[row[node]]) for node in nodes])
    pairs = KDTree(at).query_pairs(near_m, output_type="ndarray")
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(nodes), len(nodes)))
    n, part = csgraph.connected_components(joined, directed=False)
    return [[nodes[i] for i in np.flatnonzero(part == k)] for k in range(n)]


def _road(graph: "nx.MultiDiGraph", node: str) -> str:
    best = min(_into(graph, node), key=lambda data: min(street_class(one).rank for one in _classes(data)))
    for key in ("ref", "name"):
        said = values(str(best[key])) if best.get(key) is not None else ()
        if said:
            return said[0]
    return f"{_classes(best)[0].replace('_', ' ')} road"


def _named_apart(outs: list[WayOut]) -> list[WayOut]:
    seen: dict[str, int] = {}
    named = []
    for out in outs:
        seen[out.name] = seen.get(out.name, 0) + 1
        name = out.name if seen[out.name] == 1 else f"{out.name} {seen[out.name]}"
        named.append(WayOut(out.node, name, out.why, out.doubt))
    return named
