"""What drivers know of queues: each looks round at moments of their own and keeps to a way in between.

Some have live news: they see every queue as it is, minute by minute. The others belong, by a draw of their own, to one
of a dozen classes that look round in turn. A class looks every twice the stated age, so that its news is that old on
average, and from nought to twice as old. Nobody acts at the same moment as everybody else, and no news is so old for
all that a queue grows for minutes before anyone avoids it: with one look for all, the same ten minutes made the flow
swing between the exits of a city, from 690 vehicles a quarter of an hour to 237.
"""

import numpy as np

from safepassage.agents.ground.records import records
from safepassage.agents.rules import by_minutes
from safepassage.agents.rules.drive_state import LOOK, SIGHT
from safepassage.model.settings.movement import Movement as MovementSettings

N_CLASSES = 12
"""Classes of those who look round in turn. Assumption: enough that one class moves a twelfth of the traffic at most."""
NOBODY, NOT_SINCE = -1, -1
"""No other table, and no look since what was seen was last read."""


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
        every_s = np.full(N_CLASSES + 1, 2.0 * settings.congestion_news_delay_s)
        first_s = every_s * ((1.0 + np.arange(every_s.size)) / N_CLASSES)
        every_s[-1] = first_s[-1] = settings.live_news_every_s
        self.tables = [*range(first_table, first_table + N_CLASSES), live_table]
        """All tables of drivers who hear of closures and queues, the live one last."""
        at = {"first_s": first_s, "every_s": every_s, "next_s": first_s}
        self.looks = records(every_s.size, LOOK, table=self.tables, also=NOBODY, n_seen=NOT_SINCE, **at)
        """LOOK of each who looks round in turn, those with live news last."""
        self.sights = records(0, SIGHT)
        """Room for what they see, as many SIGHTs for each of them."""

    def table_of(self, party: np.ndarray) -> np.ndarray:
        """Return the table that each party follows, int32."""
        table = self._class_table[party]
        table[self._has_live[party] & self.phone_works[party]] = self._live_table
        return table

    def make_room(self, n: int) -> None:
        """Hold room for so many SIGHTs of each who looks round; those that were there are gone."""
        self.sights = records(n * self.looks.size, SIGHT)

    def looking_now(self) -> list[int]:
        """Return the tables of those who looked round at the last moment at which anybody did."""
        return self.looks["table"][self.looks["is_now"] != 0].tolist()

    def skip_to(self, time_s: float) -> None:
        """Skip the looks up to a time, since there is nothing to see."""
        by_minutes.skip_looks(self.looks, time_s)

    def looks_between(self, from_s: float, until_s: float) -> list[float]:
        """Return when anybody looks round after a time, until another (s)."""
        looks_s = []
        for first_s, every_s in zip(self.looks["first_s"].tolist(), self.looks["every_s"].tolist(), strict=True):
            n = max(0, int((from_s - first_s) / every_s))
            while (look_s := first_s + n * every_s) <= until_s:
                n += 1
                if look_s > from_s:
                    looks_s.append(look_s)
        return looks_s
