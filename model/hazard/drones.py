"""Drones over roads: strikes on parties in proportion to the time they spend on links within reach of the front.

A strike hits a party, a car or a service vehicle with all aboard; `model/harm/road_fire.py` says what it does. Where
they strike follows from a fixed field over the links; nothing here looks at who is there or chooses anybody.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.clock import epoch_s
from safepassage.model.settings.front import Drones
from safepassage.model.settings.run import Run
from safepassage.model.streets.naming import StreetNames


class DroneField:
    """The rate of strikes on each link at any time, per party there."""

    def __init__(self, settings: Drones, run: Run, time_zone: str, street_names: tuple[Any, ...]) -> None:
        """settings: `Drones`. street_names: name of each link, "" if none. time_zone: of the local times.

        run: start and length of the run.
        """
        self._settings = settings
        self._zone = ZoneInfo(time_zone)
        self._start_s = epoch_s(run.start, time_zone)
        self._fog_s = [(epoch_s(p.start, time_zone), epoch_s(p.end, time_zone)) for p in settings.fog]
        names = StreetNames(street_names)
        self._nets = []
        for nets in settings.nets:
            under_nets = np.zeros(len(street_names), np.bool_)
            for name in nets.streets:
                under_nets[names.demand_called(name, "drones.nets")] = True
            from_s = -np.inf
            if nets.first_day is not None:
                from_s = epoch_s(datetime.combine(nets.first_day, datetime.min.time()), time_zone)
            self._nets.append((from_s, under_nets, nets.factor))

    def time_factor(self, time_s: float) -> float:
        """Return the factor of light and weather at one moment (s since the start of the run)."""
        settings, moment_s = self._settings, self._start_s + time_s
        clock = datetime.fromtimestamp(moment_s, self._zone).time()
        factor = 1.0 if settings.day_from <= clock < settings.day_until else settings.night_factor
        if any(start <= moment_s < end for start, end in self._fog_s):
            factor *= settings.fog_factor
        return factor

    def rate_per_s(self, links: Ints, distance_km: Floats, time_s: float, *, walking: bool = False) -> Floats:
        """Return strikes per second on one moving party on each of some links, float64.

        distance_km: from each of the links to the front (`LinksNearFront.near`); time_s: since the start of the run.
        walking: on a party on foot rather than a vehicle.
        """
        settings = self._settings
        per_minute = settings.strikes_per_walker_minute if walking else settings.strikes_per_vehicle_minute
        if per_minute == 0.0:
            return np.zeros(np.size(distance_km))
        nearness = np.clip(1 - np.asarray(distance_km, dtype=np.float64) / settings.reach_km, 0, 1)
        net_factor = np.ones(nearness.size)
        for from_s, under_nets, factor in self._nets:
            if self._start_s + time_s >= from_s:
                net_factor = np.where(under_nets[links], np.minimum(net_factor, factor), net_factor)
        return per_minute / 60 * self.time_factor(time_s) * nearness * net_factor
