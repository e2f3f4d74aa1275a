"""Service vehicles under fire: which of them impacts and drones put out of action."""

import numpy as np

from safepassage.agents.rules import harm as kernels
from safepassage.agents.vehicles import ServiceVehicle
from safepassage.model.draws import Stream, digest, digests, uniforms_for
from safepassage.model.harm.injuries import HarmByImpacts
from safepassage.model.hazard.impacts import Impacts


class VehiclesUnderFire:
    """Draws of whether vehicles are hit; the services learn of it from `take_hit`."""

    def __init__(self, harm: HarmByImpacts, impacts: Impacts, vehicles: list[ServiceVehicle]) -> None:
        self.harm, self.impacts, self.vehicles = harm, impacts, vehicles
        self._factor = harm.settings.protection.by_protection
        self.hit: list[ServiceVehicle] = []
        """Vehicles hit that the services have not yet been told of."""

    def fall(self, k: int, vehicle: np.ndarray, distance_m: np.ndarray) -> None:
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

    def expect(self, vehicle: np.ndarray, mean: np.ndarray) -> None:
        """Add casualties to be expected among crews: mean number of hits on somebody unprotected aboard each."""
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
