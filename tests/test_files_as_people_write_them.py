"""Numbers, days, tables and maps are read as people write them; what may mean two things is asked about."""

import json
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from safepassage.model.built_once import ground_of
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.hazard.alerts import alerts_of
from safepassage.model.hazard.days import day, iso
from safepassage.model.hazard.front import front_of
from safepassage.model.hazard.impacts import Area, Impacts
from safepassage.model.hazard.records import place, read, replay
from safepassage.model.inputs.tables import number_of, read_csv, same_text
from safepassage.model.inputs.vectors import POLYGONS, named, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import Front
from safepassage.model.settings.scenario import load
from safepassage.model.settings.shelling import RecordedShelling
from safepassage.model.settings.shelters import AirRaidAlerts
from safepassage.model.streets.raster import hull
from safepassage.model.town.buildings import heights_along_links

SQUARE = shapely.box(30.0, 50.0, 30.01, 50.01)
DEGREES = Area(0.0, 0.0, 40.0, 60.0, to_plane=lambda longitude, latitude: (longitude, latitude))
RUN_AT_MIDNIGHT = SimpleNamespace(start=datetime(2024, 8, 1), duration_h=24.0)


def write(path: Path, content) -> Path:
    text = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def collection(*geometries, crs=None, **properties):
    features = [{"type": "Feature", "geometry": mapping(one), "properties": properties} for one in geometries]
    return {"type": "FeatureCollection", "features": features} | ({"crs": crs} if crs else {})


@pytest.mark.parametrize(
    ("said", "number"),
    [("1 950", 1950), ("1\u202f950,5", 1950.5), ("1'950", 1950), ("1,234,567", 1234567), ("1.234.567,5", 1234567.5),
     ("1,950.5", 1950.5), ("9,5", 9.5), ("\u22123", -3), (" 12 ", 12), (7, 7), ("1e3", 1000)],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(said, number):
    assert number_of(said) == number


@pytest.mark.parametrize("said", ["1,950", "1.950"])
def test_a_number_of_people_that_may_mean_two_is_asked_about(said):
    with pytest.raises(ValueError, match=r"this may mean 1950 or 1.950"):
        number_of(said, is_count=True)


@pytest.mark.parametrize("said", ["", "n/a", "~5", "nan", "1_0", True, None, [1], "0x10", "1 95"])
def test_what_is_no_number_is_none(said):
    with pytest.raises(ValueError, match="give a number"):
        number_of(said)


@pytest.mark.parametrize(
    "said", ["2024-08-09", "09.08.2024", "9 August 2024", "09-Aug-24", "August 9, 2024", "20240809", "2024/8/9",
             "20240809.0", "2024-08-09 00:00:00.000", "1723161600000"]
)  # fmt: skip
def test_a_day_is_read_as_people_write_it(said):
    assert day(said) == date(2024, 8, 9)


@pytest.mark.parametrize("said", ["9/8/2024", "0001-01-01", "9999-12-31", "2024-02-30", "soon", "1723161600"])
def test_what_may_be_two_days_or_none_is_none(said):
    assert day(said) is None
    assert iso(said) == said


@pytest.mark.parametrize(
    "text", ["a;b\n1;2\n", "a|b\n1|2\n", "sep=;\na;b\n1;2\n", "# a remark, of mine\na,b\n1,2\n", "\n\na\tb\n1\t2\n",
             'a,b\r\n="1",2\r', '"a", b\n 1 ,2,,\n']
)  # fmt: skip
def test_a_table_is_read_whatever_stands_between_its_values(tmp_path, text):
    frame, lines = read_csv(write(tmp_path / "t.csv", text))
    assert frame.to_dict("list") == {"a": ["1"], "b": ["2"]}
    assert text.splitlines()[lines[0] - 1].strip(' ="').startswith("1")


def test_other_kinds_of_files_are_called_by_their_name(tmp_path):
    others = {b"PK\x03\x04x": "Excel workbook", b"SQLite format 3\0": "GeoPackage", b"<html>": "web page",
              b"%PDF-1": "PDF", b"version https://git-lfs": "Git LFS"}  # fmt: skip
    for content, words in others.items():
        with pytest.raises(ScenarioError, match=words):
            read_csv(write(tmp_path / "t.csv", content))


def test_a_header_of_very_many_columns_is_refused_at_once(tmp_path):
    with pytest.raises(ScenarioError, match="the header has 200,001 columns"):
        read_csv(write(tmp_path / "t.csv", "h," * 200_000))


def test_codes_and_names_are_compared_in_one_form():
    assert same_text(" 2.0 ") == same_text(2) == same_text(2.0) == "2"
    assert same_text("Mill\u00a0 Quarter") == "Mill Quarter" and same_text("0\u0301") == same_text("0\u0301 ")


@pytest.mark.parametrize(
    "geometry",
    [shapely.GeometryCollection([SQUARE]), shapely.GeometryCollection([SQUARE, shapely.Point(30, 50)]),
     shapely.GeometryCollection([shapely.MultiPolygon([SQUARE])]), shapely.force_3d(SQUARE, 5.0)],
)  # fmt: skip
def test_the_area_in_a_collection_of_geometries_counts(tmp_path, geometry):
    features, _ = read_features(write(tmp_path / "z.geojson", collection(geometry)), POLYGONS, "zone")
    assert features[0].geometry.equals(SQUARE) and not features[0].geometry.has_z


@pytest.mark.parametrize("cell", [SQUARE.wkb_hex, json.dumps(mapping(SQUARE)), f"SRID=4326;{SQUARE.wkt}"])
def test_a_cell_may_hold_any_text_of_a_geometry(tmp_path, cell):
    quoted = cell.replace('"', '""')
    features, _ = read_features(write(tmp_path / "z.csv", f'name,geom\na,"{quoted}"\n'), POLYGONS, "zone")
    assert features[0].geometry.equals(SQUARE) and features[0].properties == {"name": "a"}


@pytest.mark.parametrize(
    ("crs", "words"),
    [("EPSG:32636", "look like degrees"), ("EPSG:4978", "has no longitude and latitude"), ("EPSG:5701", "has no"),
     ({"properties": [1]}, "cannot be used")],
)  # fmt: skip
def test_a_coordinate_system_that_cannot_be_the_right_one_is_refused(tmp_path, crs, words):
    with pytest.raises(ScenarioError, match=words):
        read_features(write(tmp_path / "z.geojson", collection(SQUARE, crs=crs)), POLYGONS, "zone")


def test_a_property_is_found_in_other_letters_and_cut_as_a_shapefile_cuts_it(tmp_path):
    path = write(tmp_path / "z.geojson", collection(SQUARE, ZONE_ID="a", population="5"))
    feature = read_features(path, POLYGONS, "zone")[0][0]
    assert named(feature, "zone_id", "") == "a" and named(feature, "population_2023", "") == "5"
    with pytest.raises(ScenarioError, match="Did you mean 'population'"):
        named(feature, "popluation", "")


def test_a_message_is_cut_where_nobody_would_read_on():
    assert len(str(ScenarioError("\n".join(["a" * 5000] * 50)))) <= 2000
    assert str(ScenarioError("short")) == "short"


HDX = "Week,Admin2,Admin2 Pcode,Sub_event_type,Events\n#date,#adm2,,,#count\n2024-07-27,A,1.0,Air/drone strike,40\n"


def test_counts_by_week_are_drawn_within_their_week_and_their_district(tmp_path):
    district = shapely.Polygon([(30, 50), (31, 50), (30, 51)])
    districts = write(tmp_path / "d.geojson", collection(district, code="1"))
    settings = RecordedShelling(file=write(tmp_path / "c.csv", HDX), layout="hdx", districts=districts)
    table = read(settings.file, "hdx", "UTC")
    time_s, x_m, y_m, _ = place(table, settings, DEGREES, seed=1)
    assert len(table) == 40 and np.ptp(time_s) > 86400 * 4 and np.all(time_s - table.time_s < 7 * 86400)
    assert shapely.contains_xy(district, x_m, y_m).all()
    assert np.ptp(x_m) > 0.5 and np.ptp(y_m) > 0.5


def test_counts_that_are_all_nothing_are_no_events(tmp_path):
    districts = write(tmp_path / "d.geojson", collection(SQUARE, code="1"))
    path = write(tmp_path / "c.csv", HDX.replace(",40", ",0"))
    assert len(replay(RecordedShelling(file=path, layout="hdx", districts=districts), DEGREES, 1, "UTC").time_s) == 0


def test_counts_of_districts_without_places_ask_for_their_outlines(tmp_path):
    path = write(tmp_path / "c.csv", HDX)
    with pytest.raises(ScenarioError, match=r"shelling.sources.0.districts"):
        replay(RecordedShelling(file=path, layout="hdx"), DEGREES, 1, "UTC")


def test_reports_of_viina_1_of_one_day_and_place_are_one_event(tmp_path):
    text = "event_id,date,longitude,latitude,GEO_PRECISION,t_artillery_b\n" + "".join(
        f"{i},2024080{1 + i // 2},30.5,50.5,PPL,TRUE\n" for i in range(4)
    )
    table = read(write(tmp_path / "v.csv", text), "viina")
    assert len(table) == 2 and "2 of them are left out" in " ".join(table.report)


def test_events_that_lie_on_the_map_only_if_swapped_are_refused(tmp_path):
    path = write(tmp_path / "e.csv", "time,lon,lat\n2024-08-01T07:00,55,20\n")
    area = Area(10.0, 50.0, 30.0, 60.0, to_plane=lambda longitude, latitude: (longitude, latitude))
    with pytest.raises(ScenarioError, match="only if these two are swapped"):
        replay(RecordedShelling(file=path), area, 1, "UTC")


def test_a_folder_of_dated_maps_is_a_front(tmp_path):
    for name, west in (("front_20240801.geojson", 32.0), ("front_20240803.geojson", 34.0)):
        write(tmp_path / name, collection(shapely.box(west, 0, 40, 60)))
    write(tmp_path / "README.txt", "maps of the front")
    settings = Front.model_validate({"polygons_files": str(tmp_path)})
    front = front_of(settings, DEGREES, RUN_AT_MIDNIGHT, "UTC")
    assert [path.name for path in settings.polygons_files] == ["front_20240801.geojson", "front_20240803.geojson"]
    at = [front.distance_km(np.array([30.0]), np.array([30.0]), days * 86400.0)[0] for days in (0, 1, 2)]
    assert np.allclose(at, [0.002, 0.003, 0.004])


LIST = (
    "oblast,raion,hromada,level,started_at,finished_at,source\n"
    "Donetska,,,oblast,2024-08-01 01:00:00+00:00,2024-08-01 02:00:00+00:00,official\n"
    "Donetska,Pokrovskyi,,raion,2024-08-01 03:00:00+00:00,,official\n"
    "Donetska,Bakhmutskyi,,raion,2024-08-01 05:00:00+00:00,2024-08-01 06:00:00+00:00,official\n"
    "Kyivska,,,oblast,2024-08-01 07:00:00+00:00,2024-08-01 08:00:00+00:00,official\n"
)


def test_alerts_of_a_published_list_are_those_of_the_place_and_of_what_it_is_in(tmp_path):
    path = write(tmp_path / "alerts.csv", LIST)
    found = alerts_of(AirRaidAlerts(file=path, place="pokrovskyi"), Impacts.none(), RUN_AT_MIDNIGHT, 1, "UTC")
    assert found[0].tolist() == [3600, 3 * 3600] and found[1].tolist() == [7200, 24 * 3600]
    with pytest.raises(ScenarioError, match="alerts of 2 regions are in it: Donetska, Kyivska"):
        alerts_of(AirRaidAlerts(file=path), Impacts.none(), RUN_AT_MIDNIGHT, 1, "UTC")


def raster(path: Path, cells: np.ndarray) -> Path:
    rasterio = pytest.importorskip("rasterio", reason="the extra gis is not installed")
    transform = rasterio.transform.from_bounds(-33.03, 44.97, -32.97, 45.03, *cells.shape[::-1])
    with rasterio.open(path, "w", driver="GTiff", height=cells.shape[0], width=cells.shape[1], count=1,
                       dtype="float64", crs="EPSG:4326", transform=transform, nodata=-99999) as out:  # fmt: skip
        out.write(cells, 1)
    return path


def test_a_raster_of_residents_is_a_population_by_itself_or_that_of_zones(tmp_path):
    path = raster(tmp_path / "pop.tif", np.full((60, 60), 1.0))
    given = load("tiny_town")
    of_raster, of_zones = (given.override({f"population.{key}": str(path)}) for key in ("zones", "raster"))
    streets, _, squares, _ = ground_of(given.streets, of_raster.population)
    zones = ground_of(given.streets, of_zones.population)[2]
    area_deg2 = [feature.geometry.area for feature in read_features(given.population.zones, POLYGONS, "zone")[0]]
    assert zones.residents.tolist() == pytest.approx([one / 0.001**2 for one in area_deg2], abs=2)
    outline_deg2 = hull(streets).area
    assert squares.residents.sum() == pytest.approx(outline_deg2 / 0.001**2, rel=0.02)
    assert len(squares.name) > 6 and max(one.area for one in squares.outline) <= 1.01e6
    assert any("squares of 1 km" in line for line in squares.report)


OWN_TOWN = Path(__file__).parents[1] / "docs/howto/own_town.md"
READERS = {
    "household,n_persons": {"population.households_file": "", "population.zone_name_property": "name"},
    "household,age": {"population.persons_file": "", "population.zone_name_property": "name"},
    "node,weight": {"population.node_weights": ""},
    "sex,age_from,age_below,share": {"population.age_sex_table": ""},
    "n_persons,share": {"population.household_size_table": ""},
    "sex,age_from,age_below,p_slow": {"population.mobility_table": ""},
    "time,": {"shelling.sources": "plain"},
    "week,": {"shelling.sources": "hdx"},
    "date,": {"front.distance_file": ""},
    "started_utc,": {"alerts.file": ""},
}


def examples():
    blocks = OWN_TOWN.read_text(encoding="utf-8").partition("## Examples of tables")[2].partition("\n## ")[0]
    found = "\n".join(line[4:] if line.startswith("    ") else "" for line in blocks.splitlines()).split("\n\n")
    return [block.strip() + "\n" for block in found if "," in block]


def test_every_example_of_a_table_in_the_documentation_can_be_used(tmp_path):
    tables = examples()
    assert len(tables) == len(READERS)
    for table in tables:
        begins, keys = next((begins, keys) for begins, keys in READERS.items() if table.startswith(begins))
        path = str(write(tmp_path / "t.csv", table))
        changes = {key: value or path for key, value in keys.items()}
        if "shelling.sources" in keys:
            place(read(Path(path), keys["shelling.sources"], "UTC"), RecordedShelling(file=path), DEGREES, 1)
        else:
            assert len(EvacuationModel("tiny_town", **changes).people) > 0, begins


def test_heights_of_buildings_are_read_as_text_and_those_that_are_none_are_counted(tmp_path):
    streets = ground_of(load("tiny_town").streets, load("tiny_town").population)[0]
    near = shapely.Point(streets.unproject(streets.node_x_m[0], streets.node_y_m[0])).buffer(1e-5)
    heights = ("12 m", "12,5", "40 ft", "tall", -1.0, 1e60, True)
    features = [{"type": "Feature", "geometry": mapping(near), "properties": {"height": one}} for one in heights]
    path = write(tmp_path / "b.geojson", {"type": "FeatureCollection", "features": features})
    found, notes = heights_along_links(path, streets)
    assert np.nanmax(found) == pytest.approx((12 + 12.5 + 40 * 0.3048) / 3)
    assert any("4 buildings have no height that can be read" in note for note in notes)


def test_buildings_of_a_whole_region_do_no_harm(tmp_path):
    town, far = shapely.box(-33.0, 45.003, -32.9999, 45.0031), shapely.box(-30.0, 48.0, -29.9, 48.1)
    path = write(tmp_path / "b.geojson", collection(town, far))
    model = EvacuationModel("tiny_town", **{"population.buildings": str(path)})
    assert any("1 buildings lie in no zone" in line for line in model.report())
    with pytest.raises(ScenarioError, match="nearest street is"):
        EvacuationModel("tiny_town", **{"population.buildings": str(write(tmp_path / "b.geojson", collection(far)))})
