"""What impacts break: streets, bridges, homes, shelters, services; and who repairs them."""

from enum import IntEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from safepassage.model.settings.base import DataFile, HazardSection, NamedStreet, Section

_Share = Annotated[float, Field(ge=0, le=1)]
_Length = Annotated[float, Field(ge=0)]
_Hours = Annotated[float, Field(ge=0)]
_BySize = tuple[_Length, _Length, _Length]
_ShareBySize = tuple[_Share, _Share, _Share]


class Utility(IntEnum):
    """A service that people miss when it fails."""

    POWER = 0
    GAS = 1
    WATER = 2
    PHONE = 3
    SHOPS = 4


def _by_name(value: Any) -> Any:
    """Return the utility of a name, in letters of any case; anything else as it is."""
    if not isinstance(value, str):
        return value
    if value.upper() not in Utility.__members__:
        known = ", ".join(utility.name.lower() for utility in Utility)
        raise ValueError(f"utility = {value!r} is not known; write one of {known}")
    return Utility[value.upper()]


NamedUtility = Annotated[Utility, BeforeValidator(_by_name)]
"""A utility, named in a file as power, gas, water, phone or shops."""


class Debris(Section):
    """Buildings that fall into streets."""

    distance_m: _BySize = (0.0, 10.0, 25.0)
    """An impact of size S, M, L no farther than this from the building line may bring a building down (m).
    Assumption."""
    p_collapse: _ShareBySize = (0.0, 0.05, 0.3)
    """Probability that it does, for S, M, L. Assumption."""
    share_parallel: _Share = 0.5
    """Share of buildings that stand with the long side along the street. Assumption."""
    reach_parallel: _Share = 2 / 3
    """Reach of the debris over the height of a building, long side along the street, below 24 m of height (Adv. Civil
    Eng. 2020:7034517, table 7)."""
    reach_perpendicular: _Share = 1 / 2
    """The same, short side to the street; same source."""
    heap_length_m: Annotated[float, Field(gt=0)] = 20.0
    """Length of street that one collapse covers (m). Assumption."""
    default_building_height_m: _Length = 9.0
    """Height of buildings where neither class nor zone says otherwise (m): three storeys. Assumption."""
    building_height_m: dict[str, _Length] = Field(
        {
            "primary": 15.0, "secondary": 15.0, "tertiary": 12.0, "residential": 9.0, "living_street": 9.0,
            "unclassified": 6.0, "service": 6.0, "track": 0.0, "motorway": 0.0, "trunk": 6.0,
        }
    )  # fmt: skip
    """Height by class of street (OpenStreetMap highway), none or 6-15 m (m); other classes: the default. Assumption."""
    zone_building_height_m: dict[str, _Length] = Field({})
    """Height by name of zone (m); takes precedence over the class of street."""
    footprints: DataFile | None = None
    """Buildings, in any format that `population.zones` takes, with `height` (m) or `building:levels`;
    along the streets near them they take precedence over zone and class."""
    default_setback_m: _Length = 4.0
    """From the carriageway's edge to the building line, on each side (m). Assumption."""
    setback_m: dict[str, _Length] = Field({"primary": 8.0, "secondary": 6.0, "trunk": 15.0, "motorway": 25.0})
    """The same by class of street; other classes: the default. Assumption."""


class Passing(Section):
    """What still gets past an obstacle. Widths after the project's reading of Anelli et al. 2020; Assumption."""

    least_car_width_m: _Length = 3.0
    """No vehicle passes where less is left of the carriageway (m). Assumption."""
    least_walk_width_m: _Length = 1.0
    """Nobody passes on foot where less is left between the buildings (m). Assumption."""
    crater_width_m: _BySize = (0.5, 2.0, 6.0)
    """Width of street that an impact on the carriageway takes away, for S, M, L (m). Assumption."""
    crater_length_m: _BySize = (0.5, 2.0, 6.0)
    """Length of street that must be repaired after it (m). Assumption."""


class DatedLoss(NamedStreet):
    """A bridge, overpass or street lost, or reduced to some lanes, at a known time."""

    at_h: _Hours
    """When (h after the start of the run)."""
    lanes_left: Annotated[float, Field(ge=0)] = 0.0
    """Lanes that remain, both directions together; 0: closed."""
    walkers_pass: bool = False
    """Whether people on foot still get across when no lane is left."""
    restored_h: _Hours | None = None
    """When all lanes are back (h after the start of the run); default: not within the run."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.restored_h is not None and self.restored_h <= self.at_h:
            raise ValueError(f"restored_h = {self.restored_h} is not after at_h = {self.at_h}")
        return self


class Bridges(Section):
    """Bridges and overpasses: single points of failure, lost when hit."""

    hit_distance_m: _BySize = (0.0, 3.0, 8.0)
    """An impact no farther than this from the carriageway's edge hits the bridge, for S, M, L (m). Assumption."""
    p_lost: _ShareBySize = (0.0, 0.05, 0.3)
    """Probability that a hit closes it for good, for S, M, L. Assumption."""


class ClearingOrder(NamedStreet):
    """An order to clear a street before all others."""

    at_h: _Hours = 0.0
    """When it is given (h after the start of the run); of two orders, the later goes first."""
    after: str | None = Field(None, examples=["front near"])
    """Name of a trigger: it is given when that acts, instead of at `at_h`."""
    n_more_crews: Annotated[int, Field(ge=0)] = 0
    """Crews called in with it, who stay at work afterwards."""


class Crews(Section):
    """Crews that clear debris and fill craters: a protective lever."""

    n_crews: Annotated[int, Field(ge=0)] = 0
    """How many work at once; none by default."""
    clearing_m_per_h: Annotated[float, Field(gt=0)] = 10.0
    """Metres of covered street that one crew opens per hour, the way there included. Assumption."""
    priority: tuple[str, ...] = ()
    """Names of the streets to clear first, in this order; then by time of damage."""
    orders: tuple[ClearingOrder, ...] = Field((), examples=[[{"name": "Main Street", "at_h": 2}]])
    """Streets to clear before all others from some moment on. A crew at work finishes its street first."""


class Buildings(Section):
    """Homes and shelters lost."""

    home_distance_m: _BySize = (0.0, 6.0, 15.0)
    """An impact no farther than this from a home may make it unfit to live in, for S, M, L (m). Assumption."""
    p_home_lost: _ShareBySize = (0.0, 0.3, 0.6)
    """Probability that it does. Assumption."""
    shelter_distance_m: _BySize = (0.0, 3.0, 10.0)
    """An impact no farther than this from a shelter may close it (m). Assumption."""
    p_shelter_lost: _ShareBySize = (0.0, 0.02, 0.1)
    """Probability that it does. Assumption."""


class UtilityLoss(Section):
    """A service that fails at a known time."""

    utility: NamedUtility
    """power, gas, water, phone or shops."""
    at_h: _Hours
    """When (h after the start of the run)."""
    restored_h: _Hours | None = None
    """When it is back (h after the start of the run); default: not within the run."""
    zones: tuple[str, ...] | None = None
    """Names of the zones without it; default: all."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.restored_h is not None and self.restored_h <= self.at_h:
            raise ValueError(f"restored_h = {self.restored_h} is not after at_h = {self.at_h}")
        return self


class UtilitySite(Section):
    """A place whose loss to an impact cuts a service off: a transformer, a pumping station, a mast."""

    utility: NamedUtility
    """power, gas, water, phone or shops."""
    x_m: float
    """With y_m: the place, in the plane of the map (m)."""
    y_m: float
    """With x_m (m)."""
    hit_distance_m: _BySize = (0.0, 10.0, 30.0)
    """An impact of size S, M, L no farther than this may put it out (m). Assumption."""
    p_lost: _ShareBySize = (0.0, 0.3, 0.6)
    """Probability that it does. Assumption."""
    repair_h: _Hours | None = None
    """How long the repair takes (h); default: not within the run."""
    zones: tuple[str, ...] | None = None
    """Names of the zones that depend on it; default: all."""


class Fires(HazardSection):
    """Fires that impacts start. Off by default: no number of it rests on a record of a shelled town."""

    p_ignite: _ShareBySize = (0.0, 0.0, 0.0)
    """Probability that an impact of size S, M, L sets a home on fire that is near enough; 0: there are no fires."""
    ignite_within_m: _BySize = (2.0, 6.0, 15.0)
    """How near (m). Assumption."""
    spread_m: _Length = 8.0
    """A burning home can set others within this distance on fire (m). Assumption."""
    p_spread: _Share = 0.2
    """Probability that it does, for each. Assumption."""
    spread_after_s: Annotated[float, Field(gt=0)] = 1800.0
    """Mean time after which it does (s), while it burns. Assumption."""
    burn_s: Annotated[float, Field(gt=0)] = 10800.0
    """How long a home burns (s). Assumption."""
    smoke_m: _Length = 25.0
    """Nobody passes a street this near to a burning home (m). Assumption."""


class Damage(HazardSection):
    """What impacts and dates break, and who repairs it."""

    places = ("dated_losses.*.name", "dated_losses.*.between*", "utility_sites.*.x_m", "utility_sites.*.y_m")
    debris: Debris = Debris()
    """Buildings that fall into streets."""
    passing: Passing = Passing()
    """What still gets past an obstacle."""
    bridges: Bridges = Bridges()
    """Bridges and overpasses hit by impacts."""
    dated_losses: tuple[DatedLoss, ...] = ()
    """Bridges, overpasses and streets lost at known times."""
    buildings: Buildings = Buildings()
    """Homes and shelters lost."""
    crews: Crews = Crews()
    """Crews that clear streets."""
    utility_losses: tuple[UtilityLoss, ...] = ()
    """Services that fail at known times."""
    utility_sites: tuple[UtilitySite, ...] = Field((), examples=[[{"utility": "power", "x_m": 350, "y_m": 1200}]])
    """Places whose loss cuts a service off."""
