"""Lifts: households without a car or a driver ride with neighbours who leave and have room."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.behaviour.curfew import CurfewHours
from safepassage.model.draws import keys_of
from safepassage.model.movement.movement import Movement
from safepassage.model.people.neighbours import carried_by, guests_by_host, neighbours_with_room
from safepassage.model.people.population import Population
from safepassage.model.settings.movement import Lifts as LiftSettings

ASKS_AGAIN_S = 600.0
"""Time after which whoever waits for neighbours looks whether they still mean to leave (s). Assumption."""


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
        self._hosts, self._guests = guests_by_host(households.lift_from)
        self._is_host = np.zeros(len(households), np.bool_)
        self._is_host[self._hosts] = True

    def promised_s(self, due: Ints, now_s: float) -> Floats:
        """Return when households that set out ask neighbours again who mean to leave later (s); inf: nobody does.

        due: households that are to set out and cannot drive. now_s: the present (s).
        """
        households, found = self.population.households, np.full(due.size, np.inf)
        self.waits[due] = False
        asks = (households.lift_from[due] >= 0).nonzero()[0]
        if asks.size == 0:
            return found
        rows, host = due[asks], households.lift_from[due[asks]]
        until_s = households.decision_time_s[rows] + households.preparation_s[rows] + self.settings.wait_h * 3600.0
        leaves_s, asks_s = households.departure_time_s[host], np.maximum(households.departure_time_s[rows], now_s)
        waits = (leaves_s <= until_s) & (asks_s < until_s)
        if waits.any():
            waits &= self.population.is_at_home(host) & households.has_car[host] & self.population.has_driver(host)
        found[asks[waits]] = np.maximum(leaves_s, asks_s)[waits] + ASKS_AGAIN_S
        self.waits[due[asks[waits]]] = True
        return found

    def who_come_along(self, hosts: Ints, now_s: float) -> Ints:
        """Return the households that ride with neighbours who drive off now: those at home who have decided by then.

        hosts: those who set out. now_s: the present (s).
        """
        hosts = hosts[self._is_host[hosts]]
        if hosts.size == 0:
            return self._guests[:0]
        guests = carried_by(hosts, self._hosts, self._guests)
        households = self.population.households
        leaves_s = np.maximum(households.departure_time_s[households.lift_from[guests]], now_s)
        comes = self.population.is_at_home(guests) & (households.decision_time_s[guests] <= leaves_s)
        comes &= (households.shelter[guests] < 0) & (households.lives_with[guests] < 0)
        if not self.curfew.may_move(now_s):
            comes &= ~households.keeps_curfew[guests]
        return guests[comes]

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
