"""How many people are in which state: one pass over everybody."""

from numba import njit

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Floats, Ints

_SAFE, _DEAD = int(Status.SAFE), int(Status.DEAD)


@njit(cache=True, nogil=True)
def tally(
    n_by_status: Ints, n_by_injury: Ints, n_at_risk: Floats, status: Ints, injury: Ints, protection: Ints, group: Ints
) -> None:
    """Count people by status and by injury, and those in the area by protection and group. Writes the first three.

    n_by_status, n_by_injury: int64 by code. n_at_risk: float64[n_protection, n_groups], without the safe and the dead.
    group: int64 per person.
    """
    n_by_status[:] = 0
    n_by_injury[:] = 0
    n_at_risk[:] = 0.0
    for i in range(status.size):
        n_by_status[status[i]] += 1
        n_by_injury[injury[i]] += 1
        if status[i] != _SAFE and status[i] != _DEAD:
            n_at_risk[protection[i], group[i]] += 1.0
