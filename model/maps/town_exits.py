"""The exits of a town that is read from a map: one rule for `init`, which writes them down, and `network describe`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from safepassage.model.maps.read import TownMap
from safepassage.model.maps.ways_out import WayOut, tunnel_into, ways_out
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.notes import StreetsReport
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.ways_out.doubts import doubts_of_exits

LEAST_EXITS = 2
"""With fewer certain ways out of a map without cut streets, exits are searched for on the border. Assumption."""
IN_A_TUNNEL = "its road leaves the map in a tunnel: where it comes out, perhaps beyond water, is not on the map"


@dataclass(frozen=True, eq=False)
class TownExits:
    """The streets of a town with its exits, and what was found of ways out."""

    streets: Streets
    report: StreetsReport
    exits: tuple[WayOut, ...]
    """Those taken, with all doubts; empty: they are searched for on the border of the streets."""
    left_out: tuple[WayOut, ...]
    """Those that are too doubtful to be taken."""


def exits_of_town(town: TownMap, *, accepted: bool = False) -> TownExits:
    """Return the exits of a map. accepted: the user has looked at them and takes all, the doubtful ones as well."""
    found = ways_out(town)
    taken = [one for one in found if not one.doubt or accepted]
    if not any(data.get("cut") for _, data in town.graph.nodes(data=True)) and len(taken) < LEAST_EXITS:
        taken = []
    streets, report = compile_streets(town.graph, settings_of(taken, confirmed=True))
    exits = tuple(_with_doubts(taken, streets, town))
    kept = {one.node for one in exits}
    return TownExits(streets, report, exits, tuple(one for one in found if one.node not in kept))


def settings_of(exits: Any, network: Path | str = "in memory", *, confirmed: bool = False) -> StreetSettings:
    """Return the settings of streets with some exits. network: their file. confirmed: whether nothing is doubted."""
    named = [{"name": one.name, "node": one.node, "confirmed": confirmed, "doubt": one.doubt} for one in exits]
    return StreetSettings.model_validate({"network": str(network), "exits": named}, context={"may_be_gone": True})


def _with_doubts(exits: list[WayOut], streets: Streets, town: TownMap) -> list[WayOut]:
    """Return ways out with what the streets, tunnels and the sea say against each, besides what the map's tags say."""
    if not exits:
        return exits
    lines = np.array(town.coastlines, dtype=object)
    sea = shapely.union_all(streets.project_shape(lines)) if town.coastlines else None
    tunnels = [IN_A_TUNNEL if tunnel_into(town.graph, one.node) else "" for one in exits]
    return [
        replace(one, doubt="; ".join(filter(None, (one.doubt, *doubts, tunnel))))
        for one, doubts, tunnel in zip(exits, doubts_of_exits(streets, sea), tunnels, strict=True)
    ]
