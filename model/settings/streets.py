"""The streets of a scenario: which network, what is assumed about it, and where people leave it."""

from typing import Annotated

from pydantic import Field, model_validator

from safepassage.model.settings.base import DataFile, Section

PositiveByClass = dict[str, Annotated[float, Field(gt=0)]]
SpeedByClass = dict[str, Annotated[float, Field(ge=1, le=200)]]


class OnwardRoad(Section):
    """A leg of the road that leads on from an exit, towards where people are safe."""

    to: str = Field(min_length=1)
    """Place where it ends."""
    length_km: float = Field(gt=0, ge=0.1, le=3000)
    """Length along the road (km): at least 0.1."""
    speed_km_h: float = Field(default=60.0, ge=1, le=200)
    """Free-flow speed (km/h). Assumption: a rural main road in war, below its legal 90."""
    n_lanes: float = Field(default=1.0, gt=0)
    """Lanes away from the town. Assumption: a two-lane road."""
    bearing_deg: float | None = None
    """Direction in which it leads on, clockwise from north (degrees); by default away from the middle of the town. The
    distance from the front along it follows from that."""
    checkpoint_per_h: float | None = Field(default=None, gt=0)
    """Vehicles that a checkpoint at its end lets through in an hour; by default there is none. Seen: 232 an hour
    (Nagorno-Karabakh, 29 September 2023), some 330 to 670 (Mariupol, 15 March 2022)."""


class Exit(Section):
    """A place where people leave the area: a node of the network, or the node nearest to a place."""

    name: str | None = None
    """What tables and maps call it; by default the name of the road and the side of the area."""
    node: str | None = None
    """Id of a node in the network file (OpenStreetMap node id)."""
    latitude_deg: float | None = Field(default=None, ge=-90, le=90)
    """With longitude_deg: the nearest node is the exit (WGS 84, degrees)."""
    longitude_deg: float | None = Field(default=None, ge=-180, le=180)
    """With latitude_deg (WGS 84, degrees)."""
    x_m: float | None = None
    """With y_m: the nearest node is the exit (metres in the network's projected system)."""
    y_m: float | None = None
    """With x_m (metres)."""
    flow_capacity_per_s: float | None = Field(default=None, gt=0)
    """Most vehicles that can leave here per second; by default streets.exit_flow_per_lane_per_s for each lane."""

    confirmed: bool = True
    """Whether somebody who knows the place says that people can leave here. `safepassage init` writes false beside what
    it only found, and true with --accept-exits; what speaks against an exit is told until it is confirmed."""
    doubt: str = ""
    """What speaks against it besides what its streets show, such as the sea beyond; told until it is confirmed."""
    onward: tuple[OnwardRoad, ...] = ()
    """Road that leads on, leg after leg, to where people are safe; by default streets.onward."""

    @model_validator(mode="after")
    def _one_way_to_say_where(self):
        pairs = ((self.latitude_deg, self.longitude_deg), (self.x_m, self.y_m))
        if any((a is None) != (b is None) for a, b in pairs):
            raise ValueError("give latitude_deg together with longitude_deg, and x_m together with y_m")
        if (self.node is not None) + sum(a is not None for a, _ in pairs) != 1:
            raise ValueError(
                "say where the exit is in one way: node, or latitude_deg and longitude_deg, or x_m and y_m"
            )
        return self


class BorderExits(Section):
    """How exits are found where roads leave the area."""

    n_exits: int = Field(default=6, ge=1)
    """Largest number of exits to find, the largest roads first. Assumption."""
    classes: tuple[str, ...] = ("motorway", "trunk", "primary", "secondary", "tertiary")
    """Highway classes that may lead out (their ramps count with them). Assumption."""
    depth_share: float = Field(default=0.05, gt=0, le=1)
    """Distance from the border of the area within which a road must end, as a share of the area's
    diagonal. Assumption."""
    merge_m: float = Field(default=400.0, ge=0)
    """Candidates nearer to each other than this are one exit (m). Assumption."""


class GreenTime(Section):
    """Share of the time for which the signals of a junction are green for cars that come in by one street."""

    node: str
    """Id of the junction's node."""
    street: str | None = None
    """Name of the street, in letters of any case: each way in by it; give this or `from_node`."""
    from_node: str | None = None
    """Id of the node from which one way in comes."""
    share: float = Field(gt=0, le=1)
    """Share of the time."""

    @model_validator(mode="after")
    def _one_way_in(self):
        if (self.street is None) == (self.from_node is None):
            raise ValueError("say which way in in exactly one way: street (its name) or from_node (id of a node)")
        return self


class Signals(Section):
    """Traffic signals at junctions: a street that others cross passes its share of the time, whoever else comes.

    Green times are told by their share, not second by second. Ways in that run together (opposite ones) have green
    together. Without power they are dark, and the junction is an all-way stop.
    """

    of_file: bool = True
    """Whether the junctions that the network file marks (highway=traffic_signals) have signals."""
    nodes: tuple[str, ...] = ()
    """Ids of further nodes that have signals."""
    green: tuple[GreenTime, ...] = Field((), examples=[[{"node": "9", "street": "Main Street", "share": 0.6}]])
    """Green times that are known. Other ways in share the rest in proportion to streets.junction_factor."""
    cycle_s: float = Field(default=90.0, gt=0, le=600)
    """Time from green to green (s). Assumption: 60 to 120 are usual."""
    lost_s: float = Field(default=4.0, ge=0)
    """Time of each change in which nobody passes (s): start-up and clearance (HCM 2000, chapter 16: 2 and 2,
    recalled)."""
    dark_headway_s: float = Field(default=3.9, gt=0)
    """Time between cars of one lane at an all-way stop while no other stream is there (s). HCM 2000, chapter 17
    (recalled): 3.9 for one lane alone, 5.8 to 9.6 while others wait; here two streams share it, so that each then has
    7.8. All together were seen to pass 400 to 1,400 an hour on one-lane streets (Al-Kaisy and Doruk 2023, doi
    10.1177/03611981231155899). That drivers stop at dark signals is an assumption: where signs give priority then,
    lower it."""


class StreetSettings(Section):
    """The street network, what is assumed where it says nothing, and its exits."""

    network: DataFile
    """GraphML saved by OSMnx (.graphml or .graphml.gz), relative to the scenario file."""
    background: DataFile | None = None
    """Water, green, railways and names of places, drawn beneath the streets on maps and asked by no run: GeoJSON or
    another file of features with a `kind` (water, green, railway, place) and a `name`; by default nothing."""
    exits: tuple[Exit, ...] = ()
    """Named exits. If there are none, exits are found on the border."""
    border_exits: BorderExits | None = None
    """How to find exits on the border; given beside `exits`, these are added to them."""
    default_speed_km_h: SpeedByClass = Field(default={})
    """Free-flow speed by highway class where the file gives no maxspeed (km/h); see model/streets/classes.py."""
    default_lanes: PositiveByClass = Field(default={})
    """Lanes in one direction by highway class where the file gives none; see model/streets/classes.py."""
    default_width_m: PositiveByClass = Field(default={})
    """Width of the carriageway by highway class where the file gives none (m); by default lanes times lane width."""
    junction_factor: PositiveByClass = Field(default={})
    """Share of a junction's time that a street gets at most while others cross, by highway class; see
    model/streets/classes.py."""
    signals: Signals = Signals()
    """Traffic signals."""
    speed_factor: float = Field(default=1.0, gt=0, le=2)
    """Multiplies every vehicle speed, given or filled in: weather, darkness, damaged surface."""
    drivable: dict[str, bool] = Field(default={})
    """Highway classes opened to or closed for cars; wins over the file, so {track: true} opens tracks."""
    walkable: dict[str, bool] = Field(default={})
    """Highway classes opened to or closed for walkers; wins over the file, {motorway: true} for one."""
    onward: tuple[OnwardRoad, ...] = ()
    """Road that leads on from every exit that has none of its own; by default people are safe on reaching an exit."""
    exit_flow_per_lane_per_s: float = Field(default=600 / 3600, gt=0)
    """Vehicles that an exit lets out per lane of the roads into it, where flow_capacity_per_s is not given (1/s). What
    evacuations sustained without contraflow: 600 vehicles an hour and lane, 800 to 1,000 with it (counts of hurricanes
    Ivan, Katrina and Gustav in Louisiana, trid.trb.org/view.aspx?id=1093433). A checkpoint passed about 230 an hour
    (Nagorno-Karabakh, 29 September 2023)."""
    least_part_m: float = Field(default=500.0, ge=0)
    """A part of the network without any connection to the rest or to an exit is kept if it has this much street (m);
    a smaller part is taken for a mistake in the map and left out. Assumption."""
    min_length_m: float = Field(default=1.0, gt=0)
    """Length of streets whose length is zero or missing with both ends in one place (m). Assumption."""
