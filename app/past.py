"""States kept as a run goes on, from which an earlier moment can be shown and lived again.

Whoever steps only copies the arrays; a thread of its own writes them.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from typing import Any

from safepassage.model.settings.base import ScenarioError
from safepassage.model.state.state_file import Taken, taken

SHARE = 0.05
"""Most of the time of a run that may go into keeping states. Assumption: so much does not disturb who watches."""
MOST_STATES = 48
MOST_BYTES = 1_500_000_000
"""Most room that the states of one tab may take on disk. Assumption: machines have more free than that."""


@dataclass(frozen=True)
class Kept:
    """The states of the models at one moment."""

    paths: list[Path]
    notes: list[Any]
    """What is kept beside the state of each model."""
    written: Future[float]
    """How long writing took (s), once they are written."""


class States:
    """The states of models that run side by side, in a folder that is gone with the tab."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="safepassage-states-", ignore_cleanup_errors=True)
        self._writer = ThreadPoolExecutor(1, "states")
        self._kept: dict[float, Kept] = {}
        self._n, self._last_took_s, self._kept_at = 0, 0.0, perf_counter()
        self.problem = ""
        """Why a state could not be written; empty: all were."""

    def keep(self, models: list, notes: Callable[[int], Any], *, always: bool = False) -> None:
        """Keep the present if it is time to: not too near to the last state, and not too dear.

        notes: what to keep beside the state of a model, by its number. always: keep it anyway.
        """
        time_s, began = models[0].time_s, perf_counter()
        far = not self._kept or time_s - max(self._kept) >= models[0].duration_s / MOST_STATES
        if time_s in self._kept or (not always and not (far and self._is_cheap(began))):
            return
        self._n += 1
        paths = [Path(self._folder.name) / f"{self._n}_{which}.npz" for which in range(len(models))]
        states = [taken(model, apart=True) for model in models]
        beside = [notes(which) for which in range(len(models))]
        self._kept[time_s] = Kept(paths, beside, self._writer.submit(_write, states, paths))
        self._last_took_s, self._kept_at = perf_counter() - began, perf_counter()
        while len(self._kept) > 2 and self._size() > MOST_BYTES:
            self._drop(sorted(self._kept)[1 + self._n % (len(self._kept) - 2)])

    def _is_cheap(self, now: float) -> bool:
        """Return whether the last state is written, and took a small part of the time that has passed since."""
        if not self._kept:
            return True
        last = self._kept[max(self._kept)]
        return last.written.done() and self._last_took_s + self._write_s(last) <= SHARE * (now - self._kept_at)

    def _write_s(self, kept: Kept) -> float:
        """Wait until a state is written; return how long it took (s). One that cannot be is told of in `problem`."""
        try:
            return kept.written.result()
        except ScenarioError as problem:
            self.problem = str(problem)
            return 0.0

    def latest(self, time_s: float) -> tuple[list[Path], list[Any]] | None:
        """Return the state file of each model, and what was kept beside each, of the last moment up to a time (s)."""
        for kept_s in sorted((kept_s for kept_s in self._kept if kept_s <= time_s), reverse=True):
            kept = self._kept[kept_s]
            self._write_s(kept)
            if kept.written.exception() is None:
                return kept.paths, kept.notes
        return None

    def forget_after(self, time_s: float) -> None:
        """Drop the states of later moments, which will not come about any more."""
        for kept_s in [kept_s for kept_s in self._kept if kept_s > time_s]:
            self._drop(kept_s)

    def close(self) -> None:
        """Drop all states."""
        self._writer.shutdown()
        self._kept.clear()
        self._folder.cleanup()

    def _size(self) -> int:
        written = [kept for kept in self._kept.values() if kept.written.done()]
        return sum(path.stat().st_size for kept in written for path in kept.paths if path.exists())

    def _drop(self, time_s: float) -> None:
        kept = self._kept.pop(time_s)
        self._write_s(kept)
        for path in kept.paths:
            path.unlink(missing_ok=True)


def _write(states: list[Taken], paths: list[Path]) -> float:
    began = thread_time()
    for state, path in zip(states, paths, strict=True):
        state.write(path)
    return thread_time() - began
