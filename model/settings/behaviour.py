"""What makes households leave or stay: information, orders, danger, services; how long they prepare; who returns."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from safepassage.model.settings.base import Moment, Section
from safepassage.model.settings.front import PERIODS, Period
from safepassage.model.settings.population import Share


class Audience(StrEnum):
    """Whom an evacuation order addresses."""

    EVERYONE = "everyone"
    FAMILIES_WITH_CHILDREN = "families_with_children"


class Force(StrEnum):
    """What an evacuation order demands."""

    VOLUNTARY = "voluntary"
    COMPULSORY = "compulsory"


class Order(Section):
    """An evacuation order: a protective lever."""

    issued_h: float | None = Field(None, ge=0)
    """When it is issued (h after the start of the run); give this or `issued`."""
    issued: Moment | None = None
    """When it is issued (local date and time)."""
    zones: tuple[str, ...] | None = None
    """Names of the zones ordered out; default: all of them."""
    audience: Audience = Audience.EVERYONE
    """Whom the order addresses."""
    force: Force = Force.VOLUNTARY
    """A voluntary order raises the odds of leaving of all it addresses; a compulsory one by its own coefficient."""
    compliance: Share = 0.66
    """Share of the households addressed that do as told as soon as they hear of it. Compliance with phased orders:
    about 0.66 (Appl. Sci. 2023 13:5194). The others weigh it with everything else they know."""

    @model_validator(mode="after")
    def _one_moment(self):
        if (self.issued_h is None) == (self.issued is None):
            raise ValueError("say when in one way: issued_h (h after the start) or issued (date and time)")
        return self

    def issued_s(self, start: datetime, time_zone: str) -> float:
        """Return when the order is issued (s after the start of the run; 0 if it was before).

        time_zone: of moments without a zone of their own; its summer time counts.
        """
        if self.issued_h is not None:
            return self.issued_h * 3600.0
        assert self.issued is not None
        zone = ZoneInfo(time_zone)
        issued, start = (m if m.tzinfo else m.replace(tzinfo=zone) for m in (self.issued, start))
        return max(0.0, issued.timestamp() - start.timestamp())


class Channel(Section):
    """A way by which orders reach households."""

    reach: Share
    """Share of households that it reaches while it works; drawn anew for each order."""
    delay_median_s: float = Field(gt=0)
    """Median time from the order until a household it reaches has heard it (s); exponential."""
    trust: Share = 1.0
    """Share of households that believe what they hear by it. Assumption."""
    outages: tuple[Period, ...] = Field((), examples=[PERIODS])
    """Periods in which the channel does not work; an order then waits for their end."""


class Siren(Channel):
    """Sirens and loudspeakers."""

    reach: Share = 0.0
    """Share of households that hear them. None unless a scenario has them."""
    delay_median_s: float = Field(60.0, gt=0)
    """Median time to understand what they mean (s). Assumption."""


class Phone(Channel):
    """Calls, text messages and channels of the authorities.

    An order does not reach a home by phone where the utility `phone` is lost when it is issued, not even afterwards.
    """

    reach: Share = 0.85
    """Share of households with a phone that is looked at. Assumption."""
    delay_median_s: float = Field(900.0, gt=0)
    """Median time until a message is read (s). Assumption."""
    trust: Share = 0.8
    """Share of households that believe such messages. Assumption."""


class DoorToDoor(Channel):
    """Police and volunteers going from house to house."""

    reach: Share = 0.5
    """Share of households that they get to. Assumption."""
    delay_median_s: float = Field(4 * 3600.0, gt=0)
    """Median time until they have come (s). Assumption."""
    trust: Share = 0.95
    """Share of households that believe them. Assumption."""


class Channels(Section):
    """How news travels. A household acts on the first message that it believes."""

    siren: Siren = Siren()
    """Sirens and loudspeakers."""
    phone: Phone = Phone()
    """Calls and messages."""
    door_to_door: DoorToDoor = DoorToDoor()
    """People who come to the door."""
    word_of_mouth_per_day: float = Field(2.0, ge=0)
    """Rate at which a household whose neighbours all know hears of an order from them (1/day). Assumption."""


class Coefficients(Section):
    """Effects on the logarithm of the daily rate at which a household decides to leave (complementary log-log).

    The rate of a household is baseline_per_day * exp(sum of coefficient * covariate). A scenario's own values come
    from a fit; these defaults are rounded from the fit to Pokrovsk (scenarios/pokrovsk.yaml).
    """

    baseline_per_day: float = Field(0.0003, ge=0)
    """Rate with the front 20 km away and nothing else (1/day): 500 people a month of 60,000 (Pokrovsk, June 2024)."""
    front_per_km: float = 0.2
    """Per km that the front, as reported, is nearer than 20 km. Rounded from the fit to Pokrovsk."""
    impacts: float = 0.3
    """Per unit of log(1 + impacts heard nearby, remembered). Assumption."""
    order: float = 0.7
    """Once a voluntary order or campaign is believed. Rounded from the fit to Pokrovsk."""
    compulsory_order: float = 1.5
    """Once a compulsory order that addresses the household is believed. Rounded from the fit to Pokrovsk."""
    power_lost: float = 0.3
    """While the home has no power. Assumption."""
    gas_lost: float = 0.3
    """While the home has no gas. Assumption."""
    water_lost: float = 0.3
    """While the home has no water. Assumption."""
    shops_lost: float = 0.2
    """While the shops are closed. Assumption."""
    neighbours_gone: float = 0.5
    """Per share (0 to 1) of the neighbours within about 200 m who have left. Assumption."""
    seat_offered: float = 0.2
    """If the household has no car and seats out of town are on offer. Assumption."""
    no_car: float = -0.2
    """If the household has no car. Assumption."""
    needs_assistance: float = -0.3
    """If a member needs assistance to move. Assumption."""
    lone_old: float = -0.3
    """If the household is one person of 65 or over: of older people asked in March 2022, 99 % did not want to go
    (SOURCES 4); the size is an Assumption."""
    no_destination: float = -0.5
    """If the household has neither money nor kin elsewhere. Assumption."""


class Behaviour(Section):
    """How households respond to what they know."""

    coefficients: Coefficients = Coefficients()
    """Weights of the decision to leave."""
    channels: Channels = Channels()
    """How orders reach people."""
    decide_every_s: float = Field(900.0, gt=0)
    """Time between two looks at the situation (s); the odds of leaving do not depend on it."""
    share_stayers: Share = 0.03
    """Share of households that never leave. 0.03, range 0.01-0.08 (share remaining when the battle reached Bakhmut,
    Avdiivka, Pokrovsk, Sievierodonetsk)."""
    p_yield_to_compulsory: Share = 0.9
    """Probability that a household that would never leave yields to a compulsory order addressed to it. Assumption; in
    Pokrovsk 82 children of 5,990 were left after seven weeks of compulsory evacuation (censor.net 3513823)."""
    share_early: Share = 0.10
    """Share of households that leave early. Assumption."""
    early_factor: float = Field(3.0, ge=1)
    """How much faster they decide. Assumption."""
    p_destination: Share = 0.6
    """Share of households with money or kin elsewhere. Assumption."""
    hearing_reach_m: float = Field(500.0, ge=0)
    """Distance within which an impact is remembered (m). Assumption."""
    memory_half_life_d: float = Field(3.0, gt=0)
    """Time in which the memory of an impact halves (days). Assumption (half-life of days, SOURCES 4)."""
    front_news_delay_d: float = Field(1.0, ge=0)
    """Age of what people are told about the front (days). Assumption."""
    reaction_reach_m: float = Field(300.0, ge=0)
    """Distance within which an impact can make a household leave at once (m). Assumption."""
    p_leave_after_impact: Share = 0.05
    """Probability that one impact within that distance makes a household decide on the spot. Assumption."""
    preparation_median_s: float = Field(3600.0, gt=0)
    """Median time between the decision to leave and departure (s). Assumption."""
    preparation_spread: float = Field(0.6, gt=0)
    """Standard deviation of its logarithm. Assumption; a departure curve steeper or flatter matters more than its
    half-time (Radwan et al. 1985)."""
    return_per_day: float = Field(0.0, ge=0)
    """Rate at which households in safety come back while it is quiet (1/day). 0: nobody does. By July 2022, 70 % of
    those who had left Pokrovsk had come back (AP): about 0.01."""
    quiet_after_d: float = Field(7.0, ge=0)
    """It is quiet if no impact has fallen on the map for so long (days). Assumption."""
