import numpy as np
import pytest
from scipy import stats
from studies import keys, write_study

from safepassage.experiments.questions.refusal import Refused
from safepassage.experiments.sweeps.design import n_rows, n_runs, points, problem, rows, unit_points
from safepassage.experiments.sweeps.study import Factor, load_study, study_of
from safepassage.model.settings.base import ScenarioError

TWO = {"behaviour.p_destination": {"range": [0.0, 0.2]}, "harm.casualty_scale": {"range": [0.1, 10.0], "log": True}}


def test_a_grid_has_every_combination_and_all_plans():
    study = study_of(
        keys(
            factors={
                "orders.0.compliance": {"list": [0.2, 0.9]},
                "run.duration_h": {"grid": {"low": 1, "high": 3, "n": 3}},
            }
        )
    )
    found = points(study)
    assert n_rows(study) == 6 and n_runs(study) == 18
    assert [tuple(point.factors.values()) for point in found] == [(c, h) for c in (0.2, 0.9) for h in (1.0, 2.0, 3.0)]
    assert found[4].scenario.run.duration_h == 2.0 and found[4].scenario.orders[0].compliance == 0.9
    assert found[4].scenario.run.step_s == 60


def test_a_latin_hypercube_meets_each_slice_of_each_factor_once():
    u = unit_points(study_of(keys(factors=TWO, design={"kind": "latin_hypercube", "n": 20})))
    assert u.shape == (20, 2)
    assert (np.sort((u * 20).astype(int), axis=0) == np.arange(20)[:, None]).all()


def test_a_sobol_design_is_what_salib_analyses():
    sobol = pytest.importorskip("SALib.analyze.sobol")
    factors = {f"factor.{i}": {"range": [0.0, 1.0]} for i in range(2)} | TWO
    study = study_of(keys(factors=TWO, design={"kind": "sobol", "n": 256}))
    u = unit_points(study)
    assert len(u) == n_rows(study) == 256 * 4 and len(factors) == 4
    y = u[:, 0] + 2 * u[:, 1]
    found = sobol.analyze(problem(study), y, calc_second_order=False, seed=1)
    assert found["S1"] == pytest.approx([0.2, 0.8], abs=0.05)


def test_a_morris_design_changes_one_factor_at_a_time():
    pytest.importorskip("SALib")
    study = study_of(keys(factors=TWO, design={"kind": "morris", "n": 5}))
    u = unit_points(study).reshape(5, 3, 2)
    assert ((np.diff(u, axis=1) != 0).sum(axis=2) == 1).all() and n_rows(study) == 15


def test_ranges_and_distributions_follow_their_quantiles():
    assert Factor(range=(0.1, 10.0), log=True).at(0.5) == pytest.approx(1.0)
    assert Factor(range=(2.0, 4.0)).at(0.25) == 2.5
    beta = Factor(distribution="beta", parameters={"a": 2, "b": 18})
    assert beta.at(0.3) == pytest.approx(stats.beta(2, 18).ppf(0.3))
    assert np.isfinite([Factor(distribution="norm").at(u) for u in (0.0, 1.0)]).all()
    assert [Factor(list=("a", "b", "c")).at(u) for u in (0.0, 0.34, 1.0)] == ["a", "b", "c"]
    assert Factor(range=(0.0, 10.0), whole=True).at(0.26) == 3


def test_the_points_of_a_design_depend_on_its_seed_alone():
    def drawn(seed):
        return list(rows(study_of(keys(factors=TWO, design={"kind": "latin_hypercube", "n": 5, "seed": seed}))))

    assert drawn(1) == drawn(1) != drawn(2)


def test_every_point_sees_the_same_seeds():
    assert study_of(keys(replications=3, first_seed=11)).all_seeds == (11, 12, 13)
    assert study_of(keys(seeds=[5, 3])).all_seeds == (5, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": {"harm.casualty_scael": {"list": [1.0]}}}, r"study.yaml:\d+: harm.casualty_scael.*casualty_scale"),
        (
            {"factors": {"harm.casualty_scale": {"list": [-1.0]}}},
            r"study.yaml:\d+: harm.casualty_scale = -1.0.*greater",
        ),
        ({"factors": {"harm.casualty_scale": {"list": []}}}, r"study.yaml:\d+: factors.harm.casualty_scale.list"),
        ({"factors": {"harm.casualty_scale": {"range": [2, 1]}}}, "range from 2 to 1 is empty"),
        ({"factors": {"harm.casualty_scale": {"grid": {"low": 1, "high": 1, "n": 2}}}}, "grid from 1 to 1 is empty"),
        ({"factors": {"harm.casualty_scale": {}}}, "exactly one of grid, list, range and distribution"),
        ({"factors": {"harm.casualty_scale": {"range": [1, 2]}}}, "a grid needs levels"),
        ({"factors": {"harm.casualty_scale": {"distribution": "betta"}}}, "did you mean beta"),
        ({"factors": {"harm.casualty_scale": {"distribution": "beta"}}}, "the parameters of beta are a, b, loc, scale"),
        ({"factors": {"run.seed": {"list": [1]}}}, "run.seed cannot be a factor"),
        ({"replication": 3}, r"study.yaml:\d+: replication = 3: unknown key; did you mean replications"),
        ({"design": {"kind": "sobol"}, "factors": TWO}, "sobol needs n"),
        ({"design": {"kind": "sobol", "n": 100}, "factors": TWO}, "powers of 2"),
        ({"design": "latin_hipercube"}, "latin_hypercube"),
        ({"scenario": None}, "this key is missing"),
        ({"scenario": "tiny_tawn"}, "Did you mean tiny_town"),
        ({"plans": ["nowhere"]}, "there is no such plan"),
        ({"overrides": {"run.duration": 3}}, r"study.yaml:\d+: run.duration = 3"),
        ({"seeds": [1, 1]}, "seed twice"),
        ({"stopping": {"outcome": "safe", "ci_half_width": 1, "min_replications": 9}}, "more than the 3 replications"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_change_to_make(tmp_path, changes, message):
    with pytest.raises(ScenarioError, match=message):
        load_study(write_study(tmp_path, **changes))


def test_a_factor_that_moves_the_place_of_harm_is_refused():
    with pytest.raises(Refused, match="search for targets"):
        study_of(keys(factors={"damage.dated_losses": {"list": [[{"at_h": 1, "name": name}] for name in "AB"]}}))


def test_a_design_beyond_reason_is_refused_with_its_number():
    study = study_of(keys(factors=TWO, design={"kind": "latin_hypercube", "n": 100_000}, replications=100))
    with pytest.raises(ScenarioError, match="10,000,000 runs"):
        points(study)


def test_scenario_and_plan_are_found_beside_the_study_file(tmp_path):
    plan = tmp_path / "late.yaml"
    plan.write_text("name: late\norders: [{issued_h: 2}]\n")
    study = load_study(write_study(tmp_path, plans=["none", "late.yaml"]))
    assert [point.scenario.orders[0].issued_h for point in points(study)] == [0.25, 0.25, 2, 2]
    assert points(study)[2].command(9).startswith(f"safepassage run tiny_town --plan {plan} --set run.duration_h=0.1")
