"""The front: how far it is from any place at any time, what that closes, and its crossfire."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.clock import epoch_s
from safepassage.model.hazard.branches import branch_of, moved
from safepassage.model.hazard.days import change_of
from safepassage.model.hazard.days import day as day_told
from safepassage.model.hazard.impacts import Area
from safepassage.model.hazard.published import day_of, is_held
from safepassage.model.hazard.stochastic_front import moved_by_chance
from safepassage.model.inputs.tables import number_of, read_csv, refuse_doubles
from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import file_of
from safepassage.model.settings.front import Front
from safepassage.model.streets.streets import Streets

FARTHEST_KM = 20_000
"""No place on Earth is farther from another (km)."""
ROUNDING_KM = 1e-6
"""More than distances between two dates are off by rounding (km)."""
MARKERS = ("Point", "MultiPoint", "LineString", "MultiLineString")


@dataclass(frozen=True)
class LineFront:
    """A straight front that moves along a bearing."""

    time_s: np.ndarray
    """Moments at which its place is known, since the start of the run, increasing, float64."""
    reference_distance_km: np.ndarray
    """From the reference point to the front at those moments, float64; negative: the front has passed it."""
    reference_x_m: float
    reference_y_m: float
    bearing_rad: float
    """Direction from the reference point to the front, clockwise from north."""
    report: tuple[str, ...] = ()

    def over(self, x_m: Floats, y_m: Floats) -> "_Points":
        """Return what gives the distance of these points at any time."""
        towards_m = (np.asarray(x_m) - self.reference_x_m) * np.sin(self.bearing_rad) + (
            np.asarray(y_m) - self.reference_y_m
        ) * np.cos(self.bearing_rad)
        return _Points(self.time_s, lambda row: self.reference_distance_km[row] - towards_m / 1000)

    def distance_km(self, x_m: Floats, y_m: Floats, time_s: float) -> Floats:
        """Return the distance of points to the front at one moment, float64; negative beyond it."""
        return self.over(x_m, y_m).distance_km(time_s)


@dataclass(frozen=True)
class AreaFront:
    """A front along the edge of areas that are given for several dates."""

    time_s: np.ndarray
    areas: tuple
    """One shapely geometry per moment, in the plane of the streets."""
    report: tuple[str, ...] = ()

    def over(self, x_m: Floats, y_m: Floats) -> "_Points":
        """Return what gives the distance of these points at any time; each area is measured once, when needed."""
        x_m, y_m = np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)
        return _Points(self.time_s, lambda row: _signed_distance_km(self.areas[row], x_m, y_m))

    def distance_km(self, x_m: Floats, y_m: Floats, time_s: float) -> Floats:
        """Return the distance of points to the front at one moment, float64; negative beyond it."""
        return self.over(x_m, y_m).distance_km(time_s)


class _Points:
    """Distances of fixed points to a front, linear in time between its dates and level outside them."""

    def __init__(self, time_s: Floats, distance_at: Callable[..., Any]) -> None:
        self._time_s, self._distance_at = time_s.tolist(), distance_at
        self._known: dict[int, Floats] = {}

    def distance_km(self, time_s: float) -> Floats:
        """Return the distance of each point at one moment, float64."""
        before, after = self.dates_around(time_s)
        if before == after:
            return self._at(before).copy()
        share = (time_s - self._time_s[before]) / (self._time_s[after] - self._time_s[before])
        return (1 - share) * self._at(before) + share * self._at(after)

    def dates_around(self, time_s: float) -> tuple[int, int]:
        """Return the rows of the dates around a moment: that before it and that after it, twice the one at an end."""
        after = bisect_right(self._time_s, time_s)
        return max(after - 1, 0), min(after, len(self._time_s) - 1)

    def nearest_km(self, dates: tuple[int, int]) -> Floats:
        """Return the distance of each point that is never less between two dates, but for rounding, float64."""
        return np.minimum(*(self._at(row) for row in dates))

    def _at(self, row):
        if row not in self._known:
            while len(self._known) > 2:
                del self._known[next(iter(self._known))]
            self._known[row] = self._distance_at(row)
        return self._known[row]


def _signed_distance_km(area, x_m, y_m):
    """Return the distance to the edge of an area, negative inside it, float64."""
    points = shapely.points(x_m, y_m)
    edges = [ring for part in shapely.get_parts(area) for ring in shapely.get_rings(part)]
    segments = np.concatenate([_segments(ring) for ring in edges])
    (point, _), distance_m = shapely.STRtree(segments).query_nearest(points, return_distance=True, all_matches=False)
    nearest_m = np.empty(x_m.size)
    nearest_m[point] = distance_m
    shapely.prepare(area)
    return np.where(shapely.contains_xy(area, x_m, y_m), -nearest_m, nearest_m) / 1000


def _segments(ring):
    corners = shapely.get_coordinates(ring)
    return shapely.linestrings(np.stack((corners[:-1], corners[1:]), axis=1))


def front_of(settings: Front, area: Area, run: Any, time_zone: str) -> AreaFront | LineFront | None:
    """Return the LineFront or AreaFront of a scenario; None if it has none.

    settings: `Front`. area: `Area`. run: anything with `start`, `duration_h` and, for branches, `seed`. time_zone: of
    its local dates.
    """
    start_s = epoch_s(run.start, time_zone)
    report: list[str] = []
    files = settings.polygons_files if settings.polygons_file is None else (settings.polygons_file,)
    if files:
        days, areas = _read_areas(files, area, report)
        time_s = _day_starts_s(days, time_zone) - start_s
        _report_outside(time_s, run, files[0].name if len(files) == 1 else "front.polygons_files", report)
        return AreaFront(time_s, areas, tuple(report))
    if settings.distance_file is not None:
        days, distance_km = _read_distances(settings.distance_file, settings.distance_column, report)
        name = settings.distance_file.name
    elif settings.distances:
        days, distance_km = [p.day for p in settings.distances], [p.distance_km for p in settings.distances]
        name = "front.distances"
    else:
        return None
    days, distance_km = _in_order(days, distance_km, name, report)
    time_s = _day_starts_s(days, time_zone) - start_s
    if settings.process is None:
        _report_outside(time_s, run, name, report)
    x_m, y_m = settings.reference or ((area.west_m + area.east_m) / 2, (area.south_m + area.north_m) / 2)
    if settings.reference is not None and area.to_plane is not None:
        x_m, y_m = (float(value) for value in area.plane(x_m, y_m, "front.reference"))
    bearing = float(np.radians(settings.bearing_deg))
    if settings.counted_from == "edge":
        distance_km = distance_km + _to_edge_km(area, x_m, y_m, bearing)
    branch = branch_of(settings, run.seed) if settings.branches else None
    if branch is not None:
        time_s, distance_km = moved(branch, time_s, distance_km)
        report.append(f"Front: this run takes the branch {branch.name!r}, one of {len(settings.branches)}.")
    if settings.process is not None:
        end_s = run.duration_h * 3600.0
        time_s, distance_km = moved_by_chance(settings.process, run.seed, time_s, distance_km, end_s)
        now_km, end_km = np.interp((0.0, end_s), time_s, distance_km)
        report.append(
            f"Front: drawn for this run by its seed: at {now_km:.1f} km from the reference point at the start, at "
            f"{end_km:.1f} km at the end. Dates given after the start do not count."
        )
    return LineFront(time_s, distance_km, x_m, y_m, bearing, tuple(report))


def _to_edge_km(area: Area, x_m: float, y_m: float, bearing: float) -> float:
    """Return how far the built-up area reaches from a point towards the front (km)."""
    if area.lived_along_m is None:
        raise ScenarioError(
            'front.counted_from is "edge", but the map does not say where people live. Give population.zones, or count '
            "from the reference point."
        )
    ahead_m = (area.lived_along_m - (x_m, y_m)) @ (np.sin(bearing), np.cos(bearing))
    return max(0.0, float(ahead_m.max())) / 1000


def _day_starts_s(days, time_zone):
    zone = ZoneInfo(time_zone)
    return np.array([datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() for day in days])


def _report_outside(time_s, run, name, report):
    if time_s[0] > 0:
        report.append(f"{name}: the run starts {time_s[0] / 86400:.1f} days before its first date, which stands in.")
    late_s = run.duration_h * 3600.0 - time_s[-1]
    if late_s > 86400:
        report.append(f"{name}: the run ends {late_s / 86400:.1f} days after its last date, which stands in.")


def _in_order(days, distance_km, name, report):
    """Return days and distances in order of day; refuse a day with two distances."""
    order = sorted(range(len(days)), key=lambda i: days[i])
    if order != list(range(len(days))):
        report.append(f"{name}: dates were not in order and have been sorted.")
    kept = []
    for i in order:
        if kept and days[kept[-1]] == days[i]:
            if distance_km[kept[-1]] != distance_km[i]:
                raise ScenarioError(
                    f"{name}: {days[i]} has two distances, {distance_km[kept[-1]]} and {distance_km[i]} km. Keep one."
                )
            report.append(f"{name}: {days[i]} is given twice and counts once.")
        else:
            kept.append(i)
    return [days[i] for i in kept], np.array([distance_km[i] for i in kept], dtype=np.float64)


def _read_distances(path, column, report):
    frame, lines = read_csv(path)
    refuse_doubles(path, list(frame.columns))
    if not {"date", column} <= set(frame.columns):
        frame.columns = ["_".join(str(name).lower().split()) for name in frame.columns]
        refuse_doubles(path, list(frame.columns))
    for name, change in (("date", "Name one so."), (column, "Set front.distance_column to one of them.")):
        if name not in frame.columns:
            raise ScenarioError(
                f"{path}: there is no column {name!r}; found: {', '.join(frame.columns)[:300]}. {change}"
            )
    empty = frame[column].str.strip() == ""
    if empty.any():
        report.append(f"{path.name}: {int(empty.sum())} dates have no distance; the days about them stand in.")
    frame, lines = frame[~empty], lines[~empty.to_numpy(bool)]
    if frame.empty:
        raise ScenarioError(f"{path}: the column {column!r} has no distance in any row. Choose another column.")
    days, distance_km = [], []
    for line, day, distance in zip(lines, frame["date"], frame[column], strict=True):
        try:
            found = day_told(day)
            if found is None:
                raise ValueError(change_of(day))
            away_km = number_of(distance)
            if not abs(away_km) <= FARTHEST_KM:
                raise ValueError(f"a distance lies from -{FARTHEST_KM:,} to {FARTHEST_KM:,} km; give such a number")
        except ValueError as why:
            raise ScenarioError(
                f"{path}, line {line}: the date is {day!r} and the distance {distance!r}; {why}."
            ) from None
        days.append(found)
        distance_km.append(away_km)
    return days, distance_km


def _read_areas(paths, area, report):
    """Return the dates and the areas of files in order of date; several areas of a date are joined."""
    by_day = {}
    for path in paths:
        for day, polygon in _areas_of(path, area, report):
            by_day.setdefault(day, []).append(polygon)
    days = sorted(by_day)
    areas = tuple(_polygons_of(shapely.union_all(by_day[day])) for day in days)
    wrong = [day for day, joined in zip(days, areas, strict=True) if joined.is_empty]
    if not days or wrong:
        why = f"the area of {wrong[0]} is empty" if days else "there is no area beyond the front in it"
        raise ScenarioError(f"{paths[0]}: {why}. Areas named as liberated or unknown do not count. Correct the file.")
    return days, areas


def _areas_of(path, area, report):
    """Return (day, area in the plane of the streets) of each area of a file.

    Markers and lines, and areas named as liberated or unknown, are left out and told.
    """
    what, in_degrees = "area beyond the front", area.to_plane is not None
    features, notes = read_features(path, (*POLYGONS, *MARKERS), what, in_degrees=in_degrees)
    areas_given = [one for one in features if one.geometry is None or one.geometry.geom_type in POLYGONS]
    if not areas_given:
        read_features(path, POLYGONS, what, in_degrees=in_degrees)  # says so
    held = [one for one in areas_given if is_held(one.properties)]
    if len(held) < len(features):
        notes.append(
            f"{path.name}: {len(features) - len(areas_given)} markers and lines, and {len(areas_given) - len(held)} "
            "areas named as liberated or unknown, are left out."
        )
    report += notes
    found = []
    for feature in held:
        number, day = feature.number, day_of(feature.properties, file_of(path))
        if day is None:
            raise ScenarioError(
                f"{path}, feature {number}: its property date is {str(feature.properties.get('date', ''))[:40]!r}, and "
                "the name of the file tells no day; write it as 2024-08-19."
            )
        polygon = feature.geometry
        if polygon is None:
            raise ScenarioError(
                f"{path}, feature {number} of {day} is without a geometry. Draw the area beyond the front."
            )
        if in_degrees:
            polygon = shapely.transform(polygon, lambda xy: np.stack(area.plane(xy[:, 0], xy[:, 1], str(path)), axis=1))
        found.append((day, polygon))
    return found


def _polygons_of(geometry):
    """Return the part of a geometry that has an area, without loose lines and points."""
    parts = shapely.get_parts(geometry)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


class LinksNearFront:
    """How near the front is to the links that it may reach, and what that closes."""

    def __init__(
        self, front: "LineFront | AreaFront", settings: Front, streets: Streets, drones_reach_km: float = 0.0
    ) -> None:
        """front: `LineFront` or `AreaFront`. settings: `Front`. streets: node coordinates and link ends.

        drones_reach_km: how far from the front drones strike (km); 0: there are none.
        """
        self._front = front.over(streets.node_x_m, streets.node_y_m)
        self._settings = settings
        closes_km = settings.closes_to_vehicles_within_km, settings.closes_to_walkers_within_km
        self._reach_km = max(*closes_km, settings.crossfire_reach_km, drones_reach_km) + ROUNDING_KM
        ends = streets.link_upstream, streets.link_downstream, streets.exit_node, streets.exit_end_node
        self._upstream, self._downstream, self._exit_node, self._exit_end_node = (
            np.asarray(nodes, np.intp) for nodes in ends
        )
        self._at_s, self._nodes_km, self._links_km = np.nan, np.empty(0), np.empty(0)
        self._dates, self._nearest_km, self._links = (-1, -1), np.empty(0), np.empty(0, np.intp)
        """Between which dates the front comes how near to each node, and may come near to which links."""

    def near(self, time_s: float) -> tuple[Ints, Floats]:
        """Return the links that the front may reach between its dates around a moment, rising, and the distance from
        the nearer end of each to it then (km), float64; negative beyond it.

        All other links are farther than anything of the front reaches. Asked again for the same moment both are the
        same arrays, which cannot be written to.
        """
        if time_s != self._at_s:
            if (dates := self._front.dates_around(time_s)) != self._dates:
                nearest_km = self._nearest_km = self._front.nearest_km(dates)
                is_near = np.minimum(nearest_km[self._upstream], nearest_km[self._downstream]) <= self._reach_km
                self._dates, self._links = dates, np.flatnonzero(is_near)
            self._nodes_km, self._at_s = self._front.distance_km(time_s), time_s
            ends = self._upstream[self._links], self._downstream[self._links]
            self._links_km = np.minimum(*(self._nodes_km[nodes] for nodes in ends))
            self._links.flags.writeable = self._links_km.flags.writeable = False
        return self._links, self._links_km

    def are_beyond(self, reach_km: Floats, time_s: float) -> bool:
        """Return whether each node is farther from the front than a reach, by node, between its dates around a
        moment."""
        self.near(time_s)
        return bool((self._nearest_km > reach_km + ROUNDING_KM).all())

    def links_closed(self, time_s: float) -> tuple[Bools, Bools]:
        """Return which links the front closes to vehicles, and which to walkers; two bool arrays."""
        links, distance_km = self.near(time_s)
        for_vehicles, for_walkers = np.zeros((2, self._upstream.size), np.bool_)
        for_vehicles[links] = distance_km < self._settings.closes_to_vehicles_within_km
        for_walkers[links] = distance_km < self._settings.closes_to_walkers_within_km
        return for_vehicles, for_walkers

    def exits_lost(self, time_s: float) -> tuple[Bools, Bools]:
        """Return which exits the front closes to vehicles, and which to walkers; two bool arrays."""
        self.near(time_s)
        distance_km = np.minimum(self._nodes_km[self._exit_node], self._nodes_km[self._exit_end_node])
        return (
            distance_km < self._settings.closes_to_vehicles_within_km,
            distance_km < self._settings.closes_to_walkers_within_km,
        )


def crossfire_rate_per_s(settings: Front, distance_km: Floats) -> Floats:
    """Return the rate at which somebody unprotected is harmed by crossfire at distances from the front (1/s)."""
    nearness = np.minimum(np.maximum(1 - np.asarray(distance_km, np.float64) / settings.crossfire_reach_km, 0.0), 1.0)
    return settings.crossfire_casualties_per_person_h / 3600 * nearness
