"""What stops and buses offer: to those with no way out but a seat, then what is left over to those who could walk."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import count_coming
from safepassage.agents.vehicles import PickupPoint


class SeatsOnOffer:
    """Room at the pickup points and seats of the buses, as households look for a seat at one moment.

    Those with no way out but a seat take room first. Those who could walk out are offered what is left: not the room
    and seats that the others wait for, come for or ask for, nor later rounds of the buses, since by then others may
    have come.
    """

    def __init__(self, services: Any, now_s: float) -> None:
        """services: all services of the run. now_s: the present (s)."""
        self.services, self.now_s = services, now_s
        coming = _n_coming(services)
        self._n_coming = sum(coming)
        self._room = {s.row: s.room - s.n_waiting - coming[s.row] for s in services.points}
        self._n_left = 0
        self._out_s: dict[int, tuple[float, float]] = {}

    def has_room(self, stop: int, n: int) -> bool:
        """Return whether a pickup point takes so many more persons."""
        return n <= self._room[stop]

    def take(self, stop: int, n: int) -> None:
        """Note that so many more persons come to a pickup point."""
        self._room[stop] -= n
        self._n_left -= n
        self._n_coming += n

    def keep_for(self, asking: Ints) -> None:
        """Keep room and seats for households that wait at home for them; what is left is offered to others."""
        services, points = self.services, self.services.points
        persons, node = services.population.n_living(asking), services.households.home_node[asking]
        in_reach = np.zeros((len(points), asking.size), np.bool_)
        for k, stop in enumerate(points):
            in_reach[k] = services.movement.ways.walk_m(node, 1 + stop.row) <= services.settings.walk_reach_m
            self._room[stop.row] -= int(persons @ in_reach[k])
        fleets = [fleet for fleet in services.fleets if not fleet.by_door and fleet.comes(self.now_s)]
        self._free = [(fleet, vehicle) for fleet in fleets for vehicle in fleet.free_now(self.now_s)]
        for_buses = (stop for stop in services.stops if stop.is_for_fleets)
        n_waiting = sum(stop.n_waiting for stop in for_buses)
        n_wanted = n_waiting + self._n_coming + int(persons @ in_reach.any(axis=0))
        self._n_left = sum(vehicle.seats.n_free for _, vehicle in self._free) - n_wanted

    def is_sooner(self, stop: int, n: int, walk_s: float, walk_out_s: float) -> bool:
        """Return whether seats are left over at a pickup point and bring people out no later than their feet.

        stop: row of the pickup point. n: persons. walk_s, walk_out_s: their way on foot to it, and out of the area (s).
        """
        if n > self._n_left or n > self._room[stop]:
            return False
        if stop not in self._out_s:
            self._out_s[stop] = self._times_s(self.services.stops[stop])
        in_s, out_s = self._out_s[stop]
        return max(in_s, walk_s) + out_s <= walk_out_s

    def _times_s(self, stop: PickupPoint) -> tuple[float, float]:
        """Return when a bus can be at a stop, and how long after that it is out of the area (s after now)."""
        ways, found = self.services.movement.ways, {}
        for fleet, vehicle in self._free:
            key = (fleet.settings.name, vehicle.node)
            if key not in found:
                wait_s = max(fleet.hours.next_open_s(self.now_s) - self.now_s, 0.0)
                found[key] = wait_s + fleet.drive_in_s(vehicle, ways.stop_table + stop.row), fleet.settings.dwell_s
        in_s, dwell_s = min(found.values())
        return in_s, dwell_s + ways.drive_out_s(stop.car_node)


def _n_coming(services: Any) -> list[int]:
    """Return the persons on their way on foot to each pickup point."""
    parties, movement, n = services.population.parties, services.movement, np.zeros(services.n_fixed, np.int64)
    count_coming(
        n, movement.walking.view.under_way, movement.goal, parties.mode, parties.is_on_way, parties.stop,
        parties.vehicle, services.households.first_person, services.population.people.status,
    )  # fmt: skip
    return n.tolist()
