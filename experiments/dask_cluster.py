"""Runs on a Dask cluster: one of this machine's own, or a scheduler that is running elsewhere."""

import queue
from typing import Any

from dask.distributed import Client, LocalCluster

from safepassage.experiments.executors import AHEAD, ONE_THREAD
from safepassage.experiments.worker import Failure
from safepassage.model.settings.base import ScenarioError

LOCAL = "local"
ANSWER_WITHIN_S = 5
GONE_AFTER_S = 10.0


class DaskCluster:
    """An executor over dask.distributed; workers that die are Dask's business, the scheduler's death is reported."""

    def __init__(self, address: str, n_workers: int):
        self.address = address
        self._cluster = None
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._running: dict[Any, Any] = {}
        self._silent_s = 0.0
        if address == LOCAL:
            self._cluster = LocalCluster(
                n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=None, env=ONE_THREAD
            )
            self._client = Client(self._cluster)
        else:
            self._client = self._connect(address)
        self._count()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def submit(self, function, tag, item):
        """Have function(item) done by some worker of the cluster."""
        future = self._client.submit(function, item, pure=False, key=f"run-{id(self)}-{tag}")
        self._running[tag] = future
        future.add_done_callback(lambda done: self._news.put(tag))

    def next_done(self, timeout_s):
        """Return (tag, result or Failure) of a call that is done, None if none is within the time."""
        try:
            tag = self._news.get(timeout=timeout_s)
        except queue.Empty:
            self._listen_for_scheduler(timeout_s)
            return None
        self._silent_s = 0.0
        future = self._running.pop(tag)
        if future.status in ("cancelled", "lost"):
            self._gone()
        try:
            return tag, future.result(timeout=60)
        except Exception as error:
            if self._client.status != "running":
                self._gone()
            return tag, Failure(f"{type(error).__name__}: {error}")

    def close(self):
        """Leave the cluster; end it if it is this machine's own."""
        self._running.clear()
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close()

    def _connect(self, address: str) -> Client:
        try:
            return Client(address, timeout=ANSWER_WITHIN_S, set_as_default=False)
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
        self.capacity = self.n_workers * AHEAD

    def _listen_for_scheduler(self, waited_s: float):
        if self._client.status == "running":
            self._silent_s = 0.0
            return
        self._silent_s += waited_s
        if self._silent_s >= GONE_AFTER_S or self._client.status == "closed":
            self._gone()

    def _gone(self):
        raise ScenarioError(
            f"--dask {self.address}: the scheduler went away. Every run that had come back is kept; start the "
            "scheduler again and repeat the command, it goes on where it stopped."
        )
