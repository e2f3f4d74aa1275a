import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_people import STREETS, TABLE, TINY, margin, one_zone, people_of, written

from safepassage.agents.civilians import Mobility
from safepassage.cli.overview import overview
from safepassage.model.draws import digests
from safepassage.model.people import demography, margins
from safepassage.model.people.synthesis import household_sizes
from safepassage.model.settings.base import ScenarioError


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_thousand_people_meet_every_cell_of_the_age_sex_table_within_one_person(seed, tmp_path):
    made = people_of(seed, zones=one_zone(tmp_path), age_sex_table=TABLE)
    cells = margin(made, "age and sex")
    assert len(cells.category) == 34 and cells.target.sum() == pytest.approx(2000, abs=1)
    assert np.abs(cells.result - cells.target).max() < 1
    assert cells.p_value > 0.999


def test_zones_of_their_own_meet_the_table_within_one_person_each():
    made = people_of(age_sex_table=TABLE)
    cells = margin(made, "age and sex")
    assert np.abs(cells.result - cells.target).max() < len(made[1].name)
    assert (margin(made, "zone").result == made[1].residents).all()


def test_stated_shares_rake_the_table(tmp_path):
    changes = {"share_under_18": 0.125, "share_female": 0.6, "age_sex_table": TABLE}
    people = people_of(zones=one_zone(tmp_path), **changes)[3]
    assert (people.age < 18).sum() == pytest.approx(250, abs=2)
    assert people.is_female.sum() == pytest.approx(1200, abs=2)
    table = demography.age_sex(TINY.override({"population.age_sex_table": str(TABLE)}).population)
    raked = demography.age_sex(
        TINY.override({f"population.{k}": str(v) if k == "age_sex_table" else v for k, v in changes.items()}).population
    )
    old = slice(65, 95)
    women = raked.share[1, old] / raked.share[1, old].sum()
    assert women == pytest.approx(table.share[1, old] / table.share[1, old].sum())


def test_without_a_table_the_simple_shares_hold(tmp_path):
    people = people_of(zones=one_zone(tmp_path))[3]
    assert (people.age < 18).sum() == pytest.approx(360, abs=2)
    assert (people.age >= 65).sum() == pytest.approx(434, abs=2)
    assert people.is_female.sum() == pytest.approx(1080, abs=1)


def test_household_sizes_follow_their_shares_and_house_everybody():
    made = people_of()
    sizes = margin(made, "household size")
    assert np.abs(sizes.result - sizes.target).max() < 2 * len(made[1].name)
    assert made[2].n_members.sum() == 2000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=6),
    st.lists(st.floats(0, 1), min_size=1, max_size=6).filter(lambda s: sum(s) > 0.1),
    st.integers(0, 5),
)
def test_sizes_add_up_to_the_residents_of_every_zone_whatever_the_shares(residents, shares, seed):
    shares = np.array(shares) / sum(shares)
    size, zone = household_sizes(shares, np.array(residents), digests(range(len(residents))), seed)
    assert (np.bincount(zone, size, len(residents)) == residents).all()
    assert size.size == 0 or (size.min() >= 1 and size.max() <= shares.size)


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 60), st.integers(0, 3))
def test_somebody_of_age_lives_in_every_household_whatever_the_shares(child, old, lone_old, alone, residents, seed):
    changes = {"share_under_18": child, "share_65_and_over": (1 - child) * old, "residents": residents}
    changes |= {"p_lone_person_is_65_or_over": lone_old, "household_size_shares": [alone, 1 - alone]}
    _, _, households, people, _ = people_of(seed, **changes)
    assert len(people) == residents
    assert (np.maximum.reduceat(people.age, households.first_person[:-1]) >= 18).all()
    assert (people.age[households.first_person[:-1]] >= 18).all()


def test_older_people_live_alone_more_often_and_parents_are_not_old():
    _, _, households, people, _ = people_of(age_sex_table=TABLE)
    alone = (households.n_members == 1)[people.household]
    adult, old = (people.age >= 18) & (people.age < 65), people.age >= 65
    assert alone[old].mean() > 1.5 * alone[adult].mean()
    assert old[alone].mean() == pytest.approx(0.5, abs=0.02)
    heads = households.first_person[:-1][households.has_children]
    assert (people.age[heads] < 65).all()


def test_the_same_seed_gives_the_same_people_and_another_seed_others():
    first, again, other = (people_of(seed, age_sex_table=TABLE)[3] for seed in (1, 1, 2))
    assert (first.age == again.age).all() and (first.free_speed_m_s == again.free_speed_m_s).all()
    assert (first.age != other.age).any()


def test_more_residents_in_one_zone_change_nobody_in_another(tmp_path):
    text = json.loads(TINY.population.zones.read_text())
    before = people_of(age_sex_table=TABLE, p_split=0.3)
    text["features"][0]["properties"]["population"] += 137
    changed = tmp_path / "zones.geojson"
    changed.write_text(json.dumps(text))
    after = people_of(zones=changed, age_sex_table=TABLE, p_split=0.3)
    assert len(after[3]) == len(before[3]) + 137

    def others(made):
        households, people = made[2], made[3]
        rows = households.zone[people.household] != 0
        homes = households.zone != 0
        return [
            *(getattr(people, name)[rows] for name in ("age", "is_female", "mobility", "free_speed_m_s")),
            *(getattr(households, name)[homes] for name in ("home_x_m", "home_y_m", "has_car", "has_children")),
            households.n_members[homes],
        ]

    for one, two in zip(others(before), others(after), strict=True):
        assert (one == two).all()


def test_more_cars_only_add_cars_and_depend_on_the_household():
    few, many = people_of(p_car=0.3)[2], people_of(p_car=0.5)[2]
    assert (few.has_car <= many.has_car).all() and (few.has_car < many.has_car).any()
    by_size = people_of(p_car_by_size=[0.0, 1.0], p_car_lone_65=0.0)[2]
    assert (by_size.has_car == (by_size.n_members > 1)).all()


def test_assistance_and_speed_depend_on_age_and_sex(tmp_path):
    rows = "sex,age_from,age_below,p_slow,p_needs_assistance\nF,65,120,1,0\nM,65,120,0,1\nF,0,65,0,0\nM,0,65,0,0"
    people = people_of(mobility_table=written(tmp_path / "m.csv", rows))[3]
    old = people.age >= 65
    assert (people.mobility[old & people.is_female] == Mobility.SLOW).all()
    assert (people.mobility[old & ~people.is_female] == Mobility.NEEDS_ASSISTANCE).all()
    assert (people.mobility[~old] == Mobility.UNIMPAIRED).all()
    assert people.free_speed_m_s[old].max() < people.free_speed_m_s[~old].mean()


def test_homes_stand_in_buildings_in_proportion_to_what_they_hold(tmp_path):
    def block(longitude, latitude, **properties):
        d = 0.0002
        ring = [[longitude, latitude], [longitude + d, latitude], [longitude + d, latitude + d], [longitude, latitude]]
        return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}

    x_m, y_m = np.median(STREETS.node_x_m), np.median(STREETS.node_y_m)
    longitude, latitude = (float(value) for value in STREETS.unproject(x_m, y_m))
    blocks = [block(longitude, latitude, dwellings=10), block(longitude + 0.001, latitude, dwellings="30")]
    blocks.append(block(longitude, latitude + 0.001, dwellings=0))
    path = tmp_path / "buildings.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": blocks}))
    households = people_of(zones=one_zone(tmp_path), buildings=path)[2]
    places, count = np.unique(households.home_x_m, return_counts=True)
    assert places.size == 2 and count[1] / count.sum() == pytest.approx(0.75, abs=0.05)
    for block_of, levels in zip(blocks, (1, 3, 2), strict=True):
        block_of["properties"] = {"building:levels": levels}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": blocks}))
    households = people_of(zones=one_zone(tmp_path), buildings=path)[2]
    north = households.home_y_m > np.median(households.home_y_m) + 50
    assert north.mean() == pytest.approx(2 / 6, abs=0.05)
    blocks[1]["properties"] = {"dwellings": "many"}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": blocks}))
    with pytest.raises(ScenarioError, match="feature 1 has dwellings = 'many'"):
        people_of(zones=one_zone(tmp_path), buildings=path)


def test_a_zone_without_buildings_falls_back_on_its_streets_and_says_so(tmp_path):
    x_m, y_m = STREETS.node_x_m[0], STREETS.node_y_m[0]
    node = STREETS.node_id[0]
    path = written(tmp_path / "nodes.csv", f"node,weight\n{node},1")
    made = people_of(node_weights=path)
    at_node = (made[2].home_x_m == x_m) & (made[2].home_y_m == y_m)
    assert 0 <= at_node.sum() < len(made[2])
    assert len(made[4]) >= 2 and all("its homes stand on streets" in note for note in made[4])


def test_homes_stand_at_nodes_in_proportion_to_weight(tmp_path):
    a, b = STREETS.node_id[3], STREETS.node_id[7]
    path = written(tmp_path / "nodes.csv", f"node,weight\n{a},1\n{b},3")
    households = people_of(zones=one_zone(tmp_path), node_weights=path)[2]
    assert set(households.home_node.tolist()) == {3, 7}
    assert (households.home_node == 7).mean() == pytest.approx(0.75, abs=0.05)
    with pytest.raises(ScenarioError, match=r"nodes.csv: line 2: node = 'nowhere'.*no such node"):
        people_of(node_weights=written(path, "node,weight\nnowhere,1"))


def test_the_report_shows_targets_results_and_errors():
    made = people_of(age_sex_table=TABLE)
    frame = margins.table(margins.margins(*made[:4]))
    rows = frame[frame.margin == "zone"]
    assert rows.result.tolist() == rows.target.tolist() and (rows.relative_error == 0).all()
    households = frame[frame.margin == "disability"]
    assert households.result.sum() == len(made[2]) and not households.is_constraint.any()
    assert households.result.iloc[0] / households.result.sum() == pytest.approx(1 / 3, abs=0.05)
    line = next(line for line in overview(TINY) if line.startswith("targets:"))
    assert "age and sex within" in line and "% of households" in line


def test_a_margin_knows_its_errors_and_chi_square():
    made = margins.Margin("m", "persons", ("a", "b"), np.array([40.0, 60.0]), np.array([50, 50]))
    assert made.relative_error.tolist() == [0.25, pytest.approx(-1 / 6)]
    assert made.chi_square == pytest.approx(100 / 40 + 100 / 60)
    assert made.p_value == pytest.approx(0.0412, abs=1e-4)


def test_homes_stand_along_primary_roads_unless_the_scenario_says_otherwise():
    def on_primary(made):
        primary = np.array(STREETS.highway_names)[STREETS.highway] == "primary"
        return np.isin(made[2].home_node, STREETS.link_upstream[primary]).mean()

    as_measured, without, with_more = people_of(), *(people_of(home_weights={"primary": w}) for w in (0.0, 3.0))
    assert any("km of primary roads" in note for note in without[4])
    assert not any("primary" in note for note in as_measured[4] + with_more[4])
    assert on_primary(without) < on_primary(as_measured) < on_primary(with_more)
    with pytest.raises(ScenarioError, match=r"population\.home_weights: 'prymary' is no highway class"):
        people_of(home_weights={"prymary": 1.0})


def test_a_weight_given_for_one_class_leaves_the_others_as_they_are():
    given, default = people_of(home_weights={"trunk": 0.0}), people_of()
    assert given[2].home_node.tolist() == default[2].home_node.tolist()
