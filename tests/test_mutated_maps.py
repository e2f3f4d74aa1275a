"""Maps and tables with bytes changed, cut, doubled or exchanged are read, or refused with one message: no traceback.

A long run, in pieces: SAFEPASSAGE_MUTATIONS=5000 SAFEPASSAGE_MUTATIONS_FROM=500 pytest tests/test_mutated_maps.py
"""

import json
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyarrow import parquet

from safepassage.model.hazard.alerts import alerts_of
from safepassage.model.hazard.front import front_of
from safepassage.model.hazard.impacts import Area, Impacts
from safepassage.model.hazard.records import read as read_events
from safepassage.model.inputs.tables import read_table
from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.maps.read import read_map
from safepassage.model.maps.ways_out import ways_out
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import Front
from safepassage.model.settings.scenario import load, shipped
from safepassage.model.settings.shelters import AirRaidAlerts
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets

N_MUTATIONS = int(os.environ.get("SAFEPASSAGE_MUTATIONS", "240"))
FIRST = int(os.environ.get("SAFEPASSAGE_MUTATIONS_FROM", "0"))
"""Number of the first mutation of each kind."""
SQUARES = [shapely.box(30.0, 50.0, 30.01, 50.01), shapely.box(30.01, 50.0, 30.03, 50.01)]
WORDS = [
    b"",
    b"nan",
    b"-1e60",
    b"1e999",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"\0",
    b"'\"",
    b"0",
    b"9" * 60,
    "\u202e".encode(),
]
MOST_MESSAGE = 2000


def osm():
    nodes = "".join(f'<node id="{i}" lon="{30 + i / 100}" lat="{50 + i % 3 / 100}"/>' for i in range(1, 8))
    ways = "".join(
        f'<way id="{i}"><nd ref="{i}"/><nd ref="{i + 1}"/><nd ref="{1 + i % 3}"/><tag k="highway" v="primary"/>'
        f'<tag k="lanes" v="2"/><tag k="oneway" v="{"yes" if i == 2 else "no"}"/></way>'
        for i in range(1, 7)
    )
    return f"<osm version='0.6'>{nodes}{ways}</osm>".encode()


def geojson():
    features = [{"type": "Feature", "properties": {"zone_id": str(i), "population": 10},
                 "geometry": shapely.geometry.mapping(one)} for i, one in enumerate(SQUARES)]  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def table():
    return "\n".join(["name,population,geometry", *(f'a,1,"{one.wkt}"' for one in SQUARES)]).encode()


def geoparquet(folder):
    columns = {"encoding": "WKB", "geometry_types": ["Polygon"]}
    said = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": columns}}
    made = pa.table({"name": ["a", "b"], "geometry": shapely.to_wkb(SQUARES)})
    parquet.write_table(made.replace_schema_metadata({"geo": json.dumps(said)}), folder / "base.parquet")
    return (folder / "base.parquet").read_bytes()


def geopackage(folder):
    ogr = pytest.importorskip("pyogrio", reason="the extra gis is not installed")
    ogr.raw.write(
        folder / "base.gpkg", shapely.to_wkb(np.array(SQUARES)), [np.array(["a", "b"], object)], ["name"],
        crs="EPSG:4326", driver="GPKG", geometry_type="Polygon",
    )  # fmt: skip
    return (folder / "base.gpkg").read_bytes()


def graphml(folder):
    return (shipped()["tiny_town"].parent / "networks/tiny_town.graphml").read_bytes()[:6000] + b"</graph></graphml>"


def streets(path):
    town = read_map(path)
    ways_out(town)
    compile_streets(town.graph, SETTINGS)


def zones(path):
    read_features(path, POLYGONS, "zone")


def events(path):
    read_events(path, "acled" if path.suffix == ".json" else "plain")


def counts(path):
    read_events(path, "hdx")


def fronts(path):
    front_of(Front(distance_file=path), Area(0.0, 0.0, 1e4, 1e4), SimpleNamespace(start=START, duration_h=24.0), "UTC")


def alerts(path):
    run = SimpleNamespace(start=START, duration_h=24.0)
    alerts_of(AirRaidAlerts(file=path, place="Žytomyr"), Impacts.none(), run, 1, "UTC")


def people(path):
    table = read_table(path, ("household",), ("age", "sex", "zone"))
    table.numbers("age", 0, 120)
    table.choices("sex", {"F": 1, "M": 0})
    table.known("zone", {"1": 0, "2": 1}, "there is no such zone")
    table.check()


START = datetime(2024, 8, 1, 6, 0)
EVENTS = (
    "time,longitude,latitude,precision,size,n_events\n2024-08-01T07:00,30.5,50.1,exact,M,1\n01.08.2024 9:00,30,50,,,2\n"
)
COUNTS = "Week,Admin2,Sub_event_type,Events\n2024-08-03,P,Air/drone strike,3\n2024-08-10,P,Air/drone strike,1 200\n"
ACLED = {"event_id_cnty": "U1", "event_date": "1 August 2024", "time_precision": 1, "geo_precision": "1",
         "sub_event_type": "Air/drone strike", "latitude": "50.0", "longitude": "30.0"}  # fmt: skip
ALERTS = "region;started_at;finished_at\nŽytomyr;2024-08-01 06:30:00+00:00;2024-08-01 07:00:00+00:00\n"
PEOPLE = "household,age,sex,zone\nh1,70.5,F,1\nh1,8,M,2.0\n"
SETTINGS = StreetSettings.model_validate({"network": "in memory"}, context={"may_be_gone": True})
KINDS = {
    "t.osm": (lambda _: osm(), streets),
    "t.graphml": (graphml, streets),
    "z.geojson": (lambda _: geojson(), zones),
    "z.csv": (lambda _: table(), zones),
    "z.parquet": (geoparquet, zones),
    "z.gpkg": (geopackage, zones),
    "e.csv": (lambda _: EVENTS.encode(), events),
    "e.json": (lambda _: json.dumps({"data": [ACLED, {**ACLED, "event_id_cnty": "U2"}]}).encode(), events),
    "c.csv": (lambda _: COUNTS.encode(), counts),
    "f.csv": (lambda _: b"date,distance_km\n2024-07-30,10.5\n05.08.2024,8\n", fronts),
    "a.csv": (lambda _: ALERTS.encode("utf-16"), alerts),
    "p.csv": (lambda _: PEOPLE.encode("utf-8-sig"), people),
}


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a content with one to four changes."""
    for _ in range(rng.integers(1, 5)):
        at, n = int(rng.integers(0, len(content) + 1)), int(rng.integers(0, 40))
        change = int(rng.integers(0, 5))
        if change == 0:
            content = content[:at]
        elif change == 1:
            content = content[:at] + content[at + n :]
        elif change == 2:
            content = content[:at] + content[at : at + n] * 2 + content[at + n :]
        elif change == 3:
            content = content[:at] + WORDS[int(rng.integers(0, len(WORDS)))] + content[at + n :]
        else:
            content = content[:at] + bytes(rng.integers(0, 256, n % 4 + 1, dtype=np.uint8)) + content[at + n % 4 + 1 :]
    return content


@pytest.mark.parametrize("name", KINDS)
def test_a_mutated_map_is_read_or_refused_with_one_message(tmp_path: Path, name: str):
    if name == "t.osm":
        pytest.importorskip("osmium", reason="the extra gis is not installed")
    base, read = KINDS[name]
    content, path, n_read = base(tmp_path), tmp_path / name, 0
    for number in range(FIRST, FIRST + N_MUTATIONS // len(KINDS)):
        path.write_bytes(mutated(content, np.random.default_rng([number, len(name)])))
        try:
            read(path)
            n_read += 1
        except ScenarioError as error:
            assert 0 < len(str(error)) <= MOST_MESSAGE, number
        except Exception as error:
            raise AssertionError(f"{name}, mutation {number}: {type(error).__name__}: {error}") from error
    assert n_read < N_MUTATIONS // len(KINDS)


def test_what_is_mutated_is_read_whole(tmp_path):
    assert load("tiny_town").name == "tiny_town"
    for name in ("z.geojson", "z.csv", "z.parquet"):
        base, read = KINDS[name]
        (tmp_path / name).write_bytes(base(tmp_path))
        read(tmp_path / name)
