"""Households and persons as a user's own tables give them, checked and used as they are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Mobility
from safepassage.model.demography import LIFESPAN, SEXES
from safepassage.model.draws import Stream, uniforms
from safepassage.model.homes import nearest_home_node, nodes_named
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.population import Population
from safepassage.model.streets import Streets
from safepassage.model.tables import choices, flags, numbers, read_table, refuse
from safepassage.model.zones import Zones, nearest_zone

MOBILITIES = {member.name.replace("_", " "): int(member) for member in Mobility}


@dataclass(eq=False)
class Given:
    """What the tables say; None where they are silent and the rest is drawn."""

    size: np.ndarray
    """int64: persons of each household."""
    zone: np.ndarray
    """int32: row of its zone."""
    node: np.ndarray | None = None
    x_m: np.ndarray | None = None
    y_m: np.ndarray | None = None
    has_car: np.ndarray | None = None
    age: np.ndarray | None = None
    is_female: np.ndarray | None = None
    mobility: np.ndarray | None = None
    """Of persons, in the order of their households."""


def read(settings: Population, zones: Zones, streets: Streets, seed: int) -> Given | None:
    """Return what population.households_file and population.persons_file say; None if there is neither.

    Raises ScenarioError naming the file, the row (counted from 1 without the header), the value and the change.
    """
    persons = None if settings.persons_file is None else _read_persons(settings)
    if settings.households_file is None:
        return None if persons is None else _homes_by_zone(settings, persons, zones, seed)
    path = settings.households_file
    places = ("x_m", "y_m", "longitude_deg", "latitude_deg", "node")
    needed = ("n_persons",) if persons is None else ("household",)
    frame = read_table(path, needed, ("household", "n_persons", "has_car", "zone", *places))
    if "household" in frame:
        doubles = frame["household"].duplicated().to_numpy()
        refuse(
            path, "household", frame["household"], doubles, "an earlier row has this id; give each household its own"
        )
    size = _sizes(path, frame, persons, settings)
    given = Given(size, np.empty(0, np.int32))
    given.node, given.x_m, given.y_m = _places(path, frame, streets)
    if "zone" in frame:
        given.zone = _named_zones(path, frame, zones)
    elif given.node is None:
        raise ScenarioError(f"{path}: the rows have no place and no zone; add a column zone, or x_m and y_m.")
    else:
        given.zone = nearest_zone(given.x_m, given.y_m, zones, path)
    if "has_car" in frame:
        given.has_car = flags(path, frame, "has_car")
    if persons is not None:
        row_of = pd.Series(np.arange(len(frame)), frame["household"])
        _add_persons(given, persons, row_of[persons["household"]].to_numpy())
    return given


def _sizes(path, frame, persons, settings) -> np.ndarray:
    if persons is None:
        return numbers(path, frame, "n_persons", 1, 1000, whole=True).astype(np.int64)
    unknown = ~persons["household"].isin(frame["household"]).to_numpy()
    refuse(settings.persons_file, "household", persons["household"], unknown, f"{path.name} has no such household")
    size = persons["household"].value_counts().reindex(frame["household"], fill_value=0).to_numpy(np.int64)
    refuse(path, "household", frame["household"], size == 0, f"nobody of {settings.persons_file.name} lives in it")
    if "n_persons" in frame:
        stated = numbers(path, frame, "n_persons", 1, 1000, whole=True)
        change = f"{settings.persons_file.name} has another number of persons for this household; correct one of them"
        refuse(path, "n_persons", frame["n_persons"], stated != size, change)
    return size


def _places(path, frame, streets: Streets):
    """Return node, x_m and y_m of each home, or three times None where the table has no places."""
    if {"x_m", "y_m"} <= set(frame):
        x_m, y_m = (numbers(path, frame, name, -1e8, 1e8) for name in ("x_m", "y_m"))
    elif {"longitude_deg", "latitude_deg"} <= set(frame):
        longitude = numbers(path, frame, "longitude_deg", -180, 180)
        x_m, y_m = streets.project(longitude, numbers(path, frame, "latitude_deg", -90, 90))
    elif "node" in frame:
        node = nodes_named(path, frame["node"], streets)
        return node, streets.node_x_m[node], streets.node_y_m[node]
    else:
        return None, None, None
    node = nodes_named(path, frame["node"], streets) if "node" in frame else nearest_home_node(streets, x_m, y_m, path)
    return node, np.asarray(x_m, float), np.asarray(y_m, float)


def _named_zones(path, frame, zones: Zones) -> np.ndarray:
    rows = frame["zone"].map({name: row for row, name in enumerate(zones.name)})
    change = f"there is no such zone; the zones are {', '.join(zones.name[:20])}"
    refuse(path, "zone", frame["zone"], rows.isna().to_numpy(), change)
    return rows.to_numpy(np.int32)


def _read_persons(settings: Population) -> pd.DataFrame:
    path = settings.persons_file
    frame = read_table(path, ("household",), ("age", "sex", "mobility", "zone"))
    refuse(path, "household", frame["household"], (frame["household"] == "").to_numpy(), "give the household's id")
    if "age" in frame:
        frame["age"] = np.floor(numbers(path, frame, "age", 0, LIFESPAN - 0.001)).astype(np.int16)
    if "sex" in frame:
        frame["sex"] = choices(path, frame, "sex", SEXES)
    if "mobility" in frame:
        frame["mobility"] = choices(path, frame, "mobility", MOBILITIES)
    return frame


def _homes_by_zone(settings: Population, persons: pd.DataFrame, zones: Zones, seed: int) -> Given:
    """Return households of persons alone: in the zone stated, else drawn in proportion to the zones' residents."""
    row, ids = pd.factorize(persons["household"])
    size = np.bincount(row, minlength=len(ids)).astype(np.int64)
    if "zone" in persons:
        person_zone = _named_zones(settings.persons_file, persons, zones)
        zone = np.zeros(len(ids), np.int32)
        zone[row[::-1]] = person_zone[::-1]
        change = "another member of the household lives in another zone; correct one of them"
        refuse(settings.persons_file, "zone", persons["zone"], zone[row] != person_zone, change)
    else:
        ladder = np.cumsum(zones.residents)
        point = uniforms(seed, Stream.HOUSEHOLD, len(ids), tick=2**31 - 1) * ladder[-1]
        zone = np.searchsorted(ladder, point, side="right").astype(np.int32)
    given = Given(size, zone)
    _add_persons(given, persons, row)
    return given


def _add_persons(given: Given, persons: pd.DataFrame, household: np.ndarray):
    """Take over ages, sexes and mobility in the order of the households."""
    order = np.argsort(household, kind="stable")
    for column, name, kind in (
        ("age", "age", np.int16),
        ("sex", "is_female", np.bool_),
        ("mobility",) * 2 + (np.int8,),
    ):
        if column in persons:
            setattr(given, name, persons[column].to_numpy()[order].astype(kind))
