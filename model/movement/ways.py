"""Ways that people know: tables of next links for drivers and walkers, by what they have heard and seen."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising
from safepassage.agents.parties import Mode
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.queue_news import N_CLASSES
from safepassage.model.movement.queues_seen import NoQueues, QueuesSeen
from safepassage.model.movement.road_news import HEARSAY, WITNESS, RoadNews
from safepassage.model.movement.routing import NO_ROUTE, Routes
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
        news_delay_s: float, route_choice: RouteChoice | None,
    ) -> None:  # fmt: skip
        """Build the tables of people and of stops.

        streets: the model's. driving, walking: who follow the tables. stop_node: where people wait for service
        vehicles, int32. n_tables: of service vehicles, from wreck_table on. news_delay_s: time that news of a closure
        takes (s). route_choice: the user's own cost of links; None: the model's.
        """
        self._streets, self._driving, self._walking, self._route_choice = streets, driving, walking, route_choice
        n_stops = len(stop_node)
        self.stop_table = FIRST_CLASS_TABLE + N_CLASSES
        """First of the tables that lead vehicles to the stops, one for each."""
        self.wreck_table = self.stop_table + n_stops
        """Leads to vehicles broken down; the tables after it are those of single vehicles."""
        n_services = n_stops + n_tables
        self._knowledge = {
            Mode.CAR: np.array([HEARSAY, WITNESS] + [HEARSAY] * N_CLASSES + [WITNESS] * n_services),
            Mode.WALK: np.array([HEARSAY, WITNESS] * (1 + n_stops)),
        }
        self.exit_open = {mode: np.ones(streets.exit_node.size, np.bool_) for mode in (Mode.CAR, Mode.WALK)}
        self._stale = np.zeros(self._knowledge[Mode.CAR].size, np.bool_)
        """bool per table of drivers: it is out of date and nobody follows it; it is built when somebody does."""
        self._changed = self._stale.copy()
        """bool per table of drivers: it is up to date and has yet to be handed over."""
        self._walk_changed = True
        ends = (streets.node_x_m.size, streets.link_upstream, streets.link_downstream)
        self.car_routes = Routes(*ends, self._knowledge[Mode.CAR].size, streets.link_key)
        self.walk_routes = Routes(*ends, self._knowledge[Mode.WALK].size, streets.link_key)
        self.free_flow_time_s = streets.length_m / streets.free_flow_speed_m_s
        self.walk_time_s = streets.length_m / ROUTE_SPEED_M_S
        classes = range(FIRST_CLASS_TABLE, self.stop_table)
        self._no_queues = NoQueues(self.free_flow_time_s)
        self._seen: dict[int, QueuesSeen | NoQueues]
        self._seen = dict.fromkeys([*classes, LIVE_TABLE, WITNESS], self._no_queues)
        """What drivers of a table have last seen of the streets."""
        per_s, ends = streets.exit_flow_capacity_per_s, streets.exit_end_node == streets.exit_node
        self.exit_per_s = np.where(ends & (per_s > 0.0), per_s, np.inf)
        self._nearest_first = np.full(streets.node_x_m.size, NO_ROUTE, np.int32)
        self._is_witnessed = False
        self.is_queue_believed = False
        """Whether anybody expects a queue."""
        self.danger = np.zeros(streets.n_links)
        """What a second on each link costs people beyond a second, as they perceive its danger (s/s)."""
        self._walk_m: dict[int, Floats] = {}
        self.road_news = {
            Mode.CAR: RoadNews(streets.drivable, news_delay_s),
            Mode.WALK: RoadNews(streets.walkable, news_delay_s),
        }
        self._drivable_node = streets.nearest_usable(streets.drivable)
        self._walkable_node = streets.nearest_usable(streets.walkable)
        self._rebuild(Mode.CAR, *self._seen)
        self._rebuild(Mode.WALK, HEARSAY, WITNESS)
        self.stop_node = {
            mode: self.start_node(mode, np.asarray(stop_node, np.int32)) for mode in (Mode.CAR, Mode.WALK)
        }
        for stop in range(n_stops):
            self._lead_to_stop(stop)
        driving.set_next_link(self.car_routes.next_link)
        self.hand_over()

    def make_room(self, n_tables: int) -> None:
        """Take in tables for more service vehicles, after all others."""
        n_tables += self.car_routes.next_link.shape[0] == self.wreck_table
        if n_tables:
            self._knowledge[Mode.CAR] = np.append(self._knowledge[Mode.CAR], np.full(n_tables, WITNESS))
            self.car_routes.make_room(n_tables)
            self._stale, self._changed = (
                np.append(old, np.zeros(n_tables, np.bool_)) for old in (self._stale, self._changed)
            )
            self._driving.set_next_link(self.car_routes.next_link)

    def _lead_to_stop(self, stop: int) -> None:
        self.aim(self.stop_table + stop, self.stop_node[Mode.CAR][stop])
        for row in (HEARSAY, WITNESS):
            is_open = self.road_news[Mode.WALK].is_believed_open[row]
            node = self.stop_node[Mode.WALK][stop : stop + 1]
            self.walk_routes.set_class(2 + 2 * stop + row, self.walk_time_s, is_open, node)

    def start_node(self, mode: Mode, node: Ints) -> Ints:
        """Return where trips from these nodes start: the node itself, or the nearest that the mode can use."""
        return (self._drivable_node if mode == Mode.CAR else self._walkable_node)[node]

    def has_way_out(self, mode: Mode, node: Ints) -> Bools:
        """Return whether people who start from these nodes know a way out, bool."""
        if mode == Mode.CAR:
            self.freshen(HEARSAY)
        routes = self.car_routes if mode == Mode.CAR else self.walk_routes
        return routes.next_link[HEARSAY, self.start_node(mode, node)] != NO_ROUTE

    def open_to_services(self) -> Bools:
        """Return which links service vehicles believe open; bool[n_links]."""
        return self.road_news[Mode.CAR].is_believed_open[WITNESS]

    def drive_s(self, table: int, node: Ints | int) -> Any:
        """Return how long service vehicles expect to drive from nodes to where a table leads (s); inf: no way."""
        self.freshen(table)
        return self.car_routes.cost_to_go_s[table, node]

    def drive_out_s(self, node: int) -> float:
        """Return how long the way out of the area takes from a node by the queues that are known now (s); inf: none."""
        self.freshen(LIVE_TABLE)
        if self.car_routes.cost_to_go_s[LIVE_TABLE, node] == np.inf:
            return np.inf
        return float(self._seen[LIVE_TABLE].time_s[self.car_routes.path(LIVE_TABLE, node)].sum())

    def walk_m(self, node: Ints, goal: int = 0) -> Floats:
        """Return the way on foot from nodes out of the area, or to stop goal - 1, as people know it (m); inf: none."""
        row = 2 * goal + HEARSAY
        if row not in self._walk_m:
            self._walk_m[row] = self.walk_routes.sum_along(row, self._streets.length_m)
        return self._walk_m[row][self.start_node(Mode.WALK, node)]

    def aim(self, table: int, node: Ints | int) -> None:
        """Let a table of service vehicles lead to nodes; they know of closures what witnesses know."""
        self.car_routes.set_class(table, self.free_flow_time_s, self.open_to_services(), np.atleast_1d(node))
        self._changed[table] = True

    def set_exits(self, for_cars: Bools, for_walkers: Bools) -> None:
        """Open and close exits; bool per exit. It is known at once."""
        for mode, is_open in ((Mode.CAR, for_cars), (Mode.WALK, for_walkers)):
            if (is_open != self.exit_open[mode]).any():
                self.exit_open[mode] = is_open.copy()
                self._rebuild(mode, *(self._seen if mode == Mode.CAR else (HEARSAY, WITNESS)))
                self.hand_over()

    def set_danger(self, danger: Floats) -> None:
        """Take what a second on each link costs people beyond a second, as they perceive its danger now (s/s)."""
        if np.abs(danger - self.danger).max(initial=0.0) > LEAST_CHANGE * (1.0 + self.danger.max(initial=0.0)):
            self.danger = danger
            self._rebuild(Mode.CAR, *self._seen)
            self._rebuild(Mode.WALK, HEARSAY, WITNESS)
            self.hand_over()

    def meet(self, mode: Mode, links: Ints, time_s: float) -> None:
        """Note that somebody stands before closed links at a time (s); drivers who do follow the witnesses' table."""
        self.road_news[mode].meet(links, time_s)
        if mode == Mode.CAR:
            self.freshen(WITNESS)
            self._is_witnessed = True

    @property
    def next_news_s(self) -> float:
        """Nobody hears of a closure before this, unless somebody meets one (s)."""
        return min(news.next_s for news in self.road_news.values())

    def spread(self, mode: Mode, time_s: float) -> bool:
        """Let news of closures reach those who have heard of none by a time (s); return whether there was any."""
        routes, changed = self.car_routes if mode == Mode.CAR else self.walk_routes, False
        for row, links, is_open in self.road_news[mode].spread(time_s):
            is_told = self._knowledge[mode] == row
            if mode == Mode.CAR:
                is_told &= ~self._stale
                self._changed |= is_told
            for table in np.flatnonzero(is_told):
                routes.change(int(table), links, is_open=is_open)
            self._walk_changed |= mode == Mode.WALK
            changed = True
        return changed

    def see_queues(self, tables: list[int]) -> None:
        """Let drivers of some tables see the queues of now; witnesses of a closure see what those with live news do."""
        tables = [*tables, WITNESS] if LIVE_TABLE in tables and self._is_witnessed else tables
        seen = self.queues_now() if self._driving.view.n_under_way else self._no_queues
        changed = [table for table in tables if self._seen[table] is not seen]
        if not changed:
            return
        is_followed = self._driving.view.tables_followed()
        known_s = {table: self._seen[table].time_s for table in changed if is_followed[table]}
        self._seen.update(dict.fromkeys(changed, seen))
        self.is_queue_believed = any(known is not self._no_queues for known in self._seen.values())
        followed = [table for table, before_s in known_s.items() if not np.array_equal(seen.time_s, before_s)]
        self._stale[[table for table in changed if table not in known_s]] = True
        if followed:
            self._rebuild(Mode.CAR, *followed)
            self.hand_over()

    def queues_now(self) -> QueuesSeen:
        """Return what drivers who see all queues see now; those before them to a way out are counted.

        Everybody is taken to know the closures that all have heard of, and to choose as people do.
        """
        exit_open = self.exit_open[Mode.CAR]
        return QueuesSeen(
            self._driving, self.car_routes, self.free_flow_time_s, self._streets.link_key,
            self.road_news[Mode.CAR].is_believed_open[HEARSAY],
            lambda time_s, is_open: self._cost_s(Mode.CAR, time_s, is_open),
            (self._streets.exit_end_node[exit_open], self.exit_per_s[exit_open]), self._nearest_first,
        )  # fmt: skip

    def _rebuild(self, mode: Mode, *tables: int) -> None:
        """Let tables of drivers or walkers follow what they have seen and heard."""
        if mode == Mode.CAR:
            self._stale[list(tables)] = True
        else:
            self._build(mode, *tables)
            self._walk_changed = True

    def freshen(self, tables: Ints | int) -> None:
        """Bring tables of drivers up to date, rows, that somebody reads or begins to follow."""
        if not self._stale.any():
            return
        stale = rising(np.atleast_1d(tables))
        stale = stale[self._stale[stale]]
        if stale.size:
            self._build(Mode.CAR, *stale.tolist())
            self._driving.take_rows(self.car_routes.next_link, stale)

    def _build(self, mode: Mode, *tables: int) -> None:
        routes = self.car_routes if mode == Mode.CAR else self.walk_routes
        ends = self._streets.exit_end_node if mode == Mode.CAR else self._streets.exit_node
        exits = ends[self.exit_open[mode]]
        for table in tables:
            time_s = self._seen[table].time_s if mode == Mode.CAR else self.walk_time_s
            is_open = self.road_news[mode].is_believed_open[self._knowledge[mode][table]]
            routes.set_class(table, self._cost_s(mode, time_s, is_open), is_open, exits)
        if mode == Mode.CAR:
            self._stale[list(tables)] = False

    def _cost_s(self, mode: Mode, time_s: Floats, is_open: Bools) -> Floats:
        """Return the cost by which people choose their way: by the model's rule, or by one of the user's own (s)."""
        if self._route_choice is None:
            return time_s * (1.0 + self.danger)
        seen = RoadsSeen(mode.name.lower(), time_s.copy(), self.danger.copy(), is_open.copy(), self._streets)
        return costs_from(self._route_choice, seen)

    def hand_over(self) -> None:
        """Give the tables that have changed to those who follow them, who look again where they stand."""
        is_followed = self._driving.view.tables_followed()
        stale = self._stale & is_followed
        self._build(Mode.CAR, *np.flatnonzero(stale).tolist())
        self._changed |= stale
        differ = self._driving.take_rows(self.car_routes.next_link, np.flatnonzero(self._changed))
        if is_followed[differ].any():
            self._driving.look_again()
        self._changed[:] = False
        if self._walk_changed:
            self._walk_changed = False
            self._walk_m.clear()
            self._walking.set_next_link(self.walk_routes.next_link)

    def hand_over_to(self, table: int) -> None:
        """Give drivers the tables that have changed, if any, before somebody sets out by one of them."""
        self.freshen(table)
        if self._changed.any():
            self.hand_over()
