"""What can be seen of the walkers on the streets; nothing here changes their state."""

from dataclasses import dataclass, field
from math import log2
from typing import Any, NamedTuple

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.rules import walk_views
from safepassage.agents.rules.walk_state import NO_ROUTE, Crowd, Stage
from safepassage.model.movement.under_way import UnderWay

SLOTS_PER_PARTY_S = 1 / 400
"""Slots of the event wheel per second for each party that walks; no result depends on it. Measured: with three events
in a slot it takes least time."""
LEAST_SLOTS_PER_S = 0.25


class Arrivals(NamedTuple):
    """Parties that reached a destination, in the order they did."""

    id: np.ndarray
    """int32: the party's row."""
    time_s: np.ndarray
    node: np.ndarray
    """int32: where."""


NOBODY = np.empty(0, np.int32)
NO_ARRIVALS = Arrivals(NOBODY, np.empty(0), NOBODY)


@dataclass
class OnFoot:
    """All who walk, as the rules of walking read and write them."""

    crowd: Crowd
    n_streets: int
    """Rows of the crowd's streets that are streets: the first ones."""
    time_s: float = 0.0
    """The time reached (s)."""
    under_way: UnderWay = field(default_factory=UnderWay)
    """Parties added that have neither arrived nor been withdrawn."""

    def make_room_for_arrivals(self) -> None:
        """Hold an arrival of everybody under way."""
        crowd, n = self.crowd, 2 * self.under_way.n
        if crowd.arrived.size < self.under_way.n:
            names = ("arrived", "arrived_s", "arrived_node")
            columns = {name: np.zeros(n, getattr(crowd, name).dtype) for name in names}
            for name, column in columns.items():
                column[: crowd.arrived.size] = getattr(crowd, name)
            self.crowd = crowd._replace(**columns)

    def choose_slots(self) -> None:
        """Size the slots of the event wheel anew, if many more or fewer walk than those it was sized for."""
        clock, turns, slots = self.crowd.clock, self.crowd.turns, self.crowd.slots
        before_per_s = float(clock["slots_per_s"][0])
        per_s = 2.0 ** round(log2(max(self.under_way.n * SLOTS_PER_PARTY_S, LEAST_SLOTS_PER_S)))
        if before_per_s / 4.0 < per_s < before_per_s * 4.0:
            return
        first = int(clock["slot"][0] / before_per_s * per_s)
        rows = np.flatnonzero(turns["slot"] >= 0)
        at = np.clip(turns["next_s"][rows] * per_s, first, first + slots.size - 1).astype(np.int64)
        order = np.argsort(at & (slots.size - 1), kind="stable")
        rows, at = rows[order], at[order]
        place = at & (slots.size - 1)
        is_last = np.diff(place, append=-1) != 0
        turns["slot"][rows], turns["slot_next"][rows] = at, np.where(is_last, -1, np.roll(rows, -1))
        slots[:] = -1
        slots[place[::-1]] = rows[::-1]  # of a slot that is named twice, the last: the first of its streets
        clock["slots_per_s"], clock["slot"] = per_s, first


def arrived(on_foot: OnFoot) -> Arrivals:
    """Take those who have arrived off the list of those under way, and return them."""
    crowd = on_foot.crowd
    n = int(crowd.clock["n_arrived"][0])
    if n == 0:
        return NO_ARRIVALS
    crowd.clock["n_arrived"] = 0
    now = Arrivals(crowd.arrived[:n].copy(), crowd.arrived_s[:n].copy(), crowd.arrived_node[:n].copy())
    on_foot.under_way.drop(now.id)
    return now


class WalkingView:
    """Walkers on the streets as others see them."""

    def __init__(self, on_foot: OnFoot) -> None:
        self._on_foot = on_foot

    @property
    def under_way(self) -> Ints:
        """Parties on foot that have neither arrived nor been withdrawn; int32, rising."""
        return self._on_foot.under_way.rows

    @property
    def n_under_way(self) -> int:
        """Parties added that have neither arrived nor been withdrawn."""
        return self._on_foot.under_way.n

    def position(self, ids: Ints | list[int], time_s: float | None = None) -> tuple[Ints, Floats]:
        """Return (link, distance_m from upstream) at time_s: now, or later as if nobody entered or left until then.

        Who waits at an origin is at the start of a link that leaves it (the end of one that enters, if none does).
        """
        ids = np.asarray(ids)
        time_s = self._on_foot.time_s if time_s is None else time_s
        if time_s < self._on_foot.time_s:
            raise ValueError(f"time_s = {time_s} lies before the time reached, {self._on_foot.time_s}.")
        walkers, links, streets = self._on_foot.crowd.walkers, self._on_foot.crowd.links, self._on_foot.crowd.streets
        link = walkers["link"][ids]
        distance_m = walk_views.distances(walkers, links, streets, ids.astype(np.int64), time_s)
        for k in np.flatnonzero(link < 0):
            node = walkers["node"][ids[k]]
            leaving, entering = (np.flatnonzero(links[end] == node) for end in ("upstream", "downstream"))
            link[k] = next(iter([*leaving, *entering]), -1)
            distance_m[k] = 0.0 if leaving.size else links["length_m"][link[k]]
        return link, distance_m

    def link_of(self, ids: Ints) -> Ints:
        """Return the link that each party is on or waits at the end of, int32; -1 for those on none."""
        return self._on_foot.crowd.walkers["link"][ids].copy()

    def free_speed_m_s(self, ids: Ints) -> Floats:
        """Return the unhindered speed of each party now (m/s), float64."""
        return self._on_foot.crowd.walkers["speed_m_s"][ids].copy()

    def node_of(self, ids: Ints) -> Any:
        """Return the node where each party set out, or the last that it passed, int32."""
        return self._on_foot.crowd.walkers["node"][ids].copy()

    def table_of(self, ids: Ints) -> Any:
        """Return the row of the next-link table that each party under way follows, int32; -1: none."""
        walkers = self._on_foot.crowd.walkers
        return np.where(walkers["stage"][ids] != Stage.AWAY, walkers["table"][ids], -1)

    def occupants(self, links: Ints | int) -> Ints:
        """Return the parties on one or several links, in order of row: one pass over all, none where nobody is."""
        links = np.atleast_1d(links)
        if (
            self._on_foot.under_way.n == 0
            or not self._on_foot.crowd.streets["n_persons"][self._on_foot.crowd.links["street"][links]].any()
        ):
            return NOBODY
        is_asked = np.zeros(self._on_foot.crowd.links.size, np.bool_)
        is_asked[links] = True
        return walk_views.on_links(self._on_foot.crowd.walkers, is_asked)

    def stage(self, ids: Ints) -> Ints:
        """Return where parties stand on their way (int32 of agents.walkers.Stage)."""
        return self._on_foot.crowd.walkers["stage"][ids].copy()

    @property
    def is_anybody_held(self) -> bool:
        """Whether a party stands at a node without a way on."""
        return self._on_foot.under_way.n > 0 and bool(self._on_foot.crowd.streets["first"][-1] >= 0)

    def _held(self):
        """Return the parties that stand at a node without a way on, in order of row."""
        if not self.is_anybody_held:
            return NOBODY
        return np.flatnonzero(self._on_foot.crowd.walkers["stage"] == Stage.HELD).astype(np.int32)

    def choices(self, tables: Bools, has_choice: Bools) -> tuple[Bools, Bools]:
        """Return which of some tables are followed by somebody who has a choice of way, bool[n_tables], and all nodes.

        tables: bool[n_tables]. has_choice: bool[n_nodes].
        """
        return tables & self.tables_followed(has_choice), np.ones_like(has_choice)

    def tables_followed(self, nodes: Bools) -> Bools:
        """Return which rows of the next-link table walkers may follow at any time: all, bool[n_tables].

        nodes: as for cars.
        """
        return np.ones(self._on_foot.crowd.next_link.shape[0], np.bool_)

    def without_route(self) -> Ints:
        """Return the parties that stand at a node from which the table gives NO_ROUTE."""
        held = self._held()
        return held[self._on_foot.crowd.walkers["wanted"][held] == NO_ROUTE]

    def at_closed_links(self) -> tuple[Ints, Ints]:
        """Return (parties, links): parties before a closed link to which the table sends them, and that link."""
        held = self._held()
        wanted = self._on_foot.crowd.walkers["wanted"][held]
        return held[wanted != NO_ROUTE], wanted[wanted != NO_ROUTE]

    @property
    def n_entered(self) -> Ints:
        """Persons who entered each link so far (int64)."""
        return self._on_foot.crowd.links["n_entered"].copy()

    @property
    def n_left(self) -> Ints:
        """Persons who left each link so far, by its end or withdrawn (int64)."""
        return self._on_foot.crowd.links["n_left"].copy()

    @property
    def n_on_street(self) -> Ints:
        """Persons on each street now (int64)."""
        return self._on_foot.crowd.streets["n_persons"][: self._on_foot.n_streets].astype(np.int64)

    @property
    def density_per_m2(self) -> Floats:
        """Persons per square metre on each street now."""
        return self.n_on_street / self._on_foot.crowd.streets["area_m2"][: self._on_foot.n_streets]

    @property
    def pace(self) -> Floats:
        """Walking speed on each street now / free speed."""
        return self._on_foot.crowd.streets["pace"][: self._on_foot.n_streets].copy()
