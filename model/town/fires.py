"""Fires that impacts start: they spread between close buildings and fill the streets about them with smoke.

An impact sets homes within a distance on fire with a probability by its size. A burning home sets each other within
`spread_m` on fire with a probability, after a time with exponential distribution; each burns once, and is lost. While
it burns, nobody passes streets within `smoke_m` of it. Chance is keyed by impact and home, and by both homes: fires
are the same under every plan. The worked example of docs/howto/add_hazard.md; off unless `p_ignite` is given.
"""

import heapq

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.ground.nearby import grid_of_links, grid_of_points, links_within, points_within
from safepassage.model.draws import Keys, Stream, uniforms_for
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.damage import Fires as FireSettings
from safepassage.model.streets.streets import Streets

NEVER = np.inf
NOBODY = np.zeros(0, np.int64)


class Fires:
    """Which homes burn, have burnt, and which streets are in smoke."""

    def __init__(
        self, settings: FireSettings, seed: int, streets: Streets, home_x_m: Floats, home_y_m: Floats, keys: Keys
    ) -> None:
        """settings: the scenario's section `Fires`. seed: of the run. home_x_m, home_y_m: place of each home (m).

        streets: those of the model. keys: of the homes, by which chance is drawn.
        """
        self.settings, self._seed, self._keys = settings, seed, keys
        self.is_active = max(settings.p_ignite) > 0 and home_x_m.size > 0
        self._x_m, self._y_m = home_x_m, home_y_m
        self.burns_from_s = np.full(home_x_m.size, NEVER)
        """float64: when each home catches fire (s); inf: it has not."""
        self._n_smoke = np.zeros(streets.n_links, np.int32)
        self._due: list[tuple[float, int, int]] = []
        """Heap of (time, 0 for a home that catches fire or 1 for one that has burnt out, home)."""
        self._burnt: list[int] = []
        if self.is_active:
            self._homes = grid_of_points(home_x_m, home_y_m, cell_m=25.0)
            self._links = grid_of_links(streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m)

    @property
    def next_s(self) -> float:
        """No home catches fire or burns out before this (s)."""
        return self._due[0][0] if self._due else NEVER

    @property
    def in_smoke(self) -> Bools:
        """bool by link: nobody passes it for smoke."""
        return self._n_smoke > 0

    def strike(self, impacts: Impacts, k: int) -> None:
        """Let impact k set homes near it on fire."""
        if not self.is_active:
            return
        size, at_s = int(impacts.size[k]), float(impacts.time_s[k])
        at = impacts.x_m[k : k + 1], impacts.y_m[k : k + 1]
        home = points_within(self._homes, *at, self.settings.ignite_within_m[size])[1]
        u = uniforms_for(self._seed, Stream.FIRE, self._keys[home], tick=k)
        for row in home[u < self.settings.p_ignite[size]].tolist():
            heapq.heappush(self._due, (at_s, 0, row))

    def advance(self, time_s: float) -> bool:
        """Let fires start, spread and burn out until a time; return whether smoke has changed."""
        changed = False
        while self._due and self._due[0][0] <= time_s:
            at_s, is_over, home = heapq.heappop(self._due)
            if not is_over and self.burns_from_s[home] < NEVER:
                continue
            self._n_smoke[self._links_near(home)] += -1 if is_over else 1
            changed = True
            if not is_over:
                self.burns_from_s[home] = at_s
                self._burnt.append(home)
                heapq.heappush(self._due, (at_s + self.settings.burn_s, 1, home))
                self._spread(home, at_s)
        return changed

    def _links_near(self, home: int) -> Ints:
        return np.unique(links_within(self._links, self._x_m[home], self._y_m[home], self.settings.smoke_m)[1])

    def _spread(self, home: int, at_s: float) -> None:
        x_m, y_m = self._x_m[home : home + 1], self._y_m[home : home + 1]
        near = points_within(self._homes, x_m, y_m, self.settings.spread_m)[1]
        near = near[self.burns_from_s[near] == NEVER]
        number = int(self._keys.number[home])
        u, delay = (uniforms_for(self._seed, Stream.FIRE, self._keys[near], tick=number, index=i) for i in (1, 2))
        after_s = -self.settings.spread_after_s * np.log1p(-delay)
        for row, later_s in zip(near.tolist(), after_s.tolist(), strict=True):
            if u[near == row][0] < self.settings.p_spread and later_s < self.settings.burn_s:
                heapq.heappush(self._due, (at_s + later_s, 0, row))

    def take_burnt(self) -> Ints:
        """Return the homes that have caught fire since the last call: they are lost."""
        if not self._burnt:
            return NOBODY
        burnt, self._burnt = self._burnt, []
        return np.unique(np.array(burnt, np.int64))
