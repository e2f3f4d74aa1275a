"""The page: Mesa's SolaraViz with the board beside it and the scenario's fields in its side bar."""

import json
import os

import solara
import traitlets
from ipyvue import VueTemplate
from mesa.visualization import SolaraViz, solara_viz
from mesa.visualization.utils import update_counter

from safepassage.app.choices import ALONE, AS_GIVEN
from safepassage.app.map import Board, template
from safepassage.app.session import Session, take

OPTIONS = "SAFEPASSAGE_EXPLORE"
"""Environment variable by which `safepassage explore` hands over what to show, as JSON."""
MANY_PEOPLE = 50_000
PLAY_INTERVAL_MS = {False: 11, True: 1}
"""Pause between two steps while playing (ms), by whether there are MANY_PEOPLE: Mesa's slider goes from 1 in tens. In
a small town a pause lets the eye follow. In a large one the least: its model does more steps than the browser draws,
which spares pictures. They start no render, so that even this does not lock the page up."""

solara_viz.force_update = lambda: None
"""Mesa renders its page anew after every step, only to count it: 10 ms that the model waits. A session asks for it
instead, a few times a second."""


def _show_count():
    update_counter.value += 1


class Fields(VueTemplate):
    """Pickers, sliders and switches of one tab."""

    template = traitlets.Unicode(template("fields.vue")).tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, session=None, **kwargs):
        self._session = session
        super().__init__(**kwargs)
        session.choices.on_change = self.refresh
        self.refresh()

    def refresh(self):
        """Show what is chosen now."""
        choices = self._session.choices
        self.state = {
            "scenario": choices.name,
            "scenarios": choices.scenarios(),
            "plan": choices.plan,
            "plans": [AS_GIVEN, *choices.plans()],
            "compare": choices.compare,
            "rivals": [ALONE, AS_GIVEN, *choices.plans()],
            "groups": choices.groups(),
            "problems": choices.problems,
            "is_changed": choices.is_changed,
        }

    def vue_choose(self, data):
        """Choose a scenario or plan."""
        self._session.choices.choose(str(data["kind"]), str(data["value"]))
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
    """One tab: a session and a model of its own, let go of when the tab closes."""
    options = json.loads(os.environ.get(OPTIONS, "{}"))
    session = solara.use_memo(lambda: take(options), [])
    model = solara.use_reactive(solara.use_memo(lambda: session.model, []))
    session.show_count = _show_count
    solara.use_effect(lambda: session.close, [])
    solara.Style(template("page.css"))
    with solara.Column(gap="0px"):
        SolaraViz(
            model,
            components=[],
            model_params={"session": session},
            name="Safepassage",
            play_interval=PLAY_INTERVAL_MS[session.n_people >= MANY_PEOPLE],
        )
        if session.recording is None:
            with solara.Sidebar():
                Fields.element(session=session)
        Workspace(session)
