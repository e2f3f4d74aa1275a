"""States of the past: copied by who steps, written by a thread of their own."""

import numpy as np
import pytest

from safepassage.app import past
from safepassage.app.past import States
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.state.state_file import taken


@pytest.fixture
def model():
    return EvacuationModel("tiny_town", **{"run.duration_h": 1})


@pytest.fixture
def states():
    kept = States()
    yield kept
    kept.close()


def test_a_state_taken_apart_is_that_of_its_moment_however_far_the_model_has_gone_on(model, tmp_path):
    for _ in range(20):
        model.step()
    apart, at_once = taken(model, apart=True), model.save_state(tmp_path / "at_once.npz")
    for _ in range(20):
        model.step()
    later = apart.write(tmp_path / "later.npz")
    with np.load(at_once) as one, np.load(later) as other:
        assert one.files == other.files
        assert all(one[name].tobytes() == other[name].tobytes() for name in one.files)


def test_a_state_still_being_written_is_waited_for_when_it_is_wanted(model, states):
    states.keep([model], lambda which: f"note {which}", always=True)
    paths, notes = states.latest(0.0)
    assert EvacuationModel.from_state(paths[0]).time_s == 0.0 and notes == ["note 0"]


def test_a_state_that_cannot_be_written_is_told_of_and_an_earlier_one_serves(model, states, monkeypatch):
    states.keep([model], lambda which: None, always=True)
    states.latest(0.0)

    def refuse(*given):
        raise ScenarioError("the disk is full")

    monkeypatch.setattr(past, "_write", refuse)
    model.step()
    states.keep([model], lambda which: None, always=True)
    paths, _ = states.latest(model.time_s)
    assert EvacuationModel.from_state(paths[0]).time_s == 0.0
    assert states.problem == "the disk is full"
    states.forget_after(0.0)
    assert states.latest(model.time_s)[0] == paths
