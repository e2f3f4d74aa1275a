"""Parties: what moves. The party of a household is the row of the household."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Mode(IntEnum):
    """How a party travels."""

    NONE = 0
    WALK = 1
    CAR = 2


@dataclass(eq=False)
class Parties:
    """Columns, one row per party."""

    mode: np.ndarray
    """int8 of Mode: how it travels or travelled last."""
    is_moving: np.ndarray
    """bool: on the streets or queueing to get onto them."""
    left_car: np.ndarray
    """bool: the party gave up its car on the way and walked on."""
    free_speed_m_s: np.ndarray
    """float64: walking speed of its slowest member (m/s)."""
    arrival_time_s: np.ndarray
    """float64: when it reached safety (s); inf: it has not."""
    exit: np.ndarray
    """int32: exit through which it left the area; -1: it has not."""

    def __len__(self):
        return self.mode.size

    @classmethod
    def at_home(cls, free_speed_m_s: np.ndarray) -> "Parties":
        """Return parties that have not moved, one for each free speed (m/s)."""
        n = free_speed_m_s.size
        return cls(
            mode=np.zeros(n, np.int8),
            is_moving=np.zeros(n, np.bool_),
            left_car=np.zeros(n, np.bool_),
            free_speed_m_s=free_speed_m_s,
            arrival_time_s=np.full(n, np.inf),
            exit=np.full(n, -1, np.int32),
        )
