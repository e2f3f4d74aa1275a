"""Plans against many hazard futures: which one is never far from the best, and how bad its bad futures are.

A future is one sample of the study's factors (what nobody controls: how many shells, how fast the front, how people
take orders). Every plan meets the same futures under the same seeds. Measures after McPhail et al. (2018), Earth's
Future 6:169, the vocabulary of ema-workbench (Kwakkel 2017). That package is alive and was considered: it brings
scikit-learn, statsmodels, seaborn and platypus (its wheel alone is 28 MB) and an evaluator of its own, which neither
keeps finished runs nor pairs seeds; what is needed of it here is these few lines on pandas.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from safepassage.experiments.questions.paired import ENOUGH_RUNS
from safepassage.experiments.questions.sensitivity import known_outcome, scenario_with
from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.kept_runs import KeptRuns
from safepassage.experiments.runs.run import Task, scenario_digest
from safepassage.experiments.runs.store import write_table
from safepassage.experiments.sweeps import design
from safepassage.experiments.sweeps.study import Design, Study, refuse_targets_of
from safepassage.model.results.run_folder import versions
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept
from safepassage.model.settings.files.texts import file_stem
from safepassage.model.settings.files.whole import write_whole

KIND = "robustness"
DEFAULT_FUTURES = 100
WORST_SHARE = 0.1
LEAST_WORST = 5
"""Futures in the worst tenth below which its mean is one or two lucky draws. Assumption."""


@dataclass(frozen=True)
class Robustness:
    """How plans do over futures."""

    outcome: str
    unit: str
    more_is_better: bool
    title: str
    """What is asked, in one line."""
    scenario: dict[str, Any]
    plans: tuple[str, ...]
    futures: pd.DataFrame
    """One row per future: its factors, by key."""
    values: pd.DataFrame
    """One row per future, one column per plan: the outcome's mean over replications."""
    threshold: float | None
    n_replications: int

    @property
    def regret(self) -> pd.DataFrame:
        """How far each plan falls short of the best one in each future; never negative."""
        if self.more_is_better:
            return self.values.rsub(self.values.max(axis=1), axis=0)
        return self.values.sub(self.values.min(axis=1), axis=0)

    def table(self) -> pd.DataFrame:
        """Return one row per plan: mean, worst tenth, regret, share of futures best and good enough."""
        regret, sign = self.regret, 1 if self.more_is_better else -1
        n_worst = max(1, int(np.ceil(WORST_SHARE * len(self.values))))
        rows = []
        for plan in self.plans:
            values = self.values[plan]
            worst = (sign * values).nsmallest(n_worst) * sign
            good = values >= self.threshold if self.more_is_better else values <= self.threshold
            rows.append(
                {
                    "plan": plan,
                    "mean": values.mean(),
                    "worst_decile_mean": worst.mean(),
                    "worst": worst.iloc[0],
                    "mean_regret": regret[plan].mean(),
                    "p90_regret": regret[plan].quantile(0.9),
                    "max_regret": regret[plan].max(),
                    "best_share": (regret[plan] == 0).mean(),
                    "good_enough_share": good.mean(),
                }
            )
        return pd.DataFrame(rows)

    def warnings(self) -> list[str]:
        """Return what a reader must know before using the numbers."""
        notes, n_futures = [], len(self.values)
        if n_futures * self.n_replications < ENOUGH_RUNS:
            notes.append(
                f"Only {n_futures} futures x {self.n_replications} replications for each plan: a reported figure needs "
                f"{ENOUGH_RUNS} runs or more (IMO MSC.1/Circ.1533)."
            )
        n_worst = max(1, int(np.ceil(WORST_SHARE * n_futures)))
        if n_worst < LEAST_WORST:
            notes.append(
                f"The worst tenth of {n_futures} futures is {n_worst} of them, and the greatest regret that of one: "
                f"sample {int(LEAST_WORST / WORST_SHARE)} futures or more."
            )
        return notes

    def most_robust(self) -> str:
        """Return the plan with the smallest maximum regret (Savage 1951)."""
        return str(self.table().sort_values(["max_regret", "mean_regret"])["plan"].iloc[0])


def robustness(
    study: Study,
    outcome: str,
    *,
    out: Path | str,
    executor,
    n: int | None = None,
    good_enough: float | None = None,
    on_progress: Callable | None = None,
) -> Robustness:
    """Run every plan of a study in n futures sampled from its factors; write and return what is found.

    out: folder; an analysis that was interrupted there is taken up. executor: carries out the runs. n: futures;
    default: those of the study's design. good_enough: value of the outcome that satisfies; default: the first plan's
    median. on_progress(n_done, n_wanted) is called as runs finish. Raises ScenarioError.
    """
    refuse_targets_of(study)
    judged = known_outcome(outcome)
    if judged.more_is_better is None:
        raise ScenarioError(f"--outcome {outcome}: neither more nor less of it is better; choose another outcome.")
    if len(study.plans) < 2:
        raise ScenarioError(f"{study.place('plans')}: robustness weighs plans against each other; name two or more.")
    study = _with_futures(study, n)
    design.refuse_too_many(study)
    bases, futures = study.bases(), list(design.rows(study))
    names = [base.scenario.plan or "none" for base in bases]
    tasks = [
        Task(scenario, seed)
        for base in bases
        for factors in futures
        for scenario in [scenario_with(base, factors, study)]
        for seed in study.all_seeds
    ]
    identity = {
        "name": study.name, "kind": KIND, "factors": study.model_dump(mode="json")["factors"],
        "first_seed": study.first_seed, "code": code_digest(),
        "scenarios": {name: scenario_digest(base.scenario) for name, base in zip(names, bases, strict=True)},
    }  # fmt: skip
    with KeptRuns(out, identity, executor, on_progress) as runs:
        found = runs.outcomes(tasks)
    values = np.array([one.get(outcome, np.nan) for one in found]).reshape(len(names), len(futures), -1)
    if not np.isfinite(values).all():
        raise ScenarioError(f"--outcome {outcome}: some runs do not reach it. Make the run longer, or choose another.")
    frame = pd.DataFrame(values.mean(axis=2).T, columns=names)
    threshold = float(frame[names[0]].median()) if good_enough is None else float(good_enough)
    result = Robustness(
        outcome, judged.unit, judged.more_is_better, study.title or bases[0].scenario.title,
        as_kept(bases[0].scenario, Path(out)), tuple(names),
        pd.DataFrame(futures), frame, threshold, len(study.all_seeds),
    )  # fmt: skip
    _write(result, study, Path(out))
    return result


def _with_futures(study: Study, n: int | None) -> Study:
    """Return the study with a design of futures: its own grid or hypercube, or n points of a Latin hypercube."""
    if not study.factors:
        raise ScenarioError(f"{study.source.path}: there are no factors. Name what nobody controls, with ranges.")
    if n is None and study.design.kind in ("grid", "latin_hypercube"):
        return study
    n = n or study.design.n or DEFAULT_FUTURES
    return study.model_copy(update={"design": Design(kind="latin_hypercube", n=n, seed=study.design.seed)})


def _write(result: Robustness, study: Study, out: Path):
    frame = pd.concat([result.futures.add_prefix("factor:"), result.values.add_prefix("plan:")], axis=1)
    stem = file_stem(KIND, result.outcome)
    write_table(out / f"{stem}-futures.parquet", pa.Table.from_pandas(frame, preserve_index=False))
    write_whole(out / f"{stem}.csv", csv_bytes(result.table()))
    manifest = {
        "kind": KIND, "outcome": result.outcome, "unit": result.unit, "replications": result.n_replications,
        "plans": list(result.plans), "n_futures": len(result.futures), "good_enough": result.threshold,
        "most_robust": result.most_robust(), "table": result.table().to_dict("records"), "scenario": result.scenario,
        "study": study.model_dump(mode="json"), "warnings": result.warnings(), "versions": versions(),
    }  # fmt: skip
    write_whole(out / f"{stem}.json", json.dumps(manifest, indent=1, default=str).encode() + b"\n")
