"""Where parties are: now, and recorded over time if a scenario asks for it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.parties import Mode, Mover, moved_by

MOST_ROWS = 20_000_000
"""Places kept in one run at most (about 360 MB); recording stops there."""


def whereabouts(model: Any) -> tuple[Ints, Floats, Floats, Ints]:
    """Return (party, x_m, y_m, mode) of everybody under way on foot or by car, and of service vehicles on the road.

    Who waits at a junction stands on it. Service vehicles have the rows after those of the households, and mode BUS.
    """
    movement, streets, n = model.movement, model.streets, len(model.households)
    mode = model.parties.mode
    drives, walks = moved_by(Mover.VEHICLES, mode), moved_by(Mover.WALKERS, mode)
    party = np.flatnonzero(model.parties.is_on_way & (drives | walks)).astype(np.int32)
    by_car = drives[party]
    node = movement.ways.start_node(Mode.CAR, model.households.home_node[party])
    on_foot = np.flatnonzero(~by_car)
    node[on_foot] = movement.walking.view.node_of(party[on_foot])
    vehicles = n + np.arange(len(model.services.vehicles), dtype=np.int32)
    vehicles = vehicles[movement.driving.view.link_of(vehicles) >= 0]
    party, node = np.concatenate((party, vehicles)), np.concatenate((node, np.zeros(vehicles.size, node.dtype)))
    mode = np.concatenate((mode[party[party < n]], np.full(vehicles.size, Mode.BUS, mode.dtype)))
    link, share = np.full(party.size, -1, np.int32), np.zeros(party.size)
    for rows, mover in (
        (np.flatnonzero(~moved_by(Mover.WALKERS, mode)), movement.driving.view),
        (on_foot, movement.walking.view),
    ):
        rows = rows[mover.link_of(party[rows]) >= 0]
        link[rows], along_m = mover.position(party[rows])
        share[rows] = along_m / streets.length_m[link[rows]]
    in_town = link < streets.n_town_links
    party, node, mode, link, share = (column[in_town] for column in (party, node, mode, link, share))
    x_m, y_m = streets.places(link, share)
    waits = link < 0
    x_m[waits], y_m[waits] = streets.node_x_m[node[waits]], streets.node_y_m[node[waits]]
    return party, x_m, y_m, mode


def who_stands(model: Any, party: Ints, mode: Ints) -> np.ndarray:
    """Return who of those that `whereabouts` gives is held up: cars in a queue, people on foot with no way out. bool"""
    stands = np.zeros(party.size, np.bool_)
    cars, on_foot = np.flatnonzero(moved_by(Mover.VEHICLES, mode)), np.flatnonzero(moved_by(Mover.WALKERS, mode))
    stands[cars] = model.movement.driving.view.is_standing(party[cars])
    first = model.households.first_person[party[on_foot]]
    stands[on_foot] = model.people.status[first] == Status.STRANDED
    return stands


class Trajectories:
    """Keeps the place of every party on the streets each so many seconds; reads the model, never changes it."""

    def __init__(self, model: Any, every_s: float | None) -> None:
        self.model, self.every_s = model, every_s
        self._next_s = 0.0
        self._parts: list[tuple] = []
        self.n_rows = 0

    @property
    def next_s(self) -> float:
        """No places are kept before this (s)."""
        return np.inf if self.every_s is None or self.n_rows >= MOST_ROWS else self._next_s

    def record(self) -> None:
        """Keep the places of the present if it is time."""
        time_s = self.model.time_s
        if self.every_s is None or time_s < self.next_s:
            return
        self._next_s += self.every_s * max(1.0, np.ceil((time_s - self._next_s) / self.every_s))
        if self._next_s <= time_s:
            self._next_s += self.every_s
        party, x_m, y_m, mode = whereabouts(self.model)
        place_m = x_m.astype(np.float32), y_m.astype(np.float32)
        stands = who_stands(self.model, party, mode)
        self._parts.append((np.full(party.size, time_s, np.float32), party, *place_m, mode, stands))
        self.n_rows += party.size

    def tables(self) -> dict[str, Callable[[], dict]]:
        """Return what makes the columns of the table of places; nothing if none were kept."""
        return {} if self.every_s is None else {"trajectories": self._columns}

    def _columns(self) -> dict[str, np.ndarray]:
        columns = ("time_s", "party", "x_m", "y_m", "mode", "stands")
        empty = (np.empty(0, np.float32), np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.float32),
                 np.empty(0, np.int8), np.empty(0, np.bool_))  # fmt: skip
        return {name: np.concatenate([empty[k], *(part[k] for part in self._parts)]) for k, name in enumerate(columns)}
