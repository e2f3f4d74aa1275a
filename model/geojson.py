"""GeoJSON that users give, read one way: zones, buildings, shelters, areas beyond the front.

RFC 7946: a FeatureCollection in longitude and latitude (WGS 84). A member `crs` of the older standard (2008) is obeyed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.settings.base import ScenarioError
from safepassage.model.tables import refuse, some_of
from safepassage.model.text_files import read_text

WGS84 = "EPSG:4326"
POLYGONS = ("Polygon", "MultiPolygon")
OTHER_FORMATS = {
    ".gpkg": "GeoPackage", ".shp": "Shapefile", ".dbf": "Shapefile", ".kml": "KML file", ".kmz": "KML file",
    ".tif": "raster", ".tiff": "raster", ".parquet": "Parquet file", ".zip": "ZIP archive",
}  # fmt: skip
LON_LAT_LIMITS = np.array([180.0, 90.0])


@dataclass(frozen=True, eq=False)
class Feature:
    """One thing of a GeoJSON file."""

    place: str
    """File and number of the feature, from 0, for messages."""
    number: int
    geometry: Any
    """shapely geometry in longitude and latitude, valid, without heights; None: it has none."""
    properties: dict[str, Any]


def read_features(
    path: Path, kinds: Sequence[str], what: str, *, in_degrees: bool = True
) -> tuple[list[Feature], list[str]]:
    """Return the features of a GeoJSON file, and a sentence about each thing that was repaired.

    kinds: types of geometry that are right, such as POLYGONS. what: the word for one of them, such as "zone".
    in_degrees: False where the streets have plane coordinates of no known place, and the file has the same. A feature
    without a geometry, or with an empty one, has None: whoever asks says what that means. Raises ScenarioError with
    all mistakes, each with its feature, and for a file that is not a FeatureCollection or not in degrees. path: the
    file, which errors name.
    """
    import shapely

    collection = _collection(path)
    to_degrees = _to_degrees(collection.get("crs"), path) if in_degrees else None
    features, mistakes, n_repaired = [], [], 0
    for number, each in enumerate(collection["features"]):
        place = f"{path}: feature {number}"
        try:
            geometry, properties = _parts(each, place, kinds, what)
            if geometry is not None and to_degrees is not None:
                geometry = shapely.transform(geometry, lambda xy: np.column_stack(to_degrees(xy[:, 0], xy[:, 1])))
            if geometry is not None:
                _check_points(geometry, place, LON_LAT_LIMITS if in_degrees else np.inf)
                if not geometry.is_valid:
                    geometry, n_repaired = _repaired(geometry, kinds, place, what), n_repaired + 1
        except ScenarioError as error:
            mistakes.append(str(error))
            continue
        features.append(Feature(place, number, geometry, properties))
    refuse(some_of(mistakes, str, f"{path}: {{n}} more features have mistakes like these."))
    if not features:
        raise ScenarioError(f"{path}: the file holds no {what}. Give at least one, or leave the file out.")
    repaired = f"{path.name}: {n_repaired} outlines crossed themselves and were repaired (make_valid)."
    return features, [repaired] if n_repaired else []


def without_outline(path: Path, n: int) -> list[str]:
    """Return the sentence that buildings without an outline are left out; none if there are none of them."""
    return [f"{path.name}: {n:,} buildings have no outline and are left out."] if n else []


def _collection(path: Path) -> dict:
    kind = OTHER_FORMATS.get(path.suffix.lower())
    if kind is not None:
        raise ScenarioError(f"{path}: this is a {kind} and not GeoJSON. Export it as GeoJSON, in QGIS for example.")
    text = read_text(path)
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ScenarioError(
            f"{path}, line {error.lineno}: this is not GeoJSON: {error.msg}. Export it again."
        ) from None
    except (RecursionError, ValueError) as error:
        raise ScenarioError(f"{path}: this is not GeoJSON: {str(error)[:100]}. Export it again.") from None
    if not isinstance(found, dict) or not isinstance(found.get("features"), list):
        kind = found.get("type") if isinstance(found, dict) else type(found).__name__
        raise ScenarioError(
            f"{path}: this is not a GeoJSON FeatureCollection (its type is {str(kind)[:40]!r}). Export it as one."
        )
    return found


def _to_degrees(crs: Any, path: Path) -> Any:
    """Return the function from the file's coordinates to degrees; None: they are degrees."""
    if crs is None:
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    name = ((crs.get("properties") or {}).get("name") if isinstance(crs, dict) else None) or crs
    try:
        known = CRS.from_user_input(name)
    except (CRSError, TypeError) as error:
        raise ScenarioError(
            f"{path}: its member crs is {str(name)[:80]!r}, which is not known ({str(error)[:80]}). Export the file in "
            "longitude and latitude (EPSG:4326)."
        ) from None
    if known.is_geographic and known.to_epsg(min_confidence=20) in (4326, None):
        return None
    return Transformer.from_crs(known, WGS84, always_xy=True).transform


def _parts(each: Any, place: str, kinds: Sequence[str], what: str) -> tuple[Any, dict[str, int | str]]:
    """Return geometry (None if it has none, or an empty one) and properties of a feature."""
    import shapely
    from shapely.geometry import shape

    properties = (each.get("properties") or {}) if isinstance(each, dict) else None
    if not isinstance(properties, dict):
        raise ScenarioError(f"{place} is not a GeoJSON feature with properties. Export it again.")
    given = each.get("geometry")
    if given is None:
        return None, properties
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "GeometryCollection" and not given.get("geometries"):
        return None, properties
    if kind not in kinds:
        raise ScenarioError(f"{place} is a {str(kind)[:30]}; each {what} must be a {' or a '.join(kinds)}.")
    try:
        geometry = shapely.force_2d(shape(given))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, shapely.errors.ShapelyError) as error:
        raise ScenarioError(
            f"{place}: its coordinates are not those of a {kind} ({str(error)[:80]}). Draw it again."
        ) from None
    return (None if geometry.is_empty else geometry), properties


def _check_points(geometry: Any, place: str, limits: Floats | float) -> None:
    import shapely

    points = shapely.get_coordinates(geometry)
    wrong = ~np.isfinite(points).all(axis=1) | (np.abs(points) > limits).any(axis=1)
    if wrong.any():
        x, y = points[wrong][0]
        raise ScenarioError(
            f"{place} has the coordinates {x:g}, {y:g}, which are not longitude and latitude in degrees. Export the "
            "file in longitude and latitude (EPSG:4326), or give it the member crs."
        )


def _repaired(geometry: Any, kinds: Sequence[str], place: str, what: str) -> Any:
    """Return a geometry made valid: those of its parts that are of the right kind."""
    import shapely

    mended = shapely.make_valid(geometry)
    if mended.geom_type not in kinds:
        areas = [part for part in shapely.get_parts(mended) if part.geom_type in POLYGONS]
        mended = shapely.union_all(areas) if areas else None
    if mended is None or mended.is_empty or mended.geom_type not in kinds:
        raise ScenarioError(f"{place}: this {what} has no area (all its corners lie on one line). Draw it again.")
    return mended
