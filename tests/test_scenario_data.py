"""The data of the shipped scenarios: made by code, adding up, labelled, and each fact with its source."""

import csv
import gzip
import json
from datetime import date, datetime
from functools import cache
from pathlib import Path

import networkx as nx
import pytest
import yaml
from shapely import STRtree
from shapely.geometry import LineString, Point, shape

import safepassage.scenarios
from safepassage.scenarios import make_pokrovsk, make_pokrovsk_region, make_tiny_town, schematic

FOLDER = Path(safepassage.scenarios.__file__).parent
TABLES = FOLDER / "tables"
NETWORKS = {
    "coquimbo": "coquimbo_drive.graphml.gz",
    "pokrovsk": "pokrovsk_schematic.graphml.gz",
    "pokrovsk_region": "pokrovsk_region_schematic.graphml.gz",
    "tiny_town": "tiny_town.graphml",
}
WITHOUT_STREETS = {"coquimbo": [13, 23, 117, 132]}
"""Zones of the package's data in which no street junction lies; their homes stand along the nearest streets."""
RESIDENTS = {"coquimbo": 258_660, "pokrovsk": 48_600, "pokrovsk_region": 116_000, "tiny_town": 2_000}
CROSSINGS = {make_pokrovsk.WEST_OVERPASS, make_pokrovsk.EAST_OVERPASS, make_pokrovsk.LEVEL_CROSSING}


def content(path):
    packed = path.read_bytes()
    return gzip.decompress(packed) if path.suffix == ".gz" else packed


@cache
def streets(name):
    return nx.parse_graphml(content(FOLDER / "networks" / NETWORKS[name]), force_multigraph=True)


def node_at(graph, node):
    return float(graph.nodes[node]["x"]), float(graph.nodes[node]["y"])


def collection(name):
    return json.loads((TABLES / name).read_text(encoding="utf-8"))


def rows(name):
    with open(TABLES / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tables():
    return sorted(path.name for path in TABLES.glob("*.csv"))


@pytest.mark.parametrize(
    "maker", [make_tiny_town, make_pokrovsk, make_pokrovsk_region], ids=lambda m: m.__name__.rpartition(".")[2]
)
def test_the_shipped_town_is_what_its_script_makes(maker):
    for path, made in maker.files().items():
        assert content(FOLDER / path) == made, f"{path} is not what {maker.__name__} makes; run that script"


@pytest.mark.parametrize("name", [n for n in NETWORKS.values() if n.endswith(".gz")])
def test_compressed_networks_carry_no_time_and_no_file_name(name):
    header = (FOLDER / "networks" / name).read_bytes()[:10]
    assert header[3] == 0 and header[4:8] == bytes(4)


def test_a_made_file_does_not_depend_on_when_it_is_written(tmp_path):
    schematic_file = {"a.graphml.gz": schematic.graphml(make_tiny_town.town())}
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    for folder in ("1", "2"):
        schematic.save(schematic_file, tmp_path / folder)
    assert (tmp_path / "1" / "a.graphml.gz").read_bytes() == (tmp_path / "2" / "a.graphml.gz").read_bytes()


@pytest.mark.parametrize("name", sorted(RESIDENTS))
def test_zones_add_up_to_the_stated_residents_and_none_but_the_known_is_without_streets(name):
    population = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["population"]
    zones = collection(f"{name}_zones.geojson")["features"]
    residents = [zone["properties"][population.get("residents_property", "population")] for zone in zones]
    names = [zone["properties"][population["zone_name_property"]] for zone in zones]
    assert sum(residents) == RESIDENTS[name] and min(residents) > 0 and len(set(names)) == len(names)
    graph = streets(name)
    nodes = STRtree([Point(node_at(graph, node)) for node in graph])
    empty = [n for n, z in zip(names, zones, strict=True) if not nodes.query(shape(z["geometry"]), "contains").size]
    assert empty == WITHOUT_STREETS.get(name, [])


def test_coquimbo_has_its_77_zones_and_names_whom_they_come_from():
    zones = collection("coquimbo_zones.geojson")
    assert len(zones["features"]) == 77
    assert "OpenStreetMap contributors, ODbL 1.0" in zones["attribution"] and "AequilibraE" in zones["attribution"]
    assert "hypothetical" in zones["note"]


@pytest.mark.parametrize("name", ["pokrovsk", "pokrovsk_region", "tiny_town"])
def test_every_place_of_a_made_town_can_be_driven_to_from_every_other(name):
    assert nx.is_strongly_connected(streets(name))


@pytest.mark.parametrize("name", ["pokrovsk", "tiny_town"])
def test_exits_of_the_scenario_are_the_ends_of_the_roads_out(name):
    graph = streets(name)
    ends = {graph.nodes[node]["place"]: node_at(graph, node) for node in graph if "place" in graph.nodes[node]}
    given = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["streets"]["exits"]
    assert len(given) == len(ends) == {"pokrovsk": 4, "tiny_town": 2}[name]
    for place in given:
        (at,) = [at for full_name, at in ends.items() if full_name.startswith(place["name"])]
        assert at == pytest.approx((place["longitude_deg"], place["latitude_deg"]), abs=1e-6)


def barrier(name, kind):
    features = collection(f"{name}_places.geojson")["features"]
    (line,) = [shape(f["geometry"]) for f in features if f["properties"]["kind"] == kind]
    return line


def crossing_edges(name, line):
    graph = streets(name)
    return [
        data
        for a, b, data in graph.edges(data=True)
        if LineString([node_at(graph, a), node_at(graph, b)]).intersects(line)
    ]


def test_the_railway_is_crossed_only_at_the_named_crossings():
    crossing = crossing_edges("pokrovsk", barrier("pokrovsk", "railway"))
    assert {data.get("name") for data in crossing} == CROSSINGS
    assert len(crossing) == 2 * len(CROSSINGS)
    bridges = {data["name"] for data in crossing if data.get("bridge") == "yes"}
    assert bridges == {make_pokrovsk.WEST_OVERPASS, make_pokrovsk.EAST_OVERPASS}


def test_without_the_overpasses_the_level_crossing_holds_the_town_together_and_without_it_nothing_does():
    graph = streets("pokrovsk")

    def n_parts(lost):
        left = [(a, b) for a, b, data in graph.edges(data=True) if data.get("name") not in lost]
        return nx.number_weakly_connected_components(nx.DiGraph(left))

    assert n_parts(CROSSINGS - {make_pokrovsk.LEVEL_CROSSING}) == 1
    assert n_parts(CROSSINGS) == 2


def test_one_bridge_alone_joins_the_banks_of_tiny_town():
    crossing = crossing_edges("tiny_town", barrier("tiny_town", "river"))
    assert {data["name"] for data in crossing} == {"Town Bridge"}
    assert all(data["bridge"] == "yes" for data in crossing)


def test_pokrovsk_is_called_schematic_in_every_file_made_for_it():
    notes = [streets("pokrovsk").graph["note"]]
    notes += [collection(f"pokrovsk_{kind}.geojson")["note"] for kind in ("zones", "places")]
    notes += [streets("pokrovsk_region").graph["note"]]
    notes += [collection(f"pokrovsk_region_{kind}.geojson")["note"] for kind in ("zones", "places", "front")]
    assert all(note.startswith("SCHEMATIC") and "Not the real street map" in note for note in notes)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "schematic" in readme.lower()


@pytest.mark.parametrize("name", ["pokrovsk", "pokrovsk_region", "tiny_town"])
def test_lengths_of_made_streets_are_those_between_their_ends(name):
    graph = streets(name)
    for a, b, data in graph.edges(data=True):
        (x0, y0), (x1, y1) = node_at(graph, a), node_at(graph, b)
        metre_per_degree = schematic.EARTH_RADIUS_M * 3.141592653589793 / 180
        shrink = {"pokrovsk": 0.66549, "pokrovsk_region": 0.66549, "tiny_town": 0.70711}[name]
        length_m = metre_per_degree * (((x1 - x0) * shrink) ** 2 + (y1 - y0) ** 2) ** 0.5
        assert float(data["length"]) == pytest.approx(length_m, rel=1e-3)


@pytest.mark.parametrize("name", tables())
def test_each_row_of_each_table_has_a_source(name):
    table = rows(name)
    assert table and all(row["source"].strip() for row in table)
    assert not any("SOURCES" in row["source"] for row in table)


@pytest.mark.parametrize("name", [n for n in tables() if n.startswith("pokrovsk")])
def test_dates_are_iso_and_in_order(name):
    dates = [row.get("date") or row["when"] for row in rows(name)]
    read = [datetime.fromisoformat(d) for d in dates]
    assert read == sorted(read)


def test_what_judges_the_fit_is_kept_out_of_it():
    series = {date.fromisoformat(row["date"]): row["use"] for row in rows("pokrovsk_residents_reported.csv")}
    assert set(series.values()) == {"fit", "judge"}
    assert all(use == "judge" for day, use in series.items() if day >= date(2024, 10, 1))
    assert any(use == "judge" for day, use in series.items() if day < date(2024, 9, 6))


def test_reported_children_are_among_the_residents_and_the_first_row_is_not_above_the_start():
    series = rows("pokrovsk_residents_reported.csv")
    assert all(0 < int(row["children"]) < int(row["residents"]) for row in series)
    assert int(series[0]["residents"]) <= make_pokrovsk.RESIDENTS


def test_shares_of_age_and_sex_and_of_household_sizes_add_up_to_one():
    age_sex, sizes = rows("age_sex_donetsk_2020.csv"), rows("household_sizes.csv")
    assert sum(float(row["share"]) for row in age_sex) == pytest.approx(1, abs=2e-4)
    assert sum(float(row["share"]) for row in age_sex if int(row["age_from"]) >= 65) == pytest.approx(0.217, abs=5e-4)
    assert sum(float(row["share"]) for row in sizes) == pytest.approx(1)


def test_the_readme_names_every_file():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    shipped = [p.name for folder in ("networks", "tables") for p in (FOLDER / folder).iterdir()]
    missing = [name for name in [*shipped, *(p.name for p in FOLDER.glob("*.yaml"))] if name not in readme]
    assert missing == []
