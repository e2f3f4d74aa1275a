"""A town that is begun: from map files and a number of residents to a folder with a scenario that runs."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import shapely

from safepassage.model.inputs.vectors import POLYGONS, read_features
from safepassage.model.maps.background import background_features, read_background
from safepassage.model.maps.read import TownMap, map_of, read_map
from safepassage.model.maps.report import is_openstreetmap
from safepassage.model.maps.residents import TownZones, town_zones
from safepassage.model.maps.save import as_graphml
from safepassage.model.maps.scenario_text import Choices, scenario_text
from safepassage.model.maps.town_exits import exits_of_town
from safepassage.model.maps.ways import NO_HOMES
from safepassage.model.settings.base import ScenarioError
from safepassage.model.streets.map import OSM_ATTRIBUTION, draw_map
from safepassage.model.streets.reading.graphml import number, width_m
from safepassage.model.streets.streets import Streets

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_HOME_M2 = 8.0
"""Homes stand in the map's buildings if these have so much floor per resident: a third of what people usually have, so
that a map with few buildings does not put everybody into them. Assumption."""
FARTHEST_BUILDING_M = 1000.0
"""A building farther from every junction is a hut in the hills and left out. Assumption."""
_FILES = ("scenario.yaml", "network.graphml.gz", "zones.geojson", "buildings.geojson", "places.geojson",
          "background.geojson", "map.png")  # fmt: skip


@dataclass(frozen=True)
class Wishes:
    """What a user says of the town; everything else is read from the map or assumed."""

    residents: int | None = None
    """Residents in all."""
    zones: Path | None = None
    """Zones, with counts or without."""
    population: Path | None = None
    """GeoTIFF of residents."""
    boundary: Path | None = None
    """Polygons within which the town lies."""
    zone_name: str = ""
    zone_residents: str = ""
    with_walkways: bool = False
    accept_exits: bool = False
    """Whether the user has looked at the exits found and takes them all, the doubtful ones as well."""
    time_zone: str = ""
    start: datetime = datetime(2026, 6, 1, 6, 0)


@dataclass(eq=False)
class Begun:
    """A town's folder and what was found, chosen and left out on the way, one sentence each."""

    folder: Path
    scenario: Path
    told: list[str] = field(default_factory=list)


def begin_town(source: "Path | nx.MultiDiGraph", out: Path, wishes: Wishes) -> Begun:
    """Write the folder of a town and return what was found; nothing is ever overwritten.

    source: a map file (OpenStreetMap extract, GraphML, tables of nodes and edges), or a street graph. out: the folder
    to make. Raises ScenarioError before anything is written.
    """
    out = Path(out)
    there = [name for name in _FILES if (out / name).exists()]
    if there or (out.exists() and not out.is_dir()):
        raise ScenarioError(f"{out / there[0] if there else out}: this already exists. Choose another --out.")
    boundary = None if wishes.boundary is None else _boundary(wishes.boundary)
    if isinstance(source, nx.Graph):
        town, name = map_of(source, boundary), "a street graph in memory"
    else:
        town, name = read_map(source, boundary, with_walkways=wishes.with_walkways), Path(source).name
    found = exits_of_town(town, accepted=wishes.accept_exits)
    streets, report = found.streets, found.report
    zones = town_zones(
        streets, boundary, wishes.residents, wishes.zones, wishes.population, (wishes.zone_name, wishes.zone_residents)
    )
    buildings, is_used, told_of_buildings = _buildings(town, streets, int(zones.residents.sum()))
    beneath = _background(town)
    time_zone, zone_from = (wishes.time_zone, "") if wishes.time_zone else _time_zone(streets)
    choices = Choices(
        name=_scenario_name(out), source=name, is_openstreetmap=is_openstreetmap(town.graph) or bool(town.n_left_out),
        exits=found.exits, doubtful=found.left_out,
        found_on_border=() if found.exits else tuple(zip(streets.exit_name, report.exit_found_by, strict=True)),
        accepted=wishes.accept_exits, zones_told=tuple(zones.told), n_residents=int(zones.residents.sum()),
        buildings_told=told_of_buildings, has_buildings=bool(buildings), lives_in_buildings=is_used,
        places=_counted(kind for kind, _, _ in town.places),
        background=_counted(one["properties"]["kind"] for one in beneath), network_told=(*town.notes, *report.notes),
        time_zone=time_zone, time_zone_from=zone_from,
        start=wishes.start, with_walkways=wishes.with_walkways,
    )  # fmt: skip
    _write(out, town, zones, {"buildings": buildings, "background": beneath}, scenario_text(choices))
    attribution = OSM_ATTRIBUTION if choices.is_openstreetmap else None
    background = read_background(out / "background.geojson" if beneath else None, streets)
    title = choices.name.replace("_", " ")
    draw_map(streets, out / "map.png", title=title, attribution=attribution, background=background)
    return Begun(out, out / "scenario.yaml", [*choices.told(), _size(streets)])


def _boundary(path: Path) -> Any:
    features, _ = read_features(path, POLYGONS, "boundary")
    outlines = [one.geometry for one in features if one.geometry is not None]
    if not outlines:
        raise ScenarioError(f"{path}: the boundary has no outline. Draw one.")
    return shapely.union_all(outlines)


def _buildings(town: TownMap, streets: Streets, n_residents: int) -> tuple[list[dict], bool, str]:
    """Return the buildings as GeoJSON features, whether people live in them, and the sentence that says why."""
    features, homes_m2, far = [], 0.0, 0
    outlines = [outline for outline, _ in town.buildings]
    areas = shapely.area(streets.project_shape(np.array(outlines, dtype=object))) if outlines else []
    away_m = _away_m(streets, outlines)
    for (outline, tags), area_m2, metres in zip(town.buildings, areas, away_m, strict=True):
        if metres > FARTHEST_BUILDING_M:
            far += 1
            continue
        use, levels, height_m = (
            tags.get("building", "yes"),
            number(tags.get("building:levels", "")),
            width_m(tags.get("height")),
        )
        said: dict[str, Any] = {"use": use}
        if 0 < levels < 200:
            said["building:levels"] = levels
        if np.isfinite(height_m):
            said["height"] = round(height_m, 2)
        if use in NO_HOMES or tags.get("amenity") or tags.get("power"):
            said["dwellings"] = 0
        else:
            homes_m2 += float(area_m2) * said.get("building:levels", 1.0)
        features.append({"type": "Feature", "properties": said,
                         "geometry": shapely.geometry.mapping(shapely.set_precision(outline, 1e-7))})  # fmt: skip
    per_head = homes_m2 / max(n_residents, 1)
    gone = (
        f" {far:,} buildings more than {FARTHEST_BUILDING_M / 1000:g} km from the streets are left out." if far else ""
    )
    if not features:
        return [], False, f"The map has no buildings: homes stand along the streets.{gone}"
    if per_head < LEAST_HOME_M2:
        return features, False, (
            f"The map's {len(features):,} buildings have {per_head:.1f} m2 of floor for each resident, so that most "
            f"homes are not in the map: they stand along the streets.{gone}"
        )  # fmt: skip
    n_homes = sum("dwellings" not in one["properties"] for one in features)
    return features, True, (
        f"Homes stand in {n_homes:,} of the map's {len(features):,} buildings, in proportion to ground area and "
        f"storeys; nobody lives in those whose use says so (dwellings: 0).{gone}"
    )  # fmt: skip


def _away_m(streets: Streets, outlines: list[Any]) -> np.ndarray:
    """Return the distance of each outline from the nearest junction or end (m)."""
    if not outlines:
        return np.zeros(0)
    x_m, y_m = shapely.get_coordinates(shapely.centroid(streets.project_shape(np.array(outlines, dtype=object)))).T
    return streets.nearest_node(x_m, y_m)[1]


def _background(town: TownMap) -> list[dict]:
    """Return what lies beneath the streets as GeoJSON features; a map that is no extract has nothing of it."""
    if not town.background:
        return []
    places = [(number(data["x"]), number(data["y"])) for _, data in town.graph.nodes(data=True)]
    return background_features(town.background, *np.array(places).T)


def _counted(kinds: "Iterable[str]") -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in kinds:
        found[kind] = found.get(kind, 0) + 1
    return dict(sorted(found.items()))


def _scenario_name(out: Path) -> str:
    kept = "".join(one if one.isascii() and one.isalnum() else "_" for one in out.resolve().name.lower())
    return "_".join(filter(None, kept.split("_")))[:60] or "town"


def _time_zone(streets: Streets) -> tuple[str, str]:
    """Return the zone that the middle of a town lies in, and where that is from, in a sentence.

    Without the package that knows outlines of zones: whole hours by longitude, whose names have the sign the other way
    round, as POSIX has it.
    """
    longitude, latitude = map(float, streets.unproject(np.mean(streets.node_x_m), np.mean(streets.node_y_m)))
    try:
        import tzfpy
    except ImportError:
        hours = round(longitude / 15)
        zone = f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"
        return zone, "Taken from the longitude alone, without summer time: write the real one, such as Europe/Kyiv."
    return tzfpy.get_tz(longitude, latitude), "That of the place, by the outlines of zones in the package tzfpy."


def _size(streets: Streets) -> str:
    _, first = np.unique(streets.link_street, return_index=True)
    km = streets.length_m[first].sum() / 1000
    return f"{streets.n_nodes:,} junctions and ends, {km:,.1f} km of streets, {len(streets.exit_name)} exits."


def _write(out: Path, town: TownMap, zones: TownZones, layers: dict[str, list[dict]], text: str) -> None:
    """Write the files, the scenario last. layers: features by the name of their file."""
    packed = as_graphml(town.graph)
    out.mkdir(parents=True, exist_ok=True)
    _new(out / "network.graphml.gz", packed)
    _new(out / "zones.geojson", _json(zones.as_geojson()))
    for name, features in layers.items():
        if features:
            _new(out / f"{name}.geojson", _json({"type": "FeatureCollection", "features": features}))
    if town.places:
        places = [
            {"type": "Feature", "geometry": shapely.geometry.mapping(shapely.set_precision(point, 1e-7)),
             "properties": {"kind": kind, "name": tags.get("name", ""), **_capacity(tags)}}
            for kind, point, tags in town.places
        ]  # fmt: skip
        _new(out / "places.geojson", _json({"type": "FeatureCollection", "features": places}))
    _new(out / "scenario.yaml", text.encode())


def _capacity(tags: dict[str, str]) -> dict[str, int]:
    n = number(tags.get("capacity", tags.get("beds", "")))
    return {"capacity": int(n)} if 0 < n < 1e6 else {}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _new(path: Path, content: bytes) -> None:
    try:
        with open(path, "xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise ScenarioError(f"{path}: this already exists. Choose another --out.") from None
