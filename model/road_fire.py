"""Danger by the time spent in it: drones over roads, crossfire near the front."""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode, members
from safepassage.model.config import Scenario
from safepassage.model.draws import Stream
from safepassage.model.drones import DroneField
from safepassage.model.front import LinksNearFront, crossfire_rate_per_s
from safepassage.model.harm import HarmByImpacts
from safepassage.model.movement import Movement
from safepassage.model.population import Population
from safepassage.model.streets import Streets

LOOK_EVERY_S = 3600.0
"""Rates over links change with the front, the hour and the weather; they are looked up as often as this (s)."""


class RoadFire:
    """Harm to parties on streets in proportion to the time they are exposed, and by crossfire to people at home."""

    def __init__(
        self,
        scenario: Scenario,
        streets: Streets,
        links_near_front: LinksNearFront | None,
        homes_to_front,
        harm: HarmByImpacts,
    ):
        """homes_to_front: gives the distance of each home to the front at a time; None, as the links': no front."""
        self.front, self.harm = scenario.front, harm
        self._links_near_front, self._homes_to_front = links_near_front, homes_to_front
        self._drones = DroneField(scenario.drones, scenario.run, scenario.shelling.time_zone, streets.link_name)
        self.is_active = links_near_front is not None
        self._rate_per_s = {mode: np.zeros(streets.n_links) for mode in (Mode.CAR, Mode.WALK)}
        self._is_dangerous = False
        self._next_look_s = 0.0
        self._home_rate_per_s = None

    def strike(self, population: Population, movement: Movement, time_s: float, dt_s: float, step: int):
        """Return (persons, stream's injury) of those harmed during the last dt_s, where they are now. Writes injuries.

        Where a party is at the end of a step stands for the whole step: on average the time spent on each link.
        """
        if not self.is_active:
            return np.empty(0, np.int32)
        if time_s >= self._next_look_s:
            self._look(time_s)
            self._next_look_s = time_s + LOOK_EVERY_S
        hurt = []
        people, parties = population.people, population.parties
        if self._is_dangerous and movement.n_moving:
            party = np.flatnonzero(parties.is_on_way)
            link = movement.link_of(party)
            party, link = party[link >= 0], link[link >= 0]
            walks = parties.mode[party] == Mode.WALK
            rate = np.where(walks, self._rate_per_s[Mode.WALK][link], self._rate_per_s[Mode.CAR][link])
            party, rate = party[rate > 0], rate[rate > 0]
            person, place = members(population.households.first_person, party)
            alive = people.status[person] != Status.DEAD
            hurt.append(
                self.harm.injure_exposed(
                    people.injury,
                    people.injury_time_s,
                    person[alive],
                    rate[place[alive]] * dt_s,
                    Stream.DRONE,
                    step,
                    time_s,
                    people.protection,
                )
            )
        if self._home_rate_per_s is not None:
            rate = self._home_rate_per_s[people.household]
            person = np.flatnonzero(
                (rate > 0) & population.is_at_home()[people.household] & (people.status < Status.SAFE)
            )
            hurt.append(
                self.harm.injure_exposed(
                    people.injury,
                    people.injury_time_s,
                    person,
                    rate[person] * dt_s,
                    Stream.CROSSFIRE,
                    step,
                    time_s,
                    people.protection,
                )
            )
        return np.concatenate(hurt) if hurt else np.empty(0, np.int32)

    def _look(self, time_s: float):
        distance_km = self._links_near_front.distance_km(time_s)
        crossfire = crossfire_rate_per_s(self.front, distance_km)
        for mode in (Mode.CAR, Mode.WALK):
            walking = mode == Mode.WALK
            drones = self._drones.casualty_rate_per_s(distance_km, time_s, walking=walking)
            self._rate_per_s[mode] = drones + crossfire
        self._is_dangerous = any(rate.max(initial=0.0) > 0 for rate in self._rate_per_s.values())
        homes = crossfire_rate_per_s(self.front, self._homes_to_front.distance_km(time_s))
        self._home_rate_per_s = homes if homes.max(initial=0.0) > 0 else None
