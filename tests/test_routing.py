import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from safepassage.model.movement.routing import ARRIVED, NO_ROUTE, Routes, has_choice, next_links


def random_graph(rng, n_nodes, n_links, *, whole=False):
    up, down = rng.integers(0, n_nodes, (2, n_links)).astype(np.int32)
    cost_s = rng.integers(1, 6, n_links).astype(float) if whole else rng.uniform(0.5, 90, n_links)
    return up, down, cost_s


def drawn(rng, least_nodes, least_links, *, whole):
    """Return (Routes without any, time of each link, which are open, two exits) of a drawn graph."""
    n_nodes, n_links = int(rng.integers(least_nodes, 40)), int(rng.integers(least_links, 140))
    up, down, cost_s = random_graph(rng, n_nodes, n_links, whole=whole)
    return Routes(n_nodes, up, down), cost_s, rng.random(n_links) < 0.85, rng.integers(0, n_nodes, 2)


def assert_is_as_built_afresh(routes, cost_s, is_open, exits, entry_s=0.0):
    ends = routes.link_upstream, routes.link_downstream
    next_link, cost_to_go_s = next_links(routes.next_link.shape[1], *ends, cost_s, is_open, exits, entry_s)
    assert (routes.next_link[0] == next_link).all()
    assert (routes.cost_to_go_s[0] == cost_to_go_s).all()


def costs_by_networkx(n_nodes, up, down, cost_s, is_open, destinations):
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(n_nodes))
    for u, v, c, o in zip(up, down, cost_s, is_open, strict=True):
        if o:
            graph.add_edge(v, u, weight=c)
    for node, entry_s in destinations:
        graph.add_edge("end", node, weight=entry_s)
    return nx.single_source_dijkstra_path_length(graph, "end")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_costs_to_go_equal_those_of_networkx_on_random_graphs(seed):
    rng = np.random.default_rng(seed)
    n_nodes = int(rng.integers(2, 25))
    up, down, cost_s = random_graph(rng, n_nodes, int(rng.integers(1, 70)))
    is_open = rng.random(up.size) < 0.8
    destinations = [(int(n), float(c)) for n, c in zip(rng.integers(0, n_nodes, 3), rng.uniform(0, 50, 3), strict=True)]
    nodes, entry_s = zip(*destinations, strict=True)
    next_link, cost_to_go_s = next_links(n_nodes, up, down, cost_s, is_open, nodes, entry_s)
    expected = costs_by_networkx(n_nodes, up, down, cost_s, is_open, destinations)
    for node in range(n_nodes):
        assert cost_to_go_s[node] == pytest.approx(expected.get(node, np.inf))
        if next_link[node] == ARRIVED:
            assert cost_to_go_s[node] == min(c for n, c in destinations if n == node)
        elif next_link[node] == NO_ROUTE:
            assert node not in expected
        else:
            link = next_link[node]
            assert is_open[link] and up[link] == node
            assert cost_to_go_s[node] == cost_s[link] + cost_to_go_s[down[link]]


def test_costs_to_go_equal_those_of_scipy_on_a_large_graph():
    rng = np.random.default_rng(5)
    n_nodes = 2000
    pair = rng.permutation(n_nodes * 30)[:9000]
    up, down = pair % n_nodes, (pair // n_nodes + pair % n_nodes + 1) % n_nodes
    cost_s = rng.uniform(1, 100, up.size)
    exits = [3, 77, 1500]
    _, cost_to_go_s = next_links(n_nodes, up, down, cost_s, np.ones(up.size, bool), exits)
    backwards = coo_array((cost_s, (down, up)), shape=(n_nodes, n_nodes)).tocsr()
    np.testing.assert_allclose(cost_to_go_s, dijkstra(backwards, indices=exits, min_only=True), rtol=1e-12)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_a_repaired_table_equals_one_built_afresh_bit_for_bit(seed, whole):
    rng = np.random.default_rng(seed)
    routes, cost_s, is_open, exits = drawn(rng, 2, 1, whole=whole)
    n_nodes, n_links, entry_s = routes.next_link.shape[1], cost_s.size, rng.integers(0, 9, 2)
    routes.set_class(0, cost_s, is_open, exits, entry_s)
    for _ in range(8):
        links = rng.permutation(n_links)[: int(rng.integers(1, 6))]
        cost_s[links] = random_graph(rng, n_nodes, n_links, whole=whole)[2][links]
        is_open[links] = rng.random(links.size) < 0.6
        routes.change(0, links, cost_s[links], is_open[links])
        assert_is_as_built_afresh(routes, cost_s, is_open, exits, entry_s)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_a_row_set_again_equals_one_built_from_nothing_however_much_has_changed(seed, whole):
    rng = np.random.default_rng(seed)
    routes, cost_s, is_open, exits = drawn(rng, 20, 60, whole=whole)
    n_nodes, n_links = routes.next_link.shape[1], cost_s.size
    for _ in range(8):
        links = rng.permutation(n_links)[: int(rng.choice([1, 3, n_links]))]
        cost_s[links] = random_graph(rng, n_nodes, n_links, whole=whole)[2][links]
        is_open[links] = rng.random(links.size) < 0.8
        exits = rng.integers(0, n_nodes, 2) if rng.random() < 0.2 else exits
        routes.set_class(0, cost_s, is_open, exits)
        assert_is_as_built_afresh(routes, cost_s, is_open, exits)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_a_row_taken_from_one_of_the_same_costs_is_as_built_with_turns_of_its_own(seed, whole):
    rng = np.random.default_rng(seed)
    one, cost_s, is_open, exits = drawn(rng, 2, 1, whole=whole)
    one.set_class(0, cost_s, is_open, exits)
    is_tied, link = one.tied(), one.next_link[0]
    for node in np.flatnonzero(link >= 0):
        ways = is_open & (one.link_upstream == node)
        n_best = (cost_s + one.cost_to_go_s[0, one.link_downstream])[ways] == one.cost_to_go_s[0, node]
        assert is_tied[node] == (n_best.sum() > 1)
    assert not is_tied[link < 0].any()
    taken, built = (Routes(one.next_link.shape[1], one.link_upstream, one.link_downstream, 3) for _ in range(2))
    for row in range(3):
        assert taken.take(row, one, is_tied) == (link != NO_ROUTE).any()
        assert not taken.take(row, one, is_tied)
        built.set_class(row, cost_s, is_open, exits)
    assert (taken.next_link == built.next_link).all()
    assert (taken.cost_to_go_s == built.cost_to_go_s).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_nodes_are_reached_from_some_if_they_cost_something_finite_to_go_to(seed):
    rng = np.random.default_rng(seed)
    n_nodes, n_links = int(rng.integers(2, 40)), int(rng.integers(1, 90))
    up, down, cost_s = random_graph(rng, n_nodes, n_links, whole=False)
    is_open, nodes = rng.random(n_links) < 0.7, rng.integers(0, n_nodes, int(rng.integers(0, 3))).astype(np.int32)
    is_reached = Routes(n_nodes, up, down).reached_from(nodes, is_open)
    costs_s = [next_links(n_nodes, up, down, cost_s, is_open, [node])[1][nodes] for node in range(n_nodes)]
    assert is_reached.tolist() == [bool(np.isfinite(cost_s).any()) for cost_s in costs_s]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_a_row_asked_from_some_nodes_is_the_whole_one_as_far_as_the_nearest_and_whole_once_links_change(seed, whole):
    rng = np.random.default_rng(seed)
    routes, cost_s, is_open, exits = drawn(rng, 2, 1, whole=whole)
    n_nodes, n_links = routes.next_link.shape[1], cost_s.size
    ends = routes.link_upstream, routes.link_downstream
    for again in (True, False, True, False, False, False):
        starts = rng.integers(0, n_nodes, int(rng.integers(1, 4))).astype(np.int32)
        exits = rng.integers(0, n_nodes, 2) if rng.random() < 0.5 else exits
        routes.set_class(0, cost_s, is_open, exits, starts=starts)
        next_link, cost_to_go_s = next_links(n_nodes, *ends, cost_s, is_open, exits)
        is_near = cost_to_go_s <= cost_to_go_s[starts].min()
        is_there = is_near | (routes.cost_to_go_s[0] < np.inf)
        assert (routes.next_link[0] == np.where(is_there, next_link, NO_ROUTE)).all()
        assert (routes.cost_to_go_s[0] == np.where(is_there, cost_to_go_s, np.inf)).all()
        if again:  # asked from others, to the same exits
            starts = rng.integers(0, n_nodes, 1).astype(np.int32)
            routes.set_class(0, cost_s, is_open, exits, starts=starts)
            is_near = cost_to_go_s <= cost_to_go_s[starts].min()
            assert (routes.next_link[0][is_near] == next_link[is_near]).all()
        links = rng.permutation(n_links)[:3]
        is_open[links] = rng.random(links.size) < 0.6
        routes.change(0, links, is_open=is_open[links])
        assert_is_as_built_afresh(routes, cost_s, is_open, exits)


def test_among_equal_ways_what_a_link_is_decides_and_not_its_place_in_the_list():
    up, down = np.array([0, 0, 0, 1, 2, 3]), np.array([3, 1, 2, 4, 4, 4])
    key = np.array([11, 22, 33, 44, 55, 66], np.uint32)
    found = []
    for order in (np.arange(6), np.array([2, 0, 1, 5, 4, 3]), np.array([5, 4, 3, 2, 1, 0])):
        routes = Routes(5, up[order], down[order], 40, key[order])
        for row in range(40):
            routes.set_class(row, np.ones(6), np.ones(6, bool), [4])
        found.append(key[order][routes.next_link[:, 0]].tolist())
    assert found[0] == found[1] == found[2] and len(set(found[0])) == 3


def test_classes_take_equal_ways_about_equally_often():
    routes = Routes(4, [0, 0, 1, 2], [1, 2, 3, 3], 400)
    for row in range(400):
        routes.set_class(row, np.ones(4), np.ones(4, bool), [3])
    assert 160 < (routes.next_link[:, 0] == 0).sum() < 240


def test_people_pass_by_a_destination_that_is_dear_to_enter():
    next_link, cost_to_go_s = next_links(3, [0, 1], [1, 2], [10.0, 10.0], [True, True], [1, 2], [50.0, 0.0])
    assert next_link.tolist() == [0, 1, ARRIVED]
    assert cost_to_go_s.tolist() == [20, 10, 0]


def test_a_closed_link_is_left_out_and_found_again_when_it_reopens():
    routes = Routes(3, [0, 1], [1, 2])
    routes.set_class(0, [10.0, 10.0], [True, False], [2])
    assert routes.next_link[0].tolist() == [NO_ROUTE, NO_ROUTE, ARRIVED]
    routes.change(0, [1], is_open=[True])
    assert routes.next_link[0].tolist() == [0, 1, ARRIVED]
    assert routes.path(0, 0) == [0, 1]
    routes.change(0, [0], is_open=[False])
    assert np.isinf(routes.cost_to_go_s[0, 0]) and routes.path(0, 0) == []


def test_one_word_opens_or_closes_all_links():
    routes = Routes(3, [0, 1], [1, 2], n_classes=2)
    for row, is_open in enumerate([True, False]):
        routes.set_class(row, [10.0, 10.0], is_open, [2])
    assert routes.next_link.tolist() == [[0, 1, ARRIVED], [NO_ROUTE, NO_ROUTE, ARRIVED]]


def test_classes_have_rows_of_their_own():
    routes = Routes(3, [0, 1, 1, 2], [1, 0, 2, 1], n_classes=2)
    for row, node in enumerate([0, 2]):
        routes.set_class(row, np.full(4, 5.0), np.ones(4, bool), [node])
    routes.change(1, [2], cost_s=[7.0])
    assert routes.next_link.tolist() == [[ARRIVED, 1, 3], [0, 2, ARRIVED]]
    assert routes.cost_to_go_s.tolist() == [[0, 5, 10], [12, 7, 0]]


def test_a_class_without_destinations_has_no_route():
    next_link, _ = next_links(2, [0], [1], [1.0], [True], [])
    assert next_link.tolist() == [NO_ROUTE, NO_ROUTE]


@pytest.mark.parametrize("cost_s", [0.0, -1.0, np.nan, np.inf])
def test_a_cost_that_is_not_positive_and_finite_is_refused_by_name(cost_s):
    with pytest.raises(ValueError, match="link 1 has a perceived cost"):
        next_links(3, [0, 1], [1, 2], [1.0, cost_s], [True, True], [2])


def test_the_sum_along_the_way_follows_the_way_and_not_the_cost():
    routes = Routes(4, [0, 0, 1, 2], [1, 2, 3, 3])
    routes.set_class(0, [1.0, 9.0, 1.0, 1.0], [True, True, True, True], [3])
    assert routes.sum_along(0, [100.0, 1.0, 50.0, 1.0]).tolist() == [150.0, 50.0, 1.0, 0.0]
    routes.change(0, [0, 3], is_open=[False, False])
    assert routes.sum_along(0, [100.0, 1.0, 50.0, 1.0]).tolist() == [np.inf, 50.0, np.inf, 0.0]


def test_on_a_road_with_one_way_on_nobody_has_a_choice_and_everybody_behind_a_fork_has():
    """0 -> 1 -> 2 forks to 3 and 4; both lead to 5 -> 6, and 7 -> 8 -> 7 is a ring apart."""
    up, down = np.array([[0, 1, 2, 2, 3, 4, 5, 7, 8], [1, 2, 3, 4, 5, 5, 6, 8, 7]], np.int32)
    assert np.flatnonzero(has_choice(9, up, down)).tolist() == [0, 1, 2]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_where_nobody_has_a_choice_the_way_on_does_not_depend_on_what_links_cost(seed):
    rng = np.random.default_rng(seed)
    n_nodes = int(rng.integers(2, 25))
    up, down, cost_s = random_graph(rng, n_nodes, int(rng.integers(1, n_nodes + 10)))
    is_open, exits = rng.random(up.size) < 0.9, rng.integers(0, n_nodes, 2)
    one, other = (next_links(n_nodes, up, down, c, is_open, exits)[0] for c in (cost_s, rng.permutation(cost_s)))
    is_forced = ~has_choice(n_nodes, up, down)
    assert (one[is_forced] == other[is_forced]).all()
