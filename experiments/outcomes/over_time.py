"""Outcomes at moments of a run: how they are named, which round moments suit a run."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

AT = "@"
"""Between a column of the time series and the time (s after the start): `n_safe@3600`."""
REMAINING = "n_remaining:"
"""Before a group's name: a series like a column, of those of the group still in the area, alive."""


def series_from(outcomes: Mapping[str, float], column: str, at_s: Sequence[float]) -> np.ndarray:
    """Return a kept column of the time series at the times asked for."""
    return np.array([outcomes[f"{column}{AT}{time_s:.0f}"] for time_s in at_s])


def hours_or_dates(start: datetime, duration_h: float, n_most: int = 6) -> tuple[float, ...]:
    """Return a few round times of a run (s after its start): every so many hours, or midnights if it lasts days."""
    if duration_h > 72:
        steps_h, first_h = [24 * days for days in (1, 2, 5, 7, 14, 28, 60, 120)], 24 - start.hour - start.minute / 60
    else:
        steps_h, first_h = [0.25, 0.5, 1, 2, 3, 4, 6, 12, 24], 0.0
    step_h = next((step for step in steps_h if duration_h / step <= n_most + 0.99), steps_h[-1])
    times_h = np.arange(first_h or step_h, duration_h - 1e-6, step_h)
    return tuple(float(round(time_h * 3600)) for time_h in times_h)


def fine_grid(duration_h: float, n: int = 48) -> tuple[float, ...]:
    """Return evenly spaced times from start to end (s), on whole minutes."""
    return tuple(sorted({float(round(t / 60) * 60) for t in np.linspace(0, duration_h * 3600, n + 1)}))
