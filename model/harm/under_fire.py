"""People under fire: who is near impacts when they fall, who hears them and takes cover, who dies of injuries."""

import numpy as np

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.agents.ground.arrays import Ints, rising, united
from safepassage.agents.ground.nearby import points_within
from safepassage.agents.parties import HURT
from safepassage.agents.rules import harm
from safepassage.agents.vehicles import ServiceAgents
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information
from safepassage.model.draws import Keys, Stream, keys_of, uniforms_for
from safepassage.model.harm.cold import NOBODY, Winter
from safepassage.model.harm.cover import Cover
from safepassage.model.harm.injuries import HarmByImpacts, Pairs
from safepassage.model.harm.lost_homes import LostHomes
from safepassage.model.harm.road_fire import RoadFire
from safepassage.model.harm.vehicles import VehiclesUnderFire
from safepassage.model.harm.whereabouts import Whereabouts
from safepassage.model.hazard.alerts import alerts_of
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.hazard.truces import Truces
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
        truces: Truces,
    ) -> None:
        """scenario: what is simulated. population: everybody, with households and parties. movement: everybody on
        the streets. surroundings: what stands and is open in the town. information: what households know.
        decision: who decides to leave, and when. services: buses, trains and ambulances at work. truces: when nobody is
        shot at, and where. impacts: what falls in the run.
        """
        self.scenario, self.impacts, self.population, self.movement = scenario, impacts, population, movement
        self.surroundings, self.information, self.decision = surroundings, information, decision
        households, seed = population.households, scenario.run.seed
        self.harm = HarmByImpacts(
            scenario.harm, seed, households.home_x_m, households.home_y_m, households.first_person,
            keys_of(population.people),
        )  # fmt: skip
        self.homes, self._household_keys = self.harm.homes, keys_of(households)
        self.cover = Cover(scenario, population, surroundings.shelters, seed)
        self.service_agents = services
        lost = scenario.behaviour.lost_homes
        self.lost_homes = LostHomes(lost, population, self.cover, self.homes, self._household_keys, seed)
        self.whereabouts = Whereabouts(population, movement, self.homes, self.cover, services, self.lost_homes)
        self.vehicles = VehiclesUnderFire(self.harm, impacts, services)
        self.road_fire = RoadFire(
            scenario, surroundings, population, movement, self.cover, self.harm, self.vehicles, services, truces
        )
        self.alert_s, self.alert_ends_s = alerts_of(
            scenario.alerts, impacts, scenario.run, seed, scenario.shelling.time_zone
        )
        minds = information, decision
        stated = surroundings.weather is not None
        self.winter = Winter(scenario, population, surroundings, *minds, services) if stated else None
        """What cold does to people; None in a run without weather."""
        self.next_alert_s = float(self.alert_s[0]) if self.alert_s.size else np.inf
        """When the next air-raid alert sounds (s); inf: none does."""
        self._n_sounded = 0
        reached = uniforms_for(seed, Stream.ALERT, self._household_keys, index=1) < scenario.alerts.reach
        self._hear_alerts = np.flatnonzero(reached)
        self._team_free_s = np.zeros(min(scenario.services.receiving.n_teams or 0, len(population.people)))
        """When each team at the receiving end is free again (s); none: there is always one."""
        self.brought: dict[int, float] = {}
        """When each patient was brought out by an ambulance (s), of those who wait for a team."""
        self.handed_over_s: dict[int, float] = {}
        """When a team takes over each patient whom an ambulance has brought (s)."""
        self.next_death_s = np.inf
        """When the next of the injured dies (s); inf: nobody does."""
        self._without_care: Ints = np.empty(0, np.int32)
        """The seriously injured for whom care has not begun, and perhaps some others; rising."""
        self._mortally_hurt: Ints = np.empty(0, np.int32)
        """People whose death time is known and who live, rising."""

    def fall(self, k: int) -> np.ndarray:
        """Let impact k fall on whoever is near at that very time, on vehicles and on streets; return those hurt.

        Everybody must have been moved to its time.
        """
        impacts, people, time_s = self.impacts, self.population.people, float(self.impacts.time_s[k])
        self.cover.release(time_s)
        reach_m = float(self.harm.reach_m[impacts.size[k]])
        near = self.whereabouts.people_near(float(impacts.x_m[k]), float(impacts.y_m[k]), reach_m, time_s)
        hurt = near.person[:0]
        lives = people.death_time_s[near.person] > time_s
        if lives.any():
            person = near.person[lives]
            self.cover.protect(person, time_s)
            self.population.touch(people.household[person])
            pairs = Pairs(np.full(person.size, k, np.int32), person, near.distance_m[lives])
            aboard = self._aboard(person)
            pupils, protection = self.population.pupils, people.protection
            if pupils is not None:
                protection = pupils.protection(protection, time_s)
            columns = people.injury, people.injury_time_s
            hurt = self.harm.injure(*columns, impacts, pairs, protection, aboard).person
            self.note_when_they_die(hurt)
        self.vehicles.fall(k, near.vehicle, near.vehicle_distance_m)
        broken = self.surroundings.strike(impacts, k, k + 1)
        self.cover.close(broken.shelters)
        self._lose_homes(broken.homes.astype(np.int64), time_s)
        self.surroundings.tell(self.movement, time_s)
        self._hear(k, time_s)
        return hurt

    def take_cover(self, time_s: float) -> None:
        """Bring everybody's cover up to a time; those whose homes have caught fire leave them."""
        self._lose_homes(self.surroundings.fires.take_burnt(), time_s)
        self.cover.take(time_s)

    def _lose_homes(self, homes: np.ndarray, time_s: float) -> None:
        if self.lost_homes.move_out(homes, time_s):
            self.population.plans_changed()

    def sound(self, time_s: float) -> bool:
        """Let the next air-raid alert sound if it is due; return whether it was."""
        if self.next_alert_s > time_s:
            return False
        self.cover.sound(self._hear_alerts, time_s, float(self.alert_ends_s[self._n_sounded]))
        self.vehicles.sound(time_s)
        self._n_sounded += 1
        self.next_alert_s = float(self.alert_s[self._n_sounded]) if self._n_sounded < self.alert_s.size else np.inf
        return True

    def _aboard(self, person: np.ndarray) -> tuple[np.ndarray, Keys]:
        """Return which of some people are in vehicles, rows, and the key of the vehicle of each."""
        people, parties = self.population.people, self.population.parties
        household = people.household[person]
        in_vehicle = np.isin(people.protection[person], (Protection.VEHICLE, Protection.ARMOURED))
        rows = np.flatnonzero(in_vehicle & parties.is_on_way[household])
        carrier = self.movement.carrier[household[rows]]
        return rows, self.vehicles.keys_of(carrier, self._household_keys)

    def note_when_they_die(self, person: np.ndarray) -> None:
        """Note when those newly injured die: the fatally injured at once, the seriously injured without care later."""
        people = self.population.people
        injury = people.injury[person]
        serious = rising(person[injury == Injury.SERIOUS])
        no_care = np.full(serious.size, np.inf)
        people.care_time_s[serious] = np.inf
        people.death_time_s[serious] = self.harm.death_times_s(serious, people.injury_time_s[serious], no_care)
        killed = rising(person[injury == Injury.FATAL])
        people.death_time_s[killed] = people.injury_time_s[killed]
        self.population.touch(people.household[person])
        self._without_care = united(self._without_care, serious)
        self._mortally_hurt = united(self._mortally_hurt, np.concatenate((serious, killed)))
        self._look_for_next_death()

    def give_care(self, person: np.ndarray, time_s: float | np.ndarray) -> None:
        """Let care begin for seriously injured people, if it has not; with the same number each, it can only save."""
        people = self.population.people
        people.care_time_s[person] = np.minimum(people.care_time_s[person], time_s)
        care_s = people.care_time_s[person]
        people.death_time_s[person] = self.harm.death_times_s(person, people.injury_time_s[person], care_s)
        self._look_for_next_death()

    @property
    def is_care_wanted(self) -> bool:
        """Whether somebody's life hangs on care, or a patient waits for a team."""
        return self.next_death_s < np.inf or bool(self.brought)

    def care_for_arrived(self, time_s: float) -> None:
        """Let care begin for the seriously injured who have reached safety, or a stop with medics, by a time."""
        if not self.is_care_wanted:
            return
        people, parties = self.population.people, self.population.parties
        hurt = self._without_care
        if hurt.size == 0 and not self.brought:
            return
        hurt = hurt[(people.injury[hurt] == Injury.SERIOUS) & np.isinf(people.care_time_s[hurt])]
        self._without_care = hurt
        household = people.household[hurt]
        safe = hurt[(people.status[hurt] == Status.SAFE) & np.isfinite(parties.arrival_time_s[household])]
        if safe.size or self.brought:
            self._receive(safe)
        medics = np.array([stop.has_medics for stop in self.service_agents.stops] or [False])
        at_medics = (parties.stop[household] >= 0) & medics[parties.stop[household]]
        if at_medics.any():
            self.give_care(hurt[at_medics], time_s)

    def _receive(self, safe: np.ndarray) -> None:
        """Let care begin for those who have reached safety: on arrival, or when a team is free, in order of arrival.

        safe: rows of people without care. Those whom ambulances have brought, with care, take up a team too. A team
        passes over whoever does not live until it is free.
        """
        people, parties = self.population.people, self.population.parties
        queue = [(float(parties.arrival_time_s[people.household[p]]), p, False) for p in safe.tolist()]
        queue += [(arrival_s, person, True) for person, arrival_s in self.brought.items()]
        self.brought = {}
        for arrival_s, person, by_ambulance in sorted(queue):
            begins_s, free_s = arrival_s, self._team_free_s
            if free_s.size:
                team = int(free_s.argmin())
                begins_s = max(arrival_s, float(free_s[team]))
                if people.death_time_s[person] > begins_s:
                    free_s[team] = begins_s + self.scenario.services.receiving.treat_time_s
            if by_ambulance:
                self.handed_over_s[person] = begins_s
            elif people.death_time_s[person] > begins_s:
                self.give_care(np.array([person]), begins_s)

    def die(self, time_s: float) -> np.ndarray:
        """Let those die whose time has come, in safety too; return the parties on the streets of which nobody lives."""
        people = self.population.people
        now = self._mortally_hurt[people.death_time_s[self._mortally_hurt] <= time_s]
        people.injury[now] = Injury.FATAL
        empty = self.population.die(now)
        self._look_for_next_death()
        return empty

    def _look_for_next_death(self):
        people, hurt = self.population.people, self._mortally_hurt
        self._mortally_hurt = hurt[np.isfinite(people.death_time_s[hurt]) & (people.status[hurt] != Status.DEAD)]
        self.next_death_s = people.death_time_s[self._mortally_hurt].min(initial=np.inf)

    @property
    def next_s(self) -> float:
        """As long as nothing falls and nobody moves, nobody is harmed and no alert sounds before this (s)."""
        return min(self.next_alert_s, self.road_fire.next_s)

    @property
    def ends_s(self) -> float:
        """Nobody dies, changes cover or is looked after in the cold before this, at ends of turns (s)."""
        cold_s = np.inf if self.winter is None else self.winter.next_s
        return min(self.next_death_s, self.cover.next_s, cold_s)

    def freeze(self, time_s: float) -> np.ndarray:
        """Count what cold has done until a time; return the parties on the streets of which nobody lives now."""
        return NOBODY if self.winter is None else self.winter.look(time_s)

    def is_anybody_newly_out(self, time_s: float) -> bool:
        """Return whether somebody who has gone out into the cold, or come in, has to be looked at by a time (s)."""
        return self.winter is not None and self.winter.is_anybody_newly_out(time_s)

    def look_again(self) -> None:
        """Find anew who is to die and who is under an alert, after somebody has changed columns from outside."""
        people = self.population.people
        self._mortally_hurt = np.flatnonzero(np.isfinite(people.death_time_s)).astype(np.int32)
        self._without_care = np.flatnonzero(people.injury == Injury.SERIOUS).astype(np.int32)
        self._look_for_next_death()
        self.cover.look_again()
        self.lost_homes.look_again()

    def _hear(self, k: int, time_s: float) -> None:
        """Let impact k be heard at homes: some households nearby leave at once, all remember, alerts begin."""
        impacts, behaviour = self.impacts, self.scenario.behaviour
        reaches_m = behaviour.reaction_reach_m, behaviour.hearing_reach_m, self.scenario.harm.rooms.hearing_distance_m
        _, home, away_m = points_within(self.homes, impacts.x_m[k : k + 1], impacts.y_m[k : k + 1], max(reaches_m))
        close, remembered, heard = (self.lost_homes.with_guests(home[away_m <= reach_m]) for reach_m in reaches_m)
        if self.decision.flee(np.full(close.size, k, np.int32), close, np.full(close.size, time_s)):
            self.population.plans_changed(rising(close))
        self.information.hear_impacts(remembered, time_s)
        self.cover.hear(heard, time_s)
        at = float(impacts.x_m[k]), float(impacts.y_m[k])
        self.vehicles.hear(*at, time_s, self.whereabouts.place_of_vehicle)

    def walking_speeds(self, parties: np.ndarray, *, is_helped: bool = False) -> np.ndarray:
        """Return the walking speed of parties with their injured as they are now (m/s); 0: they cannot move unaided.

        is_helped: whether others carry their seriously injured; who has nobody else to set the pace goes at the
        party's own.
        """
        people, first = self.population.people, self.population.households.first_person
        speed_m_s = self.population.parties.free_speed_m_s[parties]
        n_hurt = self.population.count_members(parties)[HURT]
        for k in n_hurt.nonzero()[0] if np.count_nonzero(n_hurt) else ():
            rows = slice(int(first[parties[k]]), int(first[parties[k] + 1]))
            able = (people.age[rows] >= ADULT_AGE) & (people.mobility[rows] != Mobility.NEEDS_ASSISTANCE)
            harm.party_walking_speeds(
                speed_m_s[k : k + 1], np.array([0, able.size]), people.free_speed_m_s[rows], people.injury[rows], able,
                self.scenario.harm.light_speed_factor, self.scenario.harm.carrying_speed_factor,
                0 if is_helped else self.scenario.harm.n_carriers,
            )  # fmt: skip
            if is_helped and speed_m_s[k] == 0 and (people.injury[rows] == Injury.SERIOUS).any():
                own_m_s = self.population.parties.free_speed_m_s[parties[k]]
                speed_m_s[k] = own_m_s * self.scenario.harm.carrying_speed_factor
        return speed_m_s

    def expose(self, time_s: float) -> np.ndarray:
        """Harm people by the danger of drones and crossfire that they have gone through; return those worse off."""
        hurt = self.road_fire.charge(time_s)
        if hurt.size:
            self.note_when_they_die(hurt)
        return hurt
