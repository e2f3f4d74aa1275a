"""Who lives in the place: how many, in which households, with which cars and impairments."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from safepassage.model.settings.base import DataFile, Section

Share = Annotated[float, Field(ge=0, le=1)]


class Population(Section):
    """Residents by zone, and the shares or tables from which households and persons are made."""

    zones: DataFile
    """Polygons, each with its number of residents: GeoJSON, GeoParquet, CSV with WKT; with the extra `gis` GeoPackage
    or Shapefile. A layer is named as in QGIS: districts.gpkg|layername=districts. Or a GeoTIFF of residents, such as
    WorldPop's: zones are then squares of a kilometre about the streets."""
    zone_name_property: str = "zone_id"
    """Property of a zone that names it."""
    residents_property: str = "population"
    """Property of a zone that gives its residents (persons)."""
    raster: DataFile | None = None
    """GeoTIFF of residents (persons in each cell), which gives the zones theirs in place of a property."""
    residents: int | None = Field(None, gt=0, lt=1_000_000_000)
    """Residents in all zones together (persons); the zones' numbers are scaled to it. Default: as in the file."""
    share_of_prewar: float = Field(1.0, gt=0, le=1)
    """Residents at the start of the run as a share of those before the war, in the same area. Those who remain are
    the ones less ready to leave. 1: nobody has left yet."""
    buildings: DataFile | None = None
    """Building footprints, in any format that `zones` takes: homes stand in them, in proportion to `dwellings`, else
    to ground area x `building:levels` or `levels` (1 if not given). Default: along the streets, in proportion to
    length."""
    node_weights: DataFile | None = None
    """CSV or Parquet with columns node, weight: homes stand at these nodes of the network, in proportion to weight."""
    households_file: DataFile | None = None
    """CSV or Parquet, one row per household, used unchanged. Columns: household (id), n_persons, has_car, zone, and the
    place as x_m, y_m or longitude_deg, latitude_deg or node. What is not given is drawn; the zones' residents are then
    not read."""
    persons_file: DataFile | None = None
    """CSV or Parquet, one row per person, used unchanged. Columns: household (id), age, sex (F, M), mobility
    (unimpaired, slow, needs assistance), zone. What is not given is drawn."""
    age_sex_table: DataFile | None = None
    """CSV of shares of all persons by sex, age_from, age_below (years), share. It is met to within a person in every
    zone, after adjustment (raking) to share_under_18, share_65_and_over and share_female where these are stated."""
    household_size_table: DataFile | None = None
    """CSV of shares of households: n_persons, share; instead of household_size_shares. "5 or more" counts as 5."""
    mobility_table: DataFile | None = None
    """CSV by sex, age_from, age_below (years): p_slow, p_needs_assistance; instead of the four shares below, for the
    ages that it covers."""
    p_split: Share = 0.0
    """Share of families with children and at least two adults of whom one adult stays behind when the rest leave, and
    decides later, alone. 0: families leave together. In front-line towns a parent or grandparent often stays to keep
    the home or the job; no count was found."""
    p_old_decide_alone: Share = 0.0
    """Share of the people of 65 and over living with younger adults who decide for themselves whether to leave: few go
    when the family does. 0: all leave with their household, as in a sudden flight. Towns near a front: 0.6. When three
    quarters of Donetsk oblast had left by the summer of 2022, 60 % of 225 old people that a charity looked for in the
    east were at home and 29 % had fled (Dorcas, September 2022), of whom it is not known with whom they lived; 0.3 to
    0.8 (assumption)."""
    household_size_shares: tuple[Share, ...] = (0.21, 0.29, 0.27, 0.155, 0.075)
    """Share of households of 1, 2, 3, ... persons. Mean 2.6 as in Ukraine (recalled; SOURCES 4); the split is an
    Assumption."""
    share_under_18: Share | None = None
    """Share of persons under 18. Default: that of the table, else 0.18 (Ukraine 2020; UNFPA COD-PS)."""
    share_65_and_over: Share | None = None
    """Share of persons of 65 and over. Default: that of the table, else 0.217 (Donetsk oblast 2020; UNFPA COD-PS)."""
    share_female: Share | None = None
    """Share of women and girls. Default: that of the table, else 0.54. Assumption (Ukraine 2020: 0.537)."""
    p_lone_person_is_65_or_over: Share = 0.5
    """Share of those living alone who are 65 or over. Assumption."""
    p_car: Share = 0.40
    """Probability that a household has a usable car. Assumption, range 0.25-0.55 (Donetsk oblast: 132-179 cars per
    1,000 residents)."""
    p_car_lone_65: Share = 0.15
    """The same for a person of 65 or over who lives alone. Assumption."""
    p_car_by_size: tuple[Share, ...] | None = None
    """The same for households of 1, 2, 3, ... persons, instead of p_car; the last holds for larger ones too."""
    p_slow_under_65: Share = 0.05
    """Share of persons of 18 to 64 who walk slowly. Assumption, so that a third of households include a person with a
    disability (survey of 466 evacuees from Pokrovsk and Myrnohrad, Responsible Citizens 2024)."""
    p_slow_65: Share = 0.30
    """Share of persons of 65 and over who walk slowly. Assumption, as above."""
    p_needs_assistance_under_65: Share = 0.03
    """Share of persons under 65 who need assistance to move. Assumption, as above."""
    p_needs_assistance_65: Share = 0.15
    """Share of persons of 65 and over who need assistance to move. Assumption, as above."""
    home_weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default={})
    """Homes per metre of street by highway class, against 1 along residential streets, where neither buildings nor
    node_weights say where they stand; what is given here changes the default of that class only. By default 0.75 along
    primary roads: on three maps of OpenStreetMap (the centre of Helsinki, Monaco, Krems) the floor of the buildings
    nearest to a metre of them is 0.74 to 0.75 of that along a residential street; along trunk roads it is 0.05. 1
    along residential, living_street, unclassified, tertiary, secondary and pedestrian streets, 0 along all others:
    Assumption."""
    home_setback_m: float = Field(15.0, ge=0)
    """Distance of homes from the middle of the street (m). Assumption."""

    @field_validator("household_size_shares")
    @classmethod
    def _shares_of_all_households(cls, shares: Any) -> Any:
        if abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"the shares add up to {sum(shares):g}; they must add up to 1")
        return shares

    @model_validator(mode="after")
    def _shares_add_up(self):
        if (self.share_under_18 or 0) + (self.share_65_and_over or 0) > 1:
            raise ValueError("share_under_18 + share_65_and_over is above 1; lower one of them")
        if self.buildings and self.node_weights:
            raise ValueError("say in one way where homes stand: buildings or node_weights")
        if self.p_car_by_size == ():
            raise ValueError("p_car_by_size is empty; give a share for households of one person, or leave it out")
        for low, high in (("p_slow_under_65", "p_needs_assistance_under_65"), ("p_slow_65", "p_needs_assistance_65")):
            if getattr(self, low) + getattr(self, high) > 1:
                raise ValueError(f"{low} + {high} is above 1; lower one of them")
        return self

    def files(self) -> list[Path]:
        """Return the files that the population is made from."""
        return [value for name in type(self).model_fields if isinstance(value := getattr(self, name), Path)]
