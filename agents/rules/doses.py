"""The danger that parties have gone through on links, read and set back to zero."""

import numpy as np

from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Floats, Ints, Records


@kernel
def take(doses: Records, rows: Ints) -> Floats:
    """Return (strikes, crossfire) that some parties have gone through, float64[2, n]. Writes doses: they start anew.

    doses: one record for each party. rows: the parties, int32.
    """
    taken = np.empty((2, rows.size))
    for i in range(rows.size):
        party = rows[i]
        taken[0, i], taken[1, i] = doses[party].strikes, doses[party].crossfire
        doses[party].strikes = doses[party].crossfire = 0.0
    return taken
