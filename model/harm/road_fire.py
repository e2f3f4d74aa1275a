"""Danger by the time spent in it: drones over roads, crossfire near the front.

A drone strikes what moves: a party on foot, a car, or a service vehicle with all aboard. A strike harms each of them
with the probability `drones.p_casualty_per_strike` (times the factor of their protection), so people in one vehicle
share its luck. With a Poisson number of strikes of mean m, somebody is harmed with 1 - exp(-m * p): as often as if
everybody were exposed alone to the rate times p. A household goes on after a strike; a service vehicle is put out of
action with the odds of harm to those aboard, as by an impact (`model/harm/vehicles.py`).
"""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode, members
from safepassage.model.harm.injuries import HarmByImpacts
from safepassage.model.harm.vehicles import VehiclesUnderFire
from safepassage.model.hazard.drones import DroneField, strikes
from safepassage.model.hazard.front import LinksNearFront, crossfire_rate_per_s
from safepassage.model.movement.movement import Movement
from safepassage.model.people.population import Population
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.streets import Streets

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
        self.front, self.drones, self.harm = scenario.front, scenario.drones, harm
        self._links_near_front, self._homes_to_front = links_near_front, homes_to_front
        self._drone_field = DroneField(scenario.drones, scenario.run, scenario.shelling.time_zone, streets.link_name)
        self.is_active = links_near_front is not None
        self._strikes_per_s = {mode: np.zeros(streets.n_links) for mode in (Mode.CAR, Mode.WALK)}
        self._crossfire_per_s = np.zeros(streets.n_links)
        self._home_crossfire_per_s = None
        self._next_look_s = 0.0

    def strike(
        self,
        population: Population,
        movement: Movement,
        vehicles: VehiclesUnderFire,
        time_s: float,
        dt_s: float,
        step: int,
    ) -> np.ndarray:
        """Return the persons left worse off by drones and crossfire during the last dt_s. Writes injuries.

        Where a party is at the end of a step stands for the whole step: on average the time spent on each link.
        step: number of the step, keys the draws.
        """
        if not self.is_active:
            return np.empty(0, np.int32)
        if time_s >= self._next_look_s:
            self._look(time_s)
            self._next_look_s = time_s + LOOK_EVERY_S
        people = population.people
        written, when = (people.injury, people.injury_time_s), (step, time_s, people.protection)
        person, n_strikes = self._under_drones(population, movement, vehicles, dt_s, step)
        struck = self.harm.injure_struck(*written, person, n_strikes, self.drones.p_casualty_per_strike, *when)
        person, rate_per_s = self._under_crossfire(population, movement)
        return np.concatenate([struck, self.harm.injure_exposed(*written, person, rate_per_s * dt_s, *when)])

    def _under_drones(self, population: Population, movement: Movement, vehicles, dt_s: float, step: int):
        """Return the living whose car, party on foot or service vehicle is struck, and how often it is."""
        on_way, carrier = np.flatnonzero(population.parties.is_on_way), movement.carrier
        n_strikes = np.zeros(carrier.size, np.int32)
        if movement.n_moving and any(rate.any() for rate in self._strikes_per_s.values()):
            mover = np.concatenate([on_way, np.arange(movement.n_parties, carrier.size)])
            mover = mover[carrier[mover] == mover]
            expected = self._strike_rate_per_s(movement, mover) * dt_s
            mover, expected = mover[expected > 0], expected[expected > 0]
            n_strikes[mover] = strikes(expected, self.harm.seed, step, mover)
            served = mover >= movement.n_parties
            if served.any():
                vehicle = mover[served] - movement.n_parties
                vehicles.strike(vehicle, expected[served], n_strikes[mover[served]], self.drones, step)
        struck = on_way[n_strikes[carrier[on_way]] > 0]
        person, place = self._living(population, struck)
        return person, n_strikes[carrier[struck]][place]

    def _strike_rate_per_s(self, movement: Movement, mover: np.ndarray) -> np.ndarray:
        """Return the rate of strikes on each party or service vehicle where it is now (1/s), 0 off the streets."""
        link, drives = movement.link_of(mover), movement.driving.link_of(mover) >= 0
        by_car, on_foot = (self._strikes_per_s[mode][link] for mode in (Mode.CAR, Mode.WALK))
        by_car = by_car * np.where(movement.driving.is_standing(mover), self.drones.halted_factor, 1.0)
        return np.where(link >= 0, np.where(drives, by_car, on_foot), 0.0)

    def _under_crossfire(self, population: Population, movement: Movement):
        """Return the living within reach of crossfire, on streets and at home, and the rate at which it harms them."""
        people, parties = population.people, population.parties
        person, rate_per_s = np.empty(0, np.int64), np.empty(0)
        if movement.n_moving and self._crossfire_per_s.any():
            party = np.flatnonzero(parties.is_on_way)
            link = movement.link_of(party)
            party_rate = np.where(link >= 0, self._crossfire_per_s[link], 0.0)
            person, place = self._living(population, party[party_rate > 0])
            rate_per_s = party_rate[party_rate > 0][place]
        if self._home_crossfire_per_s is not None:
            of_home = self._home_crossfire_per_s[people.household]
            is_there = population.is_at_home()
            is_there[population.setting_out(movement.link_of)] = True
            at_home = is_there[people.household] & (people.status < Status.SAFE)
            home = np.flatnonzero((of_home > 0) & at_home)
            person, rate_per_s = np.concatenate([person, home]), np.concatenate([rate_per_s, of_home[home]])
        return person, rate_per_s

    def _living(self, population: Population, parties: np.ndarray):
        """Return the living members of parties and which of the parties each is in."""
        person, place = members(population.households.first_person, parties)
        alive = population.people.status[person] != Status.DEAD
        return person[alive], place[alive]

    def _look(self, time_s: float):
        distance_km = self._links_near_front.distance_km(time_s)
        for mode in (Mode.CAR, Mode.WALK):
            walking = mode == Mode.WALK
            self._strikes_per_s[mode] = self._drone_field.rate_per_s(distance_km, time_s, walking=walking)
        self._crossfire_per_s = crossfire_rate_per_s(self.front, distance_km)
        homes = crossfire_rate_per_s(self.front, self._homes_to_front.distance_km(time_s))
        self._home_crossfire_per_s = homes if homes.any() else None
