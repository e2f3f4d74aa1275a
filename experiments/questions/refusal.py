"""The boundary: what this software does not search for, and why. Every entry point that searches or sweeps asks here.

A sweep may *vary* what is uncertain about a hazard: that is sampling. A search has an aim, so its aim must be less harm
or more people out, and what it turns must be a lever that protects. Where shells fall is never a factor.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel

from safepassage.model.results.outcomes import Direction, Panel, outcome_of, unknown
from safepassage.model.settings.base import HazardSection, ScenarioError
from safepassage.model.settings.scenario import LEVERS, Scenario

HAZARDS: dict[str, type[HazardSection]] = {
    name: info.annotation
    for name, info in Scenario.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, HazardSection)
}
"""Sections of a scenario that describe danger; the levers within them (LEVERS) are not meant."""

PLACES = tuple(f"{name}.{place}" for name, section in HAZARDS.items() for place in section.places)
"""Keys that say where harm lands: varying them and looking at the harm would be a search for targets."""

WHY = "This is a tool for protecting civilians (README, Boundary)."

HARM_SERIES = ("n_casualties", "n_dead", "n_injury", "n_hurt")
"""How the names of series of people hurt or killed begin."""

Aim = Literal["minimise", "maximise"]


class Refused(ScenarioError):
    """Asked to search for more harm, or to search over a hazard. The message gives the reason."""


def refuse_harmful(
    objectives: Mapping[str, Aim] | Iterable[tuple[str, Aim]] = (),
    searched_keys: Iterable[str] = (),
    *,
    levers_only: bool = True,
) -> None:
    """Raise Refused if a search wants more harm or turns anything that it must not; otherwise do nothing.

    objectives: outcome and aim, "minimise" or "maximise"; which way an outcome is better stands in the vocabulary
    (model/results/outcomes.py). searched_keys: dotted scenario keys that the search may change. levers_only: an
    optimiser changes protective levers only; a calibration (False) may also fit what people are and do, never a hazard.
    """
    pairs = objectives.items() if isinstance(objectives, Mapping) else objectives
    problems = [*map(_wrong_aim, pairs), *(_wrong_key(key, levers_only) for key in searched_keys)]
    problems = [problem for problem in problems if problem]
    if problems:
        raise Refused("\n".join(problems))


def refuse_targets(factors: Mapping[str, Iterable[Any]]) -> None:
    """Raise Refused if a factor of a sweep would move the places where harm lands.

    factors: dotted scenario key -> the values it takes (any two that show whether it varies will do).
    """
    for key, values in factors.items():
        seen: dict[str, set[str]] = {}
        for value in values:
            for leaf, found in _leaves(key, value):
                seen.setdefault(leaf, set()).add(repr(found))
        for leaf, found in seen.items():
            if len(found) > 1 and any(fnmatch.fnmatchcase(leaf, place) for place in PLACES):
                raise Refused(
                    f"{leaf}: this factor moves the place where harm lands; comparing the harm over such places is a "
                    "search for targets, which is refused. State the places that are known or feared as a scenario of "
                    f"its own; vary strength, spread and dates instead. {WHY}"
                )


def refuse_to_fit_harm(series: Iterable[str]) -> None:
    """Raise Refused if what people do, or a plan, would be fitted to a number of people hurt or killed.

    series: names of the series that a calibration aims at. It would be a search for as much harm as the file says.
    """
    for name in series:
        if name.startswith(HARM_SERIES):
            raise Refused(
                f"{name}: to fit what people do to a number of people hurt or killed is a search for as much harm as "
                "the file says, which is refused. Mark these rows judge; harm is fitted to records by `safepassage "
                f"fit-harm`. {WHY}"
            )


def _wrong_aim(objective: tuple[str, str]) -> str | None:
    name, direction = objective
    if direction not in ("minimise", "maximise"):
        return f"{name}: the direction is {direction!r}; write minimise or maximise."
    wants_more = direction == "maximise"
    outcome = outcome_of(name)
    if outcome is None:
        return f"{name}: {unknown(name)} A search needs an outcome of which more, or less, is known to be better."
    if outcome.direction == Direction.LESS and wants_more:
        return f"{name}: to {direction} it means to search for more harm, which is refused. Minimise it. {WHY}"
    if outcome.direction == Direction.MORE and not wants_more:
        return f"{name}: to {direction} it means to search for fewer people out of danger, which is refused. {WHY}"
    if outcome.direction == Direction.NEUTRAL and outcome.panel != Panel.SERVICES:
        return f"{name}: neither more nor less of it is known to be better, so no search may aim at it. {WHY}"
    if outcome.direction == Direction.COST and wants_more:
        return f"{name}: it is a cost; a search for more of it helps nobody and is refused. Minimise it. {WHY}"
    return None


def _wrong_key(key: str, levers_only: bool) -> str | None:
    if any(f"{key}.".startswith(f"{lever}.") for lever in LEVERS):
        return None
    if key.split(".")[0] in HAZARDS:
        return (
            f"{key}: a search over a hazard is refused; hazards are sampled, never chosen for their effect. Vary it as "
            f"a factor of a sweep, or search over {', '.join(LEVERS)}. {WHY}"
        )
    if levers_only:
        return f"{key}: a search changes only what protects people: {', '.join(LEVERS)}. {WHY}"
    return None


def _leaves(key: str, value: Any):
    """Yield (dotted key, value) of everything in a nested value."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(f"{key}.{name}", part)
    elif isinstance(value, list | tuple) and not key.endswith(".between"):
        for index, part in enumerate(value):
            yield from _leaves(f"{key}.{index}", part)
    else:
        yield key, value
