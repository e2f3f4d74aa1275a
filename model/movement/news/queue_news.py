"""What drivers know of queues: each looks round at moments of their own and keeps to a way in between.

Some have live news: they see every queue as it is, minute by minute. The others belong, by a draw of their own, to one
of a dozen classes that look round in turn. A class looks every twice the stated age, so that its news is that old on
average, and from nought to twice as old. Nobody acts at the same moment as everybody else, and no news is so old for
all that a queue grows for minutes before anyone avoids it: with one look for all, the same ten minutes made the flow
swing between the exits of a city, from 690 vehicles a quarter of an hour to 237.
"""

import numpy as np

from safepassage.model.settings.movement import Movement as MovementSettings

N_CLASSES = 12
"""Classes of those who look round in turn. Assumption: enough that one class moves a twelfth of the traffic at most."""


class QueueNews:
    """Says who sees queues, and when. Tables are rows of the next-link tables."""

    def __init__(self, settings: MovementSettings, u: np.ndarray, live_table: int, first_table: int) -> None:
        """u: float64[2, n_parties], draws of each party: whether it has live news, and its class otherwise.

        settings: the scenario's section `Movement`. live_table: row of the table of those with live news. first_table:
        row of the first table of the others.
        """
        self._has_live = u[0] < settings.live_news_share
        self._class_table = first_table + np.minimum(u[1] * N_CLASSES, N_CLASSES - 1).astype(np.int32)
        self._live_table = live_table
        self.phone_works = np.ones(u.shape[1], np.bool_)
        """bool per party: live news comes by phone."""
        self.tables = np.append(first_table + np.arange(N_CLASSES), live_table)
        """All tables of drivers who hear of closures and queues, the live one last."""
        self._of_look: list[int] = self.tables.tolist()
        self._every_s = [2.0 * settings.congestion_news_delay_s] * N_CLASSES + [settings.live_news_every_s]
        self._first_s = [every_s * ((1.0 + i) / N_CLASSES) for i, every_s in enumerate(self._every_s[:N_CLASSES])]
        self._first_s.append(self._every_s[-1])
        self.first_look_s, self.look_every_s = np.array(self._first_s), np.array(self._every_s)
        """When those who follow each of the tables look round first, and how often (s)."""
        self._looks_s = [*self._first_s]
        self.next_s = min(self._looks_s)
        """When somebody looks round next (s)."""

    def table_of(self, party: np.ndarray) -> np.ndarray:
        """Return the table that each party follows, int32."""
        is_live = self._has_live[party] & self.phone_works[party]
        return np.where(is_live, self._live_table, self._class_table[party]).astype(np.int32)

    def look(self, time_s: float) -> list[int]:
        """Return the tables of those who look round at a time; they look again after their interval."""
        now = [table for table, look_s in zip(self._of_look, self._looks_s, strict=True) if look_s <= time_s]
        self.skip_to(time_s)
        return now

    def skip_to(self, time_s: float) -> None:
        """Skip the looks up to a time, since there is nothing to see."""
        if time_s < self.next_s:
            return
        for k, look_s in enumerate(self._looks_s):
            if look_s <= time_s:
                first_s, every_s = self._first_s[k], self._every_s[k]
                n = int((time_s - first_s) / every_s)
                while look_s <= time_s:
                    look_s = first_s + n * every_s
                    n += 1
                self._looks_s[k] = look_s
        self.next_s = min(self._looks_s)
