"""Texts that are kept and said later, in the language that the page is then in."""

from dataclasses import dataclass, field
from typing import Any

from safepassage.experiments.reports.answer.language import ENGLISH, Language


@dataclass(frozen=True)
class Told:
    """A text with its values; `str` says it in English."""

    text: str
    """English, with fields {name}; a key of the catalogue."""
    values: dict[str, Any] = field(default_factory=dict)
    """What the fields are filled with: names as they are, whole numbers, other texts."""

    def said(self, say: Language) -> str:
        """Return it in a language."""
        return say(self.text, **{name: _said(value, say) for name, value in self.values.items()})

    def __str__(self) -> str:
        return self.said(ENGLISH)


def told_in(say: Language, text: "Told | str") -> str:
    """Return a text in a language; one that is no longer known by its parts as it is."""
    return text.said(say) if isinstance(text, Told) else text


def _said(value: Any, say: Language) -> Any:
    if isinstance(value, Told):
        return value.said(say)
    return say.number(value, 0) if isinstance(value, int) else value


def persons(n: int, say: Language) -> str:
    """Return a number of people in words."""
    return say("1 person") if n == 1 else say("{n} people", n=say.number(n, 0))


def clock_h(hours: float, say: Language) -> str:
    """Return a time in hours, as it is said."""
    return say("{n} h", n=say.number(hours, 1))
