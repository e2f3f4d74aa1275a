"""OpenStreetMap extracts (.osm.pbf, .osm, .osm.gz, .osm.bz2) read offline in one pass, by osmium."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np

from safepassage.model.inputs.feature_tables import gis
from safepassage.model.maps.background import KEYS, background_kind
from safepassage.model.maps.ways import FERRY, PLACE_KEYS, UNBUILT, left_out_because, place_kind
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.streets import SIGNALS

MOST_EXTRACT_BYTES = 600_000_000
"""Size of an extract: a federal state as Geofabrik packs it. Larger ones are cut first. Assumption."""
MOST_WAYS = 3_000_000
"""Ways that become streets or are buildings; Berlin has a million. Assumption."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A way, or the part of it whose nodes are in the extract."""

    way: int
    tags: dict[str, str]
    nodes: tuple[int, ...]
    lon_lat: np.ndarray
    """float64[n, 2]."""


@dataclass(eq=False)
class Extract:
    """What an extract holds for a town."""

    pieces: list[Piece] = field(default_factory=list)
    buildings: list[tuple[Any, dict[str, str]]] = field(default_factory=list)
    """Outline (shapely, degrees) and tags."""
    places: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list)
    """Kind, point and tags of hospitals, schools and the like."""
    n_left_out: Counter = field(default_factory=Counter)
    """Number of ways left out, by reason."""
    ferries: list[str] = field(default_factory=list)
    cut: set[int] = field(default_factory=set)
    """Nodes beyond which a way goes on outside the extract."""
    goes_on: set[int] = field(default_factory=set)
    """Nodes of ways that are left out: a street that ends there is not cut by the extract's edge."""
    signals: set[int] = field(default_factory=set)
    """Nodes with traffic signals."""
    coastlines: list[Any] = field(default_factory=list)
    """Lines (shapely, degrees) beyond which the sea lies."""
    background: list[tuple[str, Any, str]] = field(default_factory=list)
    """Kind, shape (degrees) and name of water, green, railways and places."""


def read_extract(path: Path, box: tuple[float, float, float, float] | None = None, *, with_walkways: bool) -> Extract:
    """Return what an extract holds; ways wholly outside the box (west, south, east, north, degrees) are passed over.

    with_walkways: paths, steps, service roads and tracks become streets too. Raises ScenarioError for a file that is
    none, is too large, or has no streets. path: the file, which errors name.
    """
    osmium = gis(f"{path}: an OpenStreetMap extract", "osmium")
    if not isfile(path):
        raise ScenarioError(f"{path}: there is no such file. Give the path of an OpenStreetMap extract.")
    if path.stat().st_size > MOST_EXTRACT_BYTES:
        raise ScenarioError(
            f"{path}: this extract is larger than {MOST_EXTRACT_BYTES:,} bytes. Cut it to the town first: osmium "
            "extract -b WEST,SOUTH,EAST,NORTH."
        )
    found = Extract()
    try:
        keys = osmium.filter.KeyFilter("highway", "building", "route", "ferry", *KEYS, *PLACE_KEYS)
        for thing in osmium.FileProcessor(str(path)).with_areas().with_filter(keys):
            if thing.type_str() == "n":
                _take_place(found, thing.tags, thing, box)
                _take_name(found, thing.tags, thing)
                if thing.tags.get("highway") == SIGNALS:
                    found.signals.add(thing.id)
            elif thing.is_way() and thing.tags.get("natural") == "coastline":
                _take_coastline(found, thing)
            elif thing.is_way():
                _take_line(found, thing)
                _take_way(found, thing, box, with_walkways)
            elif thing.is_area():
                _take_area(found, thing, box, osmium.geom.WKBFactory())
            if len(found.pieces) + len(found.buildings) > MOST_WAYS:
                raise ScenarioError(f"{path}: the extract has more than {MOST_WAYS:,} streets and buildings. Cut it.")
    except ScenarioError:
        raise
    except (osmium.InvalidLocationError, RuntimeError, ValueError, OSError, UnicodeError) as error:
        raise ScenarioError(
            f"{path}: this is not an OpenStreetMap extract that can be read ({' '.join(str(error).split())[:120]}). "
            "Download it again."
        ) from None
    if not found.pieces:
        raise ScenarioError(
            f"{path}: the extract has no street{' within the boundary' if box else ''}.{_left_out(found)} Give another "
            "one."
        )
    return found


def _take_coastline(found: Extract, way: Any) -> None:
    line = _line(way)
    if line is not None:
        found.coastlines.append(line)
        found.background.append(("water", line, ""))


def _take_line(found: Extract, way: Any) -> None:
    kind = background_kind(way.tags, shape="line")
    if kind is not None and (line := _line(way)) is not None:
        found.background.append((kind, line, way.tags.get("name", "")))


def _line(way: Any) -> Any:
    """Return a way as a line (shapely, degrees); None if fewer than two of its nodes are in the extract."""
    import shapely

    known = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
    return shapely.LineString(known) if len(known) > 1 else None


def _take_name(found: Extract, tags: Any, node: Any) -> None:
    import shapely

    kind = background_kind(tags, shape="point")
    if kind is not None and node.location.valid():
        found.background.append((kind, shapely.Point(node.lon, node.lat), tags["name"]))


def _take_way(found: Extract, way: Any, box: Any, with_walkways: bool) -> None:
    if "highway" not in way.tags and way.tags.get("route") != "ferry":
        return
    refs = [(node.ref, node.lon, node.lat) if node.location.valid() else None for node in way.nodes]
    known = [one for one in refs if one is not None]
    if not known or not _touches(known, box):
        return
    tags = {tag.k: tag.v for tag in way.tags}
    why = left_out_because(tags, with_walkways=with_walkways)
    if why is not None:
        found.n_left_out[why] += 1
        if why == FERRY:
            found.ferries.append(tags.get("name", "unnamed ferry"))
        elif why != UNBUILT:
            found.goes_on.update(one[0] for one in known)
        return
    run: list[tuple[int, float, float]] = []
    for place, one in enumerate([*refs, None]):
        if one is not None:
            if not run or run[-1][0] != one[0]:
                run.append(one)
            continue
        if run and place < len(refs):
            found.cut.add(run[-1][0])
        if len(run) > 1:
            found.pieces.append(Piece(way.id, tags, tuple(r[0] for r in run), np.array([r[1:] for r in run])))
        run = []
    found.cut.update(one[0] for before, one in pairwise(refs) if before is None and one is not None)


def _touches(places: list[tuple[int, float, float]], box: Any) -> bool:
    if box is None:
        return True
    west, south, east, north = box
    lon, lat = [one[1] for one in places], [one[2] for one in places]
    return min(lon) <= east and max(lon) >= west and min(lat) <= north and max(lat) >= south


def _take_place(found: Extract, tags: Any, node: Any, box: Any) -> None:
    import shapely

    kind = place_kind(tags)
    if kind is not None and node.location.valid() and _touches([(0, node.lon, node.lat)], box):
        found.places.append((kind, shapely.Point(node.lon, node.lat), {tag.k: tag.v for tag in tags}))


def _take_area(found: Extract, area: Any, box: Any, factory: Any) -> None:
    import shapely

    tags = {tag.k: tag.v for tag in area.tags}
    is_building, kind = tags.get("building", "no") != "no", place_kind(tags)
    beneath = background_kind(tags, shape="area")
    if not is_building and kind is None and beneath is None:
        return
    try:
        outline = shapely.from_wkb(factory.create_multipolygon(area))
    except (RuntimeError, ValueError, shapely.errors.ShapelyError):
        return
    if outline.is_empty or (box is not None and not outline.intersects(shapely.box(*box))):
        return
    if is_building:
        found.buildings.append((outline.geoms[0] if len(outline.geoms) == 1 else outline, tags))
    if kind is not None:
        found.places.append((kind, shapely.point_on_surface(outline), tags))
    if beneath is not None:
        found.background.append((beneath, outline, tags.get("name", "")))


def _left_out(found: Extract) -> str:
    """Return a sentence about ways that are no streets here, with a space before it; empty if there are none."""
    counted = "; ".join(f"{n:,} {why}" for why, n in found.n_left_out.most_common())
    return f" Ways that are left out: {counted}." if counted else ""
