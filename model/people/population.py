"""Everybody, and the moves from one status to the next: nobody vanishes, nobody is in two places."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from safepassage.agents.civilians import Mobility, People, Protection, Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising, united
from safepassage.agents.households import Households
from safepassage.agents.leaving import deciding
from safepassage.agents.parties import (
    DRIVERS,
    LIVING,
    SLOW,
    Mode,
    Mover,
    Parties,
    become,
    come_out,
    count_abilities,
    leave_home,
    members,
    put,
)
from safepassage.agents.rules import tally
from safepassage.model.people.leaving import Leaving
from safepassage.model.people.watch import Watch

NOTHING = np.empty(0, np.int64)
_DEAD = int(Status.DEAD)


class PopulationError(RuntimeError):
    """The books do not balance: a fault of the program, never of the user."""


class Ledger(IntEnum):
    """What the ledger of a population notes, in the order in which it counts at one moment."""

    DIED = 0
    WENT_HOME = 1
    CAME_OUT = 2


class Entry(NamedTuple):
    """Some who come out, go home or die."""

    what: Ledger
    time_s: Floats
    row: Ints
    """Rows of households; of the dead, of people."""
    mode: Ints
    """int8 of Mode: how each household comes out; nothing of the others."""
    exit: Ints
    """Row of its exit, -1: by train; nothing of the others."""


class Population:
    """Columns of people, households and parties with the changes that the loop makes to them.

    A household that leaves is one party, and the party's row is the household's row.
    """

    def __init__(self, households: Households, people: People) -> None:
        self.households, self.people = households, people
        first = households.first_person
        self.parties = Parties.at_home(np.minimum.reduceat(people.free_speed_m_s, first[:-1]))
        needs_help = people.mobility == Mobility.NEEDS_ASSISTANCE
        can_help = (people.age >= 18) & ~needs_help
        households.needs_help[:] = np.logical_or.reduceat(needs_help, first[:-1])
        households.can_walk[:] = np.logical_or.reduceat(can_help, first[:-1]) | ~households.needs_help
        self.usual_room = people.protection.copy()
        """int8 of Protection by person: where each is at home without an alert; set once rooms are drawn."""
        self.ledger: list[Entry] | None = None
        """Who came to safety, went home and died since it was last read; None: nobody reads it."""
        self.pupils: Any = None  # who is at which school, see `pupils.py`; None: there are no schools
        self._touched = [np.arange(len(households))]
        self.watches: list[Watch] = []
        """What is told whenever anything changes with anybody."""
        self._to_show: Ints = np.empty(0, np.int64)
        """Households that have decided and whose members may not be shown as preparing yet."""
        self.leaving = Leaving(households, self.parties)
        """Who leaves home next."""
        self.guests: Ints = np.empty(0, np.int64)
        """Households that ride in the cars of others, rising."""
        self._standing: Ints = np.empty(0, np.int64)
        """Parties that had no way on when it was last said who has none, rising."""
        self._next_decision_s = np.inf

    @property
    def shows_s(self) -> float:
        """Nobody has to be shown as preparing before this (s); -inf: somebody may have to be at any moment."""
        return self._next_decision_s

    @property
    def is_anybody_standing(self) -> bool:
        """Whether a party had no way on when it was last said who has none."""
        return self._standing.size > 0

    @property
    def is_touched(self) -> bool:
        """Whether people have changed since `take_touched`."""
        return bool(self._touched)

    @property
    def touched(self) -> np.ndarray:
        """Households touched since the last call of `take_touched`, int64; a row may recur."""
        touched = self._touched
        return np.asarray(touched[0] if len(touched) == 1 else np.concatenate((NOTHING, *touched)), np.int64)

    def touch(self, households: np.ndarray) -> None:
        """Note that something has changed with people of some households, for those who count them."""
        self._touched.append(households)
        for watch in self.watches:
            watch.note(households)

    def new_watch(self) -> Watch:
        """Return what counts from now on how often anything changes with some households; nobody is watched yet."""
        self.watches.append(Watch(len(self.households)))
        return self.watches[-1]

    def take_touched(self) -> np.ndarray:
        """Return the households touched since the last call, int64; a row may recur."""
        touched, self._touched = self.touched, []
        return touched

    def look_again(self) -> None:
        """Find everything anew, after somebody has changed columns from outside."""
        self.touch(np.arange(len(self.households)))
        self._standing = np.arange(len(self.parties))
        self.guests = np.flatnonzero(self.parties.rides_with >= 0)
        self.plans_changed()

    def prepare(self, time_s: float) -> None:
        """Show people at home who have decided by a time as preparing."""
        if time_s < self._next_decision_s:
            return
        rows, now = self._to_show, np.empty(self._to_show.size, np.int64)
        n_later, n_now, self._next_decision_s = deciding(
            now, rows, self.households.decision_time_s, self.households.is_extinct, self.parties.is_on_way,
            self.parties.arrival_time_s, time_s,
        )  # fmt: skip
        self._to_show, now = rows[:n_later], now[:n_now]
        if now.size:
            person, _ = members(self.households.first_person, now)
            self.people.status[person[self.people.status[person] == Status.HOME]] = Status.PREPARING
            self._touched.append(now)

    def set_out(self, households: Ints, mode: Mode, now_s: float) -> Floats:
        """Move households from their homes onto the streets; return when each sets out: as it meant to, now at the
        earliest (s)."""
        h, parties, people, time_s = self.households, self.parties, self.people, np.empty(households.size)
        protection = Protection.VEHICLE if mode.mover == Mover.VEHICLES else Protection.OUTDOORS
        leave_home(
            time_s, h.departure_time_s, parties.mode, parties.is_on_way, people.status, people.protection,
            h.first_person, households, now_s, int(mode), int(protection),
        )  # fmt: skip
        self.touch(households)
        self.show_preparing()
        return time_s

    def put_off(self, households: np.ndarray, status: Status, retry_s: Floats | float = np.inf) -> None:
        """Keep households at home that cannot leave now; they ask again at a time, inf: not of their own accord."""
        self.households.departure_time_s[households] = retry_s
        self._become(households, status, None)
        self.leaving.expect(households)

    def turn_back(self, parties: np.ndarray, retry_s: float) -> None:
        """Bring parties that never got onto the streets, or wait at stops, back home; they ask again at a time."""
        self.parties.is_on_way[parties] = False
        self._put(parties)
        self._settle(parties)
        self.put_off(parties, Status.STRANDED, retry_s)

    def walk_on(self, parties: np.ndarray) -> None:
        """Note that people have left their car and go on foot."""
        self.parties.left_car[parties] = self.parties.rides_with[parties] < 0
        self.parties.mode[parties] = Mode.WALK
        self._put(parties)
        self._become(parties, Status.TRAVELLING, Protection.OUTDOORS)

    def get_a_lift(self, parties: np.ndarray) -> None:
        """Note that people who came to the edge of the town on foot are driven on; they count as on foot."""
        self._become(parties, Status.TRAVELLING, Protection.VEHICLE)

    def stand(self, parties: np.ndarray) -> None:
        """Note which parties on the streets have no way on now: they are stranded, all others travel."""
        rows, self._standing = united(self._standing, parties), rising(parties)
        rows = rows[self.parties.is_on_way[rows]]
        if rows.size == 0:
            return
        person, place = members(self.households.first_person, rows)
        stands = np.isin(rows, self._standing)[place]
        for status, other, mask in (
            (Status.TRAVELLING, Status.STRANDED, stands),
            (Status.STRANDED, Status.TRAVELLING, ~stands),
        ):
            changed = person[mask & (self.people.status[person] == status)]
            if changed.size:
                self.people.status[changed] = other
                self.touch(self.people.household[changed])

    def arrive(self, parties: np.ndarray, time_s: np.ndarray, exit_row: np.ndarray) -> None:
        """Bring parties to safety through an exit."""
        p, rows = self.parties, np.asarray(parties, np.int64)
        come_out(p.is_on_way, p.is_bound_home, p.arrival_time_s, p.exit, rows, time_s, np.asarray(exit_row, np.int32))
        self._put(rows)
        self._become(rows, Status.SAFE, None)
        self._note(Ledger.CAME_OUT, parties, time_s, self.parties.mode[parties], exit_row)

    def wait_at_stop(self, parties: np.ndarray, stop: int, protection: Protection) -> None:
        """Let parties wait at a stop for a seat."""
        self._put(parties, stop=stop)
        self._become(parties, Status.WAITING, protection)

    def go_aboard(self, parties: np.ndarray, mode: Mode, vehicle: int, protection: Protection) -> None:
        """Let parties, from a stop or from home, go aboard a service vehicle or a train.

        mode: how they travel. protection: what protects those aboard.
        """
        self.parties.mode[parties], self.parties.is_on_way[parties] = mode, True
        self._put(parties, vehicle=vehicle)
        self._become(parties, Status.TRAVELLING, protection)
        self.show_preparing()

    def ride_along(self, parties: np.ndarray, hosts: np.ndarray) -> None:
        """Let households at home get into the cars of others, hosts, who have set out."""
        self.parties.mode[parties], self.parties.is_on_way[parties] = Mode.LIFT, True
        self._put(parties)
        self.parties.rides_with[parties] = hosts
        self.guests = united(self.guests, parties)
        self._become(parties, Status.TRAVELLING, Protection.VEHICLE)
        self.show_preparing()

    def take_the_wheel(self, parties: np.ndarray) -> None:
        """Note that guests in a car go on with one of their own: nobody whose it was lives."""
        self.parties.mode[parties] = Mode.CAR
        self._put(parties)

    def get_off(self, parties: np.ndarray) -> None:
        """Let parties leave a service vehicle and go on on foot."""
        self.parties.mode[parties] = Mode.WALK
        self._put(parties)
        self._become(parties, Status.TRAVELLING, Protection.OUTDOORS)

    def drive_off(self, parties: np.ndarray) -> None:
        """Let parties leave the place where they have gathered in their own cars."""
        self._put(parties)
        self._become(parties, Status.TRAVELLING, Protection.VEHICLE)

    def _put(self, parties: np.ndarray, stop: int = -1, vehicle: int = -1) -> None:
        rides_with, rows = self.parties.rides_with, np.asarray(parties, np.int64)
        if put(self.parties.stop, self.parties.vehicle, rides_with, rows, stop, vehicle):
            self.guests = self.guests[rides_with[self.guests] >= 0]

    def _note(
        self, what: Ledger, rows: Ints, time_s: Floats | float, mode: Ints = NOTHING, exit_row: Ints = NOTHING
    ) -> None:
        """Write into the ledger, if somebody reads it."""
        if self.ledger is not None and rows.size:
            times_s = np.broadcast_to(time_s, rows.shape).astype(np.float64)
            self.ledger.append(Entry(what, times_s, rows.astype(np.int64), mode.copy(), exit_row.copy()))

    def head_home(self, households: np.ndarray, time_s: Floats | float) -> None:
        """Let living people leave safety for their homes at a time (s), by car or in one that takes them."""
        self._note(Ledger.WENT_HOME, households, time_s)
        parties = self.parties
        parties.arrival_time_s[households], parties.exit[households] = np.inf, -1
        parties.mode[households] = Mode.CAR
        parties.left_car[households] = False
        parties.is_on_way[households] = parties.is_bound_home[households] = True
        self._become(households, Status.TRAVELLING, Protection.VEHICLE)

    def come_home(self, households: np.ndarray) -> None:
        """Bring people who headed home into their rooms."""
        self.parties.is_on_way[households] = self.parties.is_bound_home[households] = False
        self.parties.mode[households] = Mode.NONE
        self._become(households, Status.HOME, None)
        self._settle(households)

    def die(self, persons: np.ndarray) -> np.ndarray:
        """Note deaths; return the parties on the streets of which nobody is left alive, now off the books."""
        self.people.status[persons] = Status.DEAD
        self._note(Ledger.DIED, persons, self.people.death_time_s[persons])
        self.touch(self.people.household[persons])
        households = rising(self.people.household[persons])
        person, place = members(self.households.first_person, households)
        empty = households[np.bincount(place, self.people.status[person] != Status.DEAD, households.size) == 0]
        self.households.is_extinct[empty] = True
        never_left = ~self.parties.is_on_way[empty] & ~np.isfinite(self.parties.arrival_time_s[empty])
        self.households.departure_time_s[empty[never_left]] = np.inf
        empty = empty[self.parties.is_on_way[empty]]
        self.parties.is_on_way[empty] = False
        self._put(empty)
        self.show_preparing()
        return empty

    def go_to_shelter(self, households: np.ndarray) -> None:
        """Let households at home go to a shelter."""
        self._become(households, Status.SHELTERING, Protection.OUTDOORS)

    def leave_shelter(self, households: np.ndarray) -> None:
        """Bring households home from a shelter."""
        planned = np.isfinite(self.households.departure_time_s[households])
        self._become(households[planned], Status.PREPARING, None)
        self._become(households[~planned], Status.HOME, None)
        self._settle(households)
        self._to_show = united(self._to_show, households[np.isfinite(self.households.decision_time_s[households])])

    def count_members(self, households: Ints) -> Ints:
        """Return how many members live, need assistance, can drive, are slow, are hurt: see `count_abilities`."""
        people, rows = self.people, np.asarray(households, np.int64)
        n = np.zeros((5, rows.size), np.int64)
        of_people = people.age, people.mobility, people.injury, people.status
        count_abilities(n, self.households.first_person, rows, *of_people)
        return n

    def n_living(self, parties: np.ndarray) -> np.ndarray:
        """Return how many members of each party are alive, int64."""
        return self.count_members(parties)[LIVING]

    def has_driver(self, parties: Ints) -> Bools:
        """Return which parties have somebody fit to drive: grown up, unhurt or lightly hurt, and mobile."""
        return self.count_members(parties)[DRIVERS] > 0

    def walks_slowly(self, parties: Ints) -> Bools:
        """Return which parties cannot walk far: somebody is old, a small child, or walks slowly or with help."""
        return self.count_members(parties)[SLOW] > 0

    def is_at_home(self, rows: Ints | slice = slice(None)) -> np.ndarray:
        """Return which households (all, or those of some rows) have somebody alive and have not left, or are back.

        Some of them may be in shelters. bool, one for each.
        """
        is_away = self.households.is_extinct[rows] | self.parties.is_on_way[rows]
        return ~is_away & np.isinf(self.parties.arrival_time_s[rows])

    def setting_out(self, households: Ints, link_of: Callable[..., Any]) -> Ints:
        """Return which of some households have set out and wait at home to get onto a street; rising, int64[].

        households: rows; one that recurs does so in what is returned. link_of: function parties -> link on which each
        is, -1: on none.
        """
        parties = self.parties
        rows = np.sort(households[parties.is_on_way[households]]).astype(np.int64)
        rows = rows[~parties.is_bound_home[rows] & (parties.stop[rows] < 0) & (parties.vehicle[rows] < 0)]
        return rows[link_of(rows) < 0]

    def plans_changed(self, households: np.ndarray | None = None) -> None:
        """Note that households have decided, or that their departure times have changed; None: any may have."""
        h = self.households
        if households is None:
            self._to_show = np.flatnonzero(np.isfinite(h.decision_time_s) & self.is_at_home())
            self.leaving.look()
        else:
            decided = households[np.isfinite(h.decision_time_s[households])]
            self._to_show = united(self._to_show, decided)
            self.leaving.expect(households)
        self.show_preparing()

    def show_preparing(self) -> None:
        """Let those who have decided and are not shown as preparing be looked at next time."""
        if self._to_show.size:
            self._next_decision_s = -np.inf

    def _settle(self, households: np.ndarray) -> None:
        """Put people who have come home into their usual rooms."""
        person, _ = members(self.households.first_person, households)
        self.people.protection[person] = self.usual_room[person]
        self.touch(households)

    def _become(self, parties: np.ndarray, status: Status, protection: Protection | None) -> None:
        people, rows = self.people, np.asarray(parties, np.int64)
        room = -1 if protection is None else int(protection)
        become(people.status, people.protection, self.households.first_person, rows, int(status), room, _DEAD)
        self.touch(parties)

    def check(self, n_on_streets: int) -> None:
        """Raise PopulationError unless the parties noted as on their way are on the streets, at stops or aboard."""
        parties = self.parties
        n = tally.count_wrong(
            parties.is_on_way, parties.stop, parties.vehicle, parties.rides_with, parties.arrival_time_s,
            self.people.household, self.people.status,
        )  # fmt: skip
        if n[tally.IN_TWO_PLACES]:
            raise PopulationError("parties at stops or aboard are not noted as on their way, or are in two places")
        if n[tally.ON_STREETS] != n_on_streets:
            raise PopulationError(f"{n[tally.ON_STREETS]} parties are noted on the streets, {n_on_streets} are there")
        if n[tally.OUTSIDE]:
            raise PopulationError(f"{n[tally.OUTSIDE]} people travel whose parties are not on the streets")
        if n[tally.WRONG_STATUS]:
            raise PopulationError("people of parties on the streets or in safety have another status")
