"""The streets of a zone in which none lies: the nearest one, and all that are hardly farther."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.model.streets.zones import BESIDE_M, _nearest


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_the_nearest_streets_are_those_of_all_distances(seed):
    """Of a zone with a bay, in or beside a crowd of places: the same rows and the same distances to the last bit."""
    rng = np.random.default_rng(seed)
    turn = np.sort(rng.uniform(0.0, 2.0 * np.pi, 12))
    out_m = rng.uniform(20.0, 900.0, 12)
    outline = shapely.Polygon(np.column_stack((out_m * np.cos(turn), out_m * np.sin(turn)))).buffer(0.0)
    x_m, y_m = rng.uniform(-2000.0, 2000.0, (2, 200)) + rng.choice([0.0, 2500.0], (2, 1))
    away_m = shapely.distance(outline, shapely.points(x_m, y_m))
    rows, found_m = _nearest(outline, x_m, y_m)
    is_near = found_m <= found_m.min() + BESIDE_M
    np.testing.assert_array_equal(rows[is_near], np.flatnonzero(away_m <= away_m.min() + BESIDE_M))
    np.testing.assert_array_equal(found_m, away_m[rows])
