"""The tables that a recorded run is drawn from say what was there, and are read back as they were written."""

from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from service_towns import ADULT, POINT, fleet, town_of

from safepassage.agents.shelters import Shelters
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.front import AreaFront, LineFront
from safepassage.model.results import columns, run_folder
from safepassage.model.results.map_tables import PlacesOverTime, States, map_tables, outer_rings, read_front, read_rings
from safepassage.model.settings.scenario import load

DAY_S = 86400.0


def written(folder, model, **states):
    """Return the run folder of a model's map tables, and of what it kept over time."""
    made = map_tables(model) | states
    return run_folder.RunFolder(run_folder.write_run(folder / "run", columns.Tables(made), {}))


def town(front=None, duration_s=DAY_S, n_shelters=0, outlines=()):
    """Return what the map tables read of a model."""
    names = [f"shelter {k}" for k in range(n_shelters)]
    place = np.arange(n_shelters, dtype=float)
    shelters = Shelters.empty(names, place, -place, np.full(n_shelters, 10))
    zones = SimpleNamespace(name=tuple(f"zone {k}" for k in range(len(outlines))), outline=tuple(outlines))
    surroundings = SimpleNamespace(front=front, shelters=shelters, background=())
    return SimpleNamespace(
        surroundings=surroundings, zones=zones, duration_s=duration_s, services=SimpleNamespace(stops=[], n_fixed=0)
    )


def test_every_outer_border_of_a_zone_is_kept_and_its_holes_are_not(tmp_path):
    square, far, hole = shapely.box(0, 0, 9, 9), shapely.box(20, 0, 29, 9), shapely.box(3, 3, 6, 6)
    outlines = [shapely.union_all([square - hole, far]), shapely.box(9, 0, 12, 9)]
    rings = read_rings(written(tmp_path, town(outlines=outlines)))
    assert [name for name, _ in rings] == ["zone 0", "zone 0", "zone 1"]
    filled = shapely.union_all([shapely.Polygon(ring) for name, ring in rings if name == "zone 0"])
    assert filled.equals(shapely.union_all([square, far])) and shapely.Polygon(rings[2][1]).equals(outlines[1])


def test_a_loose_line_in_a_zone_is_no_border():
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.LineString([(2, 2), (3, 3)])])
    assert len(outer_rings(SimpleNamespace(name=("odd",), outline=(mixed,)))) == 1


DAYS = st.lists(st.integers(-40, 40), min_size=1, max_size=8, unique=True).map(sorted)


@given(DAYS, st.floats(0.1, 20.0), st.floats(0.0, 1.0), st.booleans())
def test_the_front_read_back_is_as_far_from_any_place_at_any_moment_of_the_run(days, duration_d, share, by_areas):
    time_s = np.array(days) * DAY_S
    if by_areas:
        front = AreaFront(time_s, tuple(shapely.box(1000.0 + 7 * day, -1e4, 1e5, 1e4) for day in days))
    else:
        front = LineFront(time_s, np.array([5.0 - 0.03 * day**2 for day in days]), 10.0, -20.0, 1.1)
    made = map_tables(town(front, duration_d * DAY_S))["front"]()
    table = columns.table(made).to_pandas()
    run = SimpleNamespace(has=lambda name: name == "front", frame=lambda name: table)
    now_s = share * duration_d * DAY_S
    x_m, y_m = np.array([0.0, 1500.0, -300.0]), np.array([0.0, 40.0, 900.0])
    np.testing.assert_array_equal(read_front(run).distance_km(x_m, y_m, now_s), front.distance_km(x_m, y_m, now_s))
    inside = [day for day in days if 0 < day < duration_d]
    assert len(table) <= len(inside) + 2


def test_a_town_without_front_shelters_and_stops_has_outlines_only():
    assert set(map_tables(town())) == {"zone_outlines"} and PlacesOverTime(town()).tables() == {}
    tables = EvacuationModel("tiny_town", **{"run.duration_h": 0.1}).recorder.tables()
    assert not {"front", "shelters", "shelter_states", "stop_states"} & set(tables) and "zone_outlines" in tables


def test_shelters_are_kept_as_they_were_when_they_were_recorded(tmp_path):
    model = town(n_shelters=2)
    places, shelters = PlacesOverTime(model), model.surroundings.shelters
    for time_s, inside, is_open in (
        (0.0, (0, 0), (True, True)),
        (600.0, (4, 1), (True, True)),
        (1200.0, (0, 3), (False, True)),
    ):
        shelters.n_inside[:], shelters.is_open[:] = inside, is_open
        places.record(time_s)
    run = written(tmp_path, model, **places.tables())
    states = States(run.frame("shelter_states"), 2)
    assert run.frame("shelters").columns.tolist() == ["shelter", "x_m", "y_m", "capacity"]
    for now_s, inside, is_open in (
        (0.0, [0, 0], [1, 1]),
        (599.0, [0, 0], [1, 1]),
        (600.0, [4, 1], [1, 1]),
        (9e9, [0, 3], [0, 1]),
    ):
        there = states.at(now_s)
        assert there["n_inside"].tolist() == inside and there["is_open"].tolist() == is_open
        assert there["shelter"].tolist() == ["shelter 0", "shelter 1"]


def test_who_waits_and_has_boarded_at_a_stop_is_kept_at_every_row_of_the_time_series():
    given_services = {"services.pickup_points": [POINT], "services.fleets": [fleet()], "run.record_every_s": 600}
    model = EvacuationModel(load(town_of([[ADULT]] * 12, node="end"), given_services))
    waiting = {0.0: 0}
    while model.running:
        model.step()
        waiting[model.time_s] = model.services.stops[0].n_waiting
    tables = {name: table.to_pandas() for name, table in model.recorder.tables().items()}
    states = tables["stop_states"]
    assert states["time_s"].tolist() == tables["timeseries"]["time_s"].tolist()
    assert (
        states["n_waiting"].tolist() == [waiting[time_s] for time_s in states["time_s"]] and max(waiting.values()) == 12
    )
    assert (
        states["n_boarded"].is_monotonic_increasing
        and states["n_boarded"].iloc[-1] == tables["stops"]["n_boarded"][0] == 12
    )


@pytest.mark.parametrize(
    ("column", "unit"), [("distance_km", "km"), ("bearing_rad", "rad"), ("reference_x_m", "m"), ("n_cars_last_km", "1")]
)
def test_columns_of_the_front_name_their_units(column, unit):
    assert columns.unit_of(column) == unit
