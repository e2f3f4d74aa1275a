"""The front, the curfew and drones over roads, as a scenario states them. Exogenous: nothing here is searched over."""

from datetime import datetime, time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from safepassage.model.settings.authorities import AFTER
from safepassage.model.settings.base import (
    ClockTime,
    DataFile,
    Date,
    HazardSection,
    Hours,
    Moment,
    Section,
    files_of_folder,
)


class FrontDistance(Section):
    """Where the front stood on one day, by its distance."""

    day: Date
    """Local date; the distance holds at its start."""
    distance_km: float
    """From the reference point to the front (km); negative: the front has passed it."""


class FrontBranch(Section):
    """One way in which the front may move from the start of the run on; what came before is the same in all."""

    name: str = Field(min_length=1)
    """Name, different from every other branch's."""
    weight: float = Field(1.0, gt=0)
    """How likely it is, against the others. Yours: nothing here says how a front will move."""
    advance_factor: float = Field(1.0, ge=0)
    """By what the way is multiplied that the front makes after the start; 0: it stands still."""
    delay_d: float = Field(0.0, ge=0)
    """How long it stands still first (days)."""


BRANCHES = [{"name": "as reported", "weight": 2}, {"name": "twice as fast", "advance_factor": 2}]
"""A list of branches, as an example."""


class FrontProcess(Section):
    """A front that stands, pushes, leaps ahead and falls back by chance, from the start of the run on.

    Numbers: fitted to the dated distances of eight towns of Donetsk oblast, April 2022 to August 2026, computed from
    DeepStateMap's polygons (`safepassage fit-front`; intervals, and how well it foretells a town that was left out, in
    docs/howto/uncertain_front.md).
    """

    stand_d: float = Field(92.0, ge=7)
    """How long it stands between two pushes, in the mean (days). 90 % interval 75 to 115."""
    push_d: float = Field(38.0, ge=7)
    """How long a push lasts, in the mean (days). 27 to 50."""
    speed_km_d: float = Field(0.059, gt=0)
    """Median of the speeds of pushes (km a day). 0.051 to 0.068."""
    speed_spread: float = Field(0.85, ge=0)
    """Standard deviation of the logarithm of those speeds; 0: all alike. 0.77 to 0.93."""
    week_shape: float = Field(0.74, gt=0)
    """How evenly a push goes from week to week: shape of a gamma distribution about its speed; the larger, the more
    evenly. 0.65 to 0.82."""
    leaps_per_year: float = Field(0.5, ge=0, le=52)
    """How often it leaps ahead within a week (1/year). 0.22 to 0.78."""
    leap_least_km: float = Field(3.0, ge=0)
    """Way in a week from which on it is called a leap (km). Assumption."""
    leap_more_km: float = Field(1.5, ge=0)
    """By how much leaps exceed that, in the mean (km). 0.7 to 2.0."""
    falls_back_per_year: float = Field(1.9, ge=0, le=52)
    """How often it falls back within a week (1/year). 1.1 to 2.6."""
    fall_back_km: float = Field(0.88, ge=0)
    """How far, in the mean (km). 0.5 to 1.4."""


class Front(HazardSection):
    """Where the front is and what its nearness does: a dated distance with a bearing, or dated polygons.

    Give one of `distances`, `distance_file`, `polygons_file` and `polygons_files`; none: there is no front.
    """

    distances: tuple[FrontDistance, ...] = ()
    """Distance by date, linear in time between two; the front is a straight line across `bearing_deg`."""
    distance_file: DataFile | None = None
    """CSV file with a column `date` and one of distances (km)."""
    distance_column: str = "distance_km"
    """Column of `distance_file` to read."""
    reference: tuple[float, float] | None = None
    """Point that distances are counted from: longitude and latitude (degrees), or x and y (m) if the streets have
    plane coordinates only. Default: the centre of the map."""
    counted_from: Literal["reference", "edge"] = "reference"
    """What distances are counted from: the reference point, or the edge of the built-up area on the side of the front,
    as officials count (from the limit of the city, 3 to 7 km less than from its middle)."""
    branches: tuple[FrontBranch, ...] = Field((), examples=[BRANCHES])
    """Ways in which it may move, one of them drawn by the seed alone, by their weights: the same under every plan, so
    that a comparison over many seeds is one over all of them. Default: as given."""
    branch: str | None = Field(None, examples=["twice as fast"])
    """Name of the branch to take, instead of drawing one."""
    process: FrontProcess | None = None
    """Instead of branches: how it moves by chance from the start of the run on, by the seed alone, the same under every
    plan; `{}` takes the numbers fitted to eight towns. Default: as given."""
    bearing_deg: float = Field(90.0, ge=0, lt=360)
    """Direction from the reference point to the front, clockwise from north (degrees)."""
    polygons_file: DataFile | None = None
    """Areas beyond the front, in any format that `population.zones` takes, each with its day in a property `date` or in
    the name of the file, as DeepStateMap and ISW publish them; distances between two dates are linear in time."""
    polygons_files: Annotated[tuple[DataFile, ...], BeforeValidator(files_of_folder)] = ()
    """Several such files, one for each day: a list of them, the folder that holds them, or a pattern such as
    fronts/*.geojson."""
    closes_to_vehicles_within_km: float = Field(1.0, ge=0)
    """Links nearer to the front than this are closed to vehicles (km). Assumption."""
    closes_to_walkers_within_km: float = Field(0.5, ge=0)
    """Links nearer to the front than this are closed to walkers (km). Assumption."""
    crossfire_reach_km: float = Field(3.0, gt=0)
    """Crossfire harms up to this distance from the front (km). Assumption."""
    crossfire_casualties_per_person_h: float = Field(1.2e-4, ge=0)
    """Rate at which somebody unprotected at the front line is harmed (1/h); falls linearly to 0 at
    `crossfire_reach_km`. Fitted to Avdiivka, Bakhmut, Toretsk and Kherson (`safepassage fit-harm`): 95 % interval
    4.7e-6 to 3.4e-4."""

    safe_beyond_km: float = Field(15.0, ge=0)
    """Distance from the front beyond which a place is safe (km): the report names every exit that ends nearer. Shelling
    that falls by exp(-d / 5 km) (SOURCES 5.3) has come to a twentieth there. Assumption."""

    @model_validator(mode="after")
    def _one_source(self):
        given = [
            name for name in ("distances", "distance_file", "polygons_file", "polygons_files") if getattr(self, name)
        ]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} both say where the front is; give one of them")
        return self

    @model_validator(mode="after")
    def _branches_of_a_line(self):
        names = [one.name for one in self.branches]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ValueError(f"branches: {twice[0]!r} is the name of two; give each a different name")
        if self.branch is not None and self.branch not in names:
            raise ValueError(
                f"branch = {self.branch!r}: there is no such branch; there are {', '.join(names) or 'none'}"
            )
        if self.branches and not (self.distances or self.distance_file):
            raise ValueError("branches move a front given by its distance; give distances or distance_file")
        if self.process is not None and not (self.distances or self.distance_file):
            raise ValueError("process moves a front given by its distance; give distances or distance_file")
        if self.process is not None and self.branches:
            raise ValueError("branches and process both say how the front moves; give one of them")
        return self


class CurfewWindow(Hours):
    """Hours of each day of a period in which nobody may move."""

    first_day: Date
    """First local date on which the window begins."""
    from_time: ClockTime
    """Local time at which it begins."""
    until_time: ClockTime
    """Local time at which it ends, on the next day if not after `from_time`; equal: all day."""
    after: str | None = AFTER
    """Name of a trigger: the window is in force from when that acts."""


class Curfew(Section):
    """When movement is forbidden, and how many keep to it."""

    windows: tuple[CurfewWindow, ...] = ()
    """In force at any moment that one of them covers. Pokrovsk from 28 August 2024: 15:00 to 11:00 (SOURCES 6b)."""
    compliance: float = Field(0.95, ge=0, le=1)
    """Share of parties that wait for its end. Assumption."""
    stagger_s: float = Field(3600.0, ge=0)
    """Those who keep it set out over this time after its end (s), each in a turn of its own, the same every day, but
    before the next begins. Assumption."""


class Period(Section):
    """From one local moment to another."""

    start: Moment
    """Local date and time at which it begins."""
    end: Moment
    """Local date and time at which it ends."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.end <= self.start:
            raise ValueError(f"the period ends at {self.end}, not after its start {self.start}; correct one of them")
        return self


PERIODS = [{"start": datetime(2024, 8, 20, 6, 0), "end": datetime(2024, 8, 20, 18, 0)}]
"""A list of one period, as an example."""


class Nets(Section):
    """Streets covered by nets against drones."""

    streets: tuple[str, ...]
    """Names of the streets, as on the map."""
    first_day: Date | None = None
    """Local date from which they hang; default: from before the run."""
    factor: float = Field(0.3, ge=0, le=1)
    """Factor on the rate there. Assumption."""


class Drones(HazardSection):
    """Drones over roads: a rate of strikes on whoever is on a link, in proportion to the time spent there.

    OHCHR (26 June 2025): short-range drones were the leading cause of harm near the front, 395 killed and 2,635
    injured to April 2025, in cars, buses, on bicycles and on foot. The rates below are assumptions (SOURCES 5.2).
    """

    strikes_per_vehicle_minute: float = Field(0.0, ge=0)
    """Rate on a vehicle that moves at the front line, by day and in clear weather (1/min). Assumption; 0: none."""
    strikes_per_walker_minute: float = Field(0.0, ge=0)
    """The same on a party on foot (1/min). Assumption; 0: none."""
    reach_km: float = Field(15.0, gt=0)
    """The rate falls linearly to 0 at this distance from the front (km). Assumption."""
    halted_factor: float = Field(0.5, ge=0)
    """Factor for a vehicle that stands. Assumption: moving vehicles are hit more (SOURCES 5.2)."""
    night_factor: float = Field(0.5, ge=0)
    """Factor outside `day_from` to `day_until`. Assumption."""
    day_from: ClockTime = time(6, 0)
    """Local time at which it gets light. Assumption."""
    day_until: ClockTime = time(20, 0)
    """Local time at which it gets dark. Assumption."""
    fog: tuple[Period, ...] = Field((), examples=[PERIODS])
    """Periods of fog or other weather in which drones hardly fly."""
    fog_factor: float = Field(0.2, ge=0)
    """Factor in fog. Assumption."""
    nets: tuple[Nets, ...] = ()
    """Streets under nets; where several cover a street the lowest factor counts."""
    p_casualty_per_strike: float = Field(0.4, ge=0, le=1)
    """Chance of each unprotected person of a party to be harmed by a strike on it. Assumption."""

    @property
    def strikes_within_km(self) -> float:
        """How far from the front anybody is struck (km); 0: nobody is."""
        return self.reach_km if self.strikes_per_vehicle_minute or self.strikes_per_walker_minute else 0.0

    @model_validator(mode="after")
    def _daylight(self):
        if self.day_until <= self.day_from:
            raise ValueError(f"day_until {self.day_until} is not after day_from {self.day_from}; swap them")
        return self
