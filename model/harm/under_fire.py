"""People under fire: who is near impacts when they fall, who hears them and takes cover, who dies of injuries."""

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Status
from safepassage.agents.ground.nearby import points_within
from safepassage.agents.rules import harm
from safepassage.agents.vehicles import ServiceAgents
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information
from safepassage.model.draws import keys_of
from safepassage.model.harm.cover import Cover
from safepassage.model.harm.injuries import Casualties, HarmByImpacts, Pairs
from safepassage.model.harm.road_fire import RoadFire
from safepassage.model.harm.vehicles import VehiclesUnderFire
from safepassage.model.harm.whereabouts import Whereabouts
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
        services: ServiceAgents,
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
        self.whereabouts = Whereabouts(population, movement, self.homes, surroundings.shelters, services)
        self.vehicles = VehiclesUnderFire(self.harm, impacts, services.vehicles)
        self.next_death_s = np.inf
        """When the next of the injured dies (s); inf: nobody does."""
        self._pairs: list[Pairs] = []

    def fall(self, k: int):
        """Let impact k fall on whoever is near at that very time, on vehicles and on streets.

        Everybody must have been moved to its time. Who is hurt is drawn by `injure`, once all of a step have fallen.
        """
        impacts = self.impacts
        reach_m = float(self.harm.reach_m[impacts.size[k]])
        near = self.whereabouts.people_near(float(impacts.x_m[k]), float(impacts.y_m[k]), reach_m)
        self._pairs.append(Pairs(np.full(near.person.size, k, np.int32), near.person, near.distance_m))
        self.vehicles.fall(k, near.vehicle, near.vehicle_distance_m)
        self.cover.close(self.surroundings.strike(impacts, k, k + 1).shelters)
        self.surroundings.tell(self.movement, float(impacts.time_s[k]))

    def injure(self) -> Casualties:
        """Draw whom the impacts that have fallen since the last call hurt; return them."""
        people = self.population.people
        pairs, self._pairs = Pairs(*(np.concatenate(column) for column in zip(*self._pairs, strict=True))), []
        casualties = self.harm.injure(people.injury, people.injury_time_s, self.impacts, pairs, people.protection)
        self.note_when_they_die(casualties.person)
        return casualties

    def note_when_they_die(self, person: np.ndarray):
        """Note when those newly injured die: the fatally injured at once, the seriously injured without care later."""
        people = self.population.people
        injury = people.injury[person]
        serious = np.unique(person[injury == Injury.SERIOUS])
        no_care = np.full(serious.size, np.inf)
        people.death_time_s[serious] = self.harm.death_times_s(serious, people.injury_time_s[serious], no_care)
        killed = np.unique(person[injury == Injury.FATAL])
        people.death_time_s[killed] = people.injury_time_s[killed]
        self._look_for_next_death()

    def give_care(self, person: np.ndarray, time_s: float):
        """Let care begin for seriously injured people; with the same number each, it can only save."""
        people = self.population.people
        care_s = np.full(person.size, time_s)
        people.death_time_s[person] = self.harm.death_times_s(person, people.injury_time_s[person], care_s)
        self._look_for_next_death()

    def die(self, time_s: float) -> np.ndarray:
        """Let those die whose time has come, in safety too; return the parties on the streets of which nobody lives."""
        people = self.population.people
        now = np.flatnonzero((people.death_time_s <= time_s) & (people.status != Status.DEAD))
        people.injury[now] = Injury.FATAL
        empty = self.population.die(now)
        self._look_for_next_death()
        return empty

    def _look_for_next_death(self):
        people = self.population.people
        self.next_death_s = people.death_time_s[people.status != Status.DEAD].min(initial=np.inf)

    def hear(self, rows: slice):
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

    def expose(self, time_s: float, dt_s: float, step: int) -> np.ndarray:
        """Harm people by the time spent under drones and crossfire in the last dt_s; return those left worse off."""
        hurt = self.road_fire.strike(self.population, self.movement, self.vehicles, time_s, dt_s, step)
        if hurt.size:
            self.note_when_they_die(hurt)
        return hurt
