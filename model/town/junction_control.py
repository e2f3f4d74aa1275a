"""Who says whose turn it is at a junction: nobody, signals, dark signals, or police.

Where nobody does, streams that cross share the junction as `streets.junction_factor` says. Signals give each its share
of the time, whoever else comes. Dark ones make an all-way stop. Police let those pass who are there.
"""

from dataclasses import dataclass

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints, rising
from safepassage.model.settings.authorities import Police
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.streets import GreenTime, Signals
from safepassage.model.streets.streets import Streets


@dataclass(frozen=True, eq=False)
class Control:
    """How the streams at the ends of all links are held now."""

    is_shared: Bools
    """Whether a link shares the time with those that cross it while they run; bool[n_links]."""
    share: Floats
    """Its share then; as in model/streets/junctions.py."""
    flow_factor: Floats
    """Share of its flow capacity that it has whoever else comes; float64[n_links]."""


@dataclass(frozen=True, eq=False)
class Directed:
    """What police direct: the ways in, and by what each way in weighs against those that cross it."""

    link: Ints
    weight: Floats


class JunctionControl:
    """The junctions of a town with signals, and how they are held as power and police come and go."""

    def __init__(self, settings: Signals, streets: Streets, link_zone: Ints) -> None:
        """Raises ScenarioError for a node that is not there, or at which nothing crosses, and for too much green.

        link_zone: zone of each link, -1 for none: its signals are dark when power is lost there, or everywhere.
        """
        self._settings, self._streets, self._link_zone = settings, streets, link_zone
        self._stage = _stages(streets)
        self._is_signal = np.zeros(streets.n_links, np.bool_)
        """Ways in at which there are signals."""
        self._green = np.ones(streets.n_links)
        ids = streets.signal_node if settings.of_file else ()
        self.n_of_file = 0
        row = {node: k for k, node in enumerate(streets.node_id)}
        for node in ids:
            if node in row and self._ways_in(row[node]).size:
                self._is_signal[self._ways_in(row[node])] = True
                self.n_of_file += 1
        for i, node in enumerate(settings.nodes):
            self._is_signal[self._demand(node, f"streets.signals.nodes[{i}]")] = True
        self._set_green()
        self._seen: tuple[bytes, tuple[Police, ...]] | None = None

    @property
    def report(self) -> tuple[str, ...]:
        """How many junctions have signals, and what is assumed of them."""
        n = np.unique(self._streets.link_downstream[self._is_signal]).size
        if n == 0:
            return ()
        return (
            f"{n:,} {'junction has' if n == 1 else 'junctions have'} traffic signals, {self.n_of_file:,} by the map. "
            "Green times that are not given follow the class of the streets (streets.signals).",
        )

    def look(self, power_lost: Bools, policed: tuple[Police, ...]) -> Control | None:
        """Return how streams are held now, None if that is as it was at the last look.

        power_lost: bool per zone. policed: what police direct now.
        """
        seen = power_lost.tobytes(), policed
        if seen == self._seen or (self._seen is None and not policed and not self._is_signal.any()):
            return None
        self._seen = seen
        streets = self._streets
        share, factor = streets.junction_share.copy(), self._green.copy()
        is_lit = self._is_signal.copy()
        if power_lost.any():
            dark = self._is_signal & self._is_dark(power_lost)
            is_lit &= ~dark
            share[dark] = 1.0
            free_per_s = streets.n_lanes[dark] / self._settings.dark_headway_s
            factor[dark] = np.minimum(1.0, free_per_s / streets.flow_capacity_per_s[dark])
        for i, police in enumerate(policed):
            for directed in self.directed_by(police, f"closures.police[{i}]"):
                is_lit[directed.link] = False
                share[directed.link], factor[directed.link] = directed.weight, 1.0
        return Control(~is_lit, share, factor)

    def directed_by(self, police: Police, place: str) -> list[Directed]:
        """Return the junctions that police direct. Raises ScenarioError if there are none, naming the place."""
        names = self._streets.names
        if police.node is not None:
            found = [self._demand(police.node, place)]
        else:
            assert police.crossing is not None
            one, other = (rising(self._ends(names.demand_called(name, place))) for name in police.crossing)
            found = [self._ways_in(node) for node in np.intersect1d(one, other).tolist()]
            found = [ways for ways in found if ways.size]
            if not found:
                raise ScenarioError(
                    f"{place}: no streams of cars cross where {police.crossing[0]!r} and {police.crossing[1]!r} "
                    "meet, or they do not meet. Name two streets that cross, or the node of the junction."
                )
        favoured = np.zeros(0, np.int64) if police.favours is None else names.demand_called(police.favours, place)
        directed = [self._directed(ways, favoured, police.favoured_share) for ways in found]
        if police.favours is not None and not np.isin(np.concatenate(found), favoured).any():
            raise ScenarioError(f"{place}: {police.favours!r} does not lead to that junction. Name a street that does.")
        return directed

    def _directed(self, ways: Ints, favoured: Ints, favoured_share: float) -> Directed:
        """Return ways in with weights so large that any two stages take all of the time."""
        stage = self._stage[ways]
        by_stage = _largest(stage, self._streets.junction_share[ways])
        is_first = np.zeros(by_stage.size, np.bool_)
        is_first[stage[np.isin(ways, favoured)]] = True
        if is_first.any() and not is_first.all():
            by_stage[is_first] *= favoured_share / by_stage[is_first].sum()
            by_stage[~is_first] *= (1.0 - favoured_share) / by_stage[~is_first].sum()
        return Directed(ways, by_stage[stage] / by_stage.min())

    def _set_green(self) -> None:
        """Write the share of the time of each way in at signals; ways in that nothing crosses have all of it."""
        streets = self._streets
        given: dict[int, list[tuple[Ints, float, str]]] = {}
        for i, green in enumerate(self._settings.green):
            place = f"streets.signals.green[{i}]"
            ways = self._demand(green.node, place)
            self._is_signal[ways] = True
            given.setdefault(int(streets.link_downstream[ways[0]]), []).append(
                (self._arms(green, ways, place), green.share, place)
            )
        for node in np.unique(streets.link_downstream[self._is_signal]).tolist():
            ways = self._ways_in(node)
            self._green[ways] = self._split(ways, given.get(node, []))

    def _split(self, ways: Ints, given: list[tuple[Ints, float, str]]) -> Floats:
        """Return the share of the time of each way in at one junction."""
        stage = self._stage[ways]
        weight = _largest(stage, self._streets.junction_share[ways])
        green = np.zeros(weight.size)
        own = np.zeros(ways.size)
        for arms, share, _ in given:
            green[stage[np.isin(ways, arms)]] = np.maximum(green[stage[np.isin(ways, arms)]], share)
            own[np.isin(ways, arms)] = share
        is_open = green == 0.0
        lost = weight.size * self._settings.lost_s / self._settings.cycle_s
        rest = 1.0 - green.sum() - (lost if is_open.any() else 0.0)
        if rest < -1e-9 or (is_open.any() and rest <= 0.0):
            place = given[-1][2] if given else "streets.signals.lost_s"
            raise ScenarioError(
                f"{place}: green times of {green.sum():g} and changes leave nothing for others at node "
                f"{self._streets.node_id[self._streets.link_downstream[ways[0]]]}. Give less green or a longer cycle_s."
            )
        green[is_open] = rest * weight[is_open] / max(weight[is_open].sum(), 1e-9)
        return np.where(own > 0, own, green[stage])

    def _arms(self, green: GreenTime, ways: Ints, place: str) -> Ints:
        streets = self._streets
        if green.from_node is not None:
            arms = ways[[streets.node_id[node] == green.from_node for node in streets.link_upstream[ways]]]
            what = f"no way in comes from node {green.from_node!r}"
        else:
            assert green.street is not None
            arms = ways[np.isin(ways, streets.names.links_called(green.street))]
            what = f"{green.street!r} does not lead to it"
        if arms.size == 0:
            raise ScenarioError(f"{place}: node {green.node}: {what}, or nothing crosses. Name another way in.")
        return arms

    def _is_dark(self, power_lost: Bools) -> Bools:
        """Return which links end at a junction one of whose ways in lies in a zone without power."""
        streets = self._streets
        no_power = np.where(self._link_zone >= 0, power_lost[self._link_zone], power_lost.all())
        is_dark = np.zeros(streets.n_nodes, np.bool_)
        is_dark[streets.link_downstream[self._is_signal & no_power]] = True
        return is_dark[streets.link_downstream]

    def _ends(self, links: Ints) -> Ints:
        return np.concatenate([self._streets.link_upstream[links], self._streets.link_downstream[links]])

    def _ways_in(self, node: int) -> Ints:
        """Return the links into a node that others cross; none where no streams cross."""
        return np.flatnonzero((self._streets.link_downstream == node) & (self._stage >= 0))

    def _demand(self, node_id: str, place: str) -> Ints:
        """Return the ways in at a node. Raises ScenarioError naming the place if it is none, or nothing crosses."""
        streets = self._streets
        if node_id not in streets.node_id[: streets.n_town_nodes]:
            raise ScenarioError(
                f"{place}: the network has no node {node_id!r}. Write the id of a junction as the street file has it."
            )
        ways = self._ways_in(streets.node_id.index(node_id))
        if ways.size == 0:
            raise ScenarioError(
                f"{place}: no streams of cars cross at node {node_id}: it is a bend, a merge, an end or an exit. "
                "Name a junction at which streets cross."
            )
        return ways


def _stages(streets: Streets) -> Ints:
    """Return the stage of each link at the junction at its end, -1 if nothing crosses it there."""
    junctions = streets.junctions
    stage = np.full(streets.n_links, -1)
    stage[junctions.link] = junctions.stage
    links = np.flatnonzero(stage >= 0)
    links = links[np.lexsort((stage[links], streets.link_downstream[links]))]
    if links.size:
        is_new_node = np.diff(streets.link_downstream[links], prepend=-1) != 0
        number = np.cumsum(is_new_node | (np.diff(stage[links], prepend=-1) != 0))
        first = number[is_new_node]
        stage[links] = number - first[np.cumsum(is_new_node) - 1]
    return stage


def _largest(stage: Ints, value: Floats) -> Floats:
    """Return the largest value of each stage."""
    largest = np.zeros(stage.max() + 1)
    np.maximum.at(largest, stage, value)
    return largest
