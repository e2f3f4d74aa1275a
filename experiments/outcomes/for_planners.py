"""What planners ask of a run, as named numbers: people out by the hour, casualties, exposure, who is left behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.experiments.outcomes.of_run import outcomes_of
from safepassage.model.results.metrics import fairness

AT = "@"
"""Between a column of the time series and the time (s after the start): `n_safe@3600`."""
LEFT = "left_behind:"
REMAINING = "n_remaining:"
"""Before a group's name: a series like a column, of those of the group still in the area, alive."""


@dataclass(frozen=True)
class Outcome:
    """One thing that plans are compared by."""

    name: str
    label: str
    unit: str
    more_is_better: bool


MAIN = (
    Outcome("people_out", "people out of the area by the end", "people", True),
    Outcome("casualties", "people hurt or killed", "people", False),
    Outcome("deaths", "people killed", "people", False),
    Outcome("exposure_person_h", "time in the endangered area", "person-hours", False),
    Outcome("exposure_unprotected_person_h", "of it outdoors or in a vehicle", "person-hours", False),
    Outcome("ete90_h", "until 90% of those leaving are out", "h", False),
    Outcome("ete100_h", "until all of those leaving are out", "h", False),
    Outcome("left_behind", "people left behind, alive, at the end", "people", False),
    Outcome("stranded", "of them cut off", "people", False),
    Outcome("boarded", "people carried by services", "people", True),
    Outcome("seats_offered", "seats offered", "seats", False),
    Outcome("seat_hours_used", "seat-hours used", "seat-hours", False),
    Outcome("gap_hours_in_area", "gap between groups, mean hours in the area", "h", False),
    Outcome("crew_exposure", "crews in the endangered area", "person-hours", False),
)
"""In the order in which they stand in tables and pictures; those that no run has are left out."""

OF_SERVICES = ("boarded", "seats_offered", "seat_hours_used", "crew_exposure")
"""Outcomes of runs that have services; 0 in those that have none."""

GROUP_LABELS = {
    "unimpaired": "who walk unimpaired",
    "slow": "who walk slowly",
    "needs_assistance": "who need assistance",
    "no_car": "without a car",
    "under_18": "under 18",
    "65_and_over": "of 65 and over",
}


def groups_of(persons: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the groups whose fate is told apart: name -> mask of persons."""
    found = {m.name.lower(): (persons["mobility"] == m.name).to_numpy() for m in Mobility}
    found["no_car"] = ~persons["has_car"].to_numpy(bool)
    found["under_18"] = (persons["age"] < 18).to_numpy()
    found["65_and_over"] = (persons["age"] >= 65).to_numpy()
    return found


def outcomes_and_units(
    run, at_s: Sequence[float] = (), columns: Sequence[str] = ()
) -> tuple[dict[str, float], dict[str, str]]:
    """Return name -> value and name -> unit of everything a planner asks of a run.

    at_s: times at which columns of the time series are kept too, as `column@time`; a column is held at its last row
    before. columns: also n_remaining:GROUP. A measure that does not exist is nan (a clearance time not reached, say).
    """
    measures = outcomes_of(run) | {m.name: (m.value, m.unit) for m in fairness(run)}
    persons = run.frame("persons")
    dead = (persons["status"] == Status.DEAD.name).to_numpy()
    left = ~dead & (persons["status"] != Status.SAFE.name).to_numpy()
    hours = run.frame("exposure").groupby("protection")["exposure_person_h"].sum()
    open_air = [Protection.OUTDOORS.name, Protection.VEHICLE.name]
    found = dict(measures)
    found |= {
        "people_out": (measures["safe"][0], "people"),
        "casualties": (float((dead | (persons["injury"] != Injury.NONE.name)).sum()), "people"),
        "deaths": (float(dead.sum()), "people"),
        "exposure_person_h": (float(hours.sum()), "person-hours"),
        "exposure_unprotected_person_h": (float(hours.reindex(open_air).fillna(0).sum()), "person-hours"),
        "ete90_h": measures["ete90"],
        "ete100_h": measures["ete100"],
        "left_behind": (float(left.sum()), "people"),
    }
    for name, mask in groups_of(persons).items():
        if mask.any():
            found[LEFT + name] = (float((left & mask).sum()), "people")
    if "service_runs" in measures:
        found["seat_hours_used"] = (_seat_hours_used(run.frame("services"), run.manifest["simulated_s"]), "seat-hours")
    found |= _series(run.frame("timeseries"), at_s, [c for c in columns if not c.startswith(REMAINING)])
    found |= _remaining(persons, at_s, [c for c in columns if c.startswith(REMAINING)])
    return {name: value for name, (value, _) in found.items()}, {name: unit for name, (_, unit) in found.items()}


def _seat_hours_used(services: pd.DataFrame, end_s: float) -> float:
    """Return people aboard x hours that their vehicle was out on that run, at most to the end of the simulation."""
    until_s = services["end_s"].where(np.isfinite(services["end_s"]), end_s)
    return float((services["n_boarded"] * (until_s - services["start_s"]).clip(lower=0)).sum() / 3600)


def _series(frame: pd.DataFrame, at_s: Sequence[float], columns: Sequence[str]) -> dict[str, tuple[float, str]]:
    if not len(at_s):
        return {}
    row = np.clip(np.searchsorted(frame["time_s"].to_numpy(), np.asarray(at_s) + 1e-6, side="right") - 1, 0, None)
    return {
        f"{column}{AT}{time_s:.0f}": (float(value), "people")
        for column in columns
        for time_s, value in zip(at_s, frame[column].to_numpy()[row], strict=True)
    }


def _remaining(persons: pd.DataFrame, at_s: Sequence[float], columns: Sequence[str]) -> dict[str, tuple[float, str]]:
    is_dead = (persons["status"] == Status.DEAD.name).to_numpy()
    gone_s = np.where(is_dead, persons["injury_time_s"], persons["safe_time_s"])
    found, groups = {}, groups_of(persons) if columns else {}
    for column in columns:
        left_s = np.sort(gone_s[groups[column.removeprefix(REMAINING)]])
        n_left = left_s.size - np.searchsorted(left_s, np.asarray(at_s), side="right")
        found |= {f"{column}{AT}{t:.0f}": (float(n), "people") for t, n in zip(at_s, n_left, strict=True)}
    return found


def series_from(outcomes: Mapping[str, float], column: str, at_s: Sequence[float]) -> np.ndarray:
    """Return a kept column of the time series at the times asked for."""
    return np.array([outcomes[f"{column}{AT}{time_s:.0f}"] for time_s in at_s])


def compared(found: Mapping[str, float]) -> tuple[Outcome, ...]:
    """Return what plans are compared by among the outcomes that runs have: the main ones, then groups left behind."""
    main = [o for o in MAIN if o.name in found]
    groups = [
        Outcome(
            name, f"left behind, {GROUP_LABELS.get(name.removeprefix(LEFT), name.removeprefix(LEFT))}", "people", False
        )
        for name in (LEFT + group for group in GROUP_LABELS)
        if name in found
    ]
    return (*main, *groups)


def hours_or_dates(start: datetime, duration_h: float, n_most: int = 6) -> tuple[float, ...]:
    """Return a few round times of a run (s after its start): every so many hours, or midnights if it lasts days."""
    if duration_h > 72:
        steps_h, first_h = [24 * days for days in (1, 2, 5, 7, 14, 28, 60, 120)], 24 - start.hour - start.minute / 60
    else:
        steps_h, first_h = [0.25, 0.5, 1, 2, 3, 4, 6, 12, 24], 0.0
    step_h = next((step for step in steps_h if duration_h / step <= n_most + 0.99), steps_h[-1])
    times_h = np.arange(first_h or step_h, duration_h - 1e-6, step_h)
    return tuple(float(round(time_h * 3600)) for time_h in times_h)


def fine_grid(duration_h: float, n: int = 48) -> tuple[float, ...]:
    """Return evenly spaced times from start to end (s), on whole minutes."""
    return tuple(sorted({float(round(t / 60) * 60) for t in np.linspace(0, duration_h * 3600, n + 1)}))
