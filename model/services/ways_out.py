"""Who leaves the area: which exit each came to, who is driven on from it, and how many have left by each."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Ints
from safepassage.agents.parties import Mode
from safepassage.agents.routes import EvacuationRoute
from safepassage.model.movement.arrivals import Arrivals
from safepassage.model.people.neighbours import riding_with


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

    def arrive(self, arrivals: Arrivals) -> None:
        """Bring those who left the streets to safety; walkers at the beginning of an onward road are driven on."""
        model, arrivals = self._model, self._drive_on(arrivals)
        if len(arrivals) == 0:
            return
        exit_row = np.array([self.exit_of_node[node] for node in arrivals.node.tolist()], np.int32)
        model.population.arrive(arrivals.party, arrivals.time_s, exit_row)
        n_persons = model.population.n_living(arrivals.party)
        by_car = (arrivals.mode == Mode.CAR) & (model.parties.mode[arrivals.party] != Mode.WALK)
        self._bring_guests(arrivals, exit_row)
        for row, n, is_by_car in zip(exit_row.tolist(), n_persons.tolist(), by_car.tolist(), strict=True):
            route = self.routes[row]
            route.n_persons += n
            if is_by_car:
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

    def _drive_on(self, arrivals: Arrivals) -> Arrivals:
        """Let walkers who have come to an exit with an onward road be taken on by car; return the other arrivals."""
        at_edge = (arrivals.mode == Mode.WALK) & self._leads_on[arrivals.node]
        if not np.count_nonzero(at_edge):
            return arrivals
        party = arrivals.party[at_edge]
        self._model.movement.take_on(party, arrivals.node[at_edge])
        self._model.population.get_a_lift(party)
        return arrivals.only(~at_edge)
