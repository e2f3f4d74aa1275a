"""Streets: a networkx graph comes in, is checked and compiled once to flat arrays of nodes and links.

A link is one direction of a street. What the file does not say is filled in by highway class and reported.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from safepassage.agents.ground.arrays import counted
from safepassage.model.inputs.tables import refuse
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets import columns, polylines, projection
from safepassage.model.streets.classes import HOME_WEIGHTS, lane_flow_per_s
from safepassage.model.streets.exits import Layout, find_exits
from safepassage.model.streets.notes import StreetsReport, notes
from safepassage.model.streets.reading.graphml import check_graph, read_table
from safepassage.model.streets.reading.order import Said, StreetTable, table_of
from safepassage.model.streets.streets import SIGNALS, Streets, reach, reaches_exit, to_networkx
from safepassage.model.streets.ways_out.onward import with_onward_roads

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Streets", "compile_streets", "load_streets", "reaches_exit", "to_networkx"]


def load_streets(settings: StreetSettings) -> tuple[Streets, StreetsReport]:
    """Read and compile the network that a scenario names; return (Streets, StreetsReport)."""
    table = read_table(settings.network)
    try:
        return _compile(table, settings)
    except ScenarioError as error:
        raise ScenarioError(f"{settings.network}: {error}") from error


def compile_streets(graph: "nx.MultiDiGraph", settings: StreetSettings) -> tuple[Streets, StreetsReport]:
    """Return (Streets, StreetsReport) of a networkx.MultiDiGraph with OSMnx's attributes (read_graph, or made in code).

    Self-loops lead nowhere and are dropped; nodes at one place are merged; parallel edges stay. Kept are all nodes
    that can reach an exit and every connected part that is no scrap, though no exit can be reached from it. The order
    in which the graph lists its nodes and edges does not matter.
    """
    check_graph(graph)
    return _compile(table_of(graph), settings)


def _compile(table: StreetTable, settings: StreetSettings) -> tuple[Streets, StreetsReport]:
    place_of, node_id, x, y = _read_nodes(table)
    index_of_node = dict(zip(table.node, place_of.tolist(), strict=True))
    index_of_node |= zip(map(str, table.node), place_of.tolist(), strict=True)
    crs_read, crs_assumed = projection.source_crs(table.crs, x, y)
    crs = projection.plane_crs(crs_read, x, y)
    said = columns.Texts(table.of_edge, table.upstream.size)
    edges = columns.read_edges(said, place_of[table.upstream], place_of[table.downstream], settings)
    geometry = polylines.read_polylines(
        said.of("geometry"),
        edges.upstream,
        edges.downstream,
        x,
        y,
    )
    to_plane = projection.transformer(crs_read, crs)
    x_m, y_m = to_plane(x, y)
    line = (geometry[0], *to_plane(geometry[1], geometry[2]))
    if not (np.isfinite(x_m).all() and np.isfinite(y_m).all()):
        raise ScenarioError(
            f"some nodes cannot be projected from {crs_read} to {crs}; correct their x and y, or the crs."
        )
    all_links, counts = _links(edges, line, settings)
    ends = np.union1d(edges.upstream, edges.downstream)
    whole = _streets(node_id, x_m, y_m, crs, _extent_m(x_m[ends], y_m[ends]), all_links)
    whole = replace(whole, **_points(whole), signal_node=_signal_nodes(table, node_id, place_of))
    exits = find_exits(
        _layout(whole),
        settings,
        index_of_node,
        projection.transformer(projection.WGS84, crs),
    )
    onward = [exit_.onward or settings.onward for exit_ in exits]
    whole = with_onward_roads(_with_exits(whole, exits, settings), settings, onward)
    streets, dropped = _keep_parts(whole, settings.least_part_m)
    given = {k: int(v.sum() if v.dtype == bool else np.isfinite(v).sum()) for k, v in edges.given.items()}
    given["geometry"] = int(geometry[3].sum())
    report = StreetsReport(
        crs_read=crs_read,
        crs_assumed=crs_assumed,
        n_nodes_read=len(table.node),
        n_edges_read=table.upstream.size,
        n_edges_giving=given,
        n_nodes_merged=len(table.node) - len(node_id),
        unknown_classes=columns.unknown_classes(edges.highway),
        **counts,
        **dropped,
        **_exit_report(streets, exits),
    )
    return streets, replace(report, notes=notes(streets, report))


def _read_nodes(table):
    """Return the place of each node, and of the distinct places ids, x and y."""
    xy = np.column_stack((table.x, table.y))
    _, first, place = np.unique(xy, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    new_index = np.empty(first.size, dtype=np.int32)
    new_index[order] = np.arange(first.size)
    kept = first[order]
    return new_index[place.ravel()], tuple(str(table.node[i]) for i in kept), xy[kept, 0], xy[kept, 1]


def _signal_nodes(table, node_id, place_of):
    """Return the ids of the places with traffic signals, each once; of merged nodes one is enough."""
    with_signals = table.node_kind.each(lambda kind: SIGNALS in str(kind), np.bool_)
    return tuple(node_id[place] for place in np.unique(place_of[with_signals]))


def _links(edges, line, settings):
    """Return the columns of all links and counts: without self-loops, with ways on foot against one-way streets."""
    length_m, n_too_short = _lengths(edges.length_m, line, settings.min_length_m)
    polylines.refuse_too_long(length_m, settings.network)
    edges.walkable |= (edges.reverse >= 0) & edges.walkable[edges.reverse] & edges.drivable
    speed, n_lanes, width, flow, share = columns.vehicle_columns(edges, settings)
    walk_width, has_pavement = columns.walking_columns(edges, width)
    is_loop = edges.upstream == edges.downstream
    usable = ~is_loop & (edges.drivable | edges.walkable)
    against = np.flatnonzero(usable & edges.walkable & ~_kept_reverse(edges.reverse, usable))
    kept = np.flatnonzero(usable)
    if kept.size == 0:
        raise ScenarioError(
            "no street of the graph is open to cars or walkers. Download a drivable network, or open "
            "classes with streets.drivable and streets.walkable."
        )
    rows = np.concatenate((kept, against))
    is_added = np.arange(rows.size) >= kept.size
    new_row = np.full(usable.size, -1, dtype=np.int32)
    new_row[kept] = np.arange(kept.size)
    reverse = np.where(_kept_reverse(edges.reverse, usable)[kept], new_row[edges.reverse[kept]], -1)
    reverse[new_row[against]] = np.arange(kept.size, rows.size)
    reverse = np.concatenate((reverse, new_row[against])).astype(np.int32)
    lead = np.where(reverse >= 0, np.minimum(np.arange(rows.size), reverse), np.arange(rows.size))
    first, x, y = polylines.take_polylines(*line, rows, is_added)
    links = {
        "link_upstream": np.where(is_added, edges.downstream[rows], edges.upstream[rows]).astype(np.int32),
        "link_downstream": np.where(is_added, edges.upstream[rows], edges.downstream[rows]).astype(np.int32),
        "link_reverse": reverse,
        "link_street": np.unique(lead, return_inverse=True)[1].astype(np.int32),
        "length_m": length_m[rows],
        "free_flow_speed_m_s": speed[rows],
        "n_lanes": np.where(is_added, 0.0, n_lanes[rows]),
        "carriageway_width_m": width[rows],
        "walk_width_m": walk_width[rows],
        "flow_capacity_per_s": np.where(is_added, 0.0, flow[rows]),
        "junction_share": share[rows],
        "drivable": edges.drivable[rows] & ~is_added,
        "walkable": edges.walkable[rows],
        "has_pavement": has_pavement[rows],
        "is_bridge": edges.is_bridge[rows],
        "highway": edges.highway.at(rows),
        "link_name": tuple(edges.name[i] for i in rows),
        "geometry_first": first,
        "geometry_x_m": x,
        "geometry_y_m": y,
    }
    pairs = edges.upstream[kept].astype(np.int64) << 32 | edges.downstream[kept]
    counts = {
        "n_self_loops": int(is_loop.sum()),
        "self_loops_km": _street_km(length_m[is_loop], edges.reverse[is_loop]),
        "n_too_short": n_too_short,
        "n_parallel": int(pairs.size - np.unique(pairs).size),
        "n_against_one_way": int(against.size),
        "ferries": _names_of(edges, edges.is_ferry),
        "without_access": _names_of(edges, edges.no_access),
    }
    return links, counts


def _names_of(edges, chosen):
    """Return the names of the streets of chosen edges, or of an end where they have none, each once."""
    return tuple(dict.fromkeys(edges.name[i] or f"unnamed {edges.highway[i]}" for i in np.flatnonzero(chosen)))


def _kept_reverse(reverse, usable):
    return (reverse >= 0) & usable[reverse]


def _lengths(given_m, line, least_m):
    """Return the length of each edge (m): as the file says, else along its course; none below least_m."""
    length_m = np.where(np.isnan(given_m), polylines.polyline_lengths(*line), given_m)
    return np.maximum(length_m, least_m), int((length_m < least_m).sum())


def _street_km(length_m, reverse):
    """Return the kilometres of streets, each two-way street counted once."""
    return float(_one_way_m(length_m, reverse).sum() / 1000)


def _one_way_m(length_m, reverse):
    return length_m / np.where(reverse >= 0, 2, 1)


def _extent_m(x_m, y_m):
    return float(x_m.min()), float(y_m.min()), float(x_m.max()), float(y_m.max())


def _points(streets):
    """Return points at most 50 m apart on all streets, each street once, and whether people live along it."""
    links = np.unique(streets.link_street, return_index=True)[1]
    n_points = np.ceil(streets.length_m[links] / 50.0).astype(np.int64) + 1
    street, rank = counted(n_points)
    link = links[street]
    place_m = streets.places(link, rank / (n_points - 1)[street])
    lived_along = np.isin(np.array(streets.highway_names), list(HOME_WEIGHTS))[streets.highway[link]]
    return {"points_m": np.stack(place_m, axis=1), "is_lived_along": lived_along}


def _streets(node_id, x_m, y_m, crs, extent_m, links):
    class_, first = np.unique(links["highway"].place, return_index=True)
    class_ = class_[np.argsort(first)]
    index = np.empty(len(links["highway"].texts), np.int16)
    index[class_] = np.arange(class_.size)
    names = tuple(links["highway"].texts[one] for one in class_)
    links = links | {"highway": index[links["highway"].place], "highway_names": names}
    none = {"exit_name": (), "exit_node": np.zeros(0, np.int32), "exit_flow_capacity_per_s": np.zeros(0)}
    none |= {"exit_end_node": none["exit_node"], "n_town_nodes": len(node_id), "n_town_links": links["length_m"].size}
    none |= {"points_m": np.zeros((0, 2)), "is_lived_along": np.zeros(0, np.bool_)}
    return Streets(node_id=node_id, node_x_m=x_m, node_y_m=y_m, crs=crs, extent_m=extent_m, **none, **links)


def _layout(streets):
    return Layout(
        streets.node_id,
        streets.node_x_m,
        streets.node_y_m,
        streets.link_upstream,
        streets.link_downstream,
        streets.drivable,
        streets.walkable,
        Said(streets.highway_names, streets.highway),
        streets.link_name,
        streets.n_lanes * lane_flow_per_s(streets.free_flow_speed_m_s),
        streets.geometry_first,
        streets.geometry_x_m,
        streets.geometry_y_m,
    )


def _with_exits(streets, exits, settings):
    """Return the streets with their exits; nothing crosses there.

    By default an exit lets out what evacuations were seen to reach on so many lanes.
    """
    drivable = streets.drivable
    n_lanes = np.bincount(streets.link_downstream[drivable], streets.n_lanes[drivable], streets.n_nodes)
    roof = np.bincount(streets.link_downstream, streets.flow_capacity_per_s, streets.n_nodes)
    capacity = [
        min(roof[e.node], n_lanes[e.node] * settings.exit_flow_per_lane_per_s)
        if e.flow_capacity_per_s is None
        else e.flow_capacity_per_s
        for e in exits
    ]
    exit_node = np.array([e.node for e in exits], dtype=np.int32)
    into_exit = np.isin(streets.link_downstream, exit_node)
    return replace(
        streets,
        exit_name=tuple(e.name for e in exits),
        exit_node=exit_node,
        exit_end_node=exit_node,
        exit_flow_capacity_per_s=np.array(capacity, dtype=np.float64),
        junction_share=np.where(into_exit, 1.0, streets.junction_share),
    )


def _keep_parts(streets, least_part_m):
    """Return the streets without scraps that reach no exit, and what was dropped. A part of the town is kept: whoever
    lives where no way leads out is stranded there, and moved nowhere.
    """
    from scipy.sparse import csgraph, csr_array

    n = streets.n_nodes
    links = csr_array((np.ones(streets.n_links), (streets.link_upstream, streets.link_downstream)), shape=(n, n))
    n_parts, part = csgraph.connected_components(links, directed=False)
    street_m = np.bincount(part[streets.link_upstream], _one_way_m(streets.length_m, streets.link_reverse), n_parts)
    kept = (part == np.argmax(np.bincount(part))) | (street_m >= least_part_m)[part]
    kept |= reaches_exit(streets, streets.drivable) | reaches_exit(streets, streets.walkable)
    kept_links = np.flatnonzero(kept[streets.link_upstream] & kept[streets.link_downstream])
    gone = np.ones(streets.n_links, dtype=bool)
    gone[kept_links] = False
    dropped = {
        "n_parts": int(n_parts),
        "n_nodes_dropped": int(n - kept.sum()),
        "dropped_km": _street_km(streets.length_m[gone], streets.link_reverse[gone]),
    }
    return _select(streets, np.flatnonzero(kept), kept_links), dropped


def _select(streets, nodes, links):
    """Return the streets reduced to some nodes and links, renumbered; arrays are made read-only."""
    new_node = np.full(streets.n_nodes, -1, dtype=np.int32)
    new_node[nodes] = np.arange(nodes.size)
    new_link = np.full(streets.n_links + 1, -1, dtype=np.int32)
    new_link[links] = np.arange(links.size)
    first, x, y = polylines.take_polylines(
        streets.geometry_first, streets.geometry_x_m, streets.geometry_y_m, links, np.zeros(links.size, dtype=bool)
    )
    changed = {
        "node_id": tuple(streets.node_id[i] for i in nodes),
        "node_x_m": streets.node_x_m[nodes],
        "node_y_m": streets.node_y_m[nodes],
        "link_upstream": new_node[streets.link_upstream[links]],
        "link_downstream": new_node[streets.link_downstream[links]],
        "link_reverse": new_link[streets.link_reverse[links]],
        "link_street": np.unique(streets.link_street[links], return_inverse=True)[1].astype(np.int32),
        "link_name": tuple(streets.link_name[i] for i in links),
        "exit_node": new_node[streets.exit_node],
        "exit_end_node": new_node[streets.exit_end_node],
        "n_town_nodes": int((nodes < streets.n_town_nodes).sum()),
        "n_town_links": int((links < streets.n_town_links).sum()),
        "geometry_first": first,
        "geometry_x_m": x,
        "geometry_y_m": y,
    }
    for column in (
        "length_m",
        "free_flow_speed_m_s",
        "n_lanes",
        "carriageway_width_m",
        "walk_width_m",
        "flow_capacity_per_s",
        "junction_share",
        "drivable",
        "walkable",
        "has_pavement",
        "is_bridge",
        "highway",
    ):
        changed[column] = getattr(streets, column)[links]
    smaller = replace(streets, **changed)
    for value in vars(smaller).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return smaller


def _exit_report(streets, exits):
    """Return what reaches the exits; raise ScenarioError for an exit that nobody reaches."""
    by_mode, without, town = [], [], slice(0, streets.n_town_nodes)
    exit_node = streets.exit_node
    for mode_open in (streets.drivable, streets.walkable):
        *of_each, of_any = reach(streets, mode_open, [*np.split(exit_node, exit_node.size), exit_node])
        by_mode.append([int(reached[town].sum()) - 1 for reached in of_each])
        used = np.zeros(streets.n_nodes, dtype=bool)
        used[streets.link_upstream[mode_open]] = used[streets.link_downstream[mode_open]] = True
        without.append(int((used & ~of_any)[town].sum()))
    reached = zip(streets.exit_name, streets.exit_node, *by_mode, strict=True)
    refuse(
        [
            f"exit {name!r} (node {streets.node_id[node]}) cannot be reached from any other node, by car or on foot. "
            "Choose a node that a street leads to, or correct the direction of its streets."
            for name, node, n_by_car, n_on_foot in reached
            if n_by_car == 0 and n_on_foot == 0
        ]
    )
    return {
        "exit_found_by": tuple(e.how for e in exits),
        "exit_n_nodes_by_car": tuple(by_mode[0]),
        "exit_n_nodes_on_foot": tuple(by_mode[1]),
        "n_nodes_without_exit_by_car": without[0],
        "n_nodes_without_exit_on_foot": without[1],
    }
