"""Plans compared under the same shells: what each changes for the people of the town, with its uncertainty."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from safepassage.experiments.outcomes.by_place import DELAYS, LEFT, STREETS, means_by_place
from safepassage.experiments.outcomes.over_time import AT, fine_grid, hours_or_dates
from safepassage.experiments.questions.paired import ENOUGH_RUNS, Difference, difference
from safepassage.experiments.runs.csv_files import csv_bytes
from safepassage.experiments.runs.kept_runs import KeptRuns, seeds_of
from safepassage.experiments.runs.run import Task, scenario_digest
from safepassage.experiments.runs.store import write_table
from safepassage.model.clock import local_time
from safepassage.model.results.columns import SCHEMA_VERSION, table
from safepassage.model.results.outcomes import OUTCOMES, Outcome, Panel, compared
from safepassage.model.results.run_folder import versions
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept
from safepassage.model.settings.files.whole import write_whole
from safepassage.model.settings.run import Run
from safepassage.model.settings.scenario import NO_PLAN, Scenario, find, find_plan, load, read_keys
from safepassage.model.state.past import common_until_s

KIND = "comparison"
BASELINE = "baseline"
SERIES = ("n_safe", "n_dead")
"""Columns of the time series that are kept for the curves."""
LABELS = ("plan", "replication", "seed")
MAX_REPLICATIONS = 100_000
OF_SOME_TOWNS = (Panel.SERVICES, Panel.RECEPTION)
"""Outcomes that are zero under every plan where nobody has such vehicles or places."""
LATE = (
    "Where a share of the people was not out by the end of the run, the end of the run counts as the time. The true "
    "difference is then larger, or unknown if neither plan reached that share; where most pairs did not reach it under "
    "either plan, no difference is told."
)
"""Said of a comparison in which some times were not reached."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison found."""

    plans: tuple[str, ...]
    """Names, the baseline first."""
    scenario: Mapping[str, Any]
    """The scenario without plan, as a manifest holds it."""
    outcomes: tuple[Outcome, ...]
    frame: pd.DataFrame
    """One row per plan and replication: plan, replication, seed and every outcome."""
    at_s: tuple[float, ...]
    """Times of the curves (s after the start)."""
    moments_s: tuple[float, ...]
    """Round times for the table (s after the start)."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """By plan, what it does in a line; plans without a title are not there."""

    @property
    def run(self) -> Run:
        """The clocks and the first seed."""
        return Run.model_validate(self.scenario["run"])

    @property
    def time_zone(self) -> str:
        """Zone of local times."""
        return self.scenario["shelling"]["time_zone"]

    @property
    def n_replications(self) -> int:
        """Replications of each plan."""
        return len(self.frame) // len(self.plans)

    def values(self, plan: str, outcome: str) -> np.ndarray:
        """Return an outcome of a plan, one entry per replication."""
        return self._of_plan[plan][outcome].to_numpy(float)

    @cached_property
    def _of_plan(self) -> dict[str, pd.DataFrame]:
        return {plan: self.frame[self.frame["plan"] == plan] for plan in self.plans}

    def series(self, plan: str, column: str = "n_safe") -> np.ndarray:
        """Return the curves of a plan, shape (replications, times)."""
        return self._of_plan[plan][[f"{column}{AT}{time_s:.0f}" for time_s in self.at_s]].to_numpy(float)

    def difference(self, outcome: Outcome, plan: str, to: str = BASELINE) -> Difference:
        """Return a plan's paired difference to another in one outcome."""
        end = self.run.duration_h if outcome.panel == Panel.PROGRESS else None
        return difference(
            self.values(plan, outcome.name), self.values(to, outcome.name), more_is_better=outcome.more_is_better,
            end=end,
        )  # fmt: skip

    def longest_h(self, outcome: Outcome) -> float:
        """Return the longest mean of a time under any plan (h): all are told in one unit. nan: never reached."""
        means = [self.difference(outcome, plan) for plan in self.plans[1:]]
        found = [value for one in means if one.n_pairs for value in (one.baseline_mean, one.plan_mean)]
        return max(found, default=float("nan"))

    def end_in_words(self) -> str:
        """Return the end of the run as a planner says it: 14:00, or 1 September for runs of days."""
        end = local_time(self.run.start, self.run.duration_h * 3600, self.time_zone)
        return f"{end.day} {end:%B}" if self.run.duration_h > 72 else f"{end:%H:%M}"

    def pairs(self) -> list[tuple[str, str]]:
        """Return (plan, other): every plan against the baseline, then the plans among each other."""
        against = [(plan, self.plans[0]) for plan in self.plans[1:]]
        return against + [(a, b) for i, b in enumerate(self.plans[1:]) for a in self.plans[i + 2 :]]

    def all_outcomes(self) -> tuple[Outcome, ...]:
        """Return the outcomes of the table: people out at the end and by the hour, then the others.

        Left out is what no plan has: seats where nothing drives, beds where there is no reception place.
        """
        safe = OUTCOMES["safe"]
        by_hour = [
            replace(safe, name=f"n_safe{AT}{time_s:.0f}", words=f"{safe.words} by {self.moment(time_s)}")
            for time_s in self.moments_s
        ]
        return (*by_hour, *(one for one in self.outcomes if one.panel not in OF_SOME_TOWNS or self._occurs(one)))

    def _occurs(self, outcome: Outcome) -> bool:
        """Return whether an outcome is other than zero in any run."""
        return bool(self.frame[outcome.name].fillna(0).any())

    def moment(self, time_s: float) -> str:
        """Return a time as a planner says it: 08:00, or 14 Aug for runs of days."""
        at = local_time(self.run.start, time_s, self.time_zone)
        return f"{at:%d %b}" if self.run.duration_h > 72 else f"{at:%H:%M}"

    def differences(self) -> pd.DataFrame:
        """Return the table: one row per pair of plans and outcome."""
        rows = []
        for plan, other in self.pairs():
            for outcome in self.all_outcomes():
                found = asdict(self.difference(outcome, plan, other))
                rows.append(
                    {"plan": plan, "compared_to": other, "outcome": outcome.name, "meaning": outcome.words,
                     "unit": outcome.unit, **found}
                )  # fmt: skip
        return pd.DataFrame(rows)

    def warnings(self) -> list[str]:
        """Return what a reader must know before using the numbers."""
        return [*self.few_replications(), *self.late_times()]

    def few_replications(self) -> list[str]:
        """Return a sentence if there are fewer replications than a reported figure needs."""
        if self.n_replications >= ENOUGH_RUNS:
            return []
        return [
            f"Only {self.n_replications} replications: a reported figure needs {ENOUGH_RUNS} or more "
            "(IMO MSC.1/Circ.1533)."
        ]

    def late_times(self) -> list[str]:
        """Return a sentence if some times were not reached within the run."""
        found = [self.difference(outcome, plan) for outcome in self.outcomes for plan in self.plans[1:]]
        if not any(one.n_plan_late or one.n_baseline_late for one in found):
            return []
        return [LATE]


def compare(
    scenario: str | Path,
    plans: Sequence[str | Path],
    *,
    out: Path | str,
    executor,
    replications: int = 200,
    changes: Mapping[str, Any] | None = None,
    on_progress: Callable | None = None,
) -> Comparison:
    """Run the scenario without plan and with each plan under the same seeds; write tables; return what is found.

    plans: names or paths. out: folder of the comparison; one that was interrupted there is taken up, or gets more
    replications. executor: carries out the runs. changes: keys of the scenario, for all plans. on_progress(n_done,
    n_wanted) is called as runs finish. Raises ScenarioError.
    """
    variants = plans_of(scenario, plans, changes)
    if not 2 <= replications <= MAX_REPLICATIONS:
        raise ScenarioError(
            f"--replications {replications}: an interval needs 2 or more, and at most {MAX_REPLICATIONS:,} are allowed."
        )
    base = variants[BASELINE]
    at_s, moments_s = fine_grid(base.run.duration_h), hours_or_dates(base.run.start, base.run.duration_h)
    kept_s = tuple(sorted({*at_s, *moments_s}))
    seeds = seeds_of(base.run.seed, replications)
    identity = {
        "name": base.name, "kind": KIND, "plans": list(variants), "code": code_digest(), "first_seed": base.run.seed,
        "scenarios": {name: scenario_digest(variant) for name, variant in variants.items()},
    }  # fmt: skip
    out = Path(out)
    _not_fewer(out, replications)
    common_s = {name: common_until_s(base, variant) for name, variant in variants.items() if name != BASELINE}
    with KeptRuns(out, identity, executor, on_progress) as runs:
        tasks = [
            Task(
                variant,
                seed,
                _tables(name, seed == seeds[0]),
                kept_s,
                SERIES,
                **_past(name, seed, common_s, runs.pasts),
            )
            for seed in seeds
            for name, variant in variants.items()
        ]
        _refuse_plans_that_do_not_fit(runs, tasks[: len(variants)], variants)
        found = runs.outcomes(tasks)
        keys = {name: [task.key for task in tasks[k :: len(variants)]] for k, name in enumerate(variants)}
        by_place = means_by_place(runs.store.folder / "tables", keys)
    labels = [(name, row, seed) for row, seed in enumerate(seeds) for name in variants]
    rows = [
        {"plan": name, "replication": row, "seed": seed, **{k: v for k, v in one.items() if k not in ("seed", "key")}}
        for (name, row, seed), one in zip(labels, found, strict=True)
    ]
    frame = pd.DataFrame(rows)
    frame = frame[[*LABELS, *sorted(set(frame) - set(LABELS))]]
    titles = titles_of(scenario, plans)
    kept = as_kept(base, out)
    comparison = Comparison(tuple(variants), kept, compared(frame.columns), frame, at_s, moments_s, titles)
    for name, content in by_place.items():
        write_table(out / f"{name}.parquet", content)
    _write(comparison, variants, out)
    return comparison


def _tables(plan: str, is_first: bool) -> tuple[str, ...]:
    """Return what is kept of a run by place; the streets, which are the same in all, of the first alone."""
    return (LEFT, DELAYS, STREETS) if is_first and plan == BASELINE else (LEFT, DELAYS)


def _past(name: str, seed: int, common_s: Mapping[str, float], folder: Path) -> dict[str, Any]:
    """Return what a run keeps for others or begins from: a plan from the baseline's state, once they differ.

    common_s: by plan, until when it goes as the baseline does (s).
    """
    files = {at_s: folder / f"{seed}-{at_s:.0f}.npz" for at_s in sorted({*common_s.values()}) if at_s > 0}
    return {"kept_at": tuple(files.items())} if name == BASELINE else {"past": files.get(common_s[name])}


def plans_of(scenario: str | Path, plans: Sequence[str | Path], changes: Mapping | None) -> dict[str, Scenario]:
    """Return name -> scenario: the baseline, then each plan laid over it. Raises ScenarioError."""
    if not plans:
        raise ScenarioError("compare: name one plan or more with --plan; the scenario without plan is the baseline.")
    found = {BASELINE: load(scenario, changes)}
    for plan in plans:
        loaded = load(scenario, changes, plan)
        if loaded.plan in found or loaded.plan == NO_PLAN:
            raise ScenarioError(
                f"--plan {plan}: there are two plans named {loaded.plan!r}; give each a name of its own."
            )
        found[loaded.plan] = loaded
    return found


def titles_of(scenario: str | Path, plans: Sequence[str | Path]) -> dict[str, str]:
    """Return name -> title of plans that have one."""
    folder, found = read_keys(find(scenario)).folder, {}
    for plan in plans:
        path = find_plan(plan, folder)
        keys = read_keys(path).keys
        if keys.get("title"):
            found[str(keys.get("name", path.stem))] = " ".join(str(keys["title"]).split())
    return found


def _refuse_plans_that_do_not_fit(runs: KeptRuns, tasks: Sequence[Task], variants: Mapping[str, Scenario]):
    """Run each plan once. Raises ScenarioError, naming the plan, if it cannot be: it may be of another town."""
    for name, task, one in zip(variants, tasks, runs.outcomes(tasks, failures_allowed=True), strict=True):
        if one is not None:
            continue
        why = runs.store.failure(task.key).strip().splitlines()[-1].partition(": ")[2]
        what = "the scenario without a plan" if name == BASELINE else f"the plan {name!r}"
        raise ScenarioError(f"compare: {what} cannot be run: {why}")


def _not_fewer(out: Path, replications: int):
    path = out / "comparison.json"
    if path.is_file():
        there = json.loads(path.read_text(encoding="utf-8"))["replications"]
        if there > replications:
            raise ScenarioError(
                f"{out}: this folder holds the comparison with {there} replications, you ask for {replications}. "
                "Ask for as many or more, or name another folder with --out."
            )


def _write(comparison: Comparison, variants: Mapping[str, Scenario], out: Path):
    differences = comparison.differences()
    write_table(out / "replications.parquet", pa.Table.from_pandas(comparison.frame, preserve_index=False))
    write_table(out / "differences.parquet", table({name: differences[name].to_numpy() for name in differences}))
    write_whole(out / "differences.csv", csv_bytes(differences))
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "replications": comparison.n_replications,
        "plans": list(comparison.plans),
        "titles": comparison.titles,
        "scenario": comparison.scenario,
        "plan_keys": {
            name: _changed_keys(comparison.scenario, as_kept(variant, out)) for name, variant in variants.items()
        },
        "at_s": comparison.at_s,
        "moments_s": comparison.moments_s,
        "warnings": comparison.warnings(),
        "versions": versions(),
    }
    write_whole(out / "comparison.json", json.dumps(manifest, indent=1, default=str).encode() + b"\n")


def _changed_keys(ours: Mapping, theirs: Mapping) -> dict:
    return {key: value for key, value in theirs.items() if value != ours[key] and key != "plan"}


def open_comparison(folder: Path | str) -> Comparison:
    """Return a finished comparison from its folder. Raises ScenarioError if there is none."""
    import pyarrow.parquet as pq

    folder = Path(folder)
    if not (folder / "comparison.json").is_file():
        raise ScenarioError(f"{folder}: this is not a finished comparison; `safepassage compare` makes one.")
    manifest = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    frame = pq.read_table(folder / "replications.parquet").to_pandas()
    return Comparison(
        tuple(manifest["plans"]), manifest["scenario"], compared(frame.columns), frame,
        tuple(manifest["at_s"]), tuple(manifest["moments_s"]), manifest["titles"],
    )  # fmt: skip
