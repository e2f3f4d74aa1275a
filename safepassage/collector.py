"""Python's collector of unreachable cycles, at rest while things are made that stay.

Importing and building make some hundred thousand objects and hardly any rubbish. Each time their number has grown by a
quarter, the collector goes over all of them: a sixth of the start of a run, more than a third of reading streets.

A model that is not needed any more is rubbish of the other kind: few objects, in cycles, that hold large arrays. The
collector counts objects, not bytes, and would leave several such models lying for minutes. What is freed then lies in
pieces between what stays; the C library keeps it for later, and the process holds more after each model.
"""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of mallopt (malloc.h of glibc): free bytes at the end of the heap that it keeps, least bytes that it asks the
system for by themselves. What keep_freed sets them to is what glibc comes to by itself after an array of 32 MB."""


@contextmanager
def at_rest(*, stays: bool = False) -> Iterator[None]:
    """Let the collector rest within, in all threads, and work again afterwards if it did before.

    stays: what there is at the end is never looked at again; only for imports and for a process that keeps it all, such
    as a command.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
        if stays:
            gc.freeze()
    finally:
        if was_at_work:
            gc.enable()


def let_go() -> None:
    """Collect now what was let go just before, and give its memory back to the system where that can be asked for.

    For what holds much more memory than its number of objects tells. Only glibc, the C library of most Linux systems,
    can be asked (malloc_trim); others give back by themselves what they give back.
    """
    gc.collect()
    if (trim := _of_glibc("malloc_trim")) is not None:
        trim(0)


@cache
def keep_freed() -> None:
    """Keep the memory of arrays that are let go for those that come next, where that can be asked for (glibc).

    Building a city makes and drops arrays of some megabytes by the hundred. Each time the system would take their
    memory back and clear it page by page before it gives it again: a tenth of the time.
    """
    if (set_option := _of_glibc("mallopt")) is not None:
        for option, n_bytes in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 64 << 20)):
            set_option(option, n_bytes)


@cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of glibc; None: this is another C library."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes  # not for commands that never come here

    return getattr(ctypes.CDLL(None), name, None)
