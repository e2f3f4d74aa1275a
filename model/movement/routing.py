"""Next-link tables: from every node, the link to take towards the cheapest destination.

A table holds one row for each class of people (destination set, travel mode, what they know). Its values are link
indices, or NO_ROUTE, or ARRIVED where entering a destination at the node itself costs no more than going on. The
cost to go of a node is the least sum, over all routes, of perceived link costs and of the entry cost of the
destination (Dijkstra 1959, from the destinations backwards, binary heap). Among links that are equally good the one
of the lowest turn is taken. The turn is drawn for each class and link by what the link is, so that it does not matter
where a file lists it, and not all classes go the same of two equal ways. A table is a function of the costs alone: one
repaired after a few links changed (after Ramalingam and Reps 1996) equals, bit for bit, one built afresh.
"""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.rules import next_links as rules
from safepassage.agents.rules.next_links import ARRIVED, NO_ROUTE

__all__ = ["ARRIVED", "NO_ROUTE", "Routes", "has_choice", "next_links"]

ANYWHERE = np.zeros(0, np.int32)
"""No nodes in particular from which somebody will go."""
LEAST_COST_S = 1e-3
"""Smallest perceived cost of a link (s): far above rounding, so that no route runs in a circle."""


def _by_node(node_of_link, n_nodes):
    """Return (first, link): the links of each node, lowest index first, in compressed rows."""
    first = np.cumsum(np.append(0, np.bincount(node_of_link, minlength=n_nodes)))
    return first, np.argsort(node_of_link, kind="stable").astype(np.int32)


def has_choice(n_nodes: int, link_upstream: Ints, link_downstream: Ints) -> Bools:
    """Return the nodes from which ways part, there or further on; bool[n_nodes].

    From the others the way on is the same whatever links cost. n_nodes: number of nodes. link_upstream,
    link_downstream: nodes at which each link that may ever be open begins and ends.
    """
    chooses = np.bincount(link_upstream, minlength=n_nodes) > 1
    while True:
        before = chooses.sum()
        chooses[link_upstream[chooses[link_downstream]]] = True
        if chooses.sum() == before:
            return chooses


class Routes:
    """Next-link tables of several classes on one street graph, kept up to date as costs and closures change."""

    def __init__(
        self, n_nodes: int, link_upstream: Ints, link_downstream: Ints, n_classes: int = 1, link_key: Ints | None = None
    ) -> None:
        """Prepare tables without any route; `set_class` fills a row. link_key: uint32, what each link is.

        n_nodes: number of nodes. link_upstream: node at which each link begins, int32. link_downstream: node at which
        each link ends, int32. n_classes: rows of the tables.
        """
        self.link_upstream = np.ascontiguousarray(link_upstream, dtype=np.int32)
        self.link_downstream = np.ascontiguousarray(link_downstream, dtype=np.int32)
        self.next_link = np.full((n_classes, n_nodes), NO_ROUTE, dtype=np.int32)
        """int32[n_classes, n_nodes]: link to take, ARRIVED or NO_ROUTE."""
        self.cost_to_go_s = np.full((n_classes, n_nodes), np.inf)
        """float64[n_classes, n_nodes]: perceived cost to the cheapest destination (s); inf: no route."""
        n_links = self.link_upstream.size
        self._link_key = np.arange(n_links, dtype=np.uint32) if link_key is None else link_key
        self._all_links = np.arange(n_links)
        self._changed, self._changed_cost_s = np.empty(n_links, np.int32), np.empty(n_links)
        self._cost_s = np.full((n_classes, n_links), np.inf)
        self._open_cost_s = np.full((n_classes, n_links), np.inf)
        self._entry_cost_s = np.full((n_classes, n_nodes), np.inf)
        self._order = np.zeros((n_classes, n_nodes), np.int32)
        """Nodes of each row that is built, the nearest first, as they were when it was built from nothing."""
        self._destinations: dict[int, tuple[bytes, bytes]] = {}
        """Destinations of each row that is built, and what entering each costs, as bytes."""
        self._partial: set[int] = set()
        """Rows that do not hold from everywhere."""
        self.incoming_first, self.incoming = _by_node(self.link_downstream, n_nodes)
        self.outgoing_first, self.outgoing = _by_node(self.link_upstream, n_nodes)
        self._heap_node = np.empty(2 * n_links + n_nodes + 1, dtype=np.int32)
        self._heap_cost_s, self._lost = np.empty(self._heap_node.size), np.empty(n_nodes, dtype=np.int32)

    def make_room(self, n_classes: int) -> None:
        """Add rows without any route after those that there are."""
        n_nodes, n_links = self.next_link.shape[1], self.link_upstream.size
        none, never = np.full((n_classes, n_nodes), NO_ROUTE, np.int32), np.full((n_classes, n_nodes), np.inf)
        shut = np.full((n_classes, n_links), np.inf)
        self.next_link = np.concatenate([self.next_link, none])
        self._order = np.concatenate([self._order, np.zeros_like(none)])
        self.cost_to_go_s = np.concatenate([self.cost_to_go_s, never])
        self._entry_cost_s = np.concatenate([self._entry_cost_s, never])
        self._cost_s = np.concatenate([self._cost_s, shut])
        self._open_cost_s = np.concatenate([self._open_cost_s, shut])

    def set_class(
        self,
        row: int,
        cost_s: Floats,
        is_open: Bools | bool,
        destination_node: Ints | list[int] | tuple[int, int, int],
        destination_cost_s: Ints | float | tuple[float, float, float] = 0.0,
        starts: Ints = ANYWHERE,
    ) -> None:
        """Build one row from perceived cost by link (s), open links, destinations and the cost of entering each.

        cost_s: perceived cost of each link (s). is_open: bool by link. destination_node: nodes where a way may end.
        destination_cost_s: cost of entering each destination (s). starts: nodes, int32, from the nearest of which
        somebody will go: from those farther away the row need not hold, and has no route then. None: it holds from
        everywhere.
        """
        self._open_cost_s[row] = self._checked(cost_s, self._all_links)
        destinations = np.asarray(destination_node, np.int64).tobytes(), np.asarray(destination_cost_s, float).tobytes()
        is_new = self._destinations.get(row) != destinations
        if is_new:
            self._entry_cost_s[row] = self._costs_of_entry(destination_node, destination_cost_s)
            self._destinations[row] = destinations
        self._fill(row, is_open, starts, leads_there=not is_new and row not in self._partial)

    def _fill(self, row: int, is_open: Bools | bool, starts: Ints, *, leads_there: bool) -> None:
        """Bring one row up to date from the costs of its links, those that are open, and its destinations.

        starts: see `set_class`. leads_there: whether it is built, with these destinations, from everywhere.
        """
        if np.shape(is_open) != self._all_links.shape:
            is_open = np.broadcast_to(is_open, self._all_links.shape)
        rules.renew(
            self.next_link[row], self.cost_to_go_s[row], self._cost_s[row], self._order[row], self._heap_cost_s,
            self._heap_node, self._lost, self._changed, self._changed_cost_s, self.incoming_first, self.incoming,
            self.outgoing_first, self.outgoing, self.link_upstream, self.link_downstream, self._entry_cost_s[row],
            self._open_cost_s[row], np.ascontiguousarray(is_open, np.bool_), leads_there, starts, self._link_key,
            self._mixed_in(row),
        )  # fmt: skip
        if starts.size and not leads_there:
            self._partial.add(row)
        else:
            self._partial.discard(row)

    def _costs_of_entry(self, node, cost_s):
        """Return what entering costs at each node (s), inf where no way may end; float64[n_nodes]."""
        entry_cost_s = np.full(self.next_link.shape[1], np.inf)
        if np.size(node) and not np.min(cost_s) >= 0:
            raise ValueError(f"destination_cost_s = {np.min(cost_s)} must not be negative: give 0 or more.")
        nodes = np.asarray(node, np.int64)
        if np.ndim(cost_s):
            np.minimum.at(entry_cost_s, nodes, np.asarray(cost_s, float))
        else:
            entry_cost_s[nodes] = cost_s
        return entry_cost_s

    def tied(self) -> Bools:
        """Return from which nodes more than one link is as good as the best by row 0; bool by node."""
        to_go_s = self.cost_to_go_s[0]
        through_s = self._cost_s[0] + to_go_s[self.link_downstream]
        is_best = (through_s == to_go_s[self.link_upstream]) & (through_s < np.inf)
        return np.bincount(self.link_upstream[is_best], minlength=to_go_s.size) > 1

    def take(self, row: int, other: "Routes", is_tied: Bools) -> bool:
        """Take over row 0 of other routes in the same streets, but for the turns of equally good links, which are those
        of this row; return whether it leads elsewhere now. It cannot be changed link by link, only set anew.

        is_tied: what `tied` says of the other routes.
        """
        self.forget(row)
        return rules.take_turns(
            self.next_link[row], self.cost_to_go_s[row], other.next_link[0], other.cost_to_go_s[0], is_tied,
            other._cost_s[0], self.outgoing_first, self.outgoing, self.link_downstream, self._link_key,
            self._mixed_in(row),
        )  # fmt: skip

    def forget(self, row: int) -> None:
        """Note that one row is built elsewhere from now on, by whoever writes it."""
        self._destinations.pop(row, None)

    def is_kept_up(self, rows: Ints) -> Bools:
        """Return which rows were built here, so that they can be changed link by link; bool."""
        return np.array([row in self._destinations for row in rows.tolist()], np.bool_)

    def turns(self, row: int) -> Ints:
        """Return the turn of each link in a row, uint32: the lowest goes first where links are equally good."""
        return rules.turns(self._link_key, self._mixed_in(row))

    def change(self, row: int, links: Ints, cost_s: Floats | None = None, is_open: Bools | None = None) -> None:
        """Repair one row after links (each named once) changed cost (s), closed or reopened; None: as before.

        Work grows with the number of nodes whose way changes. The row then equals one built afresh.

        cost_s: perceived cost of each link (s). is_open: bool by link.
        """
        links = np.atleast_1d(np.asarray(links, dtype=np.int32))
        if cost_s is not None:
            self._open_cost_s[row, links] = self._checked(cost_s, links)
        if is_open is None:
            is_open = self._cost_s[row, links] < np.inf
        if row in self._partial:
            self._fill(row, self._cost_s[row] < np.inf, ANYWHERE, leads_there=False)
        new_cost_s = np.where(is_open, self._open_cost_s[row, links], np.inf)
        rules.repair(
            self.next_link[row], self.cost_to_go_s[row], self._cost_s[row], self._heap_cost_s, self._heap_node,
            self._lost, self.incoming_first, self.incoming, self.outgoing_first, self.outgoing,
            self.link_upstream, self.link_downstream, self._entry_cost_s[row], links, new_cost_s,
            self._link_key, self._mixed_in(row),
        )  # fmt: skip

    def reached_from(self, nodes: Ints, is_open: Bools) -> Bools:
        """Return to which nodes some way leads from one of some nodes, int32, by open links; bool by node."""
        is_reached = np.zeros(self.next_link.shape[1], np.bool_)
        rules.reach(
            is_reached, self._lost, nodes, self.outgoing_first, self.outgoing, self.link_downstream, is_open
        )  # fmt: skip
        return is_reached

    def sum_along(self, row: int, of_link: Floats) -> Floats:
        """Return the sum of a quantity of links along the way from each node, float64[n_nodes]; inf: no route."""
        total = np.full(self.next_link.shape[1], np.inf)
        order = np.argsort(self.cost_to_go_s[row], kind="stable")
        rules.sum_along(total, self.next_link[row], order, self.link_downstream, np.asarray(of_link, np.float64))
        return total

    @staticmethod
    def _mixed_in(row: int) -> int:
        """Return what the turns of a class are mixed with, so that each class has an order of its own."""
        return row * 0x9E3779B9 & 0xFFFFFFFF

    def path(self, row: int, node: int) -> list[int]:
        """Return the links from a node to where the table leads; empty without a route."""
        links = []
        while self.next_link[row, node] >= 0:
            links.append(int(self.next_link[row, node]))
            node = self.link_downstream[links[-1]]
        return links

    @staticmethod
    def _checked(cost_s: Any, links: Ints) -> Floats:
        """Return costs by link as floats; refuse those below LEAST_COST_S or not finite."""
        cost_s = np.asarray(cost_s, dtype=float)
        if cost_s.shape != links.shape:
            cost_s = np.broadcast_to(cost_s, links.shape)
        if links.size and not (cost_s.min() >= LEAST_COST_S and cost_s.max() < np.inf):
            k = int(np.argmax(~((cost_s >= LEAST_COST_S) & (cost_s < np.inf))))
            raise ValueError(
                f"link {links[k]} has a perceived cost of {cost_s[k]} s; costs must be finite and at least "
                f"{LEAST_COST_S} s. Correct its length and speed, or mark it closed with is_open."
            )
        return cost_s


def next_links(
    n_nodes: int,
    link_upstream: Ints,
    link_downstream: Ints,
    cost_s: Floats,
    is_open: Bools,
    destination_node: Ints | tuple[int, int, int],
    destination_cost_s: Any = 0.0,
) -> tuple[Ints, Floats]:
    """Return (next_link, cost_to_go_s) of one class; see `Routes`.

    n_nodes: number of nodes. link_upstream: node at which each link begins, int32. link_downstream: node at which each
    link ends, int32. cost_s: perceived cost of each link (s). is_open: bool by link. destination_node: nodes where a
    way may end. destination_cost_s: cost of entering each destination (s).
    """
    routes = Routes(n_nodes, link_upstream, link_downstream)
    routes.set_class(0, cost_s, is_open, destination_node, destination_cost_s)
    return routes.next_link[0], routes.cost_to_go_s[0]
