"""Households and people placed on the streets, from residents by zone and the shares of the scenario."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from safepassage.agents.civilians import Injury, Mobility, People, Protection, Status
from safepassage.agents.households import Cause, Households
from safepassage.agents.walking_speeds import free_speed_m_s
from safepassage.model.draws import Stream, uniforms, uniforms_for
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.population import Population
from safepassage.model.streets import Streets

HOME_STREETS = ("residential", "living_street", "unclassified", "tertiary", "secondary", "pedestrian")
"""Classes of street (OpenStreetMap highway) that people live along. Assumption."""
FARTHEST_STREET_M = 3000.0
"""A zone without a street of its own may use streets this near (m). Assumption."""
ADULT_AGE, OLD_AGE, OLDEST_AGE = 18, 65, 95


@dataclass(frozen=True, eq=False)
class Zones:
    """Parts of the town with their residents."""

    name: tuple[str, ...]
    residents: np.ndarray
    """int64: persons at the start."""
    outline: tuple
    """shapely polygons, in metres like the streets."""
    link_zone: np.ndarray
    """int32[n_links]: zone in which the middle of each link lies; -1: in none."""
    report: tuple[str, ...] = ()
    """What had to be mended, one sentence each."""


def read_zones(settings: Population, streets: Streets) -> Zones:
    """Return the zones of a GeoJSON file, projected like the streets.

    Raises ScenarioError for a file that is not GeoJSON, a zone without its name or residents, residents below 0, two
    zones of one name, or residents where there is no street.
    """
    path = settings.zones
    names, residents, outlines = [], [], []
    for place, properties, outline in _features(path):
        for wanted in (settings.zone_name_property, settings.residents_property):
            if wanted not in properties:
                raise ScenarioError(
                    f"{path}: {place} has no property {wanted!r}; it has {', '.join(properties) or 'none'}. Set "
                    "population.zone_name_property and population.residents_property."
                )
        count = properties[settings.residents_property]
        if not isinstance(count, int | float) or not 0 <= count < 1e9:
            raise ScenarioError(f"{path}: {place} has {settings.residents_property} = {count!r}; give a number >= 0.")
        names.append(str(properties[settings.zone_name_property]))
        residents.append(count)
        outlines.append(streets.project_shape(shapely.make_valid(outline)))
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ScenarioError(f"{path}: more than one zone is named {', '.join(doubles)}; give each its own name.")
    counts = _scaled(np.array(residents, float), settings.residents)
    middle_x_m, middle_y_m = (
        (node[streets.link_upstream] + node[streets.link_downstream]) / 2
        for node in (streets.node_x_m, streets.node_y_m)
    )
    link_zone = _zone_of(middle_x_m, middle_y_m, outlines)
    report = []
    for zone, name in enumerate(names):
        if counts[zone] and not (link_zone == zone).any():
            away_m = shapely.distance(outlines[zone], shapely.points(middle_x_m, middle_y_m))
            nearest = int(np.argmin(away_m))
            if away_m[nearest] > FARTHEST_STREET_M:
                raise ScenarioError(
                    f"{path}: zone {name} has {counts[zone]} residents; the nearest street is {away_m[nearest]:.0f} m "
                    "away. Correct its outline, set its residents to 0, or use a larger network."
                )
            near = (away_m <= away_m[nearest] + 100.0) & (link_zone < 0)
            near[nearest] = True
            link_zone[near] = zone
            report.append(f"{path.name}: no street lies in zone {name}; its homes stand along the nearest ones.")
    return Zones(tuple(names), counts, tuple(outlines), link_zone, tuple(report))


def _features(path: Path):
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        parsed = [(f.get("properties") or {}, shapely.geometry.shape(f["geometry"])) for f in features]
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ScenarioError(f"{path}: this is not a GeoJSON FeatureCollection of polygons: {error!r}.") from None
    if not parsed:
        raise ScenarioError(f"{path}: there is no zone in it; give at least one polygon with its residents.")
    return [(f"feature {i}", properties, outline) for i, (properties, outline) in enumerate(parsed)]


def _scaled(residents: np.ndarray, total: int | None) -> np.ndarray:
    """Return whole numbers in proportion to residents that add up to total (largest remainders)."""
    exact = residents * (1 if total is None else total / residents.sum())
    counts = np.floor(exact).astype(np.int64)
    short = round(exact.sum()) - counts.sum()
    counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
    return counts


def _zone_of(x_m: np.ndarray, y_m: np.ndarray, outlines: list) -> np.ndarray:
    """Return the first zone that holds each point, -1 where none does."""
    zone = np.full(x_m.size, -1, np.int32)
    for row in reversed(range(len(outlines))):
        shapely.prepare(outlines[row])
        zone[shapely.contains_xy(outlines[row], x_m, y_m)] = row
    return zone


def synthesise(settings: Population, zones: Zones, streets: Streets, seed: int) -> tuple[Households, People]:
    """Return households and people: residents by zone met exactly, everything else drawn from the shares."""
    size, zone = _household_sizes(settings, zones, seed)
    first = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    n_households, n_people = size.size, int(first[-1])
    household = np.repeat(np.arange(n_households, dtype=np.int32), size)
    age = _ages(settings, size, first, seed)
    is_female = uniforms(seed, Stream.PERSON, n_people, index=1) < settings.share_female
    mobility = _mobility(settings, age, seed)
    speed = free_speed_m_s(age, is_female, mobility, uniforms(seed, Stream.WALKING_SPEED, n_people))
    node, x_m, y_m = _homes(settings, zones, streets, zone, seed)
    lone_old = (size == 1) & (age[first[:-1]] >= OLD_AGE)
    p_car = np.where(lone_old, settings.p_car_lone_65, settings.p_car)
    households = Households(
        first_person=first,
        home_node=node,
        home_x_m=x_m,
        home_y_m=y_m,
        zone=zone,
        has_car=uniforms(seed, Stream.CAR, n_households) < p_car,
        has_children=np.minimum.reduceat(age, first[:-1]) < ADULT_AGE,
        is_stayer=np.zeros(n_households, np.bool_),
        cause=np.full(n_households, Cause.NONE, np.int8),
        decision_time_s=np.full(n_households, np.inf),
        departure_time_s=np.full(n_households, np.inf),
    )
    people = People(
        household=household,
        age=age,
        is_female=is_female,
        mobility=mobility,
        free_speed_m_s=speed,
        status=np.full(n_people, Status.HOME, np.int8),
        protection=np.full(n_people, Protection.UPPER_FLOOR, np.int8),
        injury=np.full(n_people, Injury.NONE, np.int8),
        injury_time_s=np.full(n_people, np.inf),
        death_time_s=np.full(n_people, np.inf),
    )
    return households, people


def _household_sizes(settings: Population, zones: Zones, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return size and zone of each household; in every zone the sizes add up to its residents."""
    ladder = np.cumsum(settings.household_size_shares)
    sizes, zone_of = [], []
    for zone, residents in enumerate(zones.residents):
        if residents == 0:
            continue
        u = uniforms(seed, Stream.HOUSEHOLD, int(residents), tick=zone)
        size = 1 + np.minimum(np.searchsorted(ladder, u, side="right"), ladder.size - 1)
        running = np.cumsum(size)
        n = int(np.searchsorted(running, residents)) + 1
        size = size[:n].copy()
        size[-1] -= running[n - 1] - residents
        sizes.append(size)
        zone_of.append(np.full(n, zone, np.int32))
    return np.concatenate(sizes).astype(np.int64), np.concatenate(zone_of)


def _ages(settings: Population, size: np.ndarray, first: np.ndarray, seed: int) -> np.ndarray:
    """Return ages: shares of children and old people met, somebody of age in every household, children never alone.

    The first member is of age; those living alone are old with their own probability; the rest of the old and the
    children are spread over the other places at random.
    """
    n_people = int(first[-1])
    is_head = np.zeros(n_people, np.bool_)
    is_head[first[:-1]] = True
    alone = np.repeat(size == 1, size)
    u = uniforms(seed, Stream.PERSON, n_people)
    n_others = (~is_head).sum()
    p_child = min(1.0, settings.share_under_18 * n_people / max(n_others, 1))
    p_old_alone = settings.p_lone_person_is_65_or_over if settings.share_65_and_over else 0.0
    n_old_left = settings.share_65_and_over * n_people - p_old_alone * alone.sum()
    n_places = (is_head & ~alone).sum() + (1 - p_child) * n_others
    p_old = float(np.clip(n_old_left / max(n_places, 1), 0, 1))
    is_child = ~is_head & (u < p_child)
    rest = np.where(is_head, u, (u - p_child) / max(1 - p_child, 1e-12))
    is_old = ~is_child & (rest < np.where(alone, p_old_alone, p_old))
    low = np.select([is_child, is_old], [0, OLD_AGE], ADULT_AGE)
    high = np.select([is_child, is_old], [ADULT_AGE, OLDEST_AGE], OLD_AGE)
    return (low + (high - low) * uniforms(seed, Stream.PERSON, n_people, index=2)).astype(np.int16)


def _mobility(settings: Population, age: np.ndarray, seed: int) -> np.ndarray:
    u = uniforms(seed, Stream.PERSON, age.size, index=3)
    old = age >= OLD_AGE
    p_assisted = np.where(old, settings.p_needs_assistance_65, settings.p_needs_assistance_under_65)
    p_slow = np.where(old, settings.p_slow_65, np.where(age >= ADULT_AGE, settings.p_slow_under_65, 0.0))
    return np.select(
        [u < p_assisted, u < p_assisted + p_slow],
        [Mobility.NEEDS_ASSISTANCE, Mobility.SLOW],
        Mobility.UNIMPAIRED,
    ).astype(np.int8)


def _homes(settings: Population, zones: Zones, streets: Streets, zone: np.ndarray, seed: int):
    """Return node, x and y of each home: in its zone, on a street drawn in proportion to length, beside the roadway."""
    node = np.empty(zone.size, np.int32)
    x_m, y_m = np.empty(zone.size), np.empty(zone.size)
    liveable = np.isin(np.array(streets.highway_names)[streets.highway], HOME_STREETS)
    for row in np.unique(zone):
        homes = np.flatnonzero(zone == row)
        links = np.flatnonzero((zones.link_zone == row) & liveable)
        if links.size == 0:
            links = np.flatnonzero(zones.link_zone == row)
        ladder = np.cumsum(streets.length_m[links])
        entity = np.arange(homes.size)
        u_link, u_along, u_side = (uniforms_for(seed, Stream.HOME, entity, tick=row, index=i) for i in range(3))
        link = links[np.minimum(np.searchsorted(ladder, u_link * ladder[-1], side="right"), links.size - 1)]
        near = u_along < 0.5
        node[homes] = np.where(near, streets.link_upstream[link], streets.link_downstream[link])
        ax, ay = streets.node_x_m[streets.link_upstream[link]], streets.node_y_m[streets.link_upstream[link]]
        bx, by = (
            streets.node_x_m[streets.link_downstream[link]],
            streets.node_y_m[streets.link_downstream[link]],
        )
        length = np.maximum(np.hypot(bx - ax, by - ay), 1e-9)
        side = np.where(u_side < 0.5, -1.0, 1.0) * settings.home_setback_m
        x_m[homes] = ax + u_along * (bx - ax) - side * (by - ay) / length
        y_m[homes] = ay + u_along * (by - ay) + side * (bx - ax) / length
    return node, x_m, y_m
