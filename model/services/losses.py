"""Vehicles put out of action: who can walks on from where they stand, the others wait beside them for another."""

from typing import TYPE_CHECKING

from safepassage.agents.civilians import Protection
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import NOBODY, PickupPoint, ServiceVehicle, Task
from safepassage.model.harm.whereabouts import Whereabouts

if TYPE_CHECKING:
    from safepassage.model.services.services import Services


def lose(services: "Services", whereabouts: Whereabouts, hit: list[ServiceVehicle], now_s: float) -> None:
    """Take vehicles out of action; services: "Services", whose stops grow by those where people now wait.

    whereabouts: who is where. hit: vehicles hit. now_s: the present (s).
    """
    for vehicle in hit:
        if vehicle.task in (Task.AWAY, Task.LOST):
            continue
        place = whereabouts.place_of_vehicle(vehicle)
        link, along_m = NOBODY, 0.0
        node = vehicle.node
        if node < 0:
            link, along_m = services.movement.pull_over(vehicle.row)
            node = int(services.streets.link_upstream[link]) if link >= 0 else vehicle.from_node
        vehicle.leave_area(now_s)
        stop = next((s for s in services.points if s.car_node == node), None) if link < 0 else None
        if stop is not None:
            stay = vehicle.seats.empty()
        else:
            stay = services.get_off(vehicle, link, along_m, node, now_s)
            stop = _wreck(services, vehicle, node, place) if stay else None
        services.movement.carrier[stay] = stay
        for household in stay:
            assert stop is not None  # where somebody stays there is a stop: a wreck is one
            services.riders.wait(stop, household, now_s)
        vehicle.task, vehicle.node, vehicle.target, vehicle.run = Task.LOST, NOBODY, NOBODY, None


def _wreck(services: "Services", vehicle: ServiceVehicle, node: int, place: tuple[float, float]) -> PickupPoint:
    stops = services.stops
    name = f"{vehicle.name}, broken down"
    stop = PickupPoint(services.model, len(stops), name, node, place, Protection.OUTDOORS, lambda _: True)
    stop.is_wreck, stop.car_node = True, int(services.movement.ways.start_node(Mode.CAR, node))
    stops.append(stop)
    return stop
