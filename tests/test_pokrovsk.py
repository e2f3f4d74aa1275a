"""Pokrovsk as shipped, held against what officials reported; nothing in it is fitted to the rows but `times_threat`."""

import numpy as np
import pytest
from reported import averaged_relative_difference, left, mean_relative_difference, noons_s, series

from safepassage.agents.parties import Mode
from safepassage.model.decisions_only import DecisionsOnly
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

SAMPLE = {"run.step_s": 1800.0, "population.residents": 6000}


@pytest.fixture(scope="module")
def reported():
    return series()


@pytest.fixture(scope="module")
def found(reported):
    """69 days; every second resident, who stands for two: the scores of all are in docs/validation_towns.md."""
    keys = {"run.step_s": 3600.0, "population.residents": 24_300}
    return 2 * left(EvacuationModel(load("pokrovsk", keys)), reported.date)


def test_the_reports_keep_rows_back_for_judging(reported):
    judged = reported[reported.use == "judge"]
    assert (judged.date >= "2024-09-25").sum() == 3 and (judged.date < "2024-09-25").sum() == 1


@pytest.mark.parametrize("score", [averaged_relative_difference, mean_relative_difference])
def test_residents_are_foretold_within_15_percent_with_the_values_of_twelve_towns(reported, found, score):
    assert score(found.residents, reported.residents) <= 0.15


@pytest.mark.parametrize("score", [averaged_relative_difference, mean_relative_difference])
def test_children_are_foretold_within_35_percent(reported, found, score):
    assert score(found.children, reported.children) <= 0.35


def test_a_run_of_decisions_only_says_what_the_full_run_says(reported, found):
    scenario = load("pokrovsk")
    run = DecisionsOnly(scenario).run()
    residents = run.left(noons_s(scenario, reported.date))
    assert mean_relative_difference(residents, found.residents) < 0.08
    assert (residents <= found.residents).all()  # they set out and arrive later on the streets than here


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
