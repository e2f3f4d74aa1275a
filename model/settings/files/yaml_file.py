"""YAML as users write it, read one way for scenarios, plans, studies, calibrations and searches, and for `--set`.

YAML 1.1 reads some things otherwise than they are meant: 1:30 is 90, 010 is 8, and of two keys of one name the last
wins. Here 1:30 is text, fit for a time of the day and refused for a number; the others are refused, with the line and
what to write instead. What is read is bounded before it is built.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, NoReturn

import yaml

from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.files.texts import UNSEEN

MOST_BYTES = 500_000
"""Size of a file; the largest that is shipped has some 10 kB. Assumption."""
MOST_DEPTH = 40
"""Lists and sections in each other; scenarios have 6. Assumption."""
MOST_VALUES = 100_000
"""Values of a file, repeated ones counted as often as they appear. Assumption."""
MOST_DIGITS = 40
"""Digits of a number; a seed has 20. Assumption."""

TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("null", "bool", "int", "float", "timestamp", "str")}
NOT = {
    "bool": "neither true nor false", "int": "not a whole number", "float": "no number", "timestamp": "no date",
    "null": "not null", "str": "no text",
}  # fmt: skip
MERGE = "tag:yaml.org,2002:merge"
COLONS = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?")
"""What YAML 1.1 takes for a number in base 60."""
OCTAL = re.compile(r"[-+]?0[0-7_]+")


def read_yaml(path: Path) -> tuple[Any, dict[tuple, str]]:
    """Return what a YAML file holds, and file and line of each key. Raises ScenarioError if it cannot be used."""
    with open(path, "rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ScenarioError(
            f"{path}: this file is larger than {MOST_BYTES:,} bytes. Put tables and maps into separate files and "
            "name these in the scenario."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ScenarioError(f"{path}:{line}: this file is not UTF-8 text. Save it as UTF-8 and try again.") from None
    reader = _Reader(str(path), has_lines=True)
    return reader.read(text), reader.places


def read_value(text: str, place: str) -> Any:
    """Return the value that a short YAML text stands for, such as of `--set`; place: what the error names."""
    return _Reader(place, has_lines=False).read(text)


class _Reader:
    """Turns the events of a YAML parser into values, checking each as it comes."""

    def __init__(self, place: str, *, has_lines: bool) -> None:
        self.name, self.has_lines = place, has_lines
        self.places: dict[tuple, str] = {}
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._n_values = 0
        self._loader: Any = None

    def read(self, text: str) -> Any:
        """Return the one value of a text."""
        try:
            self._loader = yaml.SafeLoader(text)
            events = self._events()
            value = None
            for event in events:
                if isinstance(event, yaml.DocumentStartEvent):
                    value = self._value(next(events), events, (), 0)
                    self._end_of_document(events)
        except (yaml.YAMLError, ValueError) as error:
            if isinstance(error, ScenarioError):
                raise
            mark = getattr(error, "problem_mark", None)
            cure = "" if self.has_lines else "; quote the text"
            what = getattr(error, "problem", None) or str(error)
            raise ScenarioError(f"{self._place(mark)}: this is not YAML: {' '.join(what.split())}{cure}.") from None
        return value

    def _events(self) -> Iterator[yaml.Event]:
        while self._loader.check_event():
            yield self._loader.get_event()

    def _end_of_document(self, events):
        next(events)
        following = next(events)
        if isinstance(following, yaml.DocumentStartEvent):
            self._refuse(following, "a second document starts here; leave out the line ---, or use two files")

    def _place(self, mark: Any) -> str:
        return f"{self.name}:{mark.line + 1}" if mark is not None and self.has_lines else self.name

    def _refuse(self, event: yaml.Event, why: str) -> NoReturn:
        raise ScenarioError(f"{self._place(event.start_mark)}: {why}.")

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], at: tuple, depth: int) -> Any:
        self._count(event, 1)
        if depth > MOST_DEPTH:
            self._refuse(
                event, f"more than {MOST_DEPTH} lists and sections are nested here; a scenario has no such part"
            )
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        n_before = self._n_values - 1
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event, "seq")
            value = self._list(events, at, depth)
        else:
            self._refuse_tag(event, "map")
            value = self._mapping(events, at, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._n_values - n_before
        return value

    def _count(self, event: yaml.Event, n: int) -> None:
        self._n_values += n
        if self._n_values > MOST_VALUES:
            self._refuse(event, f"more than {MOST_VALUES:,} values, repeated ones counted; put tables into files")

    def _repeated(self, event: yaml.AliasEvent) -> Any:
        found = self._anchors.get(event.anchor)
        if found is None:
            self._refuse(
                event, f"*{event.anchor} refers to an anchor that is not defined before it; write the values out"
            )
        value, n = found
        self._count(event, n)
        return deepcopy(value)

    def _refuse_tag(self, event: Any, plain: str) -> None:
        if event.tag is not None and event.tag not in ("!", f"tag:yaml.org,2002:{plain}"):
            self._refuse(event, f"{event.tag!r} is a kind of value that is not used here; leave the tag out")

    def _list(self, events: Any, at: tuple, depth: int) -> list:
        found: list = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            here = (*at, len(found))
            self.places[here] = self._place(event.start_mark)
            found.append(self._value(event, events, here, depth + 1))
        return found

    def _mapping(self, events: Any, at: tuple, depth: int) -> dict:
        found: dict = {}
        lines: dict[str, yaml.Event] = {}
        merged: list[dict] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "a list, a section or a repetition stands where a key should; write `key: value`")
            is_merge = event.implicit[0] and self._tag(event) == MERGE
            if event.value in lines and not is_merge:
                first = lines[event.value].start_mark.line + 1
                self._refuse(event, f"the key {event.value!r} appears twice, first on line {first}; keep one of them")
            lines[event.value] = event
            here = (*at, event.value)
            key = event.value if is_merge else self._scalar(event)
            if not is_merge:
                self.places[here] = self._place(event.start_mark)
            value = self._value(next(events), events, here, depth + 1)
            if is_merge:
                merged += self._merged(event, value)
            else:
                found[key] = value
        for one in merged:
            found = {**one, **found}
        return found

    def _merged(self, event: Any, value: Any) -> list[dict]:
        sections = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in sections):
            self._refuse(event, "<< merges a section, and this is not a section; write the values out")
        return sections[::-1]

    def _tag(self, event: yaml.ScalarEvent) -> str:
        if event.tag is not None and event.tag != "!":
            return event.tag
        return self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        tag, text = self._tag(event), event.value
        if tag == MERGE or (event.implicit[0] and COLONS.fullmatch(text)):
            tag = "tag:yaml.org,2002:str"
        if tag not in TAGS:
            self._refuse(
                event, f"{tag!r} is a kind of value that is not used here; leave the tag out, or quote the text"
            )
        kind = TAGS[tag]
        if kind in ("int", "float"):
            self._refuse_odd_number(event, text)
        elif unseen := UNSEEN.search(text):
            self._refuse(
                event, f"the text holds the character U+{ord(unseen.group()):04X}, which is invisible; remove it"
            )
        node = yaml.ScalarNode(tag, text, event.start_mark, event.end_mark)
        try:
            return getattr(self._loader, f"construct_yaml_{kind}")(node)
        except (ValueError, LookupError, AttributeError, OverflowError):
            self._refuse(event, f"{_short(text)} is {NOT[kind]}; correct it, or quote it if it is text")

    def _refuse_odd_number(self, event: Any, text: str) -> None:
        if OCTAL.fullmatch(text):
            plain = text.lstrip("+").replace("_", "").lstrip("0") or "0"
            self._refuse(
                event, f"{_short(text)} would be read as a number in base 8; write {_short(plain)}, or quote it"
            )
        if sum(map(str.isdigit, text)) > MOST_DIGITS:
            self._refuse(
                event, f"this number has more than {MOST_DIGITS} digits; write fewer, or quote it if it is text"
            )


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
