"""Truces: in which windows nothing falls, where, and which windows are violated.

A truce takes nothing from chance: every impact is drawn as without it, and those within a window that is kept do not
fall. Whether a window is violated, and when, is drawn by its day: whatever a plan calls its truces and wherever they
hold, the same days are kept under every plan, and a lower `truce_keeping.p_violated` only keeps more of them.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np
import shapely

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.clock import hours_within, local_time
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.truces import Truce
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones


@dataclass(frozen=True)
class Window:
    """One window of one truce."""

    truce: int
    """Row of the truce in the scenario."""
    start_s: float
    end_s: float
    broken_s: float
    """When it is violated (s); inf: it is kept."""

    @property
    def until_s(self) -> float:
        """Until when it holds (s)."""
        return min(self.end_s, self.broken_s)

    def holds(self, time_s: float) -> bool:
        """Return whether it holds at a moment (s)."""
        return self.start_s <= time_s < self.until_s


class Truces:
    """The windows of all truces of a run, and what lies within the area of each."""

    def __init__(self, scenario: Scenario, streets: Streets, zones: Zones) -> None:
        """Raises ScenarioError if a truce names a zone or a street that is not there.

        scenario: what is simulated. streets, zones: those of the town.
        """
        self.settings, self._run = scenario.truces, scenario.run
        self._time_zone = scenario.shelling.time_zone
        self._areas = [_area(f"truces.{row}", one, streets, zones) for row, one in enumerate(self.settings)]
        middle = streets.geometry_first[:-1] + np.diff(streets.geometry_first) // 2
        self._links_m = streets.geometry_x_m[middle], streets.geometry_y_m[middle]
        self.windows = sorted(
            (self._window(row, *ends, scenario) for row, one in enumerate(self.settings) for ends in self._hours(one)),
            key=lambda window: (window.start_s, window.truce),
        )
        self._changes_s = sorted({at for one in self.windows for at in (one.start_s, one.until_s)})

    def _hours(self, truce: Truce) -> list[tuple[float, float]]:
        hours = hours_within([truce], self._run, self._time_zone)
        end_s = self._run.duration_h * 3600.0
        pairs = zip(hours.start_s.tolist(), hours.end_s.tolist(), strict=True)
        return [(start, end) for start, end in pairs if end > 0 and start < end_s]

    def _window(self, row: int, start_s: float, end_s: float, scenario: Scenario) -> Window:
        day = np.array([self.day_of(start_s)])
        breaks, when = (float(uniforms_for(scenario.run.seed, Stream.TRUCE, day, index=i)[0]) for i in (0, 1))
        is_broken = breaks < scenario.truce_keeping.p_violated
        return Window(row, start_s, end_s, start_s + when * (end_s - start_s) if is_broken else np.inf)

    def day_of(self, time_s: float) -> int:
        """Return the number of the local day of a moment (s), counted from the year 1."""
        return local_time(self._run.start, time_s, self._time_zone).date().toordinal()

    def suspend(self, impacts: Impacts) -> Impacts:
        """Return the impacts with those marked that the truces keep from falling."""
        if not self.windows:
            return impacts
        is_suspended = np.zeros(len(impacts), np.bool_)
        for window in self.windows:
            rows = impacts.between(window.start_s, window.until_s)
            is_suspended[rows] |= self._contains(window.truce, impacts.x_m[rows], impacts.y_m[rows])
        return replace(impacts, is_suspended=is_suspended)

    def n_suspended_by(self, impacts: Impacts, end_s: float) -> Ints:
        """Return how many impacts each window has kept from falling, int64; end_s: the present (s)."""
        n = np.zeros(len(self.windows), np.int64)
        for number, window in enumerate(self.windows):
            rows = impacts.between(window.start_s, min(window.until_s, end_s))
            n[number] = self._contains(window.truce, impacts.x_m[rows], impacts.y_m[rows]).sum()
        return n

    def next_change_s(self, time_s: float) -> float:
        """Return when a window begins, ends or is violated next, after a moment (s); inf: never."""
        row = bisect_right(self._changes_s, time_s)
        return self._changes_s[row] if row < len(self._changes_s) else np.inf

    def hold(self, time_s: float) -> bool:
        """Return whether any truce holds at a moment (s)."""
        return any(window.holds(time_s) for window in self.windows)

    def spares(self, x_m: Floats, y_m: Floats, time_s: float) -> Bools:
        """Return at which places a truce holds at a moment, bool; x_m, y_m: places (m). time_s: the moment (s)."""
        spared = np.zeros(np.shape(x_m), np.bool_)
        for window in self.windows:
            if window.holds(time_s):
                spared |= self._contains(window.truce, x_m, y_m)
        return spared

    def spares_links(self, time_s: float) -> Bools:
        """Return on which links, by their middles, a truce holds at a moment (s); bool[n_links]."""
        return self.spares(*self._links_m, time_s)

    def _contains(self, truce: int, x_m: Floats, y_m: Floats) -> Bools:
        area = self._areas[truce]
        return np.ones(np.shape(x_m), np.bool_) if area is None else shapely.contains_xy(area, x_m, y_m)

    def report(self, impacts: Impacts, end_s: float) -> list[str]:
        """Return a sentence for each window that has begun: whether it was kept, and what did not fall in it.

        impacts: of the run. end_s: the present (s).
        """
        said = []
        for window, n in zip(self.windows, self.n_suspended_by(impacts, end_s).tolist(), strict=True):
            if window.start_s >= end_s:
                continue
            name, at = self.settings[window.truce].name, self._clock(window.start_s)
            fate = "was kept" if window.broken_s >= end_s else f"was violated at {self._clock(window.broken_s)}"
            fate = "has been kept so far" if end_s < window.until_s else fate
            said.append(f"Truce {name!r}: the window of {at} {fate}; {n:,} impacts did not fall because of it.")
        return said

    def _clock(self, time_s: float) -> str:
        return f"{local_time(self._run.start, time_s, self._time_zone):%Y-%m-%d %H:%M}"


def _area(key: str, truce: Truce, streets: Streets, zones: Zones) -> shapely.Geometry | None:
    """Return the area in which a truce holds, in the plane of the streets; None: everywhere."""
    unknown = [name for name in truce.zones if name not in zones.name]
    if unknown:
        raise ScenarioError(f"{key}.zones: there is no zone {unknown[0]!r}. The zones are {', '.join(zones.name)}.")
    parts = [zones.outline[zones.name.index(name)] for name in truce.zones]
    names = streets.names
    for name in truce.streets:
        for link in names.demand_called(name, f"{key}.streets").tolist():
            points = slice(streets.geometry_first[link], streets.geometry_first[link + 1])
            line = np.column_stack((streets.geometry_x_m[points], streets.geometry_y_m[points]))
            parts.append(shapely.linestrings(line).buffer(truce.within_m))
    if not parts:
        return None
    area = shapely.union_all(parts)
    shapely.prepare(area)
    return area
