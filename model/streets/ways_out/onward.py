"""The roads that lead on from the exits: the edge of the map is not safety.

An exit may have an onward road, leg after leg, to a place where people are safe. It is made of links like any street,
so that cars queue on it, are exposed along it and reach its end at a time. Its links come after those of the town.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from safepassage.model.settings.streets import OnwardRoad, StreetSettings
from safepassage.model.streets.classes import SHOULDER_WIDTH_M, lane_flow_per_s, street_class
from safepassage.model.streets.streets import Streets

ONWARD = "onward"
"""Class of the links of onward roads."""
GATE_M = 50.0
"""Length of the first link, whose end lets out what the exit states (m): its queue stands in the town. Assumption."""
PIECE_M = 2000.0
"""Longest link of an onward road (m): the distance from the front is taken at each. Assumption."""


def with_onward_roads(streets: Streets, settings: StreetSettings, roads: Sequence[tuple[OnwardRoad, ...]]) -> Streets:
    """Return the streets with the onward road of each exit, and the node where each ends.

    settings: the scenario's section `StreetSettings`. roads: legs of the road of each exit, none if it ends there.
    """
    middle_m = np.array(streets.extent_m).reshape(2, 2).mean(axis=0)
    nodes: list[tuple] = []
    links: list[tuple] = []
    ends = streets.exit_node.copy()
    for row, legs in enumerate(roads):
        if not legs:
            continue
        at = int(streets.exit_node[row])
        place_m = np.array([streets.node_x_m[at], streets.node_y_m[at]])
        outward = np.degrees(np.arctan2(*(place_m - middle_m)))
        for number, leg in enumerate(legs):
            bearing = np.radians(outward if leg.bearing_deg is None else leg.bearing_deg)
            way = np.array([np.sin(bearing), np.cos(bearing)])
            for length_m, capacity_per_s in _pieces(leg, float(streets.exit_flow_capacity_per_s[row]), number == 0):
                start_m, place_m = place_m, place_m + way * length_m
                nodes.append((f"{streets.exit_name[row]}: {leg.to} {len(nodes)}", *place_m))
                to = streets.n_nodes + len(nodes) - 1
                links.append((at, to, length_m, leg, capacity_per_s, start_m, place_m, f"road to {leg.to}"))
                at = to
        ends[row] = at
    return streets if not links else _appended(streets, nodes, links, ends.astype(np.int32), settings.speed_factor)


def _pieces(leg, exit_per_s, is_first):
    """Return (length_m, flow capacity of the end or None) of the links of one leg."""
    length_m = leg.length_km * 1000.0
    gate = [(min(GATE_M, length_m / 2), exit_per_s)] if is_first else []
    rest_m = length_m - sum(piece_m for piece_m, _ in gate)
    n = int(np.ceil(rest_m / PIECE_M))
    served_per_s = None if leg.checkpoint_per_h is None else leg.checkpoint_per_h / 3600.0
    return gate + [(rest_m / n, served_per_s if k == n - 1 else None) for k in range(n)]


def _appended(streets, nodes, links, ends, speed_factor):
    n = len(links)
    node_id, x_m, y_m = zip(*nodes, strict=True)
    up, down, length_m, legs, capacity_per_s, start_m, end_m, name = zip(*links, strict=True)
    speed_m_s = np.array([leg.speed_km_h / 3.6 for leg in legs]) * speed_factor
    n_lanes = np.array([float(leg.n_lanes) for leg in legs])
    most_per_s = n_lanes * lane_flow_per_s(speed_m_s)
    limit_per_s = np.array([np.inf if c is None else c for c in capacity_per_s])
    lines_m = np.stack([np.array(start_m), np.array(end_m)], axis=1)
    highway_names = (*streets.highway_names, ONWARD)
    new = {
        "link_upstream": np.array(up, np.int32),
        "link_downstream": np.array(down, np.int32),
        "link_reverse": np.full(n, -1, np.int32),
        "link_street": streets.link_street.max() + 1 + np.arange(n, dtype=np.int32),
        "length_m": np.array(length_m),
        "free_flow_speed_m_s": speed_m_s,
        "n_lanes": n_lanes,
        "carriageway_width_m": n_lanes * street_class("primary").lane_width_m,
        "walk_width_m": np.full(n, SHOULDER_WIDTH_M),
        "flow_capacity_per_s": np.minimum(most_per_s, limit_per_s),
        "junction_share": np.ones(n),
        "drivable": np.ones(n, np.bool_),
        "walkable": np.ones(n, np.bool_),
        "has_pavement": np.zeros(n, np.bool_),
        "is_bridge": np.zeros(n, np.bool_),
        "highway": np.full(n, len(highway_names) - 1, np.int16),
        "geometry_x_m": lines_m[:, :, 0].ravel(),
        "geometry_y_m": lines_m[:, :, 1].ravel(),
        "node_x_m": np.array(x_m),
        "node_y_m": np.array(y_m),
    }
    joined = {key: np.concatenate([getattr(streets, key), value]) for key, value in new.items()}
    first = streets.geometry_first
    return replace(
        streets,
        **joined,
        geometry_first=np.concatenate([first, first[-1] + 2 * np.arange(1, n + 1)]),
        node_id=(*streets.node_id, *node_id),
        link_name=(*streets.link_name, *name),
        highway_names=highway_names,
        exit_end_node=ends,
    )
