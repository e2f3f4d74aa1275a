"""Where parties are: now, and recorded over time if a scenario asks for it."""

import numpy as np

from safepassage.agents.parties import Mode
from safepassage.agents.places import places_on_links

MOST_ROWS = 20_000_000
"""Places kept in one run at most (about 300 MB); recording stops there."""


def whereabouts(model):
    """Return (party, x_m, y_m, by_car) of everybody on the streets; who waits at a junction stands on it."""
    movement, streets = model.movement, model.streets
    party = np.flatnonzero(model.parties.is_on_way).astype(np.int32)
    by_car = model.parties.mode[party] == Mode.CAR
    link, share = np.full(party.size, -1, np.int32), np.zeros(party.size)
    node = movement.start_node(Mode.CAR, model.households.home_node[party])
    on_foot = np.flatnonzero(~by_car)
    node[on_foot] = movement.walking.node_of(party[on_foot])
    for rows, mover in ((np.flatnonzero(by_car), movement.driving), (on_foot, movement.walking)):
        rows = rows[mover.link_of(party[rows]) >= 0]
        link[rows], along_m = mover.position(party[rows])
        share[rows] = along_m / streets.length_m[link[rows]]
    x_m, y_m = places_on_links(link, share, streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m)
    waits = link < 0
    x_m[waits], y_m[waits] = streets.node_x_m[node[waits]], streets.node_y_m[node[waits]]
    return party, x_m, y_m, by_car


class Trajectories:
    """Keeps the place of every party on the streets each so many seconds; reads the model, never changes it."""

    def __init__(self, model, every_s: float | None):
        self.model, self.every_s = model, every_s
        self._next_s = 0.0
        self._parts: list[tuple] = []
        self.n_rows = 0

    def record(self):
        """Keep the places of the present if it is time."""
        time_s = self.model.time_s
        if self.every_s is None or time_s < self._next_s or self.n_rows >= MOST_ROWS:
            return
        self._next_s += self.every_s * max(1.0, np.ceil((time_s - self._next_s) / self.every_s))
        if self._next_s <= time_s:
            self._next_s += self.every_s
        party, x_m, y_m, by_car = whereabouts(self.model)
        self._parts.append(
            (np.full(party.size, time_s, np.float32), party, x_m.astype(np.float32), y_m.astype(np.float32), by_car)
        )
        self.n_rows += party.size

    def tables(self) -> dict[str, dict]:
        """Return the table of places, columns by name; nothing if none were kept."""
        if self.every_s is None:
            return {}
        columns = ("time_s", "party", "x_m", "y_m", "is_car")
        empty = (np.empty(0, np.float32), np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.float32),
                 np.empty(0, np.bool_))  # fmt: skip
        return {
            "trajectories": {
                name: np.concatenate([empty[k], *(part[k] for part in self._parts)]) for k, name in enumerate(columns)
            }
        }
