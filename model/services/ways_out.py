"""Who has come to the end of a way: who gets on, who is at home, and who leaves the area, by which exit."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import Mode, ends_of_ways
from safepassage.agents.routes import EvacuationRoute
from safepassage.model.movement.arrivals import Arrivals
from safepassage.model.people.neighbours import riding_with

CAR, WALK = Mode.CAR, Mode.WALK
"""Names of their own, for what asks often: a look-up in an enum takes three times as long."""


class WaysOut:
    """The exits of a model and those who leave by them."""

    def __init__(self, model: Any) -> None:
        """Make a Mesa agent of each exit. model: the EvacuationModel, its people and streets built."""
        self._model, streets = model, model.streets
        capacity = streets.exit_flow_capacity_per_s
        self.routes = [
            EvacuationRoute(model, row, name, int(streets.exit_node[row]), float(capacity[row]))
            for row, name in enumerate(streets.exit_name)
        ]
        ends = (streets.exit_node, streets.exit_end_node)
        self.exit_of_node = {int(node): row for nodes in ends for row, node in enumerate(nodes)}
        """Row of the exit by its node, and by that where its onward road ends."""
        self._leads_on = np.zeros(streets.n_nodes, np.bool_)
        self._leads_on[streets.exit_node[streets.exit_end_node != streets.exit_node]] = True
        self._start_of_node = model.movement.ways.start_node(Mode.CAR, np.arange(streets.n_nodes))

    def arrive(self, arrivals: Arrivals) -> None:
        """Let those who have left the streets be seen to by services, be at home, be driven on, or be in safety."""
        if len(arrivals) == 0:
            return
        model, ends = self._model, np.empty(len(arrivals), np.int8)
        ends_of_ways(
            ends, arrivals.party, arrivals.node, arrivals.mode, model.movement.goal, model.parties.is_bound_home,
            model.households.home_node, self._start_of_node, self._leads_on,
        )  # fmt: skip
        receivers = model.services.receive, model.departures.way_home.receive, self._drive_on, self._bring_out
        found = sorted(set(ends.tolist()))
        for end in found:
            receivers[end](arrivals if len(found) == 1 else arrivals.only(ends == end))

    def _bring_out(self, arrivals: Arrivals) -> None:
        """Bring those to safety who have left the area."""
        model = self._model
        exit_row = np.array([self.exit_of_node[node] for node in arrivals.node.tolist()], np.int32)
        model.population.arrive(arrivals.party, arrivals.time_s, exit_row)
        n_persons = model.population.n_living(arrivals.party)
        modes = arrivals.mode.tolist(), model.parties.mode[arrivals.party].tolist()
        self._bring_guests(arrivals, exit_row)
        for row, n, mode, mode_from_home in zip(exit_row.tolist(), n_persons.tolist(), *modes, strict=True):
            route = self.routes[row]
            route.n_persons += n
            if mode == CAR and mode_from_home != WALK:
                route.n_cars += 1
            else:
                route.n_walkers += n

    def _bring_guests(self, arrivals: Arrivals, exit_row: Ints) -> None:
        """Bring those to safety who ride in the cars of parties that have arrived. exit_row: of each party."""
        model = self._model
        guests = riding_with(model.population, arrivals.party)
        if guests.size == 0:
            return
        order = np.argsort(arrivals.party, kind="stable")
        at = order[np.searchsorted(arrivals.party[order], model.parties.rides_with[guests])]
        model.movement.bring_out(guests)
        model.population.arrive(guests, arrivals.time_s[at], exit_row[at])
        n_persons = np.bincount(exit_row[at], model.population.n_living(guests), len(self.routes))
        for route in self.routes:
            route.n_persons += int(n_persons[route.row])

    def _drive_on(self, arrivals: Arrivals) -> None:
        """Let walkers who have come to an exit with an onward road be taken on by car."""
        self._model.movement.take_on(arrivals.party, arrivals.node)
        self._model.population.get_a_lift(arrivals.party)
