"""Who can leave the area on foot, and how long it takes them: no seat need be kept for those who can."""

from collections.abc import Sequence

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.movement.movement import Movement
from safepassage.model.people.population import Population


class WalkingOut:
    """The way out of the area on foot, for each household by what its members can do."""

    def __init__(self, population: Population, movement: Movement, under_fire: UnderFire) -> None:
        """population: everybody. movement: everybody on the streets. under_fire: what impacts do to people."""
        self.population, self.movement, self.under_fire = population, movement, under_fire

    def is_near(self, parties: Ints | Sequence[int], node: Ints | int) -> Bools:
        """Return which households are not too far from the edge of the area to walk out of it, from a node of each."""
        parties, settings = np.asarray(parties, np.int64), self.movement.settings
        far_m, slow_m = settings.walk_out_limit_m, min(settings.walk_out_limit_slow_m, settings.walk_out_limit_m)
        limit_m = np.where(self.population.walks_slowly(parties), slow_m, far_m)
        way_m = self.movement.ways.walk_m(np.broadcast_to(node, parties.shape))
        return (way_m <= limit_m) & np.isfinite(way_m)

    def time_s(self, parties: Ints) -> Floats:
        """Return how long households take to walk from home out of the area (s); inf: they cannot."""
        households = self.population.households
        node, speed_m_s = households.home_node[parties], self.under_fire.walking_speeds(parties)
        can = households.can_walk[parties] & (speed_m_s > 0) & self.is_near(parties, node)
        return np.divide(self.movement.ways.walk_m(node), speed_m_s, out=np.full(parties.size, np.inf), where=can)
