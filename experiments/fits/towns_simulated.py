"""The towns as scenarios: decisions of the simulator, run in each town and held against what officials counted.

Streets are those of Tiny Town, so every such town is SCHEMATIC: nothing but its front, its residents before the war,
its first count and the days are its own. Whoever sets out is gone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from safepassage.experiments.fits.towns import APPROACH_OVER_D, TownSeries
from safepassage.experiments.fits.towns_old import share_old
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.people.demography import OLD_AGE, SHARE_65_AND_OVER, SHARE_UNDER_18
from safepassage.model.settings.scenario import Scenario, load

STREETS = "tiny_town"
SAMPLE = 2000
"""Most residents that are simulated; a smaller town is simulated whole."""
P_OLD_DECIDE_ALONE = 0.6
"""Share of the old living with younger adults who decide for themselves (source: `population.p_old_decide_alone`)."""
MIDDLE = (-33.0, 45.0)
"""Middle of the schematic town: longitude and latitude (degrees)."""


def keys_of(town: TownSeries) -> dict[str, Any]:
    """Return the keys that make Tiny Town this town from its first count to its last: dotted key -> value.

    It is under orders all the time and has seats, as the towns of the fit were and had: what that does is in the fit.
    """
    share = min(town.share_first, 1.0)
    old = float(share_old(min(share, 0.999)))  # of those who are there at the first count, many are old
    return {
        "run.start": f"{town.first_date:%Y-%m-%d}T00:00",
        "run.duration_h": float(24 * town.day.max() + 24),
        "population.share_of_prewar": round(share, 4),
        "population.share_65_and_over": round(old, 3),
        "population.share_under_18": round(SHARE_UNDER_18 * (1 - old) / (1 - SHARE_65_AND_OVER), 3),
        "population.p_old_decide_alone": P_OLD_DECIDE_ALONE,
        "front.distances": distances(town),
        "front.reference": list(MIDDLE),
        "orders": [{"issued_h": 0, "compliance": 0.0}],
        "shelling.sources": [],
        "behaviour.decide_every_s": 86400.0,
        "behaviour.channels.door_to_door.p_persuaded": 0.0,
        "behaviour.coefficients.no_seat": 0.0,
        "behaviour.leaving.threat_factor": town.factor,
    }


def distances(town: TownSeries) -> list[dict[str, Any]]:
    """Return the distance of the front by day, beginning APPROACH_OVER_D before the first count."""
    n = min(APPROACH_OVER_D, town.distance_km.size)
    before = town.distance_km[:n] + town.approach_km_per_week[:n] * APPROACH_OVER_D / 7
    km = np.concatenate([before, np.full(APPROACH_OVER_D - n, town.distance_km[0]), town.distance_km])
    days = pd.date_range(town.first_date - pd.Timedelta(days=APPROACH_OVER_D), periods=km.size)
    turns = np.ones(km.size, bool)  # days between which the distance is linear say nothing
    turns[1:-1] = np.abs(np.diff(km, 2)) > 1e-9
    return [
        {"day": f"{day:%Y-%m-%d}", "distance_km": round(float(at), 3)}
        for day, at in zip(days[turns], km[turns], strict=True)
    ]


def scenario_of(town: TownSeries, changes: Mapping[str, Any]) -> Scenario:
    """Return the scenario of a town, with at most SAMPLE people. changes: dotted key -> value."""
    n = int(min(town.first_count, SAMPLE))
    return load(STREETS, {**keys_of(town), "population.residents": n, **changes})


def run(town: TownSeries, parameters: np.ndarray, factor: float, first_count: float, seed: int) -> np.ndarray:
    """Return how many are left at each row, and the share of 65 and over among them, of one run; float64[2, rows].

    parameters: logarithms of k0, k1 and D. factor: of the town's own. first_count: from which it starts (people).
    seed: of the run.
    """
    k0, k1, reach_km = np.exp(parameters)
    scenario = scenario_of(
        town,
        {
            "run.seed": seed,
            "population.share_of_prewar": min(first_count / town.prewar, 1.0),
            "behaviour.leaving.standing_per_day": float(k0),
            "behaviour.leaving.approach_km_weeks_per_day": float(k1),
            "behaviour.leaving.reach_km": float(reach_km),
            "behaviour.leaving.threat_factor": town.factor * factor,
        },
    )
    made = DecisionsOnly(scenario).run()
    noons_s = (town.day + 0.5) * 86400.0
    is_old = made.people.age >= OLD_AGE
    left, old = made.left(noons_s), made.left(noons_s, is_old)
    return np.array([left * first_count / is_old.size, old / np.maximum(left, 1)])


def runs(town: TownSeries, pool: np.ndarray, spread: tuple[float, float], n: int, seed: int) -> np.ndarray:
    """Return what n runs say of each row: float64[2, n, rows], people left and share of 65 and over.

    Each has a seed from `seed` on, a fit of the pool, a factor of the town's own and the noise of counts, as the
    analytic band has. spread: standard deviations of that factor's logarithm and of the noise's.
    """
    chance = np.random.default_rng(seed)
    between, noise = spread[0], spread[1] / np.sqrt(2)
    found = np.empty((2, n, town.day.size))
    for i in range(n):
        first = min(town.first_count * np.exp(noise * chance.standard_normal()), town.prewar)
        found[:, i] = run(town, pool[i % len(pool)], np.exp(between * chance.standard_normal()), first, seed=seed + i)
        found[0, i] *= np.exp(noise * chance.standard_normal(town.day.size))
    return found


def lines(judged: Sequence[Any], n: int) -> Iterator[str]:
    """Yield the table of the simulator's runs, a row per count, and their scores; judged: `Judged` of each town."""
    yield ""
    yield f"The simulator's decisions on schematic streets: {n} runs a town, each with its own seed and parameters"
    yield f"  {'date':12}{'reported':>18}{'median':>9}{'90 % band':>19}{'aged 65+':>10}"
    errors: dict[str, list[np.ndarray]] = {}
    inside: list[np.ndarray] = []
    for number, town in enumerate(judged):
        s = town.series
        left, old = runs(s, town.pool, town.spread, n, seed=1000 * (number + 1))
        low, middle, high = np.percentile(left, [5, 50, 95], axis=0)
        yield f"{s.town}, {s.scope}"
        for j, day in enumerate(s.dates):
            band = f"{low[j]:,.0f} to {high[j]:,.0f}"
            share = np.median(old[:, j])
            yield f"  {day:%Y-%m-%d}  {s.reported[j]:>18}{middle[j]:9,.0f}{band:>19}{share:10.0%}"
        errors.setdefault(s.town, []).append(town.errors(middle))
        inside.append((low <= s.high) & (high >= s.low))
    ard = np.array([np.concatenate(errors[name]).mean() for name in sorted(errors)])
    share_inside = np.concatenate(inside).mean()
    yield (
        f"simulator, leave-one-town-out: ARD mean {ard.mean():.2f} median {np.median(ard):.2f}, "
        f"band coverage {100 * share_inside:.0f} %"
    )
    yield ""
