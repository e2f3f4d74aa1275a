"""What authorities do when a trigger acts: orders go out, streets close or open, vehicles join, a curfew begins."""

from typing import Any

from safepassage.model.authorities import services
from safepassage.model.authorities.triggers import Triggers
from safepassage.model.behaviour.curfew import curfew_hours


class Authorities:
    """Looks at the triggers of a scenario, and lets happen what waits for them."""

    def __init__(self, model: Any) -> None:
        """model: EvacuationModel with its town, people and services; raises ScenarioError as `Triggers` does."""
        self.model = model
        town = model.streets, model.zones, model.impacts, model.population, model.surroundings
        self.triggers = Triggers(model.settings, *town)

    @property
    def next_s(self) -> float:
        """When they look next (s); inf: every trigger has been seen."""
        return self.triggers.next_s

    def look(self, time_s: float) -> None:
        """Look, if an hour has come, and arrange what waits for the triggers that hold; time_s: the present (s)."""
        for trigger, acts_s in self.triggers.look(time_s):
            self._act(trigger, acts_s)

    def report(self, end_s: float) -> list[str]:
        """Return a sentence for each trigger, and for each window of a truce; end_s: the present (s)."""
        departures = self.model.departures
        left_out = [*departures.institutions.report(), *departures.day_places.report()]
        return [*self.triggers.report(end_s), *left_out, *self.model.truces.report(self.model.impacts, end_s)]

    def _act(self, trigger: str, at_s: float) -> None:
        """Let happen at a moment (s) what waits for a trigger, by its name."""
        model = self.model
        model.departures.orders_due.act(trigger, at_s)
        model.departures.institutions.act(trigger, at_s)
        model.departures.day_places.act(trigger, at_s)
        model.surroundings.closed.act(trigger, at_s)
        services.follow(model.services, trigger, self.triggers.acts_s)
        model.surroundings.damage.follow(trigger, at_s)
        self.impose_curfew()

    def impose_curfew(self) -> None:
        """Let all reckon with the curfew of the scenario, as far as it does not wait for a trigger, from now on."""
        model, scenario = self.model, self.model.settings
        hours = curfew_hours(scenario.curfew, scenario.run, scenario.shelling.time_zone, self.triggers.acts_s)
        model.curfew = hours
        for part in (model.services.seats_sought, model.services.lifts, model.departures.way_home):
            part.curfew = hours
        model.departures.keep(hours)
