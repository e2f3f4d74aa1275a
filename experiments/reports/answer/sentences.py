"""What a comparison found, in sentences: each with its certainty, none that the pairs do not bear."""

from datetime import datetime

import numpy as np

from safepassage.experiments.questions.compare import Comparison
from safepassage.experiments.questions.paired import LEAST_TO_CONCLUDE, Difference
from safepassage.experiments.reports.answer.language import Language
from safepassage.experiments.reports.differences import digits_of
from safepassage.model.clock import local_time
from safepassage.model.results.outcomes import OUTCOMES


def conclusions(comparison: Comparison, say: Language) -> list[str]:
    """Return for each plan what it changes for people, in sentences with their certainty.

    With fewer than 20 pairs there is one sentence instead, which says that this is too few, and why.
    """
    n = comparison.n_replications
    if n < LEAST_TO_CONCLUDE:
        text = (
            "{n} pairs of runs are too few for a conclusion: chance alone could turn it. Take {least} or more with "
            "--replications."
        )
        return [say(text, n=n, least=LEAST_TO_CONCLUDE)]
    parts = (_of_people, _of_casualties, _of_cold)
    return [" ".join(filter(None, (part(comparison, plan, say) for part in parts))) for plan in comparison.plans[1:]]


def named(comparison: Comparison, plan: str, say: Language) -> str:
    """Return a plan as a reader knows it: its title, with its name; the name alone if it has no title."""
    title = comparison.titles.get(plan)
    return (
        say("\N{LEFT DOUBLE QUOTATION MARK}{title}\N{RIGHT DOUBLE QUOTATION MARK} ({name})", title=title, name=plan)
        if title
        else plan
    )


def moment(comparison: Comparison, time_s: float, say: Language) -> str:
    """Return a time of the runs (s after their start) as a planner says it: 14:00, or 1 September for runs of days."""
    at: datetime = local_time(comparison.run.start, time_s, comparison.time_zone)
    return say.moment(at, days=comparison.run.duration_h > 72)


def end(comparison: Comparison, say: Language) -> str:
    """Return the end of the runs as a planner says it."""
    return moment(comparison, comparison.run.duration_h * 3600, say)


def _of_people(comparison: Comparison, plan: str, say: Language) -> str:
    out = comparison.difference(OUTCOMES["safe"], plan)
    by = end(comparison, say)
    if out.mean == out.low == out.high == 0:
        text = "Plan {plan} does not change how many people are out by {end}."
        return say(text, plan=named(comparison, plan, say), end=by)
    if not out.is_clear:
        text = "Plan {plan} makes no clear difference in the people out by {end}: {interval}."
        return say(text, plan=named(comparison, plan, say), end=by, interval=between(out, say))
    counts = _count(out, say) | {"plan": named(comparison, plan, say), "end": by, "n_pairs": out.n_pairs}
    if out.mean > 0:
        text = (
            "Plan {plan} gets {mean} ({low} to {high}) more people out by {end} than no plan; more people are out in "
            "{n_so} of {n_pairs} futures."
        )
        return say(text, n_so=round(out.p_better * out.n_pairs), **counts)
    text = (
        "Plan {plan} gets {mean} ({low} to {high}) fewer people out by {end} than no plan; fewer people are out in "
        "{n_so} of {n_pairs} futures."
    )
    return say(text, n_so=round((1 - out.p_better - out.p_equal) * out.n_pairs), **counts)


def _of_casualties(comparison: Comparison, plan: str, say: Language) -> str:
    """Return the sentence on casualties: a number only if the pairs suffice for their spread."""
    hurt = comparison.difference(OUTCOMES["casualties"], plan)
    if hurt.is_clear and hurt.mean < 0:
        return say("It avoids {mean} ({low} to {high}) casualties.", **_count(hurt, say))
    if hurt.is_clear:
        return say("It adds {mean} ({low} to {high}) casualties.", **_count(hurt, say))
    if hurt.mean == hurt.low == hurt.high == 0:
        return say("It does not change how many are hurt or killed.")
    return say("No clear difference in casualties: {interval}.", interval=between(hurt, say))


def _of_cold(comparison: Comparison, plan: str, say: Language) -> str:
    """Return the sentence on those whom cold is expected to harm; empty without weather, or without a clear change."""
    cold = OUTCOMES["cold_casualties_expected"]
    if cold not in comparison.outcomes:
        return ""
    harmed = comparison.difference(cold, plan)
    if harmed.mean == harmed.low == harmed.high == 0 or not harmed.is_clear:
        return ""
    if harmed.mean < 0:
        text = "Cold is expected to make {mean} ({low} to {high}) fewer people ill or kill them."
    else:
        text = "Cold is expected to make {mean} ({low} to {high}) more people ill or kill them."
    return say(text, **_count(harmed, say))


def between(found: Difference, say: Language) -> str:
    """Return the interval in words and, where it leaves out zero, how many pairs so wide a spread takes."""
    digits = digits_of(found.low, found.high)
    ends = {"low": say.signed(found.low, digits), "high": say.signed(found.high, digits)}
    if (found.low > 0 or found.high < 0) and np.isfinite(found.n_needed):
        text = "between {low} and {high}, which takes {n} pairs to rely on"
        return say(text, n=say.number(found.n_needed), **ends)
    return say("between {low} and {high}", **ends)


def _count(found: Difference, say: Language) -> dict[str, str]:
    low, high = sorted((abs(found.low), abs(found.high)))
    digits = digits_of(low, high)
    return {
        name: say.number(value, digits) for name, value in (("mean", abs(found.mean)), ("low", low), ("high", high))
    }
