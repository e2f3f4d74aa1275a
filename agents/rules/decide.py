"""Leave or stay: what orders, danger and everything a household knows make it do.

A household decides when the sum of its rate over time reaches a threshold of its own, -log(u): then the chance to
decide within a time dt is 1 - exp(-rate * dt), the discrete-time hazard with a complementary log-log link, whatever the
step; and since u stays the same under every plan, whatever raises the rate earlier makes everybody leave no later.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.households import Cause

_ORDER = int(Cause.ORDER)
_IMPACT = int(Cause.IMPACT)
_WEIGHED = int(Cause.WEIGHED)


@njit(cache=True, nogil=True)
def answer_order(
    cause: Ints,
    decision_time_s: Floats,
    departure_time_s: Floats,
    addressed: Bools,
    is_stayer: Bools,
    heard_s: Floats,
    preparation_s: Floats,
    compliance: float,
    u: Floats,
) -> int:
    """Make the households that do as told plan their departure. Writes the first three columns; returns how many.

    addressed: bool[n]. heard_s: when each believes the order (s), inf: never. u: one number per household, the same
    for every order, so that more compliance moves all whom less would have moved. cause: int8 of Cause, why each
    household leaves. decision_time_s: when each household decided (s). departure_time_s: when each household means to
    set out (s). is_stayer: bool, households that do not leave of their own accord. preparation_s: time that each
    household needs to get ready (s).
    """
    n = 0
    for h in range(addressed.size):
        if addressed[h] and heard_s[h] < decision_time_s[h] and not is_stayer[h] and u[h] < compliance:
            cause[h] = _ORDER
            decision_time_s[h] = heard_s[h]
            departure_time_s[h] = heard_s[h] + preparation_s[h]
            n += 1
    return n


@njit(cache=True, nogil=True)
def react_to_impacts(
    cause: Ints,
    decision_time_s: Floats,
    departure_time_s: Floats,
    household: Ints,
    time_s: Floats,
    is_stayer: Bools,
    preparation_s: Floats,
    p_leave: float,
    u: Floats,
) -> int:
    """Make households near impacts plan their departure. Writes the first three columns; returns how many decide.

    household, time_s, u: one for each impact seen or heard nearby, in order of time. cause: int8 of Cause, why each
    household leaves. decision_time_s: when each household decided (s). departure_time_s: when each household means to
    set out (s). is_stayer: bool, households that do not leave of their own accord. preparation_s: time that each
    household needs to get ready (s). p_leave: probability that an impact nearby makes a household leave.
    """
    n = 0
    for i in range(household.size):
        h = household[i]
        if time_s[i] < decision_time_s[h] and not is_stayer[h] and u[i] < p_leave:
            cause[h] = _IMPACT
            decision_time_s[h] = time_s[i]
            departure_time_s[h] = time_s[i] + preparation_s[h]
            n += 1
    return n


@njit(cache=True, nogil=True)
def leaving_rates(
    rate_per_day: Floats,
    covariates: npt.NDArray[np.floating],
    coefficients: Floats,
    baseline_per_day: float,
    early_factor: float,
    is_early: Bools,
    is_stayer: Bools,
) -> None:
    """Write the rate at which each household decides to leave (1/day).

    covariates: float32[n_covariates, n]; coefficients: float64[n_covariates]. Stayers have rate 0. rate_per_day: rate
    at which each household decides to leave (1/day). baseline_per_day: rate without any reason (1/day). early_factor:
    factor of the rate of those who leave early. is_early: bool, households that leave early. is_stayer: bool,
    households that do not leave of their own accord.
    """
    for h in range(rate_per_day.size):
        total = 0.0
        for k in range(coefficients.size):
            total += coefficients[k] * covariates[k, h]
        rate_per_day[h] = baseline_per_day * np.exp(total)
        if is_early[h]:
            rate_per_day[h] *= early_factor
        if is_stayer[h]:
            rate_per_day[h] = 0.0


@njit(cache=True, nogil=True)
def weigh(
    cause: Ints,
    decision_time_s: Floats,
    departure_time_s: Floats,
    weighed: Floats,
    rate_per_day: Floats,
    threshold: Floats,
    is_home: Bools,
    preparation_s: Floats,
    from_s: float,
    until_s: float,
) -> int:
    """Let households at home weigh what they know from one time to another; returns how many decide to leave.

    Writes the first four columns. weighed: sum of the rate over time so far; threshold: where each decides. The
    moment is exact: where the sum, growing evenly, crosses the threshold.

    cause: int8 of Cause, why each household leaves. decision_time_s: when each household decided (s).
    departure_time_s: when each household means to set out (s). rate_per_day: rate at which each household decides to
    leave (1/day). is_home: bool, households at home. preparation_s: time that each household needs to get ready (s).
    from_s: beginning of the time looked at (s). until_s: end of the time weighed (s).
    """
    n = 0
    days = (until_s - from_s) / 86400.0
    for h in range(cause.size):
        if decision_time_s[h] <= from_s or not is_home[h]:
            continue
        before = weighed[h]
        weighed[h] = before + rate_per_day[h] * days
        if weighed[h] >= threshold[h]:
            share = (threshold[h] - before) / (weighed[h] - before)
            decided_s = from_s + share * (until_s - from_s)
            if decided_s >= decision_time_s[h]:
                continue
            cause[h] = _WEIGHED
            decision_time_s[h] = decided_s
            departure_time_s[h] = decided_s + preparation_s[h]
            n += 1
    return n
