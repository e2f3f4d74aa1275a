"""What a household weighs when it decides to leave: each covariate with its words, its coefficient and its value.

Situations change the rate while they last; what a household is changes its readiness (`model/behaviour/leaving.py`). A
new covariate is a member here, its value in VALUES, and its coefficient with default and source in
`model/settings/behaviour.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from safepassage.agents.households import Households
from safepassage.agents.words import Worded
from safepassage.model.settings.behaviour import Coefficients


class Covariate(Worded):
    """Rows of the matrix of covariates. The words may hold {value}; each has a coefficient in `Coefficients`."""

    IMPACTS = 0, "impacts heard near home and remembered"
    UNWARNED = 1, "no order to leave that it believes"
    REPEATED_ORDER = 2, "orders that were repeated or name its zone"
    NO_SEAT = 3, "no seat out of town in reach"
    HOME_LOST = 4, "a home that was destroyed"
    ALL_CLEAR = 5, "a rumour that the danger is over"
    COLD_HOME = 6, "a home without heating"
    DRY_HOME = 7, "no water for days"
    NO_CAR = 8, "no car"
    NEEDS_ASSISTANCE = 9, "a member who needs assistance"
    OLD = 10, "{value:.0%} of the adults 65 or over"
    LONE_OLD = 11, "one person of 65 or over, living alone"
    NO_DESTINATION = 12, "neither money nor kin elsewhere"
    RENTER = 13, "a rented home"
    CHILDREN = 14, "children"

    def told(self, value: float) -> str:
        """Return the words with a value put in."""
        return self.words.format(value=value)

    @property
    def key(self) -> str:
        """Name of the coefficient in the section `behaviour.coefficients`."""
        return self.name.lower()


N_SITUATIONS = int(Covariate.NO_CAR)
"""Covariates before this row are situations, the others what a household is."""


@dataclass(frozen=True)
class Known:
    """What all households know at one moment, and what they are; arrays have one entry per household."""

    households: Households
    time_s: float
    mean_impacts: float
    """Mean of what households remember; 0 without a front. With one, its threat already holds what the whole town
    hears."""
    warned_s: np.ndarray
    """float64: when each first believed an order that addresses it (s); inf: not so far."""
    n_repeated: np.ndarray
    """float64: orders believed beyond the first; one that names zones counts twice."""
    share_without_seat: np.ndarray
    """float64: share of those without a car in reach of the same stops who would find no seat within a day."""
    share_old: np.ndarray
    """float64: share of the adults who are 65 or over."""
    is_lone_old: np.ndarray
    """bool: one person of 65 or over."""
    has_destination: np.ndarray
    """bool: money or kin elsewhere."""
    is_renter: np.ndarray
    """bool: it rents its home."""
    believes_all_clear: np.ndarray
    """bool: a rumour that the danger is over."""
    lacks_c: np.ndarray
    """float64: degrees that its home lacks since its heating is out, the time in a warm place left out."""
    is_dry: np.ndarray
    """bool: its water is out, what it has stored used up, and no water point in reach."""


VALUES: dict[Covariate, Callable[[Known], np.ndarray]] = {
    Covariate.IMPACTS: lambda known: np.log((1 + known.households.impacts_remembered) / (1 + known.mean_impacts)),
    Covariate.UNWARNED: lambda known: known.warned_s > known.time_s,
    Covariate.REPEATED_ORDER: lambda known: known.n_repeated,
    Covariate.NO_SEAT: lambda known: ~known.households.has_car * known.share_without_seat,
    Covariate.HOME_LOST: lambda known: known.households.has_lost_home,
    Covariate.ALL_CLEAR: lambda known: known.believes_all_clear,
    Covariate.COLD_HOME: lambda known: known.lacks_c / 10.0,
    Covariate.DRY_HOME: lambda known: known.is_dry,
    Covariate.NO_CAR: lambda known: ~known.households.has_car,
    Covariate.NEEDS_ASSISTANCE: lambda known: known.households.needs_help,
    Covariate.OLD: lambda known: known.share_old,
    Covariate.LONE_OLD: lambda known: known.is_lone_old,
    Covariate.NO_DESTINATION: lambda known: ~known.has_destination,
    Covariate.RENTER: lambda known: known.is_renter,
    Covariate.CHILDREN: lambda known: known.households.has_children,
}
"""Value of each covariate, by household."""


LASTING = (Covariate.OLD, Covariate.LONE_OLD, Covariate.NO_DESTINATION, Covariate.RENTER)
"""What nothing changes during a run."""
_ALL = tuple((int(covariate), value) for covariate, value in VALUES.items())
_CHANGING = tuple((row, value) for row, value in _ALL if row not in LASTING)


def fill(matrix: np.ndarray, known: Known, *, is_first: bool) -> None:
    """Write the value of every covariate, those that last only the first time.

    matrix: float32[n_covariates, n_households], written. known: what households know now.
    """
    for row, value in _ALL if is_first else _CHANGING:
        matrix[row] = value(known)


def coefficient_vector(coefficients: Coefficients) -> np.ndarray:
    """Return the coefficients in the order of Covariate, float64."""
    return np.array([getattr(coefficients, covariate.key) for covariate in Covariate])
