"""Python's collector of unreachable cycles, at rest while things are made that stay.

Importing and building make some hundred thousand objects and hardly any rubbish. Each time their number has grown by a
quarter, the collector goes over all of them: a sixth of the start of a run, more than a third of reading streets.

A model that is not needed any more is rubbish of the other kind: few objects, in cycles, that hold large arrays. The
collector counts objects, not bytes, and would leave several such models lying for minutes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest(*, stays: bool = False) -> Iterator[None]:
    """Let the collector rest within, in all threads, and work again afterwards if it did before.

    stays: what there is at the end is never looked at again; only for a process that keeps it all, such as a command.
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
    """Collect now what was let go just before, if it holds much more memory than its number of objects tells."""
    gc.collect()
