"""Danger that parties have gone through on links, as it is read."""

import numpy as np

from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Floats, Records


@kernel
def take(doses: Records) -> Floats:
    """Return (strikes, crossfire) gone through since the last call, float64[2, n]. Writes doses: they start anew."""
    taken = np.empty((2, doses.size))
    for party in range(doses.size):
        taken[0, party], taken[1, party] = doses[party].strikes, doses[party].crossfire
        doses[party].strikes = doses[party].crossfire = 0.0
    return taken
