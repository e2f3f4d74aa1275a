"""Fits the model of leaving to many towns at once, and leaves each of them out in turn."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.optimize import minimize

from safepassage.experiments.fits.towns import ACROSS_A_RIVER, TownSeries
from safepassage.model.behaviour.leaving import share_left, threat_per_day

START = np.array([-3.5, 0.5, 2.4])
"""Where the search begins: logarithms of k0 (1/day), k1 (km weeks/day) and D (km)."""
SHIPPED = np.log([0.0333, 1.44, 10.2])
"""Logarithms of k0 (1/day), k1 (km weeks/day) and D (km) fitted to all twelve towns."""
WIDTH_KM = 2.5
"""Over which the reach of fire fades; chosen among 1.5 to 3.5 (docs/validation_towns.md)."""
THETA = 1.0
"""Variance of the frailty; fitted as a fourth parameter it is 1.1 (0.8 to 1.3) and forecasts no better."""
PRIOR_SD = 3.0
"""Standard deviation of the parameters about START: wide enough only to keep the search from running away.
Assumption."""
SCALE = 0.3
"""Size of a logarithmic error that counts as one. Assumption."""
FRONT_ONLY_START = np.array([-5.0, 0.05])
"""Logarithm of the daily rate at the line, and its fall per km, of the two-parameter hazard it is compared with."""

Forecast = Callable[[TownSeries, np.ndarray], np.ndarray]


def doses(town: TownSeries, parameters: np.ndarray) -> np.ndarray:
    """Return the dose that somebody of mean readiness has taken by each row to forecast."""
    k0, k1, reach_km = np.exp(parameters)
    threat = town.factor * threat_per_day(town.distance_km, town.approach_km_per_week, k0, k1, reach_km, WIDTH_KM)
    return np.concatenate([[0.0], np.cumsum(threat)])[town.day]


def forecast(town: TownSeries, parameters: np.ndarray) -> np.ndarray:
    """Return the residents in each row. All that is used of the town is its first count, its size and its front."""
    return share_left(doses(town, parameters), town.share_first, THETA) * town.prewar


def forecast_front_only(town: TownSeries, parameters: np.ndarray) -> np.ndarray:
    """Return the residents by the two-parameter hazard: exp(a - b x distance), the same for all who are left."""
    rate = np.exp(parameters[0] - parameters[1] * town.distance_km)
    return town.first_count * np.exp(-np.concatenate([[0.0], np.cumsum(rate)])[town.day])


def forecast_constant(town: TownSeries) -> np.ndarray:
    """Return the residents if nobody leaves any more."""
    return np.full(town.day.size, town.first_count)


def forecast_last_rate(town: TownSeries) -> np.ndarray:
    """Return the residents if they go on leaving at the mean rate from before the war to the first count."""
    days = (town.first_date - town.prewar_date).days
    return town.first_count * (town.first_count / town.prewar) ** (town.day / days)


def relative_difference(found, low, high) -> np.ndarray:
    """Return |found - reported| / reported of each row; 0 inside an interval, counted from its nearer end outside."""
    return np.where(found < low, (low - found) / low, np.where(found > high, (found - high) / high, 0.0))


def log_error(found, low, high) -> np.ndarray:
    """Return log(found / reported) of each row; 0 inside an interval."""
    found = np.maximum(found, 1e-6)
    return np.where(found < low, np.log(found / low), np.where(found > high, np.log(found / high), 0.0))


def fit(
    towns: Sequence[TownSeries],
    start: np.ndarray = START,
    model: Forecast = forecast,
    weight: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Return the parameters of least absolute log error, each town counting the same, or by its weight.

    towns: series of counts to fit. start: logarithms from which the search begins. model: what forecasts a town from
    parameters. weight: of each town by name; default: 1.

    The search (Nelder and Mead's) is run twice, the second time from what the first found, in case its simplex
    collapsed.
    """
    prior = START if model is forecast else FRONT_ONLY_START
    names = {town.town: 1.0 for town in towns} if weight is None else weight
    used = [town for town in towns if names.get(town.town, 0.0) > 0]

    def badness(parameters):
        errors: dict[str, list] = {}
        for town in used:
            error = log_error(model(town, parameters), town.low, town.high)
            errors.setdefault(town.town, []).append(np.sqrt(error**2 + 1e-4) / SCALE)
        total = sum(names[name] * np.mean(np.concatenate(e)) for name, e in errors.items())
        return total + 0.5 * np.sum(((parameters - prior) / PRIOR_SD) ** 2)

    found = np.array(start, float)
    for _ in range(2):
        options = {"maxiter": 1500, "xatol": 1e-3, "fatol": 1e-4, "adaptive": True}
        found = minimize(badness, found, method="Nelder-Mead", options=options).x
    return found


def leave_one_town_out(
    towns: Sequence[TownSeries], start: np.ndarray = START, model: Forecast = forecast
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the parameters fitted to all towns, and by name those fitted to all but that one."""
    names = sorted({town.town for town in towns})
    full = fit(towns, start, model)
    return full, {name: fit(towns, full, model, {other: 1.0 for other in names if other != name}) for name in names}


def bootstrap(towns: Sequence[TownSeries], names: Sequence[str], start: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return n fits, each with random weights of whole towns (Bayesian bootstrap, Rubin 1981); float64[n, 3].

    towns: series of counts. names: of the towns that are weighted. start: logarithms from which each search begins.
    seed: fixes the weights.
    """
    chance = np.random.default_rng(seed)
    weights = chance.dirichlet(np.ones(len(names)), n) * len(names)
    return np.array([fit(towns, start, weight=dict(zip(names, row, strict=True))) for row in weights])


def spread_between(towns: Sequence[TownSeries], names: Sequence[str], parameters: np.ndarray) -> tuple[float, float]:
    """Return how far towns lie from a fit: sd of the logarithm of a town's own factor on its rate, and of the rest.

    Towns across a river are left out: their factor is another thing.
    """
    grid = np.linspace(-2.0, 2.0, 81)
    factors, rests = [], []
    for name in names:
        if name in ACROSS_A_RIVER:
            continue
        mine = [(town, doses(town, parameters)) for town in towns if town.town == name]

        def errors(log_factor, mine=mine):
            return np.concatenate(
                [
                    log_error(share_left(d * np.exp(log_factor), t.share_first, THETA) * t.prewar, t.low, t.high)
                    for t, d in mine
                ]
            )

        best = min(grid, key=lambda f: np.abs(errors(f)).mean() + 0.005 * f * f)
        factors.append(best)
        rests.append(np.mean(errors(best) ** 2))
    return float(np.sqrt(np.mean(np.square(factors)))), float(np.sqrt(np.mean(rests)))
