import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.households import Cause
from safepassage.agents.rules import decide


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_those_do_as_told_who_hear_before_they_decide_and_whom_nobody_holds_back(seed, n_asked):
    rng, n = np.random.default_rng(seed), 12
    decided_s, leaves_s, prepares_s = rng.choice([600.0, 1200.0, np.inf], n), np.full(n, np.inf), rng.random(n)
    cause, obeyed, stays = np.zeros(n, np.int8), np.full(n, -1, np.int32), rng.random(n) < 0.2
    rows = np.sort(rng.choice(n, n_asked, replace=False))
    heard_s, u = rng.choice([300.0, 1200.0, np.inf], n_asked), rng.random(n_asked)
    wanted = {"decided": decided_s.tolist(), "leaves": leaves_s.tolist(), "cause": [0] * n, "obeyed": [-1] * n}
    n_answer = 0
    for row, heard, draw in zip(rows.tolist(), heard_s.tolist(), u.tolist(), strict=True):
        if heard < wanted["decided"][row] and draw < 0.5 and not stays[row]:
            wanted["decided"][row], wanted["leaves"][row] = heard, heard + prepares_s[row]
            wanted["cause"][row], wanted["obeyed"][row] = int(Cause.ORDER), 7
            n_answer += 1
    assert n_answer == decide.answer_order(
        cause, decided_s, leaves_s, obeyed, rows, stays, heard_s, prepares_s, 0.5, u, 7
    )
    found = {"decided": decided_s, "leaves": leaves_s, "cause": cause, "obeyed": obeyed}
    assert {name: column.tolist() for name, column in found.items()} == wanted


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_gathers_by_what_it_knows_and_who_rests_gathers_nothing(seed):
    rng, n, weighed, threat = np.random.default_rng(seed), 20, np.array([0, 2, 3]), 0.1
    before, now = rng.random((weighed.size, n), np.float32), rng.random((4, n), np.float32)
    coefficients, shock, zone = rng.normal(size=4), rng.random(3), rng.integers(0, 3, n)
    readiness, warned, compelled, ordered = rng.random((4, n))
    rests, has_children, dose = rng.random(n) < 0.3, rng.random(n) < 0.5, np.empty(n)
    decide.doses(
        dose, before, now, weighed, coefficients, threat, shock, zone, readiness, rests, warned, 1, compelled,
        has_children, ordered, 0.2, 0.3,
    )  # fmt: skip
    for h in range(n):
        mean = [(before[i, h] + now[k, h]) / 2 for i, k in enumerate(weighed)]
        own = readiness[h] * np.exp(sum(coefficients[k] * value for k, value in zip(weighed, mean, strict=True)))
        told = warned[h] + (1 - warned[h]) * np.exp(coefficients[1])
        wanted = own * (threat * told + shock[zone[h]])
        if has_children[h]:
            under_order = max(own * (threat + shock[zone[h]]), 0.2 + 0.3 * ordered[h])
            wanted = (1 - compelled[h]) * wanted + compelled[h] * under_order
        assert np.isclose(dose[h], 0.0 if rests[h] else wanted, rtol=1e-12)
