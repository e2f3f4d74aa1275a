"""Walking: parties on foot, from departure to arrival, exact in time; the rules are in agents/rules/walk.py."""

from typing import Any, cast

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints, each, rising
from safepassage.agents.ground.records import records
from safepassage.agents.rules import by_minutes, walk, walk_views
from safepassage.agents.rules.walk_state import (
    ARRIVED,
    CLOCK,
    DANGER,
    DOSE,
    LINK,
    NO_ROUTE,
    RANK,
    RULES,
    STREET,
    TURN,
    WALKER,
    Crowd,
    Stage,
)  # fmt: skip
from safepassage.model.movement import compiling
from safepassage.model.movement.under_way import NO_DOSES
from safepassage.model.movement.walking_view import NO_ARRIVALS, Arrivals, OnFoot, WalkingView, arrived
from safepassage.model.streets.streets import Streets

WEIDMANN_GAMMA_PER_M2 = 1.913
JAM_DENSITY_PER_M2 = 5.4
"""Weidmann (1993), Kladek's formula."""
SPECIFIC_FLOW_PER_M_S = 1.225
"""Most walkers per metre of width and second: the maximum of Weidmann's diagram, at 1.75 persons/m2."""
CRITICAL_DENSITY_PER_M2 = 1.75
LEAST_PACE = 0.01
"""Smallest share of the free speed, so that nobody in a crush stands for ever; reached at 5.2/m2. Assumption."""
LEAST_WIDTH_M = 0.5
"""Width that people find beside cars however many there are: one person sideways along the wall (m). Assumption."""
SWAP_AFTER_S = 10.0
"""Time after which parties on full streets change places, if they wait for each other's (s). Assumption."""


def weidmann_pace(density_per_m2: float) -> float:
    """Return walking speed / free speed at a density (persons/m2), as the kernels compute it."""
    density_per_m2 = np.asarray(density_per_m2, dtype=float)
    exponent = WEIDMANN_GAMMA_PER_M2 * (1 / np.maximum(density_per_m2, 1e-9) - 1 / JAM_DENSITY_PER_M2)
    return np.maximum(-np.expm1(-exponent), LEAST_PACE)


class Walking:
    """All who are on foot. Times are absolute (s); between calls, `time_s` is the time reached.

    A party is a row, chosen by the caller and known to one movement object at a time. Links, streets and nodes are
    rows of the street arrays. What is due at exactly `until_s` happens in the next call of `advance`, so results do
    not depend on how the time is split.
    """

    def __init__(
        self,
        n_nodes: int,
        link_upstream: Ints,
        link_downstream: Ints,
        link_street: Ints,
        length_m: Floats,
        walk_width_m: Floats,
        n_parties: int,
        *,
        is_open: Bools | bool = True,
        exit_node: list[int] | tuple[Any, ...] = (),
        exit_flow_capacity_per_s: list[float] | tuple[Any, ...] = (),
        specific_flow_per_m_s: float = SPECIFIC_FLOW_PER_M_S,
    ) -> None:
        """Put nobody on streets given as arrays by link (width: of the whole street), with room for n_parties.

        Exits named in exit_node let exit_flow_capacity_per_s persons out; at other destinations all leave at once.

        n_nodes: number of nodes. link_upstream: node at which each link begins, int32. link_downstream: node at which
        each link ends, int32. link_street: street of each link, both directions the same. length_m: length of each
        link (m). walk_width_m: width for walkers (m). is_open: bool by link. specific_flow_per_m_s: most walkers that
        pass a metre of width in a second.
        """
        link_street = np.asarray(link_street, dtype=np.int32)
        length_m = np.array(length_m, dtype=float)
        if not (length_m > 0).all():
            link = int(np.argmax(~(length_m > 0)))
            raise ValueError(
                f"link {link} has length_m = {length_m[link]}; a length must be positive. Correct the link."
            )
        self._n_streets = int(link_street.max()) + 1
        n_exits = np.size(exit_node)
        n_rows = self._n_streets + n_exits + 1
        links = records(
            length_m.size, LINK, length_m=length_m, upstream=link_upstream, downstream=link_downstream,
            street=link_street, first=-1, last=-1, is_open=is_open,
        )  # fmt: skip
        streets = records(
            n_rows, STREET, pace=1.0, area_m2=1.0, flow_capacity_per_s=np.inf, speed_factor=1.0,
            swap_s=np.inf, block=-1, first=-1, last=-1, link_a=-1, link_b=-1,
        )  # fmt: skip
        by_street = np.argsort(link_street, kind="stable")
        n_links = np.bincount(link_street, minlength=self._n_streets)
        if n_links.max() > 2:
            raise ValueError(f"street {n_links.argmax()} has {n_links.max()} links; give it one or two.")
        first = np.cumsum(n_links) - n_links
        used = np.flatnonzero(n_links > 0)
        streets["link_a"][used] = by_street[first[used]]
        both = np.flatnonzero(n_links == 2)
        streets["link_b"][both] = by_street[first[both] + 1]
        n_used = np.maximum(n_links, 1)
        streets["length_m"][: self._n_streets] = np.bincount(link_street, length_m, self._n_streets) / n_used
        exits = slice(self._n_streets, self._n_streets + n_exits)
        streets["area_m2"][exits] = np.inf
        streets["flow_capacity_per_s"][exits] = exit_flow_capacity_per_s
        if n_exits and not (streets["flow_capacity_per_s"][exits] > 0).all():
            raise ValueError("exit_flow_capacity_per_s must be positive; leave a closed exit out of the tables.")
        exit_street = np.full(n_nodes, -1, dtype=np.int32)
        exit_street[np.asarray(exit_node, dtype=np.int32)] = np.arange(n_rows - 1)[exits]
        rules = records(
            1, RULES, gamma_per_m2=WEIDMANN_GAMMA_PER_M2, jam_density_per_m2=JAM_DENSITY_PER_M2,
            critical_density_per_m2=CRITICAL_DENSITY_PER_M2, least_pace=LEAST_PACE, swap_after_s=SWAP_AFTER_S,
            specific_flow_per_m_s=specific_flow_per_m_s, least_width_m=LEAST_WIDTH_M,
        )  # fmt: skip
        n_slots = int(2 ** np.clip(np.ceil(np.log2(n_rows)), 8, 16))
        none, crowd = np.empty(0, dtype=np.int32), cast(Any, Crowd)
        walkers, ranks, doses = self._rows(n_parties)
        now = crowd(
            walkers, ranks, links, streets, records(n_rows, TURN, next_s=np.inf, slot=-1),
            np.full(n_slots, -1, dtype=np.int32), records(1, CLOCK, slots_per_s=1.0), rules,
            np.full((1, n_nodes), NO_ROUTE, dtype=np.int32), exit_street, none, np.empty(0), none, records(0, DANGER),
            doses, np.zeros((3, 16), dtype=np.int32),
        )  # fmt: skip
        self._on_foot = OnFoot(now, self._n_streets)
        self.view = WalkingView(self._on_foot)
        self._departure_s, self._departing = np.empty(0), none
        width_m = np.ones(self._n_streets)
        width_m[link_street] = walk_width_m
        self.widths = width_m, np.zeros(self._n_streets)
        """Width for walkers and what others take of it, by street (m), float64."""
        self.set_street(np.arange(self._n_streets), walk_width_m=np.where(width_m > 0, width_m, 1.0))

    @property
    def time_s(self) -> float:
        """The time reached (s)."""
        return self._on_foot.time_s

    @classmethod
    def on_streets(cls, streets: Streets, n_parties: int, **settings: Any) -> "Walking":
        """Return Walking on the walkable links of model.streets.Streets; exits do not limit walkers."""
        return cls(
            len(streets.node_x_m), streets.link_upstream, streets.link_downstream, streets.link_street,
            streets.length_m, streets.walk_width_m, n_parties, is_open=streets.walkable, **settings,
        )  # fmt: skip

    def _rows(self, n_parties):
        """Return (walkers, ranks, doses) for so many parties: ranks in blocks of up to twice what is used, twice."""
        n_ranks = 4 * n_parties + 8 * min(n_parties, self._n_streets) + 8
        walkers = records(n_parties, WALKER, link=-1, node=-1, wanted=NO_ROUTE)
        return walkers, records(n_ranks, RANK), records(n_parties, DOSE)

    def make_room(self, n_parties: int) -> None:
        """Hold rows for so many parties."""
        rows = dict(zip(("walkers", "ranks", "doses"), self._rows(n_parties), strict=True))
        for name, after in rows.items():
            before = getattr(self._on_foot.crowd, name)
            after[: before.size] = before
        self._on_foot.crowd = self._on_foot.crowd._replace(**rows)

    def add(
        self,
        ids: Ints,
        origin_node: Ints | int,
        departure_s: Floats | float,
        free_speed_m_s: Floats | float,
        n_persons: Ints | int = 1,
        table: Ints | int = 0,
    ) -> None:
        """Let parties set out from nodes. free_speed_m_s: of the slowest member; table: row of the table.

        ids: rows of the parties. origin_node: node from which each sets out. departure_s: when each sets out (s).
        n_persons: persons in each party.
        """
        self._add(ids, departure_s, free_speed_m_s, n_persons, table, node=origin_node)

    def add_on_link(
        self, ids: Ints | list[int], link: Ints | int | list[int], distance_m: Floats | float, departure_s: float,
        free_speed_m_s: Floats | float, n_persons: Ints | int = 1, table: Ints | int = 0,
    ) -> None:  # fmt: skip
        """Let parties set out from the middle of links, distance_m from upstream, even if the street is full.

        ids: rows of the parties. link: the link on which they are. departure_s: when each sets out (s).
        free_speed_m_s: unhindered speed of each (m/s). n_persons: persons in each party. table: row of the next-link
        table to follow.
        """
        to_go_m = np.clip(self._on_foot.crowd.links["length_m"][np.asarray(link)] - distance_m, 0.0, None)
        node = self._on_foot.crowd.links["upstream"][np.asarray(link)]
        self._add(ids, departure_s, free_speed_m_s, n_persons, table, node=node, wanted=link)
        self._on_foot.crowd.walkers["target_s"][np.asarray(ids)] = to_go_m

    def _add(self, ids, departure_s, free_speed_m_s, n_persons, table, node, wanted=NO_ROUTE):
        """Write the parties' rows and merge them into the list of departures, by time, then row."""
        ids = np.asarray(ids, np.int32)
        n, crowd = ids.size, self._on_foot.crowd
        departure_s, free_speed_m_s = each(departure_s, n, np.float64), each(free_speed_m_s, n, np.float64)
        n_persons, tables = each(n_persons, n, np.int32), each(table, n, np.int32)
        start = each(node, n, np.int32), each(wanted, n, np.int32)
        asked = ids, departure_s, free_speed_m_s, n_persons
        if not walk_views.let_set_out(crowd.walkers, *asked, tables, *start, crowd.next_link.shape[0], self.time_s):
            self._check(*asked)
            self._check_table(table)
        if n > 1:
            order = np.lexsort((ids, departure_s))
            ids, departure_s = ids[order], departure_s[order]
        n_all = self._departing.size - int(crowd.clock["n_departed"][0]) + n
        both = np.empty(n_all, np.int32), np.empty(n_all)
        walk_views.join_departures(*both, self._departing, self._departure_s, crowd.clock, ids, departure_s)
        self._departing, self._departure_s = both
        self._on_foot.under_way.add(ids)
        self._on_foot.make_room_for_arrivals()
        self._on_foot.choose_slots()

    def _check_table(self, table):
        """Refuse a row that the table does not have."""
        n = self._on_foot.crowd.next_link.shape[0]
        if np.size(table) and (np.min(table) < 0 or np.max(table) >= n):
            raise ValueError(
                f"table = {np.max(table)} is not a row of the next-link table, which has {n}; call set_next_link first."
            )

    def _check(self, ids, departure_s, free_speed_m_s, n_persons):
        """Refuse parties that are on their way already, depart in the past, or have no people or no speed."""
        stage = self._on_foot.crowd.walkers["stage"][ids]
        for wrong, name, found, change in (
            (stage != Stage.AWAY, "stage", stage, "withdraw it"),
            (~(departure_s >= self.time_s), "departure_s", departure_s, f"give {self.time_s} or later, and finite"),
            (departure_s == np.inf, "departure_s", departure_s, "give a finite time"),
            (~(free_speed_m_s > 0), "free_speed_m_s", free_speed_m_s, "give a positive speed"),
            (n_persons < 1, "n_persons", n_persons, "give at least 1"),
        ):
            if wrong.any():
                k = int(np.argmax(wrong))
                raise ValueError(f"walking party {ids[k]} has {name} = {found[k]}; {change}.")
        if (np.diff(np.sort(ids)) == 0).any():
            raise ValueError("a walking party is added twice in one call; name each once.")

    def advance(self, until_s: float) -> Arrivals:
        """Let all happen that is due before until_s (inf: until nothing more can) and return the Arrivals."""
        if until_s < self.time_s:
            raise ValueError(f"until_s = {until_s} lies before the time reached, {self.time_s}; give a later time.")
        if self._on_foot.under_way.n == 0:
            self._on_foot.time_s = max(self.time_s, float(until_s)) if until_s < np.inf else self.time_s
            return NO_ARRIVALS
        compiling.wait()
        crowd = self._on_foot.crowd
        walk.advance(crowd, self._departure_s, self._departing, float(until_s))
        if until_s < np.inf:
            self._on_foot.time_s = float(until_s)
        else:
            last_s = crowd.arrived_s[: int(crowd.clock["n_arrived"][0])].max(initial=self.time_s)
            self._on_foot.time_s = max(float(last_s), float(crowd.streets["updated_s"].max()))
        return arrived(self._on_foot)

    def state(self) -> tuple[Any, ...]:
        """Return all walkers and streets as `agents/rules/by_minutes.py` is given them."""
        on_foot = self._on_foot
        return on_foot.crowd, self._departure_s, self._departing, on_foot.under_way.rows, *self.widths

    def take(self, time_s: float, n_arrived: int) -> Arrivals:
        """Note that a kernel has moved everybody to a time; return the Arrivals since the last call: so many."""
        self._on_foot.time_s = time_s
        return arrived(self._on_foot) if n_arrived else NO_ARRIVALS

    def _reconsider(self):
        """Ask those who wait at nodes again; whoever leaves by this is among the next arrivals."""
        if self._on_foot.under_way.n:
            walk.reconsider(self._on_foot.crowd, self.time_s)

    def set_next_link(self, next_link: Ints) -> None:
        """Take a new table (int32[n_classes, n_nodes]); those on a link follow it from the link's end on."""
        self._on_foot.crowd = self._on_foot.crowd._replace(
            next_link=np.array(np.atleast_2d(next_link), dtype=np.int32, order="C")
        )
        self._reconsider()

    def take_rows(self, next_link: Ints, rows: list[int]) -> None:
        """Take tables of which some rows are new, as `set_next_link` does; nothing if none is."""
        if rows:
            self.set_next_link(next_link)

    def set_table(self, ids: Ints, table: Ints | int) -> None:
        """Let parties follow another row of the next-link table from now on."""
        self._check_table(table)
        self._on_foot.crowd.walkers["table"][ids] = table
        self._reconsider()

    def set_speed(self, ids: Ints, free_speed_m_s: Floats) -> None:
        """Let parties on their way go on from where they are at another free speed (m/s), one for each."""
        walkers, links = self._on_foot.crowd.walkers, self._on_foot.crowd.links
        on_link = walkers["link"][ids] >= 0
        walkers["speed_m_s"][ids[~on_link]] = free_speed_m_s[~on_link]
        ids, free_speed_m_s = ids[on_link], free_speed_m_s[on_link]
        if ids.size:
            (link, along_m), before = self.view.position(ids), walkers[ids].copy()
            along_m = np.minimum(along_m, links["length_m"][link])
            self.withdraw(ids)
            here = link, along_m, self.time_s, free_speed_m_s
            self.add_on_link(ids, *here, before["n_persons"], before["table"])

    def set_open(self, links: Ints | list[int], *, is_open: bool) -> None:
        """Open or close links. Those on a closed link walk on to its end; nobody enters."""
        self._on_foot.crowd.links["is_open"][links] = is_open
        self._reconsider()

    def set_street(
        self,
        streets: Ints,
        *,
        speed_factor: Any = None,
        walk_width_m: Floats | None = None,
        taken_width_m: Floats | None = None,
    ) -> None:
        """Change streets from now on: factor on walking speed and flow (stairs, rubble), usable width (m).

        taken_width_m: what others, such as cars, take of that width now (m); LEAST_WIDTH_M of it is always left.
        speed_factor: factor of walking speed, for rubble and stairs. walk_width_m: width for walkers (m).
        """
        streets = np.atleast_1d(streets)
        rows = self._on_foot.crowd.streets
        for name, values in (("speed_factor", speed_factor), ("walk_width_m", walk_width_m)):
            if values is not None and not (np.asarray(values) > 0).all():
                raise ValueError(
                    f"{name} = {np.min(values)} of a street must be positive; close its links to close it."
                )
        if speed_factor is not None:
            rows["speed_factor"][streets] = speed_factor
        width_m, of_others_m = self.widths
        if walk_width_m is not None:
            width_m[streets] = walk_width_m
        if taken_width_m is not None:
            of_others_m[streets] = taken_width_m
        walk.renew(self._on_foot.crowd, *self.widths, streets.astype(np.int64), self.time_s)

    def set_danger(self, strikes_per_s: Floats | list[float], crossfire_per_s: Floats | list[float]) -> None:
        """From now on count what time on links costs parties, by link: rates (1/s); see `take_doses`."""
        self.suffer()
        crowd = self._on_foot.crowd
        if crowd.dangers.size == 0:
            crowd.doses["since_s"] = self.time_s
            crowd = self._on_foot.crowd = crowd._replace(dangers=records(crowd.links.size, DANGER))
        crowd.dangers["strikes_per_s"], crowd.dangers["crossfire_per_s"] = strikes_per_s, crossfire_per_s

    def suffer(self) -> bool:
        """Count the danger that everybody on links has gone through until now; return whether any is to be taken."""
        crowd, rows = self._on_foot.crowd, self._on_foot.under_way.rows
        if crowd.dangers.size == 0 or rows.size == 0 or crowd.clock["unharmed_s"][0] == self.time_s:
            return False
        return walk.suffer(crowd, rows, self.time_s)

    def take_doses(self) -> tuple[Ints, Floats]:
        """Return parties, rising, and the (strikes, crossfire) that each has gone through since the last call."""
        under_way = self._on_foot.under_way
        rows = under_way.taken() if self.suffer() else under_way.taken_left()
        return rows, by_minutes.take_doses(self._on_foot.crowd.doses, rows) if rows.size else NO_DOSES

    def withdraw(self, ids: Ints) -> None:
        """Take parties off the streets, or out of the list of departures, wherever they are."""
        ids = np.atleast_1d(np.asarray(ids, dtype=np.int32))
        stage = self._on_foot.crowd.walkers["stage"][ids]
        if (stage == Stage.AWAY).any():
            raise ValueError(f"walking party {ids[stage == Stage.AWAY][0]} is not on its way; leave it out.")
        waiting = slice(int(self._on_foot.crowd.clock["n_departed"][0]), None)
        keep = ~np.isin(self._departing[waiting], ids)
        self._departing, self._departure_s = self._departing[waiting][keep], self._departure_s[waiting][keep]
        self._on_foot.crowd.clock["n_departed"][0] = 0
        walk.withdraw(self._on_foot.crowd, ids, self.time_s)
        self._on_foot.under_way.drop(rising(ids))


__all__ = ["ARRIVED", "NO_ROUTE", "Arrivals", "Stage", "Walking", "weidmann_pace"]
