"""One tab: what is chosen in it, its run, its pictures, its journal. Nothing is shared between tabs but saved plans."""

import shlex
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from safepassage.app.actions import KINDS
from safepassage.app.building import Building
from safepassage.app.choices import Choices
from safepassage.app.comparison import Comparer, plans_in
from safepassage.app.journal import Journal, Offers, acts_of
from safepassage.app.live import LiveRun
from safepassage.app.map import Pump, packed_language
from safepassage.app.player import Player
from safepassage.app.questions import Asker
from safepassage.app.scenes.overlay import Overlay
from safepassage.app.scenes.replay import Recording, Replay
from safepassage.app.told.log import EventLog, placed
from safepassage.app.told.picking import Picker
from safepassage.app.told.replay_explain import ReplayExplainer
from safepassage.app.told.saying import Told, told_in
from safepassage.collector import at_rest, let_go
from safepassage.experiments.reports.answer.language import LANGUAGES, Language
from safepassage.model.settings.base import ScenarioError

PLANS = Path("plans")
"""Folder, below that from which `safepassage explore` was called, that plans and journals are saved to."""
TELL_EVERY_S = 0.3
"""Time between two tellings of what is at the place picked and of what has happened, while time passes (s)."""
EVENTS_TOLD = 300
"""Lines of what has happened that the page shows. Assumption: nobody reads more."""
_sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()


class Session:
    """What belongs to one tab of the page."""

    def __init__(
        self, scenario: str = "tiny_town", plan: str | None = None, run: str | None = None, language: str = "en"
    ):
        """scenario, plan: what is shown first. run: folder of a finished run instead. language: in which it speaks."""
        self.say = Language(language)
        self._folder = run
        self.recording: Recording | None = None
        self.building = Building()
        self.choices = Choices(scenario, plan, PLANS)
        self.asker = Asker(PLANS)
        self.pump = Pump()
        self.player = Player(self, self.tell_player)
        self.journal = Journal(PLANS)
        self.offers = Offers(self.journal)
        self.comparer = Comparer(PLANS, self._tell_result)
        self.run: LiveRun | Replay | None = None
        self.board = None
        self.is_closed = False
        self._told_s = 0.0
        self._overlay = Overlay()
        self._told_events: list[tuple[EventLog, int]] | None = None
        self._picker = Picker()
        _sessions.add(self)

    @property
    def model(self):
        """The model of the left map; None while a recorded run is shown."""
        return self.run.models[0] if self.run is not None and self.run.models else None

    @property
    def is_recorded(self) -> bool:
        """Whether it shows the tables of a finished run."""
        return self._folder is not None

    @property
    def is_ready(self) -> bool:
        """Whether there is a run, and no other is being built in its place."""
        return self.run is not None and not self.building.is_under_way

    def start(self):
        """Begin a run of what is chosen, or the recorded one, and wait for it."""
        with self.pump.busy:
            self.player.pause()
            self._begin(self.new_run(lambda stage: None))

    @at_rest()
    def new_run(self, tell: Callable[[Told | str], None]) -> LiveRun | Replay:
        """Return a run of what is chosen; a mistake in the choices makes the last good one. tell: what is built now."""
        if self._folder is not None:
            tell(Told("reading the tables of the run"))
            self.recording = Recording(self._folder)
            return Replay(self.recording)
        choices = self.choices
        try:
            run = LiveRun(choices.scenario(), choices.rival(), tell)
        except ScenarioError as error:
            choices.refuse(error)
            run = LiveRun(choices.scenario(), choices.rival(), tell)
        choices.started(run.models[0].settings)
        return run

    def build(self, then: Callable[[], None] = lambda: None):
        """Begin to build a run of what is chosen; it is shown when it stands. then: what follows it.

        Without a board nobody can be shown how far it is, and the caller waits.
        """
        self.player.pause()
        self.building.begin(self.new_run)
        follows = self._follow(then)
        if self.board is None:
            follows.join()

    def _follow(self, then: Callable[[], None]) -> threading.Thread:
        """Show how far the building is, and the run when it stands, in a thread of this tab."""

        def follow():
            run = self.building.wait(lambda stage: self._tell_building(stage=told_in(self.say, stage)))
            if self.is_closed and run is not None:
                run.close()
            elif run is not None:
                with self.pump.busy:
                    self._begin(run)
                self.tell_player()
                then()
            self._tell_building(error=self.building.error)

        following = threading.Thread(target=follow, daemon=True)
        following.start()
        return following

    def _tell_building(self, **said: str):
        if self.board is not None:
            self.board.building = said

    def _begin(self, run: LiveRun | Replay):
        if self.run is None or self.run.duration_s != run.duration_s:
            self.player.suit(run.duration_s)
        if self.run is not None:
            self.run.close()
        self.run, self._saved = run, [""] * len(run.models)
        self._show_anew()

    def _show_anew(self):
        """Show the run as it is now: other models than before, or another moment."""
        explainers = [ReplayExplainer(self.recording)] if self.run.is_recorded else self.run.explainers
        self._picker.show(explainers, self.say)
        self.pump.show(self.run.scenes)
        self._tell_acts()
        self._tell_events()
        let_go()  # the models shown before

    def restart(self):
        """Start again with what is chosen; what was done goes into the journal, from which it can be brought back."""
        had_acts = self.run is not None and bool(self.run.acts)
        if had_acts:
            self._write_journal(before_reset=True)

        def offer():
            self.offers.after_reset(had_acts)
            self._tell_offer()

        self.build(offer)

    def attach(self, board):
        """Connect the board that the browser shows."""
        self.board = board
        self.pump.attach(board)
        self.tell_player()
        if self.run is None:
            self._follow(lambda: None)

    def speak(self, code: str):
        """Say everything in a language from now on; one that there is not is ignored."""
        if code not in LANGUAGES or code == self.say.code or self.board is None:
            return
        self.say = Language(code)
        self.board.language = packed_language(self.say)
        self.choices.tell()
        if not self.is_ready:
            return
        with self.pump.busy:
            self._picker.speak(self.say)
            self._tell_picked(again=False, is_restated=True)
            self._told_events = None
            self._tell_acts()
            self._tell_events()

    def close(self):
        """Let go of everything: the tab is closed."""
        self.is_closed = True
        self.comparer.stop()
        self.player.pause()
        if self.run is not None:
            self.run.close()

    def hello(self, tab: str):
        """Know the tab by the name that its browser keeps over a reload; offer to go on with what it did."""
        self.journal.name(tab)
        if not self.is_recorded and (self.run is None or (not self.run.acts and self.run.time_s == 0)):
            self.offers.after_reload()
            self._tell_offer()

    def _tell_offer(self):
        if self.board is not None:
            self.board.offer = self.offers.told()

    def answer(self, *, go_on: bool):
        """Go on with what the journal holds, or leave it."""
        found = self.offers.take()
        if found is not None and not go_on:
            self.journal.drop(before_reset=True)
        elif found is not None:
            try:
                self.choices.take_over(found["chosen"])
                acts = acts_of(found)
            except ScenarioError as error:
                self._tell_acts(self.say("The journal cannot be gone on with: {error}", error=error))
            else:
                self.build(lambda: self._resume(acts, float(found["time_s"])))
        self._tell_offer()

    def _resume(self, acts: list[dict], time_s: float):
        with self.pump.busy:
            self.run.resume(acts)
            self._tell_acts()
        if time_s > 0:
            self.player.play(to_s=time_s)

    def _write_journal(self, *, before_reset: bool = False):
        if not self.run.is_recorded and (self.run.acts or self.run.time_s > 0 or self.choices.overrides):
            self.journal.write(
                self.choices.chosen(), self.run.time_s, self.run.described_acts(), before_reset=before_reset
            )

    def stepped(self):
        """Offer a picture of the present; now and then tell in words what has changed. For who holds the model."""
        self.pump.step_ms = self.run.step_ms
        self._picker.note()
        self.pump.offer()
        if monotonic() - self._told_s > TELL_EVERY_S:
            self.rests()

    def rests(self):
        """Tell in words how things stand. Called by who holds the model."""
        self._told_s = monotonic()
        self._tell_picked(again=True)
        self._tell_events()
        self._tell_overlay()
        if not self.player.is_playing:
            self._tell_acts()
            self._write_journal()

    def tell_player(self):
        """Let the board show whether time passes, how fast, and how far a run without pictures has come."""
        if self.board is not None:
            self.board.player = self.player.state()

    def _tell_events(self):
        """Tell what has happened last, if it is more than was told."""
        now = [(log, log.n_noted) for log in self.run.logs]
        if self.board is not None and now != self._told_events:
            self._told_events = now
            self.board.happened = [
                [placed(event, scene.frame, self.say) for event in log.events[-EVENTS_TOLD:]]
                for log, scene in zip(self.run.logs, self.run.scenes, strict=False)
            ]

    def overlay(self, name: str, value: Any):
        """Show something over the maps. name: `layer` or `difference` of `Overlay`. value: which, or whether."""
        getattr(self._overlay, f"show_{name}")(value)
        self._tell_overlay()

    def _tell_overlay(self):
        if self.board is not None:
            with self.pump.busy:
                self._overlay.tell(self.board, self.run)

    def find_household(self, text: str):
        """Pick the home of the household of a number, on the left map."""
        number = text.strip()
        if self.run.is_recorded or not number.isdigit() or int(number) >= len(self.model.households):
            return
        households, frame = self.model.households, self.run.scenes[0].frame
        x, y = frame.scale(*([at[int(number)]] for at in (households.home_x_m, households.home_y_m)))[0].tolist()
        self.board.found = [x, y]
        self._picker.household(int(number))
        self._tell_picked(again=False)

    def pick(self, data: dict):
        """Say what is at a place of a map."""
        self._picker.place(data)
        self._tell_picked(again=False)

    def _tell_picked(self, *, again: bool, is_restated: bool = False):
        """Tell what is picked. again: as it is now, time having passed. is_restated: in another language."""
        with self.pump.busy:
            answer = self._picker.answer(again=again, can_act=bool(self.run.actions) and not self.run.is_over)
            if answer is not None and self.board is not None:
                self.board.picked = answer | {"is_restated": is_restated}

    def act(self, data: dict):
        """Do what the planner asks for, now, on the map meant; a mistake is explained on the page."""
        error, which = "", int(data.get("which", 0))
        if which >= len(self.run.actions):
            return
        with self.pump.busy:
            try:
                if data.get("kind") == "save":
                    self._save(which, str(data["name"]))
                elif data.get("kind") == "undo":
                    self.run.undo(int(data["number"]))
                    self._show_anew()
                else:
                    self.run.do(which, data)
            except (ScenarioError, OSError) as problem:
                error = str(problem)
            self._tell_acts(error)
            self._write_journal()
            if data.get("kind") in (*KINDS, "zone", "clear") and not error and self.board is not None:
                self._picker.done()
                self._tell_picked(again=False)

    def _save(self, which: int, name: str):
        _, self._saved[which] = self.run.actions[which].save(name, PLANS, self.choices.overrides)
        for session in list(_sessions):
            session.choices.tell()

    def compare(self, seeds: int):
        """Compare the plans that are shown, with what was done in them, under many seeds, in the background."""
        try:
            if self.run.is_recorded:
                raise ScenarioError("a recorded run cannot be compared.")
            plans = plans_in(self.run.actions)
            self.comparer.start(self.choices.name, plans, self.choices.unlevered(), seeds, self.say)
        except (ScenarioError, OSError) as error:
            self._tell_result({"running": False, "error": str(error)})

    def _tell_result(self, shown: dict):
        if self.board is not None:
            self.board.result = shown

    def export_run(self, which: int):
        """Save the tables of a run as far as it has come, and say where."""
        if which < len(self.run.models):
            try:
                with self.pump.busy:
                    path = self.run.models[which].save(PLANS / "runs")
                command = shlex.join(["safepassage", "explore", str(path)])
                said = self.say("Saved to {path}. To play it: {command}", path=path, command=command)
            except (ScenarioError, OSError) as error:
                said = str(error)
            self.board.exported = said

    def _tell_acts(self, error: str = ""):
        if self.board is None or not self.run.actions:
            return
        told = self.run.told_acts(self.say, self._saved)
        self.board.acts = {"can_act": True, "error": error, **told}

    def go_to(self, time_s: float):
        """Show another moment: a state kept before it is taken up and lived on from, without drawing."""
        self.player.pause()
        run = self.run
        with self.pump.busy:
            time_s = min(max(time_s, 0.0), run.duration_s)
            if time_s < run.time_s or run.is_recorded:
                run.back_to(time_s)
                if run.is_recorded:
                    self.stepped()
                else:
                    self._show_anew()
        if run.time_s < time_s:
            self.player.play(to_s=time_s)
        else:
            self.rests()


_prepared: list[Session] = []


def prepare(options: dict):
    """Begin to build the first tab's run before a browser asks for it."""
    session = Session(**options)
    session.building.begin(session.new_run)
    _prepared.append(session)


def take(options: dict) -> Session:
    """Return a session for a tab: the one prepared, or a new one; its run stands or is being built."""
    if _prepared:
        return _prepared.pop()
    session = Session(**options)
    session.building.begin(session.new_run)
    return session
