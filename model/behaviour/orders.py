"""Orders that are still to go out, in order of time."""

from collections.abc import Iterator

import numpy as np

from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.behaviour import Order
from safepassage.model.settings.scenario import Scenario


class OrdersDue:
    """The orders of a scenario, and those that come while it runs; each keeps its number, by which chance is drawn."""

    def __init__(self, scenario: Scenario, zone_names: tuple[str, ...]) -> None:
        """Raises ScenarioError if an order names a zone that is not there.

        scenario: what is simulated. zone_names: names of the zones, which orders may name.
        """
        self._scenario, self._zone_names = scenario, zone_names
        self._refuse_unknown_zones(scenario.orders)
        self._due = _dated(scenario)
        self._n_orders = len(scenario.orders)
        self.first_s = np.inf
        """When the first order went out (s); inf: none has."""

    @property
    def next_s(self) -> float:
        """When the next order goes out (s); inf: none will."""
        return self._due[0][0] if self._due else np.inf

    def expect(self, order: Order) -> None:
        """Take an order that the scenario does not have; raises ScenarioError if a zone of it is not there."""
        self._refuse_unknown_zones([order])
        self._due = sorted(
            [*self._due, (self._scenario.issued_s(order), self._n_orders, order)], key=lambda due: due[:2]
        )
        self._n_orders += 1

    def act(self, trigger: str, at_s: float) -> None:
        """Expect the orders that wait for a trigger, by its name, at the moment when it acts (s)."""
        waiting = [(at_s, place, one) for place, one in enumerate(self._scenario.orders) if one.after == trigger]
        self._due = sorted([*self._due, *waiting], key=lambda due: due[:2])

    def expect_anew(self, scenario: Scenario, now_s: float) -> None:
        """Expect the orders of a scenario that are still to come, and no others: those of another plan.

        now_s: the present (s).
        """
        self._scenario = scenario
        acted = [due for due in self._due if due[2].after is not None]
        self._due = sorted([*acted, *(due for due in _dated(scenario) if due[0] >= now_s)], key=lambda due: due[:2])
        self._n_orders = len(scenario.orders)

    def before(self, until_s: float) -> Iterator[tuple[float, int, Order]]:
        """Yield (issued_s, number, order) of those that go out before a time; they are no longer due."""
        while self._due and self._due[0][0] < until_s:
            self.first_s = min(self.first_s, self._due[0][0])
            yield self._due.pop(0)

    def _refuse_unknown_zones(self, orders):
        unknown = {zone: None for order in orders for zone in order.zones or () if zone not in self._zone_names}
        if unknown:
            known = f"The zones are {', '.join(self._zone_names)}."
            raise ScenarioError("\n".join(f"orders: there is no zone {zone!r}. {known}" for zone in unknown))


def _dated(scenario: Scenario) -> list[tuple[float, int, Order]]:
    """Return (issued_s, number, order) of the orders that no trigger decides, in order of time."""
    dated = [(scenario.issued_s(one), place, one) for place, one in enumerate(scenario.orders) if one.after is None]
    return sorted(dated, key=lambda due: due[:2])
