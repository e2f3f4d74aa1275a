import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safepassage.agents.civilians import Mobility
from safepassage.model import demography, metrics, synthesis_report
from safepassage.model.config import load
from safepassage.model.evacuation import EvacuationModel, prepare
from safepassage.model.families import split
from safepassage.model.information import addressed_by
from safepassage.model.network import load_streets
from safepassage.model.results import open_run
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.behaviour import Order
from safepassage.model.synthesis import household_sizes, synthesise
from safepassage.model.zones import read_zones

TINY = load("tiny_town")
STREETS, _ = load_streets(TINY.streets)
TABLE = load("pokrovsk").population.age_sex_table


def one_zone(folder, residents=2000, name="zones.geojson"):
    """Write the zones of the town as one, with so many residents."""
    outline = [[[-33.1, 44.9], [-32.9, 44.9], [-32.9, 45.1], [-33.1, 45.1], [-33.1, 44.9]]]
    return zones_file(folder / name, [("all", residents, outline)])


def zones_file(path, zones):
    features = [
        {
            "type": "Feature",
            "properties": {"zone_id": name, "population": residents},
            "geometry": {"type": "Polygon", "coordinates": outline},
        }
        for name, residents, outline in zones
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def people_of(seed=1, **changes):
    """Return settings, zones, households, people and notes of the tiny town with keys of its population changed."""
    population = TINY.override({f"population.{k}": str(v) if hasattr(v, "parent") else v for k, v in changes.items()})
    population = population.population
    zones = read_zones(population, STREETS)
    return population, zones, *synthesise(population, zones, STREETS, seed)


def margin(made, name):
    return next(m for m in synthesis_report.margins(*made[:4]) if m.name == name)


def written(path, text):
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    return path


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
    size, zone = household_sizes(shares, np.array(residents), seed)
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
    with pytest.raises(ScenarioError, match="building 2 has dwellings = 'many'"):
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
    with pytest.raises(ScenarioError, match=r"nodes.csv: row 1: node = 'nowhere'.*no such node"):
        people_of(node_weights=written(path, "node,weight\nnowhere,1"))


HOUSEHOLDS = """household,n_persons,has_car,node
a,2,yes,{0}
b,1,no,{1}
c,3,0,{2}"""
PERSONS = """household,age,sex,mobility
c,40,F,unimpaired
a,71,M,slow
c,9,M,unimpaired
a,68,F,needs assistance
b,33,F,UNIMPAIRED
c,41,male,unimpaired"""


def test_households_and_persons_of_a_users_tables_are_used_as_they_are(tmp_path):
    homes = written(tmp_path / "h.csv", HOUSEHOLDS.format(*STREETS.node_id[:3]))
    persons = written(tmp_path / "p.csv", PERSONS)
    made = people_of(zones=one_zone(tmp_path), households_file=homes, persons_file=persons)
    households, people = made[2], made[3]
    assert households.home_node.tolist() == [0, 1, 2] and households.has_car.tolist() == [True, False, False]
    assert people.age.tolist() == [71, 68, 33, 40, 9, 41] and people.household.tolist() == [0, 0, 1, 2, 2, 2]
    assert people.is_female.tolist() == [False, True, True, True, False, False]
    assert people.mobility.tolist() == [1, 2, 0, 0, 0, 0]
    assert households.has_children.tolist() == [False, False, True]
    frame = pd.read_csv(homes, dtype=str)
    frame["n_persons"] = frame["n_persons"].astype(int)
    frame.to_parquet(tmp_path / "h.parquet")
    again = people_of(zones=one_zone(tmp_path), households_file=tmp_path / "h.parquet", persons_file=persons)
    assert (again[3].age == people.age).all()


def test_households_alone_get_people_and_persons_alone_get_homes(tmp_path):
    homes = written(tmp_path / "h.csv", HOUSEHOLDS.format(*STREETS.node_id[:3]))
    _, _, households, people, _ = people_of(zones=one_zone(tmp_path), households_file=homes)
    assert households.n_members.tolist() == [2, 1, 3]
    assert (np.maximum.reduceat(people.age, households.first_person[:-1]) >= 18).all()
    persons = written(tmp_path / "p.csv", PERSONS)
    _, zones, households, people, _ = people_of(persons_file=persons)
    assert len(households) == 3 and sorted(people.age) == [9, 33, 40, 41, 68, 71]
    assert (zones.link_zone >= 0).any() and np.isfinite(households.home_x_m).all()


def test_rows_of_a_users_table_may_stand_in_any_order_of_zones(tmp_path):
    names = people_of()[1].name
    sizes = [1 + k % 4 for k in range(300)]
    rows = "\n".join(f"{n},{names[k % 3]}" for k, n in enumerate(sizes))
    made = people_of(households_file=written(tmp_path / "h.csv", f"n_persons,zone\n{rows}"), age_sex_table=TABLE)
    households, people = made[2], made[3]
    assert households.n_members.tolist() == sizes and households.zone.tolist() == [k % 3 for k in range(300)]
    assert (np.maximum.reduceat(people.age, households.first_person[:-1]) >= 18).all()
    assert np.abs(margin(made, "age and sex").result - margin(made, "age and sex").target).max() < 3
    assert np.isnan(margin(made, "zone").target).all()


@pytest.mark.parametrize(
    ("homes", "persons", "message"),
    [
        ("n_persons,zone\n2,nowhere", None, r"h.csv: row 1: zone = 'nowhere'.*zones are all"),
        ("n_persons,zone\n2,all\nmany,all", None, r"h.csv: row 2: n_persons = 'many'.*whole number"),
        ("n_persons,zone,has_car\n2,all,perhaps", None, r"row 1: has_car = 'perhaps'.*give one of"),
        ("n_persons\n2", None, "no place and no zone"),
        ("n_persons,x_m,y_m\n2,0,0", None, r"row 1 lies [\d,.]+ km from any street"),
        ("household,zone\na,all", "household,age\na,40\nz,30", r"p.csv: row 2: household = 'z'.*no such household"),
        ("household,zone\na,all\na,all", "household,age\na,40", "row 2: household = 'a'"),
        ("household,zone,n_persons\na,all,2", "household,age\na,40", r"n_persons = '2'.*another number"),
        ("household,zone\na,all", "household,age\na,400", r"p.csv: row 1: age = '400'"),
        ("household,zone\na,all", "household,age\na,12", "nobody of 18 or over"),
        ("household,zone\na,all", "household,sex\na,x", r"row 1: sex = 'x'.*one of"),
        ("zone\nall", None, "no column 'n_persons'"),
    ],
)
def test_a_mistake_in_a_users_table_is_one_clear_message(homes, persons, message, tmp_path):
    files = {"households_file": written(tmp_path / "h.csv", homes)}
    if persons:
        files["persons_file"] = written(tmp_path / "p.csv", persons)
    with pytest.raises(ScenarioError, match=message):
        people_of(zones=one_zone(tmp_path), **files)


def test_all_mistakes_of_a_users_two_tables_are_told_at_once(tmp_path):
    homes = "household,zone,has_car,n_persons\na,all,yes,2\na,all,no,1\nc,nowhere,perhaps,many"
    persons = "household,age,sex\na,40,F\na,-1,M\nc,30,Q\nz,400,F"
    files = {
        "households_file": written(tmp_path / "h.csv", homes),
        "persons_file": written(tmp_path / "p.csv", persons),
    }
    with pytest.raises(ScenarioError) as told:
        people_of(zones=one_zone(tmp_path), **files)
    lines = str(told.value).split(f"{tmp_path}/")
    assert [line.split(";")[0] for line in lines[1:]] == [
        "h.csv: row 2: household = 'a'", "h.csv: row 3: n_persons = 'many'", "h.csv: row 2: n_persons = '1'",
        "h.csv: row 3: has_car = 'perhaps'", "h.csv: row 3: zone = 'nowhere'", "p.csv: row 2: age = '-1'",
        "p.csv: row 4: age = '400'", "p.csv: row 3: sex = 'Q'", "p.csv: row 4: household = 'z'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sex,age_from,age_below,share\nQ,0,x,2\nF,0,50,0.5", r"(?s)row 1: sex = 'Q'.*age_below = 'x'.*share = '2'"),
        ("sex,age_from,age_below,share\nF,0,50,0.5\nM,0,50,0.2", "add up to 0.7"),
        ("sex,age_from,age_below,share\nF,0,50,0.5\nF,40,60,0.5", r"row 2: age_from = '40'.*overlaps"),
        ("sex,age_from,age_below,share\nQ,0,50,1", r"row 1: sex = 'Q'"),
        ("sex,age_from,age_below,share\nF,50,50,1", r"age_below = '50'.*above age_from"),
        ("sex,age,share\nF,0,1", "no column 'age_from'"),
    ],
)
def test_a_mistake_in_the_age_sex_table_is_one_clear_message(text, message, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        people_of(age_sex_table=written(tmp_path / "a.csv", text))


def test_splitting_keeps_everybody_and_more_of_it_splits_the_same_families_and_others():
    whole = people_of()
    few, many = people_of(p_split=0.2), people_of(p_split=0.6)
    for made in (few, many):
        households, people = made[2], made[3]
        n = len(whole[2])
        assert len(people) == 2000 and sorted(people.age) == sorted(whole[3].age)
        assert (np.bincount(households.family, households.n_members, len(households))[:n] == whole[2].n_members).all()
        stays = np.arange(n, len(households))
        rest = households.family[stays]
        assert (households.family[rest] == rest).all() and (
            households.home_node[stays] == households.home_node[rest]
        ).all()
        assert (households.n_members[stays] == 1).all() and (people.age[households.first_person[stays]] >= 18).all()
        assert not households.has_children[stays].any() and households.has_children[rest].all()
        assert not households.has_car[stays].any() and (households.has_car[:n] == whole[2].has_car).all()
        adults = np.add.reduceat((people.age >= 18).astype(int), households.first_person[:-1])
        assert (adults[:n] >= 1).all()
    split_few, split_many = (set(made[2].family[len(whole[2]) :].tolist()) for made in (few, many))
    assert split_few < split_many and len(split_few) > 10


def test_an_order_for_families_does_not_address_the_adult_who_stays_behind():
    _, zones, households, _, _ = people_of(p_split=1.0)
    order = Order(issued_h=0, force="compulsory", audience="families_with_children")
    addressed = addressed_by(order, households, zones.name)
    stays = households.family != np.arange(len(households))
    assert stays.sum() > 50 and not addressed[stays].any() and addressed[households.family[stays]].all()


def test_all_families_that_can_split_do_so_if_told_to():
    _, _, households, people, _ = people_of()
    u = np.full(len(households), 0.999)
    apart, _ = split(households, people, 1.0, u, np.zeros(len(people)))
    adults = np.add.reduceat((people.age >= 18).astype(int), households.first_person[:-1])
    assert len(apart) - len(households) == (households.has_children & (adults >= 2)).sum()


def test_who_stays_behind_leaves_after_the_family_and_both_are_joined_in_the_results(tmp_path):
    quiet = {"shelling.sources": [], "behaviour.coefficients.baseline_per_day": 20.0, "run.duration_h": 6.0}
    model = EvacuationModel("tiny_town", **quiet, **{"population.p_split": 1.0}).run()
    households = model.households
    stays = np.flatnonzero(households.family != np.arange(len(households)))
    rest = households.family[stays]
    decided = np.isfinite(households.decision_time_s[stays])
    assert decided.sum() > 10 and (~decided).sum() > 10
    departed = households.departure_time_s[rest[decided]]
    assert (households.decision_time_s[stays[decided]] > departed).all()
    run = open_run(model.save(tmp_path))
    persons = run.frame("persons")
    together = persons.groupby("family")["household"].nunique()
    assert (together == 2).sum() == stays.size
    assert persons[persons.family.isin(rest)].groupby("family")["home_x_m"].nunique().eq(1).all()
    assert run.frame("zones").n_residents.sum() == 2000
    assert {row["margin"] for row in run.manifest["synthesis"]} >= {"age and sex", "household size", "car", "zone"}


def test_the_report_shows_targets_results_and_errors():
    made = people_of(age_sex_table=TABLE)
    frame = synthesis_report.table(synthesis_report.margins(*made[:4]))
    rows = frame[frame.margin == "zone"]
    assert rows.result.tolist() == rows.target.tolist() and (rows.relative_error == 0).all()
    households = frame[frame.margin == "disability"]
    assert households.result.sum() == len(made[2]) and not households.is_constraint.any()
    assert households.result.iloc[0] / households.result.sum() == pytest.approx(1 / 3, abs=0.05)
    line = next(line for line in prepare(TINY) if line.startswith("targets:"))
    assert "age and sex within" in line and "% of households" in line


def test_a_margin_knows_its_errors_and_chi_square():
    made = synthesis_report.Margin("m", "persons", ("a", "b"), np.array([40.0, 60.0]), np.array([50, 50]))
    assert made.relative_error.tolist() == [0.25, pytest.approx(-1 / 6)]
    assert made.chi_square == pytest.approx(100 / 40 + 100 / 60)
    assert made.p_value == pytest.approx(0.0412, abs=1e-4)


def test_gini_of_known_shares():
    assert metrics.gini(np.ones(10)) == pytest.approx(0)
    assert metrics.gini(np.array([0, 0, 0, 1.0])) == pytest.approx(0.75)
    assert metrics.gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert np.isnan(metrics.gini(np.zeros(3)))


class Tables:
    """A run of which only the persons and the clock matter."""

    def __init__(self, persons):
        self.persons = persons
        self.manifest = {"simulated_s": 10 * 3600.0, "warning_time_s": 0.0}

    def frame(self, name):
        return {"persons": self.persons}[name]


def test_fairness_compares_groups_by_time_harm_and_hours_of_danger():
    h = 3600.0
    persons = pd.DataFrame(
        {
            "status": ["SAFE", "SAFE", "SAFE", "HOME", "DEAD"],
            "mobility": ["UNIMPAIRED", "UNIMPAIRED", "SLOW", "NEEDS_ASSISTANCE", "UNIMPAIRED"],
            "has_car": [True, True, False, False, True],
            "age": [30, 10, 70, 80, 40],
            "injury": ["NONE", "NONE", "NONE", "LIGHT", "FATAL"],
            "injury_time_s": [np.inf, np.inf, np.inf, 2 * h, 5 * h],
            "safe_time_s": [2 * h, 2 * h, 6 * h, np.inf, np.inf],
        }
    )
    run = Tables(persons)
    assert metrics.hours_in_area(run).tolist() == [2, 2, 6, 10, 5]
    found = {m.name: m.value for m in metrics.fairness(run)}
    assert found["t90_ratio_impaired"] == pytest.approx(3) and found["t90_ratio_no_car"] == pytest.approx(3)
    assert found["risk_ratio_impaired"] == pytest.approx((1 / 2) / (1 / 3))
    assert found["gap_hours_in_area"] == pytest.approx(8 - 2)
    assert found["gini_hours_in_area"] == pytest.approx(metrics.gini(np.array([2, 2, 5, 6, 10.0])))
