"""The town as a continuous space of Mesa's, which Mesa's own space components draw. It reads the model alone."""

from typing import Any

import numpy as np
from mesa.agent import AgentSet
from mesa.space import ContinuousSpace

from safepassage.agents.civilians import Status
from safepassage.agents.households import Household
from safepassage.model.results.trajectories import whereabouts


class TownSpace(ContinuousSpace):
    """Households where they are at the moment at which they are asked for; those out or dead are nowhere."""

    def __init__(self, model: Any) -> None:
        streets = model.streets
        x_m, y_m = streets.geometry_x_m, streets.geometry_y_m
        super().__init__(x_max=float(x_m.max()), y_max=float(y_m.max()), torus=False,
                         x_min=float(x_m.min()), y_min=float(y_m.min()))  # fmt: skip
        self._model = model

    @property
    def agents(self) -> AgentSet:
        """The households that are in the area now, each with its place as `pos` (m)."""
        model, households = self._model, self._model.households
        x_m, y_m = households.home_x_m.copy(), households.home_y_m.copy()
        sheltered = np.flatnonzero(self._has(Status.SHELTERING) & (households.shelter >= 0))
        shelters = model.surroundings.shelters
        for place_m, of_shelters_m in ((x_m, shelters.x_m), (y_m, shelters.y_m)):
            place_m[sheltered] = of_shelters_m[households.shelter[sheltered]]
        party, party_x_m, party_y_m, _ = whereabouts(model)
        moves = party < len(households)
        x_m[party[moves]], y_m[party[moves]] = party_x_m[moves], party_y_m[moves]
        here = self._has(*(one for one in Status if one not in (Status.SAFE, Status.DEAD)))
        rows = model.rows_of(Household)
        found = [rows.agent(row) for row in np.flatnonzero(here & rows.alive[: here.size]).tolist()]
        for agent in found:
            agent.pos = (float(x_m[agent.row]), float(y_m[agent.row]))
        return AgentSet(found, random=model.random)

    def _has(self, *statuses: Status) -> np.ndarray:
        """Return which households have a member of one of these statuses."""
        people = self._model.people
        members = people.household[np.isin(people.status, statuses)]
        return np.bincount(members, minlength=len(self._model.households)) > 0
