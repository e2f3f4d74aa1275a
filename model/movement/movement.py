"""Everybody on the streets: cars and walkers, what they know of the roads, and what those do who cannot continue."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.ground.nearby import grid_of_links
from safepassage.agents.parties import Mode
from safepassage.model.draws import Stream, uniforms
from safepassage.model.movement.arrivals import Arrivals, joined
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.gridlocks import Gridlocks
from safepassage.model.movement.movement_view import MovementViews
from safepassage.model.movement.queue_news import N_CLASSES, QueueNews
from safepassage.model.movement.road_news import HEARSAY, WITNESS, RoadNews
from safepassage.model.movement.routing import Routes
from safepassage.model.movement.shared_streets import SharedStreets
from safepassage.model.movement.walking import Stage, Walking
from safepassage.model.rules import RoadsSeen, RouteChoice, costs_from
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.streets.streets import Streets

LEAST_CHANGE = 0.01
"""Perceived danger that changes by less, against the greatest there is, leaves everybody on their way. Assumption."""
ROUTE_SPEED_M_S = 1.34
"""Walking speed by which walkers choose their way (m/s); Weidmann 1993. Everybody's ways rank alike at any speed."""


class Movement(MovementViews):
    """Cars and walkers on the streets, exact in time; routes by what people know; closures of streets and exits."""

    def __init__(
        self,
        settings: MovementSettings,
        streets: Streets,
        n_parties: int,
        stop_node: Ints | tuple[Any, ...] = (),
        n_vehicles: int = 0,
        n_tables: int = 0,
        u_news: np.ndarray | None = None,
        route_choice: RouteChoice | None = None,
    ) -> None:
        """Put nobody on the streets.

        stop_node: where people wait for service vehicles, of which there are n_vehicles, with ids from n_parties on;
        n_tables of the next-link tables are theirs to aim, from wreck_table + 1 on. u_news: float64[2, n_parties],
        draws of what news of queues each party has, see QueueNews. route_choice: of the user's own, instead of the
        model's cost of links. settings: the scenario's section `Movement`.
        """
        self._route_choice = route_choice
        self.settings, self.streets, self.n_parties = settings, streets, n_parties
        n_stops, n_parties = len(stop_node), n_parties + n_vehicles
        self.goal = np.zeros(n_parties, np.int32)
        """Where each party walks to: 0, out of the area, or 1 + row of the stop."""
        self.carrier = np.arange(n_parties, dtype=np.int32)
        """The party on the streets that carries each: itself, or the service vehicle that it is aboard."""
        self.stop_table = 2 + N_CLASSES
        """First of the tables that lead vehicles to the stops, one for each."""
        self.wreck_table = self.stop_table + n_stops
        """Leads to vehicles broken down; the tables after it are those of single vehicles."""
        n_tables += n_vehicles > 0
        self._knowledge = {
            Mode.CAR: np.array([HEARSAY, WITNESS] + [HEARSAY] * N_CLASSES + [WITNESS] * (n_stops + n_tables)),
            Mode.WALK: np.array([HEARSAY, WITNESS] * (1 + n_stops)),
        }
        self.driving = Driving.on_streets(streets, n_vehicles=n_parties)
        flow_per_m_s = settings.walker_specific_flow_per_m_s
        self.walking = Walking.on_streets(streets, n_parties, specific_flow_per_m_s=flow_per_m_s)
        self.gridlocks = Gridlocks(streets, self.driving)
        self.shared_streets = SharedStreets(settings, streets, self.driving, self.walking)
        self.car_open = streets.drivable.copy()
        self.walk_open = streets.walkable.copy()
        self.exit_open = {mode: np.ones(streets.exit_node.size, np.bool_) for mode in (Mode.CAR, Mode.WALK)}
        n_nodes = streets.node_x_m.size
        ends = (n_nodes, streets.link_upstream, streets.link_downstream)
        self._stale = np.zeros(self._knowledge[Mode.CAR].size, np.bool_)
        """bool per table of drivers: it is out of date and nobody follows it; it is built when somebody does."""
        self._changed = self._stale.copy()
        """bool per table of drivers: it is up to date and has yet to be handed over."""
        self._walk_changed = True
        self.car_routes = Routes(*ends, self._knowledge[Mode.CAR].size, streets.link_key)
        self.walk_routes = Routes(*ends, 2 + 2 * n_stops, streets.link_key)
        self.free_flow_time_s = streets.length_m / streets.free_flow_speed_m_s
        self.walk_time_s = streets.length_m / ROUTE_SPEED_M_S
        if u_news is None:
            u_news = np.array([uniforms(0, Stream.ROAD_NEWS, self.n_parties, index=i) for i in range(2)])
        self.queue_news = QueueNews(settings, u_news, HEARSAY, first_table=2)
        self._seen_s = dict.fromkeys([*self.queue_news.tables.tolist(), WITNESS], self.free_flow_time_s)
        """Time that each link takes as drivers of a table have last seen it (s)."""
        self._last_seen_s = self.free_flow_time_s
        self._is_witnessed = self._is_queue_believed = False
        self.danger = np.zeros(streets.n_links)
        """What a second on each link costs people beyond a second, as they perceive its danger (s/s)."""
        self._walk_m: dict[int, np.ndarray] = {}
        self.road_news = {
            Mode.CAR: RoadNews(streets.drivable, settings.road_news_delay_s),
            Mode.WALK: RoadNews(streets.walkable, settings.road_news_delay_s),
        }
        self._stuck_since_s = np.full(n_parties, np.inf)
        self._car_factor = np.ones(streets.n_links)
        self._walk_factor = np.ones(streets.n_links)
        self._grid = grid_of_links(streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m)
        self.time_s = 0.0
        self._drivable_node = streets.nearest_usable(streets.drivable)
        self._walkable_node = streets.nearest_usable(streets.walkable)
        self._rebuild(Mode.CAR, *self._seen_s)
        self._rebuild(Mode.WALK, HEARSAY, WITNESS)
        self.stop_node = {
            mode: self.start_node(mode, np.asarray(stop_node, np.int32)) for mode in (Mode.CAR, Mode.WALK)
        }
        for stop in range(n_stops):
            self._lead_to_stop(stop)
        self.driving.set_next_link(self.car_routes.next_link)
        self._hand_over()

    def make_room(self, n_vehicles: int, n_tables: int) -> None:
        """Take in more service vehicles, with ids after all others, and tables for them after all others."""
        n = self.goal.size + n_vehicles
        self.goal = np.append(self.goal, np.zeros(n_vehicles, np.int32))
        self.carrier = np.append(self.carrier, np.arange(n - n_vehicles, n, dtype=np.int32))
        self._stuck_since_s = np.append(self._stuck_since_s, np.full(n_vehicles, np.inf))
        self.driving.make_room(n)
        self.walking.make_room(n)
        n_tables += self.car_routes.next_link.shape[0] == self.wreck_table
        if n_tables:
            self._knowledge[Mode.CAR] = np.append(self._knowledge[Mode.CAR], np.full(n_tables, WITNESS))
            self.car_routes.make_room(n_tables)
            self._stale, self._changed = (
                np.append(old, np.zeros(n_tables, np.bool_)) for old in (self._stale, self._changed)
            )
            self.driving.set_next_link(self.car_routes.next_link)

    def _lead_to_stop(self, stop: int) -> None:
        self.aim(self.stop_table + stop, self.stop_node[Mode.CAR][stop])
        for row in (HEARSAY, WITNESS):
            is_open = self.road_news[Mode.WALK].is_believed_open[row]
            node = self.stop_node[Mode.WALK][stop : stop + 1]
            self.walk_routes.set_class(2 + 2 * stop + row, self.walk_time_s, is_open, node)

    def set_out(
        self, mode: Mode, party: Ints, node: Ints, time_s: Floats | float, n_persons: Any, free_speed_m_s: Any,
        goal: int = 0,
    ) -> None:  # fmt: skip
        """Put parties (rows `party`) onto the streets, each at its node and time_s (s, not in the past).

        mode: how they travel. n_persons, free_speed_m_s: of walkers, as is goal, see `goal`.
        """
        start = self.start_node(mode, node)
        self.goal[party] = goal
        if mode == Mode.CAR:
            table = self.queue_news.table_of(party)
            self.freshen(table)
            self.driving.add(party, start, time_s, table=table)
        else:
            self.walking.add(party, start, time_s, free_speed_m_s, n_persons, 2 * self.goal[party] + HEARSAY)

    def head_out(self, party: np.ndarray) -> None:
        """Let walkers make for the exits instead of a stop."""
        self.goal[party] = 0
        self.walking.set_table(party, WITNESS)

    def walk_from(self, party: np.ndarray, link: int, along_m: float, n_persons: Ints, free_speed_m_s: Floats) -> None:
        """Let parties (rows `party`; n_persons in each; free_speed_m_s) walk out from along_m (m) on a link."""
        self.goal[party] = 0
        links, at_m = np.full(party.size, link), np.full(party.size, along_m)
        self.walking.add_on_link(party, links, at_m, self.time_s, free_speed_m_s, n_persons, WITNESS)

    def aim(self, table: int, node: int) -> None:
        """Let a table of service vehicles lead to nodes; they know of closures what witnesses know."""
        self.car_routes.set_class(table, self.free_flow_time_s, self.open_to_services(), np.atleast_1d(node))
        self._changed[table] = True

    def send(self, vehicle: int, node: int, time_s: float, table: int, car_units: int) -> None:
        """Put a service vehicle onto the streets at a node; it drives where a table leads.

        time_s: when it sets out (s). car_units: how much room it takes, in cars.
        """
        self.freshen(table)
        if self._changed.any():
            self._hand_over()
        self.driving.add([self.n_parties + vehicle], node, max(time_s, self.time_s), table=table, size=car_units)

    def pull_over(self, vehicle: int) -> tuple[int, float]:
        """Take a service vehicle off the road; return (link, m from upstream) of where it was, link -1 if on none."""
        link, along_m = self.driving.view.position(np.array([self.n_parties + vehicle]))
        self.driving.withdraw([self.n_parties + vehicle])
        return int(link[0]), float(along_m[0])

    def advance(self, until_s: float) -> Arrivals:
        """Move everybody to a time; return who left the area on the way."""
        self.shared_streets.skip_to(self.time_s)
        self.queue_news.skip_to(self.time_s)
        cars, walkers, looks_s = [], [], []
        while (next_s := self._next_look_s()) <= until_s:
            cars.append(self.driving.advance(next_s))
            looks_s.append(next_s)
            self.time_s = next_s
            if self.shared_streets.next_s == next_s and self.shared_streets.is_needed():
                walkers.append(self.walking.advance(next_s))
                if self.shared_streets.is_needed():
                    self.shared_streets.tell()
            if self.queue_news.next_s == next_s:
                self._look_at_queues()
        self.time_s = until_s
        cars.append(self.driving.advance(until_s))
        walkers.append(self.walking.advance(until_s))
        return joined(cars, walkers, looks_s)

    def _next_look_s(self) -> float:
        """Return when somebody looks at the streets next and there is something to see (s)."""
        next_s = self.shared_streets.next_s if self.shared_streets.is_needed() else np.inf
        return (
            min(next_s, self.queue_news.next_s) if self.driving.view.n_under_way or self._is_queue_believed else next_s
        )

    def set_streets(self, car_open: np.ndarray, walk_open: np.ndarray) -> None:
        """Open and close links as damage and the front have it now; bool per link. Who is on a link may leave it."""
        for mode, now, mover in ((Mode.CAR, car_open, self.driving), (Mode.WALK, walk_open, self.walking)):
            before = self.car_open if mode == Mode.CAR else self.walk_open
            closed, opened = np.flatnonzero(before & ~now), np.flatnonzero(now & ~before)
            self.road_news[mode].change(closed, opened, self.time_s)
            for links, is_open in ((closed, False), (opened, True)):
                if links.size:
                    mover.set_open(links, is_open=is_open)
            before[:] = now

    def set_exits(self, for_cars: np.ndarray, for_walkers: np.ndarray) -> None:
        """Open and close exits; bool per exit. It is known at once."""
        for mode, is_open in ((Mode.CAR, for_cars), (Mode.WALK, for_walkers)):
            if (is_open != self.exit_open[mode]).any():
                self.exit_open[mode] = is_open.copy()
                self._rebuild(mode, *(self._seen_s if mode == Mode.CAR else (HEARSAY, WITNESS)))
                self._hand_over()

    def talk(self) -> None:
        """Let those who stand before closed streets learn of it, and news of closures reach the others."""
        changed = False
        for mode, routes in ((Mode.CAR, self.car_routes), (Mode.WALK, self.walk_routes)):
            self._meet(mode)
            for row, links, is_open in self.road_news[mode].spread(self.time_s):
                is_told = self._knowledge[mode] == row
                if mode == Mode.CAR:
                    is_told &= ~self._stale
                    self._changed |= is_told
                for table in np.flatnonzero(is_told):
                    routes.change(int(table), links, is_open=is_open)
                self._walk_changed |= mode == Mode.WALK
                changed = True
        if changed:
            self._hand_over()

    def _meet(self, mode: Mode) -> None:
        if mode == Mode.CAR and self.driving.view.n_under_way:
            party, link = self.driving.view.at_closed_links()
            if party.size:
                self.road_news[mode].meet(link, self.time_s)
                self.freshen(WITNESS)
                self.driving.set_table(party[party < self.n_parties], WITNESS)
                self._is_witnessed = True
        elif mode == Mode.WALK and self.walking.view.n_under_way:
            party, link = self.walking.view.at_closed_links()
            if party.size:
                self.road_news[mode].meet(link, self.time_s)
                self.walking.set_table(party, 2 * self.goal[party] + WITNESS)

    def _look_at_queues(self):
        """Let those whose moment has come see the queues of now; witnesses of a closure see what the live do."""
        tables = self.queue_news.look(self.time_s)
        if HEARSAY in tables and self._is_witnessed:
            tables.append(WITNESS)
        seen_s = self._queues_now_s()
        changed = [table for table in tables if self._seen_s[table] is not seen_s]
        if not changed:
            return
        changed = [table for table in changed if not np.array_equal(seen_s, self._seen_s[table])]
        self._seen_s.update(dict.fromkeys(tables, seen_s))
        self._is_queue_believed = any(known_s is not self.free_flow_time_s for known_s in self._seen_s.values())
        if changed:
            self._rebuild(Mode.CAR, *changed)
            self._hand_over()

    def _queues_now_s(self) -> np.ndarray:
        """Return the time that each link takes now (s): an array seen before if nothing differs from it."""
        seen_s = self.driving.view.link_time_s() if self.driving.view.n_under_way else self.free_flow_time_s
        for known_s in (self.free_flow_time_s, self._last_seen_s):
            if seen_s is known_s or np.array_equal(seen_s, known_s):
                return known_s
        self._last_seen_s = seen_s
        return seen_s

    def set_danger(self, danger: np.ndarray) -> None:
        """Take what a second on each link costs people beyond a second, as they perceive its danger now (s/s)."""
        if np.abs(danger - self.danger).max(initial=0.0) > LEAST_CHANGE * (1.0 + self.danger.max(initial=0.0)):
            self.danger = danger
            self._rebuild(Mode.CAR, *self._seen_s)
            self._rebuild(Mode.WALK, HEARSAY, WITNESS)
            self._hand_over()

    def set_phones(self, works: np.ndarray) -> None:
        """Note whose phone works, bool per party: without, live news ends, on the way as at home."""
        lost = self.queue_news.phone_works & ~works
        self.queue_news.phone_works = works.copy()
        party = np.flatnonzero(lost)
        party = party[self.driving.view.table_of(party) == HEARSAY]
        if party.size:
            table = self.queue_news.table_of(party)
            self.freshen(table)
            self.driving.set_table(party, table)

    def set_capacity(self, car_factor: np.ndarray, walk_factor: np.ndarray) -> None:
        """Narrow links: share of the undamaged flow capacity that is left, per link, for vehicles and walkers."""
        links = np.flatnonzero((car_factor != self._car_factor) & self.streets.drivable & (car_factor > 0))
        if links.size:
            self._car_factor[links] = car_factor[links]
            self.driving.set_flow_capacity(links, self.streets.flow_capacity_per_s[links] * car_factor[links])
        links = np.flatnonzero((walk_factor != self._walk_factor) & self.streets.walkable & (walk_factor > 0))
        if links.size:
            self._walk_factor[links] = walk_factor[links]
            width_m = self.streets.walk_width_m[links] * walk_factor[links]
            self.walking.set_street(self.streets.link_street[links], walk_width_m=width_m)

    def who_give_up(self) -> np.ndarray:
        """Return the vehicles that have stood without a way on, or in a gridlock, for longer than people's patience."""
        if not self.driving.view.n_under_way:
            return np.empty(0, np.int32)
        held = np.unique(np.concatenate([self.driving.view.without_route(), self.gridlocks.look(self.time_s)]))
        since_s = np.full(self._stuck_since_s.size, np.inf)
        since_s[held] = np.minimum(self._stuck_since_s[held], self.time_s)
        self._stuck_since_s = since_s
        return held[self.time_s - since_s[held] >= self.settings.patience_s]

    def leave_cars(self, party: np.ndarray, n_persons: np.ndarray, free_speed_m_s: np.ndarray) -> tuple[Ints, Ints]:
        """Let people get out of their cars where they are and walk on."""
        link, along_m = self.driving.view.position(party)
        self.driving.withdraw(party)
        on_way = link >= 0
        start = (party[on_way], link[on_way], along_m[on_way], self.time_s)
        self.walking.add_on_link(*start, free_speed_m_s[on_way], n_persons[on_way], WITNESS)
        return party[on_way], party[~on_way]

    def withdraw(self, party: np.ndarray) -> None:
        """Take parties off the streets for good."""
        if party.size == 0:
            return
        walks = self.walking.view.stage(party) != Stage.AWAY
        self.walking.withdraw(party[walks])
        self.driving.withdraw(party[~walks])

    def _rebuild(self, mode: Mode, *tables: int) -> None:
        """Let tables of drivers or walkers follow what they have seen and heard."""
        if mode == Mode.CAR:
            self._stale[list(tables)] = True
        else:
            self._build(mode, *tables)
            self._walk_changed = True

    def freshen(self, tables: Ints | int) -> None:
        """Bring tables of drivers up to date, rows, that somebody reads or begins to follow."""
        stale = np.unique(tables)
        stale = stale[self._stale[stale]]
        if stale.size:
            self._build(Mode.CAR, *stale.tolist())
            self.driving.take_rows(self.car_routes.next_link, stale)

    def _build(self, mode: Mode, *tables: int) -> None:
        routes = self.car_routes if mode == Mode.CAR else self.walk_routes
        exits = self.streets.exit_node[self.exit_open[mode]]
        for table in tables:
            time_s = self._seen_s[table] if mode == Mode.CAR else self.walk_time_s
            is_open = self.road_news[mode].is_believed_open[self._knowledge[mode][table]]
            routes.set_class(table, self._cost_s(mode, time_s, is_open), is_open, exits)
        if mode == Mode.CAR:
            self._stale[list(tables)] = False

    def _cost_s(self, mode: Mode, time_s: np.ndarray, is_open: np.ndarray) -> np.ndarray:
        """Return the cost by which people choose their way: by the model's rule, or by one of the user's own (s)."""
        if self._route_choice is None:
            return time_s * (1.0 + self.danger)
        seen = RoadsSeen(mode.name.lower(), time_s.copy(), self.danger.copy(), is_open.copy(), self.streets)
        return costs_from(self._route_choice, seen)

    def _hand_over(self):
        """Give the tables that have changed to those who follow them, who look again where they stand."""
        is_followed = self.driving.view.tables_followed()
        stale = self._stale & is_followed
        self._build(Mode.CAR, *np.flatnonzero(stale).tolist())
        self._changed |= stale
        self.driving.take_rows(self.car_routes.next_link, np.flatnonzero(self._changed))
        if (self._changed & is_followed).any():
            self.driving.look_again()
        self._changed[:] = False
        if self._walk_changed:
            self._walk_changed = False
            self._walk_m.clear()
            self.walking.set_next_link(self.walk_routes.next_link)
