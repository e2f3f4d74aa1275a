"""Published known answers and what this model finds: the page that a reviewer asks for first."""

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
class Case:
    """One published case: what it is, who published it, and how to run it here."""

    name: str
    """A sentence: the behaviour that must hold."""
    source: str
    run: Callable[[], list[Check]]


def all_cases() -> list[Case]:
    """Return every case, traffic first."""
    from safepassage.experiments.verification import traffic, walking

    return [*traffic.CASES, *walking.CASES]
