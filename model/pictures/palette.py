"""Colours of statuses, places, injuries and modes: one for each meaning, the same in every picture and on the page."""

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.parties import Mode
from safepassage.agents.words import Worded

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
PALETTE = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE)
"""Okabe & Ito (2008), Color Universal Design: told apart by nearly everybody, colour-blind or not."""

WINE, RED, ROSE = "#882255", "#B2182B", "#F4A582"
"""Impacts, serious and light injuries. Wine: Tol (2021), Colour schemes; red, rose: Brewer's diverging schemes."""

VIOLET, SLATE, BROWN, TEAL = "#4433AA", "#555555", "#663300", "#00798C"
"""Waiting people, standing cars, buses, what is expected: those farthest, for the colour-blind too, from what they
stand beside (CIEDE2000 over the simulations of Machado et al. 2009; tests/test_colours.py)."""

INDOORS = "#EDE6D4", "#CBB886", "#88723A"
"""An upper floor, an inner room, a basement: the better the cover, the darker."""

TRAIN, LIFT = "#999933", "#88CCEE"
"""Tol (2021)."""

CHANGE = ("#08519C", "#7FB2DD", "#E9E9E9", "#F0A17C", "#B2301B")
"""Of people left behind, from far fewer to far more."""

GREY, PALE, INK, QUIET = "#999999", "#D9D9D9", "#222222", "#595959"

_BY_KIND: dict[type[Worded], dict[int, str]] = {
    Status: {
        Status.SAFE: GREEN, Status.TRAVELLING: SKY, Status.WAITING: VIOLET, Status.STRANDED: VERMILION,
        Status.SHELTERING: PURPLE, Status.PREPARING: YELLOW, Status.HOME: PALE, Status.DEAD: BLACK,
    },
    Protection: {
        Protection.OUTDOORS: ORANGE, Protection.VEHICLE: BLUE, Protection.UPPER_FLOOR: INDOORS[0],
        Protection.INNER_ROOM: INDOORS[1], Protection.BASEMENT: INDOORS[2], Protection.SHELTER: PURPLE,
        Protection.ARMOURED: BROWN,
    },
    Injury: {Injury.FATAL: BLACK, Injury.SERIOUS: RED, Injury.LIGHT: ROSE},
    Mode: {Mode.WALK: ORANGE, Mode.CAR: BLUE, Mode.BUS: BROWN, Mode.TRAIN: TRAIN, Mode.LIFT: LIFT},
}  # fmt: skip
"""In the order in which they are drawn, from the bottom of a stack up."""
_NEVER_DRAWN = {Injury: Injury.NONE, Mode: Mode.NONE}


def colour_of(member: Worded) -> str:
    """Return the colour of a member; grey if it has none yet."""
    return _BY_KIND[type(member)].get(member, GREY)


def in_order(kind: type[Worded]) -> list[Worded]:
    """Return the members that are drawn, from the bottom of a stack up; those without a colour come last, in grey."""
    chosen = _BY_KIND[kind]
    first = [kind(member) for member in chosen]
    never = _NEVER_DRAWN.get(kind)
    return [*first, *(member for member in kind if member not in first and member is not never)]
