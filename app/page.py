"""The page: a board that fills the window, and the scenario's fields in a drawer of it."""

import json
import os

import solara
import traitlets
from ipyvue import VueTemplate
from solara.server.kernel_context import get_current_context

from safepassage.app.choices import ALONE, AS_GIVEN
from safepassage.app.map import Board, packed_language, style, template
from safepassage.app.questions import QUESTIONS
from safepassage.app.session import Session, take

OPTIONS = "SAFEPASSAGE_EXPLORE"
"""Environment variable by which `safepassage explore` hands over what to show, as JSON."""


class Fields(VueTemplate):
    """Pickers, sliders and switches of one tab."""

    template = traitlets.Unicode(template("fields.vue", ("texts.js",))).tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, session=None, **kwargs):
        self._session = session
        super().__init__(**kwargs)
        self._tab = get_current_context()
        session.choices.on_change = self.refresh
        self.refresh()

    def refresh(self):
        """Show what is chosen now, also when another tab has saved a plan."""
        with self._tab:
            self._refresh()

    def _refresh(self):
        choices = self._session.choices
        plans = choices.plans()
        self.state = {
            "language": packed_language(self._session.say),
            "scenario": choices.name,
            "scenarios": choices.scenarios(),
            "plan": choices.plan,
            "plans": [AS_GIVEN, *plans],
            "compare": choices.compare,
            "rivals": [ALONE, AS_GIVEN, *plans],
            "groups": choices.groups(),
            "problems": choices.problems,
            "tried": choices.tried(),
            "is_changed": choices.is_changed,
            "questions": list(QUESTIONS.items()),
            "question": self._session.asker.told(self._session.say),
            "zones": list(self._session.model.zones.name) if self._session.model is not None else [],
        }

    def vue_choose(self, data):
        """Choose a scenario or plan."""
        self._session.choices.choose(str(data["kind"]), str(data["value"]))
        self.refresh()

    def vue_ask(self, data):
        """Fill in one of the questions as a plan beside."""
        picked = [str(end) for end in data.get("picked") or ()]
        self._session.asker.ask(str(data["name"]), self._session, picked)
        self.refresh()

    def vue_edit(self, data):
        """Change or drop something of what is asked."""
        self._session.asker.change(data, self._session.choices)
        self.refresh()

    def vue_change(self, data):
        """Set a value."""
        self._session.choices.change(str(data["key"]), data["value"])
        self.refresh()


@solara.component
def Workspace(session: Session):
    """The board of one tab."""
    element = Board.element(session=session)
    solara.use_effect(lambda: session.attach(solara.get_widget(element)), [])


@solara.component
def Page():
    """One tab: a session and a run of its own, let go of when the tab closes."""
    options = json.loads(os.environ.get(OPTIONS, "{}"))
    session = solara.use_memo(lambda: take(options), [])
    solara.use_effect(lambda: session.close, [])
    solara.Style(style())
    if not session.is_recorded:
        Fields.element(session=session)
    Workspace(session)
    with solara.Div(classes=["sp-theme"]):
        solara.lab.ThemeToggle()
