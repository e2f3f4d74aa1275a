"""Choice of routes as the product makes it: drivers who each learn of queues at moments of their own."""

import itertools

import networkx as nx
import numpy as np

from safepassage.agents.parties import Mode
from safepassage.experiments.verification.checks import Case, Check
from safepassage.model.draws import Stream, uniforms
from safepassage.model.movement.movement import Movement
from safepassage.model.settings.movement import Movement as MovementSettings
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.build import compile_streets

SPEED_KM_H = 72.0
CAPACITY_PER_S = 0.2
N_VEHICLES = 1080
LENGTH_M = {("o", "a"): 200.0, ("a", "s"): 5800.0, ("s", "z"): 200.0, ("a", "l"): 11_800.0, ("l", "z"): 200.0}
PLACES = {"o": (-200.0, 0.0), "a": (0.0, 0.0), "s": (2900.0, 800.0), "l": (5900.0, -900.0), "z": (6000.0, 0.0)}
EQUILIBRIUM_S = 976.0
"""Mean travel time in dynamic user equilibrium with point queues: all take the short route until its delay is 300 s,
then the delays of both stay 300 s apart."""


def two_route_streets(n_pieces: int = 1):
    """Return two roads from one junction to one exit, 300 s apart; each lets 0.2 vehicles/s past its middle.

    n_pieces: links that each of the two roads is cut into, before its narrow place.
    """
    graph = nx.MultiDiGraph(crs="EPSG:32637")
    for name, (x_m, y_m) in PLACES.items():
        graph.add_node(name, x=400_000.0 + x_m, y=5_300_000.0 + y_m)
    for (up, down), length_m in LENGTH_M.items():
        n = n_pieces if up == "a" else 1
        nodes = [up, *(f"{down}{i}" for i in range(1, n)), down]
        for i in range(1, n):
            x_m, y_m = (a + (b - a) * i / n for a, b in zip(PLACES[up], PLACES[down], strict=True))
            graph.add_node(nodes[i], x=400_000.0 + x_m, y=5_300_000.0 + y_m)
        for a, b in itertools.pairwise(nodes):
            graph.add_edge(
                a, b, highway="motorway", oneway="True", length=str(length_m / n), maxspeed=str(SPEED_KM_H), lanes="4"
            )
    exits = [{"node": "z", "name": "z", "flow_capacity_per_s": 4.0}]
    return compile_streets(graph, StreetSettings.model_validate({"network": __file__, "exits": exits}))[0]


def mean_travel_time_s(news_delay_s: float, n_pieces: int = 1, **settings) -> float:
    """Return the mean travel time of 0.6 vehicles/s for 1,800 s, with news of queues so old on average (s).

    n_pieces: links that each of the two roads is cut into.
    """
    streets = two_route_streets(n_pieces)
    u = np.array([uniforms(1, Stream.ROAD_NEWS, N_VEHICLES, index=i) for i in range(2)])
    rules = MovementSettings(congestion_news_delay_s=news_delay_s, **settings)
    movement = Movement(rules, streets, N_VEHICLES, u_news=u)
    ends = [
        (streets.node_id[a], streets.node_id[b])
        for a, b in zip(streets.link_upstream, streets.link_downstream, strict=True)
    ]
    narrow = [i for i, (up, down) in enumerate(ends) if down in ("s", "l")]
    movement.driving.set_flow_capacity(narrow, [CAPACITY_PER_S] * 2)
    party, departure_s = np.arange(N_VEHICLES), np.arange(N_VEHICLES) / 0.6
    start = np.full(N_VEHICLES, streets.node_id.index("o"))
    movement.set_out(Mode.CAR, party, start, departure_s, np.ones(N_VEHICLES), np.ones(N_VEHICLES))
    arrivals = movement.advance(10_000.0)
    return float((arrivals.time_s - departure_s[arrivals.party]).mean())


def equilibrium():
    """Send 1,080 vehicles over two roads whose drivers look round every minute, and every twice ten minutes."""
    return [
        Check(
            f"mean travel time, news {news_delay_s:.0f} s old, roads of {n_pieces} link(s) (s)",
            EQUILIBRIUM_S,
            mean_travel_time_s(news_delay_s, n_pieces),
            tolerance,
        )
        for news_delay_s, tolerance in ((60.0, 0.05), (600.0, 0.12))
        for n_pieces in (1, 10)
    ]


CASES = [
    Case(
        "Two routes come to their dynamic user equilibrium, with news fresh and ten minutes old",
        "Wardrop (1952) with point queues (Vickrey 1969); closed form: 976 s",
        equilibrium,
    )
]
"""All cases of the choice of routes."""
