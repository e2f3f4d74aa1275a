"""What the traffic looks like at a time, read off its state: positions, link times, gridlocks."""

import numpy as np

from safepassage.agents.compiled import calls_kernels_of, kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records
from safepassage.agents.rules import drive
from safepassage.agents.rules.drive import DRIVING, LOST, MOVING, NONE, WAITING, first_in, is_occupied


@kernel
def write_positions(
    position_m: Floats,
    links: Records,
    slots: Records,
    vehicles: Records,
    jam_spacing_m: Floats,
    some_links: Ints,
    time_s: float,
) -> None:
    """Write the distance from the upstream end of its link, at time_s, of each vehicle on some links.

    A vehicle is where free flow has brought it, unless one before it stands in the way: it is then behind that one
    by its room in a standing queue. position_m: float64[n_vehicles]; the others keep their value.

    slots: queues on the links, one ring of records each. vehicles: state of the vehicles, one record each.
    jam_spacing_m: length that a standing car takes (m). some_links: links asked about.
    """
    for at in some_links:
        limit_m = links[at].length_m
        for i in range(links[at].head, links[at].tail):
            slot = links[at].ring_first + (i & links[at].ring_mask)
            vehicle = slots[slot].vehicle
            entry_s = vehicles[vehicle].entry_s
            share = (time_s - entry_s) / max(slots[slot].time_s - entry_s, 1e-9)
            position_m[vehicle] = max(0.0, min(limit_m, share * links[at].length_m))
            limit_m = position_m[vehicle] - slots[slot].car_units * jam_spacing_m[at]


@kernel
def stand(links: Records, vehicles: Records, ids: Ints, time_s: float) -> Bools:
    """Return which of the vehicles are on a link for longer than free flow takes, bool[n]. ids: int64[n].

    links: state of the links, one record each. time_s: the moment (s).
    """
    stands = np.zeros(ids.size, np.bool_)
    for i in range(ids.size):
        vehicle = ids[i]
        if vehicles[vehicle].state == DRIVING:
            link = vehicles[vehicle].link
            free_s = max(links[link].free_flow_time_s, links[link].length_m * vehicles[vehicle].s_per_m)
            stands[i] = time_s > vehicles[vehicle].entry_s + free_s
    return stands


@calls_kernels_of(drive)
@kernel
def standing(links: Records, slots: Records, arms: Records, vehicles: Records, run: Records, occupied: Ints) -> Ints:
    """Return (vehicle, arm, state) of those that are first in their arm and stand, in any order; int32[3, n].

    Whoever is held where it set out, for want of a way, is in no arm: NONE, and LOST. links: state of the links, one
    record each. slots: queues on the links, one ring of records each. arms: arms of junctions, one record each.
    vehicles: state of the vehicles, one record each. run: state of the run as a whole, one record. occupied: see
    `drive.advance`.
    """
    n, held = 0, run[0].held_first
    for arm in occupied:
        n += arms[arm].state != MOVING
    while held != NONE:
        n += 1
        held = np.int64(vehicles[held].queue_next)
    found = np.empty((3, n), np.int32)
    n, held = 0, run[0].held_first
    for arm in occupied:
        if arms[arm].state != MOVING and is_occupied(links, arms, arm):
            found[0, n], found[1, n], found[2, n] = first_in(links, slots, arms, arm), arm, arms[arm].state
            n += 1
    while held != NONE:
        found[0, n], found[1, n], found[2, n] = held, NONE, LOST
        n += 1
        held = np.int64(vehicles[held].queue_next)
    return found[:, :n].copy()


@kernel
def ring_of_cycles(arms: Records, events: Records, starts: Ints) -> Ints:
    """Return cycle[n_links]: a number for each link of a gridlock, shared by its links; -1 elsewhere.

    A gridlock is a ring of links whose first vehicles wait for the next link of the ring, none of which can open.
    arms: arms of junctions, one record each. events: events to come. starts: arms that may wait, among them one of each
    ring; the number of a ring is the first of them that leads into it.
    """
    n_links = arms.size // 2
    cycle = np.full(n_links, NONE, np.int32)
    seen = np.full(n_links, NONE, np.int32)
    for start in starts:
        at = np.int64(start)
        while at < n_links and seen[at] == NONE and arms[at].state == WAITING:
            supply = arms[at].target
            if events[arms.size + supply].is_scheduled:
                break
            seen[at] = start
            at = supply
        if at < n_links and seen[at] == start and cycle[at] == NONE:
            while cycle[at] == NONE:
                cycle[at] = start
                at = arms[at].target
    return cycle


@kernel
def mark_tables(is_followed: Bools, links: Records, vehicles: Records, rows: Ints, nodes: Bools) -> None:
    """Mark the rows of the next-link table that vehicles, rows, who come next to some nodes follow.

    is_followed: written, bool[n_tables]. links: state of the links, one record each. vehicles: state of the vehicles,
    one record each. nodes: bool[n_nodes]: where to look; whoever has yet to set out comes next to its origin.
    """
    for vehicle in rows:
        if vehicles[vehicle].table >= 0:
            is_driving = vehicles[vehicle].state == DRIVING
            if nodes[links[vehicles[vehicle].link].downstream if is_driving else vehicles[vehicle].origin]:
                is_followed[vehicles[vehicle].table] = True


@kernel
def mark_choices(
    is_followed: Bools, wanted: Bools, links: Records, vehicles: Records, rows: Ints, tables: Bools, has_choice: Bools
) -> None:  # fmt: skip
    """Mark those of some tables that vehicles, rows, follow who have a choice of way, and the nodes they come to next.

    is_followed: written, bool[n_tables]. wanted: written, bool[n_nodes]. links: state of the links, one record each.
    vehicles: state of the vehicles, one record each. tables: bool[n_tables]. has_choice: bool[n_nodes]. Whoever has yet
    to set out comes next to its origin.
    """
    for vehicle in rows:
        table = vehicles[vehicle].table
        if table >= 0 and tables[table]:
            is_driving = vehicles[vehicle].state == DRIVING
            node = links[vehicles[vehicle].link].downstream if is_driving else vehicles[vehicle].origin
            if has_choice[node]:
                is_followed[table] = wanted[node] = True


@kernel
def does_any_follow(vehicles: Records, rows: Ints, tables: Bools) -> bool:
    """Return whether any of the vehicles, rows, follows one of some tables, bool[n_tables].

    vehicles: state of the vehicles, one record each.
    """
    is_any = False
    for vehicle in rows:
        is_any = vehicles[vehicle].table >= 0 and tables[vehicles[vehicle].table]
        if is_any:
            break
    return is_any
