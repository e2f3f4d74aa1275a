"""Shelters of a scenario, placed on its streets."""

from collections import Counter
from typing import Any

import numpy as np
from pydantic import ValidationError

from safepassage.agents.shelters import Shelters
from safepassage.model.inputs.tables import number_of, same_text
from safepassage.model.inputs.vectors import named, read_features
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelters import ShelterPlace
from safepassage.model.settings.shelters import Shelters as ShelterSettings
from safepassage.model.streets.placing import nodes_near, place_of
from safepassage.model.streets.streets import Streets

_CHANGE = "Give each shelter a name and a capacity."


def build_shelters(settings: ShelterSettings, streets: Streets) -> Shelters:
    """Return the shelters of a scenario, all open and empty; settings: `settings.shelters.Shelters`."""
    places = [*settings.places, *(_read_places(settings.file) if settings.file is not None else ())]
    where = "shelters" if settings.file is None else f"{settings.file}: shelter"
    twice = [name for name, n in Counter(place.name for place in places).items() if n > 1]
    if twice:
        raise ScenarioError(f"shelters: {twice[0]!r} is the name of more than one. Give each a different name.")
    at = np.array([place_of(streets, place, f"{where} {place.name!r}") for place in places]).reshape(-1, 2)
    x_m, y_m = at[:, 0].copy(), at[:, 1].copy()
    node = np.empty(0, np.int32)
    if places:
        node = nodes_near(streets, x_m, y_m, lambda i: f"{where} {places[i].name!r}")
    capacity = np.array([place.capacity for place in places], dtype=np.int32)
    takes_in = np.array([place.takes_in for place in places], dtype=np.bool_)
    return Shelters.empty([place.name for place in places], x_m, y_m, capacity, node, takes_in)


def _read_places(path):
    """Yield the shelters of a GeoJSON file."""
    for feature in read_features(path, ("Point",), "shelter")[0]:
        if feature.geometry is None:
            raise ScenarioError(f"{path}: feature {feature.number} has no place. Give its point, or take it out.")
        try:
            yield ShelterPlace(
                name=_name(named(feature, "name", _CHANGE)),
                capacity=_capacity(named(feature, "capacity", _CHANGE), feature.place),
                takes_in=feature.properties.get("takes_in") or False,
                longitude_deg=feature.geometry.x,
                latitude_deg=feature.geometry.y,
            )
        except ValidationError as problem:
            error = problem.errors()[0]
            field = ".".join(map(str, error["loc"]))
            raise ScenarioError(
                f"{path}: feature {feature.number}, {field} = {error['input']!r}: {error['msg']}."
            ) from None


def _name(said: Any) -> Any:
    return same_text(said) or None if isinstance(said, str | int | float) else said


def _capacity(said: Any, place: str) -> float:
    try:
        return number_of(said, is_count=True)
    except ValueError as why:
        raise ScenarioError(f"{place} has capacity = {str(said)[:40]!r}; {why}.") from None
