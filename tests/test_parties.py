"""Parties: what happens to whom at the end of a way, and what all members of some become."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.leaving import who_drive
from safepassage.agents.parties import (
    AT_HOME,
    DRIVEN_ON,
    OUT,
    SERVED,
    Mode,
    become,
    come_out,
    count_abilities,
    count_coming,
    ends_of_ways,
    leave_home,
    put,
)
from safepassage.agents.rules.drive import NO_ROUTE

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


def some_people(rng):
    """Return (first person of each household, [(age, mobility, injury, status)] and these as columns)."""
    first = np.append(0, rng.integers(0, 4, N_HOUSEHOLDS).cumsum())
    age = rng.choice([2, 6, 7, 17, 18, 64, 65], first[-1])
    columns = (age, *(rng.choice(list(kind), first[-1]).astype(np.int8) for kind in (Mobility, Injury, Status)))
    return first, list(zip(*(column.tolist() for column in columns), strict=True)), columns


def naive_abilities(people):
    """Return the five counts of one household, of people's (age, mobility, injury, status)."""
    alive = [person for person in people if person[3] != Status.DEAD]
    return [
        len(alive),
        sum(mobility == Mobility.NEEDS_ASSISTANCE for _, mobility, _, _ in alive),
        sum(age >= 18 and mobility != Mobility.NEEDS_ASSISTANCE and injury < Injury.SERIOUS
            for age, mobility, injury, _ in alive),
        sum(age >= 65 or age < 7 or mobility != Mobility.UNIMPAIRED for age, mobility, _, _ in alive),
        sum(injury != Injury.NONE and status != Status.SAFE for _, _, injury, status in people),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_what_members_can_do_is_counted_as_one_looks_at_each_of_them(seed):
    rng = np.random.default_rng(seed)
    first, people, columns = some_people(rng)
    households, n = rng.permutation(N_HOUSEHOLDS)[:4], np.zeros((5, 4), np.int64)
    count_abilities(n, first, households, *columns)
    assert n.T.tolist() == [naive_abilities(people[first[h] : first[h + 1]]) for h in households]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_who_drives_off_has_a_car_a_way_out_and_somebody_to_drive(seed):
    rng = np.random.default_rng(seed)
    first, people, columns = some_people(rng)
    has_car, home_node = rng.random(N_HOUSEHOLDS) < 0.7, rng.integers(0, N_NODES, N_HOUSEHOLDS).astype(np.int32)
    start_of_node = rng.integers(0, N_NODES, N_NODES).astype(np.int32)
    next_link = rng.choice([NO_ROUTE, 0, 3], N_NODES).astype(np.int32)
    due = rng.permutation(N_HOUSEHOLDS)[: rng.integers(0, N_HOUSEHOLDS)]
    drivers, others = np.empty((2, due.size), np.int64)
    n_drive = who_drive(drivers, others, due, has_car, home_node, start_of_node, next_link, first, *columns)
    drive = [
        h for h in due.tolist()
        if has_car[h] and next_link[start_of_node[home_node[h]]] != NO_ROUTE
        and naive_abilities(people[first[h] : first[h + 1]])[2] > 0
    ]  # fmt: skip
    assert drivers[:n_drive].tolist() == drive
    assert others[: due.size - n_drive].tolist() == [h for h in due.tolist() if h not in drive]


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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_who_leaves_home_does_so_as_meant_but_not_before_now(seed):
    rng = np.random.default_rng(seed)
    first, people, (*_, status) = some_people(rng)
    departure_s, mode = rng.uniform(0.0, 90.0, N_HOUSEHOLDS), np.zeros(N_HOUSEHOLDS, np.int8)
    is_on_way, protection = np.zeros(N_HOUSEHOLDS, np.bool_), np.zeros(first[-1], np.int8)
    households = rng.permutation(N_HOUSEHOLDS)[: rng.integers(0, N_HOUSEHOLDS)]
    meant_s, time_s = departure_s.copy(), np.empty(households.size)
    leave_home(time_s, departure_s, mode, is_on_way, status, protection, first, households, 45.0, Mode.CAR, 3)
    for h in range(N_HOUSEHOLDS):
        leaves = h in households
        assert departure_s[h] == (max(meant_s[h], 45.0) if leaves else meant_s[h])
        assert is_on_way[h] == leaves and mode[h] == (Mode.CAR if leaves else Mode.NONE)
        for person in range(first[h], first[h + 1]):
            goes = leaves and people[person][3] != Status.DEAD
            assert (status[person], protection[person]) == ((Status.TRAVELLING, 3) if goes else (people[person][3], 0))
    assert time_s.tolist() == departure_s[households].tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_those_who_come_to_a_stop_on_foot_are_counted_as_one_looks_at_each_of_them(seed):
    rng = np.random.default_rng(seed)
    first, people, (*_, status) = some_people(rng)
    goal, stop, vehicle = (rng.integers(low, 3, N_HOUSEHOLDS).astype(np.int32) for low in (0, -2, -2))
    mode = rng.choice([Mode.WALK, Mode.CAR], N_HOUSEHOLDS).astype(np.int8)
    is_on_way, n = rng.random(N_HOUSEHOLDS) < 0.8, np.zeros(2, np.int64)
    walkers = np.flatnonzero(rng.random(N_HOUSEHOLDS) < 0.8).astype(np.int32)
    count_coming(n, walkers, goal, mode, is_on_way, stop, vehicle, first, status)
    wanted = [0, 0]
    for party in walkers.tolist():
        if goal[party] and is_on_way[party] and mode[party] == Mode.WALK and stop[party] < 0 and vehicle[party] < 0:
            wanted[goal[party] - 1] += naive_abilities(people[first[party] : first[party + 1]])[0]
    assert n.tolist() == wanted


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_who_comes_out_is_nowhere_else_and_at_home_no_more(seed):
    rng = np.random.default_rng(seed)
    parties = rng.permutation(N_HOUSEHOLDS)[: rng.integers(0, N_HOUSEHOLDS)]
    is_on_way, is_bound_home = rng.random((2, N_HOUSEHOLDS)) < 0.5
    arrival_s, exit_of = np.full(N_HOUSEHOLDS, np.inf), np.full(N_HOUSEHOLDS, -1, np.int32)
    stop, vehicle, rides_with = rng.integers(-1, 2, (3, N_HOUSEHOLDS)).astype(np.int32)
    columns = is_on_way, is_bound_home, arrival_s, exit_of, stop, vehicle, rides_with
    before, time_s = [column.copy() for column in columns], rng.random(parties.size)
    exit_row = rng.integers(0, 3, parties.size).astype(np.int32)
    come_out(*columns[:4], parties, time_s, exit_row)
    assert put(stop, vehicle, rides_with, parties, 7, -1) == any(before[6][party] >= 0 for party in parties)
    for party in range(N_HOUSEHOLDS):
        now = [column[party] for column in columns]
        k = parties.tolist().index(party) if party in parties else None
        is_as_before = now == [column[party] for column in before]
        assert is_as_before if k is None else now == [False, False, time_s[k], exit_row[k], 7, -1, -1]
