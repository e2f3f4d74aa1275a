"""How many people are in which state, kept up to date by those who have changed; and the books: whether everybody's
status agrees with where their party is."""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.compiled import kernel, lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints

_WAITING, _TRAVELLING, _STRANDED = int(Status.WAITING), int(Status.TRAVELLING), int(Status.STRANDED)
_SAFE, _DEAD = int(Status.SAFE), int(Status.DEAD)
_STATUS, _INJURY, _PROTECTION = 0, 1, 2
NEVER = -1
"""Value in `counted` of people who have not been counted yet."""
_N_STATUS = len(Status)
IN_TWO_PLACES, ON_STREETS, OUTSIDE, WRONG_STATUS = range(4)
"""What `count_wrong` counts: parties at stops or aboard that are not on their way, or both at a stop and aboard;
parties on their way that are neither at a stop nor aboard; people who travel without their party; people on their way
or in safety of another status."""


@lean_kernel
def recount(
    n_by_status: Ints, n_by_injury: Ints, n_at_risk: Floats, since_s: Floats, counted: Ints, households: Ints,
    first_person: Ints, status: Ints, injury: Ints, protection: Ints, group: Ints, time_s: float,
) -> None:  # fmt: skip
    """Count the people of some households as they are now instead of as they were. Writes the first five.

    n_by_status, n_by_injury: int64 by code. n_at_risk: float64[n_protection, n_groups], without the safe and the dead.
    since_s: float64, likewise: the times since which they have been so, in total, less the time that others were so:
    by a time, people have been so for n_at_risk * time - since_s (s). counted: int8[3, n_people], status, injury and
    protection as they were counted last, NEVER at first. households: int64, rows; a row may recur. group: int64 per
    person. first_person: first person of each household, one entry more at the end. time_s: the present (s).
    """
    for household in households:
        for i in range(first_person[household], first_person[household + 1]):
            was, here = counted[_STATUS, i], status[i]
            if was != here:
                if was != NEVER:
                    n_by_status[was] -= 1
                n_by_status[here] += 1
            was_hurt, hurt = counted[_INJURY, i], injury[i]
            if was_hurt != hurt:
                if was_hurt != NEVER:
                    n_by_injury[was_hurt] -= 1
                n_by_injury[hurt] += 1
            if was != NEVER and was != _SAFE and was != _DEAD:
                n_at_risk[counted[_PROTECTION, i], group[i]] -= 1.0
                since_s[counted[_PROTECTION, i], group[i]] -= time_s
            if here != _SAFE and here != _DEAD:
                n_at_risk[protection[i], group[i]] += 1.0
                since_s[protection[i], group[i]] += time_s
            counted[_STATUS, i], counted[_INJURY, i], counted[_PROTECTION, i] = here, hurt, protection[i]


def nobody_counted(n_people: int) -> Ints:
    """Return `counted` before the first count."""
    return np.full((3, n_people), NEVER, np.int8)


@kernel
def count_wrong(
    is_on_way: Bools, stop: Ints, vehicle: Ints, rides_with: Ints, arrival_time_s: Floats, household: Ints, status: Ints
) -> Ints:
    """Return the four counts, int64[4]. By party: bool, int32, float64; household, int32, and status, int8, per person.

    is_on_way: bool, parties on their way. stop: stop at which each party waits, -1: none. vehicle: vehicle that
    each party is aboard, -1: none. rides_with: party in whose car each rides, -1: none. arrival_time_s: when each
    party was safe (s), inf: not yet. household: of each person, the row of their party.
    """
    outside, wrong = np.zeros(8 * _N_STATUS, np.int64), np.zeros(8 * _N_STATUS, np.int64)
    for place in range(8):
        on_way, at_stop, has_arrived = place & 1 > 0, place & 2 > 0, place & 4 > 0
        for here in range(_N_STATUS):
            at = place * _N_STATUS + here
            outside[at] = int(here == _TRAVELLING and not on_way)
            is_right = here in (_TRAVELLING, _STRANDED) or (at_stop and here == _WAITING)
            wrong[at] = int(here != _DEAD and ((on_way and not is_right) or (has_arrived and here != _SAFE)))
    first = np.empty(is_on_way.size, np.int64)  # of the entries of both tables for a party's place
    n = np.zeros(4, np.int64)
    n_two_places = n_on_streets = n_outside = n_wrong = 0
    for party in range(is_on_way.size):
        on_way, at_stop = is_on_way[party], stop[party] >= 0
        aboard = (vehicle[party] >= 0) | (rides_with[party] >= 0)
        n_two_places += ((at_stop | aboard) & ~on_way) | (at_stop & aboard)
        n_on_streets += on_way & ~(at_stop | aboard)
        first[party] = (int(on_way) | int(at_stop) << 1 | int(np.isfinite(arrival_time_s[party])) << 2) * _N_STATUS
    for person in range(status.size):
        at = first[household[person]] + status[person]
        n_outside += outside[at]
        n_wrong += wrong[at]
    n[IN_TWO_PLACES], n[ON_STREETS], n[OUTSIDE], n[WRONG_STATUS] = n_two_places, n_on_streets, n_outside, n_wrong
    return n
