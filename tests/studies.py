"""A study small enough for tests: six minutes of the invented town; and how tests carry sweeps out."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import yaml

from safepassage.experiments.runs.run import Record
from safepassage.model.settings.files.code import code_digest

KEYS = {
    "name": "short",
    "scenario": "tiny_town",
    "overrides": {"run.duration_h": 0.1, "run.step_s": 60, "shelling.sources.0.events_per_day": 20000},
    "factors": {"harm.casualty_scale": {"list": [1.0, 4.0]}},
    "replications": 3,
}


def keys(**changes):
    """Return the keys of the short study, some of them changed; None takes a key away."""
    return {key: value for key, value in {**KEYS, **changes}.items() if value is not None}


def write_study(folder: Path, **changes) -> Path:
    """Write the short study to a file, some of its keys changed."""
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(keys(**changes), sort_keys=False))
    return path


def command(study: Path, out: Path, *options: str) -> list[str]:
    """Return the command line of a sweep."""
    return [sys.executable, "-m", "safepassage.cli.main", "sweep", str(study), "--out", str(out), *options]


def sweep(study: Path, out: Path, *options: str, **arguments) -> subprocess.CompletedProcess:
    """Carry out a sweep from the command line."""
    env = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command(study, out, *options), capture_output=True, text=True, env=env, **arguments)


def digest(out: Path) -> str:
    """Return the SHA-256 of the bytes of a study's results."""
    return hashlib.sha256((out / "results.parquet").read_bytes()).hexdigest()


class Here:
    """An executor without processes; it can answer in another order, fail, or make up what runs give."""

    n_workers, capacity = 1, 4

    def __init__(self, newest_first=False, answer=None):
        self.newest_first, self.answer = newest_first, answer
        self.calls, self.tags = [], []

    def submit(self, function, tag, item):
        self.calls.append((function, tag, item))
        self.tags.append(tag)

    def next_done(self, timeout_s):
        function, tag, item = self.calls.pop(-1 if self.newest_first else 0)
        return tag, (self.answer or function)(item)

    def close(self):
        pass


def invented(value_of):
    """Return a function that answers a task with an outcome made of its seed."""

    def answer(task):
        return Record(
            {"safe": float(value_of(task.seed))}, {"safe": "persons"}, {}, {"all": 0.1, "host": "x"}, code_digest()
        )

    return answer
