"""The differences between plans as text: in natural units, with how sure they are."""

from dataclasses import dataclass
from dataclasses import replace as with_changes

import numpy as np

from safepassage.experiments.questions.compare import BASELINE, Comparison
from safepassage.experiments.questions.paired import Difference
from safepassage.model.results.outcomes import Outcome
from safepassage.model.results.words import LONG_H, with_unit

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Told:
    """One outcome of a pair of plans as text, a field for each column of a table; empty where there is nothing."""

    label: str
    baseline_mean: str
    baseline_p95: str
    plan_mean: str
    plan_p95: str
    change: str
    interval: str
    better: str
    same: str
    pairs: str
    """Pairs that it rests on, if fewer than there are replications; how many runs did not reach a time."""
    unpaired: str


def told(comparison: Comparison, outcome: Outcome, plan: str, other: str = BASELINE) -> Told:
    """Return the paired difference of two plans in one outcome as text.

    comparison: the finished comparison. outcome: one of its outcomes, in its own unit. plan, other: names of plans; the
    difference is plan - other.
    """
    outcome, found = in_natural_unit(comparison, outcome, plan, other)
    label = f"{outcome.words} ({outcome.unit})" if outcome.unit in ("h", "days") else with_unit(outcome)
    n = comparison.n_replications
    if found.n_pairs == 0:
        return Told(label, "not reached", *[""] * 9)
    if found.is_seldom_reached:
        reached = f"not reached in {found.n_baseline_late}, {found.n_plan_late}"
        return Told(label, *[""] * 8, f"{n}; {reached}", "")
    late = ""
    if found.n_plan_late + found.n_baseline_late:
        late = f"{n}; not reached in {found.n_baseline_late}, {found.n_plan_late}"
    return Told(
        label,
        number(found.baseline_mean),
        number(found.baseline_p95),
        number(found.plan_mean),
        number(found.plan_p95),
        change(found),
        interval(found),
        share(found.p_better),
        share(found.p_equal),
        late or (f"{found.n_pairs} of {n}" if found.n_pairs < n else f"{n}"),
        _runs(found.n_unpaired),
    )


def in_natural_unit(comparison: Comparison, outcome: Outcome, plan: str, other: str) -> tuple[Outcome, Difference]:
    """Return an outcome and its difference in the unit of a reader: days for times of more than 48 h.

    comparison: the finished comparison. outcome: one of its outcomes. plan, other: names of plans.
    """
    found = comparison.difference(outcome, plan, other)
    if outcome.unit != "h" or not comparison.longest_h(outcome) > LONG_H:
        return outcome, found
    fields = ("baseline_mean", "baseline_p95", "plan_mean", "plan_p95", "mean", "low", "high")
    in_days = {name: getattr(found, name) / 24 for name in fields}
    return with_changes(outcome, unit="days"), with_changes(found, **in_days)


def change(found: Difference) -> str:
    """Return the mean of a difference, with as many digits as its interval."""
    ends = (found.low, found.high) if np.isfinite(found.low) else (found.mean,)
    return signed(found.mean, digits_of(*ends))


def interval(found: Difference) -> str:
    """Return the 95 % interval of a difference; empty for fewer than two pairs."""
    digits = digits_of(found.low, found.high)
    return f"{signed(found.low, digits)} to {signed(found.high, digits)}" if np.isfinite(found.low) else ""


def digits_of(*values: float) -> int:
    """Return how many digits after the point say something: by the largest of the numbers that stand together."""
    finite = [abs(value) for value in values if np.isfinite(value)]
    if max(finite, default=0.0) >= 10 or all(value == round(value) for value in finite):
        return 0
    return 1 if max(finite) >= 1 else 2


def number(value: float) -> str:
    """Return a value with thousands and as many digits as say something."""
    return f"{value:,.{digits_of(value)}f}"


def signed(value: float, digits: int | None = None) -> str:
    """Return a difference with its sign and so many digits after the point; by default as many as say something."""
    if value == 0:
        return "0"
    digits = digits_of(value) if digits is None else digits
    text = f"{value:+,.{digits}f}".replace("-", MINUS)
    return "0" if float(text.replace(MINUS, "-").replace(",", "")) == 0 else text


def share(value: float) -> str:
    """Return a share of replications in per cent; empty for nan."""
    return "" if np.isnan(value) else f"{value:.0%}"


def _runs(n_unpaired: float) -> str:
    return "" if np.isnan(n_unpaired) else "any" if np.isinf(n_unpaired) else f"{n_unpaired:,.0f}"
