"""An uncertain front: which of its named branches a run takes, drawn by the seed alone, and how it moves then."""

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.draws import Stream, uniforms
from safepassage.model.settings.front import Front, FrontBranch

DAY_S = 86400.0


def branch_of(settings: Front, seed: int) -> FrontBranch | None:
    """Return the branch that a run takes; None: the front moves as given.

    settings: the scenario's section `Front`. seed: of the run; nothing else decides, so the branch is the same under
    every plan.
    """
    if not settings.branches:
        return None
    if settings.branch is not None:
        return next(one for one in settings.branches if one.name == settings.branch)
    ladder = np.cumsum([one.weight for one in settings.branches])
    u = float(uniforms(seed, Stream.FRONT, 1)[0])
    return settings.branches[int(np.searchsorted(ladder, u * ladder[-1], side="right"))]


def moved(branch: FrontBranch, time_s: Floats, distance_km: Floats) -> tuple[Floats, Floats]:
    """Return (times, distances) of a front on a branch: after the start it waits, then makes so much more or less way.

    time_s: moments at which its distance is known, since the start of the run, rising. distance_km: at those moments.
    """
    now_km = float(np.interp(0.0, time_s, distance_km))
    later = time_s > 0
    wait_s = branch.delay_d * DAY_S
    start_s = [0.0, wait_s] if wait_s > 0 else [0.0]
    before = time_s < 0
    times = np.concatenate((time_s[before], start_s, time_s[later] + wait_s))
    way_km = branch.advance_factor * (now_km - distance_km[later])
    return times, np.concatenate((distance_km[before], np.full(len(start_s), now_km), now_km - way_km))
