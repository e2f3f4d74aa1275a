"""Harm by cold: to people outside by wind chill and hours, to old people at home by degrees that the home lacks.

People outside are counted when they come in, and once an hour while they are out; homes once a day, and whenever heat,
water or a warm place comes or goes. Nothing of it runs without weather.
"""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising
from safepassage.agents.parties import members
from safepassage.agents.rules import cold as kernels
from safepassage.agents.vehicles import ServiceAgents
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.harm.cold_books import ColdBooks, ColdHarm
from safepassage.model.hazard.weather import HOUR_S
from safepassage.model.people.population import Population
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.scenario import Scenario
from safepassage.model.town.indoors import SOURCES, STOVE, Indoors, WarmPlaces
from safepassage.model.town.surroundings import Surroundings

NOBODY = np.empty(0, np.int64)
OLD_FROM_AGE = 65
AGES = (50, 65, 75)
"""First age of each group of `ColdHomes.deaths_per_year`."""
YEAR_H = 365.25 * 24


class Winter:
    """What cold has done so far to everybody in a run with weather."""

    def __init__(
        self, scenario: Scenario, population: Population, surroundings: Surroundings, information: Information,
        decision: Decision, services: ServiceAgents,
    ) -> None:  # fmt: skip
        """scenario: what is simulated. population: everybody. surroundings: weather, and what works in the town.

        information: what households know, of which cold and dry homes are a part. decision: how they decide. services:
        stops, at which people wait.
        """
        assert surroundings.weather is not None
        self.settings, self.weather = scenario.cold, surroundings.weather
        self.population, self.utilities = population, surroundings.utilities
        self.information, self.service_agents = information, services
        households, people, seed = population.households, population.people, scenario.run.seed
        decision.weather, decision.heating_below_c = self.weather, self.settings.homes.heating_below_c
        self.indoors = Indoors(self.settings.homes, self.weather, surroundings.utilities.n_causes.shape[1])
        homes = households.home_x_m, households.home_y_m
        self.places = WarmPlaces(scenario.warm_places, surroundings.streets, *homes)
        self._draw(households, people, seed)
        n = len(people)
        self.dose, self.harm, self.harm_time_s = np.zeros(n), np.zeros(n, np.int8), np.full(n, np.inf)
        """By person: the sum of their danger, what has come of it (ColdHarm), and when (s; inf: nothing)."""
        self.was_outside = np.zeros(n, np.bool_)
        """Whether it came to them outside."""
        self.place = np.full(n, -1, np.int64)
        """Warm place in which each has room; -1: in none."""
        self._is_out, self._charged_s, self._since_s = np.zeros(n, np.bool_), np.zeros(n), np.zeros(n)
        self._out: Ints = NOBODY
        outside, feels = self.settings.outside, self.weather.feels_c
        steps = np.minimum((outside.reference_c - feels) / 5.0, 100.0)
        rate_per_h = np.where(feels > outside.none_above_c, 0.0, outside.per_person_h * outside.times_per_5_c**steps)
        self._summed_rate = np.concatenate(([0.0], np.cumsum(np.minimum(rate_per_h, 1e3))))
        self._summed_cold_h = np.concatenate(([0.0], np.cumsum(feels < self.settings.feels_below_c)))
        self.books = ColdBooks(self.weather)
        self._is_dry = np.zeros(len(households), np.bool_)
        self.next_s = 0.0
        """When homes, or people outside, are looked at next (s)."""
        self._homes_s = 0.0

    def _draw(self, households: Any, people: Any, seed: int) -> None:
        homes, keys = self.settings.homes, keys_of(people)
        u = uniforms_for(seed, Stream.COLD, keys_of(households))
        self.heated_by = np.where(u < homes.share_gas, 0, np.where(u < homes.share_gas + homes.share_power, 1, STOVE))
        """By household: row of SOURCES, or STOVE."""
        self._is_used = np.zeros(self.indoors.temperature_c.shape, np.bool_)
        """bool[source, zone]: whether some home there is heated by it."""
        by_source = self.heated_by != STOVE
        self._is_used[self.heated_by[by_source], households.zone[by_source]] = True
        self._threshold = -np.log1p(-uniforms_for(seed, Stream.COLD, keys, index=1))
        self._u_fatal = uniforms_for(seed, Stream.COLD, keys, index=2)
        is_old = people.age >= OLD_FROM_AGE
        self._factor = np.where(is_old, self.settings.outside.times_old, 1.0)
        deaths = np.concatenate(([0.0], homes.deaths_per_year))[np.searchsorted(AGES, people.age, side="right")]
        self._per_degree_h = deaths / YEAR_H * homes.deaths_rise_per_c
        self._turn = np.lexsort((uniforms_for(seed, Stream.COLD, keys, index=3), ~is_old))
        """People in the order in which warm places take them: the old first, then by a number of their own."""

    @property
    def expected(self) -> float:
        """People whom cold makes ill or kills, to be expected of what each has gone through so far."""
        return float(-np.expm1(-self.dose).sum()) + 0.0  # not -0

    def is_without_heat(self) -> Bools:
        """Return which homes have no heating now, by household, whoever is in them."""
        no_stove_is_out = np.zeros((1, self.indoors.is_out.shape[1]), np.bool_)
        return np.vstack((self.indoors.is_out, no_stove_is_out))[self.heated_by, self.population.households.zone]

    def lacks_at_home_c(self) -> Floats:
        """Return the degrees below what is needed in each home, by household, when homes were last looked at."""
        lacks = self.indoors.lacks_c(self.indoors.time_s)
        no_stove_lacks = np.zeros((1, lacks.shape[1]))
        return np.vstack((lacks, no_stove_lacks))[self.heated_by, self.population.households.zone]

    def look(self, now_s: float) -> Ints:
        """Count what cold has done until a moment (s); return the parties on the streets of which nobody lives now."""
        is_end = now_s >= self.weather.duration_s
        dead = [self._see_who_is_out(now_s)] if self.population.is_touched else []
        if is_end or now_s >= self._homes_s or self._is_anything_new():
            dead.append(self._look_at_homes(now_s))
            self.books.expected[self.weather.days.row(now_s) :] = self.expected
        if self._out.size and (is_end or now_s >= self.next_s):
            dead.append(self._charge(self._out, now_s))
        hour_s = (np.floor(now_s / HOUR_S + 1e-9) + 1.0) * HOUR_S if self._out.size else np.inf
        self.next_s = min(hour_s, self._homes_s)
        found = [rows for rows in dead if rows.size]
        return self._bury(np.concatenate(found), now_s) if found else NOBODY

    def is_anybody_newly_out(self, now_s: float) -> bool:
        """Return whether somebody has gone out, or come in, at a moment (s), since it was last looked at."""
        return self.population.is_touched and self._who_changed(now_s)[0].size > 0

    def _who_changed(self, now_s: float) -> tuple[Ints, Bools]:
        """Return (people touched who have gone out or come in since it was last looked at, which of them are out)."""
        people, parties = self.population.people, self.population.parties
        person, _ = members(self.population.households.first_person, rising(self.population.touched))
        household = people.household[person]
        is_out = (people.protection[person] == Protection.OUTDOORS) & (people.status[person] != Status.SAFE)
        is_out &= people.status[person] != Status.DEAD
        stops = self.service_agents.stops
        if stops and self.places.settings and is_out.any():
            warm = np.array([self.places.warms(stop.x_m, stop.y_m, now_s) for stop in stops])
            is_out &= ~((parties.stop[household] >= 0) & warm[parties.stop[household]])
        changed = is_out != self._is_out[person]
        return person[changed], is_out[changed]

    def _see_who_is_out(self, now_s: float) -> Ints:
        """Count those who come in, note those who go out; return who has died of cold."""
        person, is_out = self._who_changed(now_s)
        if person.size == 0:
            return NOBODY
        came_in, went_out = person[~is_out], person[is_out]
        dead = self._charge(came_in, now_s)
        self._is_out[person] = is_out
        self._since_s[went_out] = self._charged_s[went_out] = now_s
        self._out = np.flatnonzero(self._is_out)
        return dead

    def _charge(self, person: Ints, now_s: float) -> Ints:
        """Count the time outside of some people until a moment; return who has died of it."""
        cold_h = np.zeros(len(self.population.people))
        first_s = self._charged_s[person].min(initial=now_s)
        kernels.outside(
            self.dose, cold_h, person, self._charged_s, self._since_s, now_s, self.settings.outside.spared_h * HOUR_S,
            self._factor, self._summed_rate, self._summed_cold_h, HOUR_S,
        )  # fmt: skip
        self.books.add_outside(float(cold_h[person].sum()), (first_s + now_s) / 2)
        return self._harmed(person, now_s, is_outside=True)

    def _is_anything_new(self) -> bool:
        return bool((self._sources_out() != self.indoors.is_out).any())

    def _sources_out(self) -> Bools:
        return np.array([self.utilities.n_causes[source] > 0 for source in SOURCES])

    def _look_at_homes(self, now_s: float) -> Ints:
        """Count what homes have lacked since the last look, and see who is cold, dry or in a warm place from now on."""
        h, people = self.population.households, self.population.people
        lacking = self.indoors.advance(now_s)
        home = people.household
        at_home = (self.population.is_at_home() & (h.shelter < 0))[home]
        at_home &= (people.status != Status.DEAD) & (people.status != Status.SAFE)
        rows = NOBODY
        if lacking.any():
            lacked = np.vstack((lacking, np.zeros(lacking.shape[1])))[self.heated_by, h.zone]
            rows = np.flatnonzero(at_home & (lacked[home] > 0) & (self._per_degree_h > 0))
            stay = np.append(self.places.share, 0.0)[self.place[rows]]
            self.dose[rows] += self._per_degree_h[rows] * lacked[home[rows]] * (1.0 - stay)
        dead = self._harmed(rows, now_s, is_outside=False)
        self.indoors.switch(self._sources_out())
        self._see_homes(now_s, at_home)
        days = self.weather.days
        tomorrow_s = days.start_s[np.searchsorted(days.start_s, now_s, side="right") :][:1]
        water_s = self.utilities.lost_since_s[Utility.WATER] + self.settings.homes.water_lasts_d * 86400.0
        later_s = np.concatenate((tomorrow_s, water_s[water_s > now_s], [self.places.next_change_s(now_s)]))
        self._homes_s = float(later_s.min(initial=np.inf))
        return dead

    def _see_homes(self, now_s: float, at_home: Bools) -> None:
        """Give out room in warm places, and tell households how cold and dry their homes are."""
        h, people, n = self.population.households, self.population.people, len(self.population.households)
        lacks_c = self.lacks_at_home_c()
        self.place[:] = -1
        if self.places.settings:
            wants = self._turn[(at_home & (lacks_c > 0)[people.household])[self._turn]]
            first, near = self.places.in_reach(people.household[wants])
            kernels.take_places(self.place, wants, first, near, self.places.room(now_s))
        stay = np.append(self.places.share, 0.0)[self.place]
        mean_stay = np.bincount(people.household, stay, n) / np.maximum(h.n_members, 1)
        since_s = self.utilities.lost_since_s[Utility.WATER][h.zone]
        self._is_dry = now_s - since_s >= self.settings.homes.water_lasts_d * 86400.0
        if self.places.settings:
            self._is_dry &= ~self.places.has_water(now_s)
        self.information.lacks_c, self.information.is_dry = lacks_c * (1.0 - mean_stay), self._is_dry
        lives = np.bincount(people.household, at_home, n) > 0
        self.books.see_homes(
            now_s, lives & self.is_without_heat(), lives & self._is_dry, at_home, lacks_c[people.household] > 0,
            self.place >= 0, float(self.indoors.temperature_c[self._is_used].min(initial=self.settings.homes.heated_c)),
        )  # fmt: skip

    def _harmed(self, rows: Ints, now_s: float, *, is_outside: bool) -> Ints:
        """Note which people have come to harm; return the dead among them."""
        new = rows[(self.dose[rows] >= self._threshold[rows]) & (self.harm[rows] == ColdHarm.NONE)]
        is_fatal = self._u_fatal[new] < self.settings.outside.share_fatal if is_outside else np.ones(new.size, np.bool_)
        self.harm[new] = np.where(is_fatal, ColdHarm.DEAD, ColdHarm.ILL)
        self.harm_time_s[new], self.was_outside[new] = now_s, is_outside
        return new[is_fatal]

    def _bury(self, dead: Ints, now_s: float) -> Ints:
        people = self.population.people
        dead = dead[people.status[dead] != Status.DEAD]
        people.death_time_s[dead] = now_s
        return self.population.die(dead)
