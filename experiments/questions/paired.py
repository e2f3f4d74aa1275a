"""Paired differences under common random numbers: the same shells and the same people, another plan."""

from dataclasses import dataclass

import numpy as np
from scipy import special

ENOUGH_RUNS = 50
"""Fewest runs behind a figure that is reported (IMO MSC.1/Circ.1533, section 3)."""
LEVEL = 0.95
LEAST_TO_CONCLUDE = 20
"""Fewest pairs that a conclusion is drawn from. Assumption: with fewer, a 95 % interval by Student's t is more than 5 %
wider than with many, and the share of replications in which a plan is better has steps of over 5 %."""
PAIRS_PER_VARIANCE = 8
"""A mean difference of d with standard deviation s is found four times in five (at the level of 5 %) by 8 (s / d)**2
pairs (Lehr 1992, Statistics in Medicine 11:1099-1102; van Belle 2008, Statistical Rules of Thumb, section 2.1)."""
PAIRS_PER_SKEWNESS = 25
"""A mean of values with skewness G1 is close to normal from 25 G1**2 values on (Cochran 1977, Sampling Techniques,
section 2.15)."""


@dataclass(frozen=True)
class Difference:
    """One outcome under two plans, replication by replication; difference = plan - baseline."""

    n_pairs: int
    """Replications in which both plans have the outcome."""
    baseline_mean: float
    baseline_p95: float
    plan_mean: float
    plan_p95: float
    mean: float
    low: float
    high: float
    """Mean difference and the ends of its 95 % interval."""
    p_better: float
    """Share of the replications in which the plan does better than the baseline; nan where neither direction is better,
    and for fewer than two pairs."""
    p_equal: float
    """Share of the replications in which both do the same; nan for fewer than two pairs."""
    n_unpaired: float
    """Replications of each plan, under seeds of their own, that so narrow an interval takes; inf if none do."""
    interval: str
    """How the interval was found: paired t, or bootstrap where the differences are too skewed for it; none for fewer
    than two pairs."""
    n_baseline_late: int = 0
    n_plan_late: int = 0
    """Pairs in which a time was not reached within the run and stands at the run's end instead."""
    n_needed: float = float("nan")
    """Pairs that a difference of this size, spread and skewness takes before it can be relied on; inf if it is 0, nan
    for fewer than two pairs."""

    @property
    def is_clear(self) -> bool:
        """Whether the 95 % interval leaves out zero and there are as many pairs as the spread of the outcome takes."""
        return bool((self.low > 0 or self.high < 0) and self.n_pairs >= self.n_needed)

    @property
    def is_seldom_reached(self) -> bool:
        """Whether a time was not reached by the end of the run in most pairs, under either plan: nothing is known."""
        return 2 * min(self.n_baseline_late, self.n_plan_late) > self.n_pairs


def difference(
    plan: np.ndarray, baseline: np.ndarray, *, more_is_better: bool | None, end: float | None = None
) -> Difference:
    """Return the paired comparison of an outcome under plan and baseline, entry i of both under the same seed.

    more_is_better: None if neither is. end: for a time that may not be reached within the run, the time at which the
    run ends, in the unit of the outcome; it takes the place of nan, so that the means are restricted means (Royston and
    Parmar 2013, BMC Medical Research Methodology 13:152). If no run of either plan reached it, there are no pairs.

    Without `end`, entries that are nan in either are left out.

    The interval is Student's t over the differences; where their skewness times 1/sqrt(n) exceeds 0.25 (Cochran's rule
    n > 25 G1^2 would want more runs than there are), the bias-corrected and accelerated bootstrap (Efron 1987) with a
    seed of its own.
    """
    late_plan, late_baseline = 0, 0
    if end is not None and (np.isfinite(plan).any() or np.isfinite(baseline).any()):
        late_plan, late_baseline = int(np.isnan(plan).sum()), int(np.isnan(baseline).sum())
        plan, baseline = np.where(np.isnan(plan), end, plan), np.where(np.isnan(baseline), end, baseline)
    both = np.isfinite(plan) & np.isfinite(baseline)
    plan, baseline = plan[both], baseline[both]
    change = plan - baseline
    n = change.size
    if n == 0:
        nan = float("nan")
        return Difference(0, nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, "none")
    low, high, interval = confidence_interval(change)
    better = (change > 0) if more_is_better else (change < 0)
    p_better = float("nan") if more_is_better is None or n < 2 else float(better.mean())
    return Difference(
        n_pairs=n,
        baseline_mean=float(baseline.mean()),
        baseline_p95=float(np.quantile(baseline, 0.95)),
        plan_mean=float(plan.mean()),
        plan_p95=float(np.quantile(plan, 0.95)),
        mean=float(change.mean()),
        low=low,
        high=high,
        p_better=p_better,
        p_equal=float((change == 0).mean()) if n > 1 else float("nan"),
        n_unpaired=unpaired_replications(plan, baseline),
        interval=interval,
        n_baseline_late=late_baseline,
        n_plan_late=late_plan,
        n_needed=pairs_needed(change),
    )


def pairs_needed(change: np.ndarray) -> float:
    """Return how many pairs a mean difference takes before it can be relied on, by the differences found (n,).

    The largest of Lehr's rule for their spread, Cochran's for their skewness, and LEAST_TO_CONCLUDE. Where all of them
    have the same sign, how skewed they are does not count: that so many go one way by chance alone has a probability of
    2^-19 for 20 pairs (the sign test; Dixon and Mood 1946, Journal of the American Statistical Association 41:557-566).
    inf if their mean is 0, nan for fewer than two.
    """
    if change.size < 2:
        return float("nan")
    mean, spread = change.mean(), change.std(ddof=1)
    if mean == 0:
        return float("inf")
    if spread <= 1e-12 * max(np.abs(change).max(), 1.0):
        return float(LEAST_TO_CONCLUDE)
    go_one_way = bool((change > 0).all() or (change < 0).all())
    by_spread = PAIRS_PER_VARIANCE * (spread / mean) ** 2
    by_skewness = 0.0 if go_one_way else PAIRS_PER_SKEWNESS * skewness(change) ** 2
    return float(np.ceil(max(by_spread, by_skewness, LEAST_TO_CONCLUDE)))


def confidence_interval(values: np.ndarray) -> tuple[float, float, str]:
    """Return the 95 % interval of the mean and how it was found; nan for fewer than two values."""
    n = values.size
    if n < 2:
        return float("nan"), float("nan"), "none"
    spread = values.std(ddof=1)
    if spread <= 1e-12 * max(np.abs(values).max(), 1.0):
        return float(values.mean()), float(values.mean()), "paired t"
    if n >= 10 and n < PAIRS_PER_SKEWNESS * skewness(values) ** 2:
        from scipy import stats  # takes longer to import than most comparisons to run

        found = stats.bootstrap(
            (values,), np.mean, confidence_level=LEVEL, n_resamples=5000, method="BCa", rng=np.random.default_rng(0)
        ).confidence_interval
        if np.isfinite([found.low, found.high]).all():
            return float(found.low), float(found.high), "bootstrap"
    half = special.stdtrit(n - 1, 0.5 + LEVEL / 2) * spread / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half), "paired t"


def skewness(values: np.ndarray) -> float:
    """Return the skewness G1 of values (n,): their third central moment over the 1.5th power of the second."""
    off = values - values.mean()
    return float((off**3).mean() / (off**2).mean() ** 1.5)


def is_clear_by_t(change: np.ndarray) -> bool:
    """Return whether a mean difference is clear, as `Difference.is_clear` says, with Student's interval throughout.

    change: the differences of the pairs. For many of them at once, such as the cells of a map.
    """
    n, mean = change.size, change.mean()
    if n < 2 or mean == 0:
        return False
    half = special.stdtrit(n - 1, 0.5 + LEVEL / 2) * change.std(ddof=1) / np.sqrt(n)
    return bool(abs(mean) > half and n >= pairs_needed(change))


def unpaired_replications(plan: np.ndarray, baseline: np.ndarray) -> float:
    """Return how many replications of each plan would give the paired interval's width without common random numbers.

    var(difference) / n = (var(plan) + var(baseline)) / n_unpaired (Law 2015, Simulation Modeling and Analysis, 11.2).
    """
    n = plan.size
    if n < 2:
        return float("nan")
    paired = np.var(plan - baseline, ddof=1)
    apart = np.var(plan, ddof=1) + np.var(baseline, ddof=1)
    if apart == 0:
        return float(n)
    return float("inf") if paired == 0 else float(np.ceil(n * apart / paired))
