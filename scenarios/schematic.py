"""Draws invented towns: streets laid out in metres become a street graph as OSMnx would save it.

Used by the make_*.py scripts beside it. Pure arithmetic on rounded coordinates, so that the files come out the
same, byte for byte, wherever they are made.
"""

import gzip
import io
import json
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import networkx as nx

EARTH_RADIUS_M = 6_371_009.0
"""Radius of the earth as OSMnx takes it for street lengths."""
MERGE_M = 16.0
"""Junctions nearer than this are one."""
BUCKET_M = 300.0
"""Size of the squares by which crossing streets are looked for."""
RANK = {"trunk": 0, "primary": 1, "secondary": 2, "tertiary": 3, "unclassified": 4, "residential": 5}
"""Which street's tags win where two lie on each other; anything else ranks last."""


@dataclass(frozen=True)
class Street:
    """One straight piece of street between two points, metres east and north of the town's centre."""

    start: tuple
    end: tuple
    highway: str
    tags: dict = field(default_factory=dict)
    """Further OSM tags as text: name, lanes, maxspeed, bridge, tunnel, oneway, ref."""


def polyline(points, highway, **tags):
    """Return the streets along a line of points, all with the same tags."""
    points = [_rounded(p) for p in points]
    return [Street(a, b, highway, tags) for a, b in pairwise(points)]


def smooth(points, spacing_m=160.0):
    """Return points at most spacing_m apart on a Catmull-Rom curve through the given ones."""
    padded = [points[0], *points, points[-1]]
    curve = [points[0]]
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        n_parts = max(1, round(math.dist(p1, p2) / spacing_m))
        for k in range(1, n_parts + 1):
            t = k / n_parts
            weights = (
                -0.5 * t + t * t - 0.5 * t**3,
                1 - 2.5 * t * t + 1.5 * t**3,
                0.5 * t + 2 * t * t - 1.5 * t**3,
                -0.5 * t * t + 0.5 * t**3,
            )
            curve.append(tuple(sum(w * p[i] for w, p in zip(weights, (p0, p1, p2, p3), strict=True)) for i in (0, 1)))
    return curve


def inside(point, outline):
    """Tell whether a point lies inside a ring of points (even-odd rule)."""
    x, y = point
    is_inside = False
    for (ax, ay), (bx, by) in zip(outline, outline[1:] + outline[:1], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            is_inside = not is_inside
    return is_inside


def crosses(a, b, line):
    """Tell whether the straight piece from a to b meets a line of points."""
    return any(crossing(a, b, p, q) is not None for p, q in pairwise(line))


def crossing(a, b, p, q):
    """Return where the pieces a-b and p-q meet, or None."""
    rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], q[0] - p[0], q[1] - p[1]
    cross = rx * sy - ry * sx
    if abs(cross) < 1e-9:
        return None
    t = ((p[0] - a[0]) * sy - (p[1] - a[1]) * sx) / cross
    u = ((p[0] - a[0]) * ry - (p[1] - a[1]) * rx) / cross
    return (a[0] + t * rx, a[1] + t * ry) if 0 <= t <= 1 and 0 <= u <= 1 else None


def distance_to_line(point, line):
    """Return the distance (m) from a point to a line of points."""
    return min(math.dist(point, _nearest(point, p, q)) for p, q in pairwise(line))


def quarter(outline, block_m, turn_deg, chance, *, p_gap=0.0, bend_m=0.0, highway="residential", tags=None):
    """Return the streets of one quarter: a grid turned and bent, clipped to the outline, some streets left out.

    outline: corners (m). block_m: length and depth of a block. turn_deg: by which the grid is turned. chance:
    random.Random. p_gap: share of pieces between two corners left out. bend_m: how far the grid is bent out of true.
    highway: class of the streets. tags: function of chance that returns a street's tags.
    """
    turn = math.radians(turn_deg)
    cx = sum(p[0] for p in outline) / len(outline)
    cy = sum(p[1] for p in outline) / len(outline)
    reach = max(math.dist((cx, cy), p) for p in outline)
    phase = [chance.uniform(0, 2 * math.pi) for _ in range(4)]

    def corner(i, j):
        u, v = i * block_m[0], j * block_m[1]
        u, v = (
            u + bend_m * (math.sin(v / 420 + phase[0]) + 0.5 * math.sin(v / 170 + phase[1])),
            v + bend_m * (math.sin(u / 420 + phase[2]) + 0.5 * math.sin(u / 170 + phase[3])),
        )
        return _rounded((cx + u * math.cos(turn) - v * math.sin(turn), cy + u * math.sin(turn) + v * math.cos(turn)))

    n, m = (math.ceil(reach / size) for size in block_m)
    line_tags = {}
    streets = []
    for i in range(-n, n + 1):
        for j in range(-m, m + 1):
            for line, (di, dj) in ((("along", j), (1, 0)), (("across", i), (0, 1))):
                is_left_out = chance.random() < p_gap
                if line not in line_tags:
                    line_tags[line] = tags(chance) if tags else {}
                a, b = corner(i, j), corner(i + di, j + dj)
                if not is_left_out and inside(a, outline) and inside(b, outline):
                    streets.append(Street(a, b, highway, line_tags[line]))
    return streets


def junctions(streets):
    """Return (points, pieces): streets cut where they meet, junctions nearer than MERGE_M made one.

    points: list of (x_m, y_m). pieces: dict {(i, j): Street} with i < j, the highest ranking street of each pair.
    """
    cuts = _cuts(streets)
    points, number, squares = [], {}, {}

    def node(point):
        if point not in number:
            square = (math.floor(point[0] / MERGE_M), math.floor(point[1] / MERGE_M))
            near = [
                k
                for dx in (-1, 0, 1)
                for dy in (-1, 0, 1)
                for k in squares.get((square[0] + dx, square[1] + dy), ())
                if math.dist(points[k], point) < MERGE_M
            ]
            if near:
                number[point] = min(near, key=lambda k: (math.dist(points[k], point), k))
            else:
                number[point] = len(points)
                squares.setdefault(square, []).append(len(points))
                points.append(point)
        return number[point]

    pieces = {}
    for street, cut in zip(streets, cuts, strict=True):
        along = sorted({street.start, street.end, *cut}, key=lambda p: (math.dist(street.start, p), p))
        for a, b in pairwise(along):
            i, j = node(a), node(b)
            pair = (min(i, j), max(i, j))
            if i != j and (pair not in pieces or _rank(street) < _rank(pieces[pair])):
                pieces[pair] = street
    return points, pieces


def tidy(points, pieces, shortest_dead_end_m=60.0):
    """Return pieces without short dead ends of residential streets and without parts cut off from the rest."""
    graph = nx.Graph()
    graph.add_edges_from(sorted(pieces))
    for _ in range(2):
        for i in [n for n in graph if graph.degree(n) == 1]:
            for j in list(graph[i]):
                street = pieces[min(i, j), max(i, j)]
                is_short = math.dist(points[i], points[j]) < shortest_dead_end_m
                if is_short and street.highway == "residential":
                    graph.remove_edge(i, j)
    kept = max(nx.connected_components(graph), key=lambda part: (len(part), -min(part)))
    return {pair: street for pair, street in sorted(pieces.items()) if graph.has_edge(*pair) and pair[0] in kept}


def as_osmnx(points, pieces, centre, places, **attributes):
    """Return the pieces as a MultiDiGraph in OSMnx's style: every attribute is text, two edges per two-way street.

    points: place of each node (m). pieces: {(node, node): street}. centre: (longitude, latitude). places:
    {(x_m, y_m): name}, given to the nearest node as attribute `place`. attributes: of the graph. The street ids are
    negative, since they are not ids of OpenStreetMap.
    """
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified="False", **attributes)
    used = sorted({n for pair in pieces for n in pair})
    number = {n: k + 1 for k, n in enumerate(used)}
    named = {min(used, key=lambda n: (math.dist(points[n], at), n)): name for at, name in places.items()}
    n_streets = dict.fromkeys(used, 0)
    for i, j in pieces:
        n_streets[i] += 1
        n_streets[j] += 1
    for n in used:
        longitude, latitude = degrees(points[n], centre)
        place = {"place": named[n]} if n in named else {}
        graph.add_node(number[n], y=f"{latitude:.7f}", x=f"{longitude:.7f}", street_count=str(n_streets[n]), **place)
    for k, ((i, j), street) in enumerate(pieces.items()):
        tags = {"osmid": str(-(k + 1)), "highway": street.highway, **street.tags}
        is_one_way = tags.pop("oneway", None) == "yes"
        along = (points[j][0] - points[i][0]) * (street.end[0] - street.start[0]) + (points[j][1] - points[i][1]) * (
            street.end[1] - street.start[1]
        )
        a, b = (i, j) if along >= 0 else (j, i)
        tags |= {"oneway": str(is_one_way), "length": f"{math.dist(points[i], points[j]):.3f}"}
        graph.add_edge(number[a], number[b], reversed="False", **tags)
        if not is_one_way:
            graph.add_edge(number[b], number[a], reversed="True", **tags)
    return graph


def degrees(point, centre):
    """Return (longitude, latitude) of a point given in metres east and north of the centre."""
    longitude = centre[0] + math.degrees(point[0] / (EARTH_RADIUS_M * math.cos(math.radians(centre[1]))))
    return longitude, centre[1] + math.degrees(point[1] / EARTH_RADIUS_M)


def graphml(graph):
    """Return the graph as GraphML, bytes."""
    text = io.BytesIO()
    nx.write_graphml_xml(graph, text)
    return text.getvalue()


def geojson(name, note, features, centre):
    """Return a GeoJSON collection, bytes.

    name: of the collection. note: what it is and where it comes from. features: list of (kind, points in metres,
    properties). centre: (longitude, latitude) of the point 0, 0.
    """

    def position(point):
        return [round(value, 6) for value in degrees(point, centre)]

    def geometry(kind, points):
        positions = [position(p) for p in points]
        nested = {"Point": positions[0], "LineString": positions, "Polygon": [[*positions, positions[0]]]}
        return {"type": kind, "coordinates": nested[kind]}

    lines = [
        json.dumps({"type": "Feature", "properties": p, "geometry": geometry(kind, points)}, ensure_ascii=False)
        for kind, points, p in features
    ]
    head = f'{{\n"type": "FeatureCollection",\n"name": {json.dumps(name)},\n"note": {json.dumps(note)},\n'
    return (head + '"features": [\n' + ",\n".join(lines) + "\n]\n}\n").encode()


def save(files, folder):
    """Write {path: bytes} below the folder; what ends in .gz is compressed, without time or name in its header."""
    for path, content in files.items():
        packed = gzip.compress(content, mtime=0) if path.endswith(".gz") else content
        (Path(folder) / path).write_bytes(packed)


def _rounded(point):
    """Return the point to the decimetre."""
    return round(point[0], 1) + 0.0, round(point[1], 1) + 0.0


def _rank(street):
    """Return the place of a street's class in RANK."""
    return RANK.get(street.highway, len(RANK))


def _nearest(point, p, q):
    """Return the point of the piece p-q nearest to a point."""
    dx, dy = q[0] - p[0], q[1] - p[1]
    length2 = dx * dx + dy * dy
    t = 0.0 if length2 == 0 else min(1.0, max(0.0, ((point[0] - p[0]) * dx + (point[1] - p[1]) * dy) / length2))
    return p[0] + t * dx, p[1] + t * dy


def _cuts(streets):
    """Return for each street the points at which another crosses it or ends on it."""
    squares = {}
    for k, street in enumerate(streets):
        xs, ys = sorted((street.start[0], street.end[0])), sorted((street.start[1], street.end[1]))
        for i in range(math.floor((xs[0] - MERGE_M) / BUCKET_M), math.floor((xs[1] + MERGE_M) / BUCKET_M) + 1):
            for j in range(math.floor((ys[0] - MERGE_M) / BUCKET_M), math.floor((ys[1] + MERGE_M) / BUCKET_M) + 1):
                squares.setdefault((i, j), []).append(k)
    pairs = {(a, b) for members in squares.values() for k, a in enumerate(members) for b in members[k + 1 :]}
    cuts = [set() for _ in streets]
    for a, b in sorted(pairs):
        s, t = streets[a], streets[b]
        at = crossing(s.start, s.end, t.start, t.end)
        if at is not None:
            cuts[a].add(_rounded(at))
            cuts[b].add(_rounded(at))
        for ending, other, k in ((s, t, b), (t, s, a)):
            for end in (ending.start, ending.end):
                foot = _nearest(end, other.start, other.end)
                if math.dist(end, foot) < MERGE_M:
                    cuts[k].add(_rounded(foot))
    return cuts
