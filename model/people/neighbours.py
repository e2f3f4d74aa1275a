"""Neighbours with room in their car: who would take whom along."""

import numpy as np

from safepassage.agents import parties
from safepassage.agents.compiled import calls_kernels_of, kernel, lean_kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.agents.households import Households
from safepassage.agents.parties import has_driver
from safepassage.model.draws import Keys, Stream, uniforms_for
from safepassage.model.people.population import Population
from safepassage.model.settings.movement import Lifts

SAME_DISTANCE_M = 0.1
"""Neighbours whose distances round to the same multiple of this are as near as each other (m): which is nearer must not
hang on the last bits of coordinates, which another origin or a mirror changes."""


def neighbours_with_room(settings: Lifts, households: Households, drives: Bools, keys: Keys, seed: int) -> Ints:
    """Return for each household the one that takes it along when it drives away, int32; -1: none.

    Those without a car or a driver ask in an order drawn by their names; each gets the nearest car that has room for
    all of it, of those at one distance the one drawn.

    settings: the scenario's section `Lifts`. drives: which households have a car and somebody to drive it.
    keys: of the households. seed: of the run.
    """
    host = np.full(len(households), -1, np.int32)
    if settings.share == 0.0:
        return host
    may_ask = ~drives & (households.institution < 0)
    asks = np.flatnonzero(may_ask & (uniforms_for(seed, Stream.LIFT, keys, index=0) < settings.share))
    has_room = np.flatnonzero(drives & (households.n_members < settings.seats))
    if asks.size == 0 or has_room.size == 0:
        return host
    u_turn, u_host = (uniforms_for(seed, Stream.LIFT, keys, index=i) for i in (1, 2))
    asks = asks[np.argsort(u_turn[asks], kind="stable")]
    home_x_m, home_y_m = households.home_x_m, households.home_y_m
    grid = grid_of_points(home_x_m[has_room], home_y_m[has_room])
    of, near, away_m = points_within(grid, home_x_m[asks], home_y_m[asks], settings.reach_m)
    first = np.searchsorted(of, np.arange(asks.size + 1))  # pairs come asker by asker
    room = settings.seats - households.n_members
    _take_seats(host, room, households.n_members, asks, first, has_room[near], away_m, u_host)
    return host


@kernel
def _take_seats(host, room, n_members, asks, first, near, away_m, u_host):
    """Give each that asks, in order, to the nearest with room for all, of those at one distance the least u_host.

    near, away_m: host and distance of each pair, those of asks[k] from first[k] on. Writes host and room.
    """
    for k in range(asks.size):
        size = n_members[asks[k]]
        taken, least = -1, np.inf
        for i in range(first[k], first[k + 1]):
            if room[near[i]] >= size:
                step = np.rint(away_m[i] / SAME_DISTANCE_M)
                if step < least or (step == least and u_host[near[i]] < u_host[taken]):
                    taken, least = near[i], step
        if taken >= 0:
            host[asks[k]] = taken
            room[taken] -= size


def guests_by_host(host: Ints) -> tuple[Ints, Ints]:
    """Return (first, guest): those that household h takes along are guest[first[h] : first[h + 1]], rising; int64.

    host: household that takes each along, -1: none.
    """
    guest = np.flatnonzero(host >= 0)
    guest = guest[np.argsort(host[guest], kind="stable")]
    return host[guest].searchsorted(np.arange(host.size + 1)), guest


@lean_kernel
def who_come_along(
    found: Ints, hosts: Ints, first_guest: Ints, guest: Ints, departure_s: Floats, decision_s: Floats,
    is_extinct: Bools, is_on_way: Bools, arrival_s: Floats, shelter: Ints, lives_with: Ints, stays_for_curfew: Bools,
    now_s: float,
) -> int:  # fmt: skip
    """Write the households that ride with neighbours who drive off now to the beginning of found: those at home who
    have decided by then. Return how many.

    found: int64, as long as guest. hosts: rows. first_guest, guest: see `guests_by_host`. departure_s, decision_s: when
    each household means to leave, and decided to (s). is_extinct: nobody of it lives. is_on_way: it is on the streets.
    arrival_s: when it came to safety (s); inf: it has not. shelter, lives_with: where it is if not at home; -1:
    nowhere. stays_for_curfew: a curfew keeps it at home now; of no size: nobody. now_s: the present (s).
    """
    n = 0
    for host in hosts:
        leaves_s = max(departure_s[host], now_s)
        for k in range(first_guest[host], first_guest[host + 1]):
            row = guest[k]
            is_home = arrival_s[row] == np.inf and not (is_extinct[row] or is_on_way[row])
            is_home = is_home and shelter[row] < 0 and lives_with[row] < 0
            is_held = stays_for_curfew.size > 0 and stays_for_curfew[row]
            if is_home and not is_held and decision_s[row] <= leaves_s:
                found[n] = row
                n += 1
    return n


@calls_kernels_of(parties)
@lean_kernel
def hosts_leave_s(
    found: Floats, waits: Bools, seeking: Ints, host_of: Ints, departure_s: Floats, decision_s: Floats,
    preparation_s: Floats, has_car: Bools, is_extinct: Bools, is_on_way: Bools, arrival_s: Floats, first_person: Ints,
    age: Ints, mobility: Ints, injury: Ints, status: Ints, wait_s: float, now_s: float,
) -> None:  # fmt: skip
    """Write when the neighbour leaves for whom each of some households waits at home (s), now_s at the earliest, into
    found, inf: it waits for none; and into waits, bool by household, whether it waits.

    found: as long as seeking. seeking: rows of households that mean to set out. host_of: household that would take each
    along, -1: none. departure_s, decision_s: when each household means to leave, and decided to (s). preparation_s:
    from then until it can set out; wait_s: so much longer it waits at most (s). has_car, is_extinct, is_on_way: bool.
    arrival_s: when it came to safety (s); inf: it has not. first_person, age, mobility, injury, status: see
    `count_abilities`. now_s: the present (s).
    """
    for k in range(seeking.size):
        row = seeking[k]
        host = host_of[row]
        found[k], waits[row] = np.inf, False
        if host < 0 or not has_car[host] or is_extinct[host] or is_on_way[host] or arrival_s[host] != np.inf:
            continue
        until_s, asks_s = decision_s[row] + preparation_s[row] + wait_s, max(departure_s[row], now_s)
        may = departure_s[host] <= until_s and asks_s < until_s
        if may and has_driver(host, first_person, age, mobility, injury, status):
            found[k] = max(departure_s[host], asks_s)
            waits[row] = found[k] < np.inf


def riding_with(population: Population, parties: Ints) -> Ints:
    """Return the households that ride in the cars of some parties now, rising. population: everybody."""
    guests = population.guests
    return _who_ride(guests, population.parties.rides_with, parties) if guests.size else guests


@kernel
def _who_ride(guests: Ints, rides_with: Ints, parties: Ints) -> Ints:
    """Return those of the guests, in their order, who ride with one of the parties; rides_with: by party."""
    takes = np.zeros(rides_with.size, np.bool_)
    for party in parties:
        takes[party] = True
    found, n = np.empty(guests.size, guests.dtype), 0
    for guest in guests:
        found[n] = guest
        n += rides_with[guest] >= 0 and takes[rides_with[guest]]
    return found[:n]


def without_driver(population: Population, parties: Ints) -> Ints:
    """Return the cars of some parties on the road in which nobody is fit to drive, guests included: rows, rising.

    population: everybody. parties: rows of households, in their own car or in a neighbour's.
    """
    rides_with = population.parties.rides_with
    cars = rising(np.where(rides_with[parties] >= 0, rides_with[parties], parties))
    lacks = cars[~population.has_driver(cars)]
    guests = riding_with(population, lacks)
    return lacks[~np.isin(lacks, rides_with[guests[population.has_driver(guests)]])]
