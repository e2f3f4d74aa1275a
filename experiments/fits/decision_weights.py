"""Fits the weights of the decision to leave to a reported series of residents and children, by simulated moments.

    python -m safepassage.experiments.fits.decision_weights pokrovsk

Rows of the series marked `fit` are used, rows marked `judge` are only scored. The search is Nelder and Mead's over
unbounded transforms of the parameters, with the same seeds in every run, on a sample of the residents. It prints the
values to put into the scenario; nothing is changed.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from safepassage.agents.civilians import Status
from safepassage.model.clock import epoch_s
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario, load

COLUMNS = ("date", "residents", "children", "use")


@dataclass(frozen=True)
class Free:
    """A parameter to fit: a dotted key of the scenario and the range it must stay in. It starts where it is now."""

    key: str
    low: float
    high: float

    def inside(self, x: float) -> float:
        """Return the value in the range that belongs to any number."""
        return self.low + (self.high - self.low) / (1.0 + np.exp(-x))

    def outside(self, value: float) -> float:
        """Return the number that belongs to a value in the range."""
        share = np.clip((value - self.low) / (self.high - self.low), 1e-6, 1 - 1e-6)
        return float(np.log(share / (1 - share)))


POKROVSK = (
    Free("behaviour.leaving.threat_factor", 0.3, 3.0),
    Free("behaviour.coefficients.unwarned", -3.0, 0.0),
    Free("behaviour.ordered_families.times_threat", 0.5, 5.0),
)
"""What one town's counts can tell: its own factor on the threat of the front, what a campaign did, and how much
faster families leave under a compulsory order. The rest is that of twelve towns (docs/validation_towns.md)."""


def read_series(path: Path) -> pd.DataFrame:
    """Return the reported series, by date; raises ScenarioError for missing columns, bad dates or unknown uses."""
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path}: cannot be read as a table: {error}.") from None
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise ScenarioError(f"{path}: there is no column {missing[0]!r}; give {', '.join(COLUMNS)}.")
    wrong = set(frame.use) - {"fit", "judge"}
    if wrong:
        raise ScenarioError(f"{path}: use = {wrong.pop()!r}; write fit or judge.")
    try:
        frame["date"] = [date.fromisoformat(text) for text in frame["date"]]
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"{path}: {error}; write dates as 2024-08-09.") from None
    return frame.sort_values("date", ignore_index=True)


def simulated(scenario: Scenario, dates: Sequence[date], seed: int) -> pd.DataFrame:
    """Return residents and children left at noon of each date; one run of the model."""
    model = EvacuationModel(scenario, rng=seed)
    zone = scenario.shelling.time_zone
    start_s = epoch_s(scenario.run.start, zone)
    at_s = [epoch_s(datetime.combine(day, time(12)), zone) - start_s for day in dates]
    is_child = model.people.age < 18
    rows, k = [], 0
    while k < len(at_s):
        if model.time_s >= at_s[k] or not model.running:
            here = (model.people.status != Status.SAFE) & (model.people.status != Status.DEAD)
            rows.append((dates[k], int(here.sum()), int((here & is_child).sum())))
            k += 1
        else:
            model.step()
    return pd.DataFrame(rows, columns=["date", "residents", "children"])


def value_of(scenario: Scenario, key: str) -> float:
    """Return the value that a dotted key has in a scenario now."""
    at = scenario
    for part in key.split("."):
        at = at[int(part)] if part.isdigit() else getattr(at, part)
    return float(at)


def averaged_relative_difference(found: np.ndarray, reported: np.ndarray) -> float:
    """Return FLEE's score: sum of absolute differences / sum of reported numbers (Groen 2016)."""
    return float(np.abs(found - reported).sum() / reported.sum())


def log_rmse(found: np.ndarray, reported: np.ndarray) -> float:
    """Return the root mean square of log(found / reported); numbers below 1 count as 1."""
    return float(np.sqrt(np.mean(np.log(np.maximum(found, 1) / np.maximum(reported, 1)) ** 2)))


def rate_ratio(counts: pd.DataFrame) -> float:
    """Return how many times faster children leave than others, from the first row to the last."""
    children = counts.children.to_numpy(float)
    others = counts.residents.to_numpy(float) - children
    return float(np.log(children[0] / max(children[-1], 1.0)) / np.log(others[0] / max(others[-1], 1.0)))


def scores(series: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return ARD and log-RMSE of residents and children, on the rows fitted, those kept for judging, and all."""
    rows = []
    for use in ("fit", "judge", "all"):
        mask = np.ones(len(series), bool) if use == "all" else (series.use == use).to_numpy()
        for who in ("residents", "children"):
            f, r = found[who].to_numpy(float)[mask], series[who].to_numpy(float)[mask]
            rows.append((use, who, int(mask.sum()), averaged_relative_difference(f, r), log_rmse(f, r)))
    return pd.DataFrame(rows, columns=["use", "who", "n", "ard", "log_rmse"])


def fit(
    scenario: Scenario,
    series: pd.DataFrame,
    free: Sequence[Free],
    *,
    residents: int,
    seeds: Sequence[int] = (1,),
    n_runs: int = 200,
    base: Mapping[str, float] | None = None,
    tell=print,
) -> dict[str, float]:
    """Return the values of the free parameters that bring the model nearest to the rows marked `fit`.

    residents: size of the sample simulated (persons); the reported numbers are scaled to it. The distance is the mean
    square of log(found / reported), of residents and of children, and of their ratio of leaving rates.
    """
    use = series[series.use == "fit"]
    share = residents / EvacuationModel(scenario).people.status.size
    best = (np.inf, {})
    n_done = 0

    def distance(x):
        nonlocal best, n_done
        values = {f.key: float(f.inside(v)) for f, v in zip(free, x, strict=True)}
        changed = scenario.override({**(base or {}), **values, "population.residents": residents})
        total = 0.0
        for seed in seeds:
            found = simulated(changed, list(use.date), seed)
            total += log_rmse(found.residents / share, use.residents) ** 2
            total += log_rmse(found.children / share, use.children) ** 2
            total += np.log(rate_ratio(found) / rate_ratio(use)) ** 2
        n_done += 1
        if total < best[0]:
            best = (total, values)
            told = ", ".join(f"{k.rsplit('.', 1)[-1]} {v:.4g}" for k, v in values.items())
            tell(f"run {n_done}: distance {total / len(seeds):.4f} with {told}")
        return total

    start = np.array([f.outside(value_of(scenario, f.key)) for f in free])
    simplex = np.vstack([start, start + np.diag(np.full(len(free), 0.6))])
    options = {"maxfev": n_runs, "initial_simplex": simplex, "xatol": 1e-2, "fatol": 1e-5}
    minimize(distance, start, method="Nelder-Mead", options=options)
    return best[1]


def main(arguments: Sequence[str] | None = None):
    """Fit the scenario named on the command line and print values and scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario")
    parser.add_argument(
        "--series", type=Path, help="CSV with date, residents, children, use; default: the scenario's own"
    )
    parser.add_argument("--residents", type=int, default=6000, help="size of the sample simulated")
    parser.add_argument("--runs", type=int, default=200, help="at most so many runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    given = parser.parse_args(arguments)
    scenario = load(given.scenario, {"run.step_s": 1800.0})
    beside = Path(scenario.source.folder) / "tables" / f"{scenario.name}_residents_reported.csv"
    series = read_series(given.series or beside)
    values = fit(scenario, series, POKROVSK, residents=given.residents, seeds=given.seeds, n_runs=given.runs)
    found = simulated(load(given.scenario, values), list(series.date), given.seeds[0])
    print(pd.concat([series[["date", "use", "residents", "children"]], found.add_prefix("found_")], axis=1).to_string())
    print(scores(series, found).round(3).to_string(index=False))
    for key, value in values.items():
        print(f"{key}: {value:.5g}")


if __name__ == "__main__":
    main()
