"""Where the sun stands: when it rises and sets, and when it is dark, from the place and the date.

Declination and equation of time after Spencer (1971, Fourier series representation of the position of the sun, Search
2(5):172), as in NOAA's solar calculations; times are right to about two minutes below the polar circles.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

RISES_AT_DEG = -0.833
"""Height of the sun's middle at sunrise and sunset: its radius and refraction at the horizon (degrees; NOAA)."""
DARK_BELOW_DEG = -6.0
"""Height below which it is dark without lamps: the end of civil twilight (degrees)."""
DAY_H = 24.0


@dataclass(frozen=True)
class SunDay:
    """The hours of one local date. nan, nan: the sun does not cross that height on it."""

    noon_s: float
    """When the sun stands highest (s since 1970, UTC)."""
    half_day_s: float
    """From sunrise to noon (s): 0 if it does not rise, half a day if it does not set."""
    half_light_s: float
    """From the end of the night to noon (s): 0 if it stays dark, half a day if it never gets dark."""

    @property
    def rises(self) -> bool:
        """Whether there is a sunrise and a sunset."""
        return 0.0 < self.half_day_s < DAY_H / 2 * 3600.0


def sun_day(day: date, latitude_deg: float, longitude_deg: float, time_zone: str) -> SunDay:
    """Return the hours of a local date at a place.

    day: local date. latitude_deg, longitude_deg: the place (degrees north, east). time_zone: of the local date.
    """
    middle = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(time_zone)).timestamp()
    utc_noon = np.floor(middle / 86400.0) * 86400.0 + 43200.0
    of_year = datetime.fromtimestamp(middle, ZoneInfo("UTC")).timetuple().tm_yday
    angle = 2 * np.pi * (of_year - 1) / 365.0
    minutes = 229.18 * (
        0.000075 + 0.001868 * np.cos(angle) - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle) - 0.040849 * np.sin(2 * angle)
    )  # fmt: skip
    declination = (
        0.006918 - 0.399912 * np.cos(angle) + 0.070257 * np.sin(angle) - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle) - 0.002697 * np.cos(3 * angle) + 0.00148 * np.sin(3 * angle)
    )  # fmt: skip
    noon_s = utc_noon - longitude_deg * 240.0 - minutes * 60.0
    noon_s += np.round((middle - noon_s) / 86400.0) * 86400.0  # that of this local date
    latitude = np.radians(latitude_deg)
    halves = [_half_s(height, latitude, declination) for height in (RISES_AT_DEG, DARK_BELOW_DEG)]
    return SunDay(float(noon_s), *halves)


def _half_s(height_deg: float, latitude: float, declination: float) -> float:
    """Return for how long before noon the sun stands above a height (s): 0 to half a day. latitude: radians."""
    above = np.sin(np.radians(height_deg)) - np.sin(latitude) * np.sin(declination)
    across = np.cos(latitude) * np.cos(declination)
    cosine = np.clip(above / across, -1.0, 1.0) if across > 1e-12 else np.sign(above)
    return float(np.arccos(cosine) / np.pi * DAY_H / 2 * 3600.0)


def days_of(start: datetime, end: datetime) -> list[date]:
    """Return the dates from one moment to another, both among them."""
    first = start.date()
    return [first + timedelta(days=k) for k in range((end.date() - first).days + 1)]
