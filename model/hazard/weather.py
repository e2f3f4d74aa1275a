"""The weather of a run by day and hour: temperature, wind chill, snow, light; the same under every plan."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.model.clock import OpenHours, epoch_s, local_time
from safepassage.model.hazard.days import change_of, iso_day
from safepassage.model.hazard.days import day as day_of
from safepassage.model.hazard.sun import SunDay, days_of, sun_day
from safepassage.model.inputs.tables import read_table, some_of
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.run import Run
from safepassage.model.settings.weather import Weather as WeatherSettings
from safepassage.model.streets.streets import Streets

BARE, SNOW, ICE = range(3)
GROUNDS = {"none": BARE, "": BARE, "snow": SNOW, "ice": ICE}
WARMEST_AT_H = 15.0
"""Local hour at which a day is warmest; twelve hours from it it is coldest. Assumption."""
LEAST_WIND_KM_H = 4.8
"""Wind below which wind chill is the temperature itself: Environment Canada and the US National Weather Service."""
WARMEST_CHILL_C = 10.0
"""Temperature above which wind chill is not defined: the same."""
SHORTEST_NIGHT_S = 60.0
"""Shorter ones are none: where it does not get dark, noon comes some seconds earlier or later each day."""
HOUR_S = 3600.0


def wind_chill_c(temperature_c: Floats | float, wind_m_s: Floats | float) -> Floats:
    """Return how cold it feels (degrees): the index of Environment Canada and the US National Weather Service, 2001.

    Never above the temperature. temperature_c: of the air. wind_m_s: at 10 m above ground.
    """
    temperature_c, wind_km_h = np.broadcast_arrays(np.asarray(temperature_c, float), np.asarray(wind_m_s, float) * 3.6)
    power = np.maximum(wind_km_h, LEAST_WIND_KM_H) ** 0.16
    index = 13.12 + 0.6215 * temperature_c - 11.37 * power + 0.3965 * temperature_c * power
    is_defined = (temperature_c <= WARMEST_CHILL_C) & (wind_km_h > LEAST_WIND_KM_H)
    return np.where(is_defined, np.minimum(index, temperature_c), temperature_c)


@dataclass(frozen=True, eq=False)
class Days:
    """What each local date of a run is like; arrays with an entry for each, in order."""

    day: tuple[date, ...]
    start_s: Floats
    """When it begins (s after the start of the run)."""
    mean_c: Floats
    wind_m_s: Floats
    ground: np.ndarray
    """int8: BARE, SNOW or ICE."""
    sun: tuple[SunDay, ...]

    def row(self, time_s: float) -> int:
        """Return the row of the date of a moment (s)."""
        return int(np.clip(np.searchsorted(self.start_s, time_s, side="right") - 1, 0, len(self.day) - 1))


class Weather:
    """The weather of a run with settings that state some."""

    def __init__(self, settings: WeatherSettings, run: Run, time_zone: str, streets: Streets) -> None:
        """Raises ScenarioError for days of the run of which nothing is said, and for a file that cannot be used.

        settings: the scenario's section `Weather`. run: start and length of the run. time_zone: of local dates.
        streets: those of the town, in whose middle the sun is looked at.
        """
        self.settings, self._zone = settings, time_zone
        self.start_s = epoch_s(run.start, time_zone)
        self.duration_s = run.duration_h * HOUR_S
        first, last = (local_time(run.start, at_s, time_zone) for at_s in (0.0, self.duration_s))
        place = self._place(streets)
        self.days = self._days(days_of(first, last), *place)
        self.dark = self._dark(place)
        self.hour_s = np.arange(0.0, self.duration_s + HOUR_S, HOUR_S)
        """Begin of each hour of the run (s)."""
        at_s = self.hour_s + HOUR_S / 2
        row = np.clip(np.searchsorted(self.days.start_s, at_s, side="right") - 1, 0, len(self.days.day) - 1)
        hour = (at_s - self.days.start_s[row]) / HOUR_S
        self.temperature_c = self.days.mean_c[row] + settings.day_range_c / 2 * np.cos(
            2 * np.pi * (hour - WARMEST_AT_H) / 24.0
        )
        """In the middle of each hour (degrees)."""
        self.feels_c = wind_chill_c(self.temperature_c, self.days.wind_m_s[row])
        """Wind chill in the middle of each hour (degrees)."""
        self._changes_s = np.unique(np.concatenate((self.days.start_s, self.dark.start_s, self.dark.end_s)))

    def _place(self, streets: Streets) -> tuple[float, float]:
        s = self.settings
        if s.latitude_deg is not None and s.longitude_deg is not None:
            return s.latitude_deg, s.longitude_deg
        longitude, latitude = streets.unproject(float(streets.node_x_m.mean()), float(streets.node_y_m.mean()))
        return float(latitude), float(longitude)

    def _days(self, days: list[date], latitude: float, longitude: float) -> Days:
        s, n = self.settings, len(days)
        mean_c, wind_m_s = np.full(n, np.nan), np.full(n, s.wind_m_s)
        ground = np.full(n, BARE, np.int8)
        for snow in s.snow:
            lies = np.array([snow.first_day <= day <= snow.last_day for day in days])
            ground[lies] = np.maximum(ground[lies], ICE if snow.is_ice else SNOW)
        if s.monthly_mean_c:
            mean_c[:] = [monthly(s.monthly_mean_c, day) for day in days]
        if s.file is not None:
            self._read(days, mean_c, wind_m_s, ground)
        zone = ZoneInfo(self._zone)
        start_s = [datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() - self.start_s for day in days]
        sun = tuple(sun_day(day, latitude, longitude, self._zone) for day in days)
        return Days(tuple(days), np.array(start_s), mean_c, wind_m_s, ground, sun)

    def _read(self, days: list[date], mean_c: Floats, wind_m_s: Floats, ground: np.ndarray) -> None:
        """Put what the file says of days into their columns, written; refuse days of which nothing is said."""
        path, row_of = self.settings.file, {day: row for row, day in enumerate(days)}
        assert path is not None
        table = read_table(path, ("date", "mean_c"), ("wind_m_s", "snow"))
        texts = table["date"].tolist()
        found = [day_of(text) for text in texts]
        for row in [row for row, one in enumerate(found) if one is None][:5]:
            table.note("date", np.arange(len(texts)) == row, change_of(texts[row]))
        plain = [iso_day(text) for text in texts]
        table.note("date", [plain.index(one) < row for row, one in enumerate(plain)], "this day is there twice")
        given = {"mean_c": table.numbers("mean_c", -70.0, 60.0)}
        if "wind_m_s" in table:
            given["wind_m_s"] = table.numbers("wind_m_s", 0.0, 60.0)
        if "snow" in table:
            given["snow"] = table.choices("snow", GROUNDS)
        table.check()
        for column, into in (("mean_c", mean_c), ("wind_m_s", wind_m_s), ("snow", ground)):
            for one, value in zip(found, given.get(column, ()), strict=column in given):
                if one in row_of:
                    into[row_of[one]] = value
        known = [one for one in found if one is not None]
        lines = some_of(
            np.flatnonzero(np.isnan(mean_c)),
            lambda row: (
                f"{path}: {days[row]} is a day of the run, and not in the file, which goes from {min(known)} to "
                f"{max(known)}. Add it, move run.start, or give weather.monthly_mean_c for days without a row."
            ),
            f"{path}: {{n}} more days of the run are missing.",
        )
        if lines:
            raise ScenarioError("\n".join(lines))

    def _dark(self, place: tuple[float, float]) -> OpenHours:
        """Return the hours of the run in which it is dark, those that meet joined."""
        first, last = self.days.day[0], self.days.day[-1]
        beside = (sun_day(day, *place, self._zone) for day in (first - timedelta(days=1), last + timedelta(days=1)))
        light = []
        for sun in (*self.days.sun, *beside):
            if sun.half_light_s > 0:
                noon_s = sun.noon_s - self.start_s
                light.append((noon_s - sun.half_light_s, noon_s + sun.half_light_s))
        ends = [-2 * 86400.0, *(edge for pair in sorted(light) for edge in pair), self.duration_s + 3 * 86400.0]
        nights = [(a, b) for a, b in list(pairwise(ends))[::2] if b > a + SHORTEST_NIGHT_S]
        pairs = np.array(nights, np.float64).reshape(-1, 2)
        return OpenHours(pairs[:, 0].copy(), pairs[:, 1].copy())

    def walking_factor(self, time_s: float) -> float:
        """Return the factor on walking speed at a moment (s): of darkness, and of what lies on the ground."""
        s, ground = self.settings, int(self.days.ground[self.days.row(time_s)])
        factor = {BARE: 1.0, SNOW: s.snow_speed_factor, ICE: s.ice_speed_factor}[ground]
        return factor * (s.dark_speed_factor if self.dark.is_open(time_s) else 1.0)

    def next_change_s(self, time_s: float) -> float:
        """Return the first moment after one at which light or ground may change (s)."""
        row = int(np.searchsorted(self._changes_s, time_s, side="right"))
        return float(self._changes_s[row]) if row < self._changes_s.size else np.inf

    def is_colder(self, time_s: Floats, than_c: float) -> Bools:
        """Return whether the day of each moment (s) has a mean below a temperature; inf: no."""
        time_s = np.asarray(time_s, np.float64)
        at_s = np.where(np.isfinite(time_s), time_s, 0.0)
        row = np.clip(np.searchsorted(self.days.start_s, at_s, side="right") - 1, 0, len(self.days.day) - 1)
        return np.isfinite(time_s) & (self.days.mean_c[row] < than_c)


def monthly(mean_c: tuple[float, ...], day: date) -> float:
    """Return the temperature of a day from twelve monthly means, each in force on the 15th, linear between."""
    before = (day.month - 1 if day.day >= 15 else day.month - 2) % 12
    share = ((day.day - 15) if day.day >= 15 else (day.day + 15)) / 30.4
    return mean_c[before] + (mean_c[(before + 1) % 12] - mean_c[before]) * min(share, 1.0)
