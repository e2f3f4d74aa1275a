"""This project: vehicles in kinematic waves, exact in time."""

import numpy as np

from benchmarks.city import JAM_DENSITY_PER_M, WAVE_SPEED_M_S, City, make_city
from benchmarks.peers import Outcome, Stopwatch, version_of


def version() -> str | None:
    """Return the installed version, None if there is none."""
    return version_of("safepassage")


def run(city: City) -> Outcome:
    """Drive everyone out, after a small run that loads the compiled kernels; trips are added within the time."""
    _drive(make_city(100, 100))
    spent, arrivals = _drive(city)
    travel_time_s = arrivals.time_s - city.trip_departure_s[arrivals.id]
    return Outcome(
        spent.wall_s, spent.cpu_s, arrivals.id.size, float(travel_time_s.mean()), float(arrivals.time_s.max())
    )


def _drive(city):
    from safepassage.model.movement.driving import Driving
    from safepassage.model.movement.routing import ARRIVED

    n_trips = city.trip_origin.size
    driving = Driving(
        upstream=city.link_upstream,
        downstream=city.link_downstream,
        length_m=city.length_m,
        free_flow_speed_m_s=city.speed_m_s,
        jam_density_per_m=JAM_DENSITY_PER_M,
        wave_speed_m_s=WAVE_SPEED_M_S,
        n_nodes=city.node_x_m.size,
        n_vehicles=n_trips,
    )
    driving.set_next_link(np.where(city.next_link < 0, ARRIVED, city.next_link))
    with Stopwatch() as spent:
        driving.add(np.arange(n_trips), city.trip_origin, city.trip_departure_s)
        arrivals = driving.advance(city.end_s)
    return spent, arrivals
