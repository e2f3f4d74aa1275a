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
