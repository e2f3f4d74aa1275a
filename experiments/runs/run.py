"""One run of a study: what it is, the key that names its result for ever, how a worker carries it out."""

import hashlib
import json
import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa

from safepassage.model.rules import RuleFile
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.scenario import Scenario

READ_IN_SAVES = 4.0
"""Writing a state and reading it again takes about as long as writing it so often: measured, three times for the towns
that are shipped."""
RECORD_VERSION = 3
"""Version of what is kept of a run; part of every key."""


@dataclass(frozen=True)
class Base:
    """A scenario with a plan laid over it, before factors."""

    scenario: Scenario
    name: str
    """What the user called the scenario: a shipped name or a path."""
    plan: str = ""
    """What the user called the plan: a name or a path; empty: none."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Dotted keys that the study changes in all its runs; in `scenario` already."""


@dataclass(frozen=True)
class Point:
    """One row of a design: a base and the values of the factors."""

    index: int
    base: Base
    factors: Mapping[str, Any]
    place: str = "--set"
    """Where the factors were written; stands in error messages."""

    @property
    def scenario(self) -> Scenario:
        """The scenario with the factors set. Raises InvalidScenario."""
        if not self.factors:
            return self.base.scenario
        from safepassage.model.settings.scenario import validated

        return validated(self.base.scenario.source.with_changes(self.factors, self.place))

    def command(self, seed: int) -> str:
        """Return the command that repeats one run of this point by itself."""
        words = ["safepassage", "run", _not_an_option(self.base.name)]
        if self.base.plan:
            words += ["--plan", _not_an_option(self.base.plan)]
        for key, value in {**self.base.changes, **self.factors}.items():
            words += ["--set", f"{key}={_as_yaml(value)}"]
        return shlex.join([*words, "--seed", str(seed)])


def _not_an_option(name: str) -> str:
    """Return a name that a command line takes for a file, also if it begins with a dash."""
    return f"./{name}" if name.startswith("-") else name


def _as_yaml(value: Any) -> str:
    if isinstance(value, float):
        text = repr(value)
        return text.replace("e", ".0e") if "e" in text and "." not in text else text
    return (
        value if isinstance(value, str) and value.isidentifier() else json.dumps(value, default=str, ensure_ascii=False)
    )


def scenario_digest(scenario: Scenario) -> str:
    """Return the SHA-256 of everything but the seed that a run depends on: the scenario, the code and the record."""
    return hashlib.sha256(f"{RECORD_VERSION};{code_digest()};{content_digest(scenario)}".encode()).hexdigest()


def content_digest(scenario: Scenario) -> str:
    """Return the SHA-256 of what a scenario says, and of the contents of the files it names, wherever they are.

    The seed, and words for readers alone, are left out.
    """
    content = scenario.model_dump(mode="python", exclude={"title", "notice"})
    content["run"].pop("seed")
    written = json.dumps(_with_contents(content), sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()


def with_rules(digest: str, rules: RuleFile | None) -> str:
    """Return the digest of a scenario that is run under rules of the user's own; without any, its own."""
    return digest if rules is None else hashlib.sha256(f"{digest};{rules.sha256}".encode()).hexdigest()


def run_key(digest: str, seed: int) -> str:
    """Return the name of a run's result: the SHA-256 over the scenario's digest and the seed."""
    return hashlib.sha256(f"{digest};{seed}".encode()).hexdigest()


def _with_contents(value: Any) -> Any:
    """Return nested values with each path replaced by the digest of the file."""
    if isinstance(value, Path):
        state = value.stat()
        return _file_digest(value, state.st_mtime_ns, state.st_size)
    if isinstance(value, dict):
        return {str(key): _with_contents(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_contents(part) for part in value]
    return value


@cache
def _file_digest(path: Path, modified_ns: int, size: int) -> str:
    from safepassage.model.results.run_folder import file_digest

    return f"sha256:{file_digest(path)}"


@dataclass(frozen=True)
class Task:
    """One run that is wanted: a scenario and a seed, and what to bring back besides the outcomes."""

    scenario: Scenario
    seed: int
    tables: tuple[str, ...] = ()
    """Names of tables: of the run, or of outcomes by place."""
    at_s: tuple[float, ...] = ()
    """Times at which columns of the time series are kept, as outcomes named `column@time`."""
    columns: tuple[str, ...] = ()
    """Those columns; also n_remaining:GROUP."""
    rules: RuleFile | None = None
    """Rules of the user's own."""
    decisions_only: bool = False
    """Run decisions without streets and seats; the outcomes are then those columns alone."""
    kept_at: tuple[tuple[float, Path], ...] = ()
    """Moments (s), rising, at which the state of the run is kept in a file, if that saves other runs time."""
    past: Path | None = None
    """State to begin from, if it has been kept: no result depends on it."""

    @property
    def key(self) -> str:
        """Name of the run's result."""
        asked = f";{self.at_s};{self.columns}" if self.columns else ""
        asked += ";decisions only" if self.decisions_only else ""
        return run_key(f"{with_rules(scenario_digest(self.scenario), self.rules)}{asked}", self.seed)


@dataclass(frozen=True)
class Record:
    """What a worker brings back from a run."""

    outcomes: dict[str, float]
    units: dict[str, str]
    tables: dict[str, pa.Table]
    timings: dict[str, Any]
    code: str


def carry_out(task: Task) -> Record:
    """Run a scenario once and return what a study keeps of it."""
    from safepassage.experiments.outcomes.of_run import RunInMemory, outcomes_of, units_of
    from safepassage.model.evacuation import EvacuationModel

    started = perf_counter()
    if task.decisions_only:
        from safepassage.experiments.outcomes.of_decisions import outcomes_of_decisions
        from safepassage.model.decisions_only import DecisionsOnly

        found = outcomes_of_decisions(DecisionsOnly(task.scenario, task.seed).run(), task.at_s, task.columns)
        return Record(found, units_of(found), {}, {"all": perf_counter() - started}, code_digest())
    rules = task.rules.read() if task.rules is not None else None
    if task.past is not None and task.past.is_file():
        scenario = task.scenario.override({"run.seed": task.seed})
        model = EvacuationModel.from_state(task.past, plan=scenario, rules=rules)
    else:
        model = EvacuationModel(task.scenario, rng=task.seed, rules=rules)
    for at_s, path in task.kept_at:
        while model.time_s < at_s - task.scenario.run.step_s / 2.0:
            model.step()
        keep_state(model, path)
    model.run()
    run = RunInMemory(model.recorder.tables(), manifest_of(model))
    found = outcomes_of(run, task.at_s, task.columns)
    kept = {name: _table_of(run, name) for name in task.tables}
    timings = {**model.timings_s, "all": perf_counter() - started, "host": platform.node()}
    return Record(
        found,
        units_of(found),
        kept,
        timings,
        code_digest(),
    )


def _table_of(run: Any, name: str) -> pa.Table:
    from safepassage.experiments.outcomes.by_place import TABLES

    if name in TABLES:
        return TABLES[name](run)
    run.frame(name)  # an unknown one is told
    return run.tables[name]


def keep_state(model: Any, path: Path) -> None:
    """Keep the state of a model for runs that go on from it, unless going through its past again takes no longer.

    The folder must be there: on another machine that does not see it nothing is kept.
    """
    if not path.parent.is_dir() or path.exists():
        return
    began = perf_counter()
    model.save_state(path)
    if model.timings_s["run"] < READ_IN_SAVES * (perf_counter() - began):
        path.unlink()


def manifest_of(model) -> dict:
    """Return what measures need to know of a run besides its tables."""
    return {
        "scenario": model.settings.model_dump(mode="json"),
        "seed": model.seed,
        "simulated_s": model.time_s,
        "warning_time_s": model.departures.warning_time_s,
        "crs": model.streets.crs,
    }
