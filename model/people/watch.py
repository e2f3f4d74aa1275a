"""Whether anything has changed with some households: those of whom somebody else has to know, not everybody."""

import numpy as np

from safepassage.agents.ground.arrays import Bools, Ints


class Watch:
    """Counts how often anything changes with the households watched."""

    def __init__(self, n_households: int) -> None:
        """n_households: of the town; nobody is watched at first."""
        self._is_watched: Bools = np.zeros(n_households, np.bool_)
        self._is_any = False
        self.n_changes = 0

    def set(self, rows: Ints | list[int]) -> None:
        """Watch these households from now on, and no others."""
        if self._is_any:
            self._is_watched[:] = False
        self._is_any = len(rows) > 0
        if self._is_any:
            self._is_watched[rows] = True

    def note(self, households: Ints) -> None:
        """Count that something has changed with some households, if one of them is watched."""
        if self._is_any and np.count_nonzero(self._is_watched[households]):
            self.n_changes += 1
