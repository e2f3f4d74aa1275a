"""Cars that only drive on, many minutes at once, until somebody arrives, meets danger or has to stand, or time is up.

Nobody walks meanwhile, so nothing but the cars and what their drivers see of queues has to be looked at. What comes out
is the same to the bit as minute by minute.
"""

from typing import Any

import numpy as np

from safepassage.agents.rules import drive
from safepassage.model.clock import MINUTE_S
from safepassage.model.movement import compiling
from safepassage.model.movement.arrivals import Arrivals, joined
from safepassage.model.movement.driving_view import Arrivals as CarsArrived
from safepassage.model.movement.driving_view import arrived
from safepassage.model.movement.traffic import Traffic


def can_drive_on(movement: Any) -> bool:
    """Return whether cars are under way and nobody else, none of whom had to stand when last looked at.

    movement: the `Movement` of all.
    """
    if movement.walking.view.n_under_way or not movement.driving.view.n_under_way:
        return False
    return not (movement.shared_streets.is_needed() or movement.stuck[0].size or movement.gridlocks.is_any)


def drive_on(movement: Any, until_s: float) -> Arrivals:
    """Move cars to a time, or to the end of the first minute before it in which one arrives, meets danger or has to
    stand; return who left the area on the way.

    movement: the `Movement` of all, of which `can_drive_on` holds. until_s: a whole minute (s).
    """
    movement.pace.set(movement.time_s)
    movement.shared_streets.skip_to(movement.time_s)
    movement.queue_news.skip_to(movement.time_s)
    cars: list[CarsArrived] = []
    is_look, is_over = False, False
    while not is_over:
        now, is_look = movement.drivers_look.drive_by_minutes(until_s, is_look=is_look)
        cars.append(now)
        movement.time_s = movement.driving.time_s
        if now.id.size:
            until_s = np.ceil(movement.time_s / MINUTE_S) * MINUTE_S
        is_over = not is_look or movement.time_s >= until_s
    movement.walking.advance(movement.time_s)
    return joined(cars, [], list)


class ByMinutes:
    """Vehicles moved minute by minute until something has to be seen to."""

    def __init__(self, traffic: Traffic) -> None:
        """traffic: all that the rules of driving read and write, without a log of crossings."""
        self._traffic = traffic

    def advance(self, until_s: float, looks: tuple[Any, ...], *, is_look: bool) -> tuple[CarsArrived, bool]:
        """Run what happens until something has to be seen to, at most to a time, as `drive.advance_by_minutes` does;
        return (Arrivals since the last call, whether somebody looks round now who has to be told).

        looks: has_choice, looks, sights and is_news of that kernel. is_look: whether the look of now has been taken.
        """
        compiling.wait()
        now = self._traffic
        rows = now.under_way.rows, now.alone_s, now.changed_speed
        now.time_s, is_look = drive.advance_by_minutes(*now.state(), *rows, *looks, now.time_s, float(until_s), is_look)
        return arrived(now), is_look

    def advance_looking(self, until_s: float, last_look_s: float, looks: tuple[Any, ...]) -> tuple[CarsArrived, bool]:
        """Run what happens up to a time, or to a look round that concerns somebody; otherwise as `advance`.

        last_look_s: last moment at which anybody looks round (s).
        """
        compiling.wait()
        now = self._traffic
        rows = now.under_way.rows, now.alone_s, now.changed_speed
        now.time_s, is_look = drive.advance_looking(
            *now.state(), *rows, *looks, now.time_s, float(last_look_s), float(until_s)
        )
        return arrived(now), is_look
