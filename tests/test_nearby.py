import naive_harm as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.ground.nearby import (
    grid_of_links,
    grid_of_points,
    has_points_within,
    links_within,
    points_within,
)

place = st.floats(-1000, 1000, allow_nan=False, width=32)
places = st.lists(st.tuples(place, place), max_size=25)


def columns(pairs):
    array = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return array[:, 0].copy(), array[:, 1].copy()


@settings(max_examples=60, deadline=None)
@given(places, places, st.floats(0, 600), st.sampled_from([1.0, 30.0, 5000.0]))
def test_a_grid_finds_exactly_the_points_that_comparing_all_pairs_finds(points, events, reach_m, cell_m):
    x, y = columns(points)
    event_x, event_y = columns(events)
    reach = np.linspace(0.0, reach_m, event_x.size)
    event, point, distance_m = points_within(grid_of_points(x, y, cell_m), event_x, event_y, reach)
    found = dict(zip(zip(event.tolist(), point.tolist(), strict=True), distance_m, strict=True))
    expected = naive.points_within(x, y, event_x, event_y, reach)
    # hypot and a square root differ in the last bit, so pairs within that of the reach may fall either way.
    edge = found.keys() ^ expected.keys()
    assert all(abs({**expected, **found}[pair] - reach[pair[0]]) < 1e-9 for pair in edge)
    assert all(found[pair] == pytest.approx(expected[pair], abs=1e-9) for pair in found.keys() & expected.keys())
    assert len(found) == event.size
    assert (np.diff(event) >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(place, place), min_size=2, max_size=5), max_size=8),
    places,
    st.floats(0, 600),
    st.sampled_from([5.0, 40.0, 5000.0]),
)
def test_a_grid_finds_exactly_the_links_that_comparing_all_pairs_finds(links, events, reach_m, cell_m):
    first = np.cumsum([0] + [len(link) for link in links])
    x, y = columns([point for link in links for point in link])
    event_x, event_y = columns(events)
    event, link, distance_m = links_within(grid_of_links(first, x, y, cell_m), event_x, event_y, reach_m)
    found = dict(zip(zip(event.tolist(), link.tolist(), strict=True), distance_m, strict=True))
    assert len(found) == event.size, "each link once per event"
    assert list(found) == sorted(found)
    for e in range(event_x.size):
        for k in range(len(links)):
            points = slice(first[k], first[k + 1])
            away_m = naive.distance_to_polyline_m(event_x[e], event_y[e], x[points], y[points])
            if away_m < reach_m - 1e-6:
                assert found[e, k] == pytest.approx(away_m, abs=1e-6)
            elif away_m > reach_m + 1e-6:
                assert (e, k) not in found


def test_a_point_exactly_at_reach_counts_and_one_beyond_does_not():
    grid = grid_of_points([0.0, 30.0, 30.001], [0.0, 0.0, 0.0])
    assert points_within(grid, 0.0, 0.0, 30.0)[1].tolist() == [0, 1]


def test_an_empty_grid_and_a_place_far_away_find_nothing():
    assert points_within(grid_of_points([], []), 0.0, 0.0, 1e6)[0].size == 0
    assert points_within(grid_of_points([0.0], [0.0]), 1e9, -1e9, 100.0)[0].size == 0
    assert links_within(grid_of_links([0], [], []), 0.0, 0.0, 1e6)[0].size == 0
    assert points_within(grid_of_points([0.0], [0.0]), [], [], 100.0)[0].size == 0


def test_points_far_apart_do_not_make_a_grid_of_endless_cells():
    grid = grid_of_points([0.0, 1e7], [0.0, 1e7], cell_m=1.0)
    assert grid.first.size < 10_000
    assert points_within(grid, 1e7, 1e7, 5.0)[1].tolist() == [1]


@pytest.mark.parametrize(
    ("x_m", "y_m", "cell_m", "words"),
    [
        ([0.0, np.nan], [0.0, 0.0], 10.0, "row 1 lies at"),
        ([0.0], [0.0], 0.0, "cell_m = 0.0"),
        ([0.0, 1.0], [0.0], 10.0, "2 values of x_m but 1 of y_m"),
    ],
)
def test_a_grid_that_cannot_be_made_says_why(x_m, y_m, cell_m, words):
    with pytest.raises(ValueError, match=words):
        grid_of_points(x_m, y_m, cell_m)


def test_a_link_of_one_point_is_refused():
    with pytest.raises(ValueError, match="link 1 has 1 points"):
        grid_of_links([0, 2, 3], [0.0, 1.0, 2.0], [0.0, 0.0, 0.0])


def test_whether_there_is_a_point_within_reach_is_what_all_points_within_reach_tell():
    rng = np.random.default_rng(5)
    grid = grid_of_points(rng.uniform(0, 3000, 60), rng.uniform(0, 2000, 60), 250.0)
    x_m, y_m = rng.uniform(-900, 3900, 400), rng.uniform(-900, 2900, 400)
    for reach_m in (40.0, 300.0, 5000.0):
        expected = np.isin(np.arange(x_m.size), points_within(grid, x_m, y_m, reach_m)[0])
        assert expected.sum() > 0 and (has_points_within(grid, x_m, y_m, reach_m) == expected).all()
    assert has_points_within(grid_of_points([0.0], [0.0]), np.array([0.0]), np.array([100.0]), 100.0).tolist() == [True]
    assert has_points_within(grid_of_points([], []), np.array([0.0]), np.array([0.0]), 1e6).tolist() == [False]
