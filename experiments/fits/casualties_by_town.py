"""Fits how dangerous shelling and crossfire are by distance to the front, to casualties that several towns recorded.

Expected casualties of a row are the sum over its days of residents times

    shelling * mean of exp(-d / reach) + crossfire * mean of max(0, 1 - d / crossfire reach),

means over the town; d: km to the front, on either side, from each part of it. The middle of the town lies at the
distance that is known; its parts lie up to its radius nearer and farther, so its edge counts for crossfire as it
should. The two rates are casualties per 1,000 resident-months at the front line, people being where they are in towns
under fire. The reach of shelling is fitted to reports of it, in `shelling_reach.py`.

From casualties alone only the product of how much falls near people and how lethal it is follows. Lethality is fixed
(`Harm`, from the literature); what falls near people is then fitted.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from safepassage.agents.ground.arrays import Bools, Floats
from safepassage.experiments.fits import siege_damage
from safepassage.experiments.fits.shelling_reach import reach_km, reports_by_distance
from safepassage.experiments.fits.towns import COUNTS, TABLES, data_folder, front_series
from safepassage.model.harm.casualty_scale import Estimate
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.front import Front
from safepassage.model.settings.harm import Harm
from safepassage.model.settings.shelling import ShellingProcess

TABLE = TABLES / "casualties_by_town.csv"
LEAST_DAYS = 28
"""Rows of fewer days than this are checks only: they depend mostly on chance and on the choice of days."""
DAYS_PER_MONTH = 365.25 / 12
SPREAD = 0.5
"""Standard deviation of the logarithm of recorded casualties beyond chance: undercount, residents, how towns differ.
Assumption: two of three rows within a factor of 1.65."""
SHELLING_GRID, CROSSFIRE_GRID = np.geomspace(0.1, 50.0, 241), np.geomspace(0.5, 500.0, 241)
"""Rates tried, per 1,000 resident-months; all equally likely beforehand on a logarithmic scale."""
N_DRAWN = 200
OF_TOWNS = ("city", "hromada")
"""Scopes of a row that are one town; others are parts of an oblast, at the distance of the town named."""


@dataclass(frozen=True)
class TownsFit:
    """What the records of several towns say; rates per 1,000 resident-months at the front line."""

    shelling: Estimate
    crossfire: Estimate
    rows: pd.DataFrame
    """town, from, use (fit or check), scope, recorded, expected, per_1000_resident_months."""
    drawn: Floats
    """Pairs of both rates, each as likely as the other: `towns_harm_drawn.csv`."""


def read_rows() -> pd.DataFrame:
    """Return the table of recorded casualties, each row marked as of use for the fit or as a check, by the rule."""
    rows = pd.read_csv(TABLE, parse_dates=["from", "to"])
    days = (rows["to"] - rows["from"]).dt.days + 1
    barred = (days < LEAST_DAYS) | rows.injured.isna() | rows.residents_start.isna()
    wrong = rows[barred & (rows.use == "fit")]
    if len(wrong):
        raise ScenarioError(f"{TABLE}: {wrong.town.iloc[0]} of {wrong['from'].iloc[0]:%Y-%m-%d} is marked fit, but has "
                            "fewer than 28 days, no injured or no residents. Mark it check.")  # fmt: skip
    return rows


def fit_towns(folder: Path) -> TownsFit:
    """Return the fit of shelling and crossfire to the towns; folder: of the front series (conflict/)."""
    rows, front = read_rows(), front_series(folder)
    n_months, shelling, crossfire = (np.array(c) for c in zip(*[_exposure(r, front) for r in rows.itertuples()],
                                                                  strict=True))  # fmt: skip
    recorded = np.sqrt(rows.casualties_low * rows.casualties_high).to_numpy() * (1 - rows.share_by_drones.to_numpy())
    weight = _weights(recorded, shelling, crossfire, (rows.use == "fit").to_numpy())
    found = [_estimate(grid, weight.sum(axis=1 - k)) for k, grid in enumerate((SHELLING_GRID, CROSSFIRE_GRID))]
    table = rows[["town", "from", "use", "scope"]].assign(
        recorded=recorded,
        expected=found[0].value * shelling + found[1].value * crossfire,
        per_1000_resident_months=recorded / n_months,
    )
    return TownsFit(*found, table, _draws(weight))


def _weights(recorded: Floats, shelling: Floats, crossfire: Floats, fits: Bools) -> Floats:
    """Return how likely each pair of rates is by the rows that are fitted, float64[shelling, crossfire]."""
    a, c = np.meshgrid(SHELLING_GRID, CROSSFIRE_GRID, indexing="ij")
    expected = a[..., None] * shelling[fits] + c[..., None] * crossfire[fits]
    variance = 1.0 / recorded[fits] + SPREAD**2
    logs = -0.5 * (np.log(recorded[fits] / expected) ** 2 / variance).sum(axis=-1)
    return np.exp(logs - logs.max())


def _draws(weight: Floats) -> Floats:
    """Return pairs of rates, each as likely as the other, float64[N_DRAWN, 2]: at even steps of their chance."""
    at = np.searchsorted(np.cumsum(weight.ravel()), (np.arange(N_DRAWN) + 0.5) / N_DRAWN * weight.sum())
    k, j = np.unravel_index(at, weight.shape)
    return np.column_stack((SHELLING_GRID[k], CROSSFIRE_GRID[j]))


def _estimate(grid: Floats, weight: Floats) -> Estimate:
    share = np.cumsum(weight) / weight.sum()
    return Estimate(*(float(np.interp(q, share, grid)) for q in (0.5, 0.025, 0.975)))


def _exposure(row, front: dict[str, pd.Series]) -> tuple[float, float, float]:
    """Return thousands of resident-months of a row: all, times nearness for shelling, times that for crossfire."""
    days = pd.date_range(row[3], row.to)
    known = front[row.town]
    distance_km = known.reindex(known.index.union(days)).interpolate("time").bfill().ffill().reindex(days).to_numpy()
    at = np.abs(distance_km[:, None] + np.linspace(-row.radius_km, row.radius_km, 41))
    residents = _residents(row, days)[:, None] / DAYS_PER_MONTH / 1000
    shells = np.exp(-at / ShellingProcess.model_fields["front_reach_km"].default)
    fire = np.clip(1 - at / Front().crossfire_reach_km, 0, 1)
    return tuple(float((residents * near).mean(axis=1).sum()) for near in (np.ones_like(at), shells, fire))


def _residents(row, days: pd.DatetimeIndex) -> Floats:
    """Return residents day by day: between counts of the town, at the same share per day."""
    counts = pd.read_csv(COUNTS, parse_dates=["date"])
    is_town = row.scope in OF_TOWNS  # the table has no counts of parts of an oblast
    within = is_town & (counts.town == row.town) & (counts.date >= days[0]) & (counts.date <= days[-1])
    known = counts[within & (days.size >= LEAST_DAYS)].groupby("date").residents_reported.mean()
    ends = pd.Series([row.residents_start, row.residents_end], index=[days[0], days[-1]]).groupby(level=0).mean()
    known = ends.combine_first(known).sort_index()
    return np.exp(np.interp(days.to_julian_date(), known.index.to_julian_date(), np.log(known.to_numpy(float))))


def factor_at_home(harm: Harm) -> float:
    """Return the mean share of harm that gets through to people at home, half of the time under an alert."""
    rooms, factor = harm.rooms, harm.protection
    above = (
        rooms.share_usually_inner_room * factor.inner_room + (1 - rooms.share_usually_inner_room) * factor.upper_floor
    )
    below = rooms.share_with_basement * rooms.share_usually_basement
    usual = below * factor.basement + (1 - below) * above
    safest = rooms.share_with_basement * factor.basement + (1 - rooms.share_with_basement) * factor.inner_room
    alert = rooms.share_who_heed_alerts * safest + (1 - rooms.share_who_heed_alerts) * usual
    return (usual + alert) / 2


def area_per_event_km2(harm: Harm, size_shares: tuple[float, float, float]) -> float:
    """Return the unprotected casualties that one impact makes in an even crowd of one person a km2, mean over sizes."""
    k = harm.steepness
    whole = 2 * np.pi * (np.pi / k) / np.sin(2 * np.pi / k)
    d50_2 = float(np.dot(size_shares, np.square(harm.d50_m)))
    return float(harm.casualty_scale * harm.p_at_centre * whole * d50_2 / 1e6)


def events_per_km2_day(fit: TownsFit, harm: Harm, process: ShellingProcess) -> Estimate:
    """Return the events near people at the front line that the fitted shelling stands for, aftershocks included."""
    each = 1000 * DAYS_PER_MONTH * area_per_event_km2(harm, process.size_shares) * factor_at_home(harm)
    return Estimate(fit.shelling.value / each, fit.shelling.low / each, fit.shelling.high / each)


def crossfire_per_person_h(fit: TownsFit, harm: Harm) -> Estimate:
    """Return the rate at which crossfire harms somebody unprotected at the front line (1/h)."""
    each = 1000 * DAYS_PER_MONTH * 24 * factor_at_home(harm)
    return Estimate(fit.crossfire.value / each, fit.crossfire.low / each, fit.crossfire.high / each)


CASUALTIES_OF_SHELLING, SHELLS = 107, 12_000
"""Right bank of Kherson oblast, January 2025: 266 casualties, 159 of them by drones, of over 12,000 shells (Prokudin,
nation.ge 31913)."""
RESIDENTS_PER_KM2 = 950.0
"""66,000 over the 70 km2 of Kherson that are built up; the area is an assumption."""
SHARE_SPREAD = 0.55
"""Standard deviation of the logarithm of the share: residents per km2 within a factor of 2, the reach of the curve
within 1.4 (95 %). Assumption."""


def share_near_people(harm: Harm, process: ShellingProcess) -> Estimate:
    """Return the share of the shells that authorities count which fall near people, for the lethality that is fixed."""
    by_one_near = RESIDENTS_PER_KM2 * area_per_event_km2(harm, process.size_shares) * factor_at_home(harm)
    share = CASUALTIES_OF_SHELLING / SHELLS / by_one_near
    wide = float(np.exp(1.96 * np.hypot(SHARE_SPREAD, CASUALTIES_OF_SHELLING**-0.5)))
    return Estimate(share, share / wide, share * wide)


def table(folder: Path) -> list[str]:
    """Return the fit and its checks as lines of text; folder: of the front series (conflict/)."""
    fit, harm, process = fit_towns(folder), Harm(), ShellingProcess(events_per_day=1.0)
    lines = [f"{'town':<22}{'from':<12}{'use':<7}{'recorded':>9}{'expected':>9}  per 1,000 resident-months"]
    for row in fit.rows.itertuples():
        place = f"{row.town}, {row.scope}" if row.scope not in OF_TOWNS else row.town
        lines.append(
            f"{place:<22}{row[2]:%Y-%m-%d}  {row.use:<7}{row.recorded:>9,.0f}{row.expected:>9,.1f}"
            f"{row.per_1000_resident_months:>9,.1f}"
        )
    used = fit.rows[fit.rows.use == "fit"]
    worst = float(np.exp(np.abs(np.log(used.recorded / used.expected)).max()))
    each = area_per_event_km2(harm, process.size_shares)
    lines.append(f"rows fitted are met within a factor of {worst:.1f}; lethality is fixed: {each:.3g} unprotected "
                 "casualties per impact and resident per km2")  # fmt: skip
    found = {
        "shelling at the front line, casualties per 1,000 resident-months": fit.shelling,
        "crossfire there, casualties per 1,000 resident-months": fit.crossfire,
        "events near people there per km2 and day, lethality fixed": events_per_km2_day(fit, harm, process),
        "front.crossfire_casualties_per_person_h": crossfire_per_person_h(fit, harm),
        "share_near_people of the shells that authorities count": share_near_people(harm, process),
    }
    lines += [f"{what}: {one.value:.3g} ({one.low:.2g} to {one.high:.2g})" for what, one in found.items()]
    reports = reports_by_distance(folder)
    reach = reach_km(reports)
    lines.append(
        f"shelling falls by a factor e over {reach.value:.1f} km (90 %: {reach.low:.1f} to {reach.high:.1f}); "
        f"{len(reports)} months of {reports.hromada.nunique()} hromadas"
    )
    return [*lines, *siege_damage.lines(folder.parent)]


def table_or_refusal() -> list[str]:
    """Return the fit and its checks as lines; raises ScenarioError if the front series are not at hand."""
    folder = data_folder()
    if folder is None:
        raise ScenarioError(
            "the distances of these towns to the front do not come with the package. Name the folder that holds "
            "conflict/front_distance_daily.csv in SAFEPASSAGE_DATA, or give a run folder to fit its own events."
        )
    return table(folder)
