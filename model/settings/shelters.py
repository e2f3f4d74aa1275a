"""Shelters: where, for how many, and how far people walk to one. A protective lever."""

from typing import Annotated

from pydantic import Field, model_validator

from safepassage.model.settings.base import DataFile, Section


class ShelterPlace(Section):
    """One shelter. Say where in longitude and latitude, or in metres of the map's plane."""

    name: str
    """Name, different from every other shelter's."""
    capacity: Annotated[int, Field(gt=0)]
    """People it holds."""
    takes_in: bool = False
    """A reception place: people whose homes were destroyed may live there until they leave."""
    longitude_deg: float | None = None
    """With latitude_deg: place in degrees (WGS 84)."""
    latitude_deg: float | None = None
    """With longitude_deg (WGS 84, degrees)."""
    x_m: float | None = None
    """With y_m: place in the plane of the map (m)."""
    y_m: float | None = None
    """With x_m (m)."""

    @model_validator(mode="after")
    def _one_place(self):
        degrees = (self.longitude_deg is not None, self.latitude_deg is not None)
        metres = (self.x_m is not None, self.y_m is not None)
        if (all(degrees) and not any(metres)) or (all(metres) and not any(degrees)):
            return self
        raise ValueError(f"shelter {self.name!r}: give longitude_deg and latitude_deg, or x_m and y_m")


class Shelters(Section):
    """Purpose-built shelters that people can walk to."""

    places: tuple[ShelterPlace, ...] = Field(
        (), examples=[[{"name": "School", "capacity": 300, "longitude_deg": 37.17, "latitude_deg": 48.28}]]
    )
    """Shelters, one by one."""
    file: DataFile | None = None
    """Points, in any format that `population.zones` takes, each with `name` and `capacity`; added to `places`."""
    walking_distance_m: Annotated[float, Field(ge=0)] = 400.0
    """Farthest that people walk to a shelter (m): five minutes. Assumption."""
    detour_factor: Annotated[float, Field(ge=1)] = 1.3
    """Way along streets over the straight line. Assumption."""
    share_who_go: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of households without a basement that go to a shelter with room during an alert, if one is in reach.
    Assumption."""

    @property
    def reach_m(self) -> float:
        """Straight-line distance within which a shelter is in reach (m)."""
        return self.walking_distance_m / self.detour_factor


class AirRaidAlerts(Section):
    """Alerts that sound before anything is heard: people take cover, buses that stand wait. A protective lever."""

    file: DataFile | None = None
    """CSV of recorded alerts with `started_utc` and `finished_utc`, or as the lists of Ukraine's alerts are published
    (`started_at`, `finished_at`, in UTC; `region` or `oblast`, `raion`, `hromada`), or the answer of alerts.in.ua
    (JSON). People stay in cover until they end; one without an end lasts to the end of the run."""
    place: str | None = Field(None, examples=["Pokrovskyi raion"])
    """Whose alerts count, where the file has those of several places: the name in its column region, oblast, raion or
    hromada. Alerts of the whole region that it is in count as well."""
    warning_s: Annotated[float, Field(ge=0)] | None = Field(None, examples=[120])
    """How long before the first impact of a cluster an alert sounds (s); default: none is drawn."""
    share_warned: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Share of clusters before which one sounds. Assumption."""
    false_per_day: Annotated[float, Field(ge=0)] = 5.4
    """False alerts a day, drawn besides if `warning_s` is given: nothing falls here after them. Donetsk oblast and
    Pokrovsk raion had 5.6 alerts a day (4,311 that do not overlap, in 766 days to April 2024; Vadimkin/ukrainian-air-
    raid-sirens-dataset 1366c7b1422d), Pokrovsk hromada 0.2 reported events (VIINA, May 2022 to September 2023)."""
    false_duration_s: Annotated[float, Field(ge=0)] = 2616.0
    """How long each of these lasts (s): the median of the same record."""
    reach: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of households that hear it, by siren or phone. Assumption."""
