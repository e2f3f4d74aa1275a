import os

import numpy as np
import pytest

from safepassage.experiments.verification import sioux_falls

pytestmark = pytest.mark.skipif(
    "SAFEPASSAGE_DATA" not in os.environ, reason="Sioux Falls may not be shipped; set SAFEPASSAGE_DATA"
)


def failed(checks):
    return [check for check in checks if not check.passed]


def test_a_morning_in_sioux_falls_takes_the_time_that_uxsim_published():
    assert failed(sioux_falls.check_morning()) == []


def test_the_same_seed_gives_the_same_morning_and_another_seed_another():
    assert sioux_falls.morning(3) == sioux_falls.morning(3)
    assert sioux_falls.morning(3) != sioux_falls.morning(4)


def test_everybody_on_the_streets_of_sioux_falls_is_counted_once():
    found = sioux_falls.morning(1)
    assert 0 < found.n_completed <= found.n_trips
    assert found.mean_delay_s > 0
    assert np.isfinite(found.std_volume)
