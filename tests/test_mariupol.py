"""Damage to buildings held against Mariupol: the share hit, and how far damaged buildings stand together."""

import os

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree

from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.impacts import Area
from safepassage.model.hazard.process import simulate
from safepassage.model.settings.damage import Buildings
from safepassage.model.settings.shelling import ShellingProcess

DATA = os.environ.get("SAFEPASSAGE_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="SAFEPASSAGE_DATA names no folder with the buildings of Mariupol")
DAYS = 60


def places(path):
    frame = pd.read_csv(f"{DATA}/{path}")
    east_m = np.cos(np.radians(47.1)) * 111_320
    return np.column_stack(((frame.longitude - 37.4) * east_m, (frame.latitude - 47.0) * 110_574))


def together(buildings, is_hit, reach_m):
    """Return the share hit of those within reach of a building that was hit, over the share of all."""
    hit = buildings[is_hit]
    n_all = cKDTree(buildings).query_ball_point(hit, reach_m, return_length=True) - 1
    n_hit = cKDTree(hit).query_ball_point(hit, reach_m, return_length=True) - 1
    return float(n_hit.sum() / n_all.sum() / is_hit.mean())


def drawn_damage(buildings, seed=1, events_per_day=2000, **process):
    """Return which buildings impacts of the process make unfit to live in."""
    squares = np.unique(buildings // 100, axis=0) * 100 + 50
    east_m, north_m = buildings.max(axis=0) + 500
    area = Area(0.0, 0.0, float(east_m), float(north_m), None, squares)
    process = ShellingProcess(events_per_day=events_per_day, share_near_people=1.0, **process)
    falls = simulate(process, area, 0.0, DAYS * 86400.0, seed, "UTC")
    now = (falls.time_s >= 0) & (falls.time_s < DAYS * 86400.0)
    size, settings = falls.size[now], Buildings()
    grid = grid_of_points(*buildings.T, cell_m=25.0)
    event, home, _ = points_within(grid, falls.x_m[now], falls.y_m[now], np.array(settings.home_distance_m)[size])
    u = uniforms_for(seed, Stream.DAMAGE, home, tick=event)
    is_hit = np.zeros(len(buildings), np.bool_)
    is_hit[home[u < np.array(settings.p_home_lost)[size[event]]]] = True
    return is_hit


def seen_damage(buildings):
    """Return which buildings were seen damaged from satellite by May 2022."""
    away_m, nearest = cKDTree(buildings).query(places("conflict/mariupol_unosat_damage_points.csv"))
    seen = np.zeros(len(buildings), np.bool_)
    seen[nearest[away_m < 30.0]] = True
    return seen


def test_a_tenth_of_mariupol_was_hit_in_clusters_and_drawn_damage_is_spread_more_evenly():
    buildings = places("population/mariupol_building_centroids.csv")
    seen = seen_damage(buildings)
    assert seen.mean() == pytest.approx(0.102, abs=0.002)
    recorded = [together(buildings, seen, reach_m) for reach_m in (100.0, 1000.0)]
    assert recorded == pytest.approx([4.6, 3.1], abs=0.1)
    drawn = drawn_damage(buildings)
    near, far = (together(buildings, drawn, reach_m) for reach_m in (100.0, 1000.0))
    assert 0.02 < drawn.mean() < 0.15
    # what docs/harm.md says: impacts stand together, but without the gradient of a siege
    assert 1.1 < near < recorded[0] and far == pytest.approx(1.0, abs=0.1)


def test_with_districts_fitted_to_the_west_of_mariupol_damage_stands_together_as_in_the_east():
    buildings = places("population/mariupol_building_centroids.csv")
    seen, is_east = seen_damage(buildings), buildings[:, 0] >= np.median(buildings[:, 0])
    east = buildings[is_east] - buildings[is_east].min(axis=0)
    reaches_m = (100.0, 1000.0)
    recorded = [together(east, seen[is_east], reach_m) for reach_m in reaches_m]
    assert recorded == pytest.approx([4.0, 2.5], abs=0.1)
    example = ShellingProcess.model_fields["districts"].examples[0]
    drawn = []
    for seed in range(10):
        hit = drawn_damage(east, seed, events_per_day=3500, districts=example)
        drawn.append([together(east, hit, reach_m) for reach_m in reaches_m])
    # few districts differ much from run to run; without them it is 1.1 and 1.0 in each
    assert np.median(drawn, axis=0) == pytest.approx(recorded, rel=0.4)
    assert (np.min(drawn, axis=0) < recorded).all() and (recorded < np.max(drawn, axis=0)).all()
