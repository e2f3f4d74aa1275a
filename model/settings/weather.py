"""Weather as an input, and what cold, dark and lost services do to people. Off unless a scenario states weather."""

from typing import Annotated

from pydantic import Field, model_validator

from safepassage.model.settings.base import DataFile, DayRange, HazardSection, Section
from safepassage.model.settings.population import Share

Degrees = Annotated[float, Field(ge=-70, le=60)]
"""Temperature of air outdoors (degrees Celsius); lower and higher ones have hardly been measured where people live."""
MONTHS = [-4, -3, 2, 10, 16, 20, 23, 22, 16, 9, 2, -2]
"""Twelve monthly means, as an example."""


class SnowDays(DayRange):
    """Days on which snow or ice lies on the streets."""

    is_ice: bool = False
    """Whether it is bare ice, not trodden snow."""


class Weather(HazardSection):
    """Temperature, wind, snow and light by day. Without `monthly_mean_c` or `file` there is no weather in a run."""

    source: str = ""
    """Where the temperatures come from, in words. Needed as soon as there are any."""
    monthly_mean_c: tuple[Degrees, ...] = Field((), examples=[MONTHS])
    """Mean temperature of each month, January first (12 numbers); in force in the middle of the month, linear between.
    """
    file: DataFile | None = None
    """CSV with a row for each day: `date`, `mean_c`, and if you like `wind_m_s` and `snow` (none, snow or ice). Days
    that it does not have follow `monthly_mean_c`; without that, each day of the run must be there."""
    day_range_c: float = Field(7.0, ge=0, le=40)
    """From the coldest to the warmest hour of a day (degrees). Donetsk in January: -9 to -2 (meteoatlas.pl)."""
    wind_m_s: float = Field(5.0, ge=0, le=60)
    """Wind where the file has none (m/s). Donetsk: 6 in winter, 4 in summer, on average (a weather page; SOURCES)."""
    snow: tuple[SnowDays, ...] = Field((), examples=[[{"first_day": "2024-12-20", "last_day": "2025-02-10"}]])
    """Days with snow or ice on the streets, where the file does not say."""
    latitude_deg: float | None = Field(None, ge=-90, le=90)
    """With longitude_deg: where the sun is looked at (WGS 84, degrees). Default: the middle of the map."""
    longitude_deg: float | None = Field(None, ge=-180, le=180)
    """With latitude_deg (WGS 84, degrees)."""
    dark_speed_factor: float = Field(0.9, gt=0, le=1)
    """Walking speed in the dark, without street lamps, against daylight. Walking in near darkness slows all (Kesler et
    al. 2005, J. NeuroEngineering and Rehabilitation 2:27); the size is an assumption, 0.8 to 1."""
    snow_speed_factor: float = Field(0.93, gt=0, le=1)
    """Walking speed on trodden snow: a minute a kilometre longer than on bare ground (Fossum and Ryeng 2021, Transp.
    Res. D 97:102934), from 1.34 m/s."""
    ice_speed_factor: float = Field(0.86, gt=0, le=1)
    """Walking speed on clean ice: two minutes a kilometre longer; same source."""

    @model_validator(mode="after")
    def _clear(self):
        if self.monthly_mean_c and len(self.monthly_mean_c) != 12:
            raise ValueError(f"monthly_mean_c has {len(self.monthly_mean_c)} numbers; give 12, January first")
        if (self.latitude_deg is None) != (self.longitude_deg is None):
            raise ValueError("give latitude_deg together with longitude_deg")
        if self.is_stated and not self.source.strip():
            raise ValueError("say in `source` where the temperatures come from, or write: assumption")
        return self

    @property
    def is_stated(self) -> bool:
        """Whether a run has weather."""
        return bool(self.monthly_mean_c) or self.file is not None


class ColdOutside(Section):
    """Harm to people who walk or wait in the cold: hypothermia that needs a hospital, or kills.

    rate = per_person_h * times_per_5_c ** ((reference_c - feels) / 5), feels: wind chill (degrees). Of those without
    a home in Toronto, 97 came to five hospitals or died of it from 2004 to 2015 (Zhang et al. 2019, IJERPH 16:3259;
    the numbers recalled); 447 slept outdoors (the city's count of April 2013). 97 in 11 winters of 150 days, 447 people
    for 16 hours a day: 8e-6. They are used to it, many are ill, and a city has ambulances; those who flee are dressed
    in haste, and old: 3e-6 to 5e-5 (assumption).
    """

    per_person_h: float = Field(8e-6, ge=0, le=1)
    """Cases per hour outside at `reference_c` (1/h), as said above; the division is ours (assumption)."""
    reference_c: float = Field(-5.0, ge=-70, le=60)
    """Wind chill at which that rate holds. Assumption: nights of a winter in Toronto."""
    times_per_5_c: float = Field(1.64, ge=1, le=10)
    """By what the rate grows for 5 degrees less: odds 1.64, 95 % interval 1.30 to 2.07 (Zhang et al. 2019, recalled);
    there for the day's lowest temperature without wind (assumption that wind chill does the same)."""
    none_above_c: float = Field(5.0, ge=-70, le=60)
    """No harm where it feels warmer. Assumption."""
    spared_h: float = Field(0.5, ge=0)
    """Hours outside without a break that harm nobody: Canada's guide to wind chill speaks of long periods.
    Assumption."""
    times_old: float = Field(3.0, ge=1)
    """By what the rate of people of 65 and over is higher. Assumption: about what death rates of hypothermia by age
    in the United States say (recalled)."""
    share_fatal: Share = 0.19
    """Share of the cases who die: 18 of 97 (Zhang et al. 2019, recalled)."""


class ColdHomes(Section):
    """Homes without heating: how cold they get, and the deaths that this adds.

    Yekaterinburg had no more deaths down to 0 degrees outdoors, with living rooms at 21.9 (Donaldson et al. 1998, BMJ
    316:514): heated homes protect. Where they were coolest, in Athens, all deaths rose by 2.15 % (95 % interval 1.20 to
    3.10) for each degree below 18 (Eurowinter Group 1997, Lancet 349:1341).
    """

    share_gas: Share = 0.6
    """Share of households whose heat ends with the gas: boilers of their own and of the district. Assumption."""
    share_power: Share = 0.25
    """Share of households whose heat ends with the power. The rest burn wood or coal. Assumption."""
    heated_c: float = Field(20.0, ge=-70, le=40)
    """Indoors while heated (degrees). Assumption."""
    gains_c: float = Field(3.0, ge=0, le=20)
    """How much warmer than outdoors an unheated home with people in it stays. Assumption."""
    cooling_h: float = Field(40.0, gt=0, le=1000)
    """Time in which the difference falls to 1/e after the heating ends (h). Houses of panels and of brick keep their
    heat for 12 to 50 hours in frost (experts in money.comments.ua, 20 January 2026). Assumption; 20 to 80."""
    needed_c: float = Field(18.0, ge=-70, le=40)
    """Below this homes harm: WHO Housing and health guidelines, 2018."""
    deaths_rise_per_c: float = Field(0.0215, ge=0, le=1)
    """Rise of all deaths for each degree below `needed_c` indoors (1 = twice as many). Athens, as said above: the
    slope is by outdoor temperature, and is taken for indoors (assumption); 0.012 to 0.031."""
    deaths_per_year: tuple[Share, Share, Share] = (0.013, 0.035, 0.09)
    """Share of people of 50 to 64, 65 to 74, and 75 and over who die in a year in peace (1/year). Rounded for Ukraine
    before 2020 (recalled). Younger people: no rise."""
    heating_below_c: float = Field(8.0, ge=-70, le=40)
    """Homes are heated on days whose mean is below this: the rule of Ukraine's heating season (recalled). A loss of
    power or gas counts in `behaviour.loss_shock` on such days, not by the month, once there is weather."""
    water_lasts_d: float = Field(3.0, ge=0)
    """How long a household without water lives on what it has stored (days). Assumption."""

    @model_validator(mode="after")
    def _heated_enough(self):
        if self.heated_c < self.needed_c:
            raise ValueError(f"heated_c = {self.heated_c:g} is below needed_c = {self.needed_c:g}; raise it to that")
        if self.share_gas + self.share_power > 1 + 1e-9:
            found = self.share_gas + self.share_power
            raise ValueError(f"share_gas and share_power add up to {found:g}; lower one of them, to 1 at most")
        return self


class Cold(HazardSection):
    """What cold does to people. Counts only in a run with weather."""

    outside: ColdOutside = ColdOutside()
    """People who walk or wait outside."""
    homes: ColdHomes = ColdHomes()
    """Homes without heating."""
    feels_below_c: float = Field(0.0, ge=-70, le=60)
    """Hours outside count as in the cold where it feels colder than this (degrees). Assumption."""
