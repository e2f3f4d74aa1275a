"""Where people leave the area: named nodes, places, or roads that run out over the border of the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import counted
from safepassage.agents.ground.nearby import grid_of_points, points_within
from safepassage.model.inputs.tables import refuse
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import BorderExits, StreetSettings
from safepassage.model.streets.classes import street_class
from safepassage.model.streets.reading.order import Said

MAX_PLACE_DISTANCE_M = 2000.0
"""A place farther than this from every street is taken for a mistake (latitude and longitude swapped). Assumption."""

NEAR_M = (40.0, 200.0)
"""Roads between these distances (m) of a node tell whether its road goes on: farther than a crossing is wide, nearer
than the next parallel road. Assumption."""

END_GAP_RAD = np.deg2rad(210)
"""A road that goes on leaves gaps of 180 degrees at most, a bend somewhat more. Assumption."""

UNCONFIRMED = "found on the map and not confirmed"
"""How an exit was found that a scenario names with `confirmed: false`."""

_SIDES = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")


@dataclass(frozen=True)
class FoundExit:
    """One exit: its node, what it is called, how it was found, and its flow capacity if the scenario gives one."""

    name: str
    node: int
    how: str
    flow_capacity_per_s: float | None = None
    onward: tuple = ()


@dataclass(frozen=True)
class Layout:
    """What finding exits needs of the streets: nodes in metres, and columns of the links."""

    node_id: tuple
    node_x_m: np.ndarray
    node_y_m: np.ndarray
    upstream: np.ndarray
    downstream: np.ndarray
    drivable: np.ndarray
    walkable: np.ndarray
    highway: Said
    name: list
    flow_per_s: np.ndarray
    geometry_first: np.ndarray
    geometry_x_m: np.ndarray
    geometry_y_m: np.ndarray


def find_exits(
    layout: Layout, settings: StreetSettings, index_of_node: dict[str, int], project: Callable[..., Any]
) -> list[FoundExit]:
    """Return the exits of a scenario. Named ones first; on the border if there are none, or if asked for as well.

    index_of_node: node index by id. project: function (longitude, latitude) -> (x_m, y_m). layout: places and links of
    the network. settings: the scenario's section `StreetSettings`.
    """
    found, mistakes = [], []
    for i, exit_ in enumerate(settings.exits):
        try:
            found.append(_named_exit(layout, exit_, i, index_of_node, project))
        except ScenarioError as error:
            mistakes.append(str(error))
    refuse(mistakes)
    border = settings.border_exits
    if border is None and not found:
        border = BorderExits()
    if border is not None:
        found += border_exits(layout, border, [e.node for e in found])
    if not found:
        raise ScenarioError(
            "streets.exits: the network has no exits, and none could be found on its border. "
            "Name at least one: exits: [{node: '123'}] or [{latitude_deg: ..., longitude_deg: ...}]."
        )
    _refuse_doubles(layout, found)
    return found


def side_of(dx: float, dy: float) -> str:
    """Return in words the side of the middle on which a place lies; dx, dy: eastwards and northwards from it."""
    return _SIDES[int(np.floor(np.arctan2(dy, dx) / (np.pi / 4) + 0.5)) % 8]


def _named_exit(layout, exit_, i, index_of_node, project):
    place = f"streets.exits[{i}]" + (f" ({exit_.name})" if exit_.name else "")
    if exit_.node is not None:
        if exit_.node not in index_of_node:
            raise ScenarioError(
                f"{place}: node {exit_.node!r} is not in the network ({len(layout.node_id)} nodes). "
                "Take an id from `safepassage network describe`, or give latitude_deg and longitude_deg."
            )
        node, how = index_of_node[exit_.node], "named node"
    else:
        x, y = (exit_.x_m, exit_.y_m) if exit_.x_m is not None else project(exit_.longitude_deg, exit_.latitude_deg)
        node, distance_m = _nearest_way_out(layout, x, y)
        if not distance_m <= MAX_PLACE_DISTANCE_M:
            cure = "Correct the place, or use a network that reaches it."
            if exit_.x_m is None and _is_swapped(layout, exit_, project):
                cure = "latitude_deg and longitude_deg are swapped: exchange their values."
            raise ScenarioError(f"{place}: the nearest street is {distance_m / 1000:,.1f} km away. {cure}")
        how = f"place, {distance_m:.0f} m from its node"
    if not exit_.confirmed:
        how = f"{UNCONFIRMED}: {exit_.doubt}" if exit_.doubt else UNCONFIRMED
    return FoundExit(exit_.name or _exit_name(layout, node), node, how, exit_.flow_capacity_per_s, exit_.onward)


def _is_swapped(layout, exit_, project):
    """Return whether an exit lies at a street once its latitude and longitude are exchanged."""
    if abs(exit_.longitude_deg) > 90:
        return False
    x, y = project(exit_.latitude_deg, exit_.longitude_deg)
    return bool(np.isfinite(x) and np.isfinite(y) and _nearest_way_out(layout, x, y)[1] <= MAX_PLACE_DISTANCE_M)


def _nearest_way_out(layout, x, y):
    """Return the node nearest to a place that cars can reach (walkers, if there is no road), and its distance (m)."""
    usable = layout.drivable if layout.drivable.any() else layout.walkable
    nodes = np.unique(layout.downstream[usable])
    distance_m = np.hypot(layout.node_x_m[nodes] - x, layout.node_y_m[nodes] - y)
    nearest = int(np.argmin(distance_m))
    return int(nodes[nearest]), float(distance_m[nearest])


def _refuse_doubles(layout, found):
    mistakes = []
    for what, key in (("name", lambda e: e.name), ("node", lambda e: layout.node_id[e.node])):
        seen = {}
        for exit_ in found:
            if key(exit_) in seen:
                mistakes.append(
                    f"streets.exits: {seen[key(exit_)]!r} and {exit_.name!r} have the same {what}, "
                    f"{key(exit_)!r}. Remove one, or give it another {what}."
                )
            seen[key(exit_)] = exit_.name
    refuse(mistakes)


def border_exits(layout: Layout, border: BorderExits, taken: Sequence[int] = ()) -> list[FoundExit]:
    """Return exits found on the border of the network, largest roads first.

    An exit is a node near the convex hull of the streets where a road of one of the given classes ends and none of
    its class or better goes on. Of candidates close to each other, the better class and then the one nearer to the
    border stands for all; of those left, the first n_exits by class and flow capacity are taken. If no road ends at
    the border, as on a ring road, exits are the outermost nodes: one in each of n_exits sectors of the compass.
    """
    usable = layout.drivable if layout.drivable.any() else layout.walkable
    inside = _reached_from_the_town(layout, usable)
    rank = layout.highway.each(lambda highway: street_class(highway).rank, np.int64)
    leads = layout.highway.each(lambda highway: str(highway).removesuffix("_link") in border.classes, np.bool_)
    leading_out = leads & usable
    depth_m, diagonal_m = _depth(layout, usable)
    n_nodes = len(layout.node_id)
    best_rank = np.full(n_nodes, 99)
    np.minimum.at(best_rank, layout.downstream[leading_out], rank[leading_out])
    flow = np.bincount(layout.downstream[leading_out], layout.flow_per_s[leading_out], n_nodes)
    at_border = np.flatnonzero(inside & (best_rank < 99) & (depth_m <= border.depth_share * diagonal_m))
    candidates = _road_ends(layout, leading_out, rank, at_border)
    order = candidates[np.lexsort((candidates, depth_m[candidates], best_rank[candidates]))]
    apart = np.array(_spaced(layout, order, border.merge_m, taken), dtype=np.int64)
    picked = apart[np.lexsort((apart, -flow[apart], best_rank[apart]))][: border.n_exits].tolist()
    how = "road ends at the border"
    if not picked and not taken:
        picked, how = _outermost(layout, np.flatnonzero(inside), border), "outermost node (no road ends at the border)"
    names = _distinct([_exit_name(layout, node) for node in picked])
    return [FoundExit(name, int(node), how) for name, node in zip(names, picked, strict=True)]


def _reached_from_the_town(layout, usable):
    """Return which nodes can be reached from the largest part of the network with ways both to and fro."""
    from scipy.sparse import csgraph, csr_array

    n = len(layout.node_id)
    links = csr_array((np.ones(usable.sum()), (layout.upstream[usable], layout.downstream[usable])), shape=(n, n))
    _, part = csgraph.connected_components(links, connection="strong")
    used = np.zeros(n, dtype=bool)
    used[layout.upstream[usable]] = used[layout.downstream[usable]] = True
    start = np.flatnonzero((part == np.argmax(np.bincount(part[used]))) & used)[0]
    reached = np.zeros(n, dtype=bool)
    reached[csgraph.breadth_first_order(links, start, return_predecessors=False)] = True
    entered = np.zeros(n, dtype=bool)
    entered[layout.downstream[usable]] = True
    return reached & entered


def _depth(layout, usable):
    """Return the distance of each node from the convex hull's border (m), and the diagonal of the area (m)."""
    import shapely

    used = np.union1d(layout.upstream[usable], layout.downstream[usable])
    x, y = layout.node_x_m, layout.node_y_m
    hull = shapely.convex_hull(shapely.multipoints(np.column_stack((x[used], y[used]))))
    border = hull.boundary if hull.geom_type in ("Polygon", "LineString") else hull
    return shapely.distance(shapely.points(x, y), border), float(np.hypot(np.ptp(x[used]), np.ptp(y[used])))


def _road_ends(layout, leading_out, rank, candidates):
    """Return those of the candidate nodes at which a leading road ends on its way out.

    A road ends where all roads of its class or better nearby (between NEAR_M) lie to one side, leaving a gap of
    END_GAP_RAD or more in the circle of directions, and where that side is the one of the middle of the area.
    One node or a dual carriageway that turns back on itself: both are ends.
    """
    links = np.flatnonzero(leading_out)
    n_ranks = rank.max() + 1
    node, best = np.divmod(np.unique(layout.downstream[links].astype(np.int64) * n_ranks + rank[links]), n_ranks)
    is_candidate = np.zeros(len(layout.node_id), np.bool_)
    is_candidate[candidates] = True
    node, best = node[is_candidate[node]], best[is_candidate[node]]
    x_m, y_m = layout.node_x_m, layout.node_y_m
    point_x_m, point_y_m, link = _points_along(layout, links, NEAR_M[0] / 2)
    grid = grid_of_points(point_x_m, point_y_m, NEAR_M[1])
    asked, point, away_m = points_within(grid, x_m[node], y_m[node], NEAR_M[1])
    counts = (away_m >= NEAR_M[0]) & (rank[link][point] <= best[asked])
    asked, point = asked[counts], point[counts]
    dx, dy = point_x_m[point] - x_m[node[asked]], point_y_m[point] - y_m[node[asked]]
    to_middle_m = [(c.min() + c.max()) / 2 - c[node] for c in (x_m, y_m)]
    inwards = sum(np.bincount(asked, d, node.size) * to_m for d, to_m in zip((dx, dy), to_middle_m, strict=True)) > 0
    return np.unique(node[inwards & (_widest_gap_rad(asked, np.arctan2(dy, dx), node.size) >= END_GAP_RAD)])


def _points_along(layout, links, spacing_m):
    """Return points on the course of the links, at most spacing_m apart, as x and y, and the link of each."""
    first, x, y = layout.geometry_first, layout.geometry_x_m, layout.geometry_y_m
    of_link, rank = counted(first[links + 1] - 1 - first[links])
    start = first[links][of_link] + rank
    n_pieces = np.ceil(np.hypot(x[start + 1] - x[start], y[start + 1] - y[start]) / spacing_m).astype(int) + 1
    piece, rank = counted(n_pieces)
    share = rank / np.maximum(n_pieces[piece] - 1, 1)
    start = start[piece]
    return *(c[start] + share * (c[start + 1] - c[start]) for c in (x, y)), links[of_link[piece]]


def _widest_gap_rad(place, bearing_rad, n):
    """Return the widest gap between directions around each of n places, -inf around those without any.

    place, bearing_rad: of each direction; places rise.
    """
    widest = np.full(n, -np.inf)
    if place.size:
        bearing_rad = bearing_rad[np.lexsort((bearing_rad, place))]
        first = np.flatnonzero(np.diff(place, prepend=-1))
        after = np.append(bearing_rad[1:], 0.0)
        after[np.append(first[1:], place.size) - 1] = bearing_rad[first] + 2 * np.pi
        widest[place[first]] = np.maximum.reduceat(after - bearing_rad, first)
    return widest


def _spaced(layout, order, merge_m, taken=()):
    """Return the nodes of `order` that are farther than merge_m from those before them and from `taken`."""
    picked, held = [], list(taken)
    for node in order:
        away_m = np.hypot(layout.node_x_m[held] - layout.node_x_m[node], layout.node_y_m[held] - layout.node_y_m[node])
        if (away_m > merge_m).all():
            picked.append(int(node))
            held.append(int(node))
    return picked


def _outermost(layout, nodes, border):
    x, y = layout.node_x_m[nodes], layout.node_y_m[nodes]
    dx, dy = x - (x.min() + x.max()) / 2, y - (y.min() + y.max()) / 2
    sector = np.floor((np.arctan2(dy, dx) / (2 * np.pi) + 0.5 / border.n_exits) % 1 * border.n_exits)
    order = np.lexsort((nodes, -np.hypot(dx, dy)))
    _, first = np.unique(sector[order], return_index=True)
    return _spaced(layout, nodes[order[np.sort(first)]], border.merge_m)


def _exit_name(layout, node):
    """Return the name of the best road into a node and the side of the area on which it lies."""
    x, y = layout.node_x_m, layout.node_y_m
    dx, dy = x[node] - (x.min() + x.max()) / 2, y[node] - (y.min() + y.max()) / 2
    side = side_of(dx, dy)
    links = np.flatnonzero(layout.downstream == node)
    if links.size == 0:
        return f"{side} end"
    best = min(links, key=lambda i: (street_class(layout.highway[i]).rank, layout.name[i] == "", i))
    road = layout.name[best] or f"{layout.highway[best].replace('_', ' ')} road"
    return f"{road} ({side})"


def _distinct(names):
    counts = {}
    distinct = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        distinct.append(name if counts[name] == 1 else f"{name} {counts[name]}")
    return distinct
