"""Who comes onto the streets and who leaves them: lists kept in order, against sorting them anew."""

import numpy as np

from safepassage.agents.ground.records import records
from safepassage.agents.rules import walk_views
from safepassage.agents.rules.drive_edit import NONE, PENDING, join, join_departures, leave_out, let_set_out
from safepassage.agents.rules.drive_state import RUN, SLOT, VEHICLE
from safepassage.agents.rules.walk_state import CLOCK
from safepassage.model.movement.under_way import UnderWay


def test_vehicles_that_set_out_are_written_one_by_one_or_none_of_them():
    chance, vehicles = np.random.default_rng(2), records(60, VEHICLE)
    ids, n = chance.permutation(60)[:20].astype(np.int32), 20
    given = {
        "origin": chance.integers(0, 9, n, np.int32), "departure_s": chance.uniform(5.0, 9.0, n),
        "car_units": chance.integers(1, 4, n, np.int32), "max_speed_m_s": chance.choice([8.0, np.inf], n),
        "table": chance.integers(0, 3, n, np.int32),
    }  # fmt: skip
    for name, wrong in {"origin": 9, "departure_s": 4.0, "car_units": 0, "max_speed_m_s": 0.0, "table": 3}.items():
        changed = given[name].copy()
        changed[-1] = wrong
        assert not let_set_out(vehicles, ids, *(given | {name: changed}).values(), 0, 3, 9, 5.0)
    twice = ids[[*range(n - 1), 0]]
    assert not let_set_out(vehicles, twice, *given.values(), 0, 3, 9, 5.0) and not vehicles["state"].any()
    expected = vehicles.copy()
    for k, row in enumerate(ids.tolist()):
        expected[row]["state"], expected[row]["link"] = PENDING, NONE
        expected[row]["s_per_m"] = 1.0 / given["max_speed_m_s"][k]
        for name in ("origin", "departure_s", "car_units", "table"):
            expected[row][name] = given[name][k]
    assert let_set_out(vehicles, ids, *given.values(), 0, 3, 9, 5.0)
    assert vehicles.tobytes() == expected.tobytes()
    assert not let_set_out(vehicles, ids, *given.values(), 0, 3, 9, 5.0)


def test_those_who_come_are_put_among_those_who_are_there_as_sorting_all_of_them_does():
    chance = np.random.default_rng(3)
    for n_there, n_come in ((0, 0), (0, 3), (5, 0), (5, 1), (20, 7)):
        rows = chance.permutation(60)[: n_there + n_come].astype(np.int32)
        there, more, found = np.sort(rows[:n_there]), np.sort(rows[n_there:]), np.empty_like(rows)
        join(found, there, more)
        assert found.tolist() == sorted(rows.tolist())
        assert leave_out(rest := np.empty_like(rows), found, more) == n_there
        assert rest[:n_there].tolist() == there.tolist()


def test_departures_still_to_come_are_joined_by_others_in_the_order_of_time_and_row():
    chance = np.random.default_rng(4)
    for n_over, n_rest, n_more in ((0, 0, 1), (3, 0, 2), (2, 6, 1), (1, 12, 9)):
        run, departures = records(1, RUN), records(n_over + n_rest + 4, SLOT)
        due = sorted((float(chance.integers(5, 8)), int(row)) for row in chance.permutation(50)[: n_rest + n_more])
        is_new = np.isin(np.arange(len(due)), chance.permutation(len(due))[:n_more])
        for k, (time_s, row) in enumerate(np.array(due)[~is_new].tolist()):
            departures[n_over + k]["time_s"], departures[n_over + k]["vehicle"] = time_s, row
        run["next_departure"], run["n_departures"] = n_over, n_over + n_rest
        more_s, more = np.array(due)[is_new].T.copy()
        more, found = more.astype(np.int32), records(len(due), SLOT)
        join_departures(found, departures, run, more, more_s)
        assert list(zip(found["time_s"].tolist(), found["vehicle"].tolist(), strict=True)) == due
        assert run["next_departure"][0] == 0 and run["n_departures"][0] == len(due)
        clock, both, both_s = records(1, CLOCK, n_departed=n_over), np.empty(len(due), np.int32), np.empty(len(due))
        on_foot = departures["vehicle"].copy(), departures["time_s"].copy()
        walk_views.join_departures(both, both_s, *on_foot, clock, more, more_s)
        assert list(zip(both_s.tolist(), both.tolist(), strict=True)) == due and clock["n_departed"][0] == 0


def test_who_has_left_is_told_once_however_often_and_all_who_were_there_with_those_who_are():
    under_way = UnderWay()
    under_way.add(np.array([7, 3, 5]))
    under_way.drop(np.array([5, 3]))
    under_way.add(np.array([3, 9]))
    under_way.drop(np.array([3]))
    assert under_way.rows.tolist() == [7, 9]
    assert under_way.taken_left().tolist() == [3, 5] and under_way.taken_left().size == 0
    under_way.drop(np.array([9]))
    assert under_way.taken().tolist() == [7, 9] and under_way.taken().tolist() == [7]
