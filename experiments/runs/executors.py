"""Where runs are carried out: processes of this machine, or a Dask cluster; the same few methods for both.

    with local(n_workers=2) as executor:
        for index, result in as_completed(executor, function, items):
            ...

Dask beyond one machine: start `dask scheduler` and, on each machine, `dask worker tcp://HOST:8786 --nthreads 1
--nworkers N`, with this package installed everywhere and the input files under the same paths; then `--dask
tcp://HOST:8786`. Under SLURM, dask-jobqueue starts both:

    from dask_jobqueue import SLURMCluster
    cluster = SLURMCluster(cores=1, processes=1, memory="4GB", walltime="08:00:00",
                           job_script_prologue=["export NUMBA_NUM_THREADS=1"])
    cluster.scale(jobs=100)
    run_sweep(load_study("study.yaml"), "out", executor=on_dask(cluster.scheduler_address))
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
from typing import Any

from safepassage.experiments.runs.limits import AHEAD, DEATHS_ALLOWED, ONE_THREAD, Executor
from safepassage.experiments.runs.worker import READY, Failure
from safepassage.model.settings.base import ScenarioError


def as_completed(executor: Executor, function: Callable, items: Iterable) -> Iterator[tuple[int, Any]]:
    """Yield (index of the item, function(item) or Failure), in the order in which they are done."""
    waiting = enumerate(items)
    n_running, exhausted = 0, False
    while not exhausted or n_running:
        while not exhausted and n_running < executor.capacity:
            try:
                index, item = next(waiting)
            except StopIteration:
                exhausted = True
                break
            executor.submit(function, index, item)
            n_running += 1
        done = executor.next_done(1.0) if n_running else None
        if done is not None:
            n_running -= 1
            yield done


def local(n_workers: int | None = None) -> "LocalProcesses":
    """Return processes of this machine, one per core that this process may use unless told otherwise."""
    return LocalProcesses(n_workers or n_cores())


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_dask(address: str, n_workers: int | None = None):
    """Return a Dask cluster: "local", or the address of a scheduler, such as tcp://10.0.0.1:8786.

    Raises ScenarioError if Dask is not installed or no scheduler answers.
    """
    try:
        from safepassage.experiments.runs.dask_cluster import DaskCluster
    except ImportError:
        raise ScenarioError("--dask: Dask is not installed; pip install 'safepassage[study]'.") from None
    return DaskCluster(address, n_workers or n_cores())


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

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

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
        self._deaths.pop(tag, None)
        self._hand_out()
        return tag, result

    def close(self):
        """End the workers; calls under way are dropped."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def _hand_out(self):
        while self._waiting:
            worker = min(self._workers, key=lambda one: len(one.calls))
            if len(worker.calls) >= AHEAD:
                return
            worker.send(self._waiting.popleft())

    def _bury(self, dead):
        """Replace a worker that died; return its call as failed if it has now died of it too often."""
        if dead not in self._workers:
            return None
        status = dead.process.wait()
        self._n_false_starts += not dead.was_ready
        if self._n_false_starts > self.n_workers + 1:
            raise RuntimeError(f"worker processes end with status {status} before they start; see the lines above")
        self._workers[self._workers.index(dead)] = _Worker(self._news)
        verdict = None
        if dead.calls and dead.was_ready:
            tag = dead.calls[0][0]
            self._deaths[tag] = self._deaths.get(tag, 0) + 1
            if self._deaths[tag] >= DEATHS_ALLOWED:
                dead.calls.popleft()
                times = self._deaths.pop(tag)
                how = f"killed by signal {-status}" if status < 0 else f"ended with status {status}"
                verdict = tag, Failure(f"the worker process was {how} during this run, {times} times (out of memory?)")
        self._waiting.extendleft(reversed(dead.calls))
        self._hand_out()
        return verdict


class _Worker:
    """One process and the calls it has been sent, oldest first."""

    def __init__(self, news: queue.SimpleQueue):
        self.calls: deque[tuple[Any, bytes]] = deque()
        self.was_ready = False
        path = os.pathsep.join(part for part in sys.path if part)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from safepassage.experiments.runs.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
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
