"""What people believe about closed streets: those who met a closure know it, the others hear of it later."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Bools, Ints

HEARSAY, WITNESS = 0, 1
"""Knowledge classes, rows of the next-link tables: what everybody has heard of, and what those know who stood before
a closed street and spoke with others there."""


class RoadNews:
    """What users of one travel mode believe; it never comes from facts that nobody has seen."""

    def __init__(self, passable: np.ndarray, delay_s: float) -> None:
        """passable: bool per link, as everybody remembers the streets. delay_s: from first witness to everybody (s)."""
        self.passable, self.delay_s = passable, delay_s
        self.is_believed_open = np.tile(passable, (2, 1))
        """bool[2, n_links]: rows HEARSAY and WITNESS."""
        self.met_s = np.full(passable.size, np.inf)
        """When somebody first stood before each closure (s); inf: nobody has."""
        self.reopened_s = np.full(passable.size, np.inf)
        self.next_s = np.inf
        """What is believed does not change before this (s), unless somebody meets a closure."""
        self.n_changes = 0
        """How often what anybody believes has changed."""

    def change(self, closed: np.ndarray, opened: np.ndarray, time_s: float) -> None:
        """Note that links closed (nobody knows yet) and opened (their users tell)."""
        self.met_s[closed] = np.inf
        self.reopened_s[closed] = np.inf
        self.reopened_s[opened] = time_s
        if closed.size or opened.size:
            self.next_s = time_s

    def meet(self, links: np.ndarray, time_s: float) -> None:
        """Note that people stand before closed links."""
        new = links[np.isinf(self.met_s[links])]
        if new.size:
            self.met_s[new] = time_s
            self.next_s = time_s

    def spread(self, time_s: float) -> Iterator[Any] | Iterator[tuple[int, Ints, Bools]]:
        """Bring beliefs up to date; yield (row, links, is_open) of what changed in each row."""
        if time_s < self.next_s:
            return
        known_open = self.reopened_s + self.delay_s <= time_s
        self.met_s[known_open] = np.inf
        heard_s = self.met_s + self.delay_s
        for row, closed in ((HEARSAY, heard_s <= time_s), (WITNESS, self.met_s <= time_s)):
            belief = self.passable & ~closed
            links = np.flatnonzero(belief != self.is_believed_open[row])
            if links.size:
                self.is_believed_open = self.is_believed_open.copy()  # whoever keeps the old one knows it by itself
                self.is_believed_open[row] = belief
                self.n_changes += 1
                yield row, links, belief[links]
        changes_s = np.concatenate([heard_s, self.reopened_s + self.delay_s])
        self.next_s = changes_s[changes_s > time_s].min(initial=np.inf)
