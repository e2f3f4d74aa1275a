"""Cars and walkers moved together to a time, or by minutes until one arrives, meets danger or has to stand.

Nothing but the two, and what drivers see of queues, has to be looked at meanwhile. What comes out by minutes is the
same to the bit as one minute after the other.
"""

from typing import Any

from safepassage.agents.compiled import called_with_one_set_of_types
from safepassage.agents.rules import by_minutes as rules
from safepassage.model.clock import minute_from
from safepassage.model.movement import compiling
from safepassage.model.movement.arrivals import NOBODY, Arrivals, joined
from safepassage.model.movement.walking_view import NO_ARRIVALS as NO_WALKERS

_go_on_by_rules = called_with_one_set_of_types(rules.advance)


def go_on(movement: Any, until_s: float, *, by_minutes: bool) -> tuple[Arrivals, bool]:
    """Move everybody to a time; return (who left the area on the way, whether by minutes nobody else met danger).

    movement: the `Movement` of all. by_minutes: end with the first whole minute before it in which somebody arrives,
    meets danger or has to stand; until_s is a whole minute then, and nothing is cleared and no pace changes before it.
    """
    pace, news, from_s = movement.pace, movement.queue_news, movement.time_s
    pace.set(from_s)
    news.skip_to(from_s)
    cars, walkers, paces_s = [], [], []
    is_again = is_over = False
    while not is_over:
        pace_s = pace.next_s
        is_again, is_calm, *arrived = _advance(movement, min(until_s, pace_s), is_again=is_again, by_minutes=by_minutes)
        now_s, is_anybody = movement.time_s, arrived[0].id.size + arrived[1].id.size > 0
        if is_anybody:
            cars.append(arrived[0])
            walkers.append(arrived[1])
        if by_minutes and is_anybody:
            until_s = minute_from(now_s)
        if now_s == pace_s:
            paces_s.append(now_s)
            pace.set(now_s)
        is_over = not is_again and (by_minutes or now_s >= until_s)
    if not cars:
        return NOBODY, is_calm

    def looks_s() -> list[float]:
        meetings_s = movement.shared_streets.meetings_between(from_s, now_s)
        return paces_s + news.looks_between(from_s, now_s) + meetings_s

    return joined(cars, walkers, looks_s), is_calm


def _advance(movement: Any, until_s: float, *, is_again: bool, by_minutes: bool) -> tuple[Any, ...]:
    """Run what happens until something has to be seen to, and see to it if it is a look round at queues; return
    (is_again and is_calm as the kernel does, the Arrivals of cars, those of walkers). Walkers may be left behind at a
    look.

    is_again: whether it goes on from a moment that it has come to before.
    """
    compiling.wait()
    look, driving, walking = movement.drivers_look, movement.driving, movement.walking
    now_s, walked_s, n_cars, n_walkers, is_look, is_again, is_calm = _go_on_by_rules(
        *driving.state(), *walking.state(), movement.shared_streets.now, *look.asked(), driving.time_s, walking.time_s,
        float(until_s), is_again, by_minutes,
    )  # fmt: skip
    movement.time_s = now_s
    have_walked = walked_s > walking.time_s or walked_s == now_s
    arrived = driving.take(now_s, n_cars), walking.take(walked_s, n_walkers) if have_walked else NO_WALKERS
    look.see(is_look=is_look)
    return is_again, is_calm, *arrived
