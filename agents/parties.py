"""Parties: what moves. The party of a household is the row of the household."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.compiled import inlined_part, kernel, lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.rules.walking_speeds import SMALL_CHILD_BELOW_AGE
from safepassage.agents.words import Worded


class Mover(IntEnum):
    """What moves a party of some mode: the rules of vehicles or of walkers, a service, or nothing."""

    NOTHING = 0
    WALKERS = 1
    VEHICLES = 2
    SERVICES = 3


class Mode(Worded):
    """How a party travels."""

    NONE = 0, "not under way"
    WALK = 1, "on foot"
    CAR = 2, "by car"
    BUS = 3, "by bus"
    TRAIN = 4, "by train"
    LIFT = 5, "in a neighbour's car"

    @property
    def mover(self) -> Mover:
        """What moves parties of this mode."""
        return _MOVERS[self]


_MOVERS = {
    Mode.NONE: Mover.NOTHING, Mode.WALK: Mover.WALKERS, Mode.CAR: Mover.VEHICLES, Mode.BUS: Mover.SERVICES,
    Mode.TRAIN: Mover.SERVICES, Mode.LIFT: Mover.NOTHING,
}  # fmt: skip
_TRAVELLING, _DEAD, _SAFE = int(Status.TRAVELLING), int(Status.DEAD), int(Status.SAFE)
_MOVER_OF = np.array([mode.mover for mode in Mode], np.int8)


def moved_by(mover: Mover, mode: Ints) -> npt.NDArray[np.bool_]:
    """Return which of some modes, int8 of Mode, are moved by a mover."""
    return _MOVER_OF[mode] == mover


@dataclass(eq=False)
class Parties:
    """Columns, one row per party."""

    mode: np.ndarray
    """int8 of Mode: how it travels or travelled last."""
    is_on_way: np.ndarray
    """bool: has left home and not arrived: on the streets, queueing to get onto them, at a stop or aboard."""
    is_bound_home: np.ndarray
    """bool: it comes back into the town, to its home."""
    left_car: np.ndarray
    """bool: the party gave up its car on the way and walked on."""
    free_speed_m_s: np.ndarray
    """float64: walking speed of its slowest member (m/s)."""
    arrival_time_s: np.ndarray
    """float64: when it reached safety (s); inf: it has not."""
    exit: np.ndarray
    """int32: exit through which it left the area; -1: it has not, or by train."""
    stop: np.ndarray
    """int32: row of the stop where it waits; -1: at none."""
    vehicle: np.ndarray
    """int32: row of the service vehicle that it is aboard; -1: of none."""

    rides_with: np.ndarray
    """int32: party in whose car it rides; -1: in none but its own."""

    def __len__(self) -> int:
        return self.mode.size

    @classmethod
    def at_home(cls, free_speed_m_s: np.ndarray) -> "Parties":
        """Return parties that have not moved, one for each free speed (m/s)."""
        n = free_speed_m_s.size
        return cls(
            mode=np.zeros(n, np.int8),
            is_on_way=np.zeros(n, np.bool_),
            is_bound_home=np.zeros(n, np.bool_),
            left_car=np.zeros(n, np.bool_),
            free_speed_m_s=free_speed_m_s,
            arrival_time_s=np.full(n, np.inf),
            exit=np.full(n, -1, np.int32),
            stop=np.full(n, -1, np.int32),
            vehicle=np.full(n, -1, np.int32),
            rides_with=np.full(n, -1, np.int32),
        )


@lean_kernel
def become(
    status: Ints, protection: Ints, first_person: Ints, parties: Ints, new_status: int, new_protection: int, dead: int
) -> None:
    """Give all living members of some parties a status, and a protection, -1: the one they have. Writes both.

    status, protection: int8 per person. first_person: members of party p are the rows first_person[p] to
    first_person[p + 1]. parties: rows. new_status, new_protection: what all become. dead: the status of the dead.
    """
    for p in parties:
        for i in range(first_person[p], first_person[p + 1]):
            if status[i] != dead:
                status[i] = new_status
                if new_protection >= 0:
                    protection[i] = new_protection


@lean_kernel
def leave_home(
    time_s: Floats, departure_s: Floats, mode: Ints, is_on_way: Bools, status: Ints, protection: Ints,
    first_person: Ints, households: Ints, now_s: float, how: int, new_protection: int,
) -> None:  # fmt: skip
    """Let households set out as they meant to, now at the earliest, and write when each does into time_s (s).

    Writes departure_s and is_on_way, of all households, mode, int8 of Mode, and status and protection, int8 per person.
    households: rows. now_s: the present (s). how: how they travel. first_person, new_protection: see `become`.
    """
    for k in range(households.size):
        household = households[k]
        time_s[k] = departure_s[household] = max(departure_s[household], now_s)
        mode[household], is_on_way[household] = how, True
    become(status, protection, first_person, households, _TRAVELLING, new_protection, _DEAD)


@lean_kernel
def put(stop: Ints, vehicle: Ints, rides_with: Ints, parties: Ints, new_stop: int, new_vehicle: int) -> bool:
    """Note at which stop and aboard which vehicle some parties are, and that they ride in nobody's car; return whether
    one did.

    Writes stop, vehicle and rides_with, columns of `Parties`. parties: rows. new_stop, new_vehicle: rows, -1: none.
    """
    did_ride = False
    for party in parties:
        did_ride |= rides_with[party] >= 0
        stop[party], vehicle[party], rides_with[party] = new_stop, new_vehicle, -1
    return did_ride


@lean_kernel
def come_out(
    is_on_way: Bools, is_bound_home: Bools, arrival_time_s: Floats, exit_of: Ints, parties: Ints, time_s: Floats,
    exit_row: Ints,
) -> None:  # fmt: skip
    """Note when and through which exits parties come to safety.

    Writes is_on_way, is_bound_home, arrival_time_s and exit_of, columns of `Parties`. parties: rows. time_s: when each
    comes out (s). exit_row: exit through which it does.
    """
    for k in range(parties.size):
        party = parties[k]
        is_on_way[party] = is_bound_home[party] = False
        arrival_time_s[party], exit_of[party] = time_s[k], exit_row[k]


@kernel
def members(first_person: Ints, parties: Ints) -> tuple[Ints, Ints]:
    """Return (person, place): rows of all members of some parties, and which of the parties each is in; int64[]."""
    n = 0
    for p in parties:
        n += first_person[p + 1] - first_person[p]
    person = np.empty(n, np.int64)
    place = np.empty(n, np.int64)
    n = 0
    for k in range(parties.size):
        for i in range(first_person[parties[k]], first_person[parties[k] + 1]):
            person[n] = i
            place[n] = k
            n += 1
    return person, place


SERVED, AT_HOME, DRIVEN_ON, OUT = range(4)
"""What `ends_of_ways` tells of a party that has left the streets: services see to it, it has come home, it is driven on
from the edge of the town, or it is out of the area."""
_WALK, _CAR = int(Mode.WALK), int(Mode.CAR)


@lean_kernel
def ends_of_ways(
    ends: Ints, party: Ints, node: Ints, mode: Ints, goal: Ints, is_bound_home: Bools, home_node: Ints,
    start_of_node: Ints, leads_on: Bools,
) -> None:  # fmt: skip
    """Write into `ends`, int8, which of the four above the way of each party has come to that has left the streets.

    party: rows, those of service vehicles after all households. node: where each is. mode: how it came, int8 of Mode.
    goal: where each walks to, 0: out of the area. is_bound_home, home_node: of households. start_of_node:
    where trips by car from each node start, and end. leads_on: by node, whether walkers are driven on from it.
    """
    for k in range(party.size):
        p = party[k]
        walks = mode[k] == _WALK
        if p >= is_bound_home.size or (walks and goal[p] > 0):
            ends[k] = SERVED
        elif is_bound_home[p] and mode[k] == _CAR and node[k] == start_of_node[home_node[p]]:
            ends[k] = AT_HOME
        else:
            ends[k] = DRIVEN_ON if walks and leads_on[node[k]] else OUT


@lean_kernel
def count_coming(
    n: Ints, walkers: Ints, goal: Ints, mode: Ints, is_on_way: Bools, stop: Ints, vehicle: Ints, first_person: Ints,
    status: Ints,
) -> None:  # fmt: skip
    """Add the living who are on their way on foot to each stop to n, int64.

    walkers: parties on foot. goal: where each walks to, 0: out of the area, or 1 + row of the stop. mode, is_on_way,
    stop, vehicle: columns of `Parties`. first_person: first person of each household, one entry more at the end.
    status: int8 of each person.
    """
    for party in walkers:
        walks = goal[party] > 0 and is_on_way[party] and mode[party] == _WALK
        if walks and stop[party] < 0 and vehicle[party] < 0:
            for i in range(first_person[party], first_person[party + 1]):
                n[goal[party] - 1] += status[i] != _DEAD


DRIVES_FROM_AGE = 18
"""Age from which people drive (years): that of a licence in most countries."""
OLD_FROM_AGE = 65
"""Age from which people walk no farther in a day than movement.walk_out_limit_slow_m (years). Assumption."""
_ASSISTED, _UNIMPAIRED = int(Mobility.NEEDS_ASSISTANCE), int(Mobility.UNIMPAIRED)
_NONE, _SERIOUS = int(Injury.NONE), int(Injury.SERIOUS)
LIVING, ASSISTED, DRIVERS, SLOW, HURT = range(5)
"""What `count_abilities` counts: members alive; those of them who need assistance, can drive, and cannot walk far; and
all who are hurt and not in safety."""


@inlined_part
def _can_drive(age: int, mobility: int, injury: int, status: int) -> bool:
    """Return whether a person is fit to drive: grown up, alive, unhurt or lightly hurt, and mobile."""
    return age >= DRIVES_FROM_AGE and mobility != _ASSISTED and injury < _SERIOUS and status != _DEAD


@inlined_part
def has_driver(household: int, first_person: Ints, age: Ints, mobility: Ints, injury: Ints, status: Ints) -> bool:
    """Return whether somebody of a household, a row, is fit to drive.

    first_person, age, mobility, injury, status: as of `count_abilities`.
    """
    for i in range(first_person[household], first_person[household + 1]):
        if _can_drive(age[i], mobility[i], injury[i], status[i]):
            return True
    return False


@lean_kernel
def count_abilities(
    n: Ints, first_person: Ints, households: Ints, age: Ints, mobility: Ints, injury: Ints, status: Ints
) -> None:
    """Add the counts named above for each of some households to n, int64[5, n].

    first_person: first person of each household, one entry more at the end. households: rows. age: of each person
    (years). mobility, injury, status: int8 of each person.
    """
    for k in range(households.size):
        for i in range(first_person[households[k]], first_person[households[k] + 1]):
            if injury[i] != _NONE and status[i] != _SAFE:
                n[HURT, k] += 1
            if status[i] == _DEAD:
                continue
            n[LIVING, k] += 1
            n[ASSISTED, k] += mobility[i] == _ASSISTED
            n[DRIVERS, k] += _can_drive(age[i], mobility[i], injury[i], status[i])
            if age[i] >= OLD_FROM_AGE or age[i] < SMALL_CHILD_BELOW_AGE or mobility[i] != _UNIMPAIRED:
                n[SLOW, k] += 1


@lean_kernel
def size_of(household: int, first_person: Ints, mobility: Ints, status: Ints) -> tuple[int, int]:
    """Return how many members of one household live, and how many of them need assistance.

    first_person: first person of each household, one entry more at the end. mobility, status: int8 of each person.
    """
    n_living = n_assisted = 0
    for i in range(first_person[household], first_person[household + 1]):
        if status[i] != _DEAD:
            n_living += 1
            n_assisted += mobility[i] == _ASSISTED
    return n_living, n_assisted
