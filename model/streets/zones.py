"""Zones: the parts of a town, their outlines, residents and streets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from safepassage.model.inputs.tables import doubles_of, number_of, same_text, some_of
from safepassage.model.inputs.vectors import POLYGONS, named, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.population import Population
from safepassage.model.streets.placing import cure_of_far
from safepassage.model.streets.raster import RASTERS, SQUARE_M, counted, hull, read_residents, squares
from safepassage.model.streets.streets import Streets

LEAST_AREA_M2 = 1.0
"""A zone smaller than this is taken for a drawing mistake. Assumption."""
OVERLAP_SHARE = 0.01
"""Zones that share less than this of the smaller one are taken for neighbours drawn by hand. Assumption."""
LONGEST_NAME = 200
"""Letters of a zone's name; more are no name. Assumption."""
MOST_RESIDENTS = 1_000_000_000
"""Residents of a zone: more than of any country but two. Assumption."""
FARTHEST_STREET_M = 3000.0
"""A zone without a street of its own may use streets this near (m). Assumption."""
BESIDE_M = 100.0
"""Its homes stand along the nearest street and all that are at most this much farther away (m). Assumption."""


@dataclass(frozen=True, eq=False)
class Zones:
    """Parts of the town with their residents."""

    name: tuple[str, ...]
    residents: np.ndarray
    """int64: persons at the start, as the file gives them; 0 where households come from a table of their own."""
    outline: tuple
    """shapely polygons, in metres like the streets."""
    link_zone: np.ndarray
    """int32[n_links]: zone in which the middle of each link lies, the smallest if they overlap; -1: in none."""
    links: tuple[np.ndarray, ...]
    """For each zone the links whose middle it holds, whatever other zones hold them too; int64[]."""
    report: tuple[str, ...] = ()
    """What had to be mended, one sentence each."""


def read_zones(settings: Population, streets: Streets) -> Zones:
    """Return the zones of a map, or squares of a raster, projected like the streets.

    Raises ScenarioError for a file that is not GeoJSON, a zone without its name or residents, residents below 0, two
    zones of one name, or residents where there is no street.
    """
    path = settings.zones
    if path.suffix.lower() in RASTERS:
        names, residents, outlines, notes = _of_raster(path, streets)
    else:
        names, residents, outlines, notes = _of_map(settings, streets)
    doubles = doubles_of(names)
    if doubles:
        raise ScenarioError(f"{path}: more than one zone is named {', '.join(doubles)[:300]}; give each its own name.")
    if not any(residents) and not settings.households_file:
        raise ScenarioError(f"{path}: nobody lives in any zone; give at least one of them residents.")
    counts = scaled(np.array(residents, float), settings.residents)
    middle_x_m, middle_y_m = (
        (node[streets.link_upstream] + node[streets.link_downstream]) / 2
        for node in (streets.node_x_m, streets.node_y_m)
    )
    links = [_inside(outline, middle_x_m, middle_y_m) for outline in outlines]
    link_zone = np.full(middle_x_m.size, -1, np.int32)
    for zone in _largest_first(outlines):
        link_zone[links[zone]] = zone
    without_street = []
    for zone, name in enumerate(names):
        if counts[zone] and not links[zone].size:
            rows, away_m = _nearest(outlines[zone], middle_x_m, middle_y_m)
            if away_m.min() > FARTHEST_STREET_M:
                middle = shapely.get_coordinates(shapely.centroid(outlines[zone]))[0]
                raise ScenarioError(
                    f"{path}: zone {name} has {counts[zone]:,} residents; the nearest street is "
                    f"{away_m.min() / 1000:,.1f} km away{cure_of_far(streets, *middle)}"
                )
            links[zone] = near = rows[away_m <= away_m.min() + BESIDE_M]
            link_zone[near[link_zone[near] < 0]] = zone
            without_street.append(name)
    notes += [*_overlaps(path, names, outlines), *_report(path, without_street)]
    return Zones(tuple(names), counts, tuple(outlines), link_zone, tuple(links), tuple(notes))


def _inside(outline: Any, x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    """Return the rows, rising, of the points inside an outline; only those in its rectangle are asked about."""
    west, south, east, north = outline.bounds
    near = np.flatnonzero((x_m >= west) & (x_m <= east) & (y_m >= south) & (y_m <= north))
    return near[shapely.contains_xy(outline, x_m[near], y_m[near])]


def _nearest(outline: Any, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, rising; distances in m) of places, the nearest to a zone and all not BESIDE_M farther among them.

    No place is nearer to the zone than to its rectangle, so that only a few distances have to be worked out.
    """
    west, south, east, north = outline.bounds
    least_m = np.hypot(
        np.maximum(np.maximum(west - x_m, x_m - east), 0.0), np.maximum(np.maximum(south - y_m, y_m - north), 0.0)
    )
    one = int(np.argmin(least_m))
    reach_m = shapely.distance(outline, shapely.Point(x_m[one], y_m[one])) + BESIDE_M
    rows = np.flatnonzero(least_m <= reach_m + 1e-3)  # a millimetre, far more than rounding
    return rows, shapely.distance(outline, shapely.points(x_m[rows], y_m[rows]))


def _of_map(settings: Population, streets: Streets) -> tuple[list[str], list[float], list[Any], list[str]]:
    """Return name, residents and outline (m) of each zone of a map, and notes."""
    names, residents, outlines = [], [], []
    features, notes = read_features(settings.zones, POLYGONS, "zone")
    change = "Set population.zone_name_property and population.residents_property."
    for feature in features:
        names.append(zone_name(named(feature, settings.zone_name_property, change), feature.place))
        if settings.households_file or settings.raster:
            residents.append(0.0)
        else:
            said = named(feature, settings.residents_property, change)
            residents.append(number_of_residents(said, feature.place, settings.residents_property))
        outlines.append(_outline(feature.geometry, f"{feature.place}, zone {names[-1]!r}", streets))
    if settings.raster and not settings.households_file:
        given = [feature.geometry for feature in features]
        residents = counted(given, read_residents(settings.raster, shapely.total_bounds(given))).tolist()
        notes.append(f"{settings.raster.name}: {sum(residents):,.0f} residents lie in the zones.")
    return names, residents, outlines, notes


def _of_raster(path: Path, streets: Streets) -> tuple[list[str], list[float], list[Any], list[str]]:
    """Return name, residents and outline (m) of squares of a kilometre about the streets, and notes."""
    town = hull(streets)
    names, in_degrees = squares(streets, town)
    residents = counted(in_degrees, read_residents(path, town.bounds))
    outlines = [streets.project_shape(one) for one in in_degrees]
    tree = shapely.STRtree(shapely.points(streets.points_m))
    is_near = np.array([tree.query(one, "dwithin", FARTHEST_STREET_M).size > 0 for one in outlines])
    kept = np.flatnonzero(is_near & (residents > 0))
    lost = residents.sum() - residents[kept].sum()
    notes = [f"{path.name}: zones are squares of {SQUARE_M / 1000:g} km about the streets, {len(kept)} with residents."]
    if lost >= 1:
        notes.append(f"{path.name}: {lost:,.0f} residents far from every street are left out.")
    return [names[i] for i in kept], residents[kept].tolist(), [outlines[i] for i in kept], notes


def zone_name(said: Any, place: str) -> str:
    """Return the name of a zone, one form for what people take for one name; place: of its feature, for errors."""
    name = same_text(said) if isinstance(said, str | int | float) and not isinstance(said, bool) else ""
    if not name or len(name) > LONGEST_NAME:
        raise ScenarioError(
            f"{place} has the name {str(said)[:40]!r}; give each zone a number, or a name of 1 to {LONGEST_NAME} "
            "letters."
        )
    return name


def number_of_residents(said: Any, place: str, name: str) -> float:
    """Return the residents of a zone; place, name: its feature and the property, for errors."""
    try:
        count = number_of(said, is_count=True)
        if not 0 <= count < MOST_RESIDENTS:
            raise ValueError(f"give a number from 0 to {MOST_RESIDENTS:,}")
    except ValueError as why:
        raise ScenarioError(f"{place} has {name} = {str(said)[:40]!r}; {why}.") from None
    return count


def lived_along(zones: Zones, streets: Streets) -> np.ndarray:
    """Return points along the streets that people live along, float64[n, 2]: x_m, y_m; the same under every plan.

    In each zone with residents (in any, where homes come from a table) those of the classes that people live along; if
    it has none, all of its streets.
    """
    x_m, y_m = streets.points_m.T
    is_kept = np.zeros(x_m.size, np.bool_)
    for outline, n_residents in zip(zones.outline, zones.residents, strict=True):
        if n_residents or not zones.residents.any():
            inside = _inside(outline, x_m, y_m)
            homes = inside[streets.is_lived_along[inside]]
            is_kept[homes if homes.size else inside] = True
    return streets.points_m[is_kept if is_kept.any() else slice(None)]


def _overlaps(path: Path, names: list[str], outlines: list) -> list[str]:
    """Return a sentence about each pair of zones that share more than OVERLAP_SHARE of the smaller one."""
    shapes = np.array(outlines, dtype=object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    is_more_than_beside = shapely.relate_pattern(shapes[one], shapes[other], "T********")
    one, other = one[is_more_than_beside], other[is_more_than_beside]
    area_m2 = shapely.area(shapes)
    shared_m2 = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    is_overlap = shared_m2 > OVERLAP_SHARE * np.minimum(area_m2[one], area_m2[other])
    found = zip(one[is_overlap].tolist(), other[is_overlap].tolist(), strict=True)
    return some_of(
        sorted(sorted((names[one], names[other])) for one, other in found),
        lambda pair: (
            f"{path.name}: zones {pair[0]} and {pair[1]} overlap; a street in both counts to the smaller, and homes of "
            "either may stand there."
        ),
        f"{path.name}: {{n}} more pairs of zones overlap.",
    )


def _report(path: Path, without_street: list[str]) -> tuple[str, ...]:
    if not without_street:
        return ()
    where = f"zones {', '.join(without_street[:-1])} and {without_street[-1]}" if without_street[1:] else "zone "
    where, whose = (where, "their") if without_street[1:] else (where + without_street[0], "its")
    return (f"{path.name}: no street lies in {where}; {whose} homes stand along the nearest ones.",)


def _outline(geometry: Any, place: str, streets: Streets) -> Any:
    """Return the outline of a zone in the plane of the streets; refuses one without an area."""
    if geometry is None:
        raise ScenarioError(f"{place} has no outline: its polygon is empty. Draw it, or take the zone out.")
    outline = streets.project_shape(geometry)
    if not np.isfinite(outline.bounds).all():
        raise ScenarioError(
            f"{place} reaches too far from the streets to be drawn in one plane with them. Draw the part that is meant."
        )
    if not outline.area >= LEAST_AREA_M2:
        raise ScenarioError(f"{place} has an outline without an area. Draw it again, or take the zone out.")
    return outline


def scaled(residents: np.ndarray, total: int | None) -> np.ndarray:
    """Return whole numbers in proportion to residents that add up to total (largest remainders)."""
    exact = residents * (1 if total is None else total / max(residents.sum(), 1e-300))
    counts = np.floor(exact).astype(np.int64)
    short = round(exact.sum()) - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
    return counts


def _largest_first(outlines: list) -> np.ndarray:
    return np.argsort(-shapely.area(np.array(outlines, dtype=object)), kind="stable")


def zone_of(x_m: np.ndarray, y_m: np.ndarray, outlines: list) -> np.ndarray:
    """Return the smallest zone that holds each point, int32; -1 where none does."""
    zone = np.full(x_m.size, -1, np.int32)
    for row in _largest_first(outlines):
        zone[_inside(outlines[row], x_m, y_m)] = row
    return zone


def nearest_zone(x_m: np.ndarray, y_m: np.ndarray, zones: Zones, path: Path) -> np.ndarray:
    """Return the zone that holds each place, else the nearest one, int32; raises ScenarioError for one far from all.

    x_m, y_m: place (m) in the plane of the streets. zones: parts of the town, with outlines and streets. path: the
    file, which errors name.
    """
    zone = zone_of(x_m, y_m, list(zones.outline))
    outside = np.flatnonzero(zone < 0)
    if outside.size:
        away_m = np.array([shapely.distance(o, shapely.points(x_m[outside], y_m[outside])) for o in zones.outline])
        zone[outside] = np.argmin(away_m, axis=0)
        least_m = away_m.min(axis=0)
        if least_m.max() > FARTHEST_STREET_M:
            row = outside[np.argmax(least_m)]
            raise ScenarioError(
                f"{path}: row {row + 1} lies {least_m.max() / 1000:,.1f} km from every zone. Correct its place, or "
                "give its zone in a column zone."
            )
    return zone
