"""Walkers on streets: kernels that are exact in time and cost a few operations per street crossed.

On a street, every walker's own free speed v0 is scaled by one factor of the density, after Weidmann (1993):

    v = v0 * speed_factor * (1 - exp(-1.913 (1/rho - 1/5.4))),    never below v0 * speed_factor * least_pace.

So a street keeps one clock, `progress_s`: free-walking seconds gone by, which runs at `pace` = v / v0. It is linear
between entries and exits. A party that enters reaches the end when the clock shows its `target_s`, the progress at
entry + length / v0; the parties of a street stand in a pairing heap by target, and only the first is an event. Both
directions share the area (counter-flow) and hence the clock.

Flow. At the end of a link a gate lets flow_capacity = specific flow x width x speed_factor pass, in order of arrival.
To enter a street takes n_persons / (flow that the street takes in): its flow capacity, or where it is denser than at
maximum flow, the flow at its density (sum of free speeds x pace / length). Queues therefore grow back at the density
that belongs to the flow of the bottleneck, as in kinematic wave theory, and a street at jam density takes nobody. Those
refused stand at the end of their street, count in its density, and are served in order of arrival. An exit is an
entry with a flow capacity of its own.

Counter-flow. When parties on full streets wait for each other's places in a ring, none could ever move: after
`swap_after_s` they change places at once, one party from each street of the ring.

One file, longer than others: numba's cache notices a change of its own file alone, so kernels that call each other
stay together.
"""

import numpy as np
from numba import njit

from safepassage.agents.walkers import ARRIVED, NO_ROUTE, Event, Stage

kernel = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
"""Nothing is allocated inside, so references need not be counted: counting takes nine tenths of the time."""
inlined = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True)
SLOTS_PER_S = 128.0
"""Slots of the event wheel per second; a power of two, so that slot numbers are exact."""


@inlined
def pace_at(n_persons, area_m2, speed_factor, rules):
    """Return walking speed / free speed of n persons on an area (Weidmann 1993, Kladek's formula)."""
    if n_persons == 0:
        return speed_factor
    exponent = rules.gamma_per_m2 * (area_m2 / n_persons - 1.0 / rules.jam_density_per_m2)
    if exponent > 40.0:  # exp(-40) is lost in rounding
        return speed_factor
    return speed_factor * max(1.0 - np.exp(-exponent), rules.least_pace)


@inlined
def _meld(places, a, b):
    """Join two heaps and return the root: earliest target, then lowest index. Writes places."""
    if a < 0:
        return b
    if b < 0:
        return a
    target_a, target_b = places[a].target_s, places[b].target_s
    if target_b < target_a or (target_b == target_a and b < a):
        a, b = b, a
    places[b].sibling = places[a].child
    places[a].child = b
    return a


@inlined
def _without_root(places, root):
    """Take the root out of a pairing heap and return the new root (Fredman et al. 1986). Writes places."""
    child, paired = places[root].child, -1
    places[root].child = -1
    while child >= 0:
        other = places[child].sibling
        after = -1
        if other >= 0:
            after = places[other].sibling
        winner = _meld(places, child, other)
        places[winner].sibling = paired
        paired, child = winner, after
    merged = -1
    while paired >= 0:
        after = places[paired].sibling
        merged = _meld(places, merged, paired)
        paired = after
    return merged


@inlined
def _join(places, queue, walker):
    """Put a walker at the end of a queue (a record with first and last). Writes places and the queue."""
    places[walker].sibling = -1
    if queue.first < 0:
        queue.first = walker
    else:
        places[queue.last].sibling = walker
    queue.last = walker


@inlined
def _take(places, queue):
    """Remove and return the first walker of a queue. Writes the queue."""
    walker = queue.first
    queue.first = places[walker].sibling
    return walker


@kernel
def _remove(places, queue, walker):
    """Remove a walker from anywhere in a queue. Writes places and the queue."""
    other, queue.first = queue.first, -1
    while other >= 0:
        after = places[other].sibling
        if other != walker:
            _join(places, queue, other)
        other = after


@inlined
def _unschedule(crowd, s):
    """Take a street off the event wheel. Writes streets, slots and clock."""
    street = crowd.streets[s]
    if street.slot_previous >= 0:
        crowd.streets[street.slot_previous].slot_next = street.slot_next
    else:
        crowd.slots[street.slot & (crowd.slots.size - 1)] = street.slot_next
    if street.slot_next >= 0:
        crowd.streets[street.slot_next].slot_previous = street.slot_previous
    street.slot = -1
    crowd.clock[0].n_scheduled -= 1


@inlined
def _schedule(crowd, s):
    """Put a street on the event wheel at next_s, or leave it where it will be looked at before. Writes as above."""
    street, clock = crowd.streets[s], crowd.clock[0]
    if street.next_s == np.inf:
        if street.slot >= 0:
            _unschedule(crowd, s)
        return
    last = clock.slot + crowd.slots.size - 1
    slot = max(np.int64(min(street.next_s * SLOTS_PER_S, float(last))), clock.slot)
    if street.slot >= 0:
        if street.slot <= slot:
            return
        _unschedule(crowd, s)
    place = slot & (crowd.slots.size - 1)
    after = crowd.slots[place]
    street.slot, street.slot_next, street.slot_previous = slot, after, -1
    if after >= 0:
        crowd.streets[after].slot_previous = s
    crowd.slots[place] = s
    clock.n_scheduled += 1


@inlined
def _earliest(crowd, limit_s):
    """Return the street of the earliest event (ties: lowest index), or -1 if all are later than limit_s."""
    clock = crowd.clock[0]
    while True:
        earliest, earliest_s = -1, np.inf
        s = crowd.slots[clock.slot & (crowd.slots.size - 1)]
        while s >= 0:
            street = crowd.streets[s]
            after = street.slot_next
            if street.next_s * SLOTS_PER_S >= clock.slot + 1:  # has become later since it was put here
                _unschedule(crowd, s)
                _schedule(crowd, s)
            elif street.next_s < earliest_s or (street.next_s == earliest_s and s < earliest):
                earliest, earliest_s = s, street.next_s
            s = after
        if earliest >= 0:
            return earliest
        if clock.n_scheduled == 0:
            if limit_s < np.inf:
                clock.slot = max(clock.slot, np.int64(limit_s * SLOTS_PER_S))
            return -1
        if clock.slot + 1 >= limit_s * SLOTS_PER_S:
            return -1
        clock.slot += 1


@inlined
def _is_full(street, rules):
    """Return whether a street has reached jam density; an exit has no density."""
    return street.node < 0 and street.n_persons >= rules.jam_density_per_m2 * street.area_m2


@inlined
def _may_enter(crowd, walker, s):
    """Return whether there is room: the street is not full, or the walker is on it and only turns round."""
    link = crowd.walkers[walker].link
    return not _is_full(crowd.streets[s], crowd.rules[0]) or (link >= 0 and crowd.links[link].street == s)


@inlined
def reschedule(crowd, s, now_s):
    """Find the next event of a street, in order of Event if several are due, and put it on the wheel."""
    street = crowd.streets[s]
    street.next_s = np.inf
    if street.root >= 0:
        to_go_s = max(crowd.places[street.root].target_s - street.progress_s, 0.0)
        street.next_s, street.next_event = street.updated_s + to_go_s / street.pace, Event.REACHES_END
    if street.n_at_gates > 0:
        gate_s = gate_free_s(crowd, street)
        if gate_s < street.next_s:
            street.next_s, street.next_event = gate_s, Event.PASSES_GATE
    if street.first >= 0:
        if street.entry_free_s < street.next_s and _may_enter(crowd, street.first, s):
            street.next_s, street.next_event = street.entry_free_s, Event.ENTERS
        if street.swap_s < street.next_s:
            street.next_s, street.next_event = street.swap_s, Event.CHANGES_PLACES
    street.next_s = max(street.next_s, now_s)
    _schedule(crowd, s)


@inlined
def gate_free_s(crowd, street):
    """Return when the first of those queued at the two gates of a street may pass."""
    free_s = np.inf
    if crowd.links[street.link_a].first >= 0:
        free_s = crowd.links[street.link_a].gate_free_s
    if street.link_b >= 0 and crowd.links[street.link_b].first >= 0:
        free_s = min(free_s, crowd.links[street.link_b].gate_free_s)
    return free_s


@inlined
def change_crowd(street, n_persons, speed_m_s, now_s, rules):
    """Bring a street's clock to now and add (or, negative, take away) persons of a free speed. Writes the street."""
    street.progress_s += street.pace * (now_s - street.updated_s)
    street.updated_s = now_s
    street.n_persons += n_persons
    street.speed_sum_m_s += n_persons * speed_m_s
    if street.n_persons == 0:
        street.progress_s, street.speed_sum_m_s = 0.0, 0.0
    street.pace = pace_at(street.n_persons, street.area_m2, street.speed_factor, rules)


@inlined
def _leave(crowd, walker, now_s):
    """Take a walker off the street, if on one. Writes all but the wheel: the caller reschedules the street."""
    party = crowd.walkers[walker]
    if party.link >= 0:
        link = crowd.links[party.link]
        change_crowd(crowd.streets[link.street], -party.n_persons, party.speed_m_s, now_s, crowd.rules[0])
        link.n_left += party.n_persons
        party.link = -1


@inlined
def _walk_on(crowd, walker, link, to_go_m, now_s):
    """Set a walker walking on a link with so many metres to go, and reschedule the street."""
    party, s = crowd.walkers[walker], crowd.links[link].street
    street, rules = crowd.streets[s], crowd.rules[0]
    change_crowd(street, party.n_persons, party.speed_m_s, now_s, rules)
    party.link, party.wanted, party.stage = link, NO_ROUTE, Stage.WALKING
    place = crowd.places[walker]
    place.child, place.sibling = -1, -1
    place.target_s = street.progress_s + to_go_m / party.speed_m_s
    street.root = _meld(crowd.places, street.root, walker)
    crowd.links[link].n_entered += party.n_persons
    if street.first >= 0 and street.swap_s == np.inf and _is_full(street, rules):
        street.swap_s = now_s + rules.swap_after_s
    reschedule(crowd, s, now_s)


@kernel
def _admit(crowd, walker, s, now_s):
    """Let a walker off its street, into street s or out of exit s (-1: an exit without hindrance)."""
    party = crowd.walkers[walker]
    link = party.wanted
    _leave(crowd, walker, now_s)
    if link >= 0:
        _walk_on(crowd, walker, link, crowd.links[link].length_m, now_s)
    else:
        clock = crowd.clock[0]
        crowd.arrived[clock.n_arrived] = walker
        crowd.arrived_s[clock.n_arrived] = now_s
        crowd.arrived_node[clock.n_arrived] = party.node
        clock.n_arrived += 1
        party.stage = Stage.AWAY
    if s >= 0:
        street = crowd.streets[s]
        flow_per_s = street.flow_capacity_per_s
        if street.n_persons > crowd.rules[0].critical_density_per_m2 * street.area_m2:
            flow_per_s = min(flow_per_s, street.speed_sum_m_s * street.pace / street.length_m)
        street.entry_free_s = now_s + party.n_persons / flow_per_s


@kernel
def _go_on(crowd, walker, now_s):
    """Send a walker who stands at its node where the table says: in at once if there is room, else into the queue."""
    party = crowd.walkers[walker]
    party.wanted = crowd.next_link[party.table, party.node]
    if party.wanted == NO_ROUTE or (party.wanted >= 0 and not crowd.links[party.wanted].is_open):
        party.stage = Stage.HELD
        _join(crowd.places, crowd.streets[crowd.streets.size - 1], walker)
        return
    s = crowd.exit_street[party.node] if party.wanted == ARRIVED else crowd.links[party.wanted].street
    if s < 0:
        _admit(crowd, walker, s, now_s)
        return
    street = crowd.streets[s]
    if street.first < 0 and street.entry_free_s <= now_s and _may_enter(crowd, walker, s):
        _admit(crowd, walker, s, now_s)
        return
    party.stage = Stage.AT_ENTRY
    _join(crowd.places, street, walker)
    if street.swap_s == np.inf and _is_full(street, crowd.rules[0]):
        street.swap_s = now_s + crowd.rules[0].swap_after_s
    reschedule(crowd, s, now_s)


@kernel
def _pass_gate(crowd, walker, now_s):
    """Let a walker pass the gate at the end of its link. The caller reschedules the street."""
    party = crowd.walkers[walker]
    link = crowd.links[party.link]
    link.gate_free_s = now_s + party.n_persons / crowd.streets[link.street].flow_capacity_per_s
    party.node = link.downstream
    _go_on(crowd, walker, now_s)


@kernel
def _is_among(values, n, value):
    """Return whether a value is among the first n."""
    found = False
    for k in range(n):
        found = found or values[k] == value
    return found


@kernel
def _change_places(crowd, s, now_s):
    """Find a ring of full streets through s whose people wait for each other's places, and move one party of each."""
    ring, came_from, via = crowd.ring[0], crowd.ring[1], crowd.ring[2]
    ring[0], came_from[0], via[0], n, i = s, 0, -1, 1, 0
    crowd.streets[s].swap_s = np.inf
    while i < n and _is_full(crowd.streets[s], crowd.rules[0]):
        walker = crowd.streets[ring[i]].first
        while walker >= 0:
            link = crowd.walkers[walker].link
            other = crowd.links[link].street if link >= 0 else ring[i]
            if other == s and i > 0:
                while walker >= 0:
                    to = ring[i]
                    _remove(crowd.places, crowd.streets[to], walker)
                    _admit(crowd, walker, to, now_s)
                    walker, i = via[i], came_from[i]
                for k in range(n):
                    reschedule(crowd, ring[k], now_s)
                crowd.streets[s].swap_s = now_s + crowd.rules[0].swap_after_s
                crowd.clock[0].n_swaps += 1
                return
            if n < ring.size and _is_full(crowd.streets[other], crowd.rules[0]) and not _is_among(ring, n, other):
                ring[n], came_from[n], via[n], n = other, i, walker, n + 1
            walker = crowd.places[walker].sibling
        i += 1


@kernel
def _serve(crowd, s):
    """Let the next event of a street happen."""
    street = crowd.streets[s]
    now_s, event = street.next_s, street.next_event
    _unschedule(crowd, s)
    if event == Event.REACHES_END:
        walker = street.root
        street.root = _without_root(crowd.places, walker)
        link = crowd.links[crowd.walkers[walker].link]
        if link.first >= 0 or link.gate_free_s > now_s:
            crowd.walkers[walker].stage = Stage.AT_GATE
            street.n_at_gates += 1
            _join(crowd.places, link, walker)
        else:
            _pass_gate(crowd, walker, now_s)
    elif event == Event.PASSES_GATE:
        link = crowd.links[street.link_a]
        if link.first < 0 or link.gate_free_s > gate_free_s(crowd, street):
            link = crowd.links[street.link_b]
        street.n_at_gates -= 1
        _pass_gate(crowd, _take(crowd.places, link), now_s)
    elif event == Event.ENTERS:
        walker = _take(crowd.places, street)
        link = crowd.walkers[walker].link
        _admit(crowd, walker, s, now_s)
        if link >= 0:
            reschedule(crowd, crowd.links[link].street, now_s)
    else:
        _change_places(crowd, s, now_s)
    reschedule(crowd, s, now_s)


@kernel
def advance(crowd, departure_s, departing, until_s):
    """Let all happen that is due before until_s. departing: walkers in order of departure_s; those who start on a
    link have it in `wanted` and the metres to go in `target_s`. Writes crowd; arrivals from row 0."""
    clock = crowd.clock[0]
    clock.n_arrived = 0
    while True:
        due_s = departure_s[clock.n_departed] if clock.n_departed < departing.size else np.inf
        s = _earliest(crowd, min(due_s, until_s))
        event_s = crowd.streets[s].next_s if s >= 0 else np.inf
        if min(due_s, event_s) >= until_s:
            break
        if due_s <= event_s:
            walker = departing[clock.n_departed]
            clock.n_departed += 1
            party = crowd.walkers[walker]
            if party.wanted >= 0:
                _walk_on(crowd, walker, party.wanted, crowd.places[walker].target_s, due_s)
            else:
                _go_on(crowd, walker, due_s)
        else:
            _serve(crowd, s)


@kernel
def _withdraw_from_street(crowd, walker, s):
    """Take a walker out of the heap of those walking on street s. Writes walkers and streets."""
    street = crowd.streets[s]
    root, street.root = street.root, -1
    while root >= 0:
        after = _without_root(crowd.places, root)
        if root != walker:
            crowd.places[root].sibling = -1
            street.root = _meld(crowd.places, street.root, root)
        root = after


@kernel
def withdraw(crowd, walkers, now_s):
    """Take parties that have set out off the streets, wherever they stand. Writes crowd."""
    for walker in walkers:
        party = crowd.walkers[walker]
        s = crowd.links[party.link].street if party.link >= 0 else -1
        queue_at = -1
        if party.stage == Stage.WALKING:
            _withdraw_from_street(crowd, walker, s)
        elif party.stage == Stage.AT_GATE:
            _remove(crowd.places, crowd.links[party.link], walker)
            crowd.streets[s].n_at_gates -= 1
        elif party.stage == Stage.AT_ENTRY:
            queue_at = crowd.exit_street[party.node] if party.wanted == ARRIVED else crowd.links[party.wanted].street
            _remove(crowd.places, crowd.streets[queue_at], walker)
        elif party.stage == Stage.HELD:
            _remove(crowd.places, crowd.streets[crowd.streets.size - 1], walker)
        _leave(crowd, walker, now_s)
        party.stage = Stage.AWAY
        if s >= 0:
            reschedule(crowd, s, now_s)
        if queue_at >= 0:
            reschedule(crowd, queue_at, now_s)


@kernel
def reconsider(crowd, now_s):
    """Ask all who wait at a node again where to go, after the table or the open links changed. Writes crowd.

    Those whose way is as before keep their place in the queue; the others join another in the order they stood in.
    """
    crowd.clock[0].n_arrived = 0
    first, last = -1, -1
    for s in range(crowd.streets.size):
        street = crowd.streets[s]
        walker, street.first = street.first, -1
        while walker >= 0:
            party = crowd.walkers[walker]
            after = crowd.places[walker].sibling
            wanted = crowd.next_link[party.table, party.node]
            is_held = s == crowd.streets.size - 1
            if not is_held and wanted == party.wanted and (wanted < 0 or crowd.links[wanted].is_open):
                _join(crowd.places, street, walker)
            else:
                crowd.places[walker].sibling = -1
                if first < 0:
                    first = walker
                else:
                    crowd.places[last].sibling = walker
                last = walker
            walker = after
        if s < crowd.streets.size - 1:
            reschedule(crowd, s, now_s)
    while first >= 0:
        after, link = crowd.places[first].sibling, crowd.walkers[first].link
        _go_on(crowd, first, now_s)
        if link >= 0:
            reschedule(crowd, crowd.links[link].street, now_s)
        first = after


@kernel
def renew(crowd, streets, now_s):
    """Let streets whose area, speed factor or flow capacity changed go on from now at their new pace. Writes crowd."""
    for s in streets:
        street = crowd.streets[s]
        street.progress_s += street.pace * (now_s - street.updated_s)
        street.updated_s = now_s
        street.pace = pace_at(street.n_persons, street.area_m2, street.speed_factor, crowd.rules[0])
        reschedule(crowd, s, now_s)
