"""Queues as drivers saw them at one moment, and what they then expect of each link."""

from collections.abc import Callable
from functools import cached_property

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.agents.rules import outlook
from safepassage.model.movement.driving import Driving
from safepassage.model.movement.routing import Routes


class QueuesSeen:
    """What drivers saw of the streets at one moment; what they make of it is worked out when somebody first asks.

    Most looks are used by nobody: those who share a table look round in turn, even if none of them is on the road.
    """

    def __init__(
        self, driving: Driving, routes: Routes, free_flow_time_s: Floats, link_key: Ints, is_open: Bools,
        cost_s: Callable[[Floats, Bools], Floats], exits: tuple[Ints, Floats], order: Ints,
    ) -> None:  # fmt: skip
        """driving: vehicles on the streets, looked at now. routes: of the same streets.

        free_flow_time_s: time that each link takes without anybody (s). link_key: uint32, what each link is. is_open:
        links that people believe open. cost_s: function of a time by link and these, the cost by which people choose
        (s). exits: node and flow (vehicles/s) of each way out that is open. order: see `outlook.expect`.
        """
        self._link_time_s, self._n_cars = driving.view.link_time_s(), driving.view.n_bound
        self._per_s, self._is_open = driving.flow_capacity_per_s.copy(), is_open.copy()
        self._free_s, self._link_key, self._routes = free_flow_time_s, link_key, routes
        self._exits, self._order = exits, order
        self._weight = cost_s(free_flow_time_s, self._is_open) / free_flow_time_s

    @cached_property
    def time_s(self) -> Floats:
        """Time that each link was expected to take, waits before narrow places counted (s), float64[n_links]."""
        routes = self._routes
        return outlook.expect(
            self._link_time_s, self._free_s, self._n_cars, self._per_s, self._weight, self._is_open, self._link_key,
            routes.link_upstream, routes.incoming_first, routes.incoming, *self._exits,
            self._order,
        )  # fmt: skip


class NoQueues:
    """Streets without anybody: each link takes its time in free flow."""

    def __init__(self, free_flow_time_s: Floats) -> None:
        """free_flow_time_s: time that each link takes without anybody (s), float64[n_links]."""
        self.time_s = free_flow_time_s
