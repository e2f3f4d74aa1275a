"""The keys of a scenario are told completely, and each example can be used as it stands."""

import re
from enum import IntEnum
from typing import Annotated

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from safepassage.model.settings.files.keys import as_yaml, keys, parts
from safepassage.model.settings.scenario import Scenario, models_in


def _fields(model: type[BaseModel], at: str = "") -> set[str]:
    """Return every dotted key by a walk of its own: those that a section stands under left out."""
    found = set()
    for name, info in model.model_fields.items():
        sections, text = models_in(info.annotation), str(info.annotation)
        if not sections:
            found.add(at + name)
        elif "tuple" in text:
            found.add(at + name)
            found |= {key for one in sections for key in _fields(one, f"{at}{name}.*.")}
        else:
            found |= {key for one in sections for key in _fields(one, f"{at}{name}.")}
    return found


def _field_of(name: str, kind: str):
    models = [Scenario]
    *sections, last = [part for part in name.split(".") if part != "*"]
    for part in sections:
        models = [m for one in models if part in one.model_fields for m in models_in(one.model_fields[part].annotation)]
    if kind:
        models = [one for one in models if "kind" in one.model_fields and one.model_fields["kind"].default == kind]
    return next(one.model_fields[last] for one in models if last in one.model_fields)


ALL = [(key, part.kind) for part in parts() for key in part.keys]


def test_every_key_of_a_scenario_is_told():
    assert {key.name for key in keys()} == _fields(Scenario)


def test_every_key_says_what_it_means():
    silent = [key.name for key in keys() if not key.meaning and key.name.split(".")[-1] != "kind"]
    assert silent == [], "these fields have no docstring; write one below the field"


def test_every_number_has_a_unit_and_nothing_else_has():
    for key in keys():
        assert ("number" in key.type) == bool(key.unit), f"{key.name}: {key.type}, unit {key.unit!r}"


def test_units_in_the_names_of_keys_agree_with_those_in_their_meaning():
    for key in keys():
        stated = re.search(r"\((s|h|m|km|m/s|km/h|1/day|1/m2|1/\(m s\)|days)[);]", key.meaning)
        if stated and key.unit not in ("", "1"):
            assert stated[1] == key.unit, f"{key.name}: {key.meaning}"


@pytest.mark.parametrize(("key", "kind"), ALL, ids=[f"{kind}:{key.name}" for key, kind in ALL])
def test_every_example_is_a_value_that_the_key_takes(key, kind):
    field = _field_of(key.name, kind)
    value = yaml.safe_load(key.example)
    if "file" in key.type:
        assert all(isinstance(one, str) for one in (value if "list" in key.type else [value]))
        return
    if kind and key.name.endswith(".kind"):
        return
    if isinstance(field.annotation, type) and issubclass(field.annotation, IntEnum):
        assert value.upper() in field.annotation.__members__
        return
    try:
        TypeAdapter(
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        ).validate_python(value)
    except ValidationError as error:
        pytest.fail(
            f"{key.name} = {key.example}: give the field an example that it takes, Field(examples=[...])\n{error}"
        )


def test_the_source_of_a_number_is_taken_from_its_own_words():
    by_name = {key.name: key for key in keys()}
    assert by_name["harm.serious_share"].source.endswith(
        "Iraq 1997-2006 (Scand. J. Trauma Resusc. Emerg. Med. 2012 20:13)."
    )
    assert by_name["run.duration_h"].source == "Assumption."
    assert by_name["run.seed"].source == ""


def test_values_are_written_as_a_scenario_file_has_them():
    assert [as_yaml(value) for value in (0.1, True, None, "a: b", [1, 2], {"k": 2.0})] == [
        "0.1", "true", "none", "'a: b'", "[1, 2]", "{k: 2.0}",
    ]  # fmt: skip
