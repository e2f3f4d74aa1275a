"""Why an exit may be none: what its streets, its tags on the map and the sea beyond it say against it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from safepassage.model.streets.classes import STREET_CLASSES, street_class

if TYPE_CHECKING:
    from safepassage.model.streets.streets import Streets

INSIDE_SHARE = 0.1
"""An exit farther from the outline of the streets than this share of their diagonal is inside. Assumption."""
ALONG_RAD = np.deg2rad(60)
"""A road that comes to its end at more than this from straight outwards runs along the edge. Assumption."""
SEA_WITHIN_M = 500.0
"""A coastline this near beyond an exit, straight outwards, lies between it and anywhere else (m). Assumption."""
DESCRIBED_BY = ("maxspeed", "lanes", "oneway")
"""A surveyed road that carries traffic has at least one of these tags."""
UNDESCRIBED = "the map gives it neither lanes, nor a speed, nor a direction"
TOO_FEW = "a single way out is not enough to be sure"
MINOR_RANK = STREET_CLASSES["tertiary"].rank
"""Roads of a lower class than this seldom lead out of a town. Assumption."""


def is_described(tags: dict[str, Any]) -> bool:
    """Return whether the map says of a road how fast, how wide or which way it is."""
    return any(tags.get(key) not in (None, "False", "no", "") for key in DESCRIBED_BY)


def doubts_of_exits(streets: "Streets", coastlines: Any = None) -> list[tuple[str, ...]]:
    """Return for each exit why it may be none, one reason each; () if nothing speaks against it.

    A road that runs along the edge, as a promenade by the sea does; a dead end of a minor street; a road that comes
    back into the town, as a ring does; a place inside the outline of the streets; the sea beyond it, if the map has it.

    coastlines: lines in the plane of the streets (shapely); None: nothing is known of the sea.
    """
    import shapely

    n_nodes, n_links = streets.n_town_nodes, streets.n_town_links
    x_m, y_m = streets.node_x_m[:n_nodes], streets.node_y_m[:n_nodes]
    outline = shapely.convex_hull(shapely.multipoints(np.column_stack((x_m, y_m)))).boundary
    diagonal_m = float(np.hypot(np.ptp(x_m), np.ptp(y_m)))
    middle_m = np.array([(x_m.min() + x_m.max()) / 2, (y_m.min() + y_m.max()) / 2])
    found = []
    for node in streets.exit_node.tolist():
        place_m = np.array([streets.node_x_m[node], streets.node_y_m[node]])
        into = np.flatnonzero((streets.link_downstream[:n_links] == node) & streets.drivable[:n_links])
        doubts = []
        inside_m = float(shapely.distance(shapely.Point(place_m), outline))
        if inside_m > INSIDE_SHARE * diagonal_m:
            doubts.append(f"it lies {inside_m / 1000:.1f} km inside the outline of the streets")
        if into.size:
            classes = [streets.highway_names[streets.highway[link]] for link in into]
            best = min(classes, key=lambda name: street_class(name).rank)
            n_streets = np.unique(streets.link_street[into]).size
            if n_streets == 1 and street_class(best).rank > MINOR_RANK:
                doubts.append(f"a minor street ({best}) ends here: it may be a dead end")
            if n_streets > 1:
                doubts.append("its road goes on into the town both ways: it may be a loop or a ring")
            elif _off_outwards_rad(streets, int(into[0]), place_m - middle_m) > ALONG_RAD:
                doubts.append("its road runs along the edge of the town, as by a shore, and not out of it")
        if coastlines is not None and _leads_to_sea(place_m, middle_m, coastlines):
            doubts.append("the sea lies beyond it")
        found.append(tuple(doubts))
    return found


def _leads_to_sea(place_m: np.ndarray, middle_m: np.ndarray, coastlines: Any) -> bool:
    """Return whether a coastline is crossed within SEA_WITHIN_M on the way straight on from an exit."""
    import shapely

    outwards_m = place_m - middle_m
    beyond_m = place_m + outwards_m * SEA_WITHIN_M / max(float(np.hypot(*outwards_m)), 1e-9)
    return bool(shapely.LineString([place_m, beyond_m]).intersects(coastlines))


def _off_outwards_rad(streets: "Streets", link: int, outwards_m: np.ndarray) -> float:
    """Return the angle between how a link comes to its end and the direction away from the middle of the town."""
    x_m, y_m = streets.polyline(link)
    way_m = np.array([x_m[-1] - x_m[0], y_m[-1] - y_m[0]])
    turn = np.arctan2(way_m[1], way_m[0]) - np.arctan2(outwards_m[1], outwards_m[0])
    return float(abs((turn + np.pi) % (2 * np.pi) - np.pi))
