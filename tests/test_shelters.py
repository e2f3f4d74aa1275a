from collections import defaultdict

import mesa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from safepassage.agents.shelters import Shelter, Shelters


def admit_one_by_one(x_m, y_m, n_members, shelter_x_m, shelter_y_m, capacity, reach_m):
    """Return the shelter of each household: the slow twin, the nearest pair of all left first."""
    pairs = sorted(
        (float(np.sqrt((sx - hx) ** 2 + (sy - hy) ** 2)), h, s)
        for h, (hx, hy) in enumerate(zip(x_m, y_m, strict=True))
        for s, (sx, sy) in enumerate(zip(shelter_x_m, shelter_y_m, strict=True))
    )
    found, inside = [-1] * len(x_m), defaultdict(int)
    for distance_m, h, s in pairs:
        if distance_m <= reach_m and found[h] < 0 and inside[s] + n_members[h] <= capacity[s]:
            found[h] = s
            inside[s] += n_members[h]
    return found


@given_settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_each_household_gets_the_nearest_shelter_with_room(seed):
    rng = np.random.default_rng(seed)
    n, n_shelters = rng.integers(0, 40), rng.integers(0, 6)
    # Whole tens of metres, so that many distances tie.
    x_m, y_m = rng.integers(0, 20, (2, n)) * 10.0
    shelter_x_m, shelter_y_m = rng.integers(0, 20, (2, n_shelters)) * 10.0
    n_members, capacity = rng.integers(1, 6, n), rng.integers(0, 25, n_shelters)
    shelters = Shelters.empty([f"s{i}" for i in range(n_shelters)], shelter_x_m, shelter_y_m, capacity)
    found = shelters.admit(np.arange(n), x_m, y_m, n_members, 90.0)
    assert found.tolist() == admit_one_by_one(x_m, y_m, n_members, shelter_x_m, shelter_y_m, capacity, 90.0)
    assert (shelters.n_inside <= shelters.capacity).all()
    for s in range(n_shelters):
        assert shelters.n_inside[s] == n_members[found == s].sum()


def test_a_full_or_closed_shelter_sends_people_to_the_next_and_places_are_freed_again():
    shelters = Shelters.empty(["near", "far"], [10.0, 50.0], [0.0, 0.0], [3, 3])
    ask = [np.array([7]), np.zeros(1), np.zeros(1), np.array([2]), 100.0]
    assert shelters.admit(*ask).tolist() == [0]
    assert shelters.admit(*ask).tolist() == [1]
    assert shelters.admit(*ask).tolist() == [-1]
    shelters.let_out([0, -1], [2, 5])
    assert shelters.n_inside.tolist() == [0, 2]
    shelters.is_open[0] = False
    assert shelters.admit(*ask).tolist() == [-1]


def test_a_shelter_agent_reads_and_writes_its_row():
    model = mesa.Model()
    model.shelters = Shelters.empty(["school"], [1.0], [2.0], [30])
    shelter = Shelter(model, 0)
    assert (shelter.name, shelter.x_m, shelter.y_m, shelter.n_inside, shelter.is_open) == ("school", 1, 2, 0, True)
    shelter.capacity, shelter.is_open = 5, False
    assert model.shelters.capacity[0] == 5 and not model.shelters.is_open[0] and shelter.capacity == 5
    assert list(model.agents) == [shelter]


def test_a_capacity_below_zero_and_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="'a' has capacity = -1"):
        Shelters.empty(["a"], [0.0], [0.0], [-1])
    with pytest.raises(ValueError, match="1 names but 2 values of x_m"):
        Shelters.empty(["a"], [0.0, 1.0], [0.0], [1])
