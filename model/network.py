"""Streets: a networkx graph comes in, is checked and compiled once to flat arrays of nodes and links.

A link is one direction of a street. What the file does not say is filled in by highway class and reported.
"""

from dataclasses import dataclass, replace

import numpy as np

from . import polylines, projection
from . import street_columns as columns
from .exits import Layout, find_exits
from .graphml import check_graph, number, read_graph
from .settings.base import ScenarioError
from .street_defaults import lane_flow_per_s

__all__ = ["Streets", "StreetsReport", "compile_streets", "load_streets", "reaches_exit", "to_networkx"]


@dataclass(frozen=True, eq=False)
class Streets:
    """The street network as arrays: n_nodes junctions, n_links links (one direction of a street each), exits."""

    node_id: tuple[str, ...]
    node_x_m: np.ndarray
    node_y_m: np.ndarray
    link_upstream: np.ndarray
    """Node where the link begins, int32; link_downstream is where it ends."""
    link_downstream: np.ndarray
    link_reverse: np.ndarray
    """Link of the same street the other way, int32; -1 if neither cars nor walkers may go that way."""
    link_street: np.ndarray
    """Undirected street that the link is a direction of, int32."""
    length_m: np.ndarray
    free_flow_speed_m_s: np.ndarray
    """Speed of an unhindered vehicle."""
    n_lanes: np.ndarray
    """Lanes in this direction, float64: half of one where a single lane serves both; 0 if not drivable."""
    carriageway_width_m: np.ndarray
    """Width of the whole street between the kerbs, both directions."""
    walk_width_m: np.ndarray
    """Width that walkers can use, whole street, both directions; 0 if not walkable."""
    flow_capacity_per_s: np.ndarray
    """Vehicles that can leave the link's end per second, junction included; 0 if not drivable."""
    drivable: np.ndarray
    walkable: np.ndarray
    has_pavement: np.ndarray
    is_bridge: np.ndarray
    highway: np.ndarray
    """Class of the street, int16 index into highway_names."""
    highway_names: tuple[str, ...]
    link_name: tuple[str, ...]
    exit_name: tuple[str, ...]
    exit_node: np.ndarray
    exit_flow_capacity_per_s: np.ndarray
    crs: str
    """Projected coordinate system of all x_m and y_m."""
    geometry_first: np.ndarray
    """Points of link i are geometry_first[i] to geometry_first[i + 1] of geometry_x_m and geometry_y_m, int64."""
    geometry_x_m: np.ndarray
    geometry_y_m: np.ndarray

    @property
    def n_nodes(self):
        """Number of nodes."""
        return self.node_x_m.size

    @property
    def n_links(self):
        """Number of links."""
        return self.length_m.size

    def project(self, longitude_deg, latitude_deg):
        """Return (x_m, y_m) of points in degrees (WGS 84); numbers or arrays."""
        return projection.transformer(projection.WGS84, self.crs)(longitude_deg, latitude_deg)

    def unproject(self, x_m, y_m):
        """Return (longitude_deg, latitude_deg) of points in the streets' plane; numbers or arrays."""
        return projection.transformer(self.crs, projection.WGS84)(x_m, y_m)

    def project_shape(self, shape):
        """Return a shapely geometry, or an array of them, moved from degrees to the streets' plane."""
        import shapely

        return shapely.transform(shape, lambda points: np.column_stack(self.project(points[:, 0], points[:, 1])))

    def nearest_node(self, x_m, y_m, among=None):
        """Return the index of the node nearest to each point, int32, and its distance (m).

        among: indices of the nodes that may be chosen; all by default.
        """
        from scipy.spatial import KDTree

        nodes = np.arange(self.n_nodes) if among is None else np.asarray(among)
        tree = KDTree(np.column_stack((self.node_x_m[nodes], self.node_y_m[nodes])))
        distance_m, row = tree.query(np.column_stack((np.atleast_1d(x_m), np.atleast_1d(y_m))))
        return nodes[row].astype(np.int32), distance_m

    def polyline(self, link):
        """Return (x_m, y_m) of the points of one link, from upstream to downstream."""
        points = slice(self.geometry_first[link], self.geometry_first[link + 1])
        return self.geometry_x_m[points], self.geometry_y_m[points]


@dataclass(frozen=True)
class StreetsReport:
    """What was found in a street graph, filled in and dropped."""

    crs_read: str
    crs_assumed: bool
    n_nodes_read: int
    n_edges_read: int
    n_edges_giving: dict
    """Edges that carry a usable value, by attribute."""
    unknown_classes: dict
    """Edges by class, of classes that the table of defaults does not have."""
    n_nodes_merged: int
    n_self_loops: int
    self_loops_km: float
    n_too_short: int
    """Edges whose length was raised to the least length."""
    n_parallel: int
    """Edges beside another edge between the same two nodes; kept."""
    n_against_one_way: int
    """Links added so that people can walk against one-way streets."""
    n_parts: int
    """Connected parts of the network, before dropping."""
    n_nodes_dropped: int
    dropped_km: float
    exit_found_by: tuple
    exit_n_nodes_by_car: tuple
    """Nodes from which each exit can be reached by car."""
    exit_n_nodes_on_foot: tuple
    n_nodes_without_exit_by_car: int
    """Nodes kept from which a car reaches no exit, among nodes with a drivable link."""
    n_nodes_without_exit_on_foot: int
    notes: tuple = ()


def load_streets(settings):
    """Read and compile the network that a scenario names; return (Streets, StreetsReport)."""
    graph = read_graph(settings.network)
    try:
        return compile_streets(graph, settings)
    except ScenarioError as error:
        raise ScenarioError(f"{settings.network}: {error}") from error


def compile_streets(graph, settings):
    """Return (Streets, StreetsReport) of a networkx.MultiDiGraph with OSMnx's attributes (read_graph, or made in code).

    Self-loops lead nowhere and are dropped; nodes at one place are merged; parallel edges stay. Kept are the
    largest connected part and all nodes that can reach an exit.
    """
    check_graph(graph)
    node_id, x, y, index_of_node, nodes = _read_nodes(graph)
    crs_read, crs_assumed = projection.source_crs(graph.graph.get("crs"), x, y)
    crs = projection.plane_crs(crs_read, x, y)
    edges = columns.read_edges(graph, index_of_node, settings)
    geometry = polylines.read_polylines(
        columns.texts([d for _, _, d in graph.edges(data=True)], "geometry"),
        edges.upstream,
        edges.downstream,
        x,
        y,
    )
    to_plane = projection.transformer(crs_read, crs)
    x_m, y_m = to_plane(x, y)
    line = (geometry[0], *to_plane(geometry[1], geometry[2]))
    if not (np.isfinite(x_m).all() and np.isfinite(y_m).all()):
        raise ScenarioError(
            f"some nodes cannot be projected from {crs_read} to {crs}; correct their x and y, or the crs."
        )
    all_links, counts = _links(edges, line, settings)
    whole = _streets(node_id, x_m, y_m, crs, all_links)
    exits = find_exits(
        _layout(whole, _streets_in_source(graph, nodes)),
        settings,
        index_of_node,
        projection.transformer(projection.WGS84, crs),
    )
    streets, dropped = _keep_connected(_with_exits(whole, exits))
    given = {k: int(v.sum() if v.dtype == bool else np.isfinite(v).sum()) for k, v in edges.given.items()}
    given["geometry"] = int(geometry[3].sum())
    report = StreetsReport(
        crs_read=crs_read,
        crs_assumed=crs_assumed,
        n_nodes_read=graph.number_of_nodes(),
        n_edges_read=graph.number_of_edges(),
        n_edges_giving=given,
        n_nodes_merged=graph.number_of_nodes() - len(node_id),
        unknown_classes=columns.unknown_classes(edges.highway),
        **counts,
        **dropped,
        **_exit_report(streets, exits),
    )
    return streets, replace(report, notes=_notes(streets, report))


def _read_nodes(graph):
    """Return ids, x and y of the distinct places, the index of each node by id, and the node kept for each place."""
    nodes = list(graph.nodes)
    xy = np.array([(number(d["x"]), number(d["y"])) for _, d in graph.nodes(data=True)])
    _, first, place = np.unique(xy, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    new_index = np.empty(first.size, dtype=np.int32)
    new_index[order] = np.arange(first.size)
    index = new_index[place.ravel()]
    kept = [nodes[i] for i in first[order]]
    index_of_node = dict(zip(nodes, index.tolist(), strict=True))
    index_of_node.update(zip(map(str, nodes), index.tolist(), strict=True))
    return tuple(map(str, kept)), xy[first[order], 0], xy[first[order], 1], index_of_node, kept


def _streets_in_source(graph, nodes):
    """Return OSMnx's street_count of each node: its streets before the graph was cut to its area; 0 if unknown."""
    counts = np.array([number(graph.nodes[node].get("street_count")) for node in nodes])
    return np.nan_to_num(counts, nan=0.0)


def _links(edges, line, settings):
    """Return the columns of all links as a dict (self-loops left out, ways against one-way streets added), and counts."""
    length_m, n_too_short = _lengths(edges.length_m, line, settings.min_length_m)
    edges.walkable |= (edges.reverse >= 0) & edges.walkable[edges.reverse] & edges.drivable
    speed, n_lanes, width, flow = columns.vehicle_columns(edges, settings)
    walk_width, has_pavement = columns.walking_columns(edges, width)
    is_loop = edges.upstream == edges.downstream
    usable = ~is_loop & (edges.drivable | edges.walkable)
    against = np.flatnonzero(usable & edges.walkable & ~_kept_reverse(edges.reverse, usable))
    kept = np.flatnonzero(usable)
    if kept.size == 0:
        raise ScenarioError(
            "no street of the graph is open to cars or walkers. Download a drivable network, or open "
            "classes with streets.drivable and streets.walkable."
        )
    rows = np.concatenate((kept, against))
    is_added = np.arange(rows.size) >= kept.size
    new_row = np.full(usable.size, -1, dtype=np.int32)
    new_row[kept] = np.arange(kept.size)
    reverse = np.where(_kept_reverse(edges.reverse, usable)[kept], new_row[edges.reverse[kept]], -1)
    reverse[new_row[against]] = np.arange(kept.size, rows.size)
    reverse = np.concatenate((reverse, new_row[against])).astype(np.int32)
    lead = np.where(reverse >= 0, np.minimum(np.arange(rows.size), reverse), np.arange(rows.size))
    first, x, y = polylines.take_polylines(*line, rows, is_added)
    links = {
        "link_upstream": np.where(is_added, edges.downstream[rows], edges.upstream[rows]).astype(np.int32),
        "link_downstream": np.where(is_added, edges.upstream[rows], edges.downstream[rows]).astype(np.int32),
        "link_reverse": reverse,
        "link_street": np.unique(lead, return_inverse=True)[1].astype(np.int32),
        "length_m": length_m[rows],
        "free_flow_speed_m_s": speed[rows],
        "n_lanes": np.where(is_added, 0.0, n_lanes[rows]),
        "carriageway_width_m": width[rows],
        "walk_width_m": walk_width[rows],
        "flow_capacity_per_s": np.where(is_added, 0.0, flow[rows]),
        "drivable": edges.drivable[rows] & ~is_added,
        "walkable": edges.walkable[rows],
        "has_pavement": has_pavement[rows],
        "is_bridge": edges.is_bridge[rows],
        "highway": [edges.highway[i] for i in rows],
        "link_name": tuple(edges.name[i] for i in rows),
        "geometry_first": first,
        "geometry_x_m": x,
        "geometry_y_m": y,
    }
    pairs = edges.upstream[kept].astype(np.int64) << 32 | edges.downstream[kept]
    counts = {
        "n_self_loops": int(is_loop.sum()),
        "self_loops_km": _street_km(length_m[is_loop], edges.reverse[is_loop]),
        "n_too_short": n_too_short,
        "n_parallel": int(pairs.size - np.unique(pairs).size),
        "n_against_one_way": int(against.size),
    }
    return links, counts


def _kept_reverse(reverse, usable):
    return (reverse >= 0) & usable[reverse]


def _lengths(given_m, line, least_m):
    """Return the length of each edge (m): as the file says, else along its course; none below least_m."""
    length_m = np.where(np.isnan(given_m), polylines.polyline_lengths(*line), given_m)
    return np.maximum(length_m, least_m), int((length_m < least_m).sum())


def _street_km(length_m, reverse):
    """Return the kilometres of streets, each two-way street counted once."""
    return float((length_m / np.where(reverse >= 0, 2, 1)).sum() / 1000)


def _streets(node_id, x_m, y_m, crs, links):
    names = tuple(dict.fromkeys(links["highway"]))
    index = {name: i for i, name in enumerate(names)}
    links = links | {"highway": np.array([index[h] for h in links["highway"]], dtype=np.int16), "highway_names": names}
    none = {"exit_name": (), "exit_node": np.zeros(0, np.int32), "exit_flow_capacity_per_s": np.zeros(0)}
    return Streets(node_id=node_id, node_x_m=x_m, node_y_m=y_m, crs=crs, **none, **links)


def _layout(streets, n_streets_in_source):
    return Layout(
        streets.node_id,
        streets.node_x_m,
        streets.node_y_m,
        streets.link_upstream,
        streets.link_downstream,
        streets.link_street,
        streets.drivable,
        streets.walkable,
        [streets.highway_names[h] for h in streets.highway],
        streets.link_name,
        streets.n_lanes * lane_flow_per_s(streets.free_flow_speed_m_s),
        n_streets_in_source,
    )


def _with_exits(streets, exits):
    """Return the streets with their exits; by default an exit takes what the lanes into it carry, uninterrupted."""
    flow = streets.n_lanes * lane_flow_per_s(streets.free_flow_speed_m_s)
    into = np.bincount(streets.link_downstream, flow, streets.n_nodes)
    capacity = [into[e.node] if e.flow_capacity_per_s is None else e.flow_capacity_per_s for e in exits]
    return replace(
        streets,
        exit_name=tuple(e.name for e in exits),
        exit_node=np.array([e.node for e in exits], dtype=np.int32),
        exit_flow_capacity_per_s=np.array(capacity, dtype=np.float64),
    )


def reaches_exit(streets, mode_open, exit_rows=None):
    """Return for each node whether it can reach an exit over links with mode_open (streets.drivable or .walkable).

    exit_rows: which exits count; all by default. The node of an exit reaches it.
    """
    from scipy.sparse import csgraph, csr_array

    exit_node = streets.exit_node if exit_rows is None else streets.exit_node[exit_rows]
    n = streets.n_nodes
    back_from = np.concatenate((streets.link_downstream[mode_open], np.full(exit_node.size, n)))
    back_to = np.concatenate((streets.link_upstream[mode_open], exit_node))
    back = csr_array((np.ones(back_from.size), (back_from, back_to)), shape=(n + 1, n + 1))
    reached = np.zeros(n + 1, dtype=bool)
    reached[csgraph.breadth_first_order(back, n, return_predecessors=False)] = True
    return reached[:n]


def _keep_connected(streets):
    """Return the streets without the parts that neither belong to the largest nor reach an exit, and what was dropped."""
    from scipy.sparse import csgraph, csr_array

    n = streets.n_nodes
    links = csr_array((np.ones(streets.n_links), (streets.link_upstream, streets.link_downstream)), shape=(n, n))
    n_parts, part = csgraph.connected_components(links, directed=False)
    kept = part == np.argmax(np.bincount(part))
    kept |= reaches_exit(streets, streets.drivable) | reaches_exit(streets, streets.walkable)
    kept_links = np.flatnonzero(kept[streets.link_upstream] & kept[streets.link_downstream])
    gone = np.ones(streets.n_links, dtype=bool)
    gone[kept_links] = False
    dropped = {
        "n_parts": int(n_parts),
        "n_nodes_dropped": int(n - kept.sum()),
        "dropped_km": _street_km(streets.length_m[gone], streets.link_reverse[gone]),
    }
    return _select(streets, np.flatnonzero(kept), kept_links), dropped


def _select(streets, nodes, links):
    """Return the streets reduced to some nodes and links, renumbered; arrays are made read-only."""
    new_node = np.full(streets.n_nodes, -1, dtype=np.int32)
    new_node[nodes] = np.arange(nodes.size)
    new_link = np.full(streets.n_links + 1, -1, dtype=np.int32)
    new_link[links] = np.arange(links.size)
    first, x, y = polylines.take_polylines(
        streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m, links, np.zeros(links.size, dtype=bool)
    )
    changed = {
        "node_id": tuple(streets.node_id[i] for i in nodes),
        "node_x_m": streets.node_x_m[nodes],
        "node_y_m": streets.node_y_m[nodes],
        "link_upstream": new_node[streets.link_upstream[links]],
        "link_downstream": new_node[streets.link_downstream[links]],
        "link_reverse": new_link[streets.link_reverse[links]],
        "link_street": np.unique(streets.link_street[links], return_inverse=True)[1].astype(np.int32),
        "link_name": tuple(streets.link_name[i] for i in links),
        "exit_node": new_node[streets.exit_node],
        "geometry_first": first,
        "geometry_x_m": x,
        "geometry_y_m": y,
    }
    for column in (
        "length_m",
        "free_flow_speed_m_s",
        "n_lanes",
        "carriageway_width_m",
        "walk_width_m",
        "flow_capacity_per_s",
        "drivable",
        "walkable",
        "has_pavement",
        "is_bridge",
        "highway",
    ):
        changed[column] = getattr(streets, column)[links]
    smaller = replace(streets, **changed)
    for value in vars(smaller).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return smaller


def _exit_report(streets, exits):
    """Return what reaches the exits; raise ScenarioError for an exit that nobody reaches."""
    by_mode = []
    for mode_open in (streets.drivable, streets.walkable):
        by_mode.append([int(reaches_exit(streets, mode_open, [k]).sum()) - 1 for k in range(len(exits))])
    for name, node, n_by_car, n_on_foot in zip(streets.exit_name, streets.exit_node, *by_mode, strict=True):
        if n_by_car == 0 and n_on_foot == 0:
            raise ScenarioError(
                f"exit {name!r} (node {streets.node_id[node]}) cannot be reached from any other node, by car or on foot. "
                "Choose a node that a street leads to, or correct the direction of its streets."
            )
    without = []
    for mode_open in (streets.drivable, streets.walkable):
        used = np.zeros(streets.n_nodes, dtype=bool)
        used[streets.link_upstream[mode_open]] = used[streets.link_downstream[mode_open]] = True
        without.append(int((used & ~reaches_exit(streets, mode_open)).sum()))
    return {
        "exit_found_by": tuple(e.how for e in exits),
        "exit_n_nodes_by_car": tuple(by_mode[0]),
        "exit_n_nodes_on_foot": tuple(by_mode[1]),
        "n_nodes_without_exit_by_car": without[0],
        "n_nodes_without_exit_on_foot": without[1],
    }


def _notes(streets, report):
    notes = []
    if report.crs_assumed:
        notes.append("The file names no coordinate system; degrees (EPSG:4326) were assumed.")
    return tuple(notes)


def to_networkx(streets):
    """Return a networkx.MultiDiGraph of the links with what the model assumes of them, for export (x and y in metres)."""
    import networkx as nx

    graph = nx.MultiDiGraph(crs=streets.crs, created_with="safepassage")
    longitude, latitude = streets.unproject(streets.node_x_m, streets.node_y_m)
    exits = dict(zip(streets.exit_node.tolist(), streets.exit_name, strict=True))
    for i, node in enumerate(streets.node_id):
        place = {"x": float(streets.node_x_m[i]), "y": float(streets.node_y_m[i])}
        degrees = {"lon": float(longitude[i]), "lat": float(latitude[i])}
        graph.add_node(node, **place, **degrees, **({"exit": exits[i]} if i in exits else {}))
    for link in range(streets.n_links):
        ends = (streets.node_id[streets.link_upstream[link]], streets.node_id[streets.link_downstream[link]])
        graph.add_edge(*ends, **_edge_attributes(streets, link))
    return graph


def _edge_attributes(streets, link):
    """Return one link's attributes under OSMnx's names, as GraphML can hold them; `lanes` counts both directions."""
    reverse = streets.link_reverse[link]
    is_two_way = reverse >= 0 and bool(streets.drivable[reverse])
    attributes = {
        "osmid": int(streets.link_street[link]),
        "highway": streets.highway_names[streets.highway[link]],
        "name": streets.link_name[link],
        "oneway": str(not is_two_way),
        "length": float(streets.length_m[link]),
        "maxspeed": f"{streets.free_flow_speed_m_s[link] * 3.6:.6g}",
        "lanes": f"{streets.n_lanes[link] + (streets.n_lanes[reverse] if is_two_way else 0):g}",
        "width": f"{streets.carriageway_width_m[link]:.6g}",
        "bridge": "yes" if streets.is_bridge[link] else "no",
        "drive": str(bool(streets.drivable[link])),
        "walk": str(bool(streets.walkable[link])),
        "walk_width_m": float(streets.walk_width_m[link]),
        "flow_capacity_per_s": float(streets.flow_capacity_per_s[link]),
        "geometry": "LINESTRING ("
        + ", ".join(f"{x:.3f} {y:.3f}" for x, y in zip(*streets.polyline(link), strict=True))
        + ")",
    }
    if not streets.drivable[link]:
        del attributes["lanes"]
    return attributes
