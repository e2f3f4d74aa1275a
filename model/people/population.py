"""Everybody, and the moves from one status to the next: nobody vanishes, nobody is in two places."""

from collections.abc import Callable
from typing import Any

import numpy as np

from safepassage.agents.civilians import Mobility, People, Protection, Status
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.households import Households
from safepassage.agents.parties import Mode, Mover, Parties, members, set_members
from safepassage.agents.rules import decide


class PopulationError(RuntimeError):
    """The books do not balance: a fault of the program, never of the user."""


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
        self.is_changed = True
        self._next_departure_s = np.inf
        self._next_decision_s = np.inf

    def prepare(self, time_s: float) -> None:
        """Show people at home who have decided to leave by now as preparing."""
        if time_s < self._next_decision_s:
            return
        decided_s = np.where(self.is_at_home(), self.households.decision_time_s, np.inf)
        person, _ = members(self.households.first_person, np.flatnonzero(decided_s <= time_s))
        self.people.status[person[self.people.status[person] == Status.HOME]] = Status.PREPARING
        self._next_decision_s = decided_s[decided_s > time_s].min(initial=np.inf)
        self.is_changed = True

    def due(self, until_s: float) -> np.ndarray:
        """Return the households that set out before a time, in order of departure; int64[]."""
        if self._next_departure_s >= until_s:
            return np.empty(0, np.int64)
        return decide.due(self.households.departure_time_s, self.is_at_home(), until_s)

    def set_out(self, households: np.ndarray, mode: Mode) -> None:
        """Move households from their homes onto the streets."""
        self.parties.mode[households] = mode
        self.parties.is_on_way[households] = True
        self._become(
            households, Status.TRAVELLING, Protection.VEHICLE if mode.mover == Mover.VEHICLES else Protection.OUTDOORS
        )
        self.plans_changed()

    def put_off(self, households: np.ndarray, status: Status, retry_s: float = np.inf) -> None:
        """Keep households at home that cannot leave now; they ask again at a time, or never unasked."""
        self.households.departure_time_s[households] = retry_s
        self._become(households, status, None)
        self.plans_changed()

    def turn_back(self, parties: np.ndarray, retry_s: float) -> None:
        """Bring parties that never got onto the streets, or wait at stops, back home; they ask again at a time."""
        self.parties.is_on_way[parties] = False
        self._put(parties)
        self._settle(parties)
        self.put_off(parties, Status.STRANDED, retry_s)

    def walk_on(self, parties: np.ndarray) -> None:
        """Note that people have left their car and go on foot."""
        self.parties.mode[parties] = Mode.WALK
        self.parties.left_car[parties] = True
        self._become(parties, Status.TRAVELLING, Protection.OUTDOORS)

    def stand(self, parties: np.ndarray) -> None:
        """Note which parties on the streets have no way on now: they are stranded, all others travel."""
        standing = np.zeros(len(self.parties), np.bool_)
        standing[parties] = True
        person, _ = members(self.households.first_person, np.flatnonzero(self.parties.is_on_way))
        stands = standing[self.people.household[person]]
        for status, other, mask in (
            (Status.TRAVELLING, Status.STRANDED, stands),
            (Status.STRANDED, Status.TRAVELLING, ~stands),
        ):
            rows = person[mask & (self.people.status[person] == status)]
            if rows.size:
                self.people.status[rows] = other
                self.is_changed = True

    def arrive(self, parties: np.ndarray, time_s: np.ndarray, exit_row: np.ndarray) -> None:
        """Bring parties to safety through an exit."""
        self.parties.is_on_way[parties] = False
        self.parties.arrival_time_s[parties] = time_s
        self.parties.exit[parties] = exit_row
        self._put(parties)
        self._become(parties, Status.SAFE, None)

    def wait_at_stop(self, parties: np.ndarray, stop: int, protection: Protection) -> None:
        """Let parties wait at a stop for a seat."""
        self._put(parties, stop=stop)
        self._become(parties, Status.WAITING, protection)

    def go_aboard(self, parties: np.ndarray, mode: Mode, vehicle: int, protection: Protection) -> None:
        """Let parties, from a stop or from home, go aboard a service vehicle or a train."""
        self.parties.mode[parties] = mode
        self.parties.is_on_way[parties] = True
        self._put(parties, vehicle=vehicle)
        self._become(parties, Status.TRAVELLING, protection)
        self.plans_changed()

    def get_off(self, parties: np.ndarray) -> None:
        """Let parties leave a service vehicle and go on on foot."""
        self.parties.mode[parties] = Mode.WALK
        self._put(parties)
        self._become(parties, Status.TRAVELLING, Protection.OUTDOORS)

    def _put(self, parties: np.ndarray, stop: int = -1, vehicle: int = -1) -> None:
        self.parties.stop[parties] = stop
        self.parties.vehicle[parties] = vehicle

    def come_back(self, households: np.ndarray) -> None:
        """Bring living people from safety back into their homes; their way back is not simulated."""
        self.parties.arrival_time_s[households] = np.inf
        self.parties.exit[households] = -1
        self.parties.left_car[households] = False
        self._become(households, Status.HOME, None)
        self._settle(households)
        self.plans_changed()

    def die(self, persons: np.ndarray) -> np.ndarray:
        """Note deaths; return the parties on the streets of which nobody is left alive, now off the books."""
        self.people.status[persons] = Status.DEAD
        self.is_changed = True
        households = np.unique(self.people.household[persons])
        person, place = members(self.households.first_person, households)
        empty = households[np.bincount(place, self.people.status[person] != Status.DEAD, households.size) == 0]
        self.households.is_extinct[empty] = True
        self.households.departure_time_s[empty[~self.parties.is_on_way[empty]]] = np.inf
        empty = empty[self.parties.is_on_way[empty]]
        self.parties.is_on_way[empty] = False
        self._put(empty)
        self.plans_changed()
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

    def n_living(self, parties: np.ndarray) -> np.ndarray:
        """Return how many members of each party are alive, int64."""
        person, place = members(self.households.first_person, parties)
        return np.bincount(place, self.people.status[person] != Status.DEAD, parties.size).astype(np.int64)

    def is_at_home(self, rows: Ints | slice = slice(None)) -> np.ndarray:
        """Return which households (all, or those of some rows) have somebody alive and have not left, or are back.

        Some of them may be in shelters. bool, one for each.
        """
        is_away = self.households.is_extinct[rows] | self.parties.is_on_way[rows]
        return ~is_away & np.isinf(self.parties.arrival_time_s[rows])

    def setting_out(self, link_of: Callable[..., Any]) -> np.ndarray:
        """Return the parties that have set out and wait at home to get onto their first street; int64[].

        link_of: function parties -> link on which each is, -1: on none.
        """
        parties = self.parties
        rows = np.flatnonzero(parties.is_on_way & (parties.stop < 0) & (parties.vehicle < 0))
        return rows[link_of(rows) < 0]

    def plans_changed(self) -> None:
        """Note that households have decided, or that departure times have changed."""
        self._next_decision_s = -np.inf
        self.is_changed = True
        self._next_departure_s = decide.next_departure_s(self.households.departure_time_s, self.is_at_home())

    def _settle(self, households: np.ndarray) -> None:
        """Put people who have come home into their usual rooms."""
        person, _ = members(self.households.first_person, households)
        self.people.protection[person] = self.usual_room[person]

    def _become(self, parties: np.ndarray, status: Status, protection: Protection | None) -> None:
        people, first = self.people, self.households.first_person
        if protection is not None:
            set_members(people.protection, first, parties, int(protection), people.status, int(Status.DEAD))
        set_members(people.status, first, parties, int(status), people.status, int(Status.DEAD))
        self.is_changed = True

    def check(self, n_on_streets: int) -> None:
        """Raise PopulationError unless the parties noted as on their way are on the streets, at stops or aboard."""
        is_on_way, at_stop = self.parties.is_on_way, self.parties.stop >= 0
        elsewhere = at_stop | (self.parties.vehicle >= 0)
        if (elsewhere & ~is_on_way).any() or (at_stop & (self.parties.vehicle >= 0)).any():
            raise PopulationError("parties at stops or aboard are not noted as on their way, or are in two places")
        n_walk_or_drive = int((is_on_way & ~elsewhere).sum())
        if n_walk_or_drive != n_on_streets:
            raise PopulationError(f"{n_walk_or_drive} parties are noted as on the streets, {n_on_streets} are there")
        status = self.people.status
        outside = (status == Status.TRAVELLING) & ~is_on_way[self.people.household]
        if outside.any():
            raise PopulationError(f"{outside.sum()} people travel whose parties are not on the streets")
        arrived = np.isfinite(self.parties.arrival_time_s)[self.people.household]
        lost = is_on_way[self.people.household] & (status != Status.DEAD)
        waits = at_stop[self.people.household] & (status == Status.WAITING)
        lost &= (status != Status.TRAVELLING) & (status != Status.STRANDED) & ~waits
        if lost.any() or (arrived & (status != Status.SAFE) & (status != Status.DEAD)).any():
            raise PopulationError("people of parties on the streets or in safety have another status")
