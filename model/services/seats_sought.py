"""Households without a car look for a seat: which stop they walk to, when they set out for their train."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import rising
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import NOBODY
from safepassage.model.behaviour.curfew import CurfewHours
from safepassage.model.services.seats_on_offer import SeatsOnOffer


class SeatsSought:
    """The way of households to stops."""

    def __init__(self, services: Any, curfew: CurfewHours) -> None:
        """services: all services of the run. curfew: when nobody may move."""
        self.services, self.households, self.curfew = services, services.households, curfew
        self.population, self.movement = services.population, services.movement
        self.reach_m = services.settings.walk_reach_m
        self.book_ahead_s = services.settings.book_ahead_h * 3600.0

    def go(self, due: np.ndarray, walk_out_s: np.ndarray, now_s: float) -> np.ndarray:
        """Let those who can walk to a stop in reach that takes them set out, or wait for the time; return who, bool.

        Those with no other way out come first; who could walk out takes a seat only if it is left over and sooner.

        due: households. walk_out_s: how long each takes out of the area on foot (s); inf: it cannot. now_s: the present
        (s).
        """
        way_m = self._ways_m(due, now_s)
        in_reach = np.isfinite(way_m)
        looks = in_reach.any(axis=0)
        if not np.count_nonzero(looks):
            return looks
        could_walk = np.isfinite(walk_out_s)
        takes, at_s = np.full(due.size, NOBODY), np.full(due.size, np.inf)
        on_offer = None  # trains alone are in reach: they are booked
        if np.count_nonzero(in_reach[: self.services.n_points]):
            on_offer = SeatsOnOffer(self.services, now_s)
        for who in (looks & ~could_walk, looks & could_walk):
            if not np.count_nonzero(who):
                continue
            if on_offer is not None and could_walk[who].any():
                self._keep_claims(on_offer, due, ~could_walk & (takes == NOBODY))
            for k in np.flatnonzero(who).tolist():
                for stop in np.argsort(way_m[:, k], kind="stable")[: np.count_nonzero(in_reach[:, k])].tolist():
                    walk_s = float(way_m[stop, k] / self.services.parties.free_speed_m_s[due[k]])
                    set_out_s = self._take(int(due[k]), stop, walk_s, float(walk_out_s[k]), now_s, on_offer)
                    if set_out_s is not None:
                        takes[k], at_s[k] = stop, set_out_s
                        break
        is_now = at_s <= now_s
        for stop in rising(takes[is_now]).tolist():
            self._set_out(due[(takes == stop) & is_now], stop, now_s)
        later = (takes != NOBODY) & ~is_now
        if np.count_nonzero(later):
            self.population.put_off(due[later], Status.WAITING, at_s[later])
        return takes != NOBODY

    def _keep_claims(self, on_offer: SeatsOnOffer, due: np.ndarray, in_vain: np.ndarray) -> None:
        """Keep seats for households that could walk to a stop, wait at home and have no other way out.

        due: households that ask now. in_vain: those among them that found no seat and have no other way, bool.
        """
        households, people = self.households, self.population.people
        waits = np.logical_or.reduceat(people.status == Status.WAITING, households.first_person[:-1])
        waits &= self.population.is_at_home()
        waits[due] = in_vain
        on_offer.keep_for(np.flatnonzero(waits & households.can_walk & ~households.walks_out))

    def _ways_m(self, due: np.ndarray, now_s: float) -> np.ndarray:
        """Return the way on foot to each stop that works now (m), inf if it is out of reach; float64[n_stops, n]."""
        services = self.services
        way_m = np.full((services.n_fixed, due.size), np.inf)
        walks = self.households.can_walk[due]
        if walks.any():
            walks &= services.model.under_fire.walking_speeds(due) > 0
        node = services.households.home_node[due]
        comes = any(not fleet.by_door and fleet.comes(now_s) for fleet in services.fleets)
        for stop in services.stops[: services.n_fixed]:
            if stop.row < services.n_points and not (comes and stop.is_open(now_s) and not services.is_cut_off(stop)):
                continue
            far_m = self.movement.ways.walk_m(node, 1 + stop.row)
            is_near = walks & (far_m <= self.reach_m)
            way_m[stop.row, is_near] = far_m[is_near]
        return way_m

    def _take(
        self,
        household: int,
        stop: int,
        walk_s: float,
        walk_out_s: float,
        now_s: float,
        on_offer: SeatsOnOffer | None,
    ) -> float | None:
        """Return when a household sets out for a stop, None if the stop does not take it or its feet are sooner."""
        services = self.services
        if on_offer is None or stop >= services.n_points:
            booked = services.trains.booked.get(household)
            if booked is not None and booked[0].stop == stop:
                return now_s
            until_s = now_s + min(self.book_ahead_s, walk_out_s)

            def set_out_by(wanted_s, latest_s):
                return self._allowed_s(household, now_s, wanted_s, latest_s)

            return services.trains.book(household, stop, now_s, walk_s, until_s, set_out_by)
        n = services.riders.size(household)[0]
        if walk_out_s < np.inf:
            is_taken = on_offer.is_sooner(stop, n, walk_s, walk_out_s)
        else:
            is_taken = on_offer.has_room(stop, n)
        if not is_taken:
            return None
        on_offer.take(stop, n)
        return now_s

    def _allowed_s(self, household: int, now_s: float, wanted_s: float, latest_s: float) -> float | None:
        """Return when a household that wants to set out at a time does so, in view of the curfew."""
        if not self.households.keeps_curfew[household] or bool(self.curfew.may_move(wanted_s)):
            return wanted_s
        after_s = float(self.curfew.next_allowed_s(wanted_s))
        if after_s <= latest_s:
            return after_s
        before_s = float(self.curfew.start_s[self.curfew.start_s <= wanted_s].max()) - 60.0
        return before_s if before_s >= now_s else None

    def _set_out(self, party: np.ndarray, stop: int, now_s: float) -> None:
        households = self.services.households
        time_s = np.maximum(households.departure_time_s[party], now_s)
        households.departure_time_s[party] = time_s
        size, speed = households.n_members_of(party), self.services.model.under_fire.walking_speeds(party)
        self.movement.set_out(Mode.WALK, party, households.home_node[party], time_s, size, speed, goal=1 + stop)
        self.population.set_out(party, Mode.WALK)
