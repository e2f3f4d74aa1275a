"""Who is on which street on foot, read off the records of agents/walkers.py."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def on_links(walkers, is_asked):
    """Return the parties that are on links asked for or wait at their ends, int32, in order of row: one pass.

    walkers: WALKER[n]. is_asked: bool[n_links].
    """
    found = np.empty(walkers.size, np.int32)
    n = 0
    for i in range(walkers.size):
        if walkers[i].link >= 0 and is_asked[walkers[i].link]:
            found[n] = i
            n += 1
    return found[:n].copy()
