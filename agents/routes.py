"""Evacuation routes as Mesa agents: the ways out, and who has used them."""

from mesa.agent import Agent


class EvacuationRoute(Agent):
    """A way out of the area, named by its exit."""

    def __init__(self, model, row: int, name: str, node: int, flow_capacity_per_s: float):
        """row: of the exit; node: where it leaves the area; flow_capacity_per_s: most vehicles per second."""
        super().__init__(model)
        self.row, self.name, self.node, self.flow_capacity_per_s = row, name, node, flow_capacity_per_s
        self.is_open = True
        self.n_cars = 0
        self.n_persons = 0
        self.n_walkers = 0
