"""What several models of one process are built from alike: streets, zones and people, made once for each content.

The runs of a sweep or comparison differ in plans, seeds and factors; the streets and zones of most are the same, and
under one seed the people are. Streets and zones are never written to and are shared; people change, so that every
model gets its own copy.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.agents.civilians import People
from safepassage.agents.households import Households
from safepassage.model.hazard.impacts import Area
from safepassage.model.kept_streets import streets_of
from safepassage.model.people import margins
from safepassage.model.people.institutions import with_institutions
from safepassage.model.people.margins import Margin
from safepassage.model.people.synthesis import synthesise
from safepassage.model.settings.files.portable import files_in
from safepassage.model.settings.levers.institutions import Institution
from safepassage.model.settings.population import Population
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import load_streets
from safepassage.model.streets.notes import StreetsReport
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones, lived_along, read_zones

MOST_PEOPLE_KEPT = 300_000
"""Larger towns are built again for each model, since a copy of everybody would be kept in memory. Assumption."""

Ground = tuple[Streets, StreetsReport, Zones, Area]


def ground_of(streets: StreetSettings, population: Population) -> Ground:
    """Return streets, what was met with in reading them, zones and the map's rectangle. Write to none of them."""
    return _ground(streets.model_dump_json(), _stamps(streets), population.model_dump_json(), _stamps(population))


def people_of(
    population: Population, streets: StreetSettings, seed: int, institutions: tuple[Institution, ...] = ()
) -> tuple[Households, People, list[str], tuple[Margin, ...]]:
    """Return households and people of the caller's own, what had to be mended, and how they meet their margins.

    population, streets: settings. seed: of the run. institutions: of which batches stand behind all households; the
    margins are those of the households alone.
    """
    key = (streets.model_dump_json(), _stamps(streets), population.model_dump_json(), _stamps(population))
    built, _, zones, _ = _ground(*key)
    is_kept = zones.residents.sum() <= MOST_PEOPLE_KEPT
    drawn: Callable = _people if is_kept else _people.__wrapped__
    households, people, notes, found = drawn(*key, seed)
    if is_kept:
        households, people, notes = _own(households), _own(people), list(notes)
    households, people, doubts = with_institutions(institutions, zones, built, households, people, seed)
    return households, people, [*notes, *doubts], found


@lru_cache(maxsize=4)
def _streets(settings: str, stamps: tuple) -> tuple[Any, Any]:
    del stamps
    return streets_of(StreetSettings.model_validate_json(settings), load_streets)


@lru_cache(maxsize=4)
def _ground(streets_json: str, streets_stamps: tuple, population: str, population_stamps: tuple) -> Ground:
    del population_stamps
    streets, report = _streets(streets_json, streets_stamps)
    zones = read_zones(Population.model_validate_json(population), streets)
    area = replace(Area.of_streets(streets), lived_along_m=lived_along(zones, streets))
    lived = area.lived_along_m
    assert lived is not None
    for array in (zones.residents, zones.link_zone, *zones.links, lived):
        array.flags.writeable = False
    return streets, report, zones, area


@lru_cache(maxsize=2)
def _people(
    streets_json: str, streets_stamps: tuple, population_json: str, population_stamps: tuple, seed: int
) -> tuple[Households, People, list[Any], tuple[Any, ...]]:
    streets, _, zones, _ = _ground(streets_json, streets_stamps, population_json, population_stamps)
    population = Population.model_validate_json(population_json)
    households, people, notes = synthesise(population, zones, streets, seed)
    return households, people, notes, margins.margins(population, zones, households, people)


def _own(rows: Any) -> Any:
    """Return rows with arrays of their own."""
    own = copy(rows)
    for name, value in vars(rows).items():
        if isinstance(value, np.ndarray):
            object.__setattr__(own, name, value.copy())
    return own


def _stamps(settings: Any) -> tuple[tuple[Path, int, int], ...]:
    """Return path, time of change and size of each file that settings name: another content has another stamp."""
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files_in(settings))
