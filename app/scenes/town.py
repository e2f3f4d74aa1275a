"""The parts of a town that do not change while it is shown: streets, exits, shelters, zones. They are sent to the
browser once."""

from dataclasses import dataclass

import numpy as np
import shapely

from safepassage.app.scenes.layers import kinds_of, names_of
from safepassage.app.scenes.marks import marks_of
from safepassage.model.behaviour.curfew import curfew_hours
from safepassage.model.maps.background import Thing
from safepassage.model.results.map_tables import outer_rings
from safepassage.model.streets.classes import street_class

LEVELS = (2, 4, 5, 9)
"""Bounds of the rank of a street's class between the levels that it is drawn at, motorways first."""
FULL = 65535


@dataclass(frozen=True)
class Frame:
    """The square of the map that coordinates on the wire are counted in: uint16 from its south-west corner."""

    west_m: float
    south_m: float
    side_m: float

    @classmethod
    def around(cls, x_m: np.ndarray, y_m: np.ndarray) -> "Frame":
        """Return the smallest square around points, with a margin of 3 %."""
        side_m = 1.06 * max(np.ptp(x_m), np.ptp(y_m), 100.0)
        return cls((x_m.min() + x_m.max() - side_m) / 2, (y_m.min() + y_m.max() - side_m) / 2, side_m)

    def scale(self, x_m, y_m) -> np.ndarray:
        """Return uint16[n, 2] of places in metres; those outside stand on the edge."""
        xy = np.column_stack((np.asarray(x_m) - self.west_m, np.asarray(y_m) - self.south_m)) * (FULL / self.side_m)
        return np.clip(xy + 0.5, 0, FULL).astype("<u2")


def lead_links(link_street: np.ndarray) -> np.ndarray:
    """Return for each street the first of its links, which stands for it on the map."""
    return np.unique(link_street, return_index=True)[1]


def pack_streets(frame: Frame, streets) -> bytes:
    """Return one polyline per street: n, n_points, first[n + 1] (uint32); x, y of points (uint16); level[n] (uint8)."""
    lead = lead_links(streets.link_street[: streets.n_town_links])
    first, last = streets.geometry_first[lead], streets.geometry_first[lead + 1]
    n_points = last - first
    starts = np.concatenate(([0], np.cumsum(n_points)))
    points = np.arange(starts[-1]) + np.repeat(first - starts[:-1], n_points)
    xy = frame.scale(streets.geometry_x_m[points], streets.geometry_y_m[points])
    rank = np.array([street_class(name).rank for name in streets.highway_names])
    level = np.searchsorted(LEVELS, rank, side="right")[streets.highway[lead]]
    head = np.concatenate(([lead.size, starts[-1]], starts)).astype("<u4")
    return head.tobytes() + xy.tobytes() + level.astype(np.uint8).tobytes()


def curfew_periods(scenario) -> list[list[float]]:
    """Return the hours of curfew within the run as [start, end] in seconds."""
    hours = curfew_hours(scenario.curfew, scenario.run, scenario.shelling.time_zone)
    end_s = scenario.run.duration_h * 3600.0
    pairs = zip(hours.start_s.tolist(), hours.end_s.tolist(), strict=True)
    return [[max(a, 0.0), min(b, end_s)] for a, b in pairs if b > 0 and a < end_s]


def outlines(frame: Frame, names, rings, n_residents: dict[str, int]) -> list[dict]:
    """Return name, border (simplified to about a pixel) and residents of each zone.

    frame: of the map. names: of all zones. rings: as `map_tables.outer_rings` gives. n_residents: at the start, by name
    of the zone.
    """
    borders: dict[str, list] = {name: [] for name in names}
    for name, ring in rings:
        line = shapely.get_coordinates(shapely.simplify(shapely.linearrings(ring), frame.side_m / 1500))
        borders[name].append(frame.scale(line[:, 0], line[:, 1]).ravel().tolist())
    return [{"name": name, "rings": border, "n": n_residents.get(name, 0)} for name, border in borders.items()]


def beneath(frame: Frame, things: tuple[Thing, ...]) -> list[dict]:
    """Return what lies beneath the streets within the frame, simplified to about a pixel, as the page draws it."""
    box = (frame.west_m, frame.south_m, frame.west_m + frame.side_m, frame.south_m + frame.side_m)
    found = []
    for thing in things:
        if thing.is_area:
            rings = [shapely.Polygon(part) for part in thing.parts]
        else:
            rings = [shapely.Point(part[0]) if len(part) == 1 else shapely.LineString(part) for part in thing.parts]
        drawn = shapely.simplify(shapely.clip_by_rect(np.array(rings, object), *box), frame.side_m / 3000)
        lines = [one.exterior if one.geom_type == "Polygon" else one for one in shapely.get_parts(drawn)
                 if not one.is_empty and one.geom_type in ("Polygon", "LineString", "Point")]  # fmt: skip
        if lines:
            xy = [frame.scale(*shapely.get_coordinates(line).T).ravel().tolist() for line in lines]
            found.append({"kind": thing.kind, "name": thing.name, "is_area": thing.is_area, "parts": xy})
    return found


def shelters_and_stops(frame: Frame, shelters, stops) -> list[dict]:
    """Return what the map marks with how many are there: shelters, (name, x_m, y_m, capacity) each, then stops.

    stops: pickup points and stations, (name, x_m, y_m) each.
    """
    marked = [(*shelter, False) for shelter in shelters] + [(*stop, 0, True) for stop in stops]
    return [
        {"name": name, "xy": frame.scale([x_m], [y_m])[0].tolist(), "capacity": int(capacity), "is_stop": is_stop}
        for name, x_m, y_m, capacity, is_stop in marked
    ]


def _fallen_s(model) -> np.ndarray:
    """Return the times of the impacts that no truce keeps from falling (s)."""
    return model.impacts.time_s[model.impacts.falls]


def _residents(model) -> dict[str, int]:
    """Return the residents at the start by name of the zone."""
    n = np.bincount(model.households.zone[model.people.household], minlength=len(model.zones.name))
    return dict(zip(model.zones.name, n.tolist(), strict=True))


def _middle(model, frame: Frame):
    """Return the distance of the front from the middle of the map as a function of time; None: there is no front."""
    if model.surroundings.front is None:
        return None
    middle = [np.array([low + frame.side_m / 2]) for low in (frame.west_m, frame.south_m)]
    points = model.surroundings.front.over(*middle)
    return lambda time_s: float(points.distance_km(time_s)[0])


def describe(model, frame: Frame) -> dict:
    """Return what the page says and draws of a model's town, as JSON can hold it."""
    scenario, streets, shelters = model.settings, model.streets, model.surroundings.shelters
    stops = model.services.stops[: model.services.n_fixed]
    lead = lead_links(streets.link_street[: streets.n_town_links])
    return {
        "name": scenario.name,
        "title": scenario.title,
        "notice": scenario.notice.strip(),
        "plan": scenario.plan,
        "start_ms": int(scenario.run.start.replace(tzinfo=None).timestamp() * 1000),
        "start": scenario.run.start.replace(tzinfo=None).isoformat(),
        "time_zone": scenario.shelling.time_zone,
        "duration_s": model.duration_s,
        "step_s": scenario.run.step_s,
        "curfew": curfew_periods(scenario),
        "side_m": frame.side_m,
        "n_people": len(model.people),
        "n_households": len(model.households),
        "seed": model.seed,
        "exits": [
            {"name": name, "xy": frame.scale([streets.node_x_m[node]], [streets.node_y_m[node]])[0].tolist()}
            for name, node in zip(streets.exit_name, streets.exit_node, strict=True)
        ],
        "shelters": shelters_and_stops(
            frame,
            zip(shelters.name, shelters.x_m, shelters.y_m, shelters.capacity, strict=True),
            ((stop.name, stop.x_m, stop.y_m) for stop in stops),
        ),
        "zones": outlines(frame, model.zones.name, outer_rings(model.zones), _residents(model)),
        "background": beneath(frame, model.surroundings.background),
        "marks": marks_of(scenario, _fallen_s(model), model.duration_s, _middle(model, frame)),
        **names_of(streets.link_name, lead),
        **kinds_of([streets.highway_names[k] for k in streets.highway[lead]]),
        "fleets": [fleet.name for fleet in scenario.services.fleets],
        "pickups": [point.name for point in scenario.services.pickup_points],
        "is_osm": bool(np.mean([name.isdigit() and len(name) >= 6 for name in streets.node_id]) > 0.5),
    }
