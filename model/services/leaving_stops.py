"""Who leaves a stop without a seat, on foot or for home: those who have waited long, and those for whom nothing
comes."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Ints
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
            _leave(services, stop, roadside.able_to_go_on(services, stop, now_s), near, now_s)
        leaving = list(stop.waiting)
        if services.comes_soon(stop, now_s) and not services.is_cut_off(stop):
            since_s = -np.inf if stop.is_station else now_s - services.settings.patience_s
            leaving = [h for h in leaving if h in near and services.households.waiting_since_s[h] <= since_s]
        if stop.is_by_road:
            leaving = [h for h in leaving if h in near and services.parties.mode[h] != Mode.WALK]
        if leaving:
            able = zip(leaving, services.walking_speeds_m_s(leaving), strict=True)
            _leave(services, stop, [(household, m_s) for household, m_s in able if m_s > 0], near, now_s)


def _leave(services: Any, stop: PickupPoint, leaving: list[tuple[int, float]], near: set[int], now_s: float) -> None:
    """Let households leave a stop: those near enough walk out of the area, the others go home and ask again.

    services: all services of the run. stop: where they wait. leaving: (household, speed in m/s with its injured). near:
    those who wait here near enough to the edge of the area. now_s: the present (s).
    """
    go_home = []
    for household, speed_m_s in leaving:
        services.riders.leave(stop, household)
        if household in near:
            walk_out(services, household, stop.node, now_s, speed_m_s)
        else:
            go_home.append(household)
    if go_home:
        _go_home(services, np.array(go_home), now_s)


def walk_out(services: Any, household: int, node: int, now_s: float, speed_m_s: float) -> None:
    """Let a household set out on foot from a node to leave the area.

    services: all services of the run. now_s: the present (s). speed_m_s: its speed with its injured (m/s).
    """
    party = np.array([household])
    size, speed = services.households.n_members[party], np.array([speed_m_s])
    services.movement.carrier[party] = party
    services.movement.set_out(Mode.WALK, party, np.array([node]), np.array([now_s]), size, speed)
    services.population.get_off(party)


def _go_home(services: Any, parties: Ints, now_s: float) -> None:
    """Bring households home from a stop to ask again; their way back is not simulated."""
    ask_s = services.next_ask_s(now_s)
    services.population.turn_back(parties, ask_s)
    services.parties.mode[parties] = Mode.NONE
    services.population.put_off(parties, Status.WAITING, ask_s)
