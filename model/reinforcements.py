"""Vehicles that join a fleet while the run goes on: from the scenario, or by a planner who acts on it."""

from safepassage.model.closures import SAME_MOMENT_S
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.services import Reinforcement


class Reinforcements:
    """Those that have yet to come, in order of time; those of one moment in the order in which they are named."""

    def __init__(self, settings: tuple[Reinforcement, ...]):
        self._due = sorted(settings, key=lambda one: one.at_h)

    def add(self, settings: Reinforcement, fleets: list[str]):
        """Take in one more; raises ScenarioError if there is no such fleet."""
        if settings.fleet not in fleets:
            there = ", ".join(fleets) or "none: the scenario has no buses (`services.fleets`)"
            raise ScenarioError(f"there is no fleet {settings.fleet!r}; the fleets are {there}.")
        self._due = sorted([*self._due, settings], key=lambda one: one.at_h)

    def come(self, time_s: float) -> list[Reinforcement]:
        """Return those that come at a time or before; each once."""
        n = sum(one.at_h * 3600.0 <= time_s + SAME_MOMENT_S for one in self._due)
        here, self._due = self._due[:n], self._due[n:]
        return here
