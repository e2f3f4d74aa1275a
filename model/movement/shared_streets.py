"""Walkers and cars in each other's way on streets without pavement, looked at anew at a fixed pace.

The rule is in agents/rules/by_minutes.py. A car takes its room in a standing queue (1 / jam density) times car_width_m.
Both formulas are Assumptions: the area taken is a balance of areas, and speeds of cars among crowds have, to our
knowledge, not been measured beyond shared-space streets of low density.
"""

from typing import Any

import numpy as np

from safepassage.agents.ground.records import records
from safepassage.agents.rules.by_minutes import MEETINGS, SHARED_LINK, SHARED_STREET, Shared
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.walking import Walking
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.streets.streets import Streets


class SharedStreets:
    """Streets that both may use and that have no pavement, and what the two movers have told each other there."""

    def __init__(self, settings: MovementSettings, streets: Streets, driving: Driving, walking: Walking) -> None:
        """settings: the scenario's section `Movement`. streets: those of the model.

        driving, walking: vehicles and walkers on these streets.
        """
        self._driving, self._walking = driving, walking
        links = np.flatnonzero(streets.drivable & streets.walkable & ~streets.has_pavement)
        street, row = np.unique(streets.link_street[links], return_inverse=True)
        width_m = np.maximum(streets.carriageway_width_m, streets.walk_width_m)[links]
        cars_m, free_m_s = settings.car_width_m * streets.n_lanes[links], streets.free_flow_speed_m_s[links]
        of_links = records(
            links.size, SHARED_LINK, link=links, row=row, length_m=streets.length_m[links],
            area_m2=streets.length_m[links] * width_m, car_area_m2=cars_m / driving.jam_density_per_m[links],
            most_taken_m=cars_m, free_speed_m_s=free_m_s, speed_m_s=free_m_s,
        )  # fmt: skip
        meetings = records(
            1, MEETINGS, every_s=settings.shared_streets_every_s, car_speed_m_s=settings.car_speed_among_walkers_m_s,
            follow_density_per_m2=settings.follow_density_per_m2,
        )  # fmt: skip
        shared: Any = Shared
        scratch = np.zeros(links.size, np.int64), np.zeros(links.size)
        self.now = shared(of_links, records(street.size, SHARED_STREET, street=street), meetings, *scratch)
        """All of it, as the kernel reads and writes it."""

    def is_needed(self) -> bool:
        """Return whether there is anybody to tell, or something told to take back."""
        if self.now.links.size == 0:
            return False
        both_move = self._driving.view.n_under_way > 0 and self._walking.view.n_under_way > 0
        return both_move or bool(self.now.meetings["is_coupled"][0])

    def meetings_between(self, from_s: float, until_s: float) -> list[float]:
        """Return when the two are told of each other after a time, until another: as a rule (s)."""
        if self.now.links.size == 0:
            return []
        every_s = self.now.meetings["every_s"][0]
        times_s = np.arange(int(from_s / every_s), int(until_s / every_s) + 2) * every_s
        return times_s[(times_s > from_s) & (times_s <= until_s)].tolist()
