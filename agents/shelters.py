"""Shelters: places with a capacity that people can walk to, and who gets in."""

from dataclasses import dataclass

import numpy as np
from mesa import Agent

from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.agents.rows.rows import RowModel


@dataclass(eq=False)
class Shelters:
    """Columns, one row per shelter."""

    name: tuple[str, ...]
    x_m: np.ndarray
    y_m: np.ndarray
    """float64: place (m)."""
    node: np.ndarray
    """int32: node of its door; -1: not known."""
    capacity: np.ndarray
    """int32: people it holds."""
    n_inside: np.ndarray
    """int32: people who have a place in it, on their way there included."""
    is_open: np.ndarray
    """bool: stands and lets people in."""
    takes_in: np.ndarray
    """bool: people whose homes were destroyed may live there."""

    def __post_init__(self) -> None:
        self._grid = grid_of_points(self.x_m, self.y_m, cell_m=500.0)

    def __len__(self) -> int:
        return self.capacity.size

    @classmethod
    def empty(
        cls,
        name: list[str],
        x_m: Floats,
        y_m: Floats,
        capacity: Ints,
        node: Ints | None = None,
        takes_in: Bools | bool = False,
    ) -> "Shelters":
        """Return open shelters with nobody inside; node: of each door, if known.

        name: what it is called. x_m, y_m: place (m) in the plane of the streets. capacity: how many people find room.
        takes_in: whether people whose homes were destroyed may live there.
        """
        n = len(name)
        columns = {"x_m": np.asarray(x_m, np.float64), "y_m": np.asarray(y_m, np.float64)}
        columns["capacity"] = np.asarray(capacity, np.int32)
        columns["node"] = np.full(n, -1, np.int32) if node is None else np.asarray(node, np.int32)
        for column, values in columns.items():
            if values.shape != (n,):
                raise ValueError(f"shelters: {n} names but {values.size} values of {column}; give one per shelter")
        if (columns["capacity"] < 0).any():
            i = int(np.flatnonzero(columns["capacity"] < 0)[0])
            raise ValueError(f"shelter {name[i]!r} has capacity = {capacity[i]}; a capacity must be 0 or more")
        columns["takes_in"] = np.broadcast_to(takes_in, n).astype(np.bool_)
        return cls(tuple(name), n_inside=np.zeros(n, np.int32), is_open=np.ones(n, np.bool_), **columns)

    def admit(
        self, household: Ints, x_m: Floats, y_m: Floats, n_members: Ints, reach_m: float, *, to_live: bool = False
    ) -> Ints:
        """Give households a place in the nearest open shelter with room for all of them; write n_inside.

        household: int32, rows that look for shelter; x_m, y_m: where each is; n_members: people in each. reach_m: how
        far they go, as the crow flies. to_live: only shelters that take people in. Whoever is nearest comes first; ties
        go to the lower household, then the lower shelter. Returns int32 per household: its shelter, -1 if none within
        reach had room.
        """
        taker, shelter, distance_m = points_within(self._grid, x_m, y_m, reach_m)
        order = np.lexsort((shelter, np.asarray(household)[taker], distance_m))
        found = np.full(len(household), -1, dtype=np.int32)
        n_members = np.ascontiguousarray(n_members, dtype=np.int32)
        is_open = self.is_open & self.takes_in if to_live else self.is_open
        _fill(found, self.n_inside, taker[order], shelter[order], n_members, self.capacity, is_open)
        return found

    def let_out(self, shelter: Ints | list[int], n_members: Ints | list[int]) -> None:
        """Free the places of households that leave; shelter: of each, -1 ones are passed over. Writes n_inside."""
        shelter, n_members = np.asarray(shelter), np.asarray(n_members)
        inside = shelter >= 0
        np.subtract.at(self.n_inside, shelter[inside], n_members[inside].astype(np.int32))


@kernel
def _fill(found, n_inside, taker, shelter, n_members, capacity, is_open):
    """Give each household the first shelter of its pairs that is open and has room. Writes found, n_inside.

    taker, shelter: pairs in the order in which they are served; taker is a position in found.
    """
    for i in range(taker.size):
        h, s = taker[i], shelter[i]
        if found[h] < 0 and is_open[s] and n_inside[s] + n_members[h] <= capacity[s]:
            found[h] = s
            n_inside[s] += n_members[h]


class Shelter(Agent):
    """One shelter: a handle on its row of `model.shelters`."""

    def __init__(self, model: RowModel, row: int) -> None:
        super().__init__(model)
        self.row = row

    @property
    def name(self) -> str:
        """Name of the shelter."""
        return self.model.shelters.name[self.row]

    @property
    def x_m(self) -> float:
        """Place, east (m)."""
        return self.model.shelters.x_m.item(self.row)

    @property
    def y_m(self) -> float:
        """Place, north (m)."""
        return self.model.shelters.y_m.item(self.row)

    @property
    def capacity(self) -> int:
        """People it holds."""
        return self.model.shelters.capacity.item(self.row)

    @capacity.setter
    def capacity(self, value: int) -> None:
        self.model.shelters.capacity[self.row] = value

    @property
    def n_inside(self) -> int:
        """People who have a place in it."""
        return self.model.shelters.n_inside.item(self.row)

    @property
    def is_open(self) -> bool:
        """Whether it stands and lets people in."""
        return self.model.shelters.is_open.item(self.row)

    @is_open.setter
    def is_open(self, value: bool) -> None:
        self.model.shelters.is_open[self.row] = value
