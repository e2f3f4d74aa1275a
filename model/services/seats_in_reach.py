"""How many of those without a car would find a seat out of town within a day, where they live."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.agents.households import Households
from safepassage.model.streets.streets import Streets

DAY_S = 86400.0


class SeatsInReach:
    """Compares the seats of the next day with the people without a car who live within reach of the same stops. Who has
    left makes no difference, so that seats count the same under every plan, and more seats never count for less.
    """

    def __init__(self, services: Any, households: Households, streets: Streets) -> None:
        """services: Services with stops, fleets and trains. households: columns. streets: coordinates of the nodes."""
        self.services, self._n = services, len(households)
        reach_m = services.settings.walk_reach_m
        seeks = ~households.has_car & (households.institution < 0)
        self._persons = np.where(seeks, households.n_members, 0).astype(np.float64)
        nodes = [int(node) for node in services.stop_nodes]
        x_m, y_m = households.home_x_m, households.home_y_m
        self._in_reach = np.array(
            [np.hypot(x_m - streets.node_x_m[v], y_m - streets.node_y_m[v]) <= reach_m for v in nodes]
        ).reshape(len(nodes), self._n)
        self._near_point = np.any(self._in_reach[: services.n_points], axis=0)
        self._everywhere = np.ones(self._n, np.bool_)
        self._n_near_point, self._n_everywhere = self._n_persons(self._near_point), self._n_persons(self._everywhere)
        self._n_near_stop = [self._n_persons(near) for near in self._in_reach]

    def share_without(self, now_s: float) -> Floats:
        """Return for each household the share of people like it who would find no seat within a day, float64[n].

        now_s: the present (s).
        """
        found = np.zeros(self._n)
        for fleet in self.services.fleets:
            near = self._everywhere if fleet.by_door else self._near_point
            n_persons = self._n_everywhere if fleet.by_door else self._n_near_point
            found += self._share(near, n_persons, fleet.seats_a_day(now_s))
        for line in self.services.trains.lines:
            n_seats = sum(
                seats.n
                for at_s, seats in zip(line.departures_s, line.seats, strict=True)
                if now_s < at_s <= now_s + DAY_S
            )
            found += self._share(self._in_reach[line.stop], self._n_near_stop[line.stop], n_seats)
        return 1.0 - np.minimum(found, 1.0)

    def _n_persons(self, near: Bools) -> float:
        """Return the people without a car who live where `near` says."""
        return float(self._persons[near].sum())

    def _share(self, near: Bools, n_persons: float, n_seats: float) -> Floats:
        """Return the share of the people near who get a seat, 0 for others, however many seats there are."""
        return np.where(near, n_seats / max(n_persons, 1.0), 0.0)
