"""A self-exciting process of shelling in space and time, simulated exactly by branching.

Background: a Poisson process whose rate is constant over each hour and each square of a grid. Aftershocks: every
event sets off a Poisson number of others, exponentially later and circular-normally about it (Hawkes and Oakes 1974,
J. Appl. Prob. 11:493, cluster representation; Ogata 1988, ETAS; for recorded conflict events Browning et al. 2024,
arXiv 2408.14940). Draws of the background are keyed by the hour of the calendar and the count within it, those of a
cluster by its first event and the order of birth: a longer run, another start or another plan changes no earlier
event, and where the rate changes, other hours keep theirs.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from scipy.special import pdtr, pdtrik

from safepassage.agents.ground.arrays import Bools, Floats, Ints, counted
from safepassage.model import draws
from safepassage.model.draws import Stream
from safepassage.model.hazard.front import LineFront
from safepassage.model.hazard.impacts import Area, Events
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelling import Districts, ShellingProcess

HOUR_S = 3600.0
HALF_RADIUS_IN_SIGMA = float(np.sqrt(2 * np.log(2)))
"""Radius of a circular normal that holds half of it, 1.1774 sigma."""

MOST_PER_HOUR = 1 << 14
HOURS_OF_KEYS = 1 << 18
"""An event's key is its hour, modulo 30 years, times MOST_PER_HOUR plus its count in it: 32 bits."""

MOST_SQUARES = 4_000_000
"""Squares of the map; some 0.8 GB. Assumption."""

COUNT, TIME, CELL, EAST, NORTH, SIZE, RADIUS, ANGLE, NEAR, CENTRES, CENTRE_EAST, CENTRE_NORTH = range(12)
"""Which of the numbers of one hour or event a draw is for."""


def simulate(
    process: ShellingProcess,
    area: Area,
    start_s: float,
    end_s: float,
    seed: int,
    time_zone: str,
    front: LineFront | None = None,
    source_number: int = 0,
) -> Events:
    """Return the Events of a process between two moments (epoch seconds), with some before and after.

    process: `ShellingProcess`. front: `LineFront` or `AreaFront`, in time since start_s; None: no front. area: the
    map. end_s: end of the run, since 1970 (s). seed: seed of the run, from which all chance is drawn. time_zone: name
    of the zone of local times, such as Europe/Kyiv. source_number: place of the source in the scenario's list, which
    keys its chance.
    """
    hours = np.arange(int(start_s // HOUR_S) - process.warm_up_h, int(-(-end_s // HOUR_S)), dtype=np.int64)
    if hours.size > HOURS_OF_KEYS:
        raise ScenarioError(f"the run covers {hours.size} hours; at most {HOURS_OF_KEYS} can be drawn. Shorten it.")
    place = f"shelling.sources.{source_number}"
    grid = Grid(process, area)
    if process.districts is not None:
        grid.zone_weight *= uneven(process.districts, grid, seed, source_number)
    n_fields = grid.zone_weight.size * np.unique(hours // 24).size
    refuse_needs(
        [
            Need(f"{place}.cell_m", n_fields, "squares times days", 8, "Choose larger squares, or a shorter run."),
            Need(f"{place}.warm_up_h", hours.size, "hours, those of the run among them,", BYTES["hour"], "Give fewer."),
        ]
    )
    nearness = grid.nearness(process, front)
    near = [nearness(day * 24 * HOUR_S + 12 * HOUR_S - start_s) for day in np.unique(hours // 24)]
    fields = [grid.zone_weight * at for at in near]
    mean = expected_background(process, grid, hours, fields, time_zone)
    n_events = mean.sum() / (1 - process.branching_ratio)
    change = "Lower events_per_day, background_per_km2_day or branching_ratio, or shorten the run and its warm_up_h."
    refuse_needs([Need(place, n_events, "events", BYTES["impact"], change)])
    open_fields = [grid.is_open_ground * at for at in near]
    time_s, x_m, y_m, key = _background(process, grid, hours, mean, (fields, open_fields), seed, source_number)
    return _with_aftershocks(process, time_s, x_m, y_m, key, seed, source_number)


class Grid:
    """The squares of the map over which the background's rate is constant; nothing falls where nobody lives near."""

    def __init__(self, process: ShellingProcess, area: Area) -> None:
        self.n_east = max(1, round((area.east_m - area.west_m) / process.cell_m))
        self.n_north = max(1, round((area.north_m - area.south_m) / process.cell_m))
        if self.n_east * self.n_north > MOST_SQUARES:
            raise ScenarioError(
                f"cell_m = {process.cell_m:g} m cuts the map into {self.n_east * self.n_north:,} squares; "
                "choose larger ones, such as 250 m."
            )
        self.west_m, self.south_m = area.west_m, area.south_m
        self.width_m = (area.east_m - area.west_m) / self.n_east
        self.height_m = (area.north_m - area.south_m) / self.n_north
        east = area.west_m + (np.arange(self.n_east) + 0.5) * self.width_m
        north = area.south_m + (np.arange(self.n_north) + 0.5) * self.height_m
        x_m, y_m = np.meshgrid(east, north)
        self.x_m, self.y_m = x_m.ravel(), y_m.ravel()
        self.cell_km2 = self.width_m * self.height_m / 1e6
        self.zone_weight = self._built_up_share(area, process.built_up_margin_m)
        self.is_open_ground = self.zone_weight == 0
        """bool: squares where nobody lives near, on which the events fall that do not fall near people."""
        is_weighted = np.zeros(self.x_m.size, np.bool_)
        for zone in process.zones:
            (west, east), (south, north) = (zone.west, zone.east), (zone.south, zone.north)
            if area.to_plane is not None:
                (west, east), (south, north) = area.plane([west, east], [south, north], "zones")
            inside = (self.x_m >= west) & (self.x_m < east) & (self.y_m >= south) & (self.y_m < north)
            self.zone_weight[inside] = np.where(is_weighted, self.zone_weight, 1.0)[inside] * zone.weight
            is_weighted |= inside

    def _built_up_share(self, area, margin_m):
        """Return the share of each square that is built up or in its margin: of 4 by 4 points in it."""
        share = np.zeros(self.x_m.size)
        for east in (-0.375, -0.125, 0.125, 0.375):
            for north in (-0.375, -0.125, 0.125, 0.375):
                x_m, y_m = self.x_m + east * self.width_m, self.y_m + north * self.height_m
                share += area.is_built_up(x_m, y_m, margin_m) / 16
        return share

    def has_weight(self, x_m: Floats, y_m: Floats) -> Bools:
        """Return whether each place lies in a square on which the background falls near people, bool."""
        east = ((x_m - self.west_m) // self.width_m).astype(np.int64)
        north = ((y_m - self.south_m) // self.height_m).astype(np.int64)
        inside = (east >= 0) & (east < self.n_east) & (north >= 0) & (north < self.n_north)
        inside[inside] = self.zone_weight[(north * self.n_east + east)[inside]] > 0
        return inside

    def nearness(self, process: ShellingProcess, front: LineFront | None) -> Callable[..., Any]:
        """Return a function of time_s that gives the relative rate of each square by the front; 1 at its line."""
        if front is None:
            return lambda time_s: np.ones(self.x_m.size)
        squares = front.over(self.x_m, self.y_m)
        return lambda time_s: np.exp(-np.maximum(squares.distance_km(time_s), 0.0) / process.front_reach_km)


BLOCK_M = 1000.0
"""Side of the squares, counted from the origin of the plane, by which centres of districts are drawn (m)."""


def uneven(districts: Districts, grid: Grid, seed: int, source_number: int) -> Floats:
    """Return the factor of each square by its districts, mean 1 over all by their weights, float64.

    A Neyman-Scott field (1958, J. R. Stat. Soc. B 20:1): centres are a Poisson process over the built-up area, keyed
    by their place so that the outline of the map moves none of them; about each the rate falls as a circular normal.
    Without a centre all is even. districts: settings. grid: cells of the map. seed: of the run. source_number: place of
    the source in the scenario's list.
    """

    def number(which, tick=0):
        index = 16 * source_number + which
        return draws.uniforms_for(seed, Stream.SHELLING, block, tick=tick, index=index)

    ends = [(int(c.min() // BLOCK_M), int(c.max() // BLOCK_M) + 1) for c in (grid.x_m, grid.y_m)]
    east, north = (part.ravel() for part in np.meshgrid(*(np.arange(*each, dtype=np.int64) for each in ends)))
    block = ((east % 2**16) << 16) | (north % 2**16)
    n = poisson_quantile(number(CENTRES), districts.per_km2 * BLOCK_M**2 / 1e6)
    field, sigma_m = np.zeros(grid.x_m.size), districts.radius_m / HALF_RADIUS_IN_SIGMA
    for k in range(int(n.max(initial=0))):
        x_m, y_m = (east + number(CENTRE_EAST, k)) * BLOCK_M, (north + number(CENTRE_NORTH, k)) * BLOCK_M
        here = (n > k) & grid.has_weight(x_m, y_m)
        for at_x_m, at_y_m in zip(x_m[here], y_m[here], strict=True):
            field += np.exp(-((grid.x_m - at_x_m) ** 2 + (grid.y_m - at_y_m) ** 2) / (2 * sigma_m**2))
    if not field.any():
        return np.ones(field.size)
    return 1.0 - districts.share + districts.share * field / np.average(field, weights=grid.zone_weight)


def ramp_factor(process: ShellingProcess, moment_s: npt.NDArray[np.floating], time_zone: str) -> Floats:
    """Return the level of shelling at moments (epoch seconds): linear between the points of the ramp."""
    if not process.ramp:
        return np.ones(len(moment_s))
    zone = ZoneInfo(time_zone)
    days = [datetime(p.day.year, p.day.month, p.day.day, tzinfo=zone).timestamp() for p in process.ramp]
    return np.interp(moment_s, days, [p.factor for p in process.ramp])


def expected_background(
    process: ShellingProcess, grid: Grid, hours: Ints, fields: list[Floats], time_zone: str
) -> Floats:
    """Return the mean number of background events in each hour (hours since 1970-01-01 00:00 UTC), float64.

    fields: relative rate of each square, one array per day that hours touch. The front is taken once a day, at 12:00
    UTC; the ramp at the middle of each hour; the day profile by the local hour in which the hour begins. process:
    settings of the random process. grid: cells of the map. time_zone: name of the zone of local times, such as
    Europe/Kyiv.
    """
    zone = ZoneInfo(time_zone)
    profile = np.array(process.day_profile) / np.mean(process.day_profile)
    local_hour = np.array([datetime.fromtimestamp(hour * HOUR_S, zone).hour for hour in hours], dtype=np.int64)
    total = np.array([field.sum() for field in fields])
    if process.events_per_day is not None:
        if process.events_per_day > 0 and total.min() <= 0:
            raise ScenarioError(
                "nothing can fall on the map, by the weights of zones or the distance to the front, yet events_per_day "
                "is above 0. Raise a weight or front_reach_km, or set events_per_day to 0."
            )
        per_day = np.full(total.size, process.events_per_day * (1 - process.branching_ratio))
    else:
        assert process.background_per_km2_day is not None
        per_day = process.background_per_km2_day * grid.cell_km2 * total
    which_day = hours // 24 - hours[0] // 24
    level = ramp_factor(process, (hours + 0.5) * HOUR_S, time_zone) * profile[local_hour]
    return per_day[which_day] / 24 * level


def _background(process, grid, hours, mean, fields, seed, source_number):
    """Return time_s (epoch), x_m, y_m and key of the background events, in the order of their hours.

    fields: relative rate of each square by day, near people and on open ground. Where the map has no open ground, the
    events that would fall there fall beyond the map and are left out.
    """

    def number(entity, which):
        return draws.uniforms_for(seed, Stream.SHELLING, entity, index=16 * source_number + which)

    hour_key = hours % HOURS_OF_KEYS
    n_events = poisson_quantile(number(hour_key, COUNT), mean)
    if n_events.max(initial=0) >= MOST_PER_HOUR:
        raise ScenarioError(
            f"{n_events.max():,} background events fall in one hour; at most {MOST_PER_HOUR:,} can be drawn. Lower "
            "events_per_day or background_per_km2_day, or the peak of day_profile or ramp."
        )
    hour, rank = counted(n_events)
    key = (hour_key[hour] * MOST_PER_HOUR + rank).astype(np.uint32)
    time_s = (hours[hour] + number(key, TIME)) * HOUR_S
    day = hours[hour] // 24 - hours[0] // 24
    u, is_near = number(key, CELL), number(key, NEAR) < process.share_near_people
    cell = np.full(hour.size, -1, dtype=np.int64)
    for of_these, by_day in zip((is_near, ~is_near), fields, strict=True):
        for d, field in enumerate(by_day):
            events = np.flatnonzero(of_these & (day == d))
            cumulative = np.cumsum(field)
            if events.size and cumulative[-1] > 0:
                cell[events] = np.searchsorted(cumulative, u[events] * cumulative[-1], side="right")
    on_map = cell >= 0
    time_s, key, cell = time_s[on_map], key[on_map], cell[on_map]
    x_m = grid.west_m + (cell % grid.n_east + number(key, EAST)) * grid.width_m
    y_m = grid.south_m + (cell // grid.n_east + number(key, NORTH)) * grid.height_m
    return time_s, x_m, y_m, key


def _with_aftershocks(process, time_s, x_m, y_m, key, seed, source_number):
    """Return the Events of the background and of all generations that it sets off.

    The rank of an event is its order of birth in its cluster; (first event's key, rank) names it for all draws.
    Events after the end of the run are bred too, since ranks would depend on where it ends otherwise.
    """
    root, rank = np.arange(key.size), np.zeros(key.size, dtype=np.int64)
    n_born = np.ones(key.size, dtype=np.int64)
    generations = [(time_s, x_m, y_m, root, rank)]
    sigma_m = process.spread_m / HALF_RADIUS_IN_SIGMA
    while root.size:
        u = _cluster_numbers(seed, key, root, rank, COUNT, source_number)
        n_children = poisson_quantile(u, process.branching_ratio)
        parent = np.repeat(np.arange(root.size), n_children)
        root = root[parent]  # stays sorted, as parents are
        first = np.searchsorted(root, root, side="left")
        rank = n_born[root] + np.arange(root.size) - first
        n_born += np.bincount(root, minlength=n_born.size)
        delay, radius, angle = (
            _cluster_numbers(seed, key, root, rank, which, source_number) for which in (TIME, RADIUS, ANGLE)
        )
        radius_m = sigma_m * np.sqrt(-2 * np.log1p(-radius))
        time_s = time_s[parent] - process.decay_h * HOUR_S * np.log1p(-delay)
        x_m = x_m[parent] + radius_m * np.cos(2 * np.pi * angle)
        y_m = y_m[parent] + radius_m * np.sin(2 * np.pi * angle)
        generations.append((time_s, x_m, y_m, root, rank))
    time_s, x_m, y_m, root, rank = (np.concatenate(part) for part in zip(*generations, strict=True))
    u = _cluster_numbers(seed, key, root, rank, SIZE, source_number)
    size = np.searchsorted(np.cumsum(process.size_shares)[:2], u, side="right").astype(np.int8)
    return Events(time_s, x_m, y_m, size, root)


def poisson_quantile(u: np.ndarray, mean: np.ndarray | float) -> np.ndarray:
    """Return the least whole number that a Poisson number of the mean reaches with probability u, int64; 0 <= u < 1."""
    above = np.ceil(pdtrik(u, mean))
    below = np.maximum(above - 1, 0)
    n = np.where(pdtr(below, mean) >= u, below, above)
    return np.where((np.asarray(mean) > 0) & (u > 0), n, 0).astype(np.int64)


def _cluster_numbers(seed, key, root, rank, which, source_number):
    """Return one number in [0, 1) for each event of a cluster, named by its first event's key and its rank."""
    u = np.empty(root.size)
    order = np.argsort(rank, kind="stable")
    ranks, first = np.unique(rank[order], return_index=True)
    for r, events in zip(ranks, np.split(order, first[1:]), strict=False):
        index = 16 * source_number + which
        u[events] = draws.uniforms_for(seed, Stream.AFTERSHOCK, key[root[events]], tick=int(r), index=index)
    return u
