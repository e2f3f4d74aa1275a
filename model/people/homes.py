"""Where homes stand: along the streets, in buildings, or at nodes, each in its zone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.draws import Keys, Stream, uniforms_for
from safepassage.model.inputs.tables import Table, number_of, read_table, refuse, some_of
from safepassage.model.inputs.vectors import POLYGONS, read_features, without_outline
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.population import Population
from safepassage.model.streets.classes import HOME_WEIGHTS, STREET_CLASSES
from safepassage.model.streets.placing import nodes_near
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import FARTHEST_STREET_M, Zones, zone_of


@dataclass(frozen=True, eq=False)
class Sites:
    """Places where homes may stand, with their weights."""

    x_m: np.ndarray
    y_m: np.ndarray
    node: np.ndarray
    weight: np.ndarray
    source: str
    notes: list[str]


def homes(
    settings: Population, zones: Zones, streets: Streets, zone: np.ndarray, keys: Keys, seed: int
) -> tuple[Ints, Floats, Floats, list[Any]]:
    """Return node, x_m and y_m of each home, and a note for each zone that had to do without sites.

    zone, keys: of each household; its place is drawn by its keys. settings: the scenario's section `Population`.
    zones: parts of the town, with outlines and streets. streets: those of the model. seed: seed of the run, from which
    all chance is drawn.
    """
    node, x_m, y_m = np.empty(zone.size, np.int32), np.empty(zone.size), np.empty(zone.size)
    sites = _sites(settings, streets, zones)
    notes = [] if sites is None else list(sites.notes)
    weight = _home_weights(settings, streets)
    if sites is None:
        notes += _without_homes(streets, weight)
    by_zone = np.argsort(zone, kind="stable")
    first = np.searchsorted(zone[by_zone], np.arange(len(zones.name) + 1))
    for row in range(len(zones.name)):
        here = by_zone[first[row] : first[row + 1]]
        if here.size == 0:
            continue
        u = [uniforms_for(seed, Stream.HOME, keys[here], index=i) for i in range(3)]
        if sites is not None:
            is_inside = shapely.contains_xy(zones.outline[row], sites.x_m, sites.y_m)
            chosen = np.flatnonzero(is_inside & (sites.weight > 0))
            if chosen.size:
                site = chosen[_drawn(sites.weight[chosen], u[0])]
                node[here], x_m[here], y_m[here] = sites.node[site], sites.x_m[site], sites.y_m[site]
                continue
            notes.append(
                f"{sites.source}: nothing to live in lies in zone {zones.name[row]}; its homes stand on streets."
            )
        links = zones.links[row][weight[zones.links[row]] > 0]
        if links.size == 0:
            links, weight[zones.links[row]] = zones.links[row], 1.0
        if links.size == 0:
            raise ScenarioError(
                f"{settings.zones}: zone {zones.name[row]} has {here.size:,} households and no street of its own. Give "
                "their places, correct the zone's outline, or use a larger network."
            )
        node[here], x_m[here], y_m[here] = _along(streets, links, weight[links], u, settings.home_setback_m)
    return node, x_m, y_m, notes


def _drawn(weight: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return for each u a row, drawn in proportion to weight."""
    ladder = np.cumsum(weight)
    return np.minimum(np.searchsorted(ladder, u * ladder[-1], side="right"), weight.size - 1)


def _home_weights(settings: Population, streets: Streets) -> Floats:
    """Return the homes per metre of each link, float64; raises ScenarioError for a class that there is not."""
    unknown = [name for name in settings.home_weights if name not in STREET_CLASSES]
    if unknown:
        raise ScenarioError(
            f"population.home_weights: {unknown[0]!r} is no highway class; the classes are {', '.join(STREET_CLASSES)}."
        )
    weights = HOME_WEIGHTS | settings.home_weights
    return np.array([weights.get(name, 0.0) for name in streets.highway_names])[streets.highway]


def _without_homes(streets: Streets, weight: Floats) -> list[str]:
    """Return a sentence if there are large streets with pavements that nobody is made to live along."""
    names = np.array(streets.highway_names)[streets.highway]
    bare = (weight == 0) & (names == "primary")
    km = float((streets.length_m / np.where(streets.link_reverse >= 0, 2, 1))[bare].sum()) / 1000
    if km == 0:
        return []
    return [
        f"No homes are placed along {km:,.1f} km of primary roads, as population.home_weights has it. If people live "
        "there, give primary the weight 0.75, as maps of buildings show, or give buildings."
    ]


def _along(
    streets: Streets, links: np.ndarray, weight: Floats, u: list[np.ndarray], setback_m: float
) -> tuple[Ints, Floats, Floats]:
    """Return places along links drawn by length and weight, beside the roadway, and the nearer end of each link."""
    u_link, u_along, u_side = u
    link = links[_drawn(streets.length_m[links] * weight, u_link)]
    upstream, downstream = streets.link_upstream[link], streets.link_downstream[link]
    ax, ay = streets.node_x_m[upstream], streets.node_y_m[upstream]
    bx, by = streets.node_x_m[downstream], streets.node_y_m[downstream]
    length = np.maximum(np.hypot(bx - ax, by - ay), 1e-9)
    side = np.where(u_side < 0.5, -1.0, 1.0) * setback_m
    x_m = ax + u_along * (bx - ax) - side * (by - ay) / length
    y_m = ay + u_along * (by - ay) + side * (bx - ax) / length
    return np.where(u_along < 0.5, upstream, downstream), x_m, y_m


def _sites(settings: Population, streets: Streets, zones: Zones) -> Sites | None:
    if settings.buildings is not None:
        x_m, y_m, weight, notes = _in_zones(settings.buildings, *_buildings(settings.buildings, streets), zones)
        node = nearest_home_node(streets, x_m, y_m, settings.buildings)
        source = settings.buildings.name
    elif settings.node_weights is not None:
        node, weight = _weighted_nodes(settings.node_weights, streets)
        x_m, y_m, source = streets.node_x_m[node], streets.node_y_m[node], settings.node_weights.name
        notes = []
    else:
        return None
    return Sites(x_m, y_m, node, weight, source, notes)


def _in_zones(
    path: Path, x_m: Floats, y_m: Floats, weight: Floats, notes: list[str], zones: Zones
) -> tuple[Floats, Floats, Floats, list[str]]:
    """Return the buildings that lie in a zone: nobody lives in the others, as in those of a file of a whole region.

    If none does, all are returned: whoever puts them onto the streets says what is wrong with their places.
    """
    inside = zone_of(x_m, y_m, list(zones.outline)) >= 0
    if inside.all() or not inside.any():
        return x_m, y_m, weight, notes
    told = f"{path.name}: {int((~inside).sum()):,} buildings lie in no zone, so that nobody lives in them."
    return x_m[inside], y_m[inside], weight[inside], [*notes, told]


def nearest_home_node(streets: Streets, x_m: np.ndarray, y_m: np.ndarray, path: Path) -> np.ndarray:
    """Return the node nearest to each place, int32; raises ScenarioError for a place far from every street.

    streets: those of the model. x_m, y_m: place (m) in the plane of the streets. path: the file, which errors name.
    """
    return nodes_near(streets, x_m, y_m, lambda i: f"{path}: row {i + 1}", FARTHEST_STREET_M)


def _buildings(path: Path, streets: Streets) -> tuple[Floats, Floats, Floats, list[str]]:
    """Return x_m, y_m and weight of the buildings of a GeoJSON file, and notes of what was left out or repaired."""
    found, notes = read_features(path, POLYGONS, "building")
    features = [each for each in found if each.geometry is not None]
    notes += without_outline(path, len(found) - len(features))
    if not features:
        raise ScenarioError(f"{path}: no building in it has an outline; give at least one, or leave the file out.")
    outlines = streets.project_shape(np.array([feature.geometry for feature in features], dtype=object))
    area_m2 = shapely.area(outlines)
    weight = np.empty(len(features))
    mistakes: list[str] = []
    for row, feature in enumerate(features):
        dwellings = _positive(path, feature.number, feature.properties, ("dwellings",), mistakes)
        levels = _positive(path, feature.number, feature.properties, ("building:levels", "levels"), mistakes)
        weight[row] = dwellings if dwellings is not None else area_m2[row] * (1.0 if levels is None else levels)
    refuse(some_of(mistakes, str, f"{path}: {{n}} more mistakes like these."))
    inside = shapely.point_on_surface(outlines)
    return shapely.get_x(inside), shapely.get_y(inside), weight, notes


def _positive(path: Path, row: int, properties: dict, keys: tuple[str, ...], mistakes: list[str]) -> float | None:
    """Return the first of some properties that is given, None if none is; one that is no number >= 0 is an error."""
    for key in keys:
        if properties.get(key) in (None, ""):
            continue
        try:
            value = number_of(properties[key])
        except ValueError:
            value = np.nan
        if not 0 <= value < 1e6:
            mistakes.append(f"{path}: feature {row} has {key} = {properties[key]!r}; give a number >= 0.")
        return value
    return None


def _weighted_nodes(path: Path, streets: Streets) -> tuple[Ints, Floats]:
    table = read_table(path, ("node", "weight"))
    weight, node = table.numbers("weight", 0, 1e12), nodes_named(table, streets)
    table.check()
    return node, weight


def nodes_named(table: Table, streets: Streets) -> np.ndarray:
    """Return the rows of nodes given by their ids in the column node, int32; -1, and noted, where there is none."""
    row_of = {name: row for row, name in enumerate(streets.node_id)}
    return table.known("node", row_of, "there is no such node in the network; correct the id").astype(np.int32)
