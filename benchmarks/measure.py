"""Run peers on one city, each in a process of its own, and tell medians and ratios."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.city import City

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@dataclass
class Measured:
    """All runs of one peer on one city."""

    peer: str
    version: str | None
    runs: list[dict] = field(default_factory=list)
    note: str = ""

    def median(self, quantity: str) -> float:
        """Return the median over the runs."""
        return statistics.median(run[quantity] for run in self.runs)


def measure(city: City, names: list[str], repeats: int, limit_s: float) -> list[Measured]:
    """Run each peer `repeats` times, in turn, so that a slow minute of the machine falls on all of them.

    city: streets and trips. names: modules of benchmarks/peers. limit_s: longest that one run may take (s).
    """
    found = [_look_for(name) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        city_file = Path(folder) / "city.npz"
        city.save(city_file)
        for _ in range(repeats):
            for one in found:
                if not one.note:
                    _run_once(one, city_file, limit_s)
    return found


def _look_for(name):
    try:
        version = peers.load(name).version()
    except ImportError as error:
        return Measured(name, None, note=f"not installed: {error}")
    return Measured(name, version, note="" if version else "not installed")


def _run_once(one, city_file, limit_s):
    command = [sys.executable, "-m", "benchmarks.peers", one.peer, str(city_file)]
    started = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        one.note = f"not done after {limit_s:g} s"
        return
    process_s = time.perf_counter() - started
    if done.returncode:
        last_words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        one.note = f"failed with status {done.returncode}: {last_words}"
        return
    one.runs.append({**json.loads(done.stdout.splitlines()[-1]), "process_s": process_s})


COLUMNS = {
    "wall_s": ("simulation (s)", "{:.3f}"),
    "cpu_s": ("processor (s)", "{:.3f}"),
    "process_s": ("process (s)", "{:.2f}"),
    "peak_mb": ("peak (MB)", "{:.0f}"),
    "n_completed": ("out", "{:.0f}"),
    "n_teleports": ("teleports", "{:.0f}"),
    "mean_travel_time_s": ("mean travel time (s)", "{:.1f}"),
    "clearance_s": ("clearance (s)", "{:.0f}"),
}


def rows_of(found: list[Measured]) -> list[list[str]]:
    """Return the table as text, one row a peer: medians, and the ratios peer/ours of time and memory."""
    ours = next((one for one in found if one.peer == "ours" and one.runs), None)
    rows = []
    for one in found:
        row = [one.peer, one.version or "-"]
        if not one.runs:
            rows.append([*row, *["-"] * (len(COLUMNS) + 3), one.note])
            continue
        row += [form.format(one.median(quantity)) for quantity, (_, form) in COLUMNS.items()]
        for quantity in ("wall_s", "cpu_s", "peak_mb"):
            row.append(f"{one.median(quantity) / ours.median(quantity):.3g}" if ours else "-")
        rows.append([*row, one.note or f"{len(one.runs)} runs"])
    return rows


HEADER = [
    "peer",
    "version",
    *[title for title, _ in COLUMNS.values()],
    "time/ours",
    "processor/ours",
    "memory/ours",
    "note",
]


def report(name: str, title: str, header: list[str], rows: list[list[str]], raw: object) -> None:
    """Print a table; write it as Markdown, and all that was measured as JSON, under benchmarks/results.

    name: of the files. title: above the table. header: titles of the columns. rows: cells as text, row by row. raw:
    what was measured, as JSON can hold it.
    """
    table = Table(title=title)
    for column in header:
        table.add_column(column, justify="left" if column in ("peer", "version", "note") else "right")
    for row in rows:
        table.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table)
    console.print(machine(), highlight=False)
    RESULTS.mkdir(exist_ok=True)
    lines = [f"# {title}", "", "| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    (RESULTS / f"{name}.md").write_text("\n".join([*lines, "", machine(), ""]))
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine(), "measured": raw}, indent=1))


def machine() -> str:
    """Say in a line what the figures were measured on, and how busy it was."""
    system = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    busy = f", {os.getloadavg()[1]:.1f} processes running over the last 5 min" if hasattr(os, "getloadavg") else ""
    return f"medians; {os.cpu_count()} cores, {system}{busy}"
