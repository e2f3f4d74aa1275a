"""Ambulances: the nearest free one drives to each seriously injured person; care begins when it comes.

Who is at home, in a shelter or at a stop is then taken out of the area, with those they live with if all fit. Beyond
the exit the ambulance waits until a team of the receiving end takes the patient over. Those on the road go on with
their own, who would otherwise be left without them.
"""

import numpy as np

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import (
    AWAY,
    IDLE,
    NOBODY,
    TO_BASE,
    TO_CALL,
    TO_EXIT,
    TREATING,
    Run,
    ServiceVehicle,
    Task,
)
from safepassage.model.clock import OpenHours
from safepassage.model.harm.under_fire import UnderFire
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.news.road_news import WITNESS
from safepassage.model.people.population import Population
from safepassage.model.services.riders import Riders
from safepassage.model.settings.services import Ambulances

FOUND_WITHIN_M = 300.0
"""A patient who has moved farther than this from where the call came from is not found (m). Assumption."""
AT_ONCE = -np.inf


class AmbulancesAtWork:
    """Calls and the ambulances that answer them."""

    def __init__(
        self,
        settings: Ambulances,
        vehicles: list[ServiceVehicle],
        hours: OpenHours,
        movement: Movement,
        population: Population,
        under_fire: UnderFire,
        riders: Riders,
    ) -> None:
        """settings: the scenario's section `Ambulances`. vehicles: the ambulances. hours: when they
        work. movement: everybody on the streets. population: everybody, with households and parties.
        under_fire: what impacts do to people. riders: households that wait for seats or are aboard.
        """
        self.settings, self.vehicles, self.hours = settings, vehicles, hours
        self.movement, self.population, self.riders = movement, population, riders
        self.people = population.people
        self._cared_for_s = np.full(len(self.people), -1.0)
        """Time of the injury that each person has had care for."""
        self.under_fire, self.place_of = under_fire, under_fire.whereabouts.place_of
        self._calls = np.empty(0, np.int64)
        """People who may still need an ambulance."""
        self._in_reach = np.zeros(movement.streets.n_nodes, np.bool_)
        """Nodes to which a free ambulance has a way, as far as is known of the roads."""
        self._is_any_in_reach = False
        """Whether people in the town may be near one of them."""
        self._in_reach_from: tuple[set[int], bytes] | None = None
        """What that holds for: where the free ambulances stand, and which roads are believed open."""
        self._town_starts = movement.ways.start_node(Mode.CAR, np.arange(movement.streets.n_town_nodes))
        """Where cars set out for, and stop for, people near each node of the town."""
        self._nodes: dict[tuple[float, float], int] = {}
        """Where cars stop for people at places from which there were calls."""
        self.waits_s: list[float] = []
        self._next_s = AT_ONCE
        self._cannot_reach = population.new_watch()
        """Watches those whom no ambulance can reach though one is free."""
        self._n_news_seen = self._n_people_seen = 0
        """Changes of what is known of the roads and of crews in cover, and of those people, by when it last looked."""

    def call(self, persons: np.ndarray) -> None:
        """Take calls for those of some people hurt who are seriously injured."""
        self._calls = np.union1d(self._calls, persons[self.people.injury[persons] == Injury.SERIOUS])
        self.wake()

    def wake(self) -> None:
        """Let ambulances look at the next turn at what there is to do."""
        self._next_s = AT_ONCE

    @property
    def next_s(self) -> float:
        """Ambulances have nothing to do before this, whoever moves, unless one arrives or somebody calls (s)."""
        if not self.vehicles:
            return np.inf
        is_news = self._n_news_seen != self._n_news()
        return AT_ONCE if is_news or self._is_told() else self._next_s

    def _n_news(self) -> int:
        """Return how often what is known of the roads, and crews in cover, have changed."""
        return self.under_fire.vehicles.n_alarms + self.movement.ways.n_changes

    def _is_told(self) -> bool:
        """Return whether a team has taken a patient over, or anything has changed with those who cannot be reached."""
        return self._cannot_reach.n_changes != self._n_people_seen or bool(self.under_fire.handed_over_s)

    def act(self, now_s: float) -> None:
        """Take patients along, send free ambulances to calls, those with nothing to do back to their base."""
        self._n_news_seen = self._n_news()
        self._next_s, cannot_reach = np.inf, []
        for vehicle in self.vehicles:
            if vehicle.task == AWAY:
                self._come_back(vehicle, now_s)
            is_done = vehicle.task == TREATING and vehicle.ready_s <= now_s
            if is_done and not self._is_in_cover(vehicle, now_s) and not self._take_along(vehicle, now_s):
                vehicle.task, vehicle.target = IDLE, NOBODY
        if self._calls.size and any(v.task == IDLE for v in self.vehicles):
            if self.hours.is_open(now_s):
                cannot_reach = self._answer(now_s)
            else:
                self._next_s = self.hours.next_open_s(now_s)
        for vehicle in self.vehicles:
            is_out = vehicle.task == IDLE and vehicle.node != vehicle.depot
            if is_out and not self._is_in_cover(vehicle, now_s):
                self.movement.ways.aim(vehicle.table, vehicle.depot, np.array([vehicle.node], np.int32))
                self._drive(vehicle, TO_BASE, NOBODY, vehicle.depot, now_s)
        self._look_ahead(now_s)
        self._cannot_reach.set(cannot_reach)
        self._n_people_seen = self._cannot_reach.n_changes

    def _look_ahead(self, now_s: float) -> None:
        """Work out when something may be decided next, once all that can be done now is done."""
        next_s = self._next_s
        for vehicle in self.vehicles:
            if (vehicle.task == TREATING or vehicle.task == AWAY) and vehicle.ready_s > now_s:
                next_s = min(next_s, vehicle.ready_s)
            over_s = self.under_fire.vehicles.lull_over_s(vehicle)
            if over_s > now_s:
                next_s = min(next_s, over_s)
        self._next_s = next_s

    def _take_along(self, vehicle: ServiceVehicle, now_s: float) -> bool:
        """Take the patient of an ambulance and their household out of the area; return False if they stay."""
        person, people, ways = vehicle.target, self.people, self.movement.ways
        household = int(people.household[person])
        stop = int(self.population.parties.stop[household])
        on_road = self.population.parties.is_on_way[household] and stop < 0
        is_fit = vehicle.has_found and people.injury[person] == Injury.SERIOUS and people.status[person] < Status.SAFE
        if not is_fit or on_road or not ways.have_services_way_out(vehicle.node):
            return False
        if not vehicle.seats.fits(*self.riders.size(household)):
            return False
        households = self.population.households
        left_home_s = float(households.departure_time_s[household]) if stop >= 0 else now_s
        if stop >= 0:
            self.riders.leave(self.under_fire.service_agents.stops[stop], household)
        elif households.shelter[household] >= 0:
            self.under_fire.cover.come_out(np.array([household]))
        n, _ = self.riders.board_at_home(household, vehicle.seats, vehicle.row, vehicle.protection, now_s)
        households.departure_time_s[household] = left_home_s
        self.movement.carrier[household] = self.movement.n_parties + vehicle.row
        vehicle.run.n_boarded += n
        node, vehicle.node, vehicle.from_node = vehicle.node, NOBODY, vehicle.node
        vehicle.task = TO_EXIT
        self.movement.send(vehicle.row, node, now_s, WITNESS, vehicle.car_units)
        return True

    def bring_out(self, vehicle: ServiceVehicle, node: int, time_s: float) -> None:
        """Note that an ambulance has left the area by the exit at a node with its patient, to hand them over."""
        self.under_fire.brought[vehicle.target] = time_s
        vehicle.from_node, vehicle.ready_s = node, -np.inf

    def _come_back(self, vehicle: ServiceVehicle, now_s: float) -> None:
        """Let an ambulance come back to the exit it left by, once its patient has been taken over."""
        if vehicle.ready_s == -np.inf:
            over_s = self.under_fire.handed_over_s.pop(vehicle.target, None)
            if over_s is None:
                return
            vehicle.ready_s = over_s + self.settings.hub_time_s
        if vehicle.ready_s <= now_s:
            vehicle.task, vehicle.target, vehicle.node = IDLE, NOBODY, vehicle.from_node
            vehicle.entered_s = now_s

    def _is_in_cover(self, vehicle: ServiceVehicle, now_s: float) -> bool:
        return self.under_fire.vehicles.is_in_cover(vehicle, now_s)

    def _answer(self, now_s: float) -> list[int]:
        """Send free ambulances to calls; return the households of those whom none can reach though one is free."""
        people = self.people
        calls = self._calls
        calls = calls[(people.injury[calls] == Injury.SERIOUS) & (people.status[calls] < Status.SAFE)]
        calls = self._calls = calls[self._cared_for_s[calls] != people.injury_time_s[calls]]
        aimed = {v.target for v in self.vehicles if v.task == TO_CALL}
        cannot_reach, next_s = [], np.inf
        free: list[ServiceVehicle] | None = None
        for person in calls[np.argsort(people.injury_time_s[calls], kind="stable")].tolist():
            if person in aimed:
                continue
            free = self._free(now_s) if free is None else free  # asked only with a call: it ends the cover of crews
            if not free:
                return []
            if self._is_any_in_reach and self._send_nearest(free, person, now_s):
                free = None
            else:
                cannot_reach.append(int(people.household[person]))
                if self._is_any_in_reach and self.under_fire.whereabouts.is_moving(person, now_s):
                    next_s = AT_ONCE  # it may be where an ambulance can go
        self._next_s = min(self._next_s, next_s)
        return cannot_reach

    def _free(self, now_s: float) -> list[ServiceVehicle]:
        """Return the ambulances that may be sent out; notes which nodes one of them can reach."""
        free = [v for v in self.vehicles if v.task == IDLE and v.node >= 0 and not self._is_in_cover(v, now_s)]
        is_open = self.movement.ways.open_to_services()
        now = {v.node for v in free}, is_open.tobytes()
        if now != self._in_reach_from:
            nodes = np.array([v.node for v in free], np.int32)
            self._in_reach_from, self._in_reach = now, self.movement.ways.car_routes.reached_from(nodes, is_open)
            self._is_any_in_reach = bool(self._in_reach[self._town_starts].any())
        return free

    def _node_near(self, x_m: float, y_m: float) -> int:
        """Return where cars stop for people at a place in the town."""
        if (x_m, y_m) not in self._nodes:
            self._nodes[x_m, y_m] = int(self._town_starts[self.movement.streets.nearest_node(x_m, y_m)[0][0]])
        return self._nodes[x_m, y_m]

    def _send_nearest(self, free: list[ServiceVehicle], person: int, now_s: float) -> bool:
        """Send the nearest of the free ambulances to a person; return whether one has a way there."""
        x_m, y_m = self.place_of(person)
        if not np.isfinite(x_m):
            return False
        node = self._node_near(x_m, y_m)
        if not self._in_reach[node]:
            return False
        starts = np.array([v.node for v in free], np.int32)
        self.movement.ways.aim(free[0].table, node, starts)
        drive_s = self.movement.ways.drive_s(free[0].table, starts)
        nearest = int(drive_s.argmin())
        vehicle = free[nearest]
        self.movement.ways.aim(vehicle.table, node, starts[nearest : nearest + 1])
        vehicle.call_place = (x_m, y_m)
        self._drive(vehicle, TO_CALL, person, node, now_s)
        return True

    def _drive(self, vehicle: ServiceVehicle, task: Task, target: int, to_node: int, now_s: float) -> None:
        if vehicle.is_at_depot:
            vehicle.entered_s = now_s
        if vehicle.node == to_node:
            vehicle.task, vehicle.target = task, target
            self._start_run(vehicle, now_s)
            self.arrive(vehicle, to_node, now_s)
        elif float(self.movement.ways.drive_s(vehicle.table, vehicle.node)) < np.inf:
            node, vehicle.node, vehicle.from_node = vehicle.node, NOBODY, vehicle.node
            vehicle.task, vehicle.target = task, target
            self._start_run(vehicle, now_s)
            self.movement.send(vehicle.row, node, now_s, vehicle.table, vehicle.car_units)

    def _start_run(self, vehicle: ServiceVehicle, now_s: float) -> None:
        if vehicle.task == TO_CALL and vehicle.run is None:
            vehicle.run = Run(now_s)
            vehicle.runs.append(vehicle.run)

    def arrive(self, vehicle: ServiceVehicle, node: int, time_s: float) -> None:
        """Note that an ambulance has come to a call or to its base; begin care if somebody is found."""
        vehicle.node, self._next_s = node, AT_ONCE
        if vehicle.task == TO_BASE:
            vehicle.leave_area(time_s)
            vehicle.task = IDLE
            if vehicle.run is not None:
                vehicle.run.end_s, vehicle.run = time_s, None
            return
        people, person = self.people, vehicle.target
        x_m, y_m = self.place_of(person)
        found = np.hypot(x_m - vehicle.call_place[0], y_m - vehicle.call_place[1]) <= FOUND_WITHIN_M
        alive = people.status[person] < Status.SAFE and people.death_time_s[person] > time_s
        vehicle.task, vehicle.ready_s = TREATING, time_s
        vehicle.run.n_pickups += 1
        vehicle.has_found = bool(found and alive and people.injury[person] == Injury.SERIOUS)
        if vehicle.has_found:
            self._cared_for_s[person] = people.injury_time_s[person]
            self.under_fire.give_care(np.array([person]), time_s)
            self.waits_s.append(time_s - float(people.injury_time_s[person]))
            vehicle.run.n_assisted += 1
            vehicle.ready_s = time_s + self.settings.treat_time_s
