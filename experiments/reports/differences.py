"""The differences between plans as text: in natural units, with how sure they are, and a conclusion in sentences."""

from dataclasses import dataclass
from dataclasses import replace as with_changes

import numpy as np

from safepassage.experiments.questions.compare import BASELINE, Comparison
from safepassage.experiments.questions.paired import Difference
from safepassage.model.results.outcomes import OUTCOMES, Outcome
from safepassage.model.results.words import LONG_H, with_unit

LEAST_TO_CONCLUDE = 20
"""Fewest pairs that a conclusion is drawn from. Assumption: with fewer, a 95 % interval by Student's t is more than 5 %
wider than with many, and the share of replications in which a plan is better has steps of over 5 %."""
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
        signed(found.mean),
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


def conclusions(comparison: Comparison) -> list[str]:
    """Return for each plan what it changes for people, in a sentence with its certainty.

    With fewer than 20 pairs there is one sentence instead, which says that this is too few.
    """
    n = comparison.n_replications
    if n < LEAST_TO_CONCLUDE:
        return [f"{n} replications are too few for a conclusion. Take {LEAST_TO_CONCLUDE} or more with --replications."]
    return [_conclusion(comparison, plan) for plan in comparison.plans[1:]]


def _conclusion(comparison: Comparison, plan: str) -> str:
    out = comparison.difference(OUTCOMES["safe"], plan)
    by = comparison.end_in_words()
    if out.is_clear:
        more = "more" if out.mean > 0 else "fewer"
        safe = f"gets {_count(out)} {more} people out by {by}"
        share_so = out.p_better if out.mean > 0 else 1 - out.p_better - out.p_equal
        sure = f" {more.capitalize()} people are out in {round(share_so * out.n_pairs)} of {out.n_pairs} futures."
    else:
        safe = f"makes no clear difference in the people out by {by}: {_between(out)}"
        sure = ""
    return f"Plan {plan} {safe}.{sure} {_of_casualties(comparison, plan)}"


def _of_casualties(comparison: Comparison, plan: str) -> str:
    """Return the sentence on casualties: a number only if the pairs suffice for their spread."""
    hurt = comparison.difference(OUTCOMES["casualties"], plan)
    if hurt.is_clear:
        return f"It {'avoids' if hurt.mean < 0 else 'adds'} {_count(hurt)} casualties."
    if hurt.mean == hurt.low == hurt.high == 0:
        return "It does not change how many are hurt or killed."
    return f"No clear difference in casualties: {_between(hurt)}."


def _between(found: Difference) -> str:
    """Return the interval in words and, where it leaves out zero, how many pairs so wide a spread takes."""
    text = f"between {signed(found.low)} and {signed(found.high)}"
    few = (found.low > 0 or found.high < 0) and np.isfinite(found.n_needed)
    return f"{text}, which takes {found.n_needed:,.0f} pairs to rely on" if few else text


def _count(found: Difference) -> str:
    low, high = sorted((abs(found.low), abs(found.high)))
    return f"{number(abs(found.mean))} ({number(low)} to {number(high)})"


def interval(found: Difference) -> str:
    """Return the 95 % interval of a difference; empty for fewer than two pairs."""
    return f"{signed(found.low)} to {signed(found.high)}" if np.isfinite(found.low) else ""


def number(value: float) -> str:
    """Return a value with thousands and as many digits as say something."""
    digits = 0 if abs(value) >= 100 or value == round(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def signed(value: float) -> str:
    """Return a difference with its sign, as many digits as say something."""
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 20 else 1 if abs(value) >= 2 else 2
    text = f"{value:+,.{digits}f}".replace("-", MINUS)
    return "0" if float(text.replace(MINUS, "-").replace(",", "")) == 0 else text


def share(value: float) -> str:
    """Return a share of replications in per cent; empty for nan."""
    return "" if np.isnan(value) else f"{value:.0%}"


def _runs(n_unpaired: float) -> str:
    return "" if np.isnan(n_unpaired) else "any" if np.isinf(n_unpaired) else f"{n_unpaired:,.0f}"
