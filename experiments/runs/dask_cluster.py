"""Runs on a Dask cluster: one of this machine's own, or a scheduler that is running elsewhere.

Whoever may talk to a scheduler may run programs as the user who started it. What is started here therefore takes
encrypted connections from its own parts only, with keys that are made for it and never leave it; a scheduler elsewhere
that takes anybody's is used, with a warning.
"""

import os
import pickle
import queue
import re
import warnings
from collections import deque
from concurrent.futures import CancelledError
from time import perf_counter
from typing import Any

import dask
import numpy as np
from dask.distributed import Client, LocalCluster
from distributed.security import Security

from safepassage.experiments.runs.limits import AHEAD, DEATHS_ALLOWED, ONE_THREAD, OpenScheduler
from safepassage.experiments.runs.worker import Failure, do
from safepassage.model.settings.base import ScenarioError

LOCAL = "local"
ANSWER_WITHIN_S = 5
GONE_AFTER_S = 5.0
"""A scheduler that is silent for so long does not come back: whatever it held is lost by then."""
TOGETHER_S = 0.5
"""Short calls are sent together, about so long (s): passing one on costs the scheduler some milliseconds."""
MOST_TOGETHER = 16
MOST_LOST = 10
"""Results lost in a row with the worker that held them, before the cluster is given up."""
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS_ALLOWED,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.monitor-interval": "1s",
}
"""Of a cluster of this machine. What Dask does many times a second beside the runs, for displays that nobody sees here,
takes the interpreter's lock from them: with its defaults, runs in workers took 1.35 times as long. Nothing is served
to browsers."""
SAFE_PATH = "PYTHONSAFEPATH"
"""Set in the environment of worker processes: they do not look for modules in the folder that they are started in."""


ADDRESS = re.compile(r"(tls|tcp|ws|wss)://(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):\d{1,5}")


def _configured(address: str) -> Security:
    """Return the keys that Dask's configuration names. Raises ScenarioError if they cannot be used."""
    try:
        found = Security()
        if found.get_connection_args("client").get("ssl_context") is not None:
            return found
        why = "no key is named"
    except (OSError, ValueError, TypeError) as error:
        why = str(error)
    names = "DASK_DISTRIBUTED__COMM__TLS__" + "{CA_FILE, CLIENT__CERT, CLIENT__KEY}"
    raise ScenarioError(
        f"--dask {address}: the keys for this scheduler cannot be used ({why}). Set {names} to the files that it was "
        "started with (SECURITY.md says how)."
    )


class DaskCluster:
    """An executor over dask.distributed; workers that die are Dask's business, the scheduler's death is reported."""

    def __init__(self, address: str, n_workers: int, security: Security | None = None):
        self.address = address
        self._cluster = None
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._waiting: deque[tuple[Any, bytes]] = deque()
        self._done: deque[tuple[Any, Any]] = deque()
        self._suspects: deque[tuple[Any, bytes]] = deque()
        self._running: dict[int, tuple] = {}
        self._n_started = 0
        self._n_together = 1
        self._silent_s = self._without_news_s = 0.0
        self._n_lost = 0
        self._found_safe_path = os.environ.get(SAFE_PATH)
        if address == LOCAL:
            self._start_cluster(n_workers)
        else:
            self._client = self._connect(address, security)
        self._count()

    def _start_cluster(self, n_workers: int):
        """Start a scheduler and workers on this machine. Dask starts processes, lost ones anew, as this one would."""
        try:
            security = Security.temporary()
        except ImportError:
            raise ScenarioError(
                "--dask local: the package cryptography is needed to encrypt connections, so that nobody else on this "
                "machine can control the workers; pip install 'safepassage[study]'."
            ) from None
        os.environ[SAFE_PATH] = "1"
        with dask.config.set(SETTINGS):
            self._cluster = LocalCluster(
                n_workers=n_workers, threads_per_worker=1, processes=True, security=security, env=ONE_THREAD,
                dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},
            )  # fmt: skip
            self._client = Client(self._cluster, set_as_default=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def capacity(self) -> int:
        """How many calls keep all workers busy."""
        return self.n_workers * AHEAD * self._n_together

    def submit(self, function, tag, item):
        """Have function(item) done by some worker of the cluster."""
        self._waiting.append((tag, pickle.dumps((function, item), protocol=pickle.HIGHEST_PROTOCOL)))

    def next_done(self, timeout_s):
        """Return (tag, result or Failure) of a call that is done, None if none is within the time."""
        if not self._done:
            while self._waiting and len(self._running) < self.n_workers * AHEAD:
                n = min(self._n_together, len(self._waiting))
                self._start([self._waiting.popleft() for _ in range(n)])
            if self._suspects and not self._running:
                self._start([self._suspects.popleft()], is_alone=True)
            try:
                task = self._news.get(timeout=timeout_s)
            except queue.Empty:
                self._listen_for_scheduler(timeout_s)
                self._start_lost(timeout_s)
                return None
            self._silent_s = self._without_news_s = 0.0
            self._take(*self._running.pop(task))
        return self._done.popleft() if self._done else None

    def _start(self, calls: list[tuple[Any, bytes]], *, is_alone=False):
        """Have some calls done by one worker, one after the other."""
        self._n_started += 1
        task = self._n_started
        future = self._client.submit(_do_all, [body for _, body in calls], pure=False, key=f"runs-{id(self)}-{task}")
        self._running[task] = calls, future, is_alone
        future.add_done_callback(lambda done: self._news.put(task))

    def _take(self, calls: list[tuple[Any, bytes]], future, is_alone: bool):
        try:
            results, each_s = future.result(timeout=60)
        except (CancelledError, KeyError):  # the worker ended before its results were fetched, or the scheduler did
            self._n_lost += 1
            if self._client.status != "running" or self._n_lost > MOST_LOST:
                self._gone()
            self._start(calls, is_alone=is_alone)
            return
        except Exception as error:
            if self._client.status != "running":
                self._gone()
            if not is_alone:  # one of these, or of others that waited at the same worker, ended it
                self._suspects.extend(calls)
            else:
                self._done.append((calls[0][0], Failure(f"{type(error).__name__}: {error}")))
            return
        self._n_lost = 0
        self._done.extend((tag, result) for (tag, _), result in zip(calls, results, strict=True))
        self._n_together = int(np.clip(TOGETHER_S / max(each_s, 1e-9), 1, MOST_TOGETHER))

    def close(self):
        """Leave the cluster; end it if it is this machine's own."""
        self._running.clear()
        self._waiting.clear()
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close()
            os.environ.pop(SAFE_PATH, None)
            if self._found_safe_path is not None:
                os.environ[SAFE_PATH] = self._found_safe_path

    def _connect(self, address: str, security: Security | None) -> Client:
        if not ADDRESS.fullmatch(address):
            raise ScenarioError(
                f"--dask {address}: this is not the address of a scheduler. Write tls://HOST:PORT, such as "
                "tls://10.0.0.1:8786, tcp://HOST:PORT for one that takes anybody's orders, or local."
            )
        if address.startswith("tls://") and security is None:
            security = _configured(address)
        if not address.startswith("tls://"):
            warnings.warn(OpenScheduler(address), stacklevel=2)
        try:
            return Client(address, timeout=ANSWER_WITHIN_S, set_as_default=False, security=security)
        except (OSError, ValueError, TimeoutError) as error:
            raise ScenarioError(
                f"--dask {address}: no Dask scheduler answers there within {ANSWER_WITHIN_S} s ({error}). Start one "
                f"with `dask scheduler`, and workers with `dask worker {address} --nthreads 1`."
            ) from None

    def _count(self):
        try:
            self._client.wait_for_workers(1, timeout=ANSWER_WITHIN_S)
        except TimeoutError:
            self.close()
            raise ScenarioError(
                f"--dask {self.address}: the scheduler has no workers. Start some with `dask worker {self.address} "
                "--nthreads 1`."
            ) from None
        self.n_workers = sum(self._client.nthreads().values())

    def _listen_for_scheduler(self, waited_s: float):
        if self._client.status == "running":
            self._silent_s = 0.0
            return
        self._silent_s += waited_s
        if self._silent_s >= GONE_AFTER_S or self._client.status == "closed":
            self._gone()

    def _start_lost(self, waited_s: float):
        """Start worker processes of this machine that have ended and are not started anew.

        Dask forgets one that a call ends before it has heard that it is running, and gives one up that is just being
        started anew 15 s after it was lost (distributed.deploy.lost-worker-timeout).
        """
        self._without_news_s += waited_s
        if self._cluster is None or self._without_news_s < GONE_AFTER_S:
            return
        self._without_news_s = 0.0
        for name, nanny in list(self._cluster.workers.items()):
            if not nanny.is_alive():
                self._cluster.workers.pop(name, None)
                self._cluster.loop.add_callback(nanny.close)
        self._cluster.scale(self.n_workers)

    def _gone(self):
        raise ScenarioError(
            f"--dask {self.address}: the scheduler stopped answering. Finished runs are kept; start the "
            "scheduler again and repeat the command to continue."
        )


def _do_all(bodies: list[bytes]) -> tuple[list, float]:
    """Return the results or Failures of pickled calls, and how long one of them took (s)."""
    began = perf_counter()
    results = [do(body) for body in bodies]
    return results, (perf_counter() - began) / len(bodies)
