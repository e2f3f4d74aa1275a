"""What a zone, a family or a plan adds changes nobody else: draws hang on names, not on places in a file."""

import json

import numpy as np
import pytest
from made_people import TINY, people_of

from safepassage.model.draws import Stream, keys_of, uniforms_for
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

COLUMNS = ("age", "is_female", "mobility", "free_speed_m_s")


def zones_with(folder, added=None, first=False, more=0):
    """Write the zones of the tiny town with one more of ten residents, or with more residents in the last."""
    town = json.loads(TINY.population.zones.read_text())
    town["features"][-1]["properties"]["population"] += more
    if added is not None:
        outline = [[[-33.0095, 44.9975], [-32.99, 44.9975], [-32.99, 45.0], [-33.0095, 45.0], [-33.0095, 44.9975]]]
        feature = {"type": "Feature", "properties": {"zone_id": added, "name": "Added", "population": 10},
                   "geometry": {"type": "Polygon", "coordinates": outline}}  # fmt: skip
        town["features"].insert(0 if first else len(town["features"]), feature)
    path = folder / "zones.geojson"
    path.write_text(json.dumps(town))
    return path


def by_zone(zones, households, people, names):
    """Return the columns of the people and homes of some zones, zone after zone as named."""
    parts = []
    for name in names:
        here = households.zone == zones.name.index(name)
        person = here[people.household]
        parts.append([getattr(people, c)[person] for c in COLUMNS])
        parts.append([getattr(households, c)[here] for c in ("home_node", "home_x_m", "home_y_m", "has_car")])
    return parts


@pytest.mark.parametrize("first", [True, False])
def test_one_more_zone_changes_nobody_in_the_others_wherever_it_stands_in_the_file(tmp_path, first):
    before, after = people_of(), people_of(zones=zones_with(tmp_path, 99, first))
    names = before[1].name
    for was, now in zip(by_zone(*before[1:4], names), by_zone(*after[1:4], names), strict=True):
        for a, b in zip(was, now, strict=True):
            assert np.array_equal(a, b)


def test_ten_more_residents_of_one_zone_leave_the_thresholds_of_all_others(tmp_path):
    before, after = (
        EvacuationModel("tiny_town"),
        EvacuationModel("tiny_town", **{"population.zones": str(zones_with(tmp_path, more=10))}),
    )
    last = len(before.zones.name) - 1
    for column in ("leaving_threshold", "preparation_s"):
        was, now = (getattr(m.households, column)[m.households.zone < last] for m in (before, after))
        assert np.array_equal(was, now)
    was, now = (m.population.usual_room[m.households.zone[m.people.household] < last] for m in (before, after))
    assert np.array_equal(was, now)


def named(people):
    """Return the row of each person by the keys of their draws."""
    return {(int(k), int(p)): i for i, (k, p) in enumerate(zip(people.key, people.place_key, strict=True))}


def test_a_family_that_splits_changes_no_other_person():
    whole, split = EvacuationModel("tiny_town"), EvacuationModel("tiny_town", **{"population.p_split": 0.02})
    assert len(split.households) > len(whole.households)
    row_of = named(whole.people)
    assert len(row_of) == len(whole.people)
    rows = [row_of[key] for key in named(split.people)]
    same = whole.people.free_speed_m_s[rows] == split.people.free_speed_m_s
    room = whole.population.usual_room[rows] == split.population.usual_room
    assert same.all()
    moved = np.isin(split.households.family[split.people.household], split.households.family[len(whole.households) :])
    assert room[~moved].all()
    n = len(whole.households)
    assert np.array_equal(whole.households.leaving_threshold, split.households.leaving_threshold[:n])


def test_households_of_a_table_keep_their_luck_when_one_is_added_before_them(tmp_path):
    rows = [f"h{i},2,{TINY_ZONE}" for i in range(50)]
    made = []
    for name, added in (("few", []), ("more", [f"new,3,{TINY_ZONE}"])):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["household,n_persons,zone", *added, *rows]) + "\n")
        made.append(people_of(households_file=path))
    was, now = (uniforms_for(1, Stream.LEAVE, keys_of(m[2])) for m in made)
    assert np.array_equal(was, now[1:])
    assert np.array_equal(made[0][2].home_x_m, made[1][2].home_x_m[1:])


TINY_ZONE = json.loads(load("tiny_town").population.zones.read_text())["features"][0]["properties"][
    TINY.population.zone_name_property
]
