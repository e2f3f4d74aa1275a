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
from pathlib import Path
from statistics import median

from safepassage.experiments.executors import ONE_THREAD, local, on_dask
from safepassage.experiments.study import study_of
from safepassage.experiments.sweep import run_sweep

LOOP = """
import json, sys, time
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.config import load
name, first, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
scenario = load(name)
for _ in range(2):
    EvacuationModel(scenario, rng=0).run()
print("warm", flush=True)
sys.stdin.readline()
took_s = []
for seed in range(first, first + n):
    began = time.perf_counter()
    EvacuationModel(scenario, rng=seed).run()
    took_s.append(time.perf_counter() - began)
print(json.dumps(took_s))
"""


def time_round(scenario: str, n_runs: int, n_loop: int, workers: int, kinds: list[str]) -> dict:
    """Return median time of one warm run (s) and runs per second of plain loops and of each kind of sweep."""
    alone = _loops(scenario, n_loop, 1)
    found = {"one_run_s": median(alone[0]), "ideal_per_s": workers / median(alone[0])}
    found["loops_per_s"] = sum(len(took_s) / sum(took_s) for took_s in _loops(scenario, n_loop, workers))
    for kind in kinds:
        start: Callable = {"local": lambda: local(workers), "dask": lambda: on_dask("local", workers)}[kind]
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            with start() as executor:
                done = run_sweep(_study(scenario, n_runs), Path(folder) / "out", executor)
                wall_s = time.perf_counter() - began
            in_model_s = done.timings()[["build_s", "run_s"]].to_numpy().sum()
        found[f"{kind}_per_s"], found[f"{kind}_wall_s"] = n_runs / wall_s, wall_s
        found[f"{kind}_in_model"] = in_model_s / (workers * wall_s)
    return found


def _study(scenario: str, n_runs: int):
    return study_of({"name": "benchmark", "scenario": scenario, "replications": n_runs})


def _loops(scenario: str, n: int, n_processes: int) -> list[list[float]]:
    """Return the times of n runs in each of some processes that start together, warm."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOOP, scenario, str(1 + number * n), str(n)],
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


HEADER = ["how", "runs/s", "of the ideal", "of plain loops", "workers' time in the model", "wall (s)"]


def rows_of(rounds: list[dict], kinds: list[str]) -> list[list[str]]:
    """Return the table: medians over the rounds, of ratios formed within each round."""
    rows = []
    for kind in ("ideal", "loops", *kinds):
        shares = [median(one[f"{kind}_per_s"] / one[f"{base}_per_s"] for one in rounds) for base in ("ideal", "loops")]
        per_s = median(one[f"{kind}_per_s"] for one in rounds)
        wall = f"{median(one[f'{kind}_wall_s'] for one in rounds):.1f}" if kind in kinds else "-"
        in_model = f"{median(one[f'{kind}_in_model'] for one in rounds):.1%}" if kind in kinds else "-"
        rows.append([kind, f"{per_s:.2f}", f"{shares[0]:.0%}", f"{shares[1]:.0%}", in_model, wall])
    return rows
