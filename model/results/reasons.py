"""Why each person is where they are at the end of a run, in words: for tables, map, page, report and story."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safepassage.agents.civilians import Status
from safepassage.agents.households import Cause
from safepassage.agents.parties import Mode, Mover

NO_ORDER = "staying: no order was given"
NEVER_HEARD = "staying: never heard of the order"
NOT_BELIEVED = "staying: did not believe the order"
WEIGHED = "staying: knew of the order, decided against it"
IN_INSTITUTION = "staying: in an institution that is not being brought out"
BEHIND = "staying: keeps the home until the rest of the family has left"


def reasons(model: Any) -> pa.Array:
    """Return for each person why they are where they are, text; the first reason that applies.

    model: a model at any moment; the reasons are those of now.
    """
    people, parties = model.people, model.parties
    home = people.household
    mode = parties.mode[home]
    safe, decided = people.status == Status.SAFE, model.households.cause[home] != Cause.NONE
    has_car = model.households.has_car[home] & ~parties.left_car[home]
    on_streets = [Mode.CAR, *(one for one in Mode if one.mover == Mover.WALKERS)]
    found = {
        Status.DEAD.words: people.status == Status.DEAD,
        f"{Status.SAFE.words} {Mode.CAR.words}": safe & (mode == Mode.CAR),
        **_of_waiting(model),
        f"{Status.SAFE.words} on foot after leaving the car": safe & parties.left_car[home],
        **{
            f"{Status.SAFE.words} {one.words}": safe & ~parties.left_car[home] & (mode == one) for one in on_streets[1:]
        },
        **{f"on the way {one.words}": (people.status == Status.TRAVELLING) & (mode == one) for one in on_streets},
        "cut off: no way out known": people.status == Status.STRANDED,
        "waiting for a road: none known to be open to the car": (people.status == Status.WAITING) & has_car,
        "waiting for a seat: no car, cannot walk": (people.status == Status.WAITING) & ~model.households.can_walk[home],
        "waiting for a seat: no car, too far to walk": people.status == Status.WAITING,
        Status.PREPARING.words: (people.status == Status.PREPARING) & decided,
        "in a shelter until a lull, then leaving": (people.status == Status.SHELTERING) & decided,
        IN_INSTITUTION: (model.households.institution >= 0)[home],
        BEHIND: model.households.stays_behind[home],
        **{words: rows[home] for words, rows in staying(model).items()},
    }
    chosen = np.argmax(list(found.values()), axis=0).astype(np.int8)
    return pa.DictionaryArray.from_arrays(chosen, list(found)).cast("string")


def staying(model: Any) -> dict[str, npt.NDArray[np.bool_]]:
    """Return why households that have not decided to leave stay: reason -> bool by household, each in one of them.

    model: a model at any moment.
    """
    now_s, n = model.time_s, len(model.households)
    addressed, reached, believed = (np.zeros(n, np.bool_) for _ in range(3))
    for told in model.information.told:
        addressed |= told.addressed
        reached |= told.addressed & (told.reached_s <= now_s)
        believed |= told.heard_s <= now_s
    reached |= believed
    return {
        NO_ORDER: ~addressed,
        NEVER_HEARD: addressed & ~reached,
        NOT_BELIEVED: reached & ~believed,
        WEIGHED: believed,
    }


def _of_waiting(model: Any) -> dict[str, npt.NDArray[np.bool_]]:
    """Return in words why people wait, or how services brought them out: bool by person."""
    people, parties = model.people, model.parties
    home = people.household
    mode, safe, waits = parties.mode[home], people.status == Status.SAFE, people.status == Status.WAITING
    at_home = ~parties.is_on_way[home]
    reasons = {
        f"{Status.SAFE.words} by bus": safe & (mode == Mode.BUS),
        f"{Status.SAFE.words} by train": safe & (mode == Mode.TRAIN),
        f"{Status.SAFE.words} {Mode.LIFT.words}": safe & (mode == Mode.LIFT),
        f"on the way {Mode.LIFT.words}": (people.status == Status.TRAVELLING) & (mode == Mode.LIFT),
        "on the way by bus": (people.status == Status.TRAVELLING) & (parties.vehicle[home] >= 0),
    }
    for stop in model.services.stops:
        if stop.waiting:
            reasons[f"waiting at {stop.name}"] = waits & (parties.stop[home] == stop.row)
    booked = np.zeros(len(parties), np.bool_)
    booked[list(model.services.trains.booked)] = True
    reasons["waiting at home for the train"] = waits & at_home & booked[home]
    reasons["waiting at home for neighbours who take them along"] = waits & at_home & model.services.lifts.waits[home]
    reasons["waiting at home to be fetched"] = waits & at_home & model.services.riders.households.is_requesting[home]
    return reasons
