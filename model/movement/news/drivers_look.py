"""Drivers look round at queues while they drive: it costs something only if it concerns one who has a choice of way."""

from typing import Any

import numpy as np

from safepassage.model.movement.driving import Driving
from safepassage.model.movement.news.queue_news import QueueNews
from safepassage.model.movement.ways import Ways


class DriversLook:
    """Says who looks round while cars move; what they see is kept, and worked out when somebody asks for it."""

    def __init__(self, driving: Driving, ways: Ways, news: QueueNews) -> None:
        """driving: cars on the streets. ways: tables that they follow. news: who sees queues, and when."""
        self._driving, self._ways, self._news = driving, ways, news

    def asked(self) -> tuple[Any, ...]:
        """Return has_choice and all up to is_news of `agents/rules/by_minutes.py`."""
        ways, news, cars = self._ways, self._news, self._ways.cars
        n, made_of = self._driving.view.n_sights, ways.what_queues_are_made_of()
        has_room = ways.seen.take_notes(n, made_of, is_witnessed=cars.is_witnessed)
        is_news = not has_room or np.count_nonzero(cars.changed) > 0
        return cars.has_choice, news.looks, news.sights, ways.seen.believes, cars.stale, is_news

    def see(self, *, is_look: bool) -> None:
        """If is_look, let those who look round now be told of what they see; what others saw is noted."""
        if is_look:
            self._ways.see_queues(self._news.looking_now())
