"""Scenario files: read, checked as a whole, overridden, laid over by plans; every mistake reported at once."""

import difflib
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import pairwise
from os.path import isfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, model_validator

from safepassage.model.settings.authorities import Closures, Trigger
from safepassage.model.settings.base import ScenarioError, Section
from safepassage.model.settings.behaviour import Behaviour, Order
from safepassage.model.settings.damage import Damage, Fires
from safepassage.model.settings.files.yaml_file import COLONS, read_yaml
from safepassage.model.settings.front import Curfew, Drones, Front
from safepassage.model.settings.harm import Harm
from safepassage.model.settings.levers import institutions as group_quarters
from safepassage.model.settings.levers import truces as agreements
from safepassage.model.settings.levers import warm_places as warming
from safepassage.model.settings.levers.daytime import Daytime
from safepassage.model.settings.levers.institutions import Institution, InstitutionLeaves
from safepassage.model.settings.levers.reception import Reception
from safepassage.model.settings.levers.references import refuse_unclear
from safepassage.model.settings.levers.truces import Truce, TruceKeeping
from safepassage.model.settings.levers.warm_places import WarmPlace
from safepassage.model.settings.movement import Movement
from safepassage.model.settings.population import Population
from safepassage.model.settings.run import Run
from safepassage.model.settings.services import Services
from safepassage.model.settings.shelling import Shelling
from safepassage.model.settings.shelters import AirRaidAlerts, Shelters
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.settings.weather import Cold, Weather

LEVERS = (
    "orders", "streets.exits", "curfew", "drones.nets", "damage.crews", "behaviour.channels", "shelters", "services",
    "closures", "alerts", "triggers", "truces", "institutions_leave", "reception.places", "warm_places",
    "daytime.send_home",
)  # fmt: skip
"""Parts of a scenario that a plan may change: what protects people. Hazards and people's nature are not among them."""

NO_PLAN = ""
MOST_PROBLEMS = 50
"""Mistakes that are told at once."""


class Scenario(Section):
    """Complete description of one question: streets, people, shelling, behaviour, run."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", max_length=60)
    """Short name, used in file names: small letters, digits and underscores."""
    title: str
    """What is asked, in one line; stands above every table and picture."""
    notice: str = ""
    """What a reader must know before using a result; printed wherever the scenario appears."""
    plan: str = Field(NO_PLAN, pattern=r"^[a-z0-9_]*$", max_length=60)
    """Name of the plan laid over the scenario; empty: none."""
    run: Run = Run()
    streets: StreetSettings
    population: Population
    shelling: Shelling = Shelling()
    front: Front = Front()
    drones: Drones = Drones()
    curfew: Curfew = Curfew()
    damage: Damage = Damage()
    fires: Fires = Fires()
    harm: Harm = Harm()
    shelters: Shelters = Shelters()
    alerts: AirRaidAlerts = AirRaidAlerts()
    services: Services = Services()
    closures: Closures = Closures()
    orders: tuple[Order, ...] = ()
    """Evacuation orders, in any order of time."""
    triggers: tuple[Trigger, ...] = Field((), examples=[[{"name": "front near", "front_within_km": 8}]])
    """What authorities wait for before they act; orders, closures, curfew windows and reinforcements may name one."""
    institutions: tuple[Institution, ...] = Field((), examples=[group_quarters.HOME])
    """Hospitals, care homes and prisons, with who is in them."""
    institutions_leave: tuple[InstitutionLeaves, ...] = Field((), examples=[group_quarters.LEAVES])
    """Which of them are brought out, and when."""
    truces: tuple[Truce, ...] = Field((), examples=[agreements.DAYS])
    """Windows in which shelling is suspended by agreement, and corridors by which people leave in them."""
    truce_keeping: TruceKeeping = TruceKeeping()
    reception: Reception = Reception()
    daytime: Daytime = Daytime()
    weather: Weather = Weather()
    cold: Cold = Cold()
    warm_places: tuple[WarmPlace, ...] = Field((), examples=[warming.POINTS])
    """Heated rooms and water points."""
    behaviour: Behaviour = Behaviour()
    movement: Movement = Movement()

    _source: "Source" = PrivateAttr()

    @model_validator(mode="after")
    def _names_known(self):
        refuse_unclear(self)
        return self

    @property
    def source(self) -> "Source":
        """The merged keys as the user wrote them, and where each came from."""
        return self._source

    def issued_s(self, order: Order) -> float:
        """Return when an order is issued (s after the start of the run; 0 if it was before)."""
        return order.issued_s(self.run.start, self.shelling.time_zone)

    def override(self, changes: Mapping[str, Any]) -> "Scenario":
        """Return this scenario with dotted keys changed, checked like a file.

        changes: for example {"run.duration_h": 3, "orders.0.issued_h": 1}. Raises InvalidScenario.
        """
        return validated(self._source.with_changes(changes))


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what was found there, what to change."""

    place: str
    key: str
    found: str
    change: str

    def __str__(self) -> str:
        found = f" = {self.found}" if self.found else ""
        return f"{self.place}: {self.key}{found}: {self.change}"


class InvalidScenario(ScenarioError):
    """A scenario that cannot be run; `problems` lists every mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> Any:
        return InvalidScenario, (self.problems,)


@dataclass(frozen=True)
class Source:
    """What a user wrote: nested keys, the folder that relative paths start from, the place of each key."""

    path: str
    folder: Path
    keys: dict
    places: dict[tuple, str] = field(default_factory=dict)

    def with_changes(self, changes: Mapping[str, Any], place: str = "--set") -> "Source":
        """Return a copy with dotted keys set; raises InvalidScenario for a key that leads nowhere."""
        keys, places = deepcopy(self.keys), dict(self.places)
        problems = []
        for dotted, value in changes.items():
            path = tuple(int(part) if re.fullmatch("-?[0-9]{1,9}", part) else part for part in dotted.split("."))
            problem = _set(keys, path, value)
            if problem:
                problem = _misspelt(path) or problem
                problems.append(Problem(place, dotted, repr(value), problem))
            places = {key: at for key, at in places.items() if key[: len(path)] != path}
            places[path] = place
        if problems:
            raise InvalidScenario(problems)
        return Source(self.path, self.folder, keys, places)

    def place(self, path: tuple) -> str:
        """Return file and line of a key, or of the nearest key around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return self.path


def _set(keys: dict, path: tuple, value: Any) -> str | None:
    at = keys
    for step, following in pairwise(path):
        if isinstance(at, list):
            if not isinstance(step, int) or not 0 <= step < len(at):
                return f"there is no entry {step}; the list has {len(at)}, counted from 0"
            at = at[step]
        else:
            if at.get(step) is None:
                if isinstance(following, int):
                    return f"{step} is an empty list; give the whole list"
                at[step] = {}
            at = at[step]
        if not isinstance(at, dict | list):
            return f"{step} is a single value, not a section"
    last = path[-1]
    if isinstance(at, list):
        if not isinstance(last, int) or not 0 <= last < len(at):
            return f"there is no entry {last}; the list has {len(at)}, counted from 0"
        at[last] = value
    else:
        at[str(last)] = value
    return None


def _misspelt(path: tuple) -> str | None:
    """Return what the first key of a path that a scenario does not know may mean; None: it knows them all."""
    for k, part in enumerate(path):
        known = _known_keys(Scenario, path[:k])
        if isinstance(part, str) and part not in known:
            close = difflib.get_close_matches(part, known, n=1)
            return f"unknown key; did you mean {'.'.join(map(str, (*path[:k], close[0])))}?" if close else None
    return None


def shipped() -> dict[str, Path]:
    """Return the scenarios that come with the package: name -> file."""
    folder = Path(str(files("safepassage.scenarios")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(name_or_path: str | Path) -> Path:
    """Return the file of a shipped scenario's name or of a path; raises ScenarioError if there is none."""
    path = Path(name_or_path)
    if isfile(path):
        return path
    known = shipped()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    close = difflib.get_close_matches(str(name_or_path), known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ScenarioError(
        f"{name_or_path}: there is no such file and no shipped scenario of that name.{hint} "
        f"Shipped: {', '.join(known)}."
    )


def load(
    name_or_path: str | Path, overrides: Mapping[str, Any] | None = None, plan: str | Path | None = None
) -> Scenario:
    """Return the Scenario of a file or shipped name, with a plan laid over it and dotted keys overridden.

    name_or_path: name of a shipped scenario, or path of a scenario file. overrides: dotted key -> value, such as
    {"run.duration_h": 3}; they come after the plan. plan: path of a plan, or its name in the folder `plans` beside the
    scenario. Raises InvalidScenario with every mistake found, ScenarioError if the file is missing or is not YAML.
    """
    source = read_keys(find(name_or_path))
    if plan is not None:
        source = laid_over(source, plan, source.folder)
    return validated(source.with_changes(overrides or {}))


def laid_over(source: Source, plan: str | Path, folder: Path) -> Source:
    """Return the keys of a scenario with a plan laid over them; folder: of the scenario, which plans stand beside."""
    return _lay_over(source, read_keys(find_plan(plan, folder)))


def find_plan(name_or_path: str | Path, folder: Path) -> Path:
    """Return the file of a plan: a path, or a name in the folder `plans` beside the scenario."""
    beside = folder / "plans"
    for path in (Path(name_or_path), beside / name_or_path, beside / f"{name_or_path}.yaml"):
        if isfile(path):
            return path
    known = ", ".join(path.stem for path in sorted(beside.glob("*.yaml"))) or "none"
    raise ScenarioError(f"{name_or_path}: there is no such plan. Plans in {beside}: {known}.")


def validated(source: Source) -> Scenario:
    """Return the Scenario that the keys describe; raises InvalidScenario with every mistake."""
    try:
        scenario = Scenario.model_validate(source.keys, context={"folder": source.folder})
    except ValidationError as error:
        raise invalid(source, error, Scenario) from None
    scenario._source = source
    return scenario


def invalid(source: Source, error: ValidationError, model: type[BaseModel]) -> InvalidScenario:
    """Return every mistake of a file as one error; model: what the file was to be, a scenario or a study."""
    details = error.errors()
    problems = [_problem(source, dict(one), model) for one in details[:MOST_PROBLEMS]]
    if len(details) > MOST_PROBLEMS:
        problems.append(Problem(source.path, f"{len(details) - MOST_PROBLEMS:,} more", "", "correct these first"))
    return InvalidScenario(problems)


def _lay_over(source: Source, plan: Source) -> Source:
    problems = _of_another_scenario(source, plan)
    changes: dict[str, Any] = {"plan": plan.keys.get("name", Path(plan.path).stem)}
    for path, value in _leaves(plan.keys):
        dotted = ".".join(path)
        if path[0] in ("name", "title", "scenario"):
            continue
        if not any((dotted + ".").startswith(lever + ".") for lever in LEVERS):
            meant = _lever_meant(path)
            change = (
                f"unknown key; did you mean {meant}?" if meant
                else f"a plan changes only what protects people: {', '.join(LEVERS)}. Put this into the scenario."
            )  # fmt: skip
            problems.append(Problem(plan.place(path), dotted, "", change))
        changes[dotted] = value
    if problems:
        raise InvalidScenario(problems)
    laid = source.with_changes(changes, plan.path)
    return Source(laid.path, laid.folder, laid.keys, laid.places | plan.places)


def _of_another_scenario(source: Source, plan: Source) -> list[Problem]:
    """Return what is wrong if a plan says which scenarios it is for and this one is not among them."""
    named = plan.keys.get("scenario")
    names = [named] if isinstance(named, str) else named
    if named is None:
        return []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        return [Problem(plan.place(("scenario",)), "scenario", _shown(named), "give the name of a scenario, or a list")]
    if source.keys.get("name") in names:
        return []
    change = f"this plan is not for {source.keys.get('name')}. Choose a plan of that scenario, or name it here too"
    return [Problem(plan.place(("scenario",)), "scenario", repr(named), change)]


def _lever_meant(path: tuple) -> str | None:
    """Return the lever that a key of a plan seems to mean, if the scenario has no such key; None: none."""
    if path[0] in Scenario.model_fields and (len(path) == 1 or path[1] in _known_keys(Scenario, (path[0], ""))):
        return None
    close = [difflib.get_close_matches(".".join(path[: lever.count(".") + 1]), [lever], 1, 0.75) for lever in LEVERS]
    return next((found[0] for found in close if found), None)


def _leaves(keys: dict, path: tuple = ()) -> Any:
    """Yield (path, value) of everything in nested mappings that is not itself a mapping."""
    for key, value in keys.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def read_keys(path: Path) -> Source:
    """Return the keys of a YAML file and the line of each; raises ScenarioError if it cannot be read as such."""
    keys, places = read_yaml(path)
    if not isinstance(keys, dict):
        raise ScenarioError(f"{path}: this file must be a list of `key: value` lines; found {type(keys).__name__}.")
    return Source(str(path), path.resolve().parent, keys, places)


def _problem(source: Source, details: dict, model: type[BaseModel]) -> Problem:
    path = _key_path(source.keys, details["loc"])
    key = ".".join(map(str, path)) or model.__name__.lower()
    found = "" if details["type"] == "missing" or not path else _shown(details["input"])
    if details["type"] == "missing":
        change = "this key is missing; add it"
    elif details["type"] == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        close = difflib.get_close_matches(str(path[-1]), known, n=1)
        change = f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known: {', '.join(known)}"
    else:
        change = details["msg"].removeprefix("Value error, ").replace("Input should", "should")
        change = change.replace("a valid tuple", "a list")
        if details["type"] == "string_type" and isinstance(details["input"], int | float):
            change = f"a number stands where a text should; put it into quotes: '{details['input']}'"
        if isinstance(details["input"], str) and COLONS.fullmatch(details["input"]):
            change += "; a length of time is one number, 1.5 for an hour and a half if the key ends in _h"
    return Problem(source.place(path), key, found, change)


def _key_path(keys: Any, loc: tuple) -> tuple:
    """Return an error's location as keys of the file, without pydantic's own names of union members."""
    path, at = [], keys
    for number, part in enumerate(loc):
        if (isinstance(at, dict) and part in at) or (isinstance(at, list) and isinstance(part, int) and part < len(at)):
            path.append(part)
            at = at[part]
        elif number == len(loc) - 1:
            path.append(part)
    return tuple(path)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections that a field may hold, from its annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models_in(part)]


def _known_keys(model: type[BaseModel], path: tuple) -> list[str]:
    """Return the keys that a section of a model knows; path: the section's key path."""
    models = [model]
    for part in path:
        if isinstance(part, str):
            infos = [one.model_fields[part] for one in models if part in one.model_fields]
            models = [found for info in infos for found in models_in(info.annotation)] or models
    return [key for one in models for key in one.model_fields]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
