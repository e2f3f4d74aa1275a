"""Holds damage to buildings against a siege: the share of Mariupol's buildings hit, and how far they stand together.

The buildings are those of OpenStreetMap, damage is what UNOSAT saw from satellite by 8 May 2022. Districts of the
shelling (`ShellingProcess.districts`) were fitted to the western half of the town; the eastern half is the check.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.impacts import Area
from safepassage.model.hazard.process import simulate
from safepassage.model.settings.damage import Buildings
from safepassage.model.settings.shelling import Districts, ShellingProcess

BUILDINGS, DAMAGE = "population/mariupol_building_centroids.csv", "conflict/mariupol_unosat_damage_points.csv"
DAYS = 60
"""From the first days of March to the pictures of 8 May, about."""
WITHIN_M = 30.0
"""A damage point farther than this from every building is left out (m). Assumption."""
REACHES_M = (100.0, 1000.0)
EVENTS_PER_DAY = {"town": 4500.0, "half": 3500.0}
"""So many near people damage about as many buildings as were seen, evenly and in districts."""


def places(path: Path) -> Floats:
    """Return the places of a file with latitude and longitude near Mariupol, x and y in m, float64[n, 2]."""
    frame = pd.read_csv(path)
    east_m = np.cos(np.radians(47.1)) * 111_320
    return np.column_stack(((frame.longitude - 37.4) * east_m, (frame.latitude - 47.0) * 110_574))


def seen_damage(buildings: Floats, folder: Path) -> Bools:
    """Return which buildings were seen damaged; folder: of the data, with conflict/ in it."""
    away_m, nearest = cKDTree(buildings).query(places(folder / DAMAGE))
    seen = np.zeros(len(buildings), np.bool_)
    seen[nearest[away_m < WITHIN_M]] = True
    return seen


def drawn_damage(buildings: Floats, seed: int, events_per_day: float, districts: Districts | None = None) -> Bools:
    """Return which buildings impacts of the process make unfit to live in, bool.

    buildings: east and north of each (m), float64[n, 2]. seed: for all chance. events_per_day: over the whole area.
    districts: None, or those of a siege.
    """
    squares = np.unique(buildings // 100, axis=0) * 100 + 50
    east_m, north_m = buildings.max(axis=0) + 500
    area = Area(0.0, 0.0, float(east_m), float(north_m), None, squares)
    process = ShellingProcess(events_per_day=events_per_day, share_near_people=1.0, districts=districts)
    falls = simulate(process, area, 0.0, DAYS * 86400.0, seed, "UTC")
    now = (falls.time_s >= 0) & (falls.time_s < DAYS * 86400.0)
    size, settings = falls.size[now], Buildings()
    grid = grid_of_points(*buildings.T, cell_m=25.0)
    event, home, _ = points_within(grid, falls.x_m[now], falls.y_m[now], np.array(settings.home_distance_m)[size])
    u = uniforms_for(seed, Stream.DAMAGE, home, tick=event)
    is_hit = np.zeros(len(buildings), np.bool_)
    is_hit[home[u < np.array(settings.p_home_lost)[size[event]]]] = True
    return is_hit


def together(buildings: Floats, is_hit: Bools) -> Floats:
    """Return the share hit of those within each reach of a building that was hit, over the share of all."""
    hit, found = buildings[is_hit], []
    for reach_m in REACHES_M:
        n_all = cKDTree(buildings).query_ball_point(hit, reach_m, return_length=True) - 1
        n_hit = cKDTree(hit).query_ball_point(hit, reach_m, return_length=True) - 1
        found.append(n_hit.sum() / n_all.sum() / is_hit.mean())
    return np.array(found)


def eastern_half(buildings: Floats, seen: Bools) -> tuple[Floats, Bools]:
    """Return the buildings of the half that districts were not fitted to, from its own corner, and which were hit."""
    is_east = buildings[:, 0] >= np.median(buildings[:, 0])
    return buildings[is_east] - buildings[is_east].min(axis=0), seen[is_east]


def drawn_in_districts(east: Floats, n_runs: int) -> Floats:
    """Return how far damage stands together in runs with the fitted districts, float64[n_runs, reach]."""
    fitted = Districts.model_validate(ShellingProcess.model_fields["districts"].examples[0])
    return np.array([together(east, drawn_damage(east, s, EVENTS_PER_DAY["half"], fitted)) for s in range(n_runs)])


def lines(folder: Path) -> list[str]:
    """Return the comparison as lines of text; folder: of the data. none without the data."""
    if not all((folder / name).is_file() for name in (BUILDINGS, DAMAGE)):
        return []
    buildings = places(folder / BUILDINGS)
    seen = seen_damage(buildings, folder)
    even = drawn_damage(buildings, 1, EVENTS_PER_DAY["town"])
    east, seen_east = eastern_half(buildings, seen)
    drawn = drawn_in_districts(east, 16)

    def text(near, far):
        return f"{near:.1f} times the mean within 100 m, {far:.1f} within 1 km"

    return [
        f"damage to {len(buildings):,} buildings of Mariupol: {seen.mean():.1%} seen hit, {even.mean():.1%} drawn even",
        f"  near one that was hit, recorded: {text(*together(buildings, seen))}",
        f"  drawn even: {text(*together(buildings, even))}",
        f"  eastern half, recorded: {text(*together(east, seen_east))}",
        f"  drawn there in districts fitted to the western half, median of 16 runs: {text(*np.median(drawn, axis=0))}",
    ]
