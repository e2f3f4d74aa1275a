"""Colours of statuses, places, injuries and modes: the same in every picture and on the page."""

from safepassage.agents.civilians import Injury, Protection, Status
from safepassage.agents.parties import Mode
from safepassage.agents.words import Worded

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
PALETTE = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE)
"""Okabe & Ito (2008), Color Universal Design: told apart by nearly everybody, colour-blind or not."""

WINE, BROWN, OLIVE, RED, ROSE = "#882255", "#8C510A", "#999933", "#B2182B", "#F4A582"
"""Impacts, standing cars, waiting people, serious and light injuries: more meanings than the eight colours above.
Wine and olive are of Tol (2021), Colour schemes; brown, red and rose of Brewer's diverging schemes."""

GREY, PALE, INK, QUIET = "#999999", "#D9D9D9", "#222222", "#595959"

_BY_KIND: dict[type[Worded], dict[int, str]] = {
    Status: {
        Status.SAFE: GREEN, Status.TRAVELLING: SKY, Status.WAITING: OLIVE, Status.STRANDED: VERMILION,
        Status.SHELTERING: PURPLE, Status.PREPARING: YELLOW, Status.HOME: PALE, Status.DEAD: BLACK,
    },
    Protection: {
        Protection.OUTDOORS: VERMILION, Protection.VEHICLE: ORANGE, Protection.UPPER_FLOOR: YELLOW,
        Protection.INNER_ROOM: SKY, Protection.BASEMENT: BLUE, Protection.SHELTER: GREEN, Protection.ARMOURED: PURPLE,
    },
    Injury: {Injury.FATAL: BLACK, Injury.SERIOUS: RED, Injury.LIGHT: ROSE},
    Mode: {Mode.WALK: ORANGE, Mode.CAR: BLUE, Mode.BUS: GREEN, Mode.TRAIN: PURPLE, Mode.LIFT: SKY},
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
