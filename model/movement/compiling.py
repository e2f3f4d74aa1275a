"""Compiles the kernels of movement in a second process, once after installation, while the first builds the town.

A kernel is compiled when it is first called and kept on disk for later runs. Two thirds of the first run's compiling
is that of cars and walkers, which nothing needs until somebody sets out: a second process lets a few of them go round
the block meanwhile, which leaves their kernels on disk, and whoever needs them first waits for it.
"""

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from numba.core import event

from safepassage.agents.rules import by_minutes, drive, walk
from safepassage.collector import at_rest

START = (
    "import gc; gc.disable(); from safepassage.model.movement.round_the_block import go_round_the_block; "
    "go_round_the_block()"
)

_helper: subprocess.Popen | None = None


class _RestWhileCompiling(event.Listener):
    """Lets the collector of unreachable cycles rest while a kernel is compiled, which would else take a tenth more."""

    def __init__(self) -> None:
        self._rests: list[AbstractContextManager[None]] = []

    def on_start(self, _: event.Event) -> None:
        self._rests.append(at_rest())
        self._rests[-1].__enter__()

    def on_end(self, _: event.Event) -> None:
        self._rests.pop().__exit__(None, None, None)


_rest = _RestWhileCompiling()


def is_kept(kernel: Any) -> bool:
    """Return whether a kernel has been compiled here, from the file as it stands, for this or another set of types."""
    stats = getattr(kernel, "stats", None)
    if stats is None or stats.cache_path is None:  # compiled never, or anew in each process, as the user asked of numba
        return True
    try:
        return bool(kernel._cache._cache_file._load_index())
    except (AttributeError, OSError):  # another numba: then that there is a file must do
        stem = Path(kernel.py_func.__code__.co_filename).stem
        return any(Path(stats.cache_path).glob(f"{stem}.{kernel.py_func.__qualname__}-*.nbi"))


def begin() -> bool:
    """Let a second process compile what is not kept, if there is a second core; return whether anything has to be."""
    global _helper
    if all(is_kept(one) for one in (drive.advance, walk.advance, by_minutes.advance)):
        return False
    event.register("numba:compile", _rest)
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_cores > 1:
        command = [sys.executable, "-P", "-c", START]
        _helper = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return True


def wait() -> None:
    """Wait for the second process, if there is one; whatever it did not compile is compiled here."""
    global _helper
    if _helper is not None:
        _helper.wait()
        _helper = None
