"""Households and people of the tiny town, made with keys of its population changed."""

import json

from safepassage.model.people import margins
from safepassage.model.people.synthesis import synthesise
from safepassage.model.settings.scenario import load
from safepassage.model.streets.build import load_streets
from safepassage.model.streets.zones import read_zones

TINY = load("tiny_town")
STREETS, _ = load_streets(TINY.streets)
TABLE = load("pokrovsk").population.age_sex_table


def one_zone(folder, residents=2000, name="zones.geojson"):
    """Write the zones of the town as one, with so many residents."""
    outline = [[[-33.1, 44.9], [-32.9, 44.9], [-32.9, 45.1], [-33.1, 45.1], [-33.1, 44.9]]]
    return zones_file(folder / name, [("all", residents, outline)])


def zones_file(path, zones):
    features = [
        {
            "type": "Feature",
            "properties": {"zone_id": name, "population": residents},
            "geometry": {"type": "Polygon", "coordinates": outline},
        }
        for name, residents, outline in zones
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def people_of(seed=1, **changes):
    """Return settings, zones, households, people and notes of the tiny town with keys of its population changed."""
    population = TINY.override({f"population.{k}": str(v) if hasattr(v, "parent") else v for k, v in changes.items()})
    population = population.population
    zones = read_zones(population, STREETS)
    return population, zones, *synthesise(population, zones, STREETS, seed)


def margin(made, name):
    return next(m for m in margins.margins(*made[:4]) if m.name == name)


def written(path, text):
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    return path
