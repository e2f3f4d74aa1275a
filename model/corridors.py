"""Those who leave in the windows of truces: when each sets out, where they gather, who turns back at a violation.

A household that obeys an order with a `truce` has a slot in each window, the same every day, by a number of its own.
It leaves home `gather_before_s` before its slot: by foot to a pickup point like anybody else who needs a seat, or by
car to the place of assembly, where it stands in its car until the slot. Who has missed its slot takes a later one of
the same window, or its own in the next; when no window is left people set out when they are ready.
"""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Protection, Status
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import PickupPoint
from safepassage.model.behaviour.information import Information
from safepassage.model.clock import SAME_MOMENT_S
from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.hazard.truces import Truces, Window
from safepassage.model.movement.movement import Movement
from safepassage.model.people.population import Population
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.placing import node_of
from safepassage.model.way_home import WayHome

NONE = -1


class Corridors:
    """The households of a run that leave under truces."""

    def __init__(
        self, scenario: Scenario, truces: Truces, population: Population, information: Information, movement: Movement,
        way_home: WayHome,
    ) -> None:  # fmt: skip
        """scenario: what is simulated. truces: their windows. population: everybody. information: orders sent out.

        movement: everybody on the streets. way_home: of those who drive home.
        """
        self.settings, self._keeping, self._seed = scenario.truces, scenario.truce_keeping, scenario.run.seed
        self.truces, self.population, self.information = truces, population, information
        self.movement, self.way_home = movement, way_home
        self.households, self.parties = population.households, population.parties
        self._names = [truce.name for truce in self.settings]
        self._keys = keys_of(self.households)
        self._turn = uniforms_for(self._seed, Stream.CORRIDOR, self._keys)
        self._windows: list[list[tuple[int, Window]]] = [
            [(number, one) for number, one in enumerate(truces.windows) if one.truce == row]
            for row in range(len(self.settings))
        ]
        self._assembly: dict[int, PickupPoint] = {}
        self._slot_s = np.full(len(self.households), np.inf)
        """float64: when each household that has gathered in its car sets out (s); inf: it has not gathered."""
        self._next_slot_s = np.inf
        self._window_of = np.full(len(self.households), NONE, np.int64)
        """int64: number of the window for which each household left home last; -1: for none."""
        self._broken = sorted((one.broken_s, number) for number, one in enumerate(truces.windows)
                              if np.isfinite(one.broken_s))  # fmt: skip
        """Violations that nobody has met yet: (moment in s, number of the window)."""
        n = len(truces.windows)
        self.n_set_out, self.n_turned_back = np.zeros(n, np.int64), np.zeros(n, np.int64)
        """By window, people who have left home for it, and of those on their way who have turned back."""
        self._gathered_person_h = np.zeros(n)

    def open_assemblies(self, services: Any) -> None:
        """Add the places of assembly to the stops of all services, where whoever stands is under fire like others."""
        for row, truce in enumerate(self.settings):
            if truce.assembly is None:
                continue
            node = node_of(truce.assembly, services.streets, f"truces.{row}.assembly")
            place = float(services.streets.node_x_m[node]), float(services.streets.node_y_m[node])
            stops = services.stops
            stop = PickupPoint(services.model, len(stops), f"{truce.name}, assembly", node, place, Protection.VEHICLE)
            stop.is_assembly = True
            stop.car_node = int(self.movement.ways.start_node(Mode.CAR, np.array([node]))[0])
            stops.append(stop)
            self._assembly[row] = stop

    @property
    def next_s(self) -> float:
        """No slot of those gathered comes, and no truce is violated, before this (s)."""
        return min(self._next_slot_s, self._broken[0][0] if self._broken else np.inf)

    @property
    def are_any(self) -> bool:
        """Whether anybody can leave under a truce."""
        return bool(self._names)

    def truce_of(self, households: Ints) -> Ints:
        """Return the row of the truce under which each household leaves; -1: under none."""
        if not self._names:
            return np.full(households.size, NONE, np.int64)
        of_order = {told.number: told.order.truce for told in self.information.told}
        row_of = {number: self._names.index(name) for number, name in of_order.items() if name in self._names}
        columns = self.households
        obeys = np.isin(columns.cause[households], (Cause.ORDER, Cause.PERSUADED))
        orders = np.where(obeys, columns.order_obeyed[households], NONE).tolist()
        return np.array([row_of.get(order, NONE) for order in orders], np.int64)

    def hold(self, due: Ints, now_s: float) -> tuple[Ints, Ints]:
        """Return (those who leave under a truce and whose time has come, those who leave under none).

        The others wait at home for their time. due: households that mean to set out. now_s: the present (s).
        """
        if not self.are_any:
            return due[:0], due
        truce = self.truce_of(due)
        bound = np.flatnonzero(truce >= 0)
        if bound.size == 0:
            return due[:0], due
        go, held = [], []
        for household, row in zip(due[bound].tolist(), truce[bound].tolist(), strict=True):
            planned_s = max(float(self.households.departure_time_s[household]), now_s)
            leaves_s = planned_s if self._is_out(household, now_s) else self._leaves_s(household, row, planned_s)
            if leaves_s > planned_s + SAME_MOMENT_S:
                self.households.departure_time_s[household] = leaves_s
                held.append(household)
            else:
                go.append(household)
        if held:
            self.population.plans_changed(np.array(held))
        return np.array(go, due.dtype), due[truce < 0]

    def _leaves_s(self, household: int, truce: int, planned_s: float) -> float:
        """Return when a household that is ready at a moment leaves home, to be in time for a slot (s)."""
        slot_s, _ = self._slot(household, truce, planned_s)
        return planned_s if slot_s == np.inf else max(planned_s, slot_s - self.settings[truce].gather_before_s)

    def _is_out(self, household: int, now_s: float) -> bool:
        """Return whether a household has left home for a window that still holds, and only asks for a seat again."""
        number = int(self._window_of[household])
        return number >= 0 and now_s < self.truces.windows[number].until_s

    def _slot(self, household: int, truce: int, leaves_s: float) -> tuple[float, int]:
        """Return (first slot for which a household is in time that leaves home at a moment in s, its window's number).

        inf: none is left, as far as is known at that moment.
        """
        n, from_s = self.settings[truce].n_slots, leaves_s + self.settings[truce].gather_before_s
        own = int(self._turn[household] * n)
        for number, window in self._windows[truce]:
            if window.broken_s <= leaves_s:
                continue
            slots_s = window.start_s + np.arange(own, n) * (window.end_s - window.start_s) / n
            later = slots_s[slots_s >= from_s - SAME_MOMENT_S]
            if later.size:
                return float(later[0]), number
        return np.inf, NONE

    def gather(self, due: Ints, drives: Bools, time_s: Floats | float, now_s: float) -> Bools:
        """Let households gather in their cars; return which do, bool.

        due: households that leave home now. drives: which of them go by car. time_s: when each leaves home (s). now_s:
        the present (s).
        """
        gathers = np.zeros(due.size, np.bool_)
        if not self.are_any:
            return gathers
        truce = self.truce_of(due)
        n_living = self.population.n_living(due)
        leaves_s = np.broadcast_to(time_s, due.shape)
        for k in np.flatnonzero(truce >= 0).tolist():
            household, row, at_s = int(due[k]), int(truce[k]), max(float(leaves_s[k]), now_s)
            slot_s, number = self._slot(household, row, at_s)
            if number == NONE or self._is_out(household, now_s):
                continue
            self._window_of[household] = number
            self.n_set_out[number] += n_living[k]
            stop = self._assembly.get(row)
            if stop is None or not drives[k]:
                continue
            gathers[k] = True
            self._slot_s[household] = slot_s
            self._next_slot_s = min(self._next_slot_s, slot_s)
            stop.waiting.append(household)
            stop.n_waiting += int(n_living[k])
            self.households.waiting_since_s[household] = at_s
            party = due[k : k + 1]
            self.population.set_out(party, Mode.CAR, at_s)
            self.population.wait_at_stop(party, stop.row, Protection.VEHICLE)
        return gathers

    def set_out(self, now_s: float, until_s: float) -> None:
        """Let those who have gathered drive on whose slot comes before a time (s); now_s: the present (s)."""
        if self._next_slot_s >= until_s:
            return
        gone = np.flatnonzero(self._slot_s < until_s)
        time_s = np.maximum(self._slot_s[gone], now_s)
        pairs = zip(gone.tolist(), time_s.tolist(), strict=True)
        node = np.array([self._leave_assembly(household, at_s) for household, at_s in pairs])
        living = self.population.n_living(gone) > 0
        gone, node, time_s = gone[living], node[living], time_s[living]
        self.population.drive_off(gone)
        size = self.households.n_members[gone]
        self.movement.set_out(Mode.CAR, gone, node, time_s, size, self.parties.free_speed_m_s[gone])

    def _leave_assembly(self, household: int, time_s: float) -> int:
        """Take a household out of those that stand at a place of assembly; return the node where it stood."""
        stop = next(one for one in self._assembly.values() if household in one.waiting)
        n = int(self.population.n_living(np.array([household]))[0])
        waited_s = time_s - float(self.households.waiting_since_s[household])
        stop.board(waited_s, n)
        self._gathered_person_h[self._window_of[household]] += n * waited_s / 3600.0
        stop.waiting.remove(household)
        stop.n_waiting -= n
        self.households.waiting_since_s[household] = np.inf
        self._slot_s[household] = np.inf
        self._next_slot_s = float(self._slot_s.min())
        return stop.node

    def gathered_person_h(self, now_s: float) -> Floats:
        """Return by window the person-hours at places of assembly so far, float64; now_s: the present (s)."""
        hours, here = self._gathered_person_h.copy(), np.flatnonzero(np.isfinite(self._slot_s))
        waited_h = (now_s - self.households.waiting_since_s[here]) / 3600.0
        np.add.at(hours, self._window_of[here], self.population.n_living(here) * waited_h)
        return hours

    def meet_violations(self, now_s: float, services: Any) -> None:
        """Let people turn back who are on their way under a truce that has been violated by now.

        now_s: the present (s). services: all services of the run.
        """
        while self._broken and self._broken[0][0] <= now_s:
            _, number = self._broken.pop(0)
            window = self.truces.windows[number]
            on_way = np.flatnonzero(self.parties.is_on_way & ~self.parties.is_bound_home)
            on_way = on_way[self.truce_of(on_way) == window.truce]
            u = uniforms_for(
                self._seed, Stream.CORRIDOR, self._keys[on_way], tick=self.truces.day_of(window.start_s), index=1
            )
            turns = on_way[u < self._keeping.p_turn_back]
            turned = np.concatenate((self._go_home(turns, services, now_s), self._drive_home(turns, now_s)))
            self.n_turned_back[number] += int(self.population.n_living(turned).sum())

    def _go_home(self, turns: Ints, services: Any, now_s: float) -> Ints:
        """Let those go home who have gathered, wait for a seat or walk to it; return who does. Their way home is not
        simulated."""
        stop, walks_to = self.parties.stop[turns], self.movement.goal[turns] > 0
        waits = np.array([s >= 0 and not services.stops[s].is_by_road for s in stop], np.bool_)
        walks = walks_to & (stop < 0) & (self.parties.vehicle[turns] < 0) & (self.parties.mode[turns] == Mode.WALK)
        for household in turns[waits].tolist():
            place = services.stops[self.parties.stop[household]]
            if place.is_assembly:
                self._leave_assembly(household, now_s)
            else:
                services.riders.leave(place, household)
        if walks.any():
            self.movement.walking.withdraw(turns[walks])
            self.movement.goal[turns[walks]] = 0
        home = turns[waits | walks]
        if home.size:
            self.population.turn_back(home, now_s)
            self.parties.mode[home] = Mode.NONE
            self.population.put_off(home, Status.WAITING, now_s)
        return home

    def _drive_home(self, turns: Ints, now_s: float) -> Ints:
        """Let those turn round who drive in the town in their own cars and have a way home; return who does."""
        drives = (self.parties.mode[turns] == Mode.CAR) & (self.parties.stop[turns] < 0)
        drives &= (self.parties.vehicle[turns] < 0) & self.parties.is_on_way[turns]
        party = turns[drives]
        link = self.movement.driving.view.link_of(party)
        in_town = (link >= 0) & (link < self.movement.streets.n_town_links)
        return self.way_home.turn_round(party[in_town], link[in_town], now_s)
