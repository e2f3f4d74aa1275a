import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from safepassage.agents.ground.arrays import rising, united

rows = st.lists(st.integers(-5, 40), max_size=30).map(lambda found: np.array(found, np.int64))


@given(rows, rows)
def test_rows_in_rising_order_are_those_that_numpy_finds(some, others):
    assert rising(some).tolist() == np.unique(some).tolist()
    assert united(rising(some), others).tolist() == np.union1d(some, others).tolist()
