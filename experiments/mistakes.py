"""Mistakes in the files of calibrations and searches, told like those of scenarios: file, line, key, value, change."""

import difflib

from pydantic import BaseModel, ValidationError

from safepassage.experiments.study import Factor, Grid
from safepassage.model.config import InvalidScenario, Problem, Source, _shown


def invalid(
    source: Source, error: ValidationError, model: type[BaseModel], factors: tuple[str, ...]
) -> InvalidScenario:
    """Return every mistake of a file as one error. factors: keys that hold factors by name."""
    return InvalidScenario([_problem(source, details, model, factors) for details in error.errors()])


def _problem(source: Source, details: dict, model: type[BaseModel], factors: tuple[str, ...]) -> Problem:
    path = tuple(part for part in details["loc"] if part != "[key]")
    found = "" if details["type"] == "missing" or not path else _shown(details["input"])
    if details["type"] == "missing":
        change = "this key is missing; add it"
    elif details["type"] == "extra_forbidden":
        section = model if len(path) == 1 else Grid if "grid" in path[:-1] else Factor if path[0] in factors else model
        close = difflib.get_close_matches(str(path[-1]), section.model_fields, n=1)
        known = ", ".join(section.model_fields)
        change = f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known: {known}"
    else:
        change = details["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return Problem(source.place(path), ".".join(map(str, path)) or "file", found, change)
