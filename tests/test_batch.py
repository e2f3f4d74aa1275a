import mesa
import pytest
from studies import KEYS

from safepassage.agents.civilians import Status
from safepassage.experiments.questions.refusal import Refused
from safepassage.experiments.runs.executors import local
from safepassage.experiments.sweeps.batch import RunsFailed, run_batch
from safepassage.experiments.sweeps.study_folder import open_study
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load

SHORT = KEYS["overrides"]


@pytest.fixture(scope="module")
def executor():
    with local(2) as workers:
        yield workers


def test_a_batch_has_a_row_for_each_scenario_factor_and_seed(executor):
    towns = [load("tiny_town", SHORT), load("tiny_town", {**SHORT, "shelling.sources": []})]
    table = run_batch(towns, [3, 5], factors={"harm.casualty_scale": [1.0, 4.0]}, executor=executor)
    assert len(table) == 8 and table.key.is_unique
    assert table.seed.tolist() == [3, 5] * 4 and table.replication.tolist() == [0, 1] * 4
    assert table["harm.casualty_scale"].tolist() == [1.0, 1.0, 4.0, 4.0] * 2
    assert (table[table.point >= 2].dead == 0).all() and table.dead.sum() > 0


def test_a_row_is_what_the_model_gives_by_itself(executor):
    table = run_batch(load("tiny_town", SHORT), [7], outcomes=["dead", "injured_light"], executor=executor)
    model = EvacuationModel("tiny_town", rng=7, **SHORT).run()
    assert table.dead[0] == (model.people.status == 7).sum() and table.injured_light[0] > 0
    assert list(table)[-2:] == ["dead", "injured_light"]


def test_a_folder_keeps_a_dataset_and_runs_nothing_twice(executor, tmp_path):
    town = load("tiny_town", SHORT)
    first = run_batch(town, [1, 2], out=tmp_path / "out", executor=executor, tables=["timeseries"])
    written = open_study(tmp_path / "out").timings().set_index("key")
    more = run_batch(town, [1, 2, 3], out=tmp_path / "out", executor=executor, tables=["timeseries"])
    again = open_study(tmp_path / "out").timings().set_index("key")
    assert len(more) == 3 and more[:2].equals(first)
    assert (again.loc[written.index] == written).all().all()
    series = open_study(tmp_path / "out").table("timeseries")
    assert series.groupby("replication").size().tolist() == [3, 3, 3] and {"time_s", "n_home"} <= set(series)


def test_a_run_that_fails_is_told_with_its_command(executor):
    with pytest.raises(RunsFailed) as failed:
        run_batch("tiny_town", [4], factors={"streets.exits": [[{"node": "12345"}]]}, executor=executor)
    message = str(failed.value)
    assert "Traceback" in message and "12345" in message
    assert "safepassage run tiny_town --set 'streets.exits=[{" in message and "--seed 4" in message


def test_what_was_overridden_in_a_scenario_is_in_the_command(executor):
    town = load("tiny_town", {**SHORT, "streets.exits": [{"node": "12345"}]})
    with pytest.raises(RunsFailed, match=r"--set run.duration_h=0.1 --set run.step_s=60"):
        run_batch(town, [4], executor=executor)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 1]}, "each of them once"),
        ({"seeds": [1], "factors": {"orders.0.compliance": []}}, "has no values"),
        ({"seeds": [1], "factors": {"orders.0.compliance": [2.0]}}, "less than or equal to 1"),
        ({"seeds": [1], "outcomes": ["happiness"], "factors": {"run.duration_h": [0.1]}}, "no outcome 'happiness'"),
    ],
)
def test_mistakes_are_one_clear_message(executor, arguments, message):
    with pytest.raises(ScenarioError, match=message):
        run_batch("tiny_town", executor=executor, **arguments)


def test_a_batch_over_places_of_harm_is_refused():
    with pytest.raises(Refused):
        run_batch("tiny_town", [1], factors={"damage.dated_losses": [[{"at_h": 0, "name": n}] for n in "AB"]})


@pytest.mark.skipif(not hasattr(mesa, "batch_run"), reason="this Mesa has no batch_run")
def test_mesa_can_run_a_batch_over_scenario_keys():
    rows = mesa.batch_run(
        EvacuationModel,
        parameters={"run.duration_h": [0.6], "orders.0.compliance": [0.2, 0.9]},
        max_steps=40,
        number_processes=1,
        display_progress=False,
    )
    last = {row["orders.0.compliance"]: row["home"] for row in rows}
    assert last[0.9] < last[0.2]


@pytest.mark.skipif(not hasattr(mesa, "batch_run"), reason="this Mesa has no batch_run")
def test_each_iteration_of_mesas_batch_has_a_seed_of_its_own_and_its_row_is_of_the_end_of_the_run():
    steps = {"scenario": "tiny_town", "run.step_s": 3600}
    rows = mesa.batch_run(EvacuationModel, parameters=steps, iterations=3, max_steps=10, display_progress=False)
    alone = [EvacuationModel("tiny_town", rng=seed, **{"run.step_s": 3600}).run() for seed in (1, 2, 3)]
    assert [row["safe"] for row in rows] == [model.recorder.n_by_status[Status.SAFE] for model in alone]
    assert len({row["safe"] for row in rows}) == 3


@pytest.mark.skipif(not hasattr(mesa, "batch_run"), reason="this Mesa has no batch_run")
def test_iterations_of_mesas_batch_that_would_repeat_a_seed_are_refused():
    given = {"run.duration_h": 0.05, "run.seed": [4, 5]}
    with pytest.raises(ValueError, match="iteration 1 would repeat seed 4, which a parameter gives"):
        mesa.batch_run(EvacuationModel, parameters=given, iterations=2, display_progress=False)
    rows = mesa.batch_run(EvacuationModel, parameters=given, display_progress=False)
    assert [row["run.seed"] for row in rows] == [4, 5]


@pytest.mark.skipif(not hasattr(mesa, "batch_run"), reason="this Mesa has no batch_run")
def test_mesa_gives_the_same_rows_with_two_processes_as_with_one():
    def rows(n):
        found = mesa.batch_run(
            EvacuationModel,
            parameters={"run.duration_h": 0.1, "orders.0.compliance": [0.2, 0.9]},
            iterations=1,
            number_processes=n,
            display_progress=False,
        )
        return sorted(({k: v for k, v in row.items() if k != "RunId"} for row in found), key=str)

    assert rows(2) == rows(1)
