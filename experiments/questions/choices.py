"""Levers with a planner's names: what stands open, and the keys of a scenario that each alternative sets.

    choices:
      Main Street: {as it is: {}, contraflow: {closures.contraflow: [{name: Main Street}]}}
      the eight buses:
        one fleet for all stops: {}
        four each: {services.fleets: [{name: North, n_vehicles: 4, ...}, {name: South, n_vehicles: 4, ...}]}

Where two choices give a list for one key, such as contraflow on two streets, the lists are joined.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from safepassage.model.settings.scenario import LEVERS, Scenario

Choices = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Name of what stands open -> alternative -> dotted key -> value."""


def refuse_unclear(choices: Choices, levers: Mapping[str, Any]) -> None:
    """Raise ValueError for a choice that leaves nothing open, has a lever's name, or sets what another sets too.

    levers: dotted keys that are searched beside them.
    """
    set_by: dict[str, str] = {}
    for name, alternatives in choices.items():
        if len(alternatives) < 2:
            raise ValueError(f"choices: {name}: give two alternatives or more; {{}} leaves the scenario as it is")
        if name in levers:
            raise ValueError(f"choices: {name} is the name of a lever too; give it another")
        for key in {key for keys in alternatives.values() for key in keys}:
            if key in levers:
                raise ValueError(f"choices: {name}: {key} is among the levers too; leave out one of them")
            other = set_by.setdefault(key, name)
            values = [one[key] for each in (name, other) for one in choices[each].values() if key in one]
            if other != name and not all(isinstance(value, list | tuple) for value in values):
                raise ValueError(f"choices: {name} and {other} both set {key}; only lists can be joined")


def keys_of(choices: Choices) -> Iterator[str]:
    """Yield the dotted keys that any alternative sets."""
    for alternatives in choices.values():
        for keys in alternatives.values():
            yield from keys


def changes_of(choices: Choices, picked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dotted keys of a proposal: levers as they are, choices by the alternative that is picked.

    picked: lever -> value, name of a choice -> its alternative.
    """
    found: dict[str, Any] = {}
    for name, value in picked.items():
        for key, part in (choices[name][value] if name in choices else {name: value}).items():
            is_joined = key in found and isinstance(part, list | tuple)
            found[key] = [*found[key], *part] if is_joined else part
    return found


def each_alternative(choices: Choices) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name of the choice, keys) of every alternative by itself."""
    for name, alternatives in choices.items():
        for keys in alternatives.values():
            yield name, dict(keys)


def value_at(keys: Any, dotted: str) -> Any:
    """Return what stands at a dotted key of nested keys; None: nothing."""
    for part in dotted.split("."):
        try:
            keys = keys[int(part)] if isinstance(keys, list) else keys[part]
        except (KeyError, IndexError, TypeError):
            return None
    return keys


def plan_of(base: Scenario, levers: dict[str, Any], name: str, title: str) -> dict[str, Any]:
    """Return the keys of a plan file that sets the levers: whole levers, as a plan lays them over a scenario.

    base: the scenario that they are laid over. name, title: of the plan.
    """
    keys = base.source.with_changes(levers).keys
    plan: dict[str, Any] = {"name": name, "title": title}
    for lever in LEVERS:
        if any(f"{key}.".startswith(f"{lever}.") for key in levers):
            at = plan
            *parents, last = lever.split(".")
            for part in parents:
                at = at.setdefault(part, {})
            at[last] = value_at(keys, lever)
    return plan
