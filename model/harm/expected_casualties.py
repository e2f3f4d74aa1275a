"""How many casualties were to be expected where people were when shells fell, beside those that chance has made.

Each exposure of a person - an impact within reach, a stretch of time under drones or crossfire - harms them with some
probability p. They are unhurt by all so far with probability prod(1 - p), whatever chance has done; so the number of
people hurt is a sum of independent zeros and ones (Poisson-binomial) whose mean and variance are known exactly.
Exposures that never came about because somebody was killed, or moved more slowly once hurt, are not made up.
"""

import numpy as np
from scipy.special import bdtr, bdtrik

from safepassage.agents.ground.arrays import Floats
from safepassage.agents.rules import harm as kernels


class ExpectedCasualties:
    """Mean and variance of the number of people hurt, given everybody's exposures so far."""

    def __init__(self, n_people: int) -> None:
        self._p_unhurt = np.ones(n_people)
        self._moments = np.zeros(2)

    def add(self, person: np.ndarray, p: np.ndarray) -> None:
        """Add exposures: rows of people, int32, and the probability that each harms, float64; a person may recur."""
        kernels.add_exposures(self._p_unhurt, self._moments, person, p)

    @property
    def mean(self) -> float:
        """Expected number of people hurt so far."""
        return float(self._moments[0])

    @property
    def variance(self) -> float:
        """Variance of the number of people hurt so far."""
        return max(0.0, float(self._moments[1]))


def band(mean: Floats, variance: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Return (low, high), whole numbers that hold 95 % of the chance between them, both included; float64[n].

    The sum of independent zeros and ones is taken for a binomial of the same mean and variance, as is usual (Ehm 1991,
    Statistics & Probability Letters 11, 7-16).
    """
    mean, variance = np.atleast_1d(np.asarray(mean, float)), np.atleast_1d(np.asarray(variance, float))
    n = np.ceil(mean**2 / np.maximum(mean - variance, 1e-9 * np.maximum(mean, 1e-9)) - 1e-9)
    n = np.maximum(n, 1.0).astype(np.int64)
    p = np.minimum(mean / n, 1.0)
    return _binomial_quantile(0.025, n, p), _binomial_quantile(0.975, n, p)


def _binomial_quantile(u: float, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the least whole number that a binomial number reaches with probability u."""
    with np.errstate(invalid="ignore"):
        above = np.ceil(bdtrik(u, n, p))
        below = np.maximum(above - 1, 0)
        between = np.where(bdtr(below, n, p) >= u, below, above)
    return np.where(bdtr(0, n, p) >= u, 0.0, np.where(bdtr(n - 1, n, p) < u, n, between))


RECORDED_PER_1000_RESIDENT_MONTHS = (1.0, 15.0)
"""Recorded casualties per 1,000 resident-months in towns under shelling and assault, Ukraine 2022-2025: Toretsk and
Bakhmut 1 to 2 (SOURCES 5.1), Avdiivka, Kherson, Sievierodonetsk up to 15. Known cases only: too low under assault."""
FAR_OUTSIDE = 3.0
"""Factor beyond that range from which a run says so: the reach of a size class is uncertain by 2. Assumption."""


def against_records(mean: float, resident_h: float) -> list[str]:
    """Return one sentence if the casualties to be expected in a run are far more than records allow; else none.

    mean: casualties to be expected. resident_h: hours that people spent in the area, all together.
    """
    months = resident_h / (365.25 / 12 * 24)
    low, high = RECORDED_PER_1000_RESIDENT_MONTHS
    if mean < 1.0 or months <= 0 or 1000.0 * mean / months <= FAR_OUTSIDE * high:
        return []
    return [
        f"harm: this run expects {1000.0 * mean / months:,.0f} casualties per "
        "1,000 resident-months; in towns under fire "
        f"{low:.0f} to {high:.0f} were recorded. How much falls, times how "
        "harmful it is, does not match any real place. Lower "
        "shelling.sources.0.events_per_day, or, where background_per_km2_day is "
        "stated, shelling.sources.0.share_near_people (safepassage fit-harm)."
    ]
