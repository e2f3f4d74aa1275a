"""Where on the map somebody on a link is."""

import numpy as np

from safepassage.agents.compiled import kernel
from safepassage.agents.ground.arrays import Floats, Ints


@kernel
def piece_lengths(x_m: Floats, y_m: Floats) -> Floats:
    """Return the distance from each point to the next, float64[n]; 0 for the last."""
    piece_m = np.zeros(x_m.size)
    for k in range(x_m.size - 1):
        piece_m[k] = np.hypot(x_m[k + 1] - x_m[k], y_m[k + 1] - y_m[k])
    return piece_m


@kernel
def places_on_links(
    link: Ints,
    share: Floats,
    geometry_first: Ints,
    geometry_x_m: Floats,
    geometry_y_m: Floats,
    geometry_piece_m: Floats,
) -> tuple[Floats, Floats]:
    """Return (x_m, y_m), float64[n], of points at a share of the course of links; nan where link is -1.

    share: 0 at the upstream end, 1 at the downstream end. Points of link k are geometry_first[k] to [k + 1];
    geometry_piece_m: their `piece_lengths`. geometry_x_m, geometry_y_m: points of the links' courses (m), one after
    another.
    """
    x_m = np.full(link.size, np.nan)
    y_m = np.full(link.size, np.nan)
    for i in range(link.size):
        if link[i] < 0:
            continue
        first, last = geometry_first[link[i]], geometry_first[link[i] + 1] - 1
        whole = 0.0
        for k in range(first, last):
            whole += geometry_piece_m[k]
        left = min(max(share[i], 0.0), 1.0) * whole
        x_m[i], y_m[i] = geometry_x_m[last], geometry_y_m[last]
        for k in range(first, last):
            piece = geometry_piece_m[k]
            if piece > 0.0 and left <= piece:
                x_m[i] = geometry_x_m[k] + left / piece * (geometry_x_m[k + 1] - geometry_x_m[k])
                y_m[i] = geometry_y_m[k] + left / piece * (geometry_y_m[k + 1] - geometry_y_m[k])
                break
            left -= piece
    return x_m, y_m
