"""Air-raid alerts: when they sound, from a record or a while before the first impact of a cluster.

Like all hazards they are the same whatever people do; only the lever `alerts` changes them.
"""

from datetime import datetime
from typing import Any

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.model.clock import epoch_s
from safepassage.model.draws import Stream, uniforms_for
from safepassage.model.hazard.impacts import Impacts
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.shelters import AirRaidAlerts
from safepassage.model.tables import read_csv


def alerts_of(settings: AirRaidAlerts, impacts: Impacts, run: Any, seed: int, time_zone: str) -> tuple[Floats, Floats]:
    """Return (start_s, end_s) of the alerts of a run in order of time, s after its start.

    settings: the scenario's section `AirRaidAlerts`. impacts: what falls in the run. run: start and length of the run.
    seed: of the run. time_zone: of local times.
    """
    parts = [np.empty((2, 0))]
    if settings.file is not None:
        parts.append(_recorded(settings.file) - epoch_s(run.start, time_zone))
    if settings.warning_s is not None and len(impacts):
        first = np.flatnonzero(impacts.cluster == np.arange(len(impacts)))
        first_s = impacts.time_s[first]
        key = (first_s * 1000.0).astype(np.int64) % 2**32
        warned_s = first_s[uniforms_for(seed, Stream.ALERT, key) < settings.share_warned]
        parts.append(np.array([np.maximum(0.0, warned_s - settings.warning_s), warned_s]))
    start_s, end_s = np.concatenate(parts, axis=1)
    within = (end_s >= 0) & (start_s < run.duration_h * 3600.0)
    start_s, end_s = np.maximum(start_s[within], 0.0), end_s[within]
    order = np.lexsort((end_s, start_s))
    return start_s[order], end_s[order]


def _recorded(path: Any) -> np.ndarray:
    """Return starts and ends of the alerts of a file, epoch seconds, float64[2, n]."""
    frame, lines = read_csv(path)
    missing = [name for name in ("started_utc", "finished_utc") if name not in frame.columns]
    if missing:
        raise ScenarioError(f"{path}: there is no column {missing[0]!r}. Give started_utc and finished_utc.")
    found = np.empty((2, len(frame)))
    for k, name in enumerate(("started_utc", "finished_utc")):
        for i, (line, text) in enumerate(zip(lines, frame[name], strict=True)):
            try:
                found[k, i] = epoch_s(datetime.fromisoformat(text.strip().replace("Z", "+00:00")), "UTC")
            except ValueError:
                raise ScenarioError(
                    f"{path}, line {line}: {name} = {text!r} is no moment; write it as 2024-08-01T06:30:00Z."
                ) from None
    wrong = np.flatnonzero(found[1] < found[0])
    if wrong.size:
        raise ScenarioError(f"{path}, line {lines[wrong[0]]}: the alert ends before it starts. Correct the row.")
    return found
