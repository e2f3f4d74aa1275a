"""Arrays of records that the movement kernels work on."""

from functools import cache
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Records
from safepassage.agents.ground.prefetch import LINE_BYTES


@cache
def _as_record(dtype):
    """Return one dtype object for all arrays of a kind: numpy joins arrays of two equal ones to plain tuples."""
    return np.dtype((np.record, dtype))


def records(n: int, dtype: Any, **values: Any) -> Records:
    """Return n records with the fields given, the others 0; rows have attributes, compiled or not.

    They begin at a line of the cache, so that those of 64 bytes lie in one line each. A plain array, not
    numpy.recarray: numba takes a tenth of the time to recognise it at each call.
    """
    memory = np.zeros(n * dtype.itemsize + LINE_BYTES, np.uint8)
    first = -memory.__array_interface__["data"][0] % LINE_BYTES
    rows = memory[first : first + n * dtype.itemsize].view(_as_record(dtype))
    for name, value in values.items():
        rows[name] = value
    return rows
