"""UXsim (Seo; doi 10.21105/joss.07617): kinematic waves by platoons, here of one vehicle; routes fixed."""

import numpy as np

from benchmarks.city import JAM_DENSITY_PER_M, WAVE_SPEED_M_S, City
from benchmarks.peers import Outcome, Stopwatch, version_of

SLICE_S = 300.0
"""How often to look whether everyone is out."""


def version() -> str | None:
    """Return the installed version, None if there is none."""
    return version_of("uxsim")


def run(city: City, *, cpp: bool = False) -> Outcome:
    """Drive everyone out; building the world and its analysis afterwards are not timed."""
    world, vehicles = _world(city, cpp=cpp)
    with Stopwatch() as spent:
        for i in range(1, int(city.end_s // SLICE_S)):
            world.exec_simulation(until_t=i * SLICE_S)
            if i * SLICE_S > city.trip_departure_s[-1] and all(v.state == "end" for v in vehicles):
                break
    arrival_s = np.array([v.arrival_time * world.DELTAT if v.state == "end" else np.nan for v in vehicles])
    done = np.isfinite(arrival_s)
    travel_time_s = arrival_s[done] - city.trip_departure_s[done]
    return Outcome(
        spent.wall_s, spent.cpu_s, int(done.sum()), float(travel_time_s.mean()), float(arrival_s[done].max())
    )


def _world(city, *, cpp):
    from uxsim import World

    world = World(
        deltan=1,
        reaction_time=1 / (WAVE_SPEED_M_S * JAM_DENSITY_PER_M),
        tmax=city.end_s,
        duo_update_time=10 * city.end_s,
        duo_noise=0,
        print_mode=0,
        save_mode=0,
        show_mode=0,
        vehicle_logging_timestep_interval=-1,
        random_seed=1,
        **({"cpp": True} if cpp else {}),
    )
    nodes = [world.addNode(f"n{i}", x, y) for i, (x, y) in enumerate(zip(city.node_x_m, city.node_y_m, strict=True))]
    for i in range(city.length_m.size):
        start, end = nodes[city.link_upstream[i]], nodes[city.link_downstream[i]]
        world.addLink(
            f"l{i}",
            start,
            end,
            float(city.length_m[i]),
            float(city.speed_m_s[i]),
            jam_density=JAM_DENSITY_PER_M,
        )
    vehicles = [
        world.addVehicle(nodes[origin], nodes[city.nearest_exit[origin]], float(departure_s))
        for origin, departure_s in zip(city.trip_origin, city.trip_departure_s, strict=True)
    ]
    return world, vehicles
