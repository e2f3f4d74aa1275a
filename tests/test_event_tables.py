import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from safepassage.model.hazard.impacts import Area, Size
from safepassage.model.hazard.layouts import UNKNOWN_SIZE, Precision
from safepassage.model.hazard.records import numbers, place, read
from safepassage.model.hazard.shelling import shell
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelling import RecordedShelling, Shelling

PLANE = Area(0.0, 0.0, 100_000.0, 100_000.0)
NOON_S = datetime(2024, 8, 19, 9, tzinfo=UTC).timestamp()  # 12:00 in Kyiv


@pytest.fixture
def table(tmp_path):
    def write(text, name="events.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def recorded(path, **settings):
    return RecordedShelling(file=path, **settings)


def replayed(path, seed=1, start=datetime(2024, 8, 19), duration_h=24.0, area=PLANE, **settings):
    shelling = Shelling(sources=[recorded(path, **settings)])
    return shell(shelling, area, SimpleNamespace(start=start, duration_h=duration_h), seed)


def test_a_plain_table_says_when_where_and_how_large(table):
    events = read(table("time,x_m,y_m,size,n_events\n2024-08-19T12:00,5,6,L,2\n2024-08-19T12:30,7,8,,\n"))
    assert (events.time_s - NOON_S).tolist() == [0, 0, 1800]
    assert events.place_1.tolist() == [5, 5, 7] and events.place_2.tolist() == [6, 6, 8]
    assert events.size.tolist() == [Size.L, Size.L, UNKNOWN_SIZE]
    assert events.copy.tolist() == [0, 1, 0]
    assert events.span_s.tolist() == [0, 0, 0] and not events.in_degrees
    assert events.report == ()


def test_an_exact_event_falls_where_and_when_the_record_says(table):
    impacts = replayed(table("time,x_m,y_m,size\n2024-08-19T12:00,5000,6000,M\n"))
    assert (impacts.time_s[0], impacts.x_m[0], impacts.y_m[0], impacts.size[0]) == (43200.0, 5000, 6000, Size.M)


def test_rows_out_of_order_are_sorted_and_duplicates_left_out_and_both_reported(table):
    text = "time,x_m,y_m\n2024-08-19T13:00,1,1\n2024-08-19T12:00,2,2\n2024-08-19T13:00,1,1\n"
    events = read(table(text))
    assert events.place_1.tolist() == [2, 1]
    assert any("sorted" in line for line in events.report)
    assert any("1 duplicate rows are left out (lines 4)" in line for line in events.report)


def test_ids_tell_apart_rows_that_are_otherwise_alike(table):
    text = "time,x_m,y_m,id\n2024-08-19T13:00,1,1,a\n2024-08-19T13:00,1,1,b\n"
    assert len(read(table(text))) == 2


def test_one_id_with_two_contents_is_refused(table):
    with pytest.raises(ScenarioError, match="'a' is on lines 2 and 3"):
        read(table("time,x_m,y_m,id\n2024-08-19T13:00,1,1,a\n2024-08-19T13:00,1,2,a\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,x_m,y_m,calibre\n", r"unknown columns calibre. Known: time, longitude"),
        ("time,x_m\n", "needs the columns y_m"),
        ("x_m,y_m\n1,2\n", "needs the columns time"),
        ("time,x_m,y_m\n19/08/2024,1,2\n", "line 2: time = '19/08/2024'; between slashes the day may come"),
        ("time,x_m,y_m\n2024-08-19,one,2\n", "line 2: x_m = 'one'; give a number"),
        ("time,longitude,latitude\n2024-08-19,48.2,137\n", "line 2: latitude = '137'; give a number from -90 to 90"),
        ("time,x_m,y_m,size\n2024-08-19,1,2,XL\n", "line 2: size = 'XL'; give one of S, M, L"),
        ("time,x_m,y_m,precision\n2024-08-19,1,2,oblast\n", "give one of EXACT, SETTLEMENT, DISTRICT"),
        ("time,x_m,y_m,n_events\n2024-08-19,1,2,1.5\n", "n_events = '1.5'; give a whole number"),
        ("", "this file is empty"),
    ],
)
def test_errors_name_the_line_the_value_and_the_change(table, text, message):
    with pytest.raises(ScenarioError, match=message):
        read(table(text))


def test_all_mistakes_of_a_table_are_told_at_once(table):
    rows = "yesterday,1,2,XL,1\n2024-08-19,one,2,S,-1\n2024-08-19,1,2,M,2\n2024-08-20,1,two,L,x\n"
    with pytest.raises(ScenarioError) as told:
        read(table("time,x_m,y_m,size,n_events\n" + rows))
    told = [line.split(": ", 1)[1].split(";")[0] for line in str(told.value).splitlines()]
    assert told == [
        "line 2: size = 'XL'", "line 3: n_events = '-1'", "line 5: n_events = 'x'", "line 3: x_m = 'one'",
        "line 5: y_m = 'two'", "line 2: time = 'yesterday'",
    ]  # fmt: skip


def test_a_table_without_rows_is_a_quiet_record(table):
    assert len(read(table("time,x_m,y_m\n"))) == 0
    impacts = replayed(table("time,x_m,y_m\n"))
    assert len(impacts) == 0 and impacts.report == ("events.csv: there is no event in it.",)


MIXED = "time,x_m,y_m\n2024-08-19T12:00,1,1\n2024-08-19T12:00+00:00,2,2\n"


def test_times_with_and_without_offset_are_refused_unless_asked_to_convert(table):
    with pytest.raises(ScenarioError, match="mixed_zones: convert"):
        read(table(MIXED))
    events = read(table(MIXED), mixed_zones="convert")
    assert (events.time_s - NOON_S).tolist() == [0, 3 * 3600]
    assert any("1 times without an offset were read as local time of Europe/Kyiv" in line for line in events.report)


def test_different_offsets_are_unambiguous_and_reported(table):
    events = read(table("time,x_m,y_m\n2024-08-19T12:00+03:00,1,1\n2024-08-19T09:00Z,2,2\n"))
    assert (events.time_s == NOON_S).all()
    assert any("+0000, +0300" in line for line in events.report)


def test_local_times_follow_summer_time(table):
    events = read(table("time,x_m,y_m\n2024-07-01T12:00,1,1\n2024-12-01T12:00,1,1\n"))
    assert [datetime.fromtimestamp(t, UTC).hour for t in events.time_s] == [9, 10]


def test_an_event_known_to_its_day_is_drawn_within_that_local_day(table):
    rows = "".join(f"2024-10-27,1,1,{i}\n" for i in range(400))  # 25 hours long: clocks go back
    path = table("time,x_m,y_m,id\n" + rows)
    assert set(read(path).span_s) == {25 * 3600.0}
    impacts = replayed(path, start=datetime(2024, 10, 27), duration_h=25)
    assert len(impacts) == 400
    counts = np.histogram(impacts.time_s, bins=5, range=(0, 25 * 3600))[0]
    assert (abs(counts - 80) < 4 * np.sqrt(80)).all()


def test_events_known_to_settlement_or_district_are_drawn_evenly_within_it(table):
    rows = "".join(f"2024-08-19T12:00,50000,50000,{p},{p}{i}\n" for p in ("settlement", "district") for i in range(800))
    path = table("time,x_m,y_m,precision,id\n" + rows)
    events = read(path)
    settings = recorded(path, settlement_radius_m=2000, district_radius_m=9000)
    _, x_m, y_m, _ = place(events, settings, PLANE, seed=4)
    distance_m = np.hypot(x_m - 50_000, y_m - 50_000)
    for precision, radius_m in ((Precision.SETTLEMENT, 2000), (Precision.DISTRICT, 9000)):
        of = distance_m[events.precision == precision]
        assert of.max() <= radius_m
        assert (of < radius_m / np.sqrt(2)).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(800))


def test_where_a_row_falls_does_not_depend_on_other_rows_or_their_order(table):
    rows = [f"2024-08-19,50000,50000,district,,3,r{i}" for i in range(20)]
    head = "time,x_m,y_m,precision,size,n_events,id"
    whole = replayed(table("\n".join([head, *rows])), area=PLANE)
    part = replayed(table("\n".join([head, *rows[:3:-1]]), "part.csv"), area=PLANE)
    assert len(whole) == 60 and len(part) == 48
    assert np.isin(part.time_s, whole.time_s).all() and np.isin(part.x_m, whole.x_m).all()
    assert np.unique(whole.x_m).size == 60  # the events of one report fall apart


def test_another_seed_places_vague_events_elsewhere_and_exact_ones_where_they_were(table):
    path = table("time,x_m,y_m,precision\n2024-08-19T12:00,50000,50000,district\n2024-08-19T13:00,1,2,exact\n")
    one, two = replayed(path, seed=1), replayed(path, seed=2)
    assert one.x_m[0] != two.x_m[0] and one.x_m[1] == two.x_m[1] == 1


def many(table, n=1000):
    rows = "".join(f"2024-08-19T{i % 24:02d}:00,{i},1,S,{i}\n" for i in range(n))
    return table("time,x_m,y_m,size,id\n" + rows)


def test_thinning_keeps_its_share_and_a_higher_share_keeps_the_same_and_more(table):
    path = many(table)
    whole, half, most = (replayed(path, keep_share=share) for share in (1.0, 0.5, 0.8))
    assert len(whole) == 1000
    assert len(half) == pytest.approx(500, abs=4 * np.sqrt(250))
    assert np.isin(half.x_m, most.x_m).all() and len(most) > len(half)
    assert len(replayed(path, keep_share=0.0)) == 0


def test_a_recorded_day_can_fall_on_another_date(table):
    path = table("time,x_m,y_m\n2024-08-19T12:00,1,1\n")
    assert len(replayed(path, start=datetime(2024, 9, 1))) == 0
    assert replayed(path, start=datetime(2024, 9, 1), shift_h=13 * 24).time_s.tolist() == [12 * 3600.0]


def test_a_recorded_day_can_be_repeated_every_day_and_thinned_anew(table):
    path = many(table)
    days = {"first_day": "2024-08-19", "last_day": "2024-08-19", "n_repeats": 3}
    thrice = replayed(path, duration_h=96, **days)
    assert np.array_equal(np.bincount((thrice.time_s // 86400).astype(int)), [1000, 1000, 1000])
    thinned = replayed(path, duration_h=96, keep_share=0.5, **days)
    first, second = (set(thinned.x_m[thinned.between(d * 86400, (d + 1) * 86400)]) for d in (0, 1))
    assert first != second and len(first & second) == pytest.approx(250, abs=60)


def test_only_the_period_asked_for_is_replayed_and_the_rest_is_reported(table):
    path = table("time,x_m,y_m\n2024-08-18T23:59,1,1\n2024-08-19T00:00,2,1\n2024-08-20T00:00,3,1\n")
    impacts = replayed(path, start=datetime(2024, 8, 1), duration_h=720, first_day="2024-08-19", last_day="2024-08-19")
    assert impacts.x_m.tolist() == [2]
    assert any("2 events lie outside the period" in line for line in impacts.report)


def test_repeating_needs_a_period_and_a_period_needs_an_order(table):
    path = many(table, 2)
    with pytest.raises(ValidationError, match="first_day and last_day of the period to repeat"):
        recorded(path, n_repeats=2)
    with pytest.raises(ValidationError, match="swap them"):
        recorded(path, first_day="2024-08-20", last_day="2024-08-19")


# The columns of the rows below are those of the providers' exports; the events are invented.
ACLED = """event_id_cnty,event_date,year,time_precision,disorder_type,event_type,sub_event_type,actor1,assoc_actor_1,\
inter1,actor2,assoc_actor_2,inter2,interaction,civilian_targeting,iso,region,country,admin1,admin2,admin3,location,\
latitude,longitude,geo_precision,source,source_scale,notes,fatalities,tags,timestamp
UKR1,2024-08-19,2024,1,Political violence,Explosions/Remote violence,Shelling/artillery/missile attack,A,,,,,,,,804,\
Europe,Ukraine,Donetsk,Pokrovskyi,Pokrovska,Pokrovsk,48.28,37.18,1,S,Local,"Invented, for a test",0,,1
UKR2,19 August 2024,2024,2,Political violence,Explosions/Remote violence,Air/drone strike,A,,,,,,,,804,\
Europe,Ukraine,Donetsk,Pokrovskyi,Pokrovska,Rodynske,48.35,37.20,2,S,Local,Invented,0,,1
UKR3,2024-08-19,2024,1,Political violence,Battles,Armed clash,A,,,,,,,,804,\
Europe,Ukraine,Donetsk,Pokrovskyi,Pokrovska,Pokrovsk,48.28,37.18,1,S,Local,Invented,0,,1
"""


def test_an_acled_export_gives_its_shelling_and_strikes_with_their_precision(table):
    events = read(table(ACLED), "acled")
    assert len(events) == 2  # the armed clash is none
    assert events.precision.tolist() in ([1, 2], [2, 1])
    assert sorted(events.span_s) == [86400, 7 * 86400]
    assert (events.time_s == datetime(2024, 8, 18, 21, tzinfo=UTC).timestamp()).all()
    assert len(read(table(ACLED), "acled", event_types=("Armed clash",))) == 1


VIINA = """viina_version,event_id_1pd,date,n_reports,event_ids,sources,geonameid,feature_code,asciiname,ADM1_NAME,\
ADM1_CODE,ADM2_NAME,ADM2_CODE,longitude,latitude,GEO_PRECISION,t_mil_b,t_airstrike_b,t_artillery_b,t_property_b
v2,1,20240819,3,"1;2;3",a,1,PPL,Pokrovsk,Donetsk,1,Pokrovskyi,1,37.18,48.28,PPL,1,0,1,0
v2,2,20240819,1,4,a,1,PPL,Pokrovsk,Donetsk,1,Pokrovskyi,1,37.181,48.281,STREET,1,1,0,0
v2,3,20240819,1,5,a,1,PPL,Pokrovsk,Donetsk,1,Pokrovskyi,1,37.18,48.28,PPL,1,0,0,0
v2,4,20240819,1,6,a,1,ADM1,Donetsk,Donetsk,1,,1,37.5,48.0,ADM1,1,0,1,0
"""


def test_a_viina_export_gives_its_strikes_and_leaves_out_what_is_placed_to_an_oblast(table):
    events = read(table(VIINA), "viina")
    assert sorted(events.precision) == [Precision.EXACT, Precision.SETTLEMENT]
    assert set(events.span_s) == {86400.0}
    assert any("1 events are placed no better than GEO_PRECISION" in line for line in events.report)


UCDP = """id,relid,year,active_year,type_of_violence,conflict_name,where_prec,where_coordinates,latitude,longitude,\
date_prec,date_start,date_end,deaths_a,deaths_b,deaths_civilians,deaths_unknown,best,high,low
1,U1,2014,1,1,Invented,1,Town,48.28,37.18,1,2014-08-19 00:00:00.000,2014-08-19 00:00:00.000,0,0,1,0,1,1,1
2,U2,2014,1,1,Invented,2,Town,48.30,37.20,2,2014-08-19,2014-08-21,0,0,1,0,1,1,1
3,U3,2014,1,1,Invented,4,Oblast,48.00,37.80,1,2014-08-19,2014-08-19,0,0,1,0,1,1,1
"""


def test_a_ucdp_export_gives_its_events_over_their_days(table):
    events = read(table(UCDP), "ucdp")
    assert sorted(events.span_s) == [86400, 3 * 86400]
    assert any("where_prec" in line for line in events.report)


def test_a_day_that_may_be_read_two_ways_is_refused(table):
    with pytest.raises(ScenarioError, match="'8/9/2014'"):
        read(table(UCDP.replace("2014-08-21", "8/9/2014")), "ucdp")
    with pytest.raises(ScenarioError, match="event_date = '8/9/2024'; between slashes"):
        read(table(ACLED.replace("19 August 2024", "8/9/2024")), "acled")


def test_a_ucdp_event_that_ends_before_it_starts_is_refused(table):
    with pytest.raises(ScenarioError, match="line 3: date_end = '2014-08-11'; it is before date_start"):
        read(table(UCDP.replace("2014-08-21", "2014-08-11")), "ucdp")


@pytest.mark.parametrize(("layout", "text"), [("acled", VIINA), ("viina", UCDP), ("ucdp", ACLED)])
def test_a_table_of_another_layout_is_refused_naming_the_columns_it_lacks(table, layout, text):
    with pytest.raises(ScenarioError, match=f"layout {layout} needs the columns"):
        read(table(text), layout)


def test_the_ucdp_record_of_the_donbas_is_read_whole():
    folder = os.environ.get("SAFEPASSAGE_DATA")
    if not folder:
        pytest.skip("SAFEPASSAGE_DATA does not say where the conflict records lie")
    events = read(Path(folder) / "conflict" / "ucdp_ged_donbas_2014_2022jan.csv", "ucdp")
    vague = int(next(line for line in events.report if "where_prec" in line).split()[0])
    assert len(events) + vague == 2839
    assert (np.diff(events.time_s) >= 0).all()
    assert 36 < events.place_1.min() < events.place_1.max() < 41


def test_events_of_one_report_are_drawn_at_once_and_each_by_its_own_number(table):
    events = read(table("time,x_m,y_m,n_events\n2024-08-19,1,2,1000000\n"))
    u = numbers(events, 1, 0)
    assert np.unique(u).size > 999_990
    few = read(table("time,x_m,y_m,n_events\n2024-08-19,1,2,1000000\n")).rows(events.copy < 3)
    assert numbers(few, 1, 0).tolist() == u[events.copy < 3].tolist()


def test_more_events_than_a_table_may_hold_are_refused_before_they_are_made(table):
    rows = "".join(f"2024-08-19,{x},2,1000000\n" for x in range(6))
    with pytest.raises(ScenarioError, match="6,000,000 events in all; at most 5,000,000 are taken"):
        read(table("time,x_m,y_m,n_events\n" + rows))


def test_an_answer_of_the_api_gives_the_same_events_as_the_table(table, tmp_path):
    rows = list(csv.DictReader(io.StringIO(ACLED)))
    for name, answer in (("a.json", {"status": 200, "data": rows}), ("b.json", rows)):
        (tmp_path / name).write_text(json.dumps(answer))
        from_api, from_table = read(tmp_path / name, "acled"), read(table(ACLED), "acled")
        assert np.array_equal(from_api.key, from_table.key)
        assert np.array_equal(from_api.time_s, from_table.time_s)


def test_rows_of_hxl_tags_are_left_out_and_capitals_in_names_do_not_matter(table):
    header, *rows = ACLED.strip().split("\n")
    tags = ",".join(f"#x+{i}" for i in range(header.count(",") + 1))
    events = read(table("\n".join([header.upper(), tags, *rows])), "acled")
    assert len(events) == len(read(table(ACLED), "acled"))
    assert any("HXL" in line for line in events.report)


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '{"data": []}'])
def test_what_is_no_answer_of_an_api_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ScenarioError, match=r"a\.json: "):
        read(tmp_path / "a.json", "acled")
