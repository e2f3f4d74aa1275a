"""How the people of a model match what was asked for: each margin's targets, results, errors and chi-square."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from safepassage.agents.civilians import Mobility, People
from safepassage.agents.households import Households
from safepassage.model.people import demography
from safepassage.model.people.demography import OLD_AGE, OLDEST_AGE
from safepassage.model.settings.population import Population
from safepassage.model.streets.zones import Zones

SHARE_WITH_DISABILITY = 1 / 3
"""Households that include a person with a disability (466 evacuees of Pokrovsk and Myrnohrad, Responsible Citizens
2024): shown beside the result; p_slow_* and p_needs_assistance_* were chosen with it in mind."""


@dataclass(frozen=True, eq=False)
class Margin:
    """One margin: categories, how many were asked for, how many there are. Persons or households."""

    name: str
    unit: str
    category: tuple[str, ...]
    target: np.ndarray
    """float64: expected number; nan where nothing was asked for."""
    result: np.ndarray
    """int64"""
    is_constraint: bool = True
    """False: a figure to compare with, which the synthesis does not aim at."""
    n_groups: int = 1
    """Groups within which the categories' targets add up to the results: each costs one degree of freedom."""

    @property
    def relative_error(self) -> np.ndarray:
        """(result - target) / target by category, float64; nan where the target is 0 or none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.target > 0, (self.result - self.target) / self.target, np.nan)

    @property
    def chi_square(self) -> float:
        """Pearson's chi-square over the categories with a target above 0."""
        asked = self.target > 0
        return float(((self.result[asked] - self.target[asked]) ** 2 / self.target[asked]).sum())

    @property
    def p_value(self) -> float:
        """Probability of a chi-square at least as large if people were drawn at random from the targets."""
        n_free = int((self.target > 0).sum()) - self.n_groups
        return float(chdtrc(n_free, self.chi_square)) if n_free > 0 else float("nan")


def margins(settings: Population, zones: Zones, households: Households, people: People) -> tuple[Margin, ...]:
    """Return targets against result for age and sex, household size, cars, mobility, disability and zones.

    Families that split are counted as the one household that they are at home.

    settings: the scenario's section `Population`. households: columns of the households. people: columns of the
    people.
    """
    return (
        _age_sex(settings, people),
        _household_size(settings, households),
        _cars(settings, households, people),
        _mobility(settings, people),
        _disability(households, people),
        _zones(settings, zones, households),
    )


def _age_sex(settings: Population, people: People) -> Margin:
    shares = demography.age_sex(settings)
    key = people.is_female.astype(np.int64) * demography.LIFESPAN + people.age
    by_year = np.bincount(key, minlength=2 * demography.LIFESPAN).reshape(2, -1)
    names = tuple(f"{'FM'[sex == 0]} {a}-{'' if b >= OLDEST_AGE else b - 1}".rstrip() for sex, a, b in shares.cells)
    result = np.array([by_year[sex, a:b].sum() for sex, a, b in shares.cells])
    target = np.array([shares.of(cell) for cell in shares.cells]) * len(people)
    used = settings.persons_file is None
    return Margin("age and sex", "persons", names, target, result, is_constraint=used)


def _household_size(settings: Population, households: Households) -> Margin:
    size = np.bincount(households.family, households.n_members).astype(np.int64)
    size = size[size > 0]
    shares = demography.size_shares(settings)
    n = max(shares.size, int(size.max()))
    target = np.zeros(n)
    target[: shares.size] = shares * size.size
    used = settings.households_file is None and settings.persons_file is None
    names = tuple(f"{k} person{'s' * (k > 1)}" for k in range(1, n + 1))
    return Margin("household size", "households", names, target, np.bincount(size - 1, minlength=n), is_constraint=used)


def _cars(settings: Population, households: Households, people: People) -> Margin:
    is_first = households.family == np.arange(len(households))
    size = np.bincount(households.family, households.n_members, len(households)).astype(np.int64)
    lone_old = (size == 1) & (people.age[households.first_person[:-1]] >= OLD_AGE)
    p = demography.p_car(settings, np.maximum(size, 1), lone_old)
    kinds = {"65 or over, alone": is_first & lone_old, "other households": is_first & ~lone_old}
    names, target, result = [], [], []
    for name, rows in kinds.items():
        for has_car in (True, False):
            names.append(f"{name}, {'with a' if has_car else 'no'} car")
            target.append(float((p if has_car else 1 - p)[rows].sum()))
            result.append(int((households.has_car[rows] == has_car).sum()))
    used = settings.households_file is None
    return Margin("car", "households", tuple(names), np.array(target), np.array(result), used, n_groups=2)


def _mobility(settings: Population, people: People) -> Margin:
    n_cells, n_kinds = 2 * demography.LIFESPAN, len(Mobility)
    cell = (people.is_female * demography.LIFESPAN + people.age) * n_kinds + people.mobility
    n = np.bincount(cell, minlength=n_cells * n_kinds).reshape(2, demography.LIFESPAN, n_kinds)
    expected = demography.p_mobility(settings) * n.sum(axis=2)
    names, target, result = [], [], []
    for group, ages in (("under 65", slice(OLD_AGE)), ("65 and over", slice(OLD_AGE, None))):
        for mobility in Mobility:
            names.append(f"{group}, {mobility.name.lower().replace('_', ' ')}")
            target.append(float(expected[mobility, :, ages].sum()))
            result.append(int(n[:, ages, mobility].sum()))
    used = settings.persons_file is None
    return Margin("mobility", "persons", tuple(names), np.array(target), np.array(result), used, n_groups=2)


def _disability(households: Households, people: People) -> Margin:
    family = households.family[people.household]
    has_one, is_family = np.zeros((2, len(households)), np.bool_)
    has_one[family[people.mobility != Mobility.UNIMPAIRED]] = is_family[households.family] = True
    n_all, n = int(is_family.sum()), int(has_one.sum())
    target = np.array([SHARE_WITH_DISABILITY, 1 - SHARE_WITH_DISABILITY]) * n_all
    names = ("with a slow or assisted member", "without")
    return Margin("disability", "households", names, target, np.array([n, n_all - n]), is_constraint=False)


def _zones(settings: Population, zones: Zones, households: Households) -> Margin:
    result = np.bincount(households.zone, households.n_members, len(zones.name)).astype(np.int64)
    is_given = settings.households_file is not None
    target = np.full(result.size, np.nan) if is_given else zones.residents.astype(float)
    used = not is_given and settings.persons_file is None
    if settings.persons_file is not None and not is_given:
        target *= result.sum() / max(target.sum(), 1)
    return Margin("zone", "persons", zones.name, target, result, is_constraint=used)


def table(margins: tuple[Margin, ...]) -> pd.DataFrame:
    """Return one row for each category of each margin: target, result, relative error, the margin's chi-square."""
    return pd.concat(
        pd.DataFrame(
            {
                "margin": margin.name,
                "category": margin.category,
                "unit": margin.unit,
                "target": margin.target,
                "result": margin.result,
                "relative_error": margin.relative_error,
                "chi_square": margin.chi_square,
                "p_value": margin.p_value,
                "is_constraint": margin.is_constraint,
            }
        )
        for margin in margins
    ).reset_index(drop=True)


def rows(margins: tuple[Margin, ...]) -> list[dict]:
    """Return the table for a manifest: plain values, None for nan."""
    frame = table(margins).round({"target": 3, "relative_error": 6, "chi_square": 6, "p_value": 6})
    return [
        {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}
        for row in frame.to_dict("records")
    ]


def summary(margins: tuple[Margin, ...]) -> str:
    """Return one line: how far the people are from what was asked, and how many households have a disabled member."""
    parts = []
    for margin in margins:
        asked = margin.target > 0
        if margin.is_constraint and asked.any():
            off = float(np.abs(margin.result - margin.target)[asked].max())
            parts.append(f"{margin.name} within {off:,.1f} (chi-square {margin.chi_square:.3g})")
    disability = next(margin for margin in margins if margin.name == "disability")
    share = disability.result[0] / max(disability.result.sum(), 1)
    return f"targets: {'; '.join(parts)}; {share:.0%} of households with a slow or assisted member (a third reported)"
