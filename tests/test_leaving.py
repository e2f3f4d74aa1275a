"""Who leaves home next, against slow twins; whom the curfew will hold does not end a turn before."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.leaving import deciding, free_from_s, hold, leaving, planning
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.people import leaving as people_leaving

NO_CURFEW = np.empty(0), np.empty(0), 0.0
HOUR_S = 3600.0
NIGHTS = [{"first_day": "2024-08-01", "from_time": "14:00", "until_time": "11:00"}]


def some_people(seed, n):
    """Return (departures, extinct, on the way, arrivals) of households and the rows of those at home."""
    chance = np.random.default_rng(seed)
    departure_s = chance.choice([10.0, 60.0, 70.0, 80.0, 90.0, 3600.0, np.inf], n)
    is_extinct, is_on_way = chance.random((2, n)) < 0.2
    arrival_s = np.where(chance.random(n) < 0.2, 5.0, np.inf)
    at_home = np.flatnonzero(~is_extinct & ~is_on_way & np.isinf(arrival_s))
    return (departure_s, is_extinct, is_on_way, arrival_s), at_home.tolist()


def slow_free_s(planned_s, turn, start_s, end_s, stagger_s):
    """When one sets out who keeps the curfew, by looking through all curfews."""
    over = [(end, start) for start, end in zip(start_s, end_s, strict=True) if start <= planned_s]
    if not over:
        return planned_s
    over_s = max(end for end, _ in over)
    queue_s = min([stagger_s, *(start - over_s for start in start_s if start > over_s)])
    return max(planned_s, over_s + turn * queue_s)


def some_curfews(lengths_s):
    """Return (starts, ends) of curfews that take, and lie apart, so long in turn (s)."""
    times_s = np.cumsum(np.array(lengths_s, float))
    return times_s[0::2][: times_s.size // 2].copy(), times_s[1::2].copy()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 500), max_size=12), st.integers(0, 400), st.integers(0, 99))
def test_whoever_keeps_the_curfew_sets_out_when_one_who_looks_through_all_of_them_does(lengths_s, stagger_s, seed):
    chance, (start_s, end_s) = np.random.default_rng(seed), some_curfews(lengths_s)
    planned_s, turn = chance.integers(0, 3000, 40).astype(float), chance.random(40)
    planned_s[0] = np.inf
    found = free_from_s(planned_s, turn, start_s, end_s, float(stagger_s))
    pairs = zip(planned_s.tolist(), turn.tolist(), strict=True)
    assert found.tolist() == [slow_free_s(at_s, its, start_s, end_s, stagger_s) for at_s, its in pairs]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 99))
def test_who_is_held_is_who_keeps_the_curfew_and_would_be_free_later(seed):
    chance, (start_s, end_s) = np.random.default_rng(seed), some_curfews([100, 300, 50, 200])
    departure_s, keeps, turn = chance.uniform(0, 900, 30), chance.random(30) < 0.6, chance.random(30)
    rows, before = chance.permutation(30)[:20], departure_s.tolist()
    held, others = np.empty((2, 20), np.int64)
    n_held = hold(held, others, departure_s, rows, keeps, turn, start_s, end_s, 80.0, 120.0)
    held, others = held[:n_held], others[: 20 - n_held]
    planned_s = {row: max(before[row], 120.0) for row in rows.tolist()}
    free_s = {row: slow_free_s(at_s, turn[row], start_s, end_s, 80.0) for row, at_s in planned_s.items()}
    assert held.tolist() == [row for row in rows.tolist() if keeps[row] and free_s[row] > planned_s[row]]
    assert others.tolist() == [row for row in rows.tolist() if row not in held]
    assert departure_s.tolist() == [free_s[row] if row in held else before[row] for row in range(30)]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 99), st.integers(0, 900), st.integers(1, 300))
def test_who_is_held_is_the_same_if_only_those_are_asked_whom_a_curfew_may_hold(seed, from_s, length_s):
    chance, (start_s, end_s) = np.random.default_rng(seed), some_curfews([100, 300, 50, 200])
    planned_s, rows = chance.uniform(0, from_s + length_s, 30), chance.permutation(30)[:20]
    columns = {"keeps_curfew": chance.random(30) < 0.6, "turn_after_curfew": chance.random(30)}
    nobody, never_s = np.zeros(30, np.bool_), np.full(30, np.inf)
    households = SimpleNamespace(departure_time_s=planned_s.copy(), is_extinct=nobody, **columns)
    leave = people_leaving.Leaving(households, SimpleNamespace(is_on_way=nobody, arrival_time_s=never_s))
    leave.keep((start_s, end_s, 80.0), is_for_all=True)
    held, others = leave.hold(rows, float(from_s), float(from_s + length_s))
    departure_s, (slow_held, slow_others) = planned_s.copy(), np.empty((2, 20), np.int64)
    n_held = hold(slow_held, slow_others, departure_s, rows, *columns.values(), start_s, end_s, 80.0, float(from_s))
    assert held.tolist() == slow_held[:n_held].tolist() and others.tolist() == slow_others[: 20 - n_held].tolist()
    assert households.departure_time_s.tolist() == departure_s.tolist()


@pytest.mark.parametrize("is_curfew", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_those_who_leave_soon_are_found_as_one_looks_through_all_of_them(seed, is_curfew):
    n = 300
    plans, at_home = some_people(seed, n)
    departure_s, chance = plans[0], np.random.default_rng(seed)
    keeps, turn = chance.random(n) < 0.5, chance.random(n)
    curfew = (np.array([65.0]), np.array([2000.0]), 500.0) if is_curfew else (np.empty(0), np.empty(0), 0.0)
    for size in (0, 1, 250):
        asked = np.sort(chance.integers(0, n, size))  # some of them twice
        soon, now = asked.copy(), np.empty(size, np.int64)
        n_soon, n_now, next_s, held_s = leaving(now, soon, *plans, keeps, turn, *curfew, 3000.0, 60.0)
        soon, now = soon[:n_soon], now[:n_now]
        rows = [row for row in at_home if row in asked and departure_s[row] < 3000.0]
        assert now.tolist() == [row for row in rows if departure_s[row] < 60.0]
        assert sorted(set(soon.tolist())) == soon.tolist() and set(rows) <= set(soon.tolist())
        assert set(soon.tolist()) - set(rows) <= {row for row in asked if 60.0 <= departure_s[row] < 3000.0}
        held = [row for row in rows if is_curfew and keeps[row] and departure_s[row] >= 65.0]
        free = [row for row in rows if departure_s[row] >= 60.0 and row not in held]
        leaves_s = departure_s[free].tolist() + [slow_free_s(departure_s[row], turn[row], *curfew) for row in held]
        assert next_s == min(leaves_s, default=3000.0)
        assert held_s == min(departure_s[held].tolist(), default=np.inf)


def test_those_who_plan_to_leave_are_found_as_one_looks_through_all_of_them():
    plans, at_home = some_people(8, 300)
    assert planning(*plans).tolist() == [row for row in at_home if np.isfinite(plans[0][row])]
    assert planning(np.full(300, np.inf), *plans[1:]).size == 0


@pytest.mark.parametrize("most", [1, 7, 60, 1000])
def test_all_leave_in_order_of_time_however_few_are_found_at_one_look(most, monkeypatch):
    monkeypatch.setattr(people_leaving, "LEAST_AHEAD", most)
    departure_s = np.random.default_rng(most).choice(np.arange(0.0, 900.0, 7.0), 200)
    departure_s[:40] = 100.0  # more at once than are found at one look
    n, nobody = departure_s.size, np.zeros(200, np.bool_)
    households = SimpleNamespace(
        departure_time_s=departure_s.copy(), is_extinct=nobody, keeps_curfew=nobody, turn_after_curfew=np.zeros(n)
    )
    parties = SimpleNamespace(is_on_way=nobody.copy(), arrival_time_s=np.full(n, np.inf))
    leave, found = people_leaving.Leaving(households, parties), []
    leave.look()
    while leave.next_s < np.inf:
        until_s = leave.next_s + 60.0
        now = leave.due(until_s)
        assert (departure_s[now] < until_s).all()
        parties.is_on_way[now] = True
        found += now.tolist()
    assert found == np.argsort(departure_s, kind="stable").tolist()


def test_those_who_have_decided_are_found_as_one_looks_through_all_of_them():
    (decision_s, *rest), at_home = some_people(6, 300)
    chance = np.random.default_rng(6)
    for size in (0, 1, 200):
        asked = chance.permutation(300)[:size]
        later, now = asked.copy(), np.empty(size, np.int64)
        n_later, n_now, next_s = deciding(now, later, decision_s, *rest, 60.0)
        later, now = later[:n_later], now[:n_now]
        rows = [row for row in asked.tolist() if row in at_home]
        assert now.tolist() == [row for row in rows if decision_s[row] <= 60.0]
        waiting = [row for row in rows if decision_s[row] > 60.0]
        assert [row for row in later.tolist() if row in at_home] == waiting
        assert set(later.tolist()) <= {row for row in asked.tolist() if decision_s[row] > 60.0}
        assert next_s == min(decision_s[waiting].tolist(), default=np.inf)


def test_whom_the_curfew_holds_is_held_at_the_end_of_each_turn_and_ends_none():
    calm = {"orders": [], "shelling.sources": [], "run.duration_h": 30, "run.step_s": 3600}
    leave = {"behaviour.coefficients.baseline_per_day": 2.0, "curfew.compliance": 1.0, "curfew.windows": NIGHTS}
    model = EvacuationModel("tiny_town", **calm, **leave)
    while model.time_s < 10 * HOUR_S:
        model.step()
    leaving_, households, at_home = model.population.leaving, model.households, model.population.is_at_home()
    planned_s = households.departure_time_s[at_home]
    assert not model.curfew.may_move(model.time_s) and np.isfinite(planned_s).sum() > 20
    assert planned_s.min() >= model.time_s, "whose time has come waits for the end of the curfew"
    assert leaving_.held_s < model.time_s + HOUR_S, "others have yet to be held"
    leaving_.look()
    assert model.curfew.may_move(leaving_.next_s), "nobody is waited for before the curfew ends"


def test_whom_the_curfew_holds_is_held_at_the_end_of_turns_in_which_others_drive_too():
    calm = {"orders": [], "shelling.sources": [], "run.duration_h": 30, "run.step_s": 3600}
    leave = {"behaviour.coefficients.baseline_per_day": 2.0, "curfew.compliance": 0.5, "curfew.windows": NIGHTS}
    model, n_driving = EvacuationModel("tiny_town", **calm, **leave), 0
    take = model.turn.take

    def taken(until_s):
        nonlocal n_driving
        found = take(until_s)
        n_driving += model.movement.n_moving > 0 and not model.curfew.may_move(model.time_s)
        assert model.population.leaving.held_s >= model.time_s
        return found

    model.turn.take = taken
    model.run()
    assert n_driving > 20
