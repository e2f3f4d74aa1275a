"""Harm and what protects from it. One curve with abstract size classes, one fitted scalar: no weapon catalogue."""

from functools import lru_cache
from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from safepassage.agents.civilians import Protection
from safepassage.model.settings.base import HazardSection, Section

_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]


def _surplus(widening: float, steepness: float, n_d50_reach: float) -> float:
    """Return the harm of a curve so much wider and cut at n_d50_reach times the old d50, less that of the whole curve.

    The harm to people spread evenly, over 2 pi p0 d50**2, is the integral of r / (1 + r**k): to infinity
    (pi / k) / sin(2 pi / k); to the cut of a curve s times as wide, s**2 times the integral to n_d50_reach / s. What is
    beyond a distance x >= 1 is x**(2 - k) / (k - 2) times 2F1(1, 1 - 2 / k; 2 - 2 / k; -x**-k) (DLMF 15.6.1).
    """
    from scipy.special import hyp2f1

    k, x = steepness, n_d50_reach / widening
    whole = np.pi / k / np.sin(2.0 * np.pi / k)
    beyond = x ** (2.0 - k) / (k - 2.0) * hyp2f1(1.0, 1.0 - 2.0 / k, 2.0 - 2.0 / k, -(x**-k))
    return (1.0 - widening**-2) * whole - beyond


@lru_cache
def _between(steepness: float, n_d50_reach: float) -> tuple[float, float] | None:
    """Return two factors on d50 between which a curve that is cut keeps all harm; None: there is no such curve."""
    low, high = 1.0, min(2.0, n_d50_reach)
    if _surplus(low, steepness, n_d50_reach) >= 0.0:
        return low, low
    while _surplus(high, steepness, n_d50_reach) < 0.0:
        if high >= n_d50_reach:
            return None
        low, high = high, min(2.0 * high, n_d50_reach)
    return low, high


@lru_cache
def _widening(steepness: float, n_d50_reach: float) -> float:
    """Return by what factor d50 is larger in a curve cut at n_d50_reach times d50, all harm kept."""
    from scipy.optimize import brentq

    found = _between(steepness, n_d50_reach)
    assert found is not None  # settings in which it is are refused
    low, high = found
    return low if low == high else brentq(_surplus, low, high, args=(steepness, n_d50_reach))


COVER = ("outdoors", "upper_floor", "inner_room", "basement", "shelter")
"""Places where people are, each safer than the one before: in danger they go to a later one."""


class ProtectionFactors(Section):
    """Share of harm that gets through to a person, by where they are; 1: as outdoors."""

    outdoors: _Share = 1.0
    """By definition."""
    vehicle: _Share = 1.0
    """Unarmoured. Assumption."""
    upper_floor: _Share = 0.5
    """Indoors, one wall between. Assumption."""
    inner_room: _Share = 0.3
    """Indoors, two walls between. Assumption; in British houses that collapsed totally, 23.5 % of those who ducked and
    covered died against 61.9 % of those unprepared: ratio 0.38 (RC450, Baker)."""
    basement: _Share = 0.1
    """Assumption, range 0.05-0.3; civil defence at Sderot cut casualties by 86 %, best case to a third, worst to a
    ninth (Zucker and Kaplan 2014)."""
    shelter: _Share = 0.05
    """Purpose-built. Assumption; 2.5 % died in Morrison shelters where 61.9 % of the unprepared did: ratio 0.04."""
    armoured: _Share = 0.2
    """Armoured vehicle. Assumption."""

    @model_validator(mode="after")
    def _cover_covers(self):
        for worse, better in (*pairwise(COVER), ("vehicle", "armoured")):
            through, through_better = getattr(self, worse), getattr(self, better)
            if through_better > through:
                raise ValueError(
                    f"{better} = {through_better} lets more harm through than {worse} = {through}, but people go there "
                    f"for cover; give {better} at most {through}"
                )
        return self

    @property
    def by_protection(self) -> np.ndarray:
        """float64, the factor of each `Protection` in the order of the enum."""
        return np.array([getattr(self, state.name.lower()) for state in Protection])


class Rooms(Section):
    """Where people at home are, and what they do when they hear an impact."""

    share_with_basement: _Share = 0.5
    """Share of households that have a basement they can use. Assumption."""
    share_usually_inner_room: _Share = 0.3
    """Share of people at home who stay in an inner room without any alert; the others are on an upper floor or in a
    room on the street side. Assumption."""
    share_usually_basement: _Share = 0.1
    """Share of the households with a basement that live in it all the time. Assumption."""
    share_who_heed_alerts: _Share = 0.8
    """Share of people who go to the safest room during an alert. Assumption."""
    hearing_distance_m: Annotated[float, Field(ge=0)] = 1000.0
    """An impact no farther than this raises an alert at a home (m). Assumption."""
    alert_duration_s: Annotated[float, Field(ge=0)] = 1800.0
    """How long people stay in the safest room after the last impact heard (s). Assumption."""
    reaction_s: Annotated[float, Field(ge=0)] = 20.0
    """How long after the first impact heard people are in the safest room, or out of the door to a shelter (s).
    Assumption."""
    lull_median_s: Annotated[float, Field(ge=0)] = 300.0
    """How long it must have been quiet until a household that wants to leave does, whatever cover it is in (s): the
    median; none for households whose first member does not heed alerts. Assumption."""
    lull_spread: Annotated[float, Field(ge=0)] = 1.0
    """Standard deviation of its logarithm. Assumption."""
    lull_patience_s: _Positive = 1800.0
    """Time of waiting in which the lull that a household wants halves (s). Assumption."""


class Harm(HazardSection):
    """Who is injured by an impact, how badly, and who of them dies."""

    casualty_scale: Annotated[float, Field(ge=0)] = 1.0
    """f: factor on the lethality of the literature. 1: as it is, fixed; what records tell is fitted as
    `share_near_people` of the shelling, since only the product of both follows from them (docs/harm.md)."""
    p_at_centre: _Share = 0.9
    """p0: probability of harm at the impact, outdoors, for f = 1. Assumption."""
    d50_m: tuple[_Positive, _Positive, _Positive] = (5.0, 15.0, 40.0)
    """Distance at which half of p0 is left, for sizes S, M, L (m). Assumption, uncertain by a factor of 2 either way;
    Zucker and Kaplan (2014) assumed 5 m as deliberately small."""
    steepness: Annotated[float, Field(gt=2)] = 3.0
    """k: exponent of the log-logistic fall with distance; above 2, as the harm of one impact would
    otherwise be infinite. Assumption."""
    n_d50_reach: Annotated[float, Field(ge=2)] = 6.0
    """No harm beyond this many d50: the curve is cut there, for speed. The harm beyond, 14 % of all to an even crowd by
    default, is not dropped: the curve within is widened by as much, see `widening`. Assumption."""
    protection: ProtectionFactors = ProtectionFactors()
    """Share of harm that gets through, by where a person is."""
    share_of_vehicle_luck: _Share = 0.7
    """Chance of somebody in a vehicle to be harmed by an impact just if its number falls below their risk, the one by
    which it is put out of action, and not their own number: any two aboard share it half of the time. Assumption."""
    death_share: _Share = 0.20
    """Share of casualties who die, at once or later without prehospital care. OHCHR, AOAV and local records
    2022-2025: 0.20, range 0.13-0.36."""
    serious_share: _Share = 0.37
    """Share of those who survive the impact who are seriously injured (Injury Severity Score 9 or more): 37 % of
    2,788 patients, Iraq 1997-2006 (Scand. J. Trauma Resusc. Emerg. Med. 2012 20:13)."""
    p_death_without_care: Annotated[float, Field(gt=0, lt=1)] = 0.17
    """Share of the seriously injured who die without prehospital care: mortality before the programme of the same
    study, taken for the serious alone. Assumption in that; of road casualties with a score of 9 or more 44
    % died without and 8 % with such care (Prehosp. Disaster Med. 2012 27:36)."""
    p_death_with_care: Annotated[float, Field(gt=0, lt=1)] = 0.04
    """Share of the seriously injured who die if care begins at once; the same study."""
    care_in_vain_after_h: _Positive = 2.5
    """Delay beyond which care changes nothing (h): the study's mean prehospital time. Assumption; it agrees with
    another: first help after 0.6 h instead of 2.4 h went with mortality of 9.4 instead of 28.7 % (J.
    Trauma 2008 64:1342), a factor that the log-linear rule gives in 1.9 h."""
    mean_untreated_survival_h: _Positive = 5.0
    """Mean time to death of the seriously injured who die without care (h), exponential. Assumption."""
    light_speed_factor: _Share = 0.7
    """Walking speed of the lightly injured, as a share of their own speed when unhurt. Assumption."""
    carrying_speed_factor: _Share = 0.4
    """Walking speed of a party that carries somebody, share of its slowest walker's, rests included. Two soldiers
    carried a stretcher of 80 kg by hand at 1.33 m/s for 2.7 min (standard deviation 1.4) until they had to stop (Knapik
    et al. 2000, Ergonomics 43:639). Assumption: they rest one and a half times as long as they carry."""
    n_carriers: Annotated[int, Field(ge=0)] = 2
    """Able people needed to carry one seriously injured person: two for a stretcher, as in that study; teams of four
    are advised for long ways."""
    help_after_s: Annotated[float, Field(ge=0)] = 1800.0
    """How long a party that cannot carry its own waits by the road until others help to carry, unless a vehicle comes
    first; seen every 15 min (s). Assumption."""
    rooms: Rooms = Rooms()
    """Where people at home are."""

    @model_validator(mode="after")
    def _curve_fits(self):
        if _between(self.steepness, self.n_d50_reach) is None:
            raise ValueError(
                f"n_d50_reach = {self.n_d50_reach} is too near for steepness = {self.steepness}: a curve that falls so "
                "slowly does most of its harm farther away; raise one of the two"
            )
        return self

    @model_validator(mode="after")
    def _shares_fit(self):
        if self.p_death_with_care > self.p_death_without_care:
            raise ValueError(
                f"p_death_with_care = {self.p_death_with_care} exceeds p_death_without_care = "
                f"{self.p_death_without_care}; care must not raise the share who die"
            )
        if self.death_share < self.serious_share * self.p_death_without_care:
            raise ValueError(
                f"death_share = {self.death_share} is less than the share who die of serious injuries alone, "
                f"serious_share * p_death_without_care = {self.serious_share * self.p_death_without_care:.3f}; "
                "raise death_share or lower one of the others"
            )
        return self

    @property
    def share_fatal(self) -> float:
        """Share of casualties who die at once.

        share_fatal + (1 - share_fatal) * serious_share * p_death_without_care = death_share: by default
        0.146 at once and 0.054 later, 0.20 in all; immediate care for everyone brings it down to 0.159.
        """
        later = self.serious_share * self.p_death_without_care
        return (self.death_share - later) / (1 - later)

    @property
    def share_serious(self) -> float:
        """Share of casualties who survive the impact with serious injuries."""
        return (1 - self.share_fatal) * self.serious_share

    @property
    def widening(self) -> float:
        """Factor on d50 of the curve that is cut at `reach_m` and harms as many of an even crowd as the whole."""
        return _widening(self.steepness, self.n_d50_reach)

    @property
    def d50_within_reach_m(self) -> np.ndarray:
        """float64[3]: d50 of the curve that is cut at `reach_m` (m)."""
        return self.widening * np.array(self.d50_m)

    @property
    def reach_m(self) -> np.ndarray:
        """float64[3]: distance beyond which an impact of each size harms nobody (m)."""
        return self.n_d50_reach * np.array(self.d50_m)
