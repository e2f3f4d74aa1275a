"""Run one peer on one city in this process; print the outcome as one line of JSON."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import peers
from benchmarks.city import City


def peak_mb() -> float:
    """Return the largest memory that this process has held; on Linux without what its parent held."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def main(name: str, city_file: str) -> None:
    """Run the peer and print its outcome."""
    outcome = asdict(peers.load(name).run(City.load(city_file)))
    if outcome["peak_mb"] is None:
        outcome["peak_mb"] = peak_mb()
    print(json.dumps(outcome))


main(*sys.argv[1:])
