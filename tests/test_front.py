import json
import os
from datetime import date, datetime, time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from safepassage.model.behaviour.curfew import curfew_hours, keeps_curfew
from safepassage.model.hazard.front import LinksNearFront, crossfire_rate_per_s, front_of
from safepassage.model.hazard.impacts import Area
from safepassage.model.hazard.published import day_of, is_held
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import Curfew, CurfewWindow, Front

PLANE = Area(0.0, 0.0, 10_000.0, 10_000.0)
KYIV = "Europe/Kyiv"
DAY_S = 86400.0


def a_run(days=10.0, start=datetime(2024, 8, 1)):
    return SimpleNamespace(start=start, duration_h=24 * days)


def series(*pairs, **settings):
    points = [{"day": day, "distance_km": km} for day, km in pairs]
    return Front(distances=points, **settings)


def line_front(bearing_deg=90.0, **settings):
    given = series((date(2024, 8, 1), 10.0), (date(2024, 8, 6), 5.0), bearing_deg=bearing_deg, **settings)
    return front_of(given, PLANE, a_run(), KYIV)


def area_file(tmp_path, *features, name="areas.geojson"):
    path = tmp_path / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def a_square(day, west, east=90_000.0, south=-90_000.0, north=90_000.0):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Feature", "properties": {"date": day}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def test_no_front_is_stated_by_stating_none():
    assert front_of(Front(), PLANE, a_run(), KYIV) is None


def test_the_distance_is_linear_between_its_dates_and_level_outside_them():
    front = line_front()
    centre = np.array([5000.0])
    for days, km in ((0, 10.0), (2.5, 7.5), (5, 5.0), (9, 5.0), (-3, 10.0)):
        assert front.distance_km(centre, centre, days * DAY_S)[0] == pytest.approx(km)


@pytest.mark.parametrize(("bearing_deg", "nearer"), [(90, (1, 0)), (0, (0, 1)), (180, (0, -1)), (270, (-1, 0))])
def test_a_point_towards_the_front_is_nearer_to_it_and_one_along_it_is_not(bearing_deg, nearer):
    front = line_front(bearing_deg)
    east, north = 1000 * np.array(nearer)
    x_m = 5000.0 + np.array([0, east, -east, north])
    y_m = 5000.0 + np.array([0, north, -north, east])
    np.testing.assert_allclose(front.distance_km(x_m, y_m, 0.0), [10, 9, 11, 10], atol=1e-9)


def test_the_reference_point_can_be_given_in_degrees():
    area = Area.around([365_000.0], [5_349_000.0], 5000, "EPSG:32637")
    front = front_of(series((date(2024, 8, 1), 11.0), reference=(37.18, 48.28)), area, a_run(0.5), KYIV)
    x_m, y_m = area.plane([37.18], [48.28], "test")
    assert front.distance_km(x_m, y_m, 0.0)[0] == pytest.approx(11.0)


def test_a_run_outside_the_dates_takes_the_nearest_and_says_so():
    front = front_of(series((date(2024, 8, 3), 9.0), (date(2024, 8, 5), 8.0)), PLANE, a_run(), KYIV)
    assert any("starts 2.0 days before its first date" in line for line in front.report)
    assert any("ends 6.0 days after its last date" in line for line in front.report)


def test_dates_out_of_order_are_sorted_and_reported_and_two_distances_for_one_day_refused():
    front = front_of(series((date(2024, 8, 6), 5.0), (date(2024, 8, 1), 10.0)), PLANE, a_run(), KYIV)
    assert front.reference_distance_km.tolist() == [10.0, 5.0]
    assert any("sorted" in line for line in front.report)
    with pytest.raises(ScenarioError, match=r"2024-08-01 has two distances, 1\.0 and 2\.0 km"):
        front_of(series((date(2024, 8, 1), 1.0), (date(2024, 8, 1), 2.0)), PLANE, a_run(), KYIV)


def test_a_distance_file_is_read_by_its_column(tmp_path):
    path = tmp_path / "front.csv"
    path.write_text("date,town_km\n2024-08-01,10\n2024-08-02,\n2024-08-06,5\n")
    front = front_of(Front(distance_file=path, distance_column="town_km"), PLANE, a_run(), KYIV)
    assert front.distance_km(np.array([5000.0]), np.array([5000.0]), 2.5 * DAY_S)[0] == pytest.approx(7.5)
    assert any("1 dates have no distance" in line for line in front.report)
    with pytest.raises(ScenarioError, match="no column 'city_km'; found: date, town_km"):
        front_of(Front(distance_file=path, distance_column="city_km"), PLANE, a_run(), KYIV)
    path.write_text("date,town_km\n1 August,10\n")
    with pytest.raises(ScenarioError, match="line 2: the date is '1 August'"):
        front_of(Front(distance_file=path, distance_column="town_km"), PLANE, a_run(), KYIV)


def test_two_statements_of_the_front_are_refused(tmp_path):
    path = area_file(tmp_path, a_square("2024-08-01", 7000.0))
    with pytest.raises(ValidationError, match="give one of them"):
        series((date(2024, 8, 1), 3.0), polygons_file=path)


def test_distances_to_areas_are_to_their_edge_and_negative_inside(tmp_path):
    path = area_file(tmp_path, a_square("2024-08-01", 7000.0))
    front = front_of(Front(polygons_file=path), PLANE, a_run(), KYIV)
    np.testing.assert_allclose(
        front.distance_km(np.array([4000.0, 7000.0, 9000.0]), np.zeros(3), 0.0), [3.0, 0.0, -2.0], atol=1e-9
    )


def test_distances_to_areas_are_linear_in_time_between_two_dates(tmp_path):
    path = area_file(tmp_path, a_square("2024-08-05", 5000.0), a_square("2024-08-01", 9000.0))
    points = front_of(Front(polygons_file=path), PLANE, a_run(), KYIV).over(np.array([1000.0]), np.array([0.0]))
    assert [points.distance_km(d * DAY_S)[0] for d in (0, 1, 2, 4, 8)] == pytest.approx([8, 7, 6, 4, 4])


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_agree_with_those_that_shapely_measures_one_by_one(seed):
    import shapely

    from safepassage.model.hazard.front import _signed_distance_km

    rng = np.random.default_rng(seed)
    hull = shapely.convex_hull(shapely.multipoints(rng.uniform(0, 1000, (8, 2))))
    area = hull.difference(shapely.Point(500, 500).buffer(100)).union(shapely.box(2000, 0, 2100, 50))
    x_m, y_m = rng.uniform(-500, 2500, (2, 20))
    for found, x, y in zip(_signed_distance_km(area, x_m, y_m), x_m, y_m, strict=True):
        point = shapely.Point(x, y)
        expected = area.boundary.distance(point) * (-1 if area.contains(point) else 1) / 1000
        assert found == pytest.approx(expected, abs=1e-12)


def test_several_areas_of_one_date_are_joined(tmp_path):
    path = area_file(tmp_path, a_square("2024-08-01", 7000.0, south=0.0), a_square("2024-08-01", 7000.0, north=0.0))
    front = front_of(Front(polygons_file=path), PLANE, a_run(), KYIV)
    assert front.distance_km(np.array([9000.0]), np.array([0.0]), 0.0)[0] == pytest.approx(-2.0)


def test_a_polygon_that_crosses_itself_is_repaired_and_reported(tmp_path):
    bow_tie = [[[0, 0], [2000, 2000], [2000, 0], [0, 2000], [0, 0]]]
    feature = {**a_square("2024-08-01", 0.0), "geometry": {"type": "Polygon", "coordinates": bow_tie}}
    front = front_of(Front(polygons_file=area_file(tmp_path, feature)), PLANE, a_run(), KYIV)
    inside = front.distance_km(np.array([200.0, 1800.0, 1000.0]), np.array([1000.0, 1000.0, 200.0]), 0.0) < 0
    assert inside.tolist() == [True, True, False]
    assert any("1 outlines crossed themselves" in line for line in front.report)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"properties": {"date": "soon"}}, "feature 0: its property date is 'soon'"),
        ({"properties": None}, "write it as 2024-08-19"),
        (
            {"geometry": {"type": "Point", "coordinates": [1, 2]}},
            "is a Point; each area beyond the front must be a Polygon",
        ),
        ({"geometry": None}, "is without a geometry"),
    ],
)
def test_a_feature_that_cannot_be_used_is_named(tmp_path, feature, message):
    path = area_file(tmp_path, {**a_square("2024-08-01", 0.0), **feature})
    with pytest.raises(ScenarioError, match=message):
        front_of(Front(polygons_file=path), PLANE, a_run(), KYIV)


def test_a_file_without_areas_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="holds no area beyond the front"):
        front_of(Front(polygons_file=area_file(tmp_path)), PLANE, a_run(), KYIV)
    other = tmp_path / "other.geojson"
    other.write_text("[1, 2")
    with pytest.raises(ScenarioError, match=r"this is not (a )?GeoJSON"):
        front_of(Front(polygons_file=other), PLANE, a_run(), KYIV)


def a_street():
    """Eleven nodes, a kilometre apart, from west to east, with exits at both ends."""
    return SimpleNamespace(
        node_x_m=np.arange(11) * 1000.0,
        node_y_m=np.full(11, 5000.0),
        link_upstream=np.r_[np.arange(10), np.arange(1, 11)].astype(np.int32),
        link_downstream=np.r_[np.arange(1, 11), np.arange(10)].astype(np.int32),
        exit_node=np.array([0, 10], dtype=np.int32),
        exit_end_node=np.array([0, 10], dtype=np.int32),
    )


def test_links_close_one_by_one_as_the_front_comes_and_both_directions_together():
    rules = series((date(2024, 8, 1), 10.0), (date(2024, 8, 11), 0.0))
    links = LinksNearFront(front_of(rules, PLANE, a_run(), KYIV), rules, a_street())
    n_closed = []
    for day in range(10):
        vehicles, walkers = links.links_closed((day + 0.5) * DAY_S)
        assert (vehicles[:10] == vehicles[10:]).all()
        assert (vehicles | ~walkers).all()  # whatever is closed to walkers is closed to vehicles
        assert (np.diff(vehicles[:10].astype(int)) >= 0).all()  # the east first
        n_closed.append(int(vehicles[:10].sum()))
    # the front stands at x = 15 km - 1 km a day; links with an end nearer than 1 km to it are closed
    assert n_closed == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]


@given(st.lists(st.floats(-5.0, 25.0), min_size=1, max_size=5), st.floats(-1.0, 6.0), st.sampled_from([0.0, 2.0, 8.0]))
def test_links_that_are_not_near_the_front_are_beyond_its_reach(distances_km, day, drones_reach_km):
    rules = series(*((date(2024, 8, 1 + k), km) for k, km in enumerate(distances_km)))
    front, street = front_of(rules, PLANE, a_run(), KYIV), a_street()
    links, near_km = LinksNearFront(front, rules, street, drones_reach_km).near(day * DAY_S)
    nodes_km = front.distance_km(street.node_x_m, street.node_y_m, day * DAY_S)
    all_km = np.minimum(nodes_km[street.link_upstream], nodes_km[street.link_downstream])
    np.testing.assert_array_equal(near_km, all_km[links])
    assert (np.delete(all_km, links) > max(rules.crossfire_reach_km, drones_reach_km)).all()


@pytest.mark.parametrize(("reach_km", "are_beyond"), [(9.999, True), (10.001, False), (-np.inf, True)])
def test_nodes_are_beyond_a_reach_if_they_are_at_both_dates(reach_km, are_beyond):
    rules = series((date(2024, 8, 1), 20.0), (date(2024, 8, 2), 15.0))  # from the east end: 15 and 10 km
    links = LinksNearFront(front_of(rules, PLANE, a_run(), KYIV), rules, a_street())
    assert links.are_beyond(np.append(np.zeros(10), reach_km), 0.0) == are_beyond


def test_an_exit_is_lost_to_vehicles_before_it_is_lost_to_walkers():
    rules = series((date(2024, 8, 1), 10.0), (date(2024, 8, 11), 0.0))
    links = LinksNearFront(front_of(rules, PLANE, a_run(), KYIV), rules, a_street())
    lost = [[list(mode) for mode in links.exits_lost(days * DAY_S)] for days in (3.9, 4.25, 4.75)]
    assert lost == [
        [[False, False], [False, False]],
        [[False, True], [False, False]],
        [[False, True], [False, True]],
    ]


def test_crossfire_falls_to_nothing_at_its_reach():
    rules = Front(crossfire_reach_km=4.0, crossfire_casualties_per_person_h=3.6)
    rate_per_s = crossfire_rate_per_s(rules, np.array([-1.0, 0.0, 2.0, 4.0, 9.0]))
    np.testing.assert_allclose(rate_per_s, [1e-3, 1e-3, 0.5e-3, 0.0, 0.0])


def curfew(*windows, start=datetime(2024, 8, 28), days=5.0):
    return curfew_hours(Curfew(windows=[CurfewWindow(**w) for w in windows]), a_run(days, start), KYIV)


POKROVSK = {"first_day": date(2024, 8, 28), "from_time": time(15), "until_time": time(11)}


def test_the_curfew_of_pokrovsk_leaves_four_hours_a_day():
    hours = curfew(POKROVSK)
    minutes_s = np.arange(24 * 60, 4 * 24 * 60) * 60.0  # from the second day on
    allowed = hours.may_move(minutes_s)
    assert allowed.sum() / 60 / 3 == 4.0
    assert set((minutes_s[allowed] // 3600 % 24).astype(int)) == {11, 12, 13, 14}
    assert hours.may_move(9 * 3600.0)  # it is not yet in force on its first morning


def test_who_must_wait_may_move_when_it_ends_and_others_at_once():
    hours = curfew(POKROVSK)
    waits = hours.next_allowed_s(np.array([14.0, 15.0, 23.0, 30.0, 35.0]) * 3600) / 3600
    assert waits.tolist() == [14, 35, 35, 35, 35]
    assert hours.may_move(hours.next_allowed_s(np.linspace(0, 5 * DAY_S, 999))).all()


def test_after_a_curfew_each_has_a_turn_and_whoever_plans_later_never_goes_earlier():
    hours = curfew(POKROVSK)
    planned_s = np.sort(np.random.default_rng(1).uniform(0, 4 * DAY_S, 500))
    for turn in (0.0, 0.4, 0.99):
        free_s = hours.free_from_s(planned_s, np.full(500, turn))
        assert hours.may_move(free_s).all() and (free_s >= planned_s).all() and (np.diff(free_s) >= 0).all()
    noon_s = 36 * 3600.0
    free_s = hours.free_from_s(np.array([20.0 * 3600, 35.1 * 3600, noon_s]), np.full(3, 0.4))
    assert free_s.tolist() == [35.4 * 3600, 35.4 * 3600, noon_s]


def test_nobody_waits_outside_of_a_curfew_and_of_the_turns_after_it():
    hours, turns = curfew(POKROVSK), np.linspace(0.0, 1.0, 11)
    for planned_s in np.arange(0.0, 5 * DAY_S, 700.0):
        is_over = (hours.end_s <= planned_s) & (planned_s < hours.end_s + hours.stagger_s)
        waits = hours.free_from_s(np.full(11, planned_s), turns) > planned_s
        assert waits.any() == (not hours.may_move(planned_s) or is_over.any())


def test_a_curfew_that_began_the_evening_before_the_run_still_holds():
    hours = curfew(POKROVSK, start=datetime(2024, 8, 29, 6))
    assert not hours.may_move(0.0) and hours.next_allowed_s(0.0) == 5 * 3600


def test_windows_that_meet_or_overlap_are_one_and_equal_times_mean_all_day():
    night = {"first_day": date(2024, 8, 28), "from_time": time(22), "until_time": time(5)}
    morning = {"first_day": date(2024, 8, 28), "from_time": time(4), "until_time": time(7)}
    hours = curfew(night, morning)
    assert hours.next_allowed_s(23 * 3600.0) == 31 * 3600.0
    noon = {"first_day": date(2024, 8, 28), "from_time": time(12), "until_time": time(13)}
    assert curfew(noon, {**noon, "from_time": time(9), "until_time": time(18)}).next_allowed_s(43200.0) == 18 * 3600
    day = date(2024, 8, 29)
    closed = curfew({"first_day": day, "last_day": day, "from_time": time(0), "until_time": time(0)})
    assert closed.next_allowed_s(np.array([23.0, 24.0, 47.9]) * 3600).tolist() == [23 * 3600, 48 * 3600, 48 * 3600]


def test_a_curfew_over_the_night_in_which_clocks_go_back_is_an_hour_longer():
    start = datetime(2024, 10, 26)
    hours = curfew(
        {"first_day": start.date(), "last_day": start.date(), "from_time": time(22), "until_time": time(5)},
        start=start,
    )
    assert hours.end_s[0] - hours.start_s[0] == 8 * 3600


def test_without_windows_everybody_may_move_at_any_time():
    hours = curfew()
    assert hours.may_move(np.arange(5.0)).all() and hours.next_allowed_s(7.0) == 7.0


def test_times_of_day_are_read_and_numbers_are_none():
    window = CurfewWindow(first_day="2024-08-28", from_time="15:00", until_time="06:30")
    assert (window.from_time, window.until_time) == (time(15), time(6, 30))
    with pytest.raises(ValidationError, match=r"900 is a number; write .* a time of the day as"):
        CurfewWindow(first_day="2024-08-28", from_time=900, until_time="06:30")


def test_compliance_is_the_share_that_keeps_the_curfew_and_a_higher_one_loses_nobody():
    party = np.arange(5000)
    few, many = (keeps_curfew(Curfew(compliance=share), 3, party) for share in (0.6, 0.9))
    assert few.mean() == pytest.approx(0.6, abs=0.03) and many.mean() == pytest.approx(0.9, abs=0.02)
    assert (many | ~few).all()


def test_the_recorded_front_comes_to_pokrovsk_alike_by_distance_and_by_areas():
    folder = os.environ.get("SAFEPASSAGE_DATA")
    if not folder:
        pytest.skip("SAFEPASSAGE_DATA does not say where the conflict records lie")
    conflict = Path(folder) / "conflict"
    area = Area.around([365_000.0], [5_349_000.0], 5000, "EPSG:32637")
    run = a_run(120, datetime(2024, 7, 15))
    by_distance = Front(
        distance_file=conflict / "front_distance_daily.csv", distance_column="pokrovsk_km", reference=(37.18, 48.28)
    )
    fronts = [
        front_of(source, area, run, KYIV)
        for source in (by_distance, Front(polygons_file=conflict / "occupied_area_fortnightly.geojson"))
    ]
    x_m, y_m = area.plane([37.18], [48.28], "test")
    for days in (0, 40, 80, 119):
        one, other = (front.distance_km(x_m, y_m, days * DAY_S)[0] for front in fronts)
        assert one == pytest.approx(other, abs=2.5)
    assert fronts[1].distance_km(x_m, y_m, 0.0)[0] > 15
    assert fronts[1].distance_km(x_m, y_m, 119 * DAY_S)[0] < 12


@pytest.mark.parametrize(
    ("name", "properties", "right"),
    [
        ("deepstatemap_data_20240819.geojson", {}, date(2024, 8, 19)),
        ("front 2024-08-19.geojson", {"date": "2024-08-20T10:00"}, date(2024, 8, 20)),
        ("UkraineControlMapAO19AUG2024.shp", {"Name": "x"}, date(2024, 8, 19)),
        ("front.geojson", {}, None),
        ("front_20241345.geojson", {}, None),
    ],
)
def test_the_day_of_a_map_comes_from_a_property_or_from_the_name_of_its_file(name, properties, right):
    assert day_of(properties, Path(name)) == right


def test_areas_of_deepstatemap_that_are_liberated_are_not_beyond_the_front():
    assert is_held({"name": "Окуповано /// Occupied"}) and is_held({})
    assert not is_held({"name": "Звільнено /// Liberated"}) and not is_held({"name": "/// Unknown status"})
