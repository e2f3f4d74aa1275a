"""Where everybody is: the one search for who is near a place, and the place of one person or vehicle."""

from typing import NamedTuple

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.ground.nearby import PointGrid, points_within
from safepassage.agents.parties import members
from safepassage.agents.vehicles import ServiceAgents, ServiceVehicle, Task
from safepassage.model.harm.cover import Cover
from safepassage.model.harm.lost_homes import LostHomes
from safepassage.model.movement.movement import Movement
from safepassage.model.people.neighbours import riding_with
from safepassage.model.people.population import Population


class Near(NamedTuple):
    """Who is within reach of a place; each person and vehicle once."""

    person: np.ndarray
    """int32: living people at home, on the streets, setting out, aboard, at stops and in shelters, in this order."""
    distance_m: np.ndarray
    """float64, of each."""
    vehicle: np.ndarray
    """int64: rows of service vehicles in the area, those on the road first."""
    vehicle_distance_m: np.ndarray


class Whereabouts:
    """Looks the places of people up where they are kept: homes, streets, vehicles, stops, shelters."""

    def __init__(
        self,
        population: Population,
        movement: Movement,
        homes: PointGrid,
        cover: Cover,
        services: ServiceAgents,
        lost_homes: LostHomes,
    ) -> None:
        """homes: grid over the homes, by household. cover: who is in which shelter, or on the way there.

        lost_homes: who lives with others.

        population: everybody, with households and parties. movement: everybody on the streets. services: buses, trains
        and ambulances at work.
        """
        self.population, self.movement, self.streets = population, movement, movement.streets
        self.households, self.parties, self.people = population.households, population.parties, population.people
        self.homes, self.cover, self.shelters, self.services = homes, cover, cover.shelters, services
        self.lost_homes = lost_homes

    def people_near(self, x_m: float, y_m: float, reach_m: float, time_s: float) -> Near:
        """Return who is within reach of a place at a time, to which all have moved; those exactly at reach too.

        x_m, y_m: place (m) in the plane of the streets. reach_m: how far from the place (m). time_s: the moment (s).
        """
        first = self.households.first_person
        _, home, home_m = points_within(self.homes, x_m, y_m, reach_m)
        is_there = self.population.is_at_home(home) & (self.households.shelter[home] < 0)
        is_there &= self.households.lives_with[home] < 0
        person, place = members(first, home[is_there])
        parts, vehicle, vehicle_m = self._away_from_home(x_m, y_m, reach_m, time_s, home)
        household, at_x_m, at_y_m = (np.concatenate(column) for column in zip(*parts, strict=True))
        elsewhere, of = members(first, household)
        away_m = np.hypot(at_x_m[of] - x_m, at_y_m[of] - y_m)
        is_near = away_m <= reach_m
        person = np.concatenate((person, elsewhere[is_near])).astype(np.int32)
        distance_m = np.concatenate((home_m[is_there][place], away_m[is_near]))
        if self.population.pupils is not None:
            person, distance_m = self.population.pupils.sorted_out(person, distance_m, (x_m, y_m, reach_m), time_s)
        status = self.people.status[person]
        alive = (status != Status.SAFE) & (status != Status.DEAD)
        return Near(person[alive], distance_m[alive], vehicle, vehicle_m)

    def _away_from_home(
        self, x_m: float, y_m: float, reach_m: float, time_s: float, home: Ints
    ) -> tuple[list[tuple], Ints, Floats]:
        """Return (parts, vehicles, distance of each): parts are (household, x_m, y_m) of those who may be near.

        home: households that live within reach.
        """
        party, party_x_m, party_y_m = _all_at([], x_m, y_m)
        if self.movement.n_moving:
            party, party_x_m, party_y_m = self.movement.parties_near(x_m, y_m, reach_m)
        served = party >= self.movement.n_parties
        of_town = party[~served], party_x_m[~served], party_y_m[~served]
        parts = [of_town, self._guests_of(*of_town), self._setting_out(home)]
        on_road = (party[served] - self.movement.n_parties, party_x_m[served], party_y_m[served])
        vehicle, at_x_m, at_y_m = (np.concatenate(column) for column in zip(on_road, self._standing(), strict=True))
        away_m = np.hypot(at_x_m - x_m, at_y_m - y_m)
        for k in np.flatnonzero(away_m <= reach_m):
            parts.append(_all_at(self.services.vehicles[vehicle[k]].seats.aboard, at_x_m[k], at_y_m[k]))
        parts += [_all_at(stop.waiting, stop.x_m, stop.y_m) for stop in self.services.stops if stop.waiting]
        if len(self.shelters):
            parts.append(self._in_shelters(time_s))
        if self.lost_homes.guests.size:
            parts.append(self.lost_homes.places_of_guests())
        return parts, vehicle[away_m <= reach_m], away_m[away_m <= reach_m]

    def _guests_of(self, party: Ints, x_m: Floats, y_m: Floats) -> tuple[Ints, Floats, Floats]:
        """Return (household, x_m, y_m) of those who ride in the cars of some parties at these places."""
        guests = riding_with(self.population, party)
        if guests.size == 0:
            return _all_at([], 0.0, 0.0)
        order = np.argsort(party, kind="stable")
        at = order[np.searchsorted(party[order], self.parties.rides_with[guests])]
        return guests, x_m[at], y_m[at]

    def _setting_out(self, home):
        """Return (household, x_m, y_m) of the households that have set out and wait at home to get onto the street."""
        if not self.movement.n_moving:
            return _all_at([], 0.0, 0.0)
        rows = self.population.setting_out(home, self.movement.link_of)
        return rows, self.households.home_x_m[rows], self.households.home_y_m[rows]

    def _standing(self):
        """Return (row, x_m, y_m) of the vehicles in the area on no link: at stops, or about to set out."""
        inside = [v for v in self.services.vehicles if v.task not in (Task.AWAY, Task.LOST)]
        if not inside:
            return _all_at([], 0.0, 0.0)
        rows = np.array([v.row for v in inside], np.int64)
        stands = self.movement.driving.view.link_of(self.movement.n_parties + rows) < 0
        node = np.array([v.node if v.node >= 0 else v.from_node for v in inside], np.int64)[stands]
        return rows[stands], self.streets.node_x_m[node], self.streets.node_y_m[node]

    def _in_shelters(self, time_s: float) -> tuple[Ints, Floats, Floats]:
        """Return (household, x_m, y_m) of those in shelters; those on the way are as far as they have walked."""
        rows = np.flatnonzero(self.households.shelter >= 0)
        place, left = self.households.shelter[rows], 1.0 - self.cover.walked(rows, time_s)
        x_m, y_m = self.shelters.x_m[place], self.shelters.y_m[place]
        home_x_m, home_y_m = self.households.home_x_m[rows], self.households.home_y_m[rows]
        return rows, x_m + left * (home_x_m - x_m), y_m + left * (home_y_m - y_m)

    def place_of_vehicle(self, vehicle: ServiceVehicle) -> tuple[float, float]:
        """Return (x_m, y_m) of a vehicle; nan if it is out of the area or not on the road yet."""
        if vehicle.node >= 0:
            return float(self.streets.node_x_m[vehicle.node]), float(self.streets.node_y_m[vehicle.node])
        if vehicle.task in (Task.AWAY, Task.LOST):
            return float("nan"), float("nan")
        x_m, y_m = self.movement.place(np.array([self.movement.n_parties + vehicle.row]))
        if np.isnan(x_m[0]) and vehicle.from_node >= 0:
            return float(self.streets.node_x_m[vehicle.from_node]), float(self.streets.node_y_m[vehicle.from_node])
        return float(x_m[0]), float(y_m[0])

    def is_moving(self, person: int, time_s: float) -> bool:
        """Return whether a person may be elsewhere a moment later of their own accord: on the way, aboard, walking to a
        shelter, or a pupil; time_s: the present (s)."""
        household, parties, homes = int(self.people.household[person]), self.parties, self.households
        if parties.stop[household] >= 0:
            return False
        if parties.is_on_way[household] or parties.vehicle[household] >= 0:
            return True
        if self.population.pupils is not None and self.population.pupils.school[person] >= 0:
            return True
        return bool(homes.shelter[household] >= 0 and homes.in_shelter_from_s[household] > time_s)

    def place_of(self, person: int) -> tuple[float, float]:
        """Return (x_m, y_m) of a living person in the area."""
        pupils = self.population.pupils
        if pupils is not None and pupils.at_school(np.array([person]), self.movement.time_s)[0]:
            return float(pupils.x_m[pupils.school[person]]), float(pupils.y_m[pupils.school[person]])
        household = int(self.people.household[person])
        parties, homes = self.parties, self.households
        if parties.stop[household] >= 0:
            stop = self.services.stops[parties.stop[household]]
            return stop.x_m, stop.y_m
        if parties.vehicle[household] >= 0:
            return self.place_of_vehicle(self.services.vehicles[parties.vehicle[household]])
        if parties.is_on_way[household]:
            x_m, y_m = self.movement.place(np.array([household], np.int32))
            return float(x_m[0]), float(y_m[0])
        if homes.shelter[household] >= 0:
            rows, x_m, y_m = self._in_shelters(self.movement.time_s)
            at = int(np.searchsorted(rows, household))
            return float(x_m[at]), float(y_m[at])
        lives_at = int(homes.lives_with[household]) if homes.lives_with[household] >= 0 else household
        return float(homes.home_x_m[lives_at]), float(homes.home_y_m[lives_at])


def _all_at(households: list[int], x_m: float, y_m: float) -> tuple[Ints, Floats, Floats]:
    """Return (household, x_m, y_m) of households in one place."""
    return np.array(households, np.int64), np.full(len(households), x_m), np.full(len(households), y_m)
