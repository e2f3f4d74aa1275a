"""Dated observations that a calibration is fitted to and judged by: one row per value of a series.

    time_h,series,value,use,sd
    1.0,n_safe,130,fit,20
    3.0,n_safe,1100,judge,20

`time_h` (h after the start of the run) or `date` (local date and time; a date alone is its noon). `series`: a column of
the table timeseries, or n_remaining (people still in the area, alive), n_remaining:GROUP (under_18, no_car, ...) or
n_casualties. `use`: fit or judge. `sd`: standard deviation of the value (its unit). A table that has a column for each
series serves as well; the calibration then says which column is which series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from os.path import isfile
from pathlib import Path

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Injury, Status
from safepassage.experiments.outcomes.over_time import REMAINING
from safepassage.model.clock import epoch_s
from safepassage.model.results.outcomes import GROUPS
from safepassage.model.settings.base import ScenarioError

USES = ("fit", "judge")
DEFAULT_SD_SHARE = 0.05
_STATUSES = tuple(f"n_{s.name.lower()}" for s in Status)
DERIVED = {
    "n_remaining": tuple(name for name in _STATUSES if name not in ("n_safe", "n_dead")),
    "n_casualties": tuple(f"n_injury_{i.name.lower()}" for i in Injury if i != Injury.NONE),
}
"""Series that are sums of columns."""
OF_GROUPS = tuple(REMAINING + group for group in GROUPS)
"""Series that are counted from the table of persons."""


@dataclass(frozen=True)
class Observed:
    """Observations, sorted by series and time."""

    time_s: np.ndarray
    """When (s after the start of the run)."""
    series: np.ndarray
    value: np.ndarray
    sd: np.ndarray
    is_fit: np.ndarray
    """True: used to fit; False: kept back to judge the fit by."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the series."""
        return tuple(dict.fromkeys(self.series.tolist()))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the time series that are needed."""
        return tuple(dict.fromkeys(c for name in self.names for c in DERIVED.get(name, (name,))))


def read_observed(
    path: Path,
    start: datetime,
    duration_h: float,
    known: set[str],
    *,
    time_zone: str = "UTC",
    columns: Mapping[str, str] | None = None,
    sd_share: float | None = None,
) -> Observed:
    """Return the observations of a CSV file. Raises ScenarioError with every mistake.

    path: the CSV file. start, duration_h: of the run, for its dates. known: columns of the time series that the
    scenario has. time_zone: of the dates. columns: column of the file -> series, of a file that has a column for each
    series. sd_share: standard deviation as share of the value, where the file gives none; default: 5 % of the largest
    value of the series.
    """
    if not isfile(path):
        raise ScenarioError(f"{path}: there is no such file; `series` names a CSV file of dated values.")
    try:
        frame = pd.read_csv(path, comment="#")
    except (ValueError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: this is not a CSV table: {error}") from None
    needed = [*(columns or ("series", "value")), "use"]
    if any(name not in frame for name in needed) or ("time_h" in frame) == ("date" in frame):
        raise ScenarioError(
            f"{path}: the columns are {', '.join(frame.columns)}; needed are {', '.join(needed)} and either time_h or "
            "date; sd is optional."
        )
    frame["time_s"] = _times(path, frame, start, time_zone)
    frame["line"] = np.arange(2, len(frame) + 2)
    if columns:
        kept = [name for name in frame if name not in (*columns, "series", "value")]
        frame = frame.rename(columns=columns).melt(kept, list(columns.values()), "series", "value")
    frame["series"] = frame["series"].astype(str)
    frame = frame.sort_values(["series", "time_s"], kind="stable", ignore_index=True)
    value = pd.to_numeric(frame["value"], errors="coerce")
    problems = _problems(path, frame, value, duration_h, known)
    if problems:
        raise ScenarioError("\n".join(problems))
    size = value.abs()
    sd = DEFAULT_SD_SHARE * size.groupby(frame["series"]).transform("max") if sd_share is None else sd_share * size
    sd = sd.clip(lower=1e-9)
    if "sd" in frame:
        sd = pd.to_numeric(frame["sd"], errors="coerce").fillna(sd)
    if (sd <= 0).any():
        raise ScenarioError(f"{path}:{frame['line'][int(np.flatnonzero(sd <= 0)[0])]}: sd must be positive.")
    return Observed(
        frame["time_s"].to_numpy(float), frame["series"].to_numpy(object), value.to_numpy(float), sd.to_numpy(float),
        (frame["use"] == "fit").to_numpy(),
    )  # fmt: skip


def _problems(path: Path, frame: pd.DataFrame, value: pd.Series, duration_h: float, known: set[str]) -> list[str]:
    problems = []
    for row, number in zip(frame.to_dict("records"), value, strict=True):
        place, at_s, series = f"{path}:{row['line']}", row["time_s"], row["series"]
        if not 0 <= at_s <= duration_h * 3600:
            problems.append(f"{place}: this is {at_s / 3600:g} h after the start; the run lasts {duration_h:g} h.")
        if series not in {*known, *DERIVED, *OF_GROUPS}:
            names = ", ".join([*DERIVED, *OF_GROUPS, *sorted(known)])
            problems.append(f"{place}: series = {series}: there is no such series; there are {names}.")
        if not np.isfinite(number):
            problems.append(f"{place}: value = {row['value']}: write a number.")
        if row["use"] not in USES:
            problems.append(f"{place}: use = {row['use']}: write fit or judge.")
    if not problems and not (frame["use"] == "fit").any():
        problems.append(f"{path}: no row is used to fit; write fit in the column use.")
    return problems


def _times(path: Path, frame: pd.DataFrame, start: datetime, time_zone: str) -> np.ndarray:
    if "time_h" in frame:
        return pd.to_numeric(frame["time_h"], errors="coerce").to_numpy(float) * 3600
    when = pd.to_datetime(frame["date"], errors="coerce", format="ISO8601")
    if when.isna().any():
        row = int(np.flatnonzero(when.isna())[0])
        raise ScenarioError(
            f"{path}:{row + 2}: date = {frame['date'].iloc[row]}: write it as 2024-08-31 or 2024-08-31T18:00."
        )
    is_day = frame["date"].astype(str).str.len() == len("2024-08-31")
    when += pd.to_timedelta(np.where(is_day, 12, 0), unit="h")
    return np.array([epoch_s(at.to_pydatetime(), time_zone) for at in when]) - epoch_s(start, time_zone)
