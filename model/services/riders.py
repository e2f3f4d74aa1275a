"""Those who depend on seats: where they wait, since when, who comes first, who fits."""

from collections.abc import Collection
from math import ceil

import numpy as np

from safepassage.agents.civilians import Mobility, Protection, Status
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import Mode, size_of
from safepassage.agents.vehicles import PickupPoint, Seats
from safepassage.model.behaviour.information import Information
from safepassage.model.people.population import Population

INF = float("inf")
ASK_EVERY_S = 900.0
"""How often people at a stop ask whether anything still comes (s). Assumption."""


class Riders:
    """Households that wait for a seat at a stop or at home, or are aboard."""

    def __init__(self, population: Population, information: Information) -> None:
        self.population, self.information = population, information
        self.households, self.people, self.parties = population.households, population.people, population.parties
        self.n_calls = [0, 0]
        """How often more have come to need seats of fleets that serve stops, and of those that go from door to door."""
        self.ask_s = INF
        """When people at stops ask next whether anything still comes (s); inf: nobody waits."""

    def size(self, household: int) -> tuple[int, int]:
        """Return how many members live, and how many of them need assistance."""
        return size_of(int(household), self.households.first_person, self.people.mobility, self.people.status)

    def most_seats(self, n_places: int) -> int:
        """Return the ordinary seats that the largest household takes in an empty vehicle with so many places."""
        first = self.households.first_person
        n_assisted = np.add.reduceat(self.people.mobility == Mobility.NEEDS_ASSISTANCE, first[:-1], dtype=np.int64)
        seats = self.households.n_members + n_assisted - 2 * np.minimum(n_assisted, n_places)
        return int(seats.max(initial=0))

    def in_order(self, rows: Ints | list[int]) -> np.ndarray:
        """Return households in order of who comes first.

        Those with no way out but a seat before those who could walk; then batches of institutions that come first,
        then families under a compulsory order, then those who need assistance, then by time and row.
        """
        rows = np.sort(np.asarray(rows, np.int64))
        if rows.size < 2:
            return rows
        family = self.households.has_children[rows]
        ordered = self.information.compelled_s[rows] <= self.information.time_s
        rank = np.where(family & ordered, 0, np.where(self.households.needs_help[rows], 1, 2))
        rank = np.where(self.households.has_priority[rows], -1, rank)
        return rows[np.lexsort((self.households.waiting_since_s[rows], rank, self.households.walks_out[rows]))]

    def request(self, rows: np.ndarray, time_s: float) -> None:
        """Note that households at home ask to be taken up there."""
        new = rows[~self.households.is_requesting[rows]]
        if new.size == 0:
            return
        self.n_calls[True] += 1
        self.households.is_requesting[new] = True
        self.households.waiting_since_s[new] = time_s

    def requests(self) -> np.ndarray:
        """Return the households at home that ask to be taken up, first come first."""
        rows = np.flatnonzero(self.households.is_requesting)
        if rows.size == 0:
            return rows
        gone = ~self.population.is_at_home(rows)
        self.households.is_requesting[rows[gone]] = False
        return self.in_order(rows[~gone])

    def is_waiting_at_home(self, household: int) -> bool:
        """Return whether a household asks to be taken up at home, and waits there."""
        first = self.households.first_person
        members = slice(first[household], first[household + 1])
        is_there = self.households.is_requesting[household] and not self.parties.is_on_way[household]
        return bool(is_there and (self.people.status[members] == Status.WAITING).any())

    def withdraw_request(self, household: int) -> None:
        """Note that a household no longer asks to be taken up at home."""
        self.households.is_requesting[household] = False
        self.households.waiting_since_s[household] = INF

    def wait(self, stop: PickupPoint, household: int, time_s: float) -> None:
        """Let a household wait at a stop."""
        n = self.size(household)[0]
        self.call_from(stop)
        self.ask_s = min(self.ask_s, ceil(time_s / ASK_EVERY_S) * ASK_EVERY_S)
        stop.waiting.append(household)
        stop.n_waiting += n
        self.households.waiting_since_s[household] = time_s
        self.population.wait_at_stop(np.array([household]), stop.row, stop.protection)

    def call_from(self, stop: PickupPoint) -> None:
        """Note that there are more at a stop for whom no seat is coming."""
        if stop.is_for_fleets:
            self.n_calls[False] += 1
            self.n_calls[True] += stop.is_by_road

    def leave(self, stop: PickupPoint, household: int) -> None:
        """Note that a household no longer waits at a stop."""
        stop.waiting.remove(household)
        stop.n_waiting -= self.size(household)[0]
        self.households.waiting_since_s[household] = INF

    def any_fits(self, stop: PickupPoint, seats: Seats) -> bool:
        """Return whether one of the households waiting at a stop fits into the free seats."""
        return seats.n_free > 0 and any(seats.fits(*self.size(h)) for h in stop.waiting)

    def board(
        self,
        stop: PickupPoint,
        seats: Seats,
        mode: Mode,
        carrier: int,
        protection: Protection,
        until_s: float,
        at_s: float,
        first: Collection[int] = (),
    ) -> tuple[int, int, float]:
        """Let those aboard who wait at a stop since before until_s and fit; return (persons, assisted, last came).

        carrier: row of the vehicle; at_s: when it was ready for them. first: households that come before all others.
        seats: seats of the vehicle. mode: how they travel. protection: what protects those aboard.
        """
        if not stop.waiting:
            return 0, 0, -INF
        ready = [h for h in stop.waiting if self.households.waiting_since_s[h] <= until_s]
        order = self.in_order(ready).tolist() if ready else []
        if len(first):
            order.sort(key=lambda h: h not in first)
        taken, n_persons, n_assisted, last_s, n_free = [], 0, 0, -INF, seats.n_free
        for household in order:
            size = self.size(household)
            if not seats.take(household, *size):
                continue
            taken.append(household)
            n_persons, n_assisted = n_persons + size[0], n_assisted + size[1]
            last_s = max(last_s, float(self.households.waiting_since_s[household]))
        if taken:
            if n_free - seats.n_free > n_persons:  # somebody has taken two seats
                self.call_from(stop)
            gone = set(taken)
            stop.waiting = [h for h in stop.waiting if h not in gone]
            for household in taken:
                waited_s = max(0.0, at_s - float(self.households.waiting_since_s[household]))
                stop.board(waited_s, self.size(household)[0])
            stop.n_waiting -= n_persons
            self.households.waiting_since_s[taken] = INF
            self.population.go_aboard(np.array(taken), mode, carrier, protection)
        return n_persons, n_assisted, last_s

    def board_at_home(
        self, household: int, seats: Seats, carrier: int, protection: Protection, time_s: float
    ) -> tuple[int, int]:
        """Let a household aboard at its home; return (persons, assisted), (0, 0) if it does not fit.

        seats: seats of the vehicle. carrier: row of the vehicle. protection: what protects those aboard. time_s: the
        moment (s).
        """
        size = self.size(household)
        if not seats.take(household, *size):
            return 0, 0
        self.withdraw_request(household)
        self.households.departure_time_s[household] = time_s
        self.population.go_aboard(np.array([household]), Mode.BUS, carrier, protection)
        return size

    def count_again(self, stop: PickupPoint) -> None:
        """Bring the number of those who wait at a stop up to date after deaths."""
        stop.n_waiting = sum(self.size(h)[0] for h in stop.waiting)
