"""Households and persons as a user's own tables give them, checked and used as they are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Mobility
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.draws import Stream, digests, uniforms_for
from safepassage.model.inputs.tables import Table, read_table, refuse
from safepassage.model.people.demography import LIFESPAN, SEXES
from safepassage.model.people.homes import nearest_home_node, nodes_named
from safepassage.model.settings.population import Population
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones, nearest_zone

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
    key: np.ndarray | None = None
    """uint32: digest of each household's id, by which its chance is drawn."""


def read_given(settings: Population, zones: Zones, streets: Streets, seed: int) -> Given | None:
    """Return what population.households_file and population.persons_file say; None if there is neither.

    Raises ScenarioError naming the file, the row (counted from 1 without the header), the value and the change.

    settings: the scenario's section `Population`. zones: parts of the town, with outlines and streets. streets: those
    of the model. seed: seed of the run, from which all chance is drawn.
    """
    persons = None if settings.persons_file is None else _read_persons(settings)
    if settings.households_file is None:
        return None if persons is None else _homes_by_zone(persons, zones, seed)
    path = settings.households_file
    places = ("x_m", "y_m", "longitude_deg", "latitude_deg", "node")
    needed = ("n_persons",) if persons is None else ("household",)
    table = read_table(path, needed, ("household", "n_persons", "has_car", "zone", *places))
    if "household" in table:
        doubles = table["household"].duplicated()
        table.note("household", doubles, "an earlier row has this id; give each household its own")
    size = _sizes(table, persons)
    has_car = table.flags("has_car") if "has_car" in table else None
    zone = _named_zones(table, zones) if "zone" in table else None
    node, x_m, y_m = _places(table, streets)
    if zone is None and node is None and x_m is None:
        table.mistakes.append(f"{path}: the rows have no place and no zone; add a column zone, or x_m and y_m.")
    refuse([*table.mistakes, *(persons.mistakes if persons is not None else ())])
    if node is None and x_m is not None and y_m is not None:
        node = nearest_home_node(streets, x_m, y_m, path)
    elif node is not None and x_m is None:
        x_m, y_m = streets.node_x_m[node], streets.node_y_m[node]
    if zone is None and x_m is not None and y_m is not None:
        zone = nearest_zone(x_m, y_m, zones, path)
    assert zone is not None  # a row with neither zone nor place is refused above
    given = Given(size.astype(np.int64), zone, node, x_m, y_m, has_car)
    if "household" in table:
        given.key = digests(table["household"])
    if persons is not None:
        row_of = pd.Series(np.arange(len(table)), table["household"])
        _add_persons(given, persons, row_of[persons["household"]].to_numpy())
    return given


def _sizes(table: Table, persons: Table | None) -> np.ndarray:
    """Return the persons of each household, float64; NaN, and noted, where the table is wrong."""
    if persons is None:
        return table.numbers("n_persons", 1, 1000, whole=True)
    unknown = ~persons["household"].isin(table["household"])
    persons.note("household", unknown & (persons["household"] != ""), f"{table.path.name} has no such household")
    n = persons["household"].value_counts()
    size = table["household"].map(n).fillna(0).to_numpy(np.float64)
    table.note("household", size == 0, f"nobody of {persons.path.name} lives in it")
    if "n_persons" in table:
        stated = table.numbers("n_persons", 1, 1000, whole=True)
        change = f"{persons.path.name} has another number of persons for this household; correct one of them"
        table.note("n_persons", (stated != size) & ~np.isnan(stated) & (size > 0), change)
    return size


def _places(table: Table, streets: Streets) -> tuple[Ints | None, Floats | None, Floats | None]:
    """Return node, x_m and y_m of each home as the table gives them; None where it does not."""
    node = nodes_named(table, streets) if "node" in table else None
    if "x_m" in table and "y_m" in table:
        return node, table.numbers("x_m", -1e8, 1e8), table.numbers("y_m", -1e8, 1e8)
    if "longitude_deg" in table and "latitude_deg" in table:
        degrees = table.numbers("longitude_deg", -180, 180), table.numbers("latitude_deg", -90, 90)
        x_m, y_m = streets.project(*degrees)
        return node, np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
    return node, None, None


def _named_zones(table: Table, zones: Zones) -> np.ndarray:
    change = f"there is no such zone; the zones are {', '.join(zones.name[:20])}"
    return table.known("zone", {name: row for row, name in enumerate(zones.name)}, change).astype(np.int32)


def _read_persons(settings: Population) -> Table:
    """Return the persons, columns turned into numbers where right; what is wrong is noted, not yet raised."""
    assert settings.persons_file is not None
    table = read_table(settings.persons_file, ("household",), ("age", "sex", "mobility", "zone"))
    table.note("household", table["household"] == "", "give the household's id")
    if "age" in table:
        table.frame["age"] = np.floor(table.numbers("age", 0, LIFESPAN - 0.001))
    if "sex" in table:
        table.frame["sex"] = table.choices("sex", SEXES)
    if "mobility" in table:
        table.frame["mobility"] = table.choices("mobility", MOBILITIES)
    return table


def _homes_by_zone(persons: Table, zones: Zones, seed: int) -> Given:
    """Return households from a table of persons alone: in the zone stated, else drawn in proportion to the zones'
    residents."""
    row, ids = pd.factorize(persons["household"])
    size = np.bincount(row, minlength=len(ids)).astype(np.int64)
    if "zone" in persons:
        person_zone = _named_zones(persons, zones)
        zone = np.zeros(len(ids), np.int32)
        zone[row[::-1]] = person_zone[::-1]
        change = "another member of the household lives in another zone; correct one of them"
        persons.note("zone", (zone[row] != person_zone) & (zone[row] >= 0) & (person_zone >= 0), change)
    else:
        ladder = np.cumsum(zones.residents)
        point = uniforms_for(seed, Stream.HOUSEHOLD, digests(ids), tick=2**31 - 1) * ladder[-1]
        zone = np.searchsorted(ladder, point, side="right").astype(np.int32)
    persons.check()
    given = Given(size, zone, key=digests(ids))
    _add_persons(given, persons, row)
    return given


def _add_persons(given: Given, persons: Table, household: np.ndarray) -> None:
    """Take over ages, sexes and mobility in the order of the households."""
    order = np.argsort(household, kind="stable")
    for column, name, kind in (
        ("age", "age", np.int16),
        ("sex", "is_female", np.bool_),
        ("mobility",) * 2 + (np.int8,),
    ):
        if column in persons:
            setattr(given, name, persons[column].to_numpy()[order].astype(kind))
