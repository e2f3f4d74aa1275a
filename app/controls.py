"""Sliders, switches and fields of a scenario, read off its schema: unit from the name, range, default, help."""

import math
import re
import sys
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from safepassage.model.settings.files.keys import keys
from safepassage.model.settings.scenario import Scenario

UNITS = {
    "_per_s": "per second", "_m_per_h": "m/h", "_per_m_s": "per m and s", "_m_s": "m/s", "_km_h": "km/h",
    "_per_day": "per day", "_s": "s", "_min": "min", "_h": "h", "_d": "days", "_m": "m", "_km": "km",
}  # fmt: skip
"""Unit by the end of a name, longest match first."""

GROUPS = {
    "What can be done": {
        "orders.0.issued_h": "When the first order is given",
        "orders.0.compliance": "How many do as told",
        "orders.0.force": "What kind of order it is",
        "behaviour.channels.siren.reach": "How many hear the sirens",
        "behaviour.channels.phone.reach": "How many get messages by phone",
        "behaviour.channels.phone.trust": "How many believe such messages",
        "behaviour.channels.door_to_door.reach": "How many are told at their door",
        "shelters.share_who_go": "How many go to a shelter",
        "shelters.walking_distance_m": "How far they walk to a shelter",
        "curfew.compliance": "How many keep the curfew",
        "curfew.stagger_s": "Over how long they set out after it",
        "damage.crews.n_crews": "Crews that clear rubble",
        "damage.crews.clearing_m_per_h": "What a crew clears",
    },
    "What is not known": {
        "shelling.sources.0.events_per_day": "How often it is shelled",
        "shelling.sources.0.spread_m": "How far shells of one attack lie apart",
        "population.residents": "How many people live there",
        "population.p_car": "How many households have a car",
        "population.p_needs_assistance_65": "How many of the old need help to move",
        "behaviour.leaving.frailty_variance": "How much people differ in their readiness to leave",
        "behaviour.preparation_median_s": "How long people take to get ready",
        "behaviour.p_leave_after_impact": "How many leave after an impact near by",
        "behaviour.p_destination": "How many have somewhere to go",
        "movement.road_news_delay_s": "How long news of a closed road takes",
        "movement.patience_s": "How long people wait in a car that is stuck",
        "harm.casualty_scale": "How deadly impacts are",
        "streets.speed_factor": "How fast cars go",
    },
    "The run": {
        "run.seed": "Seed: fixes all chance",
        "run.duration_h": "How long it lasts",
        "run.step_s": "Length of a step",
    },
}
"""Fields shown, by heading, in plain words; those that a scenario does not have are left out."""
LABELS = {key: label for fields in GROUPS.values() for key, label in fields.items()}

SPAN = {"events_per_day": 2000.0, "issued_h": 24.0, "duration_h": 72.0, "n_crews": 50.0, "step_s": 300.0}
"""Upper end of the slider where the schema sets none and four times the value would make no sense."""


@dataclass
class Field:
    """One field of the page."""

    key: str
    label: str
    kind: str
    """slider, number, switch, choice or text."""
    value: Any
    unit: str = ""
    help: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    default: Any = None
    choices: list[str] = field(default_factory=list)


def unit_of(name: str) -> str:
    """Return the unit that the end of a name states, in words; "" if it states none."""
    for ending in sorted(UNITS, key=len, reverse=True):
        if name.endswith(ending):
            return UNITS[ending]
    return ""


@cache
def check_keys() -> None:
    """Raise ValueError if a field is listed of which no scenario can have the key."""
    known = {key.name for key in keys()}
    strange = [key for shown in GROUPS.values() for key in shown if re.sub(r"\.\d+", ".*", key) not in known]
    if strange:
        raise ValueError(f"app/controls.py, GROUPS: no scenario has the key {strange[0]!r}. Correct its name.")


def groups(scenario: Scenario) -> list[dict]:
    """Return the fields of a scenario by heading, as JSON can hold them; those that it does not have are left out."""
    check_keys()
    shown = []
    for title, listed in GROUPS.items():
        fields = [asdict(found) for key in listed if (found := read(scenario, key)) is not None]
        if fields:
            shown.append({"title": title, "fields": fields})
    return shown


def read(scenario: Scenario, key: str) -> Field | None:
    """Return the field of a dotted key, or None if the scenario has no such key or it holds no single value."""
    at: Any = scenario
    info: FieldInfo | None = None
    for part in key.split("."):
        if part.isdigit():
            if not isinstance(at, tuple) or int(part) >= len(at):
                return None
            at = at[int(part)]
        elif isinstance(at, BaseModel) and part in type(at).model_fields:
            info = type(at).model_fields[part]
            at = getattr(at, part)
        else:
            return None
    if info is None or isinstance(at, BaseModel | tuple | dict):
        return None
    return _field(key, info, at)


def _field(key: str, info: FieldInfo, value: Any) -> Field:
    name = key.rsplit(".", 1)[-1]
    unit = unit_of(name)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    made = Field(
        key=key, label=LABELS.get(key, key), kind="text", value=_plain(value), unit=unit,
        help=" ".join((info.description or "").split()), default=_plain(default),
    )  # fmt: skip
    of = _base(info.annotation)
    if of is bool:
        made.kind = "switch"
    elif isinstance(of, type) and issubclass(of, Enum):
        made.kind, made.choices = "choice", [str(member.value) for member in of]
    elif of in (int, float):
        _set_range(made, info, of, name)
    return made


def _set_range(made: Field, info: FieldInfo, of: type, name: str):
    low, high = _bounds(info)
    made.low, made.high = low, high
    if name == "seed" or made.value is None:
        made.kind = "number"
        made.step = 1 if of is int else None
        return
    made.kind = "slider"
    made.low = 0.0 if low is None else low
    if high is None or high > 1e4:
        around = made.default if made.default not in (None, 0) else made.value
        span = max(float(SPAN.get(name, 4 * abs(float(around or 1)))), 2 * float(made.value or 0))
        made.high = min(span, sys.float_info.max)
    width = min(made.high - made.low, sys.float_info.max)
    made.step = 1 if of is int else _round_step(width / 100)


def _round_step(step: float) -> float:
    """Return the round number (1, 2 or 5 times a power of ten) not above a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return round(next(m * power for m in (5, 2, 1) if m * power <= step * 1.0001), 10)


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    found = [*info.metadata]
    stack = [info.annotation]
    while stack:
        part = stack.pop()
        if get_origin(part) is Annotated:
            for extra in get_args(part)[1:]:
                found.extend(getattr(extra, "metadata", [extra]))
            stack.append(get_args(part)[0])
        elif get_origin(part) in (Union, UnionType):
            stack.extend(get_args(part))
    low = high = None
    for limit in found:
        if isinstance(limit, annotated_types.Ge):
            low = limit.ge
        elif isinstance(limit, annotated_types.Gt):
            low = limit.gt
        elif isinstance(limit, annotated_types.Le):
            high = limit.le
        elif isinstance(limit, annotated_types.Lt):
            high = limit.lt
    return low, high


def _base(annotation: Any) -> Any:
    """Return the type of a single value under Annotated and Optional."""
    if get_origin(annotation) is Annotated:
        return _base(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        return _base(parts[0]) if len(parts) == 1 else None
    return annotation


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
