"""Who can leave the area on foot, and how long it takes them: no seat need be kept for those who can."""

from collections.abc import Sequence

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.movement.movement import Movement
from safepassage.model.people.population import Population

LONGEST_M = np.finfo(np.float64).max
"""No way that there is is longer (m)."""


class WalkingOut:
    """The way out of the area on foot, for each household by what its members can do."""

    def __init__(self, population: Population, movement: Movement, under_fire: UnderFire) -> None:
        """population: everybody. movement: everybody on the streets. under_fire: what impacts do to people."""
        self.population, self.movement, self.under_fire = population, movement, under_fire
        limit_m = min(movement.settings.walk_out_limit_m, LONGEST_M)
        self._limits_m = limit_m, min(movement.settings.walk_out_limit_slow_m, limit_m)
        """How far households walk out of the area (m), and those of whom somebody is slow."""

    def is_near(self, parties: Ints | Sequence[int], node: Ints | int) -> Bools:
        """Return which households are not too far from the edge of the area to walk out of it, from a node of each."""
        parties = np.asarray(parties, np.int64)
        return self._is_near(parties, self.movement.ways.walk_m(np.broadcast_to(node, parties.shape)))

    def _is_near(self, parties: Ints, way_m: Floats) -> Bools:
        far_m, slow_m = self._limits_m
        is_near = way_m <= far_m
        if slow_m < far_m and np.count_nonzero(is_near):
            is_near &= (way_m <= slow_m) | ~self.population.walks_slowly(parties)
        return is_near

    def time_s(self, parties: Ints) -> Floats:
        """Return how long households take to walk from home out of the area (s); inf: they cannot."""
        households = self.population.households
        way_m = self.movement.ways.walk_m(households.home_node[parties])
        time_s = np.empty(parties.size)
        time_s.fill(np.inf)
        is_near = self._is_near(parties, way_m)
        if np.count_nonzero(is_near):
            speed_m_s = self.under_fire.walking_speeds(parties)
            can = is_near & households.can_walk[parties] & (speed_m_s > 0)
            np.divide(way_m, speed_m_s, out=time_s, where=can)
        return time_s
