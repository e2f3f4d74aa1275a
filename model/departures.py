"""Who leaves when: orders go out, households decide, and those whose time has come set out or find that they cannot."""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.leaving import who_drive
from safepassage.agents.parties import Mode
from safepassage.model.behaviour.curfew import CurfewHours
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information
from safepassage.model.behaviour.orders import OrdersDue
from safepassage.model.corridors import Corridors
from safepassage.model.daytime import DayPlaces
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.hazard.truces import Truces
from safepassage.model.institutions import Institutions
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.news.road_news import HEARSAY
from safepassage.model.people.families import StayingBehind
from safepassage.model.people.population import Population
from safepassage.model.services.services import Services
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.scenario import Scenario
from safepassage.model.town.surroundings import Surroundings
from safepassage.model.way_home import WayHome


class Departures:
    """From an order or a decision to the first metre on the street; asks the other parts, is asked by none of them."""

    def __init__(
        self,
        scenario: Scenario,
        zone_names: tuple[str, ...],
        population: Population,
        curfew: CurfewHours,
        information: Information,
        decision: Decision,
        movement: Movement,
        truces: Truces,
    ) -> None:
        """Raises ScenarioError if an order names a zone that is not there.

        scenario: what is simulated. zone_names: names of the zones, which orders may name. population: everybody, with
        households and parties. curfew: hours in which nobody may move. information: what households know. decision: how
        they decide. movement: everybody on the streets. truces: windows in which people leave under them.
        """
        self.settings, self.zone_names = scenario, zone_names
        self.population, self.households, self.parties = population, population.households, population.parties
        self.information, self.decision = information, decision
        self.staying_behind = StayingBehind(self.households)
        self.orders_due = OrdersDue(scenario, zone_names)
        self.way_home = WayHome(population, movement, decision, curfew)
        self.institutions = Institutions(scenario, population)
        self.day_places = DayPlaces(scenario, zone_names, population, movement)
        self._car_node = movement.ways.start_node(Mode.CAR, np.arange(movement.streets.n_nodes))
        """By node, where trips by car from there start."""
        self.corridors = Corridors(scenario, truces, population, information, movement, self.way_home)
        self.keep(curfew)

    @property
    def next_s(self) -> float:
        """No order goes out, nobody heads home or leaves an assembly before this (s); who leaves home: `leaves_s`.

        The pace of decisions is `decision.next_s`.
        """
        return min(self.orders_due.next_s, self.way_home.next_s, self.corridors.next_s)

    @property
    def leaves_s(self) -> float:
        """No household is due to leave home before this (s)."""
        return self.population.leaving.next_s

    def keep(self, curfew: CurfewHours) -> None:
        """Let households keep a curfew from now on; who leaves under a truce is free of it."""
        self.population.leaving.keep(curfew.as_arrays, is_for_all=not self.corridors.are_any)

    def hold(self, until_s: float) -> None:
        """Let those wait for the end of the curfew who keep it and meant to set out in it before a time (s)."""
        if self.population.leaving.held_s < until_s:
            self.population.plans_changed(self.population.leaving.hold_until(until_s))

    @property
    def warning_time_s(self) -> float:
        """When the first order is issued (s); 0 without orders, the end of the run if none comes in it."""
        first_s = min(self.orders_due.first_s, self.orders_due.next_s) if self.settings.orders else 0.0
        return min(first_s, self.settings.run.duration_h * 3600.0)

    def issue_orders(self, now_s: float, until_s: float, surroundings: Surroundings) -> None:
        """Send out the orders of this step; those who do as told plan their departure from when they hear of it."""
        for issued_s, number, order in self.orders_due.before(until_s):
            issued_s = max(issued_s, now_s)
            phone_works = ~surroundings.utilities_lost(self.households.zone)[Utility.PHONE]
            if self.decision.hear_order(number, order, self.zone_names, issued_s, phone_works):
                self.population.plans_changed()

    def decide(self, now_s: float, surroundings: Surroundings, services: Services) -> None:
        """At the pace of decisions: news spreads, households weigh what they knew so far and look at the situation.

        Before that, and at once, those turn back who meet that a truce has been violated.

        now_s: the present (s). surroundings: what stands and is open in the town. services: buses, trains and
        ambulances at work.
        """
        self.corridors.meet_violations(now_s, services)
        if now_s >= self.decision.next_s:
            every_s = self.settings.behaviour.decide_every_s
            self.decision.next_s = (np.floor(now_s / every_s + 1e-9) + 1.0) * every_s
            self.think(now_s, surroundings, services)

    def think(self, now_s: float, surroundings: Surroundings, services: Services) -> None:
        """Let households weigh what they knew until now, whatever the pace, and some of those in safety come back.

        now_s: the present (s). surroundings: what stands and is open in the town. services: buses, trains and
        ambulances at work.
        """
        from_s = self.decision.time_s
        is_gone = self.parties.is_on_way | np.isfinite(self.parties.arrival_time_s)
        extinct = self.households.is_extinct
        n_decide = self.decision.think(
            now_s,
            ~(is_gone | extinct | self.way_home.just_home(from_s)),
            surroundings.utilities.lost_since_s,
            services.seats_in_reach.share_without(now_s),
        )
        n_decide += self.decision.answer_late(self.staying_behind.release(is_gone | extinct), now_s)
        if self.decision.is_return_possible:
            may_return = np.isinf(self.way_home.due_s) & (self.households.institution < 0)
            safe_since_s = np.where(may_return, self.parties.arrival_time_s, np.inf)
            self.way_home.plan(self.decision.who_return(from_s, now_s, safe_since_s), now_s)
        if n_decide:
            self.population.plans_changed()
        self.population.show_preparing()

    def set_out(
        self, now_s: float, until_s: float, under_fire: UnderFire, movement: Movement, services: Services
    ) -> None:
        """Let those set out whose departure is due before a time: by car, to a stop, on foot; the others wait.

        now_s: the present (s). until_s: end of the time looked at (s). under_fire: what impacts do to people.
        movement: everybody on the streets. services: buses, trains and ambulances at work.
        """
        self.corridors.set_out(now_s, until_s)
        due = self.population.leaving.due(until_s)
        if due.size:
            under_truce, others = self.corridors.hold(due, now_s)
            held, others = self.population.leaving.hold(others, now_s, until_s)
            if held.size:
                self.population.plans_changed(held)
            due = np.concatenate((under_truce, others)) if under_truce.size else others
        if due.size:
            due = self.day_places.gather(under_fire.cover.free_to_leave(due, now_s), now_s)
        if due.size == 0:
            return
        households = self.households
        drivers, seeking = self._who_drive(due, movement)
        if self.corridors.are_any:
            drives = np.isin(due, drivers)
            gathers = self.corridors.gather(due, drives, households.departure_time_s[due], now_s)
            drivers = drivers[~gathers[drives]]
        guests = self._guests(drivers, services, now_s) if drivers.size else drivers
        walkers = hopes = left = due[:0]
        if seeking.size:
            if guests.size:
                is_guest = np.zeros(len(households), np.bool_)
                is_guest[guests] = True
                seeking = seeking[~is_guest[seeking]]
            promised_s = self._promised_s(seeking, services, now_s)
            is_promised = promised_s < np.inf
            if np.count_nonzero(is_promised):
                hopes, promised_s, seeking = seeking[is_promised], promised_s[is_promised], seeking[~is_promised]
            if seeking.size:
                walkers, left = self._seek(seeking, services, now_s)
        movement.ways.of[Mode.WALK].hear()
        if drivers.size:
            self._leave(Mode.CAR, drivers, now_s, under_fire, movement)
        if walkers.size:
            self._leave(Mode.WALK, walkers, now_s, under_fire, movement)
        if guests.size:
            services.lifts.come_along(guests, services.riders)
        if hopes.size:
            self.population.put_off(hopes, Status.WAITING, promised_s)
        if left.size:
            self._stay(left, until_s, movement, services, now_s)

    def _who_drive(self, due: Ints, movement: Movement) -> tuple[Ints, Ints]:
        """Return (who leaves by car, the others): they have a car, know a way out for it and can drive it."""
        movement.ways.of[Mode.CAR].hear()
        h, people, next_link = self.households, self.population.people, movement.ways.car_routes.next_link[HEARSAY]
        drivers, others = np.empty((2, due.size), np.int64)
        n_drive = who_drive(
            drivers, others, due, h.has_car, h.home_node, self._car_node, next_link, h.first_person, people.age,
            people.mobility, people.injury, people.status,
        )  # fmt: skip
        return drivers[:n_drive], others[: due.size - n_drive]

    def _seek(self, seeking: Ints, services: Services, now_s: float) -> tuple[Ints, Ints]:
        """Let households look for a seat; return (who walks out, who has found no way)."""
        walk_out_s = services.walking_out.time_s(seeking)
        found = services.seek(seeking, walk_out_s, now_s)
        if np.count_nonzero(found) == found.size:
            return seeking[:0], seeking[:0]
        can_walk = walk_out_s < np.inf
        return seeking[~found & can_walk], seeking[~(found | can_walk)]

    def _leave(self, mode: Mode, party: Ints, now_s: float, under_fire: UnderFire, movement: Movement) -> None:
        """Put households onto the streets, by car or on foot."""
        n_persons, speed_m_s = 1, np.inf
        if mode == Mode.WALK:
            n_persons, speed_m_s = self.households.n_members_of(party), under_fire.walking_speeds(party)
        time_s = self.population.set_out(party, mode, now_s)
        movement.set_out(mode, party, self.households.home_node[party], time_s, n_persons, speed_m_s)

    def _stay(self, stays: Ints, until_s: float, movement: Movement, services: Services, now_s: float) -> None:
        """Put off households that have found no way out: until news may come of a road, or a seat be free."""
        news_s = max(movement.next_news_s, until_s)
        node = self.households.home_node[stays]
        no_way = ~movement.ways.has_way_out(Mode.WALK, node)
        if no_way.any():
            no_way &= ~movement.ways.has_way_out(Mode.CAR, node)
        if no_way.any():
            self.population.put_off(stays[no_way], Status.STRANDED, news_s)
        if not no_way.all():
            ask_s = services.next_ask_s(now_s)
            if services.is_empty:  # a road for the car may open; without car and seats there is nothing to ask for
                waits = stays[~no_way]
                can_drive = self.households.has_car[waits] & self.population.has_driver(waits)
                ask_s = np.where(can_drive, news_s, np.inf)
            self.population.put_off(stays[~no_way], Status.WAITING, ask_s)

    def _promised_s(self, seeking: Ints, services: Services, now_s: float) -> Floats:
        """Return when households without a car ask neighbours again who mean to leave later (s); inf: nobody does.

        Who leaves under a truce takes nobody along: it may gather, or turn back.
        """
        promised_s = services.lifts.promised_s(seeking, now_s)
        if self.corridors.are_any:
            promised_s[self.corridors.truce_of(self.households.lift_from[seeking]) >= 0] = np.inf
        return promised_s

    def _guests(self, drives: Ints, services: Services, now_s: float) -> Ints:
        """Return the households that ride with neighbours who drive off now, not under a truce."""
        if self.corridors.are_any:
            drives = drives[self.corridors.truce_of(drives) < 0]
        guests = services.lifts.who_come_along(drives, now_s)
        return guests[~self.day_places.is_without_child(guests, now_s)] if guests.size else guests


def never_issued(scenario: Scenario) -> list[str]:
    """Return a sentence for each order of a scenario that comes after the end of its run."""
    end_s = scenario.run.duration_h * 3600.0
    return [
        f"orders[{row}] is issued {scenario.issued_s(order) / 3600:,.1f} h after the start; the run ends after "
        f"{scenario.run.duration_h:g} h, so nobody would hear of it. Issue it earlier, or lengthen run.duration_h."
        for row, order in enumerate(scenario.orders)
        if order.after is None and scenario.issued_s(order) >= end_s
    ]
