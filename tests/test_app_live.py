"""The run of a tab: back to earlier moments, undone acts, the journal that is lived again after a reload."""

import weakref

import pytest
from test_app_actions import busiest_street

from safepassage.app import session as sessions
from safepassage.app.choices import Choices
from safepassage.app.journal import Journal
from safepassage.app.live import LiveRun
from safepassage.app.player import FASTEST, Pace, Player
from safepassage.app.scenes.marks import BINS
from safepassage.app.session import Session
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load

CLOSE = {"kind": "exit", "name": "North road", "close": True}


@pytest.fixture(scope="module")
def scenario():
    return load("tiny_town", {"run.duration_h": 1.0})


def until(run, time_s):
    while run.time_s < time_s:
        run.step()
    return run


def told(run):
    """Return what can be seen of a run: rows of the charts, events, picture."""
    return [(scene.rows, log.events, scene.picture(0, 0.0, is_new=True).points.tolist()) for scene, log in
            zip(run.scenes, run.logs, strict=True)]  # fmt: skip


def test_an_earlier_moment_is_lived_again_bit_for_bit_with_what_was_done_after_it(scenario):
    run = until(LiveRun(scenario), 600)
    run.do(0, CLOSE)
    run.do(0, {"kind": "order", "compliance": 1.0})
    before = told(until(run, 2400))
    run.back_to(1200)
    assert 0 <= run.time_s <= 1200
    assert told(until(run, 2400)) == before
    assert [act.is_done for act in run.acts] == [True, True]
    run.close()


def test_an_act_is_undone_as_if_it_had_never_been_until_time_has_passed_it(scenario):
    plain = told(until(LiveRun(scenario), 1800))
    run = until(LiveRun(scenario), 900)
    run.do(0, CLOSE)
    run.do(0, {"kind": "street", "close": True, "between": busiest_street(run.models[0])})
    run.undo(1)
    assert [str(act.text) for act in run.acts] == ["close exit North road"]
    assert run.models[0].settings.closures.exits and not run.models[0].settings.closures.streets
    run.undo(0)
    assert told(until(run, 1800)) == plain
    run.do(0, CLOSE)
    run.step()
    with pytest.raises(ScenarioError, match="Go back to its moment"):
        run.undo(0)
    run.back_to(900)
    run.undo(0)
    assert told(until(run, 1800)) == plain
    run.close()


def test_what_was_to_come_is_given_up_by_a_new_act_before_it(scenario):
    run = until(LiveRun(scenario), 900)
    run.do(0, CLOSE)
    run.back_to(0)
    run.do(0, {"kind": "order", "compliance": 0.5})
    assert [act.data["kind"] for act in run.acts] == ["order"]
    until(run, 1200)
    assert not run.models[0].settings.closures.exits
    run.close()


def test_after_a_reload_the_journal_brings_back_moment_and_acts(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "PLANS", tmp_path / "plans")
    first = Session("tiny_town")
    first.choices.change("run.seed", 7)
    first.start()
    first.hello("tab-of-this-test")
    until(first.run, 600)
    first.act(CLOSE)
    first.player.step()
    first.rests()
    before = told(first.run)
    first.close()
    second = Session("tiny_town")
    second.start()
    second.hello("tab-of-this-test")
    assert second.offers.open is not None
    monkeypatch.setattr(second.player, "play", lambda to_s: until(second.run, to_s))
    second.answer(go_on=True)
    assert second.model.seed == 7 and told(second.run) == before
    second.close()
    other = Session("tiny_town")
    other.start()
    other.hello("another-tab-entirely")
    assert other.offers.open is None
    other.close()


def test_what_a_reset_put_aside_is_offered_until_it_is_answered_also_after_a_reload(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "PLANS", tmp_path / "plans")
    first = Session("tiny_town")
    first.start()
    first.hello("tab-of-this-test")
    first.act(CLOSE)
    first.restart()
    assert first.offers.told() == {"is_reset": True, "scenario": "tiny_town", "n": 1, "time_s": 0.0}
    first.close()
    for is_offered in (True, False):
        again = Session("tiny_town")
        again.hello("tab-of-this-test")
        assert bool(again.offers.told()) == is_offered, "left once, it is not offered again"
        again.answer(go_on=False)
        again.close()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 1, "chosen": {}, "time_s": 0, "acts": [{}]}'])
def test_a_journal_that_is_none_is_not_offered(tmp_path, text):
    journal = Journal(tmp_path)
    journal.name("../../outside")
    assert journal.read() is None
    journal.name("tab-of-this-test")
    journal.folder.mkdir()
    (journal.folder / "tab-of-this-test.json").write_text(text)
    assert journal.read() is None


def test_plans_saved_in_one_tab_are_offered_in_others_of_that_scenario_only(tmp_path):
    run = LiveRun(load("tiny_town"))
    run.do(0, CLOSE)
    path, _ = run.actions[0].save("shut", tmp_path, {})
    run.close()
    assert str(path) in Choices("tiny_town", folder=tmp_path).plans()
    assert str(path) not in Choices("coquimbo", folder=tmp_path).plans()


def test_the_speed_chosen_is_kept_and_time_lost_is_not_made_up_for(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("safepassage.app.player.perf_counter", lambda: now[0])
    pace = Pace(0.0)
    assert pace.wait_s(60.0, 60.0) == 0.0
    now[0] = 0.25
    assert pace.wait_s(120.0, 60.0) == pytest.approx(0.75)
    now[0] = 5.0
    assert pace.wait_s(180.0, 60.0) == 0.0
    assert pace.wait_s(240.0, 60.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("hours", "speed"), [(4, "10 min a second"), (48, "1 h a second"), (69 * 24, "1 day a second"), (9000, FASTEST)]
)
def test_a_run_is_first_shown_at_a_speed_at_which_it_can_be_watched_to_its_end(hours, speed):
    player = Player(None, lambda: None)
    player.suit(3600.0 * hours)
    assert player.speed == speed


def test_orders_closures_and_impacts_are_marked_on_the_bar_and_told_as_they_happen(scenario):
    run = LiveRun(scenario.override({"closures.exits": [{"name": "North road", "from_h": 0.5, "until_h": 0.7}]}))
    marks = run.scenes[0].town()[0]["marks"]
    assert [t for t, *_ in marks["orders"]] == [scenario.issued_s(order) for order in scenario.orders]
    assert marks["closures"] == [[1800.0, 0.7 * 3600, "closed: {name}", {"name": "North road"}]]
    assert len(marks["impacts"]) == BINS and sum(marks["impacts"]) == len(run.models[0].impacts)
    until(run, 3600)
    kinds = [event["kind"] for event in run.logs[0].events]
    assert kinds.count("exit") == 2 and "order" in kinds and "impact" in kinds
    told_s = [event["time_s"] for event in run.logs[0].events if event["kind"] == "order"]
    assert told_s == [scenario.issued_s(order) for order in scenario.orders], "the log and the bar agree"
    n = sum(one["text"].values.get("n", 1) for one in run.logs[0].events
            if one["kind"] == "impact")  # fmt: skip
    assert n == len(run.models[0].impacts.time_s[run.models[0].impacts.time_s < 3600])
    run.close()


def test_no_model_shown_before_stays_in_memory_after_undo_or_reset():
    session = Session("tiny_town")
    session.start()
    at_first = weakref.ref(session.model)
    session.act(CLOSE)
    session.act({"kind": "undo", "number": 0})
    after_undo = weakref.ref(session.model)
    assert at_first() is None and after_undo() is not None
    session.restart()
    assert after_undo() is None and session.model is not None
    session.close()
