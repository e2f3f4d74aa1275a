"""Households: who lives together, where, with which car, and what they have decided."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from safepassage.agents.rows.rows import RowAgent, column


class Cause(IntEnum):
    """What made a household decide to leave."""

    NONE = 0
    ORDER = 1
    IMPACT = 2
    WEIGHED = 3
    """Everything known together, with no single push."""


@dataclass(eq=False)
class Households:
    """Columns, one row per household. People of household h are the rows first_person[h] to first_person[h + 1]."""

    first_person: np.ndarray
    """int64[n + 1]: row of the first member."""
    home_node: np.ndarray
    """int32: node where the household's trips start."""
    home_x_m: np.ndarray
    home_y_m: np.ndarray
    """float64: place of the home (m)."""
    zone: np.ndarray
    """int32: row of the zone."""
    has_car: np.ndarray
    """bool"""
    has_children: np.ndarray
    """bool: a member is under 18."""
    is_stayer: np.ndarray
    """bool: never leaves."""
    cause: np.ndarray
    """int8 of Cause: why the household decided to leave."""
    decision_time_s: np.ndarray
    """float64: when it decided to leave (s); inf: it has not."""
    departure_time_s: np.ndarray
    """float64: when it sets out or set out (s); inf: not planned."""
    family: np.ndarray
    """int32: row of the household's family: its own, unless one adult stays behind when the rest leave and is a
    household too; then that of the rest, for both."""
    key: np.ndarray
    """uint32: its number within its zone, or the digest of the id that the user gave it; names its draws."""
    place_key: np.ndarray
    """uint32: digest of its zone's name; names its draws."""
    shelter: np.ndarray = field(init=False)
    """int32: shelter in which it has a place, on the way there included; -1: none."""

    def __post_init__(self):
        n = len(self)
        self.shelter = np.full(n, -1, np.int32)

    def __len__(self):
        return self.home_node.size

    @property
    def n_members(self) -> np.ndarray:
        """int64[n]: persons of each household, the dead among them."""
        return np.diff(self.first_person)


class Household(RowAgent):
    """One household: a live handle on a row of `Households`."""

    home_node = column(np.int32)
    home_x_m = column(np.float64)
    home_y_m = column(np.float64)
    zone = column(np.int32)
    has_car = column(np.bool_)
    has_children = column(np.bool_)
    is_stayer = column(np.bool_)
    cause = column(np.int8, Cause)
    decision_time_s = column(np.float64)
    departure_time_s = column(np.float64)
    family = column(np.int32)
    shelter = column(np.int32)
