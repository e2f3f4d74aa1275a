"""Fits the one scalar of the risk-distance curve to recorded casualties, with the events of a finished run."""

from dataclasses import dataclass

import numpy as np

from safepassage.agents.civilians import Protection
from safepassage.model.harm.casualty_scale import (
    Estimate,
    expected_rate,
    fit_casualty_scale,
    reached_residents,
    read_recorded_rates,
    recorded_rate,
)
from safepassage.model.hazard.impacts import Impacts, Size
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.harm import Harm

HOURS_PER_MONTH = 365.25 / 12 * 24


@dataclass(frozen=True)
class HarmFit:
    """What was recorded, what the run expects, and the scalar that brings them together."""

    recorded: Estimate
    """Casualties per 1,000 resident-months."""
    expected_at_present: float
    """Casualties per 1,000 resident-months that the run's events bring with the scenario's casualty_scale."""
    resident_months: float
    n_impacts: int
    casualty_scale: Estimate


def fit_harm(run: RunFolder) -> HarmFit:
    """Return the casualty_scale at which the events of a run harm as many people as were recorded.

    People count at their homes until they set out, with the run's own mix of protection. Raises ScenarioError for a run
    without impacts near people.
    """
    harm = Harm.model_validate(run.manifest["scenario"]["harm"])
    impacts, persons, exposure = run.frame("impacts"), run.frame("persons"), run.frame("exposure")
    if impacts.empty:
        raise ScenarioError(f"{run.path}: nothing fell in this run; fit harm with the events of the place and time.")
    reached = 0.0
    days = (impacts.time_s // 86400).astype(int)
    for day, rows in impacts.groupby(days):
        here = persons[persons.departure_time_s > day * 86400]
        at = here.groupby(["home_x_m", "home_y_m"]).size().reset_index(name="n")
        size = np.array([Size[name] for name in rows["size"]], np.int8)
        fallen = Impacts(
            rows.time_s.to_numpy(), rows.x_m.to_numpy(), rows.y_m.to_numpy(), size, np.arange(len(rows), dtype=np.int32)
        )
        if len(at):
            reached += reached_residents(harm, fallen, at.home_x_m.to_numpy(), at.home_y_m.to_numpy(), at.n.to_numpy())
    if reached == 0:
        raise ScenarioError(f"{run.path}: no impact of this run fell near a home; there is nothing to fit.")
    hours = exposure.groupby("protection").exposure_person_h.sum()
    share = np.array([hours.get(place.name, 0.0) for place in Protection])
    months = share.sum() / HOURS_PER_MONTH
    rate = expected_rate(harm, reached, months, share / share.sum())
    recorded = recorded_rate(read_recorded_rates())
    error = 1.0 / np.sqrt(len(impacts))
    return HarmFit(recorded, rate(harm.casualty_scale), months, len(impacts), fit_casualty_scale(rate, recorded, error))
