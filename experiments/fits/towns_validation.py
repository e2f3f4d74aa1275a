"""The model of leaving held against towns that its fit has not seen: what `safepassage verify towns` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from safepassage.experiments.fits import towns_fit, towns_given, towns_simulated
from safepassage.experiments.fits.towns import TownSeries, data_folder, read_towns
from safepassage.experiments.fits.towns_fit import SHIPPED, THETA, doses, relative_difference
from safepassage.experiments.fits.towns_old import share_old
from safepassage.model.behaviour.leaving import share_left

N_BOOTSTRAP = 40
N_DRAWS = 800
HOUSEHOLD = 2.6
"""People who decide together: the variance of a count is this many times that of single people (SOURCES 4)."""
RULES = ("constant", "last rate", "front hazard")
NEEDS_DATA = (
    "SAFEPASSAGE_DATA is not set, and the full front series may not be shipped. Shown are the towns of which officials "
    "quoted a distance (3.5 km added: they count from the limit of the city), with the values that are shipped, which "
    "were fitted to these towns too."
)

TWELVE_LEFT_OUT = "The values are fitted to the twelve towns; a town that is one of them is left out of the fit."
TWELVE_KNOWN = (
    "The values are the shipped ones, fitted to twelve towns; without SAFEPASSAGE_DATA a town that is one of them "
    "cannot be left out."
)


@dataclass(frozen=True, eq=False)
class Judged:
    """One town with what the model, fitted to the others, and the simple rules forecast for it."""

    series: TownSeries
    model: np.ndarray
    """float64: median of the forecast for each row, the point forecast where there is no band."""
    band: np.ndarray | None
    """float64[2, rows]: 5th and 95th percentile."""
    rules: dict[str, np.ndarray]
    pool: np.ndarray | None = None
    """float64[n, 3]: fits to the other towns, each with random weights of whole towns; None: no band."""
    spread: tuple[float, float] = (0.0, 0.0)
    """sd of the logarithm of a town's own factor, and of the noise of counts."""

    def errors(self, found: np.ndarray) -> np.ndarray:
        """Return the relative differences of a forecast."""
        return relative_difference(found, self.series.low, self.series.high)

    @property
    def is_inside(self) -> np.ndarray:
        """Whether the reported number or interval of each row meets the band, bool."""
        return (self.band[0] <= self.series.high) & (self.band[1] >= self.series.low)


def judge(towns: Sequence[TownSeries], n_bootstrap: int = N_BOOTSTRAP) -> list[Judged]:
    """Return every town forecast by a fit to all others; n_bootstrap 0: without bands."""
    names = sorted({town.town for town in towns})
    _, left_out = towns_fit.leave_one_town_out(towns)
    _, front_left_out = towns_fit.leave_one_town_out(towns, towns_fit.FRONT_ONLY_START, towns_fit.forecast_front_only)
    pools = {}
    for i, name in enumerate(names if n_bootstrap else ()):
        others = [other for other in names if other != name]
        pool = towns_fit.bootstrap(towns, others, left_out[name], n_bootstrap, seed=5 + i)
        spread = towns_fit.spread_between(towns, others, left_out[name])
        pools[name] = pool, spread, 100 + i
    judged = []
    for town in towns:
        rules = {
            "constant": towns_fit.forecast_constant(town),
            "last rate": towns_fit.forecast_last_rate(town),
            "front hazard": towns_fit.forecast_front_only(town, front_left_out[town.town]),
        }
        model = towns_fit.forecast(town, left_out[town.town])
        if n_bootstrap:
            pool, spread, seed = pools[town.town]
            judged.append(Judged(town, model, _band(town, pool, spread, seed), rules, pool, spread))
        else:
            judged.append(Judged(town, model, None, rules))
    return judged


def _band(town: TownSeries, pool: np.ndarray, spread: tuple[float, float], seed: int) -> np.ndarray:
    """Return the 90 % band of a town that a pool of fits to the others predicts: float64[2, rows].

    It holds the uncertainty of the parameters, a factor of the town's own on its rate, the chance of single households,
    and the noise of counts: half its variance in the first count, half in the row.
    """
    chance = np.random.default_rng(seed)
    between, noise = spread[0], spread[1] / np.sqrt(2)
    taken = [doses(town, parameters) for parameters in pool]
    rows = np.empty((N_DRAWS, town.day.size))
    for i in range(N_DRAWS):
        first = min(town.first_count * np.exp(noise * chance.standard_normal()), town.prewar)
        dose = taken[i % len(taken)] * np.exp(between * chance.standard_normal())
        left = share_left(dose, first / town.prewar, THETA) * town.prewar
        sd = np.sqrt(HOUSEHOLD * left * np.clip(1 - left / first, 0, 1))
        left = np.maximum(left + sd * chance.standard_normal(left.size), 0.0)
        rows[i] = left * np.exp(noise * chance.standard_normal(left.size))
    return np.percentile(rows, [5, 95], axis=0)


def by_town(judged: Sequence[Judged], forecast) -> np.ndarray:
    """Return the mean relative difference of each town, in order of name; forecast: function of a Judged."""
    errors: dict[str, list] = {}
    for town in judged:
        errors.setdefault(town.series.town, []).append(town.errors(forecast(town)))
    return np.array([np.concatenate(errors[name]).mean() for name in sorted(errors)])


def table(n_runs: int = 0) -> Iterator[str]:
    """Yield the lines of the validation table; the last is the score. n_runs: of the simulator in each town, too."""
    folder = data_folder()
    towns = read_towns(folder)
    if folder is None:
        yield NEEDS_DATA
        shown = [
            Judged(t, towns_fit.forecast(t, SHIPPED), None, {"constant": towns_fit.forecast_constant(t)}) for t in towns
        ]
        yield from _rows(shown)
        yield "leave-one-town-out: not done, since it needs the full front series of all towns"
        return
    judged = judge(towns)
    yield from _rows(judged)
    if n_runs:
        yield from towns_simulated.lines(judged, n_runs)
    yield ""
    yield from _scores(judged)


def _rows(judged: Sequence[Judged]) -> Iterator[str]:
    rules = list(judged[0].rules)
    heads = "".join(f"{rule:>14}" for rule in rules)
    yield f"  {'date':12}{'front km':>9}{'reported':>18}{'model':>9}{'90 % band':>19}{heads}{'aged 65+':>10}"
    for town in judged:
        s = town.series
        yield (
            f"{s.town}, {s.scope}: first count {s.first_count:,.0f} on {s.first_date:%Y-%m-%d}, "
            f"{s.share_first:.0%} of {s.prewar:,.0f} before the war"
        )
        old = share_old(np.minimum(town.model / s.prewar, 0.999))
        for j, day in enumerate(s.day):
            band = "-" if town.band is None else f"{town.band[0][j]:,.0f} to {town.band[1][j]:,.0f}"
            rest = "".join(f"{town.rules[rule][j]:14,.0f}" for rule in rules)
            yield (
                f"  {s.dates[j]:%Y-%m-%d}  {s.distance_km[day]:9.1f}{s.reported[j]:>18}{town.model[j]:9,.0f}"
                f"{band:>19}{rest}{old[j]:10.0%}"
            )


def _scores(judged: Sequence[Judged]) -> Iterator[str]:
    yield from _by_town_lines(judged)
    yield (
        "The form was chosen among 109 logged tries on these same towns. With the form chosen again for each town "
        "from the other towns alone, the mean is 0.27 and the median 0.22: expect this for a new town "
        "(docs/validation_towns.md)."
    )
    yield f"leave-one-town-out: {_score(judged)}"


def _by_town_lines(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield the score of each town by the model and by each simple rule, and how often the model is better."""
    names = sorted({town.series.town for town in judged})
    model = by_town(judged, lambda town: town.model)
    rules = {rule: by_town(judged, lambda town, rule=rule: town.rules[rule]) for rule in RULES}
    yield f"{'ARD':18}{'rows':>6}{'model':>8}" + "".join(f"{r:>14}" for r in RULES) + f"{'rows in band':>14}"
    inside = {name: np.concatenate([t.is_inside for t in judged if t.series.town == name]) for name in names}
    for i, name in enumerate(names):
        rest = "".join(f"{rules[rule][i]:14.2f}" for rule in RULES)
        yield f"{name:18}{inside[name].size:6}{model[i]:8.2f}{rest}{inside[name].mean():14.0%}"
    for what, of in (("mean", np.mean), ("median", np.median)):
        yield f"{what:24}{of(model):8.2f}" + "".join(f"{of(rules[rule]):14.2f}" for rule in RULES)
    for rule in RULES:
        yield f"the model is better than {rule} in {int((model < rules[rule]).sum())} of {len(names)} towns"


def _score(judged: Sequence[Judged]) -> str:
    """Return the model's score in one line, beside that of the best simple rule."""
    model = by_town(judged, lambda town: town.model)
    best = min(by_town(judged, lambda town, rule=rule: town.rules[rule]).mean() for rule in RULES)
    coverage = np.concatenate([town.is_inside for town in judged]).mean()
    return (
        f"model ARD mean {model.mean():.2f} median {np.median(model):.2f}, best simple rule {best:.2f}, "
        f"band coverage {100 * coverage:.0f} %"
    )


def given_table(counts: Path, front: Path, n_runs: int = 0) -> Iterator[str]:
    """Yield the lines of the same table for towns that a user gives; the last is the score.

    counts, front: the user's tables, see `read_given`. n_runs: of the simulator in each town, too.
    """
    folder = data_folder()
    towns, notes = towns_given.read_given(counts, front)
    yield (
        "All that the forecast uses of a town is its first count, its residents before the war and its front. "
        + (TWELVE_LEFT_OUT if folder else TWELVE_KNOWN)
    )
    judged = []
    for town, (point, pool, spread, front_only) in towns_given.fits_for(towns, folder, N_BOOTSTRAP).items():
        rules = {
            "constant": towns_fit.forecast_constant(town),
            "last rate": towns_fit.forecast_last_rate(town),
            "front hazard": towns_fit.forecast_front_only(town, front_only),
        }
        band = _band(town, pool, spread, seed=100)
        judged.append(Judged(town, towns_fit.forecast(town, point), band, rules, pool, spread))
    yield from _rows(judged)
    if n_runs:
        yield from towns_simulated.lines(judged, n_runs)
    yield ""
    yield from _by_town_lines(judged)
    yield from notes
    yield f"towns given: {_score(judged)}"
