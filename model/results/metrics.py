"""The outcomes of one run, from its tables alone; their words, units and directions stand in `outcomes.py`."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.model.results.outcomes import (
    AT_STOPS,
    BY_GROUP,
    FRONT_NEAR_KM,
    GROUPS,
    OUTCOMES,
    PERCENT_OF_LEAVERS,
    PERCENT_OUT,
    Outcome,
    Panel,
)
from safepassage.model.results.run_folder import RunFolder

LEAVING = (Status.PREPARING, Status.WAITING, Status.TRAVELLING, Status.STRANDED, Status.SAFE)
COLD = ("cold_casualties", "cold_deaths", "cold_casualties_expected", "cold_outside", "homes_without_heat",
        "homes_without_water")  # fmt: skip
SHARES = {"ete50": 0.5, "ete90": 0.9, "ete95": 0.95, "ete100": 1.0}


@dataclass(frozen=True)
class Measure:
    """One outcome of a run with its value."""

    name: str
    value: float
    unit: str
    meaning: str

    @classmethod
    def of(cls, outcome: Outcome, value: float) -> "Measure":
        """Return an outcome with its value."""
        return cls(outcome.name, value, outcome.unit, outcome.words)

    @property
    def outcome(self) -> Outcome:
        """The outcome, with its panel and direction."""
        return OUTCOMES[self.name]


def evacuation_time_s(safe_time_s: np.ndarray, n_leaving: int, share: float, warning_s: float = 0.0) -> float:
    """Return when `share` of those leaving were out of the area (s after the warning); nan: not within the run.

    safe_time_s: arrival in safety of each person, inf for those who have not arrived. n_leaving: those who decided to
    leave, arrived or not. 0 if so many had left before the warning. ETE90 and ETE100 after US NRC NUREG/CR-7002.
    warning_s: when the first order was issued (s).
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


def values_of(run: RunFolder) -> dict[str, float]:
    """Return name -> value of every outcome of a finished run, the same names for every run but those of cold.

    A run without services has 0 of what services do; outcomes of cold are there in runs with weather alone. nan: not
    reached within the run, or nobody to whom it applies.
    Outcomes of a group (`left_behind:no_car`) are there if the group has members.
    """
    found = {**_people(run), **_clearance(run), **_exposure(run), **_roads(run), **_services(run)}
    found |= {**_institutions(run), **_truces(run), **_reception(run), **_cold(run), **_fairness(run), **_front(run)}
    return {name: float(found[name]) for name in OUTCOMES if name in found} | _of_groups(run)


def summary(run: RunFolder) -> list[Measure]:
    """Return the outcomes of a finished run for a reader: not those by group, nor what there is none of.

    Left out are person-hours of 0, and times until a share of the residents is out that was not reached.

    Inequality is reported by `fairness`, groups by `by_group`.
    """
    found = {**_people(run), **_clearance(run), **_exposure(run), **_roads(run)}
    if run.has("services"):
        found |= _services(run)
    if run.has("truces"):
        found |= _truces(run)
    if run.has("institutions"):
        found |= _institutions(run)
    if run.has("reception_places"):
        found |= _reception(run)
    found |= _cold(run)
    measures = [Measure.of(outcome, float(found[name])) for name, outcome in OUTCOMES.items() if name in found]
    return [
        m
        for m in measures
        if not (m.unit in ("person-hours", "household-days") and m.value == 0) and not _is_never_out(m)
    ]


def _is_never_out(measure: Measure) -> bool:
    return measure.outcome.panel == Panel.PROGRESS and bool(np.isnan(measure.value))


def fairness(run: RunFolder) -> list[Measure]:
    """Return how unevenly danger and delay fall: ratios between groups, spread of hours in the area.

    Impaired: slow or in need of assistance. Risk: share of a group that came to harm. nan: nothing to compare with.
    """
    return [Measure.of(OUTCOMES[name], value) for name, value in _fairness(run).items()]


def by_group(run: RunFolder) -> pd.DataFrame:
    """Return the fate of each group that has members: a row for each, `group` in words, then the outcomes BY_GROUP."""
    found = _of_groups(run)
    groups = [group for group in GROUPS if f"{BY_GROUP[0]}:{group}" in found]
    rows = [{"group": GROUPS[group], **{name: found[f"{name}:{group}"] for name in BY_GROUP}} for group in groups]
    return pd.DataFrame(rows).astype({"n_persons": int, "left_behind": int})


def _people(run: RunFolder) -> dict[str, float]:
    persons = run.frame("persons")
    n_by_status, n_by_injury = Counter(persons["status"].to_numpy()), Counter(persons["injury"].to_numpy())
    n, n_safe = len(persons), n_by_status[Status.SAFE.name]
    return {
        "residents": n,
        **{status.name.lower(): n_by_status[status.name] for status in Status},
        "evacuated_share": n_safe / max(n, 1),
        "left_behind": n - n_safe - n_by_status[Status.DEAD.name],
        "casualties": hurt_by_fire(run).sum(),
        **{f"injured_{level.name.lower()}": n_by_injury[level.name] for level in (Injury.LIGHT, Injury.SERIOUS)},
    }


def hurt_by_fire(run: RunFolder) -> np.ndarray:
    """Return whom shelling, drones and crossfire hurt or killed, bool by person; those killed by cold are not."""
    persons = run.frame("persons")
    dead, hurt = persons["status"] == Status.DEAD.name, persons["injury"] != Injury.NONE.name
    if run.has("cold_casualties"):
        cold = run.frame("cold_casualties")
        dead &= ~persons["person"].isin(cold.loc[cold["is_dead"], "person"])
    return (dead | hurt).to_numpy()


def _clearance(run: RunFolder) -> dict[str, float]:
    persons, since_s = run.frame("persons"), warning_s(run)
    n_leaving = int(persons["status"].isin([s.name for s in LEAVING]).sum())
    safe_s = persons["safe_time_s"].to_numpy()
    of_leaving = {name: evacuation_time_s(safe_s, n_leaving, share, since_s) / 3600 for name, share in SHARES.items()}
    of_residents = {
        f"out{percent}": evacuation_time_s(safe_s, len(persons), percent / 100) / 3600 for percent in PERCENT_OUT
    }
    from_start = {
        f"leavers_out{percent}": evacuation_time_s(safe_s, n_leaving, percent / 100) / 3600
        for percent in PERCENT_OF_LEAVERS
    }
    return of_leaving | of_residents | from_start


def _exposure(run: RunFolder) -> dict[str, float]:
    hours = run.frame("exposure").groupby("protection")["exposure_person_h"].sum()
    by_place = {place: float(hours.get(place.name, 0.0)) for place in Protection}
    return {
        "exposure_person_h": sum(by_place.values()),
        "exposure_unprotected_person_h": by_place[Protection.OUTDOORS] + by_place[Protection.VEHICLE],
        **{f"exposure_{place.name.lower()}": value for place, value in by_place.items()},
    }


def _roads(run: RunFolder) -> dict[str, float]:
    return {"vehicle_delay": run.frame("links")["delay_vehicle_h"].sum()}


def _institutions(run: RunFolder) -> dict[str, float]:
    """Return how many of institutions are not out."""
    if not run.has("institutions"):
        return {"in_institutions": 0.0}
    table = run.frame("institutions")
    return {"in_institutions": (table["n_residents"] + table["n_staff"] - table["n_out"] - table["n_dead"]).sum()}


def _truces(run: RunFolder) -> dict[str, float]:
    """Return what truces meant to those who left under them."""
    if not run.has("truces"):
        return {"turned_back": 0.0, "gathered": 0.0}
    truces = run.frame("truces")
    return {"turned_back": truces["n_turned_back"].sum(), "gathered": truces["gathered_person_h"].sum()}


def _reception(run: RunFolder) -> dict[str, float]:
    """Return who got a bed, who was sent on, who waits for one."""
    if not run.has("reception_places"):
        nothing = {name: 0.0 for name, o in OUTCOMES.items() if o.panel == Panel.RECEPTION}
        return {**nothing, "first_place_full": np.nan}
    places = run.frame("reception_places")
    first_full_s = float(places["first_full_s"].min())
    return {
        "beds_used": places["n_beds_used"].sum(),
        "given_bed": places["n_given_bed"].sum(),
        "sent_onward": places["n_sent_onward"].sum(),
        "without_bed": places["n_waiting"].sum(),
        "waiting_for_bed": places["waiting_person_h"].sum(),
        "first_place_full": first_full_s / 3600 if np.isfinite(first_full_s) else np.nan,
    }


def _front(run: RunFolder) -> dict[str, float]:
    """Return where a front that is given by its distance stands at the end, and when it first came near."""
    found = dict.fromkeys(("front_at_end_km", "front_near_d"), float("nan"))
    if not run.has("front") or "distance_km" not in run.frame("front"):
        return found
    table, end_s = run.frame("front"), run.manifest["simulated_s"]
    time_s, distance_km = table["time_s"].to_numpy(float), table["distance_km"].to_numpy(float)
    found["front_at_end_km"] = float(np.interp(end_s, time_s, distance_km))
    at_s = np.unique(np.clip(np.concatenate((time_s, [0.0, end_s])), 0.0, end_s))
    away_km = np.interp(at_s, time_s, distance_km)
    near = np.flatnonzero(away_km <= FRONT_NEAR_KM)
    if near.size:
        first = int(near[0])
        since = slice(max(first - 1, 0), first + 1)
        when_s = np.interp(-FRONT_NEAR_KM, -away_km[since], at_s[since]) if first else 0.0
        found["front_near_d"] = float(when_s) / 86400
    return found


def _cold(run: RunFolder) -> dict[str, float]:
    """Return what cold did: to people outside and at home, and for how long homes were without heat and water."""
    if not run.has("cold_days"):
        return {}
    days = run.frame("cold_days")
    values = (
        days["n_cold_casualties"].sum(), days["n_cold_deaths"].sum(), days["n_cold_expected"].iloc[-1],
        days["cold_outside_person_h"].sum(), days["n_homes_without_heat"].sum(), days["n_homes_without_water"].sum(),
    )  # fmt: skip
    return dict(zip(COLD, values, strict=True))


def _services(run: RunFolder) -> dict[str, float]:
    """Return what seats were offered, used and waited for, and what their crews were exposed to."""
    if not run.has("services"):
        nothing = {name: 0.0 for name, o in OUTCOMES.items() if o.panel == Panel.SERVICES}
        return {**nothing, **dict.fromkeys(("seats_used_share", "wait_longest", "crew_casualties_per_1000"), np.nan)}
    runs, stops, vehicles = run.frame("services"), run.frame("stops"), run.frame("vehicles")
    done = runs[(runs["fleet"] != "ambulances") & np.isfinite(runs["end_s"])]
    n_boarded, n_seats = int(done["n_boarded"].sum()), int(done["n_seats"].sum())
    waiting = stops.groupby("protection")["waiting_person_h"].sum()
    crew_harm, out_h = vehicles["n_crew_casualties_expected"].sum(), _hours_out(done, run.manifest["simulated_s"])
    crew = dict(zip(vehicles["vehicle"], vehicles["n_crew"], strict=True))
    return {
        "service_runs": len(done),
        "boarded": n_boarded,
        "seats_offered": n_seats,
        "seats_used_share": n_boarded / n_seats if n_seats else np.nan,
        "seat_hours_used": _seat_hours_used(runs, run.manifest["simulated_s"]),
        "seat_hours_offered": (done["n_seats"] * out_h).sum(),
        "crew_hours": (done["vehicle"].map(crew).fillna(0).astype(float) * out_h).sum(),
        "waiting_at_stops": stops["n_waiting"].sum(),
        "wait_longest": stops["max_wait_s"].max() / 3600,
        **{f"waiting_{place.name.lower()}": waiting.get(place.name, 0.0) for place in AT_STOPS},
        "crew_exposure": vehicles["crew_person_h"].sum(),
        "crew_casualties_expected": crew_harm,
        "crew_casualties_per_1000": 1000 * crew_harm / n_boarded if n_boarded else np.nan,
        "vehicles_lost": vehicles["is_lost"].sum(),
    }


def _seat_hours_used(services: pd.DataFrame, end_s: float) -> float:
    """Return people aboard x hours that their vehicle was out on that run, at most to the end of the simulation."""
    return float((services["n_boarded"] * _hours_out(services, end_s)).sum())


def _hours_out(services: pd.DataFrame, end_s: float) -> pd.Series:
    """Return how long each run lasted, at most to the end of the simulation (h)."""
    until_s = services["end_s"].where(np.isfinite(services["end_s"]), end_s)
    return (until_s - services["start_s"]).clip(lower=0) / 3600


def groups_of(persons: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the groups whose fate is told apart: name -> mask of the rows of the table of persons."""
    has_car = persons["has_car"].to_numpy(bool)
    found = {m.name.lower(): (persons["mobility"] == m.name).to_numpy() for m in Mobility}
    found |= {"with_car": has_car, "no_car": ~has_car}
    found |= {"under_18": (persons["age"] < 18).to_numpy(), "65_and_over": (persons["age"] >= 65).to_numpy()}
    return {name: found[name] for name in GROUPS}


def _of_groups(run: RunFolder) -> dict[str, float]:
    persons = run.frame("persons")
    safe_time_s = persons["safe_time_s"].to_numpy()
    is_safe = (persons["status"] == Status.SAFE.name).to_numpy()
    is_left, is_hurt = ~is_safe & (persons["status"] != Status.DEAD.name).to_numpy(), hurt_by_fire(run)
    found: dict[str, float] = {}
    for group, mask in groups_of(persons).items():
        if not mask.any():
            continue
        arrived_s = safe_time_s[mask & np.isfinite(safe_time_s)]
        values = {
            "n_persons": mask.sum(),
            "evacuated_share": is_safe[mask].mean(),
            "casualties_per_1000": 1000 * is_hurt[mask].mean(),
            "median_arrival_h": np.median(arrived_s) / 3600 if arrived_s.size else np.nan,
            "left_behind": (is_left & mask).sum(),
        }
        found |= {f"{name}:{group}": float(values[name]) for name in BY_GROUP}
    return found


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
    at_s = persons["injury_time_s"]
    if run.has("cold_casualties"):  # those killed by cold were not hurt before
        at_s = np.minimum(at_s, persons["death_time_s"])
    killed_s = np.where(persons["status"] == Status.DEAD.name, at_s, np.inf)
    end_s = np.minimum(np.minimum(persons["safe_time_s"], killed_s), run.manifest["simulated_s"])
    return np.asarray(end_s, float) / 3600.0


def _fairness(run: RunFolder) -> dict[str, float]:
    persons, hours = run.frame("persons"), hours_in_area(run)
    leaving = np.isin(persons["status"].to_numpy(), [s.name for s in LEAVING])
    hurt = hurt_by_fire(run)
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

    found = {}
    for name, group, other in (("impaired", impaired, ~impaired), ("no_car", ~has_car, has_car)):
        found[f"t90_ratio_{name}"] = ratio(t90_s, group, other)
        found[f"risk_ratio_{name}"] = ratio(lambda rows: hurt[rows].mean(), group, other)
    groups = (impaired, ~impaired, has_car, ~has_car, old, child)
    means = [hours[group].mean() for group in groups if group.any()]
    found["gap_hours_in_area"] = float(max(means) - min(means)) if means else float("nan")
    found["gini_hours_in_area"] = gini(hours)
    return found
