"""Walkers on streets: kernels that are exact in time and cost a few operations per street crossed.

On a street, every walker's own free speed v0 is scaled by one factor of the density, after Weidmann (1993):

    v = v0 * speed_factor * (1 - exp(-1.913 (1/rho - 1/5.4))),    never below v0 * speed_factor * least_pace.

So a street keeps one clock, `progress_s`: free-walking seconds gone by, which runs at `pace` = v / v0. It is linear
between entries and exits. A party that enters reaches the end when the clock shows its `target_s`, the progress at
entry + length / v0; the parties of a street stand side by side in memory (`ranks`) by target, and only the first is
an event. Who enters goes past few others, as nearly all of them reach the end before. Both directions share the area
(counter-flow) and hence the clock.

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

from typing import Any

import numpy as np

from safepassage.agents.compiled import inlined_part, lean_kernel, lean_part
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.ground.prefetch import prefetch
from safepassage.agents.ground.row import row
from safepassage.agents.rules.walk_state import ARRIVED, NO_ROUTE, Crowd, Event, Stage

SLOTS_AHEAD = 16
"""Slots of the event wheel whose records are asked for at once."""


@inlined_part
def pace_at(n_persons: int, area_m2: float, speed_factor: float, rules: Any) -> float:
    """Return walking speed / free speed of n persons on an area (Weidmann 1993, Kladek's formula).

    n_persons: persons who share the area. area_m2: area that walkers share (m2). speed_factor: factor of walking
    speed, for rubble and stairs. rules: constants of walking, one record.
    """
    if n_persons == 0:
        return speed_factor
    exponent = rules.gamma_per_m2 * (area_m2 / n_persons - 1.0 / rules.jam_density_per_m2)
    if exponent > 40.0:  # exp(-40) is lost in rounding
        return speed_factor
    return speed_factor * max(1.0 - np.exp(-exponent), rules.least_pace)


@lean_part
def _close_up(crowd):
    """Move the blocks of ranks together, leaving out those given up and most of the room not used. Writes streets."""
    clock, ranks, at, free = crowd.clock[0], crowd.ranks, 0, 0
    while at < clock.n_ranks_used:
        s, size = np.int64(ranks[at].walker), ranks[at].link
        street = crowd.streets[s]
        if street.block == at:
            n, begin = street.end - street.begin, street.begin
            size_kept = min(size, n + n // 2 + 4)
            if n == 0:
                size_kept, street.block, street.block_end, street.begin, street.end = 0, -1, 0, 0, 0
            else:
                street.block, street.block_end = free, free + size_kept
                street.begin, street.end = free + 1, free + 1 + n
                for k in range(n):
                    ranks[free + 1 + k] = ranks[begin + k]
                ranks[free].walker, ranks[free].link = s, size_kept
            free += size_kept
        at += size
    clock.n_ranks_used = free


@lean_part
def _make_room(crowd, s):
    """Give street s, whose block is used to its end, room for one more: at its front, or in a block twice as long."""
    street, clock, ranks = crowd.streets[s], crowd.clock[0], crowd.ranks
    n = street.end - street.begin
    if street.block < 0 or 4 * n > 3 * (street.block_end - street.block):
        size = max(8, 2 * n + 2)
        if clock.n_ranks_used + size > ranks.size:
            _close_up(crowd)
        street.block = clock.n_ranks_used
        clock.n_ranks_used += size
        street.block_end = clock.n_ranks_used
        ranks[street.block].walker, ranks[street.block].link = s, size
    begin = street.begin
    street.begin, street.end = street.block + 1, street.block + 1 + n
    for k in range(n):
        ranks[street.begin + k] = ranks[begin + k]


@inlined_part
def _insert(crowd, s, walker, link):
    """Give a walker its rank on street s: by target, then index. Writes ranks and the street."""
    street = crowd.streets[s]
    if street.end == street.block_end:
        _make_room(crowd, s)
    target_s, ranks, i = crowd.walkers[walker].target_s, crowd.ranks, row(street.end)
    while i > street.begin:
        ahead = ranks[row(i - 1)]
        if ahead.target_s < target_s or (ahead.target_s == target_s and ahead.walker < walker):
            break
        ranks[i] = ahead
        i = row(i - 1)
    ranks[i].target_s, ranks[i].walker, ranks[i].link = target_s, walker, link
    street.end += 1


@inlined_part
def _join(walkers, queue, walker):
    """Put a walker at the end of a queue (a record with first and last). Writes walkers and the queue."""
    walkers[walker].behind = -1
    if queue.first < 0:
        queue.first = walker
    else:
        walkers[row(queue.last)].behind = walker
    queue.last = walker


@inlined_part
def _take(walkers, queue):
    """Remove and return the first walker of a queue. Writes the queue."""
    walker = row(queue.first)
    queue.first = walkers[walker].behind
    return walker


@lean_part
def _remove(walkers, queue, walker):
    """Remove a walker from anywhere in a queue. Writes walkers and the queue."""
    other, queue.first = np.int64(queue.first), -1
    while other >= 0:
        after = np.int64(walkers[other].behind)
        if other != walker:
            _join(walkers, queue, other)
        other = after


@inlined_part
def _unschedule(crowd, s):
    """Take a street off the event wheel. Writes turns, slots and clock."""
    turn = crowd.turns[s]
    place = row(turn.slot & (crowd.slots.size - 1))
    if crowd.slots[place] == s:
        crowd.slots[place] = turn.slot_next
    else:
        other = row(crowd.slots[place])
        while crowd.turns[other].slot_next != s:
            other = row(crowd.turns[other].slot_next)
        crowd.turns[other].slot_next = turn.slot_next
    turn.slot = -1
    crowd.clock[0].n_scheduled -= 1


@inlined_part
def _schedule(crowd, s):
    """Put a street on the event wheel at next_s, or leave it where it will be looked at before. Writes as above."""
    turn, clock = crowd.turns[s], crowd.clock[0]
    if turn.next_s == np.inf:
        if turn.slot >= 0:
            _unschedule(crowd, s)
        return
    last = clock.slot + crowd.slots.size - 1
    slot = max(np.int64(min(turn.next_s * clock.slots_per_s, float(last))), clock.slot)
    if turn.slot >= 0:
        if turn.slot <= slot:
            return
        _unschedule(crowd, s)
    place = row(slot & (crowd.slots.size - 1))
    turn.slot, turn.slot_next = slot, crowd.slots[place]
    crowd.slots[place] = s
    clock.n_scheduled += 1


@lean_part
def _fetch(crowd):
    """Ask for the records that the events of the next slots will look at: one pass for each step from record to record.

    Saves a sixth of the time, a third on a busy machine; no result depends on it.
    """
    streets, ranks, links, walkers = crowd.streets, crowd.ranks, crowd.links, crowd.walkers
    n = 0
    for step in range(4):
        for slot in range(crowd.clock[0].slot, crowd.clock[0].slot + SLOTS_AHEAD):
            after = np.int64(crowd.slots[row(slot & (crowd.slots.size - 1))])
            while after >= 0:
                n, s = n + 1, row(after)
                street = streets[s]
                if step == 0:
                    prefetch(streets, s, 0)
                    prefetch(streets, s, 1)
                elif step == 1:
                    prefetch(ranks, street.begin, 0)
                elif street.begin < street.end:
                    rank = ranks[row(street.begin)]
                    if step == 2:
                        prefetch(walkers, rank.walker, 0)
                        prefetch(links, rank.link, 0)
                    else:
                        node, table = row(links[row(rank.link)].downstream), row(walkers[row(rank.walker)].table)
                        prefetch(links, crowd.next_link[table, node], 0)
                after = np.int64(crowd.turns[s].slot_next)
        if n == 0:
            return


@inlined_part
def _earliest(crowd, limit_s):
    """Return the street of the earliest event (ties: lowest index), or -1 if all are later than limit_s."""
    clock = crowd.clock[0]
    while True:
        earliest, earliest_s = np.int64(-1), np.inf
        after = np.int64(crowd.slots[row(clock.slot & (crowd.slots.size - 1))])
        while after >= 0:
            s = row(after)
            turn = crowd.turns[s]
            after = np.int64(turn.slot_next)
            if turn.next_s * clock.slots_per_s >= clock.slot + 1:  # has become later since it was put here
                _unschedule(crowd, s)
                _schedule(crowd, s)
            elif turn.next_s < earliest_s or (turn.next_s == earliest_s and s < earliest):
                earliest, earliest_s = s, turn.next_s
        if earliest >= 0:
            return earliest
        if clock.n_scheduled == 0:
            if limit_s < np.inf:
                clock.slot = max(clock.slot, np.int64(limit_s * clock.slots_per_s))
            return np.int64(-1)
        if clock.slot + 1 >= limit_s * clock.slots_per_s:
            return np.int64(-1)
        clock.slot += 1
        if clock.slot % SLOTS_AHEAD == 0:
            _fetch(crowd)


@inlined_part
def _is_full(street, rules):
    """Return whether a street has reached jam density; an exit never does."""
    return street.n_persons >= rules.jam_density_per_m2 * street.area_m2


@inlined_part
def _may_enter(crowd, walker, s):
    """Return whether there is room: the street is not full, or the walker is on it and only turns round."""
    if not _is_full(crowd.streets[s], crowd.rules[0]):
        return True
    link = crowd.walkers[walker].link
    return link >= 0 and crowd.links[row(link)].street == s


@inlined_part
def reschedule(crowd: Crowd, s: int, now_s: float) -> None:
    """Find the next event of a street, in order of Event if several are due, and put it on the wheel."""
    street = crowd.streets[s]
    next_s = np.inf
    if street.end > street.begin:
        to_go_s = max(crowd.ranks[row(street.begin)].target_s - street.progress_s, 0.0)
        next_s, street.next_event = street.updated_s + to_go_s / street.pace, Event.REACHES_END
    if street.n_at_gates > 0:
        gate_s = gate_free_s(crowd, street)
        if gate_s < next_s:
            next_s, street.next_event = gate_s, Event.PASSES_GATE
    if street.first >= 0:
        if street.entry_free_s < next_s and _may_enter(crowd, row(street.first), s):
            next_s, street.next_event = street.entry_free_s, Event.ENTERS
        if street.swap_s < next_s:
            next_s, street.next_event = street.swap_s, Event.CHANGES_PLACES
    crowd.turns[s].next_s = max(next_s, now_s)
    _schedule(crowd, s)


@inlined_part
def gate_free_s(crowd: Crowd, street: Any) -> float:
    """Return when the first of those queued at the two gates of a street may pass."""
    free_s, one = np.inf, crowd.links[row(street.link_a)]
    if one.first >= 0:
        free_s = one.gate_free_s
    if street.link_b >= 0:
        other = crowd.links[row(street.link_b)]
        if other.first >= 0:
            free_s = min(free_s, other.gate_free_s)
    return free_s


@inlined_part
def change_crowd(street: Any, n_persons: int, speed_m_s: float, now_s: float, rules: Any) -> None:
    """Bring a street's clock to now and add (or, negative, take away) persons of a free speed. Writes the street.

    n_persons: persons who come or go. speed_m_s: their unhindered speed (m/s). now_s: the present (s). rules:
    constants of walking, one record.
    """
    street.progress_s += street.pace * (now_s - street.updated_s)
    street.updated_s = now_s
    street.n_persons += n_persons
    street.speed_sum_m_s += n_persons * speed_m_s
    if street.n_persons == 0:
        street.progress_s, street.speed_sum_m_s = 0.0, 0.0
    street.pace = pace_at(street.n_persons, street.area_m2, street.speed_factor, rules)


@inlined_part
def _suffer(crowd, walker, now_s):
    """Count the danger that a party has gone through on its link until now. Writes doses."""
    dose, danger = crowd.doses[walker], crowd.dangers[row(crowd.walkers[walker].link)]
    dose.strikes += danger.strikes_per_s * (now_s - dose.since_s)
    dose.crossfire += danger.crossfire_per_s * (now_s - dose.since_s)
    dose.since_s = now_s


@lean_kernel
def suffer(crowd: Crowd, rows: Ints, now_s: float) -> bool:
    """Count the danger that those of some parties, rows, who are on links have gone through until now. Writes doses.

    Returns whether any of them has a dose.
    """
    is_any = False
    for walker in rows:
        if crowd.walkers[walker].link >= 0:
            _suffer(crowd, walker, now_s)
        is_any |= crowd.doses[walker].strikes > 0.0 or crowd.doses[walker].crossfire > 0.0
    return is_any


@inlined_part
def _leave(crowd, walker, now_s):
    """Take a walker off the street, if on one. Writes all but the wheel: the caller reschedules the street."""
    party = crowd.walkers[walker]
    if party.link >= 0:
        link = crowd.links[row(party.link)]
        if crowd.dangers.size > 0:
            _suffer(crowd, walker, now_s)
        change_crowd(
            crowd.streets[row(link.street)], -np.int64(party.n_persons), party.speed_m_s, now_s, crowd.rules[0]
        )
        link.n_left += party.n_persons
        party.link = -1


@inlined_part
def _walk_on(crowd, walker, link, to_go_m, now_s):
    """Set a walker walking on a link with so many metres to go. The caller reschedules the street."""
    party, s, rules = crowd.walkers[walker], row(crowd.links[link].street), crowd.rules[0]
    street = crowd.streets[s]
    change_crowd(street, np.int64(party.n_persons), party.speed_m_s, now_s, rules)
    party.link, party.stage = link, Stage.WALKING
    crowd.doses[walker].since_s = now_s
    party.target_s = street.progress_s + to_go_m / party.speed_m_s
    _insert(crowd, s, walker, link)
    crowd.links[link].n_entered += party.n_persons
    if street.first >= 0 and street.swap_s == np.inf and _is_full(street, rules):
        street.swap_s = now_s + rules.swap_after_s


@inlined_part
def _admit(crowd, walker, wanted, s, now_s):
    """Let a walker off its street, into street s or out of exit s (-1: an exit without hindrance)."""
    party, clock = crowd.walkers[walker], crowd.clock[0]
    _leave(crowd, walker, now_s)
    if wanted >= 0:
        _walk_on(crowd, walker, wanted, crowd.links[wanted].length_m, now_s)
    else:
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


@inlined_part
def _go_on(crowd, walker, now_s, is_called):
    """Send a walker who stands at its node where the table says: in at once if there is room, else into the queue.

    is_called: it was the first of the queue, and there is room. Reschedules the streets it leaves and enters.
    """
    party, rules = crowd.walkers[walker], crowd.rules[0]
    left, s = row(crowd.links[row(party.link)].street) if party.link >= 0 else np.int64(-1), np.int64(-1)
    wanted = np.int64(crowd.next_link[row(party.table), row(party.node)])
    if wanted == NO_ROUTE or (wanted >= 0 and not crowd.links[row(wanted)].is_open):
        party.wanted, party.stage = wanted, Stage.HELD
        _join(crowd.walkers, crowd.streets[crowd.streets.size - 1], walker)
    else:
        s = np.int64(crowd.exit_street[row(party.node)] if wanted == ARRIVED else crowd.links[row(wanted)].street)
        street = crowd.streets[max(s, 0)]
        if s < 0 or is_called or (street.first < 0 and street.entry_free_s <= now_s and _may_enter(crowd, walker, s)):
            _admit(crowd, walker, wanted, s, now_s)
        else:
            party.wanted, party.stage = wanted, Stage.AT_ENTRY
            _join(crowd.walkers, street, walker)
            if street.swap_s == np.inf and _is_full(street, rules):
                street.swap_s = now_s + rules.swap_after_s
    for touched in (s, left):
        if touched >= 0:
            reschedule(crowd, row(touched), now_s)


@lean_part
def _is_among(values, n, value):
    """Return whether a value is among the first n."""
    found = False
    for k in range(n):
        found = found or values[k] == value
    return found


@lean_part
def _change_places(crowd, s, now_s):
    """Find a ring of full streets through s whose people wait for each other's places, and move one party of each."""
    ring, came_from, via = crowd.ring[0], crowd.ring[1], crowd.ring[2]
    ring[0], came_from[0], via[0], n, i = s, 0, -1, np.int64(1), 0
    crowd.streets[s].swap_s = np.inf
    while i < n and _is_full(crowd.streets[s], crowd.rules[0]):
        walker = np.int64(crowd.streets[ring[i]].first)
        while walker >= 0:
            link = crowd.walkers[walker].link
            other = np.int64(crowd.links[link].street if link >= 0 else ring[i])
            if other == s and i > 0:
                while walker >= 0:
                    to = np.int64(ring[i])
                    _remove(crowd.walkers, crowd.streets[to], walker)
                    _admit(crowd, walker, np.int64(crowd.walkers[walker].wanted), to, now_s)
                    walker, i = np.int64(via[i]), came_from[i]
                for k in range(n):
                    reschedule(crowd, np.int64(ring[k]), now_s)
                crowd.streets[s].swap_s = now_s + crowd.rules[0].swap_after_s
                return
            if n < ring.size and _is_full(crowd.streets[other], crowd.rules[0]) and not _is_among(ring, n, other):
                ring[n], came_from[n], via[n], n = other, i, walker, n + 1
            walker = np.int64(crowd.walkers[walker].behind)
        i += 1


@inlined_part
def _serve(crowd, s, now_s):
    """Let the next event of a street happen until somebody stands at its node; return who, -1 for nobody.

    The caller reschedules the street.
    """
    street = crowd.streets[s]
    _unschedule(crowd, s)
    if street.next_event == Event.REACHES_END:
        rank = crowd.ranks[row(street.begin)]
        walker, link = row(rank.walker), crowd.links[row(rank.link)]
        street.begin += 1
        if link.first >= 0 or link.gate_free_s > now_s:
            crowd.walkers[walker].stage = Stage.AT_GATE
            street.n_at_gates += 1
            _join(crowd.walkers, link, walker)
            return np.int64(-1)
    elif street.next_event == Event.PASSES_GATE:
        link = crowd.links[row(street.link_a)]
        if link.first < 0 or link.gate_free_s > gate_free_s(crowd, street):
            link = crowd.links[row(street.link_b)]
        street.n_at_gates -= 1
        walker = _take(crowd.walkers, link)
    elif street.next_event == Event.ENTERS:
        return _take(crowd.walkers, street)
    else:
        _change_places(crowd, s, now_s)
        return np.int64(-1)
    party = crowd.walkers[walker]
    link.gate_free_s = now_s + party.n_persons / street.flow_capacity_per_s
    party.node = link.downstream
    return walker


@lean_part
def _start_on_link(crowd, walker, now_s):
    """Let a walker set out from the middle of a link, even if its street is full."""
    party = crowd.walkers[walker]
    _walk_on(crowd, walker, np.int64(party.wanted), party.target_s, now_s)
    reschedule(crowd, np.int64(crowd.links[party.link].street), now_s)


@lean_kernel
def advance(crowd: Crowd, departure_s: Floats, departing: Ints, until_s: float) -> None:
    """Let all happen that is due before until_s. departing: walkers in order of departure_s; those who start on a
    link have it in `wanted` and the metres to go in `target_s`. Writes crowd; arrivals behind those there are."""
    clock = crowd.clock[0]
    while True:
        due_s = departure_s[clock.n_departed] if clock.n_departed < departing.size else np.inf
        s = _earliest(crowd, min(due_s, until_s))
        event_s = crowd.turns[row(s)].next_s if s >= 0 else np.inf
        now_s = min(due_s, event_s)
        if now_s >= until_s:
            break
        is_called = False
        if due_s <= event_s:
            walker = row(departing[row(clock.n_departed)])
            clock.n_departed += 1
            if crowd.walkers[walker].wanted >= 0:
                _start_on_link(crowd, walker, now_s)
                continue
        else:
            s = row(s)
            is_called = crowd.streets[s].next_event == Event.ENTERS
            walker = _serve(crowd, s, now_s)
        if walker >= 0:
            _go_on(crowd, row(walker), now_s, is_called)
        else:
            reschedule(crowd, s, now_s)


@lean_part
def _withdraw_from_street(crowd, walker, s):
    """Take a walker from among those walking on street s."""
    street, n = crowd.streets[s], 0
    for k in range(street.begin, street.end):
        if crowd.ranks[k].walker != walker:
            crowd.ranks[street.begin + n] = crowd.ranks[k]
            n += 1
    street.end = street.begin + n


@lean_kernel
def withdraw(crowd: Crowd, walkers: Ints, now_s: float) -> None:
    """Take parties that have set out off the streets, wherever they stand. Writes crowd."""
    for k in range(walkers.size):
        walker = np.int64(walkers[k])
        party = crowd.walkers[walker]
        s = np.int64(crowd.links[party.link].street) if party.link >= 0 else np.int64(-1)
        queue_at = np.int64(-1)
        if party.stage == Stage.WALKING:
            _withdraw_from_street(crowd, walker, s)
        elif party.stage == Stage.AT_GATE:
            _remove(crowd.walkers, crowd.links[party.link], walker)
            crowd.streets[s].n_at_gates -= 1
        elif party.stage == Stage.AT_ENTRY:
            at_exit = party.wanted == ARRIVED
            queue_at = np.int64(crowd.exit_street[party.node] if at_exit else crowd.links[party.wanted].street)
            _remove(crowd.walkers, crowd.streets[queue_at], walker)
        elif party.stage == Stage.HELD:
            _remove(crowd.walkers, crowd.streets[crowd.streets.size - 1], walker)
        _leave(crowd, walker, now_s)
        party.stage = Stage.AWAY
        if s >= 0:
            reschedule(crowd, s, now_s)
        if queue_at >= 0:
            reschedule(crowd, queue_at, now_s)


@lean_kernel
def reconsider(crowd: Crowd, now_s: float) -> None:
    """Ask all who wait at a node again where to go, after the table or the open links changed. Writes crowd.

    Those whose way is as before keep their place in the queue; the others join another in the order they stood in.
    """
    first, last = np.int64(-1), np.int64(-1)
    for s in range(crowd.streets.size):
        street = crowd.streets[s]
        walker, street.first = np.int64(street.first), -1
        while walker >= 0:
            party = crowd.walkers[walker]
            after = np.int64(crowd.walkers[walker].behind)
            wanted = crowd.next_link[party.table, party.node]
            is_held = s == crowd.streets.size - 1
            if not is_held and wanted == party.wanted and (wanted < 0 or crowd.links[wanted].is_open):
                _join(crowd.walkers, street, walker)
            else:
                crowd.walkers[walker].behind = -1
                if first < 0:
                    first = walker
                else:
                    crowd.walkers[last].behind = walker
                last = walker
            walker = after
        if s < crowd.streets.size - 1:
            reschedule(crowd, s, now_s)
    while first >= 0:
        after = np.int64(crowd.walkers[first].behind)
        _go_on(crowd, first, now_s, np.bool_(False))
        first = after


@lean_kernel
def renew(crowd: Crowd, width_m: Floats, taken_width_m: Floats, streets: Ints, now_s: float) -> None:
    """Let streets whose width or speed factor changed go on from now with their new area, flow and pace. Writes crowd.

    width_m: width for walkers, by street (m). taken_width_m: what others, such as cars, take of it (m). streets: rows
    of those that changed. now_s: the present (s).
    """
    rules = crowd.rules[0]
    for k in range(streets.size):
        s = np.int64(streets[k])
        street = crowd.streets[s]
        left_m = max(width_m[s] - taken_width_m[s], min(width_m[s], rules.least_width_m))
        street.area_m2 = street.length_m * left_m
        street.flow_capacity_per_s = rules.specific_flow_per_m_s * left_m * street.speed_factor
        street.progress_s += street.pace * (now_s - street.updated_s)
        street.updated_s = now_s
        street.pace = pace_at(street.n_persons, street.area_m2, street.speed_factor, rules)
        reschedule(crowd, s, now_s)
