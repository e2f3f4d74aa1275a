"""Hours of the day over a period, as seconds since the start of the run: when a service works, when a curfew holds."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import ceil, floor, inf
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats


@dataclass(frozen=True)
class OpenHours:
    """Disjoint intervals in order of time, float64: from each start_s on, before its end_s."""

    start_s: np.ndarray
    end_s: np.ndarray

    @cached_property
    def _as_lists(self) -> tuple[list[float], list[float]]:
        """start_s and end_s as lists, in which a single moment is found sooner."""
        return self.start_s.tolist(), self.end_s.tolist()

    def is_open(self, time_s: float) -> bool:
        """Return whether a moment lies within them."""
        start_s, end_s = self._as_lists
        row = bisect_right(start_s, time_s) - 1
        return row >= 0 and time_s < end_s[row]

    def next_open_s(self, time_s: float) -> float:
        """Return the first moment from time_s on that lies within them; inf: none."""
        start_s, end_s = self._as_lists
        row = bisect_right(end_s, time_s)
        return max(start_s[row], time_s) if row < len(start_s) else inf

    def next_change_s(self, time_s: float) -> float:
        """Return the first moment after time_s at which they begin or end; inf: none."""
        start_s, end_s = self._as_lists
        row = bisect_right(start_s, time_s) - 1
        if row >= 0 and time_s < end_s[row]:
            return end_s[row]
        return start_s[row + 1] if row + 1 < len(start_s) else inf

    def hold(self, time_s: Floats | float) -> Bools:
        """Return whether each moment lies within them: bool, shaped as time_s."""
        time_s = np.asarray(time_s, dtype=np.float64)
        row = np.searchsorted(self.start_s, time_s, side="right") - 1
        return (row >= 0) & (time_s < np.append(self.end_s, -np.inf)[row])

    def next_outside_s(self, time_s: Floats | float) -> Floats:
        """Return the first moment not before each that lies outside of them: float64, shaped as time_s."""
        time_s = np.asarray(time_s, dtype=np.float64)
        row = np.searchsorted(self.start_s, time_s, side="right") - 1
        return np.where(self.hold(time_s), np.append(self.end_s, -np.inf)[row], time_s)


def open_hours(
    hours: Sequence[Any], run: Any, time_zone: str, acts_s: Mapping[str, float] = MappingProxyType({})
) -> OpenHours:
    """Return the OpenHours of a service within a run, from its settings `ServiceHours`; none given: always open.

    hours: their settings. run: anything with `start` and `duration_h`. time_zone: of local times. acts_s: by name, when
    each trigger acts of which authorities know (s); one that is not there has yet to act.
    """
    if not hours:
        return OpenHours(np.array([-np.inf]), np.array([np.inf]))
    from_s = [-np.inf if one.after is None else acts_s.get(one.after, np.inf) for one in hours]
    until_s = [np.inf if one.ends_after is None else acts_s.get(one.ends_after, np.inf) for one in hours]
    return hours_within(hours, run, time_zone, from_s, until_s)


def hours_within(
    hours: Sequence[Any], run: Any, time_zone: str, from_s: Sequence[float] = (), until_s: Sequence[float] = ()
) -> OpenHours:
    """Return the OpenHours of settings `Hours` within a run, and those of a day before and after it.

    run: anything with `start` and `duration_h`. Local times follow the clock of time_zone, summer time included; hours
    that meet or overlap are joined. from_s: of each, from when it is in force (s); default: from before the run.
    until_s: of each, until when (s); default: to the end.
    """
    zone = ZoneInfo(time_zone)
    start_s = epoch_s(run.start, time_zone)
    first = datetime.fromtimestamp(start_s, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(start_s + run.duration_h * 3600.0, zone).date() + timedelta(days=1)
    found = []
    begins, ends = from_s or [-np.inf] * len(hours), until_s or [np.inf] * len(hours)
    for each, in_force_s, over_s in zip(hours, begins, ends, strict=True):
        day = max(each.first_day or first, first)
        while day <= min(each.last_day or last, last):
            until_day = day if each.until_time > each.from_time else day + timedelta(days=1)
            begin = datetime.combine(day, each.from_time, zone).timestamp() - start_s
            end = datetime.combine(until_day, each.until_time, zone).timestamp() - start_s
            if end > in_force_s and begin < over_s:
                found.append((max(begin, in_force_s), min(end, over_s)))
            day += timedelta(days=1)
    joined: list[list[float]] = []
    for begin, end in sorted(found):
        if joined and begin <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, end])
    pairs = np.array(joined, np.float64).reshape(-1, 2)
    return OpenHours(pairs[:, 0].copy(), pairs[:, 1].copy())


def epoch_s(moment: datetime, time_zone: str) -> float:
    """Return seconds since 1970-01-01 00:00 UTC; a moment without a zone is local in time_zone."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))).timestamp()


def local_time(start: datetime, time_s: float, time_zone: str) -> datetime:
    """Return what clocks in time_zone show so long after the start of a run; without a zone, summer time included."""
    moment = datetime.fromtimestamp(epoch_s(start, time_zone) + float(time_s), ZoneInfo(time_zone))
    return moment.replace(tzinfo=None)


MINUTE_S = 60.0
SAME_MOMENT_S = 1e-3
"""Moments within this are one (s)."""


def minute_after(time_s: float) -> float:
    """Return the first whole minute after a time (s)."""
    return (floor(time_s / MINUTE_S) + 1) * MINUTE_S


def minute_from(time_s: float) -> float:
    """Return the first whole minute from a time on (s); inf and -inf from themselves."""
    return ceil(time_s / MINUTE_S) * MINUTE_S if -inf < time_s < inf else time_s


def minute_before(time_s: float) -> float:
    """Return the last whole minute before a time (s); inf and -inf before themselves."""
    return (ceil(time_s / MINUTE_S) - 1) * MINUTE_S if -inf < time_s < inf else time_s
