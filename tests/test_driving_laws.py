"""Laws that traffic obeys whatever the streets: Newell's recursion along a road, and no trace of how it is asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from safepassage.model.movement.driving import Driving

JAM_PER_M, WAVE_M_S = 0.133, 5.0


@st.composite
def roads(draw):
    """A chain of links with its departures: lengths, speeds and capacities of all kinds, so that queues spill back."""
    n = draw(st.integers(1, 5))
    number = lambda low, high, n=n: np.array(draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))  # noqa: E731
    n_cars = draw(st.integers(1, 60))
    return number(8, 200), number(3, 25), number(0.02, 0.8), np.sort(number(0, 100, n_cars))


def newell(length_m, speed_m_s, capacity_per_s, departure_s):
    """Return entry[link, car], the way out as the last row: the max-plus recursion of kinematic waves on one road.

    A car enters at the latest of: free flow from the entry before; the headway of the capacities on both sides of the
    node after the car before; the exit from the link of the car that stands a full link ahead, and the wave's way back.
    """
    n, n_cars = length_m.size, departure_s.size
    most = speed_m_s * WAVE_M_S * JAM_PER_M / (speed_m_s + WAVE_M_S)
    out_s, in_s = 1 / np.minimum(most, capacity_per_s), 1 / most
    room = np.maximum(1, np.ceil(JAM_PER_M * length_m - 1e-6)).astype(int)
    entry_s = np.zeros((n + 1, n_cars))
    for car in range(n_cars):
        for link in range(n + 1):
            bounds = [
                departure_s[car] if link == 0 else entry_s[link - 1, car] + length_m[link - 1] / speed_m_s[link - 1]
            ]
            if car > 0 and link > 0:
                bounds.append(entry_s[link, car - 1] + out_s[link - 1])
            if car > 0 and link < n:
                bounds.append(entry_s[link, car - 1] + in_s[link])
            if link < n and car >= room[link]:
                bounds.append(entry_s[link + 1, car - room[link]] + length_m[link] / WAVE_M_S)
            entry_s[link, car] = max(bounds)
    return entry_s


@given(roads())
@given_settings(max_examples=150, deadline=None)
def test_cars_on_one_road_keep_newells_recursion(road):
    length_m, speed_m_s, capacity_per_s, departure_s = road
    n, n_cars = length_m.size, departure_s.size
    driving = Driving(
        upstream=np.arange(n), downstream=np.arange(1, n + 1), length_m=length_m, free_flow_speed_m_s=speed_m_s,
        flow_capacity_per_s=capacity_per_s, record=True,
    )  # fmt: skip
    driving.add(np.arange(n_cars), 0, departure_s, paths=[range(n)] * n_cars)
    driving.advance(1e6)
    found = driving.crossings()
    entry_s = newell(*road)
    assert found.entry_s == pytest.approx(entry_s[found.link, found.id], abs=1e-6)
    assert found.exit_s == pytest.approx(entry_s[found.link + 1, found.id], abs=1e-6)
    assert found.id.size == n * n_cars


def town(seed, node_label=None):
    """A crowded grid of 5 x 5 nodes, everyone to one corner on a table of random choices that all get nearer to it."""
    rng = np.random.default_rng(seed)
    x, y = np.divmod(np.arange(25), 5)
    ends = [(a, b) for a in range(25) for b in range(25) if abs(x[a] - x[b]) + abs(y[a] - y[b]) == 1]
    up, down = np.array(ends).T
    label = np.arange(25) if node_label is None else node_label
    next_link = np.full(25, -1, np.int32)
    for node in range(1, 25):
        nearer = [i for i, (a, b) in enumerate(ends) if a == node and b < node]
        next_link[label[node]] = rng.choice(nearer)
    next_link[label[0]] = -2
    driving = Driving(
        upstream=label[up], downstream=label[down], length_m=rng.uniform(20, 90, up.size),
        free_flow_speed_m_s=rng.uniform(4, 15, up.size), flow_capacity_per_s=rng.uniform(0.1, 0.5, up.size),
    )  # fmt: skip
    driving.set_next_link(next_link)
    return driving, label[rng.integers(1, 25, 400)], rng.uniform(0, 300, 400), rng.integers(1, 4, 400)


def arrivals_s(driving, steps_s=(1e5,)):
    arrival_s = np.full(400, np.nan)
    for until_s in steps_s:
        arrived = driving.advance(until_s)
        arrival_s[arrived.id] = arrived.time_s
    assert not np.isnan(arrival_s).any()
    return arrival_s


@pytest.mark.parametrize("seed", range(5))
def test_no_bit_of_an_arrival_tells_the_step_the_order_of_adding_or_the_numbers_of_nodes(seed):
    driving, origin, departure_s, size = town(seed)
    driving.add(np.arange(400), origin, departure_s, size=size)
    at_once = arrivals_s(driving)

    driving, *_ = town(seed)
    driving.add(np.arange(400), origin, departure_s, size=size)
    assert np.array_equal(arrivals_s(driving, [*range(1, 20_000), 1e5]), at_once)

    driving, *_ = town(seed)
    for some in np.array_split(np.random.default_rng(seed).permutation(400), 7):
        driving.add(some, origin[some], departure_s[some], size=size[some])
    assert np.array_equal(arrivals_s(driving), at_once)

    driving, origin, departure_s, size = town(seed, np.random.default_rng(seed).permutation(25))
    driving.add(np.arange(400), origin, departure_s, size=size)
    assert np.array_equal(arrivals_s(driving), at_once)
