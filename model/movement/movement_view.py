"""Where everybody on the streets is; nothing here changes their state."""

from typing import TYPE_CHECKING

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.ground.nearby import LinkGrid, links_within
from safepassage.agents.parties import Mode
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.road_news import HEARSAY, WITNESS, RoadNews
from safepassage.model.movement.routing import NO_ROUTE, Routes
from safepassage.model.movement.walking import Walking
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.streets.streets import Streets


class MovementViews:
    """The reading half of Movement, which sets what is read here."""

    time_s: float
    settings: MovementSettings
    streets: Streets
    driving: Driving
    walking: Walking
    car_routes: Routes
    walk_routes: Routes
    road_news: dict[Mode, RoadNews]
    carrier: Ints
    _drivable_node: Ints
    _walkable_node: Ints
    _walk_m: dict[int, Floats]
    _grid: LinkGrid

    if TYPE_CHECKING:

        def freshen(self, tables: Ints | int) -> None:
            """Bring tables of drivers up to date that somebody reads; Movement does it."""

    @property
    def next_news_s(self) -> float:
        """When whoever found no way asks again (s): once in the time that news takes."""
        return (self.time_s // self.settings.road_news_delay_s + 1) * self.settings.road_news_delay_s

    @property
    def n_moving(self) -> int:
        """Parties on the streets or queueing to get onto them."""
        return self.driving.view.n_under_way + self.walking.view.n_under_way

    def start_node(self, mode: Mode, node: np.ndarray) -> np.ndarray:
        """Return where trips from these nodes start: the node itself, or the nearest that the mode can use."""
        return (self._drivable_node if mode == Mode.CAR else self._walkable_node)[node]

    def has_way_out(self, mode: Mode, node: np.ndarray) -> np.ndarray:
        """Return whether people who start from these nodes know a way out, bool."""
        if mode == Mode.CAR:
            self.freshen(HEARSAY)
        routes = self.car_routes if mode == Mode.CAR else self.walk_routes
        return routes.next_link[HEARSAY, self.start_node(mode, node)] != NO_ROUTE

    def open_to_services(self) -> np.ndarray:
        """Return which links service vehicles believe open; bool[n_links]."""
        return self.road_news[Mode.CAR].is_believed_open[WITNESS]

    def drive_s(self, table: int, node: Ints | int) -> np.ndarray:
        """Return how long service vehicles expect to drive from nodes to where a table leads (s); inf: no way."""
        self.freshen(table)
        return self.car_routes.cost_to_go_s[table, node]

    def walk_m(self, node: np.ndarray, goal: int = 0) -> np.ndarray:
        """Return the way on foot from nodes out of the area, or to stop goal - 1, as people know it (m); inf: none."""
        row = 2 * goal + HEARSAY
        if row not in self._walk_m:
            self._walk_m[row] = self.walk_routes.sum_along(row, self.streets.length_m)
        return self._walk_m[row][self.start_node(Mode.WALK, node)]

    def parties_near(self, x_m: float, y_m: float, reach_m: float) -> tuple[Ints, Floats, Floats]:
        """Return (party, x_m, y_m) of those on streets within reach of a place now, wherever on them."""
        _, links, _ = links_within(self._grid, x_m, y_m, reach_m)
        party = np.concatenate([self.driving.view.occupants(links), self.walking.view.occupants(links)])
        return (party, *self.place(party))

    def link_of(self, party: np.ndarray) -> np.ndarray:
        """Return the link that each party is on now, int32; -1 for those on none."""
        party = self.carrier[party]
        link = self.driving.view.link_of(party)
        return np.where(link >= 0, link, self.walking.view.link_of(party))

    def place(self, party: np.ndarray) -> tuple[Floats, Floats]:
        """Return (x_m, y_m) of parties on the streets now; nan for others."""
        link, along_m = self.driving.view.position(party)
        on_foot = link < 0
        if on_foot.any():
            link[on_foot], along_m[on_foot] = self.walking.view.position(party[on_foot])
        streets = self.streets
        share = along_m / np.where(link >= 0, streets.length_m[link], 1.0)
        return streets.places(link, share)
