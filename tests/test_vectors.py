"""Maps of any format that planners have come out as the same features, in degrees."""

import gzip
import json
import zipfile

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyarrow import parquet
from pyproj import CRS, Transformer
from shapely.geometry import mapping

from safepassage.model.evacuation import EvacuationModel
from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import load, shipped

SQUARES = [shapely.box(30.0, 50.0, 30.01, 50.01), shapely.box(30.01, 50.0, 30.03, 50.01)]
UTM = "EPSG:32636"


def in_utm(geometry):
    to_utm = Transformer.from_crs("EPSG:4326", UTM, always_xy=True).transform
    return shapely.transform(geometry, lambda xy: np.column_stack(to_utm(xy[:, 0], xy[:, 1])))


def write_with_gdal(path, driver, layer=None, geometries=SQUARES, crs=UTM, append=False, fields=None):
    ogr = pytest.importorskip("pyogrio", reason="the extra gis is not installed")
    fields = fields or {"name": np.array(["east", "west"], object), "population": np.array([10, 20])}
    geometries = [in_utm(one) for one in geometries] if crs == UTM else geometries
    ogr.raw.write(
        path, shapely.to_wkb(np.array(geometries)), list(fields.values()), list(fields), crs=crs, driver=driver,
        geometry_type="Polygon", layer=layer, append=append,
    )  # fmt: skip
    return path


def check(path):
    found, notes = read_features(path, POLYGONS, "zone")
    assert notes == []
    found.sort(key=lambda one: one.properties["name"])  # FlatGeobuf orders its features by place
    assert [dict(one.properties) for one in found] == [
        {"name": "east", "population": 10}, {"name": "west", "population": 20}
    ]  # fmt: skip
    for one, right in zip(found, SQUARES, strict=True):
        assert one.geometry.symmetric_difference(right).area < 1e-6 * right.area


@pytest.mark.parametrize(("name", "driver"), [("z.gpkg", "GPKG"), ("z.shp", "ESRI Shapefile"), ("z.fgb", "FlatGeobuf")])
def test_formats_of_gis_programs_are_read_from_their_own_coordinate_system(tmp_path, name, driver):
    check(write_with_gdal(tmp_path / name, driver))


def test_a_zipped_shapefile_is_read(tmp_path):
    write_with_gdal(tmp_path / "z.shp", "ESRI Shapefile")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for path in tmp_path.glob("z.*"):
            if path.suffix != ".zip":
                archive.write(path, path.name)
    check(tmp_path / "z.zip")


def test_one_of_several_layers_is_named_as_in_qgis(tmp_path):
    path = write_with_gdal(tmp_path / "z.gpkg", "GPKG", "districts")
    write_with_gdal(path, "GPKG", "others", append=True)
    with pytest.raises(ScenarioError, match="2 layers with a geometry: districts, others"):
        read_features(path, POLYGONS, "zone")
    with pytest.raises(ScenarioError, match="no layer 'district'; the layers are districts, others"):
        read_features(tmp_path / "z.gpkg|layername=district", POLYGONS, "zone")
    check(tmp_path / "z.gpkg|layername=districts")


def geoparquet(path, crs):
    geometries = [in_utm(one) for one in SQUARES] if crs else SQUARES
    table = pa.table({"name": ["east", "west"], "population": [10, 20], "geometry": shapely.to_wkb(geometries)})
    column = {"encoding": "WKB", "geometry_types": ["Polygon"]}
    if crs:
        column["crs"] = CRS(crs).to_json_dict()
    said = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
    parquet.write_table(table.replace_schema_metadata({"geo": json.dumps(said)}), path)
    return path


@pytest.mark.parametrize("crs", [None, UTM])
def test_geoparquet_is_read_without_the_extra(tmp_path, crs):
    check(geoparquet(tmp_path / "z.parquet", crs))


def lines(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["z.geojsonl", "z.csv.gz", "z.json"])
def test_one_feature_a_line_is_read_whatever_the_name(tmp_path, name):
    rows = [{"type": "Feature", "geometry": mapping(one), "properties": {"name": who, "population": n}}
            for one, who, n in zip(SQUARES, ("east", "west"), (10, 20), strict=True)]  # fmt: skip
    check(lines(tmp_path / name, "\n".join(map(json.dumps, rows)) + "\n"))


def test_a_table_with_wkt_is_read(tmp_path):
    rows = [f'{who},{n},"{one.wkt}"' for one, who, n in zip(SQUARES, ("east", "west"), (10, 20), strict=True)]
    check(lines(tmp_path / "z.csv.gz", "\n".join(["name,population,geometry", *rows])))


def test_codes_with_leading_zeros_stay_text(tmp_path):
    path = lines(tmp_path / "p.csv", "name,code,longitude,latitude\na,007,30.1,50.2\nb,12,30.2,50.3\n")
    found, _ = read_features(path, ("Point",), "shelter")
    assert [(one.geometry.x, one.geometry.y, one.properties["code"]) for one in found] == [
        (30.1, 50.2, "007"), (30.2, 50.3, "12")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("z.csv", "name,population\na,1\n", "no column holds a geometry"),
        ("z.csv", "name,geometry\na,POLYGON((0 0\n", "feature 0: its geometry cannot be read"),
        ("z.csv", "name,lon,lat\na,x,1\n", "feature 0: its geometry cannot be read"),
        ("z.gpkg", "<OGRVRTDataSource/>", "not a .gpkg file"),
        ("z.zip", "PK", "this archive cannot be read"),
        ("z.parquet", "PAR1", "not a Parquet file"),
        ("z.geojsonl", '{"type": "Feature", "geometry": null, "properties": {}}\n{', "line 2: this is not a GeoJSON"),
        ("z.osm.pbf", "x", "OpenStreetMap extract, which cannot be read here"),
    ],
)
def test_what_is_no_map_is_refused_with_its_place(tmp_path, name, content, words):
    with pytest.raises(ScenarioError, match=words):
        read_features(lines(tmp_path / name, content), POLYGONS, "zone")


def test_without_the_extra_the_message_says_what_to_install(tmp_path, monkeypatch):
    path = lines(tmp_path / "z.gpkg", "SQLite format 3\0")
    monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
    with pytest.raises(ScenarioError, match=r'needs the package pyogrio: pip install "safepassage\[gis\]"'):
        read_features(path, POLYGONS, "zone")


def test_the_town_has_the_same_people_from_a_geopackage_as_from_geojson(tmp_path):
    zones, _ = read_features(shipped()["tiny_town"].parent / "tables/tiny_town_zones.geojson", POLYGONS, "zone")
    fields = {name: np.array([one.properties[name] for one in zones], kind)
              for name, kind in (("zone_id", object), ("population", np.int64))}  # fmt: skip
    fields["zone_id"] = np.array([str(one) for one in fields["zone_id"]], object)
    path = write_with_gdal(
        tmp_path / "z.gpkg", "GPKG", "zones", [one.geometry for one in zones], "EPSG:4326", fields=fields
    )
    one = EvacuationModel("tiny_town")
    other = EvacuationModel(load("tiny_town", {"population.zones": f"{path}|layername=zones"}))
    assert np.array_equal(one.people.age, other.people.age)
    assert np.array_equal(one.households.home_x_m, other.households.home_x_m)
