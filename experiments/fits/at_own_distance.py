"""What towns at a run's own distance from the front recorded, by the fit to several towns, with its uncertainty.

The rates at the front line come with the package as pairs drawn from the fit (`casualties_by_town.py`), since the
series of distances that they rest on do not. A record is uncertain beyond them by how towns differ.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from safepassage.agents.ground.arrays import Floats
from safepassage.experiments.fits.casualties_by_town import DAYS_PER_MONTH, SPREAD, factor_at_home
from safepassage.experiments.fits.towns import TABLES
from safepassage.model.harm.casualty_scale import Estimate
from safepassage.model.results.map_tables import read_front
from safepassage.model.results.run_folder import RunFolder
from safepassage.model.settings.front import Front
from safepassage.model.settings.harm import Harm
from safepassage.model.settings.shelling import ShellingProcess

DRAWN = TABLES / "towns_harm_drawn.csv"
FITTED_KM = 22.0
"""No fitted town was farther from the front than this (km): Bakhmut in the spring of 2022."""
DAY_S = 86400.0


@dataclass(frozen=True)
class OwnDistance:
    """Where the homes of a run lie, and what towns there recorded; rates per 1,000 resident-months."""

    distance_km: tuple[float, float, float]
    """Mean, least and largest distance of those at home from the front, over the days of the run."""
    shelling: Estimate
    """Of shelling; 95 % of towns there lie within."""
    crossfire: Estimate
    """The same of crossfire."""
    crossfire_of_run: float
    """What the run's rate of crossfire comes to there, people being where they are in towns under fire."""


def at_own_distance(run: RunFolder) -> OwnDistance | None:
    """Return where the homes of a run lie and what was recorded there; None: the run has no front."""
    front = read_front(run)
    if front is None:
        return None
    harm = Harm.model_validate(run.manifest["scenario"]["harm"])
    settings = run.manifest["scenario"]["front"]
    persons = run.frame("persons")
    homes = persons.groupby(["home_x_m", "home_y_m"], sort=False).ngroup().to_numpy()
    first = np.unique(homes, return_index=True)[1]
    points = front.over(persons.home_x_m.to_numpy()[first], persons.home_y_m.to_numpy()[first])
    away, weight = [], []
    for from_s in np.arange(0.0, max(float(run.manifest["simulated_s"]), 1.0), DAY_S):
        n = np.bincount(homes[(persons.departure_time_s > from_s).to_numpy()], minlength=first.size)
        away.append(points.distance_km(from_s)[n > 0])
        weight.append(n[n > 0])
    distance_km, n = np.concatenate(away), np.concatenate(weight).astype(float)
    at_km = np.abs(distance_km)
    shells = np.exp(-at_km / ShellingProcess.model_fields["front_reach_km"].default)
    fire = np.clip(1.0 - at_km / Front().crossfire_reach_km, 0.0, 1.0)
    fire_of_run = np.clip(1.0 - at_km / settings["crossfire_reach_km"], 0.0, 1.0)
    rates = pd.read_csv(DRAWN)
    each = 1000.0 * DAYS_PER_MONTH * 24.0 * factor_at_home(harm) * settings["crossfire_casualties_per_person_h"]
    return OwnDistance(
        (float(np.average(distance_km, weights=n)), float(distance_km.min()), float(distance_km.max())),
        _range_of_towns(rates.shelling.to_numpy() * np.average(shells, weights=n)),
        _range_of_towns(rates.crossfire.to_numpy() * np.average(fire, weights=n)),
        each * float(np.average(fire_of_run, weights=n)),
    )


def _range_of_towns(mean: Floats) -> Estimate:
    """Return the median of what towns record and its 95 % interval; mean: equally likely means of all towns."""
    of_towns = np.exp(SPREAD * ndtri((np.arange(40) + 0.5) / 40))
    return Estimate(*(float(one) for one in np.quantile(np.outer(mean, of_towns), (0.5, 0.025, 0.975))))
