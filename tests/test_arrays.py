import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from safepassage.agents.ground.arrays import order_of, rising, united

rows = st.lists(st.integers(-5, 40), max_size=30).map(lambda found: np.array(found, np.int64))


@given(rows, rows)
def test_rows_in_rising_order_are_those_that_numpy_finds(some, others):
    assert rising(some).tolist() == np.unique(some).tolist()
    assert united(rising(some), others).tolist() == np.union1d(some, others).tolist()


@given(st.lists(st.integers(0, 40), max_size=30), st.booleans())
def test_the_order_of_keys_is_the_stable_one_with_equal_keys_and_without(whole, are_different):
    keys = np.array(list(dict.fromkeys(whole)) if are_different else whole, np.float64) / 8
    np.testing.assert_array_equal(order_of(keys), np.argsort(keys, kind="stable"))
