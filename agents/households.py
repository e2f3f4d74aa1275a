"""Households: who lives together, where, with which car, and what they have decided."""

from dataclasses import dataclass, field

import numpy as np

from safepassage.agents.rows.columns import column
from safepassage.agents.rows.rows import RowAgent
from safepassage.agents.words import Worded


class Cause(Worded):
    """What made a household decide to leave. The words complete "because of"."""

    NONE = 0, "nothing: it has not decided"
    ORDER = 1, "an order that it obeys"
    IMPACT = 2, "an impact nearby"
    WEIGHED = 3, "everything it knows, weighed together"
    """With no single push."""
    PERSUADED = 4, "people at its door who persuaded it"
    HOME_LOST = 5, "its home, which was destroyed"


@dataclass(eq=False)
class Households:
    """Columns, one row per household. People of household h are the rows first_person[h] to first_person[h + 1]."""

    first_person: np.ndarray
    """int64[n + 1]: row of the first member."""
    home_node: np.ndarray
    """int32: node where the household's trips start."""
    home_x_m: np.ndarray
    home_y_m: np.ndarray
    """float64: place of the home (m)."""
    zone: np.ndarray
    """int32: row of the zone."""
    has_car: np.ndarray
    """bool"""
    has_children: np.ndarray
    """bool: a member is under 18."""
    cause: np.ndarray
    """int8 of Cause: why the household decided to leave."""
    decision_time_s: np.ndarray
    """float64: when it decided to leave (s); inf: it has not."""
    departure_time_s: np.ndarray
    """float64: when it sets out or set out (s); inf: not planned."""
    family: np.ndarray
    """int32: row of the household's family: its own, unless somebody of the same home decides apart from the rest and
    is a household too; then that of the rest, for both."""
    key: np.ndarray
    """uint32: its number within its zone, or the digest of the id that the user gave it; names its draws."""
    place_key: np.ndarray
    """uint32: digest of its zone's name; names its draws."""

    can_walk: np.ndarray = field(init=False)
    """bool: can leave on foot: a member can help the others, or nobody needs help."""
    needs_help: np.ndarray = field(init=False)
    """bool: a member needs assistance."""
    is_extinct: np.ndarray = field(init=False)
    """bool: nobody of it lives."""
    stays_behind: np.ndarray = field(init=False)
    """bool: keeps the home until the rest of its family has left; nothing moves it before."""
    readiness: np.ndarray = field(init=False)
    """float64: its rate of leaving against that of the mean resident before the war in the same situation."""
    ordered_readiness: np.ndarray = field(init=False)
    """float64: the same of a family with children under a compulsory order, against other such families; else 0."""
    preparation_s: np.ndarray = field(init=False)
    """float64: from its decision until it can set out (s)."""
    leaving_threshold: np.ndarray = field(init=False)
    """float64: decides to leave when `weighed` reaches this."""
    weighed: np.ndarray = field(init=False)
    """float64: sum of its leaving rate over time so far."""
    leaving_rate_per_day: np.ndarray = field(init=False)
    """float64: rate at which it decides to leave, as of the last look at its situation (1/day)."""
    impacts_remembered: np.ndarray = field(init=False)
    """float64: impacts heard, the older ones fading, as of the last that anybody heard or the last look."""
    keeps_curfew: np.ndarray = field(init=False)
    """bool"""
    turn_after_curfew: np.ndarray = field(init=False)
    """float64: its turn among those who set out after a curfew; 0: first, 1: last."""
    waiting_since_s: np.ndarray = field(init=False)
    """float64: when it came to its stop or asked to be taken up at home (s); inf: it does not wait."""
    is_requesting: np.ndarray = field(init=False)
    """bool: has asked to be taken up at home."""
    walks_out: np.ndarray = field(init=False)
    """bool: could leave the area on foot when it last asked for a seat; those who cannot have the first claim."""
    order_obeyed: np.ndarray = field(init=False)
    """int32: number of the order that it last did as told by; -1: none. It counts while `cause` says so."""
    institution: np.ndarray = field(init=False)
    """int32: row of the institution of which it is a batch; -1: it is a household."""
    has_priority: np.ndarray = field(init=False)
    """bool: is fetched before all others."""
    has_basement: np.ndarray = field(init=False)
    """bool"""
    goes_to_shelter: np.ndarray = field(init=False)
    """bool: goes to a shelter in reach during an alert if it has no basement."""
    alert_from_s: np.ndarray = field(init=False)
    """float64: when the first impact of the present or last alert was heard at home (s); inf: never."""
    last_heard_s: np.ndarray = field(init=False)
    """float64: when an impact was last heard at home (s); -inf: never."""
    lull_wanted_s: np.ndarray = field(init=False)
    """float64: how long it must have been quiet until it leaves its cover to set out (s)."""
    waits_for_lull_since_s: np.ndarray = field(init=False)
    """float64: since when it has been ready to set out and waits for a lull (s); inf: it does not."""
    shelter: np.ndarray = field(init=False)
    """int32: shelter in which it has a place, on the way there included; -1: none."""
    has_lost_home: np.ndarray = field(init=False)
    """bool: its own home was destroyed."""
    lift_from: np.ndarray = field(init=False)
    """int32: household next door that would take it along in its car; -1: none."""
    lives_with: np.ndarray = field(init=False)
    """int32: household in whose home it lives since its own was destroyed; -1: in none."""
    is_coming_home: np.ndarray = field(init=False)
    """bool: walks home from its shelter to set out."""
    left_for_shelter_s: np.ndarray = field(init=False)
    """float64: when it left home for its shelter last (s); inf: never."""
    in_shelter_from_s: np.ndarray = field(init=False)
    """float64: when it came or comes to its shelter last (s); inf: never."""

    def __post_init__(self) -> None:
        for name, (dtype, value) in _BEFORE_THE_RUN.items():
            setattr(self, name, np.full(len(self), value, dtype))

    def __len__(self) -> int:
        return self.home_node.size

    @property
    def n_members(self) -> np.ndarray:
        """int64[n]: persons of each household, the dead among them."""
        return np.diff(self.first_person)

    def n_members_of(self, rows: np.ndarray) -> np.ndarray:
        """int64: the same for some households only."""
        return self.first_person[rows + 1] - self.first_person[rows]


_BEFORE_THE_RUN = {
    **dict.fromkeys(("can_walk", "needs_help", "is_extinct", "stays_behind"), (np.bool_, False)),
    **dict.fromkeys(("keeps_curfew", "is_requesting", "has_basement", "goes_to_shelter"), (np.bool_, False)),
    **dict.fromkeys(("is_coming_home", "has_lost_home", "walks_out", "has_priority"), (np.bool_, False)),
    **dict.fromkeys(("readiness", "ordered_readiness", "preparation_s", "turn_after_curfew"), (np.float64, 0.0)),
    **dict.fromkeys(("weighed", "leaving_rate_per_day", "impacts_remembered"), (np.float64, 0.0)),
    **dict.fromkeys(("leaving_threshold", "waiting_since_s", "in_shelter_from_s"), (np.float64, np.inf)),
    **dict.fromkeys(("alert_from_s", "waits_for_lull_since_s", "left_for_shelter_s"), (np.float64, np.inf)),
    "lull_wanted_s": (np.float64, 0.0),
    "last_heard_s": (np.float64, -np.inf),
    **dict.fromkeys(("shelter", "lives_with", "order_obeyed", "lift_from", "institution"), (np.int32, -1)),
}
"""Type and first value of the columns that are filled while a run goes on."""


class Household(RowAgent):
    """One household: a live handle on a row of `Households`."""

    home_node = column(np.int32)
    home_x_m = column(np.float64)
    home_y_m = column(np.float64)
    zone = column(np.int32)
    has_car = column(np.bool_)
    has_children = column(np.bool_)
    cause = column(np.int8, Cause)
    decision_time_s = column(np.float64)
    departure_time_s = column(np.float64)
    family = column(np.int32)
    can_walk = column(np.bool_)
    needs_help = column(np.bool_)
    is_extinct = column(np.bool_)
    stays_behind = column(np.bool_)
    readiness = column(np.float64)
    ordered_readiness = column(np.float64)
    preparation_s = column(np.float64)
    leaving_threshold = column(np.float64)
    weighed = column(np.float64)
    leaving_rate_per_day = column(np.float64)
    impacts_remembered = column(np.float64)
    keeps_curfew = column(np.bool_)
    turn_after_curfew = column(np.float64)
    waiting_since_s = column(np.float64)
    is_requesting = column(np.bool_)
    walks_out = column(np.bool_)
    order_obeyed = column(np.int32)
    institution = column(np.int32)
    has_priority = column(np.bool_)
    has_basement = column(np.bool_)
    goes_to_shelter = column(np.bool_)
    alert_from_s = column(np.float64)
    last_heard_s = column(np.float64)
    lull_wanted_s = column(np.float64)
    waits_for_lull_since_s = column(np.float64)
    shelter = column(np.int32)
    has_lost_home = column(np.bool_)
    lift_from = column(np.int32)
    lives_with = column(np.int32)
    is_coming_home = column(np.bool_)
    left_for_shelter_s = column(np.float64)
    in_shelter_from_s = column(np.float64)
