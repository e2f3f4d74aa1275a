"""A street graph cut along a boundary: what lies outside is left out, where a street crosses is a node of its own."""

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from safepassage.model.maps.graph import CUT
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.projection import WGS84, transformer
from safepassage.model.streets.reading.graphml import number

if TYPE_CHECKING:
    import networkx as nx


def clipped(graph: "nx.MultiDiGraph", boundary: Any) -> "nx.MultiDiGraph":
    """Return the part of a street graph within a boundary (shapely, degrees); nodes at which it was cut say so.

    Raises ScenarioError if no street lies inside.
    """
    import networkx as nx

    crs = str(graph.graph.get("crs") or WGS84)
    if crs.upper() != WGS84:
        to_graph = transformer(WGS84, crs)
        boundary = shapely.transform(boundary, lambda xy: np.column_stack(to_graph(xy[:, 0], xy[:, 1])))
    edges = list(graph.edges(keys=True, data=True))
    lines = np.array([line_of(graph, u, v, data) for u, v, _, data in edges], dtype=object)
    shapely.prepare(boundary)
    within, touched = shapely.covers(boundary, lines), shapely.intersects(boundary, lines)
    kept = nx.MultiDiGraph(**graph.graph)
    names: dict[tuple[float, float], str] = {}

    def node_at(node: Any, place: Any) -> Any:
        if node is None:
            key = (round(place[0], 7), round(place[1], 7))
            node = names.setdefault(key, f"cut{len(names) + 1}")
            kept.add_node(node, x=place[0], y=place[1], **{CUT: "yes"})
        elif node not in kept:
            kept.add_node(node, **graph.nodes[node])
        return node

    for i in np.flatnonzero(touched):
        u, v, _, data = edges[i]
        if within[i]:
            kept.add_edge(node_at(u, None), node_at(v, None), **data)
            continue
        whole = lines[i]
        for part in shapely.get_parts(shapely.line_merge(shapely.intersection(whole, boundary))):
            if part.geom_type != "LineString" or not part.length > 1e-6 * whole.length:
                continue
            if shapely.line_locate_point(whole, shapely.get_point(part, 0)) > shapely.line_locate_point(
                whole, shapely.get_point(part, -1)
            ):
                part = shapely.reverse(part)
            first, last = part.coords[0], part.coords[-1]
            begin = u if first == whole.coords[0] else None
            end = v if last == whole.coords[-1] else None
            share = part.length / whole.length
            changed = {**data, "geometry": part.wkt}
            if np.isfinite(number(data.get("length"))):
                changed["length"] = number(data["length"]) * share
            kept.add_edge(node_at(begin, first), node_at(end, last), **changed)
    if not kept.number_of_edges():
        raise ScenarioError("no street lies within the boundary. Give the boundary of the streets' own town.")
    return kept


def line_of(graph: "nx.MultiDiGraph", u: Any, v: Any, data: dict[str, Any]) -> Any:
    """Return the course of an edge as a shapely line; straight where the graph does not tell it.

    u, v: its ends. data: its attributes.
    """
    given = data.get("geometry")
    if isinstance(given, str):
        given = shapely.from_wkt(given, on_invalid="ignore")
    if isinstance(given, shapely.LineString) and not given.is_empty:
        return shapely.force_2d(given)
    ends = [(number(graph.nodes[node]["x"]), number(graph.nodes[node]["y"])) for node in (u, v)]
    return shapely.LineString(ends)
