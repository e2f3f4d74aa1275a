"""The synthetic city on which all peers are timed: streets, exits and trips, made from one seed."""

from dataclasses import dataclass, fields
from math import isqrt

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from safepassage.model.draws import Stream, uniforms

BLOCK_M = 105.0
JITTER_M = 20.0
"""Largest shift of a junction from the regular grid, in x and in y."""
SHARE_REMOVED = 0.1
ARTERIAL_EVERY = 8
ARTERIAL_SPEED_M_S = 16.7
STREET_SPEED_M_S = 11.1
JAM_DENSITY_PER_M = 0.2
WAVE_SPEED_M_S = 5.0
N_EXITS = 8
DEPARTURE_MODE_S = 1200.0
DEPARTURE_END_S = 3600.0


def flow_capacity_per_s(speed_m_s):
    """Return u w kj / (u + w), the most vehicles per second that a lane carries (triangular diagram)."""
    return speed_m_s * WAVE_SPEED_M_S * JAM_DENSITY_PER_M / (speed_m_s + WAVE_SPEED_M_S)


@dataclass(frozen=True)
class City:
    """Streets of one lane a direction, exits, trips, and the way from each node to its nearest exit."""

    node_x_m: np.ndarray
    node_y_m: np.ndarray
    link_upstream: np.ndarray
    link_downstream: np.ndarray
    length_m: np.ndarray
    speed_m_s: np.ndarray
    exit_node: np.ndarray
    next_link: np.ndarray
    """Link to take from each node; -1 at exits."""
    free_flow_time_s: np.ndarray
    """From each node to its nearest exit."""
    nearest_exit: np.ndarray
    n_links_to_exit: np.ndarray
    trip_origin: np.ndarray
    trip_departure_s: np.ndarray
    """Ascending."""

    @property
    def n_crossings(self) -> int:
        """Links entered by all trips together."""
        return int(self.n_links_to_exit[self.trip_origin].sum())

    @property
    def end_s(self) -> float:
        """A time by which everyone is out: half as long again as the busiest last link needs at capacity."""
        busiest = np.bincount(self.last_link()[self.trip_origin]).max()
        worked_off_s = busiest / flow_capacity_per_s(STREET_SPEED_M_S)
        return float(DEPARTURE_END_S + self.free_flow_time_s.max() + 1.5 * worked_off_s)

    def last_link(self) -> np.ndarray:
        """Return for each node the link by which its trips reach the exit; -1 at exits."""
        last = np.full(self.next_link.size, -1)
        for node in np.argsort(self.free_flow_time_s, kind="stable"):
            link = self.next_link[node]
            if link >= 0:
                after = last[self.link_downstream[link]]
                last[node] = link if after < 0 else after
        return last

    def path(self, node: int) -> list[int]:
        """Return the links from a node to its nearest exit."""
        links = []
        while self.next_link[node] >= 0:
            links.append(int(self.next_link[node]))
            node = self.link_downstream[links[-1]]
        return links

    def save(self, path) -> None:
        """Write the city to an .npz file."""
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path) -> "City":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{f.name: arrays[f.name] for f in fields(cls)})


def make_city(n_nodes: int, n_trips: int, seed: int = 1) -> City:
    """Return a city of n_nodes junctions, as near a square as the number allows, and n_trips trips."""
    n_rows = max(d for d in range(1, isqrt(n_nodes) + 1) if n_nodes % d == 0)
    n_columns = n_nodes // n_rows
    if n_rows < 3 or n_columns > 2 * n_rows:
        raise ValueError(
            f"{n_nodes} nodes make a grid of {n_rows} x {n_columns}; choose a number such as 1000 or 10000"
        )
    row, column = np.divmod(np.arange(n_nodes), n_columns)
    x_m = column * BLOCK_M + JITTER_M * (2 * uniforms(seed, Stream.PLACE, n_nodes, index=0) - 1)
    y_m = row * BLOCK_M + JITTER_M * (2 * uniforms(seed, Stream.PLACE, n_nodes, index=1) - 1)
    a, b, is_arterial = _streets(row, column, n_columns, seed)
    link_upstream, link_downstream = np.concatenate([a, b]), np.concatenate([b, a])
    length_m = np.hypot(x_m[link_upstream] - x_m[link_downstream], y_m[link_upstream] - y_m[link_downstream])
    speed_m_s = np.tile(np.where(is_arterial, ARTERIAL_SPEED_M_S, STREET_SPEED_M_S), 2)
    exit_node = _exits(n_rows, n_columns)
    routes = _routes(n_nodes, link_upstream, link_downstream, length_m / speed_m_s, exit_node)
    inside = np.setdiff1d(np.arange(n_nodes), exit_node)
    origin = inside[(uniforms(seed, Stream.HOME, n_trips) * inside.size).astype(int)]
    return City(x_m, y_m, link_upstream, link_downstream, length_m, speed_m_s, exit_node, *routes, origin,
                _departures(n_trips, seed))  # fmt: skip


def _streets(row, column, n_columns, seed):
    """Return (a, b, is_arterial) of the streets kept: a tenth is removed, never one that joins two parts."""
    node = row * n_columns + column
    east, south = column < n_columns - 1, row < row.max()
    a = np.concatenate([node[east], node[south]])
    b = np.concatenate([node[east] + 1, node[south] + n_columns])
    is_arterial = np.concatenate([row[east] % ARTERIAL_EVERY == 0, column[south] % ARTERIAL_EVERY == 0])
    chance = 1 + uniforms(seed, Stream.DAMAGE, a.size)
    tree = minimum_spanning_tree(coo_array((chance, (a, b)), shape=(node.size, node.size)).tocsr()).tocoo()
    spare = np.flatnonzero(~np.isin(a * node.size + b, tree.row.astype(np.int64) * node.size + tree.col))
    removed = spare[np.argsort(chance[spare])[::-1][: round(SHARE_REMOVED * a.size)]]
    kept = np.setdiff1d(np.arange(a.size), removed)
    return a[kept], b[kept], is_arterial[kept]


def _exits(n_rows, n_columns):
    """Return 8 nodes spread evenly round the border."""
    top = np.arange(n_columns)
    right = np.arange(1, n_rows) * n_columns + n_columns - 1
    bottom = (n_rows - 1) * n_columns + np.arange(n_columns - 2, -1, -1)
    left = np.arange(n_rows - 2, 0, -1) * n_columns
    border = np.concatenate([top, right, bottom, left])
    return np.sort(border[((np.arange(N_EXITS) + 0.5) * border.size / N_EXITS).astype(int)])


def _routes(n_nodes, link_upstream, link_downstream, cost_s, exit_node):
    """Return (next_link, free_flow_time_s, nearest_exit, n_links_to_exit) by node."""
    backwards = coo_array((cost_s, (link_downstream, link_upstream)), shape=(n_nodes, n_nodes)).tocsr()
    time_s, next_node, nearest = dijkstra(backwards, indices=exit_node, min_only=True, return_predecessors=True)
    by_pair = np.argsort(link_upstream * n_nodes + link_downstream)
    pair = (link_upstream * n_nodes + link_downstream)[by_pair]
    on_way = next_node >= 0
    next_link = np.full(n_nodes, -1)
    next_link[on_way] = by_pair[np.searchsorted(pair, np.flatnonzero(on_way) * n_nodes + next_node[on_way])]
    n_links = np.zeros(n_nodes, dtype=int)
    for node in np.argsort(time_s, kind="stable"):
        if next_node[node] >= 0:
            n_links[node] = n_links[next_node[node]] + 1
    return next_link, time_s, nearest, n_links


def _departures(n_trips, seed):
    """Return ascending departure times: Rayleigh, mode 20 min, cut at 1 h."""
    share_within = 1 - np.exp(-0.5 * (DEPARTURE_END_S / DEPARTURE_MODE_S) ** 2)
    u = share_within * uniforms(seed, Stream.PREPARATION, n_trips)
    return np.sort(DEPARTURE_MODE_S * np.sqrt(-2 * np.log1p(-u)))
