"""Evacuation routes as Mesa agents: the ways out, and who has used them."""

from mesa.agent import Agent

from safepassage.agents.parties import Mode
from safepassage.agents.rows.rows import RowModel


class EvacuationRoute(Agent):
    """A way out of the area, named by its exit."""

    def __init__(self, model: RowModel, row: int, name: str, node: int, flow_capacity_per_s: float) -> None:
        """row: of the exit; node: where it leaves the area; flow_capacity_per_s: most vehicles per second.

        model: the model that it belongs to. name: what it is called.
        """
        super().__init__(model)
        self.row, self.name, self.node, self.flow_capacity_per_s = row, name, node, flow_capacity_per_s
        self.n_cars = 0
        self.n_persons = 0
        self.n_walkers = 0

    @property
    def is_open_to_cars(self) -> bool:
        """Whether cars may leave the area by it now."""
        return bool(self.model.movement.ways.of[Mode.CAR].exit_open[self.row])

    @property
    def is_open_to_walkers(self) -> bool:
        """Whether people on foot may leave the area by it now."""
        return bool(self.model.movement.ways.of[Mode.WALK].exit_open[self.row])

    @property
    def is_open(self) -> bool:
        """Whether anybody may leave the area by it now."""
        return self.is_open_to_cars or self.is_open_to_walkers
