"""A recorded run played from its tables says what the run said."""

import numpy as np
import pytest

from safepassage.agents.civilians import Status
from safepassage.app.replay import Recording
from safepassage.app.scene import ROW_COLUMNS, LiveScene
from safepassage.model.evacuation import EvacuationModel


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    model = EvacuationModel("tiny_town", **{"run.duration_h": 2, "run.record_every_s": 60})
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
    assert np.isnan(played[:, -n_exits:]).all()


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
