"""Queues at the exits: cars on the last kilometre before each, what each delivered, and whether its queue swings."""

import numpy as np
from scipy.sparse import csgraph, csr_array

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.movement.driving import Driving
from safepassage.model.streets.streets import Streets

REACH_M = 1000.0
"""Cars on the last so many metres of road before an exit are counted as being at it (m). Assumption."""

QUARTER_S = 900.0
"""Outflow is looked at in spans of this length when swings are looked for (s)."""
FALLEN_SHARE, BACK_SHARE = 2 / 3, 0.9
"""An exit's outflow has fallen below this share of its best quarter of an hour, and has come back above that one.
Assumption."""
LEAST_CARS = 30
"""An exit whose best quarter of an hour has fewer cars swings by chance alone: it is not looked at. Assumption."""
LEAST_SWINGS = 2
"""Falls and returns that make a swing: one may be a street that was closed for a while. Assumption."""


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


def n_swings(exit_row: Ints, departure_s: Floats, out_s: Floats, n_exits: int) -> Ints:
    """Return how often the outflow of each exit fell and came back while more cars were on their way than it lets out.

    exit_row, departure_s, out_s: exit, setting out and being out of each car (s); out_s inf: still on its way. n_exits:
    how many exits there are.
    """
    end_s = float(out_s[np.isfinite(out_s)].max(initial=0.0))
    edges_s = np.arange(0.0, end_s + QUARTER_S, QUARTER_S)
    on_way = np.searchsorted(np.sort(departure_s), edges_s) - np.searchsorted(np.sort(out_s), edges_s)
    found = np.zeros(n_exits, np.int64)
    for row in range(n_exits):
        n_out = np.histogram(out_s[(exit_row == row) & np.isfinite(out_s)], edges_s)[0]
        best = n_out.max(initial=0)
        if best < LEAST_CARS:
            continue
        is_full, has_fallen = False, False
        for n, n_on_way in zip(n_out, on_way[:-1], strict=True):
            if n >= BACK_SHARE * best:
                found[row] += has_fallen
                is_full, has_fallen = True, False
            elif n_on_way < best:
                is_full, has_fallen = False, False  # nobody was there to be let out
            elif is_full and n < FALLEN_SHARE * best:
                has_fallen = True
    return found


def swings_told(names: tuple[str, ...], exit_row: Ints, departure_s: Floats, out_s: Floats) -> list[str]:
    """Return a sentence for each exit whose queue swings.

    names: of the exits. exit_row, departure_s, out_s: see `n_swings`.
    """
    found = n_swings(exit_row, departure_s, out_s, len(names))
    return [
        f"The queue at exit {name!r} swings: {n} times its outflow fell below two thirds of its best quarter of an "
        "hour and came back, while cars were on their way. Drivers run after old news, or the exit was closed for a "
        "while. Vary movement.congestion_news_delay_s before you rely on times of this run."
        for name, n in zip(names, found.tolist(), strict=True)
        if n >= LEAST_SWINGS
    ]
