"""The curfew: when nobody may move, and when they may again."""

from typing import Any

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.model import draws
from safepassage.model.clock import OpenHours, hours_within
from safepassage.model.draws import Keys, Stream
from safepassage.model.settings.front import Curfew


class CurfewHours(OpenHours):
    """The hours of curfew of a run: disjoint intervals in which nobody may move."""

    def may_move(self, time_s: Floats | float) -> Bools:
        """Return whether movement is allowed at each moment: bool, shaped as time_s."""
        return ~self.hold(time_s)

    def next_allowed_s(self, time_s: Floats | float) -> Floats:
        """Return the first moment not before time_s at which movement is allowed: float64, shaped as time_s."""
        return self.next_outside_s(time_s)


def curfew_hours(settings: Curfew, run: Any, time_zone: str) -> CurfewHours:
    """Return the CurfewHours of a run, with those of a day more, so that the end of the last one is known.

    run: anything with `start` and `duration_h`.
    """
    found = hours_within(settings.windows, run, time_zone)
    return CurfewHours(found.start_s, found.end_s)


def keeps_curfew(settings: Curfew, seed: int, keys: Keys) -> Bools:
    """Return which households (their `Keys`, or whole numbers) keep the curfew throughout the run, bool."""
    return draws.uniforms_for(seed, Stream.CURFEW, keys) < settings.compliance
