"""Civilians: what each person is, where they stand in the evacuation and what protects them."""

from enum import IntEnum


class Status(IntEnum):
    """Where a person stands in the evacuation; every person has exactly one at every moment."""

    HOME = 0
    PREPARING = 1
    WAITING = 2
    TRAVELLING = 3
    SHELTERING = 4
    STRANDED = 5
    SAFE = 6
    DEAD = 7


class Protection(IntEnum):
    """Where a person is: sets the share of harm that gets through."""

    OUTDOORS = 0
    VEHICLE = 1
    UPPER_FLOOR = 2
    INNER_ROOM = 3
    BASEMENT = 4
    SHELTER = 5
    ARMOURED = 6


class Injury(IntEnum):
    """What harm a person has come to."""

    NONE = 0
    LIGHT = 1
    SERIOUS = 2
    FATAL = 3


class Mobility(IntEnum):
    """How a person gets about."""

    UNIMPAIRED = 0
    SLOW = 1
    NEEDS_ASSISTANCE = 2
