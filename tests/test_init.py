"""A town is begun from the map files that planners have, and runs without an edit by hand."""

import gzip
import json
import os
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pyproj
import pytest
import shapely
from typer.testing import CliRunner

from safepassage.cli.main import app
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.maps.clip import clipped
from safepassage.model.maps.read import map_of, read_map
from safepassage.model.maps.town import Wishes, begin_town
from safepassage.model.maps.ways import direction, left_out_because, place_kind
from safepassage.model.maps.ways_out import ways_out
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load, shipped
from safepassage.model.streets.reading.graphml import read_graph

pytest.importorskip("osmium", reason="the extra gis is not installed")
DATA = os.environ.get("SAFEPASSAGE_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="SAFEPASSAGE_DATA is not set")
GEOD = pyproj.Geod(ellps="WGS84")
NODES = {  # a street from west to east through 1-2-3-4, one to the north 2-5-6, places about it
    1: (30.000, 50.000), 2: (30.010, 50.000), 3: (30.020, 50.000), 4: (30.030, 50.000), 5: (30.010, 50.005),
    6: (30.010, 50.010), 7: (30.020, 50.005), 11: (30.0101, 50.0021), 12: (30.0105, 50.0021), 13: (30.0105, 50.0025),
    14: (30.0101, 50.0025), 20: (30.005, 50.001),
}  # fmt: skip
WAYS = {
    100: ((1, 2), {"highway": "primary", "ref": "P 1", "maxspeed": "60"}),
    101: ((2, 3), {"highway": "primary", "ref": "P 1", "lanes": "2"}),
    102: ((3, 4, 99), {"highway": "primary", "ref": "P 1"}),  # 99 lies outside the extract
    103: ((98, 1), {"highway": "primary", "ref": "P 1", "maxspeed": "60"}),
    110: ((2, 5, 6), {"highway": "residential", "name": "North [Street] \"A\""}),
    120: ((3, 7), {"highway": "service", "access": "private"}),
    121: ((5, 7), {"route": "ferry", "name": "The Ferry"}),
    122: ((6, 7), {"highway": "construction"}),
    123: ((5, 7), {"highway": "footway"}),
    130: ((11, 12, 13, 14, 11), {"building": "apartments", "building:levels": "5", "height": "15 m"}),
}  # fmt: skip


def osm(path, ways=WAYS, nodes=NODES, tags=None):
    """Write an extract; tags: of nodes."""
    said = tags or {20: {"amenity": "hospital", "name": "The Hospital"}}
    escape = {'"': "&quot;", "<": "&lt;", "&": "&amp;"}

    def quoted(text):
        return "".join(escape.get(one, one) for one in text)

    def marks(them):
        return "".join(f'<tag k="{k}" v="{quoted(v)}"/>' for k, v in them.items())

    lines = [f'<node id="{i}" lon="{x}" lat="{y}">{marks(said.get(i, {}))}</node>' for i, (x, y) in nodes.items()]
    lines += [
        f"<way id='{i}'>" + "".join(f"<nd ref='{n}'/>" for n in refs) + marks(them) + "</way>"
        for i, (refs, them) in ways.items()
    ]
    text = "<osm version='0.6'>" + "\n".join(lines) + "</osm>"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_a_town_goes_from_an_extract_to_a_run_without_an_edit(tmp_path):
    runner = CliRunner()
    out = tmp_path / "My Town"
    begun = runner.invoke(app, ["init", str(osm(tmp_path / "t.osm.gz")), "--residents", "300", "--out", str(out)])
    assert begun.exit_code == 0, begun.output
    scenario = load(out / "scenario.yaml")
    assert scenario.name == "my_town" and scenario.shelling.time_zone == "Europe/Kyiv"
    assert [one.name for one in scenario.streets.exits] == ["P 1 (south-west)", "P 1 (south-east)"]
    assert scenario.population.buildings is not None
    model = EvacuationModel(scenario.override({"run.duration_h": 1}))
    assert len(model.people) == 300
    model.run()
    assert {path.name for path in out.iterdir()} == {
        "buildings.geojson", "map.png", "network.graphml.gz", "places.geojson", "scenario.yaml", "zones.geojson"
    }  # fmt: skip


def test_without_outlines_of_zones_the_time_is_that_of_the_longitude_and_the_scenario_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tzfpy", None)
    begun = begin_town(osm(tmp_path / "t.osm"), tmp_path / "town", Wishes(residents=300))
    assert load(begun.scenario).shelling.time_zone == "Etc/GMT-2"
    assert "Taken from the longitude alone" in begun.scenario.read_text(encoding="utf-8")


def test_a_name_on_the_map_is_text_in_scenario_map_and_printout(tmp_path):
    hostile = "=1 \u202e $x_{$ [bold] <b>\nexits: []"
    ways = {number: (refs, {**tags, "ref": hostile, "name": hostile}) for number, (refs, tags) in WAYS.items()}
    path = osm(tmp_path / "t.osm", ways)
    begun = begin_town(path, tmp_path / "town", Wishes(residents=300))
    names = [one.name for one in load(begun.scenario).streets.exits]
    assert names == [f"=1 $x_{{$ [bold] <b> exits: [] (south-{side})" for side in ("west", "east")]
    told = CliRunner().invoke(app, ["network", "describe", str(path), "--map", str(tmp_path / "m.png")])
    assert told.exit_code == 0 and "\u202e" not in told.output and "\\u202e" in told.output


def test_what_is_no_street_is_left_out_and_told(tmp_path):
    town = read_map(osm(tmp_path / "t.osm"))
    assert set(town.graph.nodes) == {"1", "2", "4", "6"}  # of node 3 nothing branches off
    assert town.n_left_out == {
        "private": 1, "ferries": 1, "abandoned, planned or being built": 1, "walkways (--walkways keeps them)": 1
    }  # fmt: skip
    assert "The Ferry" in town.notes[0]
    walked = read_map(tmp_path / "t.osm", with_walkways=True)
    assert walked.graph.has_edge("5", "7")


def test_lengths_are_those_on_the_ellipsoid(tmp_path):
    for u, v, data in read_map(osm(tmp_path / "t.osm")).graph.edges(data=True):
        line = shapely.from_wkt(data["geometry"])
        assert data["length"] == pytest.approx(GEOD.geometry_length(line), rel=1e-6), (u, v)


def test_exits_are_where_the_extract_cuts_a_road_and_not_where_a_street_ends(tmp_path):
    assert {(one.node, one.doubt) for one in ways_out(read_map(osm(tmp_path / "t.osm")))} == {("1", ""), ("4", "")}


def test_without_cut_roads_ends_of_described_roads_lead_out_and_the_others_are_doubtful(tmp_path):
    ways = {i: (tuple(n for n in refs if n < 90), tags) for i, (refs, tags) in WAYS.items()}
    ways[103] = ((1, 20), {"highway": "track"})
    ways[110] = ((2, 5, 6), {"highway": "secondary"})
    found = {one.node: one.doubt for one in ways_out(read_map(osm(tmp_path / "t.osm", ways)))}
    assert set(found) == {"4", "6"}  # 1 goes on as a track
    del ways[103]
    found = {one.node: bool(one.doubt) for one in ways_out(read_map(osm(tmp_path / "t.osm", ways)))}
    assert found == {"1": False, "4": False, "6": True}


def test_a_boundary_cuts_streets_where_they_cross_it(tmp_path):
    whole = read_map(osm(tmp_path / "t.osm"))
    part = read_map(tmp_path / "t.osm", shapely.box(30.005, 49.9, 30.015, 50.02))
    assert sorted(round(float(data["x"]), 6) for _, data in part.graph.nodes(data=True)) == [
        30.005, 30.01, 30.01, 30.015
    ]  # fmt: skip
    assert {round(float(part.graph.nodes[one.node]["x"]), 6) for one in ways_out(part)} == {30.005, 30.015}
    half = [data["length"] for u, _, data in part.graph.edges(data=True) if u == "2"]
    full = min(data["length"] for u, _, data in whole.graph.edges(data=True) if u == "2")
    assert sorted(half)[:2] == pytest.approx([full / 2] * 2, rel=1e-3)


def test_a_boundary_about_everything_changes_nothing(tmp_path):
    graph = read_map(osm(tmp_path / "t.osm")).graph
    same = clipped(graph, shapely.box(29, 49, 31, 51))
    assert set(graph.nodes) == set(same.nodes)
    assert sorted(d["length"] for *_, d in graph.edges(data=True)) == sorted(
        d["length"] for *_, d in same.edges(data=True)
    )


def test_the_same_town_begins_from_graphml_from_tables_and_from_a_graph_in_memory(tmp_path):
    ogr = pytest.importorskip("pyogrio", reason="the extra gis is not installed")
    file = shipped()["tiny_town"].parent / "networks/tiny_town.graphml"
    graph = read_graph(file)
    edges = [(u, v, data) for u, v, data in graph.edges(data=True)]
    places = {node: (float(data["x"]), float(data["y"])) for node, data in graph.nodes(data=True)}
    lines = [shapely.LineString([places[u], places[v]]) for u, v, _ in edges]
    fields = {"u": [u for u, _, _ in edges], "v": [v for _, v, _ in edges]}
    fields |= {key: [data.get(key, "") for *_, data in edges] for key in ("highway", "oneway", "length", "osmid")}
    ogr.raw.write(
        tmp_path / "t.gpkg", shapely.to_wkb(np.array(lines)), [np.array(one, object) for one in fields.values()],
        list(fields), crs=str(graph.graph.get("crs", "EPSG:4326")), driver="GPKG", geometry_type="LineString",
        layer="edges",
    )  # fmt: skip
    wishes = Wishes(residents=500)
    begun = [begin_town(one, tmp_path / name, wishes) for one, name in
             ((file, "a"), (graph, "b"), (tmp_path / "t.gpkg", "c"))]  # fmt: skip
    streets = [EvacuationModel(load(one.scenario)).streets for one in begun]
    for other in streets[1:]:
        assert sorted(other.node_id) == sorted(streets[0].node_id)
        assert other.length_m.sum() == pytest.approx(streets[0].length_m.sum(), rel=0.02)


def test_nothing_is_ever_written_over(tmp_path):
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "zones.geojson").write_text("mine")
    with pytest.raises(ScenarioError, match=r"zones\.geojson: this already exists"):
        begin_town(osm(tmp_path / "t.osm"), tmp_path / "town", Wishes(residents=10))
    assert (tmp_path / "town" / "zones.geojson").read_text() == "mine"


def test_somebody_must_live_there(tmp_path):
    with pytest.raises(ScenarioError, match="give --residents NUMBER"):
        begin_town(osm(tmp_path / "t.osm"), tmp_path / "town", Wishes())
    assert not (tmp_path / "town").exists()


def zones_file(path, **properties):
    features = [
        {"type": "Feature", "geometry": shapely.geometry.mapping(shapely.box(w, 49.99, e, 50.02)),
         "properties": {"NAME": name, **{key: values[i] for key, values in properties.items()}}}
        for i, (w, e, name) in enumerate(((29.99, 30.015, "west"), (30.015, 30.04, "east")))
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize(
    ("properties", "total", "right"),
    [({"Population": [300, 100]}, None, [300, 100]), ({"Population": ["300", "100"]}, 40, [30, 10]), ({}, 100, None)],
)
def test_zones_give_the_people_scaled_to_a_total_or_shared_by_their_streets(tmp_path, properties, total, right):
    zones = zones_file(tmp_path / "z.geojson", **properties)
    begun = begin_town(osm(tmp_path / "t.osm"), tmp_path / "town", Wishes(residents=total, zones=zones))
    made = json.loads((begun.folder / "zones.geojson").read_text())["features"]
    assert [one["properties"]["zone_id"] for one in made] == ["west", "east"]
    found = [one["properties"]["population"] for one in made]
    if right is None:
        assert sum(found) == total and found[0] > found[1]  # the west has the street to the north
    else:
        assert found == right


def raster(path, cells, *, count=1, dtype="float32", south_up=False):
    rasterio = pytest.importorskip("rasterio", reason="the extra gis is not installed")
    transform = rasterio.transform.from_origin(30.0, 50.01, 0.01, 0.01)
    if south_up:
        transform = rasterio.Affine(0.01, 0, 30.0, 0, 0.01, 49.99)
    with rasterio.open(path, "w", driver="GTiff", height=cells.shape[0], width=cells.shape[1], count=count,
                       dtype=dtype, crs="EPSG:4326", transform=transform, nodata=-9999) as out:  # fmt: skip
        out.write(cells.astype(dtype), 1)
    return path


def test_a_raster_gives_the_people_of_zones_by_the_share_of_each_cell(tmp_path):
    cells = np.array([[40.0, 20.0, 40.0], [-9999.0, 0.0, 0.0]])  # the border of the zones halves the middle cell
    begun = begin_town(
        osm(tmp_path / "t.osm"), tmp_path / "town",
        Wishes(zones=zones_file(tmp_path / "z.geojson"), population=raster(tmp_path / "p.tif", cells)),
    )  # fmt: skip
    made = json.loads((begun.folder / "zones.geojson").read_text())["features"]
    found = [one["properties"]["population"] for one in made]
    assert sum(found) == 100 and abs(found[0] - found[1]) <= 4  # a cell counts as five by five points


def test_a_raster_without_zones_is_gathered_in_squares_and_scaled(tmp_path):
    begun = begin_town(
        osm(tmp_path / "t.osm"), tmp_path / "town",
        Wishes(residents=1000, population=raster(tmp_path / "p.tif", np.full((2, 3), 5.0))),
    )  # fmt: skip
    model = EvacuationModel(load(begun.scenario))
    assert len(model.people) == 1000 and len(model.zones.name) > 1


@pytest.mark.parametrize(
    ("fill", "changes", "words"),
    [(1e30, {}, "hold 1e.30 persons"), (1e-9, {}, "less than one person"), (1.0, {"count": 3}, "has 3 bands"),
     (1.0, {"dtype": "complex64"}, "complex"), (1.0, {"south_up": True}, "north to south")],
)  # fmt: skip
def test_a_raster_that_cannot_be_one_of_residents_is_refused(tmp_path, fill, changes, words):
    population = raster(tmp_path / "p.tif", np.full((2, 3), fill), **changes)
    with pytest.raises(ScenarioError, match=words):
        begin_town(osm(tmp_path / "t.osm"), tmp_path / "town", Wishes(population=population))


WAY = "<way id='1'><nd ref='1'/><nd ref='2'/><tag k='highway' v='primary'/>{}</way></osm>"
PRIVATE = ("<osm version='0.6'><node id='1' lon='30' lat='50'/><node id='2' lon='30.1' lat='50'/>"
           + WAY.format("<tag k='access' v='private'/>")).encode()  # fmt: skip
BOTH_ENDS = ("<osm version='0.6'><node id='1' lon='179.9' lat='50'/><node id='2' lon='-179.9' lat='50'/>"
             + WAY.format("")).encode()  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.osm", b"<osm", "not an OpenStreetMap extract"),
        ("t.osm.pbf", b"\0\0\0\x0d\n\x09OSMHeader", "not an OpenStreetMap extract"),
        ("t.osm", b"<osm version='0.6'></osm>", "has no street"),
        ("t.graphml", b"<osm/>", "GraphML"),
        ("t.osm", PRIVATE, "left out: 1 private"),
        ("t.osm", BOTH_ENDS, "both sides of 180 degrees"),
        ("t.gpkg", b"no", "not a .gpkg file"),
        ("t.gpkg", b"SQLite format 3\0", "this file cannot be read"),
        ("t.parquet", b"no", "not a Parquet file"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_map_is_refused(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScenarioError, match=words):
        begin_town(tmp_path / name, tmp_path / "town", Wishes(residents=10))


def test_tags_say_what_a_way_and_a_place_are():
    assert direction({"oneway": "-1"}) == -1
    assert direction({"junction": "roundabout"}) == 1
    assert direction({"highway": "motorway", "oneway": "no"}) == 0
    assert left_out_because({"highway": "residential", "access": "private", "foot": "yes"}, with_walkways=True) is None
    assert left_out_because({"highway": "residential", "access": "no"}, with_walkways=True) == "closed to everybody"
    assert place_kind({"amenity": "shelter", "shelter_type": "public_transport"}) is None
    assert place_kind({"railway": "station"}) == "station"


def test_the_shipped_extract_goes_to_a_run_without_an_edit(tmp_path):
    extract = shipped()["tiny_town"].parent / "networks/helsinki_centre.osm.pbf"
    begun = begin_town(extract, tmp_path / "helsinki", Wishes(residents=2000))
    scenario = load(begun.scenario)
    assert len(scenario.streets.exits) == 10  # the ways over the edge of the extract of tertiary class and better
    model = EvacuationModel(scenario.override({"run.duration_h": 0.5})).run()
    assert len(model.people) == 2000
    assert model.report()


@needs_data
def test_andorra_is_left_by_its_two_roads_out(tmp_path):
    outs = [one for one in ways_out(read_map(Path(DATA) / "networks/andorra.osm.pbf")) if not one.doubt]
    assert [one.name.split()[0] for one in outs] == ["CG-1", "CG-2"]


@needs_data
@pytest.mark.parametrize("name", ["andorra", "heidelberg"])
def test_the_same_town_has_the_same_streets_from_an_extract_and_from_graphml(name):
    graph = read_graph(Path(DATA) / f"networks/{name}_drive.graphml")
    xy = np.array([(float(data["x"]), float(data["y"])) for _, data in graph.nodes(data=True)])
    extract = read_map(Path(DATA) / f"networks/{name}.osm.pbf", shapely.box(*xy.min(0), *xy.max(0))).graph
    town = extract.subgraph(max(nx.strongly_connected_components(extract), key=len))

    def km(one):
        return sum({(frozenset((u, v)), round(float(data["length"]))): float(data["length"])
                    for u, v, data in one.edges(data=True)}.values())  # fmt: skip

    assert km(town) == pytest.approx(km(graph), rel=0.02)
    assert town.number_of_nodes() == pytest.approx(graph.number_of_nodes(), rel=0.02)


def test_a_graph_in_memory_is_not_changed():
    graph = read_graph(shipped()["tiny_town"].parent / "networks/tiny_town.graphml")
    before = nx.to_dict_of_dicts(graph)
    map_of(graph, shapely.box(-34, 44, -32.995, 46))
    assert nx.to_dict_of_dicts(graph) == before


def test_a_model_takes_a_graph_in_memory_for_its_streets():
    graph = read_graph(shipped()["tiny_town"].parent / "networks/tiny_town.graphml")
    from_graph, from_file = EvacuationModel("tiny_town", streets=graph), EvacuationModel("tiny_town")
    assert np.array_equal(np.sort(from_graph.streets.length_m), np.sort(from_file.streets.length_m))
    assert np.array_equal(from_graph.people.age, from_file.people.age)
    undirected = nx.Graph([(1, 2)])
    with pytest.raises(ScenarioError, match="undirected"):
        EvacuationModel("tiny_town", streets=undirected)


def test_an_exit_by_the_sea_is_doubted_in_every_run_until_the_user_accepts_it(tmp_path):
    nodes = NODES | {50: (30.033, 49.99), 51: (30.033, 50.01)}
    path = osm(tmp_path / "t.osm", WAYS | {140: ((50, 51), {"natural": "coastline"})}, nodes)
    for accepted in (False, True):
        out = tmp_path / f"accepted {accepted}"
        begun = begin_town(path, out, Wishes(residents=300, accept_exits=accepted))
        assert any("Doubtful: " in line and "the sea lies beyond it" in line for line in begun.told)
        scenario = load(begun.scenario)
        assert [one.confirmed for one in scenario.streets.exits] == [accepted] * 2
        told = [line for line in EvacuationModel(scenario).report() if "the sea lies beyond it" in line]
        assert [line.split("'")[1] for line in told] == ([] if accepted else ["P 1 (south-east)"])
