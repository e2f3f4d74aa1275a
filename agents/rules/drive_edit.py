"""Changes to the traffic from outside: other tables, closed links, vehicles taken off the road.

These kernels find or unlink what a change concerns; drive.resume then lets the arms and supplies concerned go on.
"""

import numpy as np

from safepassage.agents.compiled import calls_kernels_of, kernel, lean_kernel
from safepassage.agents.ground.arrays import Floats, Ints, Records
from safepassage.agents.rules import drive
from safepassage.agents.rules.drive import (
    ABSENT,
    ARRIVED,
    DRIVING,
    HELD,
    LOST,
    MOVING,
    NO_ROUTE,
    NONE,
    PENDING,
    QUEUED,
    SHUT_OUT,
    WAITING,
    first_in,
    is_occupied,
    way_on,
)


@lean_kernel
def let_set_out(
    vehicles: Records, ids: Ints, origin: Ints, departure_s: Floats, car_units: Ints, max_speed_m_s: Floats,
    table: Ints, lowest_table: int, n_tables: int, n_nodes: int, now_s: float,
) -> bool:  # fmt: skip
    """Write the rows of vehicles that are to set out, and return True; False, and nothing written: one of them cannot.

    One that is under way already, named twice or has no row cannot, nor one that comes from no node, by no table, in
    the past, or without size or speed.

    vehicles: state of the vehicles, one record each; ids: rows. origin: node from which each sets out. departure_s:
    when (s). car_units, max_speed_m_s: its size and own speed (m/s). table: row of the next-link table that it follows,
    from lowest_table on, below n_tables. n_nodes: nodes there are. now_s: the present (s).
    """
    for k in range(ids.size):
        is_absent = 0 <= ids[k] < vehicles.size and vehicles[ids[k]].state == ABSENT
        if is_absent:
            vehicles[ids[k]].state = PENDING
        may = is_absent and lowest_table <= table[k] < n_tables and 0 <= origin[k] < n_nodes
        if not (may and now_s <= departure_s[k] < np.inf and car_units[k] >= 1 and max_speed_m_s[k] > 0.0):
            for i in range(k + is_absent):
                vehicles[ids[i]].state = ABSENT
            return False
    for k in range(ids.size):
        row = ids[k]
        vehicles[row].link = NONE
        vehicles[row].origin = origin[k]
        vehicles[row].departure_s = departure_s[k]
        vehicles[row].car_units = car_units[k]
        vehicles[row].s_per_m = 1.0 / max_speed_m_s[k]
        vehicles[row].table = table[k]
    return True


@lean_kernel
def join(both: Ints, rows: Ints, more: Ints) -> None:
    """Write rows, and others that are not among them, each once into both; all three rise."""
    i = 0
    for k in range(more.size):
        while i < rows.size and rows[i] < more[k]:
            both[i + k] = rows[i]
            i += 1
        both[i + k] = more[k]
    for k in range(i, rows.size):  # of a slice at once it would be compiled in two seconds more
        both[more.size + k] = rows[k]


@lean_kernel
def leave_out(rest: Ints, rows: Ints, ids: Ints) -> int:
    """Write those rows that are not among others, ids, to the beginning of rest; both rise. Return how many."""
    n = k = 0
    for row in rows:
        while k < ids.size and ids[k] < row:
            k += 1
        if k == ids.size or ids[k] != row:
            rest[n] = row
            n += 1
    return n


@lean_kernel
def join_departures(both: Records, departures: Records, run: Records, ids: Ints, time_s: Floats) -> None:
    """Write the departures still to come and those of more vehicles into both, in the order of (time, vehicle).

    both: as long as these are many. departures: in that order. run: state of the run as a whole, one record, which
    tells how many of them are over; it is written too. ids, time_s: vehicles and when each departs (s), in that order.
    """
    n_over, n_rest = np.int64(run[0].next_departure), both.size - ids.size
    i = 0
    for k in range(ids.size):
        while i < n_rest:
            rest = departures[n_over + i]
            if (rest.time_s, rest.vehicle) > (time_s[k], ids[k]):
                break
            both[i + k] = rest
            i += 1
        both[i + k].vehicle, both[i + k].time_s, both[i + k].car_units = ids[k], time_s[k], 0
    for k in range(i, n_rest):
        both[ids.size + k] = departures[n_over + k]
    run[0].next_departure, run[0].n_departures = 0, both.size


@calls_kernels_of(drive)
@lean_kernel
def arms_to_ask_again(
    found: Ints, links: Records, slots: Records, arms: Records, vehicles: Records, next_link: Ints, paths: Ints,
    occupied: Ints,
) -> int:  # fmt: skip
    """Write the arms whose first vehicle stands still and would now choose otherwise than when it stopped, found.

    Returns how many. links: state of the links, one record each. slots: queues on the links, one ring of records each.
    arms: arms of junctions, one record each. vehicles: state of the vehicles, one record each. next_link, paths: see
    `drive.way_on`. occupied: see `drive.advance`.
    """
    n, n_links = 0, arms.size // 2
    for arm in occupied:
        if arms[arm].state == MOVING or not is_occupied(links, arms, arm):
            continue
        target = np.int64(arm) - n_links
        if arm < n_links:
            target = way_on(vehicles, next_link, paths, first_in(links, slots, arms, arm), links[arm].downstream)
            if target == ARRIVED:
                target = n_links + links[arm].downstream
        state = LOST if target == NO_ROUTE else (WAITING if links[target].is_open else SHUT_OUT)
        if state != arms[arm].state or target != arms[arm].target:
            found[n] = arm
            n += 1
    return n


@calls_kernels_of(drive)
@kernel
def take_out_of_queues(
    arms: Records, vehicles: Records, run: Records, next_link: Ints, paths: Ints, occupied: Ints
) -> tuple[Ints, Ints]:
    """Return (vehicles, arms): those not on the road yet whose first link is another now, and the queues left.

    Those found are unlinked from their queues and set to PENDING, to set out again. arms: arms of junctions, one record
    each. vehicles: state of the vehicles, one record each. run: state of the run as a whole, one record. next_link,
    paths: see `drive.way_on`. occupied: see `drive.advance`.
    """
    n_links = arms.size // 2
    n_waiting, vehicle = 0, run[0].held_first
    for arm in occupied:
        n_waiting += arms[arm].n_queued
    while vehicle != NONE:
        n_waiting += 1
        vehicle = np.int64(vehicles[vehicle].queue_next)
    found, left = np.empty(n_waiting, np.int32), np.empty(n_waiting, np.int32)
    n, n_left = 0, 0
    for arm in occupied:
        if arms[arm].n_queued == 0:
            continue
        vehicle, before = np.int64(arms[arm].queue_first), np.int64(NONE)
        while vehicle != NONE:
            following = np.int64(vehicles[vehicle].queue_next)
            if way_on(vehicles, next_link, paths, vehicle, vehicles[vehicle].origin) == arm - n_links:
                before = vehicle
            else:
                if before == NONE:
                    arms[arm].queue_first = following
                else:
                    vehicles[before].queue_next = following
                if following == NONE:
                    arms[arm].queue_last = before
                arms[arm].n_queued -= 1
                found[n] = vehicle
                n += 1
                if before == NONE and (n_left == 0 or left[n_left - 1] != arm):
                    left[n_left] = arm
                    n_left += 1
            vehicle = following
    vehicle = run[0].held_first
    run[0].held_first = NONE
    while vehicle != NONE:
        following = np.int64(vehicles[vehicle].queue_next)
        if way_on(vehicles, next_link, paths, vehicle, vehicles[vehicle].origin) == NO_ROUTE:
            vehicles[vehicle].queue_next = run[0].held_first
            run[0].held_first = vehicle
        else:
            found[n] = vehicle
            n += 1
        vehicle = following
    for i in range(n):
        vehicles[found[i]].state = PENDING
        vehicles[found[i]].link = NONE
    return found[:n], left[:n_left]


@kernel
def take_off(
    links: Records, slots: Records, arms: Records, vehicles: Records, run: Records, vehicle: int, time_s: float
) -> tuple[int, bool]:
    """Unlink one vehicle from wherever it is; return the arm it stood in and whether it was the first there.

    On the road it leaves for the kerb: its room comes back as if it had left the end of the link now.

    links: state of the links, one record each. slots: queues on the links, one ring of records each. arms: arms of
    junctions, one record each. vehicles: state of the vehicles, one record each. run: state of the run as a whole, one
    record. time_s: the moment (s).
    """
    state, at = vehicles[vehicle].state, vehicles[vehicle].link
    vehicles[vehicle].state = ABSENT
    vehicles[vehicle].link = NONE
    if state in (HELD, QUEUED):
        arm = arms.size // 2 + at
        before, other = NONE, (run[0].held_first if state == HELD else arms[arm].queue_first)
        while other != vehicle:
            before, other = other, vehicles[other].queue_next
        following = vehicles[vehicle].queue_next
        if before != NONE:
            vehicles[before].queue_next = following
        elif state == HELD:
            run[0].held_first = following
        else:
            arms[arm].queue_first = following
        if state == HELD:
            return NONE, False
        if following == NONE:
            arms[arm].queue_last = before
        arms[arm].n_queued -= 1
        return arm, before == NONE
    if state != DRIVING:
        return NONE, False
    first, mask = links[at].ring_first, links[at].ring_mask
    i = links[at].head
    while slots[first + (i & mask)].vehicle != vehicle:
        i += 1
    was_first = i == links[at].head
    size = slots[first + (i & mask)].car_units
    while i > links[at].head:
        to, of = first + (i & mask), first + ((i - 1) & mask)
        slots[to].time_s, slots[to].vehicle = slots[of].time_s, slots[of].vehicle
        slots[to].car_units = slots[of].car_units
        i -= 1
    slots[first + (i & mask)].time_s = time_s + links[at].wave_time_s
    slots[first + (i & mask)].vehicle = vehicle
    slots[first + (i & mask)].car_units = size
    links[at].head += 1
    return at, was_first
