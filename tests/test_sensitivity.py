import numpy as np
import pandas as pd
import pytest

from safepassage.experiments.questions import sensitivity
from safepassage.experiments.questions.robustness import Robustness, robustness
from safepassage.experiments.reports.sampled_pictures import robustness_picture, sensitivity_picture
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.experiments.sweeps import design
from safepassage.experiments.sweeps.study import study_of
from safepassage.model.settings.base import ScenarioError

KEYS = {
    "name": "short",
    "scenario": "tiny_town",
    "overrides": {"run.duration_h": 0.75, "run.step_s": 300},
    "factors": {
        "orders.0.compliance": {"range": [0.2, 1.0]},
        "behaviour.preparation_median_s": {"range": [300, 1200]},
        "behaviour.return_per_day": {"range": [0, 0.001]},
    },
    "replications": 1,
    "design": {"kind": "latin_hypercube", "n": 4},
}
ISHIGAMI = {"first_order": [0.3139, 0.4424, 0.0], "total": [0.5576, 0.4424, 0.2437]}
"""Ishigami & Homma (1990), a = 7, b = 0.1; values as in Saltelli et al. (2008), Global Sensitivity Analysis, 4.2."""


def ishigami(u):
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def final(frame, index):
    last = frame[(frame["n"] == frame["n"].max()) & (frame["index"] == index)]
    return last["value"].to_numpy(), last["half_width"].to_numpy()


def test_sobol_indices_of_the_ishigami_function_are_found():
    study = sensitivity.with_design(study_of(KEYS), "sobol", 2048)
    frame = sensitivity._indices(study, "sobol", ishigami(design.unit_points(study)))
    for index, expected in ISHIGAMI.items():
        np.testing.assert_allclose(final(frame, index)[0], expected, atol=0.03)


def test_intervals_of_sobol_indices_narrow_as_the_design_grows():
    study = sensitivity.with_design(study_of(KEYS), "sobol", 1024)
    frame = sensitivity._indices(study, "sobol", ishigami(design.unit_points(study)))
    width = frame[frame["index"] == "total"].groupby("n")["half_width"].max()
    assert list(width.index) == [32, 64, 128, 256, 512, 1024]
    assert width.iloc[-1] < 0.4 * width.iloc[0]


def test_morris_finds_the_slopes_of_a_plane_exactly():
    study = sensitivity.with_design(study_of(KEYS), "morris", 8)
    frame = sensitivity._indices(study, "morris", design.unit_points(study) @ np.array([3.0, -2.0, 0.0]))
    np.testing.assert_allclose(final(frame, "mu_star")[0], [3, 2, 0], atol=1e-9)
    np.testing.assert_allclose(final(frame, "mu")[0], [3, -2, 0], atol=1e-9)
    np.testing.assert_allclose(final(frame, "sigma")[0], 0, atol=1e-9)


def test_an_outcome_that_never_changes_hangs_on_nothing():
    study = sensitivity.with_design(study_of(KEYS), "sobol", 8)
    frame = sensitivity._indices(study, "sobol", np.full(len(design.unit_points(study)), 5.0))
    assert not frame["value"].any()


@pytest.mark.parametrize(("method", "n", "begins"), [
    ("morris", 2, "Too few to tell: n is 2"), ("morris", 9, "Too few"), ("morris", 12, "Converged"),
    ("sobol", 32, "Too few"),
])  # fmt: skip
def test_convergence_is_claimed_only_from_enough_of_a_design(method, n, begins):
    study = sensitivity.with_design(study_of(KEYS), method, n)
    frame = sensitivity._indices(study, method, design.unit_points(study) @ np.array([3.0, -2.0, 0.0]))
    found = sensitivity.Sensitivity(method, "safe", "people", "T", {}, 1, frame)
    assert found.verdict().startswith(begins)


def test_people_out_hang_on_compliance_and_not_on_returns(tmp_path):
    found = sensitivity.sensitivity(
        study_of(KEYS), "safe", method="morris", out=tmp_path / "out", executor=InThisProcess(), n=4
    )
    ranking = list(found.final().index)
    assert ranking[-1] == "behaviour.return_per_day"
    assert found.final().loc["orders.0.compliance", ("value", "mu")] > 0
    assert sensitivity_picture(found).axes
    written = pd.read_csv(tmp_path / "out" / "sensitivity-morris-safe.csv")
    pd.testing.assert_frame_equal(written, found.indices)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"method": "sobol", "n": 6}, "a power of 2"),
        ({"method": "morris", "n": 1}, "2 or more"),
    ],
)
def test_a_design_that_a_method_cannot_have_is_refused(asked, message, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        sensitivity.sensitivity(study_of(KEYS), "safe", out=tmp_path, executor=None, **asked)


def test_a_misspelt_outcome_is_told_before_anything_is_run(tmp_path):
    with pytest.raises(ScenarioError, match="Did you mean casualties"):
        sensitivity.sensitivity(study_of(KEYS), "casualtys", method="morris", out=tmp_path / "o", executor=None)


def of_values(values, *, more_is_better=True, threshold=10.0):
    return Robustness(
        "safe", "people", more_is_better, "T", {"title": "T"}, tuple(values), pd.DataFrame({"f": range(10)}),
        pd.DataFrame(values), threshold, 1,
    )  # fmt: skip


def test_regret_is_the_shortfall_from_the_best_plan_of_each_future():
    found = of_values({"a": np.arange(10.0), "b": np.full(10, 5.0)})
    np.testing.assert_array_equal(found.regret["a"], [5, 4, 3, 2, 1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.regret["b"], [0, 0, 0, 0, 0, 0, 1, 2, 3, 4])
    assert found.most_robust() == "b"


def test_worst_decile_is_the_mean_of_the_worst_tenth_on_the_bad_side():
    table = of_values({"a": np.arange(10.0), "b": np.full(10, 5.0)}).table().set_index("plan")
    assert table.loc["a", "worst_decile_mean"] == 0
    harm = of_values({"a": np.arange(10.0), "b": np.full(10, 5.0)}, more_is_better=False).table().set_index("plan")
    assert harm.loc["a", "worst_decile_mean"] == 9


def test_good_enough_counts_the_futures_that_reach_the_threshold():
    table = of_values({"a": np.arange(10.0), "b": np.full(10, 5.0)}, threshold=7.0).table().set_index("plan")
    assert table.loc["a", "good_enough_share"] == pytest.approx(0.3)
    assert table.loc["b", "good_enough_share"] == 0


def test_plans_are_weighed_over_the_same_futures(tmp_path):
    plan = tmp_path / "early.yaml"
    plan.write_text("name: early\norders:\n  - {issued_h: 0, compliance: 0.95}\n")
    keys = {
        **KEYS,
        "plans": ["none", str(plan)],
        "factors": {"shelling.sources.0.events_per_day": {"range": [10, 500]}},
    }
    found = robustness(study_of(keys), "safe", out=tmp_path / "out", executor=InThisProcess(), n=5)
    assert found.most_robust() == "early"
    assert (found.regret["early"] == 0).all()
    assert robustness_picture(found).axes


def test_robustness_wants_plans_to_weigh_and_an_outcome_with_a_better_side(tmp_path):
    with pytest.raises(ScenarioError, match="name two or more"):
        robustness(study_of(KEYS), "safe", out=tmp_path, executor=None)
    with pytest.raises(ScenarioError, match="neither more nor less of it is better"):
        robustness(study_of(KEYS), "seats_offered", out=tmp_path, executor=None)
