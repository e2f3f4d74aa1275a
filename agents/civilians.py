"""Civilians: what each person is, where they stand in the evacuation and what protects them."""

from dataclasses import dataclass

import numpy as np

from safepassage.agents.rows.columns import column
from safepassage.agents.rows.rows import RowAgent
from safepassage.agents.words import Worded


class Status(Worded):
    """Where a person stands in the evacuation; every person has exactly one at every moment."""

    HOME = 0, "at home"
    PREPARING = 1, "preparing to leave"
    WAITING = 2, "waiting for a seat or the road"
    TRAVELLING = 3, "on the way"
    SHELTERING = 4, "in a shelter"
    STRANDED = 5, "cut off, no way out"
    SAFE = 6, "out of the area"
    DEAD = 7, "dead"


class Protection(Worded):
    """Where a person is: sets the share of harm that gets through."""

    OUTDOORS = 0, "outdoors"
    VEHICLE = 1, "in a vehicle"
    UPPER_FLOOR = 2, "on an upper floor"
    INNER_ROOM = 3, "in an inner room"
    BASEMENT = 4, "in a basement"
    SHELTER = 5, "in a shelter"
    ARMOURED = 6, "in an armoured vehicle"


class Injury(Worded):
    """What harm a person has come to."""

    NONE = 0, "unhurt"
    LIGHT = 1, "lightly injured"
    SERIOUS = 2, "seriously injured"
    FATAL = 3, "killed or died of injuries"


class Mobility(Worded):
    """How a person gets about."""

    UNIMPAIRED = 0, "walks unimpaired"
    SLOW = 1, "walks slowly"
    NEEDS_ASSISTANCE = 2, "needs assistance"


@dataclass(eq=False)
class People:
    """Columns, one row per person; members of a household stand side by side."""

    household: np.ndarray
    """int32: row of the household."""
    age: np.ndarray
    """int16: age (years)."""
    is_female: np.ndarray
    """bool"""
    mobility: np.ndarray
    """int8 of Mobility"""
    free_speed_m_s: np.ndarray
    """float64: unhindered walking speed (m/s)."""
    status: np.ndarray
    """int8 of Status"""
    protection: np.ndarray
    """int8 of Protection"""
    injury: np.ndarray
    """int8 of Injury"""
    injury_time_s: np.ndarray
    """float64: when the person was hurt (s); inf: unhurt."""
    death_time_s: np.ndarray
    """float64: when the person dies or died of injuries (s); inf: does not."""
    care_time_s: np.ndarray
    """float64: when care of the person's serious injury began (s); inf: it has not."""
    key: np.ndarray
    """uint32: key of the household in which the person was placed; names the person's draws."""
    place_key: np.ndarray
    """uint32: digest of the zone's name and of the person's number in that household; names the person's draws."""

    def __len__(self) -> int:
        return self.age.size


class Civilian(RowAgent):
    """One person: a live handle on a row of `People`."""

    household = column(np.int32)
    age = column(np.int16)
    is_female = column(np.bool_)
    mobility = column(np.int8, Mobility)
    free_speed_m_s = column(np.float64)
    status = column(np.int8, Status)
    protection = column(np.int8, Protection)
    injury = column(np.int8, Injury)
    injury_time_s = column(np.float64)
    death_time_s = column(np.float64)
    care_time_s = column(np.float64)
