"""What whoever sets out over their own way must expect of queues, as outlook.py does, if few are on the roads.

Then most nodes do not matter: nobody whose place at a gate counts comes by them. Looked at are the ways of those in
sight, and of who asks, as they are while nobody is on the roads. It is checked that they stay what they are: where
another link could be better, at what it costs alone, the way from its end is looked at too, and all others again.
If that takes more than looking at all nodes, or somebody who asks has no way out, `outlook.expect` has to do it.
"""

import numpy as np

from safepassage.agents.compiled import calls_kernels_of, inlined_part, lean_kernel, lean_part
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records
from safepassage.agents.rules import outlook
from safepassage.agents.rules.outlook import NONE

EMPTY = np.dtype(
    [("cost_s", "f8"), ("to_go_s", "f8"), ("through", "i4"), ("then", "i4"), ("is_tied", "i4"), ("way", "i4")],
    align=True,
)  # fmt: skip
"""A node while nobody is on the roads: cost_s, to_go_s and through as in PLACE. then: the node after it. is_tied: not
every table takes that way. way: for `expect_on_way`, the link that its table takes."""
OFF, BEHIND, ON_WAY = 0, 1, 2
"""Whether a node is on a way looked at: on none, of somebody who is counted at gates, of who asks for a table."""


@lean_kernel
def keep_empty(
    empty: Records, places: Records, roads: Records, of_link: Ints, outgoing_first: Ints, outgoing: Ints,
    link_downstream: Ints,
) -> None:  # fmt: skip
    """Write EMPTY, by node, from what `outlook.expect` left in places when nobody was on the roads.

    places, roads, of_link: as for `outlook.expect`. empty, outgoing_first, outgoing, link_downstream: as for
    `expect_on_way`.
    """
    for node in range(places.size):
        place, alone = places[node], empty[node]
        alone.cost_s, alone.to_go_s, alone.through, alone.then = place.cost_s, place.to_go_s, place.through, NONE
        if place.through == NONE:
            continue
        alone.then = link_downstream[roads[place.through].link]
        n_best = 0
        for k in range(outgoing_first[node], outgoing_first[node + 1]):
            road = roads[of_link[outgoing[k]]]
            end = places[link_downstream[outgoing[k]]]
            n_best += road.weight < np.inf and road.time_s * road.danger_factor + end.to_go_s <= place.to_go_s
        alone.is_tied = n_best != 1 or place.next_link != roads[place.through].link


@calls_kernels_of(outlook)
@inlined_part
def _mark_behind(empty, is_on, marked, n, node):
    """Mark a node, and all on the way on which who is there is counted; return how many are marked."""
    while node != NONE and is_on[node] == OFF:
        is_on[node], marked[n].node = BEHIND, node
        n += 1
        node = np.int64(empty[node].then)
    return n


@inlined_part
def _way(empty, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, node):
    """Return the link that a table takes from a node as long as nobody is on the roads."""
    least_s, way = np.inf, np.int64(NONE)
    for k in range(outgoing_first[node], outgoing_first[node + 1]):
        link = np.int64(outgoing[k])
        road = roads[of_link[link]]
        if road.weight == np.inf:
            continue
        through_s = road.time_s * road.danger_factor + empty[link_downstream[link]].to_go_s
        if through_s > least_s:
            continue
        if through_s == least_s:
            turn, other = class_turn[link], class_turn[way]
            if turn > other or (turn == other and link > way):
                continue
        least_s, way = through_s, link
    return way


@lean_part
def _mark_way(empty, is_on, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, marked, n, node):
    """Mark a node, and all on the way that the table takes from it as long as nobody is on the roads; return how many
    are marked."""
    while is_on[node] != ON_WAY:
        n = _mark_behind(empty, is_on, marked, n, node)
        is_on[node], alone = ON_WAY, empty[node]
        if alone.through == NONE:
            break
        if alone.is_tied:
            alone.way = _way(empty, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, node)
            node = np.int64(link_downstream[alone.way])
        else:
            alone.way, node = roads[alone.through].link, np.int64(alone.then)
    return n


@calls_kernels_of(outlook)
@inlined_part
def _look_further(
    empty, is_on, places, equal, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, marked, n, node,
    cost_s,
):  # fmt: skip
    """Mark the ways on which somebody may do as well from a node, and that nobody has looked at; return (how many nodes
    are marked, whether there was no such way).

    cost_s: only ways out that cost at most so much matter (s). Those that nobody has looked at cost at least what they
    cost to who is alone on them. There is none if all is as while nobody is on the roads.
    """
    place, alone = places[node], empty[node]
    is_same = place.cost_s == alone.cost_s and place.through == alone.through
    is_same_way = is_on[node] != ON_WAY or alone.through == NONE or not place.is_settled
    if not is_same_way and place.to_go_s == alone.to_go_s:
        is_same_way = outlook.first_in_turn(equal, class_turn, place) == alone.way
    if is_same and is_same_way:
        return n, True
    is_sure = True
    for k in range(outgoing_first[node], outgoing_first[node + 1]):
        end = np.int64(link_downstream[outgoing[k]])
        road, beyond = roads[of_link[outgoing[k]]], empty[end]
        if road.weight == np.inf:
            continue
        if (
            not is_same_way
            and is_on[end] != ON_WAY
            and beyond.to_go_s + road.time_s * road.danger_factor <= place.to_go_s
        ):
            is_sure = False
            n = _mark_way(
                empty, is_on, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, marked, n, end
            )
        elif not is_same and is_on[end] == OFF and beyond.cost_s + road.time_s * road.weight <= cost_s:
            is_sure, n = False, _mark_behind(empty, is_on, marked, n, end)
    return n, is_sure


@calls_kernels_of(outlook)
@lean_kernel
def expect_on_way(
    next_link: Ints, to_go_s: Floats, is_known: Bools, is_changed: Bools, roads: Records, places: Records,
    gates: Records, equal: Ints, heap: Records, marked: Records, empty: Records, is_on: Ints, sights: Records,
    of_link: Ints, alone_s: Floats, class_turn: Ints, incoming_first: Ints, outgoing_first: Ints, outgoing: Ints,
    link_downstream: Ints, wanted: Bools, exit_node: Ints, exit_per_s: Floats,
) -> bool:  # fmt: skip
    """Write the table of `outlook.expect` at the nodes that are wanted and on the way out from them, from what is on
    that way, on the ways of those in sight, and round queues; return whether that was possible. Otherwise nothing is
    written.

    It is not if some link takes less than it took somebody alone, if there is no way out from a node that is wanted, or
    if as many nodes have been looked at, again and again, as there are. Few in sight are looked at in a fraction of the
    time of `outlook.expect`.

    next_link, to_go_s, is_known, is_changed, class_turn: as for `outlook.write_table`. roads, places, gates, equal,
    heap, sights, of_link, alone_s, incoming_first, wanted, exit_node, exit_per_s: as for `outlook.expect`. marked: room
    for an ENTRY for each node. empty: EMPTY, by node. is_on: uint8, by node, all OFF before and after. outgoing_first,
    outgoing: links out of each node. link_downstream: where each link ends.
    """
    n, n_wanted, n_looked_at, is_sure, is_possible = 0, 0, 0, False, True
    for node in range(places.size):
        if wanted[node]:
            n_wanted += 1
            if empty[node].cost_s == np.inf:
                is_possible = False
                continue
            n = _mark_way(
                empty, is_on, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, marked, n, node
            )
    for i in range(exit_node.size):
        n = _mark_way(
            empty, is_on, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream, marked, n,
            np.int64(exit_node[i]),
        )  # fmt: skip
    for i in range(sights.size):
        is_possible &= not 0.0 <= sights[i].time_s < alone_s[sights[i].link]
        if sights[i].n_cars > 0 and roads[of_link[sights[i].link]].weight < np.inf:
            end = np.int64(link_downstream[sights[i].link])
            if empty[end].cost_s < np.inf:
                n = _mark_behind(empty, is_on, marked, n, end)
    while is_possible and not is_sure and n_looked_at <= places.size:
        n_looked_at += n
        for i in range(n):
            outlook.forget(places[marked[i].node])
        size = outlook.begin(roads, places, gates, heap, sights, of_link, exit_node, exit_per_s)
        n_left, last_s, is_sure = n_wanted, 0.0, True
        while n_left > 0 and size > 0:
            node = np.int64(heap[0].node)
            size = outlook.drop_first(heap, size)
            if places[node].is_settled:
                continue
            places[node].is_settled, last_s = 1, places[node].cost_s
            n_left -= wanted[node]
            n, is_all = _look_further(
                empty, is_on, places, equal, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream,
                marked, n, node, last_s,
            )  # fmt: skip
            is_sure &= is_all
            first, last = incoming_first[node], incoming_first[node + 1]
            served_s = outlook.count(roads, gates, first, last, np.int64(places[node].gate), places[node].free_out_s)
            for k in range(first, last):
                start = np.int64(roads[k].start)
                if is_on[start] == OFF or places[start].is_settled or roads[k].weight == np.inf:
                    continue
                if outlook.look_back(roads, places, gates, equal, k, node, served_s)[0]:
                    size = outlook.push(heap, size, places[start].cost_s, places[start].turn, start)
        outlook.put_back(roads, sights, of_link, alone_s)
        for i in range(n):
            node = np.int64(marked[i].node)
            if is_sure and not places[node].is_settled:
                n, is_sure = _look_further(
                    empty, is_on, places, equal, roads, of_link, class_turn, outgoing_first, outgoing, link_downstream,
                    marked, n, node, last_s,
                )  # fmt: skip
        is_possible = n_left == 0
    is_sure &= is_possible
    for i in range(n):
        node = np.int64(marked[i].node)
        if is_sure and is_on[node] == ON_WAY and places[node].is_settled:
            link = outlook.first_in_turn(equal, class_turn, places[node])
            is_changed[0] |= next_link[node] != link
            next_link[node], to_go_s[node], is_known[node] = link, places[node].to_go_s, True
        is_on[node] = OFF
    return is_sure
