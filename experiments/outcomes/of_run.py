"""The outcomes of one run, from its tables in memory: what a sweep, a comparison and every other study keep of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from safepassage.agents.civilians import Status
from safepassage.experiments.outcomes.over_time import AT, REMAINING
from safepassage.model.results import metrics
from safepassage.model.results.outcomes import outcome_of
from safepassage.model.settings.base import ScenarioError


@dataclass(frozen=True)
class RunInMemory:
    """A run that is not on disk, read like `results.RunFolder`: manifest, and tables by name as frames."""

    tables: Mapping[str, pa.Table]
    manifest: dict
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Return whether there is a table of this name."""
        return name in self.tables

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a pandas frame; raises ScenarioError naming the tables that there are."""
        if name not in self.tables:
            raise ScenarioError(f"there is no table {name!r}; there are {', '.join(sorted(self.tables))}.")
        if name not in self._frames:
            self._frames[name] = self.tables[name].to_pandas()
        return self._frames[name]


def outcomes_of(run, at_s: Sequence[float] = (), columns: Sequence[str] = ()) -> dict[str, float]:
    """Return name -> value of every outcome of a run, nan where there is none (a clearance time not reached, say).

    at_s: times at which columns of the time series are kept too, as `column@time`; a column is held at its last row
    before. columns: also n_remaining:GROUP.
    """
    found = metrics.values_of(run)
    if at_s:
        found |= _series(run.frame("timeseries"), at_s, [c for c in columns if not c.startswith(REMAINING)])
        found |= _remaining(run.frame("persons"), at_s, [c for c in columns if c.startswith(REMAINING)])
    return found


def units_of(names) -> dict[str, str]:
    """Return the unit of each outcome; columns of the time series that are not outcomes count people."""
    known = {name: outcome_of(name) for name in names}
    return {name: "people" if outcome is None else outcome.unit for name, outcome in known.items()}


def _series(frame: pd.DataFrame, at_s: Sequence[float], columns: Sequence[str]) -> dict[str, float]:
    row = np.clip(np.searchsorted(frame["time_s"].to_numpy(), np.asarray(at_s) + 1e-6, side="right") - 1, 0, None)
    return {
        f"{column}{AT}{time_s:.0f}": float(value)
        for column in columns
        for time_s, value in zip(at_s, frame[column].to_numpy()[row], strict=True)
    }


def _remaining(persons: pd.DataFrame, at_s: Sequence[float], columns: Sequence[str]) -> dict[str, float]:
    is_dead = (persons["status"] == Status.DEAD.name).to_numpy()
    killed_s = np.minimum(persons["injury_time_s"], persons["death_time_s"])
    gone_s = np.where(is_dead, killed_s, persons["safe_time_s"])
    found, groups = {}, metrics.groups_of(persons) if columns else {}
    for column in columns:
        left_s = np.sort(gone_s[groups[column.removeprefix(REMAINING)]])
        n_left = left_s.size - np.searchsorted(left_s, np.asarray(at_s), side="right")
        found |= {f"{column}{AT}{t:.0f}": float(n) for t, n in zip(at_s, n_left, strict=True)}
    return found
