"""Whole towns: the round of a bus by its closed form, and changes of a town's files that may change no result."""

import json
import tempfile
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from safepassage.experiments.verification.checks import Case, Check
from safepassage.model.evacuation import EvacuationModel
from safepassage.model.settings.scenario import load
from safepassage.model.streets.reading.graphml import read_graph

CENTRE_DEG = -33.0
"""Meridian in the middle of tiny_town, and of its zone of the map."""
QUIET: dict[str, Any] = {"shelling.sources": [], "run.duration_h": 2.5}
NARROW: dict[str, Any] = {
    "streets.exit_flow_per_lane_per_s": 0.03,
    "population.p_car": 0.9,
    "behaviour.preparation_median_s": 600.0,
    "orders": [{"issued_h": 0.0, "compliance": 1.0}],
}
"""Exits so narrow (vehicles per second and lane), and so many cars at once, that they queue for an hour and more."""


def bus_round():
    """Let more people wait for two buses of 50 seats than they take: hub, drive in, 10 s a person, drive out."""
    nobody = ("p_car", "p_car_lone_65", "p_needs_assistance_under_65", "p_needs_assistance_65")
    settings = QUIET | dict.fromkeys((f"population.{name}" for name in nobody), 0.0)
    settings |= {"movement.walk_out_limit_m": 0, "run.duration_h": 3.5}
    settings["services.pickup_points"] = [{"name": "Square", "latitude_deg": 45.0, "longitude_deg": CENTRE_DEG}]
    settings["services.fleets"] = [{"name": "Bus", "n_vehicles": 2, "seats": 50, "hub_time_s": 3600}]
    settings["orders"] = [{"issued_h": 0.0, "compliance": 1.0}]
    model = EvacuationModel("tiny_town", **settings).run()
    full = [run for vehicle in model.services.vehicles for run in vehicle.runs[1:] if run.n_boarded == 50]
    rounds_s = [run.end_s - run.start_s + 3600.0 for run in full if run.end_s < np.inf]
    return [
        Check("shortest round (s)", 4282.0, min(rounds_s), 0.001),
        Check("longest round (s)", 4282.0, max(rounds_s), 0.001),
    ]


def _arrivals_s(changes: dict, graph: nx.MultiDiGraph, zones: dict) -> np.ndarray:
    """Return when each household of a town arrives in safety (s); inf: it does not."""
    with tempfile.TemporaryDirectory(prefix="verify_towns") as folder:
        network, table = Path(folder) / "town.graphml", Path(folder) / "zones.geojson"
        nx.write_graphml(graph, network)
        table.write_text(json.dumps(zones), encoding="utf-8")
        files = {"streets.network": str(network), "population.zones": str(table)}
        return EvacuationModel("tiny_town", **QUIET, **NARROW, **files, **changes).run().parties.arrival_time_s.copy()


def _files():
    """Return the streets and zones of tiny_town."""
    scenario = load("tiny_town")
    return read_graph(scenario.streets.network), json.loads(scenario.population.zones.read_text(encoding="utf-8"))


def _differ(one: np.ndarray, other: np.ndarray, tolerance_s: float) -> list[Check]:
    """Return checks that households arrive at the same times."""
    arrived = np.isfinite(one)
    apart_s = np.abs(one[arrived] - other[arrived]).max(initial=0.0)
    return [
        Check("households out in only one of the two", 0, int((arrived != np.isfinite(other)).sum()), 0.0),
        Check("largest difference of times of arrival (s)", 0.0, float(apart_s), tolerance_s),
    ]


def mirrored():
    """Mirror a town, its zones and its exits from west to east: everybody arrives when they did.

    Homes stand in the middle of streets: beside them, those drawn on the left would not be mirrored to the left, and
    others would be their neighbours.
    """
    middle = {"population.home_setback_m": 0.0}
    graph, zones = _files()
    exits = [exit_.model_dump(mode="json", exclude_defaults=True) for exit_ in load("tiny_town").streets.exits]
    before = _arrivals_s(middle, graph, zones)
    for _, tags in graph.nodes(data=True):
        tags["x"] = str(2 * CENTRE_DEG - float(tags["x"]))
    for feature in zones["features"]:
        for ring in feature["geometry"]["coordinates"]:
            ring[:] = [[2 * CENTRE_DEG - x, y] for x, y in ring]
    for exit_ in exits:
        exit_["longitude_deg"] = 2 * CENTRE_DEG - exit_["longitude_deg"]
    return _differ(before, _arrivals_s({"streets.exits": exits} | middle, graph, zones), 1e-3)


def in_any_order():
    """List nodes and links of a file in another order: not a bit may differ."""
    graph, zones = _files()
    chance = np.random.default_rng(7)
    other = nx.MultiDiGraph(**graph.graph)
    for rows, add in ((graph.nodes(data=True), other.add_nodes_from), (graph.edges(data=True), other.add_edges_from)):
        add([list(rows)[k] for k in chance.permutation(len(rows))])
    return _differ(_arrivals_s({}, graph, zones), _arrivals_s({}, other, zones), 0.0)


def doubled():
    """Double the people and the lanes of all streets and exits: nine in ten are out by nearly the same time."""
    found_s = []
    for factor in (1, 2):
        graph, zones = _files()
        for _, _, tags in graph.edges(data=True):
            lanes = int(tags.get("lanes", "1" if tags.get("oneway") == "True" else "2"))
            tags["lanes"] = str(factor * lanes)
        arrived_s = _arrivals_s({"population.residents": factor * 2000}, graph, zones)
        found_s.append(float(np.quantile(arrived_s[np.isfinite(arrived_s)], 0.9)))
    return [Check("T90 of twice the town over T90 of the town", 1.0, found_s[1] / found_s[0], 0.03)]


CASES = [
    Case("The round of a bus is hub, drive in, 10 s a person and drive out", "Closed form: 4,282 s", bus_round),
    Case("A town seen in a mirror empties in the same time", "Invariance", mirrored),
    Case("The order of links in a file changes no result", "Invariance", in_any_order),
    Case("Twice the people on twice the lanes take the same time", "Invariance", doubled),
]
"""All cases of whole towns."""
