"""Warm places: heated rooms with tea and water, for people whose homes are cold or dry. A protective lever."""

from pydantic import Field

from safepassage.model.settings.population import Share
from safepassage.model.settings.services import Place

POINTS = [{"name": "School 4", "node": "12", "capacity": 80}]
"""A list of one warm place, as an example."""


class WarmPlace(Place):
    """A heated room, or a water point. Does something in a run with weather."""

    name: str = Field(min_length=1)
    """Name, different from every other warm place's."""
    capacity: int = Field(gt=0, le=1_000_000)
    """People who find room to warm themselves at a time."""
    reach_m: float = Field(800.0, ge=0, le=50_000)
    """How far away at most those live who come (m, straight line). Assumption."""
    is_heated: bool = True
    """Whether it is warm; false: a water point alone."""
    has_water: bool = True
    """Whether those in reach get water there, however many; false: none."""
    share_of_day: Share = 0.5
    """Share of the day that those who find room spend there. Assumption: the nights."""
    opens_h: float = Field(0.0, ge=0)
    """When it opens (h after the start of the run)."""
    closes_h: float | None = Field(None, ge=0)
    """When it closes (h after the start of the run); default: not within the run."""
    warms_stops_within_m: float = Field(50.0, ge=0, le=5000)
    """Whoever waits outdoors at a pickup point this near waits inside it, whatever its capacity (m). Assumption."""


def refuse_unclear(places: tuple[WarmPlace, ...]) -> None:
    """Raise ValueError for two warm places of one name, and for one that closes before it opens."""
    names = [one.name for one in places]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"warm_places: {twice[0]!r} is named twice; keep one entry, or give the other another name")
    for row, one in enumerate(places):
        if one.closes_h is not None and one.closes_h <= one.opens_h:
            raise ValueError(
                f"warm_places.{row}: closes_h = {one.closes_h:g} is not after opens_h = {one.opens_h:g}; swap them"
            )
