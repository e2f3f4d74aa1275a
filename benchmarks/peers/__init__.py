"""What is compared: each module here runs one City and says what it found and what it cost.

A peer module has `version()`, which returns None where the peer is not installed, and `run(city)`, which
returns an `Outcome`. Each runs in a process of its own: `python -m benchmarks.peers NAME CITY.npz` prints one
line of JSON.
"""

import time
from dataclasses import dataclass
from importlib import import_module, metadata

PEERS = {
    "ours": "benchmarks.peers.ours",
    "sumo": "benchmarks.peers.sumo",
    "sumo-defaults": "benchmarks.peers.sumo_defaults",
    "uxsim": "benchmarks.peers.uxsim_python",
    "uxsim-cpp": "benchmarks.peers.uxsim_cpp",
    "mesa": "benchmarks.peers.pure_mesa",
    "walkers": "benchmarks.peers.walkers",
}


@dataclass(frozen=True)
class Outcome:
    """What one run found and what it cost."""

    wall_s: float
    """The simulation proper: streets and trips are in memory, results are not yet written."""
    cpu_s: float
    """What the processor spent on it, in all threads: on a busy machine the fairer figure."""
    n_completed: int
    mean_travel_time_s: float
    """From the wished departure to arrival at the exit, over completed trips."""
    clearance_s: float
    """Time of the last arrival."""
    n_teleports: int = 0
    peak_mb: float | None = None
    """Set by a peer that runs outside this process; otherwise the peak of this process counts."""


class Stopwatch:
    """Wall and processor time of what stands under `with`."""

    def __enter__(self):
        self.wall_s, self.cpu_s = -time.perf_counter(), -time.process_time()
        return self

    def __exit__(self, *error):
        self.wall_s += time.perf_counter()
        self.cpu_s += time.process_time()


def load(name: str):
    """Return the module of a peer."""
    return import_module(PEERS[name])


def version_of(package: str) -> str | None:
    """Return the version of an installed package, None if there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
