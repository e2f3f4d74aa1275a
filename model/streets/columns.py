"""From the edges of a street graph, all text, to one array for each thing a street has."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints, counted
from safepassage.model.settings.streets import StreetSettings
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
from safepassage.model.streets.reading import graphml
from safepassage.model.streets.reading.order import Said

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
    highway: Said
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
    """What a graph says of its n edges, by attribute."""

    by_name: dict[str, Said]
    n: int

    def of(self, attribute: str) -> Said:
        """Return what is said under one attribute."""
        return self.by_name.get(attribute) or Said((), np.full(self.n, -1))


def read_edges(said: Texts, upstream: Ints, downstream: Ints, settings: StreetSettings) -> Edges:
    """Return the Edges of a graph, with what the file itself says in `given`.

    said: of its edges. upstream, downstream: places where edges begin and end, int32. settings: the
    scenario's section `StreetSettings`.
    """
    highway_text = said.of("highway")
    highway = highway_text.into(_minor_class)
    oneway = said.of("oneway").each(lambda t: graphml.boolean(t) is True, np.bool_)
    shut = shut_by_tags(said)
    drivable, walkable = _permissions(said, highway_text, highway, oneway, shut, settings)
    length_m = _column(said, "length", graphml.number)
    length_m[~(np.isfinite(length_m) & (length_m > 0))] = np.nan
    ways = said.of("osmid").into(lambda t: () if t is None else tuple(sorted(graphml.values(t))))
    way = np.where(said.of("osmid").place < 0, -1, ways.place)
    name = [n or r for n, r in zip(*(said.of(a).each(_joined, object).tolist() for a in ("name", "ref")), strict=True)]
    bridge = said.of("bridge").each(_is_bridge, np.bool_)
    given = {
        "highway": highway_text.place >= 0,
        "name": np.array([n != "" for n in name]),
        "length": length_m.copy(),
        "maxspeed": _column(said, "maxspeed", graphml.speed_km_h) * KM_H,
        "lanes": _column(said, "lanes", graphml.lanes),
        "width": _column(said, "width", graphml.width_m),
        "sidewalk": _column(said, "sidewalk", graphml.n_pavements),
    }
    reverse = pair_directions(upstream, downstream, length_m, way, oneway & drivable)
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
    return said.of(attribute).each(lambda t: np.nan if t is None else meaning(t), np.float64)


def _is_bridge(text):
    return any(value.lower() not in ("no", "false") for value in graphml.values(text))


@cache
def _minor_class(text):
    """Return the class of a street; the most minor of several, since the narrowest part governs."""
    classes = graphml.values(text)
    return max(classes, key=lambda c: street_class(c).rank) if classes else UNKNOWN_CLASS


def _if_said(text):
    """Return 1 for yes, 0 for no, -1 if a text says neither."""
    said = graphml.boolean(text)
    return -1 if said is None else int(said)


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
        opens = said.of(attribute).each(_if_said, np.int8)
        by_class = highway_text.each(lambda text, what=what: _class_allows(text, what), np.bool_)
        allowed = np.where(opens < 0, by_class, opens == 1) & ~shut[what]
        if opened:
            wish = highway.each(lambda h, opened=opened: opened.get(h, -1), np.int8)
            against_one_way = (opens == 0) & oneway & (what == "drivable")
            allowed = np.where(wish < 0, allowed, wish == 1) & ~against_one_way
        columns.append(allowed)
    return columns


def shut_by_tags(said: Texts) -> dict[str, Bools]:
    """Return which edges their tags shut to cars (drivable) and to walkers (walkable), and which are ferries; bool[].

    The most specific access tag counts (OpenStreetMap wiki, "Key:access"); ferries carry nobody: they have no timetable
    here, and none can be relied on under fire (assumption).
    """
    by_word = [said.of(tag).each(lambda t: _says(t, ("ferry",)), np.bool_) for tag in ("route", "highway")]
    ferry = by_word[0] | by_word[1] | said.of("ferry").each(_says_yes, np.bool_)
    shut = {"drivable": ferry.copy(), "walkable": ferry.copy(), "ferry": ferry}
    for what, tags in (("drivable", CAR_TAGS), ("walkable", FOOT_TAGS)):
        is_open = np.ones(said.n, np.bool_)
        for tag in reversed(tags):
            of_tag = said.of(tag)
            says = of_tag.each(lambda text: text not in (None, ""), np.bool_)
            is_open = np.where(says, of_tag.each(lambda text: not _says_only(text, SHUT), np.bool_), is_open)
        shut[what] |= ~is_open
    return shut


def _says(text, words):
    return any(value.lower() in words for value in graphml.values(text))


def _says_only(text, words):
    said = graphml.values(text)
    return bool(said) and all(value.lower() in words for value in said)


def _says_yes(text):
    return text is not None and not _says(text, ("no", "false", "nan", "none")) and bool(graphml.values(text))


def pair_directions(upstream: Ints, downstream: Ints, length_m: Floats, way: Ints, one_way: Bools) -> Ints:
    """Return for each edge the row of the same street's other direction, -1 if it has none.

    Two opposite edges are one street if they are equally long and come from the same way, as far as is known. Two
    edges that cars may use in one direction only are two carriageways; so are edges of two ways, if one is one-way.

    upstream: node at which each edge begins, int32. downstream: node at which each edge ends, int32. length_m: length
    of each link (m). way: number of the ways of OpenStreetMap that each edge is made of, -1: not known. one_way: bool,
    edges that cars may use in one direction.
    """
    n_nodes = max(upstream.max(initial=0), downstream.max(initial=0)) + np.int64(1)
    there, back = upstream * n_nodes + downstream, downstream * n_nodes + upstream
    order = np.argsort(there, kind="stable")
    ahead = np.flatnonzero(upstream <= downstream)
    first, last = (there[order].searchsorted(back[ahead], side) for side in ("left", "right"))
    k, rank = counted(last - first)
    i, j = ahead[k], order[first[k] + rank]
    length = np.nan_to_num(length_m, nan=-1.0)
    difference = np.abs(length[i] - length[j])
    is_other_way = (way[i] != way[j]) & (way[i] >= 0) & (way[j] >= 0)
    apart = np.where(is_other_way, one_way[i] | one_way[j], one_way[i] & one_way[j])
    fits = ~apart & (difference <= np.maximum(1.0, 0.01 * length[i])) & ((upstream[i] != downstream[i]) | (i < j))
    i, j, difference, is_other_way = i[fits], j[fits], difference[fits], is_other_way[fits]
    best_first = np.lexsort((j, i, difference, is_other_way))
    reverse = [-1] * upstream.size
    for one, other in zip(i[best_first].tolist(), j[best_first].tolist(), strict=True):
        if reverse[one] < 0 and reverse[other] < 0:
            reverse[one], reverse[other] = other, one
    return np.array(reverse, np.int32)


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
    assumed = highway.each(lambda h: settings.default_width_m.get(h, np.nan), np.float64)
    width = np.where(given["width"] < np.where(edges.drivable, MIN_CARRIAGEWAY_M, 0.0), np.nan, given["width"])
    width = np.where(np.isnan(width), np.where(np.isnan(assumed), by_lanes, assumed), width)
    against = ~edges.drivable & paired & edges.drivable[edges.reverse]
    width = np.where(against, width[edges.reverse], width)
    factor = _filled(np.nan, highway, settings.junction_factor, "junction_factor")
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
    return highway.each(lambda h: getattr(street_class(h), what), np.float64)


def _filled(given, highway, of_scenario, what, unit=1.0):
    """Return what the file gives; where it gives nothing (NaN), what the scenario says of the class, else the table."""
    default = highway.each(lambda h: of_scenario.get(h, getattr(street_class(h), what)), np.float64) * unit
    return np.where(np.isnan(given), default, given)


def unknown_classes(highway: Said) -> dict[str, int]:
    """Return how many edges have each class that the table of defaults does not know."""
    n = np.bincount(highway.place, minlength=len(highway.texts)).tolist()
    return {h: n_edges for h, n_edges in sorted(zip(highway.texts, n, strict=True)) if h not in STREET_CLASSES}
