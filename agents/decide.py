"""Leave or stay: what an order or an impact nearby makes households do."""

import numpy as np
from numba import njit

from safepassage.agents.households import Cause

_NONE = int(Cause.NONE)
_ORDER = int(Cause.ORDER)
_IMPACT = int(Cause.IMPACT)


@njit(cache=True, nogil=True)
def answer_order(cause, decision_time_s, departure_time_s, addressed, is_stayer, preparation_s, time_s, compliance, u):
    """Make the households that comply with an order plan their departure. Writes the first three columns.

    addressed: bool[n]. u: one number per household, the same for every order, so that an order with more compliance
    moves all whom one with less would have moved. Somebody already leaving is not affected. Returns how many comply.
    """
    n = 0
    for h in range(addressed.size):
        if addressed[h] and cause[h] == _NONE and not is_stayer[h] and u[h] < compliance:
            cause[h] = _ORDER
            decision_time_s[h] = time_s
            departure_time_s[h] = time_s + preparation_s[h]
            n += 1
    return n


@njit(cache=True, nogil=True)
def react_to_impact(cause, decision_time_s, departure_time_s, households, is_stayer, preparation_s, time_s, p_leave, u):
    """Make households near an impact plan their departure. Writes the first three columns.

    households: int rows of those who heard or saw it nearby; u: one number for each of them. Returns how many decide.
    """
    n = 0
    for i in range(households.size):
        h = households[i]
        if cause[h] == _NONE and not is_stayer[h] and u[i] < p_leave:
            cause[h] = _IMPACT
            decision_time_s[h] = time_s
            departure_time_s[h] = time_s + preparation_s[h]
            n += 1
    return n


@njit(cache=True, nogil=True)
def due(departure_time_s, is_gone, until_s):
    """Return the rows that set out before `until_s` and have not yet, in order of departure, ties by row; int64[]."""
    n = 0
    for h in range(departure_time_s.size):
        if departure_time_s[h] < until_s and not is_gone[h]:
            n += 1
    rows = np.empty(n, np.int64)
    n = 0
    for h in range(departure_time_s.size):
        if departure_time_s[h] < until_s and not is_gone[h]:
            rows[n] = h
            n += 1
    return rows[np.argsort(departure_time_s[rows], kind="mergesort")]


@njit(cache=True, nogil=True)
def next_departure_s(departure_time_s, is_gone):
    """Return the earliest planned departure of those who have not left (s); inf: none."""
    earliest = np.inf
    for h in range(departure_time_s.size):
        if departure_time_s[h] < earliest and not is_gone[h]:
            earliest = departure_time_s[h]
    return earliest
