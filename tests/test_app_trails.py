"""The way of a household on the map: what it has gone, and what it plans."""

import numpy as np
import pytest

from safepassage.agents.parties import Mode
from safepassage.app.scenes.replay import Recording, Replay
from safepassage.app.scenes.scene import LiveScene
from safepassage.app.told.explain import Explainer
from safepassage.app.told.picking import Picker, told_of
from safepassage.app.told.replay_explain import ReplayExplainer
from safepassage.app.told.trails import cut
from safepassage.experiments.reports.answer.language import ENGLISH
from safepassage.model.evacuation import EvacuationModel


@pytest.fixture(scope="module")
def watched():
    """A run of which every household was looked at from the start, and the first plan of each."""
    model = EvacuationModel("tiny_town", **{"run.record_positions_every_s": 60, "run.duration_h": 3})
    explainer = Explainer(LiveScene(model))
    everybody = list(range(len(model.households)))
    explainer.trails.watch(everybody)
    planned = [explainer.trails.planned(row) for row in everybody]
    assert model.movement.ways.of[Mode.CAR].stale.any(), "to look ahead builds no table of the model"
    while model.running:
        model.step()
        explainer.trails.note()
    return explainer, planned


def test_the_way_of_whoever_is_out_is_whole_from_home_to_exit(watched):
    explainer, planned = watched
    model, streets = explainer.model, explainer.model.streets
    arrived = np.flatnonzero((model.parties.exit >= 0) & np.isfinite(model.parties.arrival_time_s))
    gone = [links for row in arrived if (links := explainer.trails._gone[row])]
    assert len(gone) > 100
    for links in gone:
        assert (streets.link_downstream[links[:-1]] == streets.link_upstream[links[1:]]).all()
        assert streets.link_downstream[links[-1]] in streets.exit_node
    as_planned = [explainer.trails._gone[row] == planned[row] for row in arrived]
    assert np.mean(as_planned) > 0.5, "most go as the table had it at the start"


def test_a_household_under_way_shows_a_line_behind_and_one_ahead_that_meet(watched):
    explainer, _ = watched
    model = explainer.model
    row = next(row for row in np.flatnonzero(model.parties.is_on_way) if len(explainer.trails._gone[row]) > 1)
    way, lines = explainer.household(row)["way"], dict(explainer.household(row)["lines"])
    assert way["gone"][-2:] == way["ahead"][:2], "they meet where it is"
    assert "km, to " in lines["way ahead"] and "km" in lines["way so far, since you look at it"]


def test_who_was_clicked_under_way_is_told_on_after_it_has_moved(watched):
    explainer, _ = watched
    picker, model = Picker(), explainer.model
    picker.show([explainer], ENGLISH)
    row = int(np.flatnonzero(model.parties.is_on_way & (model.parties.vehicle < 0))[0])
    x, y = explainer.party(row)["mark"]["xy"]
    picker.place({"x": x, "y": y, "r": 300.0})
    first = [one["title"] for one in told_of(picker.answer(again=False, can_act=False)) if "party" in one]
    picker._ask = lambda can_act: {}  # it has moved on: nothing is left at the place
    again = [one["title"] for one in told_of(picker.answer(again=True, can_act=False))]
    assert first and again == first


def test_a_recorded_run_shows_the_places_kept_of_a_household(watched, tmp_path):
    recording = Recording(watched[0].model.save(tmp_path))
    replay = Replay(recording)
    explainer = ReplayExplainer(recording)
    row = int(recording.parties["party"].value_counts().index[0])
    times_s = recording.parties["time_s"][recording.parties["party"] == row]
    recording.model.time_s = float(times_s.median())
    explainer.trails.watch([row])
    way = explainer.party(row)["way"]
    assert replay and len(way["gone"]) + len(way["ahead"]) == 2 * (len(times_s) + 1), "the place of now is in both"


@pytest.mark.parametrize(("is_before", "expected"), [(True, [[0, 0], [2, 0]]), (False, [[2, 0], [4, 0], [4, 4]])])
def test_a_line_is_cut_where_somebody_stands(is_before, expected):
    line = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]])
    assert cut(line, (2.0, 1.0), is_before=is_before).tolist() == expected
