"""Shelling as a scenario states it: replayed from records, drawn from a generic random field, or both.

Hazards are exogenous. Nothing here is a lever of a search, and no setting describes a weapon or an attacker.
"""

from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from safepassage.model.settings.base import DataFile, Date, HazardSection, Section


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as problem:
        raise ValueError(f"{name!r} is not a time zone; write a name such as 'Europe/Kyiv' or 'UTC'") from problem
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""Name of a time zone in the IANA database."""


def _shares(shares: tuple[float, float, float]) -> tuple[float, float, float]:
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"the shares of sizes S, M and L are {shares}; they must be 0 or more and sum to 1")
    return shares


SizeShares = Annotated[tuple[float, float, float], AfterValidator(_shares)]
"""Shares of the size classes S, M and L; sum 1."""


class RecordedShelling(Section):
    """Events of a table, replayed as they were or changed by an explicit choice."""

    kind: Literal["recorded"] = "recorded"
    file: DataFile
    """CSV file with one row per event, or per report of several; or the answer of ACLED's or UCDP's API (JSON)."""
    layout: Literal["plain", "acled", "viina", "ucdp", "hdx"] = "plain"
    """Whose columns the file has: our own (scenarios/README.md), an export of ACLED, VIINA or UCDP GED, or counts by
    week or month and district, as HDX and ACLED publish them (hdx)."""
    districts: DataFile | None = None
    """Outlines of the districts that a table of counts names, in any format that `population.zones` takes: each event
    is drawn within its own. Default: within `district_radius_m` of the middle that the table gives."""
    time_zone: TimeZone | None = Field(None, examples=["Europe/Kyiv"])
    """Zone of times and days that carry none; default: the zone of the scenario."""
    mixed_zones: Literal["refuse", "convert"] = "refuse"
    """What to do if some times carry an offset and others do not: refuse the file, or read the latter in
    `time_zone` and report how many."""
    event_types: tuple[str, ...] | None = None
    """What to take from an export: values of ACLED's sub_event_type, names of VIINA's t_..._b columns, or values of
    UCDP's type_of_violence. Default: shelling, missiles, air and drone strikes; from UCDP, which does not tell them
    from other fatal events, all."""
    first_day: Date | None = None
    """First day of the period to replay, in `time_zone`; default: all that the file has."""
    last_day: Date | None = None
    """Last day of the period to replay, that day included."""
    shift_h: float = 0.0
    """Added to every time (h), so that a recorded day can be moved to another date."""
    n_repeats: int = Field(1, ge=1, le=2000)
    """How often the period is played, end to end; 1: once. More than 1 needs `first_day` and `last_day`."""
    keep_share: float = Field(1.0, ge=0, le=1)
    """Chance of each event to be kept: 1 replays the record, 0.5 is a quieter one with the same pattern."""
    settlement_radius_m: float = Field(2000.0, gt=0)
    """An event known to its settlement is drawn within this distance of the point given (m). Assumption."""
    district_radius_m: float = Field(15000.0, gt=0)
    """An event known to its district is drawn within this distance of the point given (m). Assumption: between the
    size of a hromada and the 25 km of UCDP's second class."""
    size_shares: SizeShares = (0.6, 0.3, 0.1)
    """Shares of sizes S, M and L among events whose size the record does not give. Assumption."""

    @model_validator(mode="after")
    def _period_in_order(self):
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}; swap them")
        if self.districts is not None and self.layout != "hdx":
            raise ValueError("districts go with layout hdx; leave them out, or set the layout")
        if self.n_repeats > 1 and not (self.first_day and self.last_day):
            raise ValueError(f"n_repeats is {self.n_repeats}; give first_day and last_day of the period to repeat")
        return self


class ZoneWeight(Section):
    """A rectangle on the map in which more or less falls than elsewhere at the same distance from the front."""

    west: float
    """Western edge (degrees east, or m if the streets have plane coordinates only)."""
    south: float
    """Southern edge (degrees north, or m)."""
    east: float
    """Eastern edge."""
    north: float
    """Northern edge."""
    weight: float = Field(ge=0)
    """Factor on the rate inside. Assumption of the scenario."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.east <= self.west or self.north <= self.south:
            raise ValueError(f"the zone {self.west}, {self.south} to {self.east}, {self.north} is empty: east must "
                             "exceed west, and north south")  # fmt: skip
        return self


class RampPoint(Section):
    """The level of shelling at the start of one day."""

    day: Date
    """Local date."""
    factor: float = Field(ge=0)
    """Factor on the rate of background events; linear in time between two points, level outside them."""


class Districts(Section):
    """Districts to which shelling returns throughout the run, as in a siege; where they lie is drawn by the seed."""

    per_km2: float = Field(gt=0)
    """Mean number of their centres per km2, placed at random."""
    radius_m: float = Field(gt=0)
    """Radius about a centre that holds half of what falls in its district (m)."""
    share: float = Field(1.0, ge=0, le=1)
    """Share of the background that falls in districts; the rest falls evenly."""


ALERTS_BY_HOUR = (1.05, 0.95, 0.64, 0.63, 0.69, 0.61, 0.55, 0.74, 1.19, 1.66, 1.24, 1.22,
                  1.37, 1.39, 1.26, 1.24, 1.15, 1.03, 0.91, 0.97, 0.86, 0.91, 0.86, 0.86)  # fmt: skip
"""4,624 air-raid alerts for Donetsk oblast and Pokrovsk raion, 15 March 2022 to 22 April 2024, by the local hour in
which they began, over the mean of all hours; counted from Vadimkin/ukrainian-air-raid-sirens-dataset 1366c7b1422d
(MIT). Alerts stand in for impacts, of which no hourly record was found. Assumption in that."""


MOST_BRANCHING = 0.99
"""Mean number of events that one sets off stays below this; ranges found in the literature end at 0.8. Assumption."""


class ShellingProcess(Section):
    """A self-exciting process: background events over space and time, each followed by others near it.

    Rate of the background: level * exp(-distance to the front / reach) * hour of day * zone * ramp. After ETAS-like
    models of recorded conflict events: Browning et al. 2024 (arXiv 2408.14940); SOURCES 5.3.
    """

    kind: Literal["process"] = "process"
    events_per_day: float | None = Field(None, ge=0)
    """Mean number of events a day on the built-up area and its margin, aftershocks included, at ramp 1 and wherever
    the front stands: the distance to the front then shapes only where they fall. Either this or
    `background_per_km2_day`."""
    background_per_km2_day: float | None = Field(None, ge=0)
    """Background events per km2 and day at the front line at ramp 1 (1/(km2 d)): the approach of the front then
    raises the rate."""
    share_near_people: float = Field(0.017, ge=0, le=1)
    """Share of these events that fall near people: on the built-up area and its margin; the others fall on open ground
    of the map, where they are heard. Fitted with the lethality of `harm` fixed: 0.017 (0.0057 to 0.051) of the shells
    that authorities count (107 casualties of 12,000 shells, right bank of Kherson oblast, January 2025; `safepassage
    fit-harm`). 1: only those that fall near people are stated."""
    front_reach_km: float = Field(11.0, gt=0)
    """The background falls by a factor e over this distance from the front (km): reports of shelling and strikes in 21
    hromadas, May 2022 to September 2023 (VIINA, counted in fwitmer/ukraine-damage): 10.6, 90 % interval 5.7 to 19.0
    (`safepassage fit-harm`)."""
    day_profile: tuple[float, ...] = ALERTS_BY_HOUR
    """Relative rate in each local hour from 0 to 23; its mean is set to 1. Default: starts of air-raid alerts."""
    built_up_margin_m: float = Field(300.0, gt=0)
    """The background falls no farther than this from a street that people live along, in a zone with residents (m):
    beyond the reach of the largest size class. Assumption. Rates per km2 and per day are of that area."""
    districts: Districts | None = Field(None, examples=[{"per_km2": 0.03, "radius_m": 770}])
    """Unevenness of the background in space, at the same number of events; default: even at the same distance to the
    front. The example is fitted to the western half of Mariupol (docs/harm.md)."""
    zones: tuple[ZoneWeight, ...] = Field(
        (), examples=[[{"west": 37.10, "south": 48.27, "east": 37.14, "north": 48.30, "weight": 2}]]
    )
    """Rectangles with more or less than their share, built up or not; where they overlap the factors multiply."""
    ramp: tuple[RampPoint, ...] = ()
    """Level of shelling by date; empty: always 1."""
    branching_ratio: float = Field(0.5, ge=0)
    """Mean number of events that one event sets off directly; below 0.99. Assumption 0.5 (0.2 to 0.8), SOURCES 5.3."""
    decay_h: float = Field(2.0, gt=0)
    """Mean time from an event to one it sets off (h); exponential. Assumption, SOURCES 5.3."""
    spread_m: float = Field(150.0, gt=0)
    """Radius about an event that holds half of those it sets off (m); circular normal, 1.1774 sigma.
    Assumption, SOURCES 5.3."""
    size_shares: SizeShares = (0.6, 0.3, 0.1)
    """Shares of sizes S, M and L. Assumption."""
    cell_m: float = Field(250.0, gt=0)
    """Side of the squares over which the rate of the background is constant (m). Assumption."""
    warm_up_h: int = Field(24, ge=0)
    """Hours simulated before the run starts, so that it begins with aftershocks already going on (h)."""

    @model_validator(mode="after")
    def _usable(self):
        if (self.events_per_day is None) == (self.background_per_km2_day is None):
            raise ValueError("give either events_per_day or background_per_km2_day, and only one of them")
        if self.branching_ratio >= MOST_BRANCHING:
            raise ValueError(
                f"branching_ratio is {self.branching_ratio}: clusters have 1 / (1 - branching_ratio) events in the "
                f"mean and would grow without end towards 1; choose a value below {MOST_BRANCHING}, such as 0.5"
            )
        if len(self.day_profile) != 24 or min(self.day_profile) < 0 or sum(self.day_profile) <= 0:
            raise ValueError(
                f"day_profile has {len(self.day_profile)} values; give 24, one per hour from 0 to 23, none negative "
                "and not all 0"
            )
        days = [point.day for point in self.ramp]
        if any(b <= a for a, b in pairwise(days)):
            raise ValueError("the days of ramp must increase; sort them and keep one factor per day")
        return self


ShellingSource = Annotated[RecordedShelling | ShellingProcess, Field(discriminator="kind")]
"""Where events come from."""


class Shelling(HazardSection):
    """All shelling of a scenario: the sum of its sources."""

    places = (
        "sources.*.zones.*.west", "sources.*.zones.*.east", "sources.*.zones.*.south", "sources.*.zones.*.north",
        "sources.*.zones.*.weight", "sources.*.file", "sources.*.districts",
    )  # fmt: skip
    sources: tuple[ShellingSource, ...] = ()
    """Recorded tables and processes; empty: nothing falls."""
    time_zone: TimeZone = "Europe/Kyiv"
    """Zone of the scenario's local times: of the run's start, of the day profile and of dates here."""
