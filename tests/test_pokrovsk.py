import numpy as np
import pytest

from safepassage.agents.parties import Mode
from safepassage.experiments.fits import decision_weights
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

SAMPLE = {"run.step_s": 1800.0, "population.residents": 6000}


@pytest.fixture(scope="module")
def series():
    return decision_weights.read_series(load("pokrovsk").source.folder / "tables" / "pokrovsk_residents_reported.csv")


@pytest.fixture(scope="module")
def found(series):
    return decision_weights.simulated(load("pokrovsk", SAMPLE), list(series.date), seed=1)


def test_the_averaged_relative_difference_of_the_residents_is_at_most_a_quarter(series, found):
    scaled = found.residents.to_numpy(float) * 48_600 / 6000
    assert decision_weights.averaged_relative_difference(scaled, series.residents.to_numpy(float)) <= 0.25


def test_children_leave_faster_than_others_by_the_reported_ratio_within_a_quarter(series, found):
    fitted = (series.use == "fit").to_numpy()
    assert decision_weights.rate_ratio(found[fitted]) == pytest.approx(
        decision_weights.rate_ratio(series[fitted]), rel=0.25
    )


@pytest.mark.parametrize("plan", ["earlier_orders", "more_seats", "shorter_curfew", "door_to_door"])
def test_each_shipped_plan_runs_and_seats_are_never_exceeded(plan):
    model = EvacuationModel(load("pokrovsk", {**SAMPLE, "population.residents": 1500, "run.duration_h": 900.0}, plan))
    model.run()
    runs = model.recorder.tables()["services"].to_pandas()
    assert (runs.n_boarded <= runs.n_seats).all()
    persons = model.recorder.tables()["persons"].to_pandas()
    assert persons.reason.notna().all() and (persons.status == "SAFE").mean() > 0.2


def test_families_leave_earlier_when_the_order_comes_earlier():
    keys = {**SAMPLE, "population.residents": 3000, "run.duration_h": 600.0}
    as_it_was, early = (EvacuationModel(load("pokrovsk", keys, plan)).run() for plan in (None, "earlier_orders"))
    children = as_it_was.people.age < 18
    still_there = [int((children & (m.people.status != 6)).sum()) for m in (as_it_was, early)]
    assert still_there[1] < 0.8 * still_there[0]


def test_trains_stop_with_the_last_one_of_4_september():
    model = EvacuationModel(load("pokrovsk", {**SAMPLE, "population.residents": 3000, "run.duration_h": 1000.0})).run()
    by_train = model.parties.mode == Mode.TRAIN
    arrived = by_train & np.isfinite(model.parties.arrival_time_s)
    assert arrived.sum() > 20 and model.parties.arrival_time_s[arrived].max() < 35 * 86400
