"""Walkers and cars in each other's way on streets without pavement, looked at anew at a fixed pace.

On such a street both use the carriageway:

    walkable width = width - (area that cars take) / length       at least walking.LEAST_WIDTH_M
    cars' speed    = v + (u - v) max(0, 1 - rho / rho_follow)     u: free-flow speed, v: walking pace

A car takes its room in a standing queue (1 / jam density) times car_width_m. rho is the density of walkers on the
carriageway; at rho_follow cars can only follow the walkers. Both formulas are Assumptions: the area taken is a balance
of areas, and speeds of cars among crowds have, to our knowledge, not been measured beyond shared-space streets of low
density. A speed holds for cars that enter a street from then on. Where there are no walkers cars drive, and where
there are no cars walkers walk, exactly as on a street of their own.
"""

import numpy as np

from safepassage.model.movement.driving import Driving
from safepassage.model.movement.walking import Walking
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.streets.streets import Streets


class SharedStreets:
    """Streets that both may use and that have no pavement; tells the two movers of each other."""

    def __init__(self, settings: MovementSettings, streets: Streets, driving: Driving, walking: Walking) -> None:
        """settings: the scenario's section `Movement`. streets: those of the model.

        driving, walking: vehicles and walkers on these streets.
        """
        self._settings, self._driving, self._walking = settings, driving, walking
        self.links = np.flatnonzero(streets.drivable & streets.walkable & ~streets.has_pavement)
        """Links that cars share with walkers, int64."""
        self._streets, self._row = np.unique(streets.link_street[self.links], return_inverse=True)
        width_m = np.maximum(streets.carriageway_width_m, streets.walk_width_m)[self.links]
        self._length_m = streets.length_m[self.links]
        self._area_m2 = self._length_m * width_m
        self._car_area_m2 = settings.car_width_m * streets.n_lanes[self.links] / driving.jam_density_per_m[self.links]
        self._most_taken_m = settings.car_width_m * streets.n_lanes[self.links]
        self._free_speed_m_s = streets.free_flow_speed_m_s[self.links]
        self._speed_m_s = self._free_speed_m_s.copy()
        self._taken_m = np.zeros(self._streets.size)
        self._n_looks = 0
        self._is_coupled = False

    @property
    def next_s(self) -> float:
        """When the two are told of each other next (s): multiples of shared_streets_every_s."""
        return (self._n_looks + 1) * self._settings.shared_streets_every_s

    def is_needed(self) -> bool:
        """Return whether there is anybody to tell, or something told to take back."""
        return self.links.size > 0 and (self._both_move() or self._is_coupled)

    def skip_to(self, time_s: float) -> None:
        """Note that there was nothing to tell up to a time."""
        self._n_looks = max(self._n_looks, int(time_s / self._settings.shared_streets_every_s))

    def _both_move(self) -> bool:
        return self._driving.view.n_under_way > 0 and self._walking.view.n_under_way > 0

    def tell(self) -> None:
        """Give cars the speed that walkers leave them and walkers the width that cars leave them, from now on."""
        self._n_looks += 1
        speed_m_s, taken_m = self._free_speed_m_s, np.zeros(self._streets.size)
        if self._both_move():
            speed_m_s, taken_m = self._speed_among_walkers_m_s(), self._width_taken_m()
        changed = np.flatnonzero(speed_m_s != self._speed_m_s)
        if changed.size:
            self._driving.set_free_flow_speed(self.links[changed], speed_m_s[changed])
        moved = np.flatnonzero(taken_m != self._taken_m)
        if moved.size:
            self._walking.set_street(self._streets[moved], taken_width_m=taken_m[moved])
        self._speed_m_s, self._taken_m = speed_m_s.copy(), taken_m
        self._is_coupled = bool((speed_m_s != self._free_speed_m_s).any() or taken_m.any())

    def _speed_among_walkers_m_s(self):
        n = self._walking.view.n_on_street[self._streets][self._row]
        free = 1.0 - n / self._area_m2 / self._settings.follow_density_per_m2
        pace_m_s = np.minimum(self._settings.car_speed_among_walkers_m_s, self._free_speed_m_s)
        speed_m_s = pace_m_s + (self._free_speed_m_s - pace_m_s) * np.maximum(free, 0.0)
        return np.where(n > 0, speed_m_s, self._free_speed_m_s)

    def _width_taken_m(self):
        taken_m = self._driving.view.n_on_link[self.links] * self._car_area_m2 / self._length_m
        return np.bincount(self._row, np.minimum(taken_m, self._most_taken_m), self._streets.size)
