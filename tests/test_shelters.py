import json
from collections import defaultdict
from types import SimpleNamespace

import mesa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from safepassage.agents.shelters import Shelter, Shelters
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelters import Shelters as Settings
from safepassage.model.town.shelters import build_shelters

STREETS = SimpleNamespace(
    project=lambda longitude, latitude: (longitude * 10, latitude * 10),
    nearest_node=lambda x_m, y_m: (np.arange(len(x_m), dtype=np.int32), np.zeros(len(x_m))),
)
"""A stand-in in which a degree is 10 m."""


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


def point(name, capacity, longitude=1.0, latitude=2.0, kind="Point"):
    geometry = {"type": kind, "coordinates": [longitude, latitude]}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": name, "capacity": capacity}}


def write(path, *features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_shelters_come_from_the_scenario_and_from_a_file(tmp_path):
    path = write(tmp_path / "a.geojson", point("school", 30))
    places = ({"name": "hall", "capacity": 5, "x_m": 7.0, "y_m": 8.0},)
    shelters = build_shelters(Settings(places=places, file=path), STREETS)
    assert shelters.name == ("hall", "school")
    assert shelters.x_m.tolist() == [7.0, 10.0] and shelters.y_m.tolist() == [8.0, 20.0]
    assert shelters.capacity.tolist() == [5, 30] and shelters.node.tolist() == [0, 1]
    assert len(build_shelters(Settings(), STREETS)) == 0
    assert Settings().reach_m == pytest.approx(400 / 1.3)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([point("a", 3), point("a", 4)], "'a' is the name of more than one"),
        ([point("a", 3), point("b", 0)], "feature 1, capacity = 0"),
        ([point(None, 3)], "feature 0, name = None"),
        ([point("a", 3, kind="MultiPoint")], "feature 0: its coordinates are not those of a MultiPoint"),
    ],
)
def test_a_file_of_shelters_that_cannot_be_used_is_refused_with_the_feature(tmp_path, features, words):
    with pytest.raises(ScenarioError, match=words):
        build_shelters(Settings(file=write(tmp_path / "a.geojson", *features)), STREETS)


def test_a_shelter_without_a_place_or_with_two_is_refused():
    for place in ({}, {"x_m": 1.0}, {"x_m": 1.0, "y_m": 1.0, "longitude_deg": 1.0, "latitude_deg": 1.0}):
        with pytest.raises(ValidationError, match="give longitude_deg and latitude_deg, or x_m and y_m"):
            Settings(places=({"name": "a", "capacity": 3, **place},))
