"""People who change from a car to their feet on the way: everybody arrives once, and nobody is lost in between."""

import numpy as np

from safepassage.experiments.verification.checks import Case, Check
from safepassage.experiments.verification.walking import FREE_SPEED_M_S, two_way
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes
from safepassage.model.movement.walking import Walking

N_PARTIES, N_LINKS, LENGTH_M = 200, 4, 250.0


def leave_the_cars():
    """Drive 200 cars into a road whose end lets nobody out; at 600 s two in three leave the car and walk on.

    The road is 1 km long; who is on it walks from where the car stands, who has not set out from the start. At
    2,000 s the end opens again for those who stayed in their cars.
    """
    up, down, street = two_way([(k, k + 1) for k in range(N_LINKS)])
    routes = Routes(N_LINKS + 1, up, down)
    routes.set_class(0, np.full(up.size, LENGTH_M), np.ones(up.size, bool), [N_LINKS])
    length_m = np.full(up.size, LENGTH_M)
    driving = Driving(
        upstream=up, downstream=down, length_m=LENGTH_M, free_flow_speed_m_s=10.0, n_nodes=N_LINKS + 1,
        flow_capacity_per_s=np.where(down == N_LINKS, 0.0, 9.0),
    )  # fmt: skip
    walking = Walking(N_LINKS + 1, up, down, street, length_m, np.full(up.size, 3.0), N_PARTIES)
    driving.set_next_link(routes.next_link)
    walking.set_next_link(routes.next_link)
    party = np.arange(N_PARTIES)
    driving.add(party, 0, party * 2.0)
    by_car = [driving.advance(600.0)]
    walking.advance(600.0)
    leaving = party[party % 3 > 0]
    link, along_m = driving.view.position(leaving)
    on_road = link >= 0
    driving.withdraw(leaving)
    walking.add_on_link(leaving[on_road], link[on_road], along_m[on_road], 600.0, FREE_SPEED_M_S)
    walking.add(leaving[~on_road], np.zeros((~on_road).sum(), int), 600.0, FREE_SPEED_M_S)
    under_way = driving.view.n_under_way + walking.view.n_under_way
    by_car.append(driving.advance(2000.0))
    driving.set_flow_capacity(np.flatnonzero(down == N_LINKS), 9.0)
    by_car.append(driving.advance(10_000.0))
    on_foot = walking.advance(10_000.0)
    cars = np.concatenate([a.id for a in by_car])
    times = np.bincount(np.concatenate([cars, on_foot.id]), minlength=N_PARTIES)
    still = int(np.abs(driving.view.n_on_link).sum() + walking.view.n_on_street.sum())
    first_m = LENGTH_M * N_LINKS - (link * LENGTH_M + along_m)[on_road].max()
    return [
        Check("parties on the way just after the change", N_PARTIES, under_way, 0.0),
        Check("parties that arrived exactly once", N_PARTIES, int((times == 1).sum()), 0.0),
        Check("arrived on foot", leaving.size, on_foot.id.size, 0.0),
        Check("left on the road in the end", 0, still, 0.0),
        Check("first walker after the rest of its way (s)", first_m / FREE_SPEED_M_S, on_foot.time_s[0] - 600.0, 0.02),
    ]


CASES = [Case("Nobody is lost when people leave their cars and walk on", "Conservation of people", leave_the_cars)]
"""All cases of people who change their mode."""
