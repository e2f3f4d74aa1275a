"""Queues as drivers saw them at one moment, and what they then expect of each link."""

from dataclasses import dataclass
from typing import Any

from safepassage.agents.ground.arrays import Bools, Floats, Ints, Records


@dataclass(frozen=True, eq=False)
class RoadsBelieved:
    """What drivers reckon with beside queues; a new one is made whenever any of it changes."""

    per_s: Floats
    """Vehicles that the end of each link lets pass (1/s)."""
    danger: Floats
    """What a second on each link costs people beyond a second (s/s)."""
    is_believed_open: Bools
    """bool[2, n_links], see RoadNews."""
    have_all_heard: bool
    """Whether all have heard of whatever closures anybody has met."""
    is_exit_open: Bools
    """bool per exit."""
    exits_per_s: Floats
    """Vehicles that each exit lets out (1/s), inf: any number."""
    weight: Floats
    """What a second on each link costs people in free flow, by which they choose."""
    exit_node: Ints
    """Where each exit is that is open; exit_per_s: how many vehicles it lets out (1/s)."""
    exit_per_s: Floats


class QueuesSeen:
    """What drivers saw of the streets at one moment; what they make of it is worked out when somebody first asks.

    Most looks are used by nobody: those who share a table look round in turn, even if none of them has to choose.
    """

    def __init__(self, sights: Records, alone_s: Floats, roads: RoadsBelieved, outlook: Any) -> None:
        """sights: SIGHTs of all that there was to see. alone_s: time that links took somebody alone at first (s).

        roads: what drivers believe of them beside that. outlook: the `Outlook` that works out what they expect.
        """
        self.sights, self._alone_s = sights, alone_s
        self.roads, self._outlook = roads, outlook
        self._expected_s: Floats | None = None

    @property
    def link_time_s(self) -> Floats:
        """Time that entering each link was expected to take by its own queue alone (s), float64[n_links]."""
        told = self.sights[self.sights["time_s"] >= 0.0]
        link_time_s = self._alone_s.copy()
        link_time_s[told["link"]] = told["time_s"]  # of a link that is named twice, the last
        return link_time_s

    @property
    def time_s(self) -> Floats:
        """Time that each link was expected to take, waits before narrow places counted (s), float64[n_links]."""
        if self._expected_s is None:
            self._expected_s = self._outlook.expected_s(self)
        return self._expected_s


class NoQueues:
    """Streets without anybody: each link takes its time in free flow."""

    def __init__(self, free_flow_time_s: Floats) -> None:
        """free_flow_time_s: time that each link takes without anybody (s), float64[n_links]."""
        self.time_s = free_flow_time_s
