"""What a street graph lists, as a table in one order, whatever the order in which a file lists it.

Rows of nodes and links follow from this order, and ties in the model go by rows or by names: so no result depends on
the file's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False)
class Said:
    """What a graph says of its nodes or edges under one name: each text once, and which of them each row has."""

    texts: Sequence[Any]
    place: Ints
    """Place of each row's text among them, int; -1: nothing is said of it."""

    @classmethod
    def of(cls, values: list[Any]) -> Self:
        """Return what a list of texts says, None for each row of which nothing is said."""
        place = {text: k for k, text in enumerate(dict.fromkeys(value for value in values if value is not None))}
        return cls(list(place), np.fromiter((place.get(value, -1) for value in values), np.int64, len(values)))

    def each(self, meaning: Callable[[Any], Any], dtype: Any) -> np.ndarray:
        """Return what is meant in each row; of equal texts, which streets have many of, it is asked once."""
        return np.array([*map(meaning, self.texts), meaning(None)], dtype)[self.place]

    def into(self, meaning: Callable[[Any], Any]) -> "Said":
        """Return what is meant in each row, each meaning once."""
        meant = [*map(meaning, self.texts), meaning(None)]
        place = {one: k for k, one in enumerate(dict.fromkeys(meant))}
        return Said(list(place), np.array([place[one] for one in meant])[self.place])

    def at(self, rows: Any) -> "Said":
        """Return what is said in some rows, in their order."""
        return Said(self.texts, self.place[rows])

    def __getitem__(self, row: int) -> Any:
        """Return what is said in a row, None if nothing is."""
        return self.texts[self.place[row]] if self.place[row] >= 0 else None


@dataclass(frozen=True, eq=False)
class StreetTable:
    """Nodes by id, numbers as numbers, and edges by their ends and then by what they are.

    Two edges that are alike in everything may change places: nobody could tell.
    """

    crs: Any
    """Coordinate system of x and y as the graph names it, None if it does not."""
    node: list[Any]
    """Ids."""
    x: Floats
    y: Floats
    node_kind: Said
    """What nodes are: their `highway`."""
    upstream: Ints
    """Row of the node where each edge begins, int64; downstream: where it ends."""
    downstream: Ints
    of_edge: dict[str, Said]
    """What is said of edges under OSMnx's names, those that any edge has."""


def in_order(table: StreetTable) -> StreetTable:
    """Return a table whose nodes and edges stand in any order as they stand in order."""
    n_nodes, n = len(table.node), table.upstream.size
    by_id = [row for _, row in sorted(zip(_of_ids(table.node), range(n_nodes), strict=True))]
    row = np.empty(n_nodes, np.int64)
    row[by_id] = np.arange(n_nodes)
    upstream, downstream = row[table.upstream], row[table.downstream]
    place = upstream * n_nodes + downstream
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    last = np.append(first[1:], n)
    is_several = last - first > 1
    key = _of_edges(table.of_edge, order[np.repeat(is_several, last - first)].tolist())
    for alike in map(slice, first[is_several].tolist(), last[is_several].tolist()):
        order[alike] = sorted(order[alike].tolist(), key=key.__getitem__)
    return StreetTable(
        table.crs, [table.node[row] for row in by_id], table.x[by_id], table.y[by_id], table.node_kind.at(by_id),
        upstream[order], downstream[order], {name: said.at(order) for name, said in table.of_edge.items()},
    )  # fmt: skip


def table_of(graph: "nx.MultiDiGraph") -> StreetTable:
    """Return the StreetTable of a graph."""
    row = {node: k for k, node in enumerate(graph.nodes)}
    x, y = (np.array([float(place) for _, place in graph.nodes(data=axis)]) for axis in "xy")
    node_kind = Said.of([None if kind is None else str(kind) for _, kind in graph.nodes(data="highway")])
    edges = list(graph.edges(data=True))
    ends = np.array([(row[upstream], row[downstream]) for upstream, downstream, _ in edges], np.int64).reshape(-1, 2)
    columns: dict[str, list[str | None]] = {}
    for edge, (_, _, attributes) in enumerate(edges):
        for name, value in attributes.items():
            column = columns.setdefault(name, [None] * len(edges))
            column[edge] = None if value is None else str(value)
    of_edge = {name: Said.of(column) for name, column in columns.items()}
    return in_order(StreetTable(graph.graph.get("crs"), list(row), x, y, node_kind, ends[:, 0], ends[:, 1], of_edge))


def _of_ids(nodes: list[Any]) -> Iterable[tuple[Any, ...]]:
    texts = list(map(str, nodes))
    return zip(map(int, texts), texts, strict=True) if all(map(str.isdecimal, texts)) else map(_of_id, texts)


def _of_id(text: str) -> tuple[int, int, str]:
    return (0, int(text), text) if text.lstrip("-").isdecimal() else (1, 0, text)


def _of_edges(of_edge: dict[str, Said], rows: list[int]) -> dict[int, tuple[str, str, list[tuple[bool, str, str]]]]:
    """Return the attributes of some edges, the class first, the course last: a mirrored town keeps its order."""
    found = {}
    for row in rows:
        attributes = {name: said.texts[said.place[row]] for name, said in of_edge.items() if said.place[row] >= 0}
        rest = sorted((name == "geometry", name, text) for name, text in attributes.items())
        found[row] = str(attributes.get("highway")), attributes.get("name", ""), rest
    return found
