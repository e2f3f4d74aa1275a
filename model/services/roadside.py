"""People hurt on the way on foot: carried at a walk, or waiting by the road with their own for help or a ride."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Protection
from safepassage.agents.parties import Mode, members
from safepassage.agents.vehicles import PickupPoint
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.walking import Stage
from safepassage.model.people.neighbours import riding_with, without_driver


def place_by_road(services: Any, name: str, node: int, place: tuple[float, float]) -> PickupPoint:
    """Return a new place by the road where people wait, added to the stops. services: all services of the run.

    name: what it is called. node: where they get onto the streets again. place: x_m, y_m.
    """
    stops = services.stops
    stop = PickupPoint(services.model, len(stops), name, node, place, Protection.OUTDOORS)
    stop.is_by_road, stop.car_node = True, int(services.movement.ways.start_node(Mode.CAR, node))
    stops.append(stop)
    return stop


def slow_down(services: Any, parties: np.ndarray, now_s: float) -> None:
    """Let those of some parties who walk go on at the pace of their injured; those who cannot carry theirs stop by the
    road.

    services: all services of the run. parties: rows of households, of whom somebody may have been hurt. now_s: the
    present (s).
    """
    columns, people, walking = services.parties, services.population.people, services.movement.walking
    walks = columns.is_on_way & (columns.stop < 0) & (columns.vehicle < 0) & (columns.mode == Mode.WALK)
    parties = np.unique(parties)
    parties = parties[walks[parties]]
    parties = parties[walking.view.stage(parties) != Stage.AWAY]
    if parties.size == 0:
        return
    person, place = members(services.households.first_person, parties)
    parties = parties[np.bincount(place, people.injury[person] != Injury.FATAL, parties.size) > 0]
    speed_m_s = services.model.under_fire.walking_speeds(parties)
    changes = (speed_m_s > 0) & (speed_m_s != walking.view.free_speed_m_s(parties))
    walking.set_speed(parties[changes], speed_m_s[changes])
    for party in parties[speed_m_s == 0].tolist():
        node, at = _stop_walking(services.movement, party)
        n = sum(stop.is_by_road for stop in services.stops) + 1
        services.riders.wait(place_by_road(services, f"roadside {n}, somebody hurt", node, at), party, now_s)


def stop_cars(services: Any, parties: np.ndarray, now_s: float) -> None:
    """Let parties get out of cars that none of them can drive any longer: they walk on, or wait beside the car.

    Their car stands in a lane until it is cleared. On an onward road, others take the wheel. services: `Services`.
    parties: rows of households, of whom somebody may have been hurt. now_s: the present (s).
    """
    columns, people, movement = services.parties, services.population.people, services.movement
    drives = columns.is_on_way & (columns.stop < 0) & (columns.vehicle < 0)
    drives &= (columns.mode == Mode.CAR) | (columns.rides_with >= 0)
    cars = without_driver(services.population, parties[drives[parties]])
    parties = np.concatenate((cars, riding_with(services.population, cars)))
    link, along_m = movement.driving.view.position(movement.carrier[parties])
    person, place = members(services.households.first_person, parties)
    stops = np.bincount(place, people.injury[person] != Injury.FATAL, parties.size) > 0
    stops &= (link >= 0) & (link < movement.streets.n_town_links)
    parties, link, along_m = parties[stops], link[stops], along_m[stops]
    if parties.size == 0:
        return
    speed_m_s = services.model.under_fire.walking_speeds(parties)
    walks = speed_m_s > 0
    if walks.any():
        size = services.households.n_members[parties[walks]]
        services.population.walk_on(movement.leave_cars(parties[walks], size, speed_m_s[walks])[0])
    x_m, y_m = movement.streets.places(link, along_m / movement.streets.length_m[link])
    for k in np.flatnonzero(~walks).tolist():
        party, end = parties[k : k + 1], movement.nearer_end(int(link[k]), float(along_m[k]))
        movement.withdraw(party)
        services.population.walk_on(party)
        n = sum(stop.is_by_road for stop in services.stops) + 1
        stop = place_by_road(services, f"roadside {n}, nobody to drive", end, (float(x_m[k]), float(y_m[k])))
        services.riders.wait(stop, int(party[0]), now_s)


def take_off_the_dead(services: Any, parties: np.ndarray, now_s: float) -> None:
    """Take households off streets, stops and vehicles of which nobody lives.

    Who rode with them walks on, or drives on if that is beyond the town.

    services: all services of the run. parties: households that have died out. now_s: the present (s).
    """
    population, movement = services.population, services.movement
    guests = riding_with(population, parties)
    if guests.size:
        _leave_their_cars(services, guests, now_s)
    movement.withdraw(parties)
    services.count_the_dead()


def _leave_their_cars(services: Any, guests: np.ndarray, now_s: float) -> None:
    """Let guests leave the cars of the dead: on foot, or on an onward road with one of them at the wheel."""
    population, movement = services.population, services.movement
    link = movement.link_of(guests)
    beyond = link >= movement.streets.n_town_links
    if beyond.any():
        movement.bring_out(guests[beyond])
        movement.take_on(guests[beyond], movement.streets.link_upstream[link[beyond]])
        population.take_the_wheel(guests[beyond])
    rest = guests[~beyond]
    speed_m_s = services.parties.free_speed_m_s[rest]
    walking, at_home = movement.leave_cars(rest, services.households.n_members[rest], speed_m_s)
    population.walk_on(walking)
    slow_down(services, walking, now_s)
    population.turn_back(at_home, movement.next_news_s)


def _stop_walking(movement: Movement, party: int) -> tuple[int, tuple[float, float]]:
    """Take a party on foot off the streets; return (node, (x_m, y_m)): the nearer end of its link, and where it is."""
    rows = np.array([party])
    link, along_m = movement.walking.view.position(rows)
    x_m, y_m = movement.place(rows)
    movement.walking.withdraw(rows)
    return movement.nearer_end(int(link[0]), float(along_m[0])), (float(x_m[0]), float(y_m[0]))


def able_to_go_on(services: Any, stop: PickupPoint, now_s: float) -> list[tuple[int, float]]:
    """Return (household, speed in m/s) of those who walked, wait by the road and can go on: others help to carry now.

    services: all services of the run. stop: where they wait. now_s: the present (s).
    """
    able, help_after_s = [], services.model.settings.harm.help_after_s
    for household in stop.waiting:
        if services.parties.mode[household] == Mode.WALK:
            is_helped = now_s - float(services.households.waiting_since_s[household]) >= help_after_s
            speeds_m_s = services.model.under_fire.walking_speeds(np.array([household]), is_helped=is_helped)
            able += [(household, float(speeds_m_s[0]))] if speeds_m_s[0] > 0 else []
    return able
