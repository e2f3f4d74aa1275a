"""Parties: what happens to whom at the end of a way, and what all members of some become."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Status
from safepassage.agents.parties import AT_HOME, DRIVEN_ON, OUT, SERVED, Mode, become, ends_of_ways

N_HOUSEHOLDS, N_VEHICLES, N_NODES = 6, 3, 5


def naive(party, node, mode, goal, is_bound_home, home_node, start_of_node, leads_on):
    """Return what happens to one party, as the rules are told."""
    if party >= N_HOUSEHOLDS:
        return SERVED
    if mode == Mode.WALK and goal[party] > 0:
        return SERVED
    if mode == Mode.CAR and is_bound_home[party] and node == start_of_node[home_node[party]]:
        return AT_HOME
    if mode == Mode.WALK and leads_on[node]:
        return DRIVEN_ON
    return OUT


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_what_happens_at_the_end_of_a_way_is_what_the_rules_say_of_each(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 12))
    party = rng.integers(0, N_HOUSEHOLDS + N_VEHICLES, n).astype(np.int32)
    node = rng.integers(0, N_NODES, n).astype(np.int32)
    mode = rng.choice([Mode.WALK, Mode.CAR], n).astype(np.int8)
    known = (
        rng.integers(0, 2, N_HOUSEHOLDS + N_VEHICLES).astype(np.int32), rng.random(N_HOUSEHOLDS) < 0.5,
        rng.integers(0, N_NODES, N_HOUSEHOLDS).astype(np.int32), rng.integers(0, N_NODES, N_NODES).astype(np.int32),
        rng.random(N_NODES) < 0.5,
    )  # fmt: skip
    ends = np.empty(n, np.int8)
    ends_of_ways(ends, party, node, mode, *known)
    assert ends.tolist() == [naive(*one, *known) for one in zip(party, node, mode, strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(-1, 3))
def test_all_living_members_of_some_parties_become_the_same_and_nobody_else_changes(seed, protection):
    rng = np.random.default_rng(seed)
    first = np.append(0, rng.integers(0, 5, N_HOUSEHOLDS).cumsum())
    status = rng.choice([Status.HOME, Status.TRAVELLING, Status.DEAD], first[-1]).astype(np.int8)
    has = rng.integers(0, 4, first[-1]).astype(np.int8)
    parties = rng.permutation(N_HOUSEHOLDS)[: rng.integers(0, N_HOUSEHOLDS)].astype(np.int64)
    wanted = []
    for party in range(N_HOUSEHOLDS):
        for person in range(first[party], first[party + 1]):
            is_one = party in parties and status[person] != Status.DEAD
            wanted.append((int(Status.SAFE), protection) if is_one else (int(status[person]), int(has[person])))
            if is_one and protection < 0:
                wanted[-1] = int(Status.SAFE), int(has[person])
    become(status, has, first, parties, int(Status.SAFE), protection, int(Status.DEAD))
    assert list(zip(status.tolist(), has.tolist(), strict=True)) == wanted
