"""What lies beneath the streets on a map: water, green, railways, names of places. For pictures alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.streets.streets import Streets

KINDS = ("green", "water", "railway", "place")
"""Kinds of things, in the order in which they are drawn."""
KIND_OF = {kind: kind for kind in KINDS} | {"river": "water", "coast": "water"}
"""Kind of a feature by its property `kind`; features of other kinds are passed over."""
Wanted = dict[str, dict[str, tuple[str, ...]]]
AREAS: Wanted = {
    "water": {"natural": ("water", "bay"), "waterway": ("riverbank", "dock"), "landuse": ("reservoir", "basin")},
    "green": {
        "leisure": ("park", "garden", "nature_reserve", "golf_course"),
        "landuse": ("forest", "grass", "meadow", "recreation_ground", "village_green", "cemetery", "orchard"),
        "natural": ("wood", "scrub", "heath", "grassland"),
    },
}
LINES: Wanted = {
    "water": {"waterway": ("river", "canal")}, "railway": {"railway": ("rail", "light_rail", "narrow_gauge")},
}  # fmt: skip
POINTS: Wanted = {"place": {"place": ("city", "town", "suburb", "quarter", "neighbourhood", "village", "hamlet")}}
TAGS = {"area": AREAS, "line": LINES, "point": POINTS}
KEYS = ("natural", "waterway", "landuse", "leisure", "railway", "place")
"""Keys of OpenStreetMap that these tags have (OpenStreetMap wiki, "Map features")."""
LEAST_AREA_M2 = 2000.0
"""Smaller areas are left out: under two pixels on a map of a town. Assumption."""
SIMPLER_BY_M = 5.0
"""Outlines are simplified by so much (m): about a pixel. Assumption."""
MOST = 4000
"""Things kept of a kind, the largest first. Assumption: more makes a page slow and shows nothing more."""
MARGIN = 0.03
"""How far beyond the streets things are kept, as a share of their extent: as far as the page's map goes."""


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing beneath the streets."""

    kind: str
    name: str
    is_area: bool
    parts: tuple[Floats, ...]
    """float64[n, 2] in metres: a point, lines, or the rings of an area, holes among them."""


def background_kind(tags: Mapping[str, str], *, shape: str) -> str | None:
    """Return the kind of a thing of OpenStreetMap; None: it is not drawn. shape: "area", "line" or "point"."""
    if tags.get("tunnel", "no") != "no" or tags.get("location") == "underground" or "service" in tags:
        return None  # tracks of a yard or a siding have a `service`
    for kind, wanted in TAGS[shape].items():
        if any(tags.get(key) in values for key, values in wanted.items()):
            return kind if kind != "place" or tags.get("name") else None
    return None


def read_background(path: Path | None, streets: Streets) -> tuple[Thing, ...]:
    """Return the things of a file, moved to the streets' plane, those drawn first at the front; nothing without a file.

    Raises ScenarioError for a file that cannot be read. path: GeoJSON or another file of features, with their `kind`
    (KIND_OF) and `name`.
    """
    import shapely

    if path is None:
        return ()
    kinds = (*POLYGONS, "LineString", "MultiLineString", "Point", "MultiPoint")
    features, _ = read_features(path, kinds, "thing of the background")
    found = []
    for feature in features:
        kind = KIND_OF.get(str(feature.properties.get("kind")))
        if kind is None or feature.geometry is None:
            continue
        shape = streets.project_shape(feature.geometry)
        is_area = shape.geom_type in POLYGONS
        pieces = [shapely.geometry.polygon.orient(one) if is_area else one for one in shapely.get_parts(shape)]
        rings = [ring for one in pieces for ring in (one.exterior, *one.interiors)] if is_area else pieces
        found.append(Thing(kind, str(feature.properties.get("name") or ""), is_area,
                           tuple(shapely.get_coordinates(one) for one in rings)))  # fmt: skip
    return tuple(sorted(found, key=lambda thing: (KINDS.index(thing.kind), not thing.is_area)))


def background_features(things: list[tuple[str, Any, str]], lon: Floats, lat: Floats) -> list[dict]:
    """Return things of a map as GeoJSON features: clipped to the streets, simplified, small ones left out.

    things: kind, shape (shapely, degrees), name. lon, lat: of the junctions.
    """
    import shapely

    wide, high = MARGIN * max(np.ptp(lon), 1e-4), MARGIN * max(np.ptp(lat), 1e-4)
    box = (lon.min() - wide, lat.min() - high, lon.max() + wide, lat.max() + high)
    m_per_degree = 111_195.0  # along a meridian, of a sphere of 6,371 km
    m2_per_degree2 = m_per_degree**2 * np.cos(np.radians(lat.mean()))
    kept: dict[str, list[tuple[float, dict]]] = {kind: [] for kind in KINDS}
    for kind, shape, name in things:
        size_m2 = float(shapely.area(shape)) * m2_per_degree2
        if shape.geom_type in POLYGONS and size_m2 < LEAST_AREA_M2:
            continue
        drawn = shapely.simplify(shapely.clip_by_rect(shapely.make_valid(shape), *box), SIMPLER_BY_M / m_per_degree)
        drawn = shapely.set_precision(drawn, 1e-5)
        if drawn.is_empty or drawn.geom_type == "GeometryCollection":
            continue
        length_m = float(shapely.length(drawn)) * m_per_degree
        feature = {"type": "Feature", "properties": {"kind": kind} | ({"name": name} if name else {}),
                   "geometry": shapely.geometry.mapping(drawn)}  # fmt: skip
        kept[kind].append((max(size_m2, length_m), feature))
    return [feature for found in kept.values()
            for _, feature in sorted(found, key=lambda one: -one[0])[:MOST]]  # fmt: skip
