"""Pictures as bytes, and the pump that sends one at a time."""

from types import SimpleNamespace

import numpy as np
import pytest

from safepassage.agents.civilians import Status
from safepassage.agents.rules.walk_state import Stage
from safepassage.app import map as board_map
from safepassage.app.scenes import frames
from safepassage.app.scenes.frames import Picture
from safepassage.app.scenes.layers import packed
from safepassage.app.scenes.scene import ROW_COLUMNS, FrontLines, Kind, LiveScene
from safepassage.app.scenes.town import Frame, pack_streets
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.front import LineFront
from safepassage.model.settings.scenario import load


class Board:
    """What the pump needs of a board; keeps every picture it is given."""

    def __init__(self):
        self.frames = []

    def __setattr__(self, name, value):
        if name == "frame":
            self.frames.append(value)
        else:
            super().__setattr__(name, value)


class Scene:
    """A scene without a town."""

    def __init__(self):
        self.model = SimpleNamespace(time_s=0.0)

    def town(self):
        return {}, b""

    def picture(self, first_row, step_ms, *, is_new):
        return Picture(self.model.time_s, step_ms, np.zeros((1, 3), np.float32))


def test_a_picture_is_read_back_as_it_was_written():
    picture = Picture(
        time_s=90.0, step_ms=4.0, rows=np.arange(6, dtype=np.float32).reshape(2, 3), closed=np.array([[7]]),
        exits=np.array([[1, 2, 1]]), points=np.array([[1, 2], [3, 65535]]), kind=np.array([0, 3], np.uint8),
        party=np.array([9, 70000]), homes=np.arange(4, dtype=np.uint8),
    )  # fmt: skip
    data = frames.join([frames.pack(picture, 5, 2)] * 2)
    n, first, _ = np.frombuffer(data, "<u4", 3)
    assert n == 2 and len(data) % 8 == 0
    for start in (16, 16 + int(first)):
        head = np.frombuffer(data, frames.HEAD, 1, start)[0]
        assert (head["seq"], head["epoch"], head["time_s"], head["n_points"], head["homes_side"]) == (5, 2, 90.0, 2, 2)
        body = data[start + frames.HEAD.itemsize :]
        np.testing.assert_array_equal(np.frombuffer(body, "<f4", 6), np.arange(6))
        np.testing.assert_array_equal(np.frombuffer(body, "<u4", 4, 24), [7, 1, 2, 1])
        np.testing.assert_array_equal(np.frombuffer(body, "<u4", 2, 40), [9, 70000])
        np.testing.assert_array_equal(np.frombuffer(body, "<u2", 4, 48), [1, 2, 3, 65535])
        np.testing.assert_array_equal(np.frombuffer(body, "u1", 6, 56), [0, 1, 2, 3, 0, 3])
    assert frames.HEAD.itemsize == 56


def test_one_picture_is_in_flight_and_the_next_shows_the_present():
    pump, board, scene = board_map.Pump(), Board(), Scene()
    pump.show([scene])
    pump.attach(board)
    for time_s in (60.0, 120.0, 180.0):
        scene.model.time_s = time_s
        pump.offer()
    assert len(board.frames) == 1
    pump.ack(1)
    assert len(board.frames) == 2
    assert np.frombuffer(board.frames[1], frames.HEAD, 1, 8)[0]["time_s"] == 180.0
    pump.ack(2)
    assert len(board.frames) == 2, "nothing has changed since"


def test_the_model_waits_while_nobody_watches_and_ends_when_the_tab_is_closed(monkeypatch):
    monkeypatch.setattr(board_map, "LOST_AFTER_S", 0.0)
    pump = board_map.Pump()
    pump.attach(Board())
    asked = []

    def is_closed():
        asked.append(1)
        pump._alive.wait = lambda seconds: None
        return len(asked) > 3

    assert pump.wait_until_watched(is_closed) is False
    monkeypatch.setattr(board_map, "LOST_AFTER_S", 10.0)
    pump.ack(0)
    assert pump.wait_until_watched(lambda: False) is True


def test_everybody_under_way_is_drawn_once_and_the_rows_tell_the_recorder_s_numbers():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 2})
    scene = LiveScene(model)
    for _ in range(70):
        model.step()
        scene.note_row()
    picture = scene.picture(0, 1.0, is_new=True)
    n_moving = int((model.parties.is_on_way & (model.parties.rides_with < 0)).sum())
    assert len(picture.points) == len(picture.kind) == n_moving > 0
    assert set(picture.kind.tolist()) <= {int(k) for k in Kind}
    row = dict(zip(ROW_COLUMNS, scene.rows[-1], strict=False))
    assert row["n_safe"] == model.recorder.n_by_status[Status.SAFE] == row["n_out_by_car"] + row["n_out_on_foot"]
    assert len(scene.rows[0]) == len(ROW_COLUMNS) + 2 * len(model.routes)
    assert picture.homes.size == 180**2


def test_cars_stand_and_walkers_are_where_their_records_say():
    exits = [exit_.model_copy(update={"flow_capacity_per_s": 0.005}) for exit_ in load("tiny_town").streets.exits]
    model = EvacuationModel("tiny_town", **{"streets.exits": exits})
    for _ in range(70):
        model.step()
    driving, walking, now_s = model.movement.driving, model.movement.walking, model.time_s
    cars = np.flatnonzero(driving.view.link_of(np.arange(len(model.households))) >= 0)
    for car, stands in zip(cars, driving.view.is_standing(cars), strict=True):
        on, link = driving._traffic.vehicles[car], driving._traffic.links[driving._traffic.vehicles[car]["link"]]
        assert stands == (now_s > on["entry_s"] + max(link["free_flow_time_s"], link["length_m"] * on["s_per_m"]))
    assert driving.view.is_standing(cars).any() and not driving.view.is_standing(cars).all()
    walkers = np.flatnonzero(walking.view.link_of(np.arange(len(model.households))) >= 0)
    for later_s in (now_s, now_s + 10.0):
        for party, along_m in zip(walkers, walking.view.position(walkers, later_s)[1], strict=True):
            who = walking._on_foot.crowd.walkers[party]
            link = walking._on_foot.crowd.links[who["link"]]
            street = walking._on_foot.crowd.streets[link["street"]]
            to_go_s = who["target_s"] - (street["progress_s"] + street["pace"] * (later_s - street["updated_s"]))
            to_go_m = to_go_s * who["speed_m_s"] if who["stage"] == Stage.WALKING else 0.0
            assert along_m == np.clip(link["length_m"] - to_go_m, 0.0, link["length_m"])
    assert walkers.size > 10


def test_streets_are_sent_once_each_within_the_frame():
    streets = EvacuationModel("tiny_town").streets
    frame = Frame.around(streets.geometry_x_m, streets.geometry_y_m)
    data = pack_streets(frame, streets)
    n, n_points = np.frombuffer(data, "<u4", 2)
    assert n == np.unique(streets.link_street).size
    assert len(data) == 8 + 4 * (n + 1) + 4 * n_points + n
    first = np.frombuffer(data, "<u4", n + 1, 8)
    assert first[-1] == n_points and (np.diff(first.astype(int)) >= 2).all()


def test_the_templates_are_whole():
    text = board_map.template("board.vue", board_map.PARTS)
    assert "module.exports" in text and "/* scripts */" not in text and "http" not in text.replace("http-equiv", "")


def front_at(km):
    """A front to the east, so far from the middle of a map of 8 km; its lines as {km: points} and its arrow."""
    frame = Frame(0.0, 0.0, 8000.0)
    points = FrontLines(LineFront(np.array([0.0]), np.array([km]), 4000.0, 4000.0, np.pi / 2), frame).at(0.0)
    parts, arrows = {}, {}
    first = 0
    for i in np.flatnonzero(points[:, 1] >= 65534):
        (parts if points[i, 1] == 65535 else arrows)[points[i, 0] / 10] = points[first:i] * 8000.0 / 65535
        first = i + 1
    assert first == len(points)
    return parts, arrows


def test_the_front_and_places_equally_far_from_it_are_lines_on_the_map():
    lines, arrows = front_at(3.0)
    assert set(lines) == {0.0, 2.0, 5.0} and not arrows
    for km, points in lines.items():
        np.testing.assert_allclose(points[:, 0], 7000.0 - 1000.0 * km, atol=1.0)
        assert np.ptp(points[:, 1]) > 7900.0


def test_an_arrow_points_to_a_front_beyond_the_map():
    lines, arrows = front_at(12.0)
    assert set(lines) == {10.0, 15.0}
    assert list(arrows) == [12.0]
    assert arrows[12.0] == pytest.approx(np.array([[4000.0, 4000.0], [7200.0, 4000.0]]), abs=1.0)


def test_layers_tell_the_delay_and_the_impacts_near_each_street():
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1.5})
    scene = LiveScene(model)
    model.run()
    delay_h = scene.layers.values("delay")
    assert delay_h.sum() == pytest.approx(
        model.movement.driving.view.delay_s[: model.streets.n_town_links].sum() / 3600
    )
    near = scene.layers.values("danger")
    lead, streets, impacts = scene.lead, model.streets, model.impacts
    middle = (streets.geometry_first[lead] + streets.geometry_first[lead + 1]) // 2
    for street in (0, 7, len(lead) - 1):
        x_m, y_m = streets.geometry_x_m[middle[street]], streets.geometry_y_m[middle[street]]
        away_m = np.hypot(impacts.x_m - x_m, impacts.y_m - y_m)[impacts.time_s < model.time_s]
        assert (away_m < 250).sum() <= near[street] <= (away_m < 750).sum()
    shares, most = packed(near)
    assert most == near.max() > 0 and max(shares) == 255
