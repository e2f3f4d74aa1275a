"""From the edges of a street graph, all text, to one array for each thing a street has."""

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    import networkx as nx

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


def texts(data: list[Any], attribute: str) -> list[Any]:
    """Return one attribute of all edges as text, None where it is missing."""
    found = [d.get(attribute) for d in data]
    return [v if v is None or type(v) is str else str(v) for v in found]


def read_edges(graph: "nx.MultiDiGraph", index_of_node: dict[str, int], settings: StreetSettings) -> Edges:
    """Return the Edges of a graph whose nodes have the given indices, with what the file itself says in `given`."""
    ends = list(graph.edges(data=True))
    data = [d for _, _, d in ends]
    upstream = np.array([index_of_node[u] for u, _, _ in ends], dtype=np.int32)
    downstream = np.array([index_of_node[v] for _, v, _ in ends], dtype=np.int32)
    highway_text = texts(data, "highway")
    highway = [_minor_class(t) for t in highway_text]
    oneway = np.array([graphml.boolean(t) is True for t in texts(data, "oneway")], dtype=bool)
    shut = shut_by_tags(data)
    drivable, walkable = _permissions(data, highway_text, highway, oneway, shut, settings)
    length_m = _column(data, "length", graphml.number)
    length_m[~(np.isfinite(length_m) & (length_m > 0))] = np.nan
    osmid = [None if t is None else tuple(sorted(graphml.values(t))) for t in texts(data, "osmid")]
    name = [
        SEPARATOR.join(graphml.values(n)) or SEPARATOR.join(graphml.values(r))
        for n, r in zip(texts(data, "name"), texts(data, "ref"), strict=True)
    ]
    bridge = [any(v.lower() not in ("no", "false") for v in graphml.values(t)) for t in texts(data, "bridge")]
    given = {
        "highway": np.array([t is not None for t in highway_text]),
        "name": np.array([n != "" for n in name]),
        "length": length_m.copy(),
        "maxspeed": _column(data, "maxspeed", graphml.speed_km_h) * KM_H,
        "lanes": _column(data, "lanes", graphml.lanes),
        "width": _column(data, "width", graphml.width_m),
        "sidewalk": _column(data, "sidewalk", graphml.n_pavements),
    }
    reverse = pair_directions(upstream, downstream, length_m, osmid, oneway & drivable)
    no_access = shut["drivable"] & shut["walkable"] & ~shut["ferry"]
    bridge = np.array(bridge, dtype=bool)
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


def _column(data, attribute, meaning):
    return np.array([np.nan if t is None else meaning(t) for t in texts(data, attribute)], dtype=np.float64)


@cache
def _minor_class(text):
    """Return the class of a street; the most minor of several, since the narrowest part governs."""
    classes = graphml.values(text)
    return max(classes, key=lambda c: street_class(c).rank) if classes else UNKNOWN_CLASS


@cache
def _class_allows(text, what):
    classes = graphml.values(text) or (UNKNOWN_CLASS,)
    return all(getattr(street_class(c), what) for c in classes)


def _permissions(data, highway_text, highway, oneway, shut, settings):
    """Return drivable and walkable: settings before the file's `drive` and `walk`, those before the class."""
    columns = []
    for what, attribute, opened in (
        ("drivable", "drive", settings.drivable),
        ("walkable", "walk", settings.walkable),
    ):
        said = [graphml.boolean(t) for t in texts(data, attribute)]
        allowed = [_class_allows(t, what) if s is None else s for t, s in zip(highway_text, said, strict=True)]
        allowed = np.array(allowed, dtype=bool) & ~shut[what]
        if opened:
            wish = np.array([opened.get(h, a) for h, a in zip(highway, allowed, strict=True)], dtype=bool)
            against_one_way = np.array([s is False for s in said]) & oneway & (what == "drivable")
            allowed = wish & ~against_one_way
        columns.append(allowed)
    return columns


def shut_by_tags(data: list[Any]) -> dict[str, Bools]:
    """Return which edges their tags shut to cars (drivable) and to walkers (walkable), and which are ferries; bool[].

    The most specific access tag counts (OpenStreetMap wiki, "Key:access"); ferries carry nobody: they have no timetable
    here, and none can be relied on under fire (assumption).
    """
    tags = {name: texts(data, name) for name in ("route", "ferry", "highway", *CAR_TAGS, *FOOT_TAGS)}
    n = range(len(data))
    ferry = np.array(
        [
            _says(tags["route"][i], ("ferry",)) or _says(tags["highway"][i], ("ferry",)) or _says_yes(tags["ferry"][i])
            for i in n
        ],
        dtype=bool,
    )
    shut = {
        what: ferry | np.array([_says_only(_first(tags, order, i), SHUT) for i in n], dtype=bool)
        for what, order in (("drivable", CAR_TAGS), ("walkable", FOOT_TAGS))
    }
    return {**shut, "ferry": ferry}


def _first(tags, order, i):
    return next((tags[name][i] for name in order if tags[name][i] not in (None, "")), None)


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
    assumed = np.array([settings.default_width_m.get(h, np.nan) for h in highway])
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
    return np.array([getattr(street_class(h), what) for h in highway], dtype=np.float64)


def _filled(given, highway, of_scenario, what, unit=1.0):
    """Return what the file gives; where it gives nothing (NaN), what the scenario says of the class, else the table."""
    default = np.array([of_scenario.get(h, getattr(street_class(h), what)) for h in highway], dtype=np.float64) * unit
    return np.where(np.isnan(given), default, given)


def unknown_classes(highway: list[str]) -> dict[str, int]:
    """Return how many edges have each class that the table of defaults does not know."""
    unknown = [h for h in highway if h not in STREET_CLASSES]
    return {h: unknown.count(h) for h in sorted(set(unknown))}
