"""What cold did day by day, and to whom: the tables `cold_days` and `cold_casualties`."""

from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa

from safepassage.agents.ground.arrays import Bools
from safepassage.model.hazard.weather import GROUNDS, Weather

HOMES = ("n_homes_without_heat", "n_homes_without_water", "n_people_in_cold_homes", "n_people_in_warm_places")


class ColdHarm(IntEnum):
    """What cold has done to a person."""

    NONE = 0
    ILL = 1
    DEAD = 2


class ColdBooks:
    """Sums by local date of a run with weather."""

    def __init__(self, weather: Weather) -> None:
        n = len(weather.days.day)
        self.weather = weather
        self.outside_person_h = np.zeros(n)
        """Time that people spent outside in the cold."""
        self.most = {name: np.zeros(n, np.int64) for name in HOMES}
        """The most of each day."""
        self.coldest_c = np.full(n, np.nan)
        """Coldest homes of each day (degrees)."""
        self.expected = np.zeros(n)
        """Casualties of cold to be expected from the start to the last look of each day."""

    def add_outside(self, person_h: float, time_s: float) -> None:
        """Add time spent outside in the cold (person-hours), about a moment (s)."""
        self.outside_person_h[self.weather.days.row(time_s)] += person_h

    def see_homes(
        self, time_s: float, without_heat: Bools, without_water: Bools, at_home: Bools, is_cold: Bools,
        is_warmed: Bools, coldest_c: float,
    ) -> None:  # fmt: skip
        """Note how homes are from a moment on.

        time_s: that moment (s). without_heat, without_water: by household that is at home. at_home, is_cold, is_warmed:
        by person, the last two of those whose homes lack warmth, and who have room in a warm place. coldest_c: of homes
        (degrees).
        """
        row = self.weather.days.row(time_s)
        now = (without_heat.sum(), without_water.sum(), (at_home & is_cold).sum(), is_warmed.sum())
        for name, n in zip(HOMES, now, strict=True):
            self.most[name][row] = max(self.most[name][row], int(n))
        self.coldest_c[row] = np.fmin(self.coldest_c[row], coldest_c)

    def days(self, winter: Any, time_s: float) -> dict[str, Any]:
        """Return the columns of the table `cold_days`, a row for each date begun; winter: harm so far."""
        days = self.weather.days
        n = days.row(time_s) + 1
        happened = winter.harm > ColdHarm.NONE
        row = np.clip(np.searchsorted(days.start_s, winter.harm_time_s[happened], side="right") - 1, 0, n - 1)
        start_s = self.weather.start_s
        rises = [(sun.noon_s - sun.half_day_s - start_s, sun.noon_s + sun.half_day_s - start_s) if sun.rises
                 else (np.nan, np.nan) for sun in days.sun[:n]]  # fmt: skip
        grounds = {code: name for name, code in reversed(GROUNDS.items())}
        return {
            "day": pa.array([str(day) for day in days.day[:n]], pa.string()),
            "mean_c": days.mean_c[:n],
            "wind_m_s": days.wind_m_s[:n],
            "ground": pa.array([grounds[int(code)] or "none" for code in days.ground[:n]], pa.string()),
            "sunrise_s": np.array([rise for rise, _ in rises]),
            "sunset_s": np.array([fall for _, fall in rises]),
            "cold_outside_person_h": self.outside_person_h[:n],
            **{name: most[:n] for name, most in self.most.items()},
            "coldest_home_c": self.coldest_c[:n],
            "n_cold_expected": self.expected[:n],
            "n_cold_casualties": np.bincount(row, minlength=n).astype(np.int64),
            "n_cold_deaths": np.bincount(row, winter.harm[happened] == ColdHarm.DEAD, n).astype(np.int64),
        }

    def casualties(self, winter: Any) -> dict[str, Any]:
        """Return the columns of the table `cold_casualties`, a row for each person; winter: harm so far."""
        person = np.flatnonzero(winter.harm > ColdHarm.NONE)
        return {
            "person": person.astype(np.int32),
            "age": winter.population.people.age[person],
            "time_s": winter.harm_time_s[person],
            "was_outside": winter.was_outside[person],
            "is_dead": winter.harm[person] == ColdHarm.DEAD,
        }
