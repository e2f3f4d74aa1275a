"""When households leave: evacuation orders, how long people prepare, how they react to impacts nearby."""

from enum import StrEnum

from pydantic import Field

from safepassage.model.settings.base import Section
from safepassage.model.settings.population import Share


class Audience(StrEnum):
    """Whom an evacuation order addresses."""

    EVERYONE = "everyone"
    FAMILIES_WITH_CHILDREN = "families_with_children"


class Order(Section):
    """An evacuation order: a protective lever."""

    issued_h: float = Field(ge=0)
    """When the order reaches people (h after the start of the run)."""
    zones: tuple[str, ...] | None = None
    """Names of the zones ordered out; default: all of them."""
    audience: Audience = Audience.EVERYONE
    """Whom the order addresses."""
    compliance: Share = 0.66
    """Share of households addressed that do as told. Compliance with phased orders: about 0.66 (Appl. Sci. 2023
    13:5194)."""


class Behaviour(Section):
    """How households respond to orders and to danger."""

    preparation_median_s: float = Field(3600.0, gt=0)
    """Median time between the decision to leave and departure (s). Assumption."""
    preparation_spread: float = Field(0.6, gt=0)
    """Standard deviation of its logarithm. Assumption; a departure curve steeper or flatter matters more than its
    half-time (Radwan et al. 1985)."""
    share_stayers: Share = 0.03
    """Share of households that never leave. 0.03, range 0.01-0.08 (share remaining when the battle reached Bakhmut,
    Avdiivka, Pokrovsk, Sievierodonetsk)."""
    reaction_reach_m: float = Field(300.0, ge=0)
    """Distance within which an impact can make a household leave unasked (m). Assumption."""
    p_leave_after_impact: Share = 0.05
    """Probability that one impact within that distance makes a household decide to leave. Assumption."""
