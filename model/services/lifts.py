"""Lifts: households without a car or a driver ride with neighbours who leave and have room."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.behaviour.curfew import CurfewHours
from safepassage.model.draws import keys_of
from safepassage.model.movement.movement import Movement
from safepassage.model.people.neighbours import guests_by_host, hosts_leave_s, neighbours_with_room, who_come_along
from safepassage.model.people.population import Population
from safepassage.model.settings.movement import Lifts as LiftSettings

ASKS_AGAIN_S = 600.0
"""Time after which whoever waits for neighbours looks whether they still mean to leave (s). Assumption."""

NOBODY = np.zeros(0, np.bool_)


class Lifts:
    """Who is promised a seat in which neighbour's car, who waits for it, and who rides."""

    def __init__(
        self, settings: LiftSettings, population: Population, movement: Movement, curfew: CurfewHours, seed: int
    ) -> None:
        """settings: the scenario's `movement.lifts`. population: everybody. movement: everybody on the streets.

        curfew: hours in which nobody may move. seed: of the run.
        """
        self.settings, self.population, self.movement, self.curfew = settings, population, movement, curfew
        households = population.households
        drives = households.has_car & population.has_driver(np.arange(len(households)))
        kin = households.lift_from.copy()  # old people whom their family fetches
        households.lift_from[:] = neighbours_with_room(settings, households, drives, keys_of(households), seed)
        households.lift_from[kin >= 0] = kin[kin >= 0]
        self.waits = np.zeros(len(households), np.bool_)
        """Who waits at home for a neighbour who means to leave."""
        self._guests = guests_by_host(households.lift_from)

    def promised_s(self, seeking: Ints, now_s: float) -> Floats:
        """Return when households that set out ask neighbours again who mean to leave later (s); inf: nobody does.

        seeking: households that are to set out and cannot drive. now_s: the present (s).
        """
        h, people, parties = self.population.households, self.population.people, self.population.parties
        found = np.empty(seeking.size)
        hosts_leave_s(
            found, self.waits, seeking, h.lift_from, h.departure_time_s, h.decision_time_s, h.preparation_s, h.has_car,
            h.is_extinct, parties.is_on_way, parties.arrival_time_s, h.first_person, people.age, people.mobility,
            people.injury, people.status, self.settings.wait_h * 3600.0, now_s,
        )  # fmt: skip
        found += ASKS_AGAIN_S
        return found

    def who_come_along(self, hosts: Ints, now_s: float) -> Ints:
        """Return the households that ride with neighbours who drive off now: those at home who have decided by then.

        hosts: those who set out. now_s: the present (s).
        """
        if hosts.size == 0:
            return hosts
        h, parties = self.population.households, self.population.parties
        stays = h.keeps_curfew if self.curfew.is_open(now_s) else NOBODY
        first_guest, guest = self._guests
        found = np.empty(guest.size, np.int64)
        n = who_come_along(
            found, hosts, first_guest, guest, h.departure_time_s, h.decision_time_s, h.is_extinct, parties.is_on_way,
            parties.arrival_time_s, h.shelter, h.lives_with, stays, now_s,
        )  # fmt: skip
        return found[:n]

    def come_along(self, guests: Ints, riders: Any) -> None:
        """Put households into the cars of their neighbours, who set out now. riders: those who depend on seats."""
        households = self.population.households
        host = households.lift_from[guests]
        households.departure_time_s[guests] = households.departure_time_s[host]
        households.waits_for_lull_since_s[guests] = np.inf
        self.waits[guests] = False
        asking = guests[households.is_requesting[guests]]
        for household in asking.tolist():
            riders.withdraw_request(household)
        self.movement.carrier[guests] = host
        self.population.ride_along(guests, host)
