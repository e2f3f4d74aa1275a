"""The reported residents and children of Pokrovsk, and what a run says of the same days."""

from datetime import datetime, time

import numpy as np
import pandas as pd

from safepassage.agents.civilians import Status
from safepassage.model.clock import epoch_s
from safepassage.model.settings.scenario import load


def series():
    """Return the reported series, by date."""
    table = load("pokrovsk").source.folder / "tables" / "pokrovsk_residents_reported.csv"
    return pd.read_csv(table, parse_dates=["date"]).sort_values("date", ignore_index=True)


def noons_s(scenario, dates):
    """Return noon of each date (s after the start of the run)."""
    zone = scenario.shelling.time_zone
    start_s = epoch_s(scenario.run.start, zone)
    return [epoch_s(datetime.combine(day, time(12)), zone) - start_s for day in dates]


def left(model, dates):
    """Return residents and children still there at noon of each date; runs the model to its end."""
    is_child = model.people.age < 18
    rows, due_s = [], noons_s(model.settings, dates)
    while len(rows) < len(due_s):
        if model.time_s >= due_s[len(rows)] or not model.running:
            here = (model.people.status != Status.SAFE) & (model.people.status != Status.DEAD)
            rows.append((int(here.sum()), int((here & is_child).sum())))
        else:
            model.step()
    model.run()
    return pd.DataFrame(rows, columns=["residents", "children"])


def averaged_relative_difference(found, reported):
    """Return FLEE's score: sum of absolute differences / sum of reported numbers (Groen 2016)."""
    return float(np.abs(np.asarray(found) - np.asarray(reported)).sum() / np.asarray(reported).sum())


def mean_relative_difference(found, reported):
    """Return the mean over the rows of the difference relative to what was reported: each row counts the same."""
    return float((np.abs(np.asarray(found) - np.asarray(reported)) / np.asarray(reported)).mean())
