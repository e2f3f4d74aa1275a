"""Works out what drivers expect of queues that they have seen, and the tables of next links that follow from it."""

import numpy as np

from safepassage.agents.compiled import called_with_one_set_of_types
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.ground.records import records
from safepassage.agents.rules import outlook as rules
from safepassage.agents.rules import outlook_on_way
from safepassage.agents.rules.drive_state import SIGHT
from safepassage.model.movement.news.queues_seen import NoQueues, QueuesSeen, RoadsBelieved
from safepassage.model.movement.news.road_news import HEARSAY
from safepassage.model.movement.routing import Routes

BUCKETS_PER_NODE = 4
"""Buckets in which nodes wait to be settled, for each node; no result depends on it. Measured: fewer take longer."""
FIRST_GUESS_S = 7200.0
"""What the dearest way out is taken to cost before the first look (s); no result depends on it."""
FEW = 32
"""Only the ways of those who matter are looked at if their number is at most one for this many nodes. The bits are the
same. Measured: of more, most in vain."""
_expect_on_way = called_with_one_set_of_types(outlook_on_way.expect_on_way)
NOTHING, NO_SIGHTS = np.empty(0), records(0, SIGHT)


class Outlook:
    """Room to work in and what is worked out once for each state of the roads; nothing that a run has to remember."""

    def __init__(self, routes: Routes, free_flow_time_s: Floats, alone_s: Floats, link_key: Ints) -> None:
        """routes: of the streets on which cars drive.

        free_flow_time_s: time that each link takes without anybody (s). alone_s: that it took somebody alone at first,
        as cars have it. link_key: uint32, what each link is.
        """
        self._routes, self._first, self._link = routes, routes.incoming_first, routes.incoming
        n_nodes, n_links = self._first.size - 1, self._link.size
        self._free = Routes(n_nodes, routes.link_upstream, routes.link_downstream)
        """One table of nobody's queues: those of all people differ only in who goes first of equally good links."""
        self._free_tied = np.zeros(n_nodes, np.bool_)
        """bool per node: there are such links."""
        self._free_for: RoadsBelieved | None = None
        """Roads as it was last built for them."""
        self._free_s = free_flow_time_s
        link = self._link
        of_links = {"link": link, "start": routes.link_upstream[link], "turn": link_key[link]}
        self._roads = records(n_links, rules.ROAD, free_s=free_flow_time_s[link], time_s=alone_s[link], **of_links)
        self._of_link = np.argsort(link).astype(np.int32)
        """Where each link is in the list of roads."""
        self._roads_for: RoadsBelieved | None = None
        self._all = np.ones(n_nodes, np.bool_)
        self._turns: dict[int, Ints] = {}
        self._places, self._equal = records(n_nodes, rules.PLACE), np.zeros(n_links, np.int32)
        self._empty, self._marked = records(n_nodes, outlook_on_way.EMPTY), records(n_nodes, rules.ENTRY)
        self._is_on = np.zeros(n_nodes, np.uint8)
        self._is_empty_known = False
        self._bucket = np.full(BUCKETS_PER_NODE * n_nodes, rules.NONE, np.int32)
        self._most_s = FIRST_GUESS_S
        self._make_room(0)
        self._alone_s = alone_s
        self._looked: tuple[QueuesSeen | None, Bools] = None, self._all
        """What was seen, and the nodes that were wanted, when the places as they are were worked out for a table."""
        self._is_all = False
        """Whether all places that lead out were looked at then."""

    def _make_room(self, n_exits: int) -> None:
        self._gates, self._heap, self._waiting = (
            records(self._roads.size + n_exits, kind) for kind in (rules.GATE, rules.ENTRY, rules.ENTRY)
        )

    def _take(self, roads: RoadsBelieved) -> None:
        """Reckon with some state of the roads from now on."""
        link, now = self._link, self._roads
        is_open = roads.is_believed_open[HEARSAY]
        now["weight"] = np.where(is_open, roads.weight, np.inf)[link]
        now["danger_factor"], now["per_s"] = (1.0 + roads.danger)[link], roads.per_s[link]
        self._roads_for, self._is_empty_known = roads, False
        if self._roads.size + roads.exit_node.size > self._gates.size:
            self._make_room(roads.exit_node.size)

    def expected_s(self, seen: QueuesSeen) -> Floats:
        """Return what drivers expect of each link by what they have seen (s), float64[n_links]."""
        expected_s = seen.link_time_s
        self._look(expected_s, seen, self._all)
        return expected_s

    def look(self, seen: QueuesSeen, table: int, wanted: Bools, is_known: Bools, is_changed: Bools) -> None:
        """Build a table of people who have heard of the same closures, by what they expect and the model's own cost of
        links, at least from the nodes that are wanted.

        seen: what they have last seen of queues. is_known: written, set where the table is up to date now.
        is_changed: bool[1], set if it leads elsewhere from there than before.
        """
        self._routes.forget(table)
        row = self._routes.next_link[table], self._routes.cost_to_go_s[table], is_known, is_changed
        if self._looked[0] is not seen or self._looked[1] is not wanted:
            n = seen.sights.size + np.count_nonzero(wanted)
            if n * FEW <= wanted.size and self._look_on_way(*row, seen, table, wanted):
                return
            self._look(NOTHING, seen, wanted)
            self._looked = seen, wanted
        rules.write_table(*row, self._places, self._equal, self._turn(table), self._is_all)

    def _look_on_way(
        self, next_link: Ints, to_go_s: Floats, is_known: Bools, is_changed: Bools, seen: QueuesSeen, table: int,
        wanted: Bools,
    ) -> bool:  # fmt: skip
        """Build a table on the way out from nodes that are wanted; return whether that could be done without looking at
        all others."""
        routes = self._routes
        by_upstream = routes.outgoing_first, routes.outgoing, routes.link_downstream
        if self._roads_for is not seen.roads or not self._is_empty_known:
            nobody = QueuesSeen(NO_SIGHTS, self._alone_s, seen.roads, self)
            self._look(NOTHING, nobody, self._all)
            outlook_on_way.keep_empty(self._empty, self._places, self._roads, self._of_link, *by_upstream)
            self._is_empty_known = True
        self._looked = None, wanted
        return _expect_on_way(
            next_link, to_go_s, is_known, is_changed, self._roads, self._places, self._gates, self._equal, self._heap,
            self._marked, self._empty, self._is_on, seen.sights, self._of_link, self._alone_s, self._turn(table),
            self._first, *by_upstream, wanted, seen.roads.exit_node, seen.roads.exit_per_s,
        )  # fmt: skip

    def _turn(self, table: int) -> Ints:
        """Return who goes first of two links that are equally good in a table, uint32 by link."""
        if table not in self._turns:
            self._turns[table] = self._routes.turns(table)
        return self._turns[table]

    def _look(self, expected_s: Floats, seen: QueuesSeen, wanted: Bools) -> None:
        """Work out the places on the way out from nodes that are wanted, or what is expected of all links."""
        if self._roads_for is not seen.roads:
            self._take(seen.roads)
        self._looked = None, wanted
        most_s, self._is_all = rules.expect(
            expected_s, self._roads, self._places, self._gates, self._equal, self._heap, self._waiting, self._bucket,
            self._bucket.size / self._most_s, seen.sights, self._of_link, self._alone_s, self._first, wanted,
            seen.roads.exit_node, seen.roads.exit_per_s,
        )  # fmt: skip
        self._most_s = max(most_s, 0.9 * self._most_s, 1.0)

    def _take_empty(self, table: int, roads: RoadsBelieved) -> bool:
        """Build a table of people who expect no queues; return whether it leads elsewhere than before."""
        if self._free_for is not roads:
            cost_s = self._free_s * (1.0 + roads.danger)
            self._free.set_class(0, cost_s, roads.is_believed_open[HEARSAY], roads.exit_node)
            self._free_tied, self._free_for = self._free.tied(), roads
        return self._routes.take(table, self._free, self._free_tied)

    def build(
        self, table: int, seen: QueuesSeen | NoQueues, roads: RoadsBelieved, wanted: Bools, is_known: Bools,
        is_changed: Bools,
    ) -> bool:  # fmt: skip
        """Build a table as drivers have seen the queues, as `look` does; False: the roads were others when they looked.

        roads: what people believe of the roads now. wanted, is_known, is_changed: see `look`.
        """
        if isinstance(seen, NoQueues):
            is_changed |= self._take_empty(table, roads)
            is_known[:] = True
        elif seen.roads is roads:
            self.look(seen, table, wanted, is_known, is_changed)
        else:
            return False
        return True
