"""Recorded shelling: tables of events read from files, placed as precisely as they are known, and replayed.

Layouts: our own plain CSV, and exports of ACLED (Raleigh et al. 2010), VIINA (Zhukov and Ayers) and UCDP GED
(Sundberg and Melander 2013). Every draw is keyed by the row's own content, so other rows never change it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model import draws
from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream
from safepassage.model.hazard.counts import districts_of, places_within
from safepassage.model.hazard.impacts import Area, Events
from safepassage.model.hazard.layouts import UNKNOWN_SIZE, Precision, common_columns
from safepassage.model.hazard.published import read_events
from safepassage.model.inputs.tables import refuse, some_of
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelling import RecordedShelling

MOST_EVENTS = 5_000_000
"""Events of one table, those of a report counted: some 0.5 GB. Assumption."""
TIME, RADIUS, ANGLE, SIZE, KEPT = range(5)
"""Which of the numbers of one event a draw is for."""


@dataclass(frozen=True)
class EventTable:
    """Arrays of recorded events, one row each, sorted by time; a report of several events is several rows."""

    time_s: np.ndarray
    """Earliest moment, since 1970-01-01 00:00 UTC, float64."""
    span_s: np.ndarray
    """The event came within this time of the earliest moment: 0 if the time is known, else one or more days."""
    place_1: np.ndarray
    """Longitude (degrees), or x_m."""
    place_2: np.ndarray
    """Latitude (degrees), or y_m."""
    precision: np.ndarray
    """`Precision`, int8."""
    size: np.ndarray
    """`Size`, int8, or UNKNOWN_SIZE."""
    key: np.ndarray
    """32 bits of a digest of the row's content, uint32: what its draws are keyed by."""
    copy: np.ndarray
    """Which of the events of its report, from 0, int32."""
    district: np.ndarray | None = None
    """Name of the district that each event is counted for; None: the table has places instead."""
    in_degrees: bool = True
    """Whether places are longitude and latitude."""
    report: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.time_s.size

    def rows(self, chosen: Any) -> "EventTable":
        """Return the table of the chosen rows (mask, indices or slice)."""
        names = ("time_s", "span_s", "place_1", "place_2", "precision", "size", "key", "copy")
        district = None if self.district is None else self.district[chosen]
        return replace(self, district=district, **{name: getattr(self, name)[chosen] for name in names})


def read(
    path: Path,
    layout: str = "plain",
    time_zone: str = "Europe/Kyiv",
    mixed_zones: str = "refuse",
    event_types: tuple[str, ...] | None = None,
) -> EventTable:
    """Return the EventTable of a file, repaired where that is safe, with a report of each repair.

    path: the file, which errors name. layout: plain, acled, viina, ucdp or hdx: whose columns the file has. time_zone:
    name of the zone of local times, such as Europe/Kyiv. mixed_zones: what to do with times of which some have an
    offset: refuse or convert. event_types: kinds of events to keep; None: those that are shelling.
    """
    path = Path(path)
    report: list[str] = []
    frame, lines = read_events(path, layout, report)
    in_degrees = "x_m" not in frame.columns
    frame["line"] = lines
    if frame.empty:
        report.append(f"{path.name}: there is no event in it.")
    events = _without_duplicates(common_columns(frame, layout, path, event_types, report), path, report)
    time_s, span_s = _times(events, path, time_zone, mixed_zones, report)
    if np.any(np.diff(time_s) < 0):
        report.append(f"{path.name}: rows were not in order of time and have been sorted.")
    n_events = pd.to_numeric(events["n_events"].replace("", "1")).to_numpy(np.int64)
    if n_events.sum() > MOST_EVENTS:
        raise ScenarioError(
            f"{path}: the reports contain {n_events.sum():,} events in all; at most {MOST_EVENTS:,} are taken. Correct "
            "the column n_events, or leave reports out."
        )
    change = "Correct the column n_events, or leave reports out."
    refuse_needs([Need(str(path), int(n_events.sum()), "events", BYTES["impact"], change)])
    order = np.lexsort((events["key"].to_numpy(), time_s))
    rows = np.repeat(order, n_events[order])
    first = np.repeat(np.cumsum(n_events[order]) - n_events[order], n_events[order])
    return EventTable(
        time_s=time_s[rows],
        span_s=span_s[rows],
        place_1=events["place_1"].to_numpy(np.float64)[rows],
        place_2=events["place_2"].to_numpy(np.float64)[rows],
        precision=events["precision"].to_numpy(np.int8)[rows],
        size=events["size"].to_numpy(np.int8)[rows],
        key=events["key"].to_numpy(np.uint32)[rows],
        copy=(np.arange(rows.size) - first).astype(np.int32),
        district=events["district"].to_numpy(object)[rows] if "district" in events else None,
        in_degrees=in_degrees,
        report=tuple(report),
    )


def _without_duplicates(events, path, report):
    """Return the rows that differ, each with the key of its content; refuse one identity with two contents."""
    columns = [events[name].tolist() for name in
               ("from_text", "n_days", "place_1", "place_2", "precision", "size", "n_events", "identity")]  # fmt: skip
    texts = pd.Series(["|".join(map(str, row)) for row in zip(*columns, strict=True)], dtype=object)
    events = events.assign(key=draws.digests(texts))
    again = texts.duplicated().to_numpy(bool)
    if again.any():
        lines = ", ".join(str(line) for line in events["line"][again][:5])
        report.append(f"{path.name}: {int(again.sum())} duplicate rows are left out (lines {lines}).")
    events = events[~again]
    named = events[events["identity"] != ""]
    twice = named[named["identity"].duplicated(keep=False)]
    lines = twice["line"].astype(str).groupby(twice["identity"], sort=False).agg(" and ".join)
    refuse(
        some_of(
            np.arange(len(lines)),
            lambda i: (
                f"{path}: the id {lines.index[i]!r} is on lines {lines.iloc[i]} with different content. Keep the row "
                "that is right."
            ),
            f"{path}: {{n}} more ids are on several lines with different content.",
        )
    )
    return events


def _times(events, path, time_zone, mixed_zones, report):
    """Return the earliest moment (epoch s) and the span (s) of each row, float64."""
    moments = [datetime.fromisoformat(text) for text in events["from_text"]]
    only_day = np.array([len(text) <= 10 for text in events["from_text"]], dtype=bool)
    local = np.array([moment.tzinfo is None for moment in moments], dtype=bool) & ~only_day
    offsets = sorted({moment.strftime("%z") for moment in moments if moment.tzinfo is not None})
    if offsets and local.any():
        if mixed_zones == "refuse":
            raise ScenarioError(
                f"{path}: {len(moments) - int(local.sum() + only_day.sum())} times carry an offset and "
                f"{int(local.sum())} do not (first: line {events['line'].to_numpy()[local][0]}). Write all of them in "
                f"one way, or set mixed_zones: convert to read those without as local time of {time_zone}."
            )
        report.append(
            f"{path.name}: {int(local.sum())} times without an offset were read as local time of {time_zone}."
        )
    if len(offsets) > 1:
        report.append(f"{path.name}: times carry the offsets {', '.join(offsets)}; each was taken as written.")
    time_s = np.array([epoch_s(moment, time_zone) for moment in moments], dtype=np.float64)
    n_days = np.maximum(events["n_days"].to_numpy(np.int64), only_day)
    span_s = np.zeros(len(moments))
    for i in np.flatnonzero(n_days):
        span_s[i] = epoch_s(moments[i] + timedelta(days=int(n_days[i])), time_zone) - time_s[i]
    return time_s, span_s


def numbers(table: EventTable, seed: int, which: int, repeat: int = 0, source_number: int = 0) -> Floats:
    """Return one number in [0, 1) per event, which depends on the event's own row and nothing else.

    table: the events of a file. seed: seed of the run, from which all chance is drawn. repeat: which repetition of the
    record. source_number: place of the source in the scenario's list, which keys its chance.
    """
    index = (source_number * 2048 + repeat) * 8 + which
    return draws.uniforms_for(seed, Stream.PLACE, table.key, tick=table.copy, index=index)


def place(
    table: EventTable, settings: RecordedShelling, area: Area, seed: int, source_number: int = 0
) -> tuple[Floats, Floats, Floats, Ints]:
    """Return time_s (epoch), x_m, y_m, size of each event, drawn within what is known of it.

    Time: uniform over the days it may have come in. Place: uniform in the disc about the point given, or in the outline
    of its district; NaN if the record tells neither.

    table: the events of a file. settings: the scenario's section `RecordedShelling`. area: the map. seed: seed of the
    run, from which all chance is drawn. source_number: place of the source in the scenario's list, which keys its
    chance.
    """

    def number(which):
        return numbers(table, seed, which, source_number=source_number)

    time_s = table.time_s + number(TIME) * table.span_s
    if table.in_degrees:
        x_m, y_m = area.plane(table.place_1, table.place_2, str(settings.file))
    else:
        x_m, y_m = table.place_1, table.place_2
    reach_m = np.array([0.0, settings.settlement_radius_m, settings.district_radius_m])[table.precision]
    radius_m, angle = reach_m * np.sqrt(number(RADIUS)), 2 * np.pi * number(ANGLE)
    x_m, y_m = x_m + radius_m * np.cos(angle), y_m + radius_m * np.sin(angle)
    if len(table) and table.district is not None and settings.districts is not None:
        districts = districts_of(table.district, settings.districts, settings.file, area)
        within = places_within(districts, table.key, table.copy, seed, source_number)
        x_m, y_m = (np.where(np.isnan(new), old, new) for new, old in zip(within, (x_m, y_m), strict=True))
    drawn = np.searchsorted(np.cumsum(settings.size_shares)[:2], number(SIZE), side="right")
    size = np.where(table.size == UNKNOWN_SIZE, drawn, table.size).astype(np.int8)
    return time_s, x_m, y_m, size


def replay(settings: RecordedShelling, area: Area, seed: int, time_zone: str, source_number: int = 0) -> Events:
    """Return the Events of a recorded source: those of its period, shifted, repeated and thinned as it says.

    settings: the scenario's section `RecordedShelling`. area: the map. seed: seed of the run, from which all chance is
    drawn. time_zone: name of the zone of local times, such as Europe/Kyiv. source_number: place of the source in the
    scenario's list, which keys its chance.
    """
    zone = settings.time_zone or time_zone
    table = read(settings.file, settings.layout, zone, settings.mixed_zones, settings.event_types)
    report = list(table.report)
    time_s, x_m, y_m, size = place(table, settings, area, seed, source_number)
    _refuse_swapped(settings.file, table, area)
    has_place = np.isfinite(x_m) & np.isfinite(y_m)
    if len(table) and not has_place.any():
        raise ScenarioError(
            f"{settings.file}: the table gives names of districts and no places. Give the outlines of the districts "
            f"with shelling.sources.{source_number}.districts."
        )
    if not has_place.all():
        n = int((~has_place).sum())
        report.append(f"{settings.file.name}: {n} events of districts without an outline are left out.")
    first_s, end_s = -np.inf, np.inf
    if settings.first_day:
        first_s = _midnight_s(settings.first_day, zone)
    if settings.last_day:
        end_s = _midnight_s(settings.last_day + timedelta(days=1), zone)
    in_period = (time_s >= first_s) & (time_s < end_s)
    chosen = in_period & has_place
    if not in_period.all():
        report.append(
            f"{settings.file.name}: {int((~in_period).sum())} events lie outside the period and are left out."
        )
    vague = chosen & (table.precision != Precision.EXACT)
    if vague.any():
        report.append(f"{settings.file.name}: {int(vague.sum())} events are known to their settlement or district "
                      "only and were placed by chance within it.")  # fmt: skip
    parts = []
    n_copies = int(chosen.sum()) * settings.n_repeats * settings.keep_share
    change = "Lower n_repeats or keep_share, or choose a shorter period."
    place_of_key = f"shelling.sources.{source_number}.n_repeats"
    refuse_needs([Need(place_of_key, n_copies, "copies of events", BYTES["impact"], change)])
    for repeat in range(settings.n_repeats):
        u = numbers(table, seed, KEPT, repeat, source_number)
        kept = chosen & (u < settings.keep_share)
        later_s = settings.shift_h * 3600.0 + (repeat * (end_s - first_s) if repeat else 0.0)
        parts.append((time_s[kept] + later_s, x_m[kept], y_m[kept], size[kept]))
    time_s, x_m, y_m, size = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Events(time_s, x_m, y_m, size, np.arange(time_s.size), tuple(report))


def _refuse_swapped(path: Path, table: EventTable, area: Area) -> None:
    """Raise ScenarioError for places that lie on the map only if their longitude and latitude are swapped."""
    if not table.in_degrees or area.to_plane is None or not len(table):
        return
    can_be = np.abs(table.place_1) <= 90
    there = area.contains(*area.plane(table.place_1, table.place_2, str(path)))
    swapped = can_be & ~there
    swapped[swapped] = area.contains(*area.plane(table.place_2[swapped], table.place_1[swapped], str(path)))
    if swapped.any():
        row = int(np.argmax(swapped))
        raise ScenarioError(
            f"{path}: {int(swapped.sum()):,} events, such as that at longitude {table.place_1[row]:g}, latitude "
            f"{table.place_2[row]:g}, lie on the map only if these two are swapped. Swap them."
        )


def _midnight_s(day, time_zone):
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).timestamp()
