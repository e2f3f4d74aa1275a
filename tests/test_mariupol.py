"""Damage to buildings held against Mariupol: the share hit, and how far damaged buildings stand together."""

import os
from pathlib import Path

import numpy as np
import pytest

from safepassage.experiments.fits import siege_damage as siege

DATA = os.environ.get("SAFEPASSAGE_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="SAFEPASSAGE_DATA names no folder with the buildings of Mariupol")


@pytest.fixture(scope="module")
def mariupol():
    buildings = siege.places(Path(DATA) / siege.BUILDINGS)
    return buildings, siege.seen_damage(buildings, Path(DATA))


def test_a_tenth_of_mariupol_was_hit_in_clusters_and_drawn_damage_is_spread_more_evenly(mariupol):
    buildings, seen = mariupol
    assert seen.mean() == pytest.approx(0.102, abs=0.002)
    recorded = siege.together(buildings, seen)
    assert recorded == pytest.approx([4.6, 3.1], abs=0.1)
    drawn = siege.drawn_damage(buildings, 1, siege.EVENTS_PER_DAY["town"])
    near, far = siege.together(buildings, drawn)
    assert 0.02 < drawn.mean() < 0.15
    # what docs/harm.md says: impacts stand together, but without the gradient of a siege
    assert 1.1 < near < recorded[0] and far == pytest.approx(1.0, abs=0.1)


def test_with_districts_fitted_to_the_west_of_mariupol_damage_stands_together_as_in_the_east(mariupol):
    east, seen = siege.eastern_half(*mariupol)
    recorded = siege.together(east, seen)
    assert recorded == pytest.approx([4.0, 2.5], abs=0.1)
    drawn = siege.drawn_in_districts(east, 10)
    # few districts differ much from run to run; without them it is 1.1 and 1.0 in each
    assert np.median(drawn, axis=0) == pytest.approx(recorded, rel=0.4)
    assert (np.min(drawn, axis=0) < recorded).all() and (recorded < np.max(drawn, axis=0)).all()
