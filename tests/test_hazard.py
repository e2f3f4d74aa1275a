import hashlib
import os
import re
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from pydantic import ValidationError

from safepassage.cli.overview import overview
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.impacts import Area, Events, Impacts
from safepassage.model.hazard.shelling import gather, shell
from safepassage.model.pictures.map import map_of_run
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load
from safepassage.model.settings.shelling import ALERTS_BY_HOUR, Shelling, ShellingProcess
from safepassage.model.streets.reading.graphml import read_graph

FRONT = [{"day": date(2024, 8, 1), "distance_km": 3.0}]
TOWN = Area(0.0, 0.0, 8000.0, 6000.0)


def a_run(duration_h=48.0, start=datetime(2024, 8, 1, 6)):
    return SimpleNamespace(start=start, duration_h=duration_h)


def process(**settings):
    return Shelling(sources=[{"kind": "process", "share_near_people": 1, "events_per_day": 300, **settings}])


def same_bits(a, b):
    return all(np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.name != "report")


def test_impacts_are_sorted_lie_on_the_map_and_within_the_run():
    impacts = shell(process(), TOWN, a_run(), 3)
    assert len(impacts) > 300
    assert (np.diff(impacts.time_s) >= 0).all()
    assert impacts.time_s[0] >= 0 and impacts.time_s[-1] < 48 * 3600
    assert TOWN.contains(impacts.x_m, impacts.y_m).all()
    assert (impacts.time_s.dtype, impacts.size.dtype, impacts.cluster.dtype) == (np.float64, np.int8, np.int32)


def test_every_row_names_the_first_row_of_its_cluster():
    impacts = shell(process(), TOWN, a_run(), 3)
    rows = np.arange(len(impacts))
    assert (impacts.cluster <= rows).all()
    assert (impacts.cluster[impacts.cluster] == impacts.cluster).all()
    assert 0.3 < (impacts.cluster < rows).mean() < 0.7  # half are aftershocks at branching ratio 0.5


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first = shell(process(), TOWN, a_run(), 3)
    assert same_bits(first, shell(process(), TOWN, a_run(), 3))
    assert not np.array_equal(first.time_s, shell(process(), TOWN, a_run(), 4).time_s)


def digest(impacts):
    columns = (impacts.time_s, impacts.x_m, impacts.y_m, impacts.size, impacts.cluster)
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


@pytest.mark.parametrize("n_threads", ["1", "2"])
def test_impacts_do_not_depend_on_the_number_of_threads_or_on_the_process_that_draws_them(n_threads):
    code = "import test_hazard as t; print(t.digest(t.shell(t.process(), t.TOWN, t.a_run(), 3)))"
    here = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": here, "NUMBA_NUM_THREADS": n_threads, "OMP_NUM_THREADS": n_threads}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert found.stdout.decode().strip() == digest(shell(process(), TOWN, a_run(), 3))


def test_a_longer_run_sees_the_same_impacts_until_the_shorter_one_ends():
    short, long = shell(process(), TOWN, a_run(13.5), 3), shell(process(), TOWN, a_run(400), 3)
    shared = long.between(0, 13.5 * 3600)
    for name in ("time_s", "x_m", "y_m", "size", "cluster"):
        assert np.array_equal(getattr(long, name)[shared], getattr(short, name))
    assert short.n_after > 0


def test_a_run_that_starts_a_day_later_sees_the_same_days():
    early = shell(process(warm_up_h=72), TOWN, a_run(48), 3)
    late = shell(process(warm_up_h=96), TOWN, a_run(24, datetime(2024, 8, 2, 6)), 3)
    rows = early.between(24 * 3600, 48 * 3600)
    np.testing.assert_allclose(early.time_s[rows] - 24 * 3600, late.time_s, atol=1e-5)
    assert np.array_equal(early.x_m[rows], late.x_m)


def test_the_order_of_sources_and_of_their_rows_does_not_matter_to_what_falls():
    rng = np.random.default_rng(1)
    columns = [rng.uniform(0, 1000, 50), *rng.uniform(0, 6000, (2, 50)), rng.integers(0, 3, 50), np.arange(50)]
    columns[0][:5] = 7.0
    order = rng.permutation(50)
    one = gather([Events(*columns)], TOWN, 0.0, 900.0)
    two = gather([Events(*(column[order] for column in columns))], TOWN, 0.0, 900.0)
    assert same_bits(one, two)


def test_the_sum_of_two_sources_is_both():
    a = {"kind": "process", "share_near_people": 1, "events_per_day": 200}
    b = {"kind": "process", "share_near_people": 1, "events_per_day": 100}
    both = shell(Shelling(sources=[a, b]), TOWN, a_run(), 5)
    alone = shell(Shelling(sources=[a]), TOWN, a_run(), 5)
    assert np.isin(alone.time_s, both.time_s).all()
    assert 1.2 < len(both) / len(alone) < 1.9
    twins = shell(Shelling(sources=[a, a]), TOWN, a_run(), 5)
    assert np.unique(twins.time_s).size == len(twins)  # two sources never share their luck


def test_events_outside_the_map_before_and_after_the_run_are_counted_and_left_out():
    events = Events(
        np.array([-1.0, 0.0, 5.0, 9.0, 10.0, 5.0]),
        np.array([1.0, 1.0, 1.0, 1.0, 1.0, 9000.0]),
        np.ones(6),
        np.zeros(6, np.int8),
        np.array([0, 0, 0, 1, 1, 2]),
    )
    impacts = gather([events], TOWN, 0.0, 10.0)
    assert impacts.time_s.tolist() == [0.0, 5.0, 9.0]
    assert (impacts.n_before, impacts.n_after, impacts.n_outside_area) == (1, 1, 1)
    assert impacts.cluster.tolist() == [0, 0, 2]
    assert any("outside the map" in line for line in impacts.report)


def test_clusters_of_two_sources_stay_apart():
    one = Events(np.array([1.0, 3.0]), np.ones(2), np.ones(2), np.zeros(2, np.int8), np.array([0, 0]))
    other = Events(np.array([2.0, 4.0]), np.ones(2), np.ones(2), np.zeros(2, np.int8), np.array([0, 0]))
    assert gather([one, other], TOWN, 0.0, 10.0).cluster.tolist() == [0, 1, 0, 1]


def test_no_source_and_a_rate_of_zero_mean_that_nothing_falls():
    assert len(shell(Shelling(), TOWN, a_run(), 1)) == 0
    assert len(shell(process(events_per_day=0), TOWN, a_run(), 1)) == 0
    assert len(Impacts.none()) == 0 and Impacts.none().between(0, 9) == slice(0, 0)


def test_between_takes_its_start_and_leaves_its_end_so_that_steps_share_no_impact():
    impacts = shell(process(), TOWN, a_run(), 3)
    steps = [impacts.between(t, t + 60) for t in range(0, 48 * 3600, 60)]
    assert sum(s.stop - s.start for s in steps) == len(impacts)
    t = impacts.time_s[4]
    assert impacts.between(t, t + 1e-9).start == 4 and impacts.between(0, t).stop == 4


def test_the_start_is_local_unless_it_says_otherwise():
    local = shell(process(), TOWN, a_run(start=datetime(2024, 8, 1, 6)), 3)
    universal = shell(process(), TOWN, a_run(start=datetime(2024, 8, 1, 3, tzinfo=UTC)), 3)
    assert same_bits(local, universal)


def test_degrees_on_a_map_without_reference_system_are_refused_with_the_change_to_make():
    zones = [{"west": 37.1, "south": 48.2, "east": 37.2, "north": 48.3, "weight": 2}]
    with_plane = Area.around(*_pokrovsk(), 3000, "EPSG:32637")
    assert len(shell(process(zones=zones), with_plane, a_run(), 1)) > 0
    with pytest.raises(ScenarioError, match="Give x_m and y_m"):
        TOWN.plane([37.1], [48.2], "zones")


def _pokrovsk():
    return Area.around([0.0], [0.0], crs="EPSG:32637").plane([37.18], [48.28], "test")


def test_area_of_streets_reaches_past_the_outermost_streets_of_the_file():
    streets = SimpleNamespace(extent_m=(10.0, 0.0, 50.0, 20.0), crs="")
    area = Area.of_streets(streets, margin_m=100.0)
    assert (area.west_m, area.south_m, area.east_m, area.north_m) == (-90.0, -100.0, 150.0, 120.0)


@pytest.mark.parametrize("shelling", [{"events_per_day": 240}, {"background_per_km2_day": 20}])
def test_a_plan_with_one_more_exit_sees_the_same_impacts_though_more_of_the_file_is_kept(tmp_path, shelling):
    graph = read_graph(load("tiny_town").streets.network)
    town = {axis: [float(place[axis]) for _, place in graph.nodes(data=True)] for axis in "xy"}
    for node, east in (("far", 0.01), ("farther", 0.02)):
        graph.add_node(node, x=max(town["x"]) + east, y=max(town["y"]) + east)
    graph.add_edge("far", "farther", highway="residential")
    graph.add_edge("farther", "far", highway="residential")
    nx.write_graphml(graph, tmp_path / "town.graphml")
    keys = {"streets.network": tmp_path / "town.graphml", "run.duration_h": 24.0, "front.distances": FRONT}
    keys["shelling.sources"] = [{"kind": "process", "share_near_people": 1, **shelling}]
    exits = [exit_.model_dump() for exit_ in load("tiny_town").streets.exits]
    plan = load("tiny_town", {**keys, "streets.exits": [*exits, {"node": "farther"}]})
    as_it_is, with_one_more = EvacuationModel(load("tiny_town", keys)), EvacuationModel(plan)
    assert len(with_one_more.streets.exit_name) == len(as_it_is.streets.exit_name) + 1
    assert len(as_it_is.impacts) > 50 and same_bits(with_one_more.impacts, as_it_is.impacts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"branching_ratio": 1.0}, "choose a value below 0.99"),
        ({"branching_ratio": 2.0}, "without end"),
        ({"events_per_day": None}, "only one of them"),
        ({"background_per_km2_day": 2}, "only one of them"),
        ({"day_profile": (1.0,) * 23}, "give 24"),
        ({"day_profile": (0.0,) * 24}, "not all 0"),
        ({"size_shares": (0.5, 0.2, 0.2)}, "sum to 1"),
        ({"ramp": [{"day": date(2024, 8, 2), "factor": 1}, {"day": date(2024, 8, 1), "factor": 1}]}, "increase"),
        ({"zones": [{"west": 2, "east": 1, "south": 0, "north": 1, "weight": 1}]}, "east must exceed west"),
        ({"spred_m": 3}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        process(**change)


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ValidationError, match="Europe/Kyiv"):
        Shelling(time_zone="Donbas")


def test_impacts_fall_on_the_built_up_area_and_its_margin_and_as_many_a_day_as_stated():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 24.0 * 30})
    impacts, town = model.impacts, model.area
    near = town.is_built_up(impacts.x_m, impacts.y_m, 300.0)
    further = town.is_built_up(impacts.x_m, impacts.y_m, 600.0)
    # events set off by others spread by 150 m, and squares at the edge are taken whole: few fall a little further out
    assert near.mean() > 0.85 and further.mean() > 0.98
    assert len(impacts) / 30 == pytest.approx(240, rel=0.05)


def test_the_rate_of_impacts_on_homes_does_not_depend_on_how_much_empty_land_the_map_shows(tmp_path):
    graph = read_graph(load("tiny_town").streets.network)
    graph.add_node("far", x=-32.9, y=45.08)
    near = max(graph.nodes, key=lambda n: float(graph.nodes[n]["x"]) if n != "far" else -99.0)
    graph.add_edge(near, "far", highway="primary")
    graph.add_edge("far", near, highway="primary")
    nx.write_graphml(graph, tmp_path / "wide.graphml")
    keys = {"run.duration_h": 24.0 * 20}
    maps = [
        EvacuationModel("tiny_town", **keys, **more) for more in ({}, {"streets.network": tmp_path / "wide.graphml"})
    ]
    width_m = [m.area.east_m - m.area.west_m for m in maps]
    assert width_m[1] > 1.5 * width_m[0]
    on_town = [m.area.is_built_up(m.impacts.x_m, m.impacts.y_m, 300.0).sum() for m in maps]
    assert on_town[1] == pytest.approx(on_town[0], rel=0.1)


def test_one_count_of_impacts_is_told_before_the_run_and_on_the_map_of_it(tmp_path):
    scenario = load("tiny_town", {"run.duration_h": 2.0})
    told = next(line for line in overview(scenario) if line.startswith("shelling"))
    run = open_run(EvacuationModel(scenario).run().save(tmp_path))
    legend = " ".join(text.get_text() for text in map_of_run(run).findobj(Text))
    n = re.search(r"([\d,]+) impacts", told)[1]
    assert f"Impacts: {n}" in legend


def test_the_hours_of_the_day_follow_the_recorded_alerts():
    folder = os.environ.get("SAFEPASSAGE_DATA")
    if folder is None:
        pytest.skip("SAFEPASSAGE_DATA is not set: the record of air-raid alerts is not part of the project")
    alerts = pd.read_csv(Path(folder) / "conflict" / "air_raid_alerts_donetsk_2022_2024.csv")
    hour = pd.to_datetime(alerts.started_utc, utc=True).dt.tz_convert("Europe/Kyiv").dt.hour
    counts = np.bincount(hour, minlength=24)
    assert np.allclose(ALERTS_BY_HOUR, counts / counts.mean(), atol=0.006)
    assert ShellingProcess(events_per_day=1).day_profile == ALERTS_BY_HOUR
