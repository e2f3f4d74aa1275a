"""Street networks and tables that are wrong, damaged or malicious, read as a run reads them."""

import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

from benchmarks.attack import mutate
from benchmarks.attack.loop import Attack
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load, shipped
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.reading.graphml import read_graph

TINY = shipped()["tiny_town"]
SHORT = {"run.duration_h": 0.02, "run.step_s": 60}
VALUE = re.compile(r"(?<=>)[^<>\n]+(?=</data>)")
OF_STREETS = ("-1", "40 mph", "RU:urban", "['40', '50']", "signals", "12'6\"", "0.3 m", "yes", "reversible",
              "alternating", "LINESTRING (0 0, 1 1)", "LINESTRING EMPTY", "POINT (0 0)", "motorway", "footway",
              "['steps', 'primary']")  # fmt: skip


class Graphs(Attack):
    """Attributes of a network are given other texts, lines are lost, or bytes damaged."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.text = (TINY.parent / "networks" / "tiny_town.graphml").read_text(encoding="utf-8")
        self.exits = load(TINY).streets.exits

    def trial(self, chance: random.Random, folder: Path) -> None:
        path, text = folder / "streets.graphml", self.text
        if chance.random() < 0.7:
            found = list(VALUE.finditer(text))
            for one in sorted(chance.sample(found, chance.choice((1, 3, 50))), key=lambda one: -one.start()):
                new = chance.choice((*OF_STREETS, *mutate.TEXTS))
                new = new.translate({ord(c): None for c in "<>&\x00\x1b"})
                text = text[: one.start()] + new + text[one.end() :]
        elif chance.random() < 0.5:
            lines = text.splitlines(keepends=True)
            first = chance.randrange(len(lines))
            del lines[first : first + chance.choice((1, 1, 4, 100))]
            text = "".join(lines)
        else:
            text = mutate.text(chance, text)
        raw = text.encode("utf-8", "replace")
        if chance.random() < 0.1:
            raw = mutate.content(chance, gzip.compress(raw, 1) if chance.random() < 0.5 else raw)
        path.write_bytes(raw)
        settings = StreetSettings(network=path, exits=self.exits if chance.random() < 0.8 else ())
        compile_streets(read_graph(path), settings)
        if chance.random() < 0.1:
            EvacuationModel(load(TINY, {"streets.network": str(path), **SHORT})).run()


def _geojson(kind: str, properties: dict[str, Any]) -> str:
    rings = [[[-33.001, 44.999], [-32.999, 44.999], [-32.999, 45.001], [-33.001, 45.001], [-33.001, 44.999]]]
    geometry = {"type": kind, "coordinates": rings if kind == "Polygon" else [-33.0, 45.0]}
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    features = [feature, {**feature, "properties": {**properties, "name": "other"}}]
    return json.dumps({"type": "FeatureCollection", "features": features})


EVENTS = "time,longitude,latitude,precision,size,n_events,id\n" + "".join(
    f"2024-08-01T{6 + i % 6:02d}:15Z,{-33 + i / 1e4},{45 - i / 1e4},{p},{s},{1 + i % 3},e{i}\n"
    for i, (p, s) in enumerate([("exact", "S"), ("settlement", "M"), ("district", ""), ("", "L")] * 4)
)
HOUSEHOLDS = "household,n_persons,has_car,longitude_deg,latitude_deg\n" + "".join(
    f"h{i},{1 + i % 4},{'yes' if i % 2 else 'no'},{-33 + i / 1e5},45.0\n" for i in range(12)
)
PERSONS = "household,age,sex,mobility\n" + "".join(
    f"h{i},{20 + i},{'FM'[i % 2]},{('unimpaired', 'slow', 'needs assistance')[i % 3]}\n"
    for i in range(12)
    for _ in range(1 + i % 4)
)
AGES = "sex,age_from,age_below,share\nF,0,18,0.1\nM,0,18,0.1\nF,18,65,0.3\nM,18,65,0.3\nF,65,100,0.1\nM,65,100,0.1\n"
MOBILITY = "sex,age_from,age_below,p_slow,p_needs_assistance\nF,0,100,0.1,0.1\nM,0,100,0.1,0.1\n"
FRONT = "date,distance_km\n2024-07-30,8\n2024-08-01,5.5\n2024-08-04,2\n"
SIZES = "n_persons,share\n1,0.3\n2,0.3\n3,0.2\n4,0.2\n"
ALERTS = "started_at,finished_at,oblast,raion\n" + "".join(
    f"2024-08-01T0{6 + i}:0{i}:00Z,2024-08-01T0{6 + i}:40:00Z,Donetska,{'Pokrovskyi' if i else ''}\n" for i in range(4)
)
COUNTS = "admin2_name,events,week,event_type\n" + "".join(
    f"{'name' if i % 2 else 'other'},{i},2024-07-{26 + i % 6:02d},explosions/remote violence\n" for i in range(6)
)
WEIGHTS = "node,weight\n" + "".join(f"{node},{1 + node % 3}\n" for node in range(1, 30))

OF_COUNTS = [{"kind": "recorded", "file": "counts.csv", "layout": "hdx", "districts": "districts.geojson"}]

TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "events.csv": (EVENTS, {"shelling.sources": [{"kind": "recorded", "file": "events.csv"}]}),
    "counts.csv": (COUNTS, {"shelling.sources": OF_COUNTS}),
    "districts.geojson": (_geojson("Polygon", {"name": "name"}), {"shelling.sources": OF_COUNTS}),
    "alerts.csv": (ALERTS, {"alerts.file": "alerts.csv", "alerts.place": "Pokrovskyi"}),
    "households.csv": (HOUSEHOLDS, {"population.households_file": "households.csv"}),
    "persons.csv": (
        PERSONS,
        {"population.persons_file": "persons.csv", "population.households_file": "households.csv"},
    ),
    "weights.csv": (WEIGHTS, {"population.node_weights": "weights.csv"}),
    "ages.csv": (AGES, {"population.age_sex_table": "ages.csv"}),
    "sizes.csv": (SIZES, {"population.household_size_table": "sizes.csv"}),
    "mobility.csv": (MOBILITY, {"population.mobility_table": "mobility.csv"}),
    "front.csv": (FRONT, {"front.distance_file": "front.csv"}),
    "zones.geojson": (
        (TINY.parent / "tables" / "tiny_town_zones.geojson").read_text(encoding="utf-8"),
        {"population.zones": "zones.geojson"},
    ),
    "buildings.geojson": (_geojson("Polygon", {"levels": 2}), {"population.buildings": "buildings.geojson"}),
    "footprints.geojson": (_geojson("Polygon", {"height": 9}), {"damage.debris.footprints": "footprints.geojson"}),
    "shelters.geojson": (
        _geojson("Point", {"name": "School", "capacity": 40}),
        {"shelters.file": "shelters.geojson"},
    ),
    "areas.geojson": (_geojson("Polygon", {"date": "2024-08-01"}), {"front.polygons_file": "areas.geojson"}),
}
"""File -> a right one, and the keys that name it, and others of these files, in its folder."""


class Tables(Attack):
    """A table or map of zones, buildings, people, shelters, events or the front is changed and a model built of it."""

    def trial(self, chance: random.Random, folder: Path) -> None:
        name = chance.choice(list(TABLES))
        text = TABLES[name][0]
        if name.endswith(".geojson") and chance.random() < 0.6:
            whole = json.loads(text)
            for _ in range(chance.randint(1, 3)):
                mutate.nested(chance, whole)
            raw = json.dumps(whole).encode()
        elif name.endswith(".csv") and chance.random() < 0.6:
            raw = mutate.cells(chance, text).encode("utf-8", "replace")
        elif chance.random() < 0.7:
            raw = mutate.text(chance, text).encode("utf-8", "replace")
        else:
            raw = mutate.content(chance, text.encode())
        self.use(name, raw, folder)

    def use(self, name: str, raw: bytes, folder: Path) -> None:
        """Write a file, beside it the others as they should be, and run a model of them for a moment."""
        for other, (text, _) in TABLES.items():
            if f'"{other}"' in json.dumps(TABLES[name][1]):
                (folder / other).write_text(text, encoding="utf-8")
        (folder / name).write_bytes(raw)
        changes = {"shelling.sources": [], **SHORT, **_within(folder, TABLES[name][1])}
        EvacuationModel(load(TINY, changes)).run()


def _within(folder: Path, given: Any) -> Any:
    """Return keys and values, the names of files in them as paths in a folder."""
    if isinstance(given, dict):
        return {key: _within(folder, value) for key, value in given.items()}
    if isinstance(given, list):
        return [_within(folder, value) for value in given]
    return str(folder / given) if given in TABLES else given
