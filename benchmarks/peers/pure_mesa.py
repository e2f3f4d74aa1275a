"""The model that a Mesa user would write: vehicles are agents with step(), streets are queues."""

from collections import deque

from benchmarks.city import JAM_DENSITY_PER_M, WAVE_SPEED_M_S, City, flow_capacity_per_s
from benchmarks.peers import Outcome, Stopwatch, version_of

DT_S = 1.0

try:
    import mesa
except ImportError:
    mesa = None


def version() -> str | None:
    """Return the installed version, None if there is none."""
    return version_of("mesa")


class Street:
    """One direction of a street: a queue with room, a flow capacity and gaps that travel back."""

    def __init__(self, length_m, speed_m_s):
        self.free_flow_time_s = length_m / speed_m_s
        self.gap_time_s = length_m / WAVE_SPEED_M_S
        self.headway_s = 1 / flow_capacity_per_s(speed_m_s)
        self.n_room = max(1, int(length_m * JAM_DENSITY_PER_M))
        self.vehicles = deque()
        self.gaps_s = deque()
        self.next_entry_s = 0.0
        self.next_exit_s = 0.0

    def has_room(self, time_s):
        """Whether a vehicle may enter now."""
        while self.gaps_s and self.gaps_s[0] <= time_s:
            self.gaps_s.popleft()
        return time_s >= self.next_entry_s and len(self.vehicles) + len(self.gaps_s) < self.n_room

    def enter(self, vehicle, time_s):
        """Put a vehicle at the end of the queue."""
        self.vehicles.append(vehicle)
        self.next_entry_s = max(self.next_entry_s, time_s - DT_S) + self.headway_s

    def leave(self, time_s):
        """Let the first vehicle go; the room it leaves reaches the upstream end after a while."""
        self.vehicles.popleft()
        self.next_exit_s = max(self.next_exit_s, time_s - DT_S) + self.headway_s
        self.gaps_s.append(time_s + self.gap_time_s)


class Vehicle(mesa.Agent if mesa else object):
    """Waits at home, drives street by street, and is removed at the exit."""

    def __init__(self, model, path, departure_s):
        super().__init__(model)
        self.path = path
        self.departure_s = departure_s
        self.place = -1
        self.at_end_s = departure_s

    def step(self):
        """Move on to the next street if the vehicle is the first in its queue and there is room."""
        time_s = self.model.time_s
        if time_s < self.at_end_s:
            return
        street = self.path[self.place] if self.place >= 0 else None
        if street and (street.vehicles[0] is not self or time_s < street.next_exit_s):
            return
        if self.place == len(self.path) - 1:
            street.leave(time_s)
            self.model.arrivals.append((time_s, time_s - self.departure_s))
            self.remove()
        elif self.path[self.place + 1].has_room(time_s):
            if street:
                street.leave(time_s)
            self.place += 1
            self.path[self.place].enter(self, time_s)
            self.at_end_s = time_s + self.path[self.place].free_flow_time_s


class Evacuation(mesa.Model if mesa else object):
    """Streets and vehicles of a city; everyone drives to the nearest exit."""

    def __init__(self, city: City):
        super().__init__(seed=1)
        self.time_s = 0.0
        self.arrivals = []
        streets = [Street(*street) for street in zip(city.length_m, city.speed_m_s, strict=True)]
        paths = {}
        for origin, departure_s in zip(city.trip_origin.tolist(), city.trip_departure_s.tolist(), strict=True):
            if origin not in paths:
                paths[origin] = [streets[link] for link in city.path(origin)]
            Vehicle(self, paths[origin], departure_s)

    def step(self):
        """Give every vehicle one chance to move, in random order."""
        self.agents.shuffle_do("step")
        self.time_s += DT_S


def run(city: City) -> Outcome:
    """Drive everyone out; building the model is not timed."""
    model = Evacuation(city)
    with Stopwatch() as spent:
        while len(model.agents) and model.time_s < city.end_s:
            model.step()
    n = len(model.arrivals)
    mean_travel_time_s = sum(took for _, took in model.arrivals) / n
    return Outcome(spent.wall_s, spent.cpu_s, n, mean_travel_time_s, model.arrivals[-1][0])
