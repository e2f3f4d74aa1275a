"""What a run is judged by: every outcome with its words, unit, direction and panel.

Tables, pictures, reports, comparisons, sweeps and the refusal of harmful searches read them here. A new outcome is an
entry here and its value in `model/results/metrics.py`.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from safepassage.agents.civilians import Injury, Mobility, Protection, Status


class Direction(StrEnum):
    """Which way an outcome is better for people."""

    MORE = "more is better"
    LESS = "less is better"
    COST = "a cost"
    """Less is cheaper, and says nothing of people."""
    NEUTRAL = "neither"


class Panel(StrEnum):
    """Where an outcome stands in tables and pictures."""

    PEOPLE = "People at the end of the run"
    HARM = "Hurt or killed"
    CLEARANCE = "Time from the first order until out"
    PROGRESS = "Time from the start of the run until out"
    EXPOSURE = "Time in the endangered area"
    ROADS = "Delay on the roads"
    SERVICES = "Buses, trains and other services"
    RECEPTION = "Beds for those who are out"
    FAIRNESS = "Inequality of danger and delay"
    FRONT = "The front"


@dataclass(frozen=True)
class Outcome:
    """One number of a run."""

    name: str
    words: str
    unit: str
    """people, person-hours, h, ...; "1": a share or a ratio."""
    direction: Direction
    panel: Panel
    is_compared: bool = False
    """Plans are compared by it."""

    @property
    def more_is_better(self) -> bool | None:
        """Whether more is better; None if neither is."""
        if self.direction == Direction.NEUTRAL:
            return None
        return self.direction == Direction.MORE


MORE, LESS, COST, NEUTRAL = Direction
_DIRECTIONS = {Status.SAFE: MORE, Status.SHELTERING: NEUTRAL}
"""Of the numbers by status, LESS of the others. Who is in a shelter is better off than outdoors and worse than out of
the area: a plan that takes people out of town from there empties shelters."""
_FIRST = (Status.SAFE, Status.TRAVELLING, Status.PREPARING, Status.WAITING, Status.STRANDED, Status.SHELTERING)
"""Order in tables; the other statuses follow."""
_COMPARED = (Status.SAFE, Status.STRANDED)
FRONT_NEAR_KM = 5.0
"""Distance from the reference point at which a front is said to have come (km). Assumption."""
AT_STOPS = (Protection.OUTDOORS, Protection.INNER_ROOM)
"""Where people wait at stops."""
PERCENT_OUT = (10, 25, 50, 75, 90)
"""Shares of the residents (%) whose time out is told. The residents are the same under every plan, those who leave are
not: only times of a share of the residents compare plans that move different numbers of people."""
PERCENT_OF_LEAVERS = (90, 100)
"""Shares of those leaving (%) whose time out is told from the start of the run: the same moment under every plan, where
ETE90 counts from each plan's own first order. Neither more nor less of it is better: a plan that moves more people
takes longer."""

_ALL = (
    Outcome("residents", "residents at the start", "people", NEUTRAL, Panel.PEOPLE),
    *(
        Outcome(s.name.lower(), s.words, "people", _DIRECTIONS.get(s, LESS), Panel.PEOPLE, s in _COMPARED)
        for s in (*_FIRST, *(s for s in Status if s not in (*_FIRST, Status.DEAD)))
    ),
    Outcome("evacuated_share", "share of the residents who are out", "1", MORE, Panel.PEOPLE),
    Outcome("left_behind", "left behind: alive and not out", "people", LESS, Panel.PEOPLE, is_compared=True),
    Outcome("in_institutions", "residents and staff of institutions, alive and not out", "people", LESS, Panel.PEOPLE),
    Outcome("turned_back", "turned back when a truce was violated", "people", LESS, Panel.PEOPLE),
    Outcome("casualties", "people hurt or killed", "people", LESS, Panel.HARM, is_compared=True),
    Outcome("dead", Status.DEAD.words, "people", LESS, Panel.HARM, is_compared=True),
    Outcome("injured_light", f"{Injury.LIGHT.words}, alive", "people", LESS, Panel.HARM),
    Outcome("injured_serious", f"{Injury.SERIOUS.words}, alive", "people", LESS, Panel.HARM),
    # those of cold are there in runs with weather alone
    Outcome("cold_casualties", "made ill or killed by cold", "people", LESS, Panel.HARM),
    Outcome("cold_deaths", "killed by cold", "people", LESS, Panel.HARM),
    Outcome("cold_casualties_expected", "expected to be made ill or killed by cold", "people", LESS, Panel.HARM,
            is_compared=True),
    Outcome("ete50", "until 50% of those leaving are out (ETE50)", "h", LESS, Panel.CLEARANCE),
    Outcome("ete90", "until 90% of those leaving are out (ETE90)", "h", LESS, Panel.CLEARANCE),
    Outcome("ete95", "until 95% of those leaving are out (ETE95)", "h", LESS, Panel.CLEARANCE),
    Outcome("ete100", "until all of those leaving are out (ETE100)", "h", LESS, Panel.CLEARANCE),
    *(Outcome(f"out{percent}", f"until {percent}% of the residents are out", "h", LESS, Panel.PROGRESS,
              is_compared=True) for percent in PERCENT_OUT),
    *(Outcome(f"leavers_out{percent}", f"until {percent}% of those leaving are out, from the start of the run", "h",
              NEUTRAL, Panel.PROGRESS, is_compared=True) for percent in PERCENT_OF_LEAVERS),
    Outcome("exposure_person_h", "time in the endangered area", "person-hours", LESS, Panel.EXPOSURE, is_compared=True),
    Outcome("exposure_unprotected_person_h", "time outdoors or in a vehicle", "person-hours", LESS, Panel.EXPOSURE,
            is_compared=True),
    *(Outcome(f"exposure_{p.name.lower()}", f"time {p.words}", "person-hours", LESS, Panel.EXPOSURE)
      for p in Protection),
    Outcome("cold_outside", "time outdoors in the cold", "person-hours", LESS, Panel.EXPOSURE, is_compared=True),
    Outcome("homes_without_heat", "homes without heating, added up over the days", "household-days", LESS,
            Panel.EXPOSURE, is_compared=True),
    Outcome("homes_without_water", "homes without water left, added up over the days", "household-days", LESS,
            Panel.EXPOSURE, is_compared=True),
    Outcome("gathered", "time in cars at places of assembly", "person-hours", LESS, Panel.EXPOSURE),
    Outcome("vehicle_delay", "time lost by vehicles in queues", "vehicle-hours", LESS, Panel.ROADS),
    Outcome("service_runs", "runs of vehicles and trains", "runs", NEUTRAL, Panel.SERVICES),
    Outcome("boarded", "people carried", "people", MORE, Panel.SERVICES, is_compared=True),
    Outcome("seats_offered", "seats offered", "seats", NEUTRAL, Panel.SERVICES, is_compared=True),
    Outcome("seats_used_share", "share of the seats used", "1", NEUTRAL, Panel.SERVICES),
    Outcome("seat_hours_used", "seat-hours used", "seat-hours", COST, Panel.SERVICES, is_compared=True),
    Outcome("seat_hours_offered", "seat-hours offered: seats of vehicles out on their runs", "seat-hours", COST,
            Panel.SERVICES),
    Outcome("crew_hours", "crews out on their runs, up to where they leave the area", "person-hours", COST,
            Panel.SERVICES),
    Outcome("waiting_at_stops", "waiting at stops at the end", "people", LESS, Panel.SERVICES),
    Outcome("wait_longest", "longest wait of a person carried", "h", LESS, Panel.SERVICES),
    *(Outcome(f"waiting_{p.name.lower()}", f"time waiting at stops, {p.words}", "person-hours", LESS, Panel.SERVICES)
      for p in AT_STOPS),
    Outcome("crew_exposure", "time of crews in the endangered area", "person-hours", LESS, Panel.SERVICES,
            is_compared=True),
    Outcome("crew_casualties_expected", "expected casualties among crews", "people", LESS, Panel.SERVICES),
    Outcome("crew_casualties_per_1000", "expected casualties among crews per 1,000 people carried",
            "per 1,000 people", LESS, Panel.SERVICES),
    Outcome("vehicles_lost", "vehicles lost", "vehicles", LESS, Panel.SERVICES),
    Outcome("beds_used", "beds used in reception places, with those kept for people on the way", "people", NEUTRAL,
            Panel.RECEPTION),
    Outcome("given_bed", "people who have been given a bed", "people", MORE, Panel.RECEPTION),
    Outcome("sent_onward", "people sent on from a full reception place", "people", NEUTRAL, Panel.RECEPTION),
    Outcome("without_bed", "out and waiting for a bed at the end", "people", LESS, Panel.RECEPTION, is_compared=True),
    Outcome("waiting_for_bed", "time waiting for a bed", "person-hours", LESS, Panel.RECEPTION, is_compared=True),
    Outcome("first_place_full", "until the first reception place is full, from the start of the run", "h", NEUTRAL,
            Panel.RECEPTION),
    Outcome("t90_ratio_impaired", "time until 90% of those leaving are out, impaired / unimpaired", "1", LESS,
            Panel.FAIRNESS),
    Outcome("risk_ratio_impaired", "share hurt or killed, impaired / unimpaired", "1", LESS, Panel.FAIRNESS),
    Outcome("t90_ratio_no_car", "time until 90% of those leaving are out, household without / with a car", "1", LESS,
            Panel.FAIRNESS),
    Outcome("risk_ratio_no_car", "share hurt or killed, household without / with a car", "1", LESS, Panel.FAIRNESS),
    Outcome("gap_hours_in_area", "mean hours in the area, worst-off minus best-off group", "h", LESS,
            Panel.FAIRNESS, is_compared=True),
    Outcome("gini_hours_in_area", "inequality of the hours in the area among people (Gini)", "1", LESS, Panel.FAIRNESS),
    Outcome("front_at_end_km", "front at the end of the run: distance from the reference point", "km", NEUTRAL,
            Panel.FRONT),
    Outcome("front_near_d", f"until the front is within {FRONT_NEAR_KM:g} km of the reference point", "days", NEUTRAL,
            Panel.FRONT),
)  # fmt: skip

_OF_GROUPS_ONLY = (
    Outcome("n_persons", "people of the group", "people", NEUTRAL, Panel.PEOPLE),
    Outcome("casualties_per_1000", "hurt or killed per 1,000 people", "per 1,000 people", LESS, Panel.HARM),
    Outcome("median_arrival_h", "median time until out, of those who are out", "h", LESS, Panel.CLEARANCE),
)
_OF_MANY_RUNS = (
    Outcome("remaining", "still in the area, alive", "people", LESS, Panel.PEOPLE),
    Outcome("cost", "price of the levers used", "as priced", COST, Panel.SERVICES),
)

OUTCOMES: dict[str, Outcome] = {outcome.name: outcome for outcome in _ALL}
"""Every outcome that a run has, by name, in the order in which they stand in tables."""
_KNOWN = OUTCOMES | {outcome.name: outcome for outcome in (*_OF_GROUPS_ONLY, *_OF_MANY_RUNS)}

GROUPS = {
    **{m.name.lower(): m.words for m in Mobility},
    "with_car": "household with a car",
    "no_car": "household without a car",
    "under_18": "under 18",
    "65_and_over": "65 and over",
}
"""Groups of people whose fate is told apart: name -> words; `left_behind:no_car` is an outcome of one of them."""
BY_GROUP = ("n_persons", "evacuated_share", "casualties_per_1000", "median_arrival_h", "left_behind")
"""Outcomes that a run has for each group that has members."""
NAMES = (*OUTCOMES, *(f"{name}:{group}" for name in BY_GROUP for group in GROUPS))
"""Names of all outcomes of a run."""
STATISTICS = {"mean": "mean", "p05": "5th percentile", "p95": "95th percentile"}
"""What may stand before an outcome of many runs: `p95.casualties`."""

_NAME = re.compile(rf"(?:({'|'.join(STATISTICS)})[._])?(?:n_)?(\w+?)(?::(\w+))?(?:@(\d+))?")


def outcome_of(name: str) -> Outcome | None:
    """Return the outcome that a name stands for, None if it stands for none.

    A name is that of an outcome or, with n_ before it, of its column in the table timeseries; then it may have a group
    (`left_behind:no_car`), a time in seconds after the start (`n_safe@3600`) and a statistic before it (`p95.dead`).
    """
    exact = _KNOWN.get(name)
    if exact is not None:
        return exact
    found = _NAME.fullmatch(name)
    statistic, plain, group, time_s = found.groups() if found else (None, "", None, None)
    outcome = _KNOWN.get(plain)
    if outcome is None or (group is not None and group not in GROUPS):
        return None
    words = outcome.words
    words += f", {GROUPS[group]}" if group else ""
    words += f", by {float(time_s) / 3600:g} h after the start" if time_s else ""
    words = f"{STATISTICS[statistic]}: {words}" if statistic else words
    return replace(outcome, name=name, words=words)


def compared(found: Iterable[str]) -> tuple[Outcome, ...]:
    """Return what plans are compared by among the outcomes found, in order, then those left behind by group."""
    there = set(found)
    main = [outcome for outcome in OUTCOMES.values() if outcome.is_compared]
    groups = [outcome_of(f"left_behind:{group}") for group in GROUPS]
    return tuple(outcome for outcome in (*main, *groups) if outcome and outcome.name in there)


def unknown(name: str) -> str:
    """Return what to say of a name that stands for no outcome: the nearest one, or all that there are."""
    close = difflib.get_close_matches(name, OUTCOMES, n=1)
    if close:
        return f"there is no outcome {name!r}. Did you mean {close[0]}?"
    by_group = ", ".join(f"{one}:{next(iter(GROUPS))}" for one in BY_GROUP)
    return f"there is no outcome {name!r}. There are {', '.join(OUTCOMES)}; and by group, such as {by_group}."
