import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from safepassage.agents.civilians import Status
from safepassage.experiments.outcomes.over_time import hours_or_dates
from safepassage.experiments.questions import compare as question
from safepassage.experiments.questions.compare import BASELINE, compare, open_comparison, plans_of
from safepassage.experiments.questions.paired import difference, unpaired_replications
from safepassage.experiments.reports.comparison_pictures import PICTURES
from safepassage.experiments.reports.differences import signed
from safepassage.experiments.runs import run
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError

EARLY = "name: early\ntitle: At once\norders:\n  - {issued_h: 0, compliance: 0.95}\n"
SAME = "name: same\ntitle: As it is\norders:\n  - {issued_h: 0.25, compliance: 0.8}\n"
CHANGES = {"run.duration_h": 1.0, "run.step_s": 300}


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    (folder / "early.yaml").write_text(EARLY)
    (folder / "same.yaml").write_text(SAME)
    return [str(folder / "early.yaml"), str(folder / "same.yaml")]


@pytest.fixture(scope="module")
def finished(plans, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    found = compare("tiny_town", plans, out=out, executor=InThisProcess(), replications=6, changes=CHANGES)
    return found, out


def test_a_plan_that_changes_nothing_differs_in_nothing_bit_for_bit(finished):
    found, _ = finished
    for outcome in found.all_outcomes():
        ours, theirs = found.values("same", outcome.name), found.values(BASELINE, outcome.name)
        np.testing.assert_array_equal(ours, theirs)


def test_the_runs_are_those_of_the_model_by_itself(finished, plans):
    found, _ = finished
    scenario = plans_of("tiny_town", plans, CHANGES)["early"]
    model = EvacuationModel(scenario, rng=scenario.run.seed + 2).run()
    assert found.values("early", "safe")[2] == model.recorder.n_by_status[Status.SAFE]


def test_an_earlier_order_gets_more_people_out_and_the_interval_says_so(finished):
    found, _ = finished
    one = found.difference(found.outcomes[0], "early")
    assert one.low > 0
    assert one.p_better == 1


LATER = "name: later\ntitle: A second order\norders:\n  - {issued_h: 0.25, compliance: 0.8}\n"
LATER += "  - {issued_h: 1.5, compliance: 1.0}\n"


@pytest.mark.parametrize("pays", [True, False])
def test_plans_that_differ_only_later_begin_from_the_baseline_and_find_what_whole_runs_find(
    pays, tmp_path, monkeypatch
):
    (tmp_path / "later.yaml").write_text(LATER)
    (tmp_path / "early.yaml").write_text(EARLY)
    plans, changes = [str(tmp_path / f"{name}.yaml") for name in ("later", "early")], {"run.duration_h": 2.5}
    n_branched, from_state = [], EvacuationModel.from_state

    def counted(path, *, plan, rules):
        n_branched.append((plan.plan, path.is_file()))
        return from_state(path, plan=plan, rules=rules)

    def frame(name):
        with InThisProcess() as executor:
            return compare(
                "tiny_town", plans, out=tmp_path / name, executor=executor, replications=2, changes=changes
            ).frame

    monkeypatch.setattr(EvacuationModel, "from_state", counted)
    monkeypatch.setattr(run, "READ_IN_SAVES", 0.0 if pays else np.inf)
    shared = frame("shared")
    assert n_branched == ([("later", True)] * 2 if pays else [])
    assert not (tmp_path / "shared" / "pasts").exists()
    monkeypatch.setattr(question, "common_until_s", lambda one, other: 0.0)
    n_branched.clear()
    pd.testing.assert_frame_equal(shared, frame("whole"))
    assert n_branched == [] and (shared["plan"] == "later").sum() == 2


def test_left_behind_and_out_and_dead_are_everybody(finished):
    found, _ = finished
    frame = found.frame
    assert (frame["safe"] + frame["left_behind"] + frame["dead"] == frame["residents"]).all()


def test_a_comparison_read_back_says_the_same(finished):
    found, out = finished
    pd.testing.assert_frame_equal(open_comparison(out).differences(), found.differences())


def test_more_replications_run_only_what_is_missing(finished, plans):
    found, out = finished
    executor = InThisProcess()
    seen = []
    executor_submit = executor.submit
    executor.submit = lambda *call: (seen.append(call[1]), executor_submit(*call))
    more = compare("tiny_town", plans, out=out, executor=executor, replications=7, changes=CHANGES)
    assert len(seen) == 3
    assert len(more.frame) == 21
    assert (more.values("early", "safe")[:6] == found.values("early", "safe")).all()


def test_another_comparison_in_the_same_folder_is_refused(finished, plans):
    _, out = finished
    with pytest.raises(ScenarioError, match="another study"):
        compare("tiny_town", plans[:1], out=out, executor=InThisProcess(), replications=9, changes=CHANGES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"plans": []}, "name one plan or more"),
        ({"plans": ["nowhere"]}, "there is no such plan"),
        ({"replications": 1}, "2 or more"),
    ],
)
def test_mistakes_are_told_before_anything_runs(wrong, message, plans, tmp_path):
    asked = {"plans": plans, "replications": 2, **wrong}
    with pytest.raises(ScenarioError, match=message):
        compare("tiny_town", asked.pop("plans"), out=tmp_path / "out", executor=None, changes=CHANGES, **asked)
    assert not (tmp_path / "out").exists()


def test_two_plans_of_one_name_are_refused(plans):
    with pytest.raises(ScenarioError, match="two plans named 'early'"):
        plans_of("tiny_town", [plans[0], plans[0]], CHANGES)


def test_few_replications_are_warned_of(finished):
    found, out = finished
    assert any("50 or more" in note for note in found.warnings())
    assert any("50 or more" in note for note in json.loads((out / "comparison.json").read_text())["warnings"])


def test_every_picture_can_be_drawn(finished):
    found, _ = finished
    for draw in PICTURES.values():
        assert draw(found).axes


def test_the_interval_is_the_paired_t_interval():
    rng = np.random.default_rng(1)
    base = rng.normal(100, 20, 40)
    plan = base + rng.normal(3, 1, 40)
    found = difference(plan, base, more_is_better=True)
    expected = stats.ttest_rel(plan, base).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.interval == "paired t"


def test_the_interval_holds_the_true_difference_nineteen_times_in_twenty():
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(400):
        base = rng.normal(0, 5, 20)
        found = difference(base + rng.normal(1, 2, 20), base, more_is_better=True)
        hits += found.low <= 1 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_skewed_differences_get_a_bootstrap_interval():
    change = np.r_[np.zeros(28), 30.0, 40.0]
    found = difference(change, np.zeros(30), more_is_better=False)
    assert found.interval == "bootstrap"
    assert found.low >= 0


def test_an_unpaired_comparison_needs_the_runs_that_the_variances_say():
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 10, 4000)
    plan, base = shared + rng.normal(0, 1, 4000), shared + rng.normal(0, 1, 4000)
    assert unpaired_replications(plan, base) == pytest.approx(4000 * (2 * 101) / 2, rel=0.1)


def test_times_that_were_not_reached_are_left_out_in_pairs():
    found = difference(np.array([1.0, np.nan, 3.0, 4.0]), np.array([2.0, 2.0, np.nan, 5.0]), more_is_better=False)
    assert found.n_pairs == 2
    assert found.mean == -1


def test_moments_are_hours_of_a_day_and_midnights_of_a_siege():
    start = pd.Timestamp("2024-08-01T06:00")
    assert hours_or_dates(start, 4) == (3600.0, 7200.0, 10800.0)
    days = hours_or_dates(start, 24 * 31)
    assert len(days) <= 7
    assert all((6 * 3600 + at) % 86400 == 0 for at in days)


def test_differences_are_written_with_their_sign():
    assert [signed(value) for value in (0.0, 12.34, -1234.6, 0.001)] == ["0", "+12", "\N{MINUS SIGN}1,235", "0"]


def test_a_comparison_killed_half_way_goes_on_where_it_stopped(plans, tmp_path, finished):
    class Killed(InThisProcess):
        n_left = 5

        def submit(self, function, tag, item):
            self.n_left -= 1
            if self.n_left < 0:
                raise KeyboardInterrupt
            super().submit(function, tag, item)

    asked = {"out": tmp_path / "out", "replications": 6, "changes": CHANGES}
    with pytest.raises(KeyboardInterrupt):
        compare("tiny_town", plans, executor=Killed(), **asked)
    assert not (tmp_path / "out" / "comparison.json").exists()
    n_kept = len(list((tmp_path / "out").glob("runs/*/*.json")))
    executor, seen = InThisProcess(), []
    submit = executor.submit
    executor.submit = lambda *call: (seen.append(1), submit(*call))
    again = compare("tiny_town", plans, executor=executor, **asked)
    assert n_kept >= 5 and len(seen) == 18 - n_kept
    whole = finished[0].frame[finished[0].frame["replication"] < 6]
    pd.testing.assert_frame_equal(again.frame, whole)
