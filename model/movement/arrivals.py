"""Who left the area, when, where and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from safepassage.agents.parties import Mode

CAR, WALK = int(Mode.CAR), int(Mode.WALK)
"""The modes as plain numbers, for what is made at each arrival."""


@dataclass(frozen=True)
class Arrivals:
    """Parties that left the area."""

    party: np.ndarray
    time_s: np.ndarray
    node: np.ndarray
    mode: np.ndarray

    def __len__(self) -> int:
        return self.party.size

    def only(self, mask: np.ndarray) -> "Arrivals":
        """Return some of them."""
        return Arrivals(self.party[mask], self.time_s[mask], self.node[mask], self.mode[mask])


NOBODY = Arrivals(np.empty(0, np.int32), np.empty(0), np.empty(0, np.int32), np.empty(0, np.int8))


def joined(cars: list[Any], walkers: list[Any], looks: Callable[[], list[float]]) -> Arrivals:
    """Return all who arrived: those between one look and the next, cars before walkers, then those of the time after.

    cars, walkers: Arrivals of the two movers, in order of time. looks: tells when people looked at the streets (s).
    """
    found = [(CAR, one) for one in cars if one.id.size] + [(WALK, one) for one in walkers if one.id.size]
    if not found:
        return NOBODY
    if len(found) == 1:
        mode, one = found[0]
        return Arrivals(one.id, one.time_s, one.node, np.array([mode] * one.id.size, np.int8))
    arrivals = Arrivals(
        party=np.concatenate([one.id for _, one in found]),
        time_s=np.concatenate([one.time_s for _, one in found]),
        node=np.concatenate([one.node for _, one in found]),
        mode=np.repeat(np.array([mode for mode, _ in found], np.int8), [one.id.size for _, one in found]),
    )
    if found[0][0] == found[-1][0]:
        return arrivals
    return arrivals.only(np.argsort(np.searchsorted(np.sort(looks()), arrivals.time_s, side="right"), kind="stable"))
