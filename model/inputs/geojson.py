"""GeoJSON that users give: a FeatureCollection, or one feature a line, and what each feature holds.

RFC 7946: longitude and latitude (WGS 84). A member `crs` of the older standard (2008) is obeyed.
"""

import json
import re
from pathlib import Path
from typing import Any

from safepassage.model.inputs.tables import doubles_of
from safepassage.model.inputs.text_files import read_text
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError


def read_collection(path: Path) -> dict[str, Any]:
    """Return the FeatureCollection of a file of GeoJSON; one feature a line makes one too (GeoJSONL, GeoJSONSeq).

    path: the file, which errors name. Raises ScenarioError, with the line, for anything else.
    """
    text = read_text(path)
    if not text.strip():
        raise ScenarioError(f"{path}: this file is empty. Export it again.")
    n_values = text.count(",") + text.count("[")
    change = "Cut it to the area of the streets."
    refuse_needs([Need(str(path), n_values, "values of GeoJSON", BYTES["geojson_value"], change)])
    try:
        found = json.loads(text, object_pairs_hook=_no_doubles)
    except json.JSONDecodeError as error:
        lines = _features_of_lines(text, path) if error.msg == "Extra data" or text.startswith("\x1e") else None
        if lines is not None:
            return {"features": lines}
        raise ScenarioError(
            f"{path}, line {error.lineno}: this is not GeoJSON: {error.msg}. Export it again."
        ) from None
    except (RecursionError, ValueError) as error:
        raise ScenarioError(f"{path}: this is not GeoJSON: {str(error)[:100]}. Export it again.") from None
    if _HALF_LETTER.search(text):
        _refuse_half_letters(found, path)
    if isinstance(found, dict) and found.get("type") == "Feature":
        return {"features": [found], "crs": found.get("crs")}
    if isinstance(found, dict) and found.get("type") in GEOMETRIES:
        return {"features": [{"type": "Feature", "geometry": found, "properties": {}}]}
    if isinstance(found, dict) and "geometryType" in found and "features" in found:
        raise ScenarioError(f"{path}: this is JSON as ArcGIS writes it for itself. Export it as GeoJSON.")
    if not isinstance(found, dict) or not isinstance(found.get("features"), list):
        kind = found.get("type") if isinstance(found, dict) else type(found).__name__
        raise ScenarioError(
            f"{path}: this is not a GeoJSON FeatureCollection (its type is {str(kind)[:40]!r}). Export it as one."
        )
    return found


GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
_HALF_LETTER = re.compile(r"\\u[dD][89a-fA-F]")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the mapping of pairs; raises ValueError if a key stands there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = doubles_of(name for name, _ in pairs)[0]
        raise ValueError(f"the key {twice[:40]!r} appears twice in one object; keep one of them")
    return found


def _refuse_half_letters(found: Any, path: Path) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ScenarioError(
            f"{path}: it holds half of a character (\\ud800 to \\udfff without its other half). Export it again."
        ) from None


def _features_of_lines(text: str, path: Path) -> list[Any] | None:
    """Return the features of a file with one on each line; None if its first line is none."""
    features: list[Any] = []
    for number, line in enumerate(text.replace("\x1e", "").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            each = json.loads(line, object_pairs_hook=_no_doubles)
        except (ValueError, RecursionError) as error:
            if not features:
                return None
            raise ScenarioError(
                f"{path}, line {number}: this is not a GeoJSON feature: {str(error)[:100]}. Export the file again."
            ) from None
        if not features and not (isinstance(each, dict) and each.get("type") == "Feature"):
            return None
        features.append(each)
    return features


def crs_of(collection: dict[str, Any]) -> Any:
    """Return the name in the member `crs` of a collection, or the member; None: it has none."""
    crs = collection.get("crs")
    of_crs = crs.get("properties") if isinstance(crs, dict) else None
    return (of_crs.get("name") if isinstance(of_crs, dict) else None) or crs


def parts_of(each: Any, place: str) -> tuple[Any, dict[str, Any]]:
    """Return geometry (None if it has none) and properties of a feature.

    each: the feature. place: its file and number, for errors.
    """
    import shapely
    from shapely.geometry import shape

    properties = (each.get("properties") or {}) if isinstance(each, dict) else None
    if not isinstance(properties, dict):
        raise ScenarioError(f"{place} is not a GeoJSON feature with properties. Export it again.")
    given = each.get("geometry")
    if given is None:
        return None, properties
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in GEOMETRIES:
        raise ScenarioError(
            f"{place} is a {str(kind)[:30]}, and no geometry of GeoJSON ({', '.join(GEOMETRIES)}). Export it again."
        )
    try:
        geometry = shape(given)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, shapely.errors.ShapelyError) as error:
        raise ScenarioError(
            f"{place}: its coordinates are not those of a {kind} ({str(error)[:80]}). Draw it again."
        ) from None
    return geometry, properties
