"""Services under fire: who waits or rides near an impact, which vehicles are lost, where those in need of care are."""

import numpy as np

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.parties import Mode, members
from safepassage.agents.rules import harm as kernels
from safepassage.agents.vehicles import NOBODY, PickupPoint, ServiceVehicle, Task
from safepassage.model.draws import Stream, digest, digests, uniforms_for
from safepassage.model.harm.injuries import HarmByImpacts, Pairs
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.front import Drones


class ServicesUnderFire:
    """Exposure of stops, passengers, crews and vehicles to impacts."""

    def __init__(self, services, harm: HarmByImpacts, impacts: Impacts, cover):
        self.services, self.harm, self.impacts, self.cover = services, harm, impacts, cover
        self.settings, self.movement, self.streets = harm.settings, services.movement, services.streets
        self.population = services.population
        self._factor = harm.settings.protection.by_protection
        self._hit: list[ServiceVehicle] = []

    def people_near(self, k: int, vehicle: np.ndarray, x_m: np.ndarray, y_m: np.ndarray) -> Pairs:
        """Return the pairs of impact k and the people who wait at stops or ride within its reach; note vehicles hit.

        vehicle: rows of those on the road within reach, x_m, y_m: where each is.
        """
        at_x_m, at_y_m = float(self.impacts.x_m[k]), float(self.impacts.y_m[k])
        reach_m = float(self.harm.reach_m[self.impacts.size[k]])
        rows, places = [], []
        on_road = zip(vehicle.tolist(), x_m.tolist(), y_m.tolist(), strict=True)
        for each, *place in (*on_road, *self._standing()):
            distance_m = float(np.hypot(place[0] - at_x_m, place[1] - at_y_m))
            if distance_m <= reach_m:
                self._strike(self.services.vehicles[each], k, distance_m)
                rows += self.services.vehicles[each].seats.aboard
                places += [place] * len(self.services.vehicles[each].seats.aboard)
        for stop in self.services.stops:
            if stop.waiting and np.hypot(stop.x_m - at_x_m, stop.y_m - at_y_m) <= reach_m:
                rows += stop.waiting
                places += [[stop.x_m, stop.y_m]] * len(stop.waiting)
        person, at = members(self.services.households.first_person, np.array(rows, np.int64))
        place = np.array(places, np.float64).reshape(-1, 2)[at]
        alive = self.population.people.status[person] != Status.DEAD
        return self.harm.people_elsewhere_near(self.impacts, k, person[alive], place[alive, 0], place[alive, 1])

    def _standing(self):
        """Return (row, x_m, y_m) of the vehicles in the area on no link: at stops, or about to set out."""
        x_m, y_m = self.streets.node_x_m, self.streets.node_y_m
        inside = [v for v in self.services.vehicles if v.task not in (Task.AWAY, Task.LOST)]
        rows = np.array([v.row for v in inside], np.int64)
        link = self.movement.driving.link_of(self.services.n_households + rows)
        stands = [(v.row, v.node if v.node >= 0 else v.from_node) for v, k in zip(inside, link, strict=True) if k < 0]
        return [(row, float(x_m[node]), float(y_m[node])) for row, node in stands]

    def _strike(self, vehicle: ServiceVehicle, k: int, distance_m: float):
        """Draw whether an impact puts a vehicle out of action: with the odds of harm at its place."""
        settings, size = self.settings, int(self.impacts.size[k])
        at_centre = min(1.0, settings.casualty_scale * float(self._factor[vehicle.protection]) * settings.p_at_centre)
        p = kernels.risk(distance_m, settings.d50_m[size], settings.n_d50_reach, settings.steepness, at_centre)
        vehicle.expected_crew_casualties += vehicle.n_crew * p
        if (
            uniforms_for(self.harm.seed, Stream.SERVICE, [digest(vehicle.name)], tick=k)[0] < p
            and vehicle not in self._hit
        ):
            self._hit.append(vehicle)

    def strike(self, vehicle: np.ndarray, expected: np.ndarray, n_strikes: np.ndarray, drones: Drones, step: int):
        """Draw whether strikes of drones put vehicles out of action: with the odds of harm to those aboard.

        vehicle: rows; expected, n_strikes: mean and number of strikes on each in this step. step: keys the draws.
        """
        protection = np.array([self.services.vehicles[row].protection for row in vehicle], np.int64)
        p = drones.p_casualty_per_strike * self._factor[protection]
        names = [self.services.vehicles[row].name for row in vehicle]
        is_hit = (
            uniforms_for(self.harm.seed, Stream.SERVICE, digests(names), tick=step, index=1)
            < 1.0 - (1.0 - p) ** n_strikes
        )
        for row, n_casualties, hit in zip(vehicle.tolist(), (expected * p).tolist(), is_hit.tolist(), strict=True):
            struck = self.services.vehicles[row]
            struck.expected_crew_casualties += struck.n_crew * n_casualties
            if hit:
                self._hit.append(struck)

    def call(self, persons: np.ndarray):
        """Call ambulances to people who have been injured seriously."""
        if persons.size and self.services.ambulances.vehicles:
            self.services.ambulances.call(persons)

    def count_the_dead(self):
        """Take the dead out of the queues and off the vehicles."""
        self.services.count_the_dead()

    def lose(self, now_s: float):
        """Take the vehicles hit since the last call out of action; who can walks on, the others wait beside them."""
        hit, self._hit = self._hit, []
        for vehicle in hit:
            if vehicle.task in (Task.AWAY, Task.LOST):
                continue
            x_m, y_m = self.place_of_vehicle(vehicle)
            link, along_m = NOBODY, 0.0
            node = vehicle.node
            if node < 0:
                link, along_m = self.movement.pull_over(vehicle.row)
                node = int(self.streets.link_upstream[link]) if link >= 0 else vehicle.from_node
            vehicle.leave_area(now_s)
            stop = next((s for s in self.services.points if s.car_node == node), None) if link < 0 else None
            if stop is not None:
                stay = vehicle.seats.empty()
            else:
                stay = self.services.get_off(vehicle, link, along_m, node, now_s)
                stop = self._wreck(vehicle, node, (x_m, y_m)) if stay else None
            self.movement.carrier[stay] = stay
            for household in stay:
                self.services.riders.wait(stop, household, now_s)
            vehicle.task, vehicle.node, vehicle.target, vehicle.run = Task.LOST, NOBODY, NOBODY, None

    def _wreck(self, vehicle: ServiceVehicle, node: int, place: tuple[float, float]) -> PickupPoint:
        stops = self.services.stops
        name = f"{vehicle.name}, broken down"
        stop = PickupPoint(self.services.model, len(stops), name, node, place, Protection.OUTDOORS, lambda _: True)
        stop.is_wreck, stop.car_node = True, int(self.movement.start_node(Mode.CAR, node))
        stops.append(stop)
        return stop

    def place_of_vehicle(self, vehicle: ServiceVehicle) -> tuple[float, float]:
        """Return (x_m, y_m) of a vehicle; nan if it is out of the area or not on the road yet."""
        if vehicle.node >= 0:
            return float(self.streets.node_x_m[vehicle.node]), float(self.streets.node_y_m[vehicle.node])
        if vehicle.task in (Task.AWAY, Task.LOST):
            return float("nan"), float("nan")
        x_m, y_m = self.movement.place(np.array([self.services.n_households + vehicle.row]))
        if np.isnan(x_m[0]) and vehicle.from_node >= 0:
            return float(self.streets.node_x_m[vehicle.from_node]), float(self.streets.node_y_m[vehicle.from_node])
        return float(x_m[0]), float(y_m[0])

    def place_of(self, person: int) -> tuple[float, float]:
        """Return (x_m, y_m) of a living person in the area."""
        services = self.services
        household = int(self.population.people.household[person])
        parties, homes = services.parties, services.households
        if parties.stop[household] >= 0:
            stop = services.stops[parties.stop[household]]
            return stop.x_m, stop.y_m
        if parties.vehicle[household] >= 0:
            return self.place_of_vehicle(services.vehicles[parties.vehicle[household]])
        if parties.is_on_way[household]:
            x_m, y_m = self.movement.place(np.array([household], np.int32))
            return float(x_m[0]), float(y_m[0])
        shelter = int(self.cover.shelter[household])
        if shelter >= 0:
            return float(self.cover.shelters.x_m[shelter]), float(self.cover.shelters.y_m[shelter])
        return float(homes.home_x_m[household]), float(homes.home_y_m[household])
