"""Zones, buildings, shelters, fronts and whatever else lies on a map, read one way from the files that planners have.

GeoJSON, one feature a line as well; CSV with a column of WKT, or of longitude and latitude; GeoParquet; and with the
extra `gis` GeoPackage, Shapefile (zipped or not) and FlatGeobuf. Any coordinate system comes out in degrees (WGS 84).
Of a file with several layers one is named as in QGIS: districts.gpkg|layername=districts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model import feature_tables, geojson
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import file_of
from safepassage.model.tables import refuse, some_of

WGS84 = "EPSG:4326"
POLYGONS = ("Polygon", "MultiPolygon")
LON_LAT_LIMITS = np.array([180.0, 90.0])
OTHER_FORMATS = {".tif": "a raster", ".tiff": "a raster", ".dbf": "the table of a Shapefile", ".pdf": "a PDF file",
                 ".kml": "a KML file", ".kmz": "a KML file", ".osm": "an OpenStreetMap extract",
                 ".pbf": "an OpenStreetMap extract"}  # fmt: skip
"""Formats that cannot be read here and are not text either."""


@dataclass(frozen=True, eq=False)
class Feature:
    """One thing of a map."""

    place: str
    """File and number of the feature, from 0, for messages."""
    number: int
    geometry: Any
    """shapely geometry in longitude and latitude, valid, without heights; None: it has none."""
    properties: dict[str, Any]


def read_features(
    path: Path, kinds: Sequence[str], what: str, *, in_degrees: bool = True
) -> tuple[list[Feature], list[str]]:
    """Return the features of a file, and a sentence about each thing that was repaired.

    kinds: types of geometry that are right, such as POLYGONS. what: the word for one of them, such as "zone".
    in_degrees: False where the streets have plane coordinates of no known place, and the file has the same. A feature
    without a geometry, or with an empty one, has None: whoever asks says what that means. Raises ScenarioError with
    all mistakes, each with its feature, and for a file that is not read or not in degrees. path: the file, which
    errors name; a layer of it may follow.
    """
    import shapely

    crs, given, parts = _layer(path)
    to_degrees = _to_degrees(crs, path) if in_degrees else None
    features, mistakes, n_repaired = [], [], 0
    for number, each in enumerate(given):
        place = f"{path}: feature {number}"
        try:
            geometry, properties = parts(each, place, kinds, what)
            geometry = _single(geometry, kinds)
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


def _layer(path: Path) -> tuple[Any, Sequence[Any], Callable[..., tuple[Any, dict[str, Any]]]]:
    """Return coordinate system (None: degrees), features, and the function that takes one of them apart."""
    suffix = file_of(path).suffix.lower()
    if suffix == ".gz":
        suffix = Path(file_of(path).stem).suffix.lower()
    if suffix in OTHER_FORMATS:
        raise ScenarioError(
            f"{path}: this is {OTHER_FORMATS[suffix]}, which cannot be read here. Export it as GeoJSON or "
            "GeoPackage, in QGIS for example; `safepassage init` builds a town from an extract and a raster of "
            "residents."
        )
    if suffix in feature_tables.READERS:
        crs, rows = feature_tables.READERS[suffix](path)
        if rows is not None:
            return crs, rows, _table_parts
    collection = geojson.read_collection(path)
    return geojson.crs_of(collection), collection["features"], geojson.parts_of


def _table_parts(each: Any, place: str, kinds: Sequence[str], what: str) -> tuple[Any, dict[str, Any]]:
    import shapely

    geometry, properties = each
    if isinstance(geometry, str):
        raise ScenarioError(f"{place}: its geometry cannot be read ({geometry}). Export it again.")
    if geometry is None or geometry.is_empty:
        return None, properties
    if _single(geometry, kinds).geom_type not in kinds:
        raise ScenarioError(f"{place} is a {geometry.geom_type}; each {what} must be a {' or a '.join(kinds)}.")
    return shapely.force_2d(geometry), properties


def _single(geometry: Any, kinds: Sequence[str]) -> Any:
    """Return a geometry, or its only part where one of several parts is not of the right kind; None if it is empty."""
    if geometry is None or geometry.is_empty:
        return None
    if geometry.geom_type not in kinds and len(getattr(geometry, "geoms", ())) == 1:
        return geometry.geoms[0]
    return geometry


def _to_degrees(crs: Any, path: Path) -> Any:
    """Return the function from the file's coordinates to degrees; None: they are degrees."""
    if crs is None:
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError, ProjError

    try:
        known = CRS.from_user_input(crs)
        if known.is_geographic and known.to_epsg(min_confidence=20) in (4326, None):
            return None
        return Transformer.from_crs(known, WGS84, always_xy=True).transform
    except (CRSError, ProjError, TypeError, ValueError) as error:
        raise ScenarioError(
            f"{path}: its member crs is {str(crs)[:80]!r}, which is not known ({str(error)[:80]}). Export the file in "
            "longitude and latitude (EPSG:4326)."
        ) from None


def _check_points(geometry: Any, place: str, limits: Floats | float) -> None:
    import shapely

    points = shapely.get_coordinates(geometry)
    wrong = ~np.isfinite(points).all(axis=1) | (np.abs(points) > limits).any(axis=1)
    if wrong.any():
        x, y = points[wrong][0]
        raise ScenarioError(
            f"{place} has the coordinates {x:g}, {y:g}, which are not longitude and latitude in degrees. Export the "
            "file in longitude and latitude (EPSG:4326), or state its coordinate system (GeoJSON: member crs; "
            "Shapefile: .prj)."
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
