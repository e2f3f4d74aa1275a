"""Where stops, depots and bases are on the streets, and how much room services need among those who move."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from safepassage.model.settings.services import Serves
from safepassage.model.settings.services import Services as ServiceSettings
from safepassage.model.streets.placing import node_of
from safepassage.model.streets.streets import Streets


@dataclass(frozen=True)
class Layout:
    """How much room services need among those who move."""

    stop_node: np.ndarray
    n_vehicles: int
    n_tables: int
    """Vehicles that drive to single homes or calls, each with a table of its own."""
    comes_later: bool
    """Whether vehicles join while the run goes on."""

    @property
    def is_empty(self) -> bool:
        """Whether the scenario has no services."""
        return self.stop_node.size == 0 and self.n_vehicles == 0 and not self.comes_later


def layout_of(settings: ServiceSettings, streets: Streets) -> Layout:
    """Return the Layout of a scenario; raises ScenarioError for a place that is not on the streets."""
    stops: tuple[Any, ...] = (*settings.pickup_points, *settings.trains)
    node = np.array([node_of(place, streets, f"services: stop {place.name!r}") for place in stops], np.int32)
    by_door = sum(f.n_vehicles for f in settings.fleets if f.serves == Serves.DOOR_TO_DOOR)
    n_vehicles = sum(f.n_vehicles for f in settings.fleets) + settings.ambulances.n
    return Layout(node, n_vehicles, by_door + settings.ambulances.n, bool(settings.reinforcements))
