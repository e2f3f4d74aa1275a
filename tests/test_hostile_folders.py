"""Folders received from somebody: what lies in them is read, never run, and never followed out of them."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from processes import LIMIT_S, free_port
from studies import write_study

from safepassage.model.settings.base import ScenarioError

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


def test_what_the_command_starts_of_dask_takes_orders_from_nobody_else_and_serves_no_page():
    dask = pytest.importorskip("dask.distributed")
    from safepassage.experiments.runs.executors import on_dask

    with on_dask("local", 1) as executor:
        address = executor._cluster.scheduler_address
        assert address.startswith("tls://")
        for stranger in (address, address.replace("tls://", "tcp://")):
            with pytest.raises((OSError, TypeError)):
                dask.Client(stranger, timeout=1, set_as_default=False)
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
