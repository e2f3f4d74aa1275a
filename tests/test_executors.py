import contextlib
import os
import re
import signal
import subprocess
import sys
import weakref

import psutil
import pytest
from processes import LIMIT_S, free_port, is_alive, wait_for
from studies import command, sweep, write_study

from safepassage.experiments.runs.executors import as_completed, local, on_dask
from safepassage.experiments.runs.worker import Failure
from safepassage.experiments.sweeps.study_folder import open_study


def test_the_command_of_a_failed_run_repeats_it(tmp_path):
    study = write_study(tmp_path, factors={"streets.exits": {"list": [[{"node": "12345"}]]}}, replications=1)
    done = sweep(study, tmp_path / "out", "--workers", "1")
    assert done.returncode == 1 and "12345" in done.stdout and "1 runs failed" in done.stdout
    words = open_study(tmp_path / "out").failures()[0]["command"].removeprefix("safepassage ")
    again = subprocess.run(
        f"{sys.executable} -m safepassage.cli.main {words}", shell=True, cwd=tmp_path, capture_output=True, text=True
    )
    assert again.returncode == 2 and "12345" in again.stderr


def test_a_dry_run_tells_size_time_and_disk_and_writes_nothing(tmp_path):
    done = sweep(write_study(tmp_path), tmp_path / "out", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "2 combinations of 1 factors x 1 plans x 3 replications = 6 runs" in done.stdout
    assert re.search(r"one run: \d+\.\d\d s; all: ", done.stdout) and "disk: up to" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_is_not_there_is_one_clear_message(tmp_path):
    pytest.importorskip("dask.distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    python, _, _, *words = command(write_study(tmp_path), tmp_path / "out", "--dask", address)
    impatient = (
        "from safepassage.experiments.runs import dask_cluster; dask_cluster.ANSWER_WITHIN_S = 1\n"
        "from safepassage.cli.main import main; main()"
    )
    done = subprocess.run([python, "-c", impatient, *words], capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{address}: no Dask scheduler answers" in " ".join(done.stderr.split())


def test_items_are_answered_as_they_are_done_and_a_bad_one_harms_no_other():
    with local(2) as executor:
        found = dict(as_completed(executor, _square, [1, 2, "three", 4]))
    assert [found[i] for i in (0, 1, 3)] == [1, 4, 16]
    assert isinstance(found[2], Failure) and "TypeError" in found[2].message


def _square(x):
    return x**2


def test_what_a_call_leaves_in_cycles_is_gone_before_the_next():
    with local(1) as executor:
        found = dict(as_completed(executor, _leave_a_cycle, range(4)))
    assert found == dict.fromkeys(range(4), 0)


_LEFT: list[weakref.ref] = []


class _Cycle:
    def __init__(self):
        self.itself = self


def _leave_a_cycle(_):
    """Make rubbish that only the collector frees; return how much of it earlier calls have left."""
    n_left = sum(one() is not None for one in _LEFT)
    _LEFT.append(weakref.ref(_Cycle()))
    return n_left


def test_dask_is_sent_short_calls_together_and_one_that_kills_its_worker_harms_no_other():
    pytest.importorskip("dask.distributed")
    with on_dask("local", 1) as executor:
        found = dict(as_completed(executor, _square_or_die, [*range(40), "three", "die", 4]))
        assert executor._n_started < 30
    assert [found.pop(i) for i in range(40)] == [i**2 for i in range(40)] and found[42] == 16
    assert "TypeError" in found[40].message and "KilledWorker" in found[41].message


def lose(executor):
    """End the worker's process as if Dask had not yet heard that it is running."""
    (nanny,) = executor._cluster.workers.values()
    nanny.status = type(nanny.status).starting
    os.kill(nanny.pid, signal.SIGKILL)
    wait_for(lambda: not nanny.is_alive())


def give_up(executor):
    """End the worker as Dask does if it is not there for some time."""
    _, nanny = executor._cluster.workers.popitem()
    executor._cluster.sync(nanny.close)


@pytest.mark.parametrize("end", [lose, give_up])
def test_a_worker_that_dask_does_not_start_anew_is_started(end, monkeypatch):
    pytest.importorskip("dask.distributed")
    monkeypatch.setattr("safepassage.experiments.runs.dask_cluster.GONE_AFTER_S", 1.0)
    with on_dask("local", 1) as executor:
        end(executor)
        assert dict(as_completed(executor, _square, [2, 3])) == {0: 4, 1: 9}


def _square_or_die(x):
    return os.kill(os.getpid(), signal.SIGKILL) if x == "die" else x**2


def test_a_script_without_a_guard_of_main_can_use_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from safepassage.experiments.sweeps.batch import run_batch\n"
        "factors = {'run.duration_h': [0.1]}\n"
        "print(len(run_batch('tiny_town', [1, 2], factors=factors, workers=2)))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.stdout.strip() == "2", done.stderr


def test_interrupting_by_keyboard_leaves_no_worker_behind(tmp_path):
    process = subprocess.Popen(
        command(write_study(tmp_path, replications=2000), tmp_path / "out", "--workers", "1"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell ignores it
    )  # fmt: skip
    try:
        wait_for(lambda: list(tmp_path.glob("out/runs/*/*.json")), process)
        workers = psutil.Process(process.pid).children()
        assert len(workers) == 1
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT_S)
        assert process.returncode not in (0, None)
        wait_for(lambda: not any(map(is_alive, workers)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
