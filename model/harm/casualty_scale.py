"""Fit of f, the one scalar of the risk-distance curve, to recorded casualties per 1,000 resident-months.

Only the product of how much falls and how vulnerable people are can be told from such records, so f is fitted for a
set of events and a mix of protection, never to the lethality of anything. Records undercount: f is a lower bound.

With S the sum of 1 / (1 + (d / d50)**k) over all events and the residents within their reach, and w the shares of
time that people spend in each state of protection, the expected number of casualties is

    S * sum over states of w * min(1, f * factor * p0),

linear in f as long as f * factor * p0 < 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.harm import Harm

_COLUMNS = ("place", "n_months", "casualties", "residents_low", "residents_high", "source")
_SECONDS_PER_MONTH = 365.25 / 12 * 86400


@dataclass(frozen=True)
class Estimate:
    """A value and the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float


def read_recorded_rates(path: Path | None = None) -> pd.DataFrame:
    """Return the table of recorded casualties; default: the one that comes with the package.

    Columns: place, n_months, casualties (killed and injured), residents_low, residents_high (average number of
    residents, range), source; others are kept.
    """
    path = (
        Path(str(files("safepassage.scenarios") / "tables" / "casualty_rates_recorded.csv")) if path is None else path
    )
    table = pd.read_csv(path)
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise ScenarioError(f"{path}: no column {missing[0]!r}. Give the columns {', '.join(_COLUMNS)}.")
    if table.empty:
        raise ScenarioError(f"{path}: no rows. Give at least one place with recorded casualties.")
    for name in _COLUMNS[1:5]:
        bad = table.index[~(pd.to_numeric(table[name], errors="coerce") > 0)]
        if len(bad):
            row = bad[0]
            raise ScenarioError(f"{path}: row {row + 2} has {name} = {table.at[row, name]}; give a number above 0.")
    bad = table.index[table.residents_high < table.residents_low]
    if len(bad):
        row = bad[0]
        raise ScenarioError(
            f"{path}: row {row + 2} has residents_high = {table.at[row, 'residents_high']} below residents_low = "
            f"{table.at[row, 'residents_low']}; exchange them."
        )
    return table


def recorded_rate(table: pd.DataFrame) -> Estimate:
    """Return recorded casualties per 1,000 resident-months, all places together.

    The value is all casualties over all resident-months, residents at the geometric middle of their range. The
    variance of its logarithm is the sum of 1 / casualties (Poisson), range**2 / 12 (residents anywhere in their range
    on a log scale, wrong in the same way everywhere) and the variance between places over their number.
    """
    residents = np.sqrt(table.residents_low * table.residents_high)
    resident_months = residents * table.n_months
    rate = 1000.0 * table.casualties.sum() / resident_months.sum()
    log_rates = np.log(1000.0 * table.casualties / resident_months)
    between = log_rates.var(ddof=1) / len(table) if len(table) > 1 else 0.0
    log_range = np.log(table.residents_high / table.residents_low).mean()
    spread = np.sqrt(1.0 / table.casualties.sum() + log_range**2 / 12.0 + between)
    return Estimate(float(rate), float(rate * np.exp(-1.96 * spread)), float(rate * np.exp(1.96 * spread)))


def reached_residents(
    settings: Harm, impacts: Impacts, x_m: Floats, y_m: Floats, n_people: Ints, n_at_once: int = 5000
) -> float:
    """Return S: the sum of 1 / (1 + (d / d50)**k) over all impacts and the residents within their reach.

    settings: `settings.harm.Harm`. x_m, y_m, n_people: where how many live. n_at_once: impacts per portion (memory).
    """
    homes = grid_of_points(x_m, y_m, cell_m=max(25.0, float(settings.reach_m[1])))
    n_people, d50_m = np.asarray(n_people, dtype=np.float64), settings.d50_within_reach_m
    total = 0.0
    for first in range(0, impacts.time_s.size, n_at_once):
        part = slice(first, first + n_at_once)
        size = impacts.size[part]
        event, home, distance_m = points_within(homes, impacts.x_m[part], impacts.y_m[part], settings.reach_m[size])
        total += (n_people[home] / (1.0 + (distance_m / d50_m[size[event]]) ** settings.steepness)).sum()
    return float(total)


def expected_rate(
    settings: Harm, reached: float, resident_months: float, protection_share: Floats
) -> Callable[..., Any]:
    """Return the function f -> expected casualties per 1,000 resident-months.

    reached: S of `reached_residents`. resident_months: residents x duration / (365.25 / 12 days). protection_share:
    share of time that residents spend in each `Protection`, sum 1, such as person-hours of a run. settings: the
    scenario's section `Harm`.
    """
    share = np.asarray(protection_share, dtype=np.float64)
    factor = settings.protection.by_protection
    if share.shape != factor.shape or abs(share.sum() - 1.0) > 1e-6 or (share < 0).any():
        raise ValueError(
            f"protection_share = {share.tolist()}; give {factor.size} shares of 0 or more that sum to 1, one per state"
        )
    per_person = 1000.0 * reached / resident_months

    def rate(casualty_scale):
        return per_person * float((share * np.minimum(1.0, casualty_scale * factor * settings.p_at_centre)).sum())

    return rate


def resident_months(n_people: int, duration_s: float) -> float:
    """Return people x time in months of 365.25 / 12 days."""
    return float(n_people) * duration_s / _SECONDS_PER_MONTH


def fit_casualty_scale(rate: Callable[..., Any] | float, target: Estimate, relative_error: float = 0.0) -> Estimate:
    """Return f such that the expected rate meets the target, and its interval of 95 %.

    rate: function f -> casualties per 1,000 resident-months that never falls as f rises, or a number: the rate at
    f = 1, taken as linear. target: `Estimate` of the recorded rate. relative_error: standard error of `rate` itself,
    share of it, if it rests on a sample of random events; it widens the interval.
    """
    if not callable(rate):
        at_one = float(rate)

        def rate(casualty_scale):
            return at_one * casualty_scale

    spread_low = np.hypot(np.log(target.value / target.low), 1.96 * relative_error)
    spread_high = np.hypot(np.log(target.high / target.value), 1.96 * relative_error)
    return Estimate(
        _solve(rate, target.value),
        _solve(rate, target.value * np.exp(-spread_low)),
        _solve(rate, target.value * np.exp(spread_high)),
    )


def _solve(rate, wanted):
    """Return the f at which rate(f) = wanted; the search is over the logarithm of f."""
    if not wanted > 0:
        raise ValueError(f"the recorded rate is {wanted}; a rate to fit must be positive")
    low, high = -30.0, 30.0
    if rate(np.exp(high)) < wanted:
        raise ValueError(
            f"even if every person within reach is harmed, the rate is {rate(np.exp(high)):.3g} per 1,000 "
            f"resident-months, below the {wanted:.3g} recorded: too few events reach people. Use the events of the "
            "place and time of the record, or a higher background rate."
        )
    return float(np.exp(brentq(lambda log_f: rate(np.exp(log_f)) - wanted, low, high, xtol=1e-12, rtol=1e-12)))
