"""The town of a tab is built while its page stands already: it tells how far it is, or why it failed."""

import threading

import pytest
from processes import wait_for

from safepassage.app import building
from safepassage.app.building import Building
from safepassage.app.session import Session
from safepassage.model.settings.base import ScenarioError


class Board:
    """What a session tells its board, in order."""

    def __init__(self):
        self.__dict__["said"] = []

    def __setattr__(self, name, value):
        self.said.append((name, value))


def test_who_waits_is_told_each_stage_and_given_what_was_made(monkeypatch):
    monkeypatch.setattr(building, "LOOK_EVERY_S", 0.001)
    going_on, heard, work = threading.Event(), [], Building()

    def make(tell):
        tell("streets")
        going_on.wait(10)
        return "a town"

    def tell(stage):
        heard.append(stage)
        if stage == "streets":
            going_on.set()

    work.begin(make)
    assert work.is_under_way
    assert work.wait(tell) == "a town" and not work.is_under_way
    assert heard[-1] == "streets" and work.error == ""


@pytest.mark.parametrize(
    ("problem", "words"),
    [(ScenarioError("town.graphml: no streets"), "town.graphml: no streets"),
     (MemoryError(), "not enough memory"), (KeyError("x"), "KeyError: 'x'")],
)  # fmt: skip
def test_a_building_that_fails_tells_why_on_the_page_and_in_the_terminal(problem, words, capsys):
    def make(tell):
        raise problem

    work = Building()
    work.begin(make)
    assert work.wait(lambda stage: None) is None
    assert words in work.error and words in capsys.readouterr().err


def test_a_page_opened_before_its_town_stands_shows_it_when_it_does():
    session, board = Session("tiny_town"), Board()
    assert session.run is None and not session.is_ready
    session.building.begin(session.new_run)
    session.attach(board)
    wait_for(lambda: ("building", {"error": ""}) in board.said)
    assert {"towns", "frame"} <= {name for name, _ in board.said} and session.is_ready
    stages = {said["stage"] for name, said in board.said if name == "building" and "stage" in said}
    assert stages <= {"", "streets", "2,000 people along 198 streets"}
    session.close()


def test_a_town_that_cannot_be_built_leaves_the_page_with_the_reason_and_can_be_tried_again():
    def fail(tell):
        raise ScenarioError("gone")

    session, board = Session("tiny_town"), Board()
    whole, session.new_run = session.new_run, fail
    session.board = board
    session.build()
    wait_for(lambda: ("building", {"error": "gone"}) in board.said)
    assert not session.is_ready
    session.new_run = whole
    session.restart()
    wait_for(lambda: ("building", {"error": ""}) in board.said)
    assert session.is_ready
    session.close()
