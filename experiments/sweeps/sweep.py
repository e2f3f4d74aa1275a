"""Do many runs: keep each as it ends, continue after any interruption, repeat none.

study = load_study("study.yaml")
with local() as executor:
    outcome = run_sweep(study, "out", executor)
frame = open_study("out").frame()
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from safepassage.experiments.runs.executors import until_done
from safepassage.experiments.runs.limits import Executor
from safepassage.experiments.runs.run import (
    Point,
    Record,
    Task,
    carry_out,
    content_digest,
    run_key,
    scenario_digest,
    with_rules,
)
from safepassage.experiments.runs.store import Store
from safepassage.experiments.runs.worker import Failure
from safepassage.experiments.sweeps.design import points as points_of
from safepassage.experiments.sweeps.study import Stopping, Study, refuse_targets_of
from safepassage.experiments.sweeps.study_folder import StudyFolder, results_table
from safepassage.model.results.run_folder import versions
from safepassage.model.rules import RuleFile
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept


@dataclass
class Sweep:
    """What is to be run: points, seeds, and what to keep. `run_sweep` makes it of a study, `run_batch` of scenarios."""

    identity: dict
    """What makes this study itself; a folder of another is refused."""
    points: list[Point]
    seeds: tuple[int, ...]
    outcomes: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    stopping: Stopping | None = None
    rules: RuleFile | None = None
    """Rules of the user's own, in every run."""
    description: dict = field(default_factory=dict)
    digests: list[str] = field(init=False)
    """Digest of each point's scenario; two points of one digest are the same runs."""

    def __post_init__(self):
        of_base: dict[int, str] = {}
        self.digests = []
        for point in self.points:
            if point.factors:
                self.digests.append(scenario_digest(point.scenario))
            else:
                self.digests.append(of_base.setdefault(id(point.base), scenario_digest(point.scenario)))
        self.digests = [with_rules(digest, self.rules) for digest in self.digests]


@dataclass(frozen=True)
class Progress:
    """How far a sweep is."""

    n_finished: int
    n_failed: int
    n_planned: int
    n_found: int
    """Finished in an earlier call."""


def sweep_of(study: Study) -> Sweep:
    """Return the Sweep of a study. Raises ScenarioError for a point that is no valid scenario, or too many."""
    refuse_targets_of(study)
    keys = study.model_dump(mode="json")
    points = points_of(study)
    bases = {id(point.base): point.base.scenario for point in points}.values()
    same = ("name", "overrides", "factors", "design", "first_seed")
    identity = {key: keys[key] for key in same}
    identity["scenarios"] = [[scenario.name, scenario.plan, content_digest(scenario)] for scenario in bases]
    about = {"title": study.title, "study": keys}
    return Sweep(
        identity, points, study.all_seeds, study.outcomes, study.tables, study.stopping, None, about
    )  # fmt: skip


def run_sweep(
    study: Study, out: Path | str, executor: Executor, on_progress: Callable[[Progress], None] | None = None
) -> StudyFolder:
    """Carry out a study, or what is missing of it, into a folder, and return it.

    executor: carries out the runs. on_progress is given a `Progress` as they finish.
    Runs that fail are noted there (`StudyFolder.failures`) and do not stop the others. Raises ScenarioError if the
    folder holds another study or cannot be written; every finished run is kept then.
    """
    return carry_out_sweep(sweep_of(study), out, executor, on_progress)


def carry_out_sweep(
    sweep: Sweep, out: Path | str, executor: Executor, on_progress: Callable[[Progress], None] | None = None
) -> StudyFolder:
    """Carry out a Sweep, or what is missing of it, into a folder, and return it.

    sweep: runs to carry out; executor, on_progress: as in run_sweep.
    """
    store = Store(out)
    store.open_for_writing(
        sweep.identity,
        {
            "seeds": list(sweep.seeds),
            "outcomes": list(sweep.outcomes),
            "code": code_digest(),
            "versions": versions(),
            "scenarios": _scenarios(sweep, Path(out)),
            **sweep.description,
        },
    )
    try:
        store.write("design", _design_table(sweep))
        _Loop(sweep, store, executor, on_progress or (lambda progress: None)).run()
        store.compact()
        folder = StudyFolder(store.folder)
        store.write("results", results_table(folder))
        return folder
    finally:
        store.close()


class _Loop:
    """Keeps the executor busy with the runs that are missing, and the store with those that end."""

    def __init__(self, sweep: Sweep, store: Store, executor: Executor, on_progress):
        self.sweep, self.store, self.executor, self.on_progress = sweep, store, executor, on_progress
        self.point_of = {}
        for point, digest in zip(sweep.points, sweep.digests, strict=True):
            self.point_of.setdefault(digest, point)
        self.n_planned = dict.fromkeys(self.point_of, 0)
        self.n_open = dict.fromkeys(self.point_of, 0)
        self.values: dict[str, dict[int, float]] = {digest: {} for digest in self.point_of}
        self.queue: deque[tuple[str, int]] = deque()
        self.n_finished = self.n_failed = 0
        self.known_outcomes: set[str] = set()

    def run(self):
        """Carry out everything that is missing."""
        self.finished = self.store.keys()
        self._read_values()
        first = self.sweep.stopping.min_replications if self.sweep.stopping else len(self.sweep.seeds)
        for replication in range(first):
            for digest in self.point_of:
                self._plan(digest, replication)
        for digest in self.point_of:
            self._look(digest)
        self.n_found = self.n_finished
        self._tell()
        for tag, result in until_done(self.executor, carry_out, self.queue, self._task):
            self._take(tag, result)
            self._tell()

    def _plan(self, digest: str, replication: int):
        self.n_planned[digest] += 1
        if run_key(digest, self.sweep.seeds[replication]) in self.finished:
            self.n_finished += 1
        else:
            self.n_open[digest] += 1
            self.queue.append((digest, replication))

    def _task(self, tag: tuple[str, int]) -> Task:
        digest, replication = tag
        return Task(
            self.point_of[digest].scenario, self.sweep.seeds[replication], self.sweep.tables, rules=self.sweep.rules
        )

    def _take(self, tag: tuple[str, int], result: Record | Failure):
        digest, replication = tag
        seed = self.sweep.seeds[replication]
        key = run_key(digest, seed)
        self.n_open[digest] -= 1
        if isinstance(result, Failure):
            self.n_failed += 1
            self.store.put_failed(key, self._failure(digest, replication, result))
        else:
            self._check(result)
            self.store.put(key, seed, result)
            self.n_finished += 1
            if self.sweep.stopping:
                self.values[digest][replication] = result.outcomes.get(self.sweep.stopping.outcome, 0.0)
        self._look(digest)

    def _failure(self, digest: str, replication: int, failure: Failure) -> dict:
        point, seed = self.point_of[digest], self.sweep.seeds[replication]
        own = "" if self.sweep.rules is None else f"  # from Python, with rules={str(self.sweep.rules.path)!r}"
        return {
            "point": point.index,
            "replication": replication,
            "seed": seed,
            "factors": {key: repr(value) for key, value in point.factors.items()},
            "plan": point.base.plan,
            "command": point.command(seed) + own,
            "traceback": failure.message,
        }

    def _check(self, record: Record):
        """Raise ScenarioError if a worker runs other code, or if an outcome asked for does not exist."""
        if record.code != code_digest():
            raise ScenarioError(
                f"the worker on {record.timings['host']} runs different code ({record.code[:12]}) than this process "
                f"({code_digest()[:12]}); install the same version there. Results of both would mix."
            )
        if self.known_outcomes:
            return
        self.known_outcomes = set(record.outcomes)
        wanted = [*self.sweep.outcomes, *([self.sweep.stopping.outcome] if self.sweep.stopping else [])]
        for name in wanted:
            if name not in self.known_outcomes:
                known = ", ".join(one for one in record.outcomes if ":" not in one)
                raise ScenarioError(f"outcomes: there is no outcome {name!r}; there are {known}, and by group.")

    def _look(self, digest: str):
        """Where all that was planned for a point is done: plan some more unless its mean is known well enough."""
        rule, n = self.sweep.stopping, self.n_planned[digest]
        while rule and self.n_open[digest] == 0 and n < len(self.sweep.seeds):
            values = [value for replication, value in self.values[digest].items() if replication < n]
            if half_width(values, rule.confidence) <= rule.ci_half_width:
                return
            for replication in range(n, min(n + rule.every, len(self.sweep.seeds))):
                self._plan(digest, replication)
            n = self.n_planned[digest]

    def _read_values(self):
        """Read what earlier calls found of the outcome that the stopping rule looks at."""
        rule = self.sweep.stopping
        if not rule or not self.finished:
            return
        runs = self.store.runs()
        if rule.outcome not in runs.column_names:
            return
        found = dict(zip(runs["key"].to_pylist(), runs[rule.outcome].to_pylist(), strict=True))
        for digest in self.point_of:
            for replication, seed in enumerate(self.sweep.seeds):
                value = found.get(run_key(digest, seed))
                if value is not None:
                    self.values[digest][replication] = value

    def _tell(self):
        planned = sum(self.n_planned.values())
        self.on_progress(Progress(self.n_finished, self.n_failed, planned, self.n_found))


def half_width(values: Iterable[float], confidence: float = 0.95) -> float:
    """Return half the width of the confidence interval of a mean (Student's t); inf if fewer than two values."""
    from scipy import stats

    values = np.asarray([value for value in values if not math.isnan(value)])
    if values.size < 2:
        return math.inf
    return float(stats.t.ppf(0.5 + confidence / 2, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size))


def _scenarios(sweep: Sweep, out: Path) -> list[dict]:
    """Return every scenario of the sweep before factors, under each plan, as a manifest holds it."""
    bases = {id(point.base): point.base for point in sweep.points}
    return [as_kept(base.scenario, out) for base in bases.values()]


def _design_table(sweep: Sweep) -> pa.Table:
    """Return the points: point, plan, factors, digest of the scenario."""
    points = sweep.points
    columns = {
        "point": pa.array([point.index for point in points], pa.int64()),
        "scenario": pa.array([point.base.scenario.name for point in points], pa.string()),
        "plan": pa.array([point.base.scenario.plan for point in points], pa.string()),
    }
    for key in dict.fromkeys(key for point in points for key in point.factors):
        columns[key] = _column([point.factors.get(key) for point in points])
    return pa.table({**columns, "digest": pa.array(sweep.digests, pa.string())})


def _column(values: list) -> pa.Array:
    """Return factor values as numbers if all are, else as the text that a scenario file would have."""
    if all(isinstance(value, bool) for value in values):
        return pa.array(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return pa.array(values, pa.int64() if all(isinstance(v, int) for v in values) else pa.float64())
    return pa.array([value if isinstance(value, str) else None if value is None else repr(value) for value in values])
