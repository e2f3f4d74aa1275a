"""Who is on the streets, kept as a list: nobody is looked for among everybody, as most people are at home."""

from dataclasses import dataclass, field

import numpy as np

from safepassage.agents.ground.arrays import Ints, rising, united
from safepassage.agents.rules.drive_edit import join, leave_out

NO_DOSES = np.zeros((2, 0))
"""The danger that nobody has gone through, see `take_doses`."""


@dataclass
class UnderWay:
    """Rows of parties added to the streets that have neither arrived nor been withdrawn."""

    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    """int32, rising."""
    left: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    """Those who have left the streets since they were taken last; int32, rising; who left twice is there twice."""

    @property
    def n(self) -> int:
        """How many are on the streets."""
        return self.rows.size

    def add(self, ids: Ints) -> None:
        """Note that some have come, none of whom is there."""
        self.rows = self._joined(self.rows, self._in_order(ids))

    def drop(self, ids: Ints) -> None:
        """Note that some have gone, all of whom are there."""
        if ids.size:
            ids, stays = self._in_order(ids), np.empty_like(self.rows)
            self.rows = stays[: leave_out(stays, self.rows, ids)]
            self.left = self._joined(self.left, ids)

    def _joined(self, rows: Ints, more: Ints) -> Ints:
        both = np.empty(rows.size + more.size, rows.dtype)
        join(both, rows, more)
        return both

    def _in_order(self, ids: Ints) -> Ints:
        ids = np.asarray(ids, self.rows.dtype)
        return np.sort(ids) if ids.size > 1 else ids

    def taken_left(self) -> Ints:
        """Return those who have left the streets since the last call, rising: nobody else has gone through danger."""
        rows, self.left = self.left, self.left[:0]
        return rising(rows) if rows.size > 1 else rows

    def taken(self) -> Ints:
        """Return all who have been on the streets at any moment since the last call, rising."""
        rows, self.left = united(self.rows, self.left), self.left[:0]
        return rows
