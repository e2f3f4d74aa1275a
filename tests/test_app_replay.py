"""A recorded run played from its tables says what the run said."""

import json
import shutil

import numpy as np
import pytest
from service_towns import ADULT, POINT, fleet, town_of

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode
from safepassage.app.scenes.replay import Recording
from safepassage.app.scenes.scene import ROW_COLUMNS, Kind, LiveScene
from safepassage.app.told.explain import Explainer
from safepassage.app.told.replay_explain import ReplayExplainer
from safepassage.app.told.saying import persons
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load

ACTED = {
    "run.duration_h": 2, "run.record_every_s": 60, "harm.casualty_scale": 5.0,
    "closures.exits": [{"name": "South road", "from_h": 1.2, "until_h": 1.6}],
    "closures.streets": [{"between": ["20", "21"], "from_h": 0.5, "until_h": 1.5}],
}  # fmt: skip


SERVED = {
    "run.duration_h": 3, "run.record_every_s": 300, "run.record_positions_every_s": 300, "harm.casualty_scale": 5.0,
    "population.p_car": 0.5, "streets.exits.0.flow_capacity_per_s": 0.005, "movement.walk_out_limit_m": 0,
    "shelling.sources.0.events_per_day": 2000,
    "front.distances": [{"day": "2024-08-01", "distance_km": 6.0}, {"day": "2024-08-02", "distance_km": -6.0}],
    "shelters.share_who_go": 1.0, "shelters.walking_distance_m": 2000,
    "shelters.places": [
        {"name": "School", "capacity": 300, "longitude_deg": -33.0, "latitude_deg": 45.0},
        {"name": "Cellar", "capacity": 50, "longitude_deg": -32.995, "latitude_deg": 45.003},
    ],
    "closures.shelters": [{"name": "Cellar", "from_h": 1.5}],
    "services.pickup_points": [
        {"name": "Square", "longitude_deg": -33.0, "latitude_deg": 45.001,
         "hours": [{"from_time": "06:00", "until_time": "08:00"}]},
        {"name": "Mill", "longitude_deg": -32.996, "latitude_deg": 44.996},
    ],
    "services.fleets": [{"name": "Bus", "n_vehicles": 2, "seats": 20, "hub_time_s": 600}],
}  # fmt: skip
"""A front that reaches the town, zones, shelters, stops with hours, exits, impacts."""
MOMENTS_S = (0.0, 1500.0, 3600.0, 6300.0, 8700.0, 10800.0)


def moment(recording, time_s):
    """Let a recording stand at a moment and return its picture."""
    recording.model = type("Moment", (), {"time_s": time_s})()
    return recording.picture(0, 0.0, is_new=True)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    model = EvacuationModel("tiny_town", **ACTED)
    scene = LiveScene(model)
    while model.running:
        model.step()
        scene.note_row()
    return scene, Recording(model.save(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A town with all that a map can show: its scene, the live pictures of MOMENTS_S, and its recorded run."""
    model = EvacuationModel("tiny_town", **SERVED)
    scene = LiveScene(model)
    pictures = {0.0: scene.picture(0, 0.0, is_new=True)}
    while model.running:
        model.step()
        if model.time_s in MOMENTS_S:
            pictures[model.time_s] = scene.picture(0, 0.0, is_new=True)
    return scene, pictures, Recording(model.save(tmp_path_factory.mktemp("served")))


@pytest.mark.parametrize("time_s", MOMENTS_S)
def test_the_replay_s_picture_of_a_moment_is_the_live_one(served, time_s):
    _, pictures, recording = served
    live, played = pictures[time_s], moment(recording, time_s)
    for part in ("exits", "shelters", "front", "impacts", "homes", "kind"):
        np.testing.assert_array_equal(getattr(played, part), getattr(live, part), err_msg=part)
    away_m = np.abs(played.points.astype(float) - live.points) * recording.frame.side_m / 65535
    assert (away_m <= 0.3).all(), "the table keeps places as float32"


def test_the_pictures_compared_hold_all_that_can_be_drawn_and_it_changes(served):
    scene, pictures, _ = served
    last = pictures[MOMENTS_S[-1]]
    assert all(len(picture.front) for picture in pictures.values()) and len(last.impacts) > 100
    assert not np.array_equal(pictures[0.0].front, last.front) and last.exits[:, 0].sum() > 0
    there = np.array([picture.shelters for picture in pictures.values()])
    assert (there[:, :, 0].max(axis=0) > 0).all(), "everywhere somebody was inside or waited"
    assert (there[:, [1, 2], 1].min(axis=0) == 0).all() and (there[0, :, 1] == 1).all(), (
        "one closed on purpose, one by hours"
    )
    assert len(scene.model.zones.name) == 3
    drawn = np.concatenate([picture.kind for picture in pictures.values()])
    assert {Kind.CAR, Kind.CAR_STANDING, Kind.WALK, Kind.BUS} <= set(drawn.tolist())


def test_nobody_is_drawn_at_a_moment_at_which_nobody_was_under_way(served):
    _, _, recording = served
    recorded_s = recording.run.frame("trajectories")["time_s"].unique()
    first_s = float(recorded_s.min())
    assert first_s > 300 and len(moment(recording, first_s - 1).points) == 0 < len(moment(recording, first_s).points)


def test_the_replay_s_town_is_the_live_one(served):
    scene, _, recording = served
    (live, _), (played, _) = scene.town(), recording.town()
    for part in ("zones", "shelters", "exits", "side_m", "curfew", "start"):
        assert played[part] == live[part], part
    assert played["zones"][0]["rings"] and len(played["shelters"]) == 4


def test_a_front_given_by_areas_is_recorded_as_it_was_drawn(tmp_path):
    def area(day, west_deg):
        ring = [[west_deg, 44.9], [-32.5, 44.9], [-32.5, 45.1], [west_deg, 45.1], [west_deg, 44.9]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        return {"type": "Feature", "properties": {"date": day}, "geometry": shape}

    days = (("2024-07-01", -32.7), ("2024-08-01", -32.95), ("2024-08-02", -32.99), ("2024-09-01", -33.1))
    path = tmp_path / "front.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [area(*day) for day in days]}))
    model = EvacuationModel("tiny_town", **{"front.polygons_file": str(path), "run.duration_h": 1.5})
    scene = LiveScene(model)
    pictures = [scene.picture(0, 0.0, is_new=True)]
    model.run()
    pictures.append(scene.picture(0, 0.0, is_new=False))
    recording = Recording(model.save(tmp_path / "runs"))
    path.unlink()
    assert len(recording.run.frame("front")) == 2, "the dates about the run are enough"
    for picture in pictures:
        assert len(picture.front) > 10
        np.testing.assert_array_equal(moment(recording, picture.time_s).front, picture.front)
    assert not np.array_equal(pictures[0].front, pictures[1].front)


def test_clicks_tell_what_was_recorded_of_the_moment_shown(served):
    scene, _, recording = served
    explainer, (town, _) = ReplayExplainer(recording), recording.town()
    for time_s in (1500.0, 5820.0):
        moment(recording, time_s)
        inside, waiting = (moment(recording, time_s).shelters[row, 0] for row in (1, 2))
        shelter, stop = (explainer.at(*town["shelters"][row]["xy"], 100.0, can_act=False) for row in (1, 2))
        assert shelter["title"] == "Shelter: Cellar" and stop["title"] == "Pickup point: Square"
        assert shelter["lines"][0] == ["inside", f"{inside} of 50"]
        assert stop["lines"][0][1] == ("1 person" if waiting == 1 else f"{waiting} people")
        assert shelter["lines"][1][1] == ("open" if time_s < 5400 else "closed or destroyed")
        assert "07:35" in stop["text"] if time_s > 5400 else "06:25" in stop["text"]
    moment(recording, 10800.0)
    zone = recording.run.frame("zones").iloc[1]
    ring = np.reshape(town["zones"][1]["rings"][0], (-1, 2))
    answer = explainer.at(*(0.9 * ring[0] + 0.1 * ring.mean(axis=0)), 1e-3, can_act=False)
    assert answer["title"] == f"Zone: {zone.zone}" and answer["actions"] == []
    told = dict(answer["lines"])
    assert told["residents"] == f"{zone.n_residents:,} people" and told["out of the area"] == f"{zone.n_safe:,} people"
    live = Explainer(scene).at(*(0.9 * ring[0] + 0.1 * ring.mean(axis=0)), 1e-3, can_act=True)
    assert live["title"] == answer["title"] and live["lines"][: len(answer["lines"])] == answer["lines"]


def test_the_charts_of_a_replay_are_those_of_the_run(both):
    scene, recording = both
    live, played = np.array(scene.rows), recording.rows
    assert played.shape == live.shape
    n_exits = len(scene.model.routes)
    for k, name in enumerate((*ROW_COLUMNS, *(f"out {i}" for i in range(n_exits)))):
        if name not in ("n_out_by_car", "n_out_on_foot"):
            np.testing.assert_allclose(played[:, k], live[:, k], rtol=1e-4, atol=1e-2, err_msg=name)
    np.testing.assert_array_equal(played[:, -n_exits:], live[:, -n_exits:])
    assert played[:, -n_exits:].max() > 0


def test_a_picture_of_a_moment_holds_what_had_happened_by_then(both):
    scene, recording = both
    picture = moment(recording, 3600.0)
    impacts = scene.model.impacts
    assert len(picture.impacts) == np.searchsorted(impacts.time_s, 3600.0)
    assert picture.rows[:, 1 + Status.SAFE].max() == scene.model.recorder.n_by_status[Status.SAFE]
    town, streets = recording.town()
    assert town["n_people"] == 2000 and len(streets) > 1000


def test_a_click_on_an_exit_of_a_replay_tells_its_numbers(both):
    scene, recording = both
    town, _ = recording.town()
    x, y = town["exits"][0]["xy"]
    n_by_then = moment(recording, 5400.0).exits[0, 0]
    answer = ReplayExplainer(recording).at(x, y, 300.0, can_act=True)
    assert answer["title"] == "Exit: North road" and answer["actions"] == []
    told = dict(answer["lines"])
    assert told["out so far"] == f"{n_by_then:,} people"
    assert told["out by the end"] == f"{scene.model.routes[0].n_persons:,} people"
    assert 0 < n_by_then < scene.model.routes[0].n_persons


def test_streets_and_exits_close_and_open_again_in_a_replay(both):
    _, recording = both
    seen = {}
    for hour in (0.4, 0.6, 1.4, 1.55, 1.7):
        picture = moment(recording, 3600.0 * hour)
        closed = recording.links.iloc[(picture.closed[:, 0] // 2).astype(int)]
        between = [{a, b} for a, b in zip(closed.upstream, closed.downstream, strict=True)]
        seen[hour] = ({"20", "21"} in between, picture.exits[1, 2])
        assert len(between) == len({frozenset(ends) for ends in between}), "each street once"
    assert seen == {0.4: (False, 1), 0.6: (True, 1), 1.4: (True, 0), 1.55: (False, 0), 1.7: (False, 1)}


HOW = (Mode.CAR.words, Mode.WALK.words)


def test_a_click_on_a_party_of_a_replay_tells_who_it_is(served):
    scene, _, recording = served
    explainer, households, vehicles = ReplayExplainer(recording), scene.model.households, scene.model.services.vehicles
    told = set()
    for time_s in recording.parties["time_s"].unique().tolist():
        points = moment(recording, time_s).points.astype(float)
        parties = recording.parties[recording.parties["time_s"] == time_s]["party"].to_numpy()
        for point in points[(np.arange(len(points)) % 9 == 0) | (parties >= len(households))]:
            answer = explainer.at(*point, 4.0, can_act=False)
            titles = {answer["title"], *(one["title"] for one in answer["also"])}
            here = parties[(np.abs(points - point) <= 4).all(axis=1)].tolist()
            names = {vehicles[party - len(households)].name for party in here if party >= len(households)}
            families = {one: households.n_members[one] for one in here if one < len(households)}
            families = {one: persons(int(n), Language("en")) for one, n in families.items()}
            right = {f"Household {party}, {how}: {n}": how for party, n in families.items() for how in HOW}
            found = titles & ({*right} | names)
            assert found, titles
            told |= {right.get(title, title) for title in found}
    assert {*HOW, "Bus 1"} <= told


def test_a_run_recorded_before_the_map_s_tables_were_kept_is_played_without_these_parts(served, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(served[2].run.path, folder)
    for name in ("zone_outlines", "front", "shelters", "shelter_states", "stop_states"):
        (folder / f"{name}.parquet").unlink()
    recording = Recording(folder)
    picture, (town, _) = moment(recording, 5700.0), recording.town()
    assert len(picture.front) == 0 and town["zones"] == [] and len(picture.impacts) > 0
    assert [place["name"] for place in town["shelters"]] == ["Square", "Mill"]
    assert picture.shelters.tolist() == [[0, 1], [0, 1]]
    explainer = ReplayExplainer(recording)
    told = dict(explainer.at(*town["shelters"][0]["xy"], 100.0, can_act=False)["lines"])
    assert "waiting" not in told and "boarded by the end" in told
    ring = np.reshape(served[2].town()[0]["zones"][1]["rings"][0], (-1, 2))
    assert explainer.at(*(0.9 * ring[0] + 0.1 * ring.mean(axis=0)), 1e-3, can_act=False) == {}


def test_a_run_recorded_before_these_tables_were_kept_is_still_played(both, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(both[1].run.path, folder)
    for name in ("street_changes", "exit_states", "casualties"):
        (folder / f"{name}.parquet").unlink()
    recording = Recording(folder)
    picture = moment(recording, 3600.0)
    closed = both[1].links[both[1].links["closed_time_s"] <= 3600.0]
    streets = {frozenset(ends) for ends in zip(closed.upstream, closed.downstream, strict=True)}
    assert len(picture.closed) == len(streets) > 0 and picture.exits[:, 2].all()
    assert np.isnan(recording.rows[:, ROW_COLUMNS.index("n_hurt_expected")]).all()


def test_a_replay_shows_pickup_points_and_tells_how_long_people_waited(tmp_path):
    given = {"services.pickup_points": [POINT], "services.fleets": [fleet()]}
    model = EvacuationModel(load(town_of([[ADULT]] * 12, node="end"), given)).run()
    recording = Recording(model.save(tmp_path))
    town, _ = recording.town()
    assert [stop["name"] for stop in town["shelters"]] == ["Square"]
    n_waiting = [int(moment(recording, 300.0 * k).shelters[0, 0]) for k in range(12)]
    assert max(n_waiting) == 12 and n_waiting[-1] < 12
    answer = ReplayExplainer(recording).at(*town["shelters"][0]["xy"], 300.0, can_act=False)
    told = dict(answer["lines"])
    assert answer["title"] == "Pickup point: Square" and "longest wait" in told
    assert told["boarded by the end"] == f"{model.services.stops[0].n_boarded} people"
