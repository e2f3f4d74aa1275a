"""Everybody on the streets: cars, walkers and service vehicles; who sets out, arrives, waits, gives up or turns."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising
from safepassage.agents.ground.nearby import grid_of_links, links_within
from safepassage.agents.parties import Mode
from safepassage.agents.rules.drive import LOST
from safepassage.model.draws import Stream, uniforms
from safepassage.model.movement.arrivals import NOBODY as NO_ARRIVALS
from safepassage.model.movement.arrivals import Arrivals
from safepassage.model.movement.by_minutes import go_on
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.gridlocks import Gridlocks
from safepassage.model.movement.news.drivers_look import DriversLook
from safepassage.model.movement.news.queue_news import QueueNews
from safepassage.model.movement.news.road_news import HEARSAY, WITNESS
from safepassage.model.movement.news.ways_of_mode import WaysOfMode
from safepassage.model.movement.pace import Pace
from safepassage.model.movement.shared_streets import SharedStreets
from safepassage.model.movement.walking import Stage, Walking
from safepassage.model.movement.walking_view import NOBODY
from safepassage.model.movement.ways import FIRST_CLASS_TABLE, LIVE_TABLE, Ways
from safepassage.model.rules import RouteChoice
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.streets.streets import Streets

LEAST_PAST_WRECKS = 0.35
"""Share of its flow that a street keeps however many vehicles stand on it: what HCM 2000 gives a two-lane road with one
lane blocked. Assumption that cars pass in turn by the verge and the other side."""


class Movement:
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
        n_tables of the next-link tables are theirs to aim, see Ways. u_news: float64[2, n_parties], draws of what
        news of queues each party has, see QueueNews. route_choice: of the user's own, instead of the model's cost of
        links. settings: the scenario's section `Movement`.
        """
        self.settings, self.streets, self.n_parties = settings, streets, n_parties
        n_parties += n_vehicles
        self.goal = np.zeros(n_parties, np.int32)
        """Where each party walks to: 0, out of the area, or 1 + row of the stop."""
        self.carrier = np.arange(n_parties, dtype=np.int32)
        """The party on the streets that carries each: itself, or the service vehicle that it is aboard."""
        self.driving = Driving.on_streets(streets, n_vehicles=n_parties)
        flow_per_m_s = settings.walker_specific_flow_per_m_s
        self.walking = Walking.on_streets(streets, n_parties, specific_flow_per_m_s=flow_per_m_s)
        self.pace = Pace(streets, self.walking)
        self.gridlocks = Gridlocks(streets, self.driving)
        self.shared_streets = SharedStreets(settings, streets, self.driving, self.walking)
        if u_news is None:
            u_news = np.array([uniforms(0, Stream.ROAD_NEWS, self.n_parties, index=i) for i in range(2)])
        self.queue_news = QueueNews(settings, u_news, LIVE_TABLE, FIRST_CLASS_TABLE)
        rest = n_tables + (n_vehicles > 0), self.queue_news, settings.road_news_delay_s, route_choice
        self.ways = Ways(streets, self.driving, self.walking, np.asarray(stop_node, np.int32), *rest)
        self.drivers_look = DriversLook(self.driving, self.ways, self.queue_news)
        self.stuck: tuple[Ints, Floats] = (NOBODY, np.empty(0))
        """Vehicles that stood without a way on, or in a gridlock, when last looked at, rising; since when each (s)."""
        self._nobody_stood_s = -np.inf
        """When it was last looked at that no vehicle stands first in its arm (s); -inf: some did."""
        self._car_factor, self._undamaged = np.ones(streets.n_links), np.ones(streets.n_links)
        self.lanes_factor = np.ones(streets.n_links)
        """By what the lanes of each link are multiplied now."""
        self._junction_factor = np.ones(streets.n_links)
        """Share of their flow that junctions leave links now, whoever else comes."""
        self._wreck_link, self._wreck_until_s = np.zeros(0, np.int32), np.zeros(0)
        """Links on which vehicles were left standing, and until when each stands there."""
        self.checkpoint_per_s = np.full(streets.n_links, np.inf)
        """Vehicles that a checkpoint at the end of each link lets through now (1/s); inf: there is none."""
        self._walk_factor = np.ones(streets.n_links)
        self._grid = grid_of_links(streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m)
        self.time_s = 0.0

    def make_room(self, n_vehicles: int, n_tables: int) -> None:
        """Take in more service vehicles, with ids after all others, and tables for them after all others."""
        n = self.goal.size + n_vehicles
        self.goal = np.append(self.goal, np.zeros(n_vehicles, np.int32))
        self.carrier = np.append(self.carrier, np.arange(n - n_vehicles, n, dtype=np.int32))
        self.driving.make_room(n)
        self.walking.make_room(n)
        self.ways.make_room(n_tables)

    def set_out(
        self, mode: Mode, party: Ints, node: Ints, time_s: Floats | float, n_persons: Any, free_speed_m_s: Any,
        goal: int = 0,
    ) -> None:  # fmt: skip
        """Put parties (rows `party`) onto the streets, each at its node and time_s (s, not in the past).

        mode: how they travel. n_persons, free_speed_m_s: of walkers, as is goal, see `goal`.
        """
        start = self.ways.start_node(mode, node)
        self.goal[party] = goal
        if mode == Mode.CAR:
            table = self.queue_news.table_of(party)
            self.ways.freshen(table, start)
            self.driving.add(party, start, time_s, table=table)
        else:
            self.walking.add(party, start, time_s, free_speed_m_s, n_persons, 2 * goal + HEARSAY)

    def take_on(self, party: Ints, node: Ints) -> None:
        """Let walkers who have come to exits with an onward road be driven on, each party in a car of its own."""
        table = self.queue_news.table_of(party)
        self.ways.freshen(table, node)
        self.driving.add(party, node, self.driving.time_s, table=table)

    def bring_out(self, guests: Ints) -> None:
        """Note that guests have left the cars of their neighbours, with them, out of the area."""
        self.carrier[guests] = guests

    def is_beyond_town(self, party: Ints) -> Bools:
        """Return which parties are on an onward road now, bool."""
        return self.driving.view.link_of(self.carrier[party]) >= self.streets.n_town_links

    def head_out(self, party: np.ndarray) -> None:
        """Let walkers make for the exits instead of a stop."""
        self.goal[party] = 0
        self.walking.set_table(party, WITNESS)

    def walk_from(self, party: np.ndarray, link: int, along_m: float, n_persons: Ints, free_speed_m_s: Floats) -> None:
        """Let parties (rows `party`; n_persons in each; free_speed_m_s) walk out from along_m (m) on a link."""
        self.goal[party] = 0
        links, at_m = np.full(party.size, link), np.full(party.size, along_m)
        self.walking.add_on_link(party, links, at_m, self.time_s, free_speed_m_s, n_persons, WITNESS)

    def send(
        self, vehicle: int, node: int, time_s: float, table: int, car_units: int, max_speed_m_s: float = np.inf
    ) -> None:
        """Put a service vehicle onto the streets at a node; it drives where a table leads.

        time_s: when it sets out (s). car_units: how much room it takes, in cars. max_speed_m_s: its own (m/s).
        """
        self.ways.hand_over_to(table, node)
        row, at_s = [self.n_parties + vehicle], max(time_s, self.time_s)
        self.driving.add(row, node, at_s, table=table, size=car_units, max_speed_m_s=max_speed_m_s)

    def pull_over(self, vehicle: int) -> tuple[int, float]:
        """Take a service vehicle off the road; return (link, m from upstream) of where it was, link -1 if on none."""
        link, along_m = self.driving.view.position(np.array([self.n_parties + vehicle]))
        self.driving.withdraw([self.n_parties + vehicle])
        self._leave_standing(link[link >= 0])
        return int(link[0]), float(along_m[0])

    def advance(self, until_s: float) -> Arrivals:
        """Move everybody to a time; return who left the area on the way."""
        if self.n_moving == 0 and not self.ways.is_queue_believed and not self.shared_streets.is_needed():
            self.driving.advance(until_s)
            self.walking.advance(until_s)
            self.time_s = until_s
            return NO_ARRIVALS
        return go_on(self, until_s, by_minutes=False)[0]

    @property
    def next_s(self) -> float:
        """No vehicle left standing is cleared, no news of closures spreads and no weather changes before this (s)."""
        return min(self.talks_s, self.pace.changes_s)

    @property
    def talks_s(self) -> float:
        """No vehicle left standing is cleared and no news of closures spreads before this (s)."""
        cleared_s = float(self._wreck_until_s.min()) if self._wreck_until_s.size else np.inf
        return min(cleared_s, self.ways.next_news_s)

    def set_streets(self, car_open: np.ndarray, walk_open: np.ndarray) -> None:
        """Open and close links as damage and the front have it now; bool per link. Who is on a link may leave it."""
        for mode, now in ((Mode.CAR, car_open), (Mode.WALK, walk_open)):
            ways = self.ways.of[mode]
            closed, opened = np.flatnonzero(ways.is_open & ~now), np.flatnonzero(now & ~ways.is_open)
            ways.road_news.change(closed, opened, self.time_s)
            for links, is_open in ((closed, False), (opened, True)):
                if links.size:
                    ways.mover.set_open(links, is_open=is_open)
            ways.is_open[:] = now

    @property
    def car_open(self) -> Bools:
        """Links that cars may enter now, bool[n_links]."""
        return self.ways.of[Mode.CAR].is_open

    @property
    def walk_open(self) -> Bools:
        """Links that people on foot may enter now, bool[n_links]."""
        return self.ways.of[Mode.WALK].is_open

    def talk(self) -> None:
        """Let those who stand before closed streets learn of it, and news of closures reach the others."""
        if self._wreck_until_s.size:
            self._clear_wrecks()
        self._nobody_stood_s = self.time_s
        if self.n_moving == 0 and self.time_s < self.ways.next_news_s:
            return
        if self.driving.view.is_any_standing():
            self._nobody_stood_s = -np.inf
            self._meet(self.ways.of[Mode.CAR])
        if self.walking.view.is_anybody_held:
            self._meet(self.ways.of[Mode.WALK])
        if self.time_s >= self.ways.next_news_s:
            self.ways.spread(self.time_s)

    def _meet(self, ways: WaysOfMode) -> None:
        """Let people who stand before closed links follow the table of witnesses."""
        party, links = ways.mover.view.at_closed_links()
        if party.size:
            ways.meet(links, self.time_s)
            party = party[party < self.n_parties]
            ways.mover.set_table(party, 2 * self.goal[party] + WITNESS)

    def set_phones(self, works: np.ndarray) -> None:
        """Note whose phone works, bool per party. Without a phone live news ends, on the way as at home."""
        lost = self.queue_news.phone_works & ~works
        self.queue_news.phone_works = works.copy()
        party = np.flatnonzero(lost)
        party = party[self.driving.view.table_of(party) == HEARSAY]
        if party.size:
            table = self.queue_news.table_of(party)
            self.ways.freshen(table)
            self.driving.set_table(party, table)

    def set_capacity(self, car_factor: np.ndarray, walk_factor: np.ndarray) -> None:
        """Narrow links: share of the undamaged flow capacity that is left, per link, for vehicles and walkers."""
        self._undamaged = car_factor.copy()
        self._set_car_capacity()
        links = np.flatnonzero((walk_factor != self._walk_factor) & self.streets.walkable & (walk_factor > 0))
        if links.size:
            self._walk_factor[links] = walk_factor[links]
            width_m = self.streets.walk_width_m[links] * walk_factor[links]
            self.walking.set_street(self.streets.link_street[links], walk_width_m=width_m)

    def set_lanes(self, lanes_factor: np.ndarray, exits_per_s: np.ndarray) -> None:
        """Multiply the lanes of links, and set how many cars each exit lets out (1/s)."""
        links = np.flatnonzero(lanes_factor != self.lanes_factor)
        self.lanes_factor = lanes_factor.copy()
        self.driving.set_lanes(links, self.streets.n_lanes[links] * lanes_factor[links])
        self._set_car_capacity()
        is_limit = np.isfinite(self.ways.exit_per_s)
        self.ways.exit_per_s = np.where(is_limit, exits_per_s, np.inf)
        self.driving.set_sink_capacity(self.streets.exit_node[is_limit], exits_per_s[is_limit])

    def set_checkpoints(self, per_s: Floats) -> None:
        """Let checkpoints at the ends of links pass so many vehicles (1/s), inf: there is none."""
        self.checkpoint_per_s = per_s.copy()
        self._set_car_capacity()

    def set_junctions(self, is_shared: Bools, share: Floats, flow_factor: Floats) -> None:
        """Hold the streams at junctions in another way from now on.

        is_shared: links that share the time of the junction at their end with those that cross them. share: of each
        then. flow_factor: share of its flow that each has whoever else comes.
        """
        self._junction_factor = flow_factor.copy()
        self.driving.set_crossing(is_shared, share)
        self._set_car_capacity()

    def _set_car_capacity(self) -> None:
        """Let links carry what damage, junctions and vehicles left standing leave of them, all lanes they have now."""
        factor, wrecks = self._undamaged * self.lanes_factor * self._junction_factor, self._wreck_link
        if wrecks.size:
            n_lanes = self.streets.n_lanes * self.lanes_factor
            lanes_left = 1.0 - np.bincount(wrecks, minlength=factor.size) / np.maximum(n_lanes, 1e-9)
            factor = np.where(lanes_left < 1.0, factor * np.maximum(lanes_left, LEAST_PAST_WRECKS), factor)
        with np.errstate(divide="ignore", invalid="ignore"):
            most = self.checkpoint_per_s / self.streets.flow_capacity_per_s
        factor = np.where(most < factor, most, factor)
        links = np.flatnonzero((factor != self._car_factor) & self.streets.drivable & (factor > 0))
        if links.size:
            self._car_factor[links] = factor[links]
            self.driving.set_flow_capacity(links, self.streets.flow_capacity_per_s[links] * factor[links])

    def _leave_standing(self, links: Ints) -> None:
        """Let vehicles stand on links, one for each entry, each in a lane until it is cleared."""
        until_s = np.full(links.size, self.time_s + self.settings.wreck_stands_s)
        self._wreck_link = np.append(self._wreck_link, links.astype(np.int32))
        self._wreck_until_s = np.append(self._wreck_until_s, until_s)
        self._set_car_capacity()

    def _clear_wrecks(self) -> None:
        """Take away the vehicles whose time has come."""
        if self._wreck_until_s.size == 0:
            return
        stands = self._wreck_until_s > self.time_s
        if not stands.all():
            self._wreck_link, self._wreck_until_s = self._wreck_link[stands], self._wreck_until_s[stands]
            self._set_car_capacity()

    def who_give_up(self) -> np.ndarray:
        """Return the vehicles that have stood without a way on, or in a gridlock, for longer than people's patience."""
        if not self.driving.view.n_under_way:
            return NOBODY
        if self._nobody_stood_s == self.time_s:
            if self.stuck[0].size or self.gridlocks.is_any:
                self.stuck = NOBODY, np.empty(0)
                self.gridlocks.look(self.time_s, NOBODY)
            return NOBODY
        ids, _, state = self.driving.view.standing()
        held = rising(np.concatenate((ids[state == LOST], self.gridlocks.look(self.time_s, state))))
        if held.size == 0:
            self.stuck = NOBODY, np.empty(0)
            return NOBODY
        since_s = np.full(held.size, self.time_s)
        _, before, now = np.intersect1d(self.stuck[0], held, assume_unique=True, return_indices=True)
        since_s[now] = self.stuck[1][before]
        self.stuck = held, since_s
        return held[self.time_s - since_s >= self.settings.patience_s]

    @property
    def did_anybody_stand(self) -> bool:
        """Whether a vehicle had no way on or stood in a gridlock when last looked at."""
        return self.stuck[0].size > 0 or self.gridlocks.is_any

    def leave_cars(self, party: np.ndarray, n_persons: np.ndarray, free_speed_m_s: np.ndarray) -> tuple[Ints, Ints]:
        """Let people get out of cars where they are, their own or those of neighbours, and walk on.

        party: their households; whoever a car belongs to takes it off the road. n_persons, free_speed_m_s: of each.
        Returns those who walk now, and those who were not on the road yet.
        """
        link, along_m = self.driving.view.position(self.carrier[party])
        is_own = self.carrier[party] == party
        self.driving.withdraw(party[is_own])
        self.carrier[party] = party
        on_way = link >= 0
        start = (party[on_way], link[on_way], along_m[on_way], self.time_s)
        self.walking.add_on_link(*start, free_speed_m_s[on_way], n_persons[on_way], WITNESS)
        self._leave_standing(link[on_way & is_own])
        return party[on_way], party[~on_way]

    def withdraw(self, party: np.ndarray) -> None:
        """Take parties off the streets for good; their cars stand in a lane until they are cleared."""
        if party.size == 0:
            return
        is_guest = (self.carrier[party] != party) & (self.carrier[party] < self.n_parties)
        self.carrier[party[is_guest]] = party[is_guest]
        party = party[~is_guest]
        walks = self.walking.view.stage(party) != Stage.AWAY
        if np.count_nonzero(walks):
            self.walking.withdraw(party[walks])
        link = self.driving.view.link_of(party[~walks])
        self.driving.withdraw(party[~walks])
        self._leave_standing(link[link >= 0])

    def nearer_end(self, link: int, along_m: float) -> int:
        """Return the node at the nearer end of a link from a place along it (m)."""
        streets = self.streets
        is_far = along_m > streets.length_m[link] / 2
        return int((streets.link_downstream if is_far else streets.link_upstream)[link])

    @property
    def next_news_s(self) -> float:
        """When whoever found no way asks again (s): once in the time that news takes, at once if it takes none."""
        delay_s = self.settings.road_news_delay_s
        return (self.time_s // delay_s + 1) * delay_s if delay_s else self.time_s

    @property
    def n_moving(self) -> int:
        """Parties on the streets or queueing to get onto them."""
        return self.driving.view.n_under_way + self.walking.view.n_under_way

    def parties_near(self, x_m: float, y_m: float, reach_m: float) -> tuple[Ints, Floats, Floats]:
        """Return (party, x_m, y_m) of those on streets within reach of a place now, wherever on them."""
        _, links, _ = links_within(self._grid, x_m, y_m, reach_m)
        party = np.concatenate([self.driving.view.occupants(links), self.walking.view.occupants(links)])
        return (party, *self.place(party))

    def link_of(self, party: np.ndarray) -> np.ndarray:
        """Return the link that each party is on now, int32; -1 for those on none."""
        party = self.carrier[party]
        link = self.driving.view.link_of(party)
        return np.where(link >= 0, link, self.walking.view.link_of(party))

    def place(self, party: np.ndarray) -> tuple[Floats, Floats]:
        """Return (x_m, y_m) of parties on the streets now; nan for others."""
        party = self.carrier[party]
        link, along_m = self.driving.view.position(party)
        on_foot = link < 0
        if on_foot.any():
            link[on_foot], along_m[on_foot] = self.walking.view.position(party[on_foot])
        streets = self.streets
        share = along_m / np.where(link >= 0, streets.length_m[link], 1.0)
        return streets.places(link, share)
