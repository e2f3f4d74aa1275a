"""What is picked on the maps of one tab, told again as time passes and in the language that the page is then in."""

from collections.abc import Callable, Sequence
from typing import Any

from safepassage.experiments.reports.answer.language import ENGLISH, Language


class Picker:
    """Asks the explainer of a map about the place or the household picked last."""

    def __init__(self) -> None:
        self._explainers: Sequence[Any] = ()
        self.say = ENGLISH
        self._which = 0
        self._ask: Callable[[bool], dict] | None = None

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
        self._ask = lambda can_act: self._explainers[self._which].at(x, y, reach, can_act=can_act)

    def household(self, row: int) -> None:
        """Pick a household of the left map, wherever it is."""
        self._which = 0
        self._ask = lambda can_act: self._explainers[0].household(row)

    def done(self) -> None:
        """Say that what was asked for is done, instead of what was picked."""
        self._ask = lambda can_act: {
            "title": self.say("Done"),
            "text": self.say("It holds from the next step on. Press Step or Play, or undo it under Act."),
            "lines": [],
            "actions": [],
        }

    def answer(self, *, again: bool, can_act: bool) -> dict | None:
        """Return what is picked, as the page shows it; empty: nothing is there; None: nothing is picked.

        again: it is told again, time having passed. can_act: whether the planner may act there.
        """
        if self._ask is None or self._which >= len(self._explainers):
            return None
        answer = self._ask(can_act)
        return answer | {"which": self._which, "again": again} if answer else {}
