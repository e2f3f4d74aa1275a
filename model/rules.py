"""Rules of a user's own: how households decide, how people choose their way, what falls; handed over from Python.

    class Later:
        def rate_per_day(self, seen):
            return 0.5 * seen.rate_per_day

    EvacuationModel("tiny_town", rules=Rules(decision=Later()))
    EvacuationModel("tiny_town", rules="my_rules.py")        # a file that defines decision, route_choice or hazard
    run_batch("tiny_town", seeds=range(50), rules="my_rules.py")

A rule is code, so no scenario, plan or study file can name one: a file that somebody sends must not run code. A rule of
the hazard gets the clock, chance of its own, the map and the front; it is asked before there are people, so that what
falls depends on nobody. Manifests state each rule with the digest of its file.
"""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from os.path import isfile
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from safepassage.model.settings.errors import ScenarioError

Floats = npt.NDArray[np.float64]


class RuleError(ScenarioError):
    """A rule of the user's own gave something that the model cannot use. The message says what and how to mend it."""


@dataclass(frozen=True)
class HouseholdsSeen:
    """What a rule of the decision sees: one entry per household; arrays are copies."""

    time_s: float
    """Since the start of the run (s)."""
    covariates: Mapping[str, npt.NDArray[np.float32]]
    """What each household knows, by the name of the covariate: impacts, unwarned, no_seat, no_car, ..."""
    rate_per_day: Floats
    """Rate at which the model's own rule has each decide to leave, in the mean since the last look (1/day)."""
    n_members: npt.NDArray[np.int64]
    has_car: npt.NDArray[np.bool_]
    has_children: npt.NDArray[np.bool_]
    stays_behind: npt.NDArray[np.bool_]
    """Adults who keep the home until the rest of their family has left: until then their rate stays 0."""


class DecisionRule(Protocol):
    """How fast households at home decide to leave."""

    def rate_per_day(self, seen: HouseholdsSeen) -> Floats:
        """Return the rate of each household (1/day), 0 or more; asked at the pace of behaviour.decide_every_s."""


@dataclass(frozen=True)
class RoadsSeen:
    """What a rule of the route choice sees: one entry per link; arrays are copies."""

    mode: str
    """car or walk."""
    time_s: Floats
    """Time that each link takes, as these people have last seen it (s)."""
    danger: Floats
    """What a second on each link costs beyond a second, as people perceive its danger (s/s)."""
    is_open: npt.NDArray[np.bool_]
    """Whether these people believe it open; they take no closed link whatever it costs."""
    streets: Any
    """The map, as `Streets`: length_m, highway, link_name, is_bridge, ..."""


class RouteChoice(Protocol):
    """By which cost people in cars and on foot choose their way out."""

    def cost_s(self, seen: RoadsSeen) -> Floats:
        """Return the cost of each link (s), above 0; people take the way of the least sum."""


@dataclass(frozen=True)
class RunClock:
    """When a run takes place."""

    start: datetime
    """Local date and time of its start."""
    time_zone: str
    duration_s: float


@dataclass(frozen=True)
class Falls:
    """What falls: one entry per impact, in any order."""

    time_s: npt.ArrayLike
    """Since the start of the run (s)."""
    x_m: npt.ArrayLike
    y_m: npt.ArrayLike
    size: npt.ArrayLike
    """S, M or L of each."""


class HazardRule(Protocol):
    """What falls beside the sources of the scenario, whatever anybody does."""

    def falls(self, clock: RunClock, chance: np.random.Generator, area: Any, front: Any) -> Falls:
        """Return the impacts of a run.

        chance: the rule's own stream, fixed by the seed. area: the rectangle of the map (west_m, south_m, east_m,
        north_m, contains(x_m, y_m)). front: `distance_km(x_m, y_m, time_s)`; None: there is no front. clock: time of
        the run and its zone.
        """


@dataclass(frozen=True)
class Rules:
    """The rules of a user's own in one run; None: the model's own rule."""

    decision: DecisionRule | None = None
    route_choice: RouteChoice | None = None
    hazard: HazardRule | None = None

    def described(self) -> dict[str, dict[str, str | None]]:
        """Return what a manifest states of each rule: its name, its file and the file's digest."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _described(rule) for name, rule in given.items() if rule is not None}


@dataclass(frozen=True)
class RuleFile:
    """A file of rules as a worker gets it: the path, and the digest that its content must have there."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: "Path | str") -> "RuleFile":
        """Return the file at a path, once it is known to define rules. Raises RuleError."""
        absolute = Path(path).resolve()
        rules_of(absolute)
        return cls(absolute, file_digest(absolute))

    def read(self) -> Rules:
        """Return the rules. Raises RuleError if the file is missing here, or is another."""
        if isfile(self.path) and file_digest(self.path) != self.sha256:
            raise RuleError(f"{self.path}: the file of rules differs from the one that the batch was started with.")
        return rules_of(self.path)


METHODS = {"decision": "rate_per_day", "route_choice": "cost_s", "hazard": "falls"}
"""What each rule must be able to do."""
NO_RULES = Rules()


def rules_of(given: "Rules | str | Path | None") -> Rules:
    """Return the Rules given, read from a file if they are a path. Raises RuleError for a file or rule that is none."""
    rules = NO_RULES if given is None else given if isinstance(given, Rules) else read_rules(Path(given))
    for name, method in METHODS.items():
        rule = getattr(rules, name)
        if rule is not None and not callable(getattr(rule, method, None)):
            raise RuleError(f"rules: {name} = {rule!r} has no method {method}; see safepassage.model.rules.")
    return rules


def read_rules(path: Path) -> Rules:
    """Run a Python file and return the rules that it defines by the names decision, route_choice and hazard."""
    if not isfile(path):
        raise RuleError(f"{path}: there is no such file of rules.")
    spec = importlib.util.spec_from_file_location(f"own_rules_{file_digest(path)[:16]}", path)
    if spec is None or spec.loader is None:
        raise RuleError(f"{path}: this is not a Python file; its name must end in .py.")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # by which the classes of the file find it
    spec.loader.exec_module(module)
    found = {name: getattr(module, name, None) for name in METHODS}
    if all(rule is None for rule in found.values()):
        raise RuleError(f"{path}: the file defines none of {', '.join(METHODS)}; write for example hazard = Mine().")
    return Rules(**found)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _described(rule: Any) -> dict[str, str | None]:
    kind = type(rule)
    try:
        path = Path(inspect.getfile(kind))
        return {"name": kind.__qualname__, "file": path.name, "sha256": file_digest(path)}
    except (TypeError, OSError):  # written in a session, not in a file
        return {"name": kind.__qualname__, "file": None, "sha256": None}


def rates_from(rule: DecisionRule, seen: HouseholdsSeen) -> Floats:
    """Return the rates of a rule, checked; who stays behind keeps 0. Raises RuleError."""
    rate = _numbers(rule, "rate_per_day", rule.rate_per_day(seen), seen.rate_per_day.size, "household")
    if (rate < 0).any():
        raise RuleError(f"{type(rule).__qualname__}.rate_per_day gave a rate below 0; a rate is 0 or more.")
    return np.where(seen.stays_behind, 0.0, rate)


def costs_from(rule: RouteChoice, seen: RoadsSeen) -> Floats:
    """Return the costs of a rule, checked. Raises RuleError."""
    cost_s = _numbers(rule, "cost_s", rule.cost_s(seen), seen.time_s.size, "link")
    if (cost_s <= 0).any():
        raise RuleError(
            f"{type(rule).__qualname__}.cost_s gave a cost of 0 or less; costs must be "
            "above 0, or people could go round in circles."
        )
    return cost_s


def _numbers(rule: Any, method: str, given: Any, n: int, what: str) -> Floats:
    found = np.asarray(given, dtype=np.float64)
    if found.shape != (n,) or not np.isfinite(found).all():
        raise RuleError(
            f"{type(rule).__qualname__}.{method} gave an array of shape {found.shape}, {np.isfinite(found).sum()} of "
            f"its numbers finite; give one finite number for each {what}, shape ({n},)."
        )
    return found
