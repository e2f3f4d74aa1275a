"""An uncertain front: branches drawn by the seed alone, and how the front moves on each."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.branches import branch_of, moved
from safepassage.model.settings.front import Front, FrontBranch
from safepassage.model.settings.scenario import InvalidScenario, load

DAYS = [{"day": f"2024-08-0{1 + k}", "distance_km": 12.0 - 2 * k} for k in range(4)]
THREE = [{"name": "as reported", "weight": 2}, {"name": "fast", "advance_factor": 2}, {"name": "stalls", "delay_d": 1}]
DAY_S = 86400.0
FRONT = Front.model_validate({"distances": DAYS, "branches": THREE})


def test_branches_are_drawn_as_often_as_their_weights_say():
    names = [branch_of(FRONT, seed).name for seed in range(2000)]
    shares = {name: names.count(name) / 2000 for name in set(names)}
    assert shares == pytest.approx({"as reported": 0.5, "fast": 0.25, "stalls": 0.25}, abs=0.03)


def test_a_front_on_a_branch_waits_and_then_makes_so_much_more_way():
    time_s, km = np.array([-2.0, -1.0, 1.0, 2.0]) * DAY_S, np.array([14.0, 13.0, 11.0, 9.0])
    times, found = moved(FrontBranch(name="x", advance_factor=2, delay_d=0.5), time_s, km)
    np.testing.assert_allclose(times / DAY_S, [-2, -1, 0, 0.5, 1.5, 2.5])
    np.testing.assert_allclose(found, [14, 13, 12, 12, 10, 6])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 30), min_size=2, max_size=8), st.floats(0, 4), st.floats(0, 4), st.floats(0, 9))
def test_a_front_that_comes_nearer_comes_no_less_near_on_a_faster_branch(steps, slow, fast, delay_d):
    km, time_s = np.sort(steps)[::-1], (np.arange(len(steps)) - 1.0) * DAY_S
    slow, fast = sorted((slow, fast))
    at_s = np.linspace(0.0, time_s[-1], 20)
    found = [
        np.interp(at_s, *moved(FrontBranch(name="x", advance_factor=f, delay_d=d), time_s, km))
        for f, d in ((fast, 0.0), (slow, 0.0), (slow, delay_d))
    ]
    assert (found[0] <= found[1] + 1e-9).all() and (found[1] <= found[2] + 1e-9).all()


def test_the_branch_is_the_same_under_every_plan_and_the_report_names_it():
    keys = {"front.distances": DAYS, "front.branches": THREE, "run.duration_h": 1, "run.step_s": 1800}
    told = []
    for seed in (1, 2, 3):
        pair = [
            EvacuationModel(load("tiny_town", keys | {"run.seed": seed}, plan=plan)) for plan in (None, "order_at_once")
        ]
        one, other = ([line for line in model.report() if "takes the branch" in line] for model in pair)
        assert one == other and len(one) == 1
        at_s = [model.surroundings.front.distance_km(np.zeros(1), np.zeros(1), DAY_S)[0] for model in pair]
        assert at_s[0] == at_s[1]
        told += one
    named = EvacuationModel(load("tiny_town", keys | {"front.branch": "fast"}))
    assert any("takes the branch 'fast'" in line for line in named.report()) and len(set(told)) > 1


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ({"distances": DAYS, "branches": [{"name": "a"}, {"name": "a"}]}, "'a' is the name of two"),
        ({"distances": DAYS, "branches": THREE, "branch": "slow"}, "there is no such branch; there are as reported"),
        ({"branches": THREE}, "branches move a front given by its distance"),
        ({"distances": DAYS, "branches": [{"name": "a", "weight": 0}]}, "greater than 0"),
    ],
)
def test_branches_that_cannot_be_meant_are_refused(front, message):
    with pytest.raises(InvalidScenario, match=message):
        load("tiny_town", {"front": front})
