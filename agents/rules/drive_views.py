"""What the traffic looks like at a time, read off its state: positions, link times, gridlocks."""

import numpy as np

from safepassage.agents.compiled import inlined_part, kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records

NONE = -1
MOVING, WAITING, LOST = 0, 1, 2
QUEUED, HELD, DRIVING = 2, 3, 4


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


@inlined_part
def _link_time_s(links, slots, vehicles, at, time_s):
    """Return the time that a vehicle entering a link now can expect to need for it (s); see `write_link_times`."""
    link = links[at]
    if link.head == link.tail:
        return link.free_flow_time_s
    slot = link.ring_first + (link.head & link.ring_mask)
    headway_s, first = link.out_headway_s, vehicles[slots[slot].vehicle]
    leaves_s = max(time_s, link.next_exit_s) if link.next_exit_s < np.inf else time_s
    late_s = time_s - slots[slot].time_s
    if late_s > link.wave_time_s:
        headway_s = max(headway_s, (time_s - first.entry_s) / max(link.head - first.n_left_at_entry, 1))
    elif late_s > 0.0:
        n_left = 0
        for i in range(link.freed, link.head):
            n_left += slots[link.ring_first + (i & link.ring_mask)].time_s - link.wave_time_s >= time_s - late_s
        headway_s = max(headway_s, late_s / max(n_left, 1))
    if headway_s == np.inf:
        headway_s = link.free_flow_time_s
    for i in range(link.head, link.tail):
        slot = link.ring_first + (i & link.ring_mask)
        leaves_s = max(leaves_s, slots[slot].time_s) + slots[slot].car_units * headway_s
    return max(link.free_flow_time_s, leaves_s - time_s)


@kernel
def write_link_times(
    link_time_s: Floats, links: Records, slots: Records, vehicles: Records, rows: Ints, time_s: float
) -> None:
    """Write the time that a vehicle entering each link now can expect to need for it (s), where somebody is on it.

    Exact for a queue that is served first in, first out at a known rate: all who are on the link, those still driving
    towards its end among them, leave one headway after the other, none before it can be there. The headway is that of
    the end's flow capacity. While the first vehicle is held up, by a queue further on or by streams that cross, it is
    that at which vehicles leave: since the first was ready, or since it entered if it is late by more than length / w.

    link_time_s: written: time that each link is expected to take (s). links: state of the links, one record each.
    slots: queues on the links, one ring of records each. rows: of all vehicles under way. time_s: the moment (s).
    """
    for vehicle in rows:
        if vehicles[vehicle].state == DRIVING:
            at = vehicles[vehicle].link
            if slots[links[at].ring_first + (links[at].head & links[at].ring_mask)].vehicle == vehicle:
                link_time_s[at] = _link_time_s(links, slots, vehicles, at, time_s)


@kernel
def is_any_slower(
    alone_s: Floats, changed_speed: Ints, links: Records, slots: Records, vehicles: Records, rows: Ints, time_s: float
) -> bool:
    """Return whether some link takes longer now than somebody alone on it needs, alone_s, float64[n_links].

    Links without anybody take as long as ever, but for those of changed_speed. rows: of all vehicles under way.
    slots: queues on the links, one ring of records each. time_s: the moment (s).
    """
    for at in changed_speed:
        if _link_time_s(links, slots, vehicles, at, time_s) > alone_s[at]:
            return True
    for vehicle in rows:
        if vehicles[vehicle].state == DRIVING:
            at = vehicles[vehicle].link
            is_first = slots[links[at].ring_first + (links[at].head & links[at].ring_mask)].vehicle == vehicle
            if is_first and _link_time_s(links, slots, vehicles, at, time_s) > alone_s[at]:
                return True
    return False


@kernel
def standing(links: Records, slots: Records, arms: Records, vehicles: Records, rows: Ints) -> Ints:
    """Return (vehicle, arm, state) of those that are first in their arm and stand, in the order of rows; int32[3, n].

    Whoever is held where it set out, for want of a way, is in no arm: NONE, and LOST. rows: of all vehicles under way.
    links: state of the links, one record each. slots: queues on the links, one ring of records each. arms: arms of
    junctions, one record each.
    """
    n_links = arms.size // 2
    found = np.empty((3, rows.size), np.int32)
    n = 0
    for vehicle in rows:
        state, arm = vehicles[vehicle].state, vehicles[vehicle].link
        if state == DRIVING:
            if slots[links[arm].ring_first + (links[arm].head & links[arm].ring_mask)].vehicle != vehicle:
                continue
        elif state == QUEUED:
            arm += n_links
            if arms[arm].queue_first != vehicle:
                continue
        elif state != HELD:
            continue
        stands = LOST if state == HELD else arms[arm].state
        if stands != MOVING:
            found[0, n], found[1, n], found[2, n] = vehicle, arm, stands
            n += 1
    return found[:, :n].copy()


@kernel
def ring_of_cycles(links: Records, arms: Records, events: Records) -> Ints:
    """Return cycle[n_links]: a number for each link of a gridlock, shared by its links; -1 elsewhere.

    A gridlock is a ring of links whose first vehicles wait for the next link of the ring, none of which can open.
    """
    n_links = arms.size // 2
    cycle = np.full(n_links, NONE, np.int32)
    seen = np.full(n_links, NONE, np.int32)
    for start in range(n_links):
        at = start
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
def count_bound(n_bound: Ints, vehicles: Records, rows: Ints) -> None:
    """Count how many vehicles are on each link or wait off the road to enter it, int64[n_links], written: from nought.

    vehicles: state of the vehicles, one record each. rows: of all vehicles under way.
    """
    for vehicle in rows:
        if vehicles[vehicle].state == DRIVING or vehicles[vehicle].state == QUEUED:
            n_bound[vehicles[vehicle].link] += 1


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
