"""What every executor promises, and the limits that they share."""

from collections.abc import Callable
from typing import Any, Protocol

ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Environment of a worker: as many workers as cores, each with one thread."""


AHEAD = 2
"""Calls sent to a worker at once: the next is there when it finishes one."""


DEATHS_ALLOWED = 2
"""A call of which its worker dies, a crash, is tried so often in all, then reported as failed."""


KILLS_ALLOWED = 5
"""The same if the worker was killed: by somebody, who is unlikely to hit one run so often, or for want of memory.
Assumption."""


class Executor(Protocol):
    """Carries out calls; a context manager."""

    capacity: int
    """How many calls keep all workers busy."""
    n_workers: int
    """How many calls run at one time."""

    def submit(self, function: Callable, tag: Any, item: Any) -> None:
        """Have function(item) done somewhere; function must be importable there."""

    def next_done(self, timeout_s: float) -> tuple[Any, Any] | None:
        """Return (tag, result or Failure) of a call that is done, None if none is within the time."""

    def close(self) -> None:
        """End the workers; calls under way are dropped."""


class OpenScheduler(UserWarning):
    """A Dask scheduler takes orders from everybody who reaches its port."""

    def __init__(self, address: str):
        super().__init__(
            f"--dask {address}: whoever reaches this scheduler over the network can run programs as you, there and on "
            "its workers. Use it only where you trust everybody; or start it with TLS and name it tls://HOST:8786 "
            "(SECURITY.md says how)."
        )
