"""The curfew: when nobody may move, and when they may again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from safepassage.model import draws
from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream


@dataclass(frozen=True)
class CurfewHours:
    """The hours of curfew of a run: disjoint intervals in order of time."""

    start_s: np.ndarray
    """Since the start of the run, float64; the first moment at which movement is forbidden."""
    end_s: np.ndarray
    """First moment at which it is allowed again, float64."""

    def _last_started(self, time_s):
        return np.searchsorted(self.start_s, time_s, side="right") - 1

    def may_move(self, time_s):
        """Return whether movement is allowed at each moment: bool, shaped as time_s."""
        time_s = np.asarray(time_s, dtype=np.float64)
        if self.start_s.size == 0:
            return np.ones(time_s.shape, dtype=bool)
        row = self._last_started(time_s)
        return (row < 0) | (time_s >= self.end_s[row])

    def next_allowed_s(self, time_s):
        """Return the first moment not before time_s at which movement is allowed: float64, shaped as time_s."""
        time_s = np.asarray(time_s, dtype=np.float64)
        if self.start_s.size == 0:
            return time_s.copy()
        return np.where(self.may_move(time_s), time_s, self.end_s[self._last_started(time_s)])

    def next_start_s(self, time_s):
        """Return the first moment after time_s at which a curfew begins, inf: never; float64, shaped as time_s."""
        row = np.searchsorted(self.start_s, time_s, side="right")
        return np.append(self.start_s, np.inf)[row]


def curfew_hours(settings, run, time_zone):
    """Return the CurfewHours of a run, with those of a day more, so that the end of the last one is known.

    settings: `Curfew`. run: anything with `start` and `duration_h`. Windows that meet or overlap are joined; local
    times follow the clock of time_zone, summer time included.
    """
    zone = ZoneInfo(time_zone)
    run_start_s = epoch_s(run.start, time_zone)
    run_end = datetime.fromtimestamp(run_start_s + run.duration_h * 3600.0, zone).date() + timedelta(days=1)
    run_first = datetime.fromtimestamp(run_start_s, zone).date() - timedelta(days=1)
    hours = []
    for window in settings.windows:
        day = max(window.first_day, run_first)
        while day <= min(window.last_day or run_end, run_end):
            until_day = day if window.until_time > window.from_time else day + timedelta(days=1)
            start = datetime.combine(day, window.from_time, zone).timestamp() - run_start_s
            hours.append((start, datetime.combine(until_day, window.until_time, zone).timestamp() - run_start_s))
            day += timedelta(days=1)
    joined = []
    for start, end in sorted(hours):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    pairs = np.array(joined, dtype=np.float64).reshape(-1, 2)
    return CurfewHours(pairs[:, 0].copy(), pairs[:, 1].copy())


def keeps_curfew(settings, seed, keys):
    """Return which households (their `Keys`, or whole numbers) keep the curfew throughout the run, bool."""
    return draws.uniforms_for(seed, Stream.CURFEW, keys) < settings.compliance
