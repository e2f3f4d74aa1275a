"""Fits the distance from the front over which shelling falls by a factor e, to reports from many hromadas.

Reports of a hromada in a month are taken to be negative binomial about `rate * area * exp(-d / reach)`; d: mean
distance of the month from the middle of its town to the front (km). The interval is a bootstrap over hromadas, since
the months of one are not independent.

Reports: VIINA, counted by hromada and month in fwitmer/ukraine-damage, May 2022 to September 2023.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import optimize, stats

from safepassage.agents.ground.arrays import Floats
from safepassage.experiments.fits.towns import front_series
from safepassage.model.harm.casualty_scale import Estimate

REPORTS = "viina_damage_events_by_hromada_month.csv"
OBLASTS = "Donetsk|Luhansk|Kharkiv|Zapor|Kherson"
FIRST, LAST = "2022-05", "2023-09"
MOST_KM = 45.0
"""Farther away, long-range missiles fall at any distance from the front and say nothing of its reach (km).
Assumption."""
N_RESAMPLES = 200
STEM = 6
"""Number of first letters by which a town is matched with its hromada, which the two tables spell differently."""


def reports_by_distance(folder: Path) -> pd.DataFrame:
    """Return a row for each hromada and month: hromada, distance_km, n_reports, area_km2.

    folder: of the front series and the reports (conflict/).
    """
    reports = pd.read_csv(folder / REPORTS)
    reports = reports[reports.oblast.str.contains(OBLASTS)]
    months = [column for column in reports if column[:2] == "20" and FIRST <= column <= LAST]
    rows = []
    for town, series in sorted(front_series(folder).items()):
        found = reports[reports.hromada.str.lower().str.startswith(town.lower()[:STEM])]
        if len(found) != 1:
            continue  # none, or several of one stem
        known = series.dropna()
        for month in months:
            distance_km = known[known.index.strftime("%Y-%m") == month].mean()
            if distance_km > 0:
                row = found.iloc[0]
                rows.append((town, float(distance_km), float(row[month]), float(row.area_km2)))
    return pd.DataFrame(rows, columns=["hromada", "distance_km", "n_reports", "area_km2"])


def reach_km(rows: pd.DataFrame, seed: int = 1) -> Estimate:
    """Return the distance over which reports fall by e (km), with its 90 % interval.

    rows: as `reports_by_distance` returns them. seed: of the bootstrap.
    """
    near = rows[rows.distance_km < MOST_KM]
    start = _fit(near, np.array([-1.0, np.log(10.0), 0.0]))
    chance, names = np.random.default_rng(seed), near.hromada.unique()
    by_name = dict(list(near.groupby("hromada")))
    found = []
    for _ in range(N_RESAMPLES):
        sample = pd.concat([by_name[name] for name in chance.choice(names, names.size)])
        found.append(np.exp(_fit(sample, start)[1]))
    low, high = np.quantile(found, [0.05, 0.95])
    return Estimate(float(np.exp(start[1])), float(low), float(high))


def _fit(rows: pd.DataFrame, start: Floats) -> Floats:
    """Return logarithms of rate, reach and size of the negative binomial, by maximum likelihood."""
    n, area, distance = (rows[c].to_numpy(float) for c in ("n_reports", "area_km2", "distance_km"))

    def minus_log(parameters: Floats) -> float:
        log_rate, log_reach, log_size = np.clip(parameters, -15, 15)
        mean, size = np.exp(log_rate - distance / np.exp(log_reach)) * area, np.exp(log_size)
        return -float(stats.nbinom.logpmf(n, size, size / (size + mean)).sum())

    return optimize.minimize(minus_log, start, method="Nelder-Mead").x
