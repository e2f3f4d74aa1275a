"""The run of one tab: one or two models side by side, what was done in them, and the way back to earlier moments."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from safepassage.app.actions import Actions
from safepassage.app.past import States
from safepassage.app.scenes.scene import LiveScene
from safepassage.app.told.explain import Explainer
from safepassage.app.told.log import EventLog
from safepassage.app.told.saying import Told, told_in
from safepassage.experiments.reports.answer.language import Language
from safepassage.model.built_once import ground_of
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario


@dataclass
class Act:
    """What the planner did at a moment, as the page asked for it."""

    time_s: float
    which: int
    """The map meant: 0 the left one, 1 the right one."""
    data: dict
    text: Told | str = ""
    """What it is, in words; of an act of a journal not yet done again, as the journal tells it."""
    is_done: bool = True
    """Whether the models have it in them; one whose moment is still to come, after going back, has not."""


def built(scenario: Scenario, tell: Callable[[Told | str], None]) -> EvacuationModel:
    """Return a model, telling in words what is being built: first its streets, then its people on them."""
    tell(Told("streets"))
    streets, _, zones, _ = ground_of(scenario.streets, scenario.population)
    n_streets = np.unique(streets.link_street[: streets.n_town_links]).size
    n_people = int(zones.residents.sum())
    tell(Told("{people} people along {streets} streets", {"people": n_people, "streets": int(n_streets)}))
    return EvacuationModel(scenario)


class LiveRun:
    """Steps the models; lives again, bit for bit, what lies before or behind."""

    is_recorded = False

    def __init__(
        self, scenario: Scenario, rival: Scenario | None = None, tell: Callable[[Told | str], None] = lambda stage: None
    ) -> None:
        """rival: what runs beside it; None: nothing. tell: is given in words what is being built."""
        self.acts: list[Act] = []
        self.lapsed: list[Told] = []
        """What could not be done again, and why."""
        self.states = States()
        self._scenarios = [one for one in (scenario, rival) if one is not None]
        self._take_up([built(one, tell) for one in self._scenarios], [None] * len(self._scenarios))

    def _take_up(self, models: list[EvacuationModel], notes: list) -> None:
        """Go on with these models. notes: what was kept beside the state of each; None: it is at its start."""
        self.models = models
        self.scenes = [LiveScene(model) for model in models]
        self.actions = [Actions(model) for model in models]
        self.logs = [EventLog(model) for model in models]
        for which, note in enumerate(notes):
            if note is not None:
                rows, settings, actions, log = note
                models[which].settings = settings
                self.scenes[which].rows = list(rows)
                self.actions[which] = actions.over(models[which])
                self.logs[which] = log.over(models[which])
        self.explainers = [Explainer(scene) for scene in self.scenes]
        self.step_ms = 0.0

    @property
    def time_s(self) -> float:
        """The present (s after the start of the run)."""
        return self.models[0].time_s

    @property
    def duration_s(self) -> float:
        """How long the run lasts (s)."""
        return self.models[0].duration_s

    @property
    def step_s(self) -> float:
        """Length of a step (s)."""
        return self.models[0].settings.run.step_s

    @property
    def is_over(self) -> bool:
        """Whether the end is reached."""
        return not self.models[0].running

    def step(self) -> None:
        """Let a step pass in every model, and what was done at its end be done again."""
        began = perf_counter()
        self.states.keep(self.models, self._note, always=self.time_s == 0)
        if self.states.problem:
            self.lapsed.append(f"This moment cannot be come back to: {self.states.problem}")
            self.states.problem = ""
        for model in self.models:
            model.step()
        self.step_ms = 1000 * (perf_counter() - began)
        for scene, log in zip(self.scenes, self.logs, strict=True):
            scene.note_row()
            log.look()
        self._do_due()

    def _note(self, which: int) -> tuple[Any, ...]:
        model = self.models[which]
        actions = self.actions[which].over(model)
        return list(self.scenes[which].rows), model.settings, actions, self.logs[which].over(model)

    def do(self, which: int, data: dict) -> Act:
        """Do what the planner asks for now; raises ScenarioError if it cannot be done."""
        text = self.actions[which].do(data)
        act = Act(self.time_s, which, dict(data), text)
        self.acts = [*(one for one in self.acts if one.is_done), act]  # what was to come was meant for another course
        self.states.forget_after(self.time_s)
        return act

    def undo(self, number: int) -> None:
        """Take back an act whose time has not passed, by its number in `acts`; raises ScenarioError if it has."""
        if not 0 <= number < len(self.acts):
            raise ScenarioError("there is no such action to undo.")
        act = self.acts[number]
        if act.time_s < self.time_s:
            raise ScenarioError("time has passed since, so this cannot be undone. Go back to its moment and undo it.")
        self.acts.remove(act)
        self.states.forget_after(act.time_s)
        if act.is_done:
            self.back_to(self.time_s)
            while self.time_s < act.time_s:
                self.step()

    def back_to(self, time_s: float) -> None:
        """Go back to the last state kept at or before a moment; what was done later is done again when its time comes.

        To come to the moment itself, step on.
        """
        kept = self.states.latest(time_s)
        if kept is None:
            self._take_up([EvacuationModel(one) for one in self._scenarios], [None] * len(self._scenarios))
        else:
            paths, notes = kept
            self._take_up([EvacuationModel.from_state(path) for path in paths], notes)
        for act in self.acts:
            act.is_done = act.time_s < self.time_s
        self._do_due()

    def resume(self, acts: list[dict]) -> None:
        """Take over acts of a journal, to be done again as their time comes."""
        self.acts = [Act(**{**one, "is_done": False}) for one in acts]
        self._do_due()

    def _do_due(self) -> None:
        for act in [one for one in self.acts if not one.is_done and one.time_s <= self.time_s]:
            try:
                act.text = self.actions[act.which].do(act.data)
                act.is_done = True
            except ScenarioError as error:
                self.acts.remove(act)
                what = act.text or Told("An action")
                self.lapsed.append(Told("{what}: not done again, since {error}", {"what": what, "error": str(error)}))

    def told_acts(self, say: Language, saved: list[str]) -> dict:
        """Return what was done as the page shows it, in a language. saved: the command of each map's plan, if saved."""
        plans: list[dict] = [{"log": [], "saved": command} for command in saved]
        for number, act in enumerate(self.acts):
            told = {"text": told_in(say, act.text), "time_s": act.time_s, "number": number, "is_done": act.is_done}
            plans[act.which]["log"].append(told | {"can_undo": act.time_s >= self.time_s})
        return {"plans": plans, "lapsed": [told_in(say, text) for text in self.lapsed[-3:]]}

    def described_acts(self) -> list[dict]:
        """Return the acts as the journal keeps them."""
        return [{**vars(act), "text": str(act.text)} for act in self.acts]

    def close(self) -> None:
        """Let go of the states kept."""
        self.states.close()
