"""Vehicles put out of action: passengers who can walk go on from there; the others wait beside it for another
vehicle."""

from typing import Any

from safepassage.agents.vehicles import AWAY, LOST, NOBODY, ServiceVehicle
from safepassage.model.harm.whereabouts import Whereabouts
from safepassage.model.services.roadside import place_by_road


def lose(services: Any, whereabouts: Whereabouts, hit: list[ServiceVehicle], now_s: float) -> None:
    """Take vehicles out of action. services: all services; places where people now wait are added to their stops.

    whereabouts: who is where. hit: vehicles hit. now_s: the present (s).
    """
    for vehicle in hit:
        if vehicle.task in (AWAY, LOST):
            continue
        place = whereabouts.place_of_vehicle(vehicle)
        link, along_m = NOBODY, 0.0
        node = vehicle.node
        if node < 0:
            link, along_m = services.movement.pull_over(vehicle.row)
            node = int(services.streets.link_upstream[link]) if link >= 0 else vehicle.from_node
        vehicle.leave_area(now_s)
        set_down(services, vehicle, link, along_m, node, place, now_s)
        vehicle.task, vehicle.node, vehicle.target, vehicle.run = LOST, NOBODY, NOBODY, None


def set_down(
    services: Any,
    vehicle: ServiceVehicle,
    link: int,
    along_m: float,
    node: int,
    place: tuple[float, float],
    now_s: float,
) -> None:
    """Let all aboard a vehicle get off where it stands: those who can walk out do, the others wait for another.

    services: `Services`. vehicle: which. link: on which they are, -1: none. along_m: how far along it (m). node: from
    which they go on. place: x_m, y_m. now_s: the present (s).
    """
    stop = next((s for s in services.points if s.car_node == node), None) if link < 0 else None
    if stop is not None:
        stay = vehicle.seats.empty()
    else:
        stay = services.get_off(vehicle, link, along_m, node, now_s)
        name = f"{vehicle.name}, broken down"
        stop = place_by_road(services, name, node, place) if stay else None
    services.movement.carrier[stay] = stay
    for household in stay:
        assert stop is not None  # where somebody stays there is a stop
        services.riders.wait(stop, household, now_s)
