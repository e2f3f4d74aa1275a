"""All that the rules of driving read and write: one object, changed by Driving and read by DrivingView."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.ground.records import records
from safepassage.agents.rules import drive
from safepassage.agents.rules.drive_state import (
    ARM,
    ARRIVAL,
    CROSSING,
    DANGER,
    DOSE,
    EVENT,
    HEAP,
    LINK,
    LOG,
    RUN,
    SLOT,
    VEHICLE,
)
from safepassage.model.movement.under_way import UnderWay
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.junctions import Junctions


@dataclass
class Traffic:
    """Vehicles on the streets: records of agents/rules/drive_state.py, one row each, and what is counted beside them.

    Rows of links, then of nodes' sinks; arms of links, then of those who set out onto them.
    """

    n_links: int
    jam_density_per_m: Floats
    """Of all lanes of each link (vehicles/m), float64[n_links]."""
    links: Any
    slots: Any
    arms: Any
    events: Any
    wheel: Ints
    heap: Any
    run: Any
    vehicles: Any
    departures: Any
    arrivals: Any
    listed: Ints
    """Room for all arms; see `occupied`."""
    log: Any
    crossings: Any
    dangers: Any
    doses: Any
    paths: Ints
    next_link: Ints
    """int32[n_tables, n_nodes]."""
    log_parts: list[Any]
    """Logs that were full."""
    wave_speed_m_s: Floats
    """Of the backward wave of each link (m/s), float64[n_links]."""
    other_speed: Ints
    """Room for all links; see `changed_speed`."""
    alone_s: Floats = field(default_factory=lambda: np.zeros(0))
    """Time that each link took somebody alone at first (s), float64[n_links]."""
    time_s: float = 0.0
    """The time reached (s)."""
    under_way: UnderWay = field(default_factory=UnderWay)
    """Vehicles added that have neither arrived nor been withdrawn."""

    @property
    def changed_speed(self) -> Ints:
        """Links that take somebody alone another time now than at first."""
        return self.other_speed[: int(self.run["n_other_speed"][0])]

    @property
    def occupied(self) -> Ints:
        """All arms that vehicles are in, and some that none is in any more, in any order."""
        return self.listed[: int(self.run["n_occupied"][0])]

    def state(self) -> tuple[Any, ...]:
        """Return what `drive.advance` is given but the time, with room for arrivals of everybody under way."""
        if self.arrivals.size < self.under_way.n:
            self.arrivals = records(self.under_way.n, ARRIVAL)
        return (
            self.links, self.slots, self.arms, self.vehicles, self.events, self.wheel, self.heap, self.run,
            self.arrivals, self.listed, self.log, self.crossings, self.dangers, self.doses, self.departures,
            self.next_link, self.paths,
        )  # fmt: skip


def no_traffic(
    downstream: Ints, n_nodes: int, length_m: Floats, jam_density_per_m: Floats, wave_speed_m_s: Floats, *, record: bool
) -> Traffic:
    """Return the traffic of links that nobody is on, all arrays by link; headways and speeds are still to be set.

    downstream: node at which each link ends, int32; one of n_nodes. length_m: of each link (m). jam_density_per_m: per
    metre of all its lanes (vehicles/m). wave_speed_m_s: of the backward wave (m/s). record: log every crossing.
    """
    n = downstream.size
    links = records(n + n_nodes, LINK)
    links["first_waiter"] = drive.NONE
    links["is_open"] = 1
    links["downstream"][:n] = downstream
    links["length_m"][:n] = length_m
    links["crossed_by"] = drive.NONE
    links["wave_time_s"][:n] = length_m / wave_speed_m_s
    links["storage"] = 2**30
    links["storage"][:n] = _storage(jam_density_per_m, length_m)
    n_slots = 2 ** np.ceil(np.log2(links["storage"][:n])).astype(np.int64)
    links["ring_mask"][:n] = n_slots - 1
    links["ring_first"][:n] = np.cumsum(n_slots) - n_slots
    arms, run = records(2 * n, ARM), records(1, RUN)
    arms["tag_target"] = drive.NONE
    run["held_first"] = drive.NONE
    return Traffic(
        n, jam_density_per_m, links, records(int(n_slots.sum()), SLOT), arms, records(3 * n + n_nodes, EVENT),
        np.zeros(0, np.int32), records(3 * n + n_nodes + 1, HEAP), run, records(0, VEHICLE), records(0, SLOT),
        records(0, ARRIVAL), np.zeros(2 * n, np.int32), records(65536 if record else 0, LOG), records(0, CROSSING),
        records(0, DANGER), records(0, DOSE), np.zeros(0, np.int32), np.full((1, n_nodes), drive.NO_ROUTE, np.int32),
        [], wave_speed_m_s, np.zeros(n, np.int64),
    )  # fmt: skip


def _storage(jam_density_per_m: Floats, length_m: Floats) -> Ints:
    """Return how many car units links hold, at least one."""
    return np.maximum(1, np.ceil(jam_density_per_m * length_m - 1e-6)).astype(np.int64)


def set_jam_density(traffic: Traffic, rows: Ints, jam_density_per_m: Floats) -> None:
    """Let links hold other numbers of vehicles (vehicles/m, all lanes); those on them stay. Writes links and slots.

    rows: of the links. jam_density_per_m: of each of them.
    """
    links = traffic.links
    traffic.jam_density_per_m[rows] = jam_density_per_m
    links["storage"][rows] = _storage(jam_density_per_m, links["length_m"][rows])
    for row in rows[links["storage"][rows] > links["ring_mask"][rows] + 1].tolist():
        first, mask = int(links["ring_first"][row]), int(links["ring_mask"][row])
        n_slots = 2 ** int(np.ceil(np.log2(links["storage"][row])))
        count = np.arange(links["freed"][row], links["tail"][row])
        wider = records(n_slots, SLOT)
        wider[count & (n_slots - 1)] = traffic.slots[first + (count & mask)]
        links["ring_first"][row], links["ring_mask"][row] = traffic.slots.size, n_slots - 1
        traffic.slots = np.concatenate([traffic.slots, wider])


def checked(name: str, value: Floats | float, n: int, *, above: float = 0.0, of: str = "link") -> Floats:
    """Return float64[n] of finite values above a bound, or say which value is not.

    name, of: what the value is and of what, for the message.
    """
    array = np.broadcast_to(np.asarray(value, np.float64), (n,)).copy()
    bad = ~(array > above) | np.isnan(array)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise ScenarioError(f"{of} {i} has {name} = {array[i]}; it must be above {above:g}. Correct that {of}.")
    return array


def cross(traffic: Traffic, junctions: Junctions) -> None:
    """Note the streams that cross each other. Writes links and crossings."""
    n_crossing = np.diff(junctions.first)
    crossed = np.flatnonzero(n_crossing)
    row = np.cumsum(n_crossing[crossed] + 2) - n_crossing[crossed] - 2
    traffic.links["crossed_by"][crossed] = row
    crossings = traffic.crossings = records(int((n_crossing[crossed] + 2).sum()), CROSSING)
    crossings["link"] = drive.NONE
    crossings["link"][row], crossings["stage"][row], crossings["share"][row] = crossed, -2, junctions.share[crossed]
    of = np.repeat(np.arange(crossed.size), n_crossing[crossed])
    at = row[of] + 1 + np.arange(of.size) - (np.cumsum(n_crossing[crossed]) - n_crossing[crossed])[of]
    crossings["link"][at], crossings["stage"][at] = junctions.link, junctions.stage
    crossings["share"][at] = junctions.share[junctions.link]


def refuse_departures(
    traffic: Traffic, ids: Ints, origin: Ints, departure_s: Floats, size: Ints, max_speed_m_s: Floats
) -> None:
    """Raise ScenarioError for vehicles that are under way, set out from no node or in the past, or cannot be.

    traffic: who is under way, and the time. ids, origin, departure_s, size, max_speed_m_s: as in `Driving.add`.
    """
    n_nodes = traffic.next_link.shape[1]
    if ids.min() < 0:
        raise ScenarioError(f"a vehicle has id {ids.min()}; ids are rows, from 0")
    is_twice = (np.diff(np.sort(ids)) == 0).any()
    if is_twice or (traffic.vehicles["state"][ids] != drive.ABSENT).any():
        busy = ids[traffic.vehicles["state"][ids] != drive.ABSENT]
        raise ScenarioError(f"vehicle {busy[0] if busy.size else ids[0]} is under way already; use another id")
    if origin.min() < 0 or origin.max() >= n_nodes:
        raise ScenarioError(f"an origin is node {origin.min()} or {origin.max()}; nodes are 0..{n_nodes - 1}")
    if not (departure_s >= traffic.time_s).all() or not np.isfinite(departure_s).all():
        raise ScenarioError(
            f"a vehicle departs at {departure_s.min()} s; the time is {traffic.time_s} s. Depart then or later."
        )
    if (size < 1).any():
        raise ScenarioError(f"a vehicle has size {size.min()}; a car has size 1, a bus 2 or 3")
    if not (max_speed_m_s > 0).all():
        raise ScenarioError(f"a vehicle has max_speed_m_s = {max_speed_m_s.min()}; give a speed above 0")


def choose_buckets(traffic: Traffic) -> None:
    """Size the calendar of events by how many can happen per second; no result depends on it. Writes run and wheel."""
    n = traffic.n_links
    mean_time_s = traffic.links["free_flow_time_s"][:n].mean() if n else 1.0
    per_s = 2.0 ** np.clip(np.round(np.log2(n / mean_time_s / 64.0 + 1e-9)), 0, 10)
    traffic.run["buckets_per_s"] = per_s
    traffic.wheel = np.full(2 ** int(np.ceil(np.log2(256 * per_s))), drive.NONE, np.int32)
