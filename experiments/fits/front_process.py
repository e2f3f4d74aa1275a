"""Fits how a front stands, pushes, leaps and falls back to the dated distances of several towns, and checks it.

A push is a run of weeks in which the front made way, with no more than a few still weeks between two of them; its
speed is its way over its weeks. Durations are means of the geometric distributions that a chance a week gives. How
many still weeks end a push, whether a push that is on keeps its speed, and whether there are leaps at all are forms:
each is judged by how well it foretells every town from the others.

Distances: DeepStateMap's polygons (front_distance_daily.csv; see /docs/SOURCES.md), from the centre of each town.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from safepassage.agents.ground.arrays import Floats
from safepassage.model.harm.casualty_scale import Estimate
from safepassage.model.hazard.stochastic_front import (
    MEMORY_WEEKS,
    N_DRAWS,
    STILL_KM,
    WEEK_D,
    Pace,
    pace_of,
    steady_km,
    way_km,
)
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import FrontProcess

DAILY = "front_distance_daily.csv"
FARTHEST_KM = 45.0
"""Farther away a front says nothing of how it nears a town (km). Assumption; no series begins beyond it but one."""
LEAP_KM = FrontProcess().leap_least_km
HORIZONS = (2, 4, 8, 13)
"""Weeks ahead at which a front is foretold."""
EVERY_WEEKS = 2
"""A front is foretold from every other week."""
FIRST_WEEK = 8
"""Weeks of a series that are only looked back at."""
N_PATHS = 400
N_RESAMPLES = 500
YEAR_WEEKS = 365.25 / WEEK_D


@dataclass(frozen=True)
class Form:
    """One way to describe how fronts move."""

    memory_weeks: int = MEMORY_WEEKS
    """A push is over when the front has made no way for so many weeks."""
    keeps_speed: bool = True
    """A push that is on at the start goes on at its speed; else it is drawn anew."""
    leaps: bool = True
    """Fronts leap and fall back."""

    def __str__(self) -> str:
        speed = "keeps its speed" if self.keeps_speed else "draws its speed anew"
        return f"a push ends after {self.memory_weeks} still weeks, {speed}, {'leaps' if self.leaps else 'no leaps'}"


FORMS = tuple(
    Form(weeks, keeps, leaps) for weeks in (1, 2, 3, 4, 6, 9) for keeps in (True, False) for leaps in (True, False)
)
"""All that were tried, in order."""


def weekly_distances(folder: Path) -> dict[str, Floats]:
    """Return town -> distance to the front at the start of each week (km), until the front has reached its centre.

    folder: of the series (conflict/). Raises ScenarioError if it is not there.
    """
    path = folder / DAILY
    if not path.is_file():
        raise ScenarioError(f"{path}: there is no such file; give the folder that holds {DAILY}.")
    frame = pd.read_csv(path, parse_dates=["date"]).set_index("date").drop(columns="source")
    weekly = frame.resample(f"{WEEK_D}D").first().interpolate()
    found = {}
    for column in weekly:
        km = weekly[column].to_numpy(float)
        reached = np.flatnonzero(km <= 0)
        last = int(reached[0]) if reached.size else km.size - 1
        found[str(column).removesuffix("_km")] = km[int(np.flatnonzero(km <= FARTHEST_KM)[0]) : last + 1]
    return found


def advances(distance_km: Floats) -> Floats:
    """Return the way made in each week (km), without leaps and falls back."""
    return steady_km(-np.diff(distance_km), LEAP_KM)


def fitted(series: Mapping[str, Floats], form: Form | None = None) -> FrontProcess:
    """Return the numbers of a front's process that fit several series of weekly distances.

    They are what is counted in the series, not quite what makes it: two pushes soon after each other count as one, and
    a fast week of a push as a leap. Numbers corrected for that (indirect inference) foretell towns worse, so these
    stand (docs/howto/uncertain_front.md). series: town -> distances (km). form: how fronts are described.
    """
    form = form or Form()
    speeds, shares, leaps, backs = [], [], [], []
    n_weeks = n_push = n_ends = n_stand = n_begins = 0
    for distance_km in series.values():
        made, still = -np.diff(distance_km), advances(distance_km)
        n_weeks += made.size
        leaps += list(made[made > LEAP_KM])
        backs += list(-made[made < -STILL_KM])
        in_push = np.zeros(made.size, np.bool_)
        for first, last in pushes(still, form.memory_weeks):
            in_push[first : last + 1] = True
            of_push = still[first : last + 1]
            speeds.append(float(of_push.mean()))
            shares += list(of_push / of_push.mean()) if last > first else []
        n_push += int(in_push[:-1].sum())
        n_ends += int((in_push[:-1] & ~in_push[1:]).sum())
        n_stand += int((~in_push[:-1]).sum())
        n_begins += int((~in_push[:-1] & in_push[1:]).sum())
    spread = float(np.log(speeds).std(ddof=1)) if len(speeds) > 1 else 0.0
    return FrontProcess(
        stand_d=WEEK_D * max(n_stand / max(n_begins, 1), 1.0),
        push_d=WEEK_D * max(n_push / max(n_ends, 1), 1.0),
        speed_km_d=float(np.exp(np.mean(np.log(speeds)))) / WEEK_D,
        speed_spread=spread,
        week_shape=1.0 / max(float(np.var(shares)), 0.02) if shares else 50.0,
        leaps_per_year=len(leaps) / n_weeks * YEAR_WEEKS if form.leaps else 0.0,
        leap_more_km=float(np.mean(leaps)) - LEAP_KM if leaps else 0.0,
        falls_back_per_year=len(backs) / n_weeks * YEAR_WEEKS if form.leaps else 0.0,
        fall_back_km=float(np.mean(backs)) if backs else 0.0,
    )


def pushes(advance_km: Floats, memory_weeks: int) -> list[tuple[int, int]]:
    """Return the first and the last week of each push.

    advance_km: way made in each week. memory_weeks: so many still weeks end a push.
    """
    found: list[list[int]] = []
    for week in np.flatnonzero(advance_km > STILL_KM).tolist():
        if found and week - found[-1][1] <= memory_weeks:
            found[-1][1] = week
        else:
            found.append([week, week])
    return [(first, last) for first, last in found]


def foretold(series: Mapping[str, Floats], form: Form | None = None, seed: int = 1) -> pd.DataFrame:
    """Return how each town is foretold by the process fitted to the others: a row for each week and horizon.

    Columns: town, weeks ahead, crps (km; Gneiting and Raftery 2007, eq. 21), is_within the 90 % band, width_km of it.
    A way within 0.05 km of the band, as fine as the series is drawn, counts as within. seed: of the paths.
    """
    form = form or Form()
    rows = []
    for town, distance_km in series.items():
        process = fitted({name: one for name, one in series.items() if name != town}, form)
        still, chance = advances(distance_km), np.random.default_rng(seed)
        for week in range(FIRST_WEEK, distance_km.size - max(HORIZONS), EVERY_WEEKS):
            is_pushing, speed = _pace(still[:week], form)
            pace = Pace(np.full(N_PATHS, is_pushing), np.full(N_PATHS, speed))
            made = way_km(process, chance.random((max(HORIZONS), N_DRAWS, N_PATHS)), pace)
            for ahead in HORIZONS:
                truth, paths = distance_km[week] - distance_km[week + ahead], np.sort(made[ahead - 1])
                low, high = np.quantile(paths, (0.05, 0.95))
                is_within = low - STILL_KM <= truth <= high + STILL_KM
                rows.append((town, ahead, _crps(paths, truth), is_within, high - low))
    return pd.DataFrame(rows, columns=["town", "weeks", "crps_km", "is_within", "width_km"])


def _pace(still: Floats, form: Form) -> tuple[bool, float]:
    is_pushing = bool((still[-form.memory_weeks :] > STILL_KM).any())
    _, speed = pace_of(still)
    return is_pushing, speed if form.keeps_speed and is_pushing else float("nan")


def _crps(paths: Floats, truth: float) -> float:
    """Return the continuous ranked probability score of sorted paths."""
    n = paths.size
    spread = float(((2 * np.arange(1, n + 1) - n - 1) * paths).sum()) / n**2
    return float(np.abs(paths - truth).mean()) - spread


def intervals(series: Mapping[str, Floats], seed: int = 1) -> dict[str, Estimate]:
    """Return each number of the process with its 90 % interval: a bootstrap over towns.

    The weeks of one town are not independent. series: town -> distances (km). seed: of the bootstrap.
    """
    chance, towns = np.random.default_rng(seed), list(series)
    found = fitted(series).model_dump()
    again = pd.DataFrame(
        fitted(
            {f"{i}": series[towns[k]] for i, k in enumerate(chance.integers(0, len(towns), len(towns)))}
        ).model_dump()
        for _ in range(N_RESAMPLES)
    )
    return {
        name: Estimate(value, *again[name].quantile([0.05, 0.95])) for name, value in found.items()
        if name != "leap_least_km"
    }  # fmt: skip


def lines(folder: Path, *, all_forms: bool) -> Iterator[str]:
    """Yield what the fit found, line by line.

    folder: of the series (conflict/). all_forms: also how well each form that was tried foretells.
    """
    series = weekly_distances(folder)
    yield f"Fronts of {len(series)} towns, {sum(one.size - 1 for one in series.values()):,} weeks, to their centres."
    for name, one in intervals(series).items():
        yield f"  {name} = {one.value:.3g} ({one.low:.3g} to {one.high:.3g})"
    yield "In brackets: 90 % intervals, a bootstrap over towns."
    told = foretold(series)
    yield "Each town foretold by the process fitted to the other seven: share of weeks within the 90 % band"
    for town, rows in told.groupby("town"):
        yield f"  {town}: {rows.is_within.mean():.2f} of {len(rows)}; CRPS {rows.crps_km.mean():.2f} km"
    for weeks, rows in told.groupby("weeks"):
        yield f"  {weeks} weeks ahead: {rows.is_within.mean():.2f}; band {rows.width_km.mean():.1f} km wide"
    yield f"  all: {told.is_within.mean():.2f}"
    if all_forms:
        yield f"{len(FORMS)} forms were tried:"
        for form in FORMS:
            told = foretold(series, form)
            score = told.groupby("town").crps_km.mean().mean()
            yield f"  {form}: CRPS {score:.3f} km, within {told.is_within.mean():.2f}"
