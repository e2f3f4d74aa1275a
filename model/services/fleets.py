"""A fleet at work: which vehicle goes where, who boards, when it leaves, what it does without a way."""

import numpy as np

from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import (
    AWAY,
    BOARDING,
    IDLE,
    LOST,
    NOBODY,
    TO_EXIT,
    TO_HOME,
    TO_STOP,
    PickupPoint,
    Run,
    ServiceVehicle,
    Task,
)
from safepassage.model.clock import OpenHours
from safepassage.model.harm.vehicles import VehiclesUnderFire
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.news.road_news import WITNESS
from safepassage.model.services.riders import Riders
from safepassage.model.services.work_rules import WorkRules, has_nothing_to_decide
from safepassage.model.settings.services import Dispatch, Fleet, Serves

TURN_EVERY_S = 60.0
"""Services look at what there is to do on every whole minute, whatever the step (s). Assumption."""
COMES_AFTER_S = 3600.0
"""People go to a stop, or wait to be fetched, only if a vehicle can still be sent out this much later (s).
Assumption."""
N_HOMES_TRIED = 5
"""A vehicle looks for a way to this many homes, in the order of their requests, before it waits. Assumption."""
AT_ONCE = -np.inf


class FleetAtWork:
    """The vehicles of one fleet; `act` is called when something may be decided, times between are exact where they are
    known before."""

    def __init__(
        self,
        settings: Fleet,
        vehicles: list[ServiceVehicle],
        hours: OpenHours,
        movement: Movement,
        riders: Riders,
        stops: list[PickupPoint],
        crews: VehiclesUnderFire,
        rules: WorkRules,
    ) -> None:
        """stops: all of the model; those by the road are added while it runs. crews: which of them are in cover.

        settings: the scenario's section `Fleet`. hours: when they work. movement: everybody on the streets. riders:
        households that wait for seats or are aboard. rules: convoys, shifts, fuel and breakdowns.
        """
        self.rules = rules
        self.settings, self.vehicles, self.hours = settings, vehicles, hours
        self.movement, self.riders, self.stops, self.crews = movement, riders, stops, crews
        self.by_door = settings.serves == Serves.DOOR_TO_DOOR
        self.next_s = AT_ONCE
        """Nothing is decided before this (s), unless a vehicle arrives or is lost, somebody comes to a stop or leaves
        it while a vehicle is free, or what is known of the roads changes."""
        self.is_free_s = AT_ONCE
        """From when on it may matter to a vehicle who waits, since it is free or takes people up (s)."""
        self._is_wanted = False
        """Whether somebody waited for a seat in one of them, within their hours, when they looked last."""
        self._n_calls_seen = -1
        """How often more had come to need its seats when they looked last."""
        self._asking: list[int] | None = None
        """Households that ask at home, first come first, as looked up in this turn; None: not yet."""
        self.watches_homes = False
        """Whether it matters too if anything changes with people at home: a vehicle is free for those who ask there."""

    def act(self, now_s: float, unmet: dict[int, int], n_calls: int, *, is_requested: bool) -> None:
        """Let vehicles board, leave and be sent out. unmet: people without a seat coming, by stop; written.

        What becomes free before the next turn is planned now, so that it happens on time. now_s: the present (s).
        n_calls: how often more had come to need its seats as unmet was counted. is_requested: whether anybody asks to
        be taken up at home as services take their turn.
        """
        self.next_s, self.watches_homes, self.is_free_s, self._is_wanted = np.inf, False, AT_ONCE, False
        self._n_calls_seen, self._asking = n_calls, None
        wanted = bool(unmet) or (self.by_door and is_requested)
        if not wanted and all(has_nothing_to_decide(vehicle) for vehicle in self.vehicles):
            self.is_free_s = self._free_s(now_s)
            return
        for vehicle in self.vehicles:
            while vehicle.task == BOARDING and not self.crews.is_in_cover(vehicle, now_s):
                if not self._board(vehicle, now_s, unmet):
                    break
        asking = self.riders.households.is_requesting
        wanted = bool(np.count_nonzero(asking)) if self.by_door else any(n > 0 for n in unmet.values())
        wanted = wanted or any(n > 0 and self.stops[s].is_by_road for s, n in unmet.items())
        is_open = self.hours.is_open(now_s)
        for vehicle in self.vehicles:
            is_back = vehicle.task == AWAY and vehicle.ready_s <= now_s + TURN_EVERY_S
            if not (vehicle.task == IDLE or is_back) or self.crews.is_in_cover(vehicle, now_s):
                continue
            if is_open and wanted:
                time_s = self.rules.sets_out_s(max(vehicle.ready_s, now_s))
                is_time = time_s <= now_s + TURN_EVERY_S and self.rules.may_be_sent(vehicle, self.vehicles, time_s)
                if is_time and self._send_out(vehicle, time_s, unmet, now_s):
                    continue
            if vehicle.task == IDLE and not is_open and vehicle.node != vehicle.depot:
                self._leave(vehicle, now_s)
        self._look_ahead(now_s, is_open=is_open, is_wanted=wanted)

    @property
    def due_s(self) -> float:
        """No vehicle has anything to do before this, as long as nothing is heard of roads, crews and homes (s)."""
        is_called = self._n_calls_seen != self.riders.n_calls[self.by_door]
        return min(self.next_s, self.is_free_s) if is_called else self.next_s

    def _look_ahead(self, now_s: float, *, is_open: bool, is_wanted: bool) -> None:
        """Work out when something may be decided next, and whether it hangs on people at home.

        is_open: whether vehicles are sent out now. is_wanted: whether somebody waits for a seat in one of them.
        """
        next_s, is_wanted = min(self.next_s, self.hours.next_change_s(now_s)), is_wanted and is_open
        for vehicle in self.vehicles:
            task = vehicle.task
            if vehicle.waits_for_lull_since_s < np.inf and vehicle.node >= 0:
                next_s = min(next_s, self.crews.lull_over_s(vehicle))
            elif task == BOARDING:
                next_s = min(next_s, self._next_boarding_s(vehicle, now_s, is_wanted=is_wanted))
                self.watches_homes |= self.by_door and is_open
            elif is_wanted and task in (IDLE, AWAY):
                ready_s = vehicle.ready_s - TURN_EVERY_S if task == AWAY else now_s
                if ready_s <= now_s:
                    is_bound = self.settings.shifts is not None or self.settings.convoys is not None
                    ready_s = AT_ONCE if is_bound else np.inf
                    self.watches_homes |= self.by_door
                next_s = min(next_s, ready_s)
        self.next_s, self.is_free_s, self._is_wanted = next_s, self._free_s(now_s), is_wanted

    def _free_s(self, now_s: float) -> float:
        """Return when a vehicle is free within hours, or takes people up, as things stand (s)."""
        is_free_s = boards_s = np.inf
        for vehicle in self.vehicles:
            if vehicle.task == BOARDING:
                boards_s = min(boards_s, AT_ONCE if self.by_door else vehicle.ready_s)
            elif vehicle.task == IDLE:
                is_free_s = AT_ONCE
            elif vehicle.task == AWAY:
                is_free_s = min(is_free_s, vehicle.ready_s - TURN_EVERY_S)
        return min(boards_s, self.hours.next_open_s(max(is_free_s, now_s)))

    def _next_boarding_s(self, vehicle: ServiceVehicle, now_s: float, *, is_wanted: bool) -> float:
        """Return when a vehicle at a stop or a home does something there, as long as nothing changes around it (s).

        is_wanted: whether it may be sent on to somebody who waits elsewhere.
        """
        leaves_s = self._leaves_s(vehicle, now_s) - TURN_EVERY_S
        if vehicle.ready_s > now_s and not self.by_door:
            stop = self._stop_of(vehicle)
            is_asked = is_wanted or (stop is not None and len(stop.waiting) > 0)
            if is_asked or vehicle.stuck_since_s < np.inf:
                return vehicle.ready_s
            leaves_s = max(leaves_s, vehicle.ready_s)
        if leaves_s > now_s:
            return leaves_s
        gives_up_s = vehicle.stuck_since_s + self.movement.settings.patience_s
        return gives_up_s if gives_up_s > now_s else np.inf

    def _leaves_s(self, vehicle: ServiceVehicle, now_s: float) -> float:
        """Return when a vehicle with people aboard means to leave (s): full, or no longer waiting for others."""
        leave_s = vehicle.ready_s
        if vehicle.seats.n_free > 0 and not self.by_door and vehicle.target >= 0:
            leave_s = max(leave_s, vehicle.arrived_s + self.settings.dwell_s)
        return self.rules.sets_out_s(max(leave_s, now_s))

    def wake(self) -> None:
        """Note that something has changed by which more may be decided at the next turn."""
        self.next_s = AT_ONCE

    def _board(self, vehicle: ServiceVehicle, now_s: float, unmet: dict[int, int]) -> bool:
        """Let people aboard and the vehicle go on; return whether it has more to do here at once."""
        if vehicle.ready_s > now_s and not self.by_door:
            return False
        stop = self._stop_of(vehicle)
        if vehicle.target >= 0:
            self._take_up(vehicle, now_s)
        seats = vehicle.seats
        if seats.n_free > 0 and self.hours.is_open(now_s) and self._send_out(vehicle, vehicle.ready_s, unmet, now_s):
            self._leave_over(stop)
            return True
        if not seats.aboard:
            vehicle.task, vehicle.target = IDLE, NOBODY
            self._leave_over(stop)
            return False
        leave_s = self._leaves_s(vehicle, now_s)
        if leave_s <= now_s + TURN_EVERY_S or (seats.n_free <= 0 and self.settings.convoys is None):
            self._leave(vehicle, leave_s)
        if vehicle.task == BOARDING and now_s - vehicle.stuck_since_s >= self.movement.settings.patience_s:
            self._wait_here(vehicle, now_s)
        return False

    def _stop_of(self, vehicle: ServiceVehicle) -> PickupPoint | None:
        """Return the stop at which a vehicle that takes people up stands; None: it is at a home, or goes on."""
        return self.stops[vehicle.target] if vehicle.target >= 0 and not vehicle.is_at_home else None

    def _leave_over(self, stop: PickupPoint | None) -> None:
        """Note that a vehicle leaves people at a stop, if there are any: its free seats were counted for them."""
        if stop is not None and stop.waiting:
            self.riders.call_from(stop)

    def _take_up(self, vehicle: ServiceVehicle, now_s: float) -> None:
        """Let those aboard who wait where the vehicle stands."""
        settings, seats = self.settings, vehicle.seats
        if vehicle.is_at_home:
            household, vehicle.target = vehicle.target, NOBODY
            if not self.riders.is_waiting_at_home(household):
                return
            at_s = vehicle.ready_s
            n, n_assisted = self.riders.board_at_home(household, seats, vehicle.row, vehicle.protection, at_s)
            began_s = vehicle.ready_s
        else:
            stop = self.stops[vehicle.target]
            n, n_assisted, last_s = self.riders.board(
                stop, seats, Mode.BUS, vehicle.row, vehicle.protection, now_s, vehicle.ready_s
            )
            began_s = max(vehicle.ready_s, last_s)
        if n:
            self.movement.carrier[seats.aboard] = self.movement.n_parties + vehicle.row
            one_s, assisted_s = settings.boarding_s_per_person, settings.boarding_s_per_assisted
            vehicle.ready_s = began_s + (n - n_assisted) * one_s + n_assisted * assisted_s
            vehicle.run.n_boarded += n
            vehicle.run.n_assisted += n_assisted

    def _send_out(self, vehicle: ServiceVehicle, time_s: float, unmet: dict[int, int], now_s: float) -> bool:
        """Send a vehicle to people who wait for one; return whether there are any whom it can reach and take."""
        stop = self._choose_stop(vehicle, unmet, now_s)
        if stop is not None:
            table, nodes = self._aim(vehicle, stop)
            if self._drive(vehicle, TO_STOP, stop.row, table, nodes, time_s):
                unmet[stop.row] -= vehicle.seats.n_free
                stop.sent_to_s = time_s
                return True
        return self.by_door and self._send_to_home(vehicle, time_s)

    def _aim(self, vehicle: ServiceVehicle, stop: PickupPoint) -> tuple[int, int]:
        if not stop.is_by_road:
            return self.movement.ways.stop_table + stop.row, stop.car_node
        if vehicle.table < 0:
            self.movement.ways.aim(self.movement.ways.wreck_table, stop.car_node)
            return self.movement.ways.wreck_table, stop.car_node
        self.movement.ways.aim(vehicle.table, stop.car_node, self._starts(vehicle))
        return vehicle.table, stop.car_node

    def _choose_stop(self, vehicle: ServiceVehicle, unmet: dict[int, int], now_s: float) -> PickupPoint | None:
        best = None
        for row, n in unmet.items():
            stop = self.stops[row]
            if (
                n <= 0
                or (self.by_door and not stop.is_by_road)
                or (stop.row == vehicle.target and not vehicle.is_at_home)
            ):
                continue
            if not self.riders.any_fits(stop, vehicle.seats):
                continue
            table, node = self._aim(vehicle, stop)
            drive_s = float(self._entry(vehicle, table)[1])
            if drive_s == np.inf or not self.movement.ways.have_services_way_out(node):
                continue
            rule = self.settings.dispatch
            if rule == Dispatch.LONGEST_QUEUE:
                key = (-n, drive_s, row)
            elif rule == Dispatch.NEAREST:
                key = (drive_s, row)
            else:
                key = (float(self.riders.households.waiting_since_s[stop.waiting].min()), row)
            key = (not stop.is_by_road, not self.rules.is_due(stop, now_s), *key)
            if best is None or key < best[0]:
                best = (key, stop)
        return best[1] if best else None

    def _send_to_home(self, vehicle: ServiceVehicle, time_s: float) -> bool:
        aimed = {v.target for v in self.vehicles if v.task == TO_HOME}
        n_tried, ways = 0, self.movement.ways
        self._asking = self.riders.requests().tolist() if self._asking is None else self._asking
        for household in self._asking:
            if household in aimed or not self.riders.is_waiting_at_home(household):
                continue
            if not vehicle.seats.fits(*self.riders.size(household)):
                continue
            node = int(ways.start_node(Mode.CAR, self.riders.households.home_node[household]))
            if ways.have_services_way_out(node):
                ways.aim(vehicle.table, node, self._starts(vehicle))
                if self._drive(vehicle, TO_HOME, household, vehicle.table, node, time_s):
                    return True
            n_tried += 1
            if n_tried == N_HOMES_TRIED:
                self.wake()  # others of the fleet may go to one of these, and this one to the next
                break
        return False

    def comes(self, now_s: float) -> bool:
        """Return whether vehicles are sent out once people who set out now are at their stop."""
        return bool(self.vehicles) and self.hours.is_open(now_s + COMES_AFTER_S)

    def seats_a_day(self, now_s: float) -> float:
        """Return about how many seats the fleet offers in the next 24 hours: its round trips are those to the hub."""
        n_vehicles = sum(vehicle.task != LOST for vehicle in self.vehicles)
        open_s = 3600.0 * self.hours.hold(now_s + 3600.0 * np.arange(0.5, 24.0)).sum()
        return n_vehicles * self.settings.seats * open_s / (2 * self.settings.hub_time_s + self.settings.dwell_s)

    def next_start_s(self, now_s: float) -> float:
        """Return when people may begin to count on the fleet anew (s); inf: not again, or they do so already."""
        open_s = self.hours.next_open_s(now_s + COMES_AFTER_S) - COMES_AFTER_S
        return open_s if self.vehicles and open_s > now_s else np.inf

    def free_now(self, now_s: float) -> list[ServiceVehicle]:
        """Return the vehicles that may take up more people now: at work, free at once, not on the way out."""
        tasks = (IDLE, TO_STOP, TO_HOME, BOARDING)
        ready_s = (np.floor(now_s / TURN_EVERY_S) + 1.0) * TURN_EVERY_S
        return [v for v in self.vehicles if v.task in tasks or (v.task == AWAY and v.ready_s <= ready_s)]

    def drive_in_s(self, vehicle: ServiceVehicle, table: int) -> float:
        """Return how long a vehicle needs along a table from where it is free (s); inf: it has no way."""
        return self._entry(vehicle, table)[1]

    def _starts(self, vehicle: ServiceVehicle) -> Ints:
        """Return where a vehicle may start: its node, or the exits by which it may come in; int32."""
        if vehicle.node >= 0:
            return np.array([vehicle.node], np.int32)
        return self.movement.streets.exit_node[self.movement.ways.cars.exit_open]

    def _entry(self, vehicle: ServiceVehicle, table: int) -> tuple[int, float]:
        """Return where a vehicle starts, its node or the best exit to come in by, and its way along a table (s)."""
        if vehicle.node >= 0:
            return vehicle.node, float(self.movement.ways.drive_s(table, vehicle.node))
        nodes = self._starts(vehicle)
        drive_s = self.movement.ways.drive_s(table, nodes)
        if nodes.size == 0:
            return NOBODY, np.inf
        return int(nodes[drive_s.argmin()]), float(drive_s.min())

    def _drive(self, vehicle: ServiceVehicle, task: Task, target: int, table: int, to_node: int, time_s: float) -> bool:
        """Put a vehicle onto its way; return False, with nothing changed, if it has none."""
        node, drive_s = self._entry(vehicle, table)
        if drive_s == np.inf:
            return False
        if vehicle.run is None:
            vehicle.run = Run(time_s)
            vehicle.runs.append(vehicle.run)
            self.rules.begin_run(vehicle, time_s)
        if vehicle.task == AWAY or vehicle.is_at_depot:
            vehicle.entered_s = time_s
        vehicle.target, vehicle.stuck_since_s = target, np.inf
        if node == to_node and task in (TO_STOP, TO_HOME):
            vehicle.node, vehicle.task = node, task
            self.arrive(vehicle, node, time_s)
            return True
        vehicle.task, vehicle.node, vehicle.from_node = task, NOBODY, node
        self.movement.send(vehicle.row, node, time_s, table, vehicle.car_units, self.rules.speed_m_s)
        return True

    def arrive(self, vehicle: ServiceVehicle, node: int, time_s: float) -> None:
        """Note that a vehicle has come to a stop or a home."""
        vehicle.is_at_home = vehicle.task == TO_HOME
        vehicle.task, vehicle.node = BOARDING, node
        self.wake()
        vehicle.arrived_s = vehicle.ready_s = time_s
        vehicle.run.n_pickups += 1

    def bring_out(self, vehicle: ServiceVehicle, time_s: float) -> None:
        """Note that a vehicle has left the area by an exit at a time (s): it goes to the hub and back."""
        vehicle.target, vehicle.ready_s = NOBODY, time_s + self.settings.hub_time_s
        free_s = vehicle.ready_s - TURN_EVERY_S
        self.is_free_s = min(self.is_free_s, self.hours.next_open_s(free_s))
        if self._is_wanted:
            self.next_s = min(self.next_s, free_s)

    def _leave(self, vehicle: ServiceVehicle, time_s: float) -> None:
        """Let a vehicle drive out of the area; without a way it stays and asks again."""
        stop = self._stop_of(vehicle) if vehicle.task == BOARDING and vehicle.seats.n_free > 0 else None
        if self._drive(vehicle, TO_EXIT, NOBODY, WITNESS, NOBODY, time_s):
            self._leave_over(stop)
        else:
            vehicle.stuck_since_s = min(vehicle.stuck_since_s, time_s)

    def _wait_here(self, vehicle: ServiceVehicle, now_s: float) -> None:
        """Let the passengers of a vehicle that finds no way out at a stop wait there."""
        if vehicle.target < 0 or vehicle.is_at_home:
            return
        stop = self.stops[vehicle.target]
        households = vehicle.seats.empty()
        self.movement.carrier[households] = households
        for household in households:
            n, n_assisted = self.riders.size(household)
            vehicle.run.n_boarded -= n
            vehicle.run.n_assisted -= n_assisted
            self.riders.wait(stop, household, now_s)
        vehicle.task, vehicle.target = IDLE, NOBODY
        self.wake()
