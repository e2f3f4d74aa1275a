"""What was found in a street graph, and what a user should know before trusting it."""

from dataclasses import dataclass

import numpy as np

from safepassage.model.streets.classes import UNKNOWN_CLASS
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.ways_out.doubts import doubts_of_exits


@dataclass(frozen=True)
class StreetsReport:
    """What was found in a street graph, filled in and dropped."""

    crs_read: str
    crs_assumed: bool
    n_nodes_read: int
    n_edges_read: int
    n_edges_giving: dict
    """Edges that carry a usable value, by attribute."""
    unknown_classes: dict
    """Edges by class, of classes that the table of defaults does not have."""
    ferries: tuple
    """Names of ferries, which carry nobody."""
    without_access: tuple
    """Names of streets that their access tags shut to the public."""
    n_nodes_merged: int
    n_self_loops: int
    self_loops_km: float
    n_too_short: int
    """Edges whose length was raised to the least length."""
    n_parallel: int
    """Edges beside another edge between the same two nodes; kept."""
    n_against_one_way: int
    """Links added so that people can walk against one-way streets."""
    n_parts: int
    """Connected parts of the network, before dropping."""
    n_nodes_dropped: int
    dropped_km: float
    exit_found_by: tuple
    exit_n_nodes_by_car: tuple
    """Nodes from which each exit can be reached by car."""
    exit_n_nodes_on_foot: tuple
    n_nodes_without_exit_by_car: int
    """Nodes kept from which a car reaches no exit, among nodes with a drivable link."""
    n_nodes_without_exit_on_foot: int
    notes: tuple = ()


def notes(streets: Streets, report: StreetsReport) -> tuple[str, ...]:
    """Return what a user should know before trusting the network, one sentence each."""
    said = []
    if report.crs_assumed:
        said.append("The file names no coordinate system; degrees (EPSG:4326) were assumed.")
    apart_m = np.hypot(
        streets.node_x_m[streets.link_upstream] - streets.node_x_m[streets.link_downstream],
        streets.node_y_m[streets.link_upstream] - streets.node_y_m[streets.link_downstream],
    )
    detour = float(np.median(streets.length_m / np.maximum(apart_m, streets.length_m.min())))
    if not 0.8 <= detour <= 3:
        said.append(f"The typical street is {detour:.3g} times as long as its ends are apart: is `length` in metres?")
    if report.n_edges_read >= 200 and report.n_against_one_way == 0 and streets.drivable.all():
        said.append("No street is one-way: was the file made with network_type='walk', or without the direction?")
    if report.unknown_classes:
        classes = ", ".join(f"{name} ({n} edges)" for name, n in report.unknown_classes.items())
        said.append(f"Highway classes that the table of defaults does not have, taken as {UNKNOWN_CLASS}: {classes}.")
    for names, what in (
        (report.ferries, "Ferries carry nobody here and are left out"),
        (report.without_access, "Streets that their access tags shut to the public are left out"),
    ):
        if names:
            more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
            said.append(f"{what}: {', '.join(names[:5])}{more}.")
    if any("outermost" in how for how in report.exit_found_by):
        said.append("No road ends at the border, so exits are the outermost nodes; name real ones in streets.exits.")
    for name, n_by_car, n_on_foot in zip(
        streets.exit_name, report.exit_n_nodes_by_car, report.exit_n_nodes_on_foot, strict=True
    ):
        for mode, n, mode_open in (("by car", n_by_car, streets.drivable), ("on foot", n_on_foot, streets.walkable)):
            n_nodes = np.count_nonzero(np.bincount(streets.link_upstream[mode_open]))
            if n == 0 or n + 1 < n_nodes / 2:
                how_many = f"only {n:,}" if n else "none"
                said.append(f"Exit {name!r} can be reached {mode} from {how_many} of {n_nodes:,} nodes.")
    for mode, n in (("by car", report.n_nodes_without_exit_by_car), ("on foot", report.n_nodes_without_exit_on_foot)):
        if n:
            said.append(f"From {n:,} nodes no exit can be reached {mode}.")
    return (*said, *_doubtful(streets, report), *_cut_off(streets), *_beyond_their_roads(streets))


def _doubtful(streets: Streets, report: StreetsReport) -> list[str]:
    """Return a sentence for each exit that nobody has confirmed, only found, and that may be none."""
    found = [
        (name, how, [*filter(None, [stated]), *(doubt for doubt in doubts if doubt not in stated)])
        for name, how, doubts in zip(streets.exit_name, report.exit_found_by, doubts_of_exits(streets), strict=True)
        for stated in [how.partition(": ")[2]]
    ]
    return [
        f"Exit {name!r} was only found and may be none: {'; '.join(doubts)}. People who reach it count as out. "
        "Name the real exits in streets.exits, with confirmed: true."
        for name, how, doubts in found
        if doubts and not how.startswith(("named", "place"))
    ]


def _cut_off(streets: Streets) -> list[str]:
    """Return a sentence for each part of the network without any connection to an exit."""
    part, said = streets.node_part, []
    street_m = streets.length_m / np.where(streets.link_reverse >= 0, 2, 1)
    for row in np.setdiff1d(part, part[streets.exit_node]):
        nodes, links = np.flatnonzero(part == row), np.flatnonzero(part[streets.link_upstream] == row)
        names = list(dict.fromkeys(streets.link_name[k] for k in links if streets.link_name[k]))[:2]
        where = f"around {' and '.join(names)}" if names else f"around node {streets.node_id[nodes[0]]}"
        said.append(
            f"A part of the network {where} ({nodes.size:,} nodes, {street_m[links].sum() / 1000:.1f} km) has no way "
            "out: people who live there are stranded. If a bridge or a ferry leads there, add it to the network."
        )
    return said


def _beyond_their_roads(streets: Streets) -> list[str]:
    """Return a sentence for each exit that is said to let out more than the roads into it carry."""
    into = np.bincount(streets.link_downstream, streets.flow_capacity_per_s, streets.n_nodes)[streets.exit_node]
    return [
        f"Exit {name!r} is said to let out {stated * 3600:,.0f} vehicles an hour; the roads into it carry "
        f"{most * 3600:,.0f}. Correct flow_capacity_per_s, or the lanes and speeds of these roads."
        for name, stated, most in zip(streets.exit_name, streets.exit_flow_capacity_per_s, into, strict=True)
        if 0 < most < stated * (1 - 1e-9)
    ]
