"""What is marked on the bar of time: orders, closures and the front as planned, impacts as they fall."""

from collections.abc import Callable, Iterable

import numpy as np

from safepassage.app.told.log import order_told

BINS = 400
"""Pieces of the bar in which impacts are counted."""
NEAR_KM = (30, 20, 15, 10, 5, 2, 0)
"""Distances of the front from the middle of the town whose crossing is marked (km)."""
FRONT_LOOKS = 600
"""Moments of the run at which the front is looked at."""


def marks_of(scenario, impacts_s: np.ndarray, duration_s: float, front=None) -> dict:
    """Return the marks of a run, as the page draws them: moments in s, each with a text and its values.

    scenario: what is simulated. impacts_s: times of the impacts (s). duration_s: of the run. front: distance_km(time_s)
    from the middle; None: there is no front.
    """
    orders = [
        [issued_s, (told := order_told(order.force.value, order.zones)).text, told.values]
        for order in scenario.orders
        if order.after is None and (issued_s := scenario.issued_s(order)) <= duration_s
    ]
    return {
        "orders": orders,
        "closures": list(_closures(scenario.closures, duration_s)),
        "front": [] if front is None else _crossings(front, duration_s),
        "impacts": counted(impacts_s, duration_s),
    }


def counted(impacts_s: np.ndarray, duration_s: float) -> list[int]:
    """Return the number of impacts in each piece of the bar."""
    return np.histogram(impacts_s, BINS, (0.0, max(duration_s, 1.0)))[0].tolist()


def _closures(closures, duration_s: float) -> Iterable[list]:
    for kind in ("streets", "exits", "shelters", "contraflow"):
        for one in getattr(closures, kind):
            name = one.name or " to ".join(one.between or ())
            from_s = 3600.0 * one.from_h
            until_s = duration_s if one.until_h is None else 3600.0 * one.until_h
            text = "contraflow on {name}" if kind == "contraflow" else "closed: {name}"
            if from_s <= duration_s:
                yield [from_s, min(until_s, duration_s), text, {"name": name}]


def _crossings(distance_km: Callable[[float], float], duration_s: float) -> list[list]:
    """Return the moments at which a front comes nearer to the middle of the town than a distance of NEAR_KM."""
    times = np.linspace(0.0, duration_s, FRONT_LOOKS + 1)
    away = np.array([distance_km(float(t)) for t in times])
    text = "the front is {km} km from the middle"
    found: list[list] = []
    for km in NEAR_KM:
        nearer = np.flatnonzero((away[:-1] > km) & (away[1:] <= km))
        if nearer.size:
            found.append([float(times[nearer[0] + 1]), text, {"km": km}])
    return found
