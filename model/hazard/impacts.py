"""What falls, and the area on which it falls: the impacts of a run as arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.agents.ground.nearby import grid_of_points, has_points_within
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.streets import Streets


class Size(IntEnum):
    """Abstract size class of an impact: sets the scale of the risk-distance curve, and nothing else."""

    S = 0
    M = 1
    L = 2


@dataclass(frozen=True)
class Area:
    """The rectangle that the model sees, in metres, where people live in it, and how to get there from degrees."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float
    to_plane: Callable | None = None
    """(longitude, latitude) arrays -> (x_m, y_m) arrays; None: the map has plane coordinates only."""
    lived_along_m: np.ndarray | None = None
    """float64[n, 2]: x_m and y_m of points along the streets that people live along; None: all of it is built up."""

    @classmethod
    def around(
        cls,
        x_m: Floats | list[float] | tuple[float, float],
        y_m: Floats | list[float] | tuple[float, float],
        margin_m: float = 0.0,
        crs: str | None = None,
    ) -> "Area":
        """Return the rectangle about the points given, wider by margin_m; crs: of the points, if they have one.

        x_m, y_m: place (m) in the plane of the streets.
        """
        to_plane = None
        if crs:
            from pyproj import Transformer

            to_plane = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
        return cls(
            float(np.min(x_m)) - margin_m,
            float(np.min(y_m)) - margin_m,
            float(np.max(x_m)) + margin_m,
            float(np.max(y_m)) + margin_m,
            to_plane,
        )

    @classmethod
    def of_streets(cls, streets: Streets, margin_m: float = 500.0) -> "Area":
        """Return the rectangle about all streets of the file, wider by margin_m: the same under every plan."""
        west_m, south_m, east_m, north_m = streets.extent_m
        return cls.around((west_m, east_m), (south_m, north_m), margin_m, streets.crs)

    def is_built_up(self, x_m: Floats, y_m: Floats, margin_m: float) -> Bools:
        """Return which points lie within margin_m of a street that people live along, bool[n]."""
        if self.lived_along_m is None:
            return np.ones(x_m.size, np.bool_)
        return has_points_within(self._lived_along, x_m, y_m, margin_m)

    @cached_property
    def _lived_along(self):
        return grid_of_points(*self.lived_along_m.T)

    def contains(self, x_m: Floats, y_m: Floats) -> Bools:
        """Return which of the points lie inside, bool."""
        return (x_m >= self.west_m) & (x_m <= self.east_m) & (y_m >= self.south_m) & (y_m <= self.north_m)

    def plane(
        self, longitude: Floats | float | list[float], latitude: Floats | float | list[float], place: str
    ) -> tuple[Floats, Floats]:
        """Return x_m, y_m of points in degrees; `place` names in the error what asks for it."""
        if self.to_plane is None:
            raise ScenarioError(
                f"{place} gives longitude and latitude, but the streets have plane coordinates without a reference "
                "system. Give x_m and y_m instead, or streets with a crs."
            )
        x_m, y_m = self.to_plane(np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64))
        return np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)


@dataclass(frozen=True)
class Impacts:
    """Arrays of the impacts of a run, one row each, sorted by time."""

    time_s: np.ndarray
    """Since the start of the run, float64."""
    x_m: np.ndarray
    y_m: np.ndarray
    size: np.ndarray
    """`Size`, int8."""
    cluster: np.ndarray
    """Row of the first event of its cluster on the map and in the run, int32; its own row if it stands alone."""
    n_outside_area: int = 0
    """Events of the run's period that fell outside the map and are left out."""
    n_before: int = 0
    """Events on the map before the run starts, left out."""
    n_after: int = 0
    """Events on the map after the run ends, left out."""
    report: tuple[str, ...] = ()
    """What was repaired or left out on the way, one sentence each."""
    is_suspended: np.ndarray | None = None
    """bool: a truce keeps it from falling; None: none does. Rows stay, since chance is drawn by them."""

    @classmethod
    def none(cls) -> "Impacts":
        """Return a run in which nothing falls."""
        empty = np.empty(0)
        return cls(empty, empty, empty, np.empty(0, np.int8), np.empty(0, np.int32))

    def __len__(self) -> int:
        return self.time_s.size

    def between(self, from_s: float, until_s: float) -> slice:
        """Return the slice of rows with from_s <= time_s < until_s."""
        return slice(*(int(row) for row in np.searchsorted(self.time_s, (from_s, until_s), side="left")))

    @property
    def falls(self) -> Bools:
        """Which of them fall, bool."""
        return np.ones(len(self), np.bool_) if self.is_suspended is None else ~self.is_suspended

    def next_that_falls(self, row: int) -> int:
        """Return the first row from one on that falls; the number of rows if there is none."""
        if self.is_suspended is None or row >= len(self):
            return min(row, len(self))
        later = self.is_suspended[row:]
        return row + int(later.argmin()) if not later.all() else len(self)

    def n_fallen(self, until_s: float) -> int:
        """Return how many fell before a time (s)."""
        n = int(np.searchsorted(self.time_s, until_s))
        return n if self.is_suspended is None else int(self.falls[:n].sum())

    def that_fell(self, until_s: float) -> "Impacts":
        """Return those that fell before a time (s), clusters numbered anew."""
        rows = np.flatnonzero(self.falls[: int(np.searchsorted(self.time_s, until_s))])
        _, first, which = np.unique(self.cluster[rows], return_index=True, return_inverse=True)
        columns = {name: getattr(self, name)[rows] for name in ("time_s", "x_m", "y_m", "size")}
        return Impacts(**columns, cluster=first[which].astype(np.int32))


@dataclass(frozen=True)
class Events:
    """Events of one source, in any order, before map and run cut them."""

    time_s: np.ndarray
    """Since 1970-01-01 00:00 UTC, float64."""
    x_m: np.ndarray
    y_m: np.ndarray
    size: np.ndarray
    cluster: np.ndarray
    """Any number below 2**48 that the events of one cluster share, int64."""
    report: tuple[str, ...] = ()
