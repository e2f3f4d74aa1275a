"""What each table of a run holds: what a row is, and what each column means. Units stand in `columns.unit_of`.

A new column is told here beside its table; a test finds the ones that are not. `*` stands for the name of an exit.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from safepassage.agents.civilians import Injury, Mobility, Protection, Status
from safepassage.agents.parties import Mode
from safepassage.model.hazard.impacts import Size


@dataclass(frozen=True)
class Described:
    """One table of a run."""

    row: str
    """What one row is, and when the table is there."""
    columns: dict[str, str]
    """Column, or pattern of columns, and what it means."""

    def meaning(self, column: str) -> str | None:
        """Return what a column means; None if it is not described."""
        return next((words for name, words in self.columns.items() if fnmatchcase(column, name)), None)


def _one_of(enum: Any) -> str:
    return ", ".join(member.name for member in enum)


_TIME = "moment, after the start of the run"
_PLACE = {"x_m": "place, east, in the plane of the map", "y_m": "place, north, in the plane of the map"}
_STILL_INF = "; inf: not within the run"
_LINK = {
    "link": "number of the link",
    "upstream": "id of the node where it begins",
    "downstream": "id of the node where it ends",
    "name": "name of the street",
    "highway": "class of the street, as in OpenStreetMap",
    "length_m": "length",
    "n_vehicles": "vehicles that have left it",
    "n_walking_persons": "people on foot who have left it",
    "time_vehicle_h": "time that the vehicles which have left it spent on it, in free flow and in queues",
    "delay_vehicle_h": "time that vehicles lost on it against free flow",
    "closed_time_s": "when it was first closed to cars; inf: never",
    "gridlock_time_s": "when it was first part of a gridlock; inf: never",
    "x_m": "points of its line, east",
    "y_m": "points of its line, north",
}

TABLES: dict[str, Described] = {
    "timeseries": Described(
        "One moment; a row each `run.record_every_s` and at the end.",
        {
            "time_s": _TIME,
            **{f"n_{s.name.lower()}": f"people whose status is {s.name}" for s in Status},
            **{f"n_injury_{i.name.lower()}": f"people whose injury is {i.name}" for i in Injury},
            **{f"n_{p.name.lower()}_at_risk": f"people in the area and alive whose protection is {p.name}"
               for p in Protection},
            "n_vehicles_on_way": "vehicles on the streets or waiting to get onto them",
            "n_walking_parties_on_way": "walking parties on the streets",
            "n_impacts_so_far": "impacts since the start",
            "n_links_closed": "drivable links closed to cars at this moment",
            "n_left_town": "people who are safe or have left the town for safety, on an onward road",
            "n_out_by_*": "people who have reached safety by this exit since the start",
        },
    ),
    "casualties": Described(
        "One moment, as in `timeseries`: people hurt, and how many were expected from the same exposures.",
        {
            "time_s": _TIME,
            "n_hurt": "people hurt or killed since the start",
            "n_hurt_expected": "sum of their probabilities to be hurt",
            "n_hurt_low": "lower end of the 95 % band about it",
            "n_hurt_high": "upper end of the 95 % band about it",
        },
    ),
    "exit_states": Described(
        "One exit at one moment of `timeseries`.",
        {
            "time_s": _TIME,
            "exit": "name of the exit",
            "n_cars_last_km": "cars on the last kilometre of road before it",
            "cars_pass": "whether cars can leave by it",
            "walkers_pass": "whether people on foot can leave by it",
        },
    ),
    "street_changes": Described(
        "One change of one link: it closes, or opens again.",
        {
            "time_s": _TIME,
            "link": "row in `links`",
            "is_closed_to_cars": "from then on",
            "is_closed_to_walkers": "from then on",
        },
    ),
    "persons": Described(
        "One person, as they are at the end of the run.",
        {
            "person": "number of the person",
            "household": "number of the household, as `safepassage story --household` takes it",
            "family": "number of the household's family: its own, unless one adult stays behind as a household",
            "zone": "name of the zone of the home",
            "age": "age",
            "is_female": "sex",
            "mobility": f"one of {_one_of(Mobility)}",
            "has_car": "whether the household has a car",
            "home_x_m": "place of the home, east",
            "home_y_m": "place of the home, north",
            "status": f"one of {_one_of(Status)}",
            "reason": "why they are where they are, in words",
            "protection": f"one of {_one_of(Protection)}",
            "injury": f"one of {_one_of(Injury)}",
            "injury_time_s": "when they were hurt; inf: unhurt",
            "death_time_s": "when they died; inf: they live",
            "decision_time_s": f"when the household decided to leave{_STILL_INF}",
            "departure_time_s": "when the household set out or means to; inf: not planned",
            "safe_time_s": f"when they reached safety{_STILL_INF}",
        },
    ),
    "trips": Described(
        "One household that has set out.",
        {
            "party": "number of the household",
            "mode": f"one of {_one_of(Mode)}: how it travels, or travelled last",
            "left_car": "whether it left its car on the way and walked on",
            "n_persons": "people in it, the dead among them",
            "home_node": "id of the node where it joined the streets",
            "departure_time_s": "when it set out",
            "arrival_time_s": f"when it reached safety{_STILL_INF}",
            "exit": "name of the exit it left by; empty: by none so far, or by train",
        },
    ),
    "links": Described("One link: one direction of a street between two nodes.", _LINK),
    "onward_roads": Described("One link of a road that leads on from an exit; as in `links`.", _LINK),
    "impacts": Described(
        "One impact.",
        {
            "time_s": _TIME,
            **_PLACE,
            "size": f"class of size, one of {_one_of(Size)}",
            "cluster": "number of the cluster that it belongs to",
        },
    ),
    "exits": Described(
        "One exit.",
        {
            "exit": "name",
            "node": "id of its node",
            **_PLACE,
            "flow_capacity_per_s": "most vehicles that can leave by it, as stated",
            "delivered_per_s": "cars of households that it let out in its best hour",
            "used_share": "cars of households, against what it could let out between the first and the last of them; "
            "nan: fewer than two of them, or no capacity",
            "n_cars": "cars that have left by it",
            "n_walkers": "people who have left by it on foot",
            "n_persons": "people who have left by it, cars and buses included",
        },
    ),
    "exposure": Described(
        "One protection, mobility and zone of the home together.",
        {
            "protection": f"one of {_one_of(Protection)}",
            "mobility": f"one of {_one_of(Mobility)}",
            "zone": "name of the zone of the home",
            "exposure_person_h": "time that such people spent in the area, alive, so protected",
        },
    ),
    "zones": Described(
        "One zone.",
        {
            "zone": "name",
            "n_residents": "residents at the start",
            "n_safe": "of them out of the area at the end",
        },
    ),
    "zone_outlines": Described(
        "One outer border of a zone, for maps.",
        {"zone": "name of the zone", "x_m": "points of the border, east", "y_m": "points of the border, north"},
    ),
    "background": Described(
        "One line, ring or point beneath the streets, for maps; only if the scenario names `streets.background`.",
        {
            "thing": "number of the thing; an area with holes has a ring for each",
            "kind": "water, green, railway or place",
            "name": "its name, or nothing",
            "is_area": "whether the rings enclose an area",
            "x_m": "points, east",
            "y_m": "points, north",
        },
    ),
    "trajectories": Described(
        "One party on the streets at one moment; only with `run.record_positions_every_s`.",
        {
            "time_s": _TIME,
            "party": "number of the household; a service vehicle has a number after the last of them",
            **_PLACE,
            "mode": f"code of the mode, from 0: {_one_of(Mode)}",
            "stands": "whether it stands still in a queue",
        },
    ),
    "front": Described(
        "One moment at which the place of the front is known; only in scenarios with a front.",
        {
            "time_s": f"{_TIME}; the first row may lie before it",
            "distance_km": "distance from the reference point to the front",
            "reference_x_m": "reference point, east",
            "reference_y_m": "reference point, north",
            "bearing_rad": "direction from the reference point to the front, clockwise from north",
            "area_wkb": "area behind the front as well-known binary, where the scenario gives areas, not distances",
        },
    ),
    "shelters": Described(
        "One shelter; only in scenarios with shelters.",
        {"shelter": "name", **_PLACE, "capacity": "people it holds"},
    ),
    "shelter_states": Described(
        "One shelter at one moment of `timeseries`.",
        {
            "time_s": _TIME,
            "shelter": "name of the shelter",
            "n_inside": "people inside",
            "is_open": "whether it lets people in",
        },
    ),
    "stop_states": Described(
        "One stop at one moment of `timeseries`; only in scenarios with services.",
        {
            "time_s": _TIME,
            "stop": "name of the stop",
            "n_waiting": "people waiting there",
            "n_boarded": "people who have boarded there since the start",
            "is_open": "whether it takes people in",
        },
    ),
    "services": Described(
        "One run of a service vehicle or train; only in scenarios with services.",
        {
            "vehicle": "name of the vehicle, or of the train's station",
            "fleet": "name of its fleet, or train",
            "start_s": "when it was sent out; of a train, when it departed",
            "n_pickups": "places where it took people up",
            "n_boarded": "people aboard",
            "n_assisted": "of them in need of assistance",
            "n_seats": "ordinary seats",
            "exit": "name of the exit it left by; empty: a train, or not so far",
            "end_s": f"when it had left the area{_STILL_INF}",
        },
    ),
    "stops": Described(
        "One stop; only in scenarios with services.",
        {
            "stop": "name",
            **_PLACE,
            "protection": f"of those who wait there, one of {_one_of(Protection)}",
            "n_boarded": "people who boarded there",
            "n_waiting": "people still waiting there at the end",
            "median_wait_s": "median wait of those who boarded; nan: nobody did",
            "max_wait_s": "longest wait of those who boarded; nan: nobody did",
            "waiting_person_h": "time that all who waited there spent waiting",
        },
    ),
    "vehicles": Described(
        "One service vehicle; only in scenarios with services.",
        {
            "vehicle": "name",
            "fleet": "name of its fleet",
            "n_seats": "ordinary seats",
            "n_runs": "runs it has begun",
            "n_boarded": "people it took aboard",
            "n_crew": "crew",
            "crew_person_h": "time that its crew spent in the area",
            "n_crew_casualties_expected": "sum of the probabilities that its crew comes to harm",
            "is_lost": "whether it was put out of action",
        },
    ),
    "institutions": Described(
        "One institution; only in scenarios with institutions.",
        {
            "institution": "name",
            "kind": "hospital, care_home or prison",
            "n_residents": "residents at the start",
            "n_staff": "staff at the start",
            "n_out": "residents and staff who are out of the area",
            "n_dead": "residents and staff who died",
            "n_hurt": "residents and staff hurt or killed",
            "last_out_s": "when the last batch so far came to safety; inf: none has",
        },
    ),
    "reception": Described(
        "One reception place at one moment of `timeseries`, and one row without a place for those who belong to none; "
        "only in scenarios with `reception.places`. Everybody who is out is counted once: in a bed, coming, waiting, "
        "or with an arrangement of their own.",
        {
            "time_s": _TIME,
            "place": "name of the reception place; empty: none",
            "is_open": "whether it is open",
            "n_beds_free": "beds that nobody is in and that are kept for nobody on the way to them",
            "n_in_bed": "people in a bed there",
            "n_coming": "people on the way to it, out of the town or sent on from another place",
            "n_waiting": "people there without a bed; without a place: those whom no place takes",
            "n_own_arrangement": "people with friends or relatives, in what they rent, or gone on from a bed",
            "n_given_bed_so_far": "people who have been given a bed there since the start",
            "n_sent_onward_so_far": "people who have been sent on from it since the start",
        },
    ),
    "reception_places": Described(
        "One reception place as it stands at the end, and one row without a place for those whom no place takes; only "
        "in scenarios with `reception.places`.",
        {
            "place": "name of the reception place; empty: none",
            "n_beds": "beds",
            "n_beds_used": "beds in which somebody is, or that are kept for somebody on the way to them",
            "n_came": "people who have come to it out of the town, whether or not there was a bed",
            "n_given_bed": "people who have been given a bed there",
            "n_sent_onward": "people who have been sent on from it",
            "n_waiting": "people there without a bed",
            "waiting_person_h": "time that people have waited there for a bed",
            "first_full_s": "when its last bed was first given away; inf: not so far",
        },
    ),
    "schools": Described(
        "One school; only in scenarios with schools.",
        {
            "school": "name",
            **_PLACE,
            "n_pupils": "children who go there",
            "n_at_school": "of them those who are there at the end",
            "n_fetched_or_sent_home": "of them those whom their families have fetched, or the school has sent home",
            "n_out": "of them those who are out of the area",
            "waited_for_pupils_h": "hours for which their households waited, before they could set out, for children, "
            "for adults at work and for relatives",
        },
    ),
    "cold_days": Described(
        "One local date that has begun; only in scenarios with weather.",
        {
            "day": "the date",
            "mean_c": "mean temperature of the air",
            "wind_m_s": "wind",
            "ground": "what lies on the streets: none, snow or ice",
            "sunrise_s": "sunrise, after the start of the run; nan: the sun does not rise, or does not set",
            "sunset_s": "sunset; nan as before",
            "cold_outside_person_h": "time that people spent outdoors where it felt colder than `cold.feels_below_c`",
            "n_homes_without_heat": "homes with somebody in them and no heating, the most of the day",
            "n_homes_without_water": "homes with somebody in them and no water left, the most of the day",
            "n_people_in_cold_homes": "people in homes that lack warmth, the most of the day",
            "n_people_in_warm_places": "of them those with room in a warm place, the most of the day",
            "coldest_home_c": "temperature of the coldest homes; nan: not looked at that day",
            "n_cold_expected": "people whom cold was to be expected to make ill or kill, from the start to that day",
            "n_cold_casualties": "people whom cold made ill or killed that day",
            "n_cold_deaths": "of them the dead",
        },
    ),
    "cold_casualties": Described(
        "One person whom cold made ill or killed; only in scenarios with weather.",
        {
            "person": "number of the person, as in `persons`",
            "age": "age",
            "time_s": _TIME,
            "was_outside": "whether it was outdoors; else in a home without heating",
            "is_dead": "whether they died of it",
        },
    ),
    "truces": Described(
        "One window of one truce; only in scenarios with truces.",
        {
            "truce": "name of the truce",
            "start_s": "when the window begins; the run may begin later",
            "end_s": "when it ends, if it is kept",
            "broken_s": "when it was violated; inf: not so far",
            "n_suspended": "impacts that did not fall because of it",
            "n_set_out": "people who have left home for it",
            "n_turned_back": "of those on their way under it, people who turned back when it was violated",
            "gathered_person_h": "time that people stood in their cars at its place of assembly",
        },
    ),
}  # fmt: skip
"""Every table that a run can leave, by name."""
