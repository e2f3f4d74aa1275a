"""Reception: places with beds beyond the exits, ways onward from them, and how many of those who are out need a bed.

`reception.places` is a lever. Who looks for a bed is people's nature: no plan may change it.
"""

from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from safepassage.model.settings.base import Section
from safepassage.model.settings.population import Share


class ComesBy(StrEnum):
    """How people come to a reception place."""

    CAR = "car"
    BUS = "bus"
    TRAIN = "train"
    ON_FOOT = "on_foot"


class OnwardBy(StrEnum):
    """How people are sent on from a reception place."""

    BUS = "bus"
    TRAIN = "train"
    CAR = "car"


class Takes(StrEnum):
    """Whom a reception place takes in."""

    EVERYBODY = "everybody"
    FAMILIES_WITH_CHILDREN = "families_with_children"
    NEEDS_ASSISTANCE = "needs_assistance"


PLACES = [
    {"name": "Transit centre", "beds": 130, "stay_h": 120,
     "onward": [{"to": "Dormitories", "by": "train", "seats": 400, "every_h": 24, "journey_h": 8}]},
    {"name": "Dormitories", "beds": 2000, "comes_by": [], "opens_h": 24},
]  # fmt: skip
"""A list of two reception places, as an example."""


class OnwardTransport(Section):
    """How those for whom a place has no bed are sent on to another that has one for them."""

    to: str = Field(min_length=1)
    """Name of the place to which they go."""
    by: OnwardBy
    """bus, train, or car: those who came in a car of their own drive on at once when there is a bed for them."""
    seats: int | None = Field(None, ge=1, le=100_000)
    """Seats of each departure; by car there are none to give."""
    every_h: float = Field(6.0, ge=0.05, le=10_000)
    """Time from one departure to the next (h). Assumption."""
    first_h: float = Field(0.0, ge=0, le=1_000_000)
    """When the first leaves (h after the start of the run)."""
    journey_h: float = Field(2.0, ge=0, le=1_000)
    """Time that the way takes (h). Assumption."""

    @model_validator(mode="after")
    def _seats(self):
        if (self.by == OnwardBy.CAR) != (self.seats is None):
            raise ValueError("give seats to a bus or train, and none to those who drive on in their own cars")
        return self


class ReceptionPlace(Section):
    """A place beyond the exits with beds for those who have none of their own."""

    name: str = Field(min_length=1)
    """Name, different from every other place's."""
    beds: int = Field(ge=0, le=10_000_000)
    """Beds; 0: people are only sent on from it. The transit centre of Pavlohrad had 130 (interfax 1103510, 10 September
    2025)."""
    opens_h: float = Field(0.0, ge=0, le=1_000_000)
    """When it opens (h after the start of the run); nobody gets a bed before."""
    latitude_deg: float | None = Field(None, ge=-90, le=90)
    """Where it is, with longitude_deg (WGS 84, degrees); the way to it by road follows if `road_h` is not given."""
    longitude_deg: float | None = Field(None, ge=-180, le=180)
    """With latitude_deg (WGS 84, degrees)."""
    exits: tuple[str, ...] = ()
    """Names of the exits behind which it lies: who left by another does not come to it. Default: all."""
    comes_by: tuple[ComesBy, ...] = tuple(ComesBy)
    """How people come to it out of the town; none: only those who are sent on."""
    takes: Takes = Takes.EVERYBODY
    """Households that it takes: everybody, families with children, or those of whom somebody needs assistance."""
    road_h: float | None = Field(None, ge=0, le=1_000)
    """Way to it by road from where people are safe, the end of the exit's onward road (h). Default: 1.3 times the
    straight line at 60 km/h if the place is given in degrees, else 0.5 h. Assumption."""
    rail_h: float = Field(2.0, ge=0, le=1_000)
    """Way to it from the departure of a train (h): people count as safe from that moment. Assumption."""
    stay_h: float | None = Field(None, gt=0, le=1_000_000)
    """How long a bed is kept before people have found something of their own (h); default: to the end of the run. In
    the transit centre of Pavlohrad: up to five days (novosti.dn.ua 404508)."""
    onward: tuple[OnwardTransport, ...] = Field((), examples=[PLACES[0]["onward"]])
    """How those go on for whom it has no bed; none: they wait without one."""

    @model_validator(mode="after")
    def _both_degrees(self):
        if (self.latitude_deg is None) != (self.longitude_deg is None):
            raise ValueError("give latitude_deg together with longitude_deg")
        return self


class Reception(Section):
    """Beds for those who are out; by default nobody asks where they go.

    Each household looks for a bed with a chance of its own that depends on how it came; all others go to friends,
    relatives, or what they rent.
    """

    places: tuple[ReceptionPlace, ...] = Field((), examples=[PLACES])
    """Reception places. People come to the one that they reach first; its name decides between two."""
    share_by_car: Share = 0.1
    """Share of the households that left by car and look for a bed. Assumption, 0 to 0.2: fewer than of those who were
    fetched, as people with a car more often have means and somewhere to go."""
    share_fetched: Share = 0.44
    """Share of the households that came by bus or train, or on foot, and look for a bed. Of 1,276 people who came
    through the transit centre of Pavlohrad from 13 to 15 August 2025, 560 stayed overnight (pravda 7526547); from 17
    July to 22 August it was 18 % of 9,700 (menafn 1109963235): vary it from 0.18 to 0.5."""

    @field_validator("places")
    @classmethod
    def _names(cls, places: tuple[ReceptionPlace, ...]) -> tuple[ReceptionPlace, ...]:
        names = [place.name for place in places]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is the name of two reception places; give each a different name")
        for row, place in enumerate(places):
            for number, onward in enumerate(place.onward):
                key = f"places.{row}.onward.{number}.to = {onward.to!r}"
                if onward.to == place.name:
                    raise ValueError(f"{key}: a place sends nobody on to itself; name another")
                if onward.to not in names:
                    raise ValueError(f"{key}: there is no such place; there are {', '.join(names)}")
        return places
