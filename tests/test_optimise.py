import json

import numpy as np
import pandas as pd
import pytest
import yaml

from safepassage.experiments.questions import optimise as question
from safepassage.experiments.questions.choices import changes_of
from safepassage.experiments.questions.optimise import Budget, load_optimisation, optimise
from safepassage.experiments.questions.pareto import is_pareto
from safepassage.experiments.questions.refusal import Refused
from safepassage.experiments.reports.fitted_pictures import pareto_picture
from safepassage.experiments.runs import run
from safepassage.experiments.runs.kept_runs import InThisProcess
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load

pytest.importorskip("optuna", reason="searches need Optuna, the extra `study`")

KEYS = {
    "name": "orders",
    "scenario": "tiny_town",
    "overrides": {"run.duration_h": 1.0, "run.step_s": 300, "behaviour.preparation_median_s": 600},
    "levers": {"orders.0.issued_h": {"range": [0, 0.9]}},
    "objectives": {"safe": "maximise"},
    "replications": 2,
    "n_trials": 8,
}


def write(folder, **changes):
    path = folder / "search.yaml"
    path.write_text(yaml.safe_dump({**KEYS, **changes}, sort_keys=False))
    return path


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    return optimise(load_optimisation(write(folder)), out=folder / "out", executor=InThisProcess()), folder / "out"


def test_a_search_finds_that_earlier_orders_get_more_people_out(searched):
    found, _ = searched
    trials = found.trials[found.trials["trial"] >= 0]
    best = trials.loc[trials["safe"].idxmax(), "orders.0.issued_h"]
    assert best == trials["orders.0.issued_h"].min()
    assert len(trials) == 8


def test_beside_the_best_plan_stands_what_the_best_routes_could_add(searched):
    found, folder = searched
    room = found.headroom
    assert 0 < room.n_out <= room.n_most <= room.n_cars
    assert f"at most {room.n_most - room.n_out:,} more could be out" in found.warnings()[0]
    assert json.loads((folder / "optimisation.json").read_text())["headroom"]["n_most"] == room.n_most


def test_no_plan_is_tried_in_which_levers_that_share_a_budget_add_up_to_more(tmp_path):
    orders = [{"issued_h": 0.25, "zones": ["1"]}, {"issued_h": 0.25, "zones": ["2"]}]
    levers = {f"orders.{k}.issued_h": {"range": [0, 0.9]} for k in range(2)}
    budget = {"levers": list(levers), "at_most": 0.8}
    changes = {"overrides": {**KEYS["overrides"], "orders": orders}, "levers": levers, "replications": 1, "n_trials": 4}
    wanted = load_optimisation(write(tmp_path, **changes, budgets=[budget]))
    trials = optimise(wanted, out=tmp_path / "out", executor=InThisProcess()).trials
    sums = trials.loc[trials["trial"] >= 0, list(levers)].sum(axis=1)
    assert len(sums) == 4 and (sums <= 0.8).all()
    assert not Budget(levers=tuple(levers), at_most=0.8).allows(dict.fromkeys(levers, 0.5))


def test_a_search_put_together_without_a_file_is_refused_as_well(tmp_path):
    wanted = load_optimisation(write(tmp_path))
    for changes in ({"objectives": {"dead": "maximise"}}, {"levers": {"harm.casualty_scale": wanted.levers}}):
        with pytest.raises(Refused):
            optimise(wanted.model_copy(update=changes), out=tmp_path / "out", executor=None)
    assert not (tmp_path / "out").exists()


def test_a_search_that_goes_on_runs_only_new_trials_and_ends_as_if_never_stopped(tmp_path):
    whole = optimise(load_optimisation(write(tmp_path, n_trials=5)), out=tmp_path / "whole", executor=InThisProcess())
    optimise(load_optimisation(write(tmp_path, n_trials=3)), out=tmp_path / "parts", executor=InThisProcess())
    parts = optimise(load_optimisation(write(tmp_path, n_trials=5)), out=tmp_path / "parts", executor=InThisProcess())
    pd.testing.assert_frame_equal(parts.trials, whole.trials)


def test_trials_begin_from_the_state_of_the_unchanged_scenario_and_find_what_whole_runs_find(tmp_path, monkeypatch):
    levers = {"orders.1.issued_h": {"range": [1.0, 1.8]}, "orders.1.compliance": {"range": [0.0, 1.0]}}
    changes = {
        "levers": levers, "n_trials": 2,
        "overrides": {
            "run.duration_h": 2.5,
            "orders": [{"issued_h": 0.25, "compliance": 0.4}, {"issued_h": 1.5, "compliance": 0.9}],
        },
    }  # fmt: skip
    n_branched, from_state = [], EvacuationModel.from_state
    monkeypatch.setattr(run, "READ_IN_SAVES", 0.0)

    def counted(path, *, plan, rules):
        n_branched.append(path.name)
        return from_state(path, plan=plan, rules=rules)

    monkeypatch.setattr(EvacuationModel, "from_state", counted)
    wanted = load_optimisation(write(tmp_path, **changes))
    shared = optimise(wanted, out=tmp_path / "shared", executor=InThisProcess())
    assert len(n_branched) == 2 * wanted.replications
    monkeypatch.setattr(question, "common_until_s", lambda one, other: 0.0)
    whole = optimise(wanted, out=tmp_path / "whole", executor=InThisProcess())
    pd.testing.assert_frame_equal(shared.trials, whole.trials)
    assert len(n_branched) == 2 * wanted.replications


def test_several_aims_give_plans_that_compare_can_take(tmp_path):
    changes = {
        "levers": {**KEYS["levers"], "behaviour.channels.siren.reach": {"range": [0, 1]}},
        "objectives": {"safe": "maximise", "p95.casualties": "minimise", "cost": "minimise"},
        "cost": {"behaviour.channels.siren.reach": 10},
        "futures": {"shelling.sources.0.events_per_day": {"range": [50, 500]}},
        "n_futures": 2,
        "replications": 1,
        "n_trials": 4,
    }
    found = optimise(load_optimisation(write(tmp_path, **changes)), out=tmp_path / "out", executor=InThisProcess())
    trial = found.pareto.iloc[0]
    assert trial["cost"] == pytest.approx(10 * trial["behaviour.channels.siren.reach"])
    plan = load("tiny_town", plan=tmp_path / "out" / "plans" / f"orders_{trial['trial']}.yaml")
    assert plan.orders[0].issued_h == pytest.approx(trial["orders.0.issued_h"])
    assert plan.orders[0].compliance == load("tiny_town").orders[0].compliance
    assert plan.behaviour.channels.siren.reach == pytest.approx(trial["behaviour.channels.siren.reach"])


def test_a_trial_is_beaten_only_by_one_at_least_as_good_in_every_aim():
    frame = pd.DataFrame({"trial": range(4), "out": [10.0, 12.0, 12.0, 9.0], "hurt": [1.0, 3.0, 2.0, 1.0]})
    found = is_pareto(frame, {"out": "maximise", "hurt": "minimise"})
    np.testing.assert_array_equal(found, [True, False, True, False])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": {"casualties": "maximise"}}, "search for more harm"),
        ({"objectives": {"p95.dead": "maximise"}}, "search for more harm"),
        ({"objectives": {"safe": "minimise"}}, "fewer people out of danger"),
        ({"levers": {"shelling.sources.0.events_per_day": {"range": [1, 9]}}}, "over a hazard is refused"),
        ({"levers": {"behaviour.p_destination": {"range": [0, 1]}}}, "only what protects people"),
        ({"levers": {"harm.casualty_scale": {"range": [1, 9]}}}, "over a hazard is refused"),
    ],
)
def test_a_search_for_harm_or_over_a_hazard_is_refused(changes, message, tmp_path):
    with pytest.raises(Refused, match=message):
        load_optimisation(write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levers": {"orders.7.issued_h": {"range": [0, 1]}}}, "there is no entry 7"),
        ({"levers": {"orders.0.issued_h": {"range": [1, 0]}}}, "is empty"),
        ({"objectives": {"cost": "minimise"}}, "cost needs prices"),
        ({"n_futures": 3}, "n_futures needs futures"),
        ({"n_trials": 10**7}, "n_trials"),
        ({"budgets": [{"levers": ["curfew.windows"], "at_most": 1}]}, "curfew.windows is not among the levers"),
        ({"budgets": [{"levers": ["orders.0.issued_h"], "at_most": -1}]}, "add up to 0 at least, at_most is -1"),
    ],
)
def test_each_mistake_in_a_search_is_told(changes, message, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        load_optimisation(write(tmp_path, **changes))


def test_a_misspelt_aim_is_told_before_anything_is_run(tmp_path):
    with pytest.raises(ScenarioError, match="Did you mean casualties"):
        load_optimisation(write(tmp_path, objectives={"casualtys": "minimise"}))


def test_an_aim_of_a_group_that_has_no_members_is_told(tmp_path):
    changes = {
        "objectives": {"left_behind:slow": "minimise"},
        "overrides": {"population.p_slow_65": 0.0, "population.p_slow_under_65": 0.0},
    }
    wanted = load_optimisation(write(tmp_path, **changes))
    with pytest.raises(ScenarioError, match="write an outcome"):
        optimise(wanted, out=tmp_path / "out", executor=InThisProcess())


STREETS = {
    street: {"as it is": {}, "contraflow": {"closures.contraflow": [{"name": street}]}}
    for street in ("Main Street", "Market Street")
}


def test_choices_have_a_planners_names_and_lists_of_several_are_joined(tmp_path):
    changes = {"levers": {}, "choices": STREETS, "cost": {}, "objectives": {"safe": "maximise"}, "n_trials": 6}
    wanted = load_optimisation(write(tmp_path, **changes, replications=1))
    found = optimise(wanted, out=tmp_path / "out", executor=InThisProcess())
    tried = found.trials[found.trials["trial"] >= 0]
    assert set(tried["Main Street"]) == {"as it is", "contraflow"} and len(tried) == 6
    keys = changes_of(wanted.choices, dict.fromkeys(STREETS, "contraflow"))
    assert [one["name"] for one in keys["closures.contraflow"]] == list(STREETS)
    assert changes_of(wanted.choices, dict.fromkeys(STREETS, "as it is")) == {}
    for trial in found.pareto.to_dict("records"):
        plan = load("tiny_town", plan=tmp_path / "out" / "plans" / f"orders_{trial['trial']}.yaml")
        turned = {one.name for one in plan.closures.contraflow}
        assert turned == {street for street in STREETS if trial[street] == "contraflow"}
    assert pareto_picture(found).axes


def test_a_search_over_a_front_that_moves_by_chance_has_the_same_fronts_in_every_trial(tmp_path):
    front = {"front.distances": [{"day": "2024-08-01", "distance_km": 5.0}], "front.process": {}}
    changes = {"overrides": {**KEYS["overrides"], **front}, "objectives": {"p05.safe": "maximise"}, "n_trials": 2}
    found = optimise(load_optimisation(write(tmp_path, **changes)), out=tmp_path / "out", executor=InThisProcess())
    assert len(found.trials) == 3 and found.trials["p05.safe"].gt(0).all()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"one": {"only": {}}}, "give two alternatives or more"),
        ({"a": {"x": {}, "y": {"orders.0.issued_h": 1}}}, "among the levers too"),
        ({"a": {"x": {}, "y": {"damage.crews.n_crews": 1}}, "b": {"x": {}, "y": {"damage.crews.n_crews": 2}}},
         "only lists can be joined"),
        ({"a": {"x": {}, "y": {"shelling.sources": []}}}, "over a hazard is refused"),
        ({"a": {"x": {}, "y": {"population.p_car": 1.0}}}, "only what protects people"),
        ({"a": {"x": {}, "y": {"closures.exits": [{"name": "Nowhere", "from_day": 1}]}}}, "from_day"),
    ],
)  # fmt: skip
def test_choices_that_cannot_be_meant_or_would_do_harm_are_refused(choices, message, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        load_optimisation(write(tmp_path, choices=choices))
