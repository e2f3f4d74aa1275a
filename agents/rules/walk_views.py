"""Who is on which street on foot, read off the records of agents/rules/walk_state.py, and who comes onto them."""

import numpy as np

from safepassage.agents.compiled import kernel, lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records

AWAY, DUE, WALKING = 0, 1, 2


@lean_kernel
def let_set_out(
    walkers: Records, ids: Ints, departure_s: Floats, free_speed_m_s: Floats, n_persons: Ints, table: Ints, node: Ints,
    wanted: Ints, n_tables: int, now_s: float,
) -> bool:  # fmt: skip
    """Write the rows of parties that are to set out, and return True; False, and nothing written: one of them cannot.

    One that is on its way already or named twice cannot, nor one that follows no table, leaves in the past or never, or
    has no people or no speed.

    walkers: WALKER[n]; ids: rows. departure_s: when each sets out (s). free_speed_m_s: of its slowest member (m/s).
    n_persons: persons in it. table: row of the next-link table that it follows, below n_tables. node: where it sets
    out; wanted: on which link, -1: on none yet. now_s: the present (s).
    """
    for k in range(ids.size):
        is_away = walkers[ids[k]].stage == AWAY
        walkers[ids[k]].stage = DUE if is_away else walkers[ids[k]].stage
        may = is_away and 0 <= table[k] < n_tables and now_s <= departure_s[k] < np.inf
        if not (may and free_speed_m_s[k] > 0.0 and n_persons[k] >= 1):
            for i in range(k + is_away):
                walkers[ids[i]].stage = AWAY
            return False
    for k in range(ids.size):
        row = ids[k]
        walkers[row].link, walkers[row].wanted, walkers[row].node = -1, wanted[k], node[k]
        walkers[row].table, walkers[row].speed_m_s, walkers[row].n_persons = table[k], free_speed_m_s[k], n_persons[k]
    return True


@lean_kernel
def join_departures(
    both: Ints, both_s: Floats, departing: Ints, departing_s: Floats, clock: Records, ids: Ints, time_s: Floats
) -> None:
    """Write those who are still to depart and others into both, and when each does into both_s (s), in the order of
    (time, party).

    both, both_s: as long as these are many. departing, departing_s: parties and when each departs (s), in that order.
    clock: CLOCK[1], which tells how many of them are over; it is written too. ids, time_s: the others, in that order.
    """
    n_over, n_rest = np.int64(clock[0].n_departed), both.size - ids.size
    i = 0
    for k in range(ids.size):
        while i < n_rest and (departing_s[n_over + i], departing[n_over + i]) < (time_s[k], ids[k]):
            both[i + k], both_s[i + k] = departing[n_over + i], departing_s[n_over + i]
            i += 1
        both[i + k], both_s[i + k] = ids[k], time_s[k]
    for k in range(i, n_rest):
        both[ids.size + k], both_s[ids.size + k] = departing[n_over + k], departing_s[n_over + k]
    clock[0].n_departed = 0


@kernel
def on_links(walkers: Records, is_asked: Bools) -> Ints:
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


@kernel
def distances(walkers: Records, links: Records, streets: Records, ids: Ints, time_s: float) -> Floats:
    """Return how far from the upstream end of its link each party is at time_s (m), float64[n]; nan on none.

    Those who do not walk stand at its end. walkers, links, streets: of agents/rules/walk_state.py; ids: int64[n].
    """
    distance_m = np.full(ids.size, np.nan)
    for i in range(ids.size):
        party = ids[i]
        link = walkers[party].link
        if link < 0:
            continue
        length_m, to_go_m = links[link].length_m, 0.0
        if walkers[party].stage == WALKING:
            street = links[link].street
            progress_s = streets[street].progress_s + streets[street].pace * (time_s - streets[street].updated_s)
            to_go_m = (walkers[party].target_s - progress_s) * walkers[party].speed_m_s
        distance_m[i] = min(max(length_m - to_go_m, 0.0), length_m)
    return distance_m
