"""Walking: parties on foot, from departure to arrival, exact in time; state in arrays, rules in agents/walk.py."""

from typing import NamedTuple

import numpy as np

from safepassage.agents import walk
from safepassage.agents.walkers import (
    ARRIVED,
    CLOCK,
    LINK,
    NO_ROUTE,
    PLACE,
    RULES,
    STREET,
    WALKER,
    Crowd,
    Stage,
)  # fmt: skip

WEIDMANN_GAMMA_PER_M2 = 1.913
JAM_DENSITY_PER_M2 = 5.4
"""Weidmann (1993), Kladek's formula."""
SPECIFIC_FLOW_PER_M_S = 1.225
"""Most walkers per metre of width and second: the maximum of Weidmann's diagram, at 1.75 persons/m2."""
CRITICAL_DENSITY_PER_M2 = 1.75
LEAST_PACE = 0.01
"""Smallest share of the free speed, so that nobody in a crush stands for ever; reached at 5.2/m2. Assumption."""
SWAP_AFTER_S = 10.0
"""Time after which parties on full streets change places, if they wait for each other's (s). Assumption."""


class Arrivals(NamedTuple):
    """Parties that reached a destination, in order of time."""

    id: np.ndarray
    """int32: the party's row."""
    time_s: np.ndarray
    node: np.ndarray
    """int32: where."""


def weidmann_pace(density_per_m2):
    """Return walking speed / free speed at a density (persons/m2), as the kernels compute it."""
    density_per_m2 = np.asarray(density_per_m2, dtype=float)
    exponent = WEIDMANN_GAMMA_PER_M2 * (1 / np.maximum(density_per_m2, 1e-9) - 1 / JAM_DENSITY_PER_M2)
    return np.maximum(-np.expm1(-exponent), LEAST_PACE)


def _record_array(size, dtype, **values):
    """Return an array of records with the fields given, the others 0."""
    rows = np.zeros(size, dtype=dtype).view(np.recarray)
    for name, value in values.items():
        rows[name] = value
    return rows


class Walking:
    """All who are on foot. Times are absolute (s); between calls, `time_s` is the time reached.

    A party is a row, chosen by the caller and known to one movement object at a time. Links, streets and nodes are
    rows of the street arrays. What is due at exactly `until_s` happens in the next call of `advance`, so results do
    not depend on how the time is split.
    """

    def __init__(
        self, n_nodes, link_upstream, link_downstream, link_street, length_m, walk_width_m, n_parties, *,
        is_open=True, exit_node=(), exit_flow_capacity_per_s=(), specific_flow_per_m_s=SPECIFIC_FLOW_PER_M_S,
    ):  # fmt: skip
        """Put nobody on streets given as arrays by link (width: of the whole street), with room for n_parties.

        Exits named in exit_node let exit_flow_capacity_per_s persons out; at other destinations all leave at once.
        """
        link_street = np.asarray(link_street, dtype=np.int32)
        length_m = np.array(length_m, dtype=float)
        if not (length_m > 0).all():
            link = int(np.argmax(~(length_m > 0)))
            raise ValueError(
                f"link {link} has length_m = {length_m[link]}; a length must be positive. Correct the link."
            )
        self._specific_flow_per_m_s = float(specific_flow_per_m_s)
        self._n_streets = int(link_street.max()) + 1
        n_exits = np.size(exit_node)
        n_rows = self._n_streets + n_exits + 1
        links = _record_array(
            length_m.size, LINK, length_m=length_m, upstream=link_upstream, downstream=link_downstream,
            street=link_street, first=-1, last=-1, is_open=is_open,
        )  # fmt: skip
        streets = _record_array(
            n_rows, STREET, pace=1.0, next_s=np.inf, area_m2=1.0, flow_capacity_per_s=np.inf, speed_factor=1.0,
            swap_s=np.inf, slot=-1, root=-1, first=-1, last=-1, link_a=-1, link_b=-1, node=-1,
        )  # fmt: skip
        by_street = np.argsort(link_street, kind="stable")
        n_links = np.bincount(link_street, minlength=self._n_streets)
        if n_links.max() > 2:
            raise ValueError(f"street {n_links.argmax()} has {n_links.max()} links; give it one or two.")
        first = np.cumsum(n_links) - n_links
        used = np.flatnonzero(n_links > 0)
        streets.link_a[used] = by_street[first[used]]
        both = np.flatnonzero(n_links == 2)
        streets.link_b[both] = by_street[first[both] + 1]
        n_used = np.maximum(n_links, 1)
        streets.length_m[: self._n_streets] = np.bincount(link_street, length_m, self._n_streets) / n_used
        exits = slice(self._n_streets, self._n_streets + n_exits)
        streets.node[exits] = exit_node
        streets.flow_capacity_per_s[exits] = exit_flow_capacity_per_s
        if n_exits and not (streets.flow_capacity_per_s[exits] > 0).all():
            raise ValueError("exit_flow_capacity_per_s must be positive; leave a closed exit out of the tables.")
        exit_street = np.full(n_nodes, -1, dtype=np.int32)
        exit_street[streets.node[exits]] = np.arange(n_rows - 1)[exits]
        rules = _record_array(
            1, RULES, gamma_per_m2=WEIDMANN_GAMMA_PER_M2, jam_density_per_m2=JAM_DENSITY_PER_M2,
            critical_density_per_m2=CRITICAL_DENSITY_PER_M2, least_pace=LEAST_PACE, swap_after_s=SWAP_AFTER_S,
        )  # fmt: skip
        n_slots = int(2 ** np.clip(np.ceil(np.log2(n_rows)), 8, 16))
        none = np.empty(0, dtype=np.int32)
        self._crowd = Crowd(
            _record_array(n_parties, WALKER, link=-1, node=-1, wanted=NO_ROUTE),
            _record_array(n_parties, PLACE, child=-1, sibling=-1),
            links, streets, np.full(n_slots, -1, dtype=np.int32), _record_array(1, CLOCK), rules,
            np.full((1, n_nodes), NO_ROUTE, dtype=np.int32), exit_street, none, np.empty(0), none,
            np.zeros((3, 16), dtype=np.int32),
        )  # fmt: skip
        self.time_s = 0.0
        self._departure_s, self._departing = np.empty(0), none
        self._early = []
        width_m = np.ones(self._n_streets)
        width_m[link_street] = walk_width_m
        self._width_m = width_m
        self.set_street(np.arange(self._n_streets), walk_width_m=np.where(width_m > 0, width_m, 1.0))

    @classmethod
    def on(cls, streets, n_parties, **settings):
        """Return Walking on the walkable links of model.streets.Streets; exits do not limit walkers."""
        return cls(
            len(streets.node_x_m), streets.link_upstream, streets.link_downstream, streets.link_street,
            streets.length_m, streets.walk_width_m, n_parties, is_open=streets.walkable, **settings,
        )  # fmt: skip

    def add(self, ids, origin_node, departure_s, free_speed_m_s, n_persons=1, class_row=0):
        """Let parties set out from nodes. free_speed_m_s: of the slowest member; class_row: row of the table."""
        self._add(ids, departure_s, free_speed_m_s, n_persons, class_row, node=origin_node)

    def add_on_link(self, ids, link, distance_m, departure_s, free_speed_m_s, n_persons=1, class_row=0):
        """Let parties set out from the middle of links, distance_m from upstream, even if the street is full."""
        to_go_m = np.clip(self._crowd.links.length_m[np.asarray(link)] - distance_m, 0.0, None)
        node = self._crowd.links.upstream[np.asarray(link)]
        self._add(ids, departure_s, free_speed_m_s, n_persons, class_row, node=node, wanted=link)
        self._crowd.places.target_s[np.asarray(ids)] = to_go_m

    def _add(self, ids, departure_s, free_speed_m_s, n_persons, class_row, **start):
        """Write the parties' rows and merge them into the list of departures, by time, then row."""
        ids = np.atleast_1d(np.asarray(ids, dtype=np.int32))
        departure_s = np.broadcast_to(np.asarray(departure_s, dtype=float), ids.shape)
        walkers = self._crowd.walkers
        self._check(ids, departure_s, np.broadcast_to(free_speed_m_s, ids.shape), np.broadcast_to(n_persons, ids.shape))
        rows = {"link": -1, "wanted": NO_ROUTE, "class_row": class_row, "stage": Stage.DUE}
        rows |= {"speed_m_s": free_speed_m_s, "n_persons": n_persons} | start
        for name, value in rows.items():
            walkers[name][ids] = value
        waiting = slice(int(self._crowd.clock[0].n_departed), None)
        departing = np.concatenate([self._departing[waiting], ids])
        departure_s = np.concatenate([self._departure_s[waiting], departure_s])
        order = np.lexsort((departing, departure_s))
        self._departing, self._departure_s = departing[order], departure_s[order]
        self._crowd.clock[0].n_departed = 0

    def _check(self, ids, departure_s, free_speed_m_s, n_persons):
        """Refuse parties that are on their way already, depart in the past, or have no people or no speed."""
        for wrong, name, found, change in (
            (self._crowd.walkers.stage[ids] != Stage.AWAY, "stage", self._crowd.walkers.stage[ids], "withdraw it"),
            (~(departure_s >= self.time_s), "departure_s", departure_s, f"give {self.time_s} or later, and finite"),
            (departure_s == np.inf, "departure_s", departure_s, "give a finite time"),
            (~(free_speed_m_s > 0), "free_speed_m_s", free_speed_m_s, "give a positive speed"),
            (n_persons < 1, "n_persons", n_persons, "give at least 1"),
        ):
            if wrong.any():
                k = int(np.argmax(wrong))
                raise ValueError(f"walking party {ids[k]} has {name} = {found[k]}; {change}.")
        if np.unique(ids).size != ids.size:
            raise ValueError("a walking party is added twice in one call; name each once.")

    def advance(self, until_s):
        """Let all happen that is due before until_s (inf: until nothing more can) and return the Arrivals."""
        if until_s < self.time_s:
            raise ValueError(f"until_s = {until_s} lies before the time reached, {self.time_s}; give a later time.")
        crowd = self._with_room_for_arrivals()
        walk.advance(crowd, self._departure_s, self._departing, float(until_s))
        if until_s < np.inf:
            self.time_s = float(until_s)
        else:
            last_s = crowd.arrived_s[: self._n(crowd)].max(initial=self.time_s)
            self.time_s = max(float(last_s), float(crowd.streets.updated_s.max()))
        parts = [*self._early, self._arrivals(crowd)]
        self._early = []
        return Arrivals(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @staticmethod
    def _n(crowd):
        return int(crowd.clock[0].n_arrived)

    def _with_room_for_arrivals(self):
        """Return the crowd with arrays that hold an arrival of every party."""
        n = self._crowd.walkers.size
        return self._crowd._replace(
            arrived=np.empty(n, np.int32), arrived_s=np.empty(n), arrived_node=np.empty(n, np.int32)
        )

    def _arrivals(self, crowd):
        n = self._n(crowd)
        return Arrivals(crowd.arrived[:n].copy(), crowd.arrived_s[:n].copy(), crowd.arrived_node[:n].copy())

    def _reconsider(self):
        """Ask those who wait at nodes again; whoever leaves by this is among the next arrivals."""
        crowd = self._with_room_for_arrivals()
        walk.reconsider(crowd, self.time_s)
        self._early.append(self._arrivals(crowd))

    def set_next_link(self, next_link):
        """Take a new table (int32[n_classes, n_nodes]); those on a link follow it from the link's end on."""
        self._crowd = self._crowd._replace(next_link=np.array(np.atleast_2d(next_link), dtype=np.int32, order="C"))
        self._reconsider()

    def set_class(self, ids, class_row):
        """Let parties follow another row of the table from now on."""
        self._crowd.walkers.class_row[ids] = class_row
        self._reconsider()

    def set_open(self, links, is_open):
        """Open or close links. Those on a closed link walk on to its end; nobody enters."""
        self._crowd.links.is_open[links] = is_open
        self._reconsider()

    def set_street(self, streets, *, speed_factor=None, walk_width_m=None):
        """Change streets from now on: factor on walking speed and flow (stairs, rubble), usable width (m)."""
        streets = np.atleast_1d(streets)
        rows = self._crowd.streets
        for name, values in (("speed_factor", speed_factor), ("walk_width_m", walk_width_m)):
            if values is not None and not (np.asarray(values) > 0).all():
                raise ValueError(f"{name} = {np.min(values)} of a street must be positive; close its links to bar it.")
        if speed_factor is not None:
            rows.speed_factor[streets] = speed_factor
        if walk_width_m is not None:
            self._width_m[streets] = walk_width_m
        rows.area_m2[streets] = rows.length_m[streets] * self._width_m[streets]
        rows.flow_capacity_per_s[streets] = (
            self._specific_flow_per_m_s * self._width_m[streets] * rows.speed_factor[streets]
        )
        walk.renew(self._crowd, streets.astype(np.int32), self.time_s)

    def withdraw(self, ids):
        """Take parties off the streets, or out of the list of departures, wherever they are."""
        ids = np.atleast_1d(np.asarray(ids, dtype=np.int32))
        stage = self._crowd.walkers.stage[ids]
        if (stage == Stage.AWAY).any():
            raise ValueError(f"walking party {ids[stage == Stage.AWAY][0]} is not on its way; leave it out.")
        waiting = slice(int(self._crowd.clock[0].n_departed), None)
        keep = ~np.isin(self._departing[waiting], ids)
        self._departing, self._departure_s = self._departing[waiting][keep], self._departure_s[waiting][keep]
        self._crowd.clock[0].n_departed = 0
        walk.withdraw(self._crowd, ids, self.time_s)

    def position(self, ids, time_s=None):
        """Return (link, distance_m from upstream) at time_s: now, or later as if nobody entered or left until then.

        Who waits at an origin is at the start of a link that leaves it (the end of one that enters, if none does).
        """
        ids = np.asarray(ids)
        time_s = self.time_s if time_s is None else time_s
        if time_s < self.time_s:
            raise ValueError(f"time_s = {time_s} lies before the time reached, {self.time_s}.")
        walkers, links, streets = self._crowd.walkers[ids], self._crowd.links, self._crowd.streets
        link = walkers.link.copy()
        street = links.street[link]
        progress_s = streets.progress_s[street] + streets.pace[street] * (time_s - streets.updated_s[street])
        to_go_m = np.where(
            walkers.stage == Stage.WALKING, (self._crowd.places.target_s[ids] - progress_s) * walkers.speed_m_s, 0.0
        )
        distance_m = np.clip(links.length_m[link] - to_go_m, 0.0, links.length_m[link])
        for k in np.flatnonzero(link < 0):
            leaving, entering = (np.flatnonzero(links[end] == walkers.node[k]) for end in ("upstream", "downstream"))
            link[k] = next(iter([*leaving, *entering]), -1)
            distance_m[k] = 0.0 if leaving.size else links.length_m[link[k]]
        return link, distance_m

    def link_of(self, ids):
        """Return the link that each party is on or waits at the end of, int32; -1 for those on none."""
        return self._crowd.walkers.link[ids].copy()

    def occupants(self, link):
        """Return the parties on a link, in order of row."""
        return np.flatnonzero(self._crowd.walkers.link == link)

    def stage(self, ids):
        """Return where parties stand on their way (int32 of agents.walkers.Stage)."""
        return self._crowd.walkers.stage[ids].copy()

    def without_route(self):
        """Return the parties that stand at a node from which the table gives NO_ROUTE."""
        held = np.flatnonzero(self._crowd.walkers.stage == Stage.HELD)
        return held[self._crowd.walkers.wanted[held] == NO_ROUTE]

    def at_closed_link(self):
        """Return (parties, links): who stands before a closed link that the table sends them to."""
        held = np.flatnonzero(self._crowd.walkers.stage == Stage.HELD)
        held = held[self._crowd.walkers.wanted[held] != NO_ROUTE]
        return held, self._crowd.walkers.wanted[held]

    @property
    def n_entered(self):
        """Persons who entered each link so far (int64)."""
        return self._crowd.links.n_entered.copy()

    @property
    def n_left(self):
        """Persons who left each link so far, by its end or withdrawn (int64)."""
        return self._crowd.links.n_left.copy()

    @property
    def n_on_street(self):
        """Persons on each street now (int64)."""
        return self._crowd.streets.n_persons[: self._n_streets].copy()

    @property
    def density_per_m2(self):
        """Persons per square metre on each street now."""
        return self.n_on_street / self._crowd.streets.area_m2[: self._n_streets]

    @property
    def pace(self):
        """Walking speed on each street now / free speed."""
        return self._crowd.streets.pace[: self._n_streets].copy()

    @property
    def n_places_changed(self):
        """How often parties on full streets changed places."""
        return int(self._crowd.clock[0].n_swaps)


__all__ = ["ARRIVED", "NO_ROUTE", "Arrivals", "Stage", "Walking", "weidmann_pace"]
