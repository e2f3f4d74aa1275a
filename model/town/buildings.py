"""Heights of the buildings along each street, from a file of footprints."""

from pathlib import Path

import numpy as np
import shapely

from safepassage.agents.ground.arrays import Floats
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.model.inputs.vectors import POLYGONS, read_features, without_outline
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.streets import Streets

_M_PER_STOREY = 3.0


def heights_along_links(path: Path, streets: Streets, within_m: float = 30.0) -> tuple[Floats, tuple[str, ...]]:
    """Return the mean height of the buildings within reach of each link (m), float64, nan where there is none; notes.

    path: GeoJSON in longitude and latitude, with one feature per building and its `height` (m) or `building:levels`
    (storeys of 3 m, Assumption) as in OpenStreetMap. within_m: from the building's centre to the line of the link.
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
    return np.divide(total_m, n, out=np.full(streets.n_links, np.nan), where=n > 0), tuple(notes)


def _height_m(properties):
    """Return the height that the properties of a building give (m), nan if none that is a positive number."""
    for key, metres in (("height", 1.0), ("building:levels", _M_PER_STOREY)):
        try:
            value = float(str(properties.get(key, "")).removesuffix("m").strip()) * metres
        except ValueError:
            continue
        if value > 0:
            return value
    return np.nan
