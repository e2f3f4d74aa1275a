"""Cars and walkers moved together by one kernel, against a slow twin that asks each of the two for every look."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from naive_movement import SlowTwin
from test_shared_streets import crowd, road

from safepassage.agents.parties import Mode
from safepassage.model.movement.by_minutes import go_on
from safepassage.model.movement.movement import Movement
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets

N_WALKERS, N_CARS = 25, 15
PLACES = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "d": (900, 0), "e": (300, 250), "f": (600, 250)}
EDGES = ("ab", "bc", "cd", "be", "ef", "fc")


class Twilight:
    """Weather by which people walk slower in every other stretch of so many seconds."""

    def __init__(self, every_s):
        self.every_s = every_s

    def walking_factor(self, time_s):
        return 0.8 if int(time_s / self.every_s) % 2 else 1.0

    def next_change_s(self, time_s):
        return (int(time_s / self.every_s) + 1) * self.every_s


def town(has_pavement):
    """Return streets of six nodes, a way round on one side, d the exit; has_pavement: of each edge."""
    graph = nx.MultiDiGraph(crs="EPSG:32637", created_with="OSMnx 2.1.1")
    for name, (x_m, y_m) in PLACES.items():
        graph.add_node(name, x=str(400_000.0 + x_m), y=str(5_300_000.0 + y_m))
    for (u, v), is_paved in zip(EDGES, has_pavement, strict=True):
        about = {"highway": "unclassified", "oneway": "False", "sidewalk": "both" if is_paved else "no", "width": "6"}
        graph.add_edge(u, v, **about, lanes="2")
        graph.add_edge(v, u, **about, lanes="2")
    settings = StreetSettings.model_validate({"network": Path(__file__), "exits": [{"node": "d", "name": "out"}]})
    return compile_streets(graph, settings)[0]


def people_of(streets, seed, n_walkers, n_cars, **settings):
    """Return the movement of walkers and cars that set out from anywhere within the first ten minutes."""
    movement, rng = Movement(MovementSettings(**settings), streets, N_WALKERS + N_CARS), np.random.default_rng(seed)
    for mode, rows in ((Mode.WALK, np.arange(n_walkers)), (Mode.CAR, N_WALKERS + np.arange(n_cars))):
        node, time_s = rng.integers(0, 6, rows.size), rng.choice(np.arange(0.0, 600.0, 7.5), rows.size)
        node[node == streets.node_id.index("d")] = streets.node_id.index("a")
        size, speed_m_s = rng.integers(1, 6, rows.size), rng.uniform(0.8, 1.6, rows.size)
        movement.set_out(mode, rows, node, time_s, size, speed_m_s)
    return movement


def state(movement):
    """Return all that cars and walkers are, as bytes by name."""
    driving, walking = movement.driving._traffic, movement.walking._on_foot
    crowd = walking.crowd
    rows = {
        "links": (driving.links, "free_flow_time_s in_headway_s next_exit_s next_entry_s head tail"),
        "vehicles": (driving.vehicles, "entry_s state link"),
        "doses of cars": (driving.doses, "since_s strikes crossfire"),
        "walkers": (crowd.walkers, "target_s link node stage"),
        "streets": (crowd.streets, "progress_s pace area_m2 flow_capacity_per_s n_persons"),
        "doses on foot": (crowd.doses, "since_s strikes crossfire"),
    }  # fmt: skip
    found = {
        f"{name}: {field}": each[field].tolist() for name, (each, fields) in rows.items() for field in fields.split()
    }
    found["tables"], found["slower"] = driving.next_link.tolist(), np.sort(driving.changed_speed).tolist()
    return found | {"time": (movement.time_s, driving.time_s, walking.time_s)}


@st.composite
def happenings(draw):
    """Return a function that makes a movement, always the same, and what happens to it: at which whole minutes the
    streets e-f are closed and opened again."""
    streets = town(draw(st.lists(st.booleans(), min_size=6, max_size=6)))
    seed, n_walkers, n_cars = draw(st.integers(0, 2**32)), draw(st.integers(0, N_WALKERS)), draw(st.integers(0, N_CARS))
    every_s, live_share = draw(st.sampled_from([60.0, 30.0, 17.3, 90.0])), draw(st.sampled_from([0.0, 0.5]))
    twilight_s, danger = draw(st.sampled_from([None, 240.0, 100.0])), draw(st.sampled_from([None, 0.0, 1e-4]))
    car_width_m = draw(st.sampled_from([2.5, 6.0]))

    def make():
        movement = people_of(
            streets, seed, n_walkers, n_cars, shared_streets_every_s=every_s, live_news_share=live_share,
            car_width_m=car_width_m, congestion_news_delay_s=150.0,
        )  # fmt: skip
        if twilight_s is not None:
            movement.pace.weather = Twilight(twilight_s)
        if danger is not None:
            rates = np.zeros(streets.n_links)
            rates[seed % streets.n_links] = danger
            movement.driving.set_danger(rates, rates / 3, 2.0)
            movement.walking.set_danger(rates / 2, rates)
        return movement

    closed_at, opened_at = draw(st.integers(1, 12)), draw(st.integers(1, 30))
    return make, {60.0 * closed_at: False, 60.0 * (closed_at + opened_at): True}


def close(movement, *, is_open):
    streets = movement.streets
    ends = [streets.node_id.index(name) for name in "ef"]
    now = ~(np.isin(streets.link_upstream, ends) & np.isin(streets.link_downstream, ends)) | is_open
    movement.set_streets(streets.drivable & now, streets.walkable & now)


def found_by(arrivals):
    return list(zip(arrivals.party.tolist(), arrivals.time_s.tolist(), strict=True))


@given(happenings(), st.lists(st.sampled_from([60.0, 13.0, 400.0, 7.5]), min_size=5, max_size=30))
@given_settings(max_examples=25, deadline=None)
def test_both_move_as_their_slow_twin_to_any_times(happens, steps_s):
    make, closures = happens
    quick, slow = make(), SlowTwin(make())
    ends_s = np.unique(np.concatenate((np.cumsum(steps_s), [*closures])))
    for until_s in ends_s.tolist():
        assert found_by(quick.advance(until_s)) == slow.advance(until_s)
        assert state(quick) == state(slow.movement)
        if until_s in closures:
            for movement in (quick, slow.movement):
                close(movement, is_open=closures[until_s])
                movement.talk()


@given(happenings())
@given_settings(max_examples=25, deadline=None)
def test_by_minutes_both_stop_where_their_slow_twin_does(happens):
    make, closures = happens
    quick, slow = make(), SlowTwin(make())
    while quick.time_s < 3600.0 and quick.n_moving:
        now_s = quick.time_s
        until_s = min([at_s for at_s in (*closures, quick.pace.changes_s, 3600.0) if at_s > now_s])
        until_s = max(now_s + 60.0, np.floor(until_s / 60.0) * 60.0)
        if quick.pace.changes_s < until_s:  # the pace changes within the minute
            assert found_by(quick.advance(until_s)) == slow.advance(until_s)
        else:
            arrivals, is_calm = go_on(quick, until_s, by_minutes=True)
            assert found_by(arrivals) == slow.go_on_by_minutes(until_s)
            assert len(arrivals) or is_calm == slow.is_calm  # what those met who have left is read with them
        taken = [mover.take_doses()[1].tolist() for m in (quick, slow.movement) for mover in (m.driving, m.walking)]
        assert taken[:2] == taken[2:]
        for movement in (quick, slow.movement):
            if movement.time_s in closures:
                close(movement, is_open=closures[movement.time_s])
            movement.talk()
        assert state(quick) == state(slow.movement)


@pytest.mark.parametrize("who", [{"n_walkers": 0}, {"n_cars": 0}])
def test_many_minutes_pass_at_once_until_the_first_arrives(who):
    movement = crowd(road(), **who)
    arrivals, _ = go_on(movement, 6000.0, by_minutes=True)
    assert len(arrivals) > 0 and movement.time_s > 120.0
    assert (np.ceil(arrivals.time_s / 60.0) * 60.0 == movement.time_s).all()
