"""Truces and corridors: windows in which shelling is suspended by agreement, and people leave. A protective lever.

Whether an agreement holds is not in the planners' hands: `TruceKeeping` is a hazard, the same under every plan.
"""

from pydantic import Field

from safepassage.model.settings.base import HazardSection, Hours
from safepassage.model.settings.population import Share
from safepassage.model.settings.services import Place

DAYS = [{"name": "Corridor west", "from_time": "10:00", "until_time": "14:00"}]
"""A list of one truce, as an example."""


class Truce(Hours):
    """An agreement: in a window of each day, in an area and along routes, nothing falls and nobody is shot at.

    Orders may name it (`orders.N.truce`): who does as told leaves in its windows.
    """

    name: str = Field(min_length=1)
    """Name, different from every other truce's."""
    zones: tuple[str, ...] = ()
    """Names of the zones within whose outlines it holds."""
    streets: tuple[str, ...] = ()
    """Names of the streets along which it holds. Neither zones nor streets: it holds everywhere."""
    within_m: float = Field(500.0, ge=0)
    """How far from these streets it holds (m). Assumption."""
    n_slots: int = Field(1, ge=1)
    """Convoys that set out in each window, at equal intervals from its beginning; each household has its slot."""
    gather_before_s: float = Field(3600.0, ge=0)
    """How long before their slot people leave home to gather (s). Assumption: columns of 2022 gathered in the
    morning and set out around noon."""
    assembly: Place | None = None
    """Where households with a car gather, in their cars; the drive there is not simulated. Default: they wait at home
    for their slot. The others gather at the pickup points."""


class TruceKeeping(HazardSection):
    """How truces fare. No plan may change it.

    Of 282 corridors proposed in Ukraine from 5 March to 4 May 2022, the result of 137 is known: 125 succeeded, 5 were
    disrupted, 7 disputed (PeaceRep's table, as counted; many that are called successful were declared so by one side).
    Of those that both sides had agreed, 7 have a known result: 3 succeeded, 2 were disrupted, 2 disputed.
    """

    p_violated: Share = 0.09
    """Chance that a window is violated: from some moment in it, everything falls as if there were no truce. 12 of 137;
    vary it from 0.04 (5 of 137) to 0.57 (4 of 7)."""
    p_turn_back: Share = 0.5
    """Share of the households on their way to gather, gathered, or in their own cars in the town, that turn back when
    the truce under which they leave is violated; they leave in a later window. Assumption."""


def refuse_unclear(truces: tuple[Truce, ...], named: list[tuple[str, str]]) -> None:
    """Raise ValueError for two truces of one name, and for a name that none has.

    truces: those of a scenario. named: (key, name of a truce) of what waits for one.
    """
    names = [truce.name for truce in truces]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is the name of two truces; give each a different name")
    for key, name in named:
        if name not in names:
            there = ", ".join(names) or "none; name some under `truces`"
            raise ValueError(f"{key} = {name!r}: there is no such truce; there are {there}")
