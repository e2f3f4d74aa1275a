"""In which futures of the front a plan helps, as a table."""

import numpy as np

from safepassage.experiments.questions.compare import Comparison
from safepassage.experiments.questions.futures import Future, futures
from safepassage.experiments.questions.paired import Difference
from safepassage.experiments.reports.answer.language import Language
from safepassage.experiments.reports.answer.tables import Cell, Table
from safepassage.experiments.reports.differences import digits_of
from safepassage.model.results.outcomes import FRONT_NEAR_KM


def over_front(found: Comparison, say: Language) -> Table | None:
    """Return a row for each group of futures, with the difference in people out by plan; None: one front in all."""
    rows = [
        [Cell(_words(one, say)), Cell(say.number(one.n)), Cell(say.number(one.front_at_end_km, 1)), _near(one, say),
         *(_cell(one.out[plan], say) for plan in found.plans[1:])]
        for one in futures(found)
    ]  # fmt: skip
    if not rows:
        return None
    near = say("within {km} km: in how many, day", km=say.exact(FRONT_NEAR_KM))
    plans = (say("{plan}: more people out", plan=plan) for plan in found.plans[1:])
    return Table(["", say("futures"), say("front at the end, km"), near, *plans], rows)


def _words(one: Future, say: Language) -> str:
    if one.is_branch:
        return say("branch {name}", name=one.words)
    return say(one.words)


def _near(one: Future, say: Language) -> Cell:
    if not one.n_near:
        return Cell(say("in none"))
    return Cell(say("{n}, day {day}", n=one.n_near, day=say.number(one.near_d, 0)))


def _cell(one: Difference, say: Language) -> Cell:
    if not np.isfinite(one.low):
        return Cell(say.signed(one.mean))
    digits = digits_of(one.low, one.high)
    mean, low, high = (say.signed(value, digits) for value in (one.mean, one.low, one.high))
    note = say("better in {n_so} of {n}", n_so=round(one.p_better * one.n_pairs), n=one.n_pairs)
    return Cell(f"{mean} ({say('{low} to {high}', low=low, high=high)})", one.is_clear, note)
