"""Seats and care: stops, fleets, trains and ambulances of a scenario, and the households that depend on them."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Protection, Status
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
    Seats,
    ServiceVehicle,
)
from safepassage.model.clock import open_hours
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.movement.arrivals import Arrivals
from safepassage.model.people.neighbours import riding_with
from safepassage.model.services import leaving_stops, losses, roadside
from safepassage.model.services.ambulances import AmbulancesAtWork
from safepassage.model.services.fleets import TURN_EVERY_S, FleetAtWork
from safepassage.model.services.layout import Layout
from safepassage.model.services.lifts import Lifts
from safepassage.model.services.riders import ASK_EVERY_S, Riders
from safepassage.model.services.seats_in_reach import SeatsInReach
from safepassage.model.services.seats_sought import SeatsSought
from safepassage.model.services.trains import Trains
from safepassage.model.services.walking_out import WalkingOut
from safepassage.model.services.work_rules import Reinforcements, WorkRules
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.services import Fleet, Kind, Place, Reinforcement, Serves, Train
from safepassage.model.streets.placing import node_of

GO_HOME_AFTER_S = 3 * 3600.0
"""People leave a stop if nothing comes for longer than this (s). Assumption."""


class Services:
    """All services of a run. Vehicle row v is the party n_households + v of the movement."""

    def __init__(self, model: Any, layout: Layout) -> None:
        """model: EvacuationModel with its people and movement; the agents made here belong to it."""
        settings, scenario = model.settings.services, model.settings
        self.settings, self.model = settings, model
        self.population, self.movement, self.streets = model.population, model.movement, model.streets
        self.households, self.parties = model.households, model.parties
        self.n_households = len(model.households)
        self.crews = model.under_fire.vehicles
        self._open_hours = lambda hours: open_hours(hours, scenario.run, scenario.shelling.time_zone)
        self.riders = Riders(model.population, model.information)
        lifts = scenario.movement.lifts
        self.lifts = Lifts(lifts, model.population, model.movement, model.curfew, scenario.run.seed)
        self.is_empty = layout.is_empty
        """Whether the scenario has no services."""
        self.stops, self.vehicles = model.service_agents.stops, model.service_agents.vehicles
        for row, place in enumerate((*settings.pickup_points, *settings.trains)):
            self.stops.append(self._stop(row, place, int(layout.stop_node[row])))
        self.n_points = len(settings.pickup_points)
        self.n_fixed = len(self.stops)
        model.departures.corridors.open_assemblies(self)
        self.trains = Trains(settings.trains, self.n_points, scenario.run, scenario.shelling.time_zone, self.riders)
        self._next_table = model.movement.ways.wreck_table + 1
        self.fleets = [self._fleet(fleet) for fleet in settings.fleets]
        self.ambulances = self._ambulances(model.under_fire)
        self._check_seats()
        self.fleet_of = {v.row: fleet for fleet in self.fleets for v in fleet.vehicles}
        """The fleet of each vehicle, by row; ambulances are in none."""
        self.seats_sought = SeatsSought(self, model.curfew)
        self.walking_out = WalkingOut(model.population, model.movement, model.under_fire)
        self.stop_nodes = layout.stop_node[: self.n_fixed]
        self.seats_in_reach = SeatsInReach(self, model.households, model.streets)
        self._n_news_seen = self._n_people_seen = -1
        """How often what is known of the roads and crews in cover had changed, and who asks at home, when vehicles of
        fleets looked last; news of -1: they must look."""
        self._n_calls_seen, self._due_s = -1, -np.inf
        """How often more had come to need seats of fleets when it was looked up from when a vehicle may have something
        to do (s); -1: to be looked up, as they have acted or a vehicle has arrived since."""
        self._askers = model.population.new_watch()
        """Watches those who ask to be taken up at home, while a vehicle could do so."""
        self.reinforcements = Reinforcements(settings.reinforcements)
        for one in settings.reinforcements:
            self._depot_of(one.depot, one.fleet)

    def reinforce(self, now_s: float) -> None:
        """Let the vehicles that are ready by now join their fleets: rows and tables after all others."""
        if now_s < self.reinforcements.next_s:
            return
        for one in self.reinforcements.come(now_s):
            fleet = next(fleet for fleet in self.fleets if fleet.settings.name == one.fleet)
            self.movement.make_room(one.n_vehicles, one.n_vehicles * fleet.by_door)
            for vehicle in self._vehicles_of(fleet.settings, one.n_vehicles, len(fleet.vehicles), one.depot):
                vehicle.ready_s = now_s
                fleet.vehicles.append(vehicle)
                self.fleet_of[vehicle.row] = fleet
            self.wake()

    def expect(self, one: Reinforcement) -> None:
        """Let vehicles join that the scenario does not have; raises ScenarioError if they cannot."""
        self._depot_of(one.depot, one.fleet)
        self.reinforcements.add(one, [fleet.settings.name for fleet in self.fleets])
        self.wake()

    def _stop(self, row: int, place: PickupPoint | Train, node: int) -> PickupPoint:
        protection = Protection.INNER_ROOM if place.indoors else Protection.OUTDOORS
        hours = self._open_hours(getattr(place, "hours", ()))
        at = self.where(node)
        room = getattr(place, "room", None) or float("inf")
        stop = PickupPoint(self.model, row, place.name, node, at, protection, hours, room)
        stop.has_medics, stop.is_station = getattr(place, "has_medics", False), isinstance(place, Train)
        stop.car_node = int(self.movement.ways.stop_node[Mode.CAR][row])
        return stop

    def _fleet(self, fleet: Fleet) -> FleetAtWork:
        vehicles = self._vehicles_of(fleet, fleet.n_vehicles)
        hours = self._open_hours(fleet.hours)
        rules = WorkRules(fleet, self.model.settings.run.seed)
        return FleetAtWork(fleet, vehicles, hours, self.movement, self.riders, self.stops, self.crews, rules)

    def _vehicles_of(self, fleet: Fleet, n: int, n_before: int = 0, depot: Place | None = None) -> list[ServiceVehicle]:
        by_door = fleet.serves == Serves.DOOR_TO_DOOR
        protection = Protection.ARMOURED if fleet.kind == Kind.ARMOURED else Protection.VEHICLE
        node = self._depot_of(depot or fleet.depot, fleet.name)
        return [
            self._vehicle(f"{fleet.name} {n_before + k + 1}", fleet, Seats(fleet.seats, fleet.wheelchair_places),
                          protection, by_door, node, fleet.car_units)
            for k in range(n)
        ]  # fmt: skip

    def _depot_of(self, depot: Place | None, fleet: str) -> int:
        return NOBODY if depot is None else node_of(depot, self.streets, f"fleet {fleet!r}: depot")

    def _vehicle(self, name, fleet, seats, protection, has_table, depot, car_units=1, fleet_name=None):
        table = NOBODY
        if has_table:
            table, self._next_table = self._next_table, self._next_table + 1
        vehicle = ServiceVehicle(
            self.model, len(self.vehicles), name, fleet_name or fleet.name, seats, protection, table=table,
            car_units=car_units, n_crew=fleet.n_crew,
        )  # fmt: skip
        convoys = getattr(fleet, "convoys", None)
        vehicle.strike_factor = 1.0 if convoys is None else convoys.strike_factor
        if depot >= 0:
            vehicle.depot = int(self.movement.ways.start_node(Mode.CAR, depot))
            vehicle.node, vehicle.task = vehicle.depot, IDLE
        self.vehicles.append(vehicle)
        return vehicle

    def _ambulances(self, under_fire: UnderFire) -> AmbulancesAtWork:
        settings = self.settings.ambulances
        base = int(self.streets.exit_node[0]) if settings.n else NOBODY
        if settings.base is not None:
            base = node_of(settings.base, self.streets, "services.ambulances.base")
        n_seats = settings.n_seats and settings.n_seats + 1
        vehicles = [
            self._vehicle(f"ambulance {k + 1}", settings, Seats(n_seats, 0), Protection.VEHICLE, True, base, 1,
                          "ambulances")
            for k in range(settings.n)
        ]  # fmt: skip
        hours = self._open_hours(settings.hours)
        return AmbulancesAtWork(settings, vehicles, hours, self.movement, self.population, under_fire, self.riders)

    def _check_seats(self):
        for what, each in (("fleets", self.settings.fleets), ("trains", self.settings.trains)):
            for number, service in enumerate(each):
                most = self.riders.most_seats(service.wheelchair_places)
                if service.seats < most:
                    raise ScenarioError(
                        f"services.{what}.{number} ({service.name}): seats = {service.seats}, but the largest "
                        f"household takes {most} (two for each person who needs assistance beyond the "
                        f"{service.wheelchair_places} wheelchair places). Give at least {most} seats."
                    )

    def seek(self, due: np.ndarray, walk_out_s: np.ndarray, now_s: float) -> np.ndarray:
        """Let households without a car seek seats; return which of them go to a stop or wait at home for one, bool.

        due: households. walk_out_s: how long each takes out of the area on foot (s); inf: it cannot, so that it has the
        first claim on seats. now_s: the present (s).
        """
        cannot_walk = walk_out_s == np.inf
        self.households.walks_out[due] = ~cannot_walk
        found = self.seats_sought.go(due, walk_out_s, now_s)
        rest = due[cannot_walk & ~found]
        if rest.size and self._comes_to_doors(now_s):
            self.riders.request(rest, now_s)
            self.population.put_off(rest, Status.WAITING, self.next_ask_s(now_s))
            found |= cannot_walk
        return found

    def next_ask_s(self, now_s: float) -> float:
        """Return when households that wait at home ask again (s)."""
        starts_s = (fleet.next_start_s(now_s) for fleet in self.fleets)
        return max(min(self.model.decision.next_s, *starts_s, np.inf), now_s + TURN_EVERY_S)

    def _comes_to_doors(self, now_s: float) -> bool:
        return any(f.by_door and f.vehicles and f.hours.next_open_s(now_s) < np.inf for f in self.fleets)

    @property
    def points(self) -> list[PickupPoint]:
        """The pickup points of the scenario."""
        return self.stops[: self.n_points]

    @property
    def n_driving(self) -> int:
        """Service vehicles on the streets."""
        return sum(v.node < 0 and v.task not in (AWAY, LOST) for v in self.vehicles)

    def receive(self, arrivals: Arrivals) -> None:
        """Take in vehicles, and walkers who have come to their stop."""
        columns = arrivals.party.tolist(), arrivals.node.tolist(), arrivals.time_s.tolist()
        self._n_calls_seen = -1
        for party, node, time_s in zip(*columns, strict=True):
            if party < self.n_households:
                self.riders.wait(self.stops[self.movement.goal[party] - 1], party, time_s)
            else:
                self._receive_vehicle(self.vehicles[party - self.n_households], node, time_s)

    def _receive_vehicle(self, vehicle: ServiceVehicle, node: int, time_s: float) -> None:
        if vehicle.task == TO_EXIT:
            self._bring_out(vehicle, node, time_s)
        elif vehicle.task in (TO_STOP, TO_HOME):
            if vehicle.task == TO_STOP and self.stops[vehicle.target].car_node != node:
                self.riders.call_from(self.stops[vehicle.target])
                vehicle.target = next(s.row for s in self.stops if s.is_by_road and s.car_node == node)
            self.fleet_of[vehicle.row].arrive(vehicle, node, time_s)
        else:
            self.ambulances.arrive(vehicle, node, time_s)

    def _bring_out(self, vehicle: ServiceVehicle, node: int, time_s: float) -> None:
        """Bring a vehicle with all aboard out of the area."""
        route = self.model.routes[self.model.exit_of_node[node]]
        households = np.array(vehicle.seats.empty(), np.int64)
        vehicle.leave_area(time_s)
        vehicle.run.exit, vehicle.run.end_s, vehicle.run = route.row, time_s, None
        vehicle.task, vehicle.node = AWAY, NOBODY
        if vehicle.row in self.fleet_of:
            self.fleet_of[vehicle.row].bring_out(vehicle, time_s)
        else:
            self.ambulances.bring_out(vehicle, int(self.streets.exit_node[route.row]), time_s)
        if households.size:
            self.movement.carrier[households] = households
            n = households.size
            self.population.arrive(households, np.full(n, time_s), np.full(n, route.row, np.int32))
            route.n_persons += int(self.population.n_living(households).sum())

    def get_on(self, giving_up: np.ndarray, now_s: float) -> np.ndarray:
        """Let service vehicles and walkers to stops give up; return the others, with who rides along."""
        if giving_up.size:
            mine = giving_up >= self.n_households
            if mine.any():
                losses.give_up(self, giving_up[mine] - self.n_households, now_s)
                self.wake()
            giving_up = giving_up[~mine]
        if self.movement.walking.view.is_anybody_held:
            lost = self.movement.walking.view.without_route()
            lost = lost[self.movement.goal[lost] > 0]
            if lost.size:
                self.movement.head_out(lost)
        if giving_up.size == 0:
            return giving_up
        return np.concatenate((giving_up, riding_with(self.population, giving_up)))

    def take_turn(self, now_s: float) -> None:
        """Do what services owe if it is their turn: a whole minute, and something may have to be done."""
        if now_s % TURN_EVERY_S == 0.0 and self.next_s <= now_s:
            for fleet in self.fleets:
                self.lose(fleet.rules.break_down(fleet.vehicles, TURN_EVERY_S), now_s)
            self.act(now_s)
            self.reinforce(now_s)

    @property
    def next_s(self) -> float:
        """No service has anything to do before this, whoever moves (s); -inf: at the next whole minute.

        It comes sooner if a vehicle arrives, somebody comes to a stop or calls, or what is known of the roads changes.
        """
        next_s = min(self._fleets_next_s(), self.ambulances.next_s)
        return min(next_s, self.riders.ask_s, self.trains.next_s, self.reinforcements.next_s)

    def _fleets_next_s(self) -> float:
        """Return when a vehicle of a fleet may have something to do (s)."""
        if not self.fleets:
            return np.inf
        if self._is_news():
            return -np.inf
        if self._n_calls_seen != (n_calls := sum(self.riders.n_calls)):
            self._n_calls_seen, self._due_s = n_calls, min([fleet.due_s for fleet in self.fleets])
        return self._due_s

    def _is_news(self) -> bool:
        """Return whether anything has been heard of roads, crews in cover and people who ask at home, so that all
        vehicles of fleets must look."""
        return self._n_news_seen != self._n_news() or self._n_people_seen != self._askers.n_changes

    def _n_news(self) -> int:
        """Return how often what is known of the roads, and crews in cover, have changed."""
        return self.movement.ways.n_changes + self.crews.n_alarms

    def wake(self) -> None:
        """Let all services look at the next whole minute at what there is to do: something has changed."""
        self.ambulances.wake()
        self._n_news_seen = -1

    def act(self, now_s: float) -> None:
        """Let trains leave, vehicles board, leave and be sent out, and ambulances answer calls, if they may."""
        if self.ambulances.next_s <= now_s:
            self.ambulances.act(now_s)
        if self.trains.next_s < now_s:
            self.trains.act(self.stops, now_s)
        if self._fleets_next_s() <= now_s:
            self._serve(now_s)
        if now_s % ASK_EVERY_S == 0.0:
            leaving_stops.disband(self, now_s)
            waits = any(stop.waiting and not stop.is_assembly for stop in self.stops)
            self.riders.ask_s = now_s + ASK_EVERY_S if waits else np.inf

    def _serve(self, now_s: float) -> None:
        """Let the vehicles of fleets that may have something to do board, leave and be sent out."""
        due = self.fleets if self._is_news() else [fleet for fleet in self.fleets if fleet.due_s <= now_s]
        self._n_news_seen, self._n_calls_seen = self._n_news(), -1
        unmet, n_calls = self._unmet(), tuple(self.riders.n_calls)
        is_requested = bool(np.count_nonzero(self.households.is_requesting))
        for fleet in due:
            fleet.act(now_s, unmet, n_calls[fleet.by_door], is_requested=is_requested)
            if fleet.rules.on_road(fleet.vehicles):
                fleet.wake()
        watches = any(fleet.watches_homes for fleet in self.fleets)
        self._askers.set(np.flatnonzero(self.households.is_requesting) if watches else [])
        self._n_people_seen = self._askers.n_changes

    def _unmet(self) -> dict[int, int]:
        """Return by stop, stations left out, the people waiting for whom no seat is coming."""
        unmet = {stop.row: stop.n_waiting for stop in self.stops if stop.waiting and stop.is_for_fleets}
        if unmet:
            for vehicle in self.vehicles:
                at_stop = vehicle.task == BOARDING and not vehicle.is_at_home
                if (vehicle.task == TO_STOP or at_stop) and vehicle.target in unmet:
                    unmet[vehicle.target] -= vehicle.seats.n_free
        return unmet

    def is_cut_off(self, stop: PickupPoint) -> bool:
        """Return whether vehicles know no way out of the area from a stop; trains always have one."""
        return not (stop.is_station or self.movement.ways.have_services_way_out(stop.car_node))

    def comes_soon(self, stop: PickupPoint, now_s: float) -> bool:
        """Return whether a vehicle or train is on its way to a stop, or will be within GO_HOME_AFTER_S."""
        soon_s = now_s + GO_HOME_AFTER_S
        if stop.is_station:
            return any(line.stop == stop.row and line.next_s <= soon_s for line in self.trains.lines)
        under_way = (TO_STOP, BOARDING)
        return any(
            v.task != LOST and (v.task in under_way or fleet.hours.next_open_s(now_s) <= soon_s)
            for fleet in self.fleets
            if stop.is_by_road or not fleet.by_door
            for v in fleet.vehicles
        )

    def walking_speeds_m_s(self, households: list[int]) -> list[float]:
        """Return the speed at which each of some households walks with its injured (m/s); 0: it cannot."""
        rows = np.array(households, np.int64)
        return np.where(self.households.can_walk[rows], self.model.under_fire.walking_speeds(rows), 0.0).tolist()

    def where(self, node: int) -> tuple[float, float]:
        """Return (x_m, y_m) of a node."""
        return float(self.streets.node_x_m[node]), float(self.streets.node_y_m[node])

    def attend(self, hurt: np.ndarray, now_s: float) -> None:
        """Call ambulances to the seriously injured among some people hurt; their parties slow down, stop or get out.

        hurt: rows of people. now_s: the present (s).
        """
        if hurt.size == 0:
            return
        parties = self.population.people.household[hurt]
        roadside.slow_down(self, parties, now_s)
        roadside.stop_cars(self, parties, now_s)
        if self.ambulances.vehicles:
            self.ambulances.call(hurt)

    def lose(self, hit: list[ServiceVehicle], now_s: float) -> None:
        """Take vehicles out of action; who can walks on, the others wait beside them."""
        if hit:
            losses.lose(self, self.model.under_fire.whereabouts, hit, now_s)
            self.wake()

    def count_the_dead(self) -> None:
        """Take the dead out of the queues and off the vehicles."""
        for stop in self.stops:
            stop.waiting = [h for h in stop.waiting if self.parties.stop[h] == stop.row]
            self.riders.count_again(stop)
        for vehicle in self.vehicles:
            vehicle.seats.aboard = [h for h in vehicle.seats.aboard if self.parties.vehicle[h] == vehicle.row]
        self.wake()
