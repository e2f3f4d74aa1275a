"""Service vehicles under fire: which of them impacts and drones put out of action."""

from collections.abc import Callable
from typing import Any

import numpy as np

from safepassage.agents.civilians import Protection
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.rules import harm as kernels
from safepassage.agents.vehicles import ServiceAgents, ServiceVehicle, Task
from safepassage.model.draws import Keys, Stream, digests, uniforms_for
from safepassage.model.harm.cover import lull_over_s
from safepassage.model.harm.injuries import HarmByImpacts, lulls_wanted_s, vehicle_numbers
from safepassage.model.hazard.impacts import Impacts

INF = float("inf")


def names_as_keys(vehicles: list[ServiceVehicle]) -> Keys:
    """Return the keys by which the chance of service vehicles is drawn: their names."""
    return Keys(digests([vehicle.name for vehicle in vehicles]), np.zeros(len(vehicles), np.uint32))


class VehiclesUnderFire:
    """Which vehicles are hit, of which the services learn from `take_hit`; whose crews are in cover."""

    def __init__(self, harm: HarmByImpacts, impacts: Impacts, services: ServiceAgents) -> None:
        """harm: the model's harm to people. impacts: what falls in the run. services: vehicles and stops."""
        self.harm, self.impacts, self.vehicles, self._stops = harm, impacts, services.vehicles, services.stops
        self._factor = harm.settings.protection.by_protection
        self.hit: list[ServiceVehicle] = []
        """Vehicles hit that the services have not yet been told of."""
        self.n_alarms = 0
        """How often a crew has taken cover, or heard an impact there."""

    def keys_of(self, carrier: Ints, households: Keys) -> Keys:
        """Return the keys of vehicles by the party that each is on the streets: cars by household, others by name.

        carrier: rows, those of service vehicles behind all households. households: keys of the households.
        """
        n = households.number.size
        number, place = np.zeros(carrier.size, np.uint32), np.zeros(carrier.size, np.uint32)
        is_car = carrier < n
        number[is_car], place[is_car] = households.number[carrier[is_car]], households.place[carrier[is_car]]
        number[~is_car] = names_as_keys([self.vehicles[row - n] for row in carrier[~is_car]]).number
        return Keys(number, place)

    def fall(self, k: int, vehicle: np.ndarray, distance_m: np.ndarray) -> None:
        """Draw whether impact k puts vehicles out of action: each with the odds of harm at its place.

        vehicle: rows of those within reach; distance_m: of each.
        """
        settings, size = self.harm.settings, int(self.impacts.size[k])
        curve = settings.d50_within_reach_m[size], settings.n_d50_reach / settings.widening, settings.steepness
        for row, away_m in zip(vehicle.tolist(), distance_m.tolist(), strict=True):
            each = self.vehicles[row]
            scale = settings.casualty_scale * settings.p_at_centre
            p = kernels.risk(away_m, *curve, min(1.0, scale * float(self._factor[each.protection])))
            p_crew = kernels.risk(away_m, *curve, min(1.0, scale * self._crew_factor(each)))
            each.expected_crew_casualties += each.n_crew * p_crew
            if vehicle_numbers(self.harm.seed, names_as_keys([each]), k)[0] < p and each not in self.hit:
                self.hit.append(each)

    def _crew_factor(self, vehicle: ServiceVehicle) -> float:
        """Return the share of harm that gets through to a crew: at the wheel, or in cover where the vehicle stands."""
        factor = float(self._factor[vehicle.protection])
        if vehicle.waits_for_lull_since_s == INF:
            return factor
        at_stop = vehicle.task == Task.BOARDING and vehicle.target >= 0 and not vehicle.is_at_home
        room = self._stops[vehicle.target].protection if at_stop else Protection.INNER_ROOM
        return min(factor, float(self._factor[room]))

    def hear(self, x_m: float, y_m: float, time_s: float, place_of: Callable[..., Any]) -> None:
        """Let crews of vehicles that stand in the area hear an impact; place_of: function vehicle -> (x_m, y_m).

        x_m, y_m: place of the impact (m). time_s: when (s).
        """
        rooms = self.harm.settings.rooms
        for each in self.vehicles:
            if each.node < 0 or each.task in (Task.AWAY, Task.LOST):
                continue
            at_x_m, at_y_m = place_of(each)
            if np.hypot(at_x_m - x_m, at_y_m - y_m) <= rooms.hearing_distance_m:
                self._take_cover(each, time_s)

    def sound(self, time_s: float) -> None:
        """Let the crews of all vehicles that stand in the area hear an air-raid alert."""
        for each in self.vehicles:
            if each.node >= 0 and each.task not in (Task.AWAY, Task.LOST):
                self._take_cover(each, time_s)

    def _take_cover(self, vehicle: ServiceVehicle, time_s: float) -> None:
        self.n_alarms += 1
        if vehicle.last_heard_s == -INF:
            lull_s = lulls_wanted_s(self.harm.settings.rooms, self.harm.seed, names_as_keys([vehicle]))
            vehicle.lull_wanted_s = float(lull_s[0])
        vehicle.last_heard_s = max(vehicle.last_heard_s, time_s)
        vehicle.waits_for_lull_since_s = min(vehicle.waits_for_lull_since_s, time_s)

    def is_in_cover(self, vehicle: ServiceVehicle, now_s: float) -> bool:
        """Return whether the crew of a vehicle that stands waits for a lull, by the one rule for all cover."""
        if vehicle.waits_for_lull_since_s == INF or vehicle.node < 0:
            return False
        if self.lull_over_s(vehicle) > now_s:
            return True
        vehicle.waits_for_lull_since_s = INF
        return False

    def lull_over_s(self, vehicle: ServiceVehicle) -> float:
        """Return when the crew of a vehicle that stands comes out of cover, if it hears nothing more (s).

        inf: it is not in cover.
        """
        since_s = vehicle.waits_for_lull_since_s
        if since_s == INF or vehicle.node < 0:
            return INF
        patience_s = self.harm.settings.rooms.lull_patience_s
        return float(lull_over_s(vehicle.last_heard_s, vehicle.lull_wanted_s, since_s, patience_s))

    def expect(self, vehicle: np.ndarray, mean: np.ndarray) -> None:
        """Add expected casualties among crews: mean number of hits on somebody unprotected aboard each."""
        for row, n_hits in zip(vehicle.tolist(), mean.tolist(), strict=True):
            each = self.vehicles[row]
            each.expected_crew_casualties += each.n_crew * n_hits * float(self._factor[each.protection])

    def strike(self, vehicle: np.ndarray, count: np.ndarray, p_casualty: float) -> None:
        """Draw whether a strike of a drone puts each vehicle out of action: with the odds of harm to those aboard.

        vehicle: rows; count: which strike on it this is, keys the draw. p_casualty: of one strike, unprotected.
        """
        protection = np.array([self.vehicles[row].protection for row in vehicle], np.int64)
        names = digests([self.vehicles[row].name for row in vehicle])
        u = uniforms_for(self.harm.seed, Stream.SERVICE, names, tick=count, index=1)
        self.hit += [self.vehicles[row] for row in vehicle[u < p_casualty * self._factor[protection]].tolist()]

    def take_hit(self) -> list[ServiceVehicle]:
        """Return the vehicles hit since the last call."""
        hit, self.hit = self.hit, []
        return hit
