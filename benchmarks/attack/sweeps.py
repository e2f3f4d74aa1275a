"""Sweeps that are killed, or whose disk is full: no run lost, none repeated, none marked failed."""

import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from benchmarks.attack.loop import Attack
from safepassage.experiments.runs import store
from safepassage.experiments.runs.executors import local, on_dask
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.experiments.runs.run import Record
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.study_folder import open_study
from safepassage.experiments.sweeps.sweep import run_sweep
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.files.code import code_digest

STUDY = {
    "name": "short",
    "scenario": "tiny_town",
    "overrides": {"run.duration_h": 0.1, "run.step_s": 60},
    "factors": {"harm.casualty_scale": {"list": [1.0, 4.0]}},
    "replications": 12,
}
N_RUNS = 24
PATIENCE_S = 300.0
"""Nothing that a trial waits for takes so long, however busy the machine is."""


class LostRunError(AssertionError):
    """A run was lost, repeated or marked failed."""


def results_of(out: Path) -> str:
    """Return the SHA-256 of the bytes of a study's results."""
    return hashlib.sha256((out / "results.parquet").read_bytes()).hexdigest()


def finished(out: Path) -> dict[str, float]:
    """Return the runs that are finished: key -> how long each took (s), by which it is known again."""
    found = {}
    for path in out.glob("runs/*/[!.]*.json"):
        try:
            found[path.stem] = json.loads(path.read_bytes())["timings"]["run"]
        except FileNotFoundError:  # compacted meanwhile
            continue
    if (out / "timings.parquet").is_file():
        found |= open_study(out).timings().set_index("key")["run_s"].to_dict()
    return found


def check(out: Path, kept: dict[str, float], expected: str, n_runs: int) -> None:
    """Raise LostRunError unless a study is whole, as one that was not disturbed, and what was kept is what is there.

    out: folder of the study. kept: run time (s) by key of the runs that were there before. expected: digest of the
    results of a study that was not disturbed. n_runs: runs of the whole study.
    """
    folder = open_study(out)
    if folder.failures():
        raise LostRunError(f"{len(folder.failures())} runs are marked failed, such as {folder.failures()[0]}")
    there = finished(out)
    repeated = [key for key, run_s in kept.items() if there.get(key) != run_s]
    if repeated or len(there) != n_runs:
        raise LostRunError(f"{len(there)} of {n_runs} runs are there; {len(repeated)} were lost or repeated")
    if results_of(out) != expected:
        raise LostRunError("the results are not those of a sweep that was not disturbed")


class Kills(Attack):
    """One process of a sweep is killed at some moment, and the sweep goes on where it ended; one kill each trial."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.study, self.path = study_of(STUDY), folder / "study.yaml"
        self.path.write_text(yaml.safe_dump(STUDY), encoding="utf-8")
        with InThisProcess() as executor:
            run_sweep(self.study, folder / "whole", executor)
        self.expected = results_of(folder / "whole")
        self.n_by_way: dict[str, int] = {}

    def trial(self, chance: random.Random, folder: Path) -> None:
        ways = {
            "a worker in its first call": self._worker_in_first_call,
            "a worker": self._worker,
            "the parent": self._parent,
            "the parent while compacting": self._parent_compacting,
            "one of two in one folder": self._one_of_two,
            "a worker of Dask": self._dask_worker,
            "a scheduler elsewhere": self._scheduler,
        }
        name = chance.choice(list(ways))
        out = folder / "out"
        kept = ways[name](chance, out)
        if not (out / "results.parquet").is_file():
            with InThisProcess() as executor:
                run_sweep(self.study, out, executor)
        check(out, kept, self.expected, N_RUNS)
        self.n_by_way[name] = self.n_by_way.get(name, 0) + 1

    def _worker_in_first_call(self, chance: random.Random, out: Path) -> dict[str, float]:
        with local(2) as executor:
            done = threading.Event()

            def watch():
                until = time.monotonic() + PATIENCE_S
                while time.monotonic() < until:
                    for worker in executor._workers:
                        if worker.was_ready and worker.calls and not worker.n_done:
                            worker.process.kill()
                            done.set()
                            return
                    time.sleep(0.001)

            threading.Thread(target=watch, daemon=True).start()
            run_sweep(self.study, out, executor)
            if not done.is_set():
                raise LostRunError("no worker was killed")
        return {}

    def _worker(self, chance: random.Random, out: Path) -> dict[str, float]:
        at, kept = chance.randint(1, N_RUNS - 6), {}
        with local(2) as executor:

            def kill_one(progress):
                if progress.n_finished >= at and not kept:
                    kept.update(finished(out))
                    chance.choice(executor._workers).process.kill()

            run_sweep(self.study, out, executor, kill_one)
        return kept

    def _dask_worker(self, chance: random.Random, out: Path) -> dict[str, float]:
        at, kept = chance.randint(1, N_RUNS - 6), {}
        with on_dask("local", 2) as executor:

            def kill_one(progress):
                if progress.n_finished >= at and not kept:
                    kept.update(finished(out))
                    os.kill(chance.choice(list(executor._cluster.workers.values())).pid, signal.SIGKILL)

            run_sweep(self.study, out, executor, kill_one)
        return kept

    def _parent(self, chance: random.Random, out: Path) -> dict[str, float]:
        at = chance.randint(0, N_RUNS - 4)
        with self._started(out, "--workers", "1") as process:
            _wait_for(lambda: out.is_dir() and len(list(out.glob("runs/*/[!.]*.json"))) >= at, process)
            process.kill()
        return finished(out)

    def _parent_compacting(self, chance: random.Random, out: Path) -> dict[str, float]:
        often = "import sys; from safepassage.experiments.runs import store; store.COMPACT_AFTER = 3; "
        after_s = chance.uniform(0.0, 0.02)
        with self._started(out, "--workers", "1", first=often) as process:
            _wait_for(lambda: list(out.glob(".timings.parquet.*")) or (out / "timings.parquet").is_file(), process)
            time.sleep(after_s)
            process.kill()
        return finished(out)

    def _one_of_two(self, chance: random.Random, out: Path) -> dict[str, float]:
        with self._started(out, "--workers", "1") as one, self._started(out, "--workers", "1") as other:
            _wait_for(lambda: one.poll() is not None or other.poll() is not None)
            late, first = (one, other) if one.poll() is not None else (other, one)
            told = " ".join(late.communicate()[1].split())
            if late.returncode != 2 or "another sweep is writing here" not in told:
                raise LostRunError(f"two sweeps wrote into one folder: {told[:500]}")
            _wait_for(lambda: len(list(out.glob("runs/*/[!.]*.json"))) >= 2, first)
            first.kill()
        return finished(out)

    def _scheduler(self, chance: random.Random, out: Path) -> dict[str, float]:
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        address, quiet = f"tcp://127.0.0.1:{port}", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        dask = [sys.executable, "-m", "dask"]
        words = [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        scheduler = subprocess.Popen(words, **quiet, cwd=self.folder)
        words = [*dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        worker = subprocess.Popen(words, **quiet, cwd=self.folder)
        try:
            _wait_for(lambda: _is_listened_on(port), scheduler)
            with self._started(out, "--dask", address) as process:
                _wait_for(lambda: len(list(out.glob("runs/*/[!.]*.json"))) >= 2, process)
                scheduler.kill()
                told = " ".join(process.communicate(timeout=PATIENCE_S)[1].split())
                if process.returncode != 2 or "the scheduler stopped answering" not in told:
                    raise LostRunError(f"a killed scheduler: {told[:500]}")
        finally:
            for one in (scheduler, worker):
                one.kill()
                one.wait()
        return finished(out)

    @contextmanager
    def _started(self, out: Path, *options: str, first: str = "") -> Iterator[subprocess.Popen]:
        """Start the sweep as a command and end it, if it has not ended, with whatever it started."""
        text = f"{first}from safepassage.cli.main import main; main()"
        words = [sys.executable, "-c", text, "sweep", str(self.path), "--out", str(out), *options]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _wait_for(is_so: Callable[[], bool], process: subprocess.Popen | None = None) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        if process is not None and process.poll() is not None:
            raise LostRunError(f"a sweep ended with status {process.poll()} before it could be killed")
        if time.monotonic() > until:
            raise LostRunError("what was waited for never came")
        time.sleep(0.002)


def _is_listened_on(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Invented:
    """An executor that makes results up: what is tried is how they are kept."""

    n_workers, capacity = 1, 4

    def __init__(self) -> None:
        self.calls: list = []
        self.n_done = 0

    def submit(self, function, tag, item):
        """Take a call."""
        self.calls.append((tag, item))

    def next_done(self, timeout_s):
        """Return what the oldest call gave; the time that it took tells it from every other."""
        tag, task = self.calls.pop(0)
        self.n_done += 1
        took_s = random.random()
        outcomes, units = {"safe": float(task.seed % 1000)}, {"safe": "persons"}
        return tag, Record(outcomes, units, {}, {"run": took_s, "all": took_s, "host": "x"}, code_digest())

    def close(self):
        """Nothing to end."""


WRITES = ((Path, "write_bytes"), (Path, "mkdir"), (pq, "write_table"), (os, "replace"))
"""What changes files in the folder of a sweep, and needs room for it."""


@contextmanager
def full_from(number: int) -> Iterator[list[int]]:
    """Let the disk be full from a write on, counted from 0; half of what is written then is there. Yields the count."""
    n = [0]
    really = {(where, name): getattr(where, name) for where, name in WRITES}

    def limited(where, name):
        def change(*arguments, **named):
            n[0] += 1
            if n[0] <= number:
                return really[where, name](*arguments, **named)
            if name == "write_bytes":
                really[where, name](arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return change

    for where, name in WRITES:
        setattr(where, name, limited(where, name))
    try:
        yield n
    finally:
        for where, name in WRITES:
            setattr(where, name, really[where, name])


@contextmanager
def compacted_often() -> Iterator[None]:
    """Let sweeps gather their runs after a few of them."""
    usual, store.COMPACT_AFTER = store.COMPACT_AFTER, 5
    try:
        yield
    finally:
        store.COMPACT_AFTER = usual


class FullDisks(Attack):
    """The disk of a sweep is full from one of its writes on; then there is room, and the sweep is repeated."""

    n_runs = 8

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.study = study_of({**STUDY, "replications": self.n_runs // 2})
        with compacted_often(), full_from(10**9) as n:
            run_sweep(self.study, folder / "whole", Invented())
        self.n_writes, self.expected = n[0], results_of(folder / "whole")

    def trial(self, chance: random.Random, folder: Path) -> None:
        self.full_at(chance.randrange(self.n_writes), folder / "out")

    def full_at(self, number: int, out: Path) -> None:
        """Carry out the sweep with the disk full from a write on, and once more with room."""
        try:
            with compacted_often(), full_from(number):
                run_sweep(self.study, out, Invented())
            raise LostRunError(f"write {number}: nothing was told of a full disk")
        except ScenarioError as error:
            if "No space left" not in str(error):
                raise LostRunError(f"write {number}: {error}") from None
        kept = finished(out)
        executor = Invented()
        with compacted_often():
            run_sweep(self.study, out, executor)
        check(out, kept, self.expected, self.n_runs)
        if executor.n_done != self.n_runs - len(kept):
            raise LostRunError(f"write {number}: {executor.n_done} runs were done again, {len(kept)} were kept")
        if list(out.rglob(".*.tmp")):
            raise LostRunError(f"write {number}: parts of files are left")
