"""What drivers of each table have last seen of queues; what is noted at a look becomes that when somebody asks."""

from collections.abc import Iterator
from operator import is_not

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.movement.news.outlook import Outlook
from safepassage.model.movement.news.queue_news import NOBODY, NOT_SINCE, QueueNews
from safepassage.model.movement.news.queues_seen import NoQueues, QueuesSeen, RoadsBelieved
from safepassage.model.movement.news.road_news import WITNESS

MOST_NOTED = 4096
"""SIGHTs of which notes are taken; if there are more, all are told at once. No result depends on it: it bounds memory.
"""


class LastSeen:
    """QueuesSeen or NoQueues by table; those who look round write the notes of QueueNews, and `believes`."""

    def __init__(self, news: QueueNews, no_queues: NoQueues) -> None:
        """Nobody has seen any queue. news: who looks round when, and notes what there is to see."""
        self._news, self._free = news, no_queues
        self._row = {table: k for k, table in enumerate(news.tables)} | {WITNESS: len(news.tables) - 1}
        """Row of looks that the users of each table share; witnesses look with those who have live news."""
        self._known: dict[int, QueuesSeen | NoQueues] = dict.fromkeys(self._row, no_queues)
        self.believes = np.zeros(max(self._row) + 1, np.bool_)
        """bool by table: its users expect queues."""
        self._made_of: tuple[Floats, RoadsBelieved, Outlook] | None = None
        """What QueuesSeen are made of beside sights, as it was when the notes were taken."""

    def __getitem__(self, table: int) -> QueuesSeen | NoQueues:
        """Return what the users of a table have last seen."""
        if self._news.looks["n_seen"][self._row[table]] > NOT_SINCE:
            self._read(self._row[table])
        return self._known[table]

    def __iter__(self) -> Iterator[int]:
        """Return an iterator over all tables."""
        return iter(self._known)

    def set(self, tables: list[int], seen: QueuesSeen | NoQueues) -> list[int]:
        """Let the users of tables have seen something now; return the tables for which it is something else."""
        is_free = seen is self._free
        changed = [table for table in tables if not is_free or self.believes[table]]
        for table in changed:
            self._known[table] = seen
            self._news.looks["n_seen"][self._row[table]] = NOT_SINCE
            self.believes[table] = not is_free
        return changed

    def take_notes(self, n: int, made_of: tuple[Floats, RoadsBelieved, Outlook], *, is_witnessed: bool) -> bool:
        """Get ready for notes of n SIGHTs each; return whether there is room for them, else all have to be told.

        made_of: what QueuesSeen of these notes are made of beside sights. is_witnessed: see WaysOfMode.
        """
        news, before = self._news, self._made_of
        also, is_small = WITNESS if is_witnessed else NOBODY, news.sights.size < n * news.looks.size
        is_other = before is None or any(map(is_not, made_of, before))
        if is_other or is_small or news.looks["also"][-1] != also:
            for k in np.flatnonzero(news.looks["n_seen"] > NOT_SINCE).tolist():
                self._read(k)
            self._made_of, news.looks["also"][-1] = made_of, also
            if is_small and n <= MOST_NOTED:
                news.make_room(2 * n)
        return n <= MOST_NOTED

    def _read(self, row: int) -> None:
        """Make what was noted for a row of looks known."""
        look, news = self._news.looks[row], self._news
        first = row * (news.sights.size // news.looks.size)
        sights = news.sights[first : first + look["n_seen"]].copy()
        for table in (look["table"], look["also"]):
            if table != NOBODY:
                assert self._made_of is not None
                self._known[table] = QueuesSeen(sights, *self._made_of) if self.believes[table] else self._free
        look["n_seen"] = NOT_SINCE
