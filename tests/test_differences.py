"""What a comparison says: no certainty from one pair, times on one denominator, days, and a conclusion in sentences."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from safepassage.experiments.questions.compare import BASELINE, Comparison
from safepassage.experiments.questions.paired import difference, pairs_needed
from safepassage.experiments.reports.answer.language import ENGLISH
from safepassage.experiments.reports.answer.sentences import conclusions
from safepassage.experiments.reports.comparison_pictures import panels_of, reached
from safepassage.experiments.reports.differences import in_natural_unit, told
from safepassage.model.results.outcomes import OUTCOMES, compared
from safepassage.model.settings.scenario import load

PLAN = "early"


def compared_runs(changes=None, **values):
    """Return a comparison of two plans whose outcomes are given: name -> (of the baseline, of the plan)."""
    n = len(next(iter(values.values()))[0])
    rows = {"plan": [BASELINE] * n + [PLAN] * n, "replication": [*range(n), *range(n)], "seed": [*range(n), *range(n)]}
    frame = pd.DataFrame(rows | {name: [*both[0], *both[1]] for name, both in values.items()})
    scenario = load("tiny_town", changes).model_dump(mode="json")
    return Comparison((BASELINE, PLAN), scenario, compared(frame.columns), frame, (), ())


def test_one_pair_has_no_interval_and_is_better_in_no_share_of_the_futures():
    found = difference(np.array([5.0]), np.array([4.0]), more_is_better=True)
    assert np.isnan([found.low, found.high, found.p_better, found.p_equal]).all()
    line = told(compared_runs(safe=([4.0], [5.0])), OUTCOMES["safe"], PLAN)
    assert (line.change, line.interval, line.better, line.same) == ("+1", "", "", "")


def test_a_time_that_three_of_fifty_pairs_reach_is_neither_told_nor_drawn():
    base, plan = np.full(50, np.nan), np.full(50, np.nan)
    base[:3], plan[:3] = 1.0, 0.5
    found = compared_runs({"run.duration_h": 2.0}, safe=(np.zeros(50), np.arange(50.0)), leavers_out90=(base, plan))
    line = told(found, OUTCOMES["leavers_out90"], PLAN)
    assert line.pairs == "50; not reached in 47, 47"
    assert not any((line.baseline_mean, line.plan_mean, line.change, line.interval, line.better, line.same))
    assert [outcome.name for _, outcomes in panels_of(found) for outcome in outcomes] == ["safe"]


def test_times_of_a_share_of_the_residents_count_the_end_of_the_run_where_they_were_not_reached():
    base = np.array([np.nan, 3.0, 2.0, np.nan])
    found = compared_runs({"run.duration_h": 4.0}, out50=(base, np.array([2.0, 2.0, 2.0, np.nan])))
    one = found.difference(OUTCOMES["out50"], PLAN)
    assert (one.n_pairs, one.baseline_mean, one.mean) == (4, (4 + 3 + 2 + 4) / 4, -(2 + 1 + 0 + 0) / 4)
    assert told(found, OUTCOMES["out50"], PLAN).pairs == "4; not reached in 2, 1"
    assert any("the end of the run counts as the time" in note for note in found.warnings())


def test_a_time_that_no_run_reaches_has_no_pairs():
    never = np.full(4, np.nan)
    assert difference(never, never, more_is_better=False, end=4.0).n_pairs == 0


@pytest.mark.parametrize(("hours", "unit", "mean"), [(40.0, "h", "40"), (72.0, "days", "3")])
def test_times_of_more_than_two_days_are_told_in_days(hours, unit, mean):
    found = compared_runs({"run.duration_h": 100.0}, out50=(np.full(3, hours), np.full(3, hours - 6)))
    outcome, one = in_natural_unit(found, OUTCOMES["out50"], PLAN, BASELINE)
    assert outcome.unit == unit
    assert told(found, outcome if unit == "h" else OUTCOMES["out50"], PLAN).baseline_mean == mean
    assert one.mean == pytest.approx(-6 if unit == "h" else -0.25)


def test_the_curve_of_gains_agrees_with_the_share_that_is_better():
    gain = np.array([-2.0, -1.0, 1.0, 3.0, 3.0])
    x, share = reached(gain)
    for at in (-3.0, -2.0, -1.5, 0.0, 1.0, 2.0, 3.0, 4.0):
        shown = share[np.searchsorted(x, at)] if at <= x[-1] else share[-1]  # steps hold to their left
        assert shown == np.mean(gain >= at)


def test_a_conclusion_is_drawn_from_twenty_pairs_and_not_from_nineteen():
    gain = np.arange(20.0) + 100
    runs = {"safe": (np.zeros(20), gain), "casualties": (np.full(20, 9.0), np.full(20, 9.0))}
    (sentence,) = conclusions(compared_runs({"run.duration_h": 2.0}, **runs), ENGLISH)
    low, high = stats.t.interval(0.95, 19, gain.mean(), stats.sem(gain))
    assert f"gets 110 ({low:.0f} to {high:.0f}) more people out" in sentence
    assert "; more people are out in 20 of 20 futures." in sentence
    assert "It does not change how many are hurt or killed." in sentence
    (few,) = conclusions(
        compared_runs(safe=(np.zeros(19), gain[:19]), casualties=(np.zeros(19), np.zeros(19))), ENGLISH
    )
    assert few.startswith("19 pairs of runs are too few for a conclusion: chance alone could turn it. Take 20 or more")


def test_a_plan_that_may_help_or_harm_is_not_said_to_do_either():
    rng = np.random.default_rng(1)
    runs = {"safe": (np.zeros(30), rng.normal(0, 5, 30)), "casualties": (np.zeros(30), rng.normal(0, 5, 30))}
    (sentence,) = conclusions(compared_runs(**runs), ENGLISH)
    assert re.search(r"no clear difference in the people out by 10:00: between \S+ and \S+\.", sentence)
    assert re.search(r"No clear difference in casualties: between \S+ and \S+\.", sentence)
    assert "futures" not in sentence


def test_casualties_are_not_said_to_be_avoided_where_their_spread_takes_more_pairs_than_there_are():
    change = np.r_[np.full(11, -3.0), np.full(9, 1.0)] * 0.875  # mean -1.05: the interval leaves out zero
    found = difference(change, np.zeros(20), more_is_better=False)
    assert found.high < 0 and found.n_needed == np.ceil(8 * change.var(ddof=1) / 1.05**2) > 20
    runs = {"safe": (np.zeros(20), np.full(20, 9.0)), "casualties": (np.full(20, 9.0), 9.0 + change)}
    (sentence,) = conclusions(compared_runs(**runs), ENGLISH)
    assert "avoids" not in sentence and "No clear difference in casualties: between" in sentence
    assert f"which takes {found.n_needed:.0f} pairs to rely on" in sentence


@pytest.mark.parametrize(
    ("change", "n"),
    [
        ([-1.0, 3.0] * 10, np.ceil(8 * 80 / 19)),  # mean 1, variance 80/19, no skewness: Lehr
        ([0.0] * 19 + [20.0], np.ceil(25 * 18**2 / 19)),  # one of n differs: skewness (n - 2) / sqrt(n - 1): Cochran
        ([3.0] * 20, 20.0),
        ([3.0] * 3, 20.0),
        ([-1.0, 1.0], np.inf),
    ],
)
def test_the_pairs_that_a_difference_takes_are_those_of_lehr_and_of_cochran(change, n):
    assert pairs_needed(np.array(change)) == pytest.approx(n)


def test_a_plan_that_loses_people_is_said_to():
    runs = {"safe": (np.full(20, 50.0), np.arange(20.0)), "casualties": (np.zeros(20), np.full(20, 3.0))}
    (sentence,) = conclusions(compared_runs(**runs), ENGLISH)
    assert "fewer people out" in sentence and "It adds 3 (3 to 3) casualties." in sentence
    assert "; fewer people are out in 20 of 20 futures." in sentence


def test_a_difference_that_is_the_same_way_in_every_pair_is_clear_however_skewed():
    change = np.full(20, 72.0)
    change[3] = 80.0
    found = difference(100 + change, np.full(20, 100.0), more_is_better=True)
    assert found.n_needed == 20 and found.is_clear
    change[7] = -1.0
    assert difference(100 + change, np.full(20, 100.0), more_is_better=True).n_needed > 20


def test_a_plan_under_which_as_many_are_out_is_said_to_change_nothing_and_its_cold_is_told():
    same, cold = np.full(20, 9.0), np.linspace(0.12, 0.16, 20)
    runs = {"safe": (same, same), "casualties": (same, same), "cold_casualties_expected": (cold, cold / 2)}
    (sentence,) = conclusions(compared_runs(**runs), ENGLISH)
    assert "Plan early does not change how many people are out by 10:00." in sentence
    assert sentence.endswith("Cold is expected to make 0.07 (0.07 to 0.07) fewer people ill or kill them.")


def test_seats_and_beds_that_no_plan_has_are_no_rows_of_the_table():
    none, some = np.zeros(4), np.arange(4.0)
    found = compared_runs(safe=(none, some), boarded=(none, some), seats_offered=(none, none), without_bed=(none, none))
    assert [outcome.name for outcome in found.all_outcomes()] == ["safe", "boarded"]
