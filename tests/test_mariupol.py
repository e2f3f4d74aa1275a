"""Damage to buildings held against Mariupol: the share hit, and how far damaged buildings stand together."""

import os
from pathlib import Path

import numpy as np
import pytest

from safepassage.experiments.fits import siege_damage as siege
from safepassage.experiments.fits import siege_districts
from safepassage.model.settings.shelling import ShellingProcess

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


def test_the_districts_that_are_given_fit_the_west_and_smaller_or_fewer_ones_do_not(mariupol, monkeypatch):
    west = siege_districts.half_of(*mariupol, east=False)
    assert siege_districts.together(west, west.n) == pytest.approx(1.0), "damage everywhere stands together nowhere"
    given = ShellingProcess.model_fields["districts"].examples[0]
    monkeypatch.setattr(siege_districts, "SPREADS_M", (350.0, given["radius_m"] / 1.1774))
    monkeypatch.setattr(siege_districts, "CENTRES_PER_KM2", (0.01, given["per_km2"]))
    tried = siege_districts.fit(west, 12)
    assert tried[0].centres_per_km2 == given["per_km2"] and tried[0].spread_m > 600.0
    assert np.abs(np.log(tried[0].together / siege_districts.together(west, west.n_hit))).max() < 0.3


def test_where_mariupol_was_hit_early_it_went_on_being_hit(mariupol):
    assert siege_districts.stays_under_fire(mariupol[0], Path(DATA)) == pytest.approx([2.8, 2.0], abs=0.1)
