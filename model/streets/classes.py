"""What a street is taken to be where its file does not say: one row for each OpenStreetMap highway class.

A file's own values of `maxspeed`, `lanes`, `width` and `sidewalk` always come first. Defaults go by class and never
by the mean of the file's values: that would put Türkoğlu's residential streets at 80 km/h.

Sources of the columns

- speed_km_h: the car profile of OSRM (Project-OSRM/osrm-backend, profiles/car.lua at 0012f45890a8), made for
  travel times and so below most legal limits; links ("ramps") and `track` from the same table. `busway` and the
  walk-only classes carry no cars: Assumption, used only if a scenario opens them.
- n_lanes, in one direction: Assumption, one but for two on motorways and trunk roads. A file's `lanes` counts both
  directions and is shared evenly (OpenStreetMap wiki, Key:lanes).
- lane_width_m: Assumption, within the 2.7 to 3.7 m usual for road lanes. Walk-only classes: width of the whole way.
- junction_factor, the share of the time of the junction at its end that a street gets at most while another stream
  crosses: Assumption. SOURCES 3.2 gives 0.35 to 0.5 for urban links (600 to 800 vehicles per hour and lane). What two
  such shares lack of 1 is time lost at the change from one stream to the other. Where three streams and more run, or
  shares add up to more than 1, each gets in proportion; where nothing crosses, a street has all the time. So a large
  road goes before a small one as its share is to the other's.
- n_pavements (sides with a pavement) and walk_share (share of the carriageway that walkers can use, cars beside
  them): Assumption. Pavements are PAVEMENT_WIDTH_M wide.
"""

from dataclasses import dataclass

from safepassage.agents.ground.arrays import Floats

JAM_DENSITY_PER_M = 0.133
"""Vehicles per metre of lane at standstill: one each 7.5 m (MATSim's queue model; SOURCES 3.2)."""

WAVE_SPEED_M_S = 5.0
"""Speed at which a gap travels back through a queue (triangular diagram; SOURCES 3.2)."""

HOME_WEIGHTS = {
    "residential": 1.0,
    "living_street": 1.0,
    "unclassified": 1.0,
    "tertiary": 1.0,
    "secondary": 1.0,
    "pedestrian": 1.0,
    "primary": 0.75,
}
"""Classes that people live along, and homes per metre against residential streets. Primary roads: on three maps of
OpenStreetMap (the centre of Helsinki, Monaco, Krems) the floor of the buildings nearest to a metre of them is 0.74 to
0.75 of that along a residential street. The others: Assumption."""

PAVEMENT_WIDTH_M = 1.5
"""Usable width of one pavement. Assumption."""

MIN_WALK_WIDTH_M = 1.0
"""A walkable street is never narrower than one file of people: below 1 m no walker passes (SOURCES 5). Assumption."""

SHOULDER_WIDTH_M = 1.5
"""Edge of a road without pavement that walkers can always use, where walking is allowed. Assumption."""


@dataclass(frozen=True)
class StreetClass:
    """Defaults of one highway class. rank: 0 for motorways, upwards towards minor ways; used to pick exits."""

    speed_km_h: float
    n_lanes: float
    lane_width_m: float
    junction_factor: float
    n_pavements: int
    walk_share: float
    drivable: bool
    walkable: bool
    rank: int


STREET_CLASSES = {
    # class: speed_km_h, n_lanes, lane_width_m, junction_factor, n_pavements, walk_share, drivable, walkable, rank
    "motorway": StreetClass(90, 2, 3.7, 1.0, 0, 0.0, True, False, 0),
    "motorway_link": StreetClass(75, 1, 3.7, 0.8, 0, 0.0, True, False, 0),
    "trunk": StreetClass(85, 2, 3.5, 0.8, 0, 0.0, True, False, 1),
    "trunk_link": StreetClass(70, 1, 3.5, 0.6, 0, 0.0, True, False, 1),
    "primary": StreetClass(65, 1, 3.5, 0.5, 2, 0.0, True, True, 2),
    "primary_link": StreetClass(60, 1, 3.5, 0.5, 0, 0.0, True, True, 2),
    "secondary": StreetClass(55, 1, 3.25, 0.45, 2, 0.0, True, True, 3),
    "secondary_link": StreetClass(50, 1, 3.25, 0.45, 0, 0.0, True, True, 3),
    "tertiary": StreetClass(40, 1, 3.0, 0.4, 2, 0.0, True, True, 4),
    "tertiary_link": StreetClass(30, 1, 3.0, 0.4, 0, 0.0, True, True, 4),
    "unclassified": StreetClass(25, 1, 2.75, 0.35, 0, 0.5, True, True, 5),
    "residential": StreetClass(25, 1, 2.75, 0.35, 2, 0.25, True, True, 6),
    "living_street": StreetClass(10, 1, 2.75, 0.35, 0, 1.0, True, True, 7),
    "service": StreetClass(15, 1, 2.75, 0.35, 0, 0.5, True, True, 8),
    "busway": StreetClass(25, 1, 3.25, 0.45, 0, 0.0, False, False, 8),
    "track": StreetClass(5, 0.5, 3.0, 0.35, 0, 1.0, False, True, 9),
    "pedestrian": StreetClass(10, 1, 6.0, 0.35, 0, 1.0, False, True, 10),
    "cycleway": StreetClass(10, 1, 2.5, 0.35, 0, 1.0, False, True, 11),
    "footway": StreetClass(5, 1, 2.0, 0.35, 0, 1.0, False, True, 12),
    "bridleway": StreetClass(5, 1, 2.0, 0.35, 0, 1.0, False, True, 12),
    "platform": StreetClass(5, 1, 2.0, 0.35, 0, 1.0, False, True, 12),
    "corridor": StreetClass(5, 1, 2.0, 0.35, 0, 1.0, False, True, 13),
    "path": StreetClass(5, 1, 1.5, 0.35, 0, 1.0, False, True, 13),
    "steps": StreetClass(5, 1, 2.0, 0.35, 0, 1.0, False, True, 14),
    "elevator": StreetClass(5, 1, 1.0, 0.35, 0, 1.0, False, False, 15),
    "construction": StreetClass(5, 1, 3.0, 0.35, 0, 1.0, False, False, 15),
    "proposed": StreetClass(5, 1, 3.0, 0.35, 0, 1.0, False, False, 15),
}
"""Defaults by the value of OpenStreetMap's `highway`."""

UNKNOWN_CLASS = "unclassified"
"""Stands in for a class that the table does not have (`road` and others); reported."""

SPEED_WORDS_KM_H = {
    "none": 120.0,
    "walk": 6.0,
    "living_street": 10.0,
    "urban": 50.0,
    "rural": 80.0,
    "trunk": 100.0,
    "motorway": 120.0,
    "bicycle_road": 30.0,
}
"""km/h for `maxspeed` in words, also after a country ("CL:urban"). `urban`: 50 in most countries. Assumption."""


def street_class(highway: str) -> StreetClass:
    """Return the defaults of a highway class; of UNKNOWN_CLASS if the table does not have it."""
    return STREET_CLASSES.get(highway) or STREET_CLASSES[UNKNOWN_CLASS]


def lane_flow_per_s(
    speed_m_s: Floats, wave_speed_m_s: float = WAVE_SPEED_M_S, jam_density_per_m: float = JAM_DENSITY_PER_M
) -> Floats:
    """Return the most vehicles that pass per second and lane without interruption: u w kj / (u + w).

    Triangular fundamental diagram (Newell 1993); works on numbers and on arrays.
    """
    return speed_m_s * wave_speed_m_s * jam_density_per_m / (speed_m_s + wave_speed_m_s)
