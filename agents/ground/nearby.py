"""Who and what is near a place: uniform grids over points and over the segments of links.

A grid is built once over what does not move (homes, shelters, links) and asked many times. The work of a
question is in proportion to what lies near the place asked about; no matrix of all against all is ever made.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from safepassage.agents.compiled import kernel, part
from safepassage.agents.ground.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class PointGrid:
    """Points sorted by the cell of a uniform grid that they lie in; made by `grid_of_points`."""

    west_m: float
    south_m: float
    cell_m: float
    n_columns: int
    n_rows: int
    first: np.ndarray
    """int64[n_columns * n_rows + 1]: cell c holds the entries first[c]..first[c + 1]."""
    point: np.ndarray
    """int32: the row of each entry in the caller's arrays, rising within a cell."""
    x_m: np.ndarray
    """float64: place of each entry (not of each row), so that a cell is read in one stretch."""
    y_m: np.ndarray


@dataclass(frozen=True)
class LinkGrid:
    """Segments of links, listed in each cell that they may touch; made by `grid_of_links`."""

    west_m: float
    south_m: float
    cell_m: float
    n_columns: int
    n_rows: int
    first: np.ndarray
    """int64[n_columns * n_rows + 1]: cell c holds the entries first[c]..first[c + 1]."""
    segment: np.ndarray
    """int32: the segment of each entry; a segment has an entry in each cell that it may touch."""
    segment_link: np.ndarray
    """int32[n_segments]: the link that a segment is part of."""
    ends_m: np.ndarray
    """float64[n_segments, 4]: x and y of the start, x and y of the end."""


@kernel
def _sort_points(cell, n_cells, x_m, y_m):
    """Return (first, point, x_m, y_m) of points sorted by cell, rows rising within a cell (counting sort)."""
    first = np.zeros(n_cells + 1, dtype=np.int64)
    for i in range(cell.size):
        first[cell[i] + 1] += 1
    for c in range(n_cells):
        first[c + 1] += first[c]
    cursor = first[:n_cells].copy()
    point = np.empty(cell.size, dtype=np.int32)
    sorted_x_m = np.empty(cell.size)
    sorted_y_m = np.empty(cell.size)
    for i in range(cell.size):
        k = cursor[cell[i]]
        cursor[cell[i]] += 1
        point[k] = i
        sorted_x_m[k] = x_m[i]
        sorted_y_m[k] = y_m[i]
    return first, point, sorted_x_m, sorted_y_m


@part
def _first_and_last_cell(low_m, high_m, origin_m, cell_m, n):
    """Return the first cell of an axis that low_m..high_m may touch, and the one after the last.

    The stretch is widened by a micrometre, so that rounding at its ends loses nothing.
    """
    first = np.floor((low_m - 1e-6 - origin_m) / cell_m)
    last = np.floor((high_m + 1e-6 - origin_m) / cell_m)
    if last < 0.0 or first > n - 1.0:
        return 0, 0
    return int(max(first, 0.0)), int(min(last, n - 1.0)) + 1


@kernel
def _points_within(event_x_m, event_y_m, reach_m, west_m, south_m, cell_m, n_columns, n_rows, first, point, x_m, y_m):
    """Return (event, point, distance_m) of all pairs within reach; see `points_within`."""
    n_pairs = 0
    for counting in (True, False):
        if not counting:
            found_event = np.empty(n_pairs, dtype=np.int32)
            found_point = np.empty(n_pairs, dtype=np.int32)
            distance_m = np.empty(n_pairs)
        n_pairs = 0
        for e in range(event_x_m.size):
            reach = reach_m[e]
            left, right = _first_and_last_cell(event_x_m[e] - reach, event_x_m[e] + reach, west_m, cell_m, n_columns)
            low, high = _first_and_last_cell(event_y_m[e] - reach, event_y_m[e] + reach, south_m, cell_m, n_rows)
            for row in range(low, high if right > left else low):
                # Cells of one grid row lie one after the other, and so do their entries.
                for k in range(first[row * n_columns + left], first[row * n_columns + right]):
                    dx = x_m[k] - event_x_m[e]
                    dy = y_m[k] - event_y_m[e]
                    square = dx * dx + dy * dy
                    if square <= reach * reach:
                        if not counting:
                            found_event[n_pairs] = e
                            found_point[n_pairs] = point[k]
                            distance_m[n_pairs] = np.sqrt(square)
                        n_pairs += 1
    return found_event, found_point, distance_m


@kernel
def _has_points_within(
    near, x_m, y_m, reach_m, west_m, south_m, cell_m, n_columns, n_rows, first, point_x_m, point_y_m
):
    """Write whether there is a point within reach of each place; see `has_points_within`."""
    for e in range(near.size):
        near[e] = False
        left, right = _first_and_last_cell(x_m[e] - reach_m, x_m[e] + reach_m, west_m, cell_m, n_columns)
        low, high = _first_and_last_cell(y_m[e] - reach_m, y_m[e] + reach_m, south_m, cell_m, n_rows)
        for row in range(low, high if right > left else low):
            for k in range(first[row * n_columns + left], first[row * n_columns + right]):
                dx = point_x_m[k] - x_m[e]
                dy = point_y_m[k] - y_m[e]
                if dx * dx + dy * dy <= reach_m * reach_m:
                    near[e] = True
                    break
            if near[e]:
                break


@part
def distance_to_segment_m(x_m: float, y_m: float, x0_m: float, y0_m: float, x1_m: float, y1_m: float) -> float:
    """Return the distance from a place to the nearest point of a straight segment (m).

    x_m, y_m: place (m) in the plane of the streets. x0_m, y0_m, x1_m, y1_m: ends of the segment (m).
    """
    along_x, along_y = x1_m - x0_m, y1_m - y0_m
    square = along_x * along_x + along_y * along_y
    share = 0.0
    if square > 0.0:
        share = min(1.0, max(0.0, ((x_m - x0_m) * along_x + (y_m - y0_m) * along_y) / square))
    dx = x0_m + share * along_x - x_m
    dy = y0_m + share * along_y - y_m
    return np.sqrt(dx * dx + dy * dy)


@kernel
def _list_segments(ends_m, west_m, south_m, cell_m, n_columns, n_rows):
    """Return (first, segment): for each cell the segments within half a cell diagonal of its centre."""
    half_diagonal_m = cell_m * np.sqrt(0.5) * (1.0 + 1e-9)
    first = np.zeros(n_columns * n_rows + 1, dtype=np.int64)
    segment = np.empty(0, dtype=np.int32)
    cursor = first
    for counting in (True, False):
        if not counting:
            for c in range(n_columns * n_rows):
                first[c + 1] += first[c]
            cursor = first[:-1].copy()
            segment = np.empty(first[-1], dtype=np.int32)
        for s in range(ends_m.shape[0]):
            x0, y0, x1, y1 = ends_m[s]
            left, right = _first_and_last_cell(min(x0, x1), max(x0, x1), west_m, cell_m, n_columns)
            low, high = _first_and_last_cell(min(y0, y1), max(y0, y1), south_m, cell_m, n_rows)
            for row in range(low, high):
                for column in range(left, right):
                    centre_x = west_m + (column + 0.5) * cell_m
                    centre_y = south_m + (row + 0.5) * cell_m
                    if distance_to_segment_m(centre_x, centre_y, x0, y0, x1, y1) <= half_diagonal_m:
                        c = row * n_columns + column
                        if counting:
                            first[c + 1] += 1
                        else:
                            segment[cursor[c]] = s
                            cursor[c] += 1
    return first, segment


@part
def _note_link(found_link, distance_m, began, n, link, away_m):
    """Note a link among those found since `began`, in their order, once, at its least distance; return how many are."""
    i = n
    while i > began and found_link[i - 1] > link:
        i -= 1
    if i > began and found_link[i - 1] == link:
        distance_m[i - 1] = min(distance_m[i - 1], away_m)
        return n
    for k in range(n, i, -1):
        found_link[k], distance_m[k] = found_link[k - 1], distance_m[k - 1]
    found_link[i], distance_m[i] = link, away_m
    return n + 1


@kernel
def _links_within(
    event_x_m,
    event_y_m,
    reach_m,
    west_m,
    south_m,
    cell_m,
    n_columns,
    n_rows,
    first,
    segment,
    segment_link,
    ends_m,
):
    """Return (event, link, distance_m) of all pairs within reach; see `links_within`."""
    n_most = 0
    for e in range(event_x_m.size):
        x, y, reach = event_x_m[e], event_y_m[e], reach_m[e]
        left, right = _first_and_last_cell(x - reach, x + reach, west_m, cell_m, n_columns)
        low, high = _first_and_last_cell(y - reach, y + reach, south_m, cell_m, n_rows)
        for row in range(low, high if right > left else low):
            n_most += first[row * n_columns + right] - first[row * n_columns + left]
    found_event = np.empty(n_most, dtype=np.int32)
    found_link = np.empty(n_most, dtype=np.int32)
    distance_m = np.empty(n_most)
    n_pairs = np.int64(0)
    for e in range(event_x_m.size):
        x, y, reach = event_x_m[e], event_y_m[e], reach_m[e]
        left, right = _first_and_last_cell(x - reach, x + reach, west_m, cell_m, n_columns)
        low, high = _first_and_last_cell(y - reach, y + reach, south_m, cell_m, n_rows)
        began = np.int64(n_pairs)
        for row in range(low, high if right > left else low):
            for k in range(first[row * n_columns + left], first[row * n_columns + right]):
                s = segment[k]
                away = distance_to_segment_m(x, y, ends_m[s, 0], ends_m[s, 1], ends_m[s, 2], ends_m[s, 3])
                if away <= reach:
                    n_pairs = _note_link(found_link, distance_m, began, n_pairs, segment_link[s], away)
        found_event[began:n_pairs] = e
    return found_event[:n_pairs], found_link[:n_pairs], distance_m[:n_pairs]


def _frame(x_m, y_m, cell_m, n_entries, what):
    """Return (west_m, south_m, cell_m, n_columns, n_rows); cells grow if far more than the entries."""
    if not cell_m > 0:
        raise ValueError(f"grid of {what}: cell_m = {cell_m}; the side of a cell must be positive")
    if x_m.shape != y_m.shape:
        raise ValueError(f"grid of {what}: {x_m.size} values of x_m but {y_m.size} of y_m; give one each per row")
    bad = np.flatnonzero(~(np.isfinite(x_m) & np.isfinite(y_m)))
    if bad.size:
        i = bad[0]
        raise ValueError(f"grid of {what}: row {i} lies at ({x_m[i]}, {y_m[i]}); coordinates must be finite (m)")
    if x_m.size == 0:
        return 0.0, 0.0, float(cell_m), 1, 1
    width_m, height_m = np.ptp(x_m), np.ptp(y_m)
    most_cells = 4 * n_entries + 1024
    cell_m = max(float(cell_m), np.sqrt(width_m * height_m / most_cells), (width_m + height_m) / most_cells)
    return float(x_m.min()), float(y_m.min()), cell_m, int(width_m // cell_m) + 1, int(height_m // cell_m) + 1


def grid_of_points(x_m: npt.ArrayLike, y_m: npt.ArrayLike, cell_m: float = 100.0) -> PointGrid:
    """Return a `PointGrid` over points that do not move: homes, shelters, nodes.

    cell_m: side of a cell (m); about the usual reach is fast. It changes the speed, never what is found.
    """
    x_m, y_m = np.ascontiguousarray(x_m, dtype=np.float64), np.ascontiguousarray(y_m, dtype=np.float64)
    west_m, south_m, cell_m, n_columns, n_rows = _frame(x_m, y_m, cell_m, x_m.size, "points")
    column = np.minimum(((x_m - west_m) / cell_m).astype(np.int64), n_columns - 1)
    row = np.minimum(((y_m - south_m) / cell_m).astype(np.int64), n_rows - 1)
    first, point, x_m, y_m = _sort_points(row * n_columns + column, n_columns * n_rows, x_m, y_m)
    return PointGrid(west_m, south_m, cell_m, n_columns, n_rows, first, point, x_m, y_m)


def grid_of_links(geometry_first: Ints, geometry_x_m: Floats, geometry_y_m: Floats, cell_m: float = 100.0) -> LinkGrid:
    """Return a `LinkGrid` over polylines: link k has the points geometry_first[k]..geometry_first[k + 1].

    geometry_x_m, geometry_y_m: points of the links' courses (m), one after another. cell_m: side of a cell of the grid
    (m).
    """
    x_m = np.ascontiguousarray(geometry_x_m, dtype=np.float64)
    y_m = np.ascontiguousarray(geometry_y_m, dtype=np.float64)
    geometry_first = np.asarray(geometry_first, dtype=np.int64)
    n_points = np.diff(geometry_first)
    if (n_points < 2).any():
        k = int(np.flatnonzero(n_points < 2)[0])
        raise ValueError(f"grid of links: link {k} has {n_points[k]} points; a link needs two or more")
    link_of_point = np.repeat(np.arange(n_points.size, dtype=np.int32), n_points)
    is_start = np.ones(link_of_point.size, dtype=bool)
    is_start[geometry_first[1:] - 1] = False
    start = np.flatnonzero(is_start)
    west_m, south_m, cell_m, n_columns, n_rows = _frame(x_m, y_m, cell_m, start.size, "links")
    ends_m = np.column_stack([x_m[start], y_m[start], x_m[start + 1], y_m[start + 1]]).reshape(-1, 4)
    ends_m = np.ascontiguousarray(ends_m)
    first, segment = _list_segments(ends_m, west_m, south_m, cell_m, n_columns, n_rows)
    return LinkGrid(west_m, south_m, cell_m, n_columns, n_rows, first, segment, link_of_point[start].copy(), ends_m)


def _places(x_m, y_m, reach_m):
    x_m = np.ascontiguousarray(np.atleast_1d(x_m), dtype=np.float64)
    y_m = np.ascontiguousarray(np.atleast_1d(y_m), dtype=np.float64)
    reach_m = np.asarray(reach_m, dtype=np.float64)
    return x_m, y_m, np.full(x_m.size, reach_m) if reach_m.ndim == 0 else np.ascontiguousarray(reach_m)


def points_within(
    grid: PointGrid, x_m: Floats | float, y_m: Floats | float, reach_m: Floats | float
) -> tuple[Ints, Ints, Floats]:
    """Return (event, point, distance_m), int32, int32, float64: all points within reach of each place.

    x_m, y_m: places, one or many. reach_m: one for all, or one per place; a point exactly at reach counts.
    Sorted by event; within one event by cell of the grid, then by row.
    """
    return _points_within(
        *_places(x_m, y_m, reach_m), grid.west_m, grid.south_m, grid.cell_m, grid.n_columns, grid.n_rows,
        grid.first, grid.point, grid.x_m, grid.y_m,
    )  # fmt: skip


def has_points_within(grid: PointGrid, x_m: Floats, y_m: Floats, reach_m: float) -> Bools:
    """Return whether there is a point within reach of each place, bool; one exactly at reach counts.

    grid: of the points. x_m, y_m: places (m) in the plane of the streets. reach_m: one for all.
    """
    x_m, y_m = (np.ascontiguousarray(each, dtype=np.float64) for each in (x_m, y_m))
    near = np.empty(x_m.size, np.bool_)
    _has_points_within(
        near, x_m, y_m, float(reach_m), grid.west_m, grid.south_m, grid.cell_m, grid.n_columns, grid.n_rows, grid.first,
        grid.x_m, grid.y_m,
    )  # fmt: skip
    return near


def links_within(
    grid: LinkGrid, x_m: Floats | float, y_m: Floats | float, reach_m: Floats | float
) -> tuple[Ints, Ints, Floats]:
    """Return (event, link, distance_m), int32, int32, float64: all links within reach of each place.

    The distance is to the nearest point of the link's line. Sorted by event, then link; a link once per
    event.

    grid: where things lie, by cell. x_m, y_m: place (m) in the plane of the streets. reach_m: how far from the place
    (m).
    """
    return _links_within(
        *_places(x_m, y_m, reach_m), grid.west_m, grid.south_m, grid.cell_m, grid.n_columns, grid.n_rows,
        grid.first, grid.segment, grid.segment_link, grid.ends_m,
    )  # fmt: skip
