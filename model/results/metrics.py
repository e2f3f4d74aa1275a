"""Measures of one run, from its tables alone."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.model.results.run_folder import RunFolder

LEAVING = (Status.PREPARING, Status.WAITING, Status.TRAVELLING, Status.STRANDED, Status.SAFE)


@dataclass(frozen=True)
class Measure:
    """One number of a run."""

    name: str
    value: float
    unit: str
    meaning: str


def evacuation_time_s(safe_time_s: np.ndarray, n_leaving: int, share: float, warning_s: float = 0.0) -> float:
    """Return when `share` of those leaving were out of the area (s after the warning); nan: not within the run.

    safe_time_s: arrival in safety of each person, inf for those who have not arrived. n_leaving: those who decided to
    leave, arrived or not. 0 if so many had left before the warning. ETE90 and ETE100 after US NRC NUREG/CR-7002.
    """
    wanted = int(np.ceil(share * n_leaving))
    arrived = np.sort(safe_time_s[np.isfinite(safe_time_s)])
    if wanted == 0 or wanted > arrived.size:
        return float("nan")
    return max(0.0, float(arrived[wanted - 1] - warning_s))


def warning_s(run: RunFolder) -> float:
    """Return when the first order was issued (s); 0, the start, if nobody was warned within the run."""
    issued_s = run.manifest["warning_time_s"]
    return issued_s if issued_s < run.manifest["simulated_s"] else 0.0


def summary(run: RunFolder) -> list[Measure]:
    """Return the measures of a finished run, the ones that planners ask for first."""
    persons, exposure = run.frame("persons"), run.frame("exposure")
    n_by_status, n_by_injury = Counter(persons["status"].to_numpy()), Counter(persons["injury"].to_numpy())
    n, n_leaving = len(persons), sum(n_by_status[s.name] for s in LEAVING)
    since_s = warning_s(run)
    measures = [Measure("residents", n, "persons", "people in the area at the start")]
    for state, meaning in _STATUS_MEANING.items():
        measures.append(Measure(state.name.lower(), n_by_status[state.name], "persons", meaning))
    measures.append(Measure("evacuated_share", n_by_status[Status.SAFE.name] / max(n, 1), "1", "safe / residents"))
    for level in (Injury.LIGHT, Injury.SERIOUS):
        count = n_by_injury[level.name]
        measures.append(Measure(f"injured_{level.name.lower()}", count, "persons", "living, hurt"))
    safe_time_s = persons["safe_time_s"].to_numpy()
    for share in (0.5, 0.9, 0.95, 1.0):
        time_s = evacuation_time_s(safe_time_s, n_leaving, share, since_s)
        meaning = f"{share:.0%} of those leaving are out, after the first order"
        measures.append(Measure(f"ete{share * 100:.0f}", time_s / 3600, "h", meaning))
    by_protection = exposure.groupby("protection")["exposure_person_h"].sum()
    for place in Protection:
        hours = float(by_protection.get(place.name, 0.0))
        if hours:
            measures.append(Measure(f"exposure_{place.name.lower()}", hours, "person-hours", _PLACE_MEANING[place]))
    delay = run.frame("links")["delay_vehicle_h"].sum()
    measures.append(Measure("vehicle_delay", float(delay), "vehicle-hours", "time lost in queues by cars"))
    if run.has("services"):
        measures += _of_services(run)
    return measures


def _of_services(run: RunFolder) -> list[Measure]:
    """Return what seats were offered, used and waited for, and what their crews were exposed to."""
    runs, stops, vehicles = run.frame("services"), run.frame("stops"), run.frame("vehicles")
    done = runs[(runs["n_seats"] > 0) & np.isfinite(runs["end_s"])]
    n_boarded, n_seats = int(done["n_boarded"].sum()), int(done["n_seats"].sum())
    waiting = stops.groupby("protection")["waiting_person_h"].sum()
    measures = [
        Measure("service_runs", len(done), "runs", "runs of vehicles and trains that left the area"),
        Measure("seats_offered", n_seats, "seats", "seats on those runs"),
        Measure("boarded", n_boarded, "persons", "people aboard those runs"),
        Measure("seats_used_share", n_boarded / n_seats if n_seats else np.nan, "1", "people aboard / seats"),
        Measure("waiting_at_stops", int(stops["n_waiting"].sum()), "persons", "still waiting at stops at the end"),
        Measure("wait_longest", float(stops["max_wait_s"].max()) / 3600, "h", "longest wait at a stop for a seat"),
    ]
    for place, hours in waiting.items():
        meaning = f"waiting at stops, {_PLACE_MEANING[Protection[place]]}"
        measures.append(Measure(f"waiting_{place.lower()}", float(hours), "person-hours", meaning))
    crew, lost = float(vehicles["crew_person_h"].sum()), int(vehicles["is_lost"].sum())
    measures.append(Measure("crew_exposure", crew, "person-hours", "crews of service vehicles in the area"))
    expected = float(vehicles["n_crew_casualties_expected"].sum())
    measures.append(Measure("crew_casualties_expected", expected, "persons", "expected, from impacts and drones"))
    measures.append(Measure("vehicles_lost", lost, "vehicles", "put out of action by impacts or drones"))
    return measures


def by_group(run: RunFolder) -> pd.DataFrame:
    """Return the fate of each group: by mobility, by car, by children; shares of the group's persons."""
    return pd.DataFrame(group_rows(run))


def group_rows(run: RunFolder) -> list[dict]:
    """Return the rows of `by_group`, one for each group that has members."""
    persons = run.frame("persons")
    mobility, age = persons["mobility"].to_numpy(), persons["age"].to_numpy()
    has_car = persons["has_car"].to_numpy(bool)
    groups = {f"mobility {m.name.lower().replace('_', ' ')}": mobility == m.name for m in Mobility}
    groups |= {"household with a car": has_car, "household without a car": ~has_car}
    groups |= {"under 18": age < 18, "65 and over": age >= 65}
    is_safe = persons["status"].to_numpy() == Status.SAFE.name
    is_hurt = persons["injury"].to_numpy() != Injury.NONE.name
    safe_time_s = persons["safe_time_s"].to_numpy()
    rows = []
    for name, mask in groups.items():
        if not mask.any():
            continue
        arrived_s = safe_time_s[mask & np.isfinite(safe_time_s)]
        rows.append(
            {
                "group": name,
                "n_persons": int(mask.sum()),
                "evacuated_share": is_safe[mask].mean(),
                "casualties_per_1000": 1000 * is_hurt[mask].mean(),
                "median_arrival_h": np.median(arrived_s) / 3600 if arrived_s.size else np.nan,
            }
        )
    return rows


def gini(values: np.ndarray) -> float:
    """Return the Gini coefficient of values >= 0: 0 if all have the same, near 1 if one has all; nan if all are 0."""
    values = np.sort(np.asarray(values, float))
    n, total = values.size, values.sum()
    if n == 0 or total <= 0:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * values).sum() / (n * total))


def hours_in_area(run: RunFolder) -> np.ndarray:
    """Return how long each person was in the area and alive (h), float64: to safety, fatal injury or the run's end."""
    persons = run.frame("persons")
    killed_s = np.where(persons["status"] == Status.DEAD.name, persons["injury_time_s"], np.inf)
    end_s = np.minimum(np.minimum(persons["safe_time_s"], killed_s), run.manifest["simulated_s"])
    return np.asarray(end_s, float) / 3600.0


def fairness(run: RunFolder) -> list[Measure]:
    """Return how unevenly danger and delay fall: ratios between groups, spread of hours in the area.

    Impaired: slow or in need of assistance. Risk: share of a group that came to harm. nan: nothing to compare with.
    """
    persons, hours = run.frame("persons"), hours_in_area(run)
    leaving = np.isin(persons["status"].to_numpy(), [s.name for s in LEAVING])
    hurt = (persons["injury"] != Injury.NONE.name).to_numpy()
    safe_s, since_s = persons["safe_time_s"].to_numpy(), warning_s(run)
    has_car = persons["has_car"].to_numpy(bool)
    impaired = (persons["mobility"] != Mobility.UNIMPAIRED.name).to_numpy()
    old, child = (persons["age"] >= 65).to_numpy(), (persons["age"] < 18).to_numpy()

    def t90_s(group):
        return evacuation_time_s(safe_s[group], int(leaving[group].sum()), 0.9, since_s)

    def ratio(of, group, other):
        if not group.any() or not other.any():
            return float("nan")
        above, below = of(group), of(other)
        return float(above / below) if below > 0 else float("nan")

    measures = []
    for name, group, other in (("impaired", impaired, ~impaired), ("no_car", ~has_car, has_car)):
        versus = {"impaired": "impaired / unimpaired", "no_car": "household without / with a car"}[name]
        meaning = f"time until 90% of those leaving are out, {versus}"
        measures.append(Measure(f"t90_ratio_{name}", ratio(t90_s, group, other), "1", meaning))
        risk = ratio(lambda rows: hurt[rows].mean(), group, other)
        measures.append(Measure(f"risk_ratio_{name}", risk, "1", f"share that came to harm, {versus}"))
    groups = (impaired, ~impaired, has_car, ~has_car, old, child)
    means = [hours[group].mean() for group in groups if group.any()]
    gap = float(max(means) - min(means)) if means else float("nan")
    meaning = "greatest minus least mean hours in the area of a group (mobility, car, age)"
    measures.append(Measure("gap_hours_in_area", gap, "h", meaning))
    measures.append(Measure("gini_hours_in_area", gini(hours), "1", "unevenness of hours in the area among persons"))
    return measures


_STATUS_MEANING = {
    Status.SAFE: "out of the area",
    Status.TRAVELLING: "on the way at the end",
    Status.PREPARING: "decided to leave, not yet set out",
    Status.WAITING: "waiting for a seat or for the road",
    Status.STRANDED: "want to leave and have no way out",
    Status.SHELTERING: "in a shelter",
    Status.HOME: "staying at home",
    Status.DEAD: "killed or died of injuries",
}
_PLACE_MEANING = {
    Protection.OUTDOORS: "outdoors",
    Protection.VEHICLE: "in an unarmoured vehicle",
    Protection.UPPER_FLOOR: "at home, upper floor",
    Protection.INNER_ROOM: "at home, inner room",
    Protection.BASEMENT: "in a basement",
    Protection.SHELTER: "in a shelter",
    Protection.ARMOURED: "in an armoured vehicle",
}
