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
def test_who_rests_gathers_nothing_and_changes_nobody_else(seed):
    rng, n, n_situations = np.random.default_rng(seed), 20, 4
    covariates = rng.random((2, n_situations, n), np.float32)
    rests, nobody, dose, of_all = rng.random(n) < 0.5, np.zeros(n, np.bool_), np.empty(n), np.empty(n)
    what = (
        *covariates, rng.normal(size=n_situations), 0.1, rng.random(3), rng.integers(0, 3, n), rng.random(n),
    )  # fmt: skip
    more = rng.random(n), 1, rng.random(n), rng.random(n) < 0.5, rng.random(n), 0.2, 0.3
    decide.doses(dose, *what, rests, *more)
    decide.doses(of_all, *what, nobody, *more)
    assert np.array_equal(dose, np.where(rests, 0.0, of_all)) and (of_all > 0).all()
