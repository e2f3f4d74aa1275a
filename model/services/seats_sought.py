"""Households without a car look for a seat: which stop they walk to, when they set out for their train."""

from typing import TYPE_CHECKING

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode
from safepassage.model.behaviour.curfew import CurfewHours

if TYPE_CHECKING:
    from safepassage.model.services.services import Services


class SeatsSought:
    """The way of households to stops."""

    def __init__(self, services: "Services", curfew: CurfewHours) -> None:
        """services: "Services"; curfew: CurfewHours."""
        self.services, self.households, self.curfew = services, services.households, curfew
        self.population, self.movement = services.population, services.movement
        self.reach_m = services.settings.walk_reach_m
        self.book_ahead_s = services.settings.book_ahead_h * 3600.0

    def go(self, due: np.ndarray, now_s: float) -> np.ndarray:
        """Let those who can walk to a stop in reach that takes them set out, or wait for the time; return who, bool."""
        found = np.zeros(due.size, np.bool_)
        way_m = self._ways_m(due, now_s)
        if not np.isfinite(way_m).any():
            return found
        departs: dict[int, list[int]] = {}
        later, later_s = [], []
        n_coming = {stop.row: self._n_coming(stop.row) for stop in self.services.stops if stop.room < np.inf}
        for k in np.flatnonzero(np.isfinite(way_m).any(axis=0)).tolist():
            for stop in np.argsort(way_m[:, k], kind="stable").tolist():
                if not np.isfinite(way_m[stop, k]):
                    break
                at_s = self._take(int(due[k]), stop, float(way_m[stop, k]), now_s, n_coming)
                if at_s is None:
                    continue
                found[k] = True
                if at_s <= now_s:
                    departs.setdefault(stop, []).append(int(due[k]))
                else:
                    later.append(int(due[k]))
                    later_s.append(at_s)
                break
        for stop, households in departs.items():
            self._set_out(np.array(households), stop, now_s)
        if later:
            self.population.put_off(np.array(later), Status.WAITING, np.array(later_s))
        return found

    def _ways_m(self, due: np.ndarray, now_s: float) -> np.ndarray:
        """Return the way on foot to each stop that works now (m), inf if it is out of reach; float64[n_stops, n]."""
        services = self.services
        walks = self.households.can_walk[due] & (services.model.under_fire.walking_speeds(due) > 0)
        way_m = np.full((services.n_fixed, due.size), np.inf)
        node = services.households.home_node[due]
        comes = any(not fleet.by_door and fleet.comes(now_s) for fleet in services.fleets)
        for stop in services.stops[: services.n_fixed]:
            if stop.row < services.n_points and not (comes and stop.is_open(now_s) and not services.is_cut_off(stop)):
                continue
            far_m = self.movement.ways.walk_m(node, 1 + stop.row)
            way_m[stop.row] = np.where(walks & (far_m <= self.reach_m), far_m, np.inf)
        return way_m

    def _take(self, household: int, stop: int, way_m: float, now_s: float, n_coming: dict) -> float | None:
        """Return when a household sets out for a stop, None if the stop does not take it."""
        services = self.services
        if stop >= services.n_points:
            booked = services.trains.booked.get(household)
            if booked is not None and booked[0].stop == stop:
                return now_s
            walk_s = way_m / float(services.parties.free_speed_m_s[household])
            until_s = now_s + self.book_ahead_s

            def set_out_by(wanted_s, latest_s):
                return self._allowed_s(household, now_s, wanted_s, latest_s)

            return services.trains.book(household, stop, now_s, walk_s, until_s, set_out_by)
        if stop in n_coming:
            n = services.riders.size(household)[0]
            if services.stops[stop].n_waiting + n_coming[stop] + n > services.stops[stop].room:
                return None
            n_coming[stop] += n
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

    def _n_coming(self, stop: int) -> int:
        parties = self.population.parties
        there = self.movement.goal[: len(parties)] == 1 + stop
        walks = np.flatnonzero(there & parties.is_on_way & (parties.stop < 0) & (parties.vehicle < 0))
        return int(self.population.n_living(walks).sum())

    def _set_out(self, party: np.ndarray, stop: int, now_s: float) -> None:
        households = self.services.households
        time_s = np.maximum(households.departure_time_s[party], now_s)
        households.departure_time_s[party] = time_s
        size, speed = households.n_members[party], self.services.model.under_fire.walking_speeds(party)
        self.movement.set_out(Mode.WALK, party, households.home_node[party], time_s, size, speed, goal=1 + stop)
        self.population.set_out(party, Mode.WALK)
