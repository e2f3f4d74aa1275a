"""What makes households leave or stay: information, orders, danger, services; how long they prepare; who returns."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from safepassage.model.settings.authorities import AFTER
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


class Timed(Section):
    """What happens at a moment, said in one of two ways."""

    issued_h: float | None = Field(None, ge=0)
    """When it is issued (h after the start of the run); give this or `issued`."""
    issued: Moment | None = None
    """When it is issued (local date and time)."""

    @model_validator(mode="after")
    def _one_moment(self):
        if (self.issued_h is None) == (self.issued is None):
            raise ValueError("say when in one way: issued_h (h after the start) or issued (date and time)")
        return self

    def issued_s(self, start: datetime, time_zone: str) -> float:
        """Return when it is issued (s after the start of the run; 0 if it was before).

        start: of the run. time_zone: of moments without a zone of their own; its summer time counts.
        """
        if self.issued_h is not None:
            return self.issued_h * 3600.0
        assert self.issued is not None
        zone = ZoneInfo(time_zone)
        issued, start = (m if m.tzinfo else m.replace(tzinfo=zone) for m in (self.issued, start))
        return max(0.0, issued.timestamp() - start.timestamp())


class Order(Timed):
    """An evacuation order: a protective lever."""

    after: str | None = AFTER
    """Name of a trigger: it is issued when that acts, instead of `issued_h` or `issued`."""
    zones: tuple[str, ...] | None = None
    """Names of the zones ordered out; default: all of them."""
    audience: Audience = Audience.EVERYONE
    """Whom the order addresses."""
    force: Force = Force.VOLUNTARY
    """A compulsory order gives families with children a rate of their own (`behaviour.ordered_families`)."""
    truce: str | None = Field(None, examples=["Corridor west"])
    """Name of a truce: who does as told leaves in its windows, by slots, instead of when ready. Others are not bound by
    it."""
    compliance: Share = 0.66
    """Share of the households addressed that do as told as soon as they believe it, drawn afresh for each order.
    Compliance with phased orders: about 0.66 (Appl. Sci. 2023 13:5194). The others weigh it with all they know."""

    @model_validator(mode="after")
    def _one_moment(self):
        if sum(when is not None for when in (self.issued_h, self.issued, self.after)) != 1:
            raise ValueError(
                "say when in one way: issued_h (h after the start), issued (date and time) or after (a trigger)"
            )
        return self

    def issued_s(self, start: datetime, time_zone: str) -> float:
        """Return when it is issued (s after the start of the run; inf: a trigger decides). Arguments as of `Timed`."""
        return float("inf") if self.after is not None else super().issued_s(start, time_zone)


class Saying(StrEnum):
    """What a rumour says."""

    LEAVE = "leave"
    ALL_CLEAR = "all_clear"


class Rumour(Timed):
    """A false message that goes round the town until nobody believes it any more: that all must leave, or may stay.

    Who believes that all must leave weighs it like an order that it believes. Who believes a false all-clear leaves
    less readily (`coefficients.all_clear`) and, if in safety, comes back as if it were quiet and the front far away.
    False messages in the name of the emergency service told Kharkiv to leave in April and May 2024 (news.liga.net;
    lb.ua, 15 May 2024). No count of who believed them was found: every number here is an assumption.
    """

    says: Saying
    """What it says: `leave` or `all_clear`."""
    reach: Share = 0.1
    """Share of households that hear it at first hand, such as by messenger. Assumption."""
    delay_median_s: float = Field(3600.0, gt=0)
    """Median time until they have (s); exponential. Assumption."""
    trust: Share = 0.3
    """Share of households that believe it, from wherever they hear it; only they pass it on. Assumption."""
    lasts_d: float = Field(2.0, gt=0)
    """How long a household believes it, until it is denied or seen to be false (days). Assumption."""


class Channel(Section):
    """A way by which orders reach households."""

    reach: Share
    """Share of households that it reaches while it works; drawn afresh for each order."""
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
    """Police and volunteers going from house to house: they bring the order, and talk people into leaving."""

    reach: Share = 0.5
    """Share of households that they get to. Assumption."""
    delay_median_s: float = Field(4 * 3600.0, gt=0)
    """Median time until they have come (s). Assumption."""
    trust: Share = 0.95
    """Share of households that believe them. Assumption."""
    p_persuaded: Share = 0.03
    """Share of the households that they get to, and that the order addresses, whom they persuade to leave at once.
    Assumption; in Avdiivka, where all had been asked often, 3 to 6 of 1,230 agreed a day (ostro.org, 22 December
    2023)."""


class Channels(Section):
    """How news travels. A household acts on the first message that it believes."""

    siren: Siren = Siren()
    """Sirens and loudspeakers."""
    phone: Phone = Phone()
    """Calls and messages."""
    door_to_door: DoorToDoor = DoorToDoor()
    """People who come to the door."""
    word_of_mouth_per_day: float = Field(2.0, ge=0)
    """Rate at which a household whose neighbours all know hears of an order from them, whomever it addresses (1/day).
    Assumption."""


class Coefficients(Section):
    """Effects on the logarithm of the rate at which a household decides to leave.

    Situations count while they last: rate * exp(sum of coefficient * covariate). What a household is (the last seven)
    changes its readiness, and the readiness of the town as a whole stays as it was fitted: some leave later, others
    earlier. The towns of the fit were under orders and had seats: that is what 0 stands for.
    """

    baseline_per_day: float = Field(0.0003, ge=0)
    """Least rate of somebody of mean readiness, however far the front (1/day): 500 people a month of 60,000
    (Pokrovsk, June 2024; lb.ua 31530)."""
    impacts: float = 0.3
    """Per unit of log(1 + impacts heard near home, remembered), beyond the mean of the town if there is a front: the
    fitted threat holds what falls on a whole town. Assumption."""
    unwarned: float = Field(-0.8, le=0)
    """Until an order or a campaign that addresses the household is believed. Rounded from an earlier fit to Pokrovsk,
    where a campaign doubled the rate (SOURCES 4: 0.03 % a day before it, 0.9 % in its second week)."""
    repeated_order: float = Field(0.1, ge=0)
    """For each further order believed; one that names its zones counts twice. Assumption."""
    no_seat: float = Field(-0.2, le=0)
    """If the household has no car, times the share of those in reach of the same stops who have no car either and would
    find no seat within a day. Assumption."""
    all_clear: float = Field(-0.8, le=0)
    """While it believes a false all-clear: as if it believed no order (`unwarned`). Assumption."""
    home_lost: float = Field(0.7, ge=0)
    """While the household lives with others or in a reception place because its home was destroyed: log 2, twice as
    ready. Assumption."""
    cold_home: float = Field(0.0, ge=0)
    """For each 10 degrees that its home lacks without heating, as long as it does, in a run with weather. 0: what a
    loss does is in `loss_shock`: a dose of 1.96 for somebody of mean readiness, 0.4 with a fifth of the town left, so
    that a third leaves. A third of Ukrainians said they would leave if all utilities were out without an end in sight
    (IOM, December 2022: two of three would stay); 21 % in the east and 18 % in Kyiv had for a time by January 2026
    (Gradus). The records show no more than that; 0 to 0.7 (assumption)."""
    dry_home: float = Field(0.0, ge=0)
    """While it has no water left and no water point in reach, in a run with weather. 0: Pokrovsk lost its water on 11
    September 2024, and nothing of it is seen in the counts; 0 to 0.4 (assumption)."""
    no_car: float = -0.2
    """If the household has no car. Assumption."""
    needs_assistance: float = -0.3
    """If a member needs assistance to move. Assumption."""
    old: float = -2.1
    """Times the share of adults who are 65 or over: a household of old people alone is eight times less ready. Chosen
    so that 0.7 of those left are 65 or over when 0.12 of all are, if everybody of that age decides alone; in a run of
    Pokrovsk 0.71 are, with `population.p_old_decide_alone` 0.6 (0.50 with 0, since the old then leave with younger
    adults). Reported were 80 % elderly at 0.12 in Pokrovsk (unn.ua, 10 January 2025) and at 0.07 in Chasiv Yar
    (ostro.org, 18 June 2023). -1.8 to -3.5 (assumption)."""
    lone_old: float = -0.3
    """If the household is one person of 65 or over, besides: of older people asked in March 2022, 99 % did not want to
    go (SOURCES 4); the size is an assumption."""
    no_destination: float = -0.5
    """If the household has neither money nor kin elsewhere. Assumption."""
    renter: float = 0.0
    """If it rents its home (`p_renting`). 0: in 49 studies of hurricanes what people are, owning their home included,
    had weaker effects than warnings and cues, and no count of leavers by tenure was found for towns at a front (Huang,
    Lindell and Prater 2016, Environment and Behavior 48(8):991). Vary it from -0.3 to 0.5 (assumption)."""
    children: float = 0.72
    """If the household has children: log 2.05, as `ordered_families.times_threat`. The towns of the fit were counted
    with families under orders among them: the mean of the whole town holds their haste, so the others have less."""


class Leaving(Section):
    """The threat of the front, and how people differ in answering it (docs/validation_towns.md).

    Somebody of mean readiness leaves at the rate threat_factor * g * (standing_per_day + approach_km_weeks_per_day *
    v / (d + 1 km)). d: km from the middle of the town's homes to the front, not below 0; v: km a week by which d fell
    over `approach_over_d`; g = 1 / (1 + exp((d - reach_km) / reach_width_km)).
    """

    standing_per_day: float = Field(0.0333, ge=0)
    """Rate under a front that stands within reach (1/day). Fitted to twelve towns; 90 % interval 0.0219 to 0.0483."""
    approach_km_weeks_per_day: float = Field(1.44, ge=0)
    """Rate, times the weeks until the front arrives at its present pace (km weeks/day: per km a week, at 0 km).
    Fitted to twelve towns; 90 % interval 1.14 to 1.75."""
    reach_km: float = Field(10.2, gt=0)
    """Distance at which half the threat is left: the reach of fire (km). Fitted to twelve towns; 90 % interval 9.2 to
    12.0."""
    reach_width_km: float = Field(2.5, gt=0)
    """Distance over which the threat fades (km). Chosen among 1.5 to 3.5, which predict towns left out about as
    well."""
    approach_over_d: float = Field(56.0, gt=0)
    """Time over which the approach of the front is measured (days). Chosen among 28 to 84, as above."""
    threat_factor: float = Field(1.0, ge=0)
    """Factor on the threat in this town. 0.01 where a river that is not being crossed lies between (right bank of
    Kherson oblast)."""
    town_spread: float = Field(0.0, ge=0)
    """Standard deviation of the logarithm of a factor of the town's own, drawn once a run, for bands over many seeds.
    0.38 between the twelve towns; 0: every run has the mean town."""
    frailty_variance: float = Field(1.0, gt=0)
    """Variance of the readiness to leave between people before the war. With it the rate per head falls with the share
    S still there, as S to this power. Fitted to twelve towns: 1.11, 90 % interval 0.80 to 1.30; 1 does as well."""


class LostHomes(Section):
    """What people do whose homes are destroyed."""

    share_who_leave: Share = 0.3
    """Share of households that decide to leave at once. Assumption."""
    host_reach_m: float = Field(300.0, ge=0)
    """The others move to the nearest household at home within this distance whose home stands (m). Assumption."""
    walk_reach_m: float = Field(2000.0, ge=0)
    """Where nobody is, they go to the nearest reception place with room within this distance (m); else they leave.
    Assumption."""


class OrderedFamilies(Section):
    """Families with children while a compulsory order that they believe addresses them: a rate of their own.

    It is per_day + times_threat * readiness * the threat of the front, never less than without the order. An order
    levels out how families differ: their readiness is drawn anew, about the mean of the town.
    """

    per_day: float = Field(0.014, ge=0)
    """Rate far from the front (1/day). Lyman, June 2024, front 14 km away: 220 children, 157 seventeen days later."""
    times_threat: float = Field(2.05, ge=0)
    """How many times the threat of the front counts for them. Fitted to the children of Pokrovsk, to 8 October 2024;
    one town decides, so vary it from 1.2 to 4 (assumption)."""
    frailty_variance: float = Field(0.25, gt=0)
    """Variance of their readiness. Fitted to the same counts: 0.25 errs by 0.18, 0 by 0.38, 1 by 0.53."""


class LossShock(Section):
    """The rate that a loss of power or gas adds, at once, and that fades while the loss lasts.

    Of about 11,000 in Pokrovsk 3,000 left in the eight days after gas and power were lost in December 2024 (unn.ua,
    12 December 2024). The loss of gas and water in September left no such trace. Losses at the same time count once.
    """

    power_per_day: float = Field(0.34, ge=0)
    """Of somebody of mean readiness, when power is lost in a cold month (1/day). One event; 0.2 to 0.5 (assumption)."""
    gas_per_day: float = Field(0.34, ge=0)
    """The same for gas (1/day). The same event."""
    half_life_d: float = Field(4.0, gt=0)
    """Time in which it halves (days). Assumption: 2 to 7."""
    cold_months: tuple[int, ...] = (10, 11, 12, 1, 2, 3)
    """Months in which a loss counts, 1 to 12. Assumption: when homes are heated."""


class Behaviour(Section):
    """How households respond to what they know."""

    coefficients: Coefficients = Coefficients()
    """Weights of the decision to leave."""
    leaving: Leaving = Leaving()
    """The threat of the front and how people differ in answering it."""
    ordered_families: OrderedFamilies = OrderedFamilies()
    """Families with children under a compulsory order."""
    lost_homes: LostHomes = LostHomes()
    """People whose homes are destroyed."""
    loss_shock: LossShock = LossShock()
    """What a loss of power or gas adds."""
    channels: Channels = Channels()
    """How orders reach people."""
    rumours: tuple[Rumour, ...] = Field((), examples=[[{"says": "all_clear", "issued_h": 12}]])
    """False messages that go round; none by default."""
    decide_every_s: float = Field(900.0, gt=0)
    """Time between two looks at the situation (s); the odds of leaving do not depend on it."""
    p_destination: Share = 0.6
    """Share of households with money or kin elsewhere. Assumption."""
    p_renting: Share = 0.1
    """Share of households that rent their home. Assumption: nearly all in Ukraine own theirs, those displaced before
    rent. It matters only if `coefficients.renter` is not 0."""
    hearing_reach_m: float = Field(500.0, ge=0)
    """Distance within which an impact is remembered (m). Assumption."""
    memory_half_life_d: float = Field(3.0, gt=0)
    """Time in which the memory of an impact halves (days). Assumption (half-life of days, SOURCES 4)."""
    front_news_delay_d: float = Field(1.0, ge=0)
    """Age of what drivers know about the front (days), and so about the danger of a road. Assumption."""
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
    """Rate at which households in safety come back while it is quiet near home and the front out of reach (1/day).
    0: nobody does. Pokrovsk in spring 2022, front 43 km away: about 0.012 (70 % back by July 2022; AP); Izium, ruined,
    front 56 km away: 0.001; within 10 km of the front: 0.0001 (Kherson)."""
    return_factor_no_destination: float = Field(3.0, ge=0)
    """How many times faster those come back who have neither money nor kin elsewhere, once their savings are gone.
    Assumption."""
    savings_last_d: float = Field(60.0, ge=0)
    """For how long those with neither money nor kin elsewhere can pay rent (days). Donetsk oblast, July 2022: "two
    months", "the money is gone" (AP, 25 July 2022); of all returnees 34 % had used up their savings by late 2022 (IOM
    returns report, November 2022). Assumption."""
    return_without_means_per_day: float = Field(0.0, ge=0)
    """Rate at which they then come back whether it is quiet or not, since they cannot pay for a place elsewhere
    (1/day). 0: nobody does. Tens of thousands did in Donetsk oblast by July 2022, under shelling (AP, 25 July 2022)."""
    quiet_after_d: float = Field(7.0, ge=0)
    """It is quiet near home if no impact has been heard there for so long (days). Assumption."""
