"""How many people are in which state, kept up to date by those who have changed."""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Floats, Ints

_SAFE, _DEAD = int(Status.SAFE), int(Status.DEAD)
_STATUS, _INJURY, _PROTECTION = 0, 1, 2
NEVER = -1
"""Value in `counted` of people who have not been counted yet."""


@kernel
def recount(
    n_by_status: Ints, n_by_injury: Ints, n_at_risk: Floats, counted: Ints, households: Ints, first_person: Ints,
    status: Ints, injury: Ints, protection: Ints, group: Ints,
) -> None:  # fmt: skip
    """Count the people of some households as they are now instead of as they were. Writes the first four.

    n_by_status, n_by_injury: int64 by code. n_at_risk: float64[n_protection, n_groups], without the safe and the dead.
    counted: int8[3, n_people], status, injury and protection as they were counted last, NEVER at first. households:
    int64, rows; a row may recur. group: int64 per person. first_person: first person of each household, one entry more
    at the end.
    """
    for household in households:
        for i in range(first_person[household], first_person[household + 1]):
            was = counted[_STATUS, i]
            if was != NEVER:
                n_by_status[was] -= 1
                n_by_injury[counted[_INJURY, i]] -= 1
                if was != _SAFE and was != _DEAD:
                    n_at_risk[counted[_PROTECTION, i], group[i]] -= 1.0
            counted[_STATUS, i], counted[_INJURY, i], counted[_PROTECTION, i] = status[i], injury[i], protection[i]
            n_by_status[status[i]] += 1
            n_by_injury[injury[i]] += 1
            if status[i] != _SAFE and status[i] != _DEAD:
                n_at_risk[protection[i], group[i]] += 1.0


def nobody_counted(n_people: int) -> Ints:
    """Return `counted` before the first count."""
    return np.full((3, n_people), NEVER, np.int8)
