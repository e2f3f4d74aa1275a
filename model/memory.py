"""How much memory is free, asked before much of it is taken."""

import os

from safepassage.model.settings.errors import ScenarioError


def free_bytes() -> int | None:
    """Return how much memory processes can still have without swapping; None where the system does not tell."""
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


def refuse_if_too_large(n_bytes: float, place: str, change: str) -> None:
    """Raise ScenarioError if something needs more memory than is free; place: what the message names first."""
    free = free_bytes()
    if free is not None and n_bytes > free:
        raise ScenarioError(f"{place}: this needs about {_gib(n_bytes)} of memory, and {_gib(free)} are free. {change}")


def _gib(n_bytes: float) -> str:
    return f"{n_bytes / 2**30:,.1f} GiB"
