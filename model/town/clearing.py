"""Crews that clear streets: who clears which street when, exact in time however the run is split into steps."""

import heapq

import numpy as np

from safepassage.agents.ground.arrays import Ints


class ClearingCrews:
    """A number of crews, each on one street at a time, and the streets that wait for them.

    A crew that is free takes the street of lowest rank; among those the one damaged first, then the lowest row. It
    stays until the street is clear, also of what falls there meanwhile.
    """

    def __init__(self, n_crews: int, clearing_m_per_h: float, rank: Ints) -> None:
        """n_crews: crews at work. clearing_m_per_h: of one crew. rank: int per street, low first."""
        self.n_free = n_crews
        self.seconds_per_m = 3600.0 / clearing_m_per_h
        self.rank = np.array(rank)
        self.time_s = 0.0
        self._n_ordered = 0
        self.waiting_m: dict[int, float] = {}
        self._queue: list[tuple[int, float, int]] = []
        self._ends_s: dict[int, float] = {}

    def add(self, street: int, length_m: float, time_s: float) -> None:
        """Add a length to be cleared on a street, damaged at time_s; call `advance(time_s)` first."""
        if street in self._ends_s:
            self._ends_s[street] += length_m * self.seconds_per_m
        elif street in self.waiting_m:
            self.waiting_m[street] += length_m
        else:
            self.waiting_m[street] = length_m
            heapq.heappush(self._queue, (int(self.rank[street]), time_s, street))
        self._send()

    def put_first(self, street: int) -> None:
        """Let a street come before all others from now on, also before those put first earlier."""
        self._n_ordered += 1
        self.rank[street] = -self._n_ordered
        if street in self.waiting_m:
            heapq.heappush(self._queue, (int(self.rank[street]), self.time_s, street))

    def call_in(self, n_crews: int) -> None:
        """Let more crews join at the present."""
        self.n_free += n_crews
        self._send()

    def left_m(self, street: int) -> float:
        """Return the length still to be cleared on a street as things stand (m)."""
        if street in self._ends_s:
            return (self._ends_s[street] - self.time_s) / self.seconds_per_m
        return self.waiting_m.get(street, 0.0)

    @property
    def n(self) -> int:
        """Crews, at work or free."""
        return self.n_free + len(self._ends_s)

    @property
    def next_end_s(self) -> float:
        """When the next street will be clear as things stand (s); inf: no crew is at work."""
        return min(self._ends_s.values()) if self._ends_s else np.inf

    def ends_s(self, street: int) -> float:
        """Return when a street will be clear as things stand (s), infinity if no crew is there yet."""
        return self._ends_s.get(street, np.inf)

    def advance(self, until_s: float) -> list[tuple[float, int]]:
        """Let the crews work until a time and return the streets cleared, in order: (time_s, street)."""
        cleared = []
        while self._ends_s:
            end_s, street = min((end_s, street) for street, end_s in self._ends_s.items())
            if end_s > until_s:
                break
            del self._ends_s[street]
            self.n_free += 1
            self.time_s = end_s
            cleared.append((end_s, street))
            self._send()
        self.time_s = max(self.time_s, until_s)
        return cleared

    def _send(self):
        while self.n_free and self._queue:
            street = heapq.heappop(self._queue)[2]
            if street not in self.waiting_m:  # stood in the queue twice, having been put first
                continue
            self._ends_s[street] = self.time_s + self.waiting_m.pop(street) * self.seconds_per_m
            self.n_free -= 1
