import json

import pytest

from safepassage.model.geojson import read_features
from safepassage.model.settings.base import ScenarioError

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
POINT = {"type": "Point", "coordinates": [3, 4]}


def written(tmp_path, *geometries):
    features = [{"type": "Feature", "properties": {"n": n}, "geometry": g} for n, g in enumerate(geometries)]
    path = tmp_path / "file.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_features_come_in_the_order_of_the_file_with_shape_and_properties(tmp_path):
    found = read_features(written(tmp_path, SQUARE, SQUARE), "zone")
    assert [feature.properties["n"] for feature in found] == [0, 1] and found[0].shape.area == 0.5


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"features": 3}', '{"features": [7]}'])
def test_what_is_no_feature_collection_is_refused_with_the_file(tmp_path, text):
    path = tmp_path / "file.geojson"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=r"file\.geojson: this is not a GeoJSON FeatureCollection"):
        read_features(path, "zone")


def test_a_file_without_features_and_one_without_a_geometry_are_told_apart(tmp_path):
    with pytest.raises(ScenarioError, match="holds no zone"):
        read_features(written(tmp_path), "zone")
    with pytest.raises(ScenarioError, match="feature 1 is without a geometry"):
        read_features(written(tmp_path, SQUARE, None), "zone")


def test_a_shape_of_another_kind_is_told_with_the_kinds_that_are_allowed(tmp_path):
    with pytest.raises(ScenarioError, match="feature 0 is a Point; each zone must be a Polygon or a MultiPolygon"):
        read_features(written(tmp_path, POINT), "zone")
