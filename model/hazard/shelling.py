"""Shelling events in time and space: the impacts that a run sees, whatever people do.

Hazards are exogenous: replayed from records or drawn from a generic random field. Impacts depend on the scenario's
shelling, its map and front, the run's period and the seed; never on the plan or the people.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream, generator
from safepassage.model.hazard.front import LineFront
from safepassage.model.hazard.impacts import Area, Events, Impacts, Size
from safepassage.model.rules import HazardRule, RuleError, RunClock
from safepassage.model.settings.shelling import Shelling


def shell(
    settings: Shelling, area: Area, run: Any, seed: int, front: LineFront | None = None, rule: HazardRule | None = None
) -> Impacts:
    """Return the Impacts of a run: the sum of all sources of its shelling.

    settings: `Shelling`. area: `Area`. run: anything with `start` (datetime, local if it has no zone) and
    `duration_h`. front: `LineFront` or `AreaFront`; None: no front. rule: of the user's own, adds to the sources.
    seed: seed of the run, from which all chance is drawn.
    """
    from safepassage.model.hazard.process import simulate
    from safepassage.model.hazard.records import replay

    start_s = epoch_s(run.start, settings.time_zone)
    end_s = start_s + run.duration_h * 3600.0
    sources = []
    for number, source in enumerate(settings.sources):
        if source.kind == "recorded":
            sources.append(replay(source, area, seed, time_zone=settings.time_zone, source_number=number))
        else:
            sources.append(
                simulate(source, area, start_s, end_s, seed, settings.time_zone, front=front, source_number=number)
            )
    if rule is not None:
        clock = RunClock(run.start, settings.time_zone, end_s - start_s)
        sources.append(_of_rule(rule, clock, seed, area, front, start_s))
    return gather(sources, area, start_s, end_s)


def _of_rule(rule: HazardRule, clock: RunClock, seed: int, area: Any, front: Any, start_s: float) -> Events:
    """Return the Events of a rule of the user's own, checked. Raises RuleError."""
    map_alone = replace(area, lived_along_m=None)  # a rule does not see where people live
    given: Any = rule.falls(clock, generator(seed, Stream.OWN_HAZARD), map_alone, front)
    name = f"{type(rule).__qualname__}.falls"
    try:
        time_s, x_m, y_m = (np.asarray(getattr(given, one), np.float64) for one in ("time_s", "x_m", "y_m"))
        size = np.array([Size[str(one)] for one in given.size], np.int8)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RuleError(f"{name} gave {error!r}; give Falls with time_s, x_m, y_m and size (S, M or L).") from None
    if not time_s.shape == x_m.shape == y_m.shape == size.shape or not np.isfinite([time_s, x_m, y_m]).all():
        raise RuleError(f"{name} gave columns of different lengths or numbers that are not finite.")
    return Events(time_s + start_s, x_m, y_m, size, np.arange(time_s.size, dtype=np.int64))


def gather(sources: list[Events], area: Area, start_s: float, end_s: float) -> Impacts:
    """Return the Impacts that the Events of several sources leave on a map between two moments (epoch seconds).

    area: the map. start_s: start of the run, since 1970 (s). end_s: end of the run, since 1970 (s).
    """
    if not sources:
        return Impacts.none()
    source = np.concatenate([np.full(events.time_s.size, i) for i, events in enumerate(sources)])
    time_s, x_m, y_m, size, cluster = (
        np.concatenate([getattr(events, name) for events in sources])
        for name in ("time_s", "x_m", "y_m", "size", "cluster")
    )
    inside = area.contains(x_m, y_m)
    before, after = time_s < start_s, time_s >= end_s
    n_outside_area = int((~inside & ~before & ~after).sum())
    report = [line for events in sources for line in events.report]
    if n_outside_area:
        report.append(f"{n_outside_area} shelling events of the run's period fell outside the map and are left out.")
    kept = np.flatnonzero(inside & ~before & ~after)
    # every column is a key, so that the order of equal times does not depend on the order of sources
    kept = kept[np.lexsort((size[kept], y_m[kept], x_m[kept], time_s[kept]))]
    return Impacts(
        time_s=time_s[kept] - start_s,
        x_m=x_m[kept],
        y_m=y_m[kept],
        size=size[kept].astype(np.int8),
        cluster=_first_rows(source[kept], cluster[kept]),
        n_outside_area=n_outside_area,
        n_before=int((inside & before).sum()),
        n_after=int((inside & after).sum()),
        report=tuple(report),
    )


def _first_rows(source, cluster):
    """Return for each row the first row with the same source and cluster, int32."""
    if source.size == 0:
        return np.empty(0, np.int32)
    key = (source.astype(np.int64) << 48) | cluster
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return first[which].astype(np.int32)
