"""What a street graph lists, as a table in one order, whatever the order in which a file lists it.

Rows of nodes and links follow from this order, and ties in the model go by rows or by names: so no result depends on
the file's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safepassage.agents.ground.arrays import Ints

if TYPE_CHECKING:
    import networkx as nx

    Edge = tuple[Any, Any, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class StreetTable:
    """Nodes by id, numbers as numbers, and edges by their ends and then by what they are.

    Two edges that are alike in everything may change places: nobody could tell.
    """

    crs: Any
    """Coordinate system of x and y as the graph names it, None if it does not."""
    node: list[Any]
    """Ids."""
    of_node: list[dict[str, Any]]
    """Attributes of each node: x, y, highway."""
    upstream: Ints
    """Row of the node where each edge begins, int64; downstream: where it ends."""
    downstream: Ints
    of_edge: dict[str, list[str | None]]
    """Attributes as text under OSMnx's names, those that any edge has: one entry per edge, None where it has not."""


def table_of(graph: "nx.MultiDiGraph") -> StreetTable:
    """Return the StreetTable of a graph."""
    return in_order(graph.graph.get("crs"), dict(graph.nodes(data=True)), graph.edges(data=True))


def in_order(crs: Any, nodes: dict[Any, dict[str, Any]], edges: Iterable["Edge"]) -> StreetTable:
    """Return the StreetTable of attributes by node id, and of edges as id, id and attributes. crs: as it is named."""
    ids = sorted(nodes, key=_of_id)
    row = {node: k for k, node in enumerate(ids)}
    ends, of_edge = [], []
    for upstream, downstream, attributes in edges:
        ends.append((row[upstream], row[downstream]))
        of_edge.append(attributes)
    both = np.array(ends, np.int64).reshape(-1, 2)
    place = both[:, 0] * len(ids) + both[:, 1]
    order = np.argsort(place, kind="stable")
    is_new = np.diff(place[order], prepend=-1) != 0
    first, last = np.flatnonzero(is_new), np.append(np.flatnonzero(is_new)[1:], order.size)
    for several in np.flatnonzero(last - first > 1):
        alike = slice(first[several], last[several])
        order[alike] = sorted(order[alike].tolist(), key=lambda edge: _of_edge(of_edge[edge]))
    upstream, downstream = both[order].T
    columns = _in_columns([of_edge[edge] for edge in order.tolist()])
    return StreetTable(crs, ids, [nodes[node] for node in ids], upstream, downstream, columns)


def _in_columns(of_edge: list[dict[str, Any]]) -> dict[str, list[str | None]]:
    columns: dict[str, list[str | None]] = {}
    for edge, attributes in enumerate(of_edge):
        for name, value in attributes.items():
            if name not in columns:
                columns[name] = [None] * len(of_edge)
            columns[name][edge] = value if value is None or type(value) is str else str(value)
    return columns


def _of_id(node: Any) -> tuple[int, int, str]:
    text = str(node)
    return (0, int(text), text) if text.lstrip("-").isdecimal() else (1, 0, text)


def _of_edge(attributes: dict) -> tuple[str, str, list[tuple[bool, str, str]]]:
    """Return the attributes as text, the class first, the course last: a mirrored town keeps its order."""
    rest = sorted((key == "geometry", key, str(value)) for key, value in attributes.items())
    return str(attributes.get("highway")), str(attributes.get("name", "")), rest
