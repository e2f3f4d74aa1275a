"""Power, gas, water, phones and shops: lost on dates or when an impact hits a site, and restored."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.damage import Damage, Utility

_SITE = 4
"""Which of the numbers of `Stream.DAMAGE` decides whether a site is lost; 0-3 serve `model/town/damage.py`."""


class Utilities:
    """What works in which zone. A service works in a zone if nothing it depends on is out."""

    def __init__(self, settings: Damage, seed: int, zones: tuple[Any, ...]) -> None:
        """settings: `settings.damage.Damage`; zones: names of the zones."""
        self.seed = seed
        self.sites = settings.utility_sites
        self.time_s = 0.0
        self.n_causes = np.zeros((len(Utility), len(zones)), dtype=np.int32)
        """int32[utility, zone]: how many losses are in force."""
        self.lost_since_s = np.full((len(Utility), len(zones)), np.inf)
        """float64[utility, zone]: since when each has not worked (s); inf: it works."""
        self._zone = {name: i for i, name in enumerate(zones)}
        self._out = np.zeros(len(self.sites), dtype=bool)
        self._hit_m = np.array([site.hit_distance_m for site in self.sites])
        self._p_lost = np.array([site.p_lost for site in self.sites])
        """float64[site, size]: within which distance impacts hit each site (m), and with which odds it is lost then."""
        self._events = []
        for i, loss in enumerate(settings.utility_losses):
            rows = self._zones(loss.zones, f"damage.utility_losses[{i}]")
            self._events.append((loss.at_h * 3600.0, 1, loss.utility, rows, -1))
            if loss.restored_h is not None:
                self._events.append((loss.restored_h * 3600.0, -1, loss.utility, rows, -1))
        self._site_zones = [self._zones(site.zones, f"damage.utility_sites[{i}]") for i, site in enumerate(self.sites)]
        self.next_s = np.inf
        """When the next loss or repair comes (s); inf: none, as things stand."""
        self._expect()
        self._grid = grid_of_points([site.x_m for site in self.sites], [site.y_m for site in self.sites])

    def _zones(self, names, place):
        if names is None:
            return np.arange(len(self._zone))
        for name in names:
            if name not in self._zone:
                known = ", ".join(sorted(self._zone))
                raise ScenarioError(f"{place}: no zone is called {name!r}. Write one of: {known}.")
        return np.array(sorted({self._zone[name] for name in names}), dtype=np.int64)

    @property
    def is_lost(self) -> Bools:
        """bool[utility, zone]"""
        return self.n_causes > 0

    def advance(self, time_s: float) -> bool:
        """Let losses and repairs come until a time; return whether anything changed."""
        if time_s < self.time_s:
            raise ValueError(f"utilities cannot go back from {self.time_s} s to {time_s} s; give times that rise")
        if time_s < self.next_s:
            self.time_s = time_s
            return False
        before = self.is_lost
        while self._events and self._events[0][0] <= time_s:
            at_s, n, utility, rows, site = self._events.pop(0)
            self._count(utility, rows, n, at_s)
            if site >= 0:
                self._out[site] = False
        self._expect()
        self.time_s = time_s
        return bool((before != self.is_lost).any())

    def apply(self, impacts: Impacts, first: int, last: int) -> bool:
        """Let the impacts first..last hit sites, in order of time; return whether anything changed."""
        if not self.sites:
            return False
        before = self.is_lost
        event, site, distance_m = points_within(
            self._grid, impacts.x_m[first:last], impacts.y_m[first:last], self._hit_m.max()
        )
        if event.size == 0:
            return False
        event = event + np.int32(first)
        u = uniforms_for(self.seed, Stream.DAMAGE, site, tick=event, index=_SITE)
        p = self._p_lost[site, impacts.size[event]]
        for i in np.flatnonzero((distance_m <= self._hit_m[site, impacts.size[event]]) & (u < p)):
            time_s, row = float(impacts.time_s[event[i]]), int(site[i])
            self.advance(time_s)
            if not self._out[row]:
                self._lose(row, time_s)
        return bool((before != self.is_lost).any())

    def _expect(self):
        """Bring what is to come into its order."""
        self._events.sort(key=lambda event: event[0])
        self.next_s = self._events[0][0] if self._events else np.inf

    def _count(self, utility, rows, n, time_s):
        """Note that a cause of loss has come (n = 1) or gone (n = -1) in zones."""
        before = self.n_causes[utility, rows]
        self.n_causes[utility, rows] += n
        since_s = np.where(before == 0, time_s, self.lost_since_s[utility, rows])
        self.lost_since_s[utility, rows] = np.where(self.n_causes[utility, rows] > 0, since_s, np.inf)

    def _lose(self, row, time_s):
        site, rows = self.sites[row], self._site_zones[row]
        self._out[row] = True
        self._count(site.utility, rows, 1, time_s)
        if site.repair_h is not None:
            self._events.append((time_s + site.repair_h * 3600.0, -1, site.utility, rows, row))
            self._expect()
