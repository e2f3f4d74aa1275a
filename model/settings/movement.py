"""How news of the roads travels, and what people do when they cannot continue."""

from pydantic import Field

from safepassage.model.settings.base import Section


class Lifts(Section):
    """Households without a car, or without a driver, that ride with neighbours who leave and have room.

    They go when the neighbours go, ready or not, once they have decided to leave. Assumption.
    """

    share: float = Field(0.42, ge=0, le=1)
    """Share of them that neighbours would take along; fewer ride, since some find no room or their neighbours stay. 0:
    nobody rides with others. Of some 10,000 who left the surroundings of Fukushima in 2011, 76 % drove in a car of
    their own family and 10 % rode in that of acquaintances: 10 of the 24 % who did not drive (universities of Tokyo and
    Nagoya, in Asahi Shimbun of 13 July 2014; SOURCES 3.3). Assumption that neighbours under fire do as much; range 0.2
    to 0.8. Plans for nuclear plants in the United States count half, Mississauga in 1979 had four fifths (both
    recalled)."""
    reach_m: float = Field(50.0, gt=0, le=5000)
    """How far away at most those live who take each other along (m): in one building or the houses beside it.
    Assumption."""
    seats: int = Field(5, ge=1, le=20)
    """People that fit into a car. Five people a car were seen to leave Mariupol (15 March 2022) and 4.7 Karabakh."""
    wait_h: float = Field(3.0, ge=0)
    """How long a household that is ready waits for neighbours who mean to leave later (h). Assumption."""


class Movement(Section):
    """Rules of movement that are not properties of the streets."""

    road_news_delay_s: float = Field(900.0, ge=0)
    """Time from the first person who meets a closed street until everybody knows of it (s). Assumption."""
    congestion_news_delay_s: float = Field(600.0, gt=0)
    """Mean age of what drivers without live news know of queues (s): each looks at them every twice this time, at
    individual moments, and keeps the route in between. Halving or doubling it moves the delay of a city by a few
    per cent. Assumption."""
    risk_aversion: float = Field(5.0, ge=0)
    """Seconds that people would spend to be spared one second at the front line: the cost of a way is its time plus
    this times the danger perceived along it. 0: routes know time only. Assumption."""
    danger_fades_km: float = Field(5.0, gt=0)
    """Distance from the front, as reported, over which perceived danger falls to 1/e (km): as shelling does
    (SOURCES 5.3). Assumption that people perceive it so."""
    live_news_share: float = Field(0.25, ge=0, le=1)
    """Share of parties with live news of queues, by sight of the roads ahead, by radio or by a map on the phone. A part
    of town without phones has none. Assumption: at 0.1 flows swing between exits, at 0.5 they do not."""
    live_news_every_s: float = Field(60.0, gt=0)
    """Time between two looks at live news (s). Assumption."""
    patience_s: float = Field(1800.0, gt=0)
    """Time after which people in a car that has no way on, or stands in a gridlock, leave it and walk (s).
    Assumption."""
    wreck_stands_s: float = Field(3600.0, ge=0)
    """Time for which a vehicle that was struck or left takes a lane, until somebody pushes it aside (s). Assumption."""
    lifts: Lifts = Lifts()
    """Lifts in the cars of neighbours."""
    walk_out_limit_m: float = Field(15_000.0, ge=0)
    """Farthest that people walk out of the area (m along streets); those farther out wait for a seat. Adults walk
    10 to 20 km a day (SOURCES 3.1, Assumption)."""
    walk_out_limit_slow_m: float = Field(5_000.0, ge=0)
    """The same for households with somebody of 65 or older, a child under 7, or who walks slowly or with help (m): 2 to
    5 km a day for the old (SOURCES 3.1, Assumption)."""
    walker_specific_flow_per_m_s: float = Field(1.225, gt=0)
    """Most walkers per metre of width and second (1/(m s)). Weidmann 1993."""
    shared_streets_every_s: float = Field(60.0, gt=0)
    """Time between two updates of how walkers and cars on streets without pavement hinder each other (s); see
    model/movement/shared_streets.py. Assumption."""
    car_width_m: float = Field(2.5, gt=0)
    """Width that a car takes from walkers on a street without pavement: 1.8 m and 0.35 m on each side (m).
    Assumption."""
    follow_density_per_m2: float = Field(0.5, gt=0)
    """Walkers per square metre of carriageway among which a car can only follow: about 1.4 m from one to the next,
    less than a car's width (1/m2). Assumption."""
    car_speed_among_walkers_m_s: float = Field(1.34, gt=0)
    """Speed of a car that follows walkers (m/s): their mean free speed, Weidmann 1993. Assumption that it is kept in
    denser crowds too."""
