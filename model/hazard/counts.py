"""Counts of events by week or month and district, as HDX and ACLED publish them where single events are not given.

Columns differ from file to file: a count (events), a time (week, month and year, or the two ends of a period), a
district (name or code), sometimes the middle of it. Each event is drawn within its period and its district.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.days import change_of, day
from safepassage.model.hazard.impacts import Area
from safepassage.model.inputs.tables import Table, same_text
from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.settings.base import ScenarioError

COUNTS = ("events", "n_events", "event_count", "count")
WEEKS = ("week", "week_start", "event_week")
ENDS = (("reference_period_start", "reference_period_end"), ("start_date", "end_date"), ("date_start", "date_end"))
DISTRICTS = ("admin3_pcode", "admin3_code", "adm3_pcode", "admin2_pcode", "admin2_code", "adm2_pcode", "admin3",
             "admin3_name", "admin2", "admin2_name", "admin1_pcode", "admin1_code", "adm1_pcode", "admin1",
             "admin1_name", "location")  # fmt: skip
"""Columns that may name the district, the smallest first."""
MIDDLES = (("centroid_longitude", "centroid_latitude"), ("longitude", "latitude"))
VIOLENCE = ("explosions/remote violence", "political_violence")
"""Event types that include shelling, where a table tells no more."""
MOST_TRIES = 200
"""Draws of a place within a district, of which the first inside counts; then a point inside it. Assumption."""
_FIRST_INDEX = 1 << 28
"""Draws of places have indices from here on, apart from those of other numbers of an event."""


def columns_of_counts(
    frame: pd.DataFrame, path: Path, event_types: tuple[str, ...] | None, kinds: tuple[str, ...], report: list[str]
) -> tuple[Table, dict[str, Any]]:
    """Return the table of the rows that are kept and their common columns: from_text, n_days, place, district.

    frame: the file as texts. event_types: kinds of events to keep; None: those in `kinds`. path: the file, which
    errors name. report: sentences on what is doubtful are added to it.
    """
    frame.columns = ["_".join(str(name).lower().split()) for name in frame.columns]
    count = _first(frame, COUNTS, path, "the number of events")
    district = next((name for name in DISTRICTS if name in frame and frame[name].str.strip().any()), None)
    middle = next((pair for pair in MIDDLES if set(pair) <= set(frame.columns)), None)
    if district is None and middle is None:
        raise ScenarioError(f"{path}: no column names the district of a count, such as admin2 or admin2_pcode. Add it.")
    kept = _kept(frame, path, event_types, kinds, report)
    kept = kept & (frame[count].str.strip() != "0")
    frame = frame[kept].copy()
    frame["n_events"] = frame[count]
    table = Table(path, frame, rows=frame["line"], row="line")
    first, last = _periods(table, path)
    n_days = np.array([(b - a).days + 1 if a and b else 0 for a, b in zip(first, last, strict=True)], np.int64)
    places = [table.numbers(name, -limit, limit) for name, limit in zip(middle, (180, 90), strict=True)] if middle \
        else [np.full(len(frame), np.nan)] * 2  # fmt: skip
    district_of = frame[district].map(same_text) if district else pd.Series("", frame.index)
    identity = [f"{name} {a} {b} {kind}" for name, a, b, kind in
                zip(district_of, first, last, frame.get("sub_event_type", frame.get("event_type", district_of)),
                    strict=True)]  # fmt: skip
    return table, {
        "from_text": [str(one or "") for one in first], "n_days": n_days, "place_1": places[0], "place_2": places[1],
        "district": district_of.to_numpy(object), "n_events": frame["n_events"], "identity": identity,
    }  # fmt: skip


def _first(frame: pd.DataFrame, names: tuple[str, ...], path: Path, what: str) -> str:
    found = next((name for name in names if name in frame), None)
    if found is None:
        columns = ", ".join(name for name in frame.columns if name != "line")
        raise ScenarioError(f"{path}: no column tells {what} ({', '.join(names)}); the columns are {columns[:300]}.")
    return found


def _kept(frame: pd.DataFrame, path: Path, event_types: Any, kinds: tuple[str, ...], report: list[str]) -> pd.Series:
    """Return which rows are of the kinds wanted; what the table cannot tell is reported."""
    for name, usual in (("sub_event_type", kinds), ("event_type", VIOLENCE)):
        if name in frame:
            wanted = [same_text(one).casefold() for one in event_types or usual]
            if name == "event_type" and not event_types:
                report.append(f"{path.name}: the table does not tell shelling from other {' or '.join(VIOLENCE)}.")
            return frame[name].map(lambda text: same_text(text).casefold()).isin(wanted)
    report.append(f"{path.name}: the table does not tell kinds of events; all that it counts are taken for shelling.")
    return pd.Series(True, frame.index)


def _periods(table: Table, path: Path) -> tuple[list[date | None], list[date | None]]:
    """Return the first and the last day of each count; wrong ones are noted."""
    frame = table.frame
    ends = next((pair for pair in ENDS if set(pair) <= set(frame.columns)), None)
    week = next((name for name in WEEKS if name in frame), None)
    if ends is not None:
        first, last = (list(map(day, frame[name])) for name in ends)
        used: tuple[str, ...] = ends
    elif week is not None:
        first = list(map(day, frame[week]))
        last = [one + timedelta(days=6) if one else None for one in first]
        used = (week,)
    elif {"month", "year"} <= set(frame.columns):
        first = [_month(*pair) for pair in zip(frame["month"], frame["year"], strict=True)]
        last = [one.replace(day=calendar.monthrange(one.year, one.month)[1]) if one else None for one in first]
        used = ("month",)
    elif "month" in frame:
        first = [day(f"{text.strip()[:7]}-01") for text in frame["month"]]
        last = [one.replace(day=calendar.monthrange(one.year, one.month)[1]) if one else None for one in first]
        used = ("month",)
    else:
        raise ScenarioError(f"{path}: no column tells when: week, or month and year, or {' and '.join(ENDS[0])}.")
    for name, found in zip(used, (first, last), strict=False):
        wrong = np.array([one is None for one in found], bool)
        said = frame[name].to_numpy()[wrong]
        table.note(name, wrong, change_of(said[0]) if said.size else "")
    backwards = np.array([bool(a and b and b < a) for a, b in zip(first, last, strict=True)], bool)
    table.note(used[-1], backwards, "the period ends before it begins; correct it")
    return first, last


def _month(month: str, year: str) -> date | None:
    text = same_text(month)
    return day(f"1 {text} {same_text(year)}") if not text.isdigit() else day(f"{same_text(year)}-{text.zfill(2)}-01")


@dataclass(frozen=True, eq=False)
class Districts:
    """Outlines of the districts that a table of counts names."""

    outlines: list[Any]
    """shapely, in the plane of the streets."""
    row: np.ndarray
    """int32: outline of each event, -1 where there is none."""


def districts_of(names: np.ndarray, path: Path, table: Path, area: Area) -> Districts:
    """Return the outlines of the districts that events name, by any of their properties.

    names: of the district of each event. path: the file of districts; table: that of the counts; both are named in
    errors. area: the map.
    """
    features, _ = read_features(path, POLYGONS, "district")
    row_of: dict[str, int] = {}
    for row, one in enumerate(features):
        for said in one.properties.values():
            if isinstance(said, str | int | float):
                row_of.setdefault(same_text(said).casefold(), row)
    rows = np.array([row_of.get(str(name).casefold(), -1) for name in names], np.int32)
    if (rows < 0).all():
        raise ScenarioError(
            f"{path}: none of its {len(features):,} districts has a property with one of the names in {table.name}, "
            f"such as {str(names[0])[:60]!r}. Give the districts with the same names or codes."
        )
    used = set(rows.tolist())
    outlines = [
        shapely.transform(one.geometry, lambda xy: np.column_stack(area.plane(xy[:, 0], xy[:, 1], str(path))))
        if row in used and one.geometry is not None else shapely.Polygon() for row, one in enumerate(features)
    ]  # fmt: skip
    return Districts(outlines, rows)


def places_within(districts: Districts, key: Ints, copy: Ints, seed: int, source_number: int) -> tuple[Floats, Floats]:
    """Return x_m and y_m of each event, drawn evenly within its district; NaN where it has none.

    districts: those of the events. key, copy: what the chance of each is drawn by. seed: seed of the run, from which
    all chance is drawn. source_number: place of the source in the scenario's list, which keys its chance.
    """
    district = districts.row
    x_m, y_m = np.full(district.size, np.nan), np.full(district.size, np.nan)
    for number in np.unique(district[district >= 0]):
        outline = districts.outlines[number]
        if outline.is_empty:
            continue
        west, south, east, north = outline.bounds
        shapely.prepare(outline)
        left = np.flatnonzero(district == number)
        for one_try in range(MOST_TRIES):
            index = _FIRST_INDEX + (source_number * MOST_TRIES + one_try) * 2
            u, v = (uniforms_for(seed, Stream.PLACE, key[left], tick=copy[left], index=index + k) for k in (0, 1))
            x, y = west + u * (east - west), south + v * (north - south)
            inside = shapely.contains_xy(outline, x, y)
            x_m[left[inside]], y_m[left[inside]] = x[inside], y[inside]
            left = left[~inside]
            if not left.size:
                break
        point = outline.representative_point()
        x_m[left], y_m[left] = point.x, point.y
    return x_m, y_m
