"""The curfew: when nobody may move, and when they may again."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from safepassage.agents import leaving
from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.agents.households import Households
from safepassage.model.clock import OpenHours, hours_within
from safepassage.model.draws import Keys, Stream, keys_of, uniforms_for
from safepassage.model.settings.front import Curfew


@dataclass(frozen=True)
class CurfewHours(OpenHours):
    """The hours of curfew of a run: disjoint intervals in which nobody may move."""

    stagger_s: float = 0.0
    """Those who waited for the end of the curfew set out over this time after it, but before the next one begins
    (s)."""

    @property
    def as_arrays(self) -> tuple[Floats, Floats, float]:
        """When each begins and ends, and over how long those set out after it who waited (s)."""
        return self.start_s, self.end_s, self.stagger_s

    def free_from_s(self, planned_s: Floats, turn: Floats) -> Floats:
        """Return when those who keep the curfew set out (s); turn: of each in the queue at its end, 0: first, 1: last.

        planned_s: when each meant to set out (s). Whoever means to go between the end and their turn waits for it like
        those whom the curfew held: so nobody sets out earlier for having meant to go later.
        """
        return leaving.free_from_s(planned_s, turn, *self.as_arrays)

    def may_move(self, time_s: Floats | float) -> Bools:
        """Return whether movement is allowed at each moment: bool, shaped as time_s."""
        return ~self.hold(time_s)

    def next_allowed_s(self, time_s: Floats | float) -> Floats:
        """Return the first moment not before time_s at which movement is allowed: float64, shaped as time_s."""
        return self.next_outside_s(time_s)


def curfew_hours(
    settings: Curfew, run: Any, time_zone: str, acts_s: Mapping[str, float] = MappingProxyType({})
) -> CurfewHours:
    """Return the CurfewHours of a run, with those of a day more, so that the end of the last one is known.

    settings: the scenario's section `Curfew`. run: anything with `start` and `duration_h`. time_zone: of local times.
    acts_s: by name, when each trigger acts of which it is known (s).
    """
    in_force_s = [-np.inf if one.after is None else acts_s.get(one.after, np.inf) for one in settings.windows]
    found = hours_within(settings.windows, run, time_zone, in_force_s)
    return CurfewHours(found.start_s, found.end_s, settings.stagger_s)


def keeps_curfew(settings: Curfew, seed: int, keys: Keys) -> Bools:
    """Return which households (their `Keys`, or whole numbers) keep the curfew throughout the run, bool."""
    return uniforms_for(seed, Stream.CURFEW, keys) < settings.compliance


def draw_habits(settings: Curfew, seed: int, households: Households) -> None:
    """Draw who keeps the curfew throughout the run, and the turn of each among those who set out after it.

    settings: the scenario's section `Curfew`. seed: of the run. households: columns, of which two are written.
    """
    keys = keys_of(households)
    households.keeps_curfew[:] = keeps_curfew(settings, seed, keys)
    households.turn_after_curfew[:] = uniforms_for(seed, Stream.CURFEW, keys, index=1)
