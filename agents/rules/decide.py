"""Leave or stay: what orders, danger and everything a household knows make it do.

A household decides when the sum of its rate over time reaches a threshold of its own, -log(u): then the chance to
decide within a time dt is 1 - exp(-rate * dt), the discrete-time hazard with a complementary log-log link, whatever the
step; and since u stays the same under every plan, whatever raises the rate earlier makes everybody leave no later.
"""

import numpy as np
import numpy.typing as npt

from safepassage.agents.compiled import lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.households import Cause

_ORDER = int(Cause.ORDER)
_IMPACT = int(Cause.IMPACT)
_WEIGHED = int(Cause.WEIGHED)


@lean_kernel
def answer_order(
    cause: Ints,
    decision_time_s: Floats,
    departure_time_s: Floats,
    order_obeyed: Ints,
    rows: Ints,
    stays: Bools,
    heard_s: Floats,
    preparation_s: Floats,
    compliance: float,
    u: Floats,
    number: int,
) -> int:
    """Make those of some households that do as told plan their departure. Writes the first four; returns how many.

    rows: int64, of these households. heard_s: when each of them believes the order (s), inf: never. u: one number for
    each of them and this order, whatever the compliance, so that more compliance moves all whom less would have moved.
    number: of the order. Of all households: cause: int8 of Cause, why each leaves. decision_time_s: when each decided
    (s). departure_time_s: when each means to set out (s). order_obeyed: number of the order that each obeys. stays:
    bool, those that nothing moves for now. preparation_s: time that each needs to get ready (s).
    """
    n = 0
    for i in range(rows.size):
        h = rows[i]
        if heard_s[i] < decision_time_s[h] and not stays[h] and u[i] < compliance:
            cause[h] = _ORDER
            decision_time_s[h] = heard_s[i]
            departure_time_s[h] = heard_s[i] + preparation_s[h]
            order_obeyed[h] = number
            n += 1
    return n


@lean_kernel
def react_to_impacts(
    cause: Ints,
    decision_time_s: Floats,
    departure_time_s: Floats,
    household: Ints,
    time_s: Floats,
    stays: Bools,
    preparation_s: Floats,
    p_leave: float,
    u: Floats,
) -> int:
    """Make households near impacts plan their departure. Writes the first three columns; returns how many decide.

    household, time_s, u: one for each impact seen or heard nearby, in order of time. cause: int8 of Cause, why each
    household leaves. decision_time_s: when each household decided (s). departure_time_s: when each household means to
    set out (s). stays: bool, households that nothing moves for now. preparation_s: time that each
    household needs to get ready (s). p_leave: probability that an impact nearby makes a household leave.
    """
    n = 0
    for i in range(household.size):
        h = household[i]
        if time_s[i] < decision_time_s[h] and not stays[h] and u[i] < p_leave:
            cause[h] = _IMPACT
            decision_time_s[h] = time_s[i]
            departure_time_s[h] = time_s[i] + preparation_s[h]
            n += 1
    return n


@lean_kernel
def doses(
    dose: Floats,
    before: npt.NDArray[np.floating],
    now: npt.NDArray[np.floating],
    weighed: Ints,
    coefficients: Floats,
    threat: float,
    shock: Floats,
    zone: Ints,
    readiness: Floats,
    rests: Bools,
    warned_share: Floats,
    unwarned: int,
    ordered_share: Floats,
    has_children: Bools,
    ordered_readiness: Floats,
    ordered_dose: float,
    ordered_threat: float,
) -> None:
    """Write what each household gathers towards its decision in an interval: its rate summed over the time.

    weighed: int64, rows of the covariates of which the mean over the interval counts; before: these rows at its
    beginning, float32[n_weighed, n]; now: all rows at its end, float32[n_covariates, n]; coefficients: float64 by row;
    the one of row `unwarned` counts for the share of the interval in which no order was believed yet. threat: dose of
    the front for somebody of mean readiness; shock: the same of a loss of power or gas, by zone; zone: of each
    household. ordered_share: share of the interval in which each believes a compulsory order, which counts for families
    only, has_children; their own dose over the whole interval is then ordered_dose + ordered_threat *
    ordered_readiness; they never gather less than without the order. dose: rate summed over the interval, written.
    readiness: of each household against the mean. rests: bool, households that gather nothing. warned_share: share of
    the interval in which an order was believed. Of no size: nobody believes one.
    """
    dose[:] = 0.0
    for i in range(weighed.size):
        k = weighed[i]
        for h in range(dose.size):
            dose[h] += coefficients[k] * ((before[i, h] + now[k, h]) / np.float32(2))
    without_warning = np.exp(coefficients[unwarned])
    for h in range(dose.size):
        if rests[h]:
            dose[h] = 0.0
            continue
        warned = warned_share[h] if warned_share.size else 0.0
        told = warned + (1.0 - warned) * without_warning
        own, loss = readiness[h] * np.exp(dose[h]), shock[zone[h]]
        dose[h] = own * (threat * told + loss)
        if ordered_share.size and has_children[h] and ordered_share[h] > 0.0:
            free = (1.0 - ordered_share[h]) * dose[h]
            ordered = ordered_dose + ordered_threat * ordered_readiness[h]
            dose[h] = free + ordered_share[h] * max(own * (threat + loss), ordered)


@lean_kernel
def weigh(
    cause: Ints,
    decision_time_s: Floats,
    departure_time_s: Floats,
    weighed: Floats,
    dose: Floats,
    threshold: Floats,
    is_home: Bools,
    preparation_s: Floats,
    from_s: float,
    until_s: float,
) -> int:
    """Let households at home weigh what they knew from one time to another; returns how many decide to leave.

    Writes the first four columns. dose: what each gathered in that time; weighed: what it had before; threshold: where
    it decides. The moment is where the sum, growing evenly, crosses the threshold.

    cause: int8 of Cause, why each household leaves. decision_time_s: when each household decided (s).
    departure_time_s: when each household means to set out (s). is_home: bool, households at home. preparation_s: time
    that each household needs to get ready (s). from_s: beginning of the time looked at (s). until_s: end of the time
    weighed (s).
    """
    n = 0
    for h in range(cause.size):
        if decision_time_s[h] <= from_s or not is_home[h]:
            continue
        before = weighed[h]
        weighed[h] = before + dose[h]
        if dose[h] > 0.0 and weighed[h] >= threshold[h]:
            share = (threshold[h] - before) / dose[h]
            decided_s = from_s + share * (until_s - from_s)
            if decided_s >= decision_time_s[h]:
                continue
            cause[h] = _WEIGHED
            decision_time_s[h] = decided_s
            departure_time_s[h] = decided_s + preparation_s[h]
            n += 1
    return n
