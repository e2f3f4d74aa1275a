"""The share of old people among those left. It follows from the model of leaving and one number from one report."""

import numpy as np
from scipy.optimize import brentq

from safepassage.experiments.fits.towns_fit import THETA
from safepassage.model.behaviour.leaving import Frailty
from safepassage.model.people.demography import SHARE_65_AND_OVER

TIMES_READIER = 8.0
"""How much readier to leave people under 65 are than the others: so 0.7 of those left are 65 or over when 0.12 of all
are, of 0.217 before the war. Pokrovsk: "80 % elderly" among the last (unn.ua, 10 January 2025). Assumption: 6 to 12."""


def share_old(share_of_prewar) -> np.ndarray:
    """Return the share aged 65 and over among those left. share_of_prewar: those left, of the residents before the
    war."""
    frailty = Frailty([1.0, 1.0 / TIMES_READIER], [1 - SHARE_65_AND_OVER, SHARE_65_AND_OVER], THETA)
    share = np.asarray(share_of_prewar, float)
    dose = np.array([brentq(lambda k, s=s: frailty.left(k) @ frailty.weight - s, 0.0, 1e6) for s in share.ravel()])
    groups = frailty.left(dose.reshape(share.shape)) * frailty.weight
    return groups[..., 1] / groups.sum(axis=-1)
