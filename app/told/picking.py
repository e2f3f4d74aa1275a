"""What is picked on the maps of one tab, told again as time passes and in the language that the page is then in."""

from collections.abc import Callable, Sequence
from typing import Any

from safepassage.app.told.explain import all_of
from safepassage.experiments.reports.answer.language import ENGLISH, Language


class Picker:
    """Asks the explainer of a map about the place or the household picked last."""

    def __init__(self) -> None:
        self._explainers: Sequence[Any] = ()
        self.say = ENGLISH
        self._which = 0
        self._ask: Callable[[bool], dict] | None = None
        self._parties: list[int] = []

    def show(self, explainers: Sequence[Any], say: Language) -> None:
        """Ask these from now on, one for each map; nothing is picked."""
        self._explainers, self._ask = explainers, None
        self.speak(say)

    def speak(self, say: Language) -> None:
        """Answer in a language from now on."""
        self.say = say
        for explainer in self._explainers:
            explainer.say = say

    def place(self, data: dict) -> None:
        """Pick a place of a map, as the browser names it."""
        self._which = int(data.get("which", 0))
        x, y, reach = (float(data[name]) for name in ("x", "y", "r"))
        self._ask, self._parties = lambda can_act: self._explainers[self._which].at(x, y, reach, can_act=can_act), []

    def household(self, row: int) -> None:
        """Pick a household of the left map, wherever it is."""
        self._which, self._parties = 0, []
        self._ask = lambda can_act: self._explainers[0].household(row)

    def note(self) -> None:
        """Note where those who are watched have come; called after each step."""
        for explainer in self._explainers:
            explainer.trails.note()

    def done(self) -> None:
        """Say that what was asked for is done, instead of what was picked."""
        self._parties = []
        self._ask = lambda can_act: {
            "title": self.say("Done"),
            "text": self.say("It holds from the next step on. Press Step or Play, or undo it under Act."),
            "lines": [],
            "actions": [],
            "is_done": True,
        }

    def answer(self, *, again: bool, can_act: bool) -> dict | None:
        """Return what is picked, as the page shows it; empty: nothing is there; None: nothing is picked.

        again: it is told again, time having passed. can_act: whether the planner may act there.
        """
        if self._ask is None or self._which >= len(self._explainers):
            return None
        explainer, answer = self._explainers[self._which], self._ask(can_act)
        for row in self._parties if again else ():  # who was here is told on, wherever it is now
            if all(one.get("party") != row for one in told_of(answer)):
                answer = all_of(*told_of(answer), explainer.party(row))
        if not again:
            self._parties = [one["party"] for one in told_of(answer) if "party" in one]
            households = [one["household"] for one in told_of(answer) if "household" in one]
            explainer.trails.watch(households)
            answer = self._ask(can_act) if households else answer  # with their ways
        return answer | {"which": self._which, "again": again} if answer else {}


def told_of(answer: dict) -> list[dict]:
    """Return each thing that an answer tells of by itself, the first one first."""
    if not answer:
        return []
    return [{key: value for key, value in answer.items() if key != "also"}, *answer.get("also", [])]
