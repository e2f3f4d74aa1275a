"""From factors to the points of a design: every combination, or points drawn in the unit cube and carried over."""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from scipy.stats import qmc

from safepassage.experiments.runs.run import Point
from safepassage.experiments.sweeps.study import MOST_RUNS, Study
from safepassage.model.settings.base import ScenarioError


def n_rows(study: Study) -> int:
    """Return the number of combinations of factors, plans apart."""
    design, n_factors = study.design, len(study.factors)
    if design.kind == "grid":
        return prod(len(factor.levels) for factor in study.factors.values())
    if design.kind == "sobol":
        return design.n * (2 * n_factors + 2 if design.second_order else n_factors + 2)
    return design.n * (n_factors + 1) if design.kind == "morris" else design.n


def n_runs(study: Study) -> int:
    """Return the number of runs of the whole study; the most, if there is a stopping rule."""
    return n_rows(study) * len(study.plans) * len(study.all_seeds)


def refuse_too_many(study: Study):
    """Raise ScenarioError if the design is beyond MOST_RUNS."""
    if n_runs(study) > MOST_RUNS:
        raise ScenarioError(
            f"{study.source.path}: the design asks for {n_runs(study):,} runs: {n_rows(study):,} combinations of "
            f"factors x {len(study.plans)} plans x {len(study.all_seeds)} replications; at most {MOST_RUNS:,} are "
            "carried out. "
            "Take fewer levels or replications, or design latin_hypercube."
        )


def problem(study: Study) -> dict[str, Any]:
    """Return the factors as SALib describes them, on the unit cube: quantiles, not values."""
    names = list(study.factors)
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


def unit_points(study: Study) -> np.ndarray:
    """Return the drawn points, float64[rows, factors], quantiles in [0, 1], in the order that SALib analyses."""
    design, n_factors = study.design, len(study.factors)
    if design.kind == "latin_hypercube":
        return qmc.LatinHypercube(n_factors, rng=np.random.default_rng(design.seed)).random(design.n)
    try:
        from SALib.sample import morris, sobol
    except ImportError:
        raise ScenarioError(f"design {design.kind} needs SALib; pip install 'safepassage[study]'.") from None
    if design.kind == "sobol":
        return sobol.sample(problem(study), design.n, calc_second_order=design.second_order, seed=design.seed)
    return morris.sample(problem(study), design.n, num_levels=design.n_levels, seed=design.seed)


def rows(study: Study) -> Iterator[dict[str, Any]]:
    """Yield the values of the factors of each combination: dotted key -> value."""
    if study.design.kind == "grid":
        for values in product(*(factor.levels for factor in study.factors.values())):
            yield dict(zip(study.factors, values, strict=True))
        return
    for u in unit_points(study):
        yield {key: factor.at(float(x)) for (key, factor), x in zip(study.factors.items(), u, strict=True)}


def points(study: Study) -> list[Point]:
    """Return all points of the design: for each plan in turn, all combinations. Raises ScenarioError if too many."""
    refuse_too_many(study)
    bases, found = study.bases(), list(rows(study))
    place = study.place("factors")
    return [
        Point(number * len(found) + row, base, factors, f"{place}, design point {number * len(found) + row}")
        for number, base in enumerate(bases)
        for row, factors in enumerate(found)
    ]
