"""What drivers expect of the ways out: waits at narrow places, those counted who still drive towards them."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safepassage.agents.ground.records import records
from safepassage.agents.parties import Mode
from safepassage.agents.rules.drive_state import SIGHT
from safepassage.agents.rules.outlook import ENTRY, GATE, PLACE, ROAD, expect, write_table
from safepassage.agents.rules.outlook_on_way import EMPTY, expect_on_way, keep_empty
from safepassage.experiments.verification import route_choice
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.routing import Routes
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets

N_NODES, EXITS = 7, (0, 1)


def by_node(downstream, n_nodes):
    order = np.argsort(downstream, kind="stable").astype(np.int32)
    return np.searchsorted(downstream[order], np.arange(n_nodes + 1)), order


def naive(time_s, free_s, n_cars, capacity, turn, up, down, exit_per_s):
    """The rule in plain words: settle the nearest node, count cars on links into it, then look at those links."""
    out, free, gate, gates = {}, {}, {}, []
    expected, reached = time_s.copy(), {}
    for node, per_s in zip(EXITS, exit_per_s, strict=True):
        gates.append({"per_s": per_s, "way_s": 0.0, "busy_s": 0.0, "next": None})
        reached[node] = (0.0, -1, 0.0, gates[-1])
    while reached:
        node = min(reached, key=lambda n: reached[n][:2])
        cost, _, free[node], gate[node] = reached.pop(node)
        out[node] = cost
        links = [k for k in range(up.size) if down[k] == node]
        own = {}
        for k in links:
            ahead = gate[node]
            narrow = capacity[k] < ahead["per_s"]
            own[k] = {"per_s": capacity[k], "way_s": free[node], "busy_s": 0.0, "next": ahead} if narrow else ahead
            at = own[k]
            while at is not None and n_cars[k] > 0:
                at["busy_s"] = max(at["busy_s"], free[node] - at["way_s"]) + n_cars[k] / at["per_s"]
                at = at["next"]
        for k in links:
            out_s, at = out[node] + time_s[k], own[k]
            while at is not None:
                out_s, at = max(out_s, at["way_s"] + at["busy_s"]), at["next"]
            expected[k] = out_s - out[node]
            found = (cost + expected[k], int(turn[k]))
            if up[k] not in out and (up[k] not in reached or found < reached[up[k]][:2]):
                reached[up[k]] = (*found, free[node] + free_s[k], own[k])
    return expected


class Network:
    """A drawn network, some of its links closed, and what the kernel needs to look at it again and again."""

    def __init__(self, seed, *, whole=False, ends=None):
        chance = np.random.default_rng(seed)
        pairs = [(a, b) for a in range(N_NODES) for b in range(N_NODES) if a != b]
        ends = [pair for pair in pairs if chance.random() < 0.5] if ends is None else ends
        self.up, self.down = (np.array([end[i] for end in ends], np.int32) for i in (0, 1))
        n = self.n = self.up.size
        self.free_s = chance.integers(5, 7, n).astype(float) if whole else chance.uniform(5.0, 50.0, n)
        self.time_s = self.free_s + chance.integers(0, 20, n) * (chance.random(n) < 0.3)
        self.n_cars = chance.integers(0, 30, n) * (chance.random(n) < 0.5)
        self.capacity, self.exit_per_s = chance.uniform(0.1, 1.0, n), np.array([0.3, 0.5])
        self.turn, self.is_open = chance.permutation(n).astype(np.uint32), chance.random(n) < 0.9
        self.danger = chance.uniform(0.0, 2.0, n) * (chance.random(n) < 0.3)
        self.first, self.link = by_node(self.down, N_NODES)
        self.by_upstream = *by_node(self.up, N_NODES), self.down
        self.bucket = np.full(16, -1, np.int32)

    def prepared(self, n_cars, danger):
        """Return the list of roads, what there is to see on them, where each link is in it and its time alone."""
        link = self.link
        factor = (1.0 + danger)[link]
        weight = np.where(self.is_open, self.free_s * (1.0 + danger) / self.free_s, np.inf)[link]
        of_links = {"free_s": self.free_s[link], "per_s": self.capacity[link], "start": self.up[link], "link": link}
        roads = records(self.n, ROAD, weight=weight, danger_factor=factor, turn=self.turn[link], **of_links)
        on = np.flatnonzero(n_cars)
        sights = records(on.size, SIGHT, link=on, n_cars=n_cars[on], time_s=self.time_s[on])
        alone_s = np.where(n_cars > 0, self.free_s, self.time_s)
        roads["time_s"] = alone_s[link]
        return roads, sights, np.argsort(link), alone_s

    def room(self):
        """Return room for places, gates, links that are equally good, and nodes that wait."""
        gates, *waiting = (records(self.n + 2, kind) for kind in (GATE, ENTRY, ENTRY))
        return records(N_NODES, PLACE), gates, np.zeros(self.n, np.int32), *waiting

    def expect(self, n_cars, class_turn, danger, *, buckets_per_s=0.1, wanted=None):
        """Return the times expected of links, next links and costs to go; wanted: the latter two and where they are."""
        roads, sights, of_link, alone_s = self.prepared(n_cars, danger)
        room, before = self.room(), roads.tobytes()
        expected_s = self.time_s.copy() if wanted is None else np.empty(0)
        _, is_all = expect(
            expected_s, roads, *room, self.bucket, buckets_per_s, sights, of_link, alone_s, self.first,
            np.ones(N_NODES, np.bool_) if wanted is None else wanted, np.array(EXITS, np.int32), self.exit_per_s,
        )  # fmt: skip
        found = np.full(N_NODES, -9, np.int32), np.full(N_NODES, -9.0), np.zeros(N_NODES, np.bool_)
        for is_again in (False, True):
            is_changed = np.zeros(1, np.bool_)
            write_table(*found, is_changed, room[0], room[2], class_turn, is_all)
            assert is_changed[0] == (found[2].any() and not is_again)
        assert roads.tobytes() == before and (self.bucket == -1).all()
        return (expected_s, *found[:2]) if wanted is None else found

    def expect_on_way(self, n_cars, class_turn, danger, wanted):
        """Return whether the table could be had from the ways of those in sight alone, and what was found."""
        roads, sights, of_link, alone_s = self.prepared(n_cars, danger)
        room, empty = self.room(), records(N_NODES, EMPTY)
        exits = np.array(EXITS, np.int32), self.exit_per_s
        expect(
            np.empty(0), roads, *room, self.bucket, 0.1, sights[:0], of_link, alone_s, self.first,
            np.ones(N_NODES, np.bool_), *exits,
        )  # fmt: skip
        keep_empty(empty, room[0], roads, of_link, *self.by_upstream)
        before, is_on = roads.tobytes(), np.zeros(N_NODES, np.uint8)
        found = np.full(N_NODES, -9, np.int32), np.full(N_NODES, -9.0), np.zeros(N_NODES, np.bool_)
        for is_again in (False, True):
            is_changed = np.zeros(1, np.bool_)
            is_sure = expect_on_way(
                *found, is_changed, roads, *room, empty, is_on, sights, of_link, alone_s, class_turn, self.first,
                *self.by_upstream, wanted, *exits,
            )  # fmt: skip
            assert is_changed[0] == (is_sure and not is_again)
        assert roads.tobytes() == before and not is_on.any()
        return is_sure, *found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_expected_times_equal_those_of_the_rule_in_plain_words(seed):
    roads = Network(seed)
    roads.is_open[:] = True
    given_s = roads.time_s, roads.free_s
    for cars, buckets_per_s in ((roads.n_cars, 0.1), (roads.n_cars[::-1].copy(), 1e-3), (roads.n_cars, 1e3)):
        found = roads.expect(cars, roads.turn, np.zeros(roads.n), buckets_per_s=buckets_per_s)[0]
        ends = roads.up, roads.down, roads.exit_per_s
        assert found == pytest.approx(naive(*given_s, cars, roads.capacity, roads.turn, *ends))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_the_table_that_comes_with_expected_times_is_the_one_built_from_them(seed, whole):
    """Also where ways are equally good, and whatever the width of buckets: to the bit."""
    roads = Network(seed, whole=whole)
    danger = np.zeros(roads.n) if whole else roads.danger
    routes = Routes(N_NODES, roads.up, roads.down, 3, np.random.default_rng(seed).integers(0, 5, roads.n, np.uint32))
    for row, n_cars in ((0, roads.n_cars), (2, roads.n_cars * 0)):
        for buckets_per_s in (1e-3, 0.1, 1e3):
            found = roads.expect(n_cars, routes.turns(row), danger, buckets_per_s=buckets_per_s)
            routes.set_class(row, found[0] * (1.0 + danger), roads.is_open, EXITS)
            assert (found[1] == routes.next_link[row]).all() and (found[2] == routes.cost_to_go_s[row]).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.sets(st.integers(0, N_NODES - 1)), st.booleans())
def test_whoever_asks_about_some_nodes_gets_what_all_would_get_there_and_nothing_elsewhere(seed, nodes, whole):
    roads = Network(seed, whole=whole)
    danger, wanted = np.zeros(roads.n) if whole else roads.danger, np.zeros(N_NODES, np.bool_)
    wanted[list(nodes)] = True
    for buckets_per_s in (1e-3, 0.1, 1e3):
        given_s = roads.n_cars, roads.turn, danger
        _, next_link, to_go_s = roads.expect(*given_s, buckets_per_s=buckets_per_s)
        *some, is_known = roads.expect(*given_s, buckets_per_s=buckets_per_s, wanted=wanted)
        assert is_known[wanted].all()
        on_the_way = next_link[is_known][next_link[is_known] >= 0]
        assert is_known[roads.down[on_the_way]].all()
        for part, all_of_it in zip(some, (next_link, to_go_s), strict=True):
            assert (part[is_known] == all_of_it[is_known]).all() and (part[~is_known] == -9).all()


def test_the_ways_of_those_in_sight_are_enough_or_it_says_that_they_are_not():
    """Where they are, the table is that of all nodes, to the bit, on the whole way out; else nothing is written."""
    n_sure = 0

    @settings(max_examples=200, deadline=None)
    @example(6452, {0, 6}, False)
    @given(st.integers(0, 10_000), st.sets(st.integers(0, N_NODES - 1), min_size=1, max_size=3), st.booleans())
    def is_enough(seed, nodes, whole):
        nonlocal n_sure
        roads = Network(seed, whole=whole)
        chance, wanted = np.random.default_rng(seed), np.zeros(N_NODES, np.bool_)
        danger, wanted[list(nodes)] = np.zeros(roads.n) if whole else roads.danger, True
        turn = chance.integers(0, 5, roads.n).astype(np.uint32)
        n_cars = np.where(chance.random(roads.n) < chance.choice([0.1, 0.5, 1.0]), roads.n_cars, 0)
        _, next_link, to_go_s = roads.expect(n_cars, turn, danger)
        is_sure, *found, is_known = roads.expect_on_way(n_cars, turn, danger, wanted)
        assert is_known[wanted].all() if is_sure else not is_known.any()
        on_the_way = next_link[is_known][next_link[is_known] >= 0]
        assert is_known[roads.down[on_the_way]].all()
        for part, all_of_it in zip(found, (next_link, to_go_s), strict=True):
            assert (part[is_known] == all_of_it[is_known]).all() and (part[~is_known] == -9).all()
        n_sure += is_sure and n_cars.any()

    is_enough()
    assert n_sure > 120


def test_a_table_whose_way_is_dearer_now_takes_the_next_by_its_own_turn():
    """From 2 three ways are as good; whoever is counted at the gates takes the first, the table the second, and now
    the third."""
    roads = Network(0, ends=[(2, 3), (2, 4), (2, 5), (3, 0), (4, 0), (5, 0)])
    roads.free_s[:], roads.time_s[:], roads.is_open[:] = 5.0, [5.0, 9.0, 5.0, 5.0, 5.0, 5.0], True
    roads.turn, turn = np.arange(6, dtype=np.uint32), np.array([2, 0, 1, 0, 0, 0], np.uint32)
    n_cars, wanted = np.array([0, 1, 0, 0, 0, 0]), np.arange(N_NODES) == 2
    assert roads.expect(n_cars, turn, np.zeros(6))[1][2] == 2
    is_sure, next_link, _, _ = roads.expect_on_way(n_cars, turn, np.zeros(6), wanted)
    assert is_sure and next_link[2] == 2


def movement_on(ends, places, exit_per_s, n_cars):
    graph = nx.MultiDiGraph(crs="EPSG:32637")
    for name, (x_m, y_m) in places.items():
        graph.add_node(name, x=400_000.0 + x_m, y=5_300_000.0 + y_m)
    for up, down in ends:
        length_m = np.hypot(*(np.array(places[up]) - places[down]))
        graph.add_edge(up, down, highway="motorway", oneway="True", length=str(length_m), maxspeed="72", lanes="1")
    exits = [{"node": "z", "name": "z", "flow_capacity_per_s": exit_per_s}]
    streets = compile_streets(graph, StreetSettings.model_validate({"network": __file__, "exits": exits}))[0]
    return streets, Movement(MovementSettings(), streets, n_cars, u_news=np.zeros((2, n_cars)))


def test_who_still_drives_towards_an_exit_is_counted_by_those_behind():
    """100 cars from either of two arms, the first of which is not there yet: the last is out when 200 have passed."""
    places = {"a": (-3000.0, 500.0), "b": (-3000.0, -500.0), "m": (-2000.0, 0.0), "z": (0.0, 0.0)}
    streets, movement = movement_on([("a", "m"), ("b", "m"), ("m", "z")], places, 0.2, 200)
    party = np.arange(200)
    start = np.where(party < 100, streets.node_id.index("a"), streets.node_id.index("b"))
    movement.set_out(Mode.CAR, party, start, np.zeros(200), np.ones(200), np.ones(200))
    movement.advance(60.0)
    movement.ways.see_queues([0])
    expected_s = movement.ways.drive_s(0, streets.node_id.index("a"))
    arrivals = movement.advance(5000.0)
    assert 60.0 + expected_s == pytest.approx(arrivals.time_s.max(), rel=0.05)


def test_it_does_not_matter_into_how_many_links_a_road_is_cut():
    for tolerance, news_delay_s in ((0.05, 60.0), (0.12, 600.0)):
        whole_s = route_choice.mean_travel_time_s(news_delay_s)
        cut_s = route_choice.mean_travel_time_s(news_delay_s, n_pieces=10)
        assert whole_s == pytest.approx(route_choice.EQUILIBRIUM_S, rel=tolerance)
        assert cut_s == pytest.approx(route_choice.EQUILIBRIUM_S, rel=tolerance)


def test_there_is_nothing_to_see_until_somebody_is_held_up():
    places = {"a": (-3000.0, 0.0), "m": (-2000.0, 0.0), "z": (0.0, 0.0)}
    streets, movement = movement_on([("a", "m"), ("m", "z")], places, 0.2, 40)
    start = streets.node_id.index("a")
    movement.set_out(Mode.CAR, np.array([0]), np.array([start]), np.zeros(1), np.ones(1), np.ones(1))
    movement.advance(61.0)
    assert not movement.ways.is_queue_believed
    movement.set_out(Mode.CAR, np.arange(1, 40), np.full(39, start), np.full(39, 61.0), np.ones(39), np.ones(39))
    movement.advance(130.0)
    assert movement.ways.is_queue_believed


def test_no_table_is_built_for_those_who_have_one_way_on_until_somebody_sets_out_who_has_more():
    """Two ways from a to m; from there one road leads out, on which a queue stands."""
    places = {"a": (-3000.0, 0.0), "b": (-2500.0, 400.0), "m": (-2000.0, 0.0), "n": (-1000.0, 0.0), "z": (0.0, 0.0)}
    ends = [("a", "m"), ("a", "b"), ("b", "m"), ("m", "n"), ("n", "z")]
    streets, movement = movement_on(ends, places, 0.2, 41)
    cars, n_built = movement.ways.of[Mode.CAR], []
    cars._build = lambda tables, wanted, build=cars._build: (n_built.append(len(tables)), build(tables, wanted))
    middle, start = streets.node_id.index("m"), streets.node_id.index("a")
    movement.set_out(Mode.CAR, np.arange(40), np.full(40, middle), np.zeros(40), np.ones(40), np.ones(40))
    n_built.clear()
    movement.advance(130.0)
    assert movement.ways.is_queue_believed and not n_built
    movement.set_out(Mode.CAR, np.array([40]), np.array([start]), np.full(1, 130.0), np.ones(1), np.ones(1))
    assert n_built == [1]
    assert movement.ways.drive_out_s(start) > 3000.0 / 20.0 + 30.0  # the way in free flow, and a wait


def queue_on_the_only_road(n_cars=40):
    """Two ways from a to m; from there one road leads out, on which cars that have no choice stand in a queue."""
    places = {"a": (-3000.0, 0.0), "b": (-2500.0, 400.0), "m": (-2000.0, 0.0), "n": (-1000.0, 0.0), "z": (0.0, 0.0)}
    ends = [("a", "m"), ("a", "b"), ("b", "m"), ("m", "n"), ("n", "z")]
    streets, movement = movement_on(ends, places, 0.2, n_cars + 1)
    middle = np.full(n_cars, streets.node_id.index("m"))
    movement.set_out(Mode.CAR, np.arange(n_cars), middle, np.arange(float(n_cars)), np.ones(n_cars), np.ones(n_cars))
    return streets, movement


def counted(owner, name):
    """Count calls of a method from now on, in a list that grows by one for each."""
    calls, method = [], getattr(owner, name)
    setattr(owner, name, lambda *args: calls.append(name) or method(*args))
    return calls


def test_a_look_that_concerns_nobody_costs_nothing_until_somebody_asks_what_was_seen():
    streets, movement = queue_on_the_only_road()
    told, worked_out = counted(movement.ways, "see_queues"), counted(movement.ways._outlook, "_look")
    movement.advance(150.0)
    assert movement.ways.is_queue_believed and told == worked_out == []
    movement.ways.drive_out_s(streets.node_id.index("a"))
    assert told == [] and len(worked_out) == 2  # the way, and the time that each link takes


def test_tables_of_those_who_look_at_once_take_one_look_and_keep_turns_of_their_own():
    """Two ways from a to m are equally good; from there one road leads out, on which a queue stands."""
    places = {"a": (-3000.0, 0.0), "b": (-2500.0, 400.0), "c": (-2500.0, -400.0), "m": (-2000.0, 0.0), "z": (0.0, 0.0)}
    ends = [("a", "b"), ("a", "c"), ("b", "m"), ("c", "m"), ("m", "z")]
    streets, movement = movement_on(ends, places, 0.2, 40)
    middle = np.full(40, streets.node_id.index("m"))
    movement.set_out(Mode.CAR, np.arange(40), middle, np.zeros(40), np.ones(40), np.ones(40))
    movement.advance(150.0)
    ways, tables = movement.ways, list(movement.ways.seen)
    ways.see_queues(tables)
    worked_out, start = counted(ways._outlook, "_look"), streets.node_id.index("a")
    ways.freshen(tables)
    together = [array[tables] for array in (ways.car_routes.next_link, ways.car_routes.cost_to_go_s)]
    assert len(worked_out) == 1 and len(set(together[0][:, start])) == 2
    for table in tables:
        ways.see_queues([table])
        ways.freshen(table)
    assert len(worked_out) == 1 + len(tables)
    assert (ways.car_routes.next_link[tables] == together[0]).all()
    assert (ways.car_routes.cost_to_go_s[tables] == together[1]).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=5))
def test_what_is_kept_of_looks_is_what_drivers_would_have_been_told_at_once(pauses_s):
    """The twin lets everybody be told at each look, as if all had a choice of way."""
    _, lazy = queue_on_the_only_road()
    _, eager = queue_on_the_only_road()
    for movement in (lazy, eager):
        cars = movement.ways.cars
        cars.has_choice = cars.has_choice if movement is lazy else np.ones_like(cars.has_choice)
        for until_s in np.cumsum(pauses_s).astype(float):
            movement.advance(until_s)
    for table in lazy.ways.seen:
        seen = lazy.ways.seen[table]
        assert (seen is lazy.ways.no_queues) == (eager.ways.seen[table] is eager.ways.no_queues)
        assert (seen.time_s == eager.ways.seen[table].time_s).all(), table
        lazy.ways.freshen(table)
        eager.ways.freshen(table)
    assert (lazy.ways.car_routes.cost_to_go_s == eager.ways.car_routes.cost_to_go_s).all()
    assert (lazy.driving._traffic.next_link == eager.driving._traffic.next_link).all()
