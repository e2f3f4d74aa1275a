"""Who leaves when: orders go out, households decide, and those whose time has come set out or find that they cannot."""

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import Mode
from safepassage.model.behaviour.curfew import CurfewHours, keeps_curfew
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information, addressed_by
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.movement.movement import Movement
from safepassage.model.people.families import StayingBehind
from safepassage.model.people.population import Population
from safepassage.model.services.services import Services
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.behaviour import Order
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.scenario import Scenario
from safepassage.model.town.surroundings import Surroundings


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
    ) -> None:
        """Raises ScenarioError if an order names a zone that is not there.

        scenario: what is simulated. zone_names: names of the zones, which orders may name. population: everybody, with
        households and parties. curfew: hours in which nobody may move. information: what households know.
        """
        self.settings, self.zone_names = scenario, zone_names
        self.population, self.households, self.parties = population, population.households, population.parties
        self.information, self.decision = information, decision
        self.staying_behind = StayingBehind(self.households)
        keys, seed = keys_of(self.households), scenario.run.seed
        self.curfew = curfew
        self.households.keeps_curfew[:] = keeps_curfew(scenario.curfew, seed, keys)
        self.households.turn_after_curfew[:] = uniforms_for(seed, Stream.CURFEW, keys, index=1)
        self._refuse_unknown_zones(scenario.orders)
        self._due = sorted((scenario.issued_s(order), place, order) for place, order in enumerate(scenario.orders))
        self._n_orders = len(self._due)

    @property
    def next_s(self) -> float:
        """No order goes out and nobody is due to leave before this (s); the pace of decisions is `decision.next_s`."""
        return min(self._due[0][0] if self._due else np.inf, self.population.next_s)

    def expect(self, order: Order) -> None:
        """Take an order that the scenario does not have; raises ScenarioError if a zone of it is not there."""
        self._refuse_unknown_zones([order])
        self._due = sorted([*self._due, (self.settings.issued_s(order), self._n_orders, order)])
        self._n_orders += 1

    def expect_anew(self, now_s: float) -> None:
        """Expect the orders of the scenario that are still to come, and no others: it is another plan's from now on."""
        orders = ((self.settings.issued_s(order), place, order) for place, order in enumerate(self.settings.orders))
        self._due = sorted(due for due in orders if due[0] >= now_s)
        self._n_orders = len(self.settings.orders)

    def _refuse_unknown_zones(self, orders):
        unknown = {zone: None for order in orders for zone in order.zones or () if zone not in self.zone_names}
        if unknown:
            known = f"The zones are {', '.join(self.zone_names)}."
            raise ScenarioError("\n".join(f"orders: there is no zone {zone!r}. {known}" for zone in unknown))

    def issue_orders(self, now_s: float, until_s: float, surroundings: Surroundings) -> None:
        """Send out the orders of this step; those who do as told plan their departure from when they hear of it."""
        while self._due and self._due[0][0] < until_s:
            issued_s, number, order = self._due.pop(0)
            issued_s = max(issued_s, now_s)
            addressed = addressed_by(order, self.households, self.zone_names)
            phone_works = ~surroundings.utilities_lost(self.households.zone)[Utility.PHONE]
            heard_s = self.information.announce(number, order, addressed, issued_s, phone_works)
            if self.decision.obey(order, addressed, heard_s):
                self.population.plans_changed()

    def decide(self, now_s: float, surroundings: Surroundings, services: Services, impacts: Impacts) -> None:
        """At the pace of decisions: news spreads, households look at the situation and weigh it.

        now_s: the present (s). surroundings: what stands and is open in the town. services: buses, trains and
        ambulances at work. impacts: what falls in the run.
        """
        if now_s < self.decision.next_s:
            return
        from_s, self.decision.next_s = self.decision.time_s, now_s + self.settings.behaviour.decide_every_s
        n_decide = 0
        for order, rows in self.information.gossip(from_s, now_s):
            n_decide += self.decision.obey(order, rows, np.full(len(self.households), now_s))
        is_gone = self.parties.is_on_way | np.isfinite(self.parties.arrival_time_s)
        is_news = self.information.look(
            now_s,
            surroundings.reported_front_km(now_s),
            surroundings.utilities_lost(self.households.zone),
            is_gone,
            services.offers_seats(now_s),
        )
        extinct = self.households.is_extinct
        self.staying_behind.release(is_gone | extinct)
        n_decide += self.decision.weigh(now_s, ~(is_gone | extinct), is_news=is_news)
        self._let_return(from_s, now_s, impacts)
        if n_decide:
            self.population.plans_changed()
        self.population.show_preparing()

    def _let_return(self, from_s: float, now_s: float, impacts: Impacts) -> None:
        last = int(np.searchsorted(impacts.time_s, now_s)) - 1
        last_impact_s = float(impacts.time_s[last]) if last >= 0 else 0.0
        is_safe = np.isfinite(self.parties.arrival_time_s)
        back = self.decision.who_return(from_s, now_s, is_safe, last_impact_s)
        if back.size:
            self.decision.start_again(back, now_s)
            self.population.come_back(back)

    def set_out(
        self, now_s: float, until_s: float, under_fire: UnderFire, movement: Movement, services: Services
    ) -> None:
        """Let those set out whose departure is due before a time: by car, to a stop, on foot; the others wait.

        now_s: the present (s). until_s: end of the time looked at (s). under_fire: what impacts do to people.
        movement: everybody on the streets. services: buses, trains and ambulances at work.
        """
        due = self._free_of_curfew(self.population.due(until_s), now_s)
        if due.size:
            due = under_fire.cover.free_to_leave(due, now_s)
        if due.size == 0:
            return
        households = self.households
        node = households.home_node[due]
        drives = households.has_car[due] & movement.ways.has_way_out(Mode.CAR, node)
        seeks = ~drives
        if seeks.any():
            seeks[seeks] = ~services.seek(due[seeks], now_s)
        walks = seeks & self.households.can_walk[due] & movement.ways.has_way_out(Mode.WALK, node)
        walks &= movement.ways.walk_m(node) <= movement.settings.walk_out_limit_m
        speed_m_s = under_fire.walking_speeds(due)
        walks &= speed_m_s > 0
        left = seeks & ~walks
        no_way = left & ~movement.ways.has_way_out(Mode.WALK, node) & ~movement.ways.has_way_out(Mode.CAR, node)
        for mode, mask in ((Mode.CAR, drives), (Mode.WALK, walks)):
            party = due[mask]
            if party.size:
                time_s = np.maximum(households.departure_time_s[party], now_s)
                households.departure_time_s[party] = time_s
                movement.set_out(mode, party, node[mask], time_s, households.n_members[party], speed_m_s[mask])
                self.population.set_out(party, mode)
        news_s = max(movement.next_news_s, until_s)
        if no_way.any():
            self.population.put_off(due[no_way], Status.STRANDED, news_s)
        waits = left & ~no_way
        if waits.any():
            ask_s = services.next_ask_s(now_s)
            if services.is_empty:  # a road for the car may open; without car and seats there is nothing to ask for
                ask_s = np.where(households.has_car[due[waits]], news_s, np.inf)
            self.population.put_off(due[waits], Status.WAITING, ask_s)

    def _free_of_curfew(self, due: Ints, now_s: float) -> Ints:
        """Return those who may set out now or do not care; the others wait for the curfew's end, then leave in turn."""
        planned_s = np.maximum(self.households.departure_time_s[due], now_s)
        held = self.households.keeps_curfew[due] & ~self.curfew.may_move(planned_s)
        if held.any():
            ends_s = self.curfew.next_allowed_s(planned_s[held])
            spread_s = np.minimum(self.settings.curfew.stagger_s, self.curfew.next_start_s(ends_s) - ends_s)
            turn = self.households.turn_after_curfew[due[held]]
            self.households.departure_time_s[due[held]] = ends_s + turn * spread_s
            self.population.plans_changed(due[held])
        return due[~held]
