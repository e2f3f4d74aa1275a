"""Sweeps that are killed: nothing finished is lost, nothing finished is run again, and the bytes come out the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from processes import LIMIT_S, free_port, is_alive, wait_for
from studies import Here, command, digest, invented, keys, write_study

sys.path.append(str(Path(__file__).parent.parent))

from benchmarks.attack.sweeps import FullDisks
from safepassage.experiments.runs.executors import as_completed, local
from safepassage.experiments.runs.run import Record
from safepassage.experiments.runs.store import Store
from safepassage.experiments.runs.worker import Failure
from safepassage.experiments.sweeps.study import study_of
from safepassage.experiments.sweeps.study_folder import open_study
from safepassage.experiments.sweeps.sweep import run_sweep

MANY = {"replications": 40}
N_RUNS = 80
CHANCE = random.Random(7)


@pytest.fixture(scope="module")
def workers():
    """Two workers that are warm once and for all."""
    with local(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, workers):
    out = tmp_path_factory.mktemp("uninterrupted") / "out"
    run_sweep(study_of(keys(**MANY)), out, workers)
    return digest(out)


def go_on(out: Path, workers, kept: dict[str, bytes]) -> str:
    """Repeat a sweep that was cut short; return the digest of its results. Nothing that was kept is run again."""
    found = []
    run_sweep(study_of(keys(**MANY)), out, workers, lambda progress: found.append(progress.n_found))
    run_s = open_study(out).timings().set_index("key")["run_s"]
    assert found[0] == len(kept)
    assert all(run_s[key] == json.loads(entry)["timings"]["run"] for key, entry in kept.items())
    return digest(out)


@pytest.fixture
def start():
    """Return a function that starts a sweep from the command line."""
    started = []

    def start_one(study: Path, out: Path, *options: str) -> subprocess.Popen:
        words, pipe = command(study, out, *options), subprocess.PIPE
        started.append(subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, start_new_session=True))
        return started[-1]

    yield start_one
    _end(started)


def finished(out: Path) -> dict[str, bytes]:
    """Return the single files of finished runs and what is in them."""
    return {path.stem: path.read_bytes() for path in out.glob("runs/*/[!.]*.json")}


def test_a_sweep_killed_again_and_again_gives_the_bytes_of_one_that_was_not(tmp_path, uninterrupted, workers, start):
    study, out = write_study(tmp_path, **MANY), tmp_path / "out"
    for n_more in (CHANCE.randint(1, 10), CHANCE.randint(15, 25)):
        n_before = len(finished(out))
        process = start(study, out, "--workers", "2")
        wait_for(lambda n=n_before + n_more: len(finished(out)) >= n, process)
        process.kill()
        told, _ = process.communicate()
        assert not n_before or f"{n_before} runs are finished already" in told
    kept = finished(out)
    assert 0 < len(open_study(out).frame()) < N_RUNS and len(kept) < N_RUNS
    assert go_on(out, workers, kept) == uninterrupted


def test_workers_end_when_their_parent_is_killed(tmp_path, start):
    study, out = write_study(tmp_path, replications=1000, overrides={"run.duration_h": 4}), tmp_path / "out"
    process = start(study, out, "--workers", "2")
    wait_for(lambda: finished(out), process)
    workers = psutil.Process(process.pid).children()
    assert len(workers) == 2
    process.kill()
    process.communicate()
    wait_for(lambda: not any(map(is_alive, workers)))


def test_a_killed_worker_is_replaced_and_what_it_was_doing_is_done_again(tmp_path, uninterrupted):
    kill_at = {0: CHANCE.randint(1, 10), 1: CHANCE.randint(15, 25)}
    with local(2) as executor:

        def kill_one(progress):
            for worker, n in list(kill_at.items()):
                if progress.n_finished >= n:
                    del kill_at[worker]
                    os.kill(executor._workers[worker].process.pid, signal.SIGKILL)

        folder = run_sweep(study_of(keys(**MANY)), tmp_path / "out", executor, kill_one)
    assert not kill_at and not folder.failures() and digest(tmp_path / "out") == uninterrupted


def test_a_run_that_crashes_every_worker_is_given_up_and_harms_no_other():
    with local(2) as executor:
        found = dict(as_completed(executor, _crash_if_asked, [1, 2, "crash", 4, 5, 6]))
    assert [found[i] for i in (0, 1, 3, 4, 5)] == [1, 2, 4, 5, 6]
    assert isinstance(found[2], Failure) and "killed by signal 11" in found[2].message and "2 times" in found[2].message


def _crash_if_asked(item):
    if item == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return item


def test_a_run_is_not_marked_failed_because_its_worker_is_killed_in_the_first_call_again_and_again(tmp_path):
    with local(1) as executor:
        found = dict(as_completed(executor, _killed_four_times, [tmp_path / "kills"]))
    assert found == {0: "1111"}


def _killed_four_times(kills: Path) -> str:
    """Stand for a run whose worker somebody kills four times; each time is noted in a file."""
    found = kills.read_text() if kills.exists() else ""
    if len(found) < 4:
        kills.write_text(found + "1")
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def test_a_killed_scheduler_is_told_and_the_sweep_goes_on_with_another(tmp_path, uninterrupted, workers, start):
    dask = pytest.importorskip("dask.distributed")
    study, out = write_study(tmp_path, **MANY), tmp_path / "out"
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    cluster = _start_dask(port, tmp_path)
    try:
        with dask.Client(address, timeout=LIMIT_S, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=LIMIT_S)
        process = start(study, out, "--dask", address)
        wait_for(lambda: len(finished(out)) >= 5, process)
        cluster[0].kill()
        _, errors = process.communicate(timeout=LIMIT_S)
    finally:
        _end(cluster)
    kept = finished(out)
    assert process.returncode == 2 and "the scheduler stopped answering" in " ".join(errors.split()), errors
    assert "Traceback" not in errors.split("error:")[-1] and 5 <= len(kept) < N_RUNS
    assert go_on(out, workers, kept) == uninterrupted


def _start_dask(port: int, folder: Path) -> list[subprocess.Popen]:
    """Start a scheduler and a worker, as a user would."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    dask = [sys.executable, "-m", "dask"]
    scheduler = [*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [*dask, "worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    return [subprocess.Popen(words, **quiet) for words in (scheduler, worker)]


def _end(processes: list[subprocess.Popen]):
    for process in processes:
        process.kill()
        process.communicate()


def test_a_killed_worker_of_dask_loses_nothing(tmp_path, uninterrupted):
    pytest.importorskip("dask.distributed")
    from safepassage.experiments.runs.executors import on_dask

    killed = []
    with on_dask("local", 2) as executor:

        def kill_one(progress):
            if progress.n_finished == 20 and not killed:
                killed.append(executor._cluster.workers[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        folder = run_sweep(study_of(keys(**MANY)), tmp_path / "out", executor, kill_one)
    assert killed and not folder.failures() and digest(tmp_path / "out") == uninterrupted


def test_a_disk_that_is_full_at_any_write_is_told_and_costs_nothing_that_was_finished(tmp_path):
    """Also where the folder is there and no study in it yet, and while runs are gathered into one file."""
    disks = FullDisks(tmp_path)
    assert disks.n_writes > 2 * disks.n_runs
    for number in range(disks.n_writes):
        disks.full_at(number, tmp_path / str(number))


def test_a_clock_that_is_set_back_again_and_again_changes_nothing(tmp_path, monkeypatch):
    study = study_of(keys())
    run_sweep(study, tmp_path / "whole", Here(answer=invented(float)))
    now_s = iter(range(2_000_000_000, 0, -86_400))
    monkeypatch.setattr(time, "time", lambda: float(next(now_s)))
    monkeypatch.setattr(time, "time_ns", lambda: next(now_s) * 10**9)

    def stop(progress):
        for path in (tmp_path / "out").rglob("*.json"):
            os.utime(path, (1e9, 1e9))
        if progress.n_finished == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(study, tmp_path / "out", Here(answer=invented(float)), stop)
    kept = finished(tmp_path / "out")
    executor = Here(answer=invented(float))
    found = []
    run_sweep(study, tmp_path / "out", executor, lambda progress: found.append(progress.n_found))
    assert len(kept) >= 3 and found[0] == len(kept) and digest(tmp_path / "out") == digest(tmp_path / "whole")


def test_a_file_too_large_for_the_disk_is_told_by_the_command(tmp_path):
    """The system itself refuses the writing here: no file of this process may exceed 2 kB."""
    limited = ["bash", "-c", 'ulimit -f 2; exec "$@"', "bash"]
    study, out = write_study(tmp_path), tmp_path / "out"
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    words = [*limited, *command(study, out, "--workers", "1")]
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=LIMIT_S)
    assert done.returncode == 2 and "could not be written" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


class Killed(BaseException):
    """Stands for kill -9: nothing is cleaned up after it."""


def test_compacting_can_be_killed_between_any_two_changes_of_files(tmp_path, monkeypatch):
    whole = Store(tmp_path / "whole")
    _fill(whole)
    whole.compact()
    expected = whole.runs()
    for survives in range(12):
        store = Store(tmp_path / str(survives))
        _fill(store)
        left = [survives]

        def counted(really, left=left):
            def change(*arguments, **named):
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return really(*arguments, **named)

            return change

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", counted(os.replace))
            patched.setattr(Path, "unlink", counted(Path.unlink))
            try:
                store.compact()
                was_killed = False
            except Killed:
                was_killed = True
        again = Store(tmp_path / str(survives))
        assert len(again.keys()) == 8 and again.runs().equals(expected) and len(again.timings()) == 8
        again.compact()
        assert again.runs().equals(expected) and was_killed == (survives < 7)


def _fill(store: Store):
    """Put eight runs into a store, three of them compacted."""
    store.open_for_writing({"name": "x"}, {})
    for seed in range(8):
        store.put(f"{seed}" * 64, seed, Record({"a": float(seed)}, {"a": "h"}, {}, {"all": 0.5, "host": "h"}, ""))
        if seed == 2:
            store.compact()
    store.close()
