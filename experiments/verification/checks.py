"""A published known answer, or what was reported, and what this model finds: the form of every case."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One number of a published case beside what was found."""

    quantity: str
    """What is compared, with its unit."""
    expected: float
    found: float
    tolerance: float
    """Largest relative difference that passes; absolute where expected is 0."""

    @property
    def passed(self) -> bool:
        """Whether the number found is within the tolerance."""
        scale = abs(self.expected) if self.expected else 1.0
        return abs(self.found - self.expected) <= self.tolerance * scale


@dataclass(frozen=True)
class Observed:
    """One number that was reported of a real evacuation beside what was found: an error, and no pass mark."""

    quantity: str
    """What is compared, with its unit."""
    reported: float
    found: float

    @property
    def error(self) -> float:
        """Difference from what was reported, as a share of it."""
        return (self.found - self.reported) / self.reported


@dataclass(frozen=True)
class Case:
    """One published case: what it is, who published it, and how to run it here."""

    name: str
    """A sentence: the behaviour that must hold."""
    source: str
    run: Callable[[], list[Check] | list[Observed]]
    skipped: str = ""
    """Why the case cannot run here, and what to do about it; empty: it can."""
