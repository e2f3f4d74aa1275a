"""A batch from a script: scenarios x plans x factors x seeds in, one tidy table out.

from safepassage.experiments.sweeps.batch import run_batch
table = run_batch("tiny_town", seeds=range(50), factors={"orders.0.issued_h": [0.0, 1.0]})
table.groupby("orders.0.issued_h").safe.mean()
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from safepassage.experiments.questions.refusal import refuse_targets
from safepassage.experiments.runs.executors import local
from safepassage.experiments.runs.limits import Executor
from safepassage.experiments.runs.run import Base, Point
from safepassage.experiments.sweeps.sweep import Sweep, carry_out_sweep
from safepassage.model.rules import RuleFile
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import NO_PLAN, Scenario, load


class RunsFailed(ScenarioError):
    """Some runs of a batch ended with an error; the message has the first traceback and the command to repeat it."""


def run_batch(
    scenarios: str | Path | Scenario | Iterable[str | Path | Scenario],
    seeds: Iterable[int],
    *,
    plans: Sequence[str | Path | None] = (None,),
    factors: Mapping[str, Iterable[Any]] | None = None,
    outcomes: Iterable[str] | None = None,
    tables: Iterable[str] = (),
    workers: int | None = None,
    out: Path | str | None = None,
    executor: Executor | None = None,
    rules: str | Path | None = None,
) -> pd.DataFrame:
    """Run every scenario under every plan, combination of factors and seed; return one row per run.

    scenarios: one or several of: name of a shipped scenario, path of a scenario file, Scenario. seeds: whole numbers
    from 0, each once; every point sees the same ones. plans: names or paths; None: the scenario without a plan (a
    Scenario has its plan already). factors: dotted scenario key -> values; all combinations are run. outcomes: names
    of the outcomes to return; default: all. tables: names of tables to keep of each run, in `out`. workers: number of
    processes; default: one per core. executor: where to run instead, such as a Dask cluster; it stays open. out:
    folder for the results as Parquet; finished runs of the same batch that it holds are not run again. rules: path of
    a Python file with rules of your own (see safepassage.model.rules), which every worker reads.

    The frame has the columns point, scenario, plan, one for each factor, replication, seed, key and one for each
    outcome, sorted by point, then replication; units of outcomes: `open_study(out).units()`. Raises ScenarioError
    for a mistake in what is given, before anything runs; RunsFailed, after all other runs, if one failed.
    """
    factors = {key: tuple(values) for key, values in (factors or {}).items()}
    empty = [key for key, values in factors.items() if not values]
    if empty:
        raise ScenarioError(f"factors: {empty[0]} has no values; give at least one.")
    refuse_targets(factors)
    seeds = tuple(int(seed) for seed in seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ScenarioError(f"seeds: {list(seeds)[:5]}: give at least one seed, each of them once.")
    one = isinstance(scenarios, str | Path | Scenario)
    bases = [_base(scenario, plan) for scenario in ([scenarios] if one else scenarios) for plan in plans]
    combinations = [dict(zip(factors, values, strict=True)) for values in product(*factors.values())]
    points = [
        Point(index, base, changes, "factors") for index, (base, changes) in enumerate(product(bases, combinations))
    ]
    identity = {
        "name": "batch",
        "bases": [[base.scenario.name, base.scenario.plan] for base in bases],
        "factors": {key: [repr(value) for value in values] for key, values in factors.items()},
    }
    own = None if rules is None else RuleFile.of(rules)
    if own is not None:
        identity["rules"] = own.sha256
    sweep = Sweep(identity, points, seeds, tuple(outcomes or ()), tuple(tables), rules=own)
    with tempfile.TemporaryDirectory() as scratch:
        if executor is not None:
            folder = carry_out_sweep(sweep, out or scratch, executor)
        else:
            with local(workers) as mine:
                folder = carry_out_sweep(sweep, out or scratch, mine)
        failures = folder.failures()
        if failures:
            first = failures[0]
            raise RunsFailed(
                f"{len(failures)} of {len(points) * len(seeds)} runs failed; repeat the first with: "
                f"{first['command']}\n{first['traceback']}"
            )
        return folder.frame()


def _base(scenario: str | Path | Scenario, plan: str | Path | None) -> Base:
    if not isinstance(scenario, Scenario):
        return Base(load(scenario, plan=plan), str(scenario), str(plan or NO_PLAN))
    if plan is not None:
        raise ScenarioError("plans: a Scenario has its plan already; give load(name, plan=...) for each, and no plans.")
    source = scenario.source
    changes = {
        ".".join(map(str, path)): _value(source.keys, path) for path, at in source.places.items() if at == "--set"
    }
    return Base(scenario, source.path, scenario.plan, changes)


def _value(keys: Any, path: tuple) -> Any:
    for part in path:
        keys = keys[part]
    return keys
