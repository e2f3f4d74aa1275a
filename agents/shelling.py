"""Shelling events as Mesa agents, while they matter."""

from mesa.agent import Agent

from safepassage.agents.rows.rows import RowModel


class ShellingEvent(Agent):
    """One impact: where and when it fell, how large it was, what it did. Its row in the table of impacts stays."""

    def __init__(self, model: RowModel, row: int, time_s: float, x_m: float, y_m: float, size: str) -> None:
        """row: of the impacts table; time_s: since the start of the run; size: S, M or L.

        model: the model that it belongs to. x_m, y_m: where it fell (m).
        """
        super().__init__(model)
        self.row, self.time_s, self.x_m, self.y_m, self.size = row, time_s, x_m, y_m, size
        self.n_casualties = 0
