"""How institutions leave: nothing moves their batches but `institutions_leave`; then each is fetched at the door."""

from typing import Any

import numpy as np

from safepassage.agents.civilians import Injury, Status
from safepassage.agents.households import Cause
from safepassage.model.people.population import Population
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.levers.institutions import InstitutionLeaves
from safepassage.model.settings.scenario import Scenario
from safepassage.model.settings.services import Serves


class Institutions:
    """The institutions of a run."""

    def __init__(self, scenario: Scenario, population: Population) -> None:
        """Raises ScenarioError if one is to leave and no fleet serves doors.

        scenario: what is simulated. population: everybody, batches of institutions among them.
        """
        self.settings, self.population, self.households = scenario.institutions, population, population.households
        self._leaves = scenario.institutions_leave
        inside = np.flatnonzero(self.households.institution >= 0)
        self.households.stays_behind[inside] = True
        self.households.can_walk[inside] = False
        by_door = any(fleet.serves == Serves.DOOR_TO_DOOR for fleet in scenario.services.fleets)
        if self.settings and self._leaves and not by_door:
            raise ScenarioError(
                f"institutions_leave.0 ({self._leaves[0].name}): no fleet goes from door to door, so nobody would "
                "fetch it. Add a fleet with `serves: door_to_door`."
            )
        for one in self._leaves if self.settings else ():
            if one.at_h is not None:
                self._bring_out(one, one.at_h * 3600.0)

    def act(self, trigger: str, at_s: float) -> None:
        """Bring out those that wait for a trigger, by its name, from the moment when it acts (s)."""
        for one in self._leaves if self.settings else ():
            if one.after == trigger:
                self._bring_out(one, at_s)

    def _bring_out(self, one: InstitutionLeaves, from_s: float) -> None:
        """Plan the departure of the batches of an institution, as many as there are beds for, from a moment (s)."""
        h, row = self.households, [each.name for each in self.settings].index(one.name)
        batches = np.flatnonzero(h.institution == row)
        if one.beds is not None:
            settings, n_batches = self.settings[row], np.arange(1, batches.size + 1)
            batches = batches[np.minimum(n_batches * settings.batch_size, settings.n_residents) <= one.beds]
        ready_s = from_s + one.every_s * np.arange(batches.size)
        h.has_priority[batches] = one.comes_first
        h.cause[batches], h.decision_time_s[batches], h.departure_time_s[batches] = Cause.ORDER, from_s, ready_s
        self.population.plans_changed(batches)

    def report(self) -> list[str]:
        """Return a sentence for each evacuation of an institution that the scenario does not have."""
        return [] if self.settings else [
            f"institutions_leave.{row}: the scenario has no institutions, so nobody of {one.name!r} is brought out. "
            "Describe it under `institutions`."
            for row, one in enumerate(self._leaves)
        ]  # fmt: skip

    def table(self) -> dict[str, Any]:
        """Return the columns of the table `institutions`."""
        h, people, parties = self.households, self.population.people, self.population.parties
        row, n = h.institution[people.household], len(self.settings)
        inside = row >= 0

        def count(which: np.ndarray) -> np.ndarray:
            return np.bincount(row[inside & which], minlength=n)

        last_out_s = np.full(n, -np.inf)
        out = np.flatnonzero((h.institution >= 0) & np.isfinite(parties.arrival_time_s))
        np.maximum.at(last_out_s, h.institution[out], parties.arrival_time_s[out])
        return {
            "institution": [one.name for one in self.settings],
            "kind": [str(one.kind) for one in self.settings],
            "n_residents": np.array([one.n_residents for one in self.settings], np.int64),
            "n_staff": np.array([one.n_staff for one in self.settings], np.int64),
            "n_out": count(people.status == Status.SAFE),
            "n_dead": count(people.status == Status.DEAD),
            "n_hurt": count(people.injury != Injury.NONE),
            "last_out_s": np.where(np.isfinite(last_out_s), last_out_s, np.inf),
        }
