"""Every key that a scenario file may hold: type, unit, default, meaning, source, example; read off the sections."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from safepassage.model.settings.scenario import Scenario, models_in, read_keys, shipped

ANY = "*"
"""Stands for the number of an entry of a list in a key."""

UNITS = {
    "_s": "s", "_h": "h", "_d": "days", "_m": "m", "_km": "km", "_deg": "degrees", "_m_s": "m/s", "_km_h": "km/h",
    "_km_d": "km/day", "_c": "degrees Celsius", "_per_5_c": "for 5 degrees", "_per_c": "1/degree",
    "_per_day": "1/day", "_per_h": "1/h", "_per_s": "1/s", "_per_min": "1/min", "_per_m": "1/m", "_per_m2": "1/m2",
    "_per_km": "1/km", "_per_km2_day": "1/(km2 day)", "_per_m_per_s": "1/(m s)", "_per_m_s": "1/(m s)", "_person_h":
    "1/(person h)", "_vehicle_minute": "1/(vehicle minute)", "_walker_minute": "1/(walker minute)",
    "_s_per_person": "s", "_s_per_assisted": "s", "age": "years",
}  # fmt: skip
"""Unit by the end of a key's name, longest match first; a number with none of them is a share, a factor or a count."""

_WORDS = {
    float: "number", int: "whole number", bool: "true or false", str: "text", Path: "file", date: "date",
    datetime: "date and time", time: "time of day", Any: "any value",
}  # fmt: skip
_EXAMPLES = {
    bool: True, str: "name", Path: "tables/file.csv", date: date(2024, 8, 20), datetime: datetime(2024, 8, 20, 12, 0),
    time: "06:30", float: 1.0, int: 1,
}  # fmt: skip


_TELLS_SOURCE = r"ssumption|SOURCES|\b(19|20)\d\d\b|definition|same source|same study|from the fit"
_ABBREVIATIONS = ("Adv", "Appl", "Civil", "Disaster", "Emerg", "J", "Med", "Prehosp", "Resusc", "Scand", "al")
_NO_ABBREVIATION = "".join(rf"(?<!\b{word}\.)" for word in _ABBREVIATIONS)


@dataclass(frozen=True)
class Key:
    """One key of a file that a user writes."""

    name: str
    """Dotted; * stands for the number of an entry of a list: services.fleets.*.seats."""
    type: str
    """In words, with the values that are allowed."""
    unit: str
    """"1" for shares, factors and counts; empty if it is not a number."""
    default: str
    """As YAML; "required" if the file must give it."""
    meaning: str
    """The field's docstring, without the sentences that give a source."""
    source: str
    """The sentences of the docstring that give a source or say Assumption."""
    example: str
    """A value as YAML, from a shipped scenario if one has the key."""


@dataclass(frozen=True)
class Part:
    """One section of a file: what it is and its own keys."""

    name: str
    """Dotted, as in `Key`; empty: the top of the file."""
    meaning: str
    kind: str
    """Value of `kind` that chooses this section where several may stand; empty: there is no choice."""
    keys: tuple[Key, ...]


@cache
def parts(model: type[BaseModel] = Scenario) -> tuple[Part, ...]:
    """Return the sections of a scenario, or of another kind of file, in the order in which they stand in it."""
    used = dict(_used()) if model is Scenario else {}
    return tuple(_parts(model, "", used))


def keys(model: type[BaseModel] = Scenario) -> tuple[Key, ...]:
    """Return all keys of a scenario, or of another kind of file."""
    return tuple(key for part in parts(model) for key in part.keys)


def _parts(model: type[BaseModel], at: str, used: Mapping[str, Any]) -> Iterator[Part]:
    own, below = [], []
    for name, info in model.model_fields.items():
        key, sections = f"{at}{name}", models_in(info.annotation)
        is_many = bool(sections) and (_is_list(info.annotation) or get_origin(info.annotation) is dict)
        if not sections or is_many:
            own.append(_key(key, info, used))
        if sections:
            step = f"{key}.{ANY}." if is_many else f"{key}."
            below += [(section, step) for section in sections]
    kind = model.model_fields.get("kind")
    chosen = str(kind.default) if kind is not None and get_origin(kind.annotation) is Literal else ""
    yield Part(at.removesuffix("."), _one_line(model.__doc__ or ""), chosen, tuple(own))
    for section, step in below:
        yield from _parts(section, step, used)


def _key(name: str, info: FieldInfo, used: Mapping[str, Any]) -> Key:
    text = _one_line(info.description or "")
    meaning, source = _divided(text)
    words = _with_limits(in_words(info.annotation), info.metadata)
    default = "required" if info.is_required() else as_yaml(_plain(info.get_default(call_default_factory=True)))
    return Key(name, words, _unit(name, words, text), default, meaning, source, _example(name, info, used))


def in_words(annotation: Any) -> str:
    """Return a field's type as a reader of a scenario file would say it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _with_limits(in_words(inner[0]), inner[1:])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(in_words(part) for part in inner if part is not NoneType))
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner)) if len(inner) > 1 else f"the word {inner[0]}"
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return f"list, each entry {in_words(inner[0])}"
        return f"list of {len(inner)}, each {in_words(inner[0])}"
    if origin is dict:
        return f"mapping from a name to {in_words(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(_member_word(member) for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "a section with the keys below"
    return _WORDS.get(annotation, str(annotation))


def _member_word(member: Enum) -> str:
    """Return how a file names a member: a utility, say, is known by its name, not by its number."""
    return member.name.lower() if isinstance(member.value, int) else str(member.value)


def _with_limits(words: str, metadata: Any) -> str:
    limits = {}
    for one in metadata:
        for part in one.metadata if isinstance(one, FieldInfo) else (one,):
            for kind, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
                if isinstance(part, getattr(annotated_types, kind.capitalize())):
                    limits[word] = f"{getattr(part, kind):g}"
    return " ".join([words, *(f"{word} {value}" for word, value in limits.items())])


def _unit(name: str, words: str, meaning: str) -> str:
    if not re.search(r"\bnumber\b", words):
        return ""
    last = name.split(".")[-1]
    found = [ending for ending in UNITS if last.endswith(ending)]
    if found:
        return UNITS[max(found, key=len)]
    stated = re.search(r"\((1/[^()]+(?:\([^()]+\))?)\)", meaning)
    return stated[1] if stated else "1"


def _divided(text: str) -> tuple[str, str]:
    """Return (meaning, source) of a docstring: source are the sentences with a year, SOURCES or the word Assumption."""
    sentences = re.split(rf"{_NO_ABBREVIATION}(?<=[.;]) (?=[A-Z(])", text)
    tells_source = [bool(re.search(_TELLS_SOURCE, one)) for one in sentences]
    meaning, source = (
        " ".join(one for one, is_source in zip(sentences, tells_source, strict=True) if is_source == wanted)
        for wanted in (False, True)
    )
    return meaning or text, source


def _example(name: str, info: FieldInfo, used: Mapping[str, Any]) -> str:
    value = used.get(name)
    if value is None and not info.is_required():
        value = _plain(info.get_default(call_default_factory=True))
    if value is None or value in ([], {}, ""):
        value = info.examples[0] if info.examples else _made(info.annotation)
    return as_yaml(value)


def _made(annotation: Any) -> Any:
    """Return a value that a field of this type takes."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _made(inner[0])
    if origin in (Union, UnionType):
        return _made(inner[0])
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return [_made(inner[0])] if inner[-1] is Ellipsis else [_made(part) for part in inner]
    if origin is dict:
        return {"name": _made(inner[1])}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return {key: _made(field.annotation) for key, field in fields if field.is_required() or key == "kind"}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _member_word(next(iter(annotation)))
    return _EXAMPLES.get(annotation, 1)


def _used() -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of everything that the shipped scenarios and plans say, the first found last."""
    files = [path for one in shipped().values() for path in (*sorted((one.parent / "plans").glob("*.yaml")), one)]
    for path in files:
        yield from _flat(read_keys(path).keys, "")


def _flat(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, f"{at}.{key}" if at else str(key))
    else:
        yield at, value
        if isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    yield from _flat(one, f"{at}.{ANY}")


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(map(_is_list, get_args(annotation)))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Path):
        return str(value)
    return value.value if isinstance(value, Enum) else value


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(value: Any) -> str:
    """Return a value as it would stand in a YAML file, on one line; `none` for nothing."""
    if value is None or value == []:
        return "none"
    if isinstance(value, float):
        return f"{value:g}" if value == float(f"{value:g}") else f"{value:.4g}"
    text = yaml.dump(
        _plain(value), Dumper=_NoAliases, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
