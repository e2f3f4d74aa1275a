"""How long each link will take somebody who sets out over it now, all those counted who get to a narrow place before.

A queue that stands is only the smaller part of the wait: before whoever drives towards a way out, or a bridge, are all
those too who are nearer to it. From the ways out backwards, the nearest node first, as in Dijkstra (1959), each node
gets the time at which somebody who is there now can be out:

    out(node)  = least, over its links, of   max( out(end of link) + time on the link,
                                                  way on from gate + until it has served all before, over all gates )

A gate is a way out, or a link whose end lets fewer pass than everything after it on the way. Before somebody are the
cars on links, and waiting to enter them, whose ends are nearer; the gate serves them one after the other, none before
it can be there. Each is taken to leave by the way that is best from where it is, so the ways out share the cars as they
can serve them. Exact for a narrow place that serves whoever is nearer first.
"""

import numpy as np

from safepassage.agents.compiled import inlined_part, kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints

NONE = -1


@inlined_part
def _push(heap_s, heap_turn, heap_node, size, cost_s, turn, node):
    """Insert a node in a heap ordered by (cost, turn) and return its new size."""
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        if heap_s[parent] < cost_s or (heap_s[parent] == cost_s and heap_turn[parent] <= turn):
            break
        heap_s[k], heap_turn[k], heap_node[k] = heap_s[parent], heap_turn[parent], heap_node[parent]
        k = parent
    heap_s[k], heap_turn[k], heap_node[k] = cost_s, turn, node
    return size + 1


@inlined_part
def _drop_first(heap_s, heap_turn, heap_node, size):
    """Remove the first entry of the heap and return its new size."""
    size -= 1
    cost_s, turn, node = heap_s[size], heap_turn[size], heap_node[size]
    k, child = 0, 1
    while child < size:
        other = child + 1
        if other < size and (
            heap_s[other] < heap_s[child] or (heap_s[other] == heap_s[child] and heap_turn[other] < heap_turn[child])
        ):
            child = other
        if cost_s < heap_s[child] or (cost_s == heap_s[child] and turn <= heap_turn[child]):
            break
        heap_s[k], heap_turn[k], heap_node[k] = heap_s[child], heap_turn[child], heap_node[child]
        k, child = child, 2 * child + 1
    heap_s[k], heap_turn[k], heap_node[k] = cost_s, turn, node
    return size


@inlined_part
def _count(
    incoming, first, last, busy_s, per_s, way_on_s, next_gate, gate, n_cars, capacity_per_s, is_open, free_out_s
):
    """Count the cars on links into a node at the gates that they have yet to pass; links narrower are new gates."""
    for k in range(first, last):
        link = incoming[k]
        if not is_open[link]:
            continue
        at = gate
        if 0.0 < capacity_per_s[link] < per_s[gate]:
            at = link
            per_s[at], way_on_s[at], next_gate[at] = capacity_per_s[link], free_out_s, gate
        while at != NONE and n_cars[link] > 0:
            busy_s[at] = max(busy_s[at], free_out_s - way_on_s[at]) + n_cars[link] / per_s[at]
            at = next_gate[at]


@inlined_part
def _out_s(gate, link_out_s, busy_s, way_on_s, next_gate):
    """Return when somebody can be out who has the cars counted at the gates before them (s)."""
    out_s = link_out_s
    while gate != NONE:
        out_s = max(out_s, way_on_s[gate] + busy_s[gate])
        gate = next_gate[gate]
    return out_s


@inlined_part
def _look_back(
    node, heap_s, heap_turn, heap_node, size, is_listed, expected_s, cost_s, best_turn, out_s, free_out_s, gate, busy_s,
    per_s, way_on_s, next_gate, link_time_s, free_flow_time_s, n_cars, capacity_per_s, weight, is_open, turn,
    link_upstream, incoming_first, incoming,
):  # fmt: skip
    """Settle a node: count the cars on links into it, then give these links their times and reach their beginnings.

    Returns how many entries the heap has now or, if nodes are listed, how many nodes more than `size` were reached.
    """
    first, last, ahead, way_s = incoming_first[node], incoming_first[node + 1], gate[node], free_out_s[node]
    _count(incoming, first, last, busy_s, per_s, way_on_s, next_gate, ahead, n_cars, capacity_per_s, is_open, way_s)
    for k in range(first, last):
        link = incoming[k]
        if not is_open[link]:
            continue
        own = link if 0.0 < capacity_per_s[link] < per_s[ahead] else ahead
        start = link_upstream[link]
        link_out_s = out_s[node] + link_time_s[link]
        until_s = _out_s(own, link_out_s, busy_s, way_on_s, next_gate)
        if until_s > link_out_s:  # else it takes exactly the link's own time, to the last bit
            expected_s[link] = until_s - out_s[node]
        from_s = cost_s[node] + expected_s[link] * weight[link]
        if from_s < cost_s[start] or (from_s == cost_s[start] and turn[link] < best_turn[start]):
            size += 1 if is_listed and cost_s[start] == np.inf else 0
            cost_s[start], best_turn[start], gate[start] = from_s, turn[link], own
            out_s[start], free_out_s[start] = until_s, way_s + free_flow_time_s[link]
            if not is_listed:
                size = _push(heap_s, heap_turn, heap_node, size, from_s, turn[link], start)
    return size


@kernel
def expect(
    link_time_s: Floats, free_flow_time_s: Floats, n_cars: Ints, capacity_per_s: Floats, weight: Floats, is_open: Bools,
    turn: Ints, link_upstream: Ints, incoming_first: Ints, incoming: Ints, exit_node: Ints, exit_per_s: Floats,
    order: Ints,
) -> Floats:  # fmt: skip
    """Return the time that each link will take somebody who enters it now, waits at gates included (s).

    link_time_s: as its own queue has it (s). n_cars: on each link and waiting to enter it. capacity_per_s: of its end.
    weight: what a second on it costs people, by which they choose. turn: uint32, who goes first at equal cost.
    incoming: links into each node, incoming[incoming_first[n]:incoming_first[n + 1]]. exit_node, exit_per_s: ways out
    and what they let pass (vehicles/s). free_flow_time_s: without anybody (s). is_open: links that people believe open.
    link_upstream: node at which each link begins. order: int32[n_nodes], read and written: nodes in the order in which
    they were settled last, NONE behind them. If it holds again no heap is needed; the times are the same in any case.
    """
    n_nodes, n_links, n_exits = incoming_first.size - 1, link_upstream.size, exit_node.size
    n_gates = n_links + n_exits
    expected_s, way_on_s = np.empty(n_links), np.zeros(n_gates)
    cost_s, best_turn, out_s, free_out_s = (
        np.empty(n_nodes), np.zeros(n_nodes, np.uint32), np.zeros(n_nodes), np.zeros(n_nodes),
    )  # fmt: skip
    gate, is_done = np.empty(n_nodes, np.int32), np.zeros(n_nodes, np.bool_)
    busy_s, per_s, next_gate = np.empty(n_gates), np.empty(n_gates), np.empty(n_gates, np.int32)
    heap_s, heap_turn, heap_node = np.empty(n_gates), np.empty(n_gates, np.uint32), np.empty(n_gates, np.int32)
    for is_listed in (True, False):
        expected_s[:], cost_s[:], gate[:], busy_s[:], per_s[:], next_gate[:] = link_time_s, np.inf, NONE, 0.0, 0.0, NONE
        size = 0
        for i in range(n_exits):
            node = exit_node[i]
            size += 1 if is_listed and cost_s[node] == np.inf else 0
            per_s[n_links + i], gate[node], cost_s[node] = exit_per_s[i], n_links + i, 0.0
            out_s[node], free_out_s[node], best_turn[node] = 0.0, 0.0, 0
            if not is_listed:
                size = _push(heap_s, heap_turn, heap_node, size, 0.0, np.uint32(0), node)
        n, last_s, last_turn = 0, 0.0, np.uint32(0)
        while n < size if is_listed else size > 0:
            if is_listed:
                node = np.int64(order[n])
                if node == NONE or cost_s[node] < last_s or cost_s[node] == np.inf:
                    break
                if cost_s[node] == last_s and best_turn[node] < last_turn:
                    break
                last_s, last_turn = cost_s[node], best_turn[node]
            else:
                node = np.int64(heap_node[0])
                size = _drop_first(heap_s, heap_turn, heap_node, size)
                if is_done[node]:
                    continue
                is_done[node], order[n] = True, node
            n += 1
            size = _look_back(
                node, heap_s, heap_turn, heap_node, size, is_listed, expected_s, cost_s, best_turn, out_s, free_out_s,
                gate, busy_s, per_s, way_on_s, next_gate, link_time_s, free_flow_time_s, n_cars, capacity_per_s,
                weight, is_open, turn, link_upstream, incoming_first, incoming,
            )  # fmt: skip
        if is_listed and n == size:
            return expected_s
    order[n:] = NONE
    return expected_s
