import numpy as np
import pandas as pd
import pytest
from made_people import STREETS, TABLE, margin, one_zone, people_of, written

from safepassage.model.settings.base import ScenarioError

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
        ("n_persons,zone\n2,nowhere", None, r"h.csv: line 2: zone = 'nowhere'.*zones are all"),
        ("n_persons,zone\n2,all\nmany,all", None, r"h.csv: line 3: n_persons = 'many'.*whole number"),
        ("n_persons,zone,has_car\n2,all,perhaps", None, r"line 2: has_car = 'perhaps'.*give one of"),
        ("n_persons\n2", None, "no place and no zone"),
        ("n_persons,x_m,y_m\n2,0,0", None, r"row 1: the nearest street is [\d,.]+ km away"),
        ("household,zone\na,all", "household,age\na,40\nz,30", r"p.csv: line 3: household = 'z'.*no such household"),
        ("household,zone\na,all\na,all", "household,age\na,40", "line 3: household = 'a'"),
        ("household,zone,n_persons\na,all,2", "household,age\na,40", r"n_persons = '2'.*another number"),
        ("household,zone\na,all", "household,age\na,400", r"p.csv: line 2: age = '400'"),
        ("household,zone\na,all", "household,age\na,12", "nobody of 18 or over"),
        ("household,zone\na,all", "household,sex\na,x", r"line 2: sex = 'x'.*one of"),
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
        "h.csv: line 3: household = 'a'", "h.csv: line 4: n_persons = 'many'", "h.csv: line 3: n_persons = '1'",
        "h.csv: line 4: has_car = 'perhaps'", "h.csv: line 4: zone = 'nowhere'", "p.csv: line 3: age = '-1'",
        "p.csv: line 5: age = '400'", "p.csv: line 4: sex = 'Q'", "p.csv: line 5: household = 'z'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sex,age_from,age_below,share\nQ,0,x,2\nF,0,50,0.5", r"(?s)line 2: sex = 'Q'.*age_below = 'x'.*share = '2'"),
        ("sex,age_from,age_below,share\nF,0,50,0.5\nM,0,50,0.2", "add up to 0.7"),
        ("sex,age_from,age_below,share\nF,0,50,0.5\nF,40,60,0.5", r"line 3: age_from = '40'.*overlaps"),
        ("sex,age_from,age_below,share\nQ,0,50,1", r"line 2: sex = 'Q'"),
        ("sex,age_from,age_below,share\nF,50,50,1", r"age_below = '50'.*above age_from"),
        ("sex,age,share\nF,0,1", "no column 'age_from'"),
    ],
)
def test_a_mistake_in_the_age_sex_table_is_one_clear_message(text, message, tmp_path):
    with pytest.raises(ScenarioError, match=message):
        people_of(age_sex_table=written(tmp_path / "a.csv", text))
