"""Tables by which a recorded run can be drawn as it was: outlines of zones, the front, shelters and stops over time.

They hold all that is drawn: a run can be played where the files that its scenario names are not.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from safepassage.model.hazard.front import AreaFront, LineFront
from safepassage.model.maps.background import Thing
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.streets.zones import Zones


def map_tables(model: Any) -> dict[str, Callable[[], dict]]:
    """Return what makes the columns of `zone_outlines`; of `background`, `front` and `shelters` if there are any."""
    front, shelters = model.surroundings.front, model.surroundings.shelters
    tables: dict[str, Callable[[], dict]] = {"zone_outlines": partial(_outlines, model.zones)}
    if model.surroundings.background:
        tables["background"] = partial(_background, model.surroundings.background)
    if front is not None:
        tables["front"] = partial(_front, front, model.duration_s)
    if len(shelters):
        tables["shelters"] = partial(_shelters, shelters)
    return tables


def outer_rings(zones: Any) -> list[tuple[str, np.ndarray]]:
    """Return (name of the zone, float64[n, 2] in metres) of each outer border; those of a zone follow each other."""
    parts = ((name, part) for name, outline in zip(zones.name, zones.outline, strict=True)
             for part in getattr(outline, "geoms", [outline]))  # fmt: skip
    return [(name, shapely.get_coordinates(part.exterior)) for name, part in parts if part.geom_type == "Polygon"]


def _outlines(zones: Zones) -> dict:
    rings = outer_rings(zones)
    return {
        "zone": pa.array([name for name, _ in rings], pa.string()),
        "x_m": pa.array([ring[:, 0] for _, ring in rings], pa.list_(pa.float64())),
        "y_m": pa.array([ring[:, 1] for _, ring in rings], pa.list_(pa.float64())),
    }


def read_rings(run: RunFolder) -> list[tuple[str, np.ndarray]]:
    """Return what `outer_rings` gave of the zones of a run; nothing if it was recorded before they were kept."""
    if not run.has("zone_outlines"):
        return []
    table = run.frame("zone_outlines")
    return [(row.zone, np.column_stack((row.x_m, row.y_m))) for row in table.itertuples()]


def one_per_street(links: pd.DataFrame) -> pd.DataFrame:
    """Return one row per street: its two directions joined, their counts added up, the earlier closure kept."""
    names = pd.unique(pd.concat([links["upstream"], links["downstream"]]))
    code = pd.Series(np.arange(names.size), index=names)
    ends = np.sort(np.column_stack([code[links["upstream"]], code[links["downstream"]]]), axis=1)
    middle = [np.round(np.sum(xs) + np.sum(ys), 1) for xs, ys in zip(links["x_m"], links["y_m"], strict=True)]
    keyed = links.assign(_a=ends[:, 0], _b=ends[:, 1], _middle=middle)
    how = dict.fromkeys(("upstream", "downstream", "name", "highway", "x_m", "y_m"), "first")
    how |= dict.fromkeys(("n_vehicles", "n_walking_persons", "delay_vehicle_h"), "sum") | {"closed_time_s": "min"}
    return keyed.groupby(["_a", "_b", "_middle"], sort=False).agg(how).reset_index(drop=True)


def _background(things: tuple[Thing, ...]) -> dict:
    parts = [(number, thing, part) for number, thing in enumerate(things) for part in thing.parts]
    return {
        "thing": np.array([number for number, _, _ in parts], np.int32),
        "kind": pa.array([thing.kind for _, thing, _ in parts], pa.string()),
        "name": pa.array([thing.name for _, thing, _ in parts], pa.string()),
        "is_area": np.array([thing.is_area for _, thing, _ in parts], np.bool_),
        "x_m": pa.array([part[:, 0] for _, _, part in parts], pa.list_(pa.float64())),
        "y_m": pa.array([part[:, 1] for _, _, part in parts], pa.list_(pa.float64())),
    }


def read_background_of(run: RunFolder) -> tuple[Thing, ...]:
    """Return what lies beneath the streets of a run; nothing if its scenario has none, or it was not kept."""
    if not run.has("background"):
        return ()
    things = []
    for _, rows in run.frame("background").groupby("thing", sort=True):
        first, parts = rows.iloc[0], [np.column_stack(xy) for xy in zip(rows["x_m"], rows["y_m"], strict=True)]
        things.append(Thing(first["kind"], first["name"], bool(first["is_area"]), tuple(parts)))
    return tuple(things)


def _front(front: LineFront | AreaFront, duration_s: float) -> dict:
    """Return the moments at which the front's place is known, those between which the run lies, and the place."""
    first = max(int(np.searchsorted(front.time_s, 0.0, side="right")) - 1, 0)
    rows = slice(first, int(np.searchsorted(front.time_s, duration_s)) + 1)
    time_s = front.time_s[rows]
    if isinstance(front, AreaFront):
        return {"time_s": time_s, "area_wkb": pa.array(shapely.to_wkb(front.areas[rows]).tolist(), pa.binary())}
    return {
        "time_s": time_s,
        "distance_km": front.reference_distance_km[rows],
        "reference_x_m": np.full(time_s.size, front.reference_x_m),
        "reference_y_m": np.full(time_s.size, front.reference_y_m),
        "bearing_rad": np.full(time_s.size, front.bearing_rad),
    }


def read_front(run: RunFolder) -> LineFront | AreaFront | None:
    """Return the front of a run; None if it has none, or was recorded before it was kept."""
    if not run.has("front"):
        return None
    table = run.frame("front")
    time_s = table["time_s"].to_numpy(float)
    if "area_wkb" in table:
        return AreaFront(time_s, tuple(shapely.from_wkb(table["area_wkb"])))
    x_m, y_m, bearing_rad = (float(table[name].iloc[0]) for name in ("reference_x_m", "reference_y_m", "bearing_rad"))
    return LineFront(time_s, table["distance_km"].to_numpy(float), x_m, y_m, bearing_rad)


def _shelters(shelters: Any) -> dict:
    return {
        "shelter": pa.array(shelters.name, pa.string()),
        "x_m": shelters.x_m,
        "y_m": shelters.y_m,
        "capacity": shelters.capacity,
    }


class PlacesOverTime:
    """Keeps who is in shelters and at stops at each recorded moment; reads the model, never changes it."""

    def __init__(self, model: Any) -> None:
        self._shelters = model.surroundings.shelters
        services = model.services
        self._stops = services.stops[: services.n_fixed]
        self._time_s: list[float] = []
        self._in_shelters: list[tuple[np.ndarray, np.ndarray]] = []
        self._at_stops: list[tuple[int, int, bool]] = []

    def record(self, time_s: float) -> None:
        """Keep the present."""
        self._time_s.append(time_s)
        self._in_shelters.append((self._shelters.n_inside.copy(), self._shelters.is_open.copy()))
        self._at_stops += [(stop.n_waiting, stop.n_boarded, stop.is_open(time_s)) for stop in self._stops]

    def tables(self) -> dict[str, Callable[[], dict]]:
        """Return what makes the columns of `shelter_states` and `stop_states`; nothing of what the town lacks."""
        tables = {"shelter_states": self._shelter_states} if len(self._shelters) else {}
        return tables | ({"stop_states": self._stop_states} if self._stops else {})

    def _shelter_states(self) -> dict:
        n_inside, is_open = (np.concatenate(parts) for parts in zip(*self._in_shelters, strict=True))
        return self._moments("shelter", self._shelters.name) | {"n_inside": n_inside, "is_open": is_open}

    def _stop_states(self) -> dict:
        columns = zip(("n_waiting", "n_boarded", "is_open"), zip(*self._at_stops, strict=True), strict=True)
        return self._moments("stop", [stop.name for stop in self._stops]) | {k: np.array(v) for k, v in columns}

    def _moments(self, what: str, names: list[str]) -> dict:
        """Return the columns that tell the rows apart: one for each moment and, within it, each thing."""
        return {
            "time_s": np.repeat(self._time_s, len(names)),
            what: pa.array([*names] * len(self._time_s), pa.string()),
        }


class States:
    """A table that has a row for each recorded moment and, within it, for each of several things."""

    def __init__(self, table: pd.DataFrame, n_things: int) -> None:
        self._table, self._n = table, n_things
        self._time_s = table["time_s"].to_numpy(float)[::n_things]

    def at(self, time_s: float) -> pd.DataFrame:
        """Return a row for each thing as it was at the last recorded moment not after a time."""
        row = max(0, int(np.searchsorted(self._time_s, time_s, side="right")) - 1)
        return self._table.iloc[row * self._n : (row + 1) * self._n]
