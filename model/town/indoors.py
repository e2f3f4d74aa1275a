"""How cold unheated homes get, by what heats them and zone; and which warm places are open to whom."""

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.agents.rules.cold import cooled_c, lacking_degree_h
from safepassage.model.hazard.weather import HOUR_S, Weather
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.levers.warm_places import WarmPlace
from safepassage.model.settings.weather import ColdHomes
from safepassage.model.streets.placing import node_of, place_of
from safepassage.model.streets.streets import Streets

SOURCES = (Utility.GAS, Utility.POWER)
"""What heats homes, besides stoves, which nothing puts out."""
STOVE = len(SOURCES)


class Indoors:
    """Temperature of homes without heating, by source and zone; those with heating are at `heated_c`."""

    def __init__(self, settings: ColdHomes, weather: Weather, n_zones: int) -> None:
        """settings: the scenario's section `ColdHomes`. weather: of the run. n_zones: parts of the town."""
        self.settings, self.weather = settings, weather
        self.time_s = 0.0
        """Until when temperatures are known (s)."""
        self.temperature_c = np.full((len(SOURCES), n_zones), settings.heated_c)
        """float64[source, zone]: of homes with that source (degrees)."""
        self.is_out = np.zeros((len(SOURCES), n_zones), np.bool_)
        """bool[source, zone]: whether that source does not work, since `time_s` at the latest."""

    def advance(self, until_s: float) -> Floats:
        """Let homes cool to a moment (s); return what they have lacked since, degree-hours, float64[source, zone].

        Nothing is lacking on days on which no home is heated.
        """
        s, days = self.settings, self.weather.days
        lacking = np.zeros_like(self.temperature_c)
        while self.time_s < until_s:
            row = days.row(self.time_s)
            ends_s = min(until_s, float(days.start_s[row + 1]) if row + 1 < days.start_s.size else np.inf)
            hours, mean_c = (ends_s - self.time_s) / HOUR_S, float(days.mean_c[row])
            towards = mean_c + s.gains_c, hours, s.cooling_h
            if mean_c < s.heating_below_c:
                lacking += np.where(self.is_out, lacking_degree_h(self.temperature_c, *towards, s.needed_c), 0.0)
            cooled = cooled_c(self.temperature_c, *towards)
            self.temperature_c = np.where(self.is_out, cooled, s.heated_c)
            self.time_s = ends_s
        return lacking

    def switch(self, is_out: Bools) -> None:
        """Note which sources do not work from `time_s` on; homes whose heating is back are warm at once (assumption).

        is_out: bool[source, zone].
        """
        self.is_out = is_out.copy()
        self.temperature_c[~is_out] = self.settings.heated_c

    def lacks_c(self, time_s: float) -> Floats:
        """Return what homes lack at a moment (s) that has been reached: degrees below what is needed, by source and
        zone; 0 on days on which no home is heated."""
        is_season = self.weather.days.mean_c[self.weather.days.row(time_s)] < self.settings.heating_below_c
        lacks = np.maximum(self.settings.needed_c - self.temperature_c, 0.0)
        return np.where(self.is_out & is_season, lacks, 0.0)


class WarmPlaces:
    """Warm places and water points of a run."""

    def __init__(self, settings: tuple[WarmPlace, ...], streets: Streets, home_x_m: Floats, home_y_m: Floats) -> None:
        """Raises ScenarioError for one that is not on the streets.

        settings: the scenario's list. streets: those of the town. home_x_m, home_y_m: places of the homes (m).
        """
        self.settings = settings
        at = [_place(one, streets, f"warm_places.{row}") for row, one in enumerate(settings)]
        self.x_m, self.y_m = np.array(at, np.float64).reshape(-1, 2).T
        self.reach_m = np.array([one.reach_m for one in settings])
        self.share = np.array([one.share_of_day for one in settings])
        self._edges_s = np.unique([edge * HOUR_S for one in settings for edge in (one.opens_h, one.closes_h)
                                   if edge is not None])  # fmt: skip
        homes = grid_of_points(home_x_m, home_y_m)
        if settings:
            place, home, away_m = points_within(homes, self.x_m, self.y_m, self.reach_m)
        else:
            place, home, away_m = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0)
        order = np.lexsort((place, away_m, -self.share[place], home))
        self._place = place[order].astype(np.int64)
        """Places in reach of each home, homes in order; of a home the place of the longest stay first, then the
        nearest, so that a place more can only lengthen the stay of each."""
        self._first = np.searchsorted(home[order], np.arange(home_x_m.size + 1))

    def next_change_s(self, time_s: float) -> float:
        """Return the first moment after one at which a place opens or closes (s)."""
        row = int(np.searchsorted(self._edges_s, time_s, side="right"))
        return float(self._edges_s[row]) if row < self._edges_s.size else np.inf

    def is_open(self, time_s: float) -> Bools:
        """Return which places are open at a moment (s)."""
        ends = (np.inf if one.closes_h is None else one.closes_h * HOUR_S for one in self.settings)
        pairs = zip(self.settings, ends, strict=True)
        return np.array([one.opens_h * HOUR_S <= time_s < end_s for one, end_s in pairs], np.bool_)

    def room(self, time_s: float) -> Ints:
        """Return how many people each place can take at a moment (s): none if it is closed or not heated."""
        capacity = np.array([one.capacity if one.is_heated else 0 for one in self.settings], np.int64)
        return np.where(self.is_open(time_s), capacity, 0)

    def in_reach(self, homes: Ints) -> tuple[Ints, Ints]:
        """Return (first, place): places in reach of each home, those of homes[k] are place[first[k]:first[k + 1]]."""
        n = self._first[homes + 1] - self._first[homes]
        first = np.concatenate(([0], np.cumsum(n)))
        rows = np.arange(int(first[-1])) - np.repeat(first[:-1], n) + np.repeat(self._first[homes], n)
        return first, self._place[rows]

    def has_water(self, time_s: float) -> Bools:
        """Return which homes have an open water point in reach at a moment (s), bool."""
        gives = self.is_open(time_s) & np.array([one.has_water for one in self.settings], np.bool_)
        home = np.repeat(np.arange(self._first.size - 1), np.diff(self._first))
        return np.bincount(home, gives[self._place], self._first.size - 1) > 0

    def warms(self, x_m: float, y_m: float, time_s: float) -> bool:
        """Return whether whoever waits at a place waits indoors in a warm place at a moment (s)."""
        if not self.settings:
            return False
        away_m = np.hypot(self.x_m - x_m, self.y_m - y_m)
        near = np.array([one.is_heated and away <= one.warms_stops_within_m
                         for one, away in zip(self.settings, away_m, strict=True)])  # fmt: skip
        return bool((near & self.is_open(time_s)).any())


def _place(one: WarmPlace, streets: Streets, key: str) -> tuple[float, float]:
    node = node_of(one, streets, key)
    if one.node is None:
        return place_of(streets, one, key)
    return float(streets.node_x_m[node]), float(streets.node_y_m[node])
