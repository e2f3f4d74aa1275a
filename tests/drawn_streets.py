"""Small street networks drawn by hand, with the attributes that OSMnx gives."""

from pathlib import Path

import networkx as nx
import numpy as np

from safepassage.model.settings.streets import Signals, StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.town.junction_control import JunctionControl

COQUIMBO = Path(__file__).parents[1] / "scenarios/networks/coquimbo_drive.graphml.gz"
UTM = "EPSG:32637"
X0, Y0 = 400_000.0, 5_300_000.0


def settings(**keys):
    return StreetSettings.model_validate({"network": COQUIMBO} | keys)


def graph_of(edges, nodes=None, crs=UTM):
    """Return a graph with OSMnx's attributes. nodes: name -> (x, y) in m from a corner; edges: (u, v, attributes)."""
    graph = nx.MultiDiGraph(crs=crs, created_with="OSMnx 2.1.1") if crs else nx.MultiDiGraph()
    for name, (x, y) in (nodes or {"a": (0, 0), "b": (300, 0), "c": (600, 0)}).items():
        graph.add_node(name, x=str(X0 + x), y=str(Y0 + y))
    for u, v, attributes in edges:
        graph.add_edge(u, v, **{"highway": "residential", "oneway": "False"} | attributes)
    return graph


def both(u, v, **attributes):
    return [(u, v, attributes), (v, u, attributes)]


def compile_at(graph, exit_node="c", **keys):
    return compile_streets(graph, settings(exits=[{"node": exit_node, "name": "way out"}], **keys))


def link(streets, u, v):
    up, down = streets.node_id.index(u), streets.node_id.index(v)
    found = np.flatnonzero((streets.link_upstream == up) & (streets.link_downstream == down))
    assert found.size == 1
    return found[0]


def no_control(streets):
    """Return the junctions of streets without signals."""
    return JunctionControl(Signals(of_file=False), streets, np.zeros(streets.n_links, np.int32))


def saved(tmp_path, graph, name="town.graphml"):
    path = tmp_path / name
    nx.write_graphml(graph, path)
    return path


def crossing(arm_highway="primary"):
    """Return a town of 5 by 5 blocks with one road of the given class leading out to each side."""
    nodes = {f"{i},{j}": (2000 + 200 * i, 2000 + 200 * j) for i in range(5) for j in range(5)}
    nodes |= {"W": (0, 2400), "E": (4800, 2400), "S": (2400, 0), "N": (2400, 4800)}
    edges = []
    for i in range(5):
        for j in range(5):
            edges += both(f"{i},{j}", f"{i + 1},{j}") if i < 4 else []
            edges += both(f"{i},{j}", f"{i},{j + 1}") if j < 4 else []
    for k in range(4):
        edges += both(f"{k},2", f"{k + 1},2", highway=arm_highway) + both(f"2,{k}", f"2,{k + 1}", highway=arm_highway)
    edges += both("W", "0,2", highway=arm_highway) + both("4,2", "E", highway=arm_highway, lanes="4", name="Big Road")
    edges += both("S", "2,0", highway=arm_highway) + both("2,4", "N", highway="secondary")
    return graph_of(edges, nodes)
