"""In which futures of the front a plan helps: the pairs of a comparison sorted by how the front moves in them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from safepassage.experiments.questions.compare import Comparison
from safepassage.experiments.questions.paired import Difference, difference
from safepassage.model.hazard.branches import branch_of
from safepassage.model.results.outcomes import OUTCOMES
from safepassage.model.settings.front import Front

THIRDS = (
    "the third in which it ends nearest",
    "the third between",
    "the third in which it ends farthest",
)
"""Groups of a front that moves by chance, in words."""
LEAST_IN_GROUP = 2
"""A group of fewer pairs has no interval."""


@dataclass(frozen=True)
class Future:
    """Some of the pairs: those of one branch, or those in which the front ends about as far away."""

    words: str
    """Name of the branch, or one of `THIRDS`."""
    is_branch: bool
    n: int
    front_at_end_km: float
    """Mean distance of the front from the reference point at the end (km)."""
    n_near: int
    """In how many of them the front comes near within the run."""
    near_d: float
    """When, in the mean of those (days after the start); nan: in none."""
    out: dict[str, Difference]
    """By plan: the difference in the people out to no plan."""


def futures(found: Comparison) -> list[Future]:
    """Return the groups of pairs by how the front moves; none if it moves the same way in all of them.

    found: the comparison. Which front a pair has hangs on its seed alone, so both of its runs have the same.
    """
    base = found.frame[found.frame["plan"] == found.plans[0]].reset_index(drop=True)
    if "front_at_end_km" not in base:
        return []
    end_km, near_d = base["front_at_end_km"].to_numpy(float), base["front_near_d"].to_numpy(float)
    made = []
    for words, is_branch, rows in _groups(found, base["seed"].tolist(), end_km):
        near = near_d[rows][np.isfinite(near_d[rows])]
        out = {
            plan: difference(
                found.values(plan, "safe")[rows], found.values(found.plans[0], "safe")[rows],
                more_is_better=OUTCOMES["safe"].more_is_better,
            )
            for plan in found.plans[1:]
        }  # fmt: skip
        mean_d = float(near.mean()) if near.size else float("nan")
        made.append(Future(words, is_branch, int(rows.size), float(end_km[rows].mean()), int(near.size), mean_d, out))
    return made


def _groups(found: Comparison, seeds: list[int], end_km: np.ndarray) -> Iterator[tuple[str, bool, np.ndarray]]:
    """Yield (words, whether it is a branch, rows of pairs) of each group with enough of them."""
    written = found.scenario["front"]
    if written.get("branches") and written.get("branch") is None:
        day = {"day": "2000-01-01", "distance_km": 0.0}  # the branch hangs on names, weights and the seed alone
        front = Front.model_validate({"distances": [day], "branches": written["branches"]})
        names = np.array([branch_of(front, int(seed)).name for seed in seeds])  # type: ignore[union-attr]
        for branch in front.branches:
            rows = np.flatnonzero(names == branch.name)
            if rows.size >= LEAST_IN_GROUP:
                yield branch.name, True, rows
    elif written.get("process") is not None:
        order = np.argsort(end_km, kind="stable")
        for words, rows in zip(THIRDS, np.array_split(order, len(THIRDS)), strict=True):
            if rows.size >= LEAST_IN_GROUP:
                yield words, False, rows
