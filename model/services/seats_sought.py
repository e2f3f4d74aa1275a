"""Households without a car look for a seat: which stop they walk to, when they set out for their train."""

from collections import defaultdict
from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.parties import Mode
from safepassage.model.behaviour.curfew import CurfewHours
from safepassage.model.services.seats_on_offer import SeatsOnOffer
from safepassage.model.services.walking_out import LONGEST_M


class SeatsSought:
    """The way of households to stops."""

    def __init__(self, services: Any, curfew: CurfewHours) -> None:
        """services: all services of the run. curfew: when nobody may move."""
        self.services, self.households, self.curfew = services, services.households, curfew
        self.population, self.movement = services.population, services.movement
        self.reach_m = min(services.settings.walk_reach_m, LONGEST_M)
        self.book_ahead_s = services.settings.book_ahead_h * 3600.0

    def go(self, due: Ints, walk_out_s: Floats, now_s: float) -> Bools:
        """Let those who can walk to a stop in reach that takes them set out, or wait for the time; return who, bool.

        Those with no other way out come first; who could walk out takes a seat only if it is left over and sooner.

        due: households. walk_out_s: how long each takes out of the area on foot (s); inf: it cannot. now_s: the present
        (s).
        """
        found, far_m = np.zeros(due.size, np.bool_), self._ways_to_stops(now_s)
        if not far_m:
            return found
        speed_m_s = self.services.model.under_fire.walking_speeds(due)
        stops = self._stops_in_reach(due, speed_m_s, far_m)
        looks = [k for k, near in enumerate(stops) if near]
        if not looks:
            return found
        rows, out_s = due.tolist(), walk_out_s.tolist()
        free_m_s = self.services.parties.free_speed_m_s[due].tolist()
        takes: dict[int, tuple[int, float]] = {}
        on_offer = None  # trains alone are in reach: they are booked
        if any(stop < self.services.n_points for k in looks for _, stop in stops[k]):
            on_offer = SeatsOnOffer(self.services, now_s)
        for who in ([k for k in looks if out_s[k] == np.inf], [k for k in looks if out_s[k] < np.inf]):
            if on_offer is not None and who and out_s[who[0]] < np.inf:
                self._keep_claims(on_offer, due, (walk_out_s == np.inf) & ~found)
            for k in who:
                for way_m, stop in stops[k]:
                    set_out_s = self._take(rows[k], stop, way_m / free_m_s[k], out_s[k], now_s, on_offer)
                    if set_out_s is not None:
                        takes[k], found[k] = (stop, set_out_s), True
                        break
        self._set_out(due, takes, speed_m_s, now_s)
        return found

    def _keep_claims(self, on_offer: SeatsOnOffer, due: Ints, in_vain: Bools) -> None:
        """Keep seats for households that could walk to a stop, wait at home and have no other way out.

        due: households that ask now. in_vain: those among them that found no seat and have no other way, bool.
        """
        households, people = self.households, self.population.people
        waits = np.logical_or.reduceat(people.status == Status.WAITING, households.first_person[:-1])
        waits &= self.population.is_at_home()
        waits[due] = in_vain
        on_offer.keep_for(np.flatnonzero(waits & households.can_walk & ~households.walks_out))

    def _ways_to_stops(self, now_s: float) -> list[tuple[int, Floats]]:
        """Return (stop, way to it on foot from each node in m) of the stops that work now (s)."""
        services, stops = self.services, list(range(self.services.n_points, self.services.n_fixed))
        if any(not fleet.by_door and fleet.comes(now_s) for fleet in services.fleets):
            stops += [stop.row for stop in services.points if stop.is_open(now_s) and not services.is_cut_off(stop)]
        return [(stop, self.movement.ways.way_on_foot_m(1 + stop)) for stop in stops]

    def _stops_in_reach(
        self, due: Ints, speed_m_s: Floats, far_m: list[tuple[int, Floats]]
    ) -> list[list[tuple[float, int]]]:
        """Return for each household (way on foot in m, stop) for the stops in reach, the nearest first.

        due: households. speed_m_s: at which each walks with its injured (m/s); 0: it cannot. far_m: of the stops that
        work now, see `_ways_to_stops`.
        """
        nodes = self.movement.ways.start_node(Mode.WALK, self.households.home_node[due])
        columns = nodes.tolist(), self.households.can_walk[due].tolist(), speed_m_s.tolist()
        return [
            sorted((m, stop) for stop, way_m in far_m if (m := way_m.item(node)) <= self.reach_m)
            if can_walk and its_m_s > 0 else []
            for node, can_walk, its_m_s in zip(*columns, strict=True)
        ]  # fmt: skip

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
        if not (self.households.keeps_curfew[household] and self.curfew.is_open(wanted_s)):
            return wanted_s
        after_s = float(self.curfew.next_allowed_s(wanted_s))
        if after_s <= latest_s:
            return after_s
        before_s = float(self.curfew.start_s[self.curfew.start_s <= wanted_s].max()) - 60.0
        return before_s if before_s >= now_s else None

    def _set_out(self, due: Ints, takes: dict[int, tuple[int, float]], speed_m_s: Floats, now_s: float) -> None:
        """Let households walk to their stops, or wait at home for the time.

        takes: by place among those due, the stop and when to set out (s). speed_m_s: at which each walks (m/s).
        """
        later: list[int] = []
        goes: defaultdict[int, list[int]] = defaultdict(list)
        for k in sorted(takes):
            stop, at_s = takes[k]
            (goes[stop] if at_s <= now_s else later).append(k)
        households = self.households
        for stop in sorted(goes):
            party, speeds_m_s = due[goes[stop]], speed_m_s[goes[stop]]
            time_s = self.population.set_out(party, Mode.WALK, now_s)
            size, node = households.n_members_of(party), households.home_node[party]
            self.movement.set_out(Mode.WALK, party, node, time_s, size, speeds_m_s, goal=1 + stop)
        if later:
            self.population.put_off(due[later], Status.WAITING, np.array([takes[k][1] for k in later]))
