"""From ways to a street graph as OSMnx makes it: nodes are junctions and ends, an edge is one direction of a street."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely

from safepassage.model.maps.extract import Piece
from safepassage.model.maps.ways import KEPT_TAGS, direction
from safepassage.model.streets.streets import SIGNALS

if TYPE_CHECKING:
    import networkx as nx

CUT = "cut"
"""Attribute of a node at which a street goes on outside the map: "yes"."""
GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(eq=False)
class Segment:
    """A part of a street between two nodes; cars go both ways, or from u to v only."""

    u: int
    v: int
    lon_lat: np.ndarray
    one_way: bool
    ways: list[int]
    tags: list[dict[str, str]]

    def turned(self) -> "Segment":
        """Return it from v to u."""
        return Segment(self.v, self.u, self.lon_lat[::-1], self.one_way, self.ways[::-1], self.tags[::-1])

    def and_then(self, other: "Segment") -> "Segment":
        """Return this and the segment that begins where it ends as one."""
        line = np.concatenate((self.lon_lat, other.lon_lat[1:]))
        return Segment(self.u, other.v, line, self.one_way, self.ways + other.ways, self.tags + other.tags)


def graph_of(pieces: list[Piece], cut: set[int], signals: set[int]) -> "nx.MultiDiGraph":
    """Return the street graph of the ways of an extract, in degrees, lengths along the ellipsoid (m).

    cut: nodes beyond which a way goes on outside the extract. signals: nodes with traffic signals.
    """
    import networkx as nx

    segments = _segments(pieces, cut)
    graph = nx.MultiDiGraph(crs="EPSG:4326", created_with="safepassage from OpenStreetMap")
    for street in _joined(segments, cut):
        for node, (x, y) in ((street.u, street.lon_lat[0]), (street.v, street.lon_lat[-1])):
            if node not in graph:
                said = ({CUT: "yes"} if node in cut else {}) | ({"highway": SIGNALS} if node in signals else {})
                graph.add_node(node, x=float(x), y=float(y), **said)
        attributes = _attributes(street)
        graph.add_edge(street.u, street.v, **attributes, geometry=_line(street.lon_lat))
        if not street.one_way:
            graph.add_edge(
                street.v, street.u, **{**attributes, "reversed": "True"}, geometry=_line(street.lon_lat[::-1])
            )
    return graph


def _segments(pieces: list[Piece], cut: set[int]) -> list[Segment]:
    """Return the ways divided at every node that two of them share, drawn as cars go."""
    uses: Counter = Counter(cut)
    for piece in pieces:
        uses.update(piece.nodes)
        uses.update((piece.nodes[0], piece.nodes[-1]))
    found = []
    for piece in pieces:
        stops = [i for i, node in enumerate(piece.nodes) if uses[node] > 1]
        way_direction = direction(piece.tags)
        for first, last in pairwise(stops):
            one = Segment(
                piece.nodes[first], piece.nodes[last], piece.lon_lat[first : last + 1], way_direction != 0, [piece.way],
                [piece.tags],
            )  # fmt: skip
            found.append(one.turned() if way_direction < 0 else one)
    return found


def _joined(segments: list[Segment], cut: set[int]) -> Iterable[Segment]:
    """Yield streets: segments joined where nothing branches off, as OSMnx simplifies; rings without a way in drop."""
    at: dict[int, list[int]] = defaultdict(list)
    for i, one in enumerate(segments):
        at[one.u].append(i)
        at[one.v].append(i)
    goes_through = {node for node, here in at.items() if node not in cut and _is_passed(segments, node, here)}
    done = np.zeros(len(segments), np.bool_)
    for node in at:
        if node in goes_through:
            continue
        for i in at[node]:
            if done[i]:
                continue
            done[i] = True
            street = segments[i] if segments[i].u == node else segments[i].turned()
            against = segments[i].one_way and segments[i].u != node
            while street.v in goes_through:
                i = next((j for j in at[street.v] if not done[j]), -1)
                if i < 0:
                    break
                done[i] = True
                street = street.and_then(segments[i] if segments[i].u == street.v else segments[i].turned())
            yield street.turned() if against else street


def _is_passed(segments: list[Segment], node: int, here: list[int]) -> bool:
    if len(here) != 2 or here[0] == here[1]:
        return False
    one, other = (segments[i] for i in here)
    if one.one_way != other.one_way or (one.one_way and (one.v == node) == (other.v == node)):
        return False
    ends = [segment.u if segment.v == node else segment.v for segment in (one, other)]
    return ends[0] != ends[1] and node not in ends


def _attributes(street: Segment) -> dict[str, Any]:
    found: dict[str, Any] = {"osmid": _one_or_list(dict.fromkeys(street.ways))}
    for key in KEPT_TAGS:
        values = dict.fromkeys(tags[key] for tags in street.tags if key in tags)
        if values:
            found[key] = _one_or_list(values)
    found["oneway"] = str(street.one_way)
    found["reversed"] = "False"
    found["length"] = float(GEOD.line_length(street.lon_lat[:, 0], street.lon_lat[:, 1]))
    return found


def _one_or_list(values: Iterable[Any]) -> str:
    listed = list(values)
    return str(listed[0]) if len(listed) == 1 else str(listed)


def _line(lon_lat: np.ndarray) -> str:
    return shapely.LineString(lon_lat).wkt
