"""What a scenario assumes, value by value: each with its unit and source or the word Assumption, as its field says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from safepassage.model.settings.scenario import Scenario, models_in


@dataclass(frozen=True)
class Assumed:
    """One value of a scenario."""

    key: str
    value: Any
    meaning: str
    """The field's docstring: unit, and source or the word Assumption."""
    is_default: bool
    is_assumption: bool


def assumed(scenario: dict[str, Any]) -> list[Assumed]:
    """Return every value of a scenario as a manifest holds it, in the order of the scenario file."""
    return list(_walk(Scenario, scenario, ""))


def _walk(model: type[BaseModel], keys: dict[str, Any], at: str) -> Iterator[Assumed]:
    for name, info in model.model_fields.items():
        if name not in keys or (not at and name in ("name", "title", "notice", "plan")):
            continue
        value, key, parts = keys[name], f"{at}{name}", models_in(info.annotation)
        entries = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        if parts and value and all(isinstance(entry, dict) for _, entry in entries):
            for number, entry in entries:
                yield from _walk(_fitting(parts, entry), entry, f"{key}." if number is None else f"{key}.{number}.")
            continue
        meaning = re.sub(r"\s+", " ", info.description or ("Which of the known kinds it is." if name == "kind" else ""))
        default = info.get_default(call_default_factory=True)
        same = not info.is_required() and _plain(default) == _plain(value)
        yield Assumed(key, value, meaning, same, "ssumption" in meaning)


def _fitting(models: list[type[BaseModel]], entry: dict[str, Any]) -> type[BaseModel]:
    """Return the section that an entry of a list is: the one that knows all or most of its keys."""
    return max(models, key=lambda m: (set(entry) <= set(m.model_fields), len(set(entry) & set(m.model_fields))))


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return str(getattr(value, "value", value)).replace("T", " ")
