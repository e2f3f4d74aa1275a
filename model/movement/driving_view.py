"""What can be seen of the vehicles on the streets; nothing here changes their state."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from safepassage.agents.compiled import called_with_one_set_of_types
from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records, rising
from safepassage.agents.ground.records import records
from safepassage.agents.rules import by_minutes, drive, drive_views
from safepassage.agents.rules.drive_state import SIGHT
from safepassage.model.movement.traffic import Traffic

NOBODY = np.zeros(0, np.int32)
_see, _is_any_slower = called_with_one_set_of_types(drive.see), called_with_one_set_of_types(drive.is_any_slower)
_mark_choices = called_with_one_set_of_types(drive_views.mark_choices)


@dataclass(frozen=True)
class Arrivals:
    """Vehicles that left the network, in the order of time."""

    id: np.ndarray
    time_s: np.ndarray
    node: np.ndarray


NO_ARRIVALS = Arrivals(NOBODY, np.zeros(0), NOBODY)


def arrived(traffic: Traffic) -> Arrivals:
    """Take those who have arrived off the list of those under way, and return them."""
    n = int(traffic.run["n_arrived"][0])
    if n == 0:
        return NO_ARRIVALS
    traffic.run["n_arrived"], now = 0, traffic.arrivals[:n]
    traffic.under_way.drop(now["vehicle"])
    return Arrivals(now["vehicle"].copy(), now["time_s"].copy(), now["node"].copy())


@dataclass(frozen=True)
class Crossings:
    """Links driven through, one row per vehicle and link, in the order of exit."""

    id: np.ndarray
    link: np.ndarray
    entry_s: np.ndarray
    exit_s: np.ndarray


class DrivingView:
    """Vehicles on the streets as others see them."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._sights = records(0, SIGHT)
        """Room for what there is to see."""

    @property
    def n_entered(self) -> Ints:
        """Vehicles that have entered each link so far, int64[n_links]."""
        return self._traffic.links["tail"][: self._traffic.n_links].copy()

    @property
    def n_left(self) -> Ints:
        """Vehicles that have left each link so far, by its end or taken off the road, int64[n_links]."""
        return self._traffic.links["head"][: self._traffic.n_links].copy()

    @property
    def n_on_link(self) -> Ints:
        """Vehicles on each link now, int64[n_links]."""
        links = self._traffic.links[: self._traffic.n_links]
        return links["tail"] - links["head"]

    @property
    def delay_s(self) -> Floats:
        """Time lost against free flow on each link by those who have left it by its end (s), float64[n_links]."""
        return self._traffic.links["delay_s"][: self._traffic.n_links].copy()

    @property
    def n_queued(self) -> Ints:
        """Vehicles waiting off the road to enter each link as their first, int32[n_links]."""
        return self._traffic.arms["n_queued"][self._traffic.n_links :].copy()

    @property
    def n_crossings(self) -> int:
        """Link crossings so far: what the work grows with."""
        return int(self._traffic.run["n_crossings"][0])

    @property
    def n_under_way(self) -> int:
        """Vehicles added that have neither arrived nor been withdrawn."""
        return self._traffic.under_way.n

    def occupants(self, links: Ints) -> Ints:
        """Return the ids on one or several links, link after link, the one nearest its end first."""
        at = self._traffic.links[np.atleast_1d(links)]
        n = at["tail"] - at["head"]
        if not n.any():
            return NOBODY
        of = np.repeat(np.arange(n.size), n)
        count = np.arange(of.size) - (np.cumsum(n) - n)[of] + at["head"][of]
        return self._traffic.slots["vehicle"][at["ring_first"][of] + (count & at["ring_mask"][of])]

    def state_of(self, ids: Ints) -> Any:
        """Return where vehicles stand: ABSENT, PENDING, QUEUED (to set out), HELD (no route) or DRIVING of drive."""
        return self._traffic.vehicles["state"][ids]

    def table_of(self, ids: Ints) -> Any:
        """Return the row of the next-link table that each vehicle under way follows, int32; -1: none."""
        return np.where(
            self._traffic.vehicles["state"][ids] != drive.ABSENT, self._traffic.vehicles["table"][ids], drive.NONE
        )

    def on_links(self) -> Any:
        """Return the Crossings under way: vehicles on a link now, by id; exit_s is NaN."""
        ids = np.flatnonzero(self._traffic.vehicles["state"] == drive.DRIVING).astype(np.int32)
        now = self._traffic.vehicles[ids]
        return Crossings(ids, now["link"].copy(), now["entry_s"].copy(), np.full(ids.size, np.nan))

    def position(self, ids: Ints, time_s: float | None = None) -> tuple[Ints, Floats]:
        """Return (link, distance from its upstream end in m) of vehicles at a time from now on, default now.

        Exact in free flow; in a queue, vehicles stand behind each other at jam density. link is -1 and the distance
        NaN for those not on a link; a vehicle waiting to set out is at its origin.
        """
        ids = np.asarray(ids)
        time_s = self._traffic.time_s if time_s is None else float(time_s)
        on_link = self._traffic.vehicles["state"][ids] == drive.DRIVING
        link = np.where(on_link, self._traffic.vehicles["link"][ids], drive.NONE)
        position_m = np.empty(self._traffic.vehicles.size)
        some_links = rising(link[on_link])
        spacing_m = 1.0 / self._traffic.jam_density_per_m
        drive_views.write_positions(
            position_m, self._traffic.links, self._traffic.slots, self._traffic.vehicles, spacing_m, some_links, time_s
        )
        return link, np.where(on_link, position_m[ids], np.nan)

    def link_of(self, ids: Ints) -> Ints:
        """Return the link that each vehicle is on, int32; -1 for those on none."""
        on_link = self._traffic.vehicles["state"][ids] == drive.DRIVING
        return np.where(on_link, self._traffic.vehicles["link"][ids], drive.NONE)

    def is_standing(self, ids: Ints) -> Any:
        """Return which vehicles are on a link for longer than free flow takes: they stand, or creep, in a queue."""
        return drive_views.stand(
            self._traffic.links, self._traffic.vehicles, np.asarray(ids, np.int64), self._traffic.time_s
        )

    def tables_followed(self, nodes: Bools) -> Bools:
        """Return which rows of the next-link table those follow who come next to some nodes, bool[n_tables].

        nodes: bool[n_nodes]. Whoever has yet to set out comes next to its origin.
        """
        is_followed = np.zeros(self._traffic.next_link.shape[0], np.bool_)
        on_road = (self._traffic.links, self._traffic.vehicles, self._traffic.under_way.rows)
        drive_views.mark_tables(is_followed, *on_road, nodes)
        return is_followed

    def choices(self, tables: Bools, has_choice: Bools) -> tuple[Bools, Bools]:
        """Return which of some tables are followed by somebody who has a choice of way, and the nodes that those come
        to next; bool[n_tables], bool[n_nodes]. tables, has_choice: likewise; see `tables_followed`."""
        followed, wanted = np.zeros(tables.size, np.bool_), np.zeros(has_choice.size, np.bool_)
        on_road = (self._traffic.links, self._traffic.vehicles, self._traffic.under_way.rows)
        _mark_choices(followed, wanted, *on_road, tables, has_choice)
        return followed, wanted

    def does_any_follow(self, tables: list[int]) -> bool:
        """Return whether anybody under way follows one of some tables, rows."""
        is_one = np.zeros(self._traffic.next_link.shape[0], np.bool_)
        is_one[tables] = True
        return bool(drive_views.does_any_follow(self._traffic.vehicles, self._traffic.under_way.rows, is_one))

    @property
    def alone_s(self) -> Floats:
        """Time that each link took somebody alone at first (s), float64[n_links]; always the same array."""
        return self._traffic.alone_s

    def link_time_s(self) -> Floats:
        """Return what a vehicle entering each link now can expect to need for it, queue included (s)."""
        now = self._traffic
        link_time_s = now.alone_s.copy()
        link_time_s[now.changed_speed] = now.links["free_flow_time_s"][now.changed_speed]
        drive.write_link_times(link_time_s, now.links, now.slots, now.vehicles, now.occupied, now.time_s)
        return link_time_s

    @property
    def n_sights(self) -> int:
        """How many `sights` there may be now."""
        return self._traffic.under_way.n + int(self._traffic.run["n_other_speed"][0])

    def sights(self) -> Records:
        """Return what there is to see of queues: SIGHTs."""
        now, most = self._traffic, self.n_sights
        if self._sights.size < most:
            self._sights = records(2 * most, SIGHT)
        on_road = (now.links, now.slots, now.arms, now.vehicles, now.occupied)
        return self._sights[: _see(self._sights, *on_road, now.changed_speed, now.time_s)].copy()

    def is_any_held_up(self) -> bool:
        """Return whether some link takes longer now than it took somebody alone on it at first."""
        now = self._traffic
        if now.under_way.n == 0:
            return False
        on_road = (now.links, now.slots, now.vehicles, now.occupied)
        return bool(_is_any_slower(now.alone_s, now.changed_speed, *on_road, now.time_s))

    def is_any_standing(self) -> bool:
        """Return whether a vehicle stands first in its arm, or is held."""
        now = self._traffic
        if now.under_way.n == 0:
            return False
        return bool(by_minutes.does_any_stand(now.links, now.arms, now.run, now.occupied))

    def standing(self) -> tuple[Ints, Ints, Ints]:
        """Return (ids, arms, states) of vehicles that stand first in their arm, in any order; the arm is -1 for those
        held.

        An arm is a link, or n_links + the link that somebody waits off the road to enter.
        """
        now = self._traffic
        if now.under_way.n == 0:
            return NOBODY, NOBODY, NOBODY
        found = drive_views.standing(now.links, now.slots, now.arms, now.vehicles, now.run, now.occupied)
        return found[0], found[1], found[2]

    def without_route(self) -> Ints:
        """Return the ids standing at a node from which their table gives NO_ROUTE, at a link's end or at home;
        rising."""
        ids, _, state = self.standing()
        return rising(ids[state == drive.LOST])

    def at_closed_links(self) -> tuple[Ints, Ints]:
        """Return (ids, links): vehicles first at a node or at home whose next link is closed, and that link; rising."""
        ids, arm, state = self.standing()
        is_shut, n = state == drive.SHUT_OUT, self._traffic.n_links
        if not np.count_nonzero(is_shut):
            return NOBODY, NOBODY
        shut = is_shut.nonzero()[0]
        shut = shut[ids[shut].argsort()]
        ids, arm = ids[shut], arm[shut]
        return ids, np.where(arm < n, self._traffic.arms["target"][arm], arm - n).astype(np.int32)

    def gridlocks(self) -> list[Any]:
        """Return the rings of full links that wait for each other for ever, a list of lists of links.

        Nothing resolves them but withdraw(), other tables or paths.
        """
        if self._traffic.under_way.n == 0:
            return []
        cycle = drive_views.ring_of_cycles(self._traffic.arms, self._traffic.events, np.sort(self._traffic.occupied))
        if not (cycle >= 0).any():
            return []
        return [np.flatnonzero(cycle == c).tolist() for c in np.unique(cycle[cycle >= 0])]
