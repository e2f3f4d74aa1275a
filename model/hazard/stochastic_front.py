"""A front that moves by chance: it stands, pushes at a speed, jumps and falls back, by the seed alone.

From one week to the next a front that stands goes on standing with a chance, one that pushes goes on pushing with
another. Each push has a speed of its own (log-normal) about which its weeks vary (gamma). Beside that it may leap
ahead or fall back in a week. The numbers are fitted to the dated fronts of eight towns (`safepassage fit-front`).
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.model.draws import Stream, uniforms
from safepassage.model.settings.front import FrontProcess

WEEK_D = 7
WEEK_S = WEEK_D * 86400.0
STILL_KM = 0.05
"""Less than this in a week is no way made: the series of the towns are drawn no finer (km). Assumption."""
MEMORY_WEEKS = 4
"""A front that has made way within so many weeks is in a push: of the lengths tried, 1 to 9 weeks, the one that
foretells a town best from the other seven (docs/howto/uncertain_front.md)."""
N_DRAWS = 8
"""Uniform numbers that each week of a front takes."""


@dataclass(frozen=True)
class Pace:
    """How a front moves at the start of its way."""

    is_pushing: Bools
    """Whether each of several fronts is in a push."""
    speed_km_week: Floats
    """Speed of its push; nan: not known, drawn anew."""


def pace_of(advance_km: Floats) -> tuple[bool, float]:
    """Return whether a front is in a push, and its speed (km per week); nan: it stands.

    advance_km: way made in each of the last weeks, the latest last; leaps ahead and falls back are left out of it.
    """
    latest = advance_km[-MEMORY_WEEKS:]
    is_pushing = bool((latest > STILL_KM).any())
    return is_pushing, float(np.clip(latest, 0, None).mean()) if is_pushing else float("nan")


def steady_km(made_km: Floats, leap_km: float) -> Floats:
    """Return the way made in each week without leaps, farther than leap_km, and falls back (km)."""
    return np.where((made_km > leap_km) | (made_km < 0), 0.0, made_km)


def way_km(process: FrontProcess, u: Floats, pace: Pace) -> Floats:
    """Return the way that fronts have made by the end of each week, float64[n_weeks, n_fronts]; negative: back.

    process: its numbers. u: uniform draws, float64[n_weeks, N_DRAWS, n_fronts]. pace: how they move at the start.
    """
    is_pushing = np.array(pace.is_pushing, np.bool_)
    speed = np.where(np.isnan(pace.speed_km_week), _speed_km_week(process, u[0, 1]), pace.speed_km_week)
    made, total = np.empty((len(u), is_pushing.size)), np.zeros(is_pushing.size)
    for week, of_week in enumerate(u):
        goes_on = np.where(is_pushing, of_week[0] >= WEEK_D / process.push_d, of_week[0] < WEEK_D / process.stand_d)
        speed = np.where(goes_on & ~is_pushing, _speed_km_week(process, of_week[1]), speed)
        is_pushing = goes_on
        shape = process.week_shape
        total = total + np.where(is_pushing, speed * special.gammaincinv(shape, of_week[2]) / shape, 0.0)
        leaps = of_week[3] < process.leaps_per_year * WEEK_D / 365.25
        total = total + leaps * (process.leap_least_km - process.leap_more_km * np.log1p(-of_week[4]))
        falls_back = of_week[5] < process.falls_back_per_year * WEEK_D / 365.25
        total = total + falls_back * process.fall_back_km * np.log1p(-of_week[6])
        made[week] = total
    return made


def moved_by_chance(
    process: FrontProcess, seed: int, time_s: Floats, distance_km: Floats, end_s: float
) -> tuple[Floats, Floats]:
    """Return (times, distances) of a front that goes as given until the start, and from then on by chance.

    process: its numbers. seed: of the run; nothing else decides, so the front is the same under every plan. time_s,
    distance_km: the front as given, since the start of the run (s), rising. end_s: of the run.
    """
    n_weeks = max(1, int(np.ceil(end_s / WEEK_S)))
    u = np.stack([uniforms(seed, Stream.FRONT_WAY, n_weeks, index=k) for k in range(N_DRAWS)], axis=1)[:, :, None]
    n_known = min(MEMORY_WEEKS, int(-time_s[0] // WEEK_S))
    now_km = float(np.interp(0.0, time_s, distance_km))
    if n_known > 0:
        at_s = -WEEK_S * np.arange(n_known, -1, -1)
        made_km = -np.diff(np.interp(at_s, time_s, distance_km))
        is_pushing, speed = pace_of(steady_km(made_km, process.leap_least_km))
    else:
        is_pushing = bool(u[0, 7, 0] < process.push_d / (process.push_d + process.stand_d))
        speed = float("nan")
    made = way_km(process, u, Pace(np.array([is_pushing]), np.array([speed])))[:, 0]
    before = time_s < 0
    times = np.concatenate((time_s[before], WEEK_S * np.arange(n_weeks + 1)))
    return times, np.concatenate((distance_km[before], [now_km], now_km - made))


def _speed_km_week(process: FrontProcess, u: Floats) -> Floats:
    """Return speeds of pushes, log-normal (km per week)."""
    return WEEK_D * process.speed_km_d * np.exp(process.speed_spread * special.ndtri(u))
