"""Gridlocks of a run: rings of full streets whose cars wait for each other, found, kept and told.

Nobody is ever moved by magic: a gridlock ends when people who have waited for their patience leave the first cars of
its streets and walk on, when a closure or other news sends some of them another way, or not at all.
"""

import numpy as np

from safepassage.agents.ground.arrays import Ints
from safepassage.agents.rules.drive import WAITING
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.driving_view import NOBODY
from safepassage.model.streets.streets import Streets

MOST_TOLD = 5
"""Gridlocks reported with the names of their streets; the others are only counted."""


class Gridlocks:
    """All gridlocks so far."""

    def __init__(self, streets: Streets, driving: Driving) -> None:
        self._streets, self._driving = streets, driving
        self.rings: list[tuple[float, list[int]]] = []
        """(time found, links) of each gridlock; a ring that comes back after it was undone counts again."""
        self.first_s = np.full(streets.n_links, np.inf)
        """When each link was first part of a gridlock (s); inf: never."""
        self._present: list[list[int]] = []

    @property
    def is_any(self) -> bool:
        """Whether there was one when last looked."""
        return bool(self._present)

    def look(self, time_s: float, standing: Ints) -> np.ndarray:
        """Note the gridlocks of now; return the vehicles that stand first on their links, int32.

        time_s: the moment (s). standing: states of those who stand, of whom some must wait if there is a gridlock.
        """
        rings = self._driving.view.gridlocks() if WAITING in standing else []
        for ring in rings:
            if ring not in self._present:
                self.rings.append((time_s, ring))
                self.first_s[ring] = np.minimum(self.first_s[ring], time_s)
        self._present = rings
        first = [self._driving.view.occupants(link)[:1] for ring in rings for link in ring]
        return np.concatenate(first) if first else NOBODY

    def report(self) -> list[str]:
        """Return what there was to see, one sentence each."""
        told = [
            f"From {time_s / 3600:.2f} h, {self._names(ring)}: a gridlock." for time_s, ring in self.rings[:MOST_TOLD]
        ]
        more = len(self.rings) - len(told)
        return told + ([f"{more} more gridlocks; see gridlock_time_s of the table of links."] if more else [])

    def _names(self, ring: list[int]) -> str:
        streets = self._streets
        ends = zip(streets.link_upstream[ring], streets.link_downstream[ring], strict=True)
        named = [
            f"{streets.link_name[link] or 'street'} {streets.node_id[up]} to {streets.node_id[down]}"
            for link, (up, down) in zip(ring, ends, strict=True)
        ]
        return ", ".join(named)
