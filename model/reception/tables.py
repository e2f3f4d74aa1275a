"""Tables of reception: each place at each recorded moment, and each place as it stands at the end."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from safepassage.model.reception.beds import Stay
from safepassage.model.reception.reception import Reception


def reception_tables(reception: Reception, now_s: float) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of `reception` and `reception_places`; nothing in a run without such places.

    reception: of the run. now_s: the present (s).
    """
    if reception.is_empty:
        return {}
    return {"reception": partial(_over_time, reception), "reception_places": partial(_places, reception, now_s)}


def _over_time(reception: Reception) -> dict[str, Any]:
    """Return a row for each moment and place, and one without a place for those who belong to none."""
    names = [*(place.name for place in reception.settings.places), None]
    rows = reception.rows
    people = np.array([stays for _, (stays, *_) in rows])  # by moment, Stay and place

    def of_places(number: int, nobody: Any) -> np.ndarray:
        return np.array([[*kept[number].tolist(), nobody] for _, kept in rows]).reshape(-1)

    return {
        "time_s": np.repeat([time_s for time_s, _ in rows], len(names)),
        "place": pa.array(names * len(rows), pa.string()),
        "is_open": of_places(2, False),
        "n_beds_free": of_places(1, 0),
        "n_in_bed": people[:, Stay.IN_BED].reshape(-1),
        "n_coming": people[:, Stay.COMING].reshape(-1),
        "n_waiting": people[:, Stay.WAITING].reshape(-1),
        "n_own_arrangement": people[:, Stay.OWN].reshape(-1),
        "n_given_bed_so_far": of_places(3, 0),
        "n_sent_onward_so_far": of_places(4, 0),
    }


def _places(reception: Reception, now_s: float) -> dict[str, Any]:
    reception.advance(now_s)
    beds, places = reception.beds, reception.settings.places
    n_beds = np.array([*(place.beds for place in places), 0], np.int64)

    def with_none(values: np.ndarray, nobody: Any) -> np.ndarray:
        return np.append(values, nobody).astype(values.dtype)

    return {
        "place": pa.array([*(place.name for place in places), None], pa.string()),
        "n_beds": n_beds,
        "n_beds_used": n_beds - with_none(beds.n_free, 0),
        "n_came": with_none(beds.n_came, 0),
        "n_given_bed": with_none(beds.n_got_bed, 0),
        "n_sent_onward": with_none(beds.n_sent_onward, 0),
        "n_waiting": beds.n_by_stay[Stay.WAITING],
        "waiting_person_h": beds.waited_person_h(now_s),
        "first_full_s": with_none(beds.first_full_s, np.inf),
    }
