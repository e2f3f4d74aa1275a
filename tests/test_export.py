"""What leaves a run for other programs is aggregated, and opens there."""

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from safepassage.experiments.runs.export import export
from safepassage.experiments.runs.qgis_styles import STYLES
from safepassage.experiments.runs.withheld import AGGREGATED, GROUPS, LEAST_CELL, withheld, without_small_counts
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.inputs.vectors import read_features
from safepassage.model.results.run_folder import open_run
from safepassage.model.settings.base import ScenarioError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    model = EvacuationModel("tiny_town", **{"run.duration_h": 1})
    model.run()
    return open_run(model.save(tmp_path_factory.mktemp("runs")))


def test_a_geopackage_holds_streets_zones_exits_and_impacts_but_nobody(tmp_path, run):
    ogr = pytest.importorskip("pyogrio", reason="the extra gis is not installed")
    export(run, "gpkg", tmp_path / "run.gpkg")
    layers = [name for name, _ in ogr.list_layers(tmp_path / "run.gpkg")]
    assert set(layers) == {"streets", "zones", "exits", "impacts", "timeseries", "layer_styles"}
    streets, _ = read_features(tmp_path / "run.gpkg|layername=streets", ("LineString",), "street")
    links = run.frame("links")
    assert len(streets) == len(links)
    shown = [one.properties["n_vehicles"] for one in streets]
    assert shown == [None if 0 < n < LEAST_CELL else n for n in links["n_vehicles"].tolist()]
    longitude, latitude = streets[0].geometry.coords[0]
    assert -33.1 < longitude < -32.9 and 44.9 < latitude < 45.1
    impacts = run.frame("impacts")
    ends = [shapely.LineString(np.column_stack(xy)) for xy in zip(links["x_m"], links["y_m"], strict=True)]
    near = [int((shapely.distance(line, shapely.points(impacts["x_m"], impacts["y_m"])) <= 100).sum()) for line in ends]
    assert [one.properties["impacts_within_100_m"] for one in streets] == near and sum(near) > 0


def test_qgis_finds_a_style_for_each_layer_that_has_one_and_reads_it(tmp_path, run):
    ogr = pytest.importorskip("pyogrio", reason="the extra gis is not installed")
    export(run, "gpkg", tmp_path / "run.gpkg")
    meta, _, _, columns = ogr.raw.read(tmp_path / "run.gpkg", layer="layer_styles")
    table = dict(zip(meta["fields"], columns, strict=True))
    assert list(table["f_table_name"]) == ["streets", "zones"] and all(table["useAsDefault"])
    for name, text in zip(table["f_table_name"], table["styleQML"], strict=True):
        assert text == (tmp_path / f"run_{name}.qml").read_text() == STYLES[name]()
        style = ET.fromstring(text)
        renderer = style.find("renderer-v2")
        symbols = {one.get("name") for one in renderer.iter("symbol")}
        assert {one.get("symbol") for one in renderer.iter("range")} <= symbols and len(symbols) >= 1
        assert style.find("layerGeometryType").text == {"streets": "1", "zones": "2"}[name]
        attribute = renderer.get("attr")
        assert attribute is None or attribute in ogr.read_info(tmp_path / "run.gpkg", layer=name)["fields"]


@pytest.mark.parametrize(("to", "ending"), [("geoparquet", "parquet"), ("csv", "csv"), ("kepler", "geojson")])
def test_every_format_of_tables_is_read_back_with_its_zones(tmp_path, run, to, ending):
    export(run, to, tmp_path / "out")
    zones, _ = read_features(tmp_path / f"out/zones.{ending}", ("MultiPolygon", "Polygon"), "zone")
    counted = sum(value or 0 for one in zones for name, value in one.properties.items() if name.startswith("n_"))
    assert 0.9 * len(run.frame("persons")) < counted <= len(run.frame("persons"))
    assert not any((tmp_path / "out").glob("persons*"))


@pytest.mark.parametrize(("to", "file"), [("gpkg", "|layername=streets"), ("csv", "/streets.csv")])
def test_a_street_that_was_never_closed_has_no_time_of_closure_and_columns_are_in_small_letters(
    tmp_path, run, to, file
):
    assert np.isinf(run.frame("links")["closed_time_s"]).any()
    out = tmp_path / f"out.{to}"
    export(run, to, out)
    streets, _ = read_features(Path(f"{out}{file}"), ("LineString",), "street")
    assert {one.properties["closed_time_s"] for one in streets} <= {None, ""}
    zones, _ = read_features(Path(f"{out}{file}".replace("streets", "zones")), ("MultiPolygon", "Polygon"), "zone")
    assert all(name == name.lower() for name in zones[0].properties) and "n_home" in zones[0].properties


def test_rows_of_persons_leave_only_if_asked_for_and_with_a_warning(tmp_path, run):
    told = export(run, "csv", tmp_path / "out", individual=True)
    assert len(pd.read_csv(tmp_path / "out/persons.csv")) == len(run.frame("persons"))
    assert any("Rows of persons" in line for line in told)
    with pytest.raises(ScenarioError, match="--individual"):
        export(run, "matsim-events", tmp_path / "events.xml")


def test_events_are_in_order_of_time_and_as_many_as_set_out(tmp_path, run):
    export(run, "matsim-events", tmp_path / "events.xml", individual=True)
    events = ET.parse(tmp_path / "events.xml").getroot()
    times = [float(one.get("time")) for one in events]
    assert times == sorted(times)
    assert sum(one.get("type") == "departure" for one in events) == len(run.frame("trips"))


def test_an_archive_has_its_metadata_and_no_table_of_persons(tmp_path, run):
    export(run, "ro-crate", tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        names = archive.namelist()
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    assert {name.partition(".")[0] for name in names if name.endswith(".parquet")} <= set(AGGREGATED)
    listed = {one["@id"] for one in next(one for one in graph if one["@id"] == "./")["hasPart"]}
    assert listed == set(names) - {"ro-crate-metadata.json"}


def test_an_archive_holds_no_small_count(tmp_path, run):
    export(run, "ro-crate", tmp_path / "run.zip")
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        links, exits, exposure = (pd.read_parquet(io.BytesIO(archive.read(f"{name}.parquet")))
                                  for name in ("links", "exits", "exposure"))  # fmt: skip
    for column in (links["n_vehicles"], links["n_walking_persons"], exits["n_persons"]):
        assert not column.dropna().between(1, LEAST_CELL - 1).any()
    assert links["n_vehicles"].isna().any() and links["delay_vehicle_h"].isna().equals(links["n_vehicles"].isna())
    assert list(exposure.columns) == ["protection", "exposure_person_h"]


def test_counts_over_time_are_withheld_with_a_second_one_that_would_tell_them(run):
    given, shown = run.frame("timeseries"), without_small_counts("timeseries", run.frame("timeseries"))
    for group in GROUPS:
        small = given[group].gt(0) & given[group].lt(LEAST_CELL)
        hidden = shown[group].isna()
        assert (hidden | ~small).all(axis=None)
        assert ((hidden.sum(axis=1) != 1) | (given[group].gt(0).sum(axis=1) == 1)).all()
    assert shown["n_impacts_so_far"].equals(given["n_impacts_so_far"])


def test_no_other_column_tells_a_count_that_is_withheld(run):
    moments = without_small_counts("timeseries", run.frame("timeseries"))
    assert moments["n_safe"].isna().any() and moments["n_left_town"][moments["n_safe"].isna()].isna().all()
    exits = run.frame("exits")
    exits["n_persons"], exits["n_walkers"], exits["n_cars"], exits["delivered_per_s"] = 54, 50, 3, 3 / 3600
    shown = without_small_counts("exits", exits)
    assert shown[["n_walkers", "n_cars", "delivered_per_s"]].isna().all(axis=None)
    assert (shown["n_persons"] == 54).all()


def test_vehicles_spend_no_less_time_on_a_street_than_they_lose(run):
    links = run.frame("links")
    used = links["n_vehicles"] > 0
    assert used.any() and (links["time_vehicle_h"] >= links["delay_vehicle_h"]).all()
    assert (links["time_vehicle_h"][used] > links["delay_vehicle_h"][used]).all()
    assert (links["time_vehicle_h"][~used] == links["delay_vehicle_h"][~used]).all()


def test_nothing_is_written_over(tmp_path, run):
    (tmp_path / "out").mkdir()
    with pytest.raises(ScenarioError, match="there already"):
        export(run, "csv", tmp_path / "out")


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=5))
def test_no_small_count_is_shown_or_told_by_difference(rows):
    counts = pd.DataFrame(rows)
    shown = withheld(counts)
    for row in range(len(rows)):
        values = np.array(rows[row])
        hidden = shown.iloc[row].isna().to_numpy()
        assert hidden[(values > 0) & (values < LEAST_CELL)].all()
        if hidden.sum() == 1:
            assert (values > 0).sum() == 1  # nobody else is there to hide it among


def test_shapes_are_valid(tmp_path, run):
    export(run, "kepler", tmp_path / "out")
    zones, notes = read_features(tmp_path / "out/zones.geojson", ("MultiPolygon", "Polygon"), "zone")
    assert notes == [] and all(shapely.is_valid(one.geometry) for one in zones)
