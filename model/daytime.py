"""By day: before a household leaves, adults come home from work, children are fetched from school, and an old relative.

The trips are not on the streets: their time is that of the quickest way over streets that are open when they begin,
without queues. Meanwhile the household is at home and prepares; when all are together it sets out. Where no way is
open, or nobody can go, it waits: nobody leaves a child behind.
"""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.routing import next_links
from safepassage.model.people.demography import ADULT_AGE, OLD_AGE
from safepassage.model.people.population import Population
from safepassage.model.people.pupils import Pupils, hours_of
from safepassage.model.settings.levers.daytime import SendsHome
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.placing import node_of

THERE, BACK = range(2)
NONE = -1
CAR_SEATS = 5
"""A household with a place free in its car may fetch a relative. Assumption."""


class WaysThere:
    """The quickest ways between places and all nodes, kept until a street closes or opens."""

    def __init__(self, movement: Movement) -> None:
        self.movement = movement
        self._known: dict[Any, tuple[bytes, Floats]] = {}

    def cost(self, node: int, mode: Mode, way: int) -> Floats:
        """Return what it takes from each node to one, or back, over streets that are open now: m on foot, s by car.

        node: the place. mode: on foot or by car. way: THERE or BACK.
        """
        streets, ways = self.movement.streets, self.movement.ways
        is_open = ways.of[mode].is_open & (streets.walkable if mode == Mode.WALK else streets.drivable)
        is_open[streets.n_town_links :] = False  # roads beyond the exits
        stamp = is_open.tobytes()
        known = self._known.get((node, mode, way))
        if known is None or known[0] != stamp:
            ends = streets.link_upstream, streets.link_downstream
            cost = streets.length_m if mode == Mode.WALK else ways.free_flow_time_s
            ends = ends if way == THERE else ends[::-1]
            found = next_links(streets.n_nodes, *ends, cost, is_open, np.array([node]))
            known = self._known[node, mode, way] = stamp, found[1]
        return known[1]


class DayPlaces:
    """Who is at school and at work, who is fetched before a household leaves, and how long that takes."""

    def __init__(
        self, scenario: Scenario, zone_names: tuple[str, ...], population: Population, movement: Movement
    ) -> None:
        """Raises ScenarioError for a school that is not on the streets, or names a zone that is not there.

        scenario: what is simulated. zone_names: those of the town. population: everybody, who learn of their pupils.
        movement: everybody on the streets, and which of these are open.
        """
        self.settings, self.population, self.movement = scenario.daytime, population, movement
        self.households, self._seed = population.households, scenario.run.seed
        schools, streets, run = self.settings.schools, movement.streets, scenario.run
        self._node = np.array([node_of(one, streets, f"daytime.schools.{row}") for row, one in enumerate(schools)],
                              np.int64)  # fmt: skip
        self.pupils: Pupils | None = None
        zone = scenario.shelling.time_zone
        if schools:
            at = streets.node_x_m[self._node], streets.node_y_m[self._node]
            self.pupils = population.pupils = Pupils(schools, run, zone, population, zone_names, *at)
        people, work = population.people, self.settings.work
        self._work_hours = hours_of(work, run, zone)
        person_keys = keys_of(people)
        works = uniforms_for(self._seed, Stream.SCHOOL, person_keys, index=1) < work.share
        self._works = works & (people.age >= ADULT_AGE) & (people.age < OLD_AGE)
        self._works &= self.households.institution[people.household] < 0
        u = uniforms_for(self._seed, Stream.SCHOOL, person_keys, index=2)
        self._return_s = -np.log1p(-u) / np.log(2.0) * work.return_median_s
        self._u_goes = uniforms_for(self._seed, Stream.SCHOOL, person_keys, index=3)
        n = len(self.households)
        self._is_off = not (schools or work.share or self.settings.share_with_relative)
        self.together_s = np.full(n, np.inf)
        """By household: since when all whom it waited for are together (s); inf: it has not had to wait."""
        self.waited_s = np.zeros(n)
        """By household: how long it has waited for them before it could set out (s)."""
        self.relative = self._relatives() if self.settings.share_with_relative else np.full(n, NONE, np.int64)
        """By household: the old person living alone whom it fetches; -1: none."""
        self._ways = WaysThere(movement)
        for one in self.settings.send_home if schools else ():
            if one.at_h is not None:
                self._send_home(one, one.at_h * 3600.0)

    def _relatives(self) -> Ints:
        """Return for each household the old person living alone that it fetches; promises them its car: `lift_from`."""
        h, people, settings = self.households, self.population.people, self.settings
        first, keys = h.first_person, keys_of(h)
        alone = (h.n_members == 1) & (people.age[first[:-1]] >= OLD_AGE) & ~h.has_car & (h.institution < 0)
        asks = np.flatnonzero(alone & (uniforms_for(self._seed, Stream.SCHOOL, keys, index=4)
                                       < settings.share_with_relative))  # fmt: skip
        u_host = uniforms_for(self._seed, Stream.SCHOOL, keys, index=5)
        drives = h.has_car & self.population.has_driver(np.arange(len(h))) & (h.institution < 0)
        hosts = np.flatnonzero(drives & (h.n_members < CAR_SEATS))
        found = np.full(len(h), NONE, np.int64)
        for household in asks[np.argsort(u_host[asks], kind="stable")].tolist():
            away_m = np.hypot(h.home_x_m[hosts] - h.home_x_m[household], h.home_y_m[hosts] - h.home_y_m[household])
            near = hosts[(away_m <= settings.relative_reach_m) & (found[hosts] == NONE)]
            if near.size:
                host = int(near[np.argmin(np.abs(u_host[near] - u_host[household]))])
                found[host] = household
                self.households.lift_from[household] = host
        return found

    def is_without_child(self, households: Ints, now_s: float) -> Bools:
        """Return which households have a child at school at a moment (s): they do not leave, nor are taken along."""
        if self.pupils is None or households.size == 0:
            return np.zeros(households.size, np.bool_)
        away = self.population.people.household[self.pupils.those_at_school(now_s)]
        return np.isin(households, away)

    def gather(self, due: Ints, now_s: float) -> Ints:
        """Return the households that may set out now: all of it together; let the others fetch whom they wait for.

        due: households whose departure has come. now_s: the present (s).
        """
        if self._is_off or due.size == 0:
            return due
        h = self.households
        planned_s = np.maximum(h.departure_time_s[due], now_s)
        go, held = [], []
        for household, from_s in zip(due.tolist(), planned_s.tolist(), strict=True):
            together_s = self._together_s(household, from_s)
            if together_s <= from_s:
                go.append(household)
                continue
            h.departure_time_s[household] = together_s
            self.waited_s[household] += together_s - from_s
            held.append(household)
        if held:
            self.population.plans_changed(np.array(held))
        return np.array(go, due.dtype)

    def _together_s(self, household: int, from_s: float) -> float:
        """Return when all of a household are together that means to leave at a moment (s); that moment: they are."""
        people, first = self.population.people, self.households.first_person
        rows = np.arange(first[household], first[household + 1])
        rows = rows[people.status[rows] != Status.DEAD]
        back_s = from_s
        here = np.ones(rows.size, np.bool_)
        if np.isinf(self.together_s[household]) and self._work_hours.is_open(from_s) and self._works[rows].any():
            here = ~self._works[rows]
            back_s = from_s + float(self._return_s[rows[~here]].max())
        children = rows[self.pupils.at_school(rows, from_s)] if self.pupils is not None else rows[:0]
        if children.size:
            goes_s = from_s if self._who_goes(rows[here]) is not None else back_s
            fetched_s = self._fetch(household, rows, children, goes_s)
            if np.isinf(fetched_s):
                return self._ask_again_s(from_s)
            back_s = max(back_s, fetched_s)
        if np.isinf(self.together_s[household]):
            back_s = self._fetch_relative(household, back_s)
        if back_s > from_s or children.size:
            self.together_s[household] = back_s
        return back_s

    def _who_goes(self, rows: Ints) -> int | None:
        """Return which of some people goes to fetch children: an able adult, drawn; None: there is none."""
        people = self.population.people
        able = (people.age[rows] >= ADULT_AGE) & (people.mobility[rows] != Mobility.NEEDS_ASSISTANCE)
        able &= people.injury[rows] < Injury.SERIOUS
        rows = rows[able]
        return int(rows[np.argmin(self._u_goes[rows])]) if rows.size else None

    def _fetch(self, household: int, rows: Ints, children: Ints, from_s: float) -> float:
        """Let somebody go for children, from school to school; return when all are home (s), inf: nobody can go.

        rows: the living of the household. from_s: when somebody can go (s).
        """
        assert self.pupils is not None
        people, pace = self.population.people, self.movement.pace.factor
        goes = self._who_goes(rows)
        at_s, reached = from_s, []
        for school in np.unique(self.pupils.school[children]).tolist():
            its = children[self.pupils.school[children] == school]
            home_s = float(self.pupils.free_s[its].max())
            trips = []
            if goes is not None:
                adult_m_s = float(people.free_speed_m_s[goes]) * pace
                slowest_m_s = min(adult_m_s, float(people.free_speed_m_s[its].min()) * pace)
                there_m, back_m = self._way(household, school, Mode.WALK)
                trips.append((there_m / adult_m_s, back_m / slowest_m_s))
                if self.households.has_car[household] and self.population.has_driver(np.array([household]))[0]:
                    trips.append(self._way(household, school, Mode.CAR))
            there_s, back_s = min(trips, key=sum, default=(np.inf, np.inf))
            met_s = at_s + there_s + self.settings.pickup_s
            at_s = min(met_s + back_s, max(home_s, at_s))
            if np.isinf(at_s):
                return np.inf
            reached.append((its, min(met_s, home_s)))
        for its, met_s in reached:
            self.pupils.free_s[its] = met_s
        return at_s

    def _ask_again_s(self, from_s: float) -> float:
        """Return when a household looks again that cannot fetch a child: after a while, or when school is over (s)."""
        assert self.pupils is not None
        ends = [float(one.next_outside_s(np.array([from_s]))[0]) for one in self.pupils.hours if one.is_open(from_s)]
        return min(from_s + self.settings.ask_again_s, *ends)

    def _fetch_relative(self, household: int, from_s: float) -> float:
        """Let a household drive to its old relative, who then rides with it; return when it is back (s)."""
        relative, h = int(self.relative[household]), self.households
        if relative == NONE or not self.population.is_at_home(np.array([relative]))[0]:
            return from_s
        home = [int(self.movement.ways.start_node(Mode.CAR, h.home_node[row : row + 1])[0])
                for row in (household, relative)]  # fmt: skip
        there_s, back_s = (self._ways.cost(home[1], Mode.CAR, way)[home[0]] for way in (THERE, BACK))
        back_s = from_s + there_s + self.settings.pickup_s + back_s
        if np.isinf(back_s):
            return from_s
        if h.decision_time_s[relative] > from_s:
            h.cause[relative], h.decision_time_s[relative] = Cause.PERSUADED, from_s
        h.departure_time_s[relative] = back_s + 1.0  # after its host, who takes it along
        self.population.plans_changed(np.array([relative]))
        return float(back_s)

    def _way(self, household: int, school: int, mode: Mode) -> tuple[float, float]:
        """Return (there, back) between a home and a school: metres on foot, seconds by car; inf: no way is open."""
        ways = self.movement.ways
        home = int(ways.start_node(mode, self.households.home_node[household : household + 1])[0])
        node = int(ways.start_node(mode, self._node[school : school + 1])[0])
        return float(self._ways.cost(node, mode, THERE)[home]), float(self._ways.cost(node, mode, BACK)[home])

    def act(self, trigger: str, at_s: float) -> None:
        """Let the schools send their pupils home that wait for a trigger, by its name, from a moment (s)."""
        for one in self.settings.send_home if self.pupils is not None else ():
            if one.after == trigger:
                self._send_home(one, at_s)

    def _send_home(self, one: SendsHome, from_s: float) -> None:
        """Let a school send its pupils home in batches from a moment (s); it stays closed."""
        assert self.pupils is not None
        people, school = self.population.people, [each.name for each in self.settings.schools].index(one.name)
        its = np.flatnonzero(self.pupils.school == school)
        its = its[np.argsort(self._u_goes[its], kind="stable")]
        home = self.movement.ways.start_node(Mode.WALK, self.households.home_node[people.household[its]])
        node = int(self.movement.ways.start_node(Mode.WALK, self._node[school : school + 1])[0])
        walk_s = self._ways.cost(node, Mode.WALK, BACK)[home] / people.free_speed_m_s[its]
        leaves_s = from_s + one.every_s * (np.arange(its.size) // one.batch_size)
        if not self.pupils.hours[school].is_open(from_s):
            leaves_s, walk_s = np.full(its.size, from_s), np.zeros(its.size)
        self.pupils.free_s[its] = np.minimum(self.pupils.free_s[its], leaves_s + walk_s)

    def table(self, time_s: float) -> dict[str, Any]:
        """Return the columns of the table `schools` as of a moment (s)."""
        assert self.pupils is not None
        school, households = self.pupils.school, self.population.people.household
        waited = [rising(households[school == row]) for row in range(len(self.settings.schools))]
        waited_h = [float(self.waited_s[rows].sum()) / 3600.0 for rows in waited]
        return {**self.pupils.table(time_s), "waited_for_pupils_h": np.array(waited_h)}

    def report(self) -> list[str]:
        """Return a sentence for each school of `daytime.send_home` that the scenario does not have."""
        return [] if self.settings.schools else [
            f"daytime.send_home.{row}: the scenario has no schools, so nobody of {one.name!r} is sent home. Describe "
            "it under `daytime.schools`."
            for row, one in enumerate(self.settings.send_home)
        ]  # fmt: skip
