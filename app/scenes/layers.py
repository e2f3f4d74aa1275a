"""Layers of the map: what each street has lost to queues, and how many impacts fell near it."""

import numpy as np

NEAR_M = 250.0
"""Impacts so near to a street count for it, about (m): side of the squares that are counted, with their neighbours."""
LAYERS = {
    "delay": "delay so far (vehicle-hours on a street)",
    "danger": "impacts so far (within about 500 m of a street)",
}


class Layers:
    """Values of the streets of one scene, as shares of the largest, for the browser to colour."""

    def __init__(self, model, lead: np.ndarray) -> None:
        """lead: for each street on the map the link that stands for it."""
        self.model, self._lead = model, lead
        streets = model.streets
        self._street = np.full(streets.n_links, -1, np.int64)
        self._street[: streets.n_town_links] = streets.link_street[: streets.n_town_links]
        middle = (streets.geometry_first[lead] + streets.geometry_first[lead + 1]) // 2
        self._x_m, self._y_m = streets.geometry_x_m[middle], streets.geometry_y_m[middle]

    def values(self, name: str) -> np.ndarray:
        """Return the value of a layer for each street of the map."""
        return self._delay_h() if name == "delay" else self._impacts_near()

    def _delay_h(self) -> np.ndarray:
        rows = np.flatnonzero(self._street >= 0)
        delay_s = self.model.movement.driving.view.delay_s[rows]
        return np.bincount(self._street[rows], delay_s, self._lead.size)[: self._lead.size] / 3600.0

    def _impacts_near(self) -> np.ndarray:
        impacts = self.model.impacts
        rows = np.flatnonzero(impacts.falls & (impacts.time_s < self.model.time_s))
        west_m, south_m = self._x_m.min() - 2 * NEAR_M, self._y_m.min() - 2 * NEAR_M
        n_x, n_y = (int(np.ptp(at_m) // NEAR_M) + 6 for at_m in (self._x_m, self._y_m))
        counts = np.zeros((n_x, n_y))
        column, row = (((at_m[rows] - edge_m) // NEAR_M).astype(int)
                       for at_m, edge_m in ((impacts.x_m, west_m), (impacts.y_m, south_m)))  # fmt: skip
        inside = (column > 0) & (column < n_x - 1) & (row > 0) & (row < n_y - 1)
        np.add.at(counts, (column[inside], row[inside]), 1)
        around = sum(np.roll(counts, shift, (0, 1)) for shift in [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)])
        return around[((self._x_m - west_m) // NEAR_M).astype(int), ((self._y_m - south_m) // NEAR_M).astype(int)]


def packed(values: np.ndarray) -> tuple[bytes, float]:
    """Return the square root of each share of the largest value, as a byte, and the largest value."""
    most = float(values.max(initial=0.0))
    shares = np.sqrt(values / most) if most > 0 else np.zeros(values.size)
    return np.ceil(255 * shares).astype(np.uint8).tobytes(), most


def kinds_of(highways: list[str]) -> dict:
    """Return the classes of streets in words, each once, and which of them each street on the map has."""
    unique, which = np.unique(np.asarray([name.replace("_", " ") for name in highways], str), return_inverse=True)
    return {"street_kinds": unique.tolist(), "street_kind": which.reshape(-1).tolist()}


def names_of(names, lead) -> dict:
    """Return the streets' names, each once, and which of them each street on the map has; "" stands for none."""
    unique, which = np.unique(np.asarray([names[link] or "" for link in lead], str), return_inverse=True)
    return {"street_names": unique.tolist(), "street_name": which.reshape(-1).tolist()}
