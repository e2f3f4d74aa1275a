"""Published known answers and what this model finds: the page that a reviewer asks for first."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace


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
    skipped: str = ""
    """Why the case cannot run here, and what to do about it; empty: it can."""


def all_cases() -> list[Case]:
    """Return every case, traffic first; those whose data are not shipped are skipped unless the data are there."""
    from safepassage.experiments.verification import hand_over, route_choice, sioux_falls, traffic, walking

    cases = [*traffic.CASES, *route_choice.CASES, *sioux_falls.CASES, *walking.CASES, *hand_over.CASES]
    if "SAFEPASSAGE_DATA" in os.environ:
        return cases
    return [replace(case, skipped=sioux_falls.NOT_SHIPPED) if case in sioux_falls.CASES else case for case in cases]
