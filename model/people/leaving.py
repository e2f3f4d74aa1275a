"""Who leaves home next: found among few, not among everybody; whom the curfew will hold is not waited for before."""

from bisect import bisect_right
from typing import Any

import numpy as np

from safepassage.agents import leaving
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.households import Households
from safepassage.agents.parties import Parties

LEAST_AHEAD, SHARE_AHEAD = 64, 8
"""At one look at all households so many who leave next are found, or one in so many of those who have planned to, if
these are more; no result depends on it."""
Curfew = tuple[Floats, Floats, float]
"""When each curfew begins and ends, and over how long people leave after it (s)."""
NO_CURFEW: Curfew = np.empty(0), np.empty(0), 0.0


class Leaving:
    """The households that may leave before long, and when the first of them does."""

    def __init__(self, households: Households, parties: Parties) -> None:
        """households, parties: columns of everybody; nobody has planned to leave yet."""
        self._households, self._parties = households, parties
        self.curfew = self._curfew_of_all = NO_CURFEW
        self._begin_s: list[float] = []
        self._over_s: list[float] = []
        """When each curfew begins, and when all have left who waited for its end (s)."""
        self._soon: Ints = np.empty(0, np.int64)
        """Households that may leave before `_known_until_s`; all others are known to leave later."""
        self._known_until_s = np.inf
        self.next_s = np.inf
        """No household sets out before this (s), whom the curfew holds after its end."""
        self.held_s = np.inf
        """No household is held by the curfew, as it means to set out, before this (s)."""

    def keep(self, curfew: Curfew, *, is_for_all: bool) -> None:
        """Let a curfew hold those who keep it from now on. is_for_all: nobody is free of it who keeps it otherwise."""
        self.curfew, self._curfew_of_all = curfew, curfew if is_for_all else NO_CURFEW
        start_s, end_s, stagger_s = curfew
        self._begin_s, self._over_s = start_s.tolist(), (end_s + stagger_s).tolist()
        self.look()

    def look(self, until_s: float = -np.inf) -> None:
        """Find anew who leaves next: any may have planned anew, or it is not known until so late (s)."""
        rows, self._known_until_s = leaving.planning(*self._plans), np.inf
        if rows.size > (n := max(LEAST_AHEAD, rows.size // SHARE_AHEAD)):
            departure_s = self._households.departure_time_s[rows]
            self._known_until_s = max(until_s, float(np.partition(departure_s, n)[n]))
            rows = rows[departure_s < self._known_until_s]
        self._soon = rows
        self.next_s = self.held_s = np.inf
        self._soon = self._choose(self._soon, -np.inf)[0]

    def expect(self, households: Ints) -> None:
        """Note that the departure times of some households have changed."""
        soon, _ = self._choose(np.array(households, np.int64), -np.inf)
        self._soon = np.concatenate((self._soon, soon))

    def due(self, until_s: float) -> Ints:
        """Return the households that mean to set out before a time, in order of departure, ties by row; int64[]."""
        if self.next_s >= until_s and self.held_s >= until_s:
            return np.empty(0, np.int64)
        if until_s > self._known_until_s:
            self.look(until_s)
        self.next_s = self.held_s = np.inf
        self._soon.sort(kind="stable")
        self._soon, rows = self._choose(self._soon, until_s)
        return rows[self._households.departure_time_s[rows].argsort(kind="stable")] if rows.size > 1 else rows

    def hold(self, due: Ints, from_s: float, until_s: float) -> tuple[Ints, Ints]:
        """Hold those of some households who keep the curfew and mean to set out in it, or before their turn after it;
        return (who is held, the others). Nobody leaves before from_s; all mean to before until_s (s)."""
        n_begun = bisect_right(self._begin_s, max(from_s, until_s))
        if n_begun == 0 or from_s >= self._over_s[n_begun - 1]:
            return due[:0], due
        h, (held, others) = self._households, np.empty((2, due.size), np.int64)
        plans = h.departure_time_s, due, h.keeps_curfew, h.turn_after_curfew
        n_held = leaving.hold(held, others, *plans, *self.curfew, from_s)
        return held[:n_held], others[: due.size - n_held]

    def hold_until(self, until_s: float) -> Ints:
        """Hold those whom the curfew holds as they meant to set out before a time (s), to which nobody has left; return
        them."""
        due = self.due(until_s)
        held, others = self.hold(due, -np.inf, until_s)
        if others.size:
            self.expect(others)
        return held

    @property
    def _plans(self) -> tuple[Any, ...]:
        h, parties = self._households, self._parties
        return h.departure_time_s, h.is_extinct, parties.is_on_way, parties.arrival_time_s

    def _choose(self, rows: Ints, until_s: float) -> tuple[Ints, Ints]:
        """Return (those of some households that may leave before long, those that leave before a time in s); bring up
        to date when the first of the others leaves. Writes rows, int64."""
        h, now = self._households, np.empty(rows.size, np.int64)
        plans = *self._plans, h.keeps_curfew, h.turn_after_curfew, *self._curfew_of_all
        n_soon, n_now, next_s, held_s = leaving.leaving(now, rows, *plans, self._known_until_s, until_s)
        self.next_s, self.held_s = min(self.next_s, next_s), min(self.held_s, held_s)
        return rows[:n_soon], now[:n_now]
