"""Folders received from somebody: what lies in them is read, never run, and never followed out of them."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from processes import LIMIT_S, free_port
from studies import Here, digest, invented, keys, write_study

from safepassage.cli import main as cli
from safepassage.experiments.reports.report import report
from safepassage.experiments.runs.store import Store
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.sweep import run_sweep, sweep_of
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.pictures.curves import draw_all
from safepassage.model.results import columns
from safepassage.model.results.manifest import Manifest
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.scenario import load, shipped
from safepassage.model.story import tell

MODULES = ("queue", "pickle", "multiprocessing", "yaml", "numpy", "safepassage", "sitecustomize", "dask", "icc_rt")
"""Names that workers import, or look for; a file of each lies in the folder."""


@pytest.fixture
def trapped(tmp_path, monkeypatch):
    """A folder in which every module that a worker may ask for writes a file when it is run; we stand in it."""
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'a').write({name!r} + ' ')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMAND = "import sys; sys.path[:] = [part for part in sys.path if part]; from safepassage.cli.main import main; main()"
"""What the installed command does: it has no folder of the user's on its path."""


@pytest.mark.parametrize("options", [("--workers", "1"), ("--dask", "local", "--workers", "1")])
def test_workers_do_not_run_modules_of_the_folder_that_a_sweep_is_started_in(trapped, options):
    if "--dask" in options:
        pytest.importorskip("dask.distributed")
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    study = write_study(trapped, factors=None, replications=1)
    words = [sys.executable, "-c", COMMAND, "sweep", str(study), "--out", str(trapped / "out"), *options]
    done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=trapped, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    assert not (trapped / "run").exists(), (trapped / "run").read_text()


def test_the_path_of_a_worker_holds_no_folder_that_is_not_named_in_full(trapped, monkeypatch):
    from safepassage.experiments.runs.executors import worker_environment, worker_path

    monkeypatch.setattr(sys, "path", ["", str(trapped), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "lib", str(Path("/opt/mine").absolute())]))
    assert str(trapped) not in worker_path() and "" not in worker_path()
    assert worker_environment()["PYTHONPATH"] == str(Path("/opt/mine").absolute())


@pytest.mark.parametrize("name", [".numba_config.yaml", "matplotlibrc"])
def test_settings_of_libraries_in_the_folder_that_a_command_is_started_in_are_refused(
    tmp_path, monkeypatch, capsys, name
):
    (tmp_path / name).write_text("cache_dir: evil\n")  # compiled code that numba would run
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["safepassage", "scenarios"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and f"{name} lies in the folder" in capsys.readouterr().err


def test_what_the_command_starts_of_dask_takes_orders_from_nobody_else_and_serves_no_page():
    pytest.importorskip("dask.distributed")
    from safepassage.experiments.runs.executors import on_dask

    # in a process of its own: a client that could not connect may block this one when it is let go
    connect = (
        "import sys, dask.distributed as d\ntry:\n d.Client(sys.argv[1], timeout=2)\nexcept (OSError, TypeError):\n"
    )
    connect += " print('refused', flush=True)\n import os; os._exit(0)"

    with on_dask("local", 1) as executor:
        address = executor._cluster.scheduler_address
        assert address.startswith("tls://")
        for stranger in (address, address.replace("tls://", "tcp://")):
            tried = subprocess.run(
                [sys.executable, "-c", connect, stranger], capture_output=True, text=True, timeout=60
            )
            assert tried.stdout == "refused\n", tried.stderr
        ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
        heard = [one.laddr for each in ours for one in each.net_connections() if one.status == psutil.CONN_LISTEN]
        answers = [_answer_to_a_browser(place.port) for place in heard]
    assert heard and {place.ip for place in heard} == {"127.0.0.1"} and set(answers) <= {"nothing", "404"}


def _answer_to_a_browser(port: int) -> str:
    try:
        return str(urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=2).status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return "nothing"


def test_an_open_scheduler_is_used_with_a_warning_that_says_what_to_do():
    pytest.importorskip("dask.distributed")
    from safepassage.experiments.runs import dask_cluster

    with (
        pytest.MonkeyPatch.context() as patched,
        pytest.warns(UserWarning, match=r"can run programs as you.*start it with TLS"),
        pytest.raises(ScenarioError, match="no Dask scheduler answers"),
    ):
        patched.setattr(dask_cluster, "ANSWER_WITHIN_S", 0.2)
        dask_cluster.DaskCluster(f"tcp://127.0.0.1:{free_port()}", 1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a short run."""
    model = EvacuationModel("tiny_town", **{"run.duration_h": 0.25}).run()
    return model.save(tmp_path_factory.mktemp("finished"))


def _copy(finished: Path, to: Path) -> Path:
    return Path(shutil.copytree(finished, to / "received"))


def test_a_lock_that_is_a_link_is_not_followed_and_its_target_keeps_its_content(tmp_path):
    treasure, out = tmp_path / "thesis.txt", tmp_path / "out"
    treasure.write_text("years of work")
    run_sweep(study_of(keys()), out, Here(answer=invented(float)))
    (out / ".lock").unlink()
    (out / ".lock").symlink_to(treasure)
    with pytest.raises(ScenarioError, match=r"\.lock: this is a link"):
        run_sweep(study_of(keys()), out, Here(answer=invented(float)))
    assert treasure.read_text() == "years of work"


@pytest.mark.parametrize("name", ["runs", "failed", "tables", "runs/ab", "runs.parquet", "study.json"])
def test_a_study_whose_parts_are_links_is_refused_and_nothing_behind_them_is_touched(tmp_path, name):
    out, behind = tmp_path / "out", tmp_path / "behind" / "sub"
    behind.mkdir(parents=True)
    (behind / "mine.json").write_text("{}")
    (behind / ".mine.tmp").write_text("")
    run_sweep(study_of(keys()), out, Here(answer=invented(float)))
    if name == "study.json":
        (out / name).rename(behind / "study.json")
    elif (out / name).is_dir():
        shutil.rmtree(out / name)
    else:
        (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(behind / "study.json" if name == "study.json" else behind.parent)
    with pytest.raises(ScenarioError, match="this is a link"):
        run_sweep(study_of(keys()), out, Here(answer=invented(float)))
    assert {"mine.json", ".mine.tmp"} <= {path.name for path in behind.iterdir()}


def test_a_dangling_link_where_a_run_goes_costs_no_run(tmp_path):
    (tmp_path / "tiny_town-seed1").symlink_to(tmp_path / "nowhere")
    folder = EvacuationModel("tiny_town", **{"run.duration_h": 0.02}).run().save(tmp_path)
    assert folder.name == "tiny_town-seed1-2" and open_run(folder).frame("persons").shape[0] > 0
    assert not (tmp_path / "nowhere").exists()


def test_a_table_that_is_not_the_one_the_run_wrote_is_refused_by_pictures_and_reports(finished, tmp_path):
    received = _copy(finished, tmp_path)
    persons = pq.read_table(received / "persons.parquet")
    everybody_safe = pa.array(["SAFE"] * len(persons))
    column = persons.schema.get_field_index("status")
    pq.write_table(persons.set_column(column, "status", everybody_safe), received / "persons.parquet")
    for read in (lambda: draw_all(open_run(received), tmp_path / "pictures"), lambda: report(received)):
        with pytest.raises(ScenarioError, match=r"persons\.parquet: this is not the table that the run wrote"):
            read()


def test_a_manifest_without_one_of_its_keys_or_with_a_wrong_value_is_one_message(finished, tmp_path):
    received = _copy(finished, tmp_path)
    whole = json.loads((received / "manifest.json").read_text())
    known = [key for key in whole if key in Manifest.model_fields]
    wrong = [{k: v for k, v in whole.items() if k != key} for key in known]
    wrong += [{**whole, key: value} for key in known for value in (None, "x", [], 1e400)]
    wrong += [{**whole, "scenario": {k: v for k, v in whole["scenario"].items() if k != key}} for key in ("streets",)]
    wrong += [[], "text", 3, None]
    n_refused = 0
    for one in wrong:
        (received / "manifest.json").write_text(json.dumps(one))
        try:
            open_run(received).frame("persons")
        except ScenarioError as error:
            n_refused += 1
            assert "manifest.json" in str(error) or "received" in str(error)
    assert n_refused > len(wrong) - 8
    for text in ("[" * 100_000, "{", '{"a": NaN}', "\x00"):
        (received / "manifest.json").write_text(text)
        with pytest.raises(ScenarioError):
            open_run(received)


def test_a_project_can_be_moved_and_its_runs_still_tell_their_stories(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(shipped()["tiny_town"].parent / "networks", project / "networks")
    shutil.copytree(shipped()["tiny_town"].parent / "tables", project / "tables")
    text = shipped()["tiny_town"].read_text(encoding="utf-8")
    (project / "town.yaml").write_text(text, encoding="utf-8")
    folder = EvacuationModel(load(project / "town.yaml", {"run.duration_h": 0.1})).run().save(project / "runs")
    assert str(tmp_path) not in (folder / "manifest.json").read_text()
    project.rename(tmp_path / "moved")
    moved = tmp_path / "moved" / "runs" / folder.name
    assert tell(open_run(moved), 0)
    network = load(tmp_path / "moved" / "town.yaml").streets.network
    network.write_bytes(network.read_bytes() + b"\n")
    with pytest.raises(ScenarioError, match=r"this is not the file that the run in .* was made with"):
        tell(open_run(moved), 0)


def test_no_result_tells_where_on_the_machine_it_was_made(finished, tmp_path):
    run_sweep(study_of(keys()), tmp_path / "out", Here(answer=invented(float)))
    here = str(shipped()["tiny_town"].parent.resolve())
    for path in (finished / "manifest.json", tmp_path / "out" / "study.json"):
        assert here not in path.read_text() and str(tmp_path) not in path.read_text()
    scenario = json.loads((finished / "manifest.json").read_text())["scenario"]
    assert scenario["streets"]["network"].startswith("safepassage:")


def test_a_study_is_known_by_what_it_says_wherever_its_files_are(tmp_path):
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        text = shipped()["tiny_town"].read_text(encoding="utf-8").replace("networks/", "safepassage:networks/")
        (folder / "town.yaml").write_text(text.replace("tables/", "safepassage:tables/"), encoding="utf-8")
    study = keys(scenario=str(tmp_path / "here" / "town.yaml"))
    run_sweep(study_of(study), tmp_path / "out", Here(answer=invented(float)))
    executor = Here(answer=invented(float))
    run_sweep(study_of({**study, "scenario": str(tmp_path / "there" / "town.yaml")}), tmp_path / "out", executor)
    assert executor.tags == []
    (tmp_path / "there" / "town.yaml").write_text(text.replace("tables/", "safepassage:tables/") + "movement: {}\n")
    changed = {**study, "scenario": str(tmp_path / "there" / "town.yaml"), "overrides": {"run.duration_h": 0.2}}
    with pytest.raises(ScenarioError, match=r"another study, 'short': it differs in overrides, scenarios"):
        run_sweep(study_of(changed), tmp_path / "out", Here())


def test_files_of_runs_that_are_damaged_are_taken_for_none_and_the_runs_are_done_again(tmp_path):
    whole = run_sweep(study_of(keys()), tmp_path / "whole", Here(answer=invented(float)))
    for number, text in enumerate(["", "{}", "[]", "null", '{"key": 1}', "[" * 50_000]):
        out = tmp_path / str(number)
        store = Store(out)
        sweep = sweep_of(study_of(keys()))
        key = whole.frame(()).key[0]
        (out / "runs" / key[:2]).mkdir(parents=True)
        (out / "runs" / key[:2] / f"{key}.json").write_text(text)
        (out / "study.json").write_text(json.dumps({"store_version": 1, "identity": sweep.identity}))
        assert store.keys() == set()
        run_sweep(study_of(keys()), out, Here(answer=invented(float)))
        assert digest(out) == digest(tmp_path / "whole")


def test_numbers_that_mean_nothing_are_refused_though_the_digest_fits(finished, tmp_path):
    received = _copy(finished, tmp_path)
    whole = json.loads((received / "manifest.json").read_text())
    for name, column, value in (
        ("zones", "n_safe", None),
        ("persons", "injury_time_s", np.nan),
        ("links", "length_m", np.inf),
    ):
        kept = pq.read_table(received / f"{name}.parquet")
        place = kept.schema.get_field_index(column)
        values = pa.array([value] * len(kept), kept.schema.field(place).type)
        changed = kept.set_column(place, column, values)
        pq.write_table(changed, received / f"{name}.parquet")
        whole["digests"][name] = columns.digest(changed)
        (received / "manifest.json").write_text(json.dumps(whole))
        with pytest.raises(ScenarioError, match=f"column '{column}' is not there, or holds something else"):
            open_run(received).frame(name)


def test_rows_that_tell_of_the_same_thing_are_refused_though_the_digest_fits(finished, tmp_path):
    received = _copy(finished, tmp_path)
    whole = json.loads((received / "manifest.json").read_text())
    kept = pq.read_table(received / "exit_states.parquet")
    place = kept.schema.get_field_index("exit")
    changed = kept.set_column(place, "exit", pa.array(["North road"] * len(kept), kept.schema.field(place).type))
    pq.write_table(changed, received / "exit_states.parquet")
    whole["digests"]["exit_states"] = columns.digest(changed)
    (received / "manifest.json").write_text(json.dumps(whole))
    with pytest.raises(ScenarioError, match="two rows of this table have the same time_s and exit"):
        open_run(received).frame("exit_states")


@pytest.mark.parametrize(("name", "column", "kind"), [("runs", "seed", "string"), ("timings", "all_s", "string")])
def test_tables_of_runs_with_columns_of_another_type_are_refused(tmp_path, name, column, kind):
    run_sweep(study_of(keys()), tmp_path, Here(answer=invented(float)))
    store = Store(tmp_path)
    store.compact()
    table = pq.read_table(tmp_path / f"{name}.parquet")
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, table[column].cast(kind)), tmp_path / f"{name}.parquet")
    with pytest.raises(ScenarioError, match="is not the table that a sweep writes"):
        store.runs() if name == "runs" else store.timings()
