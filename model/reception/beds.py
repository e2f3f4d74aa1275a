"""Beds of reception places, by event: who comes, gets a bed, waits without one, is sent on, finds something else.

Beds are given person by person, first come first served, so that no bed stands empty for which somebody waits; of a
household for which a place has too few, the rest waits or is sent on. Nobody is sent on without a bed kept for them.
"""

import heapq
import math
from collections import deque
from enum import IntEnum

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.settings.levers.reception import OnwardBy, ReceptionPlace, Takes

NOWHERE = -1
HAS_CHILDREN, NEEDS_HELP = 1, 2
"""Bits of the kind of a household."""
KINDS = {
    Takes.EVERYBODY: (0, 1, 2, 3), Takes.FAMILIES_WITH_CHILDREN: (1, 3), Takes.NEEDS_ASSISTANCE: (2, 3),
}  # fmt: skip
"""Kinds of households that a place takes."""


class Stay(IntEnum):
    """Where somebody who is out is, as far as beds go; exactly one holds."""

    NOT_OUT = 0
    OWN = 1
    """With friends or relatives, in what they rent, or gone on from a bed."""
    COMING = 2
    """On the way to a reception place, from the town or sent on."""
    WAITING = 3
    """Without a bed."""
    IN_BED = 4


ROUNDING = 1e-9
"""Share of the time between two departures that is lost in rounding."""
WAITING = int(Stay.WAITING)
"""As a plain number, for what asks often: NumPy takes several times as long to compare with an enum."""


class Event(IntEnum):
    """What happens at a moment."""

    OPENS = 0
    COMES = 1
    BED_REACHED = 2
    STAY_ENDS = 3


Waiting = deque[tuple[float, float, int]]
"""Those who wait in one place and go on in one way, of one kind: (since when in s, order, person), rising."""


class Beds:
    """All reception places of a run and everybody who is out."""

    def __init__(self, places: tuple[ReceptionPlace, ...], order: Floats, kind: Ints) -> None:
        """places: settings. order: of each person, a number that decides between two who come at one moment.

        kind: bits HAS_CHILDREN and NEEDS_HELP of the household of each person.
        """
        n, n_people = len(places), order.size
        self.places, self._order, self._kind = places, order, kind
        row = {place.name: number for number, place in enumerate(places)}
        self._onward = [[(row[way.to], way) for way in place.onward] for place in places]
        self._last_run = [[-1] * len(place.onward) for place in places]
        self.stay, self.place = np.zeros(n_people, np.int8), np.full(n_people, NOWHERE, np.int32)
        self.drives = np.zeros(n_people, np.bool_)
        """bool by person: came in a car of their own."""
        self._since_s, self._due_s = np.full(n_people, np.inf), np.full(n_people, np.inf)
        self.is_open = np.zeros(n, np.bool_)
        self.n_free = np.array([place.beds for place in places], np.int64)
        """int64 by place: beds that nobody is in and that are kept for nobody on the way to them."""
        self.n_by_stay = np.zeros((len(Stay), n + 1), np.int64)
        """int64: people by Stay and place; in the last column those who belong to none."""
        self.n_came, self.n_got_bed, self.n_sent_onward = (np.zeros(n, np.int64) for _ in range(3))
        self.first_full_s = np.full(n, np.inf)
        """float64 by place: when its last bed was first given away (s); inf: not so far."""
        self._waited_person_s = np.zeros(n + 1)
        self._waiting: list[list[list[Waiting]]] = [
            [[deque() for _ in range(4)] for _ in range(2)] for _ in places
        ]  # by place; by bus or train 0, by car 1; by kind
        self._now_s = 0.0
        self._events: list[tuple[float, float, int, int]] = [
            (place.opens_h * 3600.0, -1.0, number, int(Event.OPENS)) for number, place in enumerate(places)
        ]
        heapq.heapify(self._events)
        self._departure: tuple[float, int, int, int] | None = None
        """The next departure, see `_next_departure`; None: to be looked up, as others wait or beds are free since.

        Time that passes alone does not change it: until it is over it stays the next one.
        """

    def come(self, person: Ints, time_s: float, place: int, travel_s: float, drives: Bools | bool) -> None:
        """Let people be out from a moment on and go to a place.

        person: who. time_s: when they came out (s). place: row of the first place to which they go; NOWHERE: none takes
        them. travel_s: time of the way there (s). drives: whether they have a car of their own with them.
        """
        self.drives[person] = drives
        for one in person.tolist():
            if place == NOWHERE:
                self._become(one, Stay.WAITING, NOWHERE, time_s)
            else:
                self._become(one, Stay.COMING, place, time_s)
                self._expect(one, time_s + travel_s, Event.COMES)

    def settle(self, person: Ints, time_s: float) -> None:
        """Let people be out from a moment on who have somewhere to go (s)."""
        for one in person.tolist():
            self._become(one, Stay.OWN, NOWHERE, time_s)

    def leave(self, person: Ints, time_s: float) -> None:
        """Let people be out no longer: they go home, or have died; what was kept for them is given to others."""
        for one in person.tolist():
            place, had_bed = int(self.place[one]), self._has_bed(one)
            self._become(one, Stay.NOT_OUT, NOWHERE, time_s)
            if had_bed:
                self._free(place, time_s)

    def advance(self, until_s: float) -> None:
        """Let everything happen that is due up to a time, this included (s)."""
        while True:
            event_s = self._events[0][0] if self._events else math.inf
            if self._departure is None:
                self._departure = self._next_departure()
            departs_s, place, number, run = self._departure
            if min(event_s, departs_s) > until_s:
                return
            if event_s <= departs_s:
                self._happen(*heapq.heappop(self._events))
            else:
                self._now_s = departs_s
                self._depart(place, number, run)

    def waited_person_h(self, now_s: float) -> Floats:
        """Return the person-hours so far that people waited without a bed, by place and last in none, float64."""
        waits = np.flatnonzero(self.stay == Stay.WAITING)
        so_far_s = np.bincount(
            self.place[waits] % (len(self.places) + 1), now_s - self._since_s[waits], len(self.places) + 1
        )
        return (self._waited_person_s + so_far_s) / 3600.0

    def _happen(self, time_s: float, order: float, row: int, event: int) -> None:
        self._now_s = max(self._now_s, time_s)
        if event == Event.OPENS:
            self.is_open[row], self._departure = True, None
            self._hand_out(row, time_s)
        elif self._due_s[row] == time_s:
            self._due_s[row] = np.inf
            if event == Event.COMES:
                self._receive(row, time_s)
            elif event == Event.BED_REACHED:
                self._lie_down(row, time_s)
            else:
                place = int(self.place[row])
                self._become(row, Stay.OWN, NOWHERE, time_s)
                self._free(place, time_s)

    def _receive(self, person: int, time_s: float) -> None:
        """Give somebody who has come a bed, here or where their own car takes them; if there is none, they wait."""
        place = int(self.place[person])
        self.n_came[place] += 1
        if self._has_room(place):
            self._keep_bed(place, time_s)
            self._lie_down(person, time_s)
            return
        by_car = self._goes_by_car(person)
        for to, way in self._onward[place] if by_car else ():
            if way.by == OnwardBy.CAR and self._has_room(to) and self._takes(to, person):
                self._send(person, to, way.journey_h, time_s)
                return
        self._become(person, Stay.WAITING, place, time_s)
        self._waiting[place][by_car][self._kind[person]].append((time_s, float(self._order[person]), person))

    def _goes_by_car(self, person: int) -> bool:
        ways = self._onward[self.place[person]]
        return bool(self.drives[person]) and any(way.by == OnwardBy.CAR for _, way in ways)

    def _takes(self, place: int, person: int) -> bool:
        return int(self._kind[person]) in KINDS[self.places[place].takes]

    def _has_room(self, place: int) -> bool:
        return bool(self.is_open[place]) and self.n_free[place] > 0

    def _has_bed(self, person: int) -> bool:
        """Return whether somebody is in a bed, or on the way to one that is kept."""
        stay = self.stay[person]
        return stay == Stay.IN_BED or (stay == Stay.COMING and np.isinf(self._since_s[person]))

    def _keep_bed(self, place: int, time_s: float) -> None:
        self.n_free[place] -= 1
        self.n_got_bed[place] += 1
        if self.n_free[place] == 0:
            self._departure = None
            self.first_full_s[place] = min(self.first_full_s[place], time_s)

    def _free(self, place: int, time_s: float) -> None:
        self.n_free[place] += 1
        self._departure = None
        self._hand_out(place, time_s)

    def _lie_down(self, person: int, time_s: float) -> None:
        place = int(self.place[person])
        self._become(person, Stay.IN_BED, place, time_s)
        stay_h = self.places[place].stay_h
        if stay_h is not None:
            self._expect(person, time_s + stay_h * 3600.0, Event.STAY_ENDS)

    def _send(self, person: int, to: int, journey_h: float, time_s: float) -> None:
        """Send somebody on to another place, where a bed is kept for them."""
        self.n_sent_onward[self.place[person]] += 1
        self._keep_bed(to, time_s)
        self._become(person, Stay.COMING, to, np.inf, now_s=time_s)
        self._expect(person, time_s + journey_h * 3600.0, Event.BED_REACHED)

    def _hand_out(self, place: int, time_s: float) -> None:
        """Give free beds of a place to those who wait there, then to those who can drive there from elsewhere."""
        kinds = KINDS[self.places[place].takes]
        while self._has_room(place):
            waits = self._first(place, (0, 1), kinds)
            if waits is not None:
                self._keep_bed(place, time_s)
                self._lie_down(waits, time_s)
                continue
            found = [
                (float(self._since_s[one]), float(self._order[one]), one, way.journey_h)
                for other, ways in enumerate(self._onward)
                for to, way in ways
                if to == place and way.by == OnwardBy.CAR and (one := self._first(other, (1,), kinds)) is not None
            ]
            if not found:
                return
            _, _, person, journey_h = min(found)
            self._send(person, place, journey_h, time_s)

    def _first(self, place: int, by_car: tuple[int, ...], kinds: tuple[int, ...]) -> int | None:
        """Return who has waited longest in a place among some; None: nobody waits."""
        found = []
        for queue in (self._waiting[place][car][kind] for car in by_car for kind in kinds):
            while queue and not self._still_waits(queue[0], place):
                queue.popleft()
            if queue:
                found.append(queue[0])
        return min(found)[2] if found else None

    def _still_waits(self, entry: tuple[float, float, int], place: int) -> bool:
        since_s, _, person = entry
        is_there = self.stay[person] == WAITING and self.place[person] == place
        return bool(is_there and self._since_s[person] == since_s)

    def _next_departure(self) -> tuple[float, int, int, int]:
        """Return (when in s, place, which way, run) of the next bus or train for which somebody and a bed wait."""
        best = (math.inf, NOWHERE, NOWHERE, NOWHERE)
        if not self.n_by_stay[Stay.WAITING].any():
            return best
        for place, ways in enumerate(self._onward):
            for number, (to, way) in enumerate(ways):
                is_of_use = way.by != OnwardBy.CAR and self._has_room(to)
                if not is_of_use or self._first(place, (0,), KINDS[self.places[to].takes]) is None:
                    continue
                first_s, every_s = way.first_h * 3600.0, way.every_h * 3600.0
                next_run = math.ceil((self._now_s - first_s) / every_s - ROUNDING)  # one that leaves now included
                run = max(self._last_run[place][number] + 1, next_run, 0)
                best = min(best, (max(first_s + run * every_s, self._now_s), place, number, run))
        return best

    def _depart(self, place: int, number: int, run: int) -> None:
        to, way = self._onward[place][number]
        self._last_run[place][number], self._departure = run, None
        kinds, time_s = KINDS[self.places[to].takes], self._now_s
        for _ in range(way.seats or 0):
            person = self._first(place, (0,), kinds)
            if person is None or not self._has_room(to):
                return
            self._send(person, to, way.journey_h, time_s)

    def _expect(self, person: int, time_s: float, event: Event) -> None:
        self._due_s[person] = time_s
        heapq.heappush(self._events, (time_s, float(self._order[person]), person, int(event)))

    def _become(self, person: int, stay: Stay, place: int, since_s: float, now_s: float | None = None) -> None:
        """Move somebody from one state to another; since_s: kept as the moment, inf: a bed is kept for them."""
        was, was_in = Stay(int(self.stay[person])), int(self.place[person])
        if WAITING in (was, stay):
            self._departure = None
        if was == Stay.WAITING:
            self._waited_person_s[was_in] += (since_s if now_s is None else now_s) - self._since_s[person]
        if was != Stay.NOT_OUT:
            self.n_by_stay[was, was_in] -= 1
        if stay != Stay.NOT_OUT:
            self.n_by_stay[stay, place] += 1
        self.stay[person], self.place[person] = stay, place
        self._since_s[person], self._due_s[person] = since_s, np.inf
