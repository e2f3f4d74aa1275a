"""Zones, buildings, shelters, fronts and whatever else lies on a map, read one way from the files that planners have.

GeoJSON, one feature a line as well; CSV with a column of WKT, or of longitude and latitude; GeoParquet; and with the
extra `gis` GeoPackage, Shapefile (zipped or not) and FlatGeobuf. Any coordinate system comes out in degrees (WGS 84).
Of a file with several layers one is named as in QGIS: districts.gpkg|layername=districts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.inputs import feature_tables, geojson
from safepassage.model.inputs.tables import refuse, some_of
from safepassage.model.inputs.text_files import read_text
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.portable import file_of

Parts = Callable[[Any, str], tuple[Any, dict[str, Any]]]
"""From a feature and its place to geometry and properties."""

WGS84 = "EPSG:4326"
DEGREES = (WGS84, "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326")
"""Usual names of longitude and latitude, known without asking PROJ, which takes a hundredth of a second."""
POLYGONS = ("Polygon", "MultiPolygon")
SHAPEFILE_NAME = 10
"""Letters of a name of a property that a Shapefile keeps."""
LON_LAT_LIMITS = np.array([180.0, 90.0])
OTHER_FORMATS = {".tif": "a raster", ".tiff": "a raster", ".dbf": "the table of a Shapefile", ".pdf": "a PDF file",
                 ".kml": "a KML file", ".kmz": "a KML file", ".osm": "an OpenStreetMap extract",
                 ".pbf": "an OpenStreetMap extract", ".gpx": "a GPX file", ".gml": "a GML file", ".dxf": "a drawing",
                 ".dwg": "a drawing", ".xls": "an Excel workbook", ".xlsx": "an Excel workbook", ".ods": "a workbook",
                 ".tab": "a MapInfo file", ".mif": "a MapInfo file", ".topojson": "TopoJSON", ".sqlite": "a database",
                 ".png": "a picture", ".jpg": "a picture", ".7z": "an archive", ".rar": "an archive",
                 ".qgz": "a project of QGIS", ".qgs": "a project of QGIS", ".shx": "the index of a Shapefile",
                 ".prj": "the coordinate system of a Shapefile", ".graphml": "a street network"}  # fmt: skip
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

    crs, given, parts, notes = _layer(path, kinds)
    to_degrees = _to_degrees(crs, path) if in_degrees else None
    features, mistakes, n_repaired = [], [], 0
    for number, each in enumerate(given):
        place = f"{path}: feature {number}"
        try:
            geometry, properties = parts(each, place)
            geometry = _fitting(geometry, kinds, place, what)
            if geometry is not None and to_degrees is not None:
                _refuse_degrees(geometry, place, crs)
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
    return features, [*notes, *([repaired] if n_repaired else [])]


def named(feature: Feature, wanted: str, change: str) -> Any:
    """Return a property of a feature; its name may be in letters of another case, or cut as a Shapefile cuts it.

    change: the change to make, of the ScenarioError if there is no such property.
    """
    if wanted in feature.properties:
        return feature.properties[wanted]
    plain = _plain(wanted)
    for length in (None, SHAPEFILE_NAME):
        found = [name for name in feature.properties if _plain(name) == plain[:length]]
        if len(found) == 1:
            return feature.properties[found[0]]
    names = list(map(str, feature.properties))
    close = get_close_matches(plain, list(map(_plain, names)), n=1, cutoff=0.6)
    meant = f" Did you mean {next(name for name in names if _plain(name) == close[0])!r}?" if close else ""
    raise ScenarioError(
        f"{feature.place} has no property {wanted!r}; it has {', '.join(names)[:300] or 'none'}.{meant} {change}"
    )


def _plain(name: object) -> str:
    return "_".join(str(name).lower().split())


def without_outline(path: Path, n: int) -> list[str]:
    """Return the sentence that buildings without an outline are left out; none if there are none of them."""
    return [f"{path.name}: {n:,} buildings have no outline and are left out."] if n else []


def _layer(path: Path, kinds: Sequence[str]) -> tuple[Any, Sequence[Any], Parts, list[str]]:
    """Return coordinate system (None: degrees), features, the function that takes one of them apart, and doubts."""
    suffix = file_of(path).suffix.lower()
    if suffix == ".gz":
        suffix = Path(file_of(path).stem).suffix.lower()
    if suffix in OTHER_FORMATS:
        raise ScenarioError(
            f"{path}: this is {OTHER_FORMATS[suffix]}, which cannot be read here. Export it as GeoJSON or "
            "GeoPackage, in QGIS for example; `safepassage init` builds a town from an extract and a raster of "
            "residents."
        )
    if suffix == ".txt" and not read_text(path)[:200].lstrip("\x1e \t\r\n").startswith(("{", "[")):
        suffix = ".csv"
    notes: list[str] = []
    if suffix in feature_tables.READERS:
        crs, rows = feature_tables.READERS[suffix](path, kinds, notes)
        if rows is not None:
            return crs, rows, _table_parts, notes
    collection = geojson.read_collection(path)
    return geojson.crs_of(collection), collection["features"], geojson.parts_of, notes


def _table_parts(each: Any, place: str) -> tuple[Any, dict[str, Any]]:
    geometry, properties = each
    if isinstance(geometry, str):
        raise ScenarioError(f"{place}: its geometry cannot be read ({geometry}). Export it again.")
    return geometry, properties


def _fitting(geometry: Any, kinds: Sequence[str], place: str, what: str) -> Any:
    """Return a geometry of a kind that is right, without heights; None if it is empty.

    Of a collection the parts that are right: their union if they are areas. Raises ScenarioError for another kind.
    """
    import shapely

    if geometry is None or geometry.is_empty:
        return None
    geometry = shapely.force_2d(geometry)
    if geometry.geom_type in kinds:
        return geometry
    parts = _single_parts(geometry)
    for kind in kinds:
        right = [part for part in parts if part.geom_type == kind]
        if len(right) == 1:
            return right[0]
        if right and f"Multi{kind}" in kinds:
            return shapely.union_all(right)
    raise ScenarioError(f"{place} is a {geometry.geom_type}; each {what} must be a {' or a '.join(kinds)}.")


def _single_parts(geometry: Any) -> list[Any]:
    """Return the parts of a geometry, those of its parts, and so on."""
    if not hasattr(geometry, "geoms"):
        return [] if geometry.is_empty else [geometry]
    return [one for part in geometry.geoms for one in _single_parts(part)]


def _to_degrees(crs: Any, path: Path) -> Any:
    """Return the function from the file's coordinates to degrees; None: they are degrees."""
    if crs is None or crs in DEGREES:
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError, ProjError

    try:
        known = CRS.from_user_input(crs)
        if known.is_geographic and known.to_epsg(min_confidence=20) in (4326, None):
            return None
        if not (known.is_geographic or known.is_projected):
            raise ValueError(f"{known.name} has no longitude and latitude, nor plane coordinates")
        return Transformer.from_crs(known, WGS84, always_xy=True).transform
    except (CRSError, ProjError, TypeError, ValueError) as error:
        raise ScenarioError(
            f"{path}: its coordinate system is {str(crs)[:80]!r}, which cannot be used ({str(error)[:120]}). Export "
            "the file in longitude and latitude (EPSG:4326)."
        ) from None


def _refuse_degrees(geometry: Any, place: str, crs: Any) -> None:
    """Raise ScenarioError for degrees in a file that says that it has metres: they would all lie at one point."""
    from pyproj import CRS

    if not CRS.from_user_input(crs).is_projected:
        return
    west, south, east, north = geometry.bounds
    if max(abs(west), abs(east)) <= LON_LAT_LIMITS[0] and max(abs(south), abs(north)) <= LON_LAT_LIMITS[1]:
        raise ScenarioError(
            f"{place} has the coordinates {west:g}, {south:g}, which look like degrees, and the file says that they "
            f"are metres ({str(crs)[:80]}). State the coordinate system that they are in, or leave out the statement."
        )


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
