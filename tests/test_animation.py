import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from safepassage.cli import main as cli
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.pictures.animation import Scene, animate, places_of
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.base import ScenarioError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1.5}).run()
    return open_run(model.save(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def places(run):
    return places_of(run, 120.0)


@pytest.fixture(scope="module")
def scene(run, places):
    return Scene(run, places)


def test_a_gif_holds_the_frames_asked_for_and_reports_each(run, tmp_path):
    seen = []
    path = animate(run, tmp_path / "run.gif", n_frames=4, on_frame=lambda done, of: seen.append((done, of)))
    with Image.open(path) as picture:
        assert picture.n_frames == 4 and picture.size == (1200, 700)
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_moving_picture_never_overwrites_a_file(run, tmp_path):
    (tmp_path / "run.gif").write_text("mine")
    assert animate(run, tmp_path / "run.gif", n_frames=2).name == "run-2.gif"
    assert (tmp_path / "run.gif").read_text() == "mine"


def test_other_endings_than_gif_and_mp4_are_refused_by_name(run, tmp_path):
    with pytest.raises(ScenarioError, match=r"run\.avi.*\.gif or \.mp4"):
        animate(run, tmp_path / "run.avi")


def test_without_ffmpeg_an_mp4_is_refused_and_nothing_is_left_behind(run, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ScenarioError, match="ffmpeg"):
        animate(run, tmp_path / "run.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="the program ffmpeg is not installed")
def test_ffmpeg_writes_an_mp4_with_all_frames(run, tmp_path):
    path = animate(run, tmp_path / "run.mp4", n_frames=5)
    command = ["ffmpeg", "-i", str(path), "-f", "framecrc", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert sum(not line.startswith("#") for line in lines) == 5


def test_a_picture_given_up_half_way_leaves_no_file(run, tmp_path):
    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        animate(run, tmp_path / "run.gif", n_frames=3, on_frame=stop)
    assert not list(tmp_path.iterdir())


def test_an_impact_is_unseen_before_it_falls_and_fades_after(run, scene):
    time_s = run.frame("impacts")["time_s"].iloc[0]
    alpha = []
    for moment_s in (time_s - 1, time_s, time_s + 600, scene.end_s):
        scene.set_time(moment_s)
        alpha.append(scene.impacts.get_facecolor()[0, 3])
    assert alpha[0] == 0 and alpha[1] == 1
    assert alpha[1] > alpha[2] > alpha[3] > 0.1


def test_the_number_of_people_out_follows_the_clock(run, scene):
    series = run.frame("timeseries")
    for row in (0, len(series) // 2, len(series) - 1):
        scene.set_time(series["time_s"].iloc[row])
        assert f"\n{series['n_safe'].iloc[row]:,} out" in scene.clock.get_text()
    assert "07:30" in scene.clock.get_text()


def test_frames_differ_and_end_with_the_whole_curve(scene):
    first, last = scene.frames(2)
    assert first.shape == last.shape == (700, 1200, 3)
    assert np.any(first != last, axis=2).mean() > 0.05
    assert scene.future.get_width() == pytest.approx(0)


def test_a_run_carried_out_again_shows_where_everybody_was(run, places, tmp_path):
    keys = {"run.duration_h": 1.5, "run.record_positions_every_s": 120}
    recorded = open_run(EvacuationModel("tiny_town", **keys).run().save(tmp_path))
    pd.testing.assert_frame_equal(places, recorded.frame("trajectories"))
    pd.testing.assert_frame_equal(places_of(recorded, 60.0), recorded.frame("trajectories"))


def test_as_many_dots_are_drawn_as_parties_are_on_the_way(run, places, scene):
    for time_s in (3600.0, 4800.0):
        scene.set_time(time_s)
        n_drawn = sum(len(artist.get_xdata()) for artist in scene.movers.values())
        assert n_drawn == (places["time_s"] == time_s).sum() > 0
    assert len(scene.movers["cars standing in a queue"].get_xdata()) < len(places)


def test_a_run_of_another_version_is_refused_with_the_way_out(run, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(run.path, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["digests"]["timeseries"] = "other"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ScenarioError, match=r"another version.*--set run\.record_positions_every_s=60"):
        animate(open_run(folder), tmp_path / "run.gif", n_frames=91)
    assert not (tmp_path / "run.gif").exists()


def test_the_command_writes_the_moving_picture_that_it_is_asked_for(run, tmp_path):
    done = CliRunner().invoke(
        cli.app, ["plot", str(run.path), "--animation", str(tmp_path / "town.gif"), "--frames", "3"]
    )
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "town.gif") as picture:
        assert picture.n_frames == 3
    assert not list(run.path.glob("*.png"))
