"""Narrow places, merges, crossings and exits against closed forms."""

import networkx as nx
import numpy as np

from safepassage.experiments.traffic.trips import simulate_trips
from safepassage.experiments.verification.checks import Case, Check
from safepassage.experiments.verification.traffic import both, demand, merge_links
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.movement import Movement
from safepassage.model.settings.authorities import Police
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.settings.streets import Signals, StreetSettings
from safepassage.model.streets.build import compile_streets
from safepassage.model.streets.classes import lane_flow_per_s
from safepassage.model.town.junction_control import JunctionControl

SPEED_KM_H = 50.0


def narrow_place():
    """Bring 0.8 vehicles/s for 1,000 s over 8,000 m to a place that lets 0.5 pass: D/D/1, mean delay 300 s."""
    links = {
        "link": ["road", "on"], "upstream": [0, 1], "downstream": [1, 2], "length_m": [8000.0, 1000.0],
        "free_flow_speed_m_s": [20.0, 20.0], "jam_density_per_m": [0.2, 0.2], "flow_capacity_per_s": [0.5, np.inf],
    }  # fmt: skip
    found = simulate_trips(links, demand(0, 2, (0, 1000, 0.8)), end_s=4000).links["mean_travel_time_s"]
    return [Check("mean delay (s)", 300, found["road"] - 400.0, 0.01)]


def minor_arm():
    """Bring 0.75 and 0.2 vehicles/s over arms of capacity 0.8 and 0.4 together into 0.8: it waits for none."""
    trips = both(demand(1, -1, (0, 3000, 0.75)), demand(2, -1, (0, 3000, 0.2)))
    results = simulate_trips(merge_links(0.8, 0.4), trips, end_s=3000)
    return [
        Check(f"flow out of arm {k} (1/s)", expected, results.flow_per_s(k, 1000.0, 1000.0, 3000.0), 0.02)
        for k, expected in ((1, 0.6), (2, 0.2))
    ]


def _streets(places, edges, exits, lanes="1", **options):
    """Return compiled one-way primary roads between places (m)."""
    graph = nx.MultiDiGraph(crs="EPSG:32637")
    for name, (x_m, y_m) in places.items():
        graph.add_node(name, x=400_000.0 + x_m, y=5_300_000.0 + y_m)
    for up, down in edges:
        length_m = np.hypot(*(np.array(places[up]) - places[down]))
        graph.add_edge(
            up, down, highway="primary", oneway="True", length=str(length_m), maxspeed=str(SPEED_KM_H), lanes=lanes
        )
    return compile_streets(graph, StreetSettings.model_validate({"network": __file__, "exits": exits, **options}))[0]


def crossing_streams():
    """Let two saturated streams cross: both together pass at most one saturation flow."""
    places = {"w": (-500, 0), "e": (500, 0), "s": (0, -500), "n": (0, 500), "m": (0, 0)}
    edges = [("w", "m"), ("m", "e"), ("s", "m"), ("m", "n")]
    streets = _streets(places, edges, [{"node": "e"}, {"node": "n"}], exit_flow_per_lane_per_s=1.0)
    names = zip(streets.link_upstream.tolist(), streets.link_downstream.tolist(), strict=True)
    row = {(streets.node_id[up], streets.node_id[down]): k for k, (up, down) in enumerate(names)}
    driving, depart_s = Driving.on_streets(streets), np.linspace(0, 1700, 1500)
    for k, path in enumerate((edges[:2], edges[2:])):
        origin = streets.node_id.index(path[0][0])
        driving.add(np.arange(1500) + 1500 * k, origin, depart_s, paths=[[row[edge] for edge in path]] * 1500)
    driving.advance(600.0)
    before = driving.view.n_left
    driving.advance(1800.0)
    flow_per_s = (driving.view.n_left - before)[[row["w", "m"], row["s", "m"]]].sum() / 1200.0
    return [Check("flow of both together (1/s)", float(lane_flow_per_s(SPEED_KM_H / 3.6)), flow_per_s, 0.01)]


def exit_of_stated_capacity():
    """Bring more cars than an exit lets out, stated at 1,700 an hour: it delivers that."""
    exits = [{"node": "z", "flow_capacity_per_s": 1700 / 3600}]
    streets = _streets({"a": (0, 0), "b": (2000, 0), "z": (4000, 0)}, [("a", "b"), ("b", "z")], exits, lanes="2")
    driving = Driving.on_streets(streets)
    path = [int(np.flatnonzero(streets.link_upstream == streets.node_id.index(name))[0]) for name in "ab"]
    driving.add(np.arange(3000), streets.node_id.index("a"), np.linspace(0, 1000, 3000), paths=[path] * 3000)
    arrived_s = driving.advance(2400.0).time_s
    delivered_per_h = ((arrived_s >= 600) & (arrived_s < 2400)).sum() * 2.0
    return [Check("vehicles out in an hour", 1700, delivered_per_h, 0.01)]


def signals_and_police():
    """Let a saturated stream come to signals with 0.6 green, then dark, then with police, while another crosses."""
    places = {"w": (-900, 0), "e": (900, 0), "s": (0, -900), "n": (0, 900), "m": (0, 0)}
    edges = [("w", "m"), ("m", "e"), ("s", "m"), ("m", "n")]
    streets = _streets(places, edges, [{"node": "e"}, {"node": "n"}], exit_flow_per_lane_per_s=1.0)
    green = [{"node": "m", "from_node": "w", "share": 0.6}]
    control = JunctionControl(Signals.model_validate({"green": green}), streets, np.zeros(streets.n_links, np.int32))
    movement = Movement(MovementSettings(), streets, 0)
    row = {streets.node_id[up]: k for k, up in enumerate(streets.link_upstream.tolist()) if streets.node_id[up] != "m"}
    for k, origin in enumerate("ws"):
        out = [j for j, up in enumerate(streets.link_upstream.tolist()) if streets.node_id[up] == "m"]
        away = [j for j in out if streets.node_id[streets.link_downstream[j]] == "en"[k]]
        ids = np.arange(5000) + 5000 * k
        movement.driving.add(ids, streets.node_id.index(origin), np.zeros(5000), paths=[[row[origin], *away]] * 5000)
    police, found = (Police(node="m"),), []
    for is_dark, policed in ((False, ()), (True, ()), (True, police)):
        held = control.look(np.array([is_dark]), policed)
        movement.set_junctions(held.is_shared, held.share, held.flow_factor)
        movement.driving.advance(movement.driving.time_s + 600.0)
        before = movement.driving.view.n_left[row["w"]]
        movement.driving.advance(movement.driving.time_s + 3000.0)
        found.append(float(movement.driving.view.n_left[row["w"]] - before) / 3000.0)
    whole_per_s = float(lane_flow_per_s(SPEED_KM_H / 3.6))
    return [
        Check("flow at 0.6 green (1/s)", 0.6 * whole_per_s, found[0], 0.01),
        Check("flow at dark signals (1/s)", 0.5 / Signals().dark_headway_s, found[1], 0.01),
        Check("flow with police (1/s)", 0.5 * whole_per_s, found[2], 0.01),
    ]


CASES = [
    Case("A narrow place delays as a queue served at a fixed rate", "D/D/1, closed form", narrow_place),
    Case("A minor arm under its share is not held up at a merge", "Daganzo (1995), closed form", minor_arm),
    Case("Two crossing streams pass at most one saturation flow", "u w kj / (u + w), closed form", crossing_streams),
    Case("Signals pass their green share, dark ones as an all-way stop, police all", "closed forms; HCM: 3.9 s",
         signals_and_police),
    Case("An exit delivers the capacity that it states", "HCM: 1,700 an hour", exit_of_stated_capacity),
]  # fmt: skip
"""All cases of narrow places, merges, crossings and exits."""
