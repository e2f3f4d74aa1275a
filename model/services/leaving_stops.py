"""Who leaves a stop without a seat, on foot or for home: those who have waited long, and those for whom nothing
comes."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.parties import Mode
from safepassage.agents.vehicles import PickupPoint
from safepassage.model.services import roadside


def disband(services: Any, now_s: float) -> None:
    """Let people leave stops: those who have waited long walk out; where nothing comes, the others go home.

    services: all services of the run. now_s: the present (s).
    """
    for stop in services.stops:
        if not stop.waiting or stop.is_assembly:
            continue
        is_near = services.walking_out.is_near(stop.waiting, stop.node)
        near = {household for household, walks in zip(stop.waiting, is_near.tolist(), strict=True) if walks}
        if stop.is_by_road:
            for household, speed_m_s in roadside.able_to_go_on(services, stop, now_s):
                leave(services, stop, household, now_s, speed_m_s if household in near else 0.0)
        leaving = list(stop.waiting)
        if services.comes_soon(stop, now_s) and not services.is_cut_off(stop):
            since_s = -np.inf if stop.is_station else now_s - services.settings.patience_s
            leaving = [h for h in leaving if h in near and services.households.waiting_since_s[h] <= since_s]
        if stop.is_by_road:
            leaving = [h for h in leaving if h in near and services.parties.mode[h] != Mode.WALK]
        for household in leaving:
            speed_m_s = services.walking_speed_m_s(household)
            if speed_m_s > 0:
                leave(services, stop, household, now_s, speed_m_s if household in near else 0.0)


def leave(services: Any, stop: PickupPoint, household: int, now_s: float, speed_m_s: float) -> None:
    """Let a household leave a stop and walk out of the area, or go home and ask again.

    services: all services of the run. stop: where it waits. now_s: the present (s). speed_m_s: with its injured (m/s);
    0: it goes home.
    """
    services.riders.leave(stop, household)
    if speed_m_s > 0:
        walk_out(services, household, stop.node, now_s, speed_m_s)
    else:
        _go_home(services, household, now_s)


def walk_out(services: Any, household: int, node: int, now_s: float, speed_m_s: float) -> None:
    """Let a household set out on foot from a node to leave the area.

    services: all services of the run. now_s: the present (s). speed_m_s: its speed with its injured (m/s).
    """
    party = np.array([household])
    size, speed = services.households.n_members[party], np.array([speed_m_s])
    services.movement.carrier[party] = party
    services.movement.set_out(Mode.WALK, party, np.array([node]), np.array([now_s]), size, speed)
    services.population.get_off(party)


def _go_home(services: Any, household: int, now_s: float) -> None:
    """Bring a household home from a stop to ask again; its way back is not simulated."""
    party, ask_s = np.array([household]), services.next_ask_s(now_s)
    services.population.turn_back(party, ask_s)
    services.parties.mode[party] = Mode.NONE
    services.population.put_off(party, Status.WAITING, ask_s)
