"""What households can do, by their members as they are now: who lives, who drives, who holds the others up."""

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Ints

_DEAD, _SAFE = int(Status.DEAD), int(Status.SAFE)
_ASSISTED, _UNIMPAIRED = int(Mobility.NEEDS_ASSISTANCE), int(Mobility.UNIMPAIRED)
_NONE, _SERIOUS = int(Injury.NONE), int(Injury.SERIOUS)
LIVING, ASSISTED, DRIVERS, SLOW, HURT = range(5)
"""What `count` counts: members alive; those of them who need assistance, can drive, and cannot walk far; and all who
are hurt and not in safety."""


@kernel
def count(
    first_person: Ints, households: Ints, age: Ints, mobility: Ints, injury: Ints, status: Ints, drives_from_age: int,
    old_from_age: int, small_below_age: int,
) -> Ints:  # fmt: skip
    """Return the five counts of each household, int64[5, n].

    first_person: first person of each household, one entry more at the end. age: years; mobility, injury, status: int8
    by person. drives_from_age: of drivers (years). old_from_age, small_below_age: who is older, or younger, walks
    slowly (years).
    """
    n = np.zeros((5, households.size), np.int64)
    for k in range(households.size):
        for i in range(first_person[households[k]], first_person[households[k] + 1]):
            if injury[i] != _NONE and status[i] != _SAFE:
                n[HURT, k] += 1
            if status[i] == _DEAD:
                continue
            n[LIVING, k] += 1
            if mobility[i] == _ASSISTED:
                n[ASSISTED, k] += 1
            elif age[i] >= drives_from_age and injury[i] < _SERIOUS:
                n[DRIVERS, k] += 1
            if age[i] >= old_from_age or age[i] < small_below_age or mobility[i] != _UNIMPAIRED:
                n[SLOW, k] += 1
    return n
