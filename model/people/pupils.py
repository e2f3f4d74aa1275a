"""Who is at which school, and when: children of school age, at the nearest school that takes them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.clock import OpenHours, epoch_s
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.people.population import Population
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.daytime import School, WorkingDays
from safepassage.model.settings.run import Run

NOBODY = np.empty(0, np.int64)


def hours_of(days: WorkingDays, run: Run, time_zone: str) -> OpenHours:
    """Return the hours of some days of each week within a run, holidays left out."""
    zone, start_s = ZoneInfo(time_zone), epoch_s(run.start, time_zone)
    day = datetime.fromtimestamp(start_s, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(start_s + run.duration_h * 3600.0, zone).date()
    pairs = []
    while day <= last:
        is_off = any(one.first_day <= day <= one.last_day for one in days.holidays)
        if day.isoweekday() in days.weekdays and not is_off:
            pairs.append([datetime.combine(day, at, zone).timestamp() - start_s
                          for at in (days.from_time, days.until_time)])  # fmt: skip
        day += timedelta(days=1)
    found = np.array(pairs, np.float64).reshape(-1, 2)
    return OpenHours(found[:, 0].copy(), found[:, 1].copy())


class Pupils:
    """The pupils of a run's schools. Each is at school while it is open, as long as their household is at home."""

    def __init__(
        self, schools: tuple[School, ...], run: Run, time_zone: str, population: Population,
        zone_names: tuple[str, ...], x_m: Floats, y_m: Floats,
    ) -> None:  # fmt: skip
        """Raises ScenarioError for a zone that is not there.

        schools: the scenario's list. run: start and length of the run. time_zone: of the hours of schools. population:
        everybody. zone_names: those of the town. x_m, y_m: places of the schools (m).
        """
        self.settings, self.population, self.x_m, self.y_m = schools, population, x_m, y_m
        self.hours = [hours_of(one, run, time_zone) for one in schools]
        people, h = population.people, population.households
        keys = keys_of(people)
        self.school = np.full(len(people), -1, np.int64)
        """By person: row of the school they go to; -1: to none."""
        self.free_s = np.full(len(people), np.inf)
        """By person: from when on they do not go to school any more, fetched or sent home (s); inf: they do."""
        nearest_m = np.full(len(people), np.inf)
        home, u = people.household, uniforms_for(run.seed, Stream.SCHOOL, keys)
        for row, one in enumerate(schools):
            takes = (people.age >= one.youngest) & (people.age <= one.oldest) & (h.institution[home] < 0)
            takes &= _lives_in(one, row, h.zone[home], zone_names)
            away_m = np.hypot(h.home_x_m - x_m[row], h.home_y_m - y_m[row])[home]
            nearer = takes & (away_m < nearest_m)
            nearest_m[nearer] = away_m[nearer]
            self.school[nearer] = np.where(u[nearer] < one.share, row, -1)
        self._rows = np.flatnonzero(self.school >= 0)
        room = [Protection.BASEMENT if one.has_shelter else Protection.INNER_ROOM for one in schools]
        self._protection = np.array(room, np.int8)

    def is_open(self, time_s: float) -> Bools:
        """Return which schools are open at a moment (s)."""
        return np.array([hours.is_open(time_s) for hours in self.hours], np.bool_)

    def at_school(self, person: Ints, time_s: float) -> Bools:
        """Return which of some people are at school at a moment (s), bool."""
        school = self.school[person]
        there = (school >= 0) & np.append(self.is_open(time_s), False)[school] & (time_s < self.free_s[person])
        if there.any():
            people = self.population.people
            there &= self.population.is_at_home(people.household[person]) & (people.status[person] != Status.DEAD)
        return there

    def those_at_school(self, time_s: float) -> Ints:
        """Return everybody who is at school at a moment (s), rows of people."""
        return self._rows[self.at_school(self._rows, time_s)] if self.is_open(time_s).any() else NOBODY

    def sorted_out(
        self, person: Ints, distance_m: Floats, at: tuple[float, float, float], time_s: float
    ) -> tuple[Ints, Floats]:
        """Return people near a place and how far away, with pupils where they are: at school, not with their household.

        person, distance_m: as their households are. at: x_m, y_m of the place, and reach around it (m). time_s: the
        moment (s).
        """
        pupils = self.those_at_school(time_s)
        if pupils.size == 0:
            return person, distance_m
        x_m, y_m, reach_m = at
        away_m = np.hypot(self.x_m - x_m, self.y_m - y_m)[self.school[pupils]]
        near, elsewhere = pupils[away_m <= reach_m], ~np.isin(person, pupils)
        person = np.concatenate((person[elsewhere], near)).astype(np.int32)
        return person, np.concatenate((distance_m[elsewhere], away_m[away_m <= reach_m]))

    def protection(self, protection: Ints, time_s: float) -> Ints:
        """Return what protects everybody, int8 of Protection: of pupils at school, its rooms."""
        pupils = self.those_at_school(time_s)
        if pupils.size == 0:
            return protection
        protection = protection.copy()
        protection[pupils] = self._protection[self.school[pupils]]
        return protection

    def table(self, time_s: float) -> dict[str, Any]:
        """Return the columns of the table `schools` as of a moment (s)."""
        n, status = len(self.settings), self.population.people.status[self._rows]
        school, free_s = self.school[self._rows], self.free_s[self._rows]

        def count(which: Bools) -> Ints:
            return np.bincount(school[which], minlength=n).astype(np.int64)

        return {
            "school": [one.name for one in self.settings],
            "x_m": self.x_m,
            "y_m": self.y_m,
            "n_pupils": np.bincount(school, minlength=n).astype(np.int64),
            "n_at_school": count(self.at_school(self._rows, time_s)),
            "n_fetched_or_sent_home": count(free_s <= time_s),
            "n_out": count(status == Status.SAFE),
        }


def _lives_in(one: School, row: int, zone: Ints, zone_names: tuple[str, ...]) -> Bools:
    """Return who lives in a zone of a school, bool; zone: of each person."""
    if one.zones is None:
        return np.ones(zone.size, np.bool_)
    for name in one.zones:
        if name not in zone_names:
            known = ", ".join(sorted(zone_names))
            raise ScenarioError(f"daytime.schools.{row}.zones: no zone is called {name!r}. Write one of: {known}.")
    return np.isin(zone, [zone_names.index(name) for name in one.zones])
