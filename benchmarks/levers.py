"""What each lever of planners does in the full model: expected casualties and people out, runs in pairs of one seed.

With ways and times held fixed some of them never do harm (tests/test_convoys.py, test_truces.py, test_institutions.py).
In a whole run a lever also changes who is where when something falls, so single pairs go either way.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.protection import STREETS, UNDER_FIRE, shelters, vehicles
from safepassage.agents.civilians import Status
from safepassage.experiments.questions.paired import Difference, difference
from safepassage.model.evacuation import EvacuationModel

COMING: dict[str, Any] = {
    "front.distances": [{"day": "2024-08-01", "distance_km": 16.0}, {"day": "2024-08-02", "distance_km": -8.0}]
}
"""A front that comes nearer by a kilometre an hour."""
WINDOW: dict[str, Any] = {"name": "Window", "from_time": "07:00", "until_time": "09:00"}
HOME: dict[str, Any] = {
    "name": "Home", "kind": "care_home", "latitude_deg": 45.0, "longitude_deg": -33.0, "n_residents": 40, "n_staff": 8,
}  # fmt: skip

Pair = tuple[dict[str, Any], dict[str, Any]]


def levers() -> dict[str, Pair]:
    """Return each lever in Tiny Town: keys without it, and with it."""
    fleet = vehicles("bus")
    (bus,) = fleet["services.fleets"]
    vans = {"name": "Vans", "n_vehicles": 4, "seats": 12, "wheelchair_places": 4, "serves": "door_to_door"}
    home = {"institutions": [HOME], "services.fleets": [vans], "population.p_car": 0.3}
    return {
        "ordered an hour earlier": ({"orders.0.issued_h": 1.25}, {}),
        "ordered with the front at 8 instead of 7 km": (_ordered_at(7.0), _ordered_at(8.0)),
        "orders brought to nine doors in ten": ({}, {"behaviour.channels.door_to_door.reach": 0.9}),
        "a truce from 07:00 to 09:00": ({}, _truce(0.0)),
        "one truce in ten violated instead of nine": (_truce(0.9), _truce(0.1)),
        "nets over all named streets": ({}, {"drones.nets": [{"streets": list(STREETS)}]}),
        "eight buses": ({"population.p_car": 0.3}, fleet),
        "buses in convoys, without escort": (fleet, _convoys(fleet, bus, 1.0)),
        "convoys with an escort": (_convoys(fleet, bus, 1.0), _convoys(fleet, bus, 0.5)),
        "twice the buses once the front is at 8 km": (fleet | _coming(8.0), _reinforced(fleet, 8.0)),
        "a checkpoint on the North road taken away": (
            {"closures.checkpoints": [{"exit": "North road", "inspect_s": 30}]}, {},
        ),
        "contraflow on Main Street": ({}, {"closures.contraflow": [{"name": "Main Street"}]}),
        "two crews that clear streets": ({}, {"damage.crews.n_crews": 2}),
        "five shelters of 100": ({}, shelters(100)),
        "a care home brought out": (home, home | {"institutions_leave": [_leaves()]}),
        "40 beds for it instead of 20": (
            home | {"institutions_leave": [_leaves(beds=20)]}, home | {"institutions_leave": [_leaves(beds=40)]},
        ),
    }  # fmt: skip


def _truce(p_violated: float) -> dict[str, Any]:
    return {"truces": [WINDOW], "truce_keeping.p_violated": p_violated}


def _coming(km: float) -> dict[str, Any]:
    return COMING | {"triggers": [{"name": "near", "front_within_km": km, "known_after_h": 0}]}


def _ordered_at(km: float) -> dict[str, Any]:
    return _coming(km) | {"orders": [{"after": "near", "compliance": 0.8}]}


def _convoys(fleet: dict[str, Any], bus: dict[str, Any], strike_factor: float) -> dict[str, Any]:
    convoys = {"every_s": 1200, "speed_km_h": 30, "strike_factor": strike_factor}
    return fleet | {"services.fleets": [bus | {"convoys": convoys}]}


def _reinforced(fleet: dict[str, Any], km: float) -> dict[str, Any]:
    more = {"fleet": "Fleet", "n_vehicles": 8, "after": "near"}
    return fleet | _coming(km) | {"services.reinforcements": [more]}


def _leaves(**more: int) -> dict[str, Any]:
    return {"name": "Home", "at_h": 0.25, "every_s": 600, **more}


def measure(n_pairs: int, changes: dict[str, Any], chosen: str) -> Iterator[tuple[str, Difference, Difference]]:
    """Yield each lever with the differences in expected casualties and in people out, in so many pairs.

    n_pairs: pairs of runs. changes: keys beside those of the town under fire. chosen: part of the name of those wanted.
    """
    known: dict[str, np.ndarray] = {}
    for name, pair in levers().items():
        if chosen in name:
            off, on = (_runs(known, n_pairs, UNDER_FIRE | changes | keys) for keys in pair)
            yield (
                name,
                difference(on[0], off[0], more_is_better=False),
                difference(on[1], off[1], more_is_better=True),
            )


def _runs(known: dict[str, np.ndarray], n: int, keys: dict[str, Any]) -> np.ndarray:
    """Return expected casualties (crews too) and people out of runs with the seeds 1 to n, float64[2, n]."""
    name = repr(sorted(keys.items(), key=lambda one: one[0]))
    if name not in known:
        models = (EvacuationModel("tiny_town", rng=seed, **keys).run() for seed in range(1, n + 1))
        known[name] = np.array([_found(model) for model in models], float).T
    return known[name]


def _found(model: EvacuationModel) -> tuple[float, int]:
    return model.recorder.expected_casualties.mean, int((model.people.status == Status.SAFE).sum())


HEADER = ["lever", "expected casualties without", "change (95 %)", "pairs that rise", "out without", "change (95 %)"]


def row_of(name: str, hurt: Difference, out: Difference, n_pairs: int) -> list[str]:
    """Return a row of the table as text.

    name: of the lever. hurt, out: differences in expected casualties and in people out. n_pairs: pairs of runs.
    """
    n_up = round((1 - hurt.p_better - hurt.p_equal) * n_pairs)
    return [
        name,
        f"{hurt.baseline_mean:.1f}",
        f"{hurt.mean:+.2f} ({hurt.low:+.2f} to {hurt.high:+.2f})",
        f"{n_up} of {n_pairs}",
        f"{out.baseline_mean:,.0f}",
        f"{out.mean:+.1f} ({out.low:+.1f} to {out.high:+.1f})",
    ]
