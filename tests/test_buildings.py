import json
from types import SimpleNamespace

import numpy as np
import pytest

from safepassage.model.settings.base import ScenarioError
from safepassage.model.town.buildings import heights_along_links

STREETS = SimpleNamespace(
    n_links=3,
    geometry_first=np.array([0, 2, 4, 6]),
    geometry_x_m=np.array([0.0, 100.0, 100.0, 200.0, 0.0, 100.0]),
    geometry_y_m=np.array([0.0, 0.0, 0.0, 0.0, 500.0, 500.0]),
    project=lambda longitude, latitude: (longitude * 1e5, latitude * 1e5),
)
"""Three links in a plane where 0.00001 degrees are 1 m, so that places can be told by hand."""


def building(x_m, y_m, **properties):
    ring = [[(x_m + dx) / 1e5, (y_m + dy) / 1e5] for dx, dy in ((-5, -5), (5, -5), (5, 5), (-5, 5), (-5, -5))]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


def write(path, features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_each_link_has_the_mean_height_of_the_buildings_near_it(tmp_path):
    features = [
        building(50, 20, height="12 m"),
        building(60, -20, **{"building:levels": "2"}),
        building(40, 20),
        building(50, 400, height=99),
    ]
    height_m, notes = heights_along_links(write(tmp_path / "a.geojson", features), STREETS)
    assert notes == ("a.geojson: 1 buildings have no height that can be read and are left out.",)
    assert height_m[0] == pytest.approx((12 + 6) / 2)
    assert np.isnan(height_m[1:]).all()


@pytest.mark.parametrize("text", ["[]", "no json", "{}"])
def test_a_file_that_is_no_geojson_is_refused(tmp_path, text):
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(ScenarioError, match=r"not (a )?GeoJSON"):
        heights_along_links(tmp_path / "a.geojson", STREETS)


def test_footprints_without_any_height_are_refused(tmp_path):
    path = write(tmp_path / "a.geojson", [building(50, 20, height="tall"), building(50, 20, height=-3)])
    with pytest.raises(ScenarioError, match=r"none of .* has both an outline and a `height`"):
        heights_along_links(path, STREETS)


def test_buildings_without_an_outline_are_left_out_and_counted(tmp_path):
    lost = {**building(50, 20, height=9), "geometry": None}
    features = [building(50, 20, height=9), lost, {**lost, "geometry": {"type": "Polygon", "coordinates": []}}]
    height_m, notes = heights_along_links(write(tmp_path / "a.geojson", features), STREETS)
    assert np.nanmax(height_m) == 9 and notes == ("a.geojson: 2 buildings have no outline and are left out.",)


def test_buildings_of_another_town_are_refused(tmp_path):
    with pytest.raises(ScenarioError, match="none of 1 buildings stands within 30 m of a street"):
        heights_along_links(write(tmp_path / "a.geojson", [building(50_000, 50_000, height=9)]), STREETS)
