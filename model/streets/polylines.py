"""The course of each link as points, stored end to end in flat arrays."""

from pathlib import Path

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.reading.order import Said

LONGEST_M = 1_000_000.0
"""No street is longer (m); a greater number is a mistake, or asks for points without end. Assumption."""


def read_polylines(
    wkt: Said, start: Ints, end: Ints, node_x: Floats, node_y: Floats
) -> tuple[Ints, Floats, Floats, Bools]:
    """Return (first, x, y, given): points of each edge from start to end node, in the coordinates of the nodes.

    wkt: LINESTRINGs as text. An edge without a usable one is a straight line. A line drawn against the
    direction of its edge is turned round. given: bool, whether the line came from the file. node_x, node_y: place of
    each node, in the file's coordinates.
    """
    import shapely

    lines = shapely.from_wkt(np.array([*wkt.texts, None], dtype=object), on_invalid="ignore")[wkt.place]
    given = (shapely.get_type_id(lines) == 1) & (shapely.get_num_coordinates(lines) >= 2)
    count = np.where(given, shapely.get_num_coordinates(lines), 2)
    first = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    x, y = np.empty(first[-1]), np.empty(first[-1])
    is_given_point = np.repeat(given, count)
    points = shapely.get_coordinates(lines[given])
    x[is_given_point], y[is_given_point] = points[:, 0], points[:, 1]
    straight = np.flatnonzero(~given)
    for column, node in ((x, node_x), (y, node_y)):
        column[first[straight]] = node[start[straight]]
        column[first[straight] + 1] = node[end[straight]]
    return (*_drawn_forward(first, x, y, start, end, node_x, node_y), given)


def _drawn_forward(first, x, y, start, end, node_x, node_y):
    a, b = first[:-1], first[1:] - 1
    as_drawn = np.hypot(x[a] - node_x[start], y[a] - node_y[start]) + np.hypot(x[b] - node_x[end], y[b] - node_y[end])
    turned = np.hypot(x[b] - node_x[start], y[b] - node_y[start]) + np.hypot(x[a] - node_x[end], y[a] - node_y[end])
    return take_polylines(first, x, y, np.arange(a.size), turned < as_drawn)


def take_polylines(first: Ints, x: Floats, y: Floats, rows: Ints, turned: Bools) -> tuple[Ints, Floats, Floats]:
    """Return (first, x, y) of the chosen rows, in the given order, each reversed where `turned`."""
    count = (first[1:] - first[:-1])[rows]
    new_first = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    step = np.arange(new_first[-1]) - np.repeat(new_first[:-1], count)
    back = np.repeat(turned, count)
    source = np.repeat(first[:-1][rows], count) + np.where(back, np.repeat(count, count) - 1 - step, step)
    return new_first, x[source], y[source]


def polyline_lengths(first: Ints, x: Floats, y: Floats) -> Floats:
    """Return the length of each polyline (in the unit of its points)."""
    piece = np.hypot(np.diff(x), np.diff(y))
    piece[first[1:-1] - 1] = 0.0
    along = np.concatenate(([0.0], np.cumsum(piece)))
    return along[first[1:] - 1] - along[first[:-1]]


def refuse_too_long(length_m: Floats, network: Path) -> None:
    """Raise ScenarioError, naming the network's file, if a street is longer than any can be."""
    if length_m.max(initial=0.0) > LONGEST_M:
        raise ScenarioError(
            f"{network}: a street is {length_m.max() / 1000:,.0f} km long; none may exceed "
            f"{LONGEST_M / 1000:,.0f} km. Correct its length or its coordinates, or streets.min_length_m."
        )
