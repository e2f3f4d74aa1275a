"""Streets, exits and shelters closed on purpose: which of them are closed at a moment."""

from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Ints
from safepassage.model.clock import SAME_MOMENT_S
from safepassage.model.settings.authorities import Checkpoint, Closed, Closures, Police
from safepassage.model.settings.base import NamedStreet, ScenarioError
from safepassage.model.streets.streets import Streets
from safepassage.model.town.contraflow import lanes_factor, ways_out
from safepassage.model.town.junction_control import JunctionControl


class ClosedOnPurpose:
    """State of what the scenario and the planner close; bool arrays that say what is closed now."""

    def __init__(
        self, settings: Closures, streets: Streets, shelter_names: tuple[str, ...], control: JunctionControl
    ) -> None:
        """Raises ScenarioError if the settings name what does not exist.

        settings: what is closed or directed, and when. streets: their names and links. shelter_names: of those that
        there are. control: of the junctions of the town.
        """
        self._control = control
        self._streets, self._shelter_names = streets, shelter_names
        self.settings = settings
        self._names = streets.names
        self.cars = np.zeros(streets.n_links, np.bool_)
        self.walkers = np.zeros(streets.n_links, np.bool_)
        self.exits = np.zeros(streets.exit_node.size, np.bool_)
        self.shelters = np.zeros(len(shelter_names), np.bool_)
        self.lanes_factor = np.ones(streets.n_links)
        """By what the lanes of each link are multiplied now: under contraflow it takes over those of the other way."""
        self.checkpoint_per_s = np.full(streets.n_links, np.inf)
        """Vehicles that a checkpoint at the end of each link lets through now (1/s); inf: there is none."""
        self.policed: tuple[Police, ...] = ()
        """What police direct now."""
        self._acts_s: dict[str, float] = {}
        self._check()
        self._state: tuple[tuple[int, ...], Closures] | None = None
        self.next_s = -np.inf
        """Nothing closes or opens before this (s)."""

    def change(self, settings: Closures) -> None:
        """Take other settings from now on; raises ScenarioError if they name what does not exist."""
        before, self.settings = self.settings, settings
        try:
            self._check()
        except ScenarioError:
            self.settings = before
            raise
        self.look_again()

    def act(self, trigger: str, at_s: float) -> None:
        """Note when a trigger acts, by its name, for which something may wait to close or open.

        at_s: the moment (s).
        """
        self._acts_s[trigger] = at_s
        self.look_again()

    def look_again(self) -> None:
        """Look anew at the next moment for what is closed: the settings may be others."""
        self.next_s = -np.inf

    def _check(self):
        for i, closed in enumerate(self.settings.streets):
            self._names.demand(closed, f"closures.streets[{i}]")
        for i in range(len(self.settings.contraflow)):
            self._turned(i)
        for i, checkpoint in enumerate(self.settings.checkpoints):
            self._stops_on(checkpoint, f"closures.checkpoints[{i}]")
        for i, police in enumerate(self.settings.police):
            self._control.directed_by(police, f"closures.police[{i}]")
        for kind, known in (("exits", self._streets.exit_name), ("shelters", self._shelter_names)):
            for i, closed in enumerate(getattr(self.settings, kind)):
                if closed.name not in known:
                    there = ", ".join(known) or "none"
                    raise ScenarioError(f"closures.{kind}[{i}]: there is no {closed.name!r}; there are {there}.")

    def _turned(self, i: int) -> Ints:
        """Return the links that lead out of the i-th street under contraflow."""
        return ways_out(self.settings.contraflow[i], self._streets, self._names, f"closures.contraflow[{i}]")

    def _stops_on(self, checkpoint: Checkpoint, place: str) -> Ints:
        """Return the links at whose ends a checkpoint stops vehicles; `place` names it in errors."""
        streets = self._streets
        if checkpoint.exit is not None:
            if checkpoint.exit not in streets.exit_name:
                there = ", ".join(streets.exit_name)
                raise ScenarioError(f"{place}.exit: there is no {checkpoint.exit!r}; there are {there}.")
            node = streets.exit_node[streets.exit_name.index(checkpoint.exit)]
            found = np.flatnonzero((streets.link_downstream == node) & streets.drivable)
            return found[found < streets.n_town_links]
        links = self._names.demand(NamedStreet(between=checkpoint.between), f"{place}.between")
        assert checkpoint.between is not None
        begins = streets.link_upstream[links] == streets.node_id.index(checkpoint.between[0])
        links = links[begins & streets.drivable[links]]
        if links.size == 0:
            raise ScenarioError(f"{place}.between: no car may drive from the first node to the second; swap them.")
        return links

    def _every(self) -> tuple[tuple[Any, ...], ...]:
        settings = self.settings
        kinds = settings.streets, settings.exits, settings.shelters, settings.contraflow
        return *kinds, settings.checkpoints, settings.police

    def _holds(self, closed: Closed, time_s: float) -> bool:
        from_s, until_s = closed.moments_s(self._acts_s)
        return from_s <= time_s + SAME_MOMENT_S < until_s

    def _next_moment_s(self, time_s: float) -> float:
        every = (closed for kind in self._every() for closed in kind)
        later = [at_s for closed in every for at_s in closed.moments_s(self._acts_s) if at_s > time_s + SAME_MOMENT_S]
        return min(later, default=np.inf) - 2 * SAME_MOMENT_S

    def advance(self, time_s: float) -> bool:
        """Bring the arrays to a moment; return whether anything changed."""
        if time_s < self.next_s:
            return False
        self.next_s = self._next_moment_s(time_s)
        now = tuple(
            i
            for kind in self._every()
            for i, closed in enumerate((*kind, None))
            if closed is None or self._holds(closed, time_s)
        )
        if (now, self.settings) == self._state:
            return False
        self._state = (now, self.settings)
        for array in (self.cars, self.walkers, self.exits, self.shelters):
            array[:] = False
        for closed in self.settings.streets:
            if self._holds(closed, time_s):
                links = self._names.links_of(closed)
                self.cars[links] = True
                self.walkers[links] |= not closed.walkers_pass
        turned = [self._turned(i) for i, flow in enumerate(self.settings.contraflow) if self._holds(flow, time_s)]
        for links in turned:
            self.cars[self._streets.link_reverse[links]] = True
        self.lanes_factor = lanes_factor(turned, self._streets)
        self.checkpoint_per_s[:] = np.inf
        for i, one in enumerate(self.settings.checkpoints):
            if self._holds(one, time_s):
                links = self._stops_on(one, f"closures.checkpoints[{i}]")
                each_per_s = one.n_bays / one.inspect_s / links.size
                self.checkpoint_per_s[links] = np.minimum(self.checkpoint_per_s[links], each_per_s)
        self.policed = tuple(one for one in self.settings.police if self._holds(one, time_s))
        for kind, known, array in (
            (self.settings.exits, self._streets.exit_name, self.exits),
            (self.settings.shelters, self._shelter_names, self.shelters),
        ):
            for closed in kind:
                if self._holds(closed, time_s):
                    array[known.index(closed.name)] = True
        return True
