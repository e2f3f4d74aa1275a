"""How much memory is free, asked before much of it is taken; what things take, measured (tests/test_memory.py)."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.services import Serves

if TYPE_CHECKING:
    from safepassage.model.settings.scenario import Scenario

BYTES = {
    "person": 600,
    "step": 250,
    "row": 2000,
    "vehicle": 1500,
    "impact": 160,
    "square": 200,
    "hour": 200,
    "table_cell": 140,
    "geojson_value": 140,
    "graphml_byte": 15,
}
"""What one of each takes at most (bytes), including the tables written at the end."""
MEASURED = (
    "Measured as the growth of the peak of processes: a million people in coquimbo 440 B each without tables, 100,000 "
    "vehicles 1,200, four million events 120, 144,000 steps 215, as many rows of the time series 1,600; a table of six "
    "million cells 130, a map of 200,000 buildings 135 for each comma and bracket, the streets of coquimbo 14 for each "
    "byte of GraphML."
)


@dataclass(frozen=True)
class Need:
    """What one key of a scenario asks for."""

    key: str
    """Key, or file, that the message names."""
    n: float
    """How many."""
    what: str
    """Of what, in the plural."""
    each_bytes: float
    change: str
    """What the user may do about it, as a sentence."""

    @property
    def n_bytes(self) -> float:
        """Memory that all of them take."""
        return self.n * self.each_bytes


def free_bytes() -> int | None:
    """Return how much memory this process can still have without swapping; None where the system does not tell.

    The least of what the machine has free, of what its container may still take, and of the limit of the process.
    """
    found = [one for one in (_of_machine(), _of_container(), _of_process()) if one is not None]
    return max(min(found), 0) if found else None


def _of_machine() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as opened:
            for line in opened:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _of_container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        most, taken = ((folder / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        return int(most) - int(taken)
    except (OSError, ValueError):  # no container, or "max"
        return None


def _of_process() -> int | None:
    try:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return most - pages * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError, IndexError):
        return None


def refuse_if_too_large(n_bytes: float, place: str, change: str) -> None:
    """Raise ScenarioError if something needs more memory than is free; place: what the message names first."""
    free = free_bytes()
    if free is not None and n_bytes > free:
        raise ScenarioError(f"{place}: this needs about {_gib(n_bytes)} of memory, and {_gib(free)} are free. {change}")


def refuse_needs(needs: Iterable[Need]) -> None:
    """Raise ScenarioError, naming the greatest, if things need more memory together than is free."""
    needs = sorted(needs, key=lambda need: -need.n_bytes)
    total_bytes, free = sum(need.n_bytes for need in needs), free_bytes()
    if free is None or total_bytes <= free:
        return
    first = needs[0]
    beside = f" ({_gib(total_bytes)} with everything else)" if total_bytes > 1.1 * first.n_bytes else ""
    raise ScenarioError(
        f"{first.key}: {first.n:,.0f} {first.what} need about {_gib(first.n_bytes)} of memory{beside}, and "
        f"{_gib(free)} are free. {first.change}"
    )


def refuse_scenario(scenario: "Scenario", n_residents: int, n_nodes: int, n_links: int, n_exits: int) -> None:
    """Raise ScenarioError, naming the key, if a run would need more memory than is free.

    Impacts and people of tables are looked at where their number is known (hazard/process.py, hazard/records.py,
    people/synthesis.py). scenario: what is to be run. n_residents: of all zones. n_nodes, n_links,
    n_exits: of the streets.
    """
    refuse_needs(_needs_of(scenario, n_residents, n_nodes, n_links, n_exits))


def _needs_of(scenario: "Scenario", n_residents: int, n_nodes: int, n_links: int, n_exits: int) -> Iterator[Need]:
    """Yield what a run needs, key by key."""
    run, services = scenario.run, scenario.services
    duration_s = run.duration_h * 3600.0
    n_steps = duration_s / run.step_s
    yield Need("population.residents", n_residents, "people", BYTES["person"], "Give fewer, or use a larger machine.")
    yield Need("run.step_s", n_steps, "steps", BYTES["step"], "Give longer steps, or a shorter run.duration_h.")
    n_rows = min(n_steps, duration_s / run.record_every_s)
    row_bytes = BYTES["row"] + 100 * n_exits
    yield Need("run.record_every_s", n_rows, "rows of the time series", row_bytes, "Let more time pass between rows.")
    table_bytes = 16 * n_links + 20 * n_nodes
    stops = (*services.pickup_points, *services.trains)
    yield Need("services.pickup_points", len(stops), "stops", 3 * table_bytes, "Name fewer stops; a train is one too.")
    for number, fleet in enumerate(services.fleets):
        each = BYTES["vehicle"] + (table_bytes if fleet.serves == Serves.DOOR_TO_DOOR else 0)
        n_later = sum(one.n_vehicles for one in services.reinforcements if one.fleet == fleet.name)
        change = "Give fewer." if not n_later else "Give fewer, counting reinforcements."
        yield Need(f"services.fleets.{number}.n_vehicles", fleet.n_vehicles + n_later, "vehicles", each, change)
    each = BYTES["vehicle"] + table_bytes
    yield Need("services.ambulances.n", services.ambulances.n, "ambulances", each, "Give fewer.")


def _gib(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:,.1f} GiB"
