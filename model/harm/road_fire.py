"""Danger by the time spent in it: drones over roads, crossfire near the front.

What a party goes through is counted along its way, exact in time: the rate on each link times the time on it, from
entry to exit, by the kernels that move it. A drone strikes what moves: a party on foot, a car, or a service vehicle
with all aboard. A strike harms each of them with the probability `drones.p_casualty_per_strike` (times the factor of
their protection), so people in one vehicle share its luck. Crossfire harms whoever is in its reach: on streets, at
stops and at home, there by the room that they were in at each moment.

Both are Poisson processes in the danger gone through, D: the next strike comes when D has grown by a number with
exponential distribution of mean 1 that belongs to the party and the count of its strikes, the next hit by crossfire
likewise for each person. So somebody is harmed with 1 - exp(-D * p), and neither expectation nor luck depends on how
often this is looked at. A household goes on after a strike; a service vehicle is put out of action with the odds of
harm to those aboard.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.households import Households
from safepassage.agents.parties import members
from safepassage.agents.vehicles import ServiceAgents
from safepassage.model.draws import Keys, Stream, keys_of, uniforms_for
from safepassage.model.harm.cover import Cover
from safepassage.model.harm.injuries import HarmByImpacts
from safepassage.model.harm.vehicles import VehiclesUnderFire, names_as_keys
from safepassage.model.hazard.drones import DroneField
from safepassage.model.hazard.front import crossfire_rate_per_s
from safepassage.model.hazard.truces import Truces
from safepassage.model.movement.movement import Movement
from safepassage.model.people.population import Population
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.streets import Streets
from safepassage.model.town.surroundings import Surroundings

LOOK_EVERY_S = 3600.0
"""Rates over links change with the front, the hour and the weather; they are looked up as often as this (s)."""
STRIKES_SHOW_AFTER_S = 60.0
"""Under drones or crossfire everybody is moved in strides no longer than this (s), so that a vehicle hit on the way
goes no further; a whole part of LOOK_EVERY_S."""


class _Process:
    """Poisson processes of entities in the danger that each goes through; their keys name their chance."""

    def __init__(self, seed: int, stream: Stream, keys: Keys) -> None:
        self._seed, self._stream, self._keys = seed, stream, keys
        n = len(keys.number)
        self._gone, self.n = np.zeros(n), np.zeros(n, np.int64)
        self._next = self._wait(np.arange(n))

    def _wait(self, rows: np.ndarray) -> np.ndarray:
        return -np.log1p(-uniforms_for(self._seed, self._stream, self._keys[rows], tick=self.n[rows]))

    def make_room(self, keys: Any) -> None:
        """Take in more entities, behind those known."""
        n = len(self._keys.number)
        self._keys = keys
        more = len(keys.number) - n
        self._gone, self.n = np.append(self._gone, np.zeros(more)), np.append(self.n, np.zeros(more, np.int64))
        self._next = np.append(self._next, self._wait(np.arange(n, n + more)))

    def go_through(self, rows: np.ndarray, danger: np.ndarray) -> Iterator[Any] | Iterator[tuple[Ints, Ints, Floats]]:
        """Let entities, each once, go through more danger; yield (positions in rows, count so far, share of it gone).

        Each yield holds the next event of those that have one.
        """
        self._gone[rows] += danger
        at = np.arange(rows.size)
        while (at := at[self._next[rows[at]] <= self._gone[rows[at]]]).size:
            row = rows[at]
            yield at, self.n[row].copy(), 1.0 - (self._gone[row] - self._next[row]) / danger[at]
            self.n[row] += 1
            self._next[row] += self._wait(row)


def _reach_by_node(reach_km: float, households: Households, streets: Streets) -> Floats:
    """Return how near to each node something is that reaches one of the homes there, at a reach (km); -inf: there is
    none."""
    node, reach_of_node_km = households.home_node, np.full(streets.n_nodes, -np.inf)
    away_m = np.hypot(households.home_x_m - streets.node_x_m[node], households.home_y_m - streets.node_y_m[node])
    np.maximum.at(reach_of_node_km, node, reach_km + away_m / 1000)
    return reach_of_node_km


NOBODY = np.empty(0, np.int32)


class RoadFire:
    """Harm to parties on streets in proportion to the danger they go through, and by crossfire to people elsewhere."""

    def __init__(
        self,
        scenario: Scenario,
        surroundings: Surroundings,
        population: Population,
        movement: Movement,
        cover: Cover,
        harm: HarmByImpacts,
        vehicles: VehiclesUnderFire,
        services: ServiceAgents,
        truces: Truces,
    ) -> None:
        """scenario: what is simulated. surroundings: what stands and is open in the town. population: everybody,
        with households and parties. movement: everybody on the streets. cover: who is in cover for an alert.
        harm: the model's harm to people. vehicles: crews of service vehicles under fire. services: buses, trains
        and ambulances at work. truces: when nobody is shot at, and where.
        """
        self._truces = truces
        self.front, self.drones, self.harm, self.vehicles = scenario.front, scenario.drones, harm, vehicles
        self.population, self.movement, self.cover, self.services = population, movement, cover, services
        self._near_front: Any = surroundings.links_near_front
        self._homes_to_front: Any = surroundings.homes_to_front
        self._the_front: Any = surroundings.front
        """What measures distances to the front from links, homes and places; None: no front, and nothing is active."""
        streets, self._n_links = surroundings.streets, surroundings.streets.n_links
        self._drone_field = DroneField(scenario.drones, scenario.run, scenario.shelling.time_zone, streets.link_name)
        self.is_active = self._near_front is not None
        self._on_streets = self._is_counting = False
        self._rates: tuple[bytes, ...] = ()
        """Links with danger as looked up last, and strikes on cars and on walkers and crossfire on each (1/s)."""
        self._home_crossfire_per_s: Any = None
        self._near_home = np.empty(0, np.int64)
        """People whose homes are under crossfire, rising."""
        self.next_s = np.inf
        """As long as nobody moves, nobody is exposed before this, until rates are looked up (s); -inf: somebody is."""
        self._from_s = 0.0
        self._until_look_s = self._looked_s = 0.0
        self._factor = scenario.harm.protection.by_protection
        if self.is_active:
            self._person_keys = keys_of(population.people)
            self._strikes = _Process(harm.seed, Stream.DRONE, self._mover_keys())
            self._hits = _Process(harm.seed, Stream.CROSSFIRE, self._person_keys)
            self._reach_of_node_km = _reach_by_node(self.front.crossfire_reach_km, population.households, streets)

    @property
    def looks_s(self) -> float:
        """When rates are looked up next (s); inf: never."""
        return self._until_look_s if self.is_active else np.inf

    def look(self, time_s: float) -> None:
        """Look rates up if it is time, for everybody where they are now."""
        if self.is_active and time_s >= self._until_look_s:
            self._look(time_s)

    def pass_time(self, time_s: float) -> None:
        """Note that nobody has been exposed up to a time."""
        self._from_s = time_s

    def next_stop_s(self, time_s: float) -> float:
        """Return the latest time to which everybody may be moved in one stride from a time (s); infinity: any."""
        if not self.is_active:
            return np.inf
        self.look(time_s)
        if self._on_streets and self.movement.n_moving:
            return (np.floor(time_s / STRIKES_SHOW_AFTER_S) + 1.0) * STRIKES_SHOW_AFTER_S
        return self._until_look_s

    def _look(self, time_s: float) -> None:
        """Look the rates up that hold from the hour's beginning, and count by them from now on."""
        hour_s = np.floor(time_s / LOOK_EVERY_S) * LOOK_EVERY_S
        self._until_look_s = min(hour_s + LOOK_EVERY_S, self._truces.next_change_s(time_s))
        self._looked_s = time_s
        links, distance_km = self._near_front.near(hour_s)
        rates = np.empty((3, links.size))
        rates[0] = self._drone_field.rate_per_s(links, distance_km, hour_s)
        rates[1] = self._drone_field.rate_per_s(links, distance_km, hour_s, walking=True)
        rates[2] = crossfire_rate_per_s(self.front, distance_km)
        if self._truces.hold(time_s):
            rates[:, self._truces.spares_links(time_s)[links]] = 0.0
        is_any = rates.any(axis=0)
        links, rates = links[is_any], rates[:, is_any]
        if (now := (links.tobytes(), rates.tobytes())) != self._rates:
            self._rates, self._on_streets = now, links.size > 0
            if self._on_streets or self._is_counting:
                self._is_counting = True
                self._set_danger(links, rates)
        self._look_at_homes(hour_s, time_s)

    def _set_danger(self, links: Ints, rates: Floats) -> None:
        """Tell the movement the rates on links, of strikes on cars and on walkers and of crossfire; 0 on all others."""
        by_car, on_foot, crossfire_per_s = (np.zeros(self._n_links) for _ in rates)
        by_car[links], on_foot[links], crossfire_per_s[links] = rates
        self.movement.driving.set_danger(by_car, crossfire_per_s, self.drones.halted_factor)
        self.movement.walking.set_danger(on_foot, crossfire_per_s)

    def _look_at_homes(self, hour_s: float, time_s: float) -> None:
        """Look up which homes crossfire reaches in the hour that has begun, where no truce holds."""
        self._home_crossfire_per_s, self._near_home = None, np.empty(0, np.int64)
        if not self._near_front.are_beyond(self._reach_of_node_km, hour_s):
            households = self.population.households
            homes = crossfire_rate_per_s(self.front, self._homes_to_front.distance_km(hour_s))
            homes[self._truces.spares(households.home_x_m, households.home_y_m, time_s)] = 0.0
            if homes.any():
                self._home_crossfire_per_s = homes
                self._near_home = members(households.first_person, np.flatnonzero(homes > 0))[0]
        self.cover.counts = self._home_crossfire_per_s is not None
        self.next_s = -np.inf if self.cover.counts else np.inf

    def charge(self, time_s: float) -> np.ndarray:
        """Harm people by the danger they have gone through since the last call; return those left worse off, int32.

        Everybody has been moved to a time, and those who arrived on the way are not yet taken off. Writes injuries.
        """
        from_s, self._from_s = self._from_s, time_s
        if time_s <= from_s or not (self._on_streets or self._home_crossfire_per_s is not None):
            return NOBODY
        is_struck, is_under_crossfire, doses = self._take_doses()
        if not (is_struck or is_under_crossfire or self._home_crossfire_per_s is not None):
            return NOBODY
        hurt = [np.empty(0, np.int32)]
        if is_struck:
            hurt += self._strike(doses[0], from_s, time_s)
        if is_under_crossfire or self._home_crossfire_per_s is not None:
            person, mean = self._under_crossfire(doses[1] if is_under_crossfire else None, from_s, time_s)
            if person.size:
                hurt += self._hit(person, mean, from_s, time_s)
        return np.concatenate(hurt)

    def _take_doses(self) -> tuple[bool, bool, Any]:
        """Return whether there were strikes, whether crossfire, and both by mover since the last call; None if none."""
        if not self._on_streets:
            return False, False, None
        taken = self.movement.driving.take_doses(), self.movement.walking.take_doses()
        is_struck = is_under_crossfire = False
        for rows, by_row in taken:
            if rows.size:
                is_struck |= bool(np.count_nonzero(by_row[0]))
                is_under_crossfire |= bool(np.count_nonzero(by_row[1]))
        doses = None
        if is_struck or is_under_crossfire:
            doses = np.zeros((2, self.movement.carrier.size))
            for rows, by_row in taken:
                doses[:, rows] += by_row
            for vehicle in self.services.vehicles:  # an escort keeps strikes off
                doses[0, self.movement.n_parties + vehicle.row] *= vehicle.strike_factor
        return is_struck, is_under_crossfire, doses

    def _mover_keys(self) -> Keys:
        """Return the keys of households and, behind them, of service vehicles by their names."""
        of = keys_of(self.population.households)
        names = names_as_keys(self.vehicles.vehicles).number
        names = np.resize(names, self.movement.carrier.size - of.number.size)
        return Keys(np.append(of.number, names), np.append(of.place, np.zeros_like(names)))

    def _strike(self, strikes: np.ndarray, from_s: float, until_s: float) -> list[np.ndarray]:
        """Let drones strike movers by the strikes to be expected; return lists of those hurt."""
        movement, people, p = self.movement, self.population.people, self.drones.p_casualty_per_strike
        if self._strikes.n.size < strikes.size:
            self._strikes.make_room(self._mover_keys())
        person, carrier = self._riders(strikes > 0, from_s)
        p_of = p * self._factor[people.protection[person]]
        self.harm.expected.add(person, -np.expm1(-strikes[carrier] * p_of))
        mover, hurt = np.flatnonzero(strikes), []
        served = mover[mover >= movement.n_parties] - movement.n_parties
        self.vehicles.expect(served, strikes[served + movement.n_parties] * p)
        for at, count, share in self._strikes.go_through(mover, strikes[mover]):
            when_s, number = np.full(strikes.size, np.nan), np.zeros(strikes.size, np.int64)
            when_s[mover[at]] = from_s + share * (until_s - from_s)
            number[mover[at]] = count
            is_struck = np.isfinite(when_s[carrier]) & (people.death_time_s[person] > when_s[carrier])
            struck = carrier[is_struck]
            tick = number[struck] + (struck >= movement.n_parties) * 2**16
            hurt.append(
                self.harm.injure_at(
                    people.injury, people.injury_time_s, person[is_struck], p_of[is_struck], when_s[struck],
                    Stream.DRONE, tick,
                )
            )  # fmt: skip
            is_service = mover[at] >= movement.n_parties
            self.vehicles.strike(mover[at[is_service]] - movement.n_parties, count[is_service], p)
        return hurt

    def _riders(self, is_moving: np.ndarray, from_s: float) -> tuple[Ints, Ints]:
        """Return those alive at a time who are with movers asked for, themselves or aboard, and the mover of each."""
        on_way = np.flatnonzero(self.population.parties.is_on_way & (self.population.parties.stop < 0))
        carrier = self.movement.carrier[on_way]
        on_way, carrier = on_way[is_moving[carrier]], carrier[is_moving[carrier]]
        person, place = members(self.population.households.first_person, on_way)
        alive = self.population.people.death_time_s[person] > from_s
        return person[alive].astype(np.int32), carrier[place[alive]]

    def _under_crossfire(self, crossfire: np.ndarray | None, from_s: float, until_s: float) -> tuple[Ints, Floats]:
        """Return the living under crossfire, each once, and the mean number of hits on each, protection counted."""
        people = self.population.people
        parts: list[tuple[np.ndarray, np.ndarray]] = [(np.empty(0, np.int32), np.empty(0))]
        if crossfire is not None:
            person, carrier = self._riders(crossfire > 0, from_s)
            parts.append((person, crossfire[carrier] * self._factor[people.protection[person]]))
            served = np.flatnonzero(crossfire[self.movement.n_parties :])
            self.vehicles.expect(served, crossfire[self.movement.n_parties + served])
        if self._home_crossfire_per_s is not None:
            parts += [self._at_home(from_s, until_s), self._at_stops(from_s, until_s)]
        person, mean = (np.concatenate(column) for column in zip(*parts, strict=True))
        return person[mean > 0].astype(np.int32), mean[mean > 0]

    def _at_home(self, from_s: float, until_s: float) -> tuple[Ints, Floats]:
        """Return (person, mean) of people at home, in shelters or setting out, by the rooms they were in."""
        population, people, rate_per_s = self.population, self.population.people, self._home_crossfire_per_s
        person, household = self._near_home, people.household[self._near_home]
        is_there = population.is_at_home(household)
        if self.movement.n_moving:
            sets_out = np.zeros(len(population.parties), np.bool_)
            sets_out[population.setting_out(household, self.movement.link_of)] = True
            is_there |= sets_out[household]
        person = person[is_there & (people.status[person] < Status.SAFE) & (people.death_time_s[person] > from_s)]
        time_s = self.cover.weighted_s(person, from_s, until_s, self._factor)
        household, host = people.household[person], population.households.lives_with[people.household[person]]
        return person, rate_per_s[np.where(host >= 0, host, household)] * time_s

    def _at_stops(self, from_s: float, until_s: float) -> tuple[Ints, Floats]:
        """Return (person, mean) of people who wait at stops."""
        people, stop = self.population.people, self.population.parties.stop
        party = np.flatnonzero(stop >= 0)
        if party.size == 0:
            return np.empty(0, np.int64), np.empty(0)
        places = np.array([(stop.x_m, stop.y_m) for stop in self.services.stops])
        hour_s = np.floor(self._looked_s / LOOK_EVERY_S) * LOOK_EVERY_S
        at_stop_per_s = crossfire_rate_per_s(self.front, self._the_front.distance_km(*places.T, hour_s))
        at_stop_per_s[self._truces.spares(places[:, 0], places[:, 1], self._looked_s)] = 0.0
        rate_per_s = at_stop_per_s[stop[party]]
        person, place = members(self.population.households.first_person, party)
        alive = people.death_time_s[person] > from_s
        person, rate_per_s = person[alive], rate_per_s[place[alive]]
        return person, rate_per_s * (until_s - from_s) * self._factor[people.protection[person]]

    def _hit(self, person: np.ndarray, mean: np.ndarray, from_s: float, until_s: float) -> list[np.ndarray]:
        """Let crossfire hit people by the hits to be expected; return lists of those hurt."""
        people, hurt = self.population.people, []
        self.harm.expected.add(person, -np.expm1(-mean))
        for at, count, share in self._hits.go_through(person, mean):
            when_s = from_s + share * (until_s - from_s)
            lives = people.death_time_s[person[at]] > when_s
            at, count, when_s = at[lives], count[lives], when_s[lives]
            hurt.append(
                self.harm.injure_at(
                    people.injury, people.injury_time_s, person[at], np.ones(at.size), when_s, Stream.CROSSFIRE, count
                )
            )
        return hurt
