"""Traffic alone, from two tables: links and trips in, entry and exit times out. For tests, benchmarks and own demand.

    >>> from safepassage.experiments.traffic.trips import simulate_trips
    >>> links = {"link": ["lane", "road"], "upstream": ["home", "square"], "downstream": ["square", "out"],
    ...          "length_m": [500.0, 1000.0], "free_flow_speed_m_s": [10.0, 20.0]}
    >>> trips = {"departure_time_s": [0.0, 1.0, 60.0], "origin": ["home"] * 3, "destination": ["out"] * 3}
    >>> results = simulate_trips(links, trips, end_s=7200)
    >>> results.trips["arrival_time_s"].round(2).tolist()
    [100.0, 102.26, 160.0]
    >>> int(results.n_past("road", 500.0, 78.0)), round(results.flow_per_s("lane", 500.0, 0.0, 100.0), 3)
    (2, 0.02)

    results.trips       one row per trip: departure_time_s, entry_time_s, arrival_time_s, travel_time_s,
                        free_flow_time_s, delay_s, outcome
    results.crossings   one row per trip and link driven through: trip, link, entry_time_s, exit_time_s
    results.links       one row per link: n_entered, n_left, mean_travel_time_s, delay_s
    results.gridlocks   rings of full links that wait for each other at the end; their vehicles are "under way"
    results.n_past(link, distance_m, time_s)      cumulative count at a place; at 0 and length_m: N_in and N_out
    results.flow_per_s(link, distance_m, from_s, to_s), results.density_per_m(link, from_m, to_m, time_s)

links (DataFrame, or mapping of columns): upstream, downstream (node labels), length_m, free_flow_speed_m_s; if given,
link (label; the row number by default), n_lanes (1), jam_density_per_m per lane (0.133), wave_speed_m_s (5),
flow_capacity_per_s of the link's end (u w kj / (u + w) per lane).
trips: departure_time_s, origin, and either destination (a node) or path (a sequence of link labels); if given, trip
(label), size in car units (1), max_speed_m_s of the vehicle (no limit).

Trips with a destination take the fastest way on free-flow times, or, with reroute_every_s, on the times seen
information_delay_s earlier; everyone looks anew at each node. perception_spread lets travellers differ in what they
take a link's time to be (probit route choice: Sheffi 1985, Urban Transportation Networks, ch. 11): n_perceptions
tables, in pairs of opposite error, handed out in turn to those with the same origin and destination.

What cannot be used raises ScenarioError and says where. What can happen is an outcome that is counted: "no route" (no
way from origin to destination), "not departed" (departure at or after end_s), "waiting" (no room yet to set out),
"under way" (on a link at end_s), "arrived". Arrivals at exactly end_s are not seen.
"""

from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy as np
import pandas as pd

from safepassage.agents.rules import drive
from safepassage.model import draws
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.classes import JAM_DENSITY_PER_M, WAVE_SPEED_M_S, lane_flow_per_s

PERCEPTION_STREAM = 1000
"""Key of the chance used here alone; the streams of the model are numbered from 1."""


@dataclass(frozen=True)
class TripResults:
    """What happened to the trips. All times are in seconds from the start of the simulation."""

    trips: pd.DataFrame
    """One row per trip, by label: departure_time_s, entry_time_s, arrival_time_s, travel_time_s, free_flow_time_s,
    delay_s (NaN where it has not come to that) and outcome: "arrived", "under way" (on a link at end_s), "waiting" (no
    room yet to set out), "not departed" (departure at or after end_s) or "no route"."""
    crossings: pd.DataFrame | None
    """One row per trip and link driven through: trip, link, entry_time_s, exit_time_s (NaN for vehicles still on the
    link at the end). None unless recorded."""
    links: pd.DataFrame
    """One row per link, by label: the columns given, n_entered, n_left (vehicles), mean_travel_time_s, delay_s."""
    end_s: float
    """When the simulation ended (s)."""
    gridlocks: list[list]
    """Rings of full links, by label, whose vehicles wait for each other at the end; none of them can ever move on."""

    @property
    def n_arrived(self):
        """Number of trips that arrived before the end."""
        return int((self.trips["outcome"] == "arrived").sum())

    @property
    def total_travel_time_s(self):
        """Sum over the trips that arrived, from departure to arrival (s)."""
        return float(self.trips["travel_time_s"].sum())

    @property
    def mean_travel_time_s(self):
        """Mean over the trips that arrived (s)."""
        return float(self.trips["travel_time_s"].mean())

    @property
    def mean_delay_s(self):
        """Mean over the trips that arrived: travel time less free-flow time of the links driven (s)."""
        return float(self.trips["delay_s"].mean())

    @cached_property
    def _times(self):
        if self.crossings is None:
            raise ScenarioError("curves need the crossings; call simulate_trips(..., record=True)")
        groups = self.crossings.groupby("link")
        return {
            k: (np.sort(g["entry_time_s"].to_numpy()), np.sort(g["exit_time_s"].dropna().to_numpy())) for k, g in groups
        }

    def n_past(self, link, distance_m, time_s):
        """Return how many vehicles have passed a place of a link by a time (the cumulative curve N(x, t)).

        link: label. distance_m: from the upstream end (m). time_s: a time, or an array of times (s). Raises
        ScenarioError if crossings were not recorded.

        Newell's three-detector formula, exact for the triangular diagram: the lesser of what free flow has brought
        from the upstream end and what the backward wave lets through from the downstream end. Between the ends it
        takes every vehicle for a car (size 1, no max_speed_m_s): with longer or slower ones it is an upper bound.
        """
        row = self.links.loc[link]
        entry_s, exit_s = self._times.get(link, (np.zeros(0), np.zeros(0)))
        rest_m = row["length_m"] - np.asarray(distance_m, float)
        time_s = np.asarray(time_s, float)
        came = np.searchsorted(entry_s, time_s - distance_m / row["free_flow_speed_m_s"], side="right")
        went = np.searchsorted(exit_s, time_s - rest_m / row["wave_speed_m_s"], side="right")
        room = max(1.0, np.ceil(row["jam_density_per_m"] * row["n_lanes"] * row["length_m"] - 1e-6))
        return np.minimum(came, went + room * rest_m / row["length_m"])

    def flow_per_s(self, link, distance_m, from_s, to_s):
        """Return the mean flow past a place of a link between two times (vehicles/s).

        link: label. distance_m: from the upstream end (m). from_s, to_s: the two times (s).
        """
        past = self.n_past(link, distance_m, np.array([from_s, to_s]))
        return float(past[1] - past[0]) / (to_s - from_s)

    def density_per_m(self, link, from_m, to_m, time_s):
        """Return the density between two places of a link at a time, or the mean over several times (vehicles/m).

        link: label. from_m, to_m: distances from the upstream end (m). time_s: a time, or an array of times (s).
        """
        between = self.n_past(link, from_m, time_s) - self.n_past(link, to_m, time_s)
        return float(np.mean(between)) / (to_m - from_m)


def _finite(values):
    return (values > 0) & np.isfinite(values)


def _column(table, name, default=None, *, of, is_right=_finite, must="be a finite number above 0"):
    """Return float64 of a column, the default where nothing is given; or say which row, value and change."""
    if name not in table:
        if default is None:
            raise ScenarioError(f"the {of}s table has no column {name}; it has {', '.join(map(str, table.columns))}")
        return np.full(len(table), default, float)
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
    values = np.where(table[name].isna(), np.nan if default is None else default, values)
    bad = ~is_right(values)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        found = table[name].iloc[i]
        found = repr(found) if isinstance(found, str) else f"{values[i]:g}"
        raise ScenarioError(f"{of} {table.index[i]} has {name} = {found}; it must {must}. Correct that {of}.")
    return values


def _table(given, of):
    """Return a table of the columns given, indexed by label, by row number if it has none; labels are unique."""
    try:
        table = pd.DataFrame(given).reset_index(drop=True)
    except ValueError as error:
        raise ScenarioError(f"the columns of the {of}s table do not make a table: {error}") from None
    if of not in table:
        return table
    labels = pd.Index(table[of], name=of)
    if labels.hasnans:
        raise ScenarioError(
            f"row {int(np.flatnonzero(labels.isna())[0])} of the {of}s table has no label {of}; give one"
        )
    if labels.has_duplicates:
        raise ScenarioError(f"{of} {labels[labels.duplicated()][0]} occurs twice; give each its own label")
    return table.set_index(labels)


def _read_links(links):
    """Return the links with every column filled, checked, indexed by label; and node labels."""
    table = _table(links, "link")
    for name in ("upstream", "downstream"):
        if name not in table:
            raise ScenarioError(f"the links table has no column {name}; it has {', '.join(map(str, table.columns))}")
        if table[name].isna().any():
            link = table.index[table[name].isna()][0]
            raise ScenarioError(f"link {link} has no {name} node; give the label of a node or leave the link out")
    full = table[["upstream", "downstream"]].copy()
    full.index.name = "link"
    defaults = {"length_m": None, "free_flow_speed_m_s": None, "n_lanes": 1.0, "jam_density_per_m": JAM_DENSITY_PER_M}
    for name, default in (defaults | {"wave_speed_m_s": WAVE_SPEED_M_S}).items():
        full[name] = _column(table, name, default, of="link")
    u, w = full["free_flow_speed_m_s"], full["wave_speed_m_s"]
    most = lane_flow_per_s(u, w, full["jam_density_per_m"] * full["n_lanes"])
    above = {"is_right": lambda per_s: per_s > 0, "must": "be a number above 0"}
    full["flow_capacity_per_s"] = np.minimum(_column(table, "flow_capacity_per_s", np.inf, of="link", **above), most)
    nodes = pd.Index(pd.unique(pd.concat([full["upstream"], full["downstream"]], ignore_index=True)))
    return full, nodes


def _nodes_of(table, name, nodes):
    """Return node indices of a column of labels."""
    index = nodes.get_indexer(table[name])
    if (index < 0).any():
        i = int(np.flatnonzero(index < 0)[0])
        raise ScenarioError(
            f"trip {table.index[i]} has {name} {table[name].astype(object).iloc[i]!r}, which no link starts or ends "
            "at; give the label of a node as the links table writes it"
        )
    return index.astype(np.int32)


def _read_trips(trips, nodes, links):
    """Return (table, origin, destination or None, paths or None), checked."""
    table = _table(trips, "trip")
    if "origin" not in table:
        raise ScenarioError(f"the trips table has no column origin; it has {', '.join(map(str, table.columns))}")
    origin = _nodes_of(table, "origin", nodes)
    if "path" in table:
        if "destination" in table:
            raise ScenarioError("the trips table has both a column destination and a column path; give one of them")
        return table, origin, None, _paths_of(table, links)
    if "destination" not in table:
        raise ScenarioError("the trips table has neither a column destination nor a column path; give one of them")
    return table, origin, _nodes_of(table, "destination", nodes), None


def _paths_of(table, links):
    """Return the paths of trips as sequences of link rows, each from its origin on and without a gap."""
    ends = links[["upstream", "downstream"]].to_numpy(object)
    paths = []
    for trip, origin, path in zip(table.index, table["origin"], table["path"], strict=True):
        if isinstance(path, str) or not np.iterable(path):
            raise ScenarioError(f"the path of trip {trip} is {path!r}; give a list of link labels")
        path, node = list(path), origin
        rows = links.index.get_indexer(path)
        for link, row in zip(path, rows, strict=True):
            if row < 0:
                raise ScenarioError(f"the path of trip {trip} holds link {link!r}, which is not in the links table")
            if ends[row, 0] != node:
                raise ScenarioError(
                    f"the path of trip {trip} takes link {link!r}, which starts at {ends[row, 0]!r}, from {node!r}; "
                    "give links that follow each other, the first of them from the origin"
                )
            node = ends[row, 1]
        paths.append(rows)
    return paths


class _Router:
    """Next-link tables on free-flow or seen times, one for each perception and destination."""

    def __init__(self, driving, destination, spread, n_perceptions, seed):
        self.driving = driving
        self.destinations, self.column = np.unique(destination, return_inverse=True)
        self.errors = [1.0]
        if spread:
            n = driving.n_links
            u = [draws.uniforms(seed, PERCEPTION_STREAM, n, tick=k) for k in range((n_perceptions + 1) // 2)]
            errors = [spread * np.sqrt(3.0) * (2.0 * x - 1.0) for x in u]
            self.errors = [np.maximum(0.05, 1.0 + s * e) for e in errors for s in (1, -1)]
        self.seen = [(-np.inf, driving.view.link_time_s())]
        n_rows = len(self.errors) * self.destinations.size
        self.routes = Routes(driving.n_nodes, driving.upstream, driving.downstream, n_rows)

    def tables(self, time_s, information_delay_s):
        """Return the tables on the latest times seen information_delay_s ago or earlier, and note the times now."""
        self.seen.append((time_s, self.driving.view.link_time_s()))
        while len(self.seen) > 1 and self.seen[1][0] <= time_s - information_delay_s:
            self.seen.pop(0)
        for k, error in enumerate(self.errors):
            for column, destination in enumerate(self.destinations):
                row = k * self.destinations.size + column
                self.routes.set_class(row, self.seen[0][1] * error, is_open=True, destination_node=[destination])
        return self.routes.next_link

    def row(self, origin, departure_s):
        """Return the table row of each trip: those of one origin and destination take the perceptions in turn."""
        order = np.lexsort((departure_s, self.column, origin))
        pair = pd.Series(origin[order].astype(np.int64) * self.destinations.size + self.column[order])
        turn = np.empty(order.size, np.int64)
        turn[order] = pair.groupby(pair).cumcount().to_numpy()
        return (turn % len(self.errors)) * self.destinations.size + self.column


def _check_options(end_s, reroute_every_s, information_delay_s, perception_spread, n_perceptions):
    """Refuse what no run can be made with, by name."""
    for name, value, is_right, must in (
        ("end_s", end_s, lambda x: 0 <= x < np.inf, "a time from 0 on"),
        ("reroute_every_s", 1.0 if reroute_every_s is None else reroute_every_s, lambda x: x > 0, "above 0, or None"),
        ("information_delay_s", information_delay_s, lambda x: x >= 0, "0 or more"),
        ("perception_spread", perception_spread, lambda x: 0 <= x < np.inf, "0 or more"),
        ("n_perceptions", n_perceptions, lambda x: x >= 1 and x == int(x), "a whole number from 1 on"),
    ):
        if not (isinstance(value, Real) and is_right(value)):
            raise ScenarioError(f"simulate_trips got {name} = {value!r}; it must be {must}")


def simulate_trips(
    links,
    trips,
    *,
    end_s,
    reroute_every_s=None,
    information_delay_s=0.0,
    perception_spread=0.0,
    n_perceptions=10,
    seed=0,
    sink_flow_capacity_per_s=None,
    record=True,
):
    """Run trips over links from time 0 until end_s (s) and return TripResults.

    links: DataFrame, or mapping of columns. Needed: upstream, downstream (labels of nodes), length_m,
    free_flow_speed_m_s. Optional: link (label; default: the row number), n_lanes (1), jam_density_per_m per lane
    (0.133), wave_speed_m_s (5), flow_capacity_per_s of the link's end (by default as much as its lanes carry).
    trips: DataFrame, or mapping of columns. Needed: departure_time_s, origin (label of a node), and either
    destination (label of a node) or path (list of labels of links). Optional: trip (label), size in car units (1),
    max_speed_m_s of the vehicle (no limit).

    reroute_every_s: time between two looks at travel times (s); default: drivers keep to free-flow times.
    information_delay_s: age of the travel times seen (s). perception_spread: coefficient of variation of a link's
    perceived time (uniform errors); 0: all see the same. n_perceptions: how many different perceptions there are.
    seed: seed of these errors. sink_flow_capacity_per_s: label of a node -> most vehicles that can leave the network
    there per second; default: no limit. record: keep the crossings, from which flows and densities are computed.

    Raises ScenarioError, naming table, row, column and value, for what cannot be used.
    """
    links, nodes = _read_links(links)
    trips, origin, destination, paths = _read_trips(trips, nodes, links)
    later = {"is_right": lambda time_s: time_s >= 0, "must": "be 0 or later"}
    departure_s = _column(trips, "departure_time_s", of="trip", **later)
    _check_options(end_s, reroute_every_s, information_delay_s, perception_spread, n_perceptions)
    sinks = np.full(len(nodes), np.inf)
    for node, per_s in (sink_flow_capacity_per_s or {}).items():
        if node not in nodes:
            raise ScenarioError(f"sink_flow_capacity_per_s names node {node!r}, which no link starts or ends at")
        sinks[nodes.get_loc(node)] = per_s
    columns = ["length_m", "free_flow_speed_m_s", "n_lanes", "jam_density_per_m", "wave_speed_m_s"]
    driving = Driving(
        upstream=nodes.get_indexer(links["upstream"]),
        downstream=nodes.get_indexer(links["downstream"]),
        flow_capacity_per_s=links["flow_capacity_per_s"].to_numpy(),
        n_nodes=len(nodes),
        n_vehicles=len(trips),
        sink_flow_capacity_per_s=sinks,
        record=record,
        **{name: links[name].to_numpy() for name in columns},
    )
    going = np.flatnonzero(departure_s < end_s)
    units = {"is_right": lambda n: (n >= 1) & (n <= 1000) & (n % 1 == 0), "must": "be a whole number, 1 to 1000"}
    above = {"is_right": lambda m_s: m_s > 0, "must": "be a number above 0"}
    vehicle = {"size": _column(trips, "size", 1.0, of="trip", **units).astype(np.int32)[going]}
    vehicle["max_speed_m_s"] = _column(trips, "max_speed_m_s", np.inf, of="trip", **above)[going]
    router = None
    if paths is None and going.size:
        router = _Router(driving, destination, perception_spread, n_perceptions, seed)
        vehicle["table"] = router.row(origin, departure_s)[going]
        driving.set_next_link(router.tables(0.0, information_delay_s))
    elif paths is not None:
        vehicle["paths"] = [paths[i] for i in going]
    driving.add(going, origin[going], departure_s[going], **vehicle)
    arrival_s = np.full(len(trips), np.nan)
    reroutes = np.arange(reroute_every_s, end_s, reroute_every_s) if reroute_every_s and router else []
    for until_s in [*reroutes, end_s]:
        arrivals = driving.advance(until_s)
        arrival_s[arrivals.id] = arrivals.time_s
        if until_s < end_s:
            driving.set_next_link(router.tables(until_s, information_delay_s))
    return _results(driving, links, trips, departure_s, arrival_s, end_s, record=record)


def _results(driving, links, trips, departure_s, arrival_s, end_s, *, record):
    """Return the TripResults of a run that has ended."""
    state = driving.view.state_of(np.arange(len(trips)))
    names = {drive.HELD: "no route", drive.QUEUED: "waiting", drive.DRIVING: "under way", drive.PENDING: "waiting"}
    outcome = np.array([names.get(s, "not departed") for s in range(drive.DRIVING + 1)], object)[state]
    outcome[~np.isnan(arrival_s)] = "arrived"
    stuck = driving.view.without_route()
    outcome[stuck] = "no route"
    table = pd.DataFrame({"departure_time_s": departure_s, "arrival_time_s": arrival_s}, index=trips.index)
    table["travel_time_s"] = arrival_s - departure_s
    table["outcome"] = outcome
    crossings = None
    if record:
        done, on = driving.crossings(), driving.view.on_links()
        trip, link = np.concatenate([done.id, on.id]), np.concatenate([done.link, on.link])
        entry_s = np.concatenate([done.entry_s, on.entry_s])
        crossings = pd.DataFrame({"trip": trips.index[trip], "link": links.index[link], "entry_time_s": entry_s})
        crossings["exit_time_s"] = np.concatenate([done.exit_s, on.exit_s])
        free_s = (links["length_m"] / links["free_flow_speed_m_s"]).to_numpy()[link]
        table["entry_time_s"] = pd.Series(entry_s).groupby(trip).min().reindex(range(len(trips))).to_numpy()
        table["free_flow_time_s"] = np.bincount(trip, free_s, minlength=len(trips))
        table["delay_s"] = table["travel_time_s"] - table["free_flow_time_s"]
    per_link = links.copy()
    per_link["n_entered"], per_link["n_left"] = driving.view.n_entered, driving.view.n_left
    per_link["delay_s"] = driving.view.delay_s
    free_s = per_link["length_m"] / per_link["free_flow_speed_m_s"]
    per_link["mean_travel_time_s"] = free_s + per_link["delay_s"] / per_link["n_left"].where(per_link["n_left"] > 0)
    gridlocks = [links.index[ring].tolist() for ring in driving.view.gridlocks()]
    return TripResults(table, crossings, per_link, float(end_s), gridlocks)
