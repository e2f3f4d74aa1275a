"""Those whose homes are destroyed: they leave, or move to neighbours, or to a shelter that takes people in.

Some leave at once. The others move to the nearest household near by that is at home in a home that stands, else to
the nearest shelter with room that takes people in, where they live until they leave; who finds neither leaves. If the
home of their hosts is destroyed, they look anew. They set out from the node of their own home, a short walk away.
"""

import numpy as np

from safepassage.agents.civilians import Protection
from safepassage.agents.ground.arrays import Floats, Ints, rising
from safepassage.agents.ground.nearby import PointGrid, points_within
from safepassage.agents.households import Cause
from safepassage.agents.parties import members
from safepassage.model.draws import Keys, Stream, uniforms_for
from safepassage.model.harm.cover import Cover
from safepassage.model.people.population import Population
from safepassage.model.settings.behaviour import LostHomes as LostHomesSettings

NONE = np.empty(0, np.int64)


class LostHomes:
    """Who has lost their home, and where they live now."""

    def __init__(
        self,
        settings: LostHomesSettings,
        population: Population,
        cover: Cover,
        homes: PointGrid,
        keys: Keys,
        seed: int,
    ) -> None:
        """settings: the scenario's section `LostHomes`. population: everybody, with households and parties.

        cover: who is in which shelter. homes: grid over the homes, by household. keys: of the households. seed: of the
        run, for all chance.
        """
        self.settings, self.population, self.households = settings, population, population.households
        self.cover, self._homes, self._keys, self._seed = cover, homes, keys, seed
        self.guests = NONE
        """Households that live with others, rising."""

    def move_out(self, homes: Ints, time_s: float) -> bool:
        """Let those leave or move whose homes were destroyed, guests too; return whether anybody plans to leave.

        homes: rows of households whose own homes were destroyed. time_s: the moment (s).
        """
        if homes.size == 0:
            return False
        h = self.households
        h.has_lost_home[homes] = True
        lived_there = self.guests[np.isin(h.lives_with[self.guests], homes)]
        own = homes[h.lives_with[homes] < 0]
        rows = np.union1d(own, lived_there)
        rows = rows[self.population.is_at_home(rows) & (h.shelter[rows] < 0)]
        h.lives_with[rows] = -1
        self.population.touch(rows)
        leaves = uniforms_for(self._seed, Stream.SHELTER, self._keys[rows], index=6) < self.settings.share_who_leave
        leaves &= ~h.stays_behind[rows]
        stays = rows[~leaves]
        host = self._hosts(stays)
        self._move_in(stays[host >= 0], host[host >= 0])
        without = self._move_to_shelters(stays[host < 0], time_s)
        return self._leave(np.concatenate((rows[leaves], without)), time_s)

    def _hosts(self, rows: Ints) -> Ints:
        """Return for each household the nearest in reach that is at home in a home that stands, -1: there is none."""
        h, host = self.households, np.full(rows.size, -1, np.int64)
        if rows.size == 0:
            return host
        which, near, away_m = points_within(self._homes, h.home_x_m[rows], h.home_y_m[rows], self.settings.host_reach_m)
        fit = ~h.has_lost_home[near] & self.population.is_at_home(near)
        which, near, away_m = which[fit], near[fit], away_m[fit]
        order = np.lexsort((near, away_m, which))
        found, first = np.unique(which[order], return_index=True)
        host[found] = near[order][first]
        return host

    def _move_in(self, rows: Ints, host: Ints) -> None:
        """Let households live with hosts, whose cellar they share."""
        h = self.households
        h.lives_with[rows], h.has_basement[rows] = host, h.has_basement[host]
        person, place = members(h.first_person, rows)
        was_below = (self.cover.usual_room[person] == Protection.BASEMENT) & ~h.has_basement[rows[place]]
        self.cover.usual_room[person[was_below]] = Protection.INNER_ROOM
        self.guests = np.flatnonzero(h.lives_with >= 0)

    def _move_to_shelters(self, rows: Ints, time_s: float) -> Ints:
        """Let households live in shelters that take people in; return those for whom there is no room."""
        takes_in = self.cover.shelters.takes_in
        if rows.size == 0 or not takes_in.any():
            return rows
        found = self.cover.go_to_live(rows, time_s)
        return rows[found < 0]

    def _leave(self, rows: Ints, time_s: float) -> bool:
        """Let households that have not decided yet decide to leave."""
        h = self.households
        rows = rows[~np.isfinite(h.decision_time_s[rows])]
        h.cause[rows], h.decision_time_s[rows] = Cause.HOME_LOST, time_s
        h.departure_time_s[rows] = time_s + h.preparation_s[rows]
        return rows.size > 0

    def with_guests(self, homes: Ints) -> Ints:
        """Return the households that live in some homes: those at home there, and their guests; rising."""
        if self.guests.size == 0:
            return homes
        lives_with = self.households.lives_with
        is_asked = np.zeros(lives_with.size, np.bool_)
        is_asked[homes] = True
        guests = self.guests[is_asked[lives_with[self.guests]]]
        return rising(np.concatenate((homes[lives_with[homes] < 0], guests)))

    def places_of_guests(self) -> tuple[Ints, Floats, Floats]:
        """Return (household, x_m, y_m) of guests who are at home, with their hosts."""
        h = self.households
        rows = self.guests[self.population.is_at_home(self.guests) & (h.shelter[self.guests] < 0)]
        return rows, h.home_x_m[h.lives_with[rows]], h.home_y_m[h.lives_with[rows]]

    def look_again(self) -> None:
        """Find anew who lives with others, after somebody has changed columns from outside."""
        self.guests = np.flatnonzero(self.households.lives_with >= 0)
