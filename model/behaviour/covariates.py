"""What a household weighs when it decides to leave: each covariate with its words, its coefficient and its value.

A new covariate is a member here, its value in VALUES, and its coefficient with default and source in
`model/settings/behaviour.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from safepassage.agents.ground.arrays import Floats
from safepassage.agents.households import Households
from safepassage.agents.words import Worded
from safepassage.model.settings.behaviour import Coefficients, Force
from safepassage.model.settings.damage import Utility

FRONT_REFERENCE_KM = 20.0
"""The covariate of the front counts the km by which it is nearer than this; baseline_per_day holds there."""


class Covariate(Worded):
    """Rows of the matrix of covariates. The words may hold {value}; each has a coefficient in `Coefficients`."""

    FRONT = 0, "the front {value:.1f} km nearer than 20 km, as reported"
    IMPACTS = 1, "impacts heard nearby and remembered"
    ORDER = 2, "an order to leave"
    COMPULSORY_ORDER = 3, "a compulsory order to leave"
    POWER_LOST = 4, "no power"
    GAS_LOST = 5, "no gas"
    WATER_LOST = 6, "no water"
    SHOPS_LOST = 7, "closed shops"
    NEIGHBOURS_GONE = 8, "{value:.0%} of the neighbours gone"
    SEAT_OFFERED = 9, "a seat out of town on offer"
    NO_CAR = 10, "no car"
    NEEDS_ASSISTANCE = 11, "a member who needs assistance"
    LONE_OLD = 12, "one person of 65 or over, living alone"
    NO_DESTINATION = 13, "neither money nor kin elsewhere"

    def told(self, value: float) -> str:
        """Return the words with a value put in."""
        return self.words.format(value=value)

    @property
    def key(self) -> str:
        """Name of the coefficient in the section `behaviour.coefficients`."""
        return "front_per_km" if self is Covariate.FRONT else self.name.lower()


@dataclass(frozen=True)
class Known:
    """What all households know at one moment, and what they are; arrays have one entry per household."""

    households: Households
    time_s: float
    front_km: np.ndarray | None
    """float64: distance of the home to the front as reported (km); None: there is no front."""
    believed_s: dict[Force, list[np.ndarray]]
    """For each order sent out, by its force: when each household believes it (s); inf: not so far."""
    lost: np.ndarray
    """bool[utility, n]: what does not work at home."""
    neighbours_gone: np.ndarray
    """float64: share of the neighbours who have left."""
    seats: bool
    """Whether seats out of town are on offer."""
    needs_assistance: np.ndarray
    """bool: a member needs assistance."""
    is_lone_old: np.ndarray
    """bool: one person of 65 or over."""
    has_destination: np.ndarray
    """bool: money or kin elsewhere."""

    def believes(self, force: Force) -> np.ndarray | bool:
        """Return which households believe an order of this force by now."""
        times = self.believed_s[force]
        return np.min(times, axis=0) <= self.time_s if times else False


def _front(known: Known) -> Floats | float:
    if known.front_km is None:
        return 0.0
    return np.clip(FRONT_REFERENCE_KM - known.front_km, 0.0, FRONT_REFERENCE_KM)


VALUES: dict[Covariate, Callable[[Known], np.ndarray | float]] = {
    Covariate.FRONT: _front,
    Covariate.IMPACTS: lambda known: np.log1p(known.households.impacts_remembered),
    Covariate.ORDER: lambda known: known.believes(Force.VOLUNTARY),
    Covariate.COMPULSORY_ORDER: lambda known: known.believes(Force.COMPULSORY),
    Covariate.POWER_LOST: lambda known: known.lost[Utility.POWER],
    Covariate.GAS_LOST: lambda known: known.lost[Utility.GAS],
    Covariate.WATER_LOST: lambda known: known.lost[Utility.WATER],
    Covariate.SHOPS_LOST: lambda known: known.lost[Utility.SHOPS],
    Covariate.NEIGHBOURS_GONE: lambda known: known.neighbours_gone,
    Covariate.SEAT_OFFERED: lambda known: ~known.households.has_car & known.seats,
    Covariate.NO_CAR: lambda known: ~known.households.has_car,
    Covariate.NEEDS_ASSISTANCE: lambda known: known.needs_assistance,
    Covariate.LONE_OLD: lambda known: known.is_lone_old,
    Covariate.NO_DESTINATION: lambda known: ~known.has_destination,
}
"""Value of each covariate, by household."""


def fill(matrix: np.ndarray, known: Known) -> None:
    """Write the value of every covariate. Writes matrix, float32[n_covariates, n_households]."""
    for covariate, value in VALUES.items():
        matrix[covariate] = value(known)


def coefficient_vector(coefficients: Coefficients) -> np.ndarray:
    """Return the coefficients in the order of Covariate, float64."""
    return np.array([getattr(coefficients, covariate.key) for covariate in Covariate])
