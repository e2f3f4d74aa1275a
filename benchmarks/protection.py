"""What each protection does to the casualties to be expected, and to how many get out: runs in pairs of one seed.

With paths, places and times held fixed more protection never raises them (tests/test_more_protection.py). In the whole
model it also changes when people leave, and so where they stand when something falls: single pairs go either way, and
the mean over pairs counts. Everything is measured twice: in a town that is ordered out, and in one where nobody leaves.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.experiments.questions.paired import difference
from safepassage.model.evacuation import EvacuationModel

UNDER_FIRE: dict[str, Any] = {
    "shelling.sources.0.events_per_day": 600,
    "shelling.sources.0.branching_ratio": 0.9,
    "shelling.sources.0.decay_h": 0.1,
    "front.distances": [{"day": "2024-08-01", "distance_km": 3.0}],
    "drones.strikes_per_vehicle_minute": 0.01,
    "drones.strikes_per_walker_minute": 0.002,
    "harm.rooms.share_with_basement": 0.2,
}
"""Tiny Town as a drill under heavy fire in clusters, two or three an hour, with drones over the roads and few
basements."""
NOBODY_LEAVES: dict[str, Any] = {
    "orders": [],
    "behaviour.coefficients.baseline_per_day": 0.0,
    "behaviour.p_leave_after_impact": 0.0,
    "behaviour.lost_homes.share_who_leave": 0.0,
}
STREETS = ("Main Street", "Market Street", "Orchard Street", "Chapel Lane", "Town Bridge")


CITY_UNDER_FIRE: dict[str, Any] = {
    "run.duration_h": 3.0,
    "shelling.sources.0.share_near_people": 1.0,
    "shelling.sources.0.events_per_day": 2000,
    "harm.rooms.share_with_basement": 0.2,
}
"""The same for a city, without drones."""


def shelters(capacity: int, n_each_way: int = 2, scenario: str = "tiny_town") -> dict[str, Any]:
    """Return shelters over the town in rows and columns, and one in its middle, as keys of a scenario.

    capacity: people that each holds. n_each_way: rows, and columns. scenario: of which town.
    """
    homes = EvacuationModel(scenario, **{"shelling.sources": []}).households
    parts = (np.arange(n_each_way) + 0.5) / n_each_way
    at = [(x, y) for x in parts for y in parts] + [(0.5, 0.5)]
    places = [
        {"name": f"School {i}", "capacity": capacity,
         "x_m": float(np.quantile(homes.home_x_m, x)), "y_m": float(np.quantile(homes.home_y_m, y))}
        for i, (x, y) in enumerate(at)
    ]  # fmt: skip
    return {"shelters.places": places}


def vehicles(kind: str) -> dict[str, Any]:
    """Return a fleet of eight vehicles of 20 seats and a stop for it in the middle of the town."""
    stop = {"name": "Square", "latitude_deg": 45.0, "longitude_deg": -33.0}
    fleet = {"name": "Fleet", "kind": kind, "n_vehicles": 8, "seats": 20}
    return {"services.pickup_points": [stop], "services.fleets": [fleet], "population.p_car": 0.3}


def of_a_city(scenario: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return what protects in any town: without it, and with it."""
    return {
        "401 shelters of 200": ({}, shelters(200, 20, scenario)),
        "basements for 0.8 instead of 0.2": ({}, {"harm.rooms.share_with_basement": 0.8}),
        "all heed alerts instead of 0.8": ({}, {"harm.rooms.share_who_heed_alerts": 1.0}),
        "air-raid alerts, 120 s before": ({}, {"alerts.warning_s": 120.0, "alerts.false_per_day": 0.0}),
    }


def protections() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return what protects in Tiny Town: without it, and with it."""
    alerts: dict[str, Any] = {"alerts.warning_s": 120.0, "alerts.false_per_day": 0.0}
    return {
        "five shelters of 100": ({}, shelters(100)),
        "of 400 instead of 100": (shelters(100), shelters(400)),
        "seventeen of 118 instead of five of 400": (shelters(400), shelters(118, 4)),
        "basements for 0.8 instead of 0.2": ({}, {"harm.rooms.share_with_basement": 0.8}),
        "all heed alerts instead of 0.8": ({}, {"harm.rooms.share_who_heed_alerts": 1.0}),
        "air-raid alerts, 120 s before": ({}, alerts),
        "600 s before instead of 120 s": (alerts, alerts | {"alerts.warning_s": 600.0}),
        "and 5.4 false ones a day": (alerts, {"alerts.warning_s": 120.0}),
        "nets over all named streets": ({}, {"drones.nets": [{"streets": list(STREETS)}]}),
        "armoured vehicles instead of buses": (vehicles("bus"), vehicles("armoured")),
        "four ambulances": ({}, {"services.ambulances.n": 4}),
    }


def measure(scenario: str, n_pairs: int, changes: dict[str, Any], chosen: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each protection and what was found in so many pairs: expected casualties and people out.

    scenario: tiny_town, or another town, without what hangs on streets. n_pairs: pairs of runs. changes: keys of the
    scenario beside those of the town under fire. chosen: part of the name of those wanted.
    """
    known: dict[str, np.ndarray] = {}
    is_tiny = scenario == "tiny_town"
    under_fire = UNDER_FIRE if is_tiny else CITY_UNDER_FIRE
    for name, pair in (protections() if is_tiny else of_a_city(scenario)).items():
        if chosen in name:
            off, on = (_runs(known, scenario, n_pairs, under_fire | changes | keys) for keys in pair)
            casualties = difference(on[0], off[0], more_is_better=False)
            yield (
                name,
                {
                    "without": casualties.baseline_mean,
                    "with": casualties.plan_mean,
                    "change": [casualties.mean, casualties.low, casualties.high],
                    "n_up": int((on[0] > off[0] + 1e-9).sum()),
                    "out": [float(off[1].mean()), float(on[1].mean())],
                    "dead": [float(off[2].mean()), float(on[2].mean())],
                },
            )


def _runs(known: dict[str, np.ndarray], scenario: str, n: int, keys: dict[str, Any]) -> np.ndarray:
    """Return expected casualties, people out and dead of runs with the seeds 1 to n, float64[3, n]."""
    name = repr(sorted(keys.items(), key=lambda one: one[0]))
    if name not in known:
        models = (EvacuationModel(scenario, rng=seed, **keys).run() for seed in range(1, n + 1))
        known[name] = np.array([_found(model) for model in models]).T
    return known[name]


def _found(model: EvacuationModel) -> tuple[float, int, int]:
    status = model.people.status
    out, dead = (int((status == one).sum()) for one in (Status.SAFE, Status.DEAD))
    return model.recorder.expected_casualties.mean, out, dead


HEADER = ["more protection", "expected without", "with", "change (95 %)", "pairs that rise", "out", "dead"]


def row_of(name: str, found: dict[str, Any], n_pairs: int) -> list[str]:
    """Return a row of the table as text."""
    mean, low, high = found["change"]
    return [
        name,
        f"{found['without']:.1f}",
        f"{found['with']:.1f}",
        f"{mean:+.1f} ({low:+.1f} to {high:+.1f})",
        f"{found['n_up']} of {n_pairs}",
        "{:.0f} -> {:.0f}".format(*found["out"]),
        "{:.1f} -> {:.1f}".format(*found["dead"]),
    ]
