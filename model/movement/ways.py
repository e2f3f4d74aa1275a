"""Ways that people know: tables of next links for drivers and walkers, by what they have heard and seen."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.parties import Mode
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.news.last_seen import LastSeen
from safepassage.model.movement.news.outlook import Outlook
from safepassage.model.movement.news.queue_news import N_CLASSES, QueueNews
from safepassage.model.movement.news.queues_seen import NoQueues, QueuesSeen, RoadsBelieved
from safepassage.model.movement.news.road_news import HEARSAY, WITNESS
from safepassage.model.movement.news.ways_of_mode import WaysOfMode
from safepassage.model.movement.routing import ANYWHERE
from safepassage.model.movement.walking import Walking
from safepassage.model.rules import RoadsSeen, RouteChoice, costs_from
from safepassage.model.streets.streets import Streets

LEAST_CHANGE = 0.01
"""Perceived danger that changes by less, against the greatest there is, leaves everybody on their way. Assumption."""
ROUTE_SPEED_M_S = 1.34
"""Walking speed by which walkers choose their way (m/s); Weidmann 1993. Everybody's ways rank alike at any speed."""
LIVE_TABLE, FIRST_CLASS_TABLE = HEARSAY, 2
"""Tables of drivers with live news of queues, and first of the N_CLASSES of those who look round in turn."""


class Ways:
    """The tables that people and service vehicles follow, kept up to date with what they know.

    Drivers' tables: 0, live news; 1, witnesses of a closure; then the classes of QueueNews; one to each stop; one to
    vehicles broken down; those of single service vehicles. Walkers' tables: out of the area, then to each stop, for
    those who have heard of closures and those who have met one.
    """

    def __init__(
        self, streets: Streets, driving: Driving, walking: Walking, stop_node: Ints, n_tables: int,
        news: QueueNews, news_delay_s: float, route_choice: RouteChoice | None,
    ) -> None:  # fmt: skip
        """Build the tables of people and of stops.

        streets: the model's. driving, walking: who follow the tables. stop_node: where people wait for service
        vehicles, int32. n_tables: of service vehicles, from wreck_table on. news: who sees queues, and when.
        news_delay_s: time that news of a closure takes (s). route_choice: the user's own cost of links, None: the
        model's.
        """
        self._streets, self._driving, self._route_choice = streets, driving, route_choice
        n_stops = len(stop_node)
        self.stop_table = FIRST_CLASS_TABLE + N_CLASSES
        """First of the tables that lead vehicles to the stops, one for each."""
        self.wreck_table = self.stop_table + n_stops
        """Leads to vehicles broken down; the tables after it are those of single vehicles."""
        self.free_flow_time_s = streets.length_m / streets.free_flow_speed_m_s
        self.walk_time_s = streets.length_m / ROUTE_SPEED_M_S
        self.no_queues = NoQueues(self.free_flow_time_s)
        self.n_exit_changes = 0
        self.danger = np.zeros(streets.n_links)
        """What a second on each link costs people beyond a second, as they perceive its danger (s/s)."""
        self._danger_km = np.full(streets.n_links, np.inf)
        """How far the front was from each link when its danger was perceived so (km)."""
        self.seen = LastSeen(news, self.no_queues)
        """What drivers of each table out of the area have last seen of queues."""
        knows = np.array([HEARSAY, WITNESS] + [HEARSAY] * N_CLASSES + [WITNESS] * (n_stops + n_tables))
        walked = dict.fromkeys((HEARSAY, WITNESS), NoQueues(self.walk_time_s))
        rest = (news_delay_s, self._cost_s)
        self.of = {
            Mode.CAR: WaysOfMode(
                Mode.CAR, driving, streets, streets.drivable, streets.exit_end_node, knows, self.seen, *rest
            ),
            Mode.WALK: WaysOfMode(
                Mode.WALK, walking, streets, streets.walkable, streets.exit_node,
                np.array([HEARSAY, WITNESS] * (1 + n_stops)), walked, *rest,
            ),
        }  # fmt: skip
        """A row for each mode by which people move on the streets."""
        self.cars, self._on_foot = self.of[Mode.CAR], self.of[Mode.WALK]
        self.car_routes = self.cars.routes
        self._outlook = Outlook(self.car_routes, self.free_flow_time_s, driving.view.alone_s, streets.link_key)
        self._roads: RoadsBelieved | None = None
        self.cars.build_seen = self._build_seen
        per_s, ends = streets.exit_flow_capacity_per_s, streets.exit_end_node == streets.exit_node
        self.exit_per_s = np.where(ends & (per_s > 0.0), per_s, np.inf)
        self._aimed: dict[int, tuple[int, bytes, bytes]] = {}
        """Node to which each table of service vehicles leads, links believed open as it was aimed, and from which nodes
        it does, as bytes."""
        self.stop_node = {mode: ways.start_node(np.asarray(stop_node, np.int32)) for mode, ways in self.of.items()}
        for stop in range(n_stops):
            self._lead_to_stop(stop)
        for ways in self.of.values():
            ways.mover.set_next_link(ways.routes.next_link)
        self.hand_over()

    def make_room(self, n_tables: int) -> None:
        """Take in tables for more service vehicles, after all others."""
        n_tables += self.car_routes.next_link.shape[0] == self.wreck_table
        if n_tables:
            self.cars.make_room(n_tables)

    def _lead_to_stop(self, stop: int) -> None:
        self.aim(self.stop_table + stop, int(self.stop_node[Mode.CAR][stop]))
        for row in (HEARSAY, WITNESS):
            table, is_open = 2 + 2 * stop + row, self._on_foot.road_news.is_believed_open[row]
            self._on_foot.routes.set_class(table, self.walk_time_s, is_open, self.stop_node[Mode.WALK][stop : stop + 1])
            self._on_foot.changed[table] = True

    def start_node(self, mode: Mode, node: Ints) -> Ints:
        """Return where trips from these nodes start: the node itself, or the nearest that the mode can use."""
        return self.of[mode].start_node(node)

    def has_way_out(self, mode: Mode, node: Ints) -> Bools:
        """Return whether people who start from these nodes know a way out, bool."""
        return self.of[mode].has_way_out(node)

    def open_to_services(self) -> Bools:
        """Return which links service vehicles believe open; bool[n_links]."""
        return self.cars.road_news.is_believed_open[WITNESS]

    def have_services_way_out(self, node: int) -> bool:
        """Return whether service vehicles know a way out of the area from a node, whatever queues they expect."""
        if self.cars.is_other_road[WITNESS]:
            self.freshen(WITNESS)
        return bool(self.car_routes.cost_to_go_s[WITNESS, node] < np.inf)

    def drive_s(self, table: int, node: Ints | int) -> Any:
        """Return how long service vehicles expect to drive from nodes to where a table leads (s); inf: no way."""
        nodes = np.atleast_1d(node)
        self.freshen(np.full(nodes.size, table), nodes)
        return self.car_routes.cost_to_go_s[table, node]

    def drive_out_s(self, node: int) -> float:
        """Return how long the way out of the area takes from a node by the queues that are known now (s); inf: none."""
        self.freshen(LIVE_TABLE)
        if self.car_routes.cost_to_go_s[LIVE_TABLE, node] == np.inf:
            return np.inf
        return float(self.seen[LIVE_TABLE].time_s[self.car_routes.path(LIVE_TABLE, node)].sum())

    def walk_m(self, node: Ints, goal: int = 0) -> Floats:
        """Return the way on foot from nodes out of the area, or to stop goal - 1, as people know it (m); inf: none."""
        return self.way_on_foot_m(goal)[self._on_foot.start_node(node)]

    def way_on_foot_m(self, goal: int) -> Floats:
        """Return the same from all nodes at which trips on foot start."""
        return self._on_foot.way_m(2 * goal + HEARSAY)

    def aim(self, table: int, node: int, starts: Ints = ANYWHERE) -> None:
        """Let a table of service vehicles lead to a node; they know of closures what witnesses know.

        starts: nodes, int32, from the nearest of which the one vehicle that follows it will set out; none: from any.
        """
        is_open = self.open_to_services()
        aim = node, is_open.tobytes(), starts.tobytes()
        if self._aimed.get(table) != aim:
            self._aimed[table] = aim
            self.car_routes.set_class(table, self.free_flow_time_s, is_open, [node], starts=starts)
            self.cars.changed[table] = True

    def set_exits(self, for_cars: Bools, for_walkers: Bools) -> None:
        """Open and close exits; bool per exit. It is known at once."""
        for ways, is_open in ((self.cars, for_cars), (self._on_foot, for_walkers)):
            if (is_open != ways.exit_open).any():
                ways.set_exits(is_open)
                self.n_exit_changes += 1
                self.hand_over()

    def see_front(self, away_km: Floats, risk_aversion: float, danger_fades_km: float) -> None:
        """Let people perceive the danger of the front: risk_aversion * exp(-distance / danger_fades_km).

        away_km: how far it is from each link now, as people know it; 0 beyond it. Their ways stay as long as the
        greatest change of danger is small; it is at most risk_aversion times that of the exponent.
        """
        least = LEAST_CHANGE * (1.0 + self.danger.max(initial=0.0))
        moved_km = np.abs(away_km - self._danger_km).max(initial=0.0)
        if risk_aversion * moved_km / danger_fades_km <= least:
            return
        danger = risk_aversion * np.exp(-away_km / danger_fades_km)
        if np.abs(danger - self.danger).max(initial=0.0) > least:
            self.danger, self._danger_km = danger, away_km
            for ways in self.of.values():
                ways.see_anew()
            self.hand_over()

    @property
    def n_changes(self) -> int:
        """How often exits have opened or closed, or drivers have learnt that streets have."""
        return self.n_exit_changes + self.cars.road_news.n_changes

    @property
    def next_news_s(self) -> float:
        """Nobody hears of a closure before this, unless somebody meets one (s)."""
        return min(self.cars.road_news.next_s, self._on_foot.road_news.next_s)

    def spread(self, time_s: float) -> None:
        """Let news of closures reach those who have heard of none by a time (s)."""
        is_news = [ways.spread(time_s) for ways in self.of.values()]
        if any(is_news):
            self.hand_over()

    def see_queues(self, tables: list[int]) -> None:
        """Let drivers of some tables see the queues of now; witnesses of a closure see what those with live news do.

        As long as nobody is held up anywhere there is nothing to see, however many are on their way.
        """
        view = self._driving.view
        tables = [*tables, WITNESS] if LIVE_TABLE in tables and self.cars.is_witnessed else tables
        is_any = view.is_any_held_up()
        seen = QueuesSeen(view.sights(), *self.what_queues_are_made_of()) if is_any else self.no_queues
        if changed := self.seen.set(tables, seen):
            self.cars.stale[changed] = True
            self.cars.hand_over()

    @property
    def is_queue_believed(self) -> bool:
        """Whether anybody expects a queue."""
        return bool(self.seen.believes.any())

    def what_queues_are_made_of(self) -> tuple[Floats, RoadsBelieved, Outlook]:
        """Return what QueuesSeen of now are made of beside sights: the same objects as long as nothing changes.

        Everybody is taken to know the closures that all have heard of, and to choose as people do.
        """
        return self._driving.view.alone_s, self._roads_believed(), self._outlook

    def _roads_believed(self) -> RoadsBelieved:
        """Return what drivers reckon with beside queues: the same object as long as nothing of it changes."""
        cars, free_s, old = self.cars, self.free_flow_time_s, self._roads
        per_s, danger, exits_per_s = self._driving.flow_capacity_per_s, self.danger, self.exit_per_s
        is_believed_open, is_exit_open = cars.road_news.is_believed_open, cars.exit_open
        if (
            old is None
            or old.per_s is not per_s
            or old.danger is not danger
            or old.is_believed_open is not is_believed_open
            or old.is_exit_open is not is_exit_open
            or old.exits_per_s is not exits_per_s
        ):
            weight = self._cost_s(Mode.CAR, free_s, is_believed_open[HEARSAY]) / free_s
            exits = self._streets.exit_end_node[is_exit_open].astype(np.int32), exits_per_s[is_exit_open]
            have_all_heard = np.array_equal(is_believed_open[HEARSAY], is_believed_open[WITNESS])
            beliefs = is_believed_open, have_all_heard, is_exit_open, exits_per_s
            old = RoadsBelieved(per_s, danger, *beliefs, weight, *exits)
            self._roads = old
        return old

    def _build_seen(self, table: int, wanted: Bools, is_known: Bools, is_changed: Bools) -> bool:
        """Build a table of drivers by the model's cost of links; return False if roads have changed since they looked,
        or they have met closures of which not all have heard."""
        roads = self._roads_believed()
        if self._route_choice is not None or (table == WITNESS and not roads.have_all_heard):
            return False
        return self._outlook.build(table, self.seen[table], roads, wanted, is_known, is_changed)

    def freshen(self, tables: Ints | int, nodes: Ints | list[int] | None = None) -> None:
        """Bring tables of drivers up to date, rows, that somebody reads or begins to follow, from nodes; None: all."""
        self.cars.freshen(tables, nodes)

    def _cost_s(self, mode: Mode, time_s: Floats, is_open: Bools) -> Floats:
        """Return the cost by which people choose their way: by the model's rule, or by one of the user's own (s)."""
        if self._route_choice is None:
            return time_s * (1.0 + self.danger)
        seen = RoadsSeen(mode.name.lower(), time_s.copy(), self.danger.copy(), is_open.copy(), self._streets)
        return costs_from(self._route_choice, seen)

    def hand_over(self) -> None:
        """Give the tables that have changed to those who follow them, who look again where they stand."""
        for ways in self.of.values():
            ways.hand_over()

    def hand_over_to(self, table: int, node: int) -> None:
        """Give drivers the tables that have changed, if any, before somebody sets out by one of them from a node."""
        self.freshen(table, [node])
        if self.cars.changed.any():
            self.hand_over()
