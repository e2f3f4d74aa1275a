"""Vehicles on the streets: who is where, when they get where they are going, what changes on the way.

The rules of motion are in agents/rules/drive.py; this class checks its input, holds the state and hands out results.
"""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints, each, rising
from safepassage.agents.ground.records import records
from safepassage.agents.rules import by_minutes, drive, drive_edit
from safepassage.agents.rules.drive_state import DANGER, DOSE, VEHICLE
from safepassage.model.movement import compiling, traffic
from safepassage.model.movement.driving_view import NO_ARRIVALS, Arrivals, Crossings, DrivingView, arrived
from safepassage.model.movement.traffic import checked
from safepassage.model.movement.under_way import NO_DOSES
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.classes import JAM_DENSITY_PER_M, WAVE_SPEED_M_S, lane_flow_per_s
from safepassage.model.streets.junctions import Junctions
from safepassage.model.streets.streets import Streets

NO_PATH = np.zeros(0, np.int32)


class Driving:
    """All vehicles on the streets, exact in time; results do not depend on how advance() is split.

    Links are given by arrays: upstream and downstream node, length_m, free_flow_speed_m_s, n_lanes. Jam density,
    jam_density_per_m, is per lane (vehicles/m); the backward wave runs at wave_speed_m_s. Both together with the
    free-flow speed give the most a link takes in, u w kj / (u + w) per lane; flow_capacity_per_s limits what leaves
    its end further (junction, damage; 0: nobody leaves). n_nodes: None: as many as the links name. n_vehicles: room for
    so many to begin with. sink_flow_capacity_per_s limits how many leave
    the network at each node (infinite by default). junctions: the Junctions of these links, where streams cross; none
    by default. With record=True every crossing is kept, see crossings().
    """

    def __init__(
        self,
        *, upstream: Ints, downstream: Ints, length_m: Floats, free_flow_speed_m_s: Floats,
        n_lanes: Floats | float = 1.0, jam_density_per_m: Floats | float = JAM_DENSITY_PER_M,
        wave_speed_m_s: Floats | float = WAVE_SPEED_M_S, flow_capacity_per_s: Floats | None = None,
        n_nodes: int | None = None, sink_flow_capacity_per_s: Floats | None = None,
        junctions: Junctions | None = None, n_vehicles: int = 0, record: bool = False,
    ) -> None:  # fmt: skip
        self.upstream = np.ascontiguousarray(upstream, np.int32)
        self.downstream = np.ascontiguousarray(downstream, np.int32)
        n = self.n_links = self.upstream.size
        ends = np.concatenate([self.upstream, self.downstream])
        self.n_nodes = int(n_nodes if n_nodes is not None else (ends.max() + 1 if n else 0))
        if self.downstream.size != n or (n and (ends.min() < 0 or ends.max() >= self.n_nodes)):
            raise ScenarioError(
                f"the ends of {n} links must be nodes 0..{self.n_nodes - 1}; found {ends.min()}..{ends.max()}"
            )
        self.length_m = checked("length_m", length_m, n)
        self.n_lanes = checked("n_lanes", n_lanes, n)
        self.jam_density_per_m = checked("jam_density_per_m", jam_density_per_m, n) * self.n_lanes
        self.wave_speed_m_s = checked("wave_speed_m_s", wave_speed_m_s, n)
        self._record = record
        of_links = (self.downstream, self.n_nodes, self.length_m, self.jam_density_per_m, self.wave_speed_m_s)
        self._traffic = traffic.no_traffic(*of_links, record=record)
        self.view = DrivingView(self._traffic)
        if sink_flow_capacity_per_s is not None:
            sink_per_s = checked("sink_flow_capacity_per_s", sink_flow_capacity_per_s, self.n_nodes, of="node")
            self._traffic.links["in_headway_s"][n:] = 1.0 / sink_per_s
        self._traffic.links["free_flow_time_s"][:n] = self.length_m / checked(
            "free_flow_speed_m_s", free_flow_speed_m_s, n
        )
        self._traffic.alone_s = self._traffic.links["free_flow_time_s"][:n].copy()
        self._set_in_headway()
        self.flow_capacity_per_s = 1.0 / self._traffic.links["in_headway_s"][:n]
        if flow_capacity_per_s is not None:
            given = checked("flow_capacity_per_s", flow_capacity_per_s, n, above=-1e-300)
            self.flow_capacity_per_s = np.minimum(given, self.flow_capacity_per_s)
        self._share = np.ones(n) if junctions is None else junctions.share
        self._set_out_headway()
        self._traffic.links["next_exit_s"][:n] = np.where(self.flow_capacity_per_s > 0, 0.0, np.inf)
        if junctions is not None:
            traffic.cross(self._traffic, junctions)
        self._crossed_by = self._traffic.links["crossed_by"][:n].copy()
        self.make_room(n_vehicles)
        traffic.choose_buckets(self._traffic)

    @property
    def time_s(self) -> float:
        """The time reached (s)."""
        return self._traffic.time_s

    @classmethod
    def on_streets(cls, streets: Streets, **options: Any) -> "Driving":
        """Return Driving on the links of model.network.Streets; those not drivable are closed."""
        sink = np.full(len(streets.node_x_m), np.inf)
        # no car gets to an exit of capacity 0; where a road leads on, its first link lets out what the exit states
        is_limit = (streets.exit_flow_capacity_per_s > 0) & (streets.exit_end_node == streets.exit_node)
        sink[streets.exit_node[is_limit]] = streets.exit_flow_capacity_per_s[is_limit]
        can, limit_per_s = streets.drivable, streets.flow_capacity_per_s
        driving = cls(
            upstream=streets.link_upstream, downstream=streets.link_downstream, length_m=streets.length_m,
            free_flow_speed_m_s=np.where(can, streets.free_flow_speed_m_s, 1.0), n_nodes=sink.size,
            n_lanes=np.where(can, streets.n_lanes, 1.0), flow_capacity_per_s=np.where(can, limit_per_s, 0.0),
            sink_flow_capacity_per_s=sink, junctions=streets.junctions, **options,
        )  # fmt: skip
        driving.set_open(np.flatnonzero(~streets.drivable), is_open=False)
        return driving

    def _set_in_headway(self):
        n = self.n_links
        speed_m_s = self.length_m / self._traffic.links["free_flow_time_s"][:n]
        per_s = lane_flow_per_s(speed_m_s, self.wave_speed_m_s, self.jam_density_per_m)
        self._traffic.links["in_headway_s"][:n] = 1.0 / per_s

    def _set_out_headway(self):
        with np.errstate(divide="ignore"):
            self._traffic.links["out_headway_s"][: self.n_links] = 1.0 / self.flow_capacity_per_s
        weight_per_s = np.maximum(self.flow_capacity_per_s * self._share, 1e-9)
        self._traffic.arms["weight_per_s"][: self.n_links] = weight_per_s
        self._traffic.arms["weight_per_s"][self.n_links :] = (
            weight_per_s  # those who set out weigh as the street they join
        )

    def make_room(self, n_vehicles: int) -> None:
        """Hold rows for at least so many vehicles."""
        now = self._traffic
        if n_vehicles > now.vehicles.size:
            vehicles = records(max(n_vehicles, 2 * now.vehicles.size), VEHICLE)
            vehicles["link"] = drive.NONE
            vehicles[: now.vehicles.size] = now.vehicles
            more = records(vehicles.size, DOSE)
            more[: now.doses.size] = now.doses
            now.vehicles, now.doses = vehicles, more

    def _resume(self, arms, supplies):
        if len(arms) + len(supplies) == 0:
            return
        now = self._traffic
        state = (now.links, now.slots, now.arms, now.events, now.wheel, now.heap, now.run)
        drive.resume(*state, np.asarray(arms, np.int64), np.asarray(supplies, np.int64), now.time_s)

    def _forget_departures(self, ids):
        run = self._traffic.run[0]
        rest = self._traffic.departures[run["next_departure"] : run["n_departures"]]
        self._traffic.departures = rest[~np.isin(rest["vehicle"], ids)]
        run["next_departure"], run["n_departures"] = 0, self._traffic.departures.size

    def _set_out(self, ids, time_s):
        """Merge vehicles into those still to depart, in the order of (time, id)."""
        if ids.size > 1:
            order = np.lexsort((ids, time_s))
            ids, time_s = ids[order], time_s[order]
        now = self._traffic
        n_rest = int(now.run["n_departures"][0] - now.run["next_departure"][0])
        both = np.empty(n_rest + ids.size, now.departures.dtype)
        drive_edit.join_departures(both, now.departures, now.run, ids, time_s)
        now.departures = both

    def add(
        self, ids: Ints | list[int], origin: Ints | int, departure_s: Floats | float | list[float], *,
        table: Ints | int = 0, size: int = 1, max_speed_m_s: float = np.inf, paths: Any = None,
    ) -> None:  # fmt: skip
        """Let vehicles set out from a node at a time (not before now).

        ids: rows chosen by the caller, absent now. origin: node from which each sets out. departure_s: when (s). table:
        row of the next-link table to follow. size: car units (bus 2-3). max_speed_m_s: of the vehicle itself. paths:
        instead of a table, one sequence of links for each vehicle; it leaves the network at the end of the last one.
        """
        ids = np.asarray(ids, np.int32)
        n = ids.size
        if n == 0:
            return
        origin, departure_s = each(origin, n, np.int32), each(departure_s, n, np.float64)
        now, lowest = self._traffic, 0
        asked = ids, origin, departure_s, each(size, n, np.int32), each(max_speed_m_s, n, np.float64)
        if paths is not None:
            self.make_room(int(ids.max()) + 1)
            traffic.refuse_departures(now, *asked)
            self._add_paths(ids, origin, paths)
            table = lowest = drive.NONE
        tables, n_tables = each(table, n, np.int32), now.next_link.shape[0]
        rest = *asked, tables, lowest, n_tables, self.n_nodes, now.time_s
        if not drive_edit.let_set_out(now.vehicles, *rest):
            self.make_room(int(ids.max()) + 1)
            traffic.refuse_departures(now, *asked)
            self._check_table(table)
            drive_edit.let_set_out(now.vehicles, *rest)  # some had no row yet
        now.under_way.add(ids)
        self._set_out(ids, departure_s)

    def _check_table(self, table):
        if np.size(table) and (np.min(table) < 0 or np.max(table) >= self._traffic.next_link.shape[0]):
            raise ScenarioError(
                f"a vehicle follows table {np.min(table)} or {np.max(table)}; "
                f"there are {self._traffic.next_link.shape[0]}. Call set_next_link first."
            )

    def _add_paths(self, ids, origin, paths):
        flat = np.concatenate([np.asarray(p, np.int32) for p in paths]) if len(paths) else NO_PATH
        last = np.cumsum([len(p) for p in paths])
        if flat.size and (flat.min() < 0 or flat.max() >= self.n_links):
            raise ScenarioError(f"a path holds link {flat.min()} or {flat.max()}; links are 0..{self.n_links - 1}")
        start = self.upstream[flat]
        come_from = np.empty_like(start)
        come_from[1:] = self.downstream[flat[:-1]]
        first = last - [len(p) for p in paths]
        come_from[first[first < last]] = origin[first < last]
        if (start != come_from).any():
            i = int(np.flatnonzero(start != come_from)[0])
            raise ScenarioError(
                f"a path takes link {flat[i]}, which starts at node {start[i]}, from node {come_from[i]}; "
                "give links that follow each other, the first of them from the origin"
            )
        self._traffic.vehicles["path_next"][ids] = self._traffic.paths.size + first
        self._traffic.vehicles["path_end"][ids] = self._traffic.paths.size + last
        self._traffic.paths = np.concatenate([self._traffic.paths, flat])

    def advance(self, until_s: float) -> Arrivals:
        """Run all that happens before until_s; return the Arrivals since the last call."""
        if not self.time_s <= until_s < np.inf:
            raise ScenarioError(
                f"cannot advance to {until_s} s: the time is {self.time_s} s; give that time or a later one"
            )
        now = self._traffic
        if now.under_way.n == 0:
            now.time_s = float(until_s)
            return NO_ARRIVALS
        compiling.wait()
        state = now.state()
        while drive.advance(*state, float(until_s)) == drive.LOG_FULL:
            self._keep_log()
        now.time_s = float(until_s)
        return arrived(now)

    def state(self) -> tuple[Any, ...]:
        """Return all vehicles and links as `agents/rules/by_minutes.py` is given them."""
        now = self._traffic
        of_links = now.other_speed, now.alone_s, now.wave_speed_m_s, now.jam_density_per_m
        return (*now.state(), now.under_way.rows, *of_links)

    def take(self, time_s: float, n_arrived: int) -> Arrivals:
        """Note that a kernel has moved everybody to a time; return the Arrivals since the last call: so many."""
        self._traffic.time_s = time_s
        return arrived(self._traffic) if n_arrived else NO_ARRIVALS

    def _keep_log(self):
        n = int(self._traffic.run["n_logged"][0])
        self._traffic.log_parts.append(self._traffic.log[:n].copy())
        self._traffic.run["n_logged"] = 0

    def crossings(self) -> Crossings:
        """Return all completed crossings since the start; record=True is needed."""
        if not self._record:
            raise ScenarioError("crossings were not recorded; make Driving(..., record=True)")
        self._keep_log()
        self._traffic.log_parts = [np.concatenate(self._traffic.log_parts)]
        log = self._traffic.log_parts[0]
        return Crossings(log["vehicle"], log["link"], log["entry_s"], log["exit_s"])

    def set_next_link(self, next_link: Ints | list[list[int]]) -> None:
        """Give new tables, int32[n_tables, n_nodes]; whoever stands at a node or has yet to start looks again."""
        table = np.atleast_2d(np.array(next_link, np.int32, order="C"))
        if table.shape[1] != self.n_nodes or (table.size and (table.min() < -2 or table.max() >= self.n_links)):
            raise ScenarioError(f"a next-link table of shape {table.shape} does not fit {self.n_nodes} nodes and links")
        row, node = np.nonzero(table >= 0)
        if (self.upstream[table[row, node]] != node).any():
            raise ScenarioError("a next-link table takes a link from a node at which that link does not start")
        if table.shape[0] < self._traffic.next_link.shape[0]:
            raise ScenarioError(
                f"there are {self._traffic.next_link.shape[0]} tables; {table.shape[0]} cannot replace them"
            )
        self._traffic.next_link = table
        self.look_again()

    def take_rows(self, next_link: Ints, rows: list[int]) -> None:
        """Take over some rows of tables that fit, shaped as before; if one that is followed differs, all look again."""
        differs, before = [], self._traffic.next_link
        for row in rows:
            if np.count_nonzero(next_link[row] != before[row]):
                before[row] = next_link[row]
                differs.append(row)
        if differs and self.view.does_any_follow(differs):
            self.look_again()

    def look_again(self) -> None:
        """Let whoever stands at a node or has yet to start look at the tables again."""
        now = self._traffic
        if now.under_way.n == 0:
            return
        occupied, ways = now.occupied, (now.next_link, now.paths)
        again = np.empty(occupied.size, np.int32)
        n = drive_edit.arms_to_ask_again(again, now.links, now.slots, now.arms, now.vehicles, *ways, occupied)
        moved, left = drive_edit.take_out_of_queues(now.arms, now.vehicles, now.run, *ways, occupied)
        if n or left.size:
            self._resume(rising(np.concatenate((again[:n], left))), [])
        if moved.size:
            self._set_out(moved, np.full(moved.size, self.time_s))

    def set_table(self, ids: Ints, table: Ints | int) -> None:
        """Let vehicles follow another row of the next-link table from their next node on."""
        self._check_table(table)
        self._traffic.vehicles["table"][ids] = table
        self.look_again()

    def set_open(self, links: Ints, *, is_open: bool) -> None:
        """Open or close links to those who would enter; those on a closed link may leave at its end."""
        self._traffic.links["is_open"][links] = is_open
        self.look_again()

    def set_flow_capacity(self, links: Ints, flow_capacity_per_s: Floats) -> None:
        """Change what can leave the ends of links (vehicles/s); 0 lets nobody leave."""
        links = np.atleast_1d(links)
        given = checked("flow_capacity_per_s", flow_capacity_per_s, links.size, above=-1e-300)
        self.flow_capacity_per_s = self.flow_capacity_per_s.copy()  # whoever keeps the old one knows it by itself
        self.flow_capacity_per_s[links] = np.minimum(given, 1.0 / self._traffic.links["in_headway_s"][links])
        before_s = self._traffic.links["out_headway_s"][links]
        self._set_out_headway()
        after_s = self._traffic.links["out_headway_s"][links]
        left_s = np.maximum(0.0, self._traffic.links["next_exit_s"][links] - self.time_s)
        with np.errstate(invalid="ignore"):
            left_s = np.where(np.isfinite(before_s), left_s * (after_s / before_s), 0.0)
        self._traffic.links["next_exit_s"][links] = self.time_s + np.where(np.isfinite(after_s), left_s, np.inf)
        state = self._traffic.arms["state"][links]
        self._resume(links[(state == drive.MOVING) | ((state == drive.WAITING) & (given == 0))], [])

    def set_crossing(self, is_shared: Bools, share: Floats) -> None:
        """Change which links share the junction at their end with those that cross them, and the share of each then."""
        now = self._traffic
        now.links["crossed_by"][: self.n_links] = np.where(is_shared, self._crossed_by, drive.NONE)
        rows = now.crossings["link"] >= 0
        now.crossings["share"][rows] = share[now.crossings["link"][rows]]
        self._share = np.where(is_shared, np.minimum(share, 1.0), 1.0)
        self._set_out_headway()

    def set_lanes(self, links: Ints, n_lanes: Floats) -> None:
        """Change how many lanes links have: what they take in and hold. Set their flow capacity after it."""
        lane_per_m = self.jam_density_per_m[links] / self.n_lanes[links]
        self.n_lanes[links] = n_lanes
        traffic.set_jam_density(self._traffic, links, lane_per_m * n_lanes)
        self.jam_density_per_m = self._traffic.jam_density_per_m
        self._set_in_headway()
        self._resume([], links)

    def set_sink_capacity(self, nodes: Ints, flow_capacity_per_s: Floats) -> None:
        """Change how many vehicles can leave the network at nodes (1/s)."""
        self._traffic.links["in_headway_s"][self.n_links + nodes] = 1.0 / flow_capacity_per_s

    def set_free_flow_speed(self, links: Ints | list[int], free_flow_speed_m_s: Floats | float) -> None:
        """Change the free-flow speed of links for those who enter from now on."""
        links = np.atleast_1d(links)
        speed = checked("free_flow_speed_m_s", free_flow_speed_m_s, links.size)
        now = self._traffic
        of_links = now.other_speed, now.alone_s, now.wave_speed_m_s, now.jam_density_per_m
        drive.set_speeds(now.links, now.run, *of_links, np.asarray(links, np.int64), speed)

    def withdraw(self, ids: Ints | list[int]) -> None:
        """Take vehicles out wherever they are; the room of one on the road comes back after the wave's time."""
        self.suffer()
        now = self._traffic
        arms, supplies = [], []
        ids = np.atleast_1d(np.asarray(ids, np.int32))
        if (now.vehicles["state"][ids] == drive.PENDING).any():
            self._forget_departures(ids)
        now.under_way.drop(rising(ids[now.vehicles["state"][ids] != drive.ABSENT]))
        for vehicle in ids:
            state = (now.links, now.slots, now.arms, now.vehicles, now.run)
            arm, was_first = drive_edit.take_off(*state, vehicle, now.time_s)
            if was_first:
                arms.append(arm)
            if 0 <= arm < self.n_links:
                supplies.append(arm)
        self._resume(rising(arms), rising(supplies))

    def set_danger(
        self, strikes_per_s: Floats | list[float], crossfire_per_s: Floats | list[float], halted_factor: float
    ) -> None:
        """From now on count what time on links costs vehicles, by link: rates (1/s); see `take_doses`.

        halted_factor: on the strikes on a vehicle that stands.
        """
        self.suffer()
        now = self._traffic
        if now.dangers.size == 0:
            now.dangers, now.doses["since_s"] = records(now.n_links, DANGER), now.time_s
        now.dangers["strikes_per_s"], now.dangers["crossfire_per_s"] = strikes_per_s, crossfire_per_s
        now.dangers["halted_factor"] = halted_factor

    def suffer(self) -> bool:
        """Count the danger that everybody on links has gone through until now; return whether any is to be taken."""
        now = self._traffic
        if now.dangers.size == 0 or now.under_way.n == 0 or now.run["unharmed_s"][0] == now.time_s:
            return False
        return drive.suffer(now.links, now.vehicles, now.dangers, now.doses, now.under_way.rows, now.time_s)

    def take_doses(self) -> tuple[Ints, Floats]:
        """Return vehicles, rising, and the danger each has gone through since the last call, (strikes, crossfire).

        The others have gone through none. int32[n], float64[2, n].
        """
        under_way = self._traffic.under_way
        rows = under_way.taken() if self.suffer() else under_way.taken_left()
        return rows, by_minutes.take_doses(self._traffic.doses, rows) if rows.size else NO_DOSES
