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

Nodes are settled in the order of what the way out costs from them. They wait for it in buckets, each of a narrow range
of costs; only those of the bucket at hand are put in order, in a heap. Along with the times comes a table of next
links, at the cost of these times: whoever leads best from a node is settled before it. So whoever asks only about some
nodes need not wait for those that are farther.
"""

from typing import Any

import numpy as np

from safepassage.agents.compiled import inlined_part, lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records
from safepassage.agents.ground.prefetch import prefetch
from safepassage.agents.ground.row import row

NONE, NO_ROUTE, ARRIVED = -1, -1, -2

ROAD = np.dtype(
    [
        ("time_s", "f8"), ("free_s", "f8"), ("weight", "f8"), ("danger_factor", "f8"), ("per_s", "f8"),
        ("n_cars", "i4"), ("link", "i4"), ("start", "i4"), ("turn", "u4"),
    ],
    align=True,
)  # fmt: skip
"""A link, in a list of the links into each node. time_s: as its own queue has it; n_cars: on it and waiting to enter
it; both as if nobody were on it between calls. free_s: without anybody. weight: what a second on it costs people, by
which they choose; inf: they believe it closed. danger_factor: the same in the table of next links. per_s: vehicles
that its end lets pass (1/s). turn: who goes first at equal cost."""
PLACE = np.dtype(
    [
        ("cost_s", "f8"), ("to_go_s", "f8"), ("out_s", "f8"), ("free_out_s", "f8"), ("gate", "i4"), ("next_link", "i4"),
        ("turn", "u4"), ("through", "i4"), ("is_settled", "i4"), ("n_equal", "i4"),
    ],
    align=True,
)  # fmt: skip
"""A node: what the way out costs by which nodes are settled, what it costs in the table, when somebody there can be
out, when if nobody else were there (s); its nearest gate, the turn of its best link and where that is in the list.
next_link: one that is best in the table. n_equal: so many others are as good, each the `equal` of the one before."""
GATE = np.dtype([("way_on_s", "f8"), ("busy_s", "f8"), ("per_s", "f8"), ("next", "i4")], align=True)
"""At the index of a link in the list, or of an exit after all links. way_on_s: from it on, without anybody. busy_s: how
long it takes to serve all who are counted. next: gate after it."""
ENTRY = np.dtype([("cost_s", "f8"), ("turn", "u4"), ("node", "i4"), ("next", "i4"), ("bucket", "i4")], align=True)
"""A node that waits to be settled: in the heap by cost and turn, or in a bucket, next: after it there."""


@inlined_part
def push(heap: Records, size: int, cost_s: float, turn: int, node: int) -> int:
    """Insert a node in a heap ordered by (cost, turn) and return its new size.

    heap: ENTRY, of which size are in use. cost_s, turn: of the node, see PLACE.
    """
    k = row(size)
    while k > 0:
        parent = row((k - 1) >> 1)
        above = heap[parent]
        if above.cost_s < cost_s or (above.cost_s == cost_s and above.turn <= turn):
            break
        heap[k].cost_s, heap[k].turn, heap[k].node = above.cost_s, above.turn, above.node
        k = parent
    heap[k].cost_s, heap[k].turn, heap[k].node = cost_s, turn, node
    return size + 1


@inlined_part
def drop_first(heap: Records, size: int) -> int:
    """Remove the first entry of the heap and return its new size. heap: ENTRY, of which size are in use."""
    size = row(size - 1)
    cost_s, turn, node = heap[size].cost_s, heap[size].turn, heap[size].node
    k, child = row(0), row(1)
    while child < size:
        other = row(child + 1)
        if other < size and (
            heap[other].cost_s < heap[child].cost_s
            or (heap[other].cost_s == heap[child].cost_s and heap[other].turn < heap[child].turn)
        ):
            child = other
        below = heap[child]
        if cost_s < below.cost_s or (cost_s == below.cost_s and turn <= below.turn):
            break
        heap[k].cost_s, heap[k].turn, heap[k].node = below.cost_s, below.turn, below.node
        k, child = child, row(2 * child + 1)
    heap[k].cost_s, heap[k].turn, heap[k].node = cost_s, turn, node
    return size


@inlined_part
def count(roads: Records, gates: Records, first: int, last: int, gate: int, free_out_s: float) -> float:
    """Count the cars on links into a node at the gates that they have yet to pass; links narrower are new gates.

    Returns when the last who is counted at the gates after the node can be out (s).

    roads, gates: as for `expect`. first, last: the links are roads[first:last]. gate: the node's nearest. free_out_s:
    when who is at the node can be out if nobody else is there (s).
    """
    n_cars, gate = 0, row(gate)
    for i in range(first, last):
        k = row(i)
        road = roads[k]
        if road.weight == np.inf:
            continue
        n_cars += road.n_cars
        if 0.0 < road.per_s < gates[gate].per_s:
            gates[k].per_s, gates[k].way_on_s, gates[k].next = road.per_s, free_out_s, gate
            gates[k].busy_s = road.n_cars / road.per_s
    last_s = 0.0
    at = gate
    while at != NONE:
        passed = gates[row(at)]
        if n_cars > 0:
            ahead_s, busy_s = free_out_s - passed.way_on_s, passed.busy_s
            for i in range(first, last):
                k = row(i)
                if roads[k].n_cars > 0 and roads[k].weight < np.inf:
                    busy_s = max(busy_s, ahead_s) + roads[k].n_cars / passed.per_s
            passed.busy_s = busy_s
        last_s = max(last_s, passed.way_on_s + passed.busy_s)
        at = np.int64(passed.next)
    return last_s


@inlined_part
def look_back(
    roads: Records, places: Records, gates: Records, equal: Ints, k: int, node: int, last_s: float
) -> tuple[bool, float]:
    """Reach the beginning of a link into a settled node; return (whether by a better way, the time of the link (s)).

    roads, places, gates, equal: as for `expect`. k: where the link is in roads. node: its end. last_s: when the last
    who is counted at the gates after the node can be out (s).
    """
    road, end = roads[k], places[node]
    own, until_s = row(end.gate), last_s
    if 0.0 < road.per_s < gates[own].per_s:
        own, until_s = row(k), max(last_s, gates[k].way_on_s + gates[k].busy_s)
    link_out_s, time_s = end.out_s + road.time_s, road.time_s
    if until_s > link_out_s:  # else it takes exactly the link's own time, to the last bit
        time_s = until_s - end.out_s
    else:
        until_s = link_out_s
    start = places[row(road.start)]
    through_s = time_s * road.danger_factor + end.to_go_s
    if through_s < start.to_go_s:
        start.to_go_s, start.next_link, start.n_equal = through_s, road.link, 0
    elif through_s == start.to_go_s and start.next_link >= 0:
        equal[road.link], start.next_link = start.next_link, road.link
        start.n_equal += 1
    from_s = end.cost_s + time_s * road.weight
    if from_s < start.cost_s or (from_s == start.cost_s and road.turn < start.turn):
        start.cost_s, start.turn, start.gate, start.through = from_s, road.turn, own, k
        start.out_s, start.free_out_s = until_s, end.free_out_s + road.free_s
        return True, time_s
    return False, time_s


@inlined_part
def forget(place: Any) -> None:
    """Let nothing be known of a node. place: its PLACE."""
    place.cost_s, place.to_go_s, place.next_link, place.through = np.inf, np.inf, NO_ROUTE, NONE
    place.is_settled = place.n_equal = 0


@inlined_part
def begin(
    roads: Records, places: Records, gates: Records, heap: Records, sights: Records, of_link: Ints, exit_node: Ints,
    exit_per_s: Floats,
) -> int:  # fmt: skip
    """Put what links take now on the list, and the exits into the heap; return its size.

    roads, places, gates, heap, sights, of_link, exit_node, exit_per_s: as for `expect`.
    """
    for i in range(sights.size):
        road = roads[of_link[sights[i].link]]
        road.n_cars += sights[i].n_cars
        if sights[i].time_s >= 0.0:
            road.time_s = sights[i].time_s
    size = 0
    for i in range(exit_node.size):
        gate, exit_place = gates[roads.size + i], places[exit_node[i]]
        gate.per_s, gate.way_on_s, gate.busy_s, gate.next = exit_per_s[i], 0.0, 0.0, NONE
        if exit_place.cost_s == np.inf:
            size = push(heap, size, 0.0, np.uint32(0), exit_node[i])
        exit_place.cost_s, exit_place.to_go_s, exit_place.out_s, exit_place.free_out_s = 0.0, 0.0, 0.0, 0.0
        exit_place.turn, exit_place.gate, exit_place.next_link, exit_place.through = 0, roads.size + i, ARRIVED, NONE
        exit_place.n_equal = 0
    return size


@inlined_part
def _open(roads, incoming_first, places, heap, bucket, waiting, at):
    """Put the nodes of a bucket that are not settled into the heap, which is empty; return (size, how many left)."""
    size, n_left, entry = 0, 0, bucket[at]
    bucket[at] = NONE
    while entry != NONE:
        n_left += 1
        node = row(waiting[row(entry)].node)
        if not places[node].is_settled:
            prefetch(roads, incoming_first[node], 0)
            prefetch(roads, incoming_first[node], 1)
            size = push(heap, size, places[node].cost_s, places[node].turn, node)
        entry = waiting[row(entry)].next
    return size, n_left


@inlined_part
def put_back(roads: Records, sights: Records, of_link: Ints, alone_s: Floats) -> None:
    """Leave the list as if nobody were on the roads. roads, sights, of_link, alone_s: as for `expect`."""
    for i in range(sights.size):
        road = roads[of_link[sights[i].link]]
        road.n_cars, road.time_s = 0, alone_s[sights[i].link]


@inlined_part
def first_in_turn(equal: Ints, class_turn: Ints, place: Any) -> np.int64:
    """Return the link that a table takes from a node, ARRIVED or NO_ROUTE; of equally good ones that whose turn it is.

    equal: as for `expect`. class_turn: as for `write_table`. place: the node's PLACE.
    """
    first = link = np.int64(place.next_link)
    for _ in range(place.n_equal):
        link = np.int64(equal[link])
        turn, other = class_turn[link], class_turn[first]
        if turn < other or (turn == other and link < first):
            first = link
    return first


@lean_kernel
def expect(
    expected_s: Floats, roads: Records, places: Records, gates: Records, equal: Ints, heap: Records, waiting: Records,
    bucket: Ints, buckets_per_s: float, sights: Records, of_link: Ints, alone_s: Floats, incoming_first: Ints,
    wanted: Bools, exit_node: Ints, exit_per_s: Floats,
) -> tuple[float, bool]:  # fmt: skip
    """Write the time that each link will take somebody who enters it now, waits at gates included (s), or the places
    that a table follows from.

    Returns (what the way out costs from the node from which it costs most (s), of those looked at; whether all nodes
    were looked at from which there is a way out).

    expected_s: if it has room: written, where a way out is known; it holds the times of links' own queues before.
    roads: ROAD, as if nobody were on them before and after; the links into a node are
    roads[incoming_first[node]:incoming_first[node + 1]]. places: PLACE, written: as they are at all nodes, if it has to
    say what is expected of all links, otherwise at least at those that are wanted and on the way out from them. gates:
    GATE, written. equal: written, by link: another link that is as good from the same node, see PLACE. heap, waiting,
    bucket: room to work in: ENTRY for each link and exit, and buckets, all NONE before and after. buckets_per_s: how
    many buckets there are for a second of cost; the result does not depend on it. sights: SIGHT, all that there is to
    see. of_link: where each link is in roads. alone_s: time that each link took somebody alone at first (s). exit_node,
    exit_per_s: ways out and what they let pass (vehicles/s).
    """
    for node in range(places.size):
        forget(places[node])
    size = begin(roads, places, gates, heap, sights, of_link, exit_node, exit_per_s)
    at, n_waiting, n_entries, most_s, n_wanted = 0, 0, 0, 0.0, 1
    if expected_s.size == 0:
        n_wanted = wanted.sum()
    while n_wanted > 0 and (size > 0 or n_waiting > 0):
        if size == 0:
            at += 1
            while bucket[at] == NONE:
                at = row(at + 1)
            size, n_left = _open(roads, incoming_first, places, heap, bucket, waiting, at)
            n_waiting -= n_left
            continue
        node = row(heap[0].node)
        size = drop_first(heap, size)
        if places[node].is_settled:
            continue
        places[node].is_settled, most_s = 1, places[node].cost_s
        if expected_s.size == 0 and wanted[node]:
            n_wanted -= 1
        first, last = incoming_first[node], incoming_first[node + 1]
        last_s = count(roads, gates, first, last, np.int64(places[node].gate), places[node].free_out_s)
        for i in range(first, last):
            k = row(i)
            if roads[k].weight == np.inf:
                continue
            if places[row(roads[k].start)].is_settled and expected_s.size == 0:  # nobody turns back to get out
                continue
            is_better, time_s = look_back(roads, places, gates, equal, k, node, last_s)
            if expected_s.size > 0:
                expected_s[roads[k].link] = time_s
            if is_better:
                start = places[row(roads[k].start)]
                place = row(np.int64(min(start.cost_s * buckets_per_s, bucket.size - 1.0)))
                if place <= at:
                    size = push(heap, size, start.cost_s, start.turn, roads[k].start)
                else:
                    entry = waiting[row(n_entries)]
                    entry.node, entry.next, entry.bucket = roads[k].start, bucket[place], place
                    bucket[place] = n_entries
                    n_entries += 1
                    n_waiting += 1
    for i in range(n_entries):
        bucket[waiting[i].bucket] = NONE
    put_back(roads, sights, of_link, alone_s)
    return most_s, n_wanted > 0


@lean_kernel
def write_table(
    next_link: Ints, to_go_s: Floats, is_known: Bools, is_changed: Bools, places: Records, equal: Ints,
    class_turn: Ints, is_all: bool,
) -> None:  # fmt: skip
    """Write a table of next links where `expect` has looked.

    next_link, to_go_s: written, by node: the link to take, ARRIVED or NO_ROUTE, and what the way out costs (s).
    is_known: set where these are written. is_changed: bool[1], set if any link to take is another than before. places,
    equal, is_all: as `expect` has left them. class_turn: uint32, which of two links goes first at equal cost.
    """
    for node in range(places.size):
        if is_all or places[node].is_settled:
            link = first_in_turn(equal, class_turn, places[node])
            is_changed[0] |= next_link[node] != link
            next_link[node], to_go_s[node], is_known[node] = link, places[node].to_go_s, True
