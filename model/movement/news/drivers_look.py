"""Drivers look round at queues while they drive: it costs something only if it concerns one who has a choice of way."""

from typing import Any

import numpy as np

from safepassage.model.movement.driving import Driving
from safepassage.model.movement.news.queue_news import NOBODY, NOT_SINCE, QueueNews
from safepassage.model.movement.news.road_news import WITNESS
from safepassage.model.movement.ways import Ways


class DriversLook:
    """Says who looks round while cars move; what they see is kept, and worked out when somebody asks for it."""

    def __init__(self, driving: Driving, ways: Ways, news: QueueNews) -> None:
        """driving: cars on the streets. ways: tables that they follow. news: who sees queues, and when."""
        self._driving, self._ways, self._news = driving, ways, news

    def asked(self) -> tuple[Any, ...]:
        """Return has_choice, looks, sights, is_news and is_believed of `agents/rules/by_minutes.py`."""
        ways, news, cars = self._ways, self._news, self._ways.cars
        self._n = self._driving.view.n_under_way
        news.make_room(self._n)
        if ways.is_queue_believed:
            seen, free = cars.seen, ways.no_queues
            news.looks["believes"] = [seen[table] is not free for table in news.tables]
            news.looks["believes"][-1] |= seen[WITNESS] is not free
        else:
            news.looks["believes"] = False
        news.looks["also"][-1] = WITNESS if cars.is_witnessed else NOBODY
        return cars.has_choice, news.looks, news.sights, bool(cars.changed.any()), ways.is_queue_believed

    def see(self, *, is_look: bool) -> None:
        """Note what drivers have seen since `asked`; is_look: let those who look round now be told."""
        ways, looks = self._ways, self._news.looks
        for k in np.flatnonzero(looks["n_seen"] > NOT_SINCE).tolist():
            sights = self._news.sights[k * self._n : k * self._n + looks["n_seen"][k]]
            seen = ways.queues_seen(sights.copy()) if looks["believes"][k] else ways.no_queues
            ways.note([self._news.tables[k]], seen)
        looks["n_seen"] = NOT_SINCE
        if is_look:
            ways.see_queues(self._news.looking_now())
