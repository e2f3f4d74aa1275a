"""Every published case, in the order in which `safepassage verify` shows them."""

import os
from dataclasses import replace

from safepassage.experiments.verification import (
    assignment,
    exoduses,
    hand_over,
    junctions,
    route_choice,
    sioux_falls,
    towns,
    traffic,
    walking,
)
from safepassage.experiments.verification.checks import Case


def all_cases() -> list[Case]:
    """Return every case, traffic first; those whose data are not shipped are skipped unless the data are there."""
    not_shipped = (*sioux_falls.CASES, *assignment.NOT_SHIPPED_CASES)
    cases = [
        *traffic.CASES,
        *junctions.CASES,
        *route_choice.CASES,
        *assignment.CASES,
        *not_shipped,
        *walking.CASES,
        *hand_over.CASES,
        *towns.CASES,
        *exoduses.CASES,
    ]
    if "SAFEPASSAGE_DATA" in os.environ:
        return cases
    return [replace(case, skipped=assignment.NOT_SHIPPED) if case in not_shipped else case for case in cases]
