"""The whole model against its own traffic kernel: processor time of runs as multiples of one kernel run.

Each case runs in a process of its own with one thread: it builds the model three times (the first finds nothing, the
second what the first left on disk, the third what is in the process), runs it, and tells its processor time. The
yardstick is the kernel that empties a city of 100,000 vehicles over 10,000 nodes (`python -m benchmarks movement
--peers ours`), timed in between.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np

from safepassage.experiments.runs.limits import ONE_THREAD

HEADER = ["case", "people", "steps", "first build (s)", "from disk (s)", "warm build (s)", "run (s)", "peak (MB)"]
HEADER += ["these times / kernel", "limits of these"]
QUIET_YEAR = {"run.duration_h": 8760, "run.step_s": 600, "shelling.sources": [], "orders": []}
CASES = {
    "coquimbo, 6 h": ("coquimbo", {}),
    "pokrovsk, 69 days": ("pokrovsk", {}),
    "a quiet year of 2,000 people": ("tiny_town", QUIET_YEAR),
    "tiny_town, 4 h": ("tiny_town", {}),
}
LIMITS = {"coquimbo, 6 h": (1.5, 1.5, 0.7, 3.5), "pokrovsk, 69 days": (np.inf, np.inf, np.inf, 10.0)}
"""Multiples of the kernel that the three builds and the run of a case shall not exceed; HEADER names them."""
OTHER_LIMITS = {
    "a step in which nothing is due (microseconds)": 20.0, "a quiet year of 2,000 people (s)": 5.0, "help (s)": 0.3,
    "import of the model (s)": 1.5, "warm run of tiny_town (s)": 2.5,
    "first run of tiny_town, more than a warm one (s)": 30.0,
}  # fmt: skip
LARGE = {"coquimbo with 1,000,000 people, 6 h": ("coquimbo", {"population.residents": 1_000_000})}

CHILD = """
import json, resource, sys, time
from safepassage.model import built_once
from safepassage.model.behaviour import leaving
from safepassage.model.evacuation import EvacuationModel
name, changes, stages = json.loads(sys.argv[1])
def timed(call):
    began = time.process_time()
    result = call()
    return time.process_time() - began, result
EvacuationModel("tiny_town", **{"run.duration_h": 0.5}).run()  # kernels are loaded before anything is timed
first_s, model = timed(lambda: EvacuationModel(name, **changes))
for kept in (built_once._streets, built_once._ground, built_once._people, leaving._quantiles, leaving.frailty_of):
    kept.cache_clear()
disk_s, model = timed(lambda: EvacuationModel(name, **changes))
warm_s, model = timed(lambda: EvacuationModel(name, **changes))
found = {"people": len(model.people), "first_build_s": first_s, "disk_build_s": disk_s, "warm_build_s": warm_s}
if stages:
    import cProfile, pstats
    profile = cProfile.Profile()
    profile.runcall(model.run)
    rooms = {}
    for (path, _, _), (_, _, own_s, _, _) in pstats.Stats(profile).stats.items():
        parts = path.split("/")
        at = next((i for i, part in enumerate(parts) if part in ("model", "agents")), None)
        room = "other" if at is None else "/".join(parts[at : at + 2])
        rooms[room] = rooms.get(room, 0.0) + own_s
    found["rooms"] = rooms
else:
    found["run_s"], _ = timed(model.run)
    found["steps"] = model.tick
    driving = model.movement.driving.view
    found["n_events"] = int(model.turn.next_row + (model.parties.mode != 0).sum() + driving.n_crossings)
    if model.duration_s > 8e6:
        model.duration_s, model.running, took_s = 1e12, True, []
        while len(took_s) < 1000:
            due_s = min(model.decision.next_s, model.next_s)
            is_due, began = due_s < model.time_s + model.settings.run.step_s, time.perf_counter()
            model.step()
            took_s += [] if is_due else [time.perf_counter() - began]
        found["idle_step_us"] = sorted(took_s)[500] * 1e6
found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(found))
"""


def time_case(name: str, changes: dict, *, stages: bool = False) -> dict:
    """Return what one process found: people, steps, seconds of processor time, peak memory (MB)."""
    command = [sys.executable, "-c", CHILD, json.dumps([name, changes, stages])]
    with tempfile.TemporaryDirectory() as folder:
        alone = {**os.environ, **ONE_THREAD, "SAFEPASSAGE_CACHE": folder}
        done = subprocess.run(command, env=alone, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def time_starts(repeats: int) -> list[dict]:
    """Return seconds of the clock: help, import of the model, a first run without kept kernels, a warm one."""
    run = ["-m", "safepassage.cli.main", "run", "tiny_town", "--quiet", "--out"]
    rows = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            kept = {"NUMBA_CACHE_DIR": os.path.join(folder, "kernels")}
            rows.append(
                {
                    "help": _clock_s(["-m", "safepassage.cli.main", "--help"], {}),
                    "import of the model": _clock_s(["-c", "import safepassage.model.evacuation"], {}),
                    "first run of tiny_town": _clock_s([*run, folder], kept),
                    "warm run of tiny_town": _clock_s([*run, folder], kept),
                }
            )
    return rows


def _clock_s(arguments: list[str], environment: dict) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env={**os.environ, **environment}, capture_output=True, check=True)
    return time.perf_counter() - began


def row_of(case: str, rounds: list[dict], kernel_s: float) -> list[str]:
    """Return the medians of a case as a row under HEADER; kernel_s: processor time of the yardstick."""
    names = ("first_build_s", "disk_build_s", "warm_build_s", "run_s", "peak_mb")
    *times_s, peak_mb = (median(one[name] for one in rounds) for name in names)
    size = [f"{rounds[0]['people']:,}", f"{rounds[0]['steps']:,}"]
    multiples = " ".join(f"{time_s / kernel_s:.1f}" for time_s in times_s)
    limits = " ".join(f"{limit:g}" if np.isfinite(limit) else "-" for limit in LIMITS.get(case, ())) or "-"
    return [case, *size, *(f"{time_s:.2f}" for time_s in times_s), f"{peak_mb:.0f}", multiples, limits]


def with_limit(what: str, found: float) -> str:
    """Return a sentence on something measured, its limit beside it."""
    limit = OTHER_LIMITS.get(what)
    return f"{what}: {found:.3g}" + (f", limit {limit:g}" if limit is not None else "")


def stages_of(rooms: dict[str, float], most: int = 8) -> str:
    """Return the rooms of the code in which a run spends its own time, with their shares of it."""
    total_s = sum(rooms.values())
    largest = sorted(rooms.items(), key=lambda room: -room[1])[:most]
    return ", ".join(f"{room} {seconds / total_s:.0%}" for room, seconds in largest)
