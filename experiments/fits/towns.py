"""Towns whose residents were counted while the front came nearer: what the model of leaving is judged on."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import safepassage.scenarios
from safepassage.model.behaviour.leaving import approach_km_per_week
from safepassage.model.settings.base import ScenarioError

TABLES = Path(safepassage.scenarios.__file__).parent / "tables"
COUNTS = TABLES / "towns_residents_reported.csv"
QUOTED = TABLES / "towns_front_quoted.csv"
APPROACH_OVER_D = 56
"""Days over which the approach of the front is measured: chosen among 28 to 84 (docs/validation_towns.md)."""
CITY_LIMIT_KM = 3.5
"""Officials count from the limit of the city, the fit from its middle; in Pokrovsk the difference is 3 to 4 km."""
ACROSS_A_RIVER = ("Kherson",)
"""Towns with a river between them and the front that is not being crossed (the Dnipro)."""
RIVER_FACTOR = 0.01
"""Factor on the threat across such a river, from the rest of the right bank of Kherson oblast: of 157,800 residents
79,000 were left in early 2025 and 85,000 in November (https://censor.net/en/news/3528321; https://khersondaily.com),
"steady for two and a half years"; Kherson's own counts took no part."""
INSIDE_TO_THE_END = ("Sievierodonetsk",)
"""Towns of which counts inside the occupied area are scored; elsewhere a row counts while the middle lies outside."""
WAR = pd.Timestamp("2022-02-24")
"""Until when residents are those before the war."""
SERIES = ("front_distance_daily.csv", "front_distance_fortnightly_more_towns.csv")


@dataclass(frozen=True, eq=False)
class TownSeries:
    """One town and scope from its first count on: reported counts and the front, day by day."""

    town: str
    scope: str
    prewar: float
    prewar_date: pd.Timestamp
    """Until when they were there."""
    first_count: float
    first_date: pd.Timestamp
    dates: tuple
    """Of the rows to forecast."""
    day: np.ndarray
    """int64: days of those rows since the first count."""
    low: np.ndarray
    high: np.ndarray
    """float64: what was reported; two numbers where reports disagree."""
    distance_km: np.ndarray
    """float64 by day since the first count, not below 0."""
    approach_km_per_week: np.ndarray
    is_quoted: bool
    """Whether the front is what officials quoted, for want of the full series."""
    is_across_a_river: bool = False
    """Whether a river that is not being crossed lies between."""

    @property
    def factor(self) -> float:
        """Factor on the threat: a river that is not being crossed."""
        return RIVER_FACTOR if self.is_across_a_river else 1.0

    @property
    def share_first(self) -> float:
        """Share of the residents before the war at the first count."""
        return self.first_count / self.prewar

    @cached_property
    def reported(self) -> list[str]:
        """What was reported in each row, as text."""
        return [f"{a:,.0f}" if a == b else f"{a:,.0f} to {b:,.0f}" for a, b in zip(self.low, self.high, strict=True)]


def data_folder() -> Path | None:
    """Return the folder of the full front series, from SAFEPASSAGE_DATA; None if it is not set."""
    folder = os.environ.get("SAFEPASSAGE_DATA")
    if not folder:
        return None
    found = Path(folder) / "conflict"
    missing = [name for name in SERIES if not (found / name).is_file()]
    if missing:
        raise ScenarioError(
            f"SAFEPASSAGE_DATA={folder}: there is no conflict/{missing[0]}. Name the folder that holds it, or unset it."
        )
    return found


def read_towns(folder: Path | None, *, with_rows_inside: bool = False) -> list[TownSeries]:
    """Return the towns to score, in order of name; folder: of the full front series, None: what officials quoted.

    Of a town without any quoted distance nothing is returned then. with_rows_inside: score also the counts taken while
    the middle of the town lay inside the occupied area.
    """
    counts = pd.read_csv(COUNTS, parse_dates=["date", "date_low", "date_high"])
    fronts = _quoted() if folder is None else front_series(folder)
    towns = []
    for (town, scope), rows in counts.groupby(["town", "scope"]):
        first, scored = rows[rows.role == "start"], rows[rows.role == "score"]
        if len(first) and len(scored) and town in fronts:
            made = series_of(town, scope, first.iloc[0], scored, fronts[town], folder is None, with_rows_inside)
            towns += [made] if made.day.size else []
    return towns


def front_series(folder: Path) -> dict[str, pd.Series]:
    """Return the distance from the middle of each town to the front by day (km); folder: of the full series."""
    tables = [pd.read_csv(folder / name, parse_dates=["date"]).set_index("date") for name in reversed(SERIES)]
    return {c.removesuffix("_km").capitalize(): frame[c] for frame in tables for c in frame if c.endswith("_km")}


def _quoted() -> dict[str, pd.Series]:
    """Return the distances that officials quoted, counted from the middle of the town; of a day's the mean."""
    table = pd.read_csv(QUOTED, parse_dates=["date"])
    middle_km = (table.km_low + table.km_high) / 2 + CITY_LIMIT_KM
    return {town: middle_km[rows.index].groupby(rows.date).mean() for town, rows in table.groupby("town")}


def series_of(
    town: str,
    scope: str,
    first: Any,
    scored: pd.DataFrame,
    front: pd.Series,
    is_quoted: bool,
    with_rows_inside: bool = False,
) -> TownSeries:
    """Return a town with the counts to forecast, of which those in occupied ground are left out by default.

    scope: city or hromada. first: the first count, with `date`, `residents_reported`, `prewar`, and if they are not as
    usual `prewar_date` and `across_a_river`. scored: `date`, `residents_low`, `residents_high` of the counts after it.
    front: distance by date (km), negative inside. is_quoted: whether it is what officials quoted. with_rows_inside: see
    `read_towns`.
    """
    known = front.dropna()
    earliest = min(first.date, known.index[0]) - pd.Timedelta(days=APPROACH_OVER_D)
    calendar = pd.date_range(earliest, max(scored.date.max(), known.index[-1]))
    daily = known.reindex(calendar.union(known.index)).interpolate("time").bfill().ffill().reindex(calendar).to_numpy()
    start = calendar.get_loc(first.date)
    at = np.array([calendar.get_loc(day) for day in scored.date])
    outside = (daily[at] > 0) | with_rows_inside | (town in INSIDE_TO_THE_END)
    scored, at = scored[outside], at[outside] - start
    days = np.arange(start, start + at.max(initial=0) + 1)
    before = daily[days - APPROACH_OVER_D]
    return TownSeries(
        town=town,
        scope=scope,
        prewar=float(first.prewar),
        prewar_date=first.get("prewar_date", WAR),
        first_count=float(first.residents_reported),
        first_date=first.date,
        dates=tuple(scored.date),
        day=at,
        low=scored.residents_low.to_numpy(float),
        high=scored.residents_high.to_numpy(float),
        distance_km=np.maximum(daily[days], 0.0),
        approach_km_per_week=approach_km_per_week(daily[days], before, APPROACH_OVER_D),
        is_quoted=is_quoted,
        is_across_a_river=town in ACROSS_A_RIVER or bool(first.get("across_a_river", False)),
    )
