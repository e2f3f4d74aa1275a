"""What the traffic looks like at a time, read off its state: positions, link times, gridlocks."""

import numpy as np
from numba import njit

NONE = -1
WAITING = 1
DRIVING = 4


@njit(cache=True, nogil=True)
def write_positions(position_m, links, slots, vehicles, jam_spacing_m, some_links, time_s):
    """Write the distance from the upstream end of its link, at time_s, of each vehicle on some links.

    A vehicle is where free flow has brought it, unless one before it stands in the way: it is then behind that one
    by its room in a standing queue. position_m: float64[n_vehicles]; the others keep their value.
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


@njit(cache=True, nogil=True)
def stand(links, vehicles, ids, time_s):
    """Return which of the vehicles are on a link for longer than free flow takes, bool[n]. ids: int64[n]."""
    stands = np.zeros(ids.size, np.bool_)
    for i in range(ids.size):
        vehicle = ids[i]
        if vehicles[vehicle].state == DRIVING:
            link = vehicles[vehicle].link
            free_s = max(links[link].free_flow_time_s, links[link].length_m * vehicles[vehicle].s_per_m)
            stands[i] = time_s > vehicles[vehicle].entry_s + free_s
    return stands


@njit(cache=True, nogil=True)
def write_link_times(link_time_s, links, slots, n_links, time_s):
    """Write the time that a vehicle entering each link now can expect to need for it (s).

    Free-flow time, or with a queue at the end: vehicles on the link over the rate at which they leave. The rate is
    the flow capacity of the end, or what left within the last length / w if that is less: a queue held back from
    further on. If nobody left, at least what the first vehicle has been waiting more than free flow.
    """
    for at in range(n_links):
        link = links[at]
        link_time_s[at] = link.free_flow_time_s
        if link.head == link.tail:
            continue
        first = link.ring_first + (link.head & link.ring_mask)
        late_s = time_s - slots[first].time_s
        if late_s <= 0.0:
            continue
        on_link, left = 0, 0
        for i in range(link.head, link.tail):
            on_link += slots[link.ring_first + (i & link.ring_mask)].car_units
        for i in range(link.freed, link.head):
            slot = link.ring_first + (i & link.ring_mask)
            if slots[slot].time_s > time_s:
                left += slots[slot].car_units
        headway_s = max(link.out_headway_s, link.wave_time_s / max(left, 1.0))
        link_time_s[at] = max(link.free_flow_time_s + late_s, on_link * headway_s)


@njit(cache=True, nogil=True)
def ring_of_cycles(links, arms, events):
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
