"""Tables of next links, filled and kept up to date: from every node, the link towards the cheapest destination.

A table is a function of the costs alone, so there are three ways to the same bits: from nothing (Dijkstra 1959, from
the destinations backwards, binary heap); by looking again at the nodes whose way grew dearer (after Ramalingam and Reps
1996); and, if these are many, by going through all nodes in the order in which they were reached last, the nearest
first, until none changes, for which the order need only be about right.
"""

import numpy as np

from safepassage.agents.compiled import kernel, lean_kernel, part
from safepassage.agents.ground.arrays import Bools, Floats, Ints

ARRIVED = -2
"""The node is a destination of the class."""
NO_ROUTE = -1
"""No open route leads from the node to a destination of the class."""
REPAIRED_UP_TO = 8
"""Nodes whose way grew dearer are looked for if at most one link in this many has another cost. The bits are the same.
"""
SWEPT_FROM = 16
"""A row is swept if more than one node in this many has a way that grew dearer. The bits are the same."""
MOST_SWEEPS = 4
"""Sweeps before the order is given up: the row is then filled from nothing, in the order that holds now."""


@part
def _push(heap_cost_s, heap_node, size, cost_s, node):
    """Insert a node in a binary heap of `size` entries and return the new size. Writes the heap."""
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        if heap_cost_s[parent] <= cost_s:
            break
        heap_cost_s[k], heap_node[k] = heap_cost_s[parent], heap_node[parent]
        k = parent
    heap_cost_s[k], heap_node[k] = cost_s, node
    return size + 1


@part
def _drop_first(heap_cost_s, heap_node, size):
    """Remove the cheapest entry of the heap and return the new size. Writes the heap."""
    size -= 1
    cost_s, node = heap_cost_s[size], heap_node[size]
    k, child = 0, 1
    while child < size:
        if child + 1 < size and heap_cost_s[child + 1] < heap_cost_s[child]:
            child += 1
        if heap_cost_s[child] >= cost_s:
            break
        heap_cost_s[k], heap_node[k] = heap_cost_s[child], heap_node[child]
        k = child
        child = 2 * k + 1
    heap_cost_s[k], heap_node[k] = cost_s, node
    return size


@part
def _times(a, b):
    """Return the low 32 bits of a product of two numbers of 32 bits, of which no part leaves 64."""
    return (((((a >> 16) * b) & 0xFFFF) << 16) + (a & 0xFFFF) * b) & 0xFFFFFFFF


@part
def _turn(link_key, mixed_in, link):
    """Return the turn of a link in a class where links are equally good: another order for each class."""
    mixed = _times(np.int64(link_key[link]) ^ mixed_in, 0x85EBCA6B)
    return _times(mixed ^ (mixed >> 13), 0xC2B2AE35)


@part
def _is_before(link_key, mixed_in, link, other):
    """Return whether a link goes before what a node has now, at equal cost. To have arrived goes before all."""
    if other < 0:
        return False
    one, another = _turn(link_key, mixed_in, link), _turn(link_key, mixed_in, other)
    return one < another or (one == another and link < other)


@part
def _settle(
    next_link, cost_to_go_s, heap_cost_s, heap_node, size, reached, starts, incoming_first, incoming, link_upstream,
    cost_s, link_key, mixed_in,
):  # fmt: skip
    """Spread costs to go from the nodes in the heap to all nodes upstream; return how many. Writes the tables and heap.

    `incoming[incoming_first[n]:incoming_first[n + 1]]` are the links that end at node n. A closed link costs inf.
    reached: written: the nodes in the order in which they are reached, as far as there is room. starts: nodes at the
    nearest of which it ends, all others no farther being reached too; there is no route from those beyond. None: it
    goes on to the last.
    """
    n, until_s = 0, np.inf
    while size > 0 and heap_cost_s[0] <= until_s:
        from_here_s, node = heap_cost_s[0], np.int64(heap_node[0])
        size = _drop_first(heap_cost_s, heap_node, size)
        if from_here_s > cost_to_go_s[node]:
            continue
        for start in starts:
            if start == node:
                until_s = from_here_s
        if n < reached.size:
            reached[n] = node
        n += 1
        for k in range(incoming_first[node], incoming_first[node + 1]):
            link = incoming[k]
            upstream = np.int64(link_upstream[link])
            through_s = cost_s[link] + from_here_s
            if through_s < cost_to_go_s[upstream]:
                cost_to_go_s[upstream] = through_s
                next_link[upstream] = link
                size = _push(heap_cost_s, heap_node, size, through_s, upstream)
            elif through_s == cost_to_go_s[upstream] and _is_before(link_key, mixed_in, link, next_link[upstream]):
                next_link[upstream] = link
    for k in range(size):
        node = np.int64(heap_node[k])
        if cost_to_go_s[node] > until_s:
            cost_to_go_s[node], next_link[node] = np.inf, NO_ROUTE
    return n


@part
def _build(
    next_link, cost_to_go_s, heap_cost_s, heap_node, order, starts, incoming_first, incoming, link_upstream, cost_s,
    entry_cost_s, link_key, mixed_in,
):  # fmt: skip
    """Fill one row of the tables from nothing. Writes the tables, the order of its nodes and the heap."""
    size = np.int64(0)
    for node in range(next_link.size):
        cost_to_go_s[node] = entry_cost_s[node]
        next_link[node] = NO_ROUTE
        if entry_cost_s[node] < np.inf:
            next_link[node] = ARRIVED
            size = _push(heap_cost_s, heap_node, size, entry_cost_s[node], node)
    n = _settle(
        next_link, cost_to_go_s, heap_cost_s, heap_node, size, order, starts, incoming_first, incoming, link_upstream,
        cost_s, link_key, mixed_in,
    )  # fmt: skip
    for node in range(next_link.size):
        if cost_to_go_s[node] == np.inf:
            order[n] = node
            n += 1


@part
def _sweep(
    next_link, cost_to_go_s, order, outgoing_first, outgoing, link_downstream, cost_s, entry_cost_s, link_key, mixed_in
):
    """Fill one row by going through all nodes in an order, again and again until none changes; return whether it was
    done in MOST_SWEEPS. Writes the tables."""
    cost_to_go_s[:] = np.inf
    for _ in range(MOST_SWEEPS):
        is_done = True
        for node in order:
            best_s = entry_cost_s[node]
            best = ARRIVED if best_s < np.inf else NO_ROUTE
            for k in range(outgoing_first[node], outgoing_first[node + 1]):
                link = outgoing[k]
                through_s = cost_s[link] + cost_to_go_s[link_downstream[link]]
                if through_s < best_s or (through_s == best_s < np.inf and _is_before(link_key, mixed_in, link, best)):
                    best_s, best = through_s, link
            is_done &= best_s == cost_to_go_s[node]
            cost_to_go_s[node], next_link[node] = best_s, best
        if is_done:
            return True
    return False


@part
def _forget(next_link, cost_to_go_s, lost, links, new_cost_s, incoming_first, incoming, link_upstream, cost_s):
    """List in `lost` the nodes whose way leads over a link that grew dearer, and return how many. Writes the tables."""
    n_lost = 0
    for k in range(links.size):
        node = link_upstream[links[k]]
        if next_link[node] == links[k] and new_cost_s[k] > cost_s[links[k]]:
            next_link[node] = NO_ROUTE
            lost[n_lost] = node
            n_lost += 1
    i = 0
    while i < n_lost:
        node = lost[i]
        cost_to_go_s[node] = np.inf
        for k in range(incoming_first[node], incoming_first[node + 1]):
            upstream = link_upstream[incoming[k]]
            if next_link[upstream] == incoming[k]:
                next_link[upstream] = NO_ROUTE
                lost[n_lost] = upstream
                n_lost += 1
        i += 1
    return n_lost


@part
def _mend(
    next_link, cost_to_go_s, cost_s, heap_cost_s, heap_node, lost, n_lost, incoming_first, incoming, outgoing_first,
    outgoing, link_upstream, link_downstream, entry_cost_s, links, link_key, mixed_in,
):  # fmt: skip
    """Find a way for the n_lost first nodes of `lost` and for all that gain by `links`. Writes the tables and heap."""
    size = np.int64(0)
    for i in range(n_lost):
        node = lost[i]
        best_s, best = entry_cost_s[node], ARRIVED if entry_cost_s[node] < np.inf else NO_ROUTE
        for k in range(outgoing_first[node], outgoing_first[node + 1]):
            link = outgoing[k]
            through_s = cost_s[link] + cost_to_go_s[link_downstream[link]]
            if through_s < best_s or (through_s == best_s < np.inf and _is_before(link_key, mixed_in, link, best)):
                best_s, best = through_s, link
        heap_cost_s[i], heap_node[i] = best_s, best
    # Costs of lost nodes stay inf until all have looked, so that no one builds on a cost still to be corrected.
    for i in range(n_lost):
        cost_to_go_s[lost[i]], next_link[lost[i]] = heap_cost_s[i], heap_node[i]
    for i in range(n_lost):
        if cost_to_go_s[lost[i]] < np.inf:
            size = _push(heap_cost_s, heap_node, size, cost_to_go_s[lost[i]], np.int64(lost[i]))
    for k in range(links.size):
        link, node = links[k], link_upstream[links[k]]
        through_s = cost_s[link] + cost_to_go_s[link_downstream[link]]
        if through_s < cost_to_go_s[node]:
            cost_to_go_s[node], next_link[node] = through_s, link
            size = _push(heap_cost_s, heap_node, size, through_s, node)
        elif through_s == cost_to_go_s[node] and _is_before(link_key, mixed_in, link, next_link[node]):
            next_link[node] = link
    _settle(
        next_link, cost_to_go_s, heap_cost_s, heap_node, size, lost[:0], lost[:0], incoming_first, incoming,
        link_upstream, cost_s, link_key, mixed_in,
    )  # fmt: skip


@kernel
def repair(
    next_link: Ints, cost_to_go_s: Floats, cost_s: Floats, heap_cost_s: Floats, heap_node: Ints, lost: Ints,
    incoming_first: Ints, incoming: Ints, outgoing_first: Ints, outgoing: Ints, link_upstream: Ints,
    link_downstream: Ints, entry_cost_s: Floats, links: Ints, new_cost_s: Floats, link_key: Ints, mixed_in: int,
) -> None:  # fmt: skip
    """Bring one row up to date after some links take their new costs. Writes tables, costs and work arrays.

    next_link, cost_to_go_s: the row, by node. cost_s: cost of each link as the row has it (s), inf: closed.
    heap_cost_s, heap_node, lost: room to work in. incoming_first, incoming, outgoing_first, outgoing: links into and
    out of each node. link_upstream, link_downstream: ends of each link. entry_cost_s: cost of ending at each node (s).
    links, new_cost_s: links, each once, and what they cost now (s). link_key, mixed_in: see `_turn`.
    """
    n_lost = _forget(next_link, cost_to_go_s, lost, links, new_cost_s, incoming_first, incoming, link_upstream, cost_s)
    for k in range(links.size):
        cost_s[links[k]] = new_cost_s[k]
    _mend(
        next_link, cost_to_go_s, cost_s, heap_cost_s, heap_node, lost, n_lost, incoming_first, incoming,
        outgoing_first, outgoing, link_upstream, link_downstream, entry_cost_s, links, link_key, mixed_in,
    )  # fmt: skip


@part
def _list_changed(changed, changed_cost_s, seen_s, is_open, cost_s):
    """List in the first two the links whose cost is another now; return how many."""
    n = 0
    for link in range(seen_s.size):
        link_cost_s = seen_s[link] if is_open[link] else np.inf
        if link_cost_s != cost_s[link]:
            changed[n], changed_cost_s[n] = link, link_cost_s
            n += 1
    return n


@kernel
def renew(
    next_link: Ints, cost_to_go_s: Floats, cost_s: Floats, order: Ints, heap_cost_s: Floats, heap_node: Ints,
    lost: Ints, changed: Ints, changed_cost_s: Floats, incoming_first: Ints, incoming: Ints, outgoing_first: Ints,
    outgoing: Ints, link_upstream: Ints, link_downstream: Ints, entry_cost_s: Floats, seen_s: Floats, is_open: Bools,
    leads_there: bool, starts: Ints, link_key: Ints, mixed_in: int,
) -> None:  # fmt: skip
    """Bring one row up to date: mended if few nodes have a dearer way than before, else swept or built from nothing.

    Writes tables, costs, order and the work arrays. next_link, cost_to_go_s: the row, by node. cost_s: cost of each
    link as the row has it (s), inf: closed. order: nodes as they were reached when the row was built from nothing, the
    nearest first. heap_cost_s, heap_node, lost, changed, changed_cost_s: room to work in. incoming_first, incoming,
    outgoing_first, outgoing: links into and out of each node. link_upstream, link_downstream: ends of each link.
    entry_cost_s: cost of ending at each node (s). seen_s, is_open: what each link costs now (s), and whether it is
    open. leads_there: whether the row is built, with these destinations, and as far as it is wanted now. starts: nodes
    at the nearest of which a row built from nothing may end, int32; none: it holds from everywhere. link_key, mixed_in:
    see `_turn`.
    """
    n = _list_changed(changed, changed_cost_s, seen_s, is_open, cost_s) if leads_there else seen_s.size
    if n <= seen_s.size // REPAIRED_UP_TO:
        links, new_cost_s = changed[:n], changed_cost_s[:n]
        n_lost = _forget(
            next_link, cost_to_go_s, lost, links, new_cost_s, incoming_first, incoming, link_upstream, cost_s
        )
        for k in range(n):
            cost_s[links[k]] = new_cost_s[k]
        if n_lost <= next_link.size // SWEPT_FROM:
            _mend(
                next_link, cost_to_go_s, cost_s, heap_cost_s, heap_node, lost, n_lost, incoming_first, incoming,
                outgoing_first, outgoing, link_upstream, link_downstream, entry_cost_s, links, link_key, mixed_in,
            )  # fmt: skip
            return
    for link in range(seen_s.size):
        cost_s[link] = seen_s[link] if is_open[link] else np.inf
    if leads_there and _sweep(
        next_link, cost_to_go_s, order, outgoing_first, outgoing, link_downstream, cost_s, entry_cost_s, link_key,
        mixed_in,
    ):  # fmt: skip
        return
    _build(
        next_link, cost_to_go_s, heap_cost_s, heap_node, order, starts, incoming_first, incoming, link_upstream, cost_s,
        entry_cost_s, link_key, mixed_in,
    )  # fmt: skip


@lean_kernel
def reach(
    is_reached: Bools, todo: Ints, nodes: Ints, outgoing_first: Ints, outgoing: Ints, link_downstream: Ints,
    is_open: Bools,
) -> None:  # fmt: skip
    """Write which nodes some way leads to from one of some nodes, these among them; bool by node, none at first.

    is_reached: written. todo: room to work in, one entry by node. nodes: where ways begin, int32. outgoing_first,
    outgoing: links out of each node. link_downstream: node at which each ends. is_open: bool by link.
    """
    n = 0
    for node in nodes:
        if not is_reached[node]:
            is_reached[node] = True
            todo[n] = node
            n += 1
    while n > 0:
        n -= 1
        node = np.int64(todo[n])
        for k in range(outgoing_first[node], outgoing_first[node + 1]):
            end = link_downstream[outgoing[k]]
            if is_open[outgoing[k]] and not is_reached[end]:
                is_reached[end] = True
                todo[n] = end
                n += 1


@lean_kernel
def take_turns(
    next_link: Ints, cost_to_go_s: Floats, like_link: Ints, like_cost_s: Floats, is_tied: Bools, cost_s: Floats,
    outgoing_first: Ints, outgoing: Ints, link_downstream: Ints, link_key: Ints, mixed_in: int,
) -> bool:  # fmt: skip
    """Write a row that differs from another only in who goes first where links are equally good; return whether any
    link to take is another than before.

    next_link, cost_to_go_s: written, by node. like_link, like_cost_s: the other row, which holds from everywhere.
    is_tied: bool by node: more than one link is best there. cost_s: cost of each link (s), inf: closed. outgoing_first,
    outgoing: links out of each node. link_downstream: node at which each ends. link_key, mixed_in: see `_turn`.
    """
    is_changed = False
    for node in range(next_link.size):
        best, best_s = like_link[node], like_cost_s[node]
        if is_tied[node]:
            for k in range(outgoing_first[node], outgoing_first[node + 1]):
                link = outgoing[k]
                through_s = cost_s[link] + like_cost_s[link_downstream[link]]
                if through_s == best_s and _is_before(link_key, mixed_in, link, best):
                    best = link
        is_changed |= next_link[node] != best
        next_link[node], cost_to_go_s[node] = best, best_s
    return is_changed


@kernel
def turns(link_key: Ints, mixed_in: int) -> Ints:
    """Return the turn of each link in a class, uint32: who goes first where links are equally good, see `_turn`.

    link_key: uint32, what each link is. mixed_in: what the turns of the class are mixed with.
    """
    turn = np.empty(link_key.size, np.uint32)
    for link in range(link_key.size):
        turn[link] = _turn(link_key, mixed_in, link)
    return turn


@kernel
def sum_along(total: Floats, next_link: Ints, order: Ints, link_downstream: Ints, of_link: Floats) -> None:
    """Write the sum of a quantity of links, of_link, along the way from each node; order: nodes, the nearest first.

    total: written, by node. next_link: a row of the tables. link_downstream: node at which each link ends.
    """
    for node in order:
        if next_link[node] == ARRIVED:
            total[node] = 0.0
        elif next_link[node] >= 0:
            total[node] = of_link[next_link[node]] + total[link_downstream[next_link[node]]]
