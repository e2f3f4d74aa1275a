"""The way back: households in safety that return come in by car or a lift, by the streets, to their homes.

They enter at the exit from which their home is quickest to reach by streets that are open; the road beyond it is not
driven again. Whoever meets a closed street on the way turns and leaves like anybody who finds the road closed.
"""

import numpy as np

from safepassage.agents.ground.arrays import Floats, Ints
from safepassage.agents.parties import Mode
from safepassage.model.behaviour.curfew import CurfewHours
from safepassage.model.behaviour.decision import Decision
from safepassage.model.movement.arrivals import Arrivals
from safepassage.model.movement.movement import Movement
from safepassage.model.movement.routing import next_links
from safepassage.model.people.population import Population


class WayHome:
    """Who is to return, who is on the way back, and who has come home."""

    def __init__(self, population: Population, movement: Movement, decision: Decision, curfew: CurfewHours) -> None:
        """population: everybody. movement: everybody on the streets. decision: which those at home take again.

        curfew: hours in which nobody may move.
        """
        self.population, self.movement, self.decision, self.curfew = population, movement, decision, curfew
        n = len(population.households)
        self.due_s = np.full(n, np.inf)
        """float64: when each household enters the town (s); inf: it does not mean to."""
        self._home_since_s = np.full(n, -np.inf)
        self._turned_round = np.zeros(n, np.bool_)
        """Who never was in safety, but turned round on the way out; at home again they keep their plan to leave."""
        self.next_s = np.inf
        """Nobody enters before this (s)."""

    def plan(self, households: Ints, now_s: float) -> None:
        """Let households in safety come back now, or after the curfew if they keep it."""
        if households.size == 0:
            return
        columns = self.population.households
        self._turned_round[households] = False
        planned_s = np.full(households.size, now_s)
        free_s = self.curfew.free_from_s(planned_s, columns.turn_after_curfew[households])
        self.due_s[households] = np.where(columns.keeps_curfew[households], free_s, planned_s)
        self.next_s = float(self.due_s.min(initial=np.inf))

    def turn_round(self, parties: Ints, link: Ints, now_s: float) -> Ints:
        """Let cars in the town turn at the end of their link and drive home; return those who find a way.

        link: on which each is. now_s: the present (s).
        """
        ways, streets = self.movement.ways, self.movement.streets
        home = ways.start_node(Mode.CAR, self.population.households.home_node[parties])
        is_open = ways.open_to_services() & streets.drivable
        is_open[streets.n_town_links :] = False  # roads beyond the exits
        from_node, found = streets.link_downstream[link], {}
        links = streets.n_nodes, streets.link_upstream, streets.link_downstream, ways.free_flow_time_s, is_open
        for node in np.unique(home).tolist():
            on, _ = next_links(*links, np.array([node]))
            for k in np.flatnonzero(home == node).tolist():
                at, path = int(from_node[k]), []
                while at != node and on[at] >= 0:
                    path.append(int(on[at]))
                    at = int(streets.link_downstream[path[-1]])
                if at == node:
                    found[k] = path
        turned = sorted(found)
        paths = [found[k] for k in turned]
        parties, from_node = parties[turned], from_node[turned]
        if parties.size == 0:
            return parties
        self.movement.driving.withdraw(parties)
        self.population.head_home(parties, now_s)
        self._turned_round[parties] = True
        lies_there = np.array([len(path) == 0 for path in paths])
        self._come_home(parties[lies_there], np.full(int(lies_there.sum()), now_s))
        on_way = np.flatnonzero(~lies_there)
        self.movement.driving.add(
            parties[on_way], from_node[on_way], np.full(on_way.size, now_s), paths=[paths[k] for k in on_way]
        )
        return parties

    def just_home(self, since_s: float) -> np.ndarray:
        """Return which households have come home after a time (s), bool."""
        return self._home_since_s > since_s

    def set_out(self, now_s: float, until_s: float) -> None:
        """Let those enter the town whose time comes before another; who finds no way stays in safety."""
        if self.next_s >= until_s:
            return
        due = np.flatnonzero(self.due_s < until_s)
        time_s = np.maximum(self.due_s[due], now_s)
        self.due_s[due] = np.inf
        self.next_s = float(self.due_s.min(initial=np.inf))
        due, time_s, origin, paths = self._ways(due, time_s)
        if due.size == 0:
            return
        self.population.head_home(due, time_s)
        lies_there = np.array([len(path) == 0 for path in paths])
        self._come_home(due[lies_there], time_s[lies_there])
        on_way = np.flatnonzero(~lies_there)
        self.movement.driving.add(due[on_way], origin[on_way], time_s[on_way], paths=[paths[k] for k in on_way])

    def _ways(self, due: Ints, time_s: Floats) -> tuple[Ints, Floats, Ints, list[list[int]]]:
        """Return (household, time_s, node where it enters, links to its home) of those who find a way."""
        ways, streets = self.movement.ways, self.movement.streets
        gates = streets.exit_node[ways.of[Mode.CAR].exit_open]
        home = ways.start_node(Mode.CAR, self.population.households.home_node[due])
        is_open = ways.open_to_services() & streets.drivable
        is_open[streets.n_town_links :] = False  # roads beyond the exits
        back, cost_s = next_links(  # over the streets turned round: from home to a gate
            streets.n_nodes, streets.link_downstream, streets.link_upstream, ways.free_flow_time_s, is_open, gates
        )
        reached = np.flatnonzero(np.isfinite(cost_s[home]))
        origin, paths = [], []
        for node in home[reached].tolist():
            path: list[int] = []
            while back[node] >= 0:
                path.append(int(back[node]))
                node = int(streets.link_upstream[path[-1]])
            origin.append(node)
            paths.append(path[::-1])
        return due[reached], time_s[reached], np.array(origin, np.int32), paths

    def turn_away(self, parties: Ints, now_s: float) -> Ints:
        """Let those among parties that gave up who never got into the town be in safety again; return the others."""
        bound = self.population.parties.is_bound_home[parties] & ~self._turned_round[parties]
        if bound.any():
            turned = parties[bound]
            self.population.arrive(turned, np.full(turned.size, now_s), np.full(turned.size, -1))
        return parties[~bound]

    def receive(self, arrivals: Arrivals) -> None:
        """Bring those indoors who have come to their homes."""
        self._come_home(arrivals.party, arrivals.time_s)

    def _come_home(self, households: Ints, time_s: Floats) -> None:
        self.population.come_home(households)
        self._home_since_s[households] = time_s
        keeps_plan = self._turned_round[households]
        self.population.households.departure_time_s[households[keeps_plan]] = time_s[keeps_plan]
        for household, at_s in zip(households[~keeps_plan], time_s[~keeps_plan], strict=True):
            self.decision.start_again(np.array([household]), float(at_s))
        if households.size:
            self.population.plans_changed(households)
