"""Shelters of a scenario, placed on its streets."""

from collections import Counter

import numpy as np
from pydantic import ValidationError

from safepassage.agents.shelters import Shelters
from safepassage.model.geojson import read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelters import ShelterPlace
from safepassage.model.settings.shelters import Shelters as ShelterSettings
from safepassage.model.streets.streets import Streets


def build_shelters(settings: ShelterSettings, streets: Streets) -> Shelters:
    """Return the shelters of a scenario, all open and empty; settings: `settings.shelters.Shelters`."""
    places = [*settings.places, *(_read_places(settings.file) if settings.file is not None else ())]
    twice = [name for name, n in Counter(place.name for place in places).items() if n > 1]
    if twice:
        raise ScenarioError(f"shelters: {twice[0]!r} is the name of more than one. Give each a name of its own.")
    x_m, y_m = np.zeros(len(places)), np.zeros(len(places))
    for i, place in enumerate(places):
        if place.x_m is None:
            x_m[i], y_m[i] = streets.project(place.longitude_deg, place.latitude_deg)
        else:
            x_m[i], y_m[i] = place.x_m, place.y_m
    node = streets.nearest_node(x_m, y_m)[0] if places else np.empty(0, np.int32)
    capacity = np.array([place.capacity for place in places], dtype=np.int32)
    return Shelters.empty([place.name for place in places], x_m, y_m, capacity, node)


def _read_places(path):
    """Yield the shelters of a GeoJSON file."""
    for feature in read_features(path, "shelter", ("Point",)):
        properties = feature.properties
        try:
            yield ShelterPlace(
                name=properties.get("name"),
                capacity=properties.get("capacity"),
                longitude_deg=feature.shape.x,
                latitude_deg=feature.shape.y,
            )
        except ValidationError as problem:
            error = problem.errors()[0]
            field = ".".join(map(str, error["loc"]))
            raise ScenarioError(f"{feature.place}, {field} = {error['input']!r}: {error['msg']}.") from None
