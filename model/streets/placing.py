"""Points that users give, put onto the streets one way: swapped, projected and far-away ones are refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from safepassage.agents.ground.arrays import Ints
from safepassage.model.inputs.tables import refuse, some_of
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.streets import Streets

FARTHEST_M = 3000.0
"""A place farther than this from every street is taken for a mistake. Assumption."""


def place_of(streets: Streets, place: Any, what: str) -> tuple[float, float]:
    """Return x_m, y_m of a place given in metres or degrees; what: its name in errors."""
    if place.x_m is not None:
        return float(place.x_m), float(place.y_m)
    longitude, latitude = place.longitude_deg, place.latitude_deg
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise ScenarioError(
            f"{what}: {longitude:g}, {latitude:g} are not longitude and latitude in degrees. Give degrees, or x_m and "
            "y_m in the plane of the streets."
        )
    x_m, y_m = streets.project(longitude, latitude)
    return float(x_m), float(y_m)


def node_of(place: Any, streets: Streets, what: str) -> int:
    """Return the node of a place given by its node, or the one nearest to it; what: its name in errors.

    Raises ScenarioError for a node that is not there, and for a place far from every street.
    """
    if place.node is None:
        return int(nodes_near(streets, *place_of(streets, place, what), lambda _: what)[0])
    if place.node not in streets.node_id:
        raise ScenarioError(f"{what}: there is no node {place.node!r}; give one of the network, or degrees.")
    return int(streets.node_id.index(place.node))


def nodes_near(
    streets: Any,
    x_m: npt.ArrayLike,
    y_m: npt.ArrayLike,
    describe: Callable[[Any], str],
    farthest_m: float = FARTHEST_M,
) -> Ints:
    """Return the node nearest to each place, int32[n].

    describe: function row -> what to call the place in errors, with its file. Raises ScenarioError for places that are
    farther than farthest_m from every street, saying when longitude and latitude seem to be swapped. streets: those of
    the model. x_m, y_m: place (m) in the plane of the streets.
    """
    x_m, y_m = np.atleast_1d(x_m).astype(np.float64), np.atleast_1d(y_m).astype(np.float64)
    is_finite = np.isfinite(x_m) & np.isfinite(y_m)
    refuse([f"{describe(i)}: its place cannot be put onto the map of the streets. Correct it."
            for i in np.flatnonzero(~is_finite)[:5]])  # fmt: skip
    node, away_m = streets.nearest_node(x_m, y_m)
    refuse(
        some_of(
            np.flatnonzero(away_m > farthest_m),
            lambda i: (
                f"{describe(i)}: the nearest street is {away_m[i] / 1000:,.1f} km "
                f"away{cure_of_far(streets, x_m[i], y_m[i])}"
            ),
            "{n} more places lie as far from any street.",
        )
    )
    return node


def cure_of_far(streets: Any, x_m: float, y_m: float) -> str:
    """Return the end of a sentence about a place far from the streets: what to change. x_m, y_m: the place (m)."""
    longitude, latitude = streets.unproject(x_m, y_m)
    if np.isfinite(longitude) and abs(longitude) <= 90:
        swapped = streets.project(latitude, longitude)
        if np.isfinite(swapped).all() and streets.nearest_node(*swapped)[1][0] <= FARTHEST_M:
            return ". Longitude and latitude are swapped: longitude comes first."
    return ". Correct the place, leave it out, or use a larger network."
