"""One tab: what is chosen in it, its model, its pictures. Nothing is shared between tabs."""

import threading
from pathlib import Path
from time import perf_counter

from safepassage.app.actions import KINDS, Actions
from safepassage.app.choices import Choices
from safepassage.app.explain import Explainer
from safepassage.app.map import Pump
from safepassage.app.replay import Recording, Replay
from safepassage.app.replay_explain import ReplayExplainer
from safepassage.app.scene import LiveScene
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario

PLANS = Path("plans")
"""Folder, below that from which `safepassage explore` was called, that plans are saved to."""
COUNT_EVERY_S = 0.3
"""Time between two updates of Mesa's count of steps while it runs (s)."""


class Session:
    """What belongs to one tab of the page."""

    def __init__(self, scenario: str = "tiny_town", plan: str | None = None, run: str | None = None):
        self.recording = None if run is None else Recording(run)
        self.choices = Choices(scenario, plan)
        self.pump = Pump()
        self.model = None
        self.board = None
        self.is_closed = False
        self.show_count = lambda: None
        self._counts_soon = threading.Event()
        self._picked_at: tuple[int, float, float, float] | None = None

    @property
    def n_people(self) -> int:
        """Persons in the town of the model; 0 in a recorded run, which takes no steps."""
        return 0 if self.recording is not None else len(self.model.people)

    def start(self) -> "LiveModel | Replay":
        """Return a model of what is chosen, or the recorded run, from its beginning."""
        return LiveModel(session=self) if self.recording is None else Replay(session=self)

    def attach(self, board):
        """Connect the board that the browser shows."""
        self.board = board
        board.can_scrub = self.recording is not None
        self.pump.attach(board)
        self._show_acts()

    def close(self):
        """Let go of everything: the tab is closed."""
        self.is_closed = True
        if self.model is not None:
            self.model.running = False

    def stepped(self):
        """Offer a picture of the step just done; let Mesa's page count it, with all that are done until it does."""
        self.pump.offer()
        if not self._counts_soon.is_set():
            self._counts_soon.set()
            timer = threading.Timer(COUNT_EVERY_S, self._count)
            timer.daemon = True
            timer.start()

    def _count(self):
        self._counts_soon.clear()
        if not self.is_closed:
            self.show_count()
            self._tell_picked(again=True)

    def pick(self, data: dict):
        """Say what is at a place of a map."""
        self._picked_at = (int(data.get("which", 0)), *(float(data[name]) for name in ("x", "y", "r")))
        self._tell_picked(again=False)

    def _tell_picked(self, *, again: bool):
        """Tell what is at the place picked; again: as it is now, time having passed."""
        with self.pump.busy:
            if self._picked_at is None or self.board is None or self._picked_at[0] >= len(self._explainers):
                return
            which, x, y, reach = self._picked_at
            answer = self._explainers[which].at(x, y, reach, can_act=bool(self.actions) and not self._is_over())
            self.board.picked = answer | {"which": which, "again": again} if answer else {}

    def _is_over(self) -> bool:
        return self.recording is None and self.model.time_s >= self.model.duration_s

    def act(self, data: dict):
        """Do what the planner asks for, now, on the map meant; a mistake is explained on the page."""
        error, which = "", int(data.get("which", 0))
        if which >= len(self.actions):
            return
        with self.pump.busy:
            try:
                if data.get("kind") == "save":
                    path, self._saved[which] = self.actions[which].save(
                        str(data["name"]), PLANS, self.choices.overrides
                    )
                    self.choices.saved.append(str(path))
                    self.choices.tell()
                else:
                    self.actions[which].do(data)
            except (ScenarioError, OSError) as problem:
                error = str(problem)
            self._show_acts(error)
            if data.get("kind") in (*KINDS, "clear") and not error:
                self._picked_at = None
                self.board.picked = {
                    "title": "Done",
                    "text": "It holds from the next step on. Press Step or Play.",
                    "lines": [],
                    "actions": [],
                }

    def _show_acts(self, error: str = ""):
        if self.board is not None and self.actions:
            plans = [
                {"log": list(one.log), "saved": saved} for one, saved in zip(self.actions, self._saved, strict=True)
            ]
            self.board.acts = {"can_act": True, "plans": plans, "error": error}

    def scrub(self, time_s: float):
        """Go to a moment of a recorded run."""
        if self.recording is not None:
            self.model.show(time_s)
            self._tell_picked(again=True)

    def begin(self, model: "LiveModel | Replay"):
        """Show a model from its beginning."""
        self.model = model
        if self.recording is not None:
            self._explainers, self.actions = [ReplayExplainer(self.recording)], []
        else:
            self._explainers = [Explainer(scene) for scene in model.scenes]
            self.actions = [Actions(scene.model) for scene in model.scenes]
        self._saved, self._picked_at = [""] * len(self.actions), None
        self.pump.show(model.scenes)
        self._show_acts()


_prepared: list[Session] = []


def prepare(options: dict):
    """Build the first tab's model before a browser asks for it, and load all that later tabs need."""
    session = Session(**options)
    model = session.start()
    for scene in model.scenes:
        scene.town()
        scene.picture(0, 0.0, is_new=True)
    _prepared.append(session)


def take(options: dict) -> Session:
    """Return a session for a tab: the one prepared, or a new one; it has its model."""
    session = _prepared.pop() if _prepared else Session(**options)
    if session.model is None:
        session.start()
    return session


class LiveModel(EvacuationModel):
    """The model of one tab. Mesa's Reset makes a new one from the fields; a mistake in them never ends the page."""

    def __init__(self, session: Session | None = None, **kwargs):
        self.session = session
        choices = session.choices
        with session.pump.busy:
            try:
                self._build(choices.scenario(), choices.rival())
            except ScenarioError as error:
                choices.refuse(error)
                self._build(choices.scenario(), choices.rival())
            choices.started(self.settings)
            session.begin(self)

    def _build(self, scenario: Scenario, rival: Scenario | None):
        super().__init__(scenario)
        self.rival = EvacuationModel(rival) if rival is not None else None
        self.scenes = [LiveScene(model) for model in (self, self.rival) if model is not None]

    def step(self):
        """Step, and the other plan with it, unless nobody watches; then offer a picture."""
        session = self.session
        if not session.pump.wait_until_watched(lambda: session.is_closed):
            self.running = False
            return
        with session.pump.busy:
            if session.model is not self or not self.running:
                return
            began = perf_counter()
            super().step()
            if self.rival is not None:
                self.rival.step()
            session.pump.step_ms = 1000 * (perf_counter() - began)
            for scene in self.scenes:
                scene.note_row()
            session.stepped()
