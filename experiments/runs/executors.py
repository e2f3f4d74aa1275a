"""Where runs are carried out: processes of this machine, or a Dask cluster; the same few methods for both.

    with local(n_workers=2) as executor:
        for index, result in as_completed(executor, function, items):
            ...

Dask beyond one machine: whoever reaches a scheduler can run programs as its user, so give it a key that only you have:

    openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=dask -keyout key.pem -out cert.pem
    dask scheduler --protocol tls --tls-ca-file cert.pem --tls-cert cert.pem --tls-key key.pem --no-dashboard
    dask worker tls://HOST:8786 --tls-ca-file cert.pem --tls-cert cert.pem --tls-key key.pem \\
        --nthreads 1 --nworkers N --no-dashboard                        (on each machine)
    export DASK_DISTRIBUTED__COMM__TLS__CA_FILE=cert.pem DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT=cert.pem
    export DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY=key.pem             (where the command runs)
    safepassage sweep study.yaml --out DIR --dask tls://HOST:8786

with this package installed everywhere and the input files under the same paths. Under SLURM, dask-jobqueue starts both:

    from dask.distributed import Security
    from dask_jobqueue import SLURMCluster
    cluster = SLURMCluster(cores=1, processes=1, memory="4GB", walltime="08:00:00", security=Security.temporary(),
                           shared_temp_directory="~/keys", job_script_prologue=["export NUMBA_NUM_THREADS=1"])
    cluster.scale(jobs=100)
    run_sweep(load_study("study.yaml"), "out", executor=on_dask(cluster.scheduler_address, security=cluster.security))
"""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from safepassage.experiments.runs.limits import AHEAD, DEATHS_ALLOWED, KILLS_ALLOWED, ONE_THREAD, Executor
from safepassage.experiments.runs.worker import READY, Failure
from safepassage.model.settings.base import ScenarioError


def as_completed(executor: Executor, function: Callable, items: Iterable) -> Iterator[tuple[int, Any]]:
    """Yield (index of the item, function(item) or Failure), in the order in which they are done."""
    items = list(items)
    return until_done(executor, function, deque(range(len(items))), items.__getitem__)


def until_done(
    executor: Executor, function: Callable, waiting: deque, item_of: Callable[[Any], Any]
) -> Iterator[tuple[Any, Any]]:
    """Yield (tag, function(item_of(tag)) or Failure) until no tag waits and nothing runs; more may be added meanwhile.

    waiting: tags, the next first; it is emptied. The one loop that keeps an executor busy.
    """
    n_running = 0
    while waiting or n_running:
        while waiting and n_running < executor.capacity:
            tag = waiting.popleft()
            executor.submit(function, tag, item_of(tag))
            n_running += 1
        done = executor.next_done(1.0)
        if done is not None:
            n_running -= 1
            yield done


def local(n_workers: int | None = None) -> "LocalProcesses":
    """Return processes of this machine, one per core that this process may use unless told otherwise."""
    return LocalProcesses(n_workers or n_cores())


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_dask(address: str, n_workers: int | None = None, security=None):
    """Return a Dask cluster: "local", or the address of a scheduler, such as tls://10.0.0.1:8786.

    security: dask.distributed.Security with the keys of a scheduler elsewhere; default: those of Dask's configuration.

    Raises ScenarioError if Dask is not installed or no scheduler answers.
    """
    try:
        from safepassage.experiments.runs.dask_cluster import DaskCluster
    except ImportError:
        raise ScenarioError("--dask: Dask is not installed; pip install 'safepassage[study]'.") from None
    return DaskCluster(address, n_workers or n_cores(), security)


class LocalProcesses:
    """Worker processes of this machine; one that dies is replaced, and what it was doing is done again."""

    def __init__(self, n_workers: int):
        self.n_workers = n_workers
        self.capacity = n_workers * AHEAD
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._waiting: deque[tuple[Any, bytes]] = deque()
        self._deaths: dict[Any, int] = {}
        self._n_false_starts = 0
        self._workers = [_Worker(self._news) for _ in range(n_workers)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def submit(self, function, tag, item):
        """Have function(item) done by the next free worker."""
        self._waiting.append((tag, pickle.dumps((function, item), protocol=pickle.HIGHEST_PROTOCOL)))
        self._hand_out()

    def next_done(self, timeout_s):
        """Return (tag, result or Failure) of a call that is done, None if none is within the time."""
        try:
            worker, message = self._news.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if message is None:
            return self._bury(worker)
        tag, result = message
        if tag == READY:
            self._n_false_starts = 0
            return None
        worker.calls.popleft()
        worker.n_done += 1
        self._deaths.pop(tag, None)
        self._hand_out()
        return tag, result

    def close(self):
        """End the workers; calls under way are dropped."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def _hand_out(self):
        """Send waiting calls to the workers with the fewest; a call that a worker died of goes to one that is warm."""
        while self._waiting:
            again = self._deaths.get(self._waiting[0][0], 0) > 0
            worker = min(self._workers, key=lambda one: (len(one.calls), again and not one.n_done))
            if len(worker.calls) >= AHEAD:
                return
            worker.send(self._waiting.popleft())

    def _bury(self, dead):
        """Replace a worker that died; return its call as failed if it has now died of it too often."""
        if dead not in self._workers:
            return None
        dead.process.kill()
        status = dead.process.wait()
        self._n_false_starts += not dead.was_ready
        if self._n_false_starts > self.n_workers + 1:
            raise RuntimeError(f"worker processes end with status {status} before they start; see the lines above")
        self._workers[self._workers.index(dead)] = _Worker(self._news)
        verdict = None
        if dead.calls and dead.was_ready:
            tag = dead.calls[0][0]
            self._deaths[tag] = self._deaths.get(tag, 0) + 1
            if self._deaths[tag] >= (KILLS_ALLOWED if status in BY_OTHERS else DEATHS_ALLOWED):
                dead.calls.popleft()
                times = self._deaths.pop(tag)
                how = f"killed by signal {-status}" if status < 0 else f"ended with status {status}"
                verdict = tag, Failure(f"the worker process was {how} during this run, {times} times (out of memory?)")
        self._waiting.extendleft(reversed(dead.calls))
        self._hand_out()
        return verdict


BY_OTHERS = (-9, -15, *([1] if os.name == "nt" else []))
"""How a process ends that somebody killed, or the system for want of memory: SIGKILL, SIGTERM, TerminateProcess."""


def worker_path() -> list[str]:
    """Return what a worker adds to the end of its own path: this process's, without the folder it was started in.

    A script's own folder stays on it, wherever the script was started, so that its functions can be sent.
    """
    script = getattr(sys.modules["__main__"], "__file__", None)
    own = Path(script).resolve().parent if script else None
    here = Path.cwd()
    return [part for part in sys.path if part and (Path(part).resolve() != here or own == here)]


def worker_environment() -> dict[str, str]:
    """Return the environment of a worker: one thread, and no folder on its path but those named in full."""
    named = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(part).is_absolute()]
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(named), "PYTHONSAFEPATH": "1"}


START = """
import sys
sys.path += [part for part in sys.argv[1:] if part not in sys.path]
from safepassage.experiments.runs.worker import serve
serve()
"""
"""What a worker does first. The standard library and what is installed stand before anything that the parent adds."""


class _Worker:
    """One process and the calls it has been sent, oldest first."""

    def __init__(self, news: queue.SimpleQueue):
        self.calls: deque[tuple[Any, bytes]] = deque()
        self.was_ready = False
        self.n_done = 0
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *worker_path()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=worker_environment(),
        )
        threading.Thread(target=self._listen, args=(news,), daemon=True).start()

    def send(self, call: tuple[Any, bytes]):
        self.calls.append(call)
        with contextlib.suppress(OSError):  # it has died; its listener says so
            pickle.dump(call, self.process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self.process.stdin.flush()

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _listen(self, news):
        try:
            while True:
                message = pickle.load(self.process.stdout)
                self.was_ready = True
                news.put((self, message))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            news.put((self, None))
