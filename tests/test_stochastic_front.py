"""A front that moves by chance: the same under every plan, fitted to towns, told by future in a comparison."""

import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from safepassage.cli.main import app
from safepassage.experiments.fits import front_process
from safepassage.experiments.questions.compare import compare
from safepassage.experiments.questions.futures import THIRDS, futures
from safepassage.experiments.reports.report import report
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.branches import branch_of
from safepassage.model.hazard.stochastic_front import N_DRAWS, WEEK_S, Pace, moved_by_chance, pace_of, way_km
from safepassage.model.settings.front import Front, FrontProcess
from safepassage.model.settings.scenario import InvalidScenario, load

DAYS = [{"day": "2024-07-01", "distance_km": 12.0}, {"day": "2024-08-01", "distance_km": 6.0}]
MOVES = {"front.distances": DAYS, "front.process": {}}
SHORT = {"run.duration_h": 0.5, "run.step_s": 900}
DATA = os.environ.get("SAFEPASSAGE_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="SAFEPASSAGE_DATA names no folder with the front series")


def ways(process, n_weeks, n, is_pushing=False, speed=np.nan):
    """Return the ways of n fronts, week by week."""
    u = np.random.default_rng(1).random((n_weeks, N_DRAWS, n))
    return way_km(process, u, Pace(np.full(n, is_pushing), np.full(n, speed)))


def test_a_front_goes_as_given_until_the_start_and_from_there_on_without_a_gap():
    time_s, km = np.array([-60.0, -30.0, 30.0]) * 86400, np.array([20.0, 14.0, 2.0])
    times, found = moved_by_chance(FrontProcess(), 1, time_s, km, 4 * WEEK_S)
    np.testing.assert_allclose(np.interp([-60 * 86400, -45 * 86400, 0], times, found), [20, 17, 8])
    assert times[-1] == 4 * WEEK_S and (np.diff(times) > 0).all()


def test_a_front_that_cannot_leap_or_push_stands_still():
    still = FrontProcess(stand_d=1e9, leaps_per_year=0, falls_back_per_year=0)
    assert (ways(still, 10, 50) == 0).all()


def test_a_push_goes_on_at_its_speed_in_the_mean_and_leaps_are_as_many_as_stated():
    push = FrontProcess(push_d=1e9, leaps_per_year=0, falls_back_per_year=0)
    assert ways(push, 8, 4000, is_pushing=True, speed=1.5)[-1].mean() == pytest.approx(12.0, rel=0.03)
    leaps = FrontProcess(stand_d=1e9, leaps_per_year=2, leap_least_km=3, leap_more_km=1, falls_back_per_year=0)
    assert ways(leaps, 52, 2000)[-1].mean() == pytest.approx(2 * 4 * 364 / 365.25, rel=0.05)
    back = FrontProcess(stand_d=1e9, leaps_per_year=0, falls_back_per_year=2, fall_back_km=1)
    assert ways(back, 52, 2000)[-1].mean() == pytest.approx(-2 * 364 / 365.25, rel=0.08)


def test_a_front_is_in_a_push_if_it_has_made_way_within_four_weeks():
    assert pace_of(np.array([3.0, 0, 0, 0, 0]))[0] is False
    assert pace_of(np.array([0, 2.0, 0, 0, 0])) == (True, 0.5)


def test_a_leap_before_the_start_is_no_push():
    at_s, km = WEEK_S * np.arange(-5.0, 1.0), np.array([20.0, 20, 20, 14, 14, 14])
    for_ever = FrontProcess(stand_d=1e9, push_d=1e9, leaps_per_year=0, falls_back_per_year=0)
    assert moved_by_chance(for_ever, 1, at_s, km, 8 * WEEK_S)[1][-1] == 14


def test_the_fit_finds_the_numbers_by_which_fronts_were_made():
    """Pushes and stands come out longer by a fifth: two pushes less than four weeks apart count as one."""
    stated = FrontProcess(stand_d=140, push_d=56, week_shape=2, leaps_per_year=0, falls_back_per_year=0)
    made = ways(stated, 400, 40)
    series = {str(k): 1000.0 - np.concatenate(([0.0], made[:, k])) for k in range(40)}
    found = front_process.fitted(series)
    assert found.speed_km_d == pytest.approx(stated.speed_km_d, rel=0.15)
    assert found.push_d == pytest.approx(1.2 * stated.push_d, rel=0.1)
    assert found.stand_d == pytest.approx(1.2 * stated.stand_d, rel=0.1)
    assert found.week_shape == pytest.approx(stated.week_shape, rel=0.3)


def test_the_front_is_the_same_under_every_plan_and_another_for_another_seed():
    at_s = np.linspace(0, 30 * 86400, 7)
    told = []
    for seed in (1, 2):
        keys = MOVES | SHORT | {"run.seed": seed, "run.duration_h": 720.0}
        pair = [
            EvacuationModel(load("tiny_town", keys, plan=plan)).surroundings.front for plan in (None, "order_at_once")
        ]
        one, other = ([front.distance_km(np.zeros(1), np.zeros(1), t)[0] for t in at_s] for front in pair)
        assert one == other
        told.append(tuple(one))
    assert told[0][0] == told[1][0] and told[0] != told[1]


def test_without_a_process_nothing_of_a_run_changes_and_with_one_the_report_says_so():
    plain, drawn = (EvacuationModel("tiny_town", **SHORT, **keys).report() for keys in ({}, MOVES))
    assert not any("drawn for this run" in line for line in plain)
    assert any("at 6.0 km from the reference point at the start" in line for line in drawn)


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ({"process": {}}, "process moves a front given by its distance"),
        ({"distances": DAYS, "process": {}, "branches": [{"name": "a"}]}, "give one of them"),
        ({"distances": DAYS, "process": {"push_d": 3}}, "greater than or equal to 7"),
    ],
)
def test_processes_that_cannot_be_meant_are_refused(front, message):
    with pytest.raises(InvalidScenario, match=message):
        load("tiny_town", {"front": front})


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Return a comparison over a front that moves by chance, and its folder."""
    folder = tmp_path_factory.mktemp("compared")
    changes = SHORT | MOVES
    return compare(
        "tiny_town", ["order_at_once"], out=folder, executor=InThisProcess(), replications=9, changes=changes
    ), folder


def test_a_comparison_tells_in_which_futures_of_the_front_a_plan_helps(compared):
    found, folder = compared
    told = futures(found)
    assert [one.words for one in told] == list(THIRDS) and [one.n for one in told] == [3, 3, 3]
    assert told[0].front_at_end_km <= told[1].front_at_end_km <= told[2].front_at_end_km
    means = [one.out["order_at_once"].mean for one in told]
    safe = {plan: found.values(plan, "safe").mean() for plan in found.plans}
    assert np.mean(means) == pytest.approx(safe["order_at_once"] - safe["baseline"])
    html = report(folder, folder / "page.html").read_text()
    assert "In which futures of the front it helps" in html and THIRDS[0] in html
    assert "The order comes a quarter of an hour earlier" in html


def test_futures_of_branches_are_told_by_name(compared, tmp_path):
    branches = [{"name": "slow", "advance_factor": 0.0}, {"name": "fast", "advance_factor": 3.0}]
    changes = SHORT | {"front.distances": DAYS, "front.branches": branches}
    found = compare(
        "tiny_town", ["order_at_once"], out=tmp_path, executor=InThisProcess(), replications=8, changes=changes
    )
    front = Front.model_validate({"distances": DAYS, "branches": branches})
    names = [branch_of(front, seed).name for seed in found.frame["seed"].unique()]
    assert {one.words: one.n for one in futures(found)} == {name: names.count(name) for name in ("slow", "fast")}


@needs_data
def test_the_numbers_of_the_process_are_those_fitted_to_eight_towns():
    series = front_process.weekly_distances(Path(DATA) / "conflict")
    found, stated = front_process.fitted(series).model_dump(), FrontProcess().model_dump()
    assert len(series) == 8
    assert found == pytest.approx(stated, rel=0.02)


@needs_data
def test_each_town_lies_in_the_band_of_the_process_fitted_to_the_other_seven():
    told = front_process.foretold(front_process.weekly_distances(Path(DATA) / "conflict"))
    within = told.groupby("town").is_within.mean()
    assert 0.88 < told.is_within.mean() < 0.95 and within.size == 8
    assert within.min() > 0.85


def test_the_fit_says_where_it_looked_for_the_series(tmp_path):
    found = CliRunner().invoke(app, ["fit-front", str(tmp_path)])
    assert found.exit_code != 0 and "front_distance_daily.csv" in str(found.output) + str(found.exception)
