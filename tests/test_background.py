"""Water, green, railways and names of places: from an extract to the page's map, and never into a run."""

import json

import numpy as np
import pytest
import shapely
from test_init import NODES, WAYS, osm

from safepassage.app.scenes.scene import LiveScene
from safepassage.app.scenes.town import Frame, beneath
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.maps.background import SIMPLER_BY_M, Thing, background_features, background_kind
from safepassage.model.maps.town import Wishes, begin_town
from safepassage.model.results import columns, run_folder
from safepassage.model.results.map_tables import map_tables, read_background_of
from safepassage.model.settings.scenario import load

LAND = NODES | {
    30: (30.002, 50.001), 31: (30.008, 50.001), 32: (30.008, 50.004), 33: (30.002, 50.004),  # a park
    40: (30.003, 50.002), 41: (30.005, 50.002), 42: (30.005, 50.003), 43: (30.003, 50.003),  # a lake in it
    50: (29.900, 50.002), 51: (30.200, 50.002), 60: (30.015, 50.006),
}  # fmt: skip
ON_LAND = WAYS | {
    200: ((30, 31, 32, 33, 30), {"leisure": "park", "name": "The Park"}),
    201: ((40, 41, 42, 43, 40), {"natural": "water"}),
    202: ((50, 51), {"railway": "rail"}),
    203: ((50, 60), {"railway": "rail", "service": "yard"}),
    204: ((50, 60), {"waterway": "river", "tunnel": "culvert"}),
}  # fmt: skip
NAMES = {60: {"place": "suburb", "name": "Upper Town"}, 20: {"amenity": "hospital", "name": "The Hospital"}}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """The folder of a town begun from an extract with a park, a lake, a railway and a suburb."""
    folder = tmp_path_factory.mktemp("land")
    extract = osm(folder / "t.osm", ON_LAND, LAND, NAMES)
    return begin_town(extract, folder / "town", Wishes(residents=300))


def test_init_keeps_what_lies_beneath_the_streets_and_no_yard_and_no_tunnel(town):
    found = json.loads((town.folder / "background.geojson").read_text())["features"]
    kinds = [one["properties"] for one in found]
    assert kinds == [{"kind": "green", "name": "The Park"}, {"kind": "water"}, {"kind": "railway"},
                     {"kind": "place", "name": "Upper Town"}]  # fmt: skip
    assert "Maps show beneath the streets (things of a kind): green 1, place 1, railway 1, water 1." in town.told
    west, _, east, _ = shapely.from_geojson(json.dumps(found[2]["geometry"])).bounds
    assert 29.99 < west < 30.0 and 30.03 < east < 30.04, "clipped to the streets"
    assert load(town.scenario).streets.background == town.folder / "background.geojson"


def test_the_page_draws_green_under_water_and_a_run_keeps_it_for_its_replay(town, tmp_path):
    model = EvacuationModel(load(town.scenario).override({"run.duration_h": 0.1}))
    described, _ = LiveScene(model).town()
    assert [(one["kind"], one["is_area"]) for one in described["background"]] == [
        ("green", True), ("water", True), ("railway", False), ("place", False)]  # fmt: skip
    made = {"background": map_tables(model)["background"]}
    run = run_folder.RunFolder(run_folder.write_run(tmp_path / "run", columns.Tables(made), {}))
    again, frame = read_background_of(run), LiveScene(model).frame
    assert beneath(frame, again) == described["background"]


def test_it_changes_no_run(town):
    scenario = load(town.scenario).override({"run.duration_h": 1})
    with_it, without = (EvacuationModel(one) for one in (scenario, scenario.override({"streets.background": None})))
    for model in (with_it, without):
        model.run()
    assert with_it.surroundings.background and not without.surroundings.background
    assert "background" not in without.recorder.tables()
    np.testing.assert_array_equal(with_it.people.status, without.people.status)


def test_a_lake_with_an_island_has_both_rings_and_what_lies_outside_the_map_is_cut_off():
    frame = Frame(0.0, 0.0, 1000.0)
    lake = shapely.box(100, 100, 2000, 900) - shapely.box(300, 300, 500, 500)
    rings = tuple(shapely.get_coordinates(ring) for ring in (lake.exterior, *lake.interiors))
    (drawn,) = beneath(frame, (Thing("water", "", True, rings), Thing("place", "Far", False, (np.array([[9e3, 0]]),))))
    assert len(drawn["parts"]) == 2 and max(drawn["parts"][0]) == 65535


def test_ponds_are_left_out_and_outlines_are_simplified():
    lon, lat = np.array([30.0, 30.1]), np.array([50.0, 50.1])
    angle = np.linspace(0, 2 * np.pi, 2000)
    lake = shapely.Polygon(np.column_stack((30.05 + 0.01 * np.cos(angle), 50.05 + 0.01 * np.sin(angle))))
    pond = shapely.box(30.05, 50.02, 30.0501, 50.0201)
    (feature,) = background_features([("water", lake, "Lake"), ("water", pond, "")], lon, lat)
    kept = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert len(kept.exterior.coords) < 100
    assert shapely.hausdorff_distance(kept, lake) * 111_195 < 2 * SIMPLER_BY_M


@pytest.mark.parametrize(
    ("tags", "shape", "kind"),
    [({"natural": "wood"}, "area", "green"), ({"landuse": "reservoir"}, "area", "water"),
     ({"waterway": "canal"}, "line", "water"), ({"railway": "rail"}, "line", "railway"),
     ({"railway": "abandoned"}, "line", None), ({"place": "village"}, "point", None),
     ({"place": "village", "name": "Dorf"}, "point", "place"), ({"waterway": "river", "tunnel": "yes"}, "line", None)],
)  # fmt: skip
def test_tags_say_what_is_drawn(tags, shape, kind):
    assert background_kind(tags, shape=shape) == kind


@pytest.mark.parametrize(("name", "kinds"), [("tiny_town", ["water"]), ("pokrovsk", ["railway"]), ("coquimbo", [])])
def test_shipped_scenarios_show_what_their_sources_hold_and_nothing_else(name, kinds):
    described = load(name).streets.background
    found = [] if described is None else json.loads(described.read_text(encoding="utf-8"))["features"]
    drawn = {"river": "water", "railway": "railway"}
    assert [drawn[one["properties"]["kind"]] for one in found if one["properties"]["kind"] in drawn] == kinds
