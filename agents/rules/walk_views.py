"""Who is on which street on foot, read off the records of agents/rules/walk_state.py."""

import numpy as np

from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records

WALKING = 2


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
