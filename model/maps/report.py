"""What was found in a street network, filled in and dropped: for people who bring their own city."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from safepassage.model.maps.read import TownMap, read_map
from safepassage.model.maps.town_exits import exits_of_town, settings_of
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.texts import visible
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.classes import street_class
from safepassage.model.streets.map import OSM_ATTRIBUTION, draw_map
from safepassage.model.streets.notes import StreetsReport
from safepassage.model.streets.reading.graphml import number, read_graph, values
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.ways_out.doubts import TOO_FEW

if TYPE_CHECKING:
    import networkx as nx

LEAST_USUAL_WAY_ID = 10_000
"""Ids of OpenStreetMap ways lie far above; running numbers of a network made by hand below. Assumption."""

_FILLED_IN = {
    "highway": "class unclassified",
    "length": "measured along the course",
    "geometry": "straight line",
    "name": "nameless",
    "maxspeed": "by class",
    "lanes": "by class",
    "width": "lanes times lane width by class",
    "sidewalk": "by class",
}
"""What stands in for a missing attribute; the values by class are in model/streets/classes.py."""


@dataclass(frozen=True)
class NetworkReport:
    """A network file as the model sees it. str() gives plain text; rich.print gives tables."""

    path: Path
    streets: Streets
    found: StreetsReport
    is_openstreetmap: bool

    def tables(self) -> list[tuple[str, tuple, list]]:
        """Return (title, header, rows) of each table, all cells text."""
        return [self._overview(), self._classes(), self._attributes(), self._exits()]

    def draw(self, path_png: Path) -> None:
        """Write the map of the network as PNG, with OpenStreetMap's attribution if the data are theirs."""
        attribution = OSM_ATTRIBUTION if self.is_openstreetmap else None
        draw_map(self.streets, path_png, title=self.path.name.split(".")[0].replace("_", " "), attribution=attribution)

    def _overview(self):
        streets, found = self.streets, self.found
        size_km = (np.ptp(streets.node_x_m) / 1000, np.ptp(streets.node_y_m) / 1000)
        west, south, east, north = _extent_deg(streets)
        rows = [
            (
                "extent",
                f"{size_km[0]:.1f} km by {size_km[1]:.1f} km; {west:.4f} to {east:.4f} E, {south:.4f} to {north:.4f} N",
            ),
            ("coordinates", f"{found.crs_read}{' (assumed)' if found.crs_assumed else ''}, projected to {streets.crs}"),
            (
                "read",
                f"{found.n_nodes_read:,} nodes, {found.n_edges_read:,} edges, {found.n_parts:,} connected parts",
            ),
            (
                "compiled",
                f"{streets.n_nodes:,} nodes, {streets.n_links:,} links, {_total_km(streets):,.1f} km of streets",
            ),
            ("added", f"{found.n_against_one_way:,} links on which people walk against one-way streets"),
            (
                "dropped",
                f"{found.n_self_loops:,} self-loops ({found.self_loops_km:.1f} km), {found.n_nodes_dropped:,} nodes "
                f"cut off from the rest and from every exit ({found.dropped_km:.1f} km)",
            ),
            (
                "corrected",
                f"{found.n_nodes_merged:,} nodes merged with another at the same place, "
                f"{found.n_too_short:,} edges lengthened to the least length",
            ),
            ("kept as they are", f"{found.n_parallel:,} edges parallel to another between the same nodes"),
        ]
        return f"Streets in {self.path.name}", ("", ""), rows

    def _classes(self):
        streets = self.streets
        rows = []
        order = sorted(range(len(streets.highway_names)), key=lambda h: street_class(streets.highway_names[h]).rank)
        for h in order:
            links = np.flatnonzero(streets.highway == h)
            if links.size == 0:
                continue
            drivable = links[streets.drivable[links]]
            lane_flow = streets.flow_capacity_per_s[drivable] / streets.n_lanes[drivable] * 3600
            rows.append(
                (
                    streets.highway_names[h],
                    f"{np.unique(streets.link_street[links]).size:,}",
                    f"{_km(streets, links):,.1f}",
                    _share(_km(streets, links, streets.drivable), _km(streets, links)),
                    _share(_km(streets, links, streets.walkable), _km(streets, links)),
                    _median(streets.free_flow_speed_m_s[drivable] * 3.6),
                    _median(streets.n_lanes[drivable]),
                    _median(streets.carriageway_width_m[links]),
                    _median(lane_flow),
                )
            )
        header = ("class", "streets", "km", "drivable", "walkable", "km/h", "lanes", "width m", "vehicles/h/lane")
        return "By class (medians of speed, lanes in one direction, width, flow capacity)", header, rows

    def _attributes(self):
        n = self.found.n_edges_read
        rows = [(a, _share(self.found.n_edges_giving[a], n), instead) for a, instead in _FILLED_IN.items()]
        return "What the file says, and what stands in for what is missing", ("attribute", "edges", "else"), rows

    def _exits(self):
        streets, found = self.streets, self.found
        rows = [
            (name, streets.node_id[node], f"{capacity * 3600:,.0f}", f"{by_car:,}", f"{on_foot:,}", how)
            for name, node, capacity, by_car, on_foot, how in zip(
                streets.exit_name,
                streets.exit_node,
                streets.exit_flow_capacity_per_s,
                found.exit_n_nodes_by_car,
                found.exit_n_nodes_on_foot,
                found.exit_found_by,
                strict=True,
            )
        ]
        header = ("exit", "node", "vehicles/h", "nodes by car", "nodes on foot", "found by")
        return "Exits (flow capacity; number of nodes from which each can be reached)", header, rows

    def __str__(self) -> str:
        lines = []
        for title, header, rows in self.tables():
            widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
            lines += [title, ""]
            for row in ([header] if any(header) else []) + rows:
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                lines.append("  " + "  ".join(cells).rstrip())
            lines.append("")
        lines += [f"Note: {note}" for note in self.found.notes]
        return visible("\n".join(lines)).rstrip() + "\n"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.table import Table
        from rich.text import Text

        for title, header, rows in self.tables():
            table = Table(title=title, title_justify="left", show_header=any(header))
            for i, head in enumerate(header):
                is_number = bool(rows) and all(row[i][:1].isdigit() or row[i] == "-" for row in rows)
                table.add_column(head, justify="right" if is_number else "left", overflow="fold")
            for row in rows:
                table.add_row(*(Text(visible(cell)) for cell in row))
            yield table
        for note in self.found.notes:
            yield Text(visible(f"Note: {note}"), style="yellow")


def describe(path: Path, settings: StreetSettings | None = None) -> NetworkReport:
    """Return the NetworkReport of a map file.

    settings: StreetSettings as in a scenario; None: the defaults, with the exits that `init` takes.
    """
    path = Path(path)
    if settings is not None:
        return _described(path, read_graph(path), (), settings)
    return describe_town(path, read_map(path))


def describe_town(path: Path, town: TownMap) -> NetworkReport:
    """Return the NetworkReport of a map with the exits that `init` takes. path: its file, which errors name."""
    found = exits_of_town(town)
    left_out = tuple(
        f"Exit {one.name!r} (node {one.node}) is left out: {one.doubt or TOO_FEW}." for one in found.left_out
    )
    if not found.exits:
        return _described(path, town.graph, tuple(town.notes), StreetSettings(network=path))
    return _described(path, town.graph, (*town.notes, *left_out), settings_of(found.exits, path))


def _described(path: Path, graph: "nx.MultiDiGraph", said: tuple[str, ...], settings: StreetSettings) -> NetworkReport:
    try:
        streets, found = compile_streets(graph, settings)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error
    return NetworkReport(path, streets, replace(found, notes=(*said, *found.notes)), is_openstreetmap(graph))


def is_openstreetmap(graph: "nx.MultiDiGraph") -> bool:
    """Return whether a graph seems to be made of OpenStreetMap data: OSMnx saved it, or its ways have such ids."""
    if "OSMnx" in str(graph.graph.get("created_with", "")):
        return True
    ids = [number(way) for _, _, osmid in graph.edges(data="osmid") for way in values(str(osmid))[:1]]
    return bool(ids) and float(np.median(ids)) >= LEAST_USUAL_WAY_ID


def _extent_deg(streets):
    longitude, latitude = streets.unproject(streets.node_x_m, streets.node_y_m)
    return longitude.min(), latitude.min(), longitude.max(), latitude.max()


def _km(streets, links, chosen=None):
    """Return the km of streets with one of the links (that are chosen), each two-way street counted once."""
    if chosen is not None:
        links = links[chosen[links]]
    _, first = np.unique(streets.link_street[links], return_index=True)
    return float(streets.length_m[links[first]].sum() / 1000)


def _total_km(streets):
    return _km(streets, np.arange(streets.n_links))


def _share(part, whole):
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _median(values):
    return f"{np.median(values):.4g}" if values.size else "-"
