"""Heights of the buildings along each street, from a file of footprints."""

from pathlib import Path

import numpy as np
import shapely

from safepassage.agents.ground.arrays import Floats
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.model.inputs.tables import number_of
from safepassage.model.inputs.vectors import POLYGONS, read_features, without_outline
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.reading.graphml import width_m
from safepassage.model.streets.streets import Streets

_M_PER_STOREY = 3.0
HIGHEST_M = 1000.0
"""No building is higher (m)."""


def heights_along_links(path: Path, streets: Streets, within_m: float = 30.0) -> tuple[Floats, tuple[str, ...]]:
    """Return the mean height of the buildings within reach of each link (m), float64, nan where there is none; notes.

    path: file with one feature per building and its `height` (m; with a unit also feet) or `building:levels` (storeys
    of 3 m, Assumption) as in OpenStreetMap. within_m: from the building's centre to the line of the link.
    """
    features, notes = read_features(path, ("Point", *POLYGONS), "building")
    height_m = np.array([_height_m(feature.properties) for feature in features], dtype=np.float64)
    has_place = np.array([feature.geometry is not None for feature in features])
    known = np.flatnonzero(~np.isnan(height_m) & has_place)
    if known.size == 0:
        raise ScenarioError(
            f"{path}: none of {len(features):,} buildings has both an outline and a `height` or `building:levels`. Add "
            "them, or leave the file out."
        )
    centre = shapely.centroid(np.array([features[i].geometry for i in known], dtype=object))
    x_m, y_m = streets.project(shapely.get_x(centre), shapely.get_y(centre))
    grid = grid_of_links(streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m)
    building, link, _ = links_within(grid, x_m, y_m, within_m)
    if building.size == 0:
        raise ScenarioError(
            f"{path}: none of {known.size:,} buildings stands within {within_m:g} m of a street. Give those of this "
            "town, or leave the file out."
        )
    n = np.bincount(link, minlength=streets.n_links)
    total_m = np.bincount(link, weights=height_m[known][building], minlength=streets.n_links)
    notes += without_outline(path, int((~has_place).sum()))
    n_unknown = int((has_place & np.isnan(height_m)).sum())
    if n_unknown:
        notes.append(f"{path.name}: {n_unknown:,} buildings have no height that can be read and are left out.")
    return np.divide(total_m, n, out=np.full(streets.n_links, np.nan), where=n > 0), tuple(notes)


def _height_m(properties: dict) -> float:
    """Return the height that the properties of a building give (m), nan if none that a building can have."""
    for key in ("height", "building:levels", "levels"):
        said = properties.get(key)
        if said is None or isinstance(said, bool):
            continue
        try:
            metres = number_of(said)
        except ValueError:
            metres = width_m(str(said)) if key == "height" else np.nan
        if key != "height":
            metres *= _M_PER_STOREY
        if 0 < metres <= HIGHEST_M:
            return metres
    return np.nan
