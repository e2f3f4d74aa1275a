"""GeoJSON files that users give: read and checked in one way, with errors that name file, feature and change."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from safepassage.model.settings.errors import ScenarioError

POLYGONS = ("Polygon", "MultiPolygon")
ANY_SHAPE = ("Point", "MultiPoint", "LineString", "MultiLineString", *POLYGONS, "GeometryCollection")


@dataclass(frozen=True)
class Feature:
    """One feature of a file: its shape in the file's own coordinates, its properties, and where it stands."""

    place: str
    """File and number of the feature, for messages."""
    shape: BaseGeometry
    properties: dict[str, Any]


def read_features(path: Path, what: str, kinds: Collection[str] = POLYGONS) -> list[Feature]:
    """Return the features of a GeoJSON FeatureCollection, in their order.

    what: what a feature stands for, in the singular, for messages. kinds: geometry types that are allowed. Raises
    ScenarioError if the file is no FeatureCollection, holds no feature, or one of another kind.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))["features"]
        found = [_feature(one, f"{path}: feature {number}", what, kinds) for number, one in enumerate(given)]
    except ScenarioError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ScenarioError(f"{path}: this is not a GeoJSON FeatureCollection: {error!r}. Export it as one.") from None
    if not found:
        raise ScenarioError(f"{path}: the file holds no {what}. Give at least one, or leave the file out.")
    return found


def _feature(one: dict, place: str, what: str, kinds: Collection[str]) -> Feature:
    geometry = one.get("geometry")
    if not geometry:
        raise ScenarioError(f"{place} is without a geometry; draw the {what}, or leave the feature out.")
    if geometry["type"] not in kinds:
        raise ScenarioError(f"{place} is a {geometry['type']}; each {what} must be a {' or a '.join(kinds)}.")
    return Feature(place, shapely.geometry.shape(geometry), one.get("properties") or {})
