"""What households know and decide, made for a town: the same for a full run and for one without streets and seats."""

import numpy as np

from safepassage.agents.civilians import People
from safepassage.agents.households import Households
from safepassage.model.behaviour.curfew import draw_habits
from safepassage.model.behaviour.decision import Decision
from safepassage.model.behaviour.information import Information
from safepassage.model.hazard.front import AreaFront, LineFront
from safepassage.model.rules import DecisionRule
from safepassage.model.settings.scenario import Scenario
from safepassage.model.streets.streets import Streets


def minds_of(
    scenario: Scenario,
    streets: Streets,
    households: Households,
    people: People,
    front: AreaFront | LineFront | None,
    rule: DecisionRule | None = None,
) -> tuple[Information, Decision]:
    """Return what households know and how they decide.

    scenario: what is simulated. streets: those of the town. households, people: their columns. front: see `front_of`.
    rule: of the user's own, for the rate of deciding.
    """
    seed = scenario.run.seed
    information = Information(
        scenario.behaviour, scenario.run, scenario.shelling.time_zone, streets, households, people, seed
    )
    share = scenario.population.share_of_prewar
    draw_habits(scenario.curfew, seed, households)
    distance_km = None if front is None else FrontFromTheMiddle(front, households)
    decision = Decision(scenario.behaviour, scenario.run, households, information, distance_km, share, seed, rule)
    return information, decision


class FrontFromTheMiddle:
    """How far the front is from the middle of the homes: called with a time (s), it gives the distance (km)."""

    def __init__(self, front: AreaFront | LineFront, households: Households) -> None:
        """front: where it is at any time. households: columns of the households, of which the homes count."""
        x_m, y_m = (
            np.array([np.average(at_m, weights=households.n_members * (households.institution < 0))])
            for at_m in (households.home_x_m, households.home_y_m)
        )
        self._middle = front.over(x_m, y_m)

    def __call__(self, time_s: float) -> float:
        """Return the distance at a time (s)."""
        return float(self._middle.distance_km(time_s)[0])
