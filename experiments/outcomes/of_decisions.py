"""The outcomes of a run of decisions only: who has set out by when, named as a full run names who is out."""

from collections.abc import Sequence

import pandas as pd

from safepassage.agents.civilians import Mobility
from safepassage.experiments.outcomes.over_time import AT, REMAINING
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.results.metrics import groups_of

SERIES = ("n_home", "n_safe")
"""Columns of the time series that such a run has: who has not set out, and who has."""


def outcomes_of_decisions(run: DecisionsOnly, at_s: Sequence[float], columns: Sequence[str]) -> dict[str, float]:
    """Return `column@time` -> people; columns: n_home, n_safe, n_remaining:GROUP, others are 0."""
    people, found = run.people, {}
    persons = pd.DataFrame(
        {
            "age": people.age,
            "mobility": [Mobility(int(m)).name for m in people.mobility],
            "has_car": run.households.has_car[people.household],
        }
    )
    groups = groups_of(persons) if any(column.startswith(REMAINING) for column in columns) else {}
    for column in columns:
        if column.startswith(REMAINING):
            n = run.left(at_s, groups[column.removeprefix(REMAINING)])
        elif column == "n_home":
            n = run.left(at_s)
        elif column == "n_safe":
            n = len(people.age) - run.left(at_s)
        else:
            n = [0] * len(at_s)
        found |= {f"{column}{AT}{time_s:.0f}": float(value) for time_s, value in zip(at_s, n, strict=True)}
    return found
