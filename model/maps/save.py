"""Street graphs written as GraphML, so that OSMnx, networkx and a scenario read them."""

import gzip
import io
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from safepassage.model.streets.reading.graphml import check_graph

if TYPE_CHECKING:
    import networkx as nx


def as_graphml(graph: "nx.MultiDiGraph") -> bytes:
    """Return a street graph as packed GraphML, every attribute a text."""
    import networkx as nx

    plain = nx.MultiDiGraph(**{key: str(graph.graph[key]) for key in ("crs", "created_with") if key in graph.graph})
    plain.add_nodes_from((str(node), {k: str(v) for k, v in data.items()}) for node, data in graph.nodes(data=True))
    plain.add_edges_from(
        (str(u), str(v), {k: str(x) for k, x in data.items()}) for u, v, data in graph.edges(data=True)
    )
    held = io.BytesIO()
    nx.write_graphml(plain, held)
    return gzip.compress(held.getvalue(), mtime=0)


def as_file(graph: "nx.MultiDiGraph") -> Path:
    """Return a file of this process that holds a street graph; one graph has one file."""
    check_graph(graph)
    content = as_graphml(graph)
    path = _folder() / f"{sha256(content).hexdigest()[:16]}.graphml.gz"
    if not path.exists():
        path.write_bytes(content)
    return path


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="safepassage-"))
