"""Fits the one scalar of the risk-distance curve to recorded casualties, with the events of finished runs."""

from collections.abc import Sequence
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
    """What was recorded, what the runs expect, and the scalar that brings them together."""

    recorded: Estimate
    """Casualties per 1,000 resident-months."""
    expected_at_present: float
    """Casualties per 1,000 resident-months that the runs' events bring with the scenario's casualty_scale."""
    resident_months: float
    n_impacts: int
    casualty_scale: Estimate


def fit_harm(runs: Sequence[RunFolder]) -> HarmFit:
    """Return the casualty_scale at which the events of runs harm as many people as were recorded.

    runs: one, or several of the same harm, such as seeds of one scenario; taken together, with the spread between them
    in the interval. People count at their homes until they set out, with the runs' own mix of protection. Raises
    ScenarioError for runs without impacts near people.
    """
    harms = [Harm.model_validate(run.manifest["scenario"]["harm"]) for run in runs]
    for run, harm in zip(runs, harms, strict=True):
        if harm != harms[0]:
            raise ScenarioError(
                f"{run.path}: its section harm differs from that of {runs[0].path}; give runs of the same harm, "
                "such as seeds of one scenario."
            )
    harm, n_impacts = harms[0], sum(len(run.frame("impacts")) for run in runs)
    if n_impacts == 0:
        raise ScenarioError(
            f"{runs[0].path}: nothing fell in this run; fit harm with the events of the place and time."
        )
    reached = np.array([_reached(run, harm) for run in runs])
    if reached.sum() == 0:
        raise ScenarioError(f"{runs[0].path}: no impact of this run fell near a home; there is nothing to fit.")
    hours = sum(run.frame("exposure").groupby("protection").exposure_person_h.sum() for run in runs)
    share = np.array([hours.get(place.name, 0.0) for place in Protection])
    months = share.sum() / HOURS_PER_MONTH
    rate = expected_rate(harm, reached.sum(), months, share / share.sum())
    recorded = recorded_rate(read_recorded_rates())
    error = 1.0 / np.sqrt(n_impacts)
    if len(runs) > 1:  # runs are about equally long: the mean of a few has this relative error
        error = max(error, reached.std(ddof=1) / reached.mean() / np.sqrt(len(runs)))
    return HarmFit(recorded, rate(harm.casualty_scale), months, n_impacts, fit_casualty_scale(rate, recorded, error))


def _reached(run: RunFolder, harm: Harm) -> float:
    """Return the sum over a run's impacts of the residents near each, weighted by nearness."""
    impacts, persons, reached = run.frame("impacts"), run.frame("persons"), 0.0
    for day, rows in impacts.groupby((impacts.time_s // 86400).astype(int)):
        here = persons[persons.departure_time_s > day * 86400]
        at = here.groupby(["home_x_m", "home_y_m"]).size().reset_index(name="n")
        size = np.array([Size[name] for name in rows["size"]], np.int8)
        fallen = Impacts(
            rows.time_s.to_numpy(), rows.x_m.to_numpy(), rows.y_m.to_numpy(), size, np.arange(len(rows), dtype=np.int32)
        )
        if len(at):
            reached += reached_residents(harm, fallen, at.home_x_m.to_numpy(), at.home_y_m.to_numpy(), at.n.to_numpy())
    return reached
