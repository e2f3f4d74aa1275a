"""Files that users give: text, tables, GeoJSON and places are each read by one function, and their faults are named."""

import gzip
import json
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping

from safepassage.model.inputs.tables import read_csv, read_table
from safepassage.model.inputs.text_files import read_text
from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.placing import nodes_near, place_of

SQUARE = shapely.box(30.0, 50.0, 30.01, 50.01)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(path, *features, **members):
    return write(path, json.dumps({"type": "FeatureCollection", "features": list(features), **members}))


@pytest.mark.parametrize(
    "content",
    ["день".encode(), "день".encode("utf-8-sig"), "день".encode("utf-16"), gzip.compress("день".encode(), mtime=0)],
)
def test_text_is_read_whatever_its_encoding_and_packing(tmp_path, content):
    assert read_text(write(tmp_path / "t.txt", content)) == "день"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"one\n\xf1\xeb\xee\xe2\xee", "line 2: this is not UTF-8 text"),
        (b"one\ntwo\n\0", "line 3: this is not text"),
        (gzip.compress(b"x", mtime=0)[:-4], "cannot be read"),
    ],
)
def test_what_is_not_text_is_refused_with_its_line(tmp_path, content, words):
    with pytest.raises(ScenarioError, match=words):
        read_text(write(tmp_path / "t.txt", content))


def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path):
    packed = write(tmp_path / "t.csv", gzip.compress(b"0" * 2_000_000))
    assert packed.stat().st_size < 5_000
    with pytest.raises(ScenarioError, match="larger than 1,000,000 bytes when it is unpacked"):
        read_text(packed, most_bytes=1_000_000)


def test_lines_of_a_table_are_counted_as_an_editor_counts_them(tmp_path):
    path = write(tmp_path / "t.csv", 'a,b\r\n1,"two\r\nlines"\r\n\r\n2,3\r\n')
    frame, lines = read_csv(path)
    assert lines.tolist() == [2, 5]
    assert frame.to_numpy().tolist() == [["1", "two\r\nlines"], ["2", "3"]]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_may_use_commas_semicolons_or_tabs(tmp_path, mark):
    frame, _ = read_csv(write(tmp_path / "t.csv", f"a{mark}b\n1{mark}2\n"))
    assert frame.to_dict("records") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: there are 3 values under 2 columns"),
        ("a,b\n1\n", "line 2: there are 1 values under 2 columns"),
        ('a,b\n1,"open\n2,3\n', "line 2: this is not CSV"),
        ("\n \n", "this file is empty"),
    ],
)
def test_a_ragged_or_broken_table_is_refused_with_its_line(tmp_path, text, words):
    with pytest.raises(ScenarioError, match=words):
        read_csv(write(tmp_path / "t.csv", text))


@pytest.mark.parametrize("header", ["household,age ,Sex", " HOUSEHOLD,Age,SEX"])
def test_names_of_columns_may_have_capitals_and_spaces(tmp_path, header):
    table = read_table(write(tmp_path / "p.csv", f"{header}\nh1,70,F\n"), ("household",), ("age", "sex"))
    assert table["age"].tolist() == ["70"] and table["sex"].tolist() == ["F"]


def test_a_misspelt_column_is_refused_and_its_cure_named(tmp_path):
    with pytest.raises(ScenarioError, match="a column 'mobilty'; did you mean 'mobility'"):
        read_table(write(tmp_path / "p.csv", "household,mobilty\nh1,slow\n"), ("household",), ("mobility",))


def test_a_column_for_remarks_is_left_alone(tmp_path):
    assert len(read_table(write(tmp_path / "p.csv", "household,Note\nh1,hello\n"), ("household",))) == 1


@given(st.lists(st.lists(st.text("ab ,;\"\n'", max_size=6), min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_a_spreadsheet_writes_is_read_back(tmp_path_factory, rows):
    import csv

    rows = [["x", *row] for row in rows]
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["a", "b", "c"], *rows])
    frame, _ = read_csv(path)
    assert frame.to_numpy().tolist() == [[cell.strip() for cell in row] for row in rows]


def test_geojson_in_a_stated_plane_is_turned_into_degrees(tmp_path):
    from pyproj import Transformer

    to_plane = Transformer.from_crs("EPSG:4326", "EPSG:32636", always_xy=True).transform
    plane = shapely.transform(SQUARE, lambda xy: np.column_stack(to_plane(xy[:, 0], xy[:, 1])))
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32636"}}
    found, _ = read_features(collection(tmp_path / "z.geojson", feature(mapping(plane)), crs=crs), POLYGONS, "zone")
    assert shapely.equals_exact(found[0].geometry, SQUARE, tolerance=1e-7)


def test_geojson_may_begin_with_a_byte_order_mark(tmp_path):
    path = collection(tmp_path / "z.geojson", feature(mapping(SQUARE), name="a"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_features(path, POLYGONS, "zone")[0][0].properties == {"name": "a"}


def test_an_outline_that_crosses_itself_is_repaired_and_counted(tmp_path):
    bow = {"type": "Polygon", "coordinates": [[[30, 50], [30.02, 50], [30, 50.01], [30.01, 50.01], [30, 50]]]}
    found, notes = read_features(collection(tmp_path / "z.geojson", feature(bow)), POLYGONS, "zone")
    assert found[0].geometry.is_valid and found[0].geometry.area > 0
    assert notes == ["z.geojson: 1 outlines crossed themselves and were repaired (make_valid)."]


@pytest.mark.parametrize("empty", [None, {"type": "Polygon", "coordinates": []}, mapping(shapely.GeometryCollection())])
def test_a_feature_without_a_place_has_no_geometry(tmp_path, empty):
    assert read_features(collection(tmp_path / "z.geojson", feature(empty)), POLYGONS, "zone")[0][0].geometry is None


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (
            {"type": "Point", "coordinates": [30, 50]},
            "feature 0 is a Point; each zone must be a Polygon",
        ),
        ({"type": "Polygon", "coordinates": [[[30, 50], [30.01, 50]]]}, "not those of a Polygon"),
        ({"type": "Polygon", "coordinates": "here"}, "not those of a Polygon"),
        (mapping(shapely.box(533000, 5350000, 534000, 5351000)), r"53[34]000, 5.35e\+06, which are not longitude"),
        ({"type": "Polygon", "coordinates": [[[30, 50], [31, 51], [32, 52], [30, 50]]]}, "has no area"),
        ("here", "feature 0 is a None"),
    ],
)
def test_a_geometry_that_cannot_be_meant_is_refused_with_its_feature(tmp_path, geometry, words):
    with pytest.raises(ScenarioError, match=words):
        read_features(collection(tmp_path / "z.geojson", feature(geometry)), POLYGONS, "zone")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"type": "FeatureCollection",\n "features": [}', "line 2: this is not GeoJSON"),
        ('{"type": "Topology", "objects": {}}', "its type is 'Topology'"),
        ('{"type": "FeatureCollection", "features": [], "features": []}', "the key 'features' appears twice"),
        ('{"type": "FeatureCollection", "features": ["\\ud800"]}', "half of a character"),
        ("[1, 2]", "its type is 'list'"),
        ('{"features": [7]}', "feature 0 is not a GeoJSON feature"),
        ('{"features": []}', "holds no zone"),
        ("[" * 100_000, "this is not GeoJSON"),
        ('{"features": [1], "crs": {"properties": {"name": "mars"}}}', "'mars', which cannot be used"),
    ],
)
def test_what_is_not_a_feature_collection_is_refused(tmp_path, content, words):
    with pytest.raises(ScenarioError, match=words) as refused:
        read_features(write(tmp_path / "z.geojson", content), POLYGONS, "zone")
    assert len(str(refused.value)) < 600


def test_other_formats_of_maps_are_named(tmp_path):
    with pytest.raises(ScenarioError, match="this is a raster, which cannot be read here"):
        read_features(write(tmp_path / "z.tif", b"II*"), POLYGONS, "zone")


class Plane:
    """A plane with one node at longitude 30, latitude 50; a degree is 100 km."""

    def project(self, longitude, latitude):
        return (longitude - 30) * 1e5, (latitude - 50) * 1e5

    def unproject(self, x_m, y_m):
        return x_m / 1e5 + 30, y_m / 1e5 + 50

    def nearest_node(self, x_m, y_m):
        return np.zeros(np.size(x_m), np.int32), np.hypot(np.atleast_1d(x_m), np.atleast_1d(y_m))


def test_swapped_degrees_are_recognised():
    streets = Plane()
    with pytest.raises(ScenarioError, match=r"School: the nearest street is .* Longitude and latitude are swapped"):
        nodes_near(streets, *streets.project(50.0, 30.0), lambda _: "School")
    with pytest.raises(ScenarioError, match="Correct the place, leave it out, or use a larger network"):
        nodes_near(streets, *streets.project(31.0, 50.0), lambda _: "School")
    assert nodes_near(streets, [10.0, 20.0], [0.0, 0.0], str).tolist() == [0, 0]


def test_a_place_in_metres_under_the_names_of_degrees_is_refused():
    place = SimpleNamespace(x_m=None, y_m=None, longitude_deg=533_000.0, latitude_deg=5_350_000.0)
    with pytest.raises(ScenarioError, match=r"shelter 'A': 533000, 5.35e\+06 are not longitude and latitude"):
        place_of(Plane(), place, "shelter 'A'")
