"""Who lives in the place: how many, in which households, with which cars and impairments."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from safepassage.model.settings.base import DataFile, Section

Share = Annotated[float, Field(ge=0, le=1)]


class Population(Section):
    """Residents by zone, and the shares from which households and persons are drawn."""

    zones: DataFile
    """GeoJSON of polygons, each with its number of residents."""
    zone_name_property: str = "zone_id"
    """Property of a zone that names it."""
    residents_property: str = "population"
    """Property of a zone that gives its residents (persons)."""
    residents: int | None = Field(None, gt=0)
    """Residents in all zones together (persons); the zones' numbers are scaled to it. Default: as in the file."""
    household_size_shares: tuple[Share, ...] = (0.21, 0.29, 0.27, 0.155, 0.075)
    """Share of households of 1, 2, 3, ... persons. Mean 2.6 as in Ukraine (recalled; SOURCES 4); the split is an
    Assumption."""
    share_under_18: Share = 0.18
    """Share of persons under 18. Assumption (Ukraine 2020: 0.18; UNFPA COD-PS)."""
    share_65_and_over: Share = 0.217
    """Share of persons of 65 and over. Donetsk oblast 2020: 0.217 (UNFPA COD-PS)."""
    share_female: Share = 0.54
    """Share of women and girls. Assumption (Ukraine 2020: 0.537)."""
    p_lone_person_is_65_or_over: Share = 0.5
    """Share of those living alone who are 65 or over. Assumption."""
    p_car: Share = 0.40
    """Probability that a household has a usable car. Assumption, range 0.25-0.55 (Donetsk oblast: 132-179 cars per
    1,000 residents)."""
    p_car_lone_65: Share = 0.15
    """The same for a person of 65 or over who lives alone. Assumption."""
    p_slow_under_65: Share = 0.05
    """Share of persons of 18 to 64 who walk slowly. Assumption, so that a third of households include a person with a
    disability (survey of 466 evacuees from Pokrovsk and Myrnohrad, Responsible Citizens 2024)."""
    p_slow_65: Share = 0.30
    """Share of persons of 65 and over who walk slowly. Assumption, as above."""
    p_needs_assistance_under_65: Share = 0.03
    """Share of persons under 65 who need assistance to move. Assumption, as above."""
    p_needs_assistance_65: Share = 0.15
    """Share of persons of 65 and over who need assistance to move. Assumption, as above."""
    home_setback_m: float = Field(15.0, ge=0)
    """Distance of homes from the middle of the street (m). Assumption."""

    @field_validator("household_size_shares")
    @classmethod
    def _shares_of_all_households(cls, shares):
        if abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"the shares add up to {sum(shares):g}; they must add up to 1")
        return shares

    @model_validator(mode="after")
    def _shares_add_up(self):
        if self.share_under_18 + self.share_65_and_over > 1:
            raise ValueError("share_under_18 + share_65_and_over is above 1; lower one of them")
        for low, high in (("p_slow_under_65", "p_needs_assistance_under_65"), ("p_slow_65", "p_needs_assistance_65")):
            if getattr(self, low) + getattr(self, high) > 1:
                raise ValueError(f"{low} + {high} is above 1; lower one of them")
        return self
