"""From the edges of a street graph, all text, to one array for each thing a street has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets import graphml
from safepassage.model.streets.classes import (
    MIN_WALK_WIDTH_M,
    PAVEMENT_WIDTH_M,
    SHOULDER_WIDTH_M,
    STREET_CLASSES,
    UNKNOWN_CLASS,
    lane_flow_per_s,
    street_class,
)
from safepassage.model.streets.naming import SEPARATOR

KM_H = 1 / 3.6
CAR_TAGS = ("motorcar", "motor_vehicle", "vehicle", "access")
FOOT_TAGS = ("foot", "access")
"""Access tags of OpenStreetMap, the most specific first."""
SHUT = ("no", "private", "military", "agricultural", "forestry")
"""Values that shut a street to the public."""
MIN_CARRIAGEWAY_M = 2.0
"""A `width` below this on a street with cars is taken for a mistake (0.3) and not used. Assumption."""


@dataclass
class Edges:
    """Columns of the graph's edges; reverse: row of the same street's other direction, or -1."""

    upstream: np.ndarray
    downstream: np.ndarray
    highway: list
    name: list
    length_m: np.ndarray
    drivable: np.ndarray
    walkable: np.ndarray
    is_bridge: np.ndarray
    reverse: np.ndarray
    is_ferry: np.ndarray
    no_access: np.ndarray
    """Shut to cars and walkers by access tags."""
    given: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Texts:
    """What a graph says of its edges: text by attribute and edge."""

    by_name: dict[str, list[str | None]]
    n: int

    def of(self, attribute: str) -> list[str | None]:
        """Return one attribute of all edges, None where it is missing."""
        return self.by_name.get(attribute) or [None] * self.n


def each(found: Sequence[Any], meaning: Callable[[Any], Any]) -> list[Any]:
    """Return what each of the values means; of equal ones, which streets have many of, it is asked once."""
    known = {value: meaning(value) for value in dict.fromkeys(found)}
    return list(map(known.__getitem__, found))


def _flags(found, meaning):
    return np.array(each(found, meaning), dtype=bool)


def read_edges(said: Texts, upstream: Ints, downstream: Ints, settings: StreetSettings) -> Edges:
    """Return the Edges of a graph, with what the file itself says in `given`.

    said: of its edges. upstream, downstream: places where edges begin and end, int32. settings: the
    scenario's section `StreetSettings`.
    """
    highway_text = said.of("highway")
    highway = each(highway_text, _minor_class)
    oneway = _flags(said.of("oneway"), lambda t: graphml.boolean(t) is True)
    shut = shut_by_tags(said)
    drivable, walkable = _permissions(said, highway_text, highway, oneway, shut, settings)
    length_m = _column(said, "length", graphml.number)
    length_m[~(np.isfinite(length_m) & (length_m > 0))] = np.nan
    osmid = each(said.of("osmid"), lambda t: None if t is None else tuple(sorted(graphml.values(t))))
    name = [n or r for n, r in zip(*(each(said.of(a), _joined) for a in ("name", "ref")), strict=True)]
    bridge = _flags(said.of("bridge"), lambda t: any(v.lower() not in ("no", "false") for v in graphml.values(t)))
    given = {
        "highway": np.array([t is not None for t in highway_text]),
        "name": np.array([n != "" for n in name]),
        "length": length_m.copy(),
        "maxspeed": _column(said, "maxspeed", graphml.speed_km_h) * KM_H,
        "lanes": _column(said, "lanes", graphml.lanes),
        "width": _column(said, "width", graphml.width_m),
        "sidewalk": _column(said, "sidewalk", graphml.n_pavements),
    }
    reverse = pair_directions(upstream, downstream, length_m, osmid, oneway & drivable)
    no_access = shut["drivable"] & shut["walkable"] & ~shut["ferry"]
    return Edges(
        upstream,
        downstream,
        highway,
        name,
        length_m,
        drivable,
        walkable,
        bridge,
        reverse,
        shut["ferry"],
        no_access,
        given,
    )


def _joined(text):
    return SEPARATOR.join(graphml.values(text))


def _column(said, attribute, meaning):
    return np.array(each(said.of(attribute), lambda t: np.nan if t is None else meaning(t)), dtype=np.float64)


@cache
def _minor_class(text):
    """Return the class of a street; the most minor of several, since the narrowest part governs."""
    classes = graphml.values(text)
    return max(classes, key=lambda c: street_class(c).rank) if classes else UNKNOWN_CLASS


@cache
def _class_allows(text, what):
    classes = graphml.values(text) or (UNKNOWN_CLASS,)
    return all(getattr(street_class(c), what) for c in classes)


def _permissions(said, highway_text, highway, oneway, shut, settings):
    """Return drivable and walkable: settings before the file's `drive` and `walk`, those before the class."""
    columns = []
    for what, attribute, opened in (
        ("drivable", "drive", settings.drivable),
        ("walkable", "walk", settings.walkable),
    ):
        opens = each(said.of(attribute), graphml.boolean)
        by_class = each(highway_text, lambda text, what=what: _class_allows(text, what))
        allowed = [a if o is None else o for a, o in zip(by_class, opens, strict=True)]
        allowed = np.array(allowed, dtype=bool) & ~shut[what]
        if opened:
            wish = np.array([opened.get(h, a) for h, a in zip(highway, allowed, strict=True)], dtype=bool)
            against_one_way = np.array([o is False for o in opens]) & oneway & (what == "drivable")
            allowed = wish & ~against_one_way
        columns.append(allowed)
    return columns


def shut_by_tags(said: Texts) -> dict[str, Bools]:
    """Return which edges their tags shut to cars (drivable) and to walkers (walkable), and which are ferries; bool[].

    The most specific access tag counts (OpenStreetMap wiki, "Key:access"); ferries carry nobody: they have no timetable
    here, and none can be relied on under fire (assumption).
    """
    by_word = [_flags(said.of(tag), lambda t: _says(t, ("ferry",))) for tag in ("route", "highway")]
    ferry = by_word[0] | by_word[1] | _flags(said.of("ferry"), _says_yes)
    shut = {
        what: ferry | _flags(list(zip(*(said.of(tag) for tag in tags), strict=True)), _shut_by)
        for what, tags in (("drivable", CAR_TAGS), ("walkable", FOOT_TAGS))
    }
    return {**shut, "ferry": ferry}


def _shut_by(tags):
    return _says_only(next((text for text in tags if text not in (None, "")), None), SHUT)


def _says(text, words):
    return any(value.lower() in words for value in graphml.values(text))


def _says_only(text, words):
    said = graphml.values(text)
    return bool(said) and all(value.lower() in words for value in said)


def _says_yes(text):
    return text is not None and not _says(text, ("no", "false", "nan", "none")) and bool(graphml.values(text))


def pair_directions(upstream: Ints, downstream: Ints, length_m: Floats, osmid: list[Any], one_way: Bools) -> Ints:
    """Return for each edge the row of the same street's other direction, -1 if it has none.

    Two opposite edges are one street if they are equally long and come from the same way, as far as is known. Two
    edges that cars may use in one direction only are two carriageways; so are edges of two ways, if one is one-way.

    upstream: node at which each edge begins, int32. downstream: node at which each edge ends, int32. length_m: length
    of each link (m). osmid: ways of OpenStreetMap that each edge is made of. one_way: bool, edges that cars may use in
    one direction.
    """
    reverse = np.full(upstream.size, -1, dtype=np.int32)
    rows: dict[tuple[int, int], list[int]] = {}
    for i, ends in enumerate(zip(upstream.tolist(), downstream.tolist(), strict=True)):
        rows.setdefault(ends, []).append(i)
    length = np.nan_to_num(length_m, nan=-1.0).tolist()
    one_way = one_way.tolist()
    for (u, v), forward in rows.items():
        backward = rows.get((v, u)) if u <= v else None
        if backward is None:
            continue
        matches = []
        for i in forward:
            for j in backward:
                if u == v and i >= j:
                    continue
                difference = abs(length[i] - length[j])
                same_way = osmid[i] == osmid[j] or osmid[i] is None or osmid[j] is None
                apart = one_way[i] and one_way[j] if same_way else one_way[i] or one_way[j]
                if not apart and difference <= max(1.0, 0.01 * length[i]):
                    matches.append((not same_way, difference, i, j))
        for _, _, i, j in sorted(matches):
            if reverse[i] < 0 and reverse[j] < 0:
                reverse[i], reverse[j] = j, i
    return reverse


def vehicle_columns(edges: Edges, settings: StreetSettings) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return free_flow_speed_m_s, n_lanes (this direction), carriageway_width_m (whole street), flow_capacity_per_s
    and junction_share.

    A file's `lanes` counts both directions of a two-way street and is shared evenly. Flow capacity is the
    triangular diagram's maximum per lane, and 0 where cars may not go.
    """
    highway, given = edges.highway, edges.given
    paired = edges.reverse >= 0
    two_way = edges.drivable & paired & edges.drivable[edges.reverse]
    speed = _filled(given["maxspeed"], highway, settings.default_speed_km_h, "speed_km_h", KM_H) * settings.speed_factor
    n_lanes = _filled(given["lanes"] / np.where(two_way, 2, 1), highway, settings.default_lanes, "n_lanes")
    n_lanes = np.where(edges.drivable, np.maximum(n_lanes, 0.5), 0.0)
    total_lanes = n_lanes + np.where(two_way, n_lanes[edges.reverse], 0.0)
    by_lanes = np.maximum(total_lanes, np.where(edges.drivable | two_way, 0.0, 1.0)) * _of_class(
        highway, "lane_width_m"
    )
    assumed = np.array(each(highway, lambda h: settings.default_width_m.get(h, np.nan)))
    width = np.where(given["width"] < np.where(edges.drivable, MIN_CARRIAGEWAY_M, 0.0), np.nan, given["width"])
    width = np.where(np.isnan(width), np.where(np.isnan(assumed), by_lanes, assumed), width)
    against = ~edges.drivable & paired & edges.drivable[edges.reverse]
    width = np.where(against, width[edges.reverse], width)
    factor = _filled(np.full(len(highway), np.nan), highway, settings.junction_factor, "junction_factor")
    return speed, n_lanes, width, n_lanes * lane_flow_per_s(speed), factor


def walking_columns(edges: Edges, carriageway_width_m: Floats) -> tuple[Floats, Bools]:
    """Return walk_width_m (whole street, 0 where nobody walks) and has_pavement."""
    sides = np.where(
        np.isnan(edges.given["sidewalk"]), _of_class(edges.highway, "n_pavements"), edges.given["sidewalk"]
    )
    share = _of_class(edges.highway, "walk_share")
    width = sides * PAVEMENT_WIDTH_M + share * carriageway_width_m
    width = np.where((sides == 0) & (share == 0), SHOULDER_WIDTH_M, width)
    width = np.where(edges.walkable, np.maximum(width, MIN_WALK_WIDTH_M), 0.0)
    return width, (sides > 0) & edges.walkable


def _of_class(highway, what):
    return np.array(each(highway, lambda h: getattr(street_class(h), what)), dtype=np.float64)


def _filled(given, highway, of_scenario, what, unit=1.0):
    """Return what the file gives; where it gives nothing (NaN), what the scenario says of the class, else the table."""
    default = (
        np.array(each(highway, lambda h: of_scenario.get(h, getattr(street_class(h), what))), dtype=np.float64) * unit
    )
    return np.where(np.isnan(given), default, given)


def unknown_classes(highway: list[str]) -> dict[str, int]:
    """Return how many edges have each class that the table of defaults does not know."""
    unknown = [h for h in highway if h not in STREET_CLASSES]
    return {h: unknown.count(h) for h in sorted(set(unknown))}
