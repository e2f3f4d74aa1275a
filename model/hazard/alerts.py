"""Air-raid alerts: when they sound, from a record or a while before the first impact of a cluster, or for nothing.

Like all hazards they are the same whatever people do; only the lever `alerts` changes them.
"""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from safepassage.agents.ground.arrays import Floats
from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.days import is_moment, iso
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.hazard.process import HOUR_S, poisson_quantile
from safepassage.model.hazard.published import read_events
from safepassage.model.inputs.tables import same_text
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelling import ALERTS_BY_HOUR
from safepassage.model.settings.shelters import AirRaidAlerts

STARTS = ("started_utc", "started_at", "start", "started")
ENDS = ("finished_utc", "finished_at", "end", "ended", "finished")
REGIONS = ("region", "oblast", "location_title", "location")
PLACES = (*REGIONS, "raion", "hromada")
"""Columns that name where an alert holds, the widest first: those of alerts.in.ua and of the lists kept from it."""

SOUNDS_ON_S = 60.0
"""A drawn alert ends so long after the impact that it announces (s): nobody comes out of cover just before, and what
they hear then keeps them in. Assumption."""


def alerts_of(settings: AirRaidAlerts, impacts: Impacts, run: Any, seed: int, time_zone: str) -> tuple[Floats, Floats]:
    """Return (start_s, end_s) of the alerts of a run in order of time, s after its start.

    settings: the scenario's section `AirRaidAlerts`. impacts: what falls in the run. run: start and length of the run.
    seed: of the run. time_zone: of local times.
    """
    parts = [np.empty((2, 0))]
    if settings.file is not None:
        run_s = epoch_s(run.start, time_zone)
        parts.append(_recorded(settings, run_s + run.duration_h * 3600.0) - run_s)
    if settings.warning_s is not None and len(impacts):
        is_real = np.zeros(len(impacts), np.bool_)
        is_real[impacts.cluster[impacts.falls]] = True
        first = np.flatnonzero(is_real)
        first_s = impacts.time_s[first]
        key = (first_s * 1000.0).astype(np.int64) % 2**32
        warned_s = first_s[uniforms_for(seed, Stream.ALERT, key) < settings.share_warned]
        ends_s = warned_s + SOUNDS_ON_S
        parts.append(np.array([np.maximum(0.0, warned_s - settings.warning_s), ends_s]))
    if settings.warning_s is not None:
        parts.append(_false_alarms(settings, run, seed, time_zone))
    start_s, end_s = np.concatenate(parts, axis=1)
    within = (end_s >= 0) & (start_s < run.duration_h * 3600.0)
    start_s, end_s = np.maximum(start_s[within], 0.0), end_s[within]
    order = np.lexsort((end_s, start_s))
    return start_s[order], end_s[order]


def _false_alarms(settings: AirRaidAlerts, run: Any, seed: int, time_zone: str) -> np.ndarray:
    """Return starts and ends of the alerts that nothing follows, s after the start of the run, float64[2, n].

    By the hours of recorded alerts. Keyed by the hour of the calendar and the count in it, so that a longer run
    changes no earlier one.
    """
    begin_s, zone = epoch_s(run.start, time_zone), ZoneInfo(time_zone)
    hours = np.arange(int(begin_s // HOUR_S), int(-(-(begin_s + run.duration_h * HOUR_S) // HOUR_S)), dtype=np.int64)
    local = np.array([datetime.fromtimestamp(hour * HOUR_S, zone).hour for hour in hours], dtype=np.int64)
    mean = settings.false_per_day / 24.0 * (np.array(ALERTS_BY_HOUR) / np.mean(ALERTS_BY_HOUR))[local]
    n = poisson_quantile(uniforms_for(seed, Stream.ALERT, hours % 2**32, index=2), mean)
    rank = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    u = np.empty(rank.size)
    for k in np.unique(rank).tolist():
        u[rank == k] = uniforms_for(seed, Stream.ALERT, np.repeat(hours, n)[rank == k] % 2**32, tick=k, index=3)
    start_s = (np.repeat(hours, n) + u) * HOUR_S - begin_s
    return np.array([start_s, start_s + settings.false_duration_s])


def _recorded(settings: AirRaidAlerts, end_s: float) -> np.ndarray:
    """Return starts and ends of the alerts of a file, epoch seconds, float64[2, n]; without an end: end_s."""
    assert settings.file is not None  # whoever asks has looked
    path = settings.file
    frame, lines = _of_place(*read_events(path, "alerts", []), path, settings.place)
    starts, ends = (_column(frame, names, path) for names in (STARTS, ENDS))
    found = np.full((2, len(frame)), end_s)
    for k, name in enumerate((starts, ends)):
        for i, (line, text) in enumerate(zip(lines, frame[name], strict=True)):
            if k and text in ("", "None", "nan", "NaT"):
                continue
            said = iso(text)
            if len(said) <= 10 or not is_moment(said):
                raise ScenarioError(
                    f"{path}, line {line}: {name} = {text[:40]!r} is no moment; write it as 2024-08-01T06:30:00Z."
                )
            found[k, i] = epoch_s(datetime.fromisoformat(said), "UTC")
    wrong = np.flatnonzero(found[1] < found[0])
    wrong = wrong[found[0, wrong] < end_s]
    if wrong.size:
        raise ScenarioError(f"{path}, line {lines[wrong[0]]}: the alert ends before it starts. Correct the row.")
    return found[:, found[0] <= found[1]]


def _column(frame: pd.DataFrame, names: tuple[str, ...], path: Path) -> str:
    found = next((name for name in names if name in frame), None)
    if found is None:
        raise ScenarioError(
            f"{path}: there is no column {names[0]!r}; the columns are {', '.join(frame.columns)[:300]}. Give "
            f"{STARTS[0]} and {ENDS[0]}."
        )
    return found


def _of_place(frame: pd.DataFrame, lines: np.ndarray, path: Path, place: str | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of alerts of a place: those that name it, and those of the whole region that it is in.

    Raises ScenarioError if the table has several regions and no place is chosen, or none of its rows names it.
    """
    given = [name for name in PLACES if name in frame]
    names = pd.DataFrame({name: frame[name].map(lambda text: same_text(text).casefold()) for name in given})
    widest = given[0] if given else None
    if place is None:
        regions = sorted(set(frame[widest]) - {""}) if widest in REGIONS else []
        if len(regions) > 1:
            raise ScenarioError(
                f"{path}: alerts of {len(regions)} regions are in it: {', '.join(regions)[:300]}. Choose one with "
                "alerts.place."
            )
        return frame, lines
    wanted = same_text(place).casefold()
    named = (names == wanted).any(axis=1).to_numpy(bool)
    if not named.any():
        known = sorted({text for name in given for text in frame[name] if text})
        raise ScenarioError(
            f"{path}: no alert is of alerts.place = {place!r}; there are {', '.join(known)[:300] or 'no places'}."
        )
    kept = named.copy()
    for depth in range(1, len(given)):  # an alert of a wider area holds for the place as well
        wider = given[:depth]
        around = {tuple(row) for row in names.loc[named, wider].itertuples(index=False) if all(row)}
        is_wide = (names[given[depth:]] == "").all(axis=1).to_numpy(bool)
        kept |= is_wide & np.array([tuple(row) in around for row in names[wider].itertuples(index=False)])
    return frame[kept], lines[kept]
