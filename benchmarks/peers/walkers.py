"""This project on foot: everybody walks to the exit that is nearest by free-flow driving time, along the same links."""

import numpy as np

from benchmarks.city import City, make_city
from benchmarks.peers import Outcome, Stopwatch, ours

FREE_SPEED_M_S = 1.34
"""Weidmann 1993."""
SPEED_SPREAD = 0.26
"""Standard deviation of the individual free speed (m/s); Weidmann 1993."""
WALK_WIDTH_M = 6.0
END_S = 24 * 3600.0

version = ours.version


def run(city: City) -> Outcome:
    """Walk everyone out, after a small run that loads the compiled kernels; trips are added within the time."""
    _walk(make_city(100, 100))
    spent, arrivals = _walk(city)
    travel_time_s = arrivals.time_s - city.trip_departure_s[arrivals.id]
    return Outcome(
        spent.wall_s, spent.cpu_s, arrivals.id.size, float(travel_time_s.mean()), float(arrivals.time_s.max())
    )


def _walk(city):
    from safepassage.model.draws import Stream, uniforms
    from safepassage.model.movement.routing import ARRIVED
    from safepassage.model.movement.walking import Walking

    n_trips, n_links = city.trip_origin.size, city.length_m.size
    u = uniforms(1, Stream.WALKING_SPEED, n_trips)
    speed_m_s = FREE_SPEED_M_S + SPEED_SPREAD * np.sqrt(12.0) * (u - 0.5)
    walking = Walking(
        city.node_x_m.size,
        city.link_upstream,
        city.link_downstream,
        np.arange(n_links) % (n_links // 2),
        city.length_m,
        np.full(n_links, WALK_WIDTH_M),
        n_trips,
    )
    walking.set_next_link(np.where(city.next_link < 0, ARRIVED, city.next_link)[None])
    with Stopwatch() as spent:
        walking.add(np.arange(n_trips), city.trip_origin, city.trip_departure_s, speed_m_s)
        arrivals = walking.advance(END_S)
    return spent, arrivals
