"""Search for a better plan: protective levers only, several aims at once, the same shells for every trial.

    name: order_plan
    scenario: tiny_town
    levers:
      orders.0.issued_h: {range: [0, 2]}
      behaviour.channels.siren.reach: {range: [0, 1]}
    objectives: {safe: maximise, p95.casualties: minimise, cost: minimise}
    cost: {behaviour.channels.siren.reach: 100}
    futures: {shelling.sources.0.events_per_day: {range: [100, 500]}}
    n_futures: 5
    replications: 10
    n_trials: 60

Levers with a planner's names, such as contraflow on a street or not, are `choices` (choices.py). Levers may share what
there is: `budgets: [{levers: [services.fleets.0.n_vehicles, services.fleets.1.n_vehicles],
at_most: 10}]` tries no plan in which they add up to more.

An aim is an outcome's mean over futures and replications, or, written p05.NAME or p95.NAME, its percentile. `cost` is
the sum of lever x price. Futures are hazards that are sampled, never searched. Trials are proposed by Optuna (Akiba et
al. 2019; MIT): TPE for one aim, NSGA-II (Deb et al. 2002) for several.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from pydantic import Field, model_validator
from scipy.stats import qmc

from safepassage.experiments.questions.choices import (
    changes_of,
    each_alternative,
    keys_of,
    plan_of,
    refuse_unclear,
    value_at,
)
from safepassage.experiments.questions.headroom import Headroom, headroom
from safepassage.experiments.questions.paired import ENOUGH_RUNS
from safepassage.experiments.questions.pareto import is_pareto
from safepassage.experiments.questions.refusal import refuse_harmful, refuse_targets
from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.kept_runs import KeptRuns, seeds_of
from safepassage.experiments.runs.run import Task, scenario_digest
from safepassage.experiments.runs.store import write_table
from safepassage.experiments.sweeps.question_file import QuestionFile, source_of
from safepassage.experiments.sweeps.study import Factor
from safepassage.model.results.run_folder import versions
from safepassage.model.settings.base import ScenarioError, Section
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept
from safepassage.model.settings.files.whole import write_whole
from safepassage.model.settings.scenario import Scenario, Source, validated
from safepassage.model.state.past import changed_keys, common_until_s

KIND = "optimisation"
COST = "cost"
STATISTICS = {"mean": None, "p05": 0.05, "p95": 0.95}
MAX_TRIALS = 100_000
CHOICES = {"Main Street": {"as it is": {}, "contraflow": {"closures.contraflow": [{"name": "Main Street"}]}}}
"""Choices, as an example."""

MOST_REJECTED = 1000
"""Proposals beyond the budgets in all, after which a search is given up."""


class Budget(Section):
    """What several levers share, such as the vehicles of two fleets."""

    levers: tuple[str, ...] = Field(min_length=1)
    """Dotted keys, each among the levers of the search."""
    at_most: float
    """Their sum is never more."""

    def allows(self, levers: Mapping[str, Any]) -> bool:
        """Return whether a proposal keeps to it."""
        return sum(float(levers[key]) for key in self.levers) <= self.at_most


class Optimisation(QuestionFile):
    """Which levers are turned, and what for."""

    plan: str = "none"
    """Plan laid over it beforehand."""
    levers: dict[str, Factor] = Field({}, examples=[{"orders.0.issued_h": {"range": [0, 2]}}])
    """Dotted key of a protective lever -> its range, grid or list."""
    choices: dict[str, dict[str, dict[str, Any]]] = Field({}, examples=[CHOICES])
    """Levers with a name: name -> alternative -> dotted key -> value. An alternative without keys leaves the scenario
    as it is; where two choices give a list for one key, the lists are joined."""
    objectives: dict[str, Literal["minimise", "maximise"]] = Field(min_length=1)
    """Aims: outcome -> direction."""
    cost: dict[str, Annotated[float, Field(ge=0)]] = Field({})
    """Lever -> price of one unit of it; their sum is the outcome `cost`."""
    budgets: tuple[Budget, ...] = Field((), examples=[[{"levers": ["a", "b"], "at_most": 10}]])
    """What levers share."""
    futures: dict[str, Factor] = Field({})
    """What nobody controls: dotted key -> range or distribution; sampled once, the same for every trial."""
    n_futures: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Futures sampled."""
    replications: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Runs of each trial in each future, under the same seeds for every trial."""
    n_trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 50
    """Trials in all; a search that is repeated with more goes on."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    """Fixes the futures and the proposals."""

    @model_validator(mode="after")
    def _consistent(self):
        if not self.levers and not self.choices:
            raise ValueError("give levers or choices: what the search may turn")
        refuse_unclear(self.choices, self.levers)
        for key, factor in self.levers.items():
            if factor.levels is None and factor.range is None:
                raise ValueError(f"levers: {key}: give a range, a grid or a list")
        strange = [key for key in self.cost if key not in self.levers]
        if strange:
            raise ValueError(f"cost: {strange[0]} is not among the levers")
        for budget in self.budgets:
            strange = [key for key in budget.levers if key not in self.levers]
            if strange:
                raise ValueError(f"budgets: {strange[0]} is not among the levers")
            least = sum(float(min(self.levers[key].levels or self.levers[key].range)) for key in budget.levers)
            if least > budget.at_most:
                raise ValueError(f"budgets: {', '.join(budget.levers)} add up to {least:g} at least, at_most is "
                                 f"{budget.at_most:g}")  # fmt: skip
        if COST in self.objectives and not self.cost:
            raise ValueError("objectives: cost needs prices; add `cost: {lever: price}`")
        if self.n_futures > 1 and not self.futures:
            raise ValueError("n_futures needs futures: what is uncertain, with its range")
        return self

    @property
    def turned(self) -> list[str]:
        """Names of all that the search turns: levers, then choices."""
        return [*self.levers, *self.choices]

    def base(self) -> Scenario:
        """Return the scenario with plan and overrides. Raises InvalidScenario, ScenarioError."""
        return self.under(self.plan)

    def sampled_futures(self) -> list[dict[str, Any]]:
        """Return the futures: dotted key -> value; one without changes if none are named."""
        if not self.futures:
            return [{}]
        u = qmc.LatinHypercube(len(self.futures), rng=np.random.default_rng(self.seed)).random(self.n_futures)
        return [{k: f.at(float(x)) for (k, f), x in zip(self.futures.items(), row, strict=True)} for row in u]


def load_optimisation(path: Path | str) -> Optimisation:
    """Return the Optimisation of a YAML file, checked whole. Raises InvalidScenario, ScenarioError, Refused."""
    return optimisation_of(source_of(path, "optimisation"))


def optimisation_of(source: Source) -> Optimisation:
    """Return the Optimisation that keys describe; raises like load_optimisation. Harmful searches are refused."""
    wanted = Optimisation.of(source)
    refuse(wanted)
    base = wanted.base()
    for part, factors in (("levers", wanted.levers), ("futures", wanted.futures)):
        for key, factor in factors.items():
            for value in factor.levels or (factor.at(0.0), factor.at(1.0)):
                validated(base.source.with_changes({key: value}, source.place((part, key))))
    for name, keys in each_alternative(wanted.choices):
        validated(base.source.with_changes(keys, source.place(("choices", name))))
    return wanted


def refuse(wanted: Optimisation) -> None:
    """Raise Refused if a search wants more harm, turns what it must not, or samples where harm lands."""
    refuse_harmful(wanted.objectives, [*wanted.levers, *keys_of(wanted.choices)])
    refuse_targets({key: factor.levels or (factor.at(0), factor.at(1)) for key, factor in wanted.futures.items()})


@dataclass(frozen=True)
class Optimised:
    """What a search found."""

    wanted: Optimisation
    scenario: dict[str, Any]
    trials: pd.DataFrame
    """One row per finished trial: trial, levers, aims, is_pareto; trial -1 is the unchanged scenario."""
    headroom: Headroom | None = None
    """What more any plan of routes could do for the cars under the plan with most people out; None: not among the aims,
    or nobody drives."""

    @property
    def pareto(self) -> pd.DataFrame:
        """Trials that are beaten in every aim neither by another trial nor by the unchanged scenario."""
        return self.trials[self.trials["is_pareto"] & (self.trials["trial"] >= 0)]

    def warnings(self) -> list[str]:
        """Return what a reader must know before using the numbers."""
        n_runs = self.wanted.n_futures * self.wanted.replications
        said = [] if self.headroom is None else [self.headroom.told()]
        if n_runs >= ENOUGH_RUNS:
            return said
        return [
            *said,
            f"Only {n_runs} runs behind each trial: a reported figure needs {ENOUGH_RUNS} or more (IMO "
            "MSC.1/Circ.1533), and the best of many trials looks better than it is. Compare the plans found under "
            "more seeds: safepassage compare SCENARIO --plan FILE.",
        ]


def optimise(
    wanted: Optimisation, *, out: Path | str, executor, on_progress: Callable[[int, int], None] | None = None
) -> Optimised:
    """Search, or go on searching, and write trials, the best plans and their picture's data to `out`.

    wanted: what is asked. executor: carries out the runs. The search is kept in `out/optuna.db` (SQLite), its runs
    beside it. on_progress(n_done, n_trials) is called after each trial.
    Raises ScenarioError.
    """
    refuse(wanted)  # also what was put together without a file
    optuna = _optuna()
    on_progress = on_progress or (lambda n_done, n_trials: None)
    base, out = wanted.base(), Path(out)
    keys = wanted.model_dump(mode="json")
    identity = {
        **{key: value for key, value in keys.items() if key not in ("n_trials", "title", "plan")}, "kind": KIND,
        "code": code_digest(), "scenario": scenario_digest(base),
    }  # fmt: skip
    with KeptRuns(out, identity, executor) as runs:
        futures = wanted.sampled_futures()

        present, common_s = _present(base, wanted), _common_s(base, wanted)

        def aims(levers: dict[str, Any]) -> dict[str, float]:
            found = runs.outcomes(_tasks(wanted, base, levers, futures, runs.pasts, common_s))
            return {name: _aim(name, found, {**present, **levers}, wanted) for name in wanted.objectives}

        rows = [{"trial": -1, **present, **aims({})}]
        study = _study(optuna, wanted, out)
        n_done = len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)))
        on_progress(n_done, wanted.n_trials)
        n_rejected = len(study.get_trials(states=(optuna.trial.TrialState.PRUNED,)))
        while n_done < wanted.n_trials:
            study.sampler = _sampler(optuna, wanted, n_done + n_rejected)
            trial = study.ask()
            levers = {key: _suggest(trial, key, factor) for key, factor in wanted.levers.items()}
            levers |= {name: trial.suggest_categorical(name, list(one)) for name, one in wanted.choices.items()}
            if not all(budget.allows(levers) for budget in wanted.budgets):
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                n_rejected += 1
                if n_rejected > MOST_REJECTED:
                    raise ScenarioError(
                        f"budgets: {MOST_REJECTED:,} proposals went beyond them. Narrow the ranges of their levers."
                    )
                continue
            found = aims(levers)
            study.tell(trial, list(found.values()))
            n_done += 1
            on_progress(n_done, wanted.n_trials)
        for trial in study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)):
            rows.append(
                {"trial": trial.number, **trial.params, **dict(zip(wanted.objectives, trial.values, strict=True))}
            )
    frame = pd.DataFrame(rows)
    frame["is_pareto"] = is_pareto(frame, wanted.objectives) & ~frame.duplicated(wanted.turned)
    result = Optimised(wanted, as_kept(base, out), frame, _headroom(wanted, base, frame))
    _write(result, base, out)
    return result


def _headroom(wanted: Optimisation, base: Scenario, trials: pd.DataFrame) -> Headroom | None:
    """Return what more routes could do under the plan with most people out, in the first seed of the base scenario."""
    if "safe" not in wanted.objectives:
        return None
    best = trials.loc[trials["safe"].idxmax()]
    levers = {} if best["trial"] < 0 else {key: _plain(best[key]) for key in wanted.turned}
    changes = changes_of(wanted.choices, levers)
    scenario = validated(base.source.with_changes(changes, wanted.source.place(("levers",))))
    return headroom(scenario, int(best["trial"]))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _optuna():
    try:
        import optuna
    except ImportError:
        raise ScenarioError("optimise needs Optuna; pip install 'safepassage[study]'.") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _study(optuna, wanted: Optimisation, out: Path):
    """Open the search in its SQLite file; a trial that was under way when it was killed is given up."""
    study = optuna.create_study(
        storage=f"sqlite:///{out / 'optuna.db'}", study_name=wanted.name, load_if_exists=True,
        directions=[direction.replace("ise", "ize") for direction in wanted.objectives.values()],
    )  # fmt: skip
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _sampler(optuna, wanted: Optimisation, n_done: int):
    """Return what proposes the next trial, seeded by how many there are: a search that goes on proposes the same."""
    seed = wanted.seed * 1_000_003 + n_done
    if len(wanted.objectives) == 1:
        return optuna.samplers.TPESampler(seed=seed % 2**31)
    return optuna.samplers.NSGAIISampler(population_size=20, seed=seed % 2**31)


def _suggest(trial, key: str, factor: Factor) -> Any:
    if factor.levels is not None:
        return trial.suggest_categorical(key, factor.levels)
    low, high = factor.range
    if factor.whole:
        return trial.suggest_int(key, round(low), round(high), log=factor.log)
    return trial.suggest_float(key, low, high, log=factor.log)


def _tasks(
    wanted: Optimisation, base: Scenario, levers: dict, futures: list[dict], folder: Path, common_s: float
) -> list[Task]:
    """Return the runs of a trial; those without levers keep their states at common_s, the others begin from them."""
    place, tasks = wanted.source.place(("levers",)), []
    changes = changes_of(wanted.choices, levers)
    for number, future in enumerate(futures):
        scenario = validated(base.source.with_changes({**future, **changes}, place))
        unchanged = validated(base.source.with_changes(future, place)) if levers else scenario
        is_shared = common_s > 0 and not changed_keys(unchanged, scenario, common_s)
        for seed in seeds_of(base.run.seed, wanted.replications):
            path = folder / f"{number}-{seed}.npz"
            if not is_shared:
                tasks.append(Task(scenario, seed))
            elif levers:
                tasks.append(Task(scenario, seed, past=path))
            else:
                tasks.append(Task(scenario, seed, kept_at=((common_s, path),)))
    return tasks


def _common_s(base: Scenario, wanted: Optimisation) -> float:
    """Return until when the trials go as the unchanged scenario does (s), by the ends of the levers' ranges."""
    place = wanted.source.place(("levers",))
    ends = [
        validated(base.source.with_changes({key: value}, place))
        for key, factor in wanted.levers.items()
        for value in factor.levels or (factor.at(0.0), factor.at(1.0))
    ]
    ends += [validated(base.source.with_changes(keys, place)) for _, keys in each_alternative(wanted.choices)]
    return min(common_until_s(base, one) for one in ends)


def _aim(name: str, found: list[dict], levers: dict, wanted: Optimisation) -> float:
    """Return one aim of a trial from its runs."""
    if name == COST:
        return float(sum(price * float(levers.get(key) or 0.0) for key, price in wanted.cost.items()))
    statistic, _, outcome = name.rpartition(".")
    if statistic not in (*STATISTICS, "") or outcome not in found[0]:
        known = ", ".join(key for key in found[0] if key not in ("key", "seed"))
        raise ScenarioError(f"objectives: {name}: write an outcome, or p05.OUTCOME or p95.OUTCOME; there are {known}.")
    values = np.array([one[outcome] for one in found], float)
    if not np.isfinite(values).all():
        raise ScenarioError(f"objectives: {name}: some runs do not reach it; choose an outcome that every run has.")
    share = STATISTICS[statistic or "mean"]
    return float(values.mean() if share is None else np.quantile(values, share))


def _present(base: Scenario, wanted: Optimisation) -> dict[str, Any]:
    """Return the levers of the unchanged scenario; None where a key is not set, "unchanged" for choices."""
    found = {key: value_at(base.model_dump(mode="json"), key) for key in wanted.levers}
    return found | dict.fromkeys(wanted.choices, "unchanged")


def _write(result: Optimised, base: Scenario, out: Path):
    wanted = result.wanted
    write_table(out / "trials.parquet", pa.Table.from_pandas(result.trials, preserve_index=False))
    write_whole(out / "trials.csv", csv_bytes(result.trials))
    for row in result.pareto.to_dict("records"):
        aims = ", ".join(f"{name} {row[name]:,.1f}" for name in wanted.objectives)
        levers = changes_of(wanted.choices, {key: row[key] for key in wanted.turned})
        name = f"{wanted.name}_{row['trial']}"
        text = yaml.safe_dump(plan_of(base, levers, name, f"Found by a search: {aims}"), sort_keys=False)
        write_whole(out / "plans" / f"{name}.yaml", text.encode())
    manifest = {
        "kind": KIND, "optimisation": wanted.model_dump(mode="json"), "scenario": result.scenario,
        "headroom": None if result.headroom is None else asdict(result.headroom),
        "n_trials": int((result.trials["trial"] >= 0).sum()), "pareto": result.pareto.to_dict("records"),
        "warnings": result.warnings(), "versions": versions(),
    }  # fmt: skip
    write_whole(out / "optimisation.json", json.dumps(manifest, indent=1, default=str).encode() + b"\n")
