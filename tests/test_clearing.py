"""Crews that clear streets, and orders that change whose turn it is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from safepassage.model.town.clearing import ClearingCrews


def test_the_street_put_first_is_next_and_the_later_of_two_orders_goes_first():
    crews = ClearingCrews(1, 10.0, np.zeros(5, int))
    for street in range(5):
        crews.add(street, 10.0, float(street))
    crews.put_first(3)
    crews.put_first(4)
    assert [street for _, street in crews.advance(1e6)] == [0, 4, 3, 1, 2], "the crew at work finishes its street"


def test_a_street_put_first_stays_first_when_it_is_hit_again():
    crews = ClearingCrews(1, 10.0, np.array([0, 1, 2]))
    crews.put_first(2)
    crews.add(2, 1.0, 0.0)
    crews.advance(1000.0)
    for street in (0, 1, 2):
        crews.add(street, 10.0, 1000.0)
    assert [street for _, street in crews.advance(1e6)] == [0, 2, 1]


def test_crews_called_in_begin_at_once_and_stay():
    crews = ClearingCrews(0, 10.0, np.zeros(2, int))
    crews.add(0, 10.0, 0.0)
    crews.advance(600.0)
    assert crews.left_m(0) == 10.0 and crews.n == 0
    crews.call_in(1)
    assert crews.advance(600.0 + 3600.0) == [(4200.0, 0)]
    assert crews.n == 1 and crews.left_m(0) == 0.0
    crews.add(1, 5.0, 4200.0)
    assert crews.ends_s(1) == 4200.0 + 1800.0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0.5, 9.0)), max_size=20), st.lists(st.integers(0, 3), max_size=6)
)
def test_orders_change_whose_turn_it_is_and_not_how_much_work_there_is(damages, orders):
    given, plain = (ClearingCrews(1, 10.0, np.zeros(4, int)) for _ in range(2))
    for crews in (given, plain):
        for street, length_m in damages:
            crews.add(street, length_m, 0.0)
    for street in orders:
        given.put_first(street)
    last = [max((end_s for end_s, _ in crews.advance(1e9)), default=0.0) for crews in (given, plain)]
    assert abs(last[0] - last[1]) < 1e-6 and abs(last[0] - 360.0 * sum(m for _, m in damages)) < 1e-6
