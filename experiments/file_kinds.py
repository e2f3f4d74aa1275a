"""The kinds of files that a user writes, and the JSON Schema of each, by which editors complete and check it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from safepassage.experiments.questions.calibrate import Calibration
from safepassage.experiments.questions.optimise import Optimisation
from safepassage.experiments.sweeps.study import Study
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.scenario import LEVERS, Scenario

FILE_KINDS: Mapping[str, type[BaseModel]] = {
    "scenario": Scenario, "plan": Scenario, "study": Study, "optimisation": Optimisation, "calibration": Calibration,
}  # fmt: skip
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file: "scenario", "plan", "study", "optimisation" or "calibration"."""
    schema = FILE_KINDS[kind].model_json_schema()
    if "Utility" in schema.get("$defs", {}):  # a file names a utility; its number is the program's own
        words = [one.name.lower() for one in Utility]
        schema["$defs"]["Utility"] = {"type": "string", "enum": words, "description": Utility.__doc__}
    if kind == "plan":
        schema = _of_levers(schema)
    if kind == "study":  # a design may be given by the name of its kind alone
        schema["properties"]["design"] = {"anyOf": [schema["properties"]["design"], {"type": "string"}]}
    return {"$schema": DRAFT, "title": f"safepassage {kind}", **{k: v for k, v in schema.items() if k != "title"}}


def _of_levers(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a scenario reduced to a plan: name, title and what protects people, none of it required."""
    whole, kept = schema["properties"], {name: schema["properties"][name] for name in ("name", "title")}
    for lever in LEVERS:
        first, *below = lever.split(".")
        if not below:
            kept[first] = whole[first]
            continue
        section = schema["$defs"][_name_of(whole[first])]
        part = kept.setdefault(first, {"type": "object", "additionalProperties": False, "properties": {}})
        part["properties"][below[0]] = deepcopy(section["properties"][below[0]])
    names = {"type": "string"}
    kept["scenario"] = {"anyOf": [names, {"type": "array", "items": names}],
                        "description": "Name of the scenario that the plan is for, or a list of names."}  # fmt: skip
    return {"type": "object", "additionalProperties": False, "properties": kept, "$defs": schema["$defs"]}


def _name_of(field: dict[str, Any]) -> str:
    reference = field.get("$ref") or next(one["$ref"] for one in field["allOf"])
    return reference.rsplit("/", 1)[-1]
