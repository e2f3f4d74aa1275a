"""One tab: what is chosen in it, its model, its pictures. Nothing is shared between tabs."""

from pathlib import Path
from time import perf_counter

from safepassage.app.choices import Choices
from safepassage.app.map import Pump
from safepassage.app.scene import LiveScene
from safepassage.model.config import Scenario
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError


class Session:
    """What belongs to one tab of the page."""

    def __init__(self, scenario: str, plan: str | None = None):
        self.choices = Choices(scenario, plan)
        self.pump = Pump()
        self.model = None
        self.board = None
        self.is_closed = False

    def start(self) -> "LiveModel":
        """Return a model of what is chosen, from its beginning."""
        return LiveModel(session=self)

    def attach(self, board):
        """Connect the board that the browser shows."""
        self.board = board
        self.pump.attach(board)

    def close(self):
        """Let go of everything: the tab is closed."""
        self.is_closed = True
        if self.model is not None:
            self.model.running = False

    def pick(self, data):
        """Say what is at a place."""

    def act(self, data):
        """Act."""

    def scrub(self, time_s):
        """Go to a moment."""

    def begin(self, model: "LiveModel"):
        """Show a model from its beginning."""
        self.model = model
        self.pump.show(model.scenes)


class LiveModel(EvacuationModel):
    """The model of one tab. Mesa's Reset makes a new one from what the fields say; a mistake there never ends the page."""

    def __init__(self, session: Session | None = None, **kwargs):
        self.session = session
        choices = session.choices
        with session.pump.busy:
            try:
                self._build(choices.scenario(), choices.rival())
            except ScenarioError as error:
                choices.refuse(error)
                self._build(choices.last_good, None)
            choices.started(self.scenario)
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
            session.pump.offer()


def path_of(name_or_path: str) -> Path:
    """Return the path of a scenario or plan, absolute if it is a file."""
    path = Path(name_or_path)
    return path.resolve() if path.is_file() else path
