"""Contraflow: for a while the lanes of a street that lead into the town serve the way out."""

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.model.settings.authorities import Contraflow
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.naming import StreetNames
from safepassage.model.streets.streets import Streets, seconds_out


def ways_out(street: Contraflow, streets: Streets, names: StreetNames, place: str) -> Ints:
    """Return the links of a street that lead out, each with a link for cars the other way.

    names: of the streets. place: of the setting, for messages. Raises ScenarioError if there is no such street, or if a
    piece of it is not open to cars both ways.
    """
    links = names.demand(street, place)
    roads = links[streets.drivable[links]]
    back = streets.link_reverse[roads]
    one_way = roads[(back < 0) | ~streets.drivable[back]]
    if roads.size == 0 or one_way.size:
        link = int(one_way[0]) if one_way.size else int(links[0])
        up, down = (streets.node_id[node[link]] for node in (streets.link_upstream, streets.link_downstream))
        called = f"{streets.link_name[link]!r}" if streets.link_name[link] else "the street"
        what = "is one-way for cars" if one_way.size else "is not open to cars"
        raise ScenarioError(
            f"{place}: {called} {what} between nodes {up} and {down}: no lane leads the other way that could be "
            "turned. Name a piece that is two-way (between), or correct oneway in the network."
        )
    if street.between is not None:
        return roads[streets.link_upstream[roads] == streets.node_id.index(street.between[0])]
    left_s = seconds_out(streets)
    return roads[left_s[streets.link_downstream[roads]] < left_s[streets.link_upstream[roads]]]


def lanes_factor(turned: list[Ints], streets: Streets) -> Floats:
    """Return by what the lanes of each link are multiplied while links take over those of the other way.

    turned: links that lead out, as `ways_out` gives them.
    """
    factor = np.ones(streets.n_links)
    for links in turned:
        factor[links] = 1.0 + streets.n_lanes[streets.link_reverse[links]] / streets.n_lanes[links]
    return factor


def exit_capacity_per_s(streets: Streets, settings: StreetSettings, factor: Floats) -> Floats:
    """Return what each exit lets out while the lanes of links are multiplied (1/s).

    An exit whose capacity is stated, or that an onward road leads on from, keeps it. settings: the scenario's section
    `StreetSettings`. factor: by which the lanes of each link are multiplied.
    """
    n_lanes = np.where(streets.drivable, streets.n_lanes * factor, 0.0)
    roof_per_s = np.bincount(streets.link_downstream, streets.flow_capacity_per_s * factor, streets.n_nodes)
    lanes_into = np.bincount(streets.link_downstream, n_lanes, streets.n_nodes)
    by_lanes_per_s = np.minimum(roof_per_s, lanes_into * settings.exit_flow_per_lane_per_s)[streets.exit_node]
    keeps = streets.exit_end_node != streets.exit_node
    keeps[: len(settings.exits)] |= [exit_.flow_capacity_per_s is not None for exit_ in settings.exits]
    return np.where(keeps, streets.exit_flow_capacity_per_s, by_lanes_per_s)
