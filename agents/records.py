"""Arrays of records that the movement kernels work on."""

import numpy as np

from safepassage.agents.prefetch import LINE_BYTES


def records(n, dtype, **values):
    """Return n records with the fields given, the others 0; rows have attributes, compiled or not.

    They begin at a line of the cache, so that those of 64 bytes lie in one line each. A plain array, not
    numpy.recarray: numba takes a tenth of the time to recognise it at each call.
    """
    memory = np.zeros(n * dtype.itemsize + LINE_BYTES, np.uint8)
    first = -memory.ctypes.data % LINE_BYTES
    rows = memory[first : first + n * dtype.itemsize].view((np.record, dtype))
    for name, value in values.items():
        rows[name] = value
    return rows
