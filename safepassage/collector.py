"""Python's collector of unreachable cycles, at rest while things are made that stay.

Importing and building make some hundred thousand objects and hardly any rubbish. Each time their number has grown by a
quarter, the collector goes over all of them: a sixth of the start of a run, more than a third of reading streets.
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
