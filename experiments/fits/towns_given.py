"""Towns that a user gives, forecast by the fit to the twelve: counts of residents and the front, in two tables.

Nothing is fitted to a given town. If it is one of the twelve and the full front series are at hand, it is left out of
the fit; without them the shipped values are used, to which it has contributed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.experiments.fits.towns import TABLES, WAR, TownSeries, read_towns, series_of
from safepassage.experiments.fits.towns_fit import (
    FRONT_ONLY_START,
    SHIPPED,
    bootstrap,
    fit,
    forecast_front_only,
    spread_between,
)
from safepassage.model.inputs.tables import NO, YES, read_csv, read_table, refuse
from safepassage.model.settings.base import ScenarioError

DRAWN = TABLES / "leaving_parameters_drawn.csv"
"""Fits to the twelve towns with random weights of whole towns: what bands are made of without the front series."""
SHIPPED_SPREAD = (0.38, 0.26)
"""sd of the logarithm of a town's own factor on its rate, and of the noise of counts, as found in the twelve towns."""
FRONT_ONLY = np.array([-6.09, 0.018])
"""Logarithm of the daily rate at the line, and its fall per km, of the two-parameter hazard fitted to all twelve."""
MUST_HAVE = ("date", "place", "residents")
MAY_HAVE = (
    "scope", "prewar", "prewar_date", "across_a_river", "residents_low", "residents_high", "date_precision", "children",
    "front_km_quoted", "official", "source_url",
)  # fmt: skip
YES_OR_NO = dict.fromkeys(YES, 1) | dict.fromkeys(("", *NO), 0)
PREWAR_DATE = f"{WAR:%Y-%m-%d}"


def read_given(counts: Path, front: Path) -> tuple[list[TownSeries], list[str]]:
    """Return the towns of a user's two tables, and a sentence for each town or row that is left out.

    counts: date, place, residents, and if wished scope, residents_low and residents_high (where reports disagree),
    prewar, prewar_date and across_a_river; see docs/validation_towns.md. front: date and a column PLACE_km for each
    place, the distance from its middle, negative inside occupied ground. Raises ScenarioError, which names file, line
    and value.
    """
    distances = _front(front)
    notes, towns = [], []
    for (place, scope), rows in _counts(counts).groupby(["place", "scope"], sort=True):
        found = _town(str(place), str(scope), rows, distances)
        if isinstance(found, str):
            notes.append(f"{place}, {scope}: left out: {found}")
        else:
            towns.append(found)
            n = int((rows.date > found.first_date).sum()) - found.day.size
            if n:
                notes.append(f"{place}, {scope}: {n} counts taken in occupied ground, or beyond the front, left out")
    if not towns:
        raise ScenarioError("\n".join([f"{counts}: there is no town to forecast.", *notes]))
    return towns, notes


def _counts(path: Path) -> pd.DataFrame:
    """Return the counts, each with its bounds, dates as such."""
    table = read_table(path, MUST_HAVE, MAY_HAVE)
    frame = table.frame.reindex(columns=["place", "scope"], fill_value="")
    frame["date"] = _dates(table, "date")
    frame["residents"] = _numbers(table, "residents")
    for side in ("low", "high"):
        name = f"residents_{side}"
        given = _numbers(table, name) if name in table else np.full(len(table), np.nan)
        frame[name] = np.where(np.isnan(given), frame.residents, given)
    table.note("residents", frame.residents_low > frame.residents_high, "residents_low must not exceed residents_high")
    frame["prewar"] = _numbers(table, "prewar") if "prewar" in table else np.nan
    frame["prewar_date"] = _dates(table, "prewar_date") if "prewar_date" in table else WAR
    frame["across_a_river"] = table.choices("across_a_river", YES_OR_NO) == 1 if "across_a_river" in table else False
    table.check()
    frame["prewar_date"] = frame.prewar_date.fillna(WAR)
    return frame[frame.residents.notna()]  # a row of children only says nothing of all


def _numbers(table: Any, column: str) -> np.ndarray:
    """Return a column of numbers of people, NaN where nothing stands; notes what is no number."""
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
    table.note(column, (table[column] != "") & ~(values >= 0), "give a number of people, or nothing")
    return values


def _dates(table: Any, column: str) -> pd.Series:
    """Return a column of dates; notes what is no date, or lacks."""
    values = pd.to_datetime(table[column], format="%Y-%m-%d", errors="coerce")
    table.note(column, values.isna() & ((table[column] != "") | (column == "date")), "give a date such as 2024-10-08")
    return values


def _front(path: Path) -> dict[str, pd.Series]:
    """Return the distance of the front from each place by date (km), by the plain name of the place."""
    frame, lines = read_csv(path)
    names = [name for name in frame.columns if name.lower().endswith("_km")]
    if "date" not in frame.columns or not names:
        raise ScenarioError(f"{path}: needed are a column date and for each place a column such as stepnohirsk_km.")
    dates = pd.to_datetime(frame.date, format="%Y-%m-%d", errors="coerce")
    wrong = [f"{path}: line {lines[i]}: date = {frame.date[i]!r}; give one such as 2024-10-08." for i in
             np.flatnonzero(dates.isna())[:5]]  # fmt: skip
    found = {}
    for name in names:
        km = pd.to_numeric(frame[name], errors="coerce")
        wrong += [f"{path}: line {lines[i]}: {name} = {frame[name][i]!r}; give kilometres, or nothing." for i in
                  np.flatnonzero(km.isna() & (frame[name] != ""))[:5]]  # fmt: skip
        found[_plain(name[:-3])] = pd.Series(km.to_numpy(), index=dates).groupby(level=0).mean()
    refuse(wrong)
    return found


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().split())


def _town(place: str, scope: str, rows: pd.DataFrame, distances: dict[str, pd.Series]) -> TownSeries | str:
    """Return a town, or why it is left out."""
    before = rows[rows.date <= rows.prewar_date]
    after = rows[rows.date > rows.prewar_date].sort_values("date", kind="stable")
    prewar = rows.prewar.max() if rows.prewar.notna().any() else before.residents.max()
    if not prewar > 0:
        return f"no count up to {PREWAR_DATE} and nothing in a column prewar"
    if len(after) < 2:
        return "fewer than two counts after that before the war; the first is where the forecast starts"
    if _plain(place) not in distances:
        return f"there is no column {_plain(place)}_km in the table of the front"
    front = distances[_plain(place)].dropna()
    if front.empty or not front.index[0] <= after.date.iloc[0] <= front.index[-1]:
        return f"the front is not known on the day of the first count, {after.date.iloc[0]:%Y-%m-%d}"
    first = pd.Series({"date": after.date.iloc[0], "residents_reported": after.residents.iloc[0], "prewar": prewar,
                       "prewar_date": rows.prewar_date.max(), "across_a_river": rows.across_a_river.any()})  # fmt: skip
    scored = after[(after.date > first.date) & (after.date <= front.index[-1])]
    made = series_of(place, scope, first, scored, front, is_quoted=False) if len(scored) else None
    return made if made is not None and made.day.size else "no count after the first that could be scored"


def fits_for(given: Sequence[TownSeries], folder: Path | None, n: int) -> dict[TownSeries, tuple]:
    """Return by town (point, pool, spread, front) to forecast it with; folder: of the full front series.

    point: logarithms of k0, k1 and D. pool: float64[n, 3], for bands. spread: see `spread_between`. front: parameters
    of the two-parameter hazard. given: towns to forecast.
    """
    if folder is None:
        pool = np.log(pd.read_csv(DRAWN, usecols=[0, 1, 2]).to_numpy(np.float64))
        return dict.fromkeys(given, (SHIPPED, pool, SHIPPED_SPREAD, FRONT_ONLY))
    towns = read_towns(folder)
    names = sorted({town.town for town in towns})
    made: dict[str | None, tuple] = {}
    found = {}
    for town in given:
        out = next((name for name in names if _plain(name) == _plain(town.town)), None)
        if out not in made:
            others = [name for name in names if name != out]
            used = [each for each in towns if each.town != out]
            point = fit(used)
            made[out] = (
                point,
                bootstrap(towns, others, point, n, seed=5),
                spread_between(towns, others, point),
                fit(used, FRONT_ONLY_START, forecast_front_only),
            )
        found[town] = made[out]
    return found
