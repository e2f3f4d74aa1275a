"""Shelling events in time and space: the impacts that a run sees, whatever people do.

Hazards are exogenous: replayed from records or drawn from a generic random field. Impacts depend on the scenario's
shelling, its map and front, the run's period and the seed; never on the plan or the people.
"""

import numpy as np

from safepassage.model.clock import epoch_s
from safepassage.model.hazard.impacts import Impacts


def shell(settings, area, run, seed, front=None):
    """Return the Impacts of a run: the sum of all sources of its shelling.

    settings: `Shelling`. area: `Area`. run: anything with `start` (datetime, local if it has no zone) and
    `duration_h`. front: `LineFront` or `AreaFront`; None: no front.
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
    return gather(sources, area, start_s, end_s)


def gather(sources, area, start_s, end_s):
    """Return the Impacts that the Events of several sources leave on a map between two moments (epoch seconds)."""
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
