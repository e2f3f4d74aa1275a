"""What drivers expect of the ways out: waits at narrow places, those counted who still drive towards them."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.parties import Mode
from safepassage.agents.rules.outlook import expect
from safepassage.experiments.verification import route_choice
from safepassage.model.movement.movement import Movement
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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_expected_times_equal_those_of_the_rule_in_plain_words(seed):
    chance = np.random.default_rng(seed)
    ends = [(a, b) for a in range(N_NODES) for b in range(N_NODES) if a != b and chance.random() < 0.5]
    up, down = (np.array([end[i] for end in ends], np.int32) for i in (0, 1))
    n = up.size
    free_s = chance.uniform(5.0, 50.0, n)
    time_s = free_s + chance.uniform(0.0, 20.0, n) * (chance.random(n) < 0.3)
    n_cars, capacity = chance.integers(0, 30, n), chance.uniform(0.1, 1.0, n)
    exit_per_s = np.array([0.3, 0.5])
    turn = chance.permutation(n).astype(np.uint32)
    first, incoming = by_node(down, N_NODES)
    order = np.full(N_NODES, -1, np.int32)
    for cars in (n_cars, n_cars, n_cars[::-1].copy()):  # in an order not known, the one of before, and a wrong one
        found = expect(
            time_s, free_s, cars, capacity, np.ones(n), np.ones(n, np.bool_), turn, up, first, incoming,
            np.array(EXITS, np.int32), exit_per_s, order,
        )  # fmt: skip
        assert found == pytest.approx(naive(time_s, free_s, cars, capacity, turn, up, down, exit_per_s))


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
    cars._build = lambda tables, build=cars._build: (n_built.append(tables.size), build(tables))
    middle, start = streets.node_id.index("m"), streets.node_id.index("a")
    movement.set_out(Mode.CAR, np.arange(40), np.full(40, middle), np.zeros(40), np.ones(40), np.ones(40))
    n_built.clear()
    movement.advance(130.0)
    assert movement.ways.is_queue_believed and sum(n_built) == 0
    movement.set_out(Mode.CAR, np.array([40]), np.array([start]), np.full(1, 130.0), np.ones(1), np.ones(1))
    assert sum(n_built) == 1
    assert movement.ways.drive_out_s(start) > 3000.0 / 20.0 + 30.0  # the way in free flow, and a wait
