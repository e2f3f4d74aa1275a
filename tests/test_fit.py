from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safepassage.experiments.fits import decision_weights
from safepassage.experiments.fits.decision_weights import Free
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load, shipped

WEEK = {"run.duration_h": 24.0 * 8, "run.step_s": 3600.0, "orders": [], "shelling.sources": []}
DATES = [date(2024, 8, day) for day in (2, 4, 6, 8)]


def test_the_scores_are_flees_and_the_log_error():
    found, reported = np.array([90.0, 60.0]), np.array([100.0, 50.0])
    assert decision_weights.averaged_relative_difference(found, reported) == pytest.approx(20 / 150)
    assert decision_weights.log_rmse(found, reported) == pytest.approx(
        np.sqrt((np.log(0.9) ** 2 + np.log(1.2) ** 2) / 2)
    )


@given(st.floats(-50, 50))
def test_a_free_parameter_never_leaves_its_range(x):
    assert 0.1 <= Free("key", 0.1, 0.7).inside(x) <= 0.7


@given(st.floats(0.11, 0.69))
def test_a_value_inside_the_range_comes_back(value):
    free = Free("key", 0.1, 0.7)
    assert free.inside(free.outside(value)) == pytest.approx(value)


def test_a_known_rate_is_recovered_from_the_series_that_it_makes():
    key = "behaviour.coefficients.baseline_per_day"
    scenario = load("tiny_town", {**WEEK, key: 0.03})
    truth = decision_weights.simulated(scenario.override({key: 0.12}), DATES, seed=5)
    series = truth.assign(use="fit")
    values = decision_weights.fit(
        scenario, series, [Free(key, 0.01, 0.5)], residents=2000, n_runs=25, tell=lambda _: None
    )
    assert values[key] == pytest.approx(0.12, rel=0.15)


def test_rows_kept_for_judging_are_scored_apart():
    series = pd.DataFrame({"residents": [100, 100], "children": [10, 10], "use": ["fit", "judge"]})
    table = decision_weights.scores(series, pd.DataFrame({"residents": [100, 50], "children": [10, 20]}))
    ard = table.set_index(["use", "who"]).ard
    assert ard["fit", "residents"] == 0 and ard["judge", "residents"] == 0.5 and ard["judge", "children"] == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,residents,children\n2024-08-09,1,1\n", "'use'"),
        ("date,residents,children,use\n2024-08-09,1,1,keep\n", "keep"),
        ("date,residents,children,use\n9 August,1,1,fit\n", "2024-08-09"),
    ],
)
def test_a_series_that_cannot_be_used_is_one_clear_message(tmp_path, text, message):
    path = tmp_path / "series.csv"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=message):
        decision_weights.read_series(path)


def test_the_series_of_pokrovsk_keeps_rows_back_for_judging():
    series = decision_weights.read_series(shipped()["pokrovsk"].parent / "tables" / "pokrovsk_residents_reported.csv")
    judged = series[series.use == "judge"]
    assert (judged.date >= date(2024, 9, 25)).sum() == 3 and (judged.date < date(2024, 9, 25)).sum() == 1


def test_the_ratio_of_leaving_rates_is_the_reported_one_of_the_table():
    counts = pd.DataFrame({"residents": [48000, 24500], "children": [5990, 929]})
    assert decision_weights.rate_ratio(counts) == pytest.approx(3.225, abs=0.001)
