"""How fast people leave a town that the front threatens, and how those who are left differ from those who left.

    rate per head and day = g(d) (k0 + k1 v / (d + 1 km)) S ** theta,    g(d) = 1 / (1 + exp((d - D) / 2.5 km))

d: km from the middle of the town to the front, not below 0. v: km a week by which d fell over the last 56 days, not
below 0; (d + 1) / v is the time until the front arrives. S: share of the residents before the war who are still there.
S ** theta is what a gamma frailty of variance theta leaves: everybody has a readiness of their own, and the readier go
first. Values and their intervals: docs/validation_towns.md.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaincinv

from safepassage.agents.ground.arrays import Floats, Ints

ARRIVAL_OFFSET_KM = 1.0
"""Added to the distance in the time to arrival, so that it stays finite at the line (km)."""
DAY_S = 86400.0


def threat_per_day(
    distance_km: Floats | float,
    approach_km_per_week: Floats | float,
    standing: float,
    approach: float,
    reach_km: float,
    width_km: float,
) -> Floats:
    """Return the rate at which somebody of mean readiness leaves (1/day), shaped as distance_km.

    standing: k0 (1/day), approach: k1 (km weeks/day), reach_km: D, width_km: over which the reach fades.
    approach_km_per_week: how fast the front has come nearer of late.
    """
    d = np.maximum(np.asarray(distance_km, np.float64), 0.0)
    reached = 1.0 / (1.0 + np.exp(np.minimum((d - reach_km) / width_km, 700.0)))
    return reached * (standing + approach * approach_km_per_week / (d + ARRIVAL_OFFSET_KM))


def approach_km_per_week(distance_km: Floats | float, distance_before_km: Floats | float, days: float) -> Floats:
    """Return how fast the front has come nearer (km a week), 0 if it has not; days: between the two distances."""
    before, now = np.maximum(distance_before_km, 0.0), np.maximum(distance_km, 0.0)
    return np.maximum(before - now, 0.0) * 7.0 / days


def share_left(dose: Floats | float, share_before: Floats | float, variance: float) -> Floats:
    """Return the share of the residents before the war who are left after a dose, from a share that was there at first.

    dose: the rate of somebody of mean readiness, summed over time. variance: theta, above 0.
    """
    return (share_before**-variance + variance * np.asarray(dose)) ** (-1.0 / variance)


def dose_of_share(share: Floats | float, variance: float) -> Floats:
    """Return the dose that leaves this share of the residents before the war."""
    return (share**-variance - 1.0) / variance


class Frailty:
    """Readiness of groups that differ on average, and vary within, so that all together thin out as gamma frailty.

    Before the war a person of group g has readiness mean[g] * Gamma(mean 1, variance within). The means keep the
    given ratios; their level and the variance within are fitted so that the share of all who are left after a dose
    follows (1 + theta dose) ** (-1 / theta) from 0.9 down to 0.03 (least squares of its logarithm).
    """

    def __init__(self, ratio: Floats | float, weight: Floats | float, variance: float) -> None:
        """ratio: readiness of each group relative to the others, weight: persons in each; variance: theta."""
        weight = np.asarray(weight, np.float64) / np.sum(weight)
        ratio = np.asarray(ratio, np.float64) / (weight @ ratio)
        self.variance, self.weight = variance, weight
        dose = dose_of_share(np.geomspace(0.9, 0.03, 24), variance)
        wanted = np.log(share_left(dose, 1.0, variance))

        def misfit(x):
            self.mean, self.within = ratio * np.exp(x[0]), np.exp(x[1])
            return np.sum((np.log(self.left(dose) @ weight) - wanted) ** 2)

        start = [0.0, np.log(variance)]
        if np.ptp(ratio) > 1e-9:
            start = minimize(misfit, start, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-8}).x
        misfit(start)

    def left(self, dose: Floats | float) -> Floats:
        """Return the share of each group that a dose leaves: float64[..., groups]."""
        return (1.0 + self.within * self.mean * np.asarray(dose)[..., None]) ** (-1.0 / self.within)

    def mean_after(self, dose: Floats | float) -> Floats:
        """Return the mean readiness of those of each group whom a dose has left; relative to it they vary as before."""
        return self.mean / (1.0 + self.within * self.mean * dose)

    def drawn(self, group: Ints, u: Floats | float, share_before: Floats | float) -> Floats:
        """Return the readiness of present residents, in a town that has a share of its residents before the war left.

        group: of each, u: a number in [0, 1) for each. Weighted as the groups are, the mean is share_before ** theta:
        what the rate per head falls to.
        """
        mean = self.mean_after(dose_of_share(share_before, self.variance))
        mean = mean * share_before**self.variance / (self.weight @ mean)
        shape = 1.0 / self.within
        return mean[group] * gammaincinv(shape, u) / shape
