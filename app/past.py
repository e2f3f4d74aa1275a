"""States kept as a run goes on, from which an earlier moment can be shown and lived again."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

SHARE = 0.1
"""Most of the time of a run that may go into keeping states. Assumption: so much does not disturb who watches."""
MOST_STATES = 48
MOST_BYTES = 1_500_000_000
"""Most room that the states of one tab may take on disk. Assumption: machines have more free than that."""


class States:
    """The states of models that run side by side, in a folder that is gone with the tab."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="safepassage-states-", ignore_cleanup_errors=True)
        self._kept: dict[float, list[tuple[Path, Any]]] = {}
        self._n, self._last_took_s, self._kept_at = 0, 0.0, perf_counter()

    def keep(self, models: list, notes: Callable[[int], Any], *, always: bool = False) -> None:
        """Keep the present if it is time to: not too near to the last state, and not too dear.

        notes: what to keep beside the state of a model, by its number. always: keep it anyway.
        """
        time_s, now = models[0].time_s, perf_counter()
        far = not self._kept or time_s - max(self._kept) >= models[0].duration_s / MOST_STATES
        cheap = self._last_took_s <= SHARE * (now - self._kept_at)
        if time_s in self._kept or (not always and not (far and cheap)):
            return
        self._n += 1
        paths = [Path(self._folder.name) / f"{self._n}_{which}.npz" for which in range(len(models))]
        self._kept[time_s] = [
            (model.save_state(path), notes(which))
            for which, (model, path) in enumerate(zip(models, paths, strict=True))
        ]
        self._last_took_s, self._kept_at = perf_counter() - now, perf_counter()
        while len(self._kept) > 2 and self._size() > MOST_BYTES:
            self._drop(sorted(self._kept)[1 + self._n % (len(self._kept) - 2)])

    def latest(self, time_s: float) -> list[tuple[Path, Any]] | None:
        """Return the state file of each model, with what was kept beside it, of the last moment up to a time (s)."""
        before = [kept_s for kept_s in self._kept if kept_s <= time_s]
        return self._kept[max(before)] if before else None

    def forget_after(self, time_s: float) -> None:
        """Drop the states of later moments, which will not come about any more."""
        for kept_s in [kept_s for kept_s in self._kept if kept_s > time_s]:
            self._drop(kept_s)

    def close(self) -> None:
        """Drop all states."""
        self._kept.clear()
        self._folder.cleanup()

    def _size(self) -> int:
        return sum(path.stat().st_size for kept in self._kept.values() for path, _ in kept)

    def _drop(self, time_s: float) -> None:
        for path, _ in self._kept.pop(time_s):
            path.unlink(missing_ok=True)
