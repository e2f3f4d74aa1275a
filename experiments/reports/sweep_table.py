"""The table of a sweep: the mean of each outcome and its interval at each point of the design, in words and units."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from safepassage.experiments.questions.paired import confidence_interval
from safepassage.experiments.reports.parts import shown
from safepassage.model.results.outcomes import compared, outcome_of
from safepassage.model.results.words import with_unit
from safepassage.model.settings.files.keys import ANY, Key, keys

MOST_OUTCOMES = 6
"""Outcomes in the table: as many as a page is wide."""
NO_BREAK = "\N{NO-BREAK SPACE}"
_NOT_OUTCOMES = {"point", "scenario", "plan", "replication", "seed", "key"}


def outcome_names(frame: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """Return the columns of a sweep that are outcomes of the whole town.

    frame: one row for each run. factors: keys that the sweep varies.
    """
    fixed = {*_NOT_OUTCOMES, *factors}
    return [c for c in frame if c not in fixed and ":" not in c and pd.api.types.is_numeric_dtype(frame[c])]


def telling(frame: pd.DataFrame, outcomes: Sequence[str], most: int = 4) -> list[str]:
    """Return the outcomes worth showing: those that plans are compared by first, and only those that differ.

    frame: one row for each run. outcomes: names of columns. most: how many at most.
    """
    first = [outcome.name for outcome in compared(outcomes)]
    order = [*first, *[name for name in outcomes if name not in first]]
    return [name for name in order if frame[name].nunique() > 1][:most]


def sweep_table(frame: pd.DataFrame, factors: Sequence[str], wanted: Sequence[str]) -> pd.DataFrame:
    """Return a row for each point: its plan, its factors, how many runs, and mean ± half the 95 % interval.

    frame: one row for each run. factors: keys that the sweep varies. wanted: outcomes that the study asks for; without
    any, the telling ones.
    """
    outcomes = outcome_names(frame, factors)
    in_table = [name for name in (wanted or telling(frame, outcomes)) if name in outcomes][:MOST_OUTCOMES]
    rows = []
    for point, part in frame.groupby("point"):
        row = {"point": point, "plan": part["plan"].iloc[0] or "none"}
        row |= {with_unit_of(name): part[name].iloc[0] for name in factors} | {"runs": len(part)}
        for name in in_table:
            row[_heading(name)] = mean_and_half_width(part[name].to_numpy(float))
        rows.append(row)
    return pd.DataFrame(rows)


def _heading(name: str) -> str:
    outcome = outcome_of(name)
    if outcome is None:
        return name
    return f"{outcome.words} (h)" if outcome.unit == "h" else with_unit(outcome)


def mean_and_half_width(values: np.ndarray) -> str:
    """Return the mean of the runs that have a value, half its interval, and how many they are if not all.

    values: (n,) an outcome of the runs; nan where a run does not have it.
    """
    there = values[np.isfinite(values)]
    if there.size == 0:
        return "not reached"
    of = f" ({there.size} of {values.size} runs)" if there.size < values.size else ""
    if there.size == 1:
        return f"{shown(float(there[0]))}{of}".replace(" ", NO_BREAK)
    low, high, _ = confidence_interval(there)
    return f"{shown(round(there.mean(), 3))} ± {shown(round((high - low) / 2, 2))}{of}".replace(" ", NO_BREAK)


def with_unit_of(key: str) -> str:
    """Return a key of a scenario and its unit, as a column is headed; other names as they are."""
    unit = _unit(_key(key))
    return f"{key} ({unit})" if unit else key


def in_words(key: str) -> str:
    """Return what the reference says of a key of a scenario, with its unit, as an axis is headed; else the name."""
    found = _key(key)
    if found is None:
        return key
    words = re.split(r"[.;:] |\.$", found.meaning)[0].replace(f" ({found.unit})", "")
    unit = _unit(found)
    return f"{words} ({unit})" if unit else words


def _key(name: str) -> Key | None:
    plain = re.sub(r"\.\d+(?=\.|$)", f".{ANY}", name)
    return next((one for one in keys() if one.name == plain), None)


def _unit(key: Key | None) -> str:
    return "" if key is None or key.unit == "1" else key.unit
