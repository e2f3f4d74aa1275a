"""Lifts: who rides with which neighbour, when, and what becomes of them on the way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.parties import Mode
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.people.neighbours import (
    _take_seats,
    guests_by_host,
    hosts_leave_s,
    riding_with,
    who_come_along,
    without_driver,
)
from safepassage.model.streets.streets import seconds_out

ROWS = 40
QUIET = {"shelling.sources": [], "run.duration_h": 3, "population.p_car": 0.4, "movement.walk_out_limit_m": 0}


def town(**changes):
    return EvacuationModel("tiny_town", **(QUIET | {"movement.lifts": {"share": 0.8, "reach_m": 150}} | changes))


def drives(model):
    """Return which households have a car and somebody to drive it, bool."""
    return model.households.has_car & model.population.has_driver(np.arange(len(model.households)))


def some_neighbours(seed):
    """Return by household (host, departure, decision, preparation, bool[5], arrival, shelter, lives with)."""
    chance = np.random.default_rng(seed)
    host = np.where(np.arange(ROWS) % 2, 2 * chance.integers(-3, ROWS // 2, ROWS), -1).clip(-1)
    departure_s, decision_s = chance.choice([0.0, 50.0, 90.0, 300.0, np.inf], (2, ROWS))
    arrival_s = np.where(chance.random(ROWS) < 0.2, 7.0, np.inf)
    shelter, lives_with = np.where(chance.random((2, ROWS)) < 0.2, 3, -1).astype(np.int32)
    return (
        host,
        departure_s,
        decision_s,
        chance.uniform(0, 60, ROWS),
        chance.random((5, ROWS)) < 0.3,
        arrival_s,
        shelter,
        lives_with,
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.booleans())
def test_who_comes_along_is_who_is_at_home_has_decided_and_may_go(seed, is_curfew):
    host, departure_s, decision_s, _, flags, arrival_s, shelter, lives_with = some_neighbours(seed)
    is_extinct, is_on_way, keeps = flags[:3]
    hosts = np.random.default_rng(seed).permutation(ROWS)[:12]
    along = departure_s, decision_s, is_extinct, is_on_way, arrival_s, shelter, lives_with
    found = np.empty(ROWS, np.int64)
    n = who_come_along(found, hosts, *guests_by_host(host), *along, keeps if is_curfew else keeps[:0], 60.0)
    comes = [
        row for h in hosts for row in range(ROWS)
        if host[row] == h and not is_extinct[row] and not is_on_way[row] and arrival_s[row] == np.inf
        and shelter[row] < 0 and lives_with[row] < 0 and decision_s[row] <= max(departure_s[h], 60.0)
        and not (is_curfew and keeps[row])
    ]  # fmt: skip
    assert found[:n].tolist() == comes


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999))
def test_a_household_waits_for_a_neighbour_who_leaves_before_it_has_waited_too_long(seed):
    host, departure_s, decision_s, preparation_s, flags, arrival_s, _, _ = some_neighbours(seed)
    has_car, is_extinct, is_on_way = flags[:3]
    chance = np.random.default_rng(seed)
    seeking, found, is_waiting = chance.permutation(ROWS)[:25], np.empty(25), chance.random(ROWS) < 0.5
    drives, fit = chance.random(ROWS) < 0.7, np.zeros(ROWS, np.int8)  # of whom the only member is grown up
    people = np.arange(ROWS + 1), np.where(drives, 40, 9), fit, fit, fit
    of_all = host, departure_s, decision_s, preparation_s, has_car, is_extinct, is_on_way, arrival_s, *people
    hosts_leave_s(found, is_waiting, seeking, *of_all, 100.0, 60.0)
    assert is_waiting[seeking].tolist() == np.isfinite(found).tolist()
    for row, leaves_s in zip(seeking.tolist(), found.tolist(), strict=True):
        until_s, asks_s, h = decision_s[row] + preparation_s[row] + 100.0, max(departure_s[row], 60.0), host[row]
        waits = h >= 0 and has_car[h] and not is_extinct[h] and not is_on_way[h] and arrival_s[h] == np.inf
        waits = waits and drives[h] and departure_s[h] <= until_s and asks_s < until_s
        assert leaves_s == (max(departure_s[h], asks_s) if waits else np.inf)


@pytest.fixture(scope="module")
def evacuated():
    model = town()
    n_people, most = len(model.people), 0
    while model.running:
        model.step()
        most = max(most, int((model.parties.rides_with >= 0).sum()))
    return model, n_people, most


def test_who_has_no_car_leaves_with_neighbours_when_they_leave(evacuated):
    model, _, most = evacuated
    rode = np.flatnonzero(model.parties.mode == Mode.LIFT)
    host = model.households.lift_from[rode]
    assert rode.size > 50 and most > 0 and not drives(model)[rode].any()
    assert (model.households.departure_time_s[rode] == model.households.departure_time_s[host]).all()
    done = np.isfinite(model.parties.arrival_time_s[rode])
    assert done.sum() > 50
    assert (model.parties.arrival_time_s[rode][done] == model.parties.arrival_time_s[host][done]).all()
    assert (model.parties.exit[rode][done] == model.parties.exit[host][done]).all()


def test_those_who_ride_with_others_are_kept_and_are_all_who_do(evacuated):
    model = EvacuationModel(evacuated[0].settings)
    n_riding = []
    while model.running:
        model.step()
        n_riding.append(model.population.guests.size)
        np.testing.assert_array_equal(model.population.guests, np.flatnonzero(model.parties.rides_with >= 0))
    assert max(n_riding) > 0


def test_nobody_is_lost_and_exits_count_all_who_ride(evacuated):
    model, n_people, _ = evacuated
    assert len(model.people) == n_people
    assert sum(route.n_persons for route in model.routes) == (model.people.status == Status.SAFE).sum()
    cars = (model.parties.mode == Mode.CAR) & np.isfinite(model.parties.arrival_time_s)
    assert sum(route.n_cars for route in model.routes) == cars.sum()


def test_more_people_leave_than_without_lifts_and_no_car_holds_more_than_its_seats(evacuated):
    model, _, _ = evacuated
    without = town(**{"movement.lifts": {"share": 0.0}}).run()
    safe, safe_without = ((one.people.status == Status.SAFE).sum() for one in (model, without))
    assert safe > safe_without + 100 and not (without.parties.mode == Mode.LIFT).any()
    guests = np.flatnonzero(model.households.lift_from >= 0)
    aboard = model.households.n_members.copy()
    np.add.at(aboard, model.households.lift_from[guests], model.households.n_members[guests])
    assert aboard[np.unique(model.households.lift_from[guests])].max() <= 5


def test_neighbours_live_within_reach_and_only_those_ride_who_cannot_drive():
    model = town()
    h = model.households
    guests = np.flatnonzero(h.lift_from >= 0)
    away_m = np.hypot(*(c[guests] - c[h.lift_from[guests]] for c in (h.home_x_m, h.home_y_m)))
    assert guests.size > 50 and away_m.max() <= 150
    assert not drives(model)[guests].any() and drives(model)[h.lift_from[guests]].all()


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(0, 8))
def test_one_more_seat_never_means_fewer_riders(sizes, seats):
    """With one car: sizes of the households that ask, in turn."""
    n_members = np.array([1, *sizes], np.int64)
    asks, n = np.arange(1, n_members.size), []
    for room in (seats, seats + 1):
        host = np.full(n_members.size, -1, np.int32)
        first, near = np.arange(asks.size + 1), np.zeros(asks.size, np.int64)
        _take_seats(
            host, np.array([room] + [0] * asks.size), n_members, asks, first, near, np.ones(near.size), np.zeros(1)
        )
        n.append(int(n_members[host >= 0].sum()))
    assert n[0] <= n[1] <= seats + 1


@given(st.integers(0, 2**32 - 1))
def test_each_gets_the_first_with_room_of_hosts_sorted_by_distance_and_draw(seed):
    """As in the naive twin, that sorts all pairs first; many are as far away as others, some have drawn the same."""
    rng = np.random.default_rng(seed)
    n_hosts, n_asking = 6, 9
    n_members = np.append(np.ones(n_hosts, np.int64), rng.integers(1, 5, n_asking))
    asks = n_hosts + rng.permutation(n_asking)
    of = np.sort(rng.integers(0, n_asking, 30))
    near, away_m, u_host = rng.integers(0, n_hosts, 30), rng.integers(0, 9, 30) / 20, rng.integers(0, 3, n_hosts) / 4
    first = np.searchsorted(of, np.arange(n_asking + 1))
    room = np.append(rng.integers(0, 6, n_hosts), np.zeros(n_asking, np.int64))
    host, left, wanted = np.full(n_members.size, -1, np.int32), room.copy(), np.full(n_members.size, -1, np.int32)
    _take_seats(host, left, n_members, asks, first, near, away_m, u_host)
    for k, who in enumerate(asks):
        pairs = sorted(range(first[k], first[k + 1]), key=lambda i: (np.rint(away_m[i] / 0.1), u_host[near[i]]))
        taken = next((near[i] for i in pairs if room[near[i]] >= n_members[who]), -1)
        if taken >= 0:
            wanted[who] = taken
            room[taken] -= n_members[who]
    np.testing.assert_array_equal(host, wanted)
    np.testing.assert_array_equal(left, room)


def test_more_seats_in_a_car_never_carry_fewer_people():
    n = []
    for seats in (3, 4, 5, 7):
        h = town(**{"movement.lifts": {"share": 0.8, "reach_m": 150, "seats": seats}}).households
        n.append(int(h.n_members[h.lift_from >= 0].sum()))
    assert n == sorted(n) and n[0] < n[-1]


def _on_the_road(model):
    """Step until somebody rides who is not near an exit; return the guests on links and their hosts."""
    while model.running:
        model.step()
        guests = np.flatnonzero(model.parties.rides_with >= 0)
        guests = guests[model.movement.link_of(guests) >= 0]
        far_s = seconds_out(model.streets)[model.streets.link_downstream[model.movement.link_of(guests)]]
        guests = guests[far_s > 120.0]
        if guests.size:
            return guests, model.parties.rides_with[guests]
    raise AssertionError("nobody rides")


def test_guests_are_where_the_car_is_and_are_hit_with_it():
    model = town()
    guests, hosts = _on_the_road(model)
    x_m, y_m = model.movement.place(hosts)
    assert np.array_equal(np.array(model.movement.place(guests)), np.array([x_m, y_m]))
    near = model.under_fire.whereabouts.people_near(x_m[0], y_m[0], 1.0, model.time_s)
    people = set(near.person.tolist())
    first = model.households.first_person
    for party in (guests[0], hosts[0]):
        assert set(range(first[party], first[party + 1])) <= people
    assert near.person.size == len(people)


def test_guests_whose_hosts_die_walk_on_and_their_car_stands():
    model = town(**{"movement.walk_out_limit_m": 15000})
    host = _on_the_road(model)[1][0]
    mine = riding_with(model.population, np.array([host]))
    first = model.households.first_person
    model.people.injury[first[host] : first[host + 1]] = Injury.FATAL
    model.people.death_time_s[first[host] : first[host + 1]] = model.time_s
    model.look_again()
    model.step()
    assert model.households.is_extinct[host] and (model.parties.rides_with[mine] == -1).all()
    assert (model.parties.mode[mine] == Mode.WALK).all() and not model.parties.left_car[mine].any()
    assert (model.movement.carrier[mine] == mine).all() and model.parties.is_on_way[mine].all()
    model.run()


def test_a_guest_who_can_drive_takes_over_from_hurt_hosts():
    model = town()
    hosts = _on_the_road(model)[1]
    first, people = model.households.first_person, model.people
    people.injury[first[hosts[0]] : first[hosts[0] + 1]] = Injury.SERIOUS
    mine = riding_with(model.population, hosts[:1])
    can = bool(model.population.has_driver(mine).any())
    assert (without_driver(model.population, hosts[:1]).size == 0) == can
    for guest in mine:
        people.injury[first[guest] : first[guest + 1]] = Injury.SERIOUS
    assert without_driver(model.population, mine).tolist() == [hosts[0]]


def test_results_with_lifts_go_on_bit_for_bit_from_a_saved_state(tmp_path):
    whole = town(**{"run.duration_h": 1.5})
    half = town(**{"run.duration_h": 1.5})
    while half.time_s < 2700:
        half.step()
    model = EvacuationModel.from_state(half.save_state(tmp_path / "half"))
    whole.run(), model.run()
    for column in ("mode", "rides_with", "arrival_time_s", "exit"):
        assert np.array_equal(getattr(whole.parties, column), getattr(model.parties, column))
