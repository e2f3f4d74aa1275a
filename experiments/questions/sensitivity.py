"""Which factors an outcome depends on: Morris screening and Sobol indices, with their convergence.

Morris (1991), with mu* of Campolongo et al. (2007): which factors matter at all, for few runs. Sobol (2001), with the
estimators of Saltelli et al. (2010): the share of the outcome's variance that each factor explains by itself (first
order) and with all its interactions (total), for many runs. Both by SALib. The outcome of a point is its mean over
replications under common random numbers.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.kept_runs import KeptRuns
from safepassage.experiments.runs.run import Base, Task, scenario_digest
from safepassage.experiments.runs.store import write_table
from safepassage.experiments.sweeps import design
from safepassage.experiments.sweeps.study import Design, Study, refuse_targets_of
from safepassage.model.results.outcomes import NAMES, Outcome, outcome_of, unknown
from safepassage.model.results.run_folder import versions
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept
from safepassage.model.settings.files.texts import file_stem
from safepassage.model.settings.files.whole import write_whole
from safepassage.model.settings.scenario import validated

Method = Literal["morris", "sobol"]
KIND = "sensitivity"
DEFAULT_N = {"morris": 16, "sobol": 64}
LEAST_N = {"morris": 2, "sobol": 4}
"""Trajectories or base samples from which an index can be had at all."""
ENOUGH_N = {"morris": 10, "sobol": 64}
"""Fewest from which the order of the factors may be called converged. Morris: 10 trajectories (Campolongo et al. 2007,
Environmental Modelling and Software 22, 1509). Sobol: assumption; Saltelli et al. (2008, Global Sensitivity
Analysis) take hundreds."""


@dataclass(frozen=True)
class Sensitivity:
    """Indices of one outcome."""

    method: Method
    outcome: str
    unit: str
    title: str
    """What is asked, in one line."""
    scenario: dict[str, Any]
    n_replications: int
    indices: pd.DataFrame
    """One row per size of the design, factor and index: n, n_runs, factor, index, value, half_width (95 %;
    nan for mu and sigma, of which SALib gives none)."""

    @property
    def n(self) -> int:
        """Trajectories or base samples of the whole design."""
        return int(self.indices["n"].max())

    def final(self) -> pd.DataFrame:
        """Return the indices of the whole design: a row per factor, the most important first."""
        last = self.indices[self.indices["n"] == self.n]
        wide = last.pivot(index="factor", columns="index", values=["value", "half_width"])
        return wide.sort_values(("value", MAIN_INDEX[self.method]), ascending=False)

    def verdict(self) -> str:
        """Return in a sentence whether the order of the factors can be relied on."""
        enough = ENOUGH_N[self.method]
        if self.n < enough:
            return (
                f"Too few to tell: n is {self.n}, and {self.method} needs {enough} or more before the order of the "
                "factors can be trusted."
            )
        wide = self.final()
        main = MAIN_INDEX[self.method]
        largest = wide[("value", main)].max()
        widest = wide[("half_width", main)].max()
        if not largest > 0:
            return f"No factor changes {self.outcome} over its range."
        if wide[("half_width", main)].isna().any():
            return f"Not converged: an interval of {main} cannot be found from these runs; take a larger n."
        if widest > 0.25 * largest:
            return (
                f"Not converged: the widest interval of {main} is {widest / largest:.0%} of the largest value; take a "
                "larger n or more replications before relying on the order."
            )
        return f"Converged: no interval of {main} is wider than {widest / largest:.0%} of the largest value."


MAIN_INDEX = {"morris": "mu_star", "sobol": "total"}
"""The index by which factors are ranked."""


def sensitivity(
    study: Study,
    outcome: str,
    *,
    method: Method,
    out: Path | str,
    executor,
    n: int | None = None,
    on_progress: Callable | None = None,
) -> Sensitivity:
    """Run the design of a study for one method; write the indices of an outcome to `out`; return them.

    n: trajectories (Morris) or base samples (Sobol, a power of 2); default: the study's own if its design is of this
    method. executor: carries out the runs; an analysis that was interrupted in `out` is taken up. on_progress(n_done,
    n_wanted) is called as runs finish. Raises ScenarioError.
    """
    refuse_targets_of(study)
    unit = known_outcome(outcome).unit
    study = with_design(study, method, n)
    design.refuse_too_many(study)
    base = only_base(study)
    points = [scenario_with(base, factors, study) for factors in design.rows(study)]
    tasks = [Task(scenario, seed) for scenario in points for seed in study.all_seeds]
    out = Path(out)
    with KeptRuns(out, identity_of(study, base, KIND), executor, on_progress) as runs:
        found = runs.outcomes(tasks)
    values = np.array([one.get(outcome, np.nan) for one in found]).reshape(len(points), -1)
    if not np.isfinite(values).all():
        raise ScenarioError(
            f"--outcome {outcome}: {np.isnan(values).sum()} of {values.size} runs do not have it (a time that was not "
            "reached?). Make the run longer, or choose an outcome that every run has."
        )
    indices = _indices(study, method, values.mean(axis=1))
    scenario, title = as_kept(base.scenario, Path(out)), study.title or base.scenario.title
    result = Sensitivity(method, outcome, unit, title, scenario, len(study.all_seeds), indices)
    _write(result, study, out)
    return result


def with_design(study: Study, method: Method, n: int | None) -> Study:
    """Return the study with a design of the method. Raises ScenarioError for an n that it cannot have."""
    own = study.design if study.design.kind == method else None
    n = n or (own.n if own else DEFAULT_N[method])
    if n < LEAST_N[method] or (method == "sobol" and n & (n - 1)):
        rule = "4 or more, a power of 2" if method == "sobol" else "2 or more"
        raise ScenarioError(f"--n {n}: {method} needs {rule}.")
    if not study.factors:
        raise ScenarioError(f"{study.source.path}: the study has no factors. Name some, each with its range.")
    settings = own.model_dump() | {"n": n} if own else {"kind": method, "n": n, "seed": study.design.seed}
    return study.model_copy(update={"design": Design(**settings)})


def only_base(study: Study) -> Base:
    """Return the scenario under the study's one plan. Raises ScenarioError if it has several."""
    if len(study.plans) > 1:
        raise ScenarioError(f"{study.place('plans')}: plans = {list(study.plans)}: name one plan to look at, or none.")
    return study.bases()[0]


def scenario_with(base: Base, factors: dict, study: Study):
    """Return a scenario with factors set. Raises InvalidScenario naming the study file."""
    return validated(base.scenario.source.with_changes(factors, study.place("factors")))


def identity_of(study: Study, base: Base, kind: str) -> dict:
    """Return what makes this analysis itself; a folder of another is refused."""
    keys = study.model_dump(mode="json")
    return {
        "name": study.name, "kind": kind, "factors": keys["factors"], "first_seed": study.first_seed,
        "scenario": scenario_digest(base.scenario), "code": code_digest(),
    }  # fmt: skip


def known_outcome(name: str) -> Outcome:
    """Return the outcome of a name, before anything is run. Raises ScenarioError for a name that no run has."""
    if name not in NAMES:
        raise ScenarioError(f"--outcome {name}: {unknown(name)}")
    return outcome_of(name)


def _indices(study: Study, method: Method, y: np.ndarray) -> pd.DataFrame:
    """Return the indices for growing parts of the design, the whole last."""
    problem, u = design.problem(study), design.unit_points(study)
    n_factors, n = problem["num_vars"], study.design.n
    per_n = len(y) // n
    rows = []
    for part in sizes(n, LEAST_N[method], doubling=method == "sobol"):
        found = _analyse(problem, method, u[: part * per_n], y[: part * per_n], study.design)
        for index, (values, half_widths) in found.items():
            for k in range(n_factors):
                rows.append(
                    {"n": part, "n_runs": part * per_n * len(study.all_seeds), "factor": problem["names"][k],
                     "index": index, "value": float(values[k]), "half_width": float(half_widths[k])}
                )  # fmt: skip
    return pd.DataFrame(rows)


def sizes(n: int, least: int, *, doubling: bool) -> list[int]:
    """Return growing parts of a design of size n, itself last: halved again and again, or about six even parts."""
    if doubling:
        return [n >> k for k in range(5, -1, -1) if n >> k >= least]
    return sorted({max(least, round(n * k / 6)) for k in range(1, 7)})


def _analyse(problem: dict, method: Method, u: np.ndarray, y: np.ndarray, settings: Design) -> dict:
    """Return index -> (value of each factor, half-width of its 95 % interval)."""
    n_factors = problem["num_vars"]
    nothing = np.zeros(n_factors)
    if np.ptp(y) == 0:
        names = ("mu_star", "mu", "sigma") if method == "morris" else ("first_order", "total")
        return dict.fromkeys(names, (nothing, nothing))
    if method == "morris":
        from SALib.analyze import morris

        found = morris.analyze(problem, u, y, num_levels=settings.n_levels, seed=settings.seed)
        return {
            "mu_star": (found["mu_star"], found["mu_star_conf"]),
            "mu": (found["mu"], nothing * np.nan),
            "sigma": (found["sigma"], nothing * np.nan),
        }
    from SALib.analyze import sobol

    found = sobol.analyze(problem, y, calc_second_order=settings.second_order, seed=settings.seed)
    return {"first_order": (found["S1"], found["S1_conf"]), "total": (found["ST"], found["ST_conf"])}


def _write(result: Sensitivity, study: Study, out: Path):
    stem = file_stem(KIND, result.method, result.outcome)
    write_table(out / f"{stem}.parquet", pa.Table.from_pandas(result.indices, preserve_index=False))
    write_whole(out / f"{stem}.csv", csv_bytes(result.indices))
    manifest = {
        "kind": KIND, "method": result.method, "outcome": result.outcome, "unit": result.unit,
        "replications": result.n_replications, "study": study.model_dump(mode="json"), "scenario": result.scenario,
        "verdict": result.verdict(), "warnings": [result.verdict()], "versions": versions(),
    }  # fmt: skip
    write_whole(out / f"{stem}.json", json.dumps(manifest, indent=1, default=str).encode() + b"\n")
