"""The people of a place in shares: by age and sex, by household size and by mobility; from tables or settings."""

from dataclasses import dataclass

import numpy as np

from safepassage.agents.civilians import Mobility
from safepassage.model.inputs.tables import read_table
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.population import Population

ADULT_AGE, OLD_AGE, OLDEST_AGE, LIFESPAN = 18, 65, 95, 120
"""Of age; old; end of the last group where no table is given (Assumption); no table goes beyond (years)."""
SHARE_UNDER_18, SHARE_65_AND_OVER, SHARE_FEMALE = 0.18, 0.217, 0.54
"""Where neither a table nor the scenario says otherwise: Ukraine 2020 and Donetsk oblast 2020 (UNFPA COD-PS)."""
SEXES = {"M": 0, "F": 1, "male": 0, "female": 1}


@dataclass(frozen=True, eq=False)
class AgeSex:
    """Share of all persons by sex and year of age, and the cells in which they are reported."""

    share: np.ndarray
    """float64[2, LIFESPAN]: [man, woman][age]; adds up to 1."""
    cells: tuple[tuple[int, int, int], ...]
    """(0 man or 1 woman, age from, age below)."""

    def of(self, cell: tuple[int, int, int]) -> float:
        """Return the share of a cell."""
        sex, age_from, age_below = cell
        return float(self.share[sex, age_from:age_below].sum())


def age_sex(settings: Population) -> AgeSex:
    """Return the shares by age and sex: of the table, raked to the shares that the scenario states; or of these alone.

    Within a cell every year of age has the same share.
    """
    if settings.age_sex_table is None:
        child, old, female = (
            default if stated is None else stated
            for stated, default in (
                (settings.share_under_18, SHARE_UNDER_18),
                (settings.share_65_and_over, SHARE_65_AND_OVER),
                (settings.share_female, SHARE_FEMALE),
            )
        )
        if settings.share_65_and_over is None:
            old = min(old, 1 - child)
        else:
            child = min(child, 1 - old)
        ages = ((0, ADULT_AGE, child), (ADULT_AGE, OLD_AGE, 1 - child - old), (OLD_AGE, OLDEST_AGE, old))
        rows = [(sex, a, b, s * (female if sex else 1 - female)) for sex in (1, 0) for a, b, s in ages]
    else:
        rows = _read_age_sex(settings)
    share = np.zeros((2, LIFESPAN))
    for sex, age_from, age_below, part in rows:
        share[sex, age_from:age_below] = part / (age_below - age_from)
    share /= share.sum()
    if settings.age_sex_table is not None:
        share = _raked(settings, share)
    return AgeSex(share, tuple(row[:3] for row in rows))


def _read_age_sex(settings: Population) -> list[tuple[int, int, int, float]]:
    path = settings.age_sex_table
    assert path is not None
    table = read_table(path, ("sex", "age_from", "age_below", "share"))
    sex = table.choices("sex", SEXES)
    age_from = table.numbers("age_from", 0, LIFESPAN - 1, whole=True)
    age_below = table.numbers("age_below", 1, LIFESPAN, whole=True)
    share = table.numbers("share", 0, 1)
    table.note("age_below", age_below <= age_from, "it must be above age_from")
    order = np.lexsort((age_from, sex))
    overlaps = np.zeros(len(table), bool)
    overlaps[order[1:]] = (np.diff(sex[order]) == 0) & (age_from[order[1:]] < age_below[order[:-1]])
    table.note("age_from", overlaps & (sex >= 0), "this group overlaps another one of the same sex")
    table.check()
    if abs(share.sum() - 1) > 0.01:
        raise ScenarioError(f"{path}: the shares add up to {share.sum():g}; they must add up to 1. Correct the table.")
    ages = (column.astype(int).tolist() for column in (age_from, age_below))
    return list(zip(sex.tolist(), *ages, share.tolist(), strict=True))


def _raked(settings: Population, share: np.ndarray) -> np.ndarray:
    """Return shares scaled in turn to each stated margin until all hold (Deming and Stephan 1940)."""
    group = np.digitize(np.arange(LIFESPAN), (ADULT_AGE, OLD_AGE))
    is_child, is_old = group == 0, group == 2
    masks = [
        (np.broadcast_to(is_child, share.shape), settings.share_under_18, "share_under_18"),
        (np.broadcast_to(is_old, share.shape), settings.share_65_and_over, "share_65_and_over"),
        (np.array([False, True])[:, None] & np.ones(LIFESPAN, bool), settings.share_female, "share_female"),
    ]
    for _ in range(50):
        for mask, wanted, name in masks:
            if wanted is None:
                continue
            now = share[mask].sum()
            if (now == 0 < wanted) or (now == share.sum() and wanted < 1):
                raise ScenarioError(
                    f"{settings.age_sex_table}: the table cannot be scaled to population.{name} = {wanted:g}, since it "
                    f"gives {now:g}. Leave the key out or correct the table."
                )
            share = np.where(mask, share * (wanted / now if now else 0.0), share * ((1 - wanted) / max(1 - now, 1e-12)))
    return share / share.sum()


def size_shares(settings: Population) -> np.ndarray:
    """Return the shares of households of 1, 2, 3, ... persons, float64; an open last class counts as its least."""
    path = settings.household_size_table
    if path is None:
        return np.array(settings.household_size_shares) / sum(settings.household_size_shares)
    table = read_table(path, ("n_persons", "share"), ("or_more",))
    size, share = table.numbers("n_persons", 1, 50, whole=True), table.numbers("share", 0, 1)
    table.note("n_persons", table["n_persons"].duplicated(), "it stands there twice")
    table.check()
    if abs(share.sum() - 1) > 0.01:
        raise ScenarioError(f"{path}: the shares add up to {share.sum():g}; they must add up to 1. Correct the table.")
    return np.bincount(size.astype(int) - 1, share) / share.sum()


def p_mobility(settings: Population) -> np.ndarray:
    """Return the probability of each Mobility for men and women of each age, float64[3, 2, LIFESPAN]."""
    p = np.empty((len(Mobility), 2, LIFESPAN))
    p_slow, p_assisted = p[Mobility.SLOW], p[Mobility.NEEDS_ASSISTANCE]
    year = np.arange(LIFESPAN)
    old = year >= OLD_AGE
    p_slow[:] = np.where(old, settings.p_slow_65, np.where(year >= ADULT_AGE, settings.p_slow_under_65, 0.0))
    p_assisted[:] = np.where(old, settings.p_needs_assistance_65, settings.p_needs_assistance_under_65)
    path = settings.mobility_table
    if path is not None:
        table = read_table(path, ("sex", "age_from", "age_below", "p_slow", "p_needs_assistance"))
        sex = table.choices("sex", SEXES)
        low = table.numbers("age_from", 0, LIFESPAN - 1, whole=True)
        high = table.numbers("age_below", 1, LIFESPAN, whole=True)
        slow, assisted = (table.numbers(name, 0, 1) for name in ("p_slow", "p_needs_assistance"))
        table.note("p_slow", slow + assisted > 1, "p_slow + p_needs_assistance is above 1")
        table.check()
        low, high = low.astype(int), high.astype(int)
        for row in range(len(table)):
            p_slow[sex[row], low[row] : high[row]] = slow[row]
            p_assisted[sex[row], low[row] : high[row]] = assisted[row]
    p[Mobility.UNIMPAIRED] = 1 - p_slow - p_assisted
    return p


def p_car(settings: Population, size: np.ndarray, eldest_alone: np.ndarray) -> np.ndarray:
    """Return the probability of a usable car by household; eldest_alone: bool, one person of 65 or over."""
    by_size = np.array(settings.p_car_by_size or (settings.p_car,))
    p = by_size[np.minimum(size, by_size.size) - 1]
    return np.where(eldest_alone, settings.p_car_lone_65, p)
