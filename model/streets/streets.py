"""The street network that a run moves on: flat arrays of nodes and links, and what can be asked of them.

A link is one direction of a street. model/streets/build.py makes Streets from a graph; nothing changes them after.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.ground.places import piece_lengths, places_on_links
from safepassage.model.streets import projection
from safepassage.model.streets.junctions import Junctions, junctions_of
from safepassage.model.streets.naming import StreetNames

if TYPE_CHECKING:
    import networkx as nx


SIGNALS = "traffic_signals"
"""Value of `highway` of a node with traffic signals (OpenStreetMap wiki, "Tag:highway=traffic_signals")."""


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
    """Vehicles that can leave the link's end per second while nothing crosses there; 0 if not drivable."""
    junction_share: np.ndarray
    """Share of that which the link gets while other streams cross at its end, at most; 1 where it leads to an exit."""
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
    """Where each exit leaves the town, int32."""
    exit_end_node: np.ndarray
    """Where its onward road ends and people are safe, int32; the exit itself if there is none."""
    exit_flow_capacity_per_s: np.ndarray
    crs: str
    """Projected coordinate system of all x_m and y_m."""
    extent_m: tuple[float, float, float, float]
    """West, south, east and north edge of all streets of the file, those left out among them: the same whatever exits
    a plan adds, though more of the file may then be kept."""
    points_m: np.ndarray
    """float64[n, 2]: x_m and y_m of points, at most 50 m apart, on all streets of the file."""
    is_lived_along: np.ndarray
    """bool[n]: the street of each of these points is of a class that people live along."""
    geometry_first: np.ndarray
    """Points of link i are geometry_first[i] to geometry_first[i + 1] of geometry_x_m and geometry_y_m, int64."""
    geometry_x_m: np.ndarray
    geometry_y_m: np.ndarray
    n_town_nodes: int
    """Nodes of the town; those of onward roads come after them."""
    n_town_links: int
    """Links of the town; those of onward roads come after them."""
    signal_node: tuple[str, ...] = ()
    """Ids of the nodes at which the file has traffic signals (`highway=traffic_signals`)."""

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.node_x_m.size

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.length_m.size

    def project(self, longitude_deg: Floats | float, latitude_deg: Floats | float) -> tuple[Floats, Floats]:
        """Return (x_m, y_m) of points in degrees (WGS 84); numbers or arrays."""
        return projection.transformer(projection.WGS84, self.crs)(longitude_deg, latitude_deg)

    def unproject(self, x_m: Floats | float, y_m: Floats | float) -> tuple[Floats, Floats]:
        """Return (longitude_deg, latitude_deg) of points in the streets' plane; numbers or arrays."""
        return projection.transformer(self.crs, projection.WGS84)(x_m, y_m)

    def project_shape(self, shape: Any) -> Any:
        """Return a shapely geometry, or an array of them, moved from degrees to the streets' plane."""
        import shapely

        return shapely.transform(shape, lambda points: np.column_stack(self.project(points[:, 0], points[:, 1])))

    def nearest_node(self, x_m: Floats | float, y_m: Floats | float, among: Ints | None = None) -> tuple[Ints, Floats]:
        """Return the index of the node nearest to each point, int32, and its distance (m).

        among: indices of the nodes that may be chosen; all of the town by default.
        """
        points = np.column_stack((np.atleast_1d(x_m), np.atleast_1d(y_m)))
        if among is None:
            distance_m, row = self._town_tree.query(points)
            return row.astype(np.int32), distance_m
        distance_m, row = self._tree_of(np.asarray(among)).query(points)
        return np.asarray(among)[row].astype(np.int32), distance_m

    @cached_property
    def _town_tree(self):
        return self._tree_of(np.arange(self.n_town_nodes))

    def _tree_of(self, nodes):
        from scipy.spatial import KDTree

        return KDTree(np.column_stack((self.node_x_m[nodes], self.node_y_m[nodes])))

    def nearest_usable(self, usable: Bools) -> Ints:
        """Return for each node the nearest of its part of the town from which a usable link leaves; int32[n_nodes].

        usable: bool per link. A node stands for itself if there is none: nobody is taken over water.
        """
        nearest = np.arange(self.n_nodes, dtype=np.int32)
        leaving = np.zeros(self.n_nodes, np.bool_)
        leaving[self.link_upstream[usable]] = True
        for part in range(self.node_part.max() + 1):
            here = np.flatnonzero(self.node_part == part)
            among = here[leaving[here]]
            if among.size:
                nearest[here] = self.nearest_node(self.node_x_m[here], self.node_y_m[here], among=among)[0]
        return nearest

    def polyline(self, link: int) -> tuple[Floats, Floats]:
        """Return (x_m, y_m) of the points of one link, from upstream to downstream."""
        points = slice(self.geometry_first[link], self.geometry_first[link + 1])
        return self.geometry_x_m[points], self.geometry_y_m[points]

    def places(self, link: Ints, share: Floats) -> tuple[Floats, Floats]:
        """Return (x_m, y_m) of points at a share of the course of links, from upstream; nan where link is -1."""
        shape = (self.geometry_first, self.geometry_x_m, self.geometry_y_m, self._geometry_piece_m)
        return places_on_links(link, share, *shape)

    @cached_property
    def names(self) -> StreetNames:
        """Where streets are looked up by name or by the nodes that they join."""
        return StreetNames(self.link_name, self.node_id, self.link_upstream, self.link_downstream)

    @cached_property
    def node_part(self) -> Ints:
        """Connected part of the network that each node belongs to, int32: within one, people can walk or drive."""
        from scipy.sparse import csgraph, csr_array

        ends = (np.ones(self.n_links), (self.link_upstream, self.link_downstream))
        return csgraph.connected_components(csr_array(ends, shape=(self.n_nodes, self.n_nodes)), directed=False)[1]

    @cached_property
    def junctions(self) -> Junctions:
        """Which streams cross at the ends of the links."""
        first, last = self.geometry_first[:-1], self.geometry_first[1:] - 1
        x, y = self.geometry_x_m, self.geometry_y_m
        out_rad = np.arctan2(y[first + 1] - y[first], x[first + 1] - x[first])
        in_rad = np.arctan2(y[last - 1] - y[last], x[last - 1] - x[last])
        is_exit = np.zeros(self.n_nodes, np.bool_)
        is_exit[self.exit_node] = True
        is_exit[self.n_town_nodes :] = True
        ends = self.link_upstream, self.link_downstream, self.link_reverse
        return junctions_of(*ends, self.drivable, is_exit, in_rad, out_rad, self.junction_share)

    @cached_property
    def link_key(self) -> Ints:
        """What each link is, by the names of its ends, uint32: the same wherever a file lists it. Ties go by it."""
        ends = zip(self.link_upstream.tolist(), self.link_downstream.tolist(), strict=True)
        begun = [crc32(name.encode()) for name in self.node_id]
        rest = [f" to {name}".encode() for name in self.node_id]
        return np.fromiter((crc32(rest[down], begun[up]) for up, down in ends), np.uint32, self.n_links)

    @cached_property
    def _geometry_piece_m(self):
        return piece_lengths(self.geometry_x_m, self.geometry_y_m)


def reaches_exit(streets: Streets, mode_open: Bools) -> Bools:
    """Return for each node whether it can reach an exit over links with mode_open (streets.drivable or .walkable).

    The node of an exit reaches it.
    """
    return reach(streets, mode_open, [streets.exit_node])[0]


def reach(streets: Streets, mode_open: Bools, nodes: list[Ints]) -> list[Bools]:
    """Return for each group of nodes which nodes can reach one of them over links with mode_open, bool."""
    from scipy.sparse import csgraph, csr_array

    n, n_all = streets.n_nodes, streets.n_nodes + len(nodes)
    group_of = np.repeat(np.arange(n, n_all), [each.size for each in nodes])
    back_from = np.concatenate((streets.link_downstream[mode_open], group_of))
    back_to = np.concatenate((streets.link_upstream[mode_open], *nodes))
    back = csr_array((np.ones(back_from.size), (back_from, back_to)), shape=(n_all, n_all))
    found = []
    for group in range(n, n_all):
        reached = np.zeros(n_all, np.bool_)
        reached[csgraph.breadth_first_order(back, group, return_predecessors=False)] = True
        found.append(reached[:n])
    return found


def seconds_out(streets: Streets) -> Floats:
    """Return how long a car needs from each node until it is out, on empty streets (s); inf: no way."""
    from scipy.sparse import csgraph, csr_array

    roads = np.flatnonzero(streets.drivable)
    n = streets.n_nodes
    time_s = streets.length_m[roads] / streets.free_flow_speed_m_s[roads]
    ends = streets.link_downstream[roads], streets.link_upstream[roads]
    order = np.lexsort((time_s, *ends))
    ends, time_s = (ends[0][order], ends[1][order]), time_s[order]
    first = np.append(True, (np.diff(ends[0]) != 0) | (np.diff(ends[1]) != 0))  # of parallel streets, the fastest
    back = csr_array((time_s[first], (ends[0][first], ends[1][first])), shape=(n, n))
    return csgraph.dijkstra(back, indices=np.unique(streets.exit_end_node), min_only=True)


def to_networkx(streets: Streets) -> "nx.MultiDiGraph":
    """Return a networkx.MultiDiGraph of the links and what is assumed of them, for export (x and y in metres)."""
    import networkx as nx

    graph = nx.MultiDiGraph(crs=streets.crs, created_with="safepassage")
    longitude, latitude = streets.unproject(streets.node_x_m, streets.node_y_m)
    exits = dict(zip(streets.exit_node.tolist(), streets.exit_name, strict=True))
    signals = {node: {"highway": SIGNALS} for node in streets.signal_node}
    for i, node in enumerate(streets.node_id):
        place = {"x": float(streets.node_x_m[i]), "y": float(streets.node_y_m[i])}
        degrees = {"lon": float(longitude[i]), "lat": float(latitude[i])}
        graph.add_node(node, **place, **degrees, **({"exit": exits[i]} if i in exits else {}), **signals.get(node, {}))
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
        "junction_share": float(streets.junction_share[link]),
        "geometry": "LINESTRING ("
        + ", ".join(f"{x:.3f} {y:.3f}" for x, y in zip(*streets.polyline(link), strict=True))
        + ")",
    }
    if not streets.drivable[link]:
        del attributes["lanes"]
    return attributes
