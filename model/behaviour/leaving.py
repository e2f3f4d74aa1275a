"""How fast people leave a town that the front threatens, and how those who are left differ from those who left.

    rate per head and day = g(d) (k0 + k1 v / (d + 1 km)) S ** theta,    g(d) = 1 / (1 + exp((d - D) / 2.5 km))

d: km from the middle of the town to the front, not below 0. v: km a week by which d fell over the last 56 days, not
below 0; (d + 1) / v is the time until the front arrives. S: share of the residents before the war who are still there.
S ** theta is what a gamma frailty of variance theta leaves: everybody has a readiness of their own, and the readier go
first. Values and their intervals: docs/validation_towns.md.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.special import gammaincinv

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.settings.behaviour import Leaving, LossShock

ARRIVAL_OFFSET_KM = 1.0
"""Added to the distance in the time to arrival, so that it stays finite at the line (km)."""
DAY_S = 86400.0
STEP_S = 3600.0
"""The threat is summed over steps no longer than this: the front moves by hundreds of metres a day (s)."""


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


class Threat:
    """The rate at which somebody of mean readiness leaves a town, from where the front is at any time."""

    def __init__(
        self,
        settings: Leaving,
        distance_km: Callable[[float], float] | None,
        least_per_day: float,
        town_factor: float = 1.0,
    ) -> None:
        """distance_km: function of a time (s) -> distance of the front from the middle of the town; None: no front.

        settings: the scenario's section `Leaving`. least_per_day: rate however far the front. town_factor: the town's
        own.
        """
        self.settings, self.least_per_day, self._distance_km = settings, least_per_day, distance_km
        self._factor = settings.threat_factor * town_factor

    @property
    def is_front(self) -> bool:
        """Whether there is a front."""
        return self._distance_km is not None

    def front(self, time_s: float) -> tuple[float, float]:
        """Return how far the front is (km) and how fast it comes nearer (km a week); there must be one.

        time_s: the moment (s).
        """
        assert self._distance_km is not None
        days = self.settings.approach_over_d
        now, before = self._distance_km(time_s), self._distance_km(time_s - days * DAY_S)
        return now, float(approach_km_per_week(now, before, days))

    def per_day(self, time_s: float) -> float:
        """Return the rate at a time (1/day)."""
        if self._distance_km is None:
            return self.least_per_day
        s, (distance_km, approach) = self.settings, self.front(time_s)
        rate = threat_per_day(
            distance_km, approach, s.standing_per_day, s.approach_km_weeks_per_day, s.reach_km, s.reach_width_km
        )
        return max(self.least_per_day, self._factor * float(rate))

    def dose(self, from_s: float, until_s: float) -> float:
        """Return the rate summed from one time to another (s)."""
        if until_s <= from_s:
            return 0.0
        n = int(np.ceil((until_s - from_s) / STEP_S))
        step_s = (until_s - from_s) / n
        return sum(self.per_day(from_s + (k + 0.5) * step_s) for k in range(n)) * step_s / DAY_S

    def reached_share(self, time_s: float) -> float:
        """Return g, the share of the threat that reaches the town: 0 far from the front or without one."""
        if self._distance_km is None:
            return 0.0
        s = self.settings
        return float(threat_per_day(self._distance_km(time_s), 0.0, 1.0, 0.0, s.reach_km, s.reach_width_km))


def shock_dose(settings: LossShock, lost_since_s: Floats, counts: Bools, from_s: float, until_s: float) -> Floats:
    """Return what a loss adds in a time for somebody of mean readiness, by zone: float64[n_zones].

    settings: the scenario's section `LossShock`. lost_since_s: float64[2, n_zones], since when power and gas are lost
    (s), inf: they work. counts: bool[2, n_zones], whether the loss came in a cold month. from_s, until_s: ends of the
    time (s). The larger of the two counts.
    """
    size = np.array([[settings.power_per_day], [settings.gas_per_day]]) * counts
    a, b = (np.maximum(time_s - lost_since_s, 0.0) / DAY_S for time_s in (from_s, until_s))
    half = settings.half_life_d
    return (size * half / np.log(2) * (0.5 ** (a / half) - 0.5 ** (b / half))).max(axis=0)


def share_left(dose: Floats | float, share_before: Floats | float, variance: float) -> Floats:
    """Return the share of the residents before the war who are left after a dose, from a share that was there at first.

    dose: the rate of somebody of mean readiness, summed over time. variance: theta, above 0.
    """
    return (share_before**-variance + variance * np.asarray(dose)) ** (-1.0 / variance)


def dose_of_share(share: Floats | float, variance: float) -> Floats:
    """Return the dose that leaves this share of the residents before the war."""
    return (share**-variance - 1.0) / variance


def gamma_quantiles(shape: float, u: Floats) -> Floats:
    """Return the quantiles of a gamma distribution, of scale 1, at u: a number in [0, 1) for each household.

    They take a third of building a city again, and the runs of a sweep draw the same, so the last ones are kept.
    shape: of the distribution.
    """
    return np.frombuffer(_quantiles(float(shape), np.ascontiguousarray(u, np.float64).tobytes()))


@lru_cache(maxsize=4)
def _quantiles(shape: float, u: bytes) -> bytes:
    return gammaincinv(shape, np.frombuffer(u)).tobytes()


@lru_cache(maxsize=4)
def frailty_of(ratio: tuple[float, ...], weight: tuple[float, ...], variance: float) -> "Frailty":
    """Return the Frailty of groups, kept for the next model with such groups. Arguments as of Frailty."""
    return Frailty(np.array(ratio), np.array(weight), variance)


class Frailty:
    """Readiness of groups that differ on average, and vary within, so that all together thin out as gamma frailty.

    Before the war a person of group g has readiness mean[g] * Gamma(mean 1, variance within). The means keep the
    given ratios; their level and the variance within are fitted so that the share of all who are left after a dose
    follows (1 + theta dose) ** (-1 / theta) from 0.9 down to 0.03 (least squares of its logarithm).
    """

    def __init__(self, ratio: Floats | float, weight: Floats | float, variance: float) -> None:
        """ratio: readiness of each group relative to the others, weight: persons in each; variance: theta."""
        from scipy.optimize import minimize  # a tenth of a second at start-up

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

    def drawn(self, group: Ints, u: Floats, share_before: float) -> Floats:
        """Return the readiness of present residents, in a town that has a share of its residents before the war left.

        group: of each, u: a number in [0, 1) for each. Weighted as the groups are, the mean is share_before ** theta:
        what the rate per head falls to.
        """
        mean = self.mean_after(dose_of_share(share_before, self.variance))
        mean = mean * share_before**self.variance / (self.weight @ mean)
        shape = 1.0 / self._within_from(mean, share_before)
        return mean[group] * gamma_quantiles(shape, u) / shape

    def _within_from(self, mean: Floats, share_before: float) -> float:
        """Return the variance within groups with which present residents thin out as the town does.

        mean: readiness of each group now. Least squares of the logarithm of the share left, to a tenth of them.
        """
        from scipy.optimize import minimize_scalar

        left = np.geomspace(0.98, 0.1, 24)
        dose = dose_of_share(left, self.variance) / share_before**self.variance

        def misfit(within):
            found = (1.0 + within * mean * dose[:, None]) ** (-1.0 / within) @ self.weight
            return np.sum(np.log(found / left) ** 2)

        return float(minimize_scalar(misfit, bounds=(0.01, 10.0), method="bounded").x)
