"""Cars on the last kilometre of road before each exit: the queue that people meet there."""

import numpy as np
from scipy.sparse import csgraph, csr_array

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.movement.driving import Driving
from safepassage.model.streets.streets import Streets

REACH_M = 1000.0
"""Cars on the last so many metres of road before an exit are counted as being at it (m). Assumption."""


class ExitQueues:
    """Counts the cars before each exit; reads the traffic, never changes it."""

    def __init__(self, streets: Streets, driving: Driving) -> None:
        self._driving, self._n_exits = driving, streets.exit_node.size
        self._link, self._exit = links_before_exits(streets)

    def n_cars(self) -> np.ndarray:
        """Return the number of cars on the last kilometre before each exit, int64."""
        driving = self._driving
        on_link = (driving.view.n_entered - driving.view.n_left)[self._link]
        return np.bincount(self._exit, on_link, self._n_exits).astype(np.int64)


def links_before_exits(streets: Streets) -> tuple[np.ndarray, np.ndarray]:
    """Return (links, exit): links of the last kilometre of road before each exit, each with its nearest exit."""

    roads = np.flatnonzero(streets.drivable)
    n = streets.n_nodes
    ends = (streets.link_downstream[roads], streets.link_upstream[roads])
    back = csr_array((streets.length_m[roads], ends), shape=(n, n))
    away_m, _, source = csgraph.dijkstra(
        back, indices=streets.exit_node, min_only=True, limit=REACH_M, return_predecessors=True
    )
    roads = roads[np.isfinite(away_m[streets.link_downstream[roads]])]
    row_of_node = np.full(n, -1, np.int64)
    row_of_node[streets.exit_node] = np.arange(streets.exit_node.size)
    return roads, row_of_node[source[streets.link_downstream[roads]]]


def delivered(exit_row: Ints, time_s: Floats, capacity_per_s: Floats) -> tuple[Floats, Floats]:
    """Return what exits delivered to cars in their best hour (1/s), and the share used of what they could let out.

    exit_row, time_s: exit and moment of each car that left (s). capacity_per_s: stated, 0: not for cars. The share is
    of the time between the first car and the last; nan: no cars, or no capacity.
    """
    best_per_s, used_share = np.zeros(capacity_per_s.size), np.full(capacity_per_s.size, np.nan)
    for row in range(capacity_per_s.size):
        moments_s = np.sort(time_s[exit_row == row])
        n = moments_s.size
        if n == 0:
            continue
        within_hour = np.searchsorted(moments_s, moments_s + 3600.0, side="left") - np.arange(n)
        best_per_s[row] = within_hour.max() / 3600.0
        lasted_s = moments_s[-1] - moments_s[0]
        if capacity_per_s[row] > 0 and lasted_s > 0:
            used_share[row] = min((n - 1) / (capacity_per_s[row] * lasted_s), 1.0)
    return best_per_s, used_share
