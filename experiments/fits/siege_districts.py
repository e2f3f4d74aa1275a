"""Fits the districts of a siege to damage in the western half of Mariupol, by trying pairs of density and radius.

`ShellingProcess.districts` are centres placed by chance, each with a bell of shelling about it. What is fitted is how
far damage stands together within 500 m to 3 km, on squares of 250 m: the share hit near a building that was hit, over
the share of all. The eastern half takes no part; `siege_damage.py` holds the fit against it with the process itself.
How long places stay under fire is told beside, from the pictures of 14 March and of 8 May 2022.
`python -m benchmarks siege` prints all.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.spatial import cKDTree

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.experiments.fits.siege_damage import BUILDINGS, DAMAGE, WITHIN_M, places, seen_damage
from safepassage.model.settings.base import ScenarioError

REACHES_M = (500.0, 1000.0, 2000.0, 3000.0)
SQUARE_M = 250.0
CENTRES_PER_KM2 = (0.01, 0.02, 0.03, 0.04, 0.06)
SPREADS_M = (350.0, 450.0, 550.0, 650.0, 750.0, 900.0)
"""Standard deviation of the bell; its radius, which holds half, is 1.18 times as long."""
NEAR_HOMES_M = 300.0
"""Centres farther than this from every square with buildings are left out, as the process does."""


class Half(NamedTuple):
    """Squares with buildings of half a town."""

    middle_m: Floats
    n: Floats
    """Buildings in each."""
    n_hit: Floats
    near: list[Floats]
    """For each reach: which squares lie within it of each other, float64[square, square]."""


class Tried(NamedTuple):
    """A pair tried and how far it misses the record."""

    misfit: float
    """Sum over reaches of the squared difference of logarithms."""
    centres_per_km2: float
    spread_m: float
    together: Floats
    """Geometric mean of the draws, by reach."""


def half_of(buildings: Floats, seen: Bools, *, east: bool) -> Half:
    """Return the squares of the half east or west of the median building. seen: which buildings were seen damaged."""
    is_east = buildings[:, 0] >= np.median(buildings[:, 0])
    kept = is_east if east else ~is_east
    square, of = np.unique(np.floor(buildings[kept] / SQUARE_M).astype(int), axis=0, return_inverse=True)
    middle_m = (square + 0.5) * SQUARE_M
    away_m = np.hypot(*(middle_m[:, None] - middle_m[None]).transpose(2, 0, 1))
    near = [(away_m <= reach_m).astype(float) for reach_m in REACHES_M]
    of = of.ravel()
    return Half(middle_m, np.bincount(of).astype(float), np.bincount(of, seen[kept]).astype(float), near)


def together(half: Half, n_hit: Floats) -> Floats:
    """Return the share hit within each reach of a building that was hit, over the share of all. n_hit: by square."""
    share = n_hit.sum() / half.n.sum()
    return np.array([n_hit @ (near @ n_hit) / (n_hit @ (near @ half.n)) / share for near in half.near])


def drawn(half: Half, chance: np.random.Generator, centres_per_km2: float, spread_m: float) -> Floats:
    """Return how far damage stands together in one draw of districts that hits as many buildings as were hit.

    half: squares of the town. chance: all chance of the draw. centres_per_km2, spread_m: mean number of centres, and
    the standard deviation of the bell about each.
    """
    low_m, high_m = half.middle_m.min(axis=0) - NEAR_HOMES_M, half.middle_m.max(axis=0) + NEAR_HOMES_M
    centres = chance.uniform(low_m, high_m, (chance.poisson(centres_per_km2 * np.prod(high_m - low_m) / 1e6), 2))
    if len(centres):
        centres = centres[cKDTree(half.middle_m).query(centres)[0] < NEAR_HOMES_M]
    away_m = np.hypot(*(half.middle_m[:, None] - centres[None]).transpose(2, 0, 1))
    field = np.exp(-0.5 * (away_m / spread_m) ** 2).sum(axis=1)
    if not (field * half.n).sum() > 1e-9:
        field = np.ones(half.n.size)
    field *= half.n.sum() / (field * half.n).sum()
    share = half.n_hit.sum() / half.n.sum()

    def too_many(log_hits: float) -> float:
        return float((-np.expm1(-np.exp(log_hits) * field) * half.n).sum() / half.n.sum() - share)

    log_hits = brentq(too_many, -20.0, 20.0) if too_many(20.0) > 0 else 20.0  # few districts may hold too few buildings
    return together(half, -np.expm1(-np.exp(log_hits) * field) * half.n)


def fit(half: Half, n_draws: int) -> list[Tried]:
    """Return all pairs tried, the best first. n_draws: of each, all with the same chance."""
    recorded, found = np.log(together(half, half.n_hit)), []
    for spread_m in SPREADS_M:
        for centres in CENTRES_PER_KM2:
            chance = np.random.default_rng(1)
            logs = np.mean([np.log(drawn(half, chance, centres, spread_m)) for _ in range(n_draws)], axis=0)
            found.append(Tried(float(((logs - recorded) ** 2).sum()), centres, spread_m, np.exp(logs)))
    return sorted(found, key=lambda one: one.misfit)


def stays_under_fire(buildings: Floats, folder: Path) -> Floats:
    """Return the share of other buildings hit by 8 May near damage of 14 March, over that of all, at 100 m and 1 km.

    folder: of the data, with conflict/ in it.
    """
    when = pd.read_csv(folder / DAMAGE).date.to_numpy() == "2022-03-14"
    away_m, nearest = cKDTree(buildings).query(places(folder / DAMAGE))
    early, late = (np.zeros(len(buildings), np.bool_) for _ in range(2))
    early[nearest[(away_m < WITHIN_M) & when]] = True
    late[nearest[(away_m < WITHIN_M) & ~when]] = True
    late &= ~early
    others = cKDTree(buildings[~early])
    found = []
    for reach_m in (100.0, 1000.0):
        n_late = cKDTree(buildings[late]).query_ball_point(buildings[early], reach_m, return_length=True)
        n_all = others.query_ball_point(buildings[early], reach_m, return_length=True)
        found.append(n_late.sum() / n_all.sum() / (late.sum() / (~early).sum()))
    return np.array(found)


def lines(folder: Path, n_draws: int = 120) -> list[str]:
    """Return the fit as lines of text. folder: of the data. n_draws: of each pair tried. Raises ScenarioError."""
    if not all((folder / name).is_file() for name in (BUILDINGS, DAMAGE)):
        raise ScenarioError(f"{folder}: the buildings of Mariupol are not in it ({BUILDINGS}, {DAMAGE}). Name the "
                            "folder that holds them in SAFEPASSAGE_DATA.")  # fmt: skip
    buildings = places(folder / BUILDINGS)
    seen = seen_damage(buildings, folder)
    west, east = (half_of(buildings, seen, east=is_east) for is_east in (False, True))

    def text(ratios: Floats) -> str:
        return ", ".join(f"{ratio:.2f} within {reach_m:g} m" for ratio, reach_m in zip(ratios, REACHES_M, strict=True))

    said = [f"{name} half, {half.n_hit.sum() / half.n.sum():.1%} hit; near damage, over the mean: "
            f"{text(together(half, half.n_hit))}" for name, half in (("western", west), ("eastern", east))]  # fmt: skip
    tried = fit(west, n_draws)
    said += [
        f"fit {one.misfit:.4f}: {one.centres_per_km2:g} centres per km2, radius {1.1774 * one.spread_m:.0f} m: "
        f"{text(one.together)}"
        for one in tried[:6]
    ]
    near, far = stays_under_fire(buildings, folder)
    said.append(
        f"near damage of 14 March, hit by 8 May of the other buildings, over the mean: {near:.1f} within 100 m, "
        f"{far:.1f} within 1 km"
    )
    return said
