"""Who leaves home next: those who have planned to, and not while a curfew holds them."""

import numpy as np

from safepassage.agents import parties
from safepassage.agents.compiled import calls_kernels_of, kernel, lean_kernel, lean_part
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.parties import has_driver
from safepassage.agents.rules.drive import NO_ROUTE


@lean_part
def _free_s(planned_s: float, turn: float, start_s: Floats, end_s: Floats, stagger_s: float) -> float:
    """Return when somebody sets out who keeps the curfew (s); arguments as of `free_from_s`, of one."""
    n_begun, most = 0, start_s.size
    while n_begun < most:
        middle = (n_begun + most) // 2
        if start_s[middle] <= planned_s:
            n_begun = middle + 1
        else:
            most = middle
    if n_begun == 0:
        return planned_s
    over_s, queue_s = end_s[n_begun - 1], stagger_s
    if n_begun < start_s.size:
        queue_s = min(queue_s, start_s[n_begun] - over_s)
    return max(planned_s, over_s + turn * queue_s)


@kernel
def free_from_s(planned_s: Floats, turn: Floats, start_s: Floats, end_s: Floats, stagger_s: float) -> Floats:
    """Return when each of those who keep the curfew sets out (s), float64.

    planned_s: when each meant to set out (s). turn: of each in the queue at the end of a curfew, 0: first, 1: last; the
    queue takes stagger_s (s), or less if the next begins before. start_s, end_s: of the curfews in order of time,
    disjoint (s).
    """
    found = np.empty(planned_s.size)
    for k in range(planned_s.size):
        found[k] = _free_s(planned_s[k], turn[k], start_s, end_s, stagger_s)
    return found


@lean_kernel
def hold(
    held: Ints, others: Ints, departure_s: Floats, rows: Ints, keeps_curfew: Bools, turn: Floats, start_s: Floats,
    end_s: Floats, stagger_s: float, from_s: float,
) -> int:  # fmt: skip
    """Hold those of some households who keep the curfew and mean to set out in it, or before their turn after it;
    return how many. Writes those held and the others, int64, to the beginning of both, and departure_s.

    departure_s: when each household means to leave (s). rows: of households. keeps_curfew: bool. turn, start_s, end_s,
    stagger_s: see `free_from_s`. from_s: nobody leaves before this (s).
    """
    n_held = n_others = 0
    for row in rows:
        planned_s = max(departure_s[row], from_s)
        free_s = planned_s
        if keeps_curfew[row]:
            free_s = _free_s(planned_s, turn[row], start_s, end_s, stagger_s)
        if free_s > planned_s:
            departure_s[row] = free_s
            held[n_held] = row
            n_held += 1
        else:
            others[n_others] = row
            n_others += 1
    return n_held


@kernel
def planning(departure_s: Floats, is_extinct: Bools, is_on_way: Bools, arrival_s: Floats) -> Ints:
    """Return the households at home that mean to leave at some time, rising, int64[].

    departure_s, is_extinct, is_on_way, arrival_s: of all, see `leaving`.
    """
    found, n = np.empty(departure_s.size, np.int64), 0
    for row in range(departure_s.size):
        found[n] = row
        n += (departure_s[row] < np.inf) & (arrival_s[row] == np.inf) & ~(is_extinct[row] | is_on_way[row])
    return found[:n].copy()


@lean_kernel
def leaving(
    now: Ints, rows: Ints, departure_s: Floats, is_extinct: Bools, is_on_way: Bools, arrival_s: Floats,
    keeps_curfew: Bools, turn: Floats, start_s: Floats, end_s: Floats, stagger_s: float, soon_s: float, until_s: float,
) -> tuple[int, int, float, float]:  # fmt: skip
    """Find those of some households that may leave before soon_s, and those that are at home and leave before until_s;
    return (how many, of both, when the first of the others at home leaves in s, soon_s if none does, when the first of
    them means to leave whom the curfew will hold in s, inf: nobody). Writes the first to the beginning of rows, the
    second to that of now; both rise, each once.

    Whoever leaves later than another of the first is not asked yet whether they are still at home.

    now, rows: int64, as long. rows: of households, rising; one may be there more than once. departure_s: when each
    household means to leave (s). is_extinct: nobody of it lives. is_on_way: it is on the streets. arrival_s: when it
    came to safety (s); inf: it has not. keeps_curfew: bool. turn, start_s, end_s, stagger_s: see `free_from_s`. NumPy's
    sort is quicker in Python: in here it would take a second to compile.
    """
    n_soon, n_now, next_s, held_s, last = 0, 0, soon_s, np.inf, -1
    for k in range(rows.size):
        row = rows[k]
        leaves_s = departure_s[row]
        if row == last or leaves_s >= soon_s:
            continue
        is_now, is_first = leaves_s < until_s, leaves_s < (next_s if start_s.size == 0 else max(next_s, held_s))
        if (is_now or is_first) and (is_extinct[row] or is_on_way[row] or arrival_s[row] != np.inf):
            continue
        last = row
        rows[n_soon] = row
        n_soon += 1
        if is_now:
            now[n_now] = row
            n_now += 1
        elif is_first:
            free_s = leaves_s
            if keeps_curfew[row]:
                free_s = _free_s(free_s, turn[row], start_s, end_s, stagger_s)
            if free_s > leaves_s:
                held_s = min(held_s, leaves_s)
            next_s = min(next_s, free_s)
    return n_soon, n_now, next_s, held_s


@lean_kernel
def deciding(
    now: Ints, rows: Ints, decision_s: Floats, is_extinct: Bools, is_on_way: Bools, arrival_s: Floats, time_s: float
) -> tuple[int, int, float]:
    """Find those of some households that may have yet to decide at a time in s, and those at home that have by then;
    return (how many, of both, when the first of the others at home decides in s, inf: none does). Writes the first to
    the beginning of rows, the second to that of now, in their order.

    Whoever decides later than another of the first is not asked yet whether they are still at home.

    now, rows: int64, as long. rows: of households, each once. decision_s: when each decides to leave (s). is_extinct,
    is_on_way, arrival_s: see `leaving`. time_s: the moment.
    """
    n_later, n_now, next_s = 0, 0, np.inf
    for k in range(rows.size):
        row = rows[k]
        decides_s = decision_s[row]
        is_now, is_first = decides_s <= time_s, decides_s < next_s
        if (is_now or is_first) and (is_extinct[row] or is_on_way[row] or arrival_s[row] != np.inf):
            continue
        if is_now:
            now[n_now] = row
            n_now += 1
        else:
            rows[n_later] = row
            n_later += 1
            next_s = min(next_s, decides_s)
    return n_later, n_now, next_s


@calls_kernels_of(parties)
@lean_kernel
def who_drive(
    drivers: Ints, others: Ints, leaving: Ints, has_car: Bools, home_node: Ints, start_of_node: Ints, next_link: Ints,
    first_person: Ints, age: Ints, mobility: Ints, injury: Ints, status: Ints,
) -> int:  # fmt: skip
    """Write those of some households who leave by car to the beginning of drivers, the rest to that of others, in their
    order; return how many drive: who has a car, knows a way out for it, and has somebody fit to drive it.

    drivers, others, leaving: rows of households, int64, as long. has_car, home_node: of all. start_of_node: where trips
    by car from each node start. next_link: by which link people leave each node by car, NO_ROUTE: they know no way out.
    first_person, age, mobility, injury, status: see `count_abilities`.
    """
    n_drive = n_others = 0
    for household in leaving:
        has_way = has_car[household] and next_link[start_of_node[home_node[household]]] != NO_ROUTE
        if has_way and has_driver(household, first_person, age, mobility, injury, status):
            drivers[n_drive] = household
            n_drive += 1
        else:
            others[n_others] = household
            n_others += 1
    return n_drive
