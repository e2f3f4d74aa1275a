"""Arrays of records that the movement kernels work on."""

import numpy as np


def records(n, dtype, **values):
    """Return n records with the fields given, the others 0; rows have attributes, compiled or not.

    A plain array, not numpy.recarray: numba takes a tenth of the time to recognise it at each call.
    """
    rows = np.zeros(n, (np.record, dtype))
    for name, value in values.items():
        rows[name] = value
    return rows
