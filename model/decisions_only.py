"""A run in which households hear, weigh and decide, and are gone as soon as they may set out: no streets, no seats.

It takes the decisions of the full model, by the same code and draws, and leaves out what happens on the way: traffic,
queues, waiting for seats, impacts. Two months of a town of 50,000 take seconds, so fits over many towns and seeds are
cheap.
"""

from collections.abc import Sequence

import numpy as np

from safepassage.agents.ground.arrays import Bools, Floats, Ints
from safepassage.model.behaviour.curfew import curfew_hours
from safepassage.model.behaviour.orders import OrdersDue
from safepassage.model.built_once import ground_of, people_of
from safepassage.model.hazard.front import front_of
from safepassage.model.minds import minds_of
from safepassage.model.people.families import StayingBehind
from safepassage.model.people.population import Population
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.damage import Utility
from safepassage.model.settings.scenario import Scenario
from safepassage.model.town.utilities import Utilities


class DecisionsOnly:
    """The households of a scenario and their decisions; `run()` goes to the end, `left` counts who is still there."""

    def __init__(self, scenario: Scenario, seed: int | None = None) -> None:
        """scenario: what is simulated, without triggers: else ScenarioError. seed: instead of run.seed.

        If there are services, seats count as in reach of everybody; if there are none, of nobody.
        """
        if seed is not None:
            scenario = scenario.override({"run.seed": int(seed)})
        if scenario.triggers:
            raise ScenarioError(
                f"{scenario.name}: triggers look at streets and at people on their way. A run of decisions only has "
                "neither. Give the orders their moments, or run the full model."
            )
        self.settings = scenario
        streets, _, self.zones, area = ground_of(scenario.streets, scenario.population)
        self.households, self.people, *_ = people_of(scenario.population, scenario.streets, scenario.run.seed)
        Population(self.households, self.people)  # notes who can walk and who needs help
        time_zone = scenario.shelling.time_zone
        front = front_of(scenario.front, area, scenario.run, time_zone)
        self.information, self.decision = minds_of(scenario, streets, self.households, self.people, front)
        self.curfew = curfew_hours(scenario.curfew, scenario.run, time_zone)
        self.utilities = Utilities(scenario.damage, scenario.run.seed, self.zones.name)
        self._orders_due = OrdersDue(scenario, self.zones.name)
        self._staying_behind = StayingBehind(self.households)
        services = scenario.services
        has_seats = bool(services.fleets or services.trains or services.reinforcements)
        self._share_without_seat = np.full(len(self.households), 0.0 if has_seats else 1.0)
        self.time_s = 0.0
        self.duration_s = scenario.run.duration_h * 3600.0

    def gone_s(self) -> Floats:
        """Return when each household sets out (s), the curfew waited for; inf: it has not decided. float64[n]."""
        h = self.households
        gone_s = h.departure_time_s.copy()
        held = np.flatnonzero(h.keeps_curfew & np.isfinite(gone_s))
        gone_s[held] = self.curfew.free_from_s(gone_s[held], h.turn_after_curfew[held])
        return gone_s

    def run(self) -> "DecisionsOnly":
        """Go to the end of the scenario, at its pace of decisions."""
        every_s = self.settings.behaviour.decide_every_s
        is_home = np.ones(len(self.households), np.bool_)  # who has decided weighs nothing more
        if self.time_s == 0.0:
            self.decision.think(0.0, is_home, self.utilities.lost_since_s, self._share_without_seat)
        while self.time_s < self.duration_s:
            until_s = min(self.time_s + every_s, self.duration_s)
            for issued_s, number, order in self._orders_due.before(until_s):
                self.utilities.advance(max(issued_s, self.utilities.time_s))
                phone_works = ~self.utilities.is_lost[Utility.PHONE, self.households.zone]
                self.decision.hear_order(number, order, self.zones.name, issued_s, phone_works)
            self.utilities.advance(until_s)
            self.decision.think(until_s, is_home, self.utilities.lost_since_s, self._share_without_seat)
            if self._staying_behind.n:
                freed = self._staying_behind.release(self.gone_s() <= until_s)
                self.decision.answer_late(freed, until_s)
            self.time_s = until_s
        return self

    def left(self, time_s: Sequence[float], who: Bools | None = None) -> Ints:
        """Return how many people have not set out by each time; int64.

        time_s: moments (s). who: bool[n_people], whom to count; None: everybody.
        """
        gone_s = self.gone_s()[self.people.household]
        gone_s = gone_s if who is None else gone_s[who]
        return np.array([(gone_s > at).sum() for at in time_s], np.int64)
