"""Two real exoduses over one road each: what is put in, what came of it, and how far the model is from that.

Nagorno-Karabakh, 24 to 30 September 2023, and Mariupol, 15 March 2022. The networks are schematic: a street, an exit
and the road on from it, of its real length, with a checkpoint. Vehicles are trips of their own; nobody decides and
nobody is shelled. Every number stands with its source in scenarios/tables/exoduses_reported.csv: what has `in` in the
column `use` is put in, what has `out` must come out. Nothing is fitted. The errors are told; there is no pass mark,
since what was reported is rough.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib.resources import files

import networkx as nx
import numpy as np
import pandas as pd

from safepassage.experiments.verification.checks import Case, Observed
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes
from safepassage.model.settings.streets import OnwardRoad, StreetSettings
from safepassage.model.streets.build import compile_streets

STREET_M = 1000.0
"""Length of the town's one street (m): those who find no room on it wait at home. Assumption."""
SPEED_KM_H = OnwardRoad.model_fields["speed_km_h"].default
"""Free-flow speed of a road of which no usual time was found (km/h): what a scenario assumes of onward roads."""


@cache
def reported() -> pd.DataFrame:
    """Return the shipped table of what was reported of both exoduses, a row for each fact."""
    path = files("safepassage.scenarios").joinpath("tables", "exoduses_reported.csv")
    with path.open(encoding="utf-8") as opened:
        return pd.read_csv(opened)


class _Facts:
    """What was reported of one exodus; times in seconds since its road opened."""

    def __init__(self, exodus: str) -> None:
        table = reported()
        self._rows = table[table["exodus"] == exodus]
        self.opened = datetime.fromisoformat(self._rows[self._rows["quantity"] == "opened"]["time"].item())

    def put_in(self, quantity: str) -> float:
        return float(self._one("in", quantity)["value"].item())

    def moment_s(self, quantity: str) -> float:
        return self.since_s(self._one("in", quantity)["time"].item())

    def since_s(self, time: str) -> float:
        return (datetime.fromisoformat(time) - self.opened).total_seconds()

    def rows(self, use: str, quantity: str) -> Iterator[tuple[str, float, float]]:
        """Yield (time as a reader likes it, seconds, value) of each fact."""
        for row in self._one(use, quantity).itertuples():
            at_least = ", reported: at least" if "or more" in row.note else ""
            yield f"{datetime.fromisoformat(row.time):%d %b %H:%M}{at_least}", self.since_s(row.time), float(row.value)

    def _one(self, use: str, quantity: str) -> pd.DataFrame:
        return self._rows[(self._rows["use"] == use) & (self._rows["quantity"] == quantity)]


class OneRoad:
    """A street, an exit and one road on from it with a checkpoint at its end or at its beginning."""

    def __init__(self, departure_s: np.ndarray, legs: list[dict], **exit_keys: float) -> None:
        """departure_s: when each vehicle sets out, rising (s). legs: of the road, as settings of a scenario."""
        graph = nx.MultiDiGraph(crs="EPSG:32638")
        for name, x_m in (("town", 0.0), ("edge", STREET_M)):
            graph.add_node(name, x=400_000.0 + x_m, y=4_400_000.0)
        graph.add_edge("town", "edge", highway="primary", oneway="True", length=str(STREET_M), lanes="1")
        exits = [{"node": "edge", "name": "road", "onward": legs, **exit_keys}]
        self.streets = compile_streets(graph, StreetSettings.model_validate({"network": __file__, "exits": exits}))[0]
        streets = self.streets
        routes = Routes(streets.n_nodes, streets.link_upstream, streets.link_downstream)
        free_s = streets.length_m / streets.free_flow_speed_m_s
        routes.set_class(0, free_s, streets.drivable, streets.exit_end_node)
        self.driving, self.departure_s = Driving.on_streets(streets), departure_s
        self.driving.set_next_link(routes.next_link)
        self.driving.add(np.arange(departure_s.size), streets.node_id.index("town"), departure_s)
        self.arrived_s = np.full(departure_s.size, np.inf)

    def advance(self, until_s: float) -> None:
        """Run all that happens before a time (s)."""
        arrivals = self.driving.advance(until_s)
        self.arrived_s[arrivals.id] = arrivals.time_s

    @property
    def n_out_of_town(self) -> int:
        """Vehicles that have passed the exit: the end of the first link of the road on."""
        return int(self.driving.view.n_left[self.streets.n_town_links])

    @property
    def queue_km(self) -> float:
        """Length of road beyond the town on which vehicles stand closer than when most of them pass (km)."""
        road = slice(self.streets.n_town_links, None)
        jam_per_m = self.driving.jam_density_per_m[road]
        speed, wave = self.streets.free_flow_speed_m_s[road], self.driving.wave_speed_m_s[road]
        is_jammed = self.driving.view.n_on_link[road] / self.streets.length_m[road] > jam_per_m * wave / (speed + wave)
        return float(self.streets.length_m[road][is_jammed].sum()) / 1000.0


def _evenly(n: int, from_s: float, until_s: float) -> np.ndarray:
    return from_s + (until_s - from_s) * (np.arange(n) + 0.5) / max(n, 1)


def karabakh() -> list[Observed]:
    """Send 21,043 vehicles over one mountain road to a bridge where each is checked."""
    facts = _Facts("karabakh")
    n, road_km, usual_h = (facts.put_in(name) for name in ("vehicles", "road", "usual_time"))
    per_vehicle = facts.put_in("persons") / n
    legs = [{"to": "Hakari bridge", "length_km": road_km, "speed_km_h": road_km / usual_h,
             "checkpoint_per_h": facts.put_in("checkpoint")}]  # fmt: skip
    parts, gone, from_s = [], 0, 0.0
    for _, time_s, persons in facts.rows("in", "before_queue"):
        until_s, n_gone = time_s - usual_h * 3600.0, round(persons / per_vehicle)
        parts.append(_evenly(n_gone - gone, from_s, until_s))
        gone, from_s = n_gone, until_s
    fuel_s = facts.moment_s("fuel")
    parts.append(_evenly(round(n) - gone, fuel_s, fuel_s + facts.put_in("setting_out") * 3600.0))
    road = OneRoad(np.sort(np.concatenate(parts)), legs)
    found = []
    for time, time_s, km in facts.rows("out", "queue"):
        road.advance(time_s)
        found.append(Observed(f"{time}: road on which cars stand (km)", km, road.queue_km))
    road.advance(14 * 86400.0)
    for time, time_s, persons in facts.rows("out", "entered"):
        share = 100.0 / facts.put_in("persons")
        came = per_vehicle * (road.arrived_s <= time_s).sum()
        found.append(Observed(f"{time}: share of the people who have crossed (%)", persons * share, came * share))
    for time, time_s, hours in facts.rows("out", "trip"):
        last = int(np.flatnonzero(road.arrived_s <= time_s)[-1])
        took_h = (road.arrived_s[last] - road.departure_s[last]) / 3600.0
        found.append(Observed(f"{time}: trip of those who arrive (h)", hours, took_h))
    return found


def mariupol(exit_per_h: float | None = None) -> list[Observed]:
    """Send 4,000 cars over the one road out of a besieged town, all of them there when it opens.

    exit_per_h: what checkpoints let out of the town; None: what a scenario assumes of any exit, 600 an hour and lane.
    """
    facts = _Facts("mariupol")
    legs = [{"to": "Zaporizhzhia", "length_km": facts.put_in("road"), "speed_km_h": SPEED_KM_H}]
    keys = {} if exit_per_h is None else {"flow_capacity_per_s": exit_per_h / 3600.0}
    road = OneRoad(np.zeros(round(facts.put_in("vehicles"))), legs, **keys)
    found = []
    for quantity, words in (("left", "cars out of the town"), ("waiting", "cars in the queue of the town")):
        for time, time_s, cars in facts.rows("out", quantity):
            road.advance(max(time_s, road.driving.time_s))
            n_out = road.n_out_of_town
            found.append(
                Observed(f"{time}: {words}", cars, n_out if quantity == "left" else road.departure_s.size - n_out)
            )
    for time, time_s, cars in facts.rows("out", "arrived"):
        road.advance(time_s)
        found.append(Observed(f"{time}: cars in Zaporizhzhia", cars, float(np.isfinite(road.arrived_s).sum())))
    return found


def mariupol_by_day() -> list[Observed]:
    """Do the same with the checkpoint that the day's total gives: 4,000 cars from the opening until sunset."""
    facts = _Facts("mariupol")
    return mariupol(facts.put_in("vehicles") / (facts.moment_s("sunset") / 3600.0))


CASES = [
    Case("Nagorno-Karabakh 2023: 100,417 people over one mountain road with a checkpoint in six days",
         "counts at the bridge; put in: departures, checkpoint", karabakh),
    Case("Mariupol, 15 March 2022: 4,000 cars, out as an exit is assumed to let them",
         "city council; put in: cars, opening; 600 an hour", mariupol),
    Case("Mariupol, 15 March 2022: the same, out as the day's total gives",
         "city council; put in: cars from opening to sunset", mariupol_by_day),
]  # fmt: skip
"""Both exoduses."""
