"""Which streets of a finished run were closed at any moment."""

import numpy as np

from safepassage.model.results.run_folder import RunFolder


class StreetHistory:
    """Closings and reopenings of links, from the tables of a run."""

    def __init__(self, run: RunFolder) -> None:
        """run: made by an earlier version, it may have no table of changes; then first closings to cars stand in."""
        links = run.frame("links")
        self.n_links = len(links)
        if run.has("street_changes"):
            changes = run.frame("street_changes")
            self._time_s, self._link = changes["time_s"].to_numpy(), changes["link"].to_numpy()
            self._is_closed = changes[["is_closed_to_cars", "is_closed_to_walkers"]].to_numpy(bool)
        else:
            closed = links[np.isfinite(links["closed_time_s"])].sort_values("closed_time_s")
            self._time_s, self._link = closed["closed_time_s"].to_numpy(), closed.index.to_numpy()
            self._is_closed = np.tile([True, False], (len(closed), 1))

    @property
    def links(self) -> np.ndarray:
        """Links that are closed at some moment, rising."""
        return np.unique(self._link[self._is_closed.any(axis=1)])

    def closed_at(self, time_s: float) -> np.ndarray:
        """Return which links are closed at a moment: bool[n_links, 2], to cars and to walkers."""
        n = int(np.searchsorted(self._time_s, time_s, side="right"))
        closed = np.zeros((self.n_links, 2), bool)
        closed[self._link[:n]] = self._is_closed[:n]
        return closed
