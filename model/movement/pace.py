"""The pace of all who walk, by light and by what lies on the ground: set when either changes, and somebody walks."""

from typing import Protocol

import numpy as np

from safepassage.model.movement.walking import Walking
from safepassage.model.streets.streets import Streets


class Weather(Protocol):
    """What light and ground do to walkers: `model/hazard/weather.py`, which this room does not know."""

    def walking_factor(self, time_s: float) -> float:
        """Return the factor on walking speed at a moment (s)."""

    def next_change_s(self, time_s: float) -> float:
        """Return the first moment after one at which it may change (s)."""


class Pace:
    """By what walking speed is multiplied now; 1 without weather."""

    def __init__(self, streets: Streets, walking: Walking) -> None:
        self._streets, self._walking = np.unique(streets.link_street), walking
        self.weather: Weather | None = None
        self.factor = 1.0
        self._changes_s = -np.inf

    @property
    def next_s(self) -> float:
        """When it may change next (s); inf: it does not, or nobody walks."""
        return np.inf if self.weather is None or not self._walking.view.n_under_way else self._changes_s

    @property
    def changes_s(self) -> float:
        """When light or ground changes next, whoever walks (s); inf: never."""
        return np.inf if self.weather is None else self._changes_s

    def set(self, time_s: float) -> None:
        """Let walkers go as fast as light and ground allow at a time (s), which they have reached."""
        if self.weather is None or time_s < self._changes_s:
            return
        self._changes_s = self.weather.next_change_s(time_s)
        factor = self.weather.walking_factor(time_s)
        if factor != self.factor:
            self.factor = factor
            self._walking.set_street(self._streets, speed_factor=np.full(self._streets.size, factor))
