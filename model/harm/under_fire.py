"""People under fire: who is near impacts when they fall, who hears them and takes cover, who dies of injuries."""

from collections.abc import Callable

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.ground.nearby import points_within
from safepassage.agents.parties import members
from safepassage.agents.rules import harm
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information
from safepassage.model.draws import keys_of
from safepassage.model.harm.cover import Cover
from safepassage.model.harm.injuries import HarmByImpacts, in_order_of_time
from safepassage.model.harm.road_fire import RoadFire
from safepassage.model.harm.services import ServicesUnderFire
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.movement.movement import Movement
from safepassage.model.people.demography import ADULT_AGE
from safepassage.model.people.population import Population
from safepassage.model.settings.scenario import Scenario
from safepassage.model.town.surroundings import Surroundings


class UnderFire:
    """What impacts do to people and streets, in the order in which they fall."""

    def __init__(
        self,
        scenario: Scenario,
        impacts: Impacts,
        population: Population,
        movement: Movement,
        surroundings: Surroundings,
        information: Information,
        decision: Decision,
    ):
        self.scenario, self.impacts, self.population, self.movement = scenario, impacts, population, movement
        self.surroundings, self.information, self.decision = surroundings, information, decision
        households, seed = population.households, scenario.run.seed
        self.harm = HarmByImpacts(
            scenario.harm, seed, households.home_x_m, households.home_y_m, households.first_person,
            keys_of(population.people),
        )  # fmt: skip
        self.homes = self.harm.homes
        self.cover = Cover(scenario, population, surroundings.shelters, self.homes, seed)
        self.road_fire = RoadFire(
            scenario, surroundings.streets, surroundings.links_near_front, surroundings.homes_to_front, self.harm
        )
        self._next_death_s = np.inf
        self.services: ServicesUnderFire | None = None

    def fall(self, rows: slice, arrive: Callable, note: Callable):
        """Let impacts fall: on people at home, on those on the way at that very time, on streets.

        arrive: called with the Arrivals of moving everybody to the time of an impact; note: called with the row of
        each impact and the people it harmed.
        """
        if rows.start == rows.stop:
            return
        impacts, people = self.impacts, self.population.people
        is_there = (people.status != Status.SAFE) & (people.status != Status.DEAD)
        is_there &= self.population.is_at_home()[people.household] & ~self.cover.is_away()[people.household]
        pairs = [self.harm.people_at_home_near(impacts, rows.start, rows.stop, is_there)]
        for k in range(rows.start, rows.stop):
            time_s = float(impacts.time_s[k])
            if self.movement.n_moving:
                arrive(self.movement.advance(time_s))
            if self.movement.n_moving or self.services is not None:
                pairs += self._people_on_way_near(k)
            pairs.append(self._people_in_shelters_near(k))
            self.cover.close(self.surroundings.strike(impacts, k, k + 1).shelters)
            self.surroundings.tell(self.movement, time_s)
        casualties = self.harm.injure(
            people.injury, people.injury_time_s, impacts, in_order_of_time(*pairs), people.protection
        )
        n_harmed = np.bincount(casualties.event - rows.start, minlength=rows.stop - rows.start)
        for k in range(rows.start, rows.stop):
            note(k, int(n_harmed[k - rows.start]))
        self._fatally_injure(casualties.person, casualties.injury)
        if self.services is not None:
            self.services.lose(self.movement.time_s)
        self._hear(rows)

    def _people_on_way_near(self, k: int):
        """Return the pairs of impact k and the people on the streets, at stops or aboard within its reach now."""
        x_m, y_m = float(self.impacts.x_m[k]), float(self.impacts.y_m[k])
        party, party_x_m, party_y_m = self.movement.parties_near(
            x_m, y_m, float(self.harm.reach_m[self.impacts.size[k]])
        )
        served = party >= self.movement.n_parties
        person, place = members(self.population.households.first_person, party[~served])
        alive = self.population.people.status[person] != Status.DEAD
        person, place = person[alive], place[alive]
        on_own = party_x_m[~served][place], party_y_m[~served][place]
        pairs = [self.harm.people_elsewhere_near(self.impacts, k, person, *on_own), self._people_setting_out_near(k)]
        if self.services is not None:
            vehicle = party[served] - self.movement.n_parties
            pairs.append(self.services.people_near(k, vehicle, party_x_m[served], party_y_m[served]))
        return pairs

    def _people_setting_out_near(self, k: int):
        """Return the pairs of impact k and the people who have set out and wait at home to get onto the street."""
        households, setting_out = self.population.households, self.population.setting_out(self.movement.link_of)
        person, place = members(households.first_person, setting_out)
        alive = self.population.people.status[person] != Status.DEAD
        person, household = person[alive], setting_out[place[alive]]
        at_home = households.home_x_m[household], households.home_y_m[household]
        return self.harm.people_elsewhere_near(self.impacts, k, person, *at_home)

    def _people_in_shelters_near(self, k: int):
        """Return the pairs of impact k and the people in shelters within its reach."""
        x_m, y_m = float(self.impacts.x_m[k]), float(self.impacts.y_m[k])
        there = self.cover.people_near(x_m, y_m, float(self.harm.reach_m[self.impacts.size[k]]))
        return self.harm.people_elsewhere_near(self.impacts, k, *there)

    def _fatally_injure(self, person: np.ndarray, injury: np.ndarray):
        """Note when those newly injured die: the fatally injured at once, the seriously injured without care later."""
        people = self.population.people
        serious = np.unique(person[injury == Injury.SERIOUS])
        no_care = np.full(serious.size, np.inf)
        people.death_time_s[serious] = self.harm.death_times_s(serious, people.injury_time_s[serious], no_care)
        killed = np.unique(person[injury == Injury.FATAL])
        people.death_time_s[killed] = people.injury_time_s[killed]
        self._look_for_next_death()
        if self.services is not None:
            self.services.call(serious)

    def give_care(self, person: np.ndarray, time_s: float):
        """Let care begin for seriously injured people; with the same number each, it can only save."""
        people = self.population.people
        care_s = np.full(person.size, time_s)
        people.death_time_s[person] = self.harm.death_times_s(person, people.injury_time_s[person], care_s)
        self._look_for_next_death()

    def die(self, time_s: float) -> np.ndarray:
        """Let those die whose time has come, in safety too; return the parties on the streets of which nobody lives."""
        if self._next_death_s > time_s:
            return np.empty(0, np.int64)
        people = self.population.people
        now = np.flatnonzero((people.death_time_s <= time_s) & (people.status != Status.DEAD))
        people.injury[now] = Injury.FATAL
        empty = self.population.die(now)
        if self.services is not None:
            self.services.count_the_dead()
        self._look_for_next_death()
        return empty

    def _look_for_next_death(self):
        people = self.population.people
        self._next_death_s = people.death_time_s[people.status != Status.DEAD].min(initial=np.inf)

    def _hear(self, rows: slice):
        """Let impacts be heard at homes: some households nearby leave at once, all remember, alerts begin."""
        impacts, behaviour = self.impacts, self.scenario.behaviour
        x_m, y_m = impacts.x_m[rows], impacts.y_m[rows]
        event, home, _ = points_within(self.homes, x_m, y_m, behaviour.reaction_reach_m)
        event = event + np.int32(rows.start)
        if self.decision.flee(event, home, impacts.time_s[event]):
            self.population.plans_changed()
        _, home, _ = points_within(self.homes, x_m, y_m, behaviour.hearing_reach_m)
        self.information.hear_impacts(home, float(impacts.time_s[rows.stop - 1]))
        self.cover.hear(impacts, rows)

    def walking_speeds(self, parties: np.ndarray) -> np.ndarray:
        """Return the walking speed of parties with their injured as they are now (m/s); 0: they cannot move unaided."""
        people, first = self.population.people, self.population.households.first_person
        speed_m_s = self.population.parties.free_speed_m_s[parties].copy()
        hurt = np.flatnonzero((people.injury != Injury.NONE) & (people.status != Status.SAFE))
        for k in np.flatnonzero(np.isin(parties, people.household[hurt])):
            rows = slice(int(first[parties[k]]), int(first[parties[k] + 1]))
            able = (people.age[rows] >= ADULT_AGE) & (people.mobility[rows] != Mobility.NEEDS_ASSISTANCE)
            harm.party_walking_speeds(
                speed_m_s[k : k + 1], np.array([0, able.size]), people.free_speed_m_s[rows], people.injury[rows], able,
                self.scenario.harm.light_speed_factor, self.scenario.harm.carrying_speed_factor,
                self.scenario.harm.n_carriers,
            )  # fmt: skip
        return speed_m_s

    def expose(self, time_s: float, dt_s: float, step: int):
        """Harm people by the time spent under drones and crossfire in the last dt_s; let those at home take cover."""
        hurt = self.road_fire.strike(self.population, self.movement, self.services, time_s, dt_s, step)
        if hurt.size:
            self._fatally_injure(hurt, self.population.people.injury[hurt])
        if self.services is not None:
            self.services.lose(time_s)
        self.cover.take(time_s)
