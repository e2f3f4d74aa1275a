import naive_walk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.ground.records import records
from safepassage.agents.rules import walk_views
from safepassage.agents.rules.walk_state import WALKER, Stage
from safepassage.experiments.verification.walking import two_way, walking_on
from safepassage.model.movement import walking_view
from safepassage.model.movement.routing import NO_ROUTE, Routes
from safepassage.model.movement.walking import Walking, weidmann_pace

GRID = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]


def random_crowd(seed, n, *, narrow=False):
    """Return (walking, arguments of add) of a crowd on six nodes, with destinations at opposite corners by class."""
    rng = np.random.default_rng(seed)
    width_m = 0.6 if narrow else 2.0
    walking, _ = walking_on(
        GRID, rng.uniform(8, 20, 7), width_m, n, [[5], [0]], exit_node=[5], exit_flow_capacity_per_s=[1.0]
    )
    row = rng.integers(0, 2, n)
    people = {
        "origin_node": rng.integers(0, 6, n),
        "departure_s": rng.uniform(0, 40, n),
        "free_speed_m_s": rng.uniform(0.7, 1.8, n),
        "n_persons": rng.integers(1, 4, n),
        "table": row,
    }
    return walking, people


def by_id(n, *arrivals):
    time_s = np.full(n, np.nan)
    for a in arrivals:
        time_s[a.id] = a.time_s
    return time_s


@pytest.mark.parametrize("seed", range(4))
def test_arrival_times_agree_with_the_naive_twin_in_tiny_steps(seed):
    n, step_s = 25, 0.01
    walking, people = random_crowd(seed, n)
    walking.add(np.arange(n), **people)
    crowd = walking._on_foot.crowd
    found_s = by_id(n, walking.advance(np.inf))
    naive = [naive_walk.NaivePerson(k, *(people[name][k] for name in people)) for k in range(n)]
    links = crowd.links
    naive_walk.walk(
        *(links[name].tolist() for name in ("upstream", "downstream", "street", "length_m")), [2.0] * 7,
        crowd.next_link.tolist(), {5: 1.0}, naive, step_s, np.nanmax(found_s) + 5,
    )  # fmt: skip
    expected_s = np.array([p.arrived_s for p in naive], dtype=float)
    assert np.abs(found_s - expected_s).max() < 30 * step_s


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.booleans(), st.lists(st.floats(0.0, 300.0), max_size=12))
def test_results_do_not_depend_on_how_the_time_is_split(seed, narrow, cuts):
    n = 60
    whole, people = random_crowd(seed, n, narrow=narrow)
    whole.add(np.arange(n), **people)
    expected_s = by_id(n, whole.advance(np.inf))
    parts, _ = random_crowd(seed, n, narrow=narrow)
    late = people["departure_s"] >= 20
    parts.add(np.flatnonzero(~late), **{k: v[~late] for k, v in people.items()})
    arrivals = [parts.advance(20.0)]
    parts.add(np.flatnonzero(late), **{k: v[late] for k, v in people.items()})
    arrivals += [parts.advance(t) for t in sorted(cuts) if t >= 20] + [parts.advance(np.inf)]
    assert (by_id(n, *arrivals) == expected_s).all()
    assert (parts.view.n_entered == whole.view.n_entered).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=4))
def test_results_do_not_depend_on_the_slots_of_the_event_wheel(seed, slots_per_party_s):
    n = 60
    whole, people = random_crowd(seed, n)
    whole.add(np.arange(n), **people)
    expected_s = by_id(n, whole.advance(np.inf))
    other, _ = random_crowd(seed, n)
    other.add(np.arange(n), **people)
    arrivals = []
    for k, per_party_s in enumerate(slots_per_party_s):
        arrivals.append(other.advance(15.0 * k))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walking_view, "SLOTS_PER_PARTY_S", per_party_s)
            other._on_foot.choose_slots()
        wanted_per_s = max(other.view.n_under_way * per_party_s, walking_view.LEAST_SLOTS_PER_S)
        assert wanted_per_s / 6 < other._on_foot.crowd.clock["slots_per_s"][0] < wanted_per_s * 6
    arrivals.append(other.advance(np.inf))
    assert (by_id(n, *arrivals) == expected_s).all()


@pytest.mark.parametrize("per_party_s", [1 / 400, 100.0])
def test_walkers_come_as_they_do_on_the_first_day_however_many_slots_have_passed(per_party_s, monkeypatch):
    """Slots as short as when three million walk: after 40 days more have passed than 32 bits can count."""
    monkeypatch.setattr(walking_view, "SLOTS_PER_PARTY_S", per_party_s)
    n, late_s = 60, 40 * 86400.0
    early, late = (random_crowd(3, n) for _ in range(2))
    early[0].add(np.arange(n), **early[1])
    found_s = by_id(n, early[0].advance(np.inf))
    late[0].advance(late_s)
    late[0].add(np.arange(n), **late[1] | {"departure_s": late[1]["departure_s"] + late_s})
    assert by_id(n, late[0].advance(np.inf)) - late_s == pytest.approx(found_s, abs=1e-3)


def test_results_do_not_depend_on_how_often_the_ranks_of_walkers_are_closed_up():
    n, ends = 60, [(k, k + 1) for k in range(30)]
    speed_m_s = np.random.default_rng(1).uniform(0.7, 1.8, n)
    found_s, n_used = [], []
    for n_rows in (n, 100 * n):
        walking, _ = walking_on(ends, 40, 3, n, [[30]])
        walking.make_room(n_rows)
        walking.add(np.arange(n), np.zeros(n, int), 0.0, speed_m_s)
        parts = [
            (walking.advance(t), int(walking._on_foot.crowd.clock["n_ranks_used"][0]))
            for t in np.arange(5.0, 2500.0, 5.0)
        ]
        found_s.append(by_id(n, *(arrivals for arrivals, _ in parts)))
        n_used.append(np.array([used for _, used in parts]))
    assert (np.diff(n_used[0]) < 0).sum() >= 3 and (np.diff(n_used[1]) >= 0).all()
    assert (found_s[0] == found_s[1]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_people_are_conserved_whatever_is_closed_and_whoever_is_withdrawn(seed):
    rng = np.random.default_rng(seed)
    n = 80
    walking, people = random_crowd(seed, n, narrow=True)
    walking.add(np.arange(n), **people)
    arrived, withdrawn = [], []
    for time_s in np.arange(10.0, 120.0, 10.0):
        arrived += walking.advance(time_s).id.tolist()
        walking.set_open([int(rng.integers(0, 14))], is_open=bool(rng.random() < 0.5))
        on_way = np.flatnonzero(walking.view.stage(np.arange(n)) != Stage.AWAY)
        gone = rng.permutation(on_way)[:2]
        walking.withdraw(gone)
        withdrawn += gone.tolist()
        on_link = np.bincount(walking._on_foot.crowd.links["street"], walking.view.n_entered - walking.view.n_left, 7)
        assert (on_link == walking.view.n_on_street).all()
        weight = people["n_persons"]
        assert [weight[walking.view.occupants(k)].sum() for k in range(14)] == (
            walking.view.n_entered - walking.view.n_left
        ).tolist()
    walking.set_open(np.arange(14), is_open=True)
    arrived += walking.advance(np.inf).id.tolist()
    assert sorted(arrived + withdrawn) == list(range(n))


def test_a_queue_grows_back_at_the_density_of_the_bottlenecks_flow_and_lets_the_flow_through():
    n = 4000
    walking, _ = walking_on([(0, 1), (1, 2)], 60, [4, 1], n, [[2]])
    walking.add(np.arange(n), np.zeros(n, int), 0.0, 1.34)
    out_s = by_id(n, walking.advance(2000.0))
    density = walking.view.density_per_m2[0]
    assert 4 * density * 1.34 * weidmann_pace(density) == pytest.approx(1.225, rel=0.03)
    assert density > 1.75
    out_s = np.sort(out_s[out_s > 1000])
    assert (out_s.size - 1) / (out_s[-1] - out_s[0]) == pytest.approx(1.225, rel=0.02)


def test_a_party_moves_as_one_and_takes_the_room_of_its_members():
    walking, _ = walking_on([(0, 1)], 100, 1, 2, [[1]])
    walking.add([0], [0], 0.0, 1.0, n_persons=50)
    assert walking.advance(np.inf).time_s[0] == pytest.approx(100 / weidmann_pace(0.5))


def test_both_directions_share_the_area_of_a_street():
    walking, _ = walking_on([(0, 1)], 100, 1, 100, [[1], [0]])
    row = np.arange(100) % 2
    walking.add_on_link(np.arange(100), row, 0.0, 0.0, 1.0, table=row)
    walking.advance(10.0)
    assert walking.view.pace[0] == pytest.approx(weidmann_pace(1.0))
    assert walking.view.position(np.arange(100))[1] == pytest.approx(10 * weidmann_pace(1.0))


def test_people_on_full_streets_who_wait_for_each_other_change_places():
    walking, _ = walking_on([(0, 1), (1, 2)], 10, 1, 108, [[2], [0]])
    row = (np.arange(108) >= 54).astype(int)
    link = np.where(row == 0, 0, 3)
    walking.add_on_link(np.arange(108), link, 9.0, 0.0, 1.3, table=row)
    out = walking.advance(np.inf)
    assert out.id.size == 108  # nobody could leave a full street if they did not
    assert (out.node == np.where(row[out.id] == 0, 2, 0)).all()


def test_a_full_street_admits_nobody():
    walking, _ = walking_on([(0, 1), (1, 2)], 10, 1, 60, [[2]])
    walking.add_on_link(np.arange(54), 1, 0.0, 0.0, 1.3)
    walking.add([59], [0], 0.0, 1.3)
    walking.advance(30.0)
    assert walking.view.n_on_street.tolist() == [1, 54]
    assert walking.view.stage([59])[0] == Stage.AT_ENTRY


def test_those_on_a_closed_link_walk_on_and_the_others_wait_until_it_opens():
    walking, _ = walking_on([(0, 1), (1, 2)], 100, 3, 2, [[2]])
    walking.add([0, 1], [0, 1], 0.0, 1.0)
    walking.advance(50.0)
    walking.set_open([1], is_open=False)
    out = walking.advance(500.0)
    assert out.id.tolist() == [1] and out.time_s[0] == pytest.approx(100)
    held, link = walking.view.at_closed_links()
    assert held.tolist() == [0] and link.tolist() == [1] and walking.view.without_route().size == 0
    assert walking.view.position([0]) == (np.array([0]), np.array([100.0]))
    walking.set_open([1], is_open=True)
    assert walking.advance(np.inf).time_s[0] == pytest.approx(600)


def test_people_without_a_route_stand_where_they_are_until_a_table_gives_one():
    up, down, street = two_way([(0, 1)])
    walking = Walking(2, up, down, street, [50.0, 50.0], [3.0, 3.0], 1)
    walking.add([0], [0], 5.0, 1.0)
    walking.advance(60.0)
    assert walking.view.without_route().tolist() == [0]
    routes = Routes(2, up, down)
    routes.set_class(0, np.full(2, 50.0), np.ones(2, bool), [1])
    walking.set_next_link(routes.next_link)
    assert walking.view.without_route().size == 0
    assert walking.advance(np.inf).time_s[0] == pytest.approx(110)
    assert NO_ROUTE == -1


def test_a_street_that_turns_to_rubble_slows_those_on_it_from_then_on():
    walking, _ = walking_on([(0, 1)], 100, 3, 1, [[1]])
    walking.add([0], [0], 0.0, 1.0)
    walking.advance(40.0)
    walking.set_street([0], speed_factor=0.5)
    assert walking.advance(np.inf).time_s[0] == pytest.approx(40 + 120)


def test_who_leaves_a_car_in_mid_street_walks_the_rest():
    walking, _ = walking_on([(0, 1), (1, 2)], 100, 3, 1, [[2]])
    walking.add_on_link([0], [0], 70.0, 12.0, 1.0)
    assert walking.advance(np.inf).time_s[0] == pytest.approx(12 + 30 + 100)


def test_who_has_arrived_may_set_out_again():
    walking, _ = walking_on([(0, 1)], 100, 3, 1, [[1], [0]])
    walking.add([0], [0], 0.0, 1.0)
    assert walking.advance(200.0).node.tolist() == [1]
    walking.add([0], [1], 250.0, 1.0, table=1)
    assert walking.advance(np.inf).time_s.tolist() == [350.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"departure_s": -1.0}, "departure_s = -1.0"),
        ({"departure_s": np.inf}, "departure_s = inf"),
        ({"free_speed_m_s": 0.0}, "free_speed_m_s = 0.0"),
        ({"n_persons": 0}, "n_persons = 0"),
        ({"ids": [1, 1], "origin_node": [0, 0]}, "added twice"),
    ],
)
def test_parties_that_cannot_walk_are_refused_by_name(change, message):
    walking, _ = walking_on([(0, 1)], 100, 3, 2, [[1]])
    with pytest.raises(ValueError, match=message):
        walking.add(**{"ids": [0], "origin_node": [0], "departure_s": 0.0, "free_speed_m_s": 1.0, **change})


@pytest.mark.parametrize(("length_m", "width_m"), [(0.0, 3.0), (-5.0, 3.0), (50.0, -1.0)])
def test_streets_without_length_or_width_are_refused(length_m, width_m):
    if width_m > 0:
        with pytest.raises(ValueError, match="link 0 has length_m"):
            walking_on([(0, 1)], length_m, width_m, 1, [[1]])
    else:
        walking, _ = walking_on([(0, 1)], length_m, 3.0, 1, [[1]])
        with pytest.raises(ValueError, match=r"walk_width_m = -1.0"):
            walking.set_street([0], walk_width_m=width_m)


def test_every_crossing_is_counted_once_on_each_link():
    walking, _ = walking_on([(0, 1), (1, 2)], 50, 3, 10, [[2]])
    walking.add(np.arange(10), np.zeros(10, int), np.arange(10.0), 1.0)
    walking.advance(np.inf)
    assert walking.view.n_entered.tolist() == [10, 10, 0, 0]
    assert walking.view.n_left.tolist() == [10, 10, 0, 0]


def test_walkers_that_set_out_are_written_one_by_one_or_none_of_them():
    chance, walkers, n = np.random.default_rng(2), records(60, WALKER), 20
    ids = chance.permutation(60)[:n].astype(np.int32)
    given = {
        "departure_s": chance.uniform(5.0, 9.0, n), "speed_m_s": chance.uniform(0.5, 2.0, n),
        "n_persons": chance.integers(1, 6, n, np.int32), "table": chance.integers(0, 3, n, np.int32),
        "node": chance.integers(0, 9, n, np.int32), "wanted": chance.integers(-1, 4, n, np.int32),
    }  # fmt: skip
    for name, wrong in {"departure_s": 4.0, "speed_m_s": 0.0, "n_persons": 0, "table": 3}.items():
        changed = given[name].copy()
        changed[-1] = wrong
        assert not walk_views.let_set_out(walkers, ids, *(given | {name: changed}).values(), 3, 5.0)
    twice = ids[[*range(n - 1), 0]]
    assert not walk_views.let_set_out(walkers, twice, *given.values(), 3, 5.0) and not walkers["stage"].any()
    expected = walkers.copy()
    for k, row in enumerate(ids.tolist()):
        expected[row]["link"], expected[row]["stage"] = -1, Stage.DUE
        for name in ("speed_m_s", "n_persons", "table", "node", "wanted"):
            expected[row][name] = given[name][k]
    assert walk_views.let_set_out(walkers, ids, *given.values(), 3, 5.0)
    assert walkers.tobytes() == expected.tobytes()
    assert not walk_views.let_set_out(walkers, ids, *given.values(), 3, 5.0)
