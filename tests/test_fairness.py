import numpy as np
import pandas as pd
import pytest

from safepassage.model.results import metrics


def test_gini_of_known_shares():
    assert metrics.gini(np.ones(10)) == pytest.approx(0)
    assert metrics.gini(np.array([0, 0, 0, 1.0])) == pytest.approx(0.75)
    assert metrics.gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert np.isnan(metrics.gini(np.zeros(3)))


class Tables:
    """A run of which only the persons and the clock matter."""

    def __init__(self, persons):
        self.persons = persons
        self.manifest = {"simulated_s": 10 * 3600.0, "warning_time_s": 0.0}

    def has(self, name):
        return name == "persons"

    def frame(self, name):
        return {"persons": self.persons}[name]


def test_fairness_compares_groups_by_time_harm_and_hours_of_danger():
    h = 3600.0
    persons = pd.DataFrame(
        {
            "status": ["SAFE", "SAFE", "SAFE", "HOME", "DEAD"],
            "mobility": ["UNIMPAIRED", "UNIMPAIRED", "SLOW", "NEEDS_ASSISTANCE", "UNIMPAIRED"],
            "has_car": [True, True, False, False, True],
            "age": [30, 10, 70, 80, 40],
            "injury": ["NONE", "NONE", "NONE", "LIGHT", "FATAL"],
            "injury_time_s": [np.inf, np.inf, np.inf, 2 * h, 5 * h],
            "safe_time_s": [2 * h, 2 * h, 6 * h, np.inf, np.inf],
        }
    )
    run = Tables(persons)
    assert metrics.hours_in_area(run).tolist() == [2, 2, 6, 10, 5]
    found = {m.name: m.value for m in metrics.fairness(run)}
    assert found["t90_ratio_impaired"] == pytest.approx(3) and found["t90_ratio_no_car"] == pytest.approx(3)
    assert found["risk_ratio_impaired"] == pytest.approx((1 / 2) / (1 / 3))
    assert found["gap_hours_in_area"] == pytest.approx(8 - 2)
    assert found["gini_hours_in_area"] == pytest.approx(metrics.gini(np.array([2, 2, 5, 6, 10.0])))
