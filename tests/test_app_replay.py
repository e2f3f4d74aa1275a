"""A recorded run played from its tables says what the run said."""

import shutil

import numpy as np
import pytest
from service_towns import ADULT, POINT, fleet, town_of

from safepassage.agents.civilians import Status
from safepassage.app.replay import Recording
from safepassage.app.scene import ROW_COLUMNS, LiveScene
from safepassage.model.config import load
from safepassage.model.evacuation import EvacuationModel

ACTED = {
    "run.duration_h": 2, "run.record_every_s": 60, "harm.casualty_scale": 5.0,
    "closures.exits": [{"name": "South road", "from_h": 1.2, "until_h": 1.6}],
    "closures.streets": [{"between": ["20", "21"], "from_h": 0.5, "until_h": 1.5}],
}  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    model = EvacuationModel("tiny_town", **ACTED)
    scene = LiveScene(model)
    while model.running:
        model.step()
        scene.note_row()
    return scene, Recording(model.save(tmp_path_factory.mktemp("runs")))


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
    recording.model = type("Moment", (), {"time_s": 3600.0})()
    picture = recording.picture(0, 0.0, is_new=True)
    impacts = scene.model.impacts
    assert len(picture.impacts) == np.searchsorted(impacts.time_s, 3600.0)
    assert picture.rows[:, 1 + Status.SAFE].max() == scene.model.recorder.n_by_status[Status.SAFE]
    town, streets = recording.town()
    assert town["n_people"] == 2000 and len(streets) > 1000


def test_a_click_on_an_exit_of_a_replay_tells_its_numbers(both):
    scene, recording = both
    town, _ = recording.town()
    x, y = town["exits"][0]["xy"]
    answer = recording.at(x, y, 300.0, can_act=True)
    assert answer["title"] == "Exit: North road" and answer["actions"] == []
    assert answer["lines"][0][1] == f"{scene.model.routes[0].n_persons:,} people"


def test_streets_and_exits_close_and_open_again_in_a_replay(both):
    _, recording = both
    seen = {}
    for hour in (0.4, 0.6, 1.4, 1.55, 1.7):
        recording.model = type("Moment", (), {"time_s": 3600.0 * hour})()
        picture = recording.picture(0, 0.0, is_new=True)
        closed = recording.links.iloc[(picture.closed[:, 0] // 2).astype(int)]
        between = [{a, b} for a, b in zip(closed.upstream, closed.downstream, strict=True)]
        seen[hour] = ({"20", "21"} in between, picture.exits[1, 2])
        assert len(between) == len({frozenset(ends) for ends in between}), "each street once"
    assert seen == {0.4: (False, 1), 0.6: (True, 1), 1.4: (True, 0), 1.55: (False, 0), 1.7: (False, 1)}


def test_a_run_recorded_before_these_tables_were_kept_is_still_played(both, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(both[1].run.path, folder)
    for name in ("street_changes", "exit_states", "casualties"):
        (folder / f"{name}.parquet").unlink()
    recording = Recording(folder)
    recording.model = type("Moment", (), {"time_s": 3600.0})()
    picture = recording.picture(0, 0.0, is_new=True)
    closed = both[1].links[both[1].links["closed_time_s"] <= 3600.0]
    streets = {frozenset(ends) for ends in zip(closed.upstream, closed.downstream, strict=True)}
    assert len(picture.closed) == len(streets) > 0 and picture.exits[:, 2].all()
    assert np.isnan(recording.rows[:, ROW_COLUMNS.index("n_hurt_expected")]).all()


def test_a_replay_shows_pickup_points_and_tells_how_long_people_waited(tmp_path):
    given = {"services.pickup_points": [POINT], "services.fleets": [fleet()]}
    model = EvacuationModel(load(town_of([[ADULT]] * 12, node="end"), given)).run()
    recording = Recording(model.save(tmp_path))
    recording.model = type("Moment", (), {"time_s": 3600.0})()
    town, _ = recording.town()
    assert [stop["name"] for stop in town["shelters"]] == ["Square"]
    assert len(recording.picture(0, 0.0, is_new=True).shelters) == 1
    answer = recording.at(*town["shelters"][0]["xy"], 300.0, can_act=False)
    assert answer["title"] == "Stop: Square" and answer["lines"][0][1] == f"{model.services.stops[0].n_boarded} people"
