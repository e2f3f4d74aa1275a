"""GeoJSON that users give: a FeatureCollection, or one feature a line, and what each feature holds.

RFC 7946: longitude and latitude (WGS 84). A member `crs` of the older standard (2008) is obeyed.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError
from safepassage.model.text_files import read_text


def read_collection(path: Path) -> dict[str, Any]:
    """Return the FeatureCollection of a file of GeoJSON; one feature a line makes one too (GeoJSONL, GeoJSONSeq).

    path: the file, which errors name. Raises ScenarioError, with the line, for anything else.
    """
    text = read_text(path)
    n_values = text.count(",") + text.count("[")
    change = "Cut it to the area of the streets."
    refuse_needs([Need(str(path), n_values, "values of GeoJSON", BYTES["geojson_value"], change)])
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        lines = _features_of_lines(text, path) if error.msg == "Extra data" or text.startswith("\x1e") else None
        if lines is not None:
            return {"features": lines}
        raise ScenarioError(
            f"{path}, line {error.lineno}: this is not GeoJSON: {error.msg}. Export it again."
        ) from None
    except (RecursionError, ValueError) as error:
        raise ScenarioError(f"{path}: this is not GeoJSON: {str(error)[:100]}. Export it again.") from None
    if isinstance(found, dict) and found.get("type") == "Feature":
        return {"features": [found]}
    if not isinstance(found, dict) or not isinstance(found.get("features"), list):
        kind = found.get("type") if isinstance(found, dict) else type(found).__name__
        raise ScenarioError(
            f"{path}: this is not a GeoJSON FeatureCollection (its type is {str(kind)[:40]!r}). Export it as one."
        )
    return found


def _features_of_lines(text: str, path: Path) -> list[Any] | None:
    """Return the features of a file with one on each line; None if its first line is none."""
    features: list[Any] = []
    for number, line in enumerate(text.replace("\x1e", "").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            each = json.loads(line)
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
    return ((crs.get("properties") or {}).get("name") if isinstance(crs, dict) else None) or crs


def parts_of(each: Any, place: str, kinds: Sequence[str], what: str) -> tuple[Any, dict[str, Any]]:
    """Return geometry (None if it has none, or an empty one) and properties of a feature.

    each: the feature. place: its file and number, for errors. kinds: types of geometry that are right. what: the word
    for one such thing.
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
    if kind == "GeometryCollection" and not given.get("geometries"):
        return None, properties
    if kind not in kinds and not _is_one_of(kind, given, kinds):
        raise ScenarioError(f"{place} is a {str(kind)[:30]}; each {what} must be a {' or a '.join(kinds)}.")
    try:
        geometry = shapely.force_2d(shape(given))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, shapely.errors.ShapelyError) as error:
        raise ScenarioError(
            f"{place}: its coordinates are not those of a {kind} ({str(error)[:80]}). Draw it again."
        ) from None
    return geometry, properties


def _is_one_of(kind: Any, given: Any, kinds: Sequence[str]) -> bool:
    """Return whether a geometry of several parts has one part, of a kind that is right."""
    parts = given.get("coordinates") if isinstance(given, dict) else None
    return isinstance(kind, str) and kind.removeprefix("Multi") in kinds and isinstance(parts, list) and len(parts) == 1
