"""Service vehicles under fire: which of them impacts and drones put out of action."""

import numpy as np

from safepassage.agents.rules import harm as kernels
from safepassage.agents.vehicles import ServiceVehicle
from safepassage.model.draws import Stream, digest, digests, uniforms_for
from safepassage.model.harm.injuries import HarmByImpacts
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.front import Drones


class VehiclesUnderFire:
    """Draws of whether vehicles are hit; the services learn of it from `take_hit`."""

    def __init__(self, harm: HarmByImpacts, impacts: Impacts, vehicles: list[ServiceVehicle]):
        self.harm, self.impacts, self.vehicles = harm, impacts, vehicles
        self._factor = harm.settings.protection.by_protection
        self.hit: list[ServiceVehicle] = []
        """Vehicles hit that the services have not yet been told of."""

    def fall(self, k: int, vehicle: np.ndarray, distance_m: np.ndarray):
        """Draw whether impact k puts vehicles out of action: each with the odds of harm at its place.

        vehicle: rows of those within reach; distance_m: of each.
        """
        settings, size = self.harm.settings, int(self.impacts.size[k])
        curve = settings.d50_within_reach_m[size], settings.n_d50_reach / settings.widening, settings.steepness
        for row, away_m in zip(vehicle.tolist(), distance_m.tolist(), strict=True):
            each = self.vehicles[row]
            factor = float(self._factor[each.protection])
            at_centre = min(1.0, settings.casualty_scale * factor * settings.p_at_centre)
            p = kernels.risk(away_m, *curve, at_centre)
            each.expected_crew_casualties += each.n_crew * p
            if (
                uniforms_for(self.harm.seed, Stream.SERVICE, [digest(each.name)], tick=k)[0] < p
                and each not in self.hit
            ):
                self.hit.append(each)

    def strike(self, vehicle: np.ndarray, expected: np.ndarray, n_strikes: np.ndarray, drones: Drones, step: int):
        """Draw whether strikes of drones put vehicles out of action: with the odds of harm to those aboard.

        vehicle: rows; expected, n_strikes: mean and number of strikes on each in this step. step: keys the draws.
        """
        protection = np.array([self.vehicles[row].protection for row in vehicle], np.int64)
        p = drones.p_casualty_per_strike * self._factor[protection]
        names = digests([self.vehicles[row].name for row in vehicle])
        u = uniforms_for(self.harm.seed, Stream.SERVICE, names, tick=step, index=1)
        is_hit = u < 1.0 - (1.0 - p) ** n_strikes
        for row, n_casualties, hit in zip(vehicle.tolist(), (expected * p).tolist(), is_hit.tolist(), strict=True):
            struck = self.vehicles[row]
            struck.expected_crew_casualties += struck.n_crew * n_casualties
            if hit:
                self.hit.append(struck)

    def take_hit(self) -> list[ServiceVehicle]:
        """Return the vehicles hit since the last call."""
        hit, self.hit = self.hit, []
        return hit
