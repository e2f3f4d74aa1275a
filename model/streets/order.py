"""One order for the streets of a town, whatever the order in which a file lists them.

Rows of nodes and links follow from this order, and ties in the model go by rows or by names: so no result depends on
the file's.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx


def in_order(graph: "nx.MultiDiGraph") -> "nx.MultiDiGraph":
    """Return the graph with its nodes by id, numbers as numbers, and its edges by their ends and then by what they are.

    Two edges that are alike in everything may change places: nobody could tell.
    """
    rank = {node: k for k, node in enumerate(sorted(graph.nodes, key=_of_id))}
    ordered = type(graph)(**graph.graph)
    ordered.add_nodes_from((node, graph.nodes[node]) for node in rank)
    edges = sorted(graph.edges(data=True), key=lambda edge: (rank[edge[0]], rank[edge[1]], _of_edge(edge[2])))
    ordered.add_edges_from(edges)
    return ordered


def _of_id(node):
    text = str(node)
    return (0, int(text), text) if text.lstrip("-").isdecimal() else (1, 0, text)


def _of_edge(attributes: dict) -> tuple[str, str, list[tuple[bool, str, str]]]:
    """Return the attributes as text, the class first, the course last: a mirrored town keeps its order."""
    rest = sorted((key == "geometry", key, str(value)) for key, value in attributes.items())
    return str(attributes.get("highway")), str(attributes.get("name", "")), rest
