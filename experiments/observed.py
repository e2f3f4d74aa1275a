"""Dated observations that a calibration is fitted to and judged by: one row per value of a series.

    time_h,series,value,use,sd
    1.0,n_safe,130,fit,20
    3.0,n_safe,1100,judge,20

`time_h` (h after the start of the run) or `date` (local date, or date and time). `series`: a column of the table
timeseries, or n_remaining (people still in the area, alive) or n_casualties. `use`: fit or judge. `sd`: standard
deviation of the value (its unit); default: 5 % of the largest value of the series.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Injury, Status
from safepassage.model.settings.base import ScenarioError

USES = ("fit", "judge")
DEFAULT_SD_SHARE = 0.05
_STATUSES = tuple(f"n_{s.name.lower()}" for s in Status)
DERIVED = {
    "n_remaining": tuple(name for name in _STATUSES if name not in ("n_safe", "n_dead")),
    "n_casualties": tuple(f"n_injury_{i.name.lower()}" for i in Injury if i != Injury.NONE),
}
"""Series that are sums of columns."""


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


def read_observed(path: Path, start: datetime, duration_h: float, known: set[str]) -> Observed:
    """Return the observations of a CSV file. Raises ScenarioError with every mistake.

    known: columns of the time series that the scenario has.
    """
    if not Path(path).is_file():
        raise ScenarioError(f"{path}: there is no such file; `series` names a CSV file of dated values.")
    try:
        frame = pd.read_csv(path, comment="#")
    except (ValueError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: this is not a CSV table: {error}") from None
    missing = [name for name in ("series", "value", "use") if name not in frame]
    if missing or ("time_h" in frame) == ("date" in frame):
        raise ScenarioError(
            f"{path}: the columns are {', '.join(frame.columns)}; needed are series, value, use and either time_h or "
            "date (sd may be added)."
        )
    time_s = _times(path, frame, start)
    problems = []
    for row, (at, series, value, use) in enumerate(
        zip(time_s, frame["series"], pd.to_numeric(frame["value"], errors="coerce"), frame["use"], strict=True), 2
    ):
        if not 0 <= at <= duration_h * 3600:
            problems.append(f"{path}:{row}: this is {at / 3600:g} h after the start; the run lasts {duration_h:g} h.")
        if series not in known and series not in DERIVED:
            names = ", ".join([*DERIVED, *sorted(known)])
            problems.append(f"{path}:{row}: series = {series}: there is no such series; there are {names}.")
        if not np.isfinite(value):
            problems.append(f"{path}:{row}: value = {frame['value'].iloc[row - 2]}: write a number.")
        if use not in USES:
            problems.append(f"{path}:{row}: use = {use}: write fit or judge.")
    if not problems and not (frame["use"] == "fit").any():
        problems.append(f"{path}: no row is used to fit; write fit in the column use.")
    if problems:
        raise ScenarioError("\n".join(problems))
    largest = frame.groupby("series")["value"].transform(lambda values: values.abs().max())
    sd = (DEFAULT_SD_SHARE * largest).clip(lower=1e-9)
    if "sd" in frame:
        sd = pd.to_numeric(frame["sd"], errors="coerce").fillna(sd)
    if (sd <= 0).any():
        raise ScenarioError(f"{path}:{int(np.flatnonzero(sd <= 0)[0]) + 2}: sd must be positive.")
    order = np.lexsort((time_s, frame["series"].to_numpy(str)))
    return Observed(
        time_s[order], frame["series"].to_numpy(object)[order], frame["value"].to_numpy(float)[order],
        sd.to_numpy(float)[order], (frame["use"] == "fit").to_numpy()[order],
    )  # fmt: skip


def _times(path: Path, frame: pd.DataFrame, start: datetime) -> np.ndarray:
    if "time_h" in frame:
        return pd.to_numeric(frame["time_h"], errors="coerce").to_numpy(float) * 3600
    when = pd.to_datetime(frame["date"], errors="coerce", format="ISO8601")
    if when.isna().any():
        row = int(np.flatnonzero(when.isna())[0])
        raise ScenarioError(
            f"{path}:{row + 2}: date = {frame['date'].iloc[row]}: write it as 2024-08-31 or 2024-08-31T18:00."
        )
    return (when - pd.Timestamp(start.replace(tzinfo=None))).dt.total_seconds().to_numpy()
