"""Static user equilibria by the product's own routes: Braess's paradox, and the networks of Sioux Falls and Anaheim.

The two cities are kept in TNTP format by bstabler/TransportationNetworks, for academic research only; they are not
shipped: the folder that holds benchmarks/*.tntp is named by the environment variable SAFEPASSAGE_DATA.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from safepassage.experiments.traffic.trip_tables import read_tntp_flows, read_tntp_links, read_tntp_trips
from safepassage.experiments.verification.checks import Case, Check
from safepassage.model.movement.routing import Routes
from safepassage.model.settings.base import ScenarioError

NOT_SHIPPED = "the tables of Sioux Falls and Anaheim are not shipped; set SAFEPASSAGE_DATA to the folder of the data"
BPR_FACTOR, BPR_POWER = 0.15, 4
"""Link cost: free-flow time (1 + 0.15 (volume / capacity)^4) (Bureau of Public Roads 1964)."""
ANAHEIM_FIRST_THROUGH = 39
"""First node of Anaheim that is not a zone: nobody drives through a zone (header of Anaheim_net.tntp)."""
ANAHEIM_BEST_KNOWN = 1_419_914.0
"""Total cost of the best known user equilibrium of Anaheim (vehicle-minutes; Anaheim_flow.tntp)."""


def data(name: str) -> Path:
    """Return the path of one of the networks' files."""
    folder = os.environ.get("SAFEPASSAGE_DATA")
    if not folder:
        raise ScenarioError(NOT_SHIPPED)
    return Path(folder) / "benchmarks" / name


@dataclass(frozen=True)
class Network:
    """Links, what they cost, and who wants to go where."""

    upstream: np.ndarray
    downstream: np.ndarray
    trips: np.ndarray
    """[destination, origin]; nodes from 0."""
    cost: Callable[[np.ndarray], np.ndarray]
    """Cost of each link at a volume of each."""
    first_through: int = 0
    """Nobody goes through a node before this one."""


def tntp(town: str, first_through: int = 1) -> Network:
    """Return the network of a town's TNTP files; times in minutes."""
    links = read_tntp_links(data(f"{town}_net.tntp"), length_unit_m=1000.0)
    demand = read_tntp_trips(data(f"{town}_trips.tntp"))
    upstream, downstream = links["upstream"].to_numpy() - 1, links["downstream"].to_numpy() - 1
    n_nodes = int(max(upstream.max(), downstream.max())) + 1
    trips = np.zeros((n_nodes, n_nodes))
    trips[demand["destination"] - 1, demand["origin"] - 1] = demand["volume"]
    capacity = links["flow_capacity_per_s"].to_numpy() * 3600.0
    free_flow = links["length_m"].to_numpy() / links["free_flow_speed_m_s"].to_numpy() / 60.0

    def cost(volume):
        return free_flow * (1.0 + BPR_FACTOR * (volume / capacity) ** BPR_POWER)

    return Network(upstream, downstream, trips, cost, first_through - 1)


def user_equilibrium(network: Network, n_assignments: int) -> np.ndarray:
    """Return the volume of each link after a number of assignments by the method of Frank and Wolfe.

    Everybody onto the cheapest routes at the cost of the last volumes, then the mean of the two that costs least.
    """
    n_nodes = len(network.trips)
    routes = Routes(n_nodes, network.upstream, network.downstream, n_nodes)
    cost = network.cost
    volume = _all_or_nothing(routes, network, cost(np.zeros(network.upstream.size)))
    for _ in range(n_assignments):
        step = _all_or_nothing(routes, network, cost(volume)) - volume
        volume = volume + _best_share(lambda share, v=volume, s=step: s @ cost(v + share * s)) * step
    return volume


def _all_or_nothing(routes, network, cost):
    """Return the volume of each link if everybody takes the cheapest route."""
    volume = np.zeros(cost.size)
    for destination in np.flatnonzero(network.trips.any(axis=1)):
        is_open = (network.downstream >= network.first_through) | (network.downstream == destination)
        routes.set_class(destination, cost, is_open, np.array([destination]))
        waiting = network.trips[destination].copy()
        nodes = np.argsort(-routes.cost_to_go_s[destination], kind="stable")
        for node in nodes[np.isfinite(routes.cost_to_go_s[destination][nodes])][:-1]:
            link = routes.next_link[destination, node]
            volume[link] += waiting[node]
            waiting[network.downstream[link]] += waiting[node]
    return volume


def _best_share(slope):
    """Return the share in [0, 1] at which a rising function crosses zero, by halving."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return 0.5 * (low + high)


def sioux_falls() -> list[Check]:
    """Compare the assignment in Sioux Falls with the best known user equilibrium."""
    network = tntp("SiouxFalls")
    volume = user_equilibrium(network, 400)
    known = read_tntp_flows(data("SiouxFalls_flow.tntp")).set_index(["upstream", "downstream"])
    known = known.loc[list(zip(network.upstream + 1, network.downstream + 1, strict=True))]
    best = known["volume"].to_numpy()
    differ = np.abs(volume - best) / best.mean()
    return [
        Check(
            "total travel time (0.01 h)",
            float(known["volume"] @ known["cost"]),
            float(volume @ network.cost(volume)),
            0.001,
        ),
        Check("mean difference of volumes, share of their mean", 0.0, float(differ.mean()), 0.01),
        Check("largest difference of volumes, share of their mean", 0.0, float(differ.max()), 0.05),
    ]


def anaheim() -> list[Check]:
    """Compare the total cost in Anaheim with that of the best known user equilibrium."""
    network = tntp("Anaheim", ANAHEIM_FIRST_THROUGH)
    volume = user_equilibrium(network, 40)
    return [Check("total cost (vehicle-min)", ANAHEIM_BEST_KNOWN, float(volume @ network.cost(volume)), 0.001)]


def braess() -> list[Check]:
    """Send 6 over links of cost 10x, 50 + x, 10 + x: with the link across, all pay 92 instead of 83."""
    fixed, slope = np.array([0.001, 50.0, 50.0, 10.0, 0.001]), np.array([10.0, 1.0, 1.0, 1.0, 10.0])
    ends = np.array([0, 0, 2, 2, 3]), np.array([2, 3, 1, 3, 1])
    trips = np.zeros((4, 4))
    trips[1, 0] = 6.0
    found = []
    for k in (np.arange(5), np.array([0, 1, 2, 4])):
        network = Network(ends[0][k], ends[1][k], trips, lambda volume, k=k: fixed[k] + slope[k] * volume)
        volume = user_equilibrium(network, 400)
        found.append(float(volume @ network.cost(volume)))
    return [
        Check("total cost with the link across", 552.0, found[0], 0.001),
        Check("total cost without it", 498.0, found[1], 0.001),
    ]


NOT_SHIPPED_CASES = (
    Case(
        "Sioux Falls: routes reach the user equilibrium",
        "LeBlanc et al. 1975; TransportationNetworks",
        sioux_falls,
    ),
    Case("Anaheim: routes reach the user equilibrium", "TransportationNetworks, best known flow", anaheim),
)
CASES = (Case("A link more costs everybody time: Braess's paradox", "Braess (1968), closed form", braess),)
"""All cases of static equilibria; NOT_SHIPPED_CASES need data that may not be shipped."""
