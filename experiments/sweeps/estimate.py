"""What a study would cost: the number of runs; time and disk space, estimated from one timed run."""

import json
import pickle
from pathlib import Path

from safepassage.experiments.runs.executors import n_cores
from safepassage.experiments.runs.run import Task, carry_out
from safepassage.experiments.runs.store import Store
from safepassage.experiments.sweeps.design import n_rows, n_runs, points
from safepassage.experiments.sweeps.study import Study

WARM_UP_BELOW_S = 30.0
"""A first run shorter than this is timed again, now that kernels are compiled and streets are read."""
EFFICIENCY = 0.87
"""Share of the ideal throughput that sweeps reach; `python -m benchmarks sweep`."""


def estimate(study: Study, out: Path | str, n_workers: int | None = None) -> list[str]:
    """Return runs, time and disk space of a study, one line each; runs its first point, writes nothing."""
    n_workers = n_workers or n_cores()
    planned = points(study)
    task = Task(planned[0].scenario, study.all_seeds[0], study.tables)
    record = carry_out(task)
    if record.timings["all"] < WARM_UP_BELOW_S:
        record = carry_out(task)
    run_s = record.timings["all"]
    total = n_runs(study)
    size = len(json.dumps(record.outcomes)) + len(json.dumps(record.units)) + 300
    tables = sum(len(pickle.dumps(table)) for table in record.tables.values())
    blocks = 4096 * -(-size // 4096)
    most = " at most (stopping rule)" if study.stopping else ""
    lines = [
        f"{study.design.kind}: {n_rows(study):,} combinations of {len(study.factors)} factors x "
        f"{len(study.plans)} plans x {len(study.all_seeds)} replications = {total:,} runs{most}",
        f"one run: {run_s:.2f} s; all: {_span(total * run_s / n_workers / EFFICIENCY)} with {n_workers} workers",
        f"disk: up to {_bytes(total * tables + min(total, 2000) * blocks + total * size)} in {out}",
    ]
    if (Path(out) / "study.json").is_file():
        lines.append(f"finished already in {out}: {len(Store(out).keys()):,} runs")
    return lines


def _span(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _bytes(n: float) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n / 1e3:.0f} kB"
