"""Vehicles put out of action, or that find no way on: passengers who can walk go on from there; the others stay aboard,
or wait beside it for another vehicle."""

from typing import Any

import numpy as np

from safepassage.agents.vehicles import AWAY, BOARDING, IDLE, LOST, NOBODY, ServiceVehicle
from safepassage.model.harm.whereabouts import Whereabouts
from safepassage.model.services.leaving_stops import walk_out
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
        stay = get_off(services, vehicle, link, along_m, node, now_s)
        name = f"{vehicle.name}, broken down"
        stop = place_by_road(services, name, node, place) if stay else None
    services.movement.carrier[stay] = stay
    for household in stay:
        assert stop is not None  # where somebody stays there is a stop
        services.riders.wait(stop, household, now_s)


def get_off(services: Any, vehicle: ServiceVehicle, link: int, along_m: float, node: int, now_s: float) -> list[int]:
    """Let those aboard who can walk out of the area do so from where the vehicle is; return the others.

    services: `Services`. link: the link on which they are. along_m: how far along the link (m). node: where they get
    off, if not on a link. now_s: the present (s).
    """
    stay, movement = [], services.movement
    foot_node = int(services.streets.link_downstream[link]) if link >= 0 else node
    has_way = float(movement.ways.walk_m(np.array([foot_node]))[0]) < np.inf
    aboard = vehicle.seats.empty()
    for household, speed_m_s in zip(aboard, services.walking_speeds_m_s(aboard), strict=True):
        if not (has_way and speed_m_s > 0):
            stay.append(household)
            continue
        movement.carrier[household] = household
        if link < 0:
            walk_out(services, household, node, now_s, speed_m_s)
            continue
        party = np.array([household])
        size = services.households.n_members[party]
        movement.walk_from(party, link, along_m, size, np.array([speed_m_s]))
        services.population.get_off(party)
    return stay


def give_up(services: Any, rows: np.ndarray, now_s: float) -> None:
    """Let vehicles that have stood too long turn round at the last junction; those who can walk get off.

    services: `Services`. rows: of the vehicles. now_s: the present (s).
    """
    for row in rows.tolist():
        vehicle = services.vehicles[row]
        link, along_m = services.movement.pull_over(row)
        vehicle.node = int(services.streets.link_upstream[link]) if link >= 0 else vehicle.from_node
        if row not in services.fleet_of:
            set_down(services, vehicle, link, along_m, vehicle.node, services.where(vehicle.node), now_s)
            vehicle.task, vehicle.target = IDLE, NOBODY
            continue
        for household in get_off(services, vehicle, link, along_m, vehicle.node, now_s):
            vehicle.seats.take(household, *services.riders.size(household))
        vehicle.task, vehicle.target, vehicle.is_at_home = BOARDING, NOBODY, False
        vehicle.ready_s = vehicle.arrived_s = now_s
