"""Vehicles against published answers and kinematic wave theory.

UXsim's cases (Seo, UXsim, MIT licence: tests/test_verification_straight_road.py, _node.py, _route_choice.py) have
links of 1,000 m, 20 m/s, 0.2 vehicles/m and a wave of 5 m/s, hence 0.8 vehicles/s. UXsim moves platoons of five
vehicles and accepts 10 %; here vehicles are single, and where its figure carries a platoon's rounding the case also
holds the value of the theory (area between the cumulative curves of demand and of what the bottleneck lets through).
"""

import numpy as np

from safepassage.experiments.traffic.trips import simulate_trips
from safepassage.experiments.verification.checks import Case, Check
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes

UXSIM = "UXsim suite, "
THEORY = "Newell (1993), closed form"


def chain(*speeds_m_s, capacity_per_s=None, jam_density_per_m=0.2):
    """Return links 1, 2, ... of 1,000 m in a row from node 0; capacities of their ends by link label."""
    n = len(speeds_m_s)
    ends = [(capacity_per_s or {}).get(k, np.inf) for k in range(1, n + 1)]
    return {
        "link": np.arange(1, n + 1),
        "upstream": np.arange(n),
        "downstream": np.arange(1, n + 1),
        "length_m": np.full(n, 1000.0),
        "free_flow_speed_m_s": np.array(speeds_m_s, float),
        "jam_density_per_m": np.broadcast_to(jam_density_per_m, n),
        "flow_capacity_per_s": np.array(ends, float),
    }


def departures_s(*rates):
    """Return departure times for (from_s, to_s, vehicles per second), evenly spread."""
    return np.concatenate([a + (np.arange(round(q * (b - a))) + 0.5) / q for a, b, q in rates])


def demand(origin, destination, *rates):
    """Return trips from one node to another at the given rates."""
    times_s = departures_s(*rates)
    n = times_s.size
    return {"departure_time_s": times_s, "origin": [origin] * n, "destination": [destination] * n}


def both(*demands):
    """Return the trips of several demands in one table."""
    return {k: np.concatenate([np.asarray(d[k]) for d in demands]) for k in demands[0]}


def state(results, link, around_m, from_s, to_s, expected, tolerance=0.02):
    """Return checks of flow, density and speed on the 100 m of a link about around_m, between from_s and to_s.

    results: of simulate_trips. expected: the three numbers. tolerance: largest relative difference that passes.
    """
    flow_per_s = results.flow_per_s(link, around_m, from_s, to_s)
    times_s = np.linspace(from_s, to_s, 1001)
    density_per_m = results.density_per_m(link, around_m - 50.0, around_m + 50.0, times_s)
    place = f"link {link}, {from_s:.0f}-{to_s:.0f} s: "
    speed_m_s = flow_per_s / density_per_m if density_per_m else np.nan
    found = (flow_per_s, density_per_m, speed_m_s)
    names = ("flow (1/s)", "density (1/m)", "speed (m/s)")
    return [Check(place + n, e, f, tolerance) for n, e, f in zip(names, expected, found, strict=True)]


def totals(results, n, total_s, mean_s, delay_s, tolerance=0.02):
    """Return checks of the number arrived, total and mean travel time and mean delay.

    results: of simulate_trips. n, total_s, mean_s, delay_s: what is expected. tolerance: relative, for the times.
    """
    return [
        Check("trips arrived", n, results.n_arrived, 0.0),
        Check("total travel time (s)", total_s, results.total_travel_time_s, tolerance),
        Check("mean travel time (s)", mean_s, results.mean_travel_time_s, tolerance),
        Check("mean delay (s)", delay_s, results.mean_delay_s, tolerance),
    ]


def one_link():
    """Run 0.5 vehicles/s for 500 s over one link."""
    results = simulate_trips(chain(20), demand(0, 1, (0, 500, 0.5)), end_s=2000)
    return totals(results, 250, 12_500, 50, 0) + state(results, 1, 550, 200, 400, (0.5, 0.025, 20))


def one_link_saturated():
    """Offer 2 vehicles/s to a link that takes 0.8."""
    results = simulate_trips(chain(20), demand(0, 1, (0, 2000, 2.0)), end_s=2000)
    early, late = (state(results, 1, 550, t, t + 200, (0.8, 0.04, 20)) for t in (200, 1600))
    return early + late


def two_links():
    """Run 0.5 vehicles/s for 500 s over a link of 20 m/s and one of 10 m/s."""
    results = simulate_trips(chain(20, 10), demand(0, 2, (0, 500, 0.5)), end_s=2000)
    states = state(results, 1, 550, 200, 400, (0.5, 0.025, 20)) + state(results, 2, 550, 200, 400, (0.5, 0.05, 10))
    return totals(results, 250, 37_500, 150, 0) + states


BOTTLENECK = ((0, 500, 0.8), (500, 1500, 0.4))


def slow_link():
    """Run 0.8, then 0.4 vehicles/s into a link of 10 m/s, which takes 2/3 vehicles/s.

    Theory: 66.7 vehicles queue by 500 s and are gone 250 s later: 25,000 vehicle-seconds of delay, 145,000 in all.
    UXsim's mean delay, 32.5 s, follows from its 146,000; the theory's is 31.25 s.
    """
    results = simulate_trips(chain(20, 10), demand(0, 2, *BOTTLENECK), end_s=2000)
    checks = [
        *totals(results, 800, 146_000, 182.5, 31.25),
        Check("total travel time by theory (s)", 145_000, results.total_travel_time_s, 0.002),
        *state(results, 1, 550, 400, 600, (2 / 3, 0.2 / 3, 10)),
        *state(results, 1, 550, 1400, 1500, (0.4, 0.02, 20)),
        *state(results, 2, 550, 400, 600, (2 / 3, 0.2 / 3, 10)),
    ]
    return [*checks, *state(results, 2, 550, 1400, 1600, (0.4, 0.04, 10))]


def exit_capacity():
    """Run 0.8, then 0.4 vehicles/s over a link whose end lets 2/3 vehicles/s through."""
    results = simulate_trips(chain(20, 20, capacity_per_s={1: 0.66666}), demand(0, 2, *BOTTLENECK), end_s=2000)
    checks = totals(results, 800, 104_775, 131, 31) + state(results, 1, 550, 400, 600, (2 / 3, 0.2 / 3, 10))
    return checks + state(results, 2, 550, 400, 600, (2 / 3, 0.1 / 3, 20))


def node_capacity():
    """Run the same demand through a node of 0.666 vehicles/s: with one link in, the capacity of that link's end.

    UXsim's mean delay, 32.5 s, follows from its 106,000; the theory's is 31.4 s.
    """
    results = simulate_trips(chain(20, 20, capacity_per_s={1: 0.666}), demand(0, 2, *BOTTLENECK), end_s=2000)
    theory = Check("total travel time by theory (s)", 105_125, results.total_travel_time_s, 0.002)
    return [*totals(results, 800, 106_000, 132.5, 31.4), theory]


def jam_density():
    """Run the same demand into a link of half the jam density, which takes 2/3 vehicles/s at its own wave speed.

    UXsim holds the reaction time at 1 s, so that its wave on the second link runs at 10 m/s.
    """
    links = chain(20, 20, jam_density_per_m=[0.2, 0.1]) | {"wave_speed_m_s": np.array([5.0, 10.0])}
    results = simulate_trips(links, demand(0, 2, *BOTTLENECK), end_s=2000)
    return totals(results, 800, 106_000, 132.5, 31.25) + state(results, 2, 550, 400, 600, (2 / 3, 0.1 / 3, 20))


def shock_wave():
    """Find where the queue before a slow link begins: its tail moves at (q2 - q1) / (k2 - k1)."""
    results = simulate_trips(chain(20, 10), demand(0, 2, (0, 900, 0.75)), end_s=900)
    rows = results.crossings.query("link == 1").sort_values("entry_time_s")
    count = np.arange(1.0, len(rows) + 1.0)
    places_m, tail_m = np.arange(0.0, 1000.0, 0.5), []
    times_s = np.array([150.0, 350.0])
    for time_s in times_s:
        rest_m = 1000.0 - places_m
        free = np.interp(time_s - places_m / 20.0, rows["entry_time_s"], count)
        held = np.interp(time_s - rest_m / 5.0, rows["exit_time_s"].dropna(), count[: rows["exit_time_s"].count()])
        tail_m.append(places_m[np.argmax(held + 0.2 * rest_m < free - 1e-3)])
    speed_m_s = (tail_m[1] - tail_m[0]) / (times_s[1] - times_s[0])
    theory_m_s = (2 / 3 - 0.75) / (0.2 / 3 - 0.75 / 20)
    return [Check("speed of the queue's tail (m/s)", theory_m_s, speed_m_s, 0.02)]


def spillback():
    """Fill three links from a bottleneck of 0.4 vehicles/s at the end of the second.

    Theory: queue of 160 vehicles from 400 to 800 s, gone at 1,333 s: 138,667 vehicle-seconds of delay on top of
    585 trips of 150 s; UXsim's platoons come out 2.4 % below.
    """
    rates = ((0, 400, 0.8), (400, 800, 0.4), (800, 2000, 0.1))
    results = simulate_trips(chain(20, 20, 20, capacity_per_s={2: 0.4}), demand(0, 3, *rates), end_s=2000)
    return [
        Check("trips", 600, len(results.trips), 0.0),
        *totals(results, 585, 221_050, 378, 228, 0.2),
        Check("total travel time by theory (s)", 226_417, results.total_travel_time_s, 0.002),
        *state(results, 1, 850, 200, 300, (0.8, 0.04, 20)),
        *state(results, 1, 850, 600, 800, (0.4, 0.12, 10 / 3)),
        *state(results, 2, 850, 600, 800, (0.4, 0.12, 10 / 3)),
        *state(results, 3, 850, 600, 800, (0.4, 0.02, 20)),
        *state(results, 1, 850, 1400, 1900, (0.1, 0.005, 20)),
    ]


def curves():
    """Read the cumulative curves of a link whose end lets 0.5 vehicles/s through, and the travel time off them."""
    rates = ((0, 500, 0.2), (500, 1000, 0.5), (1000, 1500, 0.6), (1500, 2500, 0.2))
    results = simulate_trips(chain(20, 20, capacity_per_s={1: 0.5}), demand(0, 2, *rates), end_s=3000)
    rows = results.crossings.query("link == 1").sort_values("entry_time_s")
    times_s = np.arange(600.0, 2400.0, 100.0)
    travel_s = np.interp(times_s, rows["entry_time_s"], rows["exit_time_s"] - rows["entry_time_s"])
    gap = np.abs(results.n_past(1, 0.0, times_s) - results.n_past(1, 1000.0, times_s + travel_s)).max()
    return [
        Check("entered by 1,500 s", 650, float(results.n_past(1, 0.0, 1500.0)), 0.005),
        Check("left by 1,500 s", 575, float(results.n_past(1, 1000.0, 1500.0)), 0.005),
        Check("largest N_in(t) - N_out(t + travel time)", 0, float(gap), 1.0),
    ]


def merge_links(*capacity_per_s):
    """Return links 1..n from nodes 1..n to node 0 and the last link on to node -1; capacities of the arms' ends."""
    n = len(capacity_per_s)
    return {
        "link": [*range(1, n + 1), "on"],
        "upstream": [*range(1, n + 1), 0],
        "downstream": [0] * n + [-1],
        "length_m": np.full(n + 1, 1000.0),
        "free_flow_speed_m_s": np.full(n + 1, 20.0),
        "jam_density_per_m": np.full(n + 1, 0.2),
        "flow_capacity_per_s": np.array([*capacity_per_s, np.inf]),
    }


def fair_merge():
    """Bring 0.5 and 0.5 vehicles/s for 1,000 s together into 0.8."""
    trips = both(*(demand(k, -1, (0, 1000, 0.5)) for k in (1, 2)))
    links = simulate_trips(merge_links(np.inf, np.inf), trips, end_s=2000).links
    times_s, n = links["mean_travel_time_s"], links["n_left"]
    counts = [Check(f"vehicles over link {k}", e, n[k], 0.0) for k, e in ((1, 500), (2, 500), ("on", 1000))]
    return [
        *counts,
        Check("travel time of one arm over the other", 1, times_s[1] / times_s[2], 0.02),
        Check("travel time beyond the merge (s)", 50, times_s["on"], 0.02),
    ]


def free_merge():
    """Bring 0.3 and 0.3 vehicles/s, taking turns, together into 0.8: nobody is held up."""
    trips = both(demand(1, -1, (0, 1000, 0.3)), demand(2, -1, (0, 1000, 0.3)))
    trips["departure_time_s"][300:] += 0.5 / 0.3
    links = simulate_trips(merge_links(np.inf, np.inf), trips, end_s=1200).links
    checks = [Check(f"travel time on link {k} (s)", 50, links["mean_travel_time_s"][k], 0.02) for k in (1, 2, "on")]
    return checks + [Check(f"vehicles on {k}", n, links["n_left"][k], 0.0) for k, n in ((1, 300), ("on", 600))]


def proportional_merge():
    """Bring four saturated arms of capacities 0.1, 0.2, 0.2 and 0.4 into 0.4: shares in that proportion."""
    capacity_per_s = np.array([0.1, 0.2, 0.2, 0.4])
    trips = both(*(demand(k, -1, (0, 3000, 0.5)) for k in range(1, 5)))
    links = merge_links(*capacity_per_s)
    links["flow_capacity_per_s"][-1] = 0.4
    results = simulate_trips(links, trips, end_s=3000)
    flows = [results.flow_per_s(k, 1000.0, 1000.0, 3000.0) for k in range(1, 5)]
    expected = 0.4 * capacity_per_s / capacity_per_s.sum()
    pairs = zip(range(1, 5), expected, flows, strict=True)
    return [Check(f"flow out of arm {k} (1/s)", e, f, 0.02) for k, e, f in pairs]


def diverge():
    """Send 0.3 and 0.2 vehicles/s through one link whose first branch takes 0.2: first in, first out holds all.

    Theory: the branch of 0.2 passes 0.2 of its 0.3, so that the common link carries 1/3 vehicles/s.
    """
    columns = ("link", "upstream", "downstream", "flow_capacity_per_s")
    rows = [(1, 0, 1, np.inf), (2, 1, 2, 0.2), (3, 1, 3, np.inf)]
    links = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
    links |= {"length_m": [1000.0, 10.0, 1000.0], "free_flow_speed_m_s": [20.0] * 3, "jam_density_per_m": [0.2] * 3}
    trips = both(demand(0, 2, (0, 3000, 0.3)), demand(0, 3, (0, 3000, 0.2)))
    results = simulate_trips(links, trips, end_s=3000)
    expected = ((1, 1000.0, 1 / 3), (2, 10.0, 0.2), (3, 0.0, 2 / 15))
    return [Check(f"flow on link {k} (1/s)", e, results.flow_per_s(k, x, 1000, 3000), 0.02) for k, x, e in expected]


def two_routes():
    """Offer two equal routes to 0.8 vehicles/s; travellers perceive times with an error of 10 %, anew every 60 s.

    All seeing the same times, every one of them would rightly take the first route: it is no slower than the other.
    """
    links = {
        "link": ["in", "1a", "1b", "2a", "2b", "out"],
        "upstream": ["o", "a", "b", "a", "c", "d"],
        "downstream": ["a", "b", "d", "c", "d", "z"],
        "length_m": [500.0, 1000.0, 1000.0, 1000.0, 1000.0, 500.0],
        "free_flow_speed_m_s": [20.0] * 6,
        "jam_density_per_m": [0.2] * 6,
    }
    trips = demand("o", "z", (0, 1500, 0.8))
    results = simulate_trips(links, trips, end_s=3000, reroute_every_s=60, perception_spread=0.1)
    n, times_s = results.links["n_left"], results.links["mean_travel_time_s"]
    # 1,200 choices by chance: one standard deviation is 17 vehicles, 2.9 %
    checks = [Check(f"vehicles on route {k}", 600, n[f"{k}a"], 0.06) for k in "12"]
    checks += [Check(f"time on route {k} (s)", 100, times_s[f"{k}a"] + times_s[f"{k}b"], 0.02) for k in "12"]
    return [*checks, Check("trips arrived", 1200, results.n_arrived, 0.0)]


def moving_bottleneck():
    """Send a vehicle of 5 m/s among cars each 2.5 s along 2,000 m of one lane, whole and in ten links.

    Theory (Newell 1993): nobody overtakes, so that the state behind it is k = w kj / (v + w) = 0.1/m and q = 0.5/s.
    """
    checks = []
    for n in (1, 10):
        columns = {"length_m": 2000.0 / n, "free_flow_speed_m_s": 20.0, "jam_density_per_m": 0.2}
        links = {name: np.full(n, value) for name, value in columns.items()}
        driving = Driving(upstream=np.arange(n), downstream=np.arange(1, n + 1), n_nodes=n + 1, **links)
        cars, path = np.arange(200), [list(range(n))]
        driving.add(cars, 0, cars * 2.5, paths=path * cars.size)
        driving.add([cars.size], 0, [100.1], max_speed_m_s=5.0, paths=path)
        arrivals = driving.advance(5000.0)
        at = int(np.flatnonzero(arrivals.id == cars.size)[0])
        found_s = float((arrivals.time_s[at + 50] - arrivals.time_s[at]) / 50)
        checks.append(Check(f"headway of the 50 cars behind it, {n} link(s) (s)", 2.0, found_s, 0.01))
    return checks


def grid(side=8):
    """Return links both ways between neighbours of a square grid."""
    node = np.arange(side * side).reshape(side, side)
    a = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    b = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    length_m = 80.0 + 7.0 * (np.arange(a.size) % 9)
    ends = {"upstream": np.concatenate([a, b]), "downstream": np.concatenate([b, a])}
    quantities = {"length_m": np.tile(length_m, 2), "free_flow_speed_m_s": np.full(2 * a.size, 11.1)}
    return ends | quantities | {"jam_density_per_m": np.full(2 * a.size, 0.133)}


def conservation():
    """Send 3,000 trips from all nodes of a grid to a corner: all arrive, and each link lets out what it took in."""
    trips = {"departure_time_s": np.arange(3000) * 0.2, "origin": np.arange(3000) % 63, "destination": [63] * 3000}
    half, whole = (simulate_trips(grid(), trips, end_s=end_s) for end_s in (900.0, 20_000.0))
    links = half.links
    on_links = int((links["n_entered"] - links["n_left"]).sum())
    return [
        Check("trips arrived in the end", 3000, whole.n_arrived, 0.0),
        Check(
            "entered less left, all links, in the end",
            0,
            float((whole.links.n_entered - whole.links.n_left).sum()),
            0.0,
        ),
        Check("vehicles on links at 900 s", int((half.trips["outcome"] == "under way").sum()), on_links, 0.0),
    ]


def split_steps():
    """Run 3,000 vehicles over the grid in one go and looking every 7 s: not a bit may differ."""
    links = grid()
    routes = Routes(64, links["upstream"], links["downstream"])
    routes.set_class(0, links["length_m"], is_open=True, destination_node=[63])
    found = []
    for looks_s in ([5000.0], np.arange(7.0, 5001.0, 7.0), [1.0, 1.0, 300.0, 5000.0]):
        driving = Driving(**links, n_nodes=64)
        driving.set_next_link(routes.next_link)
        driving.add(np.arange(3000), np.arange(3000) % 63, np.arange(3000) * 0.2)
        arrivals = [driving.advance(min(time_s, 4998.0)) for time_s in looks_s]
        found.append([np.concatenate([getattr(a, name) for a in arrivals]) for name in ("id", "time_s")])
    differ = sum(int((a != b).sum()) for other in found[1:] for a, b in zip(found[0], other, strict=True))
    return [Check("arrivals that differ", 0, differ, 0.0)]


CASES = [
    Case("One link in free flow takes 50 s per trip", UXSIM + "1 link", one_link),
    Case(
        "A saturated link carries its flow capacity at critical density", UXSIM + "1 link saturated", one_link_saturated
    ),
    Case("Two links in free flow add up", UXSIM + "2 links 20/10 m/s", two_links),
    Case("A slower link is a bottleneck with a queue before it", UXSIM + "slow-link bottleneck", slow_link),
    Case("Nobody overtakes a slow vehicle, and a gap goes with its speed", THEORY, moving_bottleneck),
    Case("The tail of a queue runs back at the speed of the shock wave", THEORY, shock_wave),
    Case("The flow capacity of a link's end delays by 31 s", UXSIM + "exit-capacity bottleneck", exit_capacity),
    Case("A node's capacity delays as much", UXSIM + "node capacity 0.666", node_capacity),
    Case("A link of lower jam density is a bottleneck", UXSIM + "jam density", jam_density),
    Case("A queue spills back over links and dissolves", UXSIM + "3-link spillback", spillback),
    Case("Cumulative curves hold the travel times", UXSIM + "kinematic wave curves", curves),
    Case("A merge below capacity holds nobody up", UXSIM + "fair merge, no congestion", free_merge),
    Case("A congested merge is fair to both arms", UXSIM + "fair merge", fair_merge),
    Case(
        "Four arms share a merge in proportion to their capacities",
        "Daganzo (1995); issue: four-arm merge",
        proportional_merge,
    ),
    Case("A diverge is first in, first out", UXSIM + "diverge; Daganzo (1995)", diverge),
    Case("Two equal routes are used equally", UXSIM + "two equal routes", two_routes),
    Case("No vehicle is lost", "Conservation of vehicles", conservation),
    Case("Results do not depend on how often one looks", "Exactness in time", split_steps),
]
"""All cases of vehicles on made-up roads."""
