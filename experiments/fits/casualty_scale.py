"""Fits the one scalar of the risk-distance curve to recorded casualties, with the events of finished runs.

A run with a front is held against what towns at its own distance recorded of shelling, day by day; one without a front
against Toretsk and Bakhmut taken together, which were near the front.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from safepassage.agents.civilians import Protection
from safepassage.experiments.fits.at_own_distance import FITTED_KM, OwnDistance, at_own_distance
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
    """Casualties of shelling per 1,000 resident-months: the range of towns at the runs' own distance, if they have a
    front; else the rate of two towns together, and its interval."""
    own: OwnDistance | None
    """Where the runs lie, and what was recorded there; None: they have no front."""
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
        if run.has("front") != runs[0].has("front") or (run.has("front") and not _same_front(run, runs[0])):
            raise ScenarioError(
                f"{run.path}: its front is not that of {runs[0].path}, and so its distance; give runs of the same "
                "front, such as seeds of one scenario."
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
    own = at_own_distance(runs[0])
    recorded = recorded_rate(read_recorded_rates()) if own is None else own.shelling
    error = 1.0 / np.sqrt(n_impacts)
    if len(runs) > 1:  # runs are about equally long: the mean of a few has this relative error
        error = max(error, reached.std(ddof=1) / reached.mean() / np.sqrt(len(runs)))
    scale = fit_casualty_scale(rate, recorded, error)
    return HarmFit(recorded, own, rate(harm.casualty_scale), months, n_impacts, scale)


def _same_front(one: RunFolder, other: RunFolder) -> bool:
    return one.frame("front").equals(other.frame("front"))


def lines(fit: HarmFit, n_runs: int) -> list[str]:
    """Return the fit as lines of text: where the runs lie, what was recorded there, what they expect, the factor."""
    recorded, scale, at = fit.recorded, fit.casualty_scale, fit.expected_at_present
    runs = "this run" if n_runs == 1 else f"these {n_runs} runs"
    per = "per 1,000 resident-months"
    if fit.own is None:
        said = [f"{runs}: no front is stated, so no own distance; held against Toretsk and Bakhmut taken together"]
        range_of = f"recorded there: {recorded.value:.2f} ({recorded.low:.2f} to {recorded.high:.2f}) casualties {per}"
    else:
        mean_km, least_km, most_km = fit.own.distance_km
        said = [f"{runs}: homes lie {mean_km:.1f} km from the front in the mean ({least_km:.1f} to {most_km:.1f})"]
        if most_km > FITTED_KM:
            said.append(f"no fitted town was farther than {FITTED_KM:g} km: beyond it this is extrapolated")
        range_of = (f"recorded at that distance, by the fit of several towns: {recorded.value:.2g} ({recorded.low:.2g} "
                    f"to {recorded.high:.2g}; 95 % of towns) casualties of shelling {per}")  # fmt: skip
    where = "within" if recorded.low <= at <= recorded.high else "above" if at > recorded.high else "below"
    said += [
        range_of,
        f"{fit.n_impacts:,} impacts over {fit.resident_months:,.0f} resident-months; at present {at:.2g} {per} "
        f"expected: {where} that range",
    ]
    if fit.own is not None and fit.own.crossfire.value > 0:
        fire, of_run = fit.own.crossfire, fit.own.crossfire_of_run
        said.append(f"crossfire there: recorded {fire.value:.2g} ({fire.low:.2g} to {fire.high:.2g}), by "
                    f"front.crossfire_casualties_per_person_h of the run {of_run:.2g}")  # fmt: skip
    return [
        *said,
        f"the record tells only this product: share_near_people as it is x harm.casualty_scale {scale.value:.3g} "
        f"({scale.low:.3g} to {scale.high:.3g}); with the lethality of the literature, casualty_scale 1, this is the "
        "factor to apply to shelling.sources.share_near_people",
    ]


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
