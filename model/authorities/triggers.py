"""When triggers act: authorities look at every whole hour, learn of it later, and act when they are ready.

What a trigger waits for is looked up where it stands: the front and its distances, impacts, streets and utilities in
`Surroundings`, people in `Population`. Nothing here is drawn. Triggers of the front, impacts and utilities act at the
same moments under every plan; those of streets may not, since a plan can send more crews to clear them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from safepassage.agents.civilians import Status
from safepassage.agents.ground.arrays import Bools
from safepassage.model.clock import epoch_s, local_time
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.people.population import Population
from safepassage.model.settings.authorities import Trigger
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.naming import StreetNames
from safepassage.model.streets.streets import Streets
from safepassage.model.streets.zones import Zones
from safepassage.model.town.surroundings import Surroundings

LOOK_EVERY_S = 3600.0
"""Authorities look once an hour, at whatever step the run goes (s)."""
DAY_S = 86400.0


class Triggers:
    """The triggers of a scenario: which have acted, and when the others do."""

    def __init__(
        self,
        scenario: Scenario,
        streets: Streets,
        zones: Zones,
        impacts: Impacts,
        population: Population,
        surroundings: Surroundings,
    ) -> None:
        """Raises ScenarioError if a trigger names a zone or a street that is not there, or a front that is not given.

        scenario: what is simulated. streets, zones: those of the town. impacts: all of the run. population: everybody.
        surroundings: what stands and works in the town.
        """
        self.settings = scenario.triggers
        self.acts_s: dict[str, float] = {}
        """By name, when each trigger acts of which authorities know so far (s after the start of the run)."""
        self.next_s = 0.0 if self.settings else np.inf
        """When authorities look next (s); inf: every trigger has been seen."""
        self._run, self._time_zone = scenario.run, scenario.shelling.time_zone
        names = streets.names
        self._seen = [
            _Seen(f"triggers.{row}", one, streets, names, zones, impacts, population, surroundings)
            for row, one in enumerate(self.settings)
        ]

    def look(self, time_s: float) -> Iterator[tuple[str, float]]:
        """Look, if an hour has come; yield (name, moment at which it acts, in s) of triggers found to hold.

        time_s: the present (s).
        """
        if time_s < self.next_s:
            return
        hour_s = float(np.floor(time_s / LOOK_EVERY_S) * LOOK_EVERY_S)
        self.next_s = hour_s + LOOK_EVERY_S
        is_news = True
        while is_news:  # one that waits for another may follow at once
            is_news = False
            for trigger, seen in zip(self.settings, self._seen, strict=True):
                if trigger.name in self.acts_s or not self._after(trigger, time_s) or not seen.holds(hour_s):
                    continue
                acts_s = self._acts_s(trigger, hour_s)
                self.acts_s[trigger.name] = max(acts_s, time_s)
                is_news = True
                yield trigger.name, self.acts_s[trigger.name]
        if len(self.acts_s) == len(self.settings):
            self.next_s = np.inf

    def _after(self, trigger: Trigger, time_s: float) -> bool:
        return trigger.after is None or self.acts_s.get(trigger.after, np.inf) <= time_s

    def _acts_s(self, trigger: Trigger, seen_s: float) -> float:
        """Return when a trigger acts that is seen to hold at a moment (s)."""
        ready_s = seen_s + (trigger.known_after_h + trigger.lead_time_h) * 3600.0
        if trigger.at_time is None:
            return ready_s
        start_s = epoch_s(self._run.start, self._time_zone)
        ready = datetime.fromtimestamp(start_s + ready_s, ZoneInfo(self._time_zone))
        at = datetime.combine(ready.date(), trigger.at_time, ready.tzinfo)
        if at < ready:
            at = datetime.combine(ready.date() + timedelta(days=1), trigger.at_time, ready.tzinfo)
        return at.timestamp() - start_s

    def report(self, end_s: float) -> list[str]:
        """Return a sentence for each trigger: when it acted, or that it has not; end_s: the present (s)."""
        said = []
        for trigger in self.settings:
            acts_s = self.acts_s.get(trigger.name, np.inf)
            if acts_s >= end_s:
                said.append(
                    f"Trigger {trigger.name!r} did not act in this run: what it waits for did not come in time."
                )
                continue
            clock = local_time(self._run.start, acts_s, self._time_zone)
            said.append(
                f"Trigger {trigger.name!r} acted at {clock:%Y-%m-%d %H:%M}, {acts_s / 3600:,.1f} h after the start."
            )
        return said


class _Seen:
    """What of the town one trigger looks at."""

    def __init__(
        self,
        key: str,
        trigger: Trigger,
        streets: Streets,
        names: StreetNames,
        zones: Zones,
        impacts: Impacts,
        population: Population,
        surroundings: Surroundings,
    ) -> None:
        self._trigger, self._surroundings, self._population = trigger, surroundings, population
        self._zones = _rows_of(key, trigger, zones)
        homes = population.households
        self._households = np.flatnonzero(np.isin(homes.zone, self._zones))
        is_person = np.isin(homes.zone[population.people.household], self._zones)
        self._persons = np.flatnonzero(is_person)
        self._impacts_s = np.empty(0)
        if trigger.impacts_per_day is not None:
            fell_there = _within(impacts, [zones.outline[row] for row in self._zones]) & impacts.falls
            self._impacts_s = impacts.time_s[fell_there]
        self._links = np.empty(0, np.int64)
        if trigger.street_lost is not None:
            links = names.demand(trigger.street_lost, f"{key}.street_lost")
            self._links = links[streets.drivable[links]]
        if trigger.front_within_km is not None and surroundings.homes_to_front is None:
            raise ScenarioError(
                f"{key}.front_within_km = {trigger.front_within_km:g}: the scenario has no front. Describe one under "
                "`front`, or wait for something else."
            )
        if trigger.front_within_km is not None and self._households.size == 0:
            raise ScenarioError(f"{key}.zones: nobody lives there, so no distance to the front can be told.")

    def holds(self, time_s: float) -> bool:
        """Return whether all that the trigger waits for holds at a moment, but for another trigger."""
        trigger, town = self._trigger, self._surroundings
        if trigger.front_within_km is not None:
            assert town.homes_to_front is not None
            away_km = town.homes_to_front.distance_km(time_s)[self._households].min()
            if away_km > trigger.front_within_km:
                return False
        if trigger.impacts_per_day is not None:
            first, last = np.searchsorted(self._impacts_s, (time_s - DAY_S, time_s), side="right")
            if last - first < trigger.impacts_per_day:
                return False
        if trigger.street_lost is not None and town.damage.is_open_car[self._links].all():
            return False
        if trigger.utility_lost is not None and not town.utilities.is_lost[trigger.utility_lost, self._zones].any():
            return False
        if trigger.share_left_below is not None:
            n_inside = int((self._population.people.status[self._persons] < Status.SAFE).sum())
            if n_inside >= trigger.share_left_below * self._persons.size:
                return False
        return True


def _rows_of(key: str, trigger: Trigger, zones: Zones) -> list[int]:
    if trigger.zones is None:
        return list(range(len(zones.name)))
    unknown = [name for name in trigger.zones if name not in zones.name]
    if unknown:
        known = ", ".join(zones.name)
        raise ScenarioError(f"{key}.zones: there is no zone {unknown[0]!r}. The zones are {known}.")
    return [zones.name.index(name) for name in trigger.zones]


def _within(impacts: Impacts, outlines: list) -> Bools:
    """Return which impacts fall within one of some outlines, bool[n_impacts]."""
    inside = np.zeros(len(impacts), np.bool_)
    for outline in outlines:
        inside |= shapely.contains_xy(outline, impacts.x_m, impacts.y_m)
    return inside
