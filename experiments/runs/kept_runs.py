"""Runs that are done once and kept: asked for again, they are read; what is missing is run by the executor.

Comparisons, sensitivity, robustness, calibration and optimisation all ask here, so that each of them can be killed at
any moment and goes on where it stopped.
"""

import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safepassage.experiments.runs.executors import until_done
from safepassage.experiments.runs.run import Task, carry_out
from safepassage.experiments.runs.store import Store
from safepassage.experiments.runs.worker import Failure
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import NO_PLAN


class InThisProcess:
    """The executor of tests and short scripts: calls are carried out here, one after the other."""

    n_workers = capacity = 1

    def __init__(self):
        self._done: list[tuple[Any, Any]] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def submit(self, function, tag, item):
        """Carry out function(item)."""
        import traceback

        try:
            result = function(item)
        except Exception:
            result = Failure(traceback.format_exc())
        self._done.append((tag, result))

    def next_done(self, timeout_s):
        """Return (tag, result or Failure) of a call that is done, None if there is none."""
        return self._done.pop(0) if self._done else None

    def close(self):
        """Nothing to end."""


class KeptRuns:
    """Outcomes of runs by scenario and seed, kept in the folder `runs_kept` of a study; a context manager.

    identity: what makes the study itself; a folder of another is refused. executor: carries out the missing runs.

    on_progress(n_done, n_wanted) is called as runs finish. Raises ScenarioError if the folder is another study's.
    """

    def __init__(self, folder: Path | str, identity: dict, executor, on_progress: Callable | None = None):
        self.store = Store(Path(folder))
        self.store.open_for_writing(identity, {})
        self.executor = executor
        self.on_progress = on_progress or (lambda n_done, n_wanted: None)
        self.pasts.mkdir(exist_ok=True)
        table = self.store.runs()
        self.known = {row.pop("key"): row for row in table.to_pylist()}
        self.units = {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in table.schema}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.pasts, ignore_errors=True)
        self.store.close()

    def outcomes(self, tasks: Sequence[Task], *, failures_allowed: bool = False) -> list[dict | None]:
        """Return the outcomes of each run, run or read; None for one that failed, if that is allowed.

        Raises ScenarioError after all others are done if a run failed and that is not allowed.
        """
        keys = [task.key for task in tasks]
        missing = {key: task for key, task in zip(keys, tasks, strict=True) if key not in self.known}
        n_done, failed = len(keys) - len(missing), []
        self.on_progress(n_done, len(keys))
        after = _by_past(missing)
        first = deque(key for key, task in missing.items() if task.past not in after)
        for key, result in until_done(self.executor, carry_out, first, missing.__getitem__):
            task = missing[key]
            n_done += 1
            for _, path in task.kept_at:
                first.extendleft(after.get(path, ()))
            self._forget(task.past, after)
            if isinstance(result, Failure):
                failed.append((task.scenario.plan, self._note(key, task, result)))
            else:
                self.store.put(key, task.seed, result)
                self.known[key] = result.outcomes
                self.units |= result.units
            self.on_progress(n_done, len(keys))
        if failed and not failures_allowed:
            first = failed[0][1]
            plans = sorted({one for one, _ in failed})
            of = f" (of the plan {', '.join(map(repr, plans))})" if plans != [NO_PLAN] else ""
            last_line = first.strip().splitlines()[-1]
            raise ScenarioError(
                f"{len(failed)} of {len(keys)} runs failed{of}, the first with: {last_line} Tracebacks are in "
                f"{self.store.folder / 'failed'}; the finished runs are kept. Repeat the command to go on."
            )
        return [self.known.get(key) for key in keys]

    @property
    def pasts(self) -> Path:
        """Folder for the states that runs of this study begin from; it is there as long as the study is open."""
        return self.store.folder / "pasts"

    @staticmethod
    def _forget(past: Path | None, after: dict[Path, list[str]]) -> None:
        """Remove a state once the last run that began from it is done."""
        if past in after:
            after[past].pop()
            if not after[past]:
                past.unlink(missing_ok=True)

    def _note(self, key: str, task: Task, failure: Failure) -> str:
        self.store.put_failed(
            key,
            {
                "point": task.scenario.name, "replication": task.seed, "seed": task.seed,
                "plan": task.scenario.plan, "traceback": failure.message,
            },
        )  # fmt: skip
        return failure.message


def _by_past(tasks: Mapping[str, Task]) -> dict[Path, list[str]]:
    """Return by state that one of these runs keeps the keys of those that begin from it."""
    after: dict[Path, list[str]] = {path: [] for task in tasks.values() for _, path in task.kept_at}
    for key, task in tasks.items():
        if task.past in after:
            after[task.past].append(key)
    return after


def seeds_of(first: int, n: int) -> range:
    """Return the seeds of n replications: consecutive from the scenario's own."""
    return range(first, first + n)
