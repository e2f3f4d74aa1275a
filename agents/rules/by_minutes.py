"""Cars and walkers together: both move, are told of each other on streets that they share, and look round.

The motion itself is that of drive.py and walk.py. Here it goes from one moment at which somebody looks to the next, on
and on until something has to be seen to that is none of theirs: by minutes, until somebody arrives, goes through danger
or has to stand. Both count their danger alike, so it is read here too.

On a street without pavement both use the carriageway:

    walkable width = width - (area that cars take) / length       at least what RULES.least_width_m leaves
    cars' speed    = v + (u - v) max(0, 1 - rho / rho_follow)     u: free-flow speed, v: walking pace

rho is the density of walkers on the carriageway. A speed holds for cars that enter a street from then on. Where there
are no walkers cars drive, and where there are no cars walkers walk, exactly as on a street of their own.
"""

from typing import NamedTuple

import numpy as np

from safepassage.agents.compiled import calls_kernels_of, inlined_part, kernel, lean_kernel, lean_part
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records
from safepassage.agents.rules import drive, walk
from safepassage.agents.rules.drive import ABSENT, DRIVING, MOVING, NONE, is_occupied
from safepassage.agents.rules.walk_state import Crowd

MINUTE_S = 60.0

SHARED_LINK = np.dtype(
    [("link", "i8"), ("row", "i8"), ("length_m", "f8"), ("area_m2", "f8"), ("car_area_m2", "f8"),
     ("most_taken_m", "f8"), ("free_speed_m_s", "f8"), ("speed_m_s", "f8")]
)  # fmt: skip
"""A link that cars share with walkers. row: of its SHARED_STREET; area_m2: of the carriageway; car_area_m2: that a
standing car takes; most_taken_m: width that cars take at most; speed_m_s: what cars have been told."""
SHARED_STREET = np.dtype([("street", "i8"), ("taken_m", "f8"), ("seen_m", "f8")])
"""A street with such links. taken_m: width taken by cars, as walkers have been told; seen_m: as it is now."""
MEETINGS = np.dtype(
    [("every_s", "f8"), ("follow_density_per_m2", "f8"), ("car_speed_m_s", "f8"), ("n", "i8"), ("is_coupled", "i8")]
)  # fmt: skip
"""How often the two are told of each other (n times so far, every_s), and whether something told is yet to be taken
back. follow_density_per_m2: of walkers at which cars can only follow them, at car_speed_m_s."""


class Shared(NamedTuple):
    """All that the two movers are told of each other by; record arrays, one row each."""

    links: np.ndarray
    streets: np.ndarray
    meetings: np.ndarray
    changed: np.ndarray
    """int64, room for all of links: scratch."""
    changed_speed_m_s: np.ndarray
    """float64, likewise."""


@lean_part
def _speeds_among_walkers(crowd, shared, both_move):
    """Write the links on which cars are to be told of another speed, and that speed; return (how many, whether any is
    hindered). Writes shared.changed."""
    meetings, n, is_any = shared.meetings[0], 0, False
    for k in range(shared.links.size):
        one = shared.links[k]
        speed_m_s, n_persons = one.free_speed_m_s, 0
        if both_move:
            n_persons = crowd.streets[shared.streets[one.row].street].n_persons
        if n_persons > 0:
            least_m_s = min(meetings.car_speed_m_s, one.free_speed_m_s)
            free = 1.0 - n_persons / one.area_m2 / meetings.follow_density_per_m2
            speed_m_s = least_m_s + (one.free_speed_m_s - least_m_s) * max(free, 0.0)
        if speed_m_s != one.speed_m_s:
            shared.changed[n], shared.changed_speed_m_s[n] = k, speed_m_s
            n += 1
        is_any |= speed_m_s != one.free_speed_m_s
    return n, is_any


@lean_part
def _width_taken(links, shared, taken_width_m, both_move):
    """Write the streets of which walkers are to be told that cars take another width; return (how many, whether cars
    take any). Writes shared.changed, shared.streets and taken_width_m."""
    streets, n, is_any = shared.streets, 0, False
    for s in range(streets.size):
        streets[s].seen_m = 0.0
    if both_move:
        for k in range(shared.links.size):
            one = shared.links[k]
            taken_m = (links[one.link].tail - links[one.link].head) * one.car_area_m2 / one.length_m
            streets[one.row].seen_m += min(taken_m, one.most_taken_m)
    for s in range(streets.size):
        if streets[s].seen_m != streets[s].taken_m:
            streets[s].taken_m = taken_width_m[streets[s].street] = streets[s].seen_m
            shared.changed[n] = streets[s].street
            n += 1
        is_any |= streets[s].taken_m != 0.0
    return n, is_any


@calls_kernels_of(drive, walk)
@lean_part
def _tell(
    links, run, other_speed, alone_s, wave_speed_m_s, jam_density_per_m, crowd, width_m, taken_width_m, shared,
    both_move, time_s,
):  # fmt: skip
    """Give cars the speed that walkers leave them and walkers the width that cars leave them, from now on."""
    n, is_slow = _speeds_among_walkers(crowd, shared, both_move)
    if n > 0:
        for i in range(n):
            one = shared.links[shared.changed[i]]
            one.speed_m_s, shared.changed[i] = shared.changed_speed_m_s[i], one.link
        drive.set_speeds(
            links, run, other_speed, alone_s, wave_speed_m_s, jam_density_per_m, shared.changed[:n],
            shared.changed_speed_m_s[:n],
        )  # fmt: skip
    n, is_narrow = _width_taken(links, shared, taken_width_m, both_move)
    if n > 0:
        walk.renew(crowd, width_m, taken_width_m, shared.changed[:n], time_s)
    shared.meetings[0].n += 1
    shared.meetings[0].is_coupled = is_slow or is_narrow


@kernel
def take_doses(doses: Records, rows: Ints) -> Floats:
    """Return (strikes, crossfire) that some parties have gone through, float64[2, n]. Writes doses: they start anew.

    doses: one record for each party. rows: the parties, int32.
    """
    taken = np.empty((2, rows.size))
    for i in range(rows.size):
        party = rows[i]
        taken[0, i], taken[1, i] = doses[party].strikes, doses[party].crossfire
        doses[party].strikes = doses[party].crossfire = 0.0
    return taken


@calls_kernels_of(drive)
@lean_kernel
def does_any_stand(links: Records, arms: Records, run: Records, occupied: Ints) -> bool:
    """Return whether a vehicle is first in its arm and stands there, or is held for want of a way.

    links: state of the links, one record each. arms: arms of junctions, one record each. run: state of the run as a
    whole, one record. occupied: see `drive.advance`.
    """
    for arm in occupied:
        if arms[arm].state != MOVING and is_occupied(links, arms, arm):
            return True
    return run[0].held_first != NONE


@inlined_part
def _next_look(look, after_s):
    """Return when those of one look round next after a time (s)."""
    n = max(0.0, np.floor((after_s - look.first_s) / look.every_s))
    next_s = look.first_s + n * look.every_s
    while next_s <= after_s:
        n += 1.0
        next_s = look.first_s + n * look.every_s
    return next_s


@inlined_part
def _next_look_s(looks):
    """Return when anybody looks round next (s)."""
    next_s = np.inf
    for k in range(looks.size):
        next_s = min(next_s, looks[k].next_s)
    return next_s


@lean_kernel
def skip_looks(looks: Records, time_s: float) -> None:
    """Skip the looks up to a time (s), since there is nothing to see. looks: LOOK, written."""
    for k in range(looks.size):
        if looks[k].next_s <= time_s:
            looks[k].next_s = _next_look(looks[k], time_s)


@inlined_part
def _does_any_choose(links, vehicles, rows, has_choice, looks):
    """Return whether anybody who looks round now comes next to a node from which ways part, there or further on."""
    for vehicle in rows:
        table = vehicles[vehicle].table
        if vehicles[vehicle].state == ABSENT or table < 0:
            continue
        is_driving = vehicles[vehicle].state == DRIVING
        if has_choice[links[vehicles[vehicle].link].downstream if is_driving else vehicles[vehicle].origin]:
            for k in range(looks.size):
                if looks[k].is_now and (looks[k].table == table or looks[k].also == table):
                    return True
    return False


@calls_kernels_of(drive)
@lean_part
def _look_round(
    links, slots, arms, vehicles, run, occupied, rows, alone_s, changed_speed, has_choice, looks, sights, believes,
    stale, is_news, time_s,
):  # fmt: skip
    """Let those look round whose time has come; return whether it concerns anybody now. Writes looks to stale.

    It does if they see or believe in queues and one of them has a choice of way; or if there is is_news, or no room for
    notes. What they see otherwise is noted, for whoever asks later.
    """
    is_believed = False
    for k in range(looks.size):
        looks[k].is_now = looks[k].next_s <= time_s
        if looks[k].is_now:
            looks[k].next_s = _next_look(looks[k], time_s)
            is_believed |= believes[looks[k].table] or (looks[k].also >= 0 and believes[looks[k].also])
    is_slower = run[0].n_arrived < rows.size
    is_slower = is_slower and drive.is_any_slower(alone_s, changed_speed, links, slots, vehicles, occupied, time_s)
    if not (is_slower or is_believed):
        return False
    room = sights.size // looks.size
    is_news |= rows.size + changed_speed.size > room
    if is_news or _does_any_choose(links, vehicles, rows, has_choice, looks):
        return True
    for k in range(looks.size):
        if looks[k].is_now:
            looks[k].n_seen = 0
            if is_slower:
                at = sights[k * room :]
                looks[k].n_seen = drive.see(at, links, slots, arms, vehicles, occupied, changed_speed, time_s)
            believes[looks[k].table], stale[looks[k].table] = is_slower, True
            if looks[k].also >= 0:
                believes[looks[k].also], stale[looks[k].also] = is_slower, True
    return False


@calls_kernels_of(drive, walk)
@lean_part
def _minute_over(links, arms, vehicles, run, occupied, dangers, doses, rows, crowd, on_foot, now_s):
    """Count the danger of all at the end of a minute; return whether nobody still under way was in any, or stands.
    Writes doses."""
    stands = crowd.streets[crowd.streets.size - 1].first >= 0
    stands |= does_any_stand(links, arms, run, occupied[: run[0].n_occupied])
    is_any = dangers.size > 0 and drive.suffer(links, vehicles, dangers, doses, rows, now_s)
    run[0].unharmed_s = np.nan if is_any else now_s
    is_any_on_foot = crowd.dangers.size > 0 and walk.suffer(crowd, on_foot, now_s)
    crowd.clock[0].unharmed_s = np.nan if is_any_on_foot else now_s
    return not (stands or is_any or is_any_on_foot)


@calls_kernels_of(drive, walk)
@lean_kernel
def advance(
    links: Records, slots: Records, arms: Records, vehicles: Records, events: Records, wheel: Ints, heap: Records,
    run: Records, arrivals: Records, occupied: Ints, log: Records, crossings: Records, dangers: Records, doses: Records,
    departures: Records, next_link: Ints, paths: Ints, rows: Ints, other_speed: Ints, alone_s: Floats,
    wave_speed_m_s: Floats, jam_density_per_m: Floats, crowd: Crowd, departure_s: Floats, departing: Ints,
    on_foot: Ints, width_m: Floats, taken_width_m: Floats, shared: Shared, has_choice: Bools, looks: Records,
    sights: Records, believes: Bools, stale: Bools, is_news: bool, from_s: float, walked_s: float, until_s: float,
    is_again: bool, by_minutes: bool,
) -> tuple[float, float, int, int, bool, bool, bool]:  # fmt: skip
    """Move cars and walkers until something has to be seen to; return (time reached, that of walkers, cars that have
    arrived, walkers that have, is_look, is_again: whether more is to be done at the same moment, is_calm: by minutes
    nothing stopped it but until_s or an arrival).

    It stops at a look round that concerns somebody, is_look; when the last walker has gone, as far as it is known where
    they are told; at the latest at until_s. By minutes it counts everybody's danger at the end of each, and stops at
    the end of the first in which somebody arrives, goes through danger, stands first in an arm or stands on foot
    without a way on. Nothing is logged. At a look walkers may be behind: at the last time at which they had to be
    moved. A function longer than others, as parts of it would have to be given nearly all of this.

    links, slots, arms, vehicles, events, wheel, heap, run, arrivals, occupied, log, crossings, dangers, doses,
    departures, next_link, paths: as for `drive.advance`. rows: of all vehicles under way. other_speed, alone_s,
    wave_speed_m_s, jam_density_per_m: as for `drive.set_speeds`. crowd, departure_s, departing: as for `walk.advance`.
    on_foot: all parties under way on foot. width_m, taken_width_m: as for `walk.renew`. shared: what they are told of
    each other by. has_choice: bool[n_nodes], ways part there or further on. looks: LOOK, written: of each who looks for
    queues in turn. sights: SIGHT, written: as much room for each of looks, in which `LOOK.n_seen` are what was seen.
    believes, stale: written, bool by table: its users expect queues; they have seen something else than before and
    nobody was told. is_news: whether each look concerns somebody, since there is other news. from_s: the present (s).
    walked_s: time that walkers have reached (s). is_again: what it returned before. by_minutes: see above.
    """
    meetings, clock, now_s = shared.meetings[0], crowd.clock[0], from_s
    while now_s < until_s or is_again:
        end_s = until_s
        if by_minutes:
            end_s = np.ceil(now_s / MINUTE_S) * MINUTE_S
            if not is_again:
                end_s = (np.floor(now_s / MINUTE_S) + 1.0) * MINUTE_S
            end_s = min(end_s, until_s)
        if not is_again:
            meetings.n = max(meetings.n, np.int64(now_s / meetings.every_s))
        is_again = is_end = False
        while not is_end:
            n_cars, n_walkers = rows.size - run[0].n_arrived, on_foot.size - clock.n_arrived
            look_s = _next_look_s(looks) if n_cars > 0 or believes.any() else np.inf
            meet_s = np.inf
            if shared.links.size > 0 and ((n_cars > 0 and n_walkers > 0) or meetings.is_coupled):
                meet_s = (meetings.n + 1) * meetings.every_s
            is_end = min(look_s, meet_s) > end_s
            now_s = min(look_s, meet_s, end_s)
            if n_cars > 0:
                drive.advance(
                    links, slots, arms, vehicles, events, wheel, heap, run, arrivals, occupied, log, crossings,
                    dangers, doses, departures, next_link, paths, now_s,
                )  # fmt: skip
                n_cars = rows.size - run[0].n_arrived
            meets = now_s == meet_s and ((n_cars > 0 and n_walkers > 0) or meetings.is_coupled)
            is_gone = False
            if meets or now_s == end_s:
                if n_walkers > 0:
                    walk.advance(crowd, departure_s, departing, now_s)
                    n_walkers = on_foot.size - clock.n_arrived
                    is_gone = n_walkers == 0
                walked_s = now_s
            both_move = n_cars > 0 and n_walkers > 0
            if meets and (both_move or meetings.is_coupled):
                _tell(
                    links, run, other_speed, alone_s, wave_speed_m_s, jam_density_per_m, crowd, width_m,
                    taken_width_m, shared, both_move, now_s,
                )  # fmt: skip
            is_look = now_s == look_s and _look_round(
                links, slots, arms, vehicles, run, occupied[: run[0].n_occupied], rows, alone_s,
                other_speed[: run[0].n_other_speed], has_choice, looks, sights, believes, stale, is_news, now_s,
            )  # fmt: skip
            if is_look or (is_gone and not is_end):
                is_more = by_minutes or now_s < until_s
                return now_s, walked_s, run[0].n_arrived, clock.n_arrived, is_look, is_more, False
        if by_minutes:
            is_calm = _minute_over(links, arms, vehicles, run, occupied, dangers, doses, rows, crowd, on_foot, now_s)
            if not is_calm or run[0].n_arrived > 0 or clock.n_arrived > 0:
                return now_s, walked_s, run[0].n_arrived, clock.n_arrived, False, False, is_calm
    return now_s, walked_s, run[0].n_arrived, clock.n_arrived, False, False, by_minutes
