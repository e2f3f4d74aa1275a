"""Ways by one mode of travel that people know: tables of next links, built when somebody will choose by them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.parties import Mode
from safepassage.model.movement.news.road_news import HEARSAY, WITNESS, RoadNews
from safepassage.model.movement.routing import NO_ROUTE, Routes, has_choice
from safepassage.model.streets.streets import Streets

FEW = 64
"""A table is built whole if more than one node in this many is wanted. The bits are the same: as many need most of it
anyway, and whoever sets out meanwhile finds it built."""


class WaysOfMode:
    """One mode of travel on the streets: who moves it, where it may go, and the tables by which people find their way.

    A table out of the area is built when somebody will choose by it or asks for it, from what its users have seen and
    heard. On a road with one way on nobody chooses.
    """

    def __init__(
        self, mode: Mode, mover: Any, streets: Streets, passable: Bools, exit_node: Ints, knowledge: Ints,
        seen: Any, news_delay_s: float, cost_s: Callable[[Mode, Floats, Bools], Floats],
    ) -> None:  # fmt: skip
        """mover: Driving or Walking, which follows the tables. streets: the model's. passable: bool per link.

        mode: the mode. exit_node: node where each exit is reached. knowledge: HEARSAY or WITNESS, by table. seen: of
        each table out of the area, what its users see, with the time of each link, `time_s`. news_delay_s: time that
        news of a closure takes (s). cost_s: function (mode, time of links, open links) -> cost of links by which people
        choose.
        """
        self.mode, self.mover = mode, mover
        self._knowledge, self._exit_node, self._cost_s = knowledge, exit_node, cost_s
        self.seen = seen
        """What the users of each table out of the area have last seen of the streets, with `time_s` by link (s)."""
        ends = (streets.node_x_m.size, streets.link_upstream, streets.link_downstream)
        self.routes = Routes(*ends, knowledge.size, streets.link_key)
        self.road_news = RoadNews(passable, news_delay_s)
        self.is_open = passable.copy()
        """bool per link: as damage, the front and closures have it now."""
        self._first_node, self._length_m = streets.nearest_usable(passable), streets.length_m
        self.nodes = np.ones(streets.node_x_m.size, np.bool_)
        """All nodes."""
        self.has_choice = has_choice(self.nodes.size, *(end[passable] for end in ends[1:]))
        """bool per node: ways part there or further on, so that it matters what links cost."""
        self.stale = np.zeros(knowledge.size, np.bool_)
        """bool per table: it is out of date and nobody chooses by it; it is built when somebody does."""
        self.is_other_road = self.stale.copy()
        """bool per table: it is out of date, and other roads or exits are open now than when it was built."""
        self.changed = self.stale.copy()
        """bool per table: it leads elsewhere than before, and has yet to be handed over."""
        self.is_witnessed = False
        """Whether anybody has met a closed link."""
        self.is_known = np.ones((knowledge.size, self.nodes.size), np.bool_)
        """bool per table and node: the table is as up to date there as it is; elsewhere it leads a way of before."""
        self.build_seen: Callable[[int, Bools, Bools, Bools], bool] = lambda table, wanted, is_known, is_changed: False
        """Builds a table out of the area, if it is worked out elsewhere, at least from wanted nodes; see Outlook."""
        self._way_m: dict[int, Floats] = {}
        """Length of the way from each node (m), by table, for tables that somebody has asked about."""
        self.set_exits(np.ones(exit_node.size, np.bool_))

    def make_room(self, n_tables: int) -> None:
        """Take in more tables of people who know what witnesses know, after all others."""
        self._knowledge = np.append(self._knowledge, np.full(n_tables, WITNESS))
        self.routes.make_room(n_tables)
        self.stale, self.is_other_road, self.changed = (
            np.append(old, np.zeros(n_tables, np.bool_)) for old in (self.stale, self.is_other_road, self.changed)
        )
        self.is_known = np.append(self.is_known, np.ones((n_tables, self.nodes.size), np.bool_), axis=0)
        self.mover.set_next_link(self.routes.next_link)

    def start_node(self, node: Ints) -> Ints:
        """Return where trips from these nodes start: the node itself, or the nearest that the mode can use."""
        return self._first_node[node]

    def has_way_out(self, node: Ints) -> Bools:
        """Return whether people who start from these nodes know a way out, bool."""
        self.hear()
        return self.routes.next_link[HEARSAY][self._first_node[node]] != NO_ROUTE

    def hear(self) -> None:
        """Bring the ways of those who have heard of closures up to date, if other roads are open than they know."""
        if self.is_other_road[HEARSAY]:
            self.freshen(HEARSAY)

    def see_anew(self) -> None:
        """Note that links cost otherwise than the tables out of the area have it."""
        self.stale[list(self.seen)] = True

    def set_exits(self, is_open: Bools) -> None:
        """Open and close exits, bool per exit; all tables out of the area are out of date then."""
        self.exit_open = is_open.copy()
        self.see_anew()
        self.is_other_road |= self.stale

    def meet(self, links: Ints, time_s: float) -> None:
        """Note that somebody stands before closed links at a time (s); those who do follow the witnesses' table."""
        self.road_news.meet(links, time_s)
        self.freshen(WITNESS)
        self.is_witnessed = True

    def spread(self, time_s: float) -> bool:
        """Let news of closures reach those who have heard of none by a time (s); return whether there was any."""
        is_any = False
        for row, links, is_open in self.road_news.spread(time_s):
            knows = self._knowledge == row
            told = np.flatnonzero(knows & ~self.stale)
            is_kept_up = self.routes.is_kept_up(told)
            self.stale[[table for table in told[~is_kept_up].tolist() if table in self.seen]] = True
            self.is_other_road |= knows & self.stale
            for table in told[is_kept_up].tolist():
                self.routes.change(table, links, is_open=is_open)
                self.changed[table] = True
            is_any = True
        return is_any

    def freshen(self, tables: Ints | int, nodes: Ints | list[int] | None = None) -> None:
        """Bring tables up to date, rows, that somebody reads or begins to follow.

        nodes: where those start who do, one for each table; None: from anywhere.
        """
        old = np.atleast_1d(tables).tolist()
        if nodes is None:
            old = [row for row in old if self.stale[row] or not self.is_known[row].all()]
        else:
            at = zip(old, nodes, strict=True)
            old = [row for row, node in at if self.stale[row] or not self.is_known[row, node]]
        if not old:
            return
        wanted = self.nodes
        if nodes is not None:
            wanted = np.zeros(wanted.size, np.bool_)
            wanted[nodes] = True
        old = sorted(set(old))
        self._build(old, wanted)
        self._give([row for row in old if self.changed[row]])

    def _give(self, tables: list[int]) -> None:
        """Give tables that have changed, rows, to those who follow them."""
        for table in tables:
            self.changed[table] = False
            self._way_m.pop(table, None)
        if tables:
            self.mover.take_rows(self.routes.next_link, tables)

    def way_m(self, table: int) -> Floats:
        """Return how long the way is from each node by a table (m); inf: it knows none."""
        if table not in self._way_m:
            self._way_m[table] = self.routes.sum_along(table, self._length_m)
        return self._way_m[table]

    def hand_over(self) -> None:
        """Give the tables that have changed to those who follow them, who look again."""
        if np.count_nonzero(self.stale):
            view = self.mover.view
            stale, wanted = view.choices(self.stale, self.has_choice)
            if np.count_nonzero(self.is_other_road):
                stale |= self.is_other_road & view.tables_followed(self.nodes)
            if rows := stale.nonzero()[0].tolist():
                if np.count_nonzero(wanted) * FEW > wanted.size:
                    wanted = self.nodes
                self._build(rows, wanted)
        self._give(self.changed.nonzero()[0].tolist())

    def build_aside(self, table: int, routes: Routes) -> None:
        """Build a table out of the area as row 0 of other routes, for who only looks: nothing changes here."""
        is_open = self.road_news.is_believed_open[self._knowledge[table]]
        seen_s = self._cost_s(self.mode, self.seen[table].time_s, is_open)
        routes.set_class(0, seen_s, is_open, self._exit_node[self.exit_open])

    def _build(self, tables: list[int], wanted: Bools) -> None:
        """Build tables out of the area, rows, from what their users have seen and heard, at least from wanted nodes.

        From everywhere, if other roads are open than before: a way of before leads nowhere then.
        """
        for table in tables:
            is_known, is_changed = self.is_known[table], self.changed[table : table + 1]
            if self.stale[table]:
                is_known[:] = False
            nodes = self.nodes if self.is_other_road[table] else wanted
            self.stale[table] = self.is_other_road[table] = False
            if self.build_seen(table, nodes, is_known, is_changed):
                continue
            is_open = self.road_news.is_believed_open[self._knowledge[table]]
            cost_s = self._cost_s(self.mode, self.seen[table].time_s, is_open)
            self.routes.set_class(table, cost_s, is_open, self._exit_node[self.exit_open])
            is_known[:] = is_changed[:] = True
