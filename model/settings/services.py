"""Buses, armoured pickups, trains and ambulances: protective levers, as a scenario states them."""

from enum import StrEnum

from pydantic import Field, model_validator

from safepassage.model.settings.authorities import AFTER
from safepassage.model.settings.base import ClockTime, Date, Hours, Section


class Place(Section):
    """A place: a node of the network, or the node nearest to a point."""

    node: str | None = None
    """Id of a node in the network file."""
    latitude_deg: float | None = Field(None, ge=-90, le=90)
    """With longitude_deg (WGS 84, degrees)."""
    longitude_deg: float | None = Field(None, ge=-180, le=180)
    """With latitude_deg (WGS 84, degrees)."""
    x_m: float | None = None
    """With y_m (metres in the plane of the map)."""
    y_m: float | None = None
    """With x_m (metres)."""

    @model_validator(mode="after")
    def _one_place(self):
        pairs = ((self.latitude_deg, self.longitude_deg), (self.x_m, self.y_m))
        if any((a is None) != (b is None) for a, b in pairs):
            raise ValueError("give latitude_deg together with longitude_deg, and x_m together with y_m")
        if (self.node is not None) + sum(a is not None for a, _ in pairs) != 1:
            raise ValueError("say where in one way: node, or latitude_deg and longitude_deg, or x_m and y_m")
        return self


class ServiceHours(Hours):
    """Hours of each day of a period in which a service works; they may begin or end with a trigger."""

    after: str | None = AFTER
    """Name of a trigger: they are in force from when that acts."""
    ends_after: str | None = AFTER
    """Name of a trigger: they are in force no longer when that acts."""


class PickupPoint(Place):
    """A place where people wait for a seat."""

    name: str
    """Name, different from every other stop's."""
    indoors: bool = True
    """People wait in an inner room (a school, a church); false: outdoors."""
    has_medics: bool = False
    """A stabilisation point: care of the seriously injured begins at the first step after they have come."""
    room: int | None = Field(None, gt=0)
    """People it takes, those on their way to it among them; the others wait at home. Default: no limit."""
    hours: tuple[ServiceHours, ...] = ()
    """When it is open; default: always."""


class Kind(StrEnum):
    """What a vehicle protects from."""

    BUS = "bus"
    ARMOURED = "armoured"


class Serves(StrEnum):
    """Where a fleet picks people up."""

    PICKUP_POINTS = "pickup_points"
    DOOR_TO_DOOR = "door_to_door"


class Dispatch(StrEnum):
    """Which pickup point a free vehicle drives to."""

    LONGEST_QUEUE = "longest_queue"
    NEAREST = "nearest"
    LONGEST_WAIT = "longest_wait"


class Convoys(Section):
    """Vehicles of a fleet that drive together: they leave a stop, and come in from the hub, at set moments only."""

    every_s: float = Field(1800.0, gt=0)
    """From one moment to the next, counted from the start of the run (s). Assumption."""
    speed_km_h: float = Field(30.0, ge=1, le=200)
    """Speed of the slowest, at which all drive where the road allows it (km/h). Assumption."""
    strike_factor: float = Field(1.0, ge=0, le=1)
    """Factor on the rate of drone strikes on each of its vehicles; 1: no escort. With an escort that jams and keeps
    watch 0.5. Assumption: no measurement was found (SOURCES 5.2 names escort and nets as what lowers the rate). Count
    the escort's people in `n_crew`."""


class Shifts(Section):
    """For how long crews work."""

    work_h: float = Field(9.0, gt=0)
    """A vehicle is sent out no later than this after it was first sent out since its rest (h); the run that it is on
    is finished. 9 h: the most a driver may drive in a day (Regulation (EC) 561/2006, article 6; the AETR agreement)."""
    rest_h: float = Field(11.0, gt=0)
    """Rest after it (h): article 8 of the same."""


class Fleet(Section):
    """Vehicles of one kind that take people out of the area."""

    name: str
    """Name, different from every other fleet's."""
    n_vehicles: int = Field(ge=0)
    """Vehicles."""
    seats: int = Field(gt=0)
    """Ordinary seats of each, enough for the largest household."""
    wheelchair_places: int = Field(0, ge=0)
    """Places of each for people who need assistance; beyond them such a person takes two ordinary seats."""
    kind: Kind = Kind.BUS
    """Protection of those aboard: as in any vehicle, or armoured."""
    serves: Serves = Serves.PICKUP_POINTS
    """Pickup points, or from door to door by order of priority."""
    dispatch: Dispatch = Dispatch.LONGEST_QUEUE
    """Which pickup point a free vehicle drives to."""
    hours: tuple[ServiceHours, ...] = ()
    """When vehicles are sent out; default: always. A vehicle with people aboard finishes its run. The curfew does not
    hold for services: leave its hours out here."""
    depot: Place | None = None
    """Where the vehicles stand at the start; default: at the hub beyond the exits, to come in when they are needed."""
    hub_time_s: float = Field(3600.0, ge=0)
    """Time from leaving through an exit to the hub, unloading, and back to the exit (s). Assumption."""
    dwell_s: float = Field(900.0, ge=0)
    """How long a vehicle that is not full waits at a pickup point for more people (s). Assumption."""
    boarding_s_per_person: float = Field(10.0, ge=0)
    """Boarding time with luggage and older people (s). Assumption (SOURCES 3.3)."""
    boarding_s_per_assisted: float = Field(90.0, ge=0)
    """Boarding time of a person who needs assistance (s): lifts take 60-200 s (TCQSM). Assumption (SOURCES 3.3)."""
    n_crew: int = Field(2, ge=1)
    """Crew of each vehicle. Assumption."""
    size_car_units: int | None = Field(None, ge=1)
    """Room a vehicle takes on the road, in cars; default: 2 for a bus, 1 for an armoured pickup. Assumption."""

    convoys: Convoys | None = Field(None, examples=[{"every_s": 1800, "speed_km_h": 30, "strike_factor": 0.5}])
    """Vehicles drive together; default: each leaves when it is ready."""
    shifts: Shifts | None = Field(None, examples=[{"work_h": 9, "rest_h": 11}])
    """Crews have shifts; default: they work whenever `hours` allow."""
    n_runs_fuelled: int | None = Field(None, ge=0)
    """Runs for which there is fuel, all vehicles together; default: no limit."""
    breakdowns_per_100_h: float = Field(0.0, ge=0)
    """Rate at which a vehicle on the road breaks down (1/100 h): it is lost, its passengers wait or walk on."""
    serve_each_within_s: float | None = Field(None, gt=0)
    """Least service: a pickup point where people wait and to which no vehicle has been sent for so long comes before
    all others (s), whatever `dispatch` says. Default: none."""

    @property
    def car_units(self) -> int:
        """Room that a vehicle takes on the road, in cars."""
        return self.size_car_units or (2 if self.kind == Kind.BUS else 1)


class Reinforcement(Section):
    """Vehicles that join a fleet while the run goes on; they are like its others."""

    fleet: str
    """Name of the fleet."""
    n_vehicles: int = Field(gt=0)
    """Vehicles that join."""
    at_h: float | None = Field(None, ge=0)
    """When they are ready (h after the start of the run); give this or `after`."""
    after: str | None = AFTER
    """Name of a trigger: they are ready when that acts."""
    depot: Place | None = None
    """Where they stand then; default: as the fleet's."""

    @model_validator(mode="after")
    def _one_moment(self):
        if (self.at_h is None) == (self.after is None):
            raise ValueError("say when they are ready in one way: at_h (h after the start) or after (a trigger)")
        return self


class Train(Place):
    """A train that leaves from a station in the area by timetable."""

    name: str
    """Name of the station, different from every other stop's."""
    seats: int = Field(gt=0)
    """Seats of each train, enough for the largest household. Pokrovsk, August 2024: one trip carried 371 people."""
    wheelchair_places: int = Field(0, ge=0)
    """Places for people who need assistance; beyond them such a person takes two seats."""
    departures: tuple[ClockTime, ...]
    """Local times of departure on each day of service."""
    first_day: Date | None = None
    """First local date of service; default: the first of the run."""
    last_day: Date | None = None
    """Last local date of service; default: it goes on. Pokrovsk: 5 September 2024 (SOURCES 3.3)."""
    every_n_days: int = Field(1, ge=1, le=366)
    """Days from one day of service to the next; Pokrovsk: 8 in June 2024, 1 in August (SOURCES 3.3)."""
    begins_after: str | None = AFTER
    """Name of a trigger: no train leaves before that acts, and nobody can count on one before it is known."""
    ends_after: str | None = AFTER
    """Name of a trigger: no train leaves once that acts; whoever had a seat on a later one looks for another way."""
    early_s: float = Field(3600.0, ge=0)
    """How long before departure people plan to be at the station (s). Assumption."""
    indoors: bool = True
    """People wait in the station building; false: on the platform."""


class Ambulances(Section):
    """Ambulances that bring care to the seriously injured and take them out of the area with those they live with."""

    n: int = Field(0, ge=0)
    """Ambulances."""
    base: Place | None = None
    """Where they stand; default: at the first exit."""
    treat_time_s: float = Field(1200.0, ge=0)
    """Time at each patient, until the ambulance drives on (s). Assumption."""
    n_seats: int = Field(3, ge=0)
    """Seats beside the stretcher, for those the patient lives with: a patient at home, in a shelter or at a stop is
    taken along if all fit, others are treated where they are; 0: nobody is taken along. Assumption."""
    hub_time_s: float = Field(1800.0, ge=0)
    """Time from handing a patient over, beyond an exit, until the ambulance is back at it (s). Assumption."""
    n_crew: int = Field(3, ge=1)
    """Crew of each. Assumption."""
    hours: tuple[ServiceHours, ...] = ()
    """When they answer calls; default: always."""


class Receiving(Section):
    """Care where those who leave the area arrive: what medical evacuation can lead to."""

    n_teams: int | None = Field(None, ge=1)
    """Teams that treat the seriously injured who reach safety, in order of arrival; ambulances wait until one takes
    over their patient. Default: one for each."""
    treat_time_s: float = Field(3600.0, ge=0)
    """Time that a team is taken up by one of them (s). Assumption."""


class Services(Section):
    """Seats for those without a car, and care for the injured."""

    pickup_points: tuple[PickupPoint, ...] = ()
    """Where people wait for buses."""
    fleets: tuple[Fleet, ...] = ()
    """Buses and armoured pickups."""
    reinforcements: tuple[Reinforcement, ...] = Field((), examples=[[{"fleet": "Buses", "n_vehicles": 10, "at_h": 24}]])
    """Vehicles that join these fleets later."""
    trains: tuple[Train, ...] = ()
    """Trains, one entry for each station or timetable."""
    ambulances: Ambulances = Ambulances()
    """Ambulances."""
    receiving: Receiving = Receiving()
    """Care on reaching safety."""
    walk_reach_m: float = Field(2000.0, ge=0)
    """Farthest that people walk to a pickup point or station (m along streets). Assumption."""
    patience_s: float = Field(7200.0, gt=0)
    """How long people wait at a pickup point before they walk out, if `movement.walk_out_limit_m` lets them (s).
    Assumption."""
    book_ahead_h: float = Field(24.0, gt=0)
    """How far ahead people take a seat on a train (h). Assumption."""

    @model_validator(mode="after")
    def _names(self):
        for what, names in (
            ("stops", [s.name for s in (*self.pickup_points, *self.trains)]),
            ("fleets", [f.name for f in self.fleets]),
        ):
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise ValueError(f"{twice[0]!r} is the name of two {what}; give each a different name")
        known = [f.name for f in self.fleets]
        for one in self.reinforcements:
            if one.fleet not in known:
                raise ValueError(f"a reinforcement is for {one.fleet!r}; the fleets are {', '.join(known) or 'none'}")
        by_point = [f for f in self.fleets if f.serves == Serves.PICKUP_POINTS]
        if by_point and not self.pickup_points:
            raise ValueError(
                f"fleet {by_point[0].name!r} serves pickup points and there are none; name some, or serve door_to_door"
            )
        return self


def waiting_for_triggers(services: Services) -> list[tuple[str, str | None]]:
    """Return (key, name of the trigger or None) of everything of services that may wait for one."""
    more = enumerate(services.reinforcements)
    found = [(f"services.reinforcements.{row}.after", one.after) for row, one in more]
    for row, train in enumerate(services.trains):
        found.append((f"services.trains.{row}.begins_after", train.begins_after))
        found.append((f"services.trains.{row}.ends_after", train.ends_after))
    each = [(f"services.fleets.{row}", fleet.hours) for row, fleet in enumerate(services.fleets)]
    each += [(f"services.pickup_points.{row}", point.hours) for row, point in enumerate(services.pickup_points)]
    for key, hours in (*each, ("services.ambulances", services.ambulances.hours)):
        for row, one in enumerate(hours):
            found.append((f"{key}.hours.{row}.after", one.after))
            found.append((f"{key}.hours.{row}.ends_after", one.ends_after))
    return found
