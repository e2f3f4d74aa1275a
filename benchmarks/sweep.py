"""Time sweeps against the ideal: as many runs at once as there are workers, each as fast as one run alone.

Each round times, one after another, a plain loop over runs in one process, plain loops in as many processes as there
are workers, and the same number of runs as a sweep over local processes and over Dask, all of it counted: start of the
workers, keeping each result, compacting them. On a machine that is busy with other things all of these vary from
minute to minute; hence one figure that does not depend on it: the share of the workers' time, from the start of the
sweep to its end, that was spent in the model (`EvacuationModel(...).run()` as each worker timed it). It is the share of
the ideal with the time of one run taken at the same moment and on the same machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from safepassage.experiments.runs.executors import local, on_dask
from safepassage.experiments.runs.limits import ONE_THREAD
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.sweep import run_sweep

LOOP_LIMIT_S = 30.0
"""A plain loop starts no run after this long (s)."""

LOOP = """
import json, sys, time
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load
name, plan, overrides, first, n, limit_s = json.loads(sys.argv[1])
scenario = load(name, overrides, plan=plan)
for _ in range(2):
    warming = time.perf_counter()
    EvacuationModel(scenario, rng=0).run()
    if time.perf_counter() - warming > 10:
        break
print("warm", flush=True)
sys.stdin.readline()
took_s = []
started = time.perf_counter()
for seed in range(first, first + n):
    began = time.perf_counter()
    EvacuationModel(scenario, rng=seed).run()
    took_s.append(time.perf_counter() - began)
    if time.perf_counter() - started > limit_s:
        break
print(json.dumps(took_s))
"""


@dataclass(frozen=True)
class Case:
    """What is run: a scenario, its plan, what is changed in it."""

    scenario: str
    plan: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)

    def study(self, n_runs: int):
        """Return the study of n runs of it."""
        keys = {"name": "benchmark", "scenario": self.scenario, "replications": n_runs, "overrides": self.overrides}
        return study_of({**keys, "plans": [self.plan]} if self.plan else keys)


def time_round(case: Case, n_runs: int, n_loop: int, workers: int, kinds: list[str], n_projected: int) -> dict:
    """Return median time of one warm run (s) and runs per second of plain loops and of each kind of sweep.

    projected_s: how long a sweep of n_projected runs takes: the one measured, and for each run that it had less the
    median time of a run in a worker, shared among the workers. case: what is run. n_runs: runs of each sweep. n_loop:
    runs of each plain loop. workers: number of them. kinds: of "local" and "dask".
    """
    alone = _loops(case, n_loop, 1)
    found = {"one_run_s": median(alone[0]), "ideal_per_s": workers / median(alone[0])}
    found["loops_per_s"] = sum(len(took_s) / sum(took_s) for took_s in _loops(case, n_loop, workers))
    for kind in kinds:
        start: Callable = {"local": lambda: local(workers), "dask": lambda: on_dask("local", workers)}[kind]
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            with start() as executor:
                done = run_sweep(case.study(n_runs), Path(folder) / "out", executor)
                wall_s = time.perf_counter() - began
            if done.failures():
                raise RuntimeError(f"runs failed; the first:\n{done.failures()[0]['traceback']}")
            timings = done.timings()
        found[f"{kind}_per_s"], found[f"{kind}_wall_s"] = n_runs / wall_s, wall_s
        found[f"{kind}_in_model"] = timings[["build_s", "run_s"]].to_numpy().sum() / (workers * wall_s)
        found[f"{kind}_projected_s"] = wall_s + max(0, n_projected - n_runs) * timings["all_s"].median() / workers
    return found


def _loops(case: Case, n: int, n_processes: int) -> list[list[float]]:
    """Return the times of n runs, or of as many as fit, in each of some processes that start together, warm."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOOP,
             json.dumps([case.scenario, case.plan, case.overrides, 1 + number * n, n, LOOP_LIMIT_S])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_THREAD},
        )
        for number in range(n_processes)
    ]  # fmt: skip
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in processes]


def header(n_projected: int) -> list[str]:
    """Return the titles of the columns of `rows_of`."""
    shares = ["runs/s", "of the ideal", "of plain loops", "workers' time in the model"]
    return ["how", *shares, "wall (s)", f"{n_projected:,} runs (min)"]


def rows_of(rounds: list[dict], kinds: list[str]) -> list[list[str]]:
    """Return the table: medians over the rounds, of ratios formed within each round."""
    rows = []
    for kind in ("ideal", "loops", *kinds):
        shares = [median(one[f"{kind}_per_s"] / one[f"{base}_per_s"] for one in rounds) for base in ("ideal", "loops")]
        per_s = median(one[f"{kind}_per_s"] for one in rounds)
        wall = f"{median(one[f'{kind}_wall_s'] for one in rounds):.1f}" if kind in kinds else "-"
        in_model = f"{median(one[f'{kind}_in_model'] for one in rounds):.1%}" if kind in kinds else "-"
        projected = f"{median(one[f'{kind}_projected_s'] for one in rounds) / 60:.1f}" if kind in kinds else "-"
        rows.append([kind, f"{per_s:.3g}", f"{shares[0]:.1%}", f"{shares[1]:.1%}", in_model, wall, projected])
    return rows


KEEP = """
import json, sys, time
from pathlib import Path
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.experiments.runs.run import Record
from safepassage.model.settings.files.code import code_digest
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.study_folder import open_study
from safepassage.experiments.sweeps.sweep import run_sweep

n_runs, n_outcomes, out = json.loads(sys.argv[1])
names = [f"outcome_{number}" for number in range(n_outcomes)]


def invented(task):
    outcomes, units = dict.fromkeys(names, float(task.seed)), dict.fromkeys(names, "persons")
    return Record(outcomes, units, {}, {"all": 0.1}, code_digest())


class Inventing(InThisProcess):
    def submit(self, function, tag, item):
        super().submit(invented, tag, item)


study = study_of({"name": "kept", "scenario": "tiny_town", "replications": n_runs})
began = time.perf_counter()
run_sweep(study, out, Inventing())
sweep_s = time.perf_counter() - began
began = time.perf_counter()
frame = open_study(out).frame(())
read_s = time.perf_counter() - began
assert len(frame) == n_runs
peak_kib = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
bytes_kept = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
print(json.dumps({"sweep_s": sweep_s, "read_s": read_s, "peak_mib": peak_kib / 1024, "kept_mb": bytes_kept / 1e6}))
"""
KEPT_HEADER = ["runs", "outcomes", "parent per run (ms)", "read back (s)", "peak of the parent (MiB)", "on disk (MB)"]


def time_keeping(n_runs: int, n_outcomes: int) -> dict:
    """Return what a sweep costs its parent if runs cost nothing: seconds, seconds to read back, peak of memory, disk.

    In a process of its own, with results made up on the spot; Linux only (the peak is read from /proc).
    """
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", KEEP, json.dumps([n_runs, n_outcomes, f"{folder}/out"])]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
