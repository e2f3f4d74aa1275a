"""From longitude and latitude to metres on a plane, and back."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.settings.base import ScenarioError

WGS84 = "EPSG:4326"
MOST_DISTORTION = 0.005
"""Of lengths in the file's own plane; UTM has 0.0004, web Mercator 0.5 at 48 degrees north. Beyond it the town's
UTM zone is used instead."""


def source_crs(text: str | None, x: Floats, y: Floats) -> tuple[str, bool]:
    """Return the coordinate system of a graph as text, and whether it had to be assumed (degrees, WGS 84)."""
    if text is not None and str(text).strip():
        return str(text).strip(), False
    if (np.abs(x) <= 180).all() and (np.abs(y) <= 90).all():
        return WGS84, True
    raise ScenarioError(
        f"the street graph does not say its coordinate system (no `crs`), and x = {x[0]}, y = {y[0]} are not degrees. "
        'Set graph.graph["crs"], for example to "EPSG:32637", and save it again.'
    )


def plane_crs(crs: str, x: Floats, y: Floats) -> str:
    """Return the projected system in metres to work in: the graph's own if it is one, else its UTM zone."""
    import pyproj
    from pyproj.exceptions import CRSError, ProjError

    try:
        known = pyproj.CRS.from_user_input(crs)
    except CRSError as error:
        raise ScenarioError(
            f"the street graph has crs = {crs!r}, which is not known ({error}). "
            'Set it to an EPSG code such as "EPSG:4326".'
        ) from error
    is_metric = all(axis.unit_name in ("metre", "meter") for axis in known.axis_info[:2])
    try:
        longitude, latitude = transformer(crs, WGS84)(x, y)
    except ProjError as error:
        raise ScenarioError(
            f"the street graph has crs = {str(crs)[:80]!r}, from which there is no way to degrees ({str(error)[:80]}). "
            'Set it to an EPSG code such as "EPSG:4326".'
        ) from None
    if known.is_projected and is_metric and _is_true_to_scale(known, longitude, latitude):
        return known.to_string()
    return utm_zone(longitude, latitude)


def _is_true_to_scale(crs: Any, longitude: Floats, latitude: Floats) -> bool:
    """Return whether a metre of a projected system is one on the ground, within MOST_DISTORTION, about the points."""
    from pyproj import Proj

    factors = Proj(crs).get_factors(float(np.mean(longitude)), float(np.mean(latitude)))
    scales = np.array([factors.meridional_scale, factors.parallel_scale])
    return bool((np.abs(scales - 1) <= MOST_DISTORTION).all())


def utm_zone(longitude: Floats, latitude: Floats) -> str:
    """Return the EPSG code of the UTM zone in which the centre of the points lies."""
    unwrapped = (longitude - longitude[0] + 180) % 360 - 180 + longitude[0]
    centre = ((unwrapped.min() + unwrapped.max()) / 2 + 180) % 360 - 180
    zone = min(int((centre + 180) // 6) + 1, 60)
    return f"EPSG:{(32700 if (latitude.min() + latitude.max()) < 0 else 32600) + zone}"


@lru_cache(maxsize=16)
def transformer(from_crs: str, to_crs: str) -> Callable[..., Any]:
    """Return a function (x, y) -> (x, y) between two coordinate systems, x always east; arrays or numbers."""
    import pyproj

    return pyproj.Transformer.from_crs(from_crs, to_crs, always_xy=True).transform
