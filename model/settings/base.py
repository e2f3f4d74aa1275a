"""What every section of a scenario file has in common."""

import re
from datetime import date, datetime, time
from os.path import isfile
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    model_validator,
)

from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.files.portable import file_of, path_of

__all__ = [
    "ClockTime", "DataFile", "Date", "HazardSection", "Hours", "Moment", "NamedStreet", "ScenarioError", "Section",
    "files_of_folder",
]  # fmt: skip


LARGE = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE]\+?[0-9]+")
"""A number that YAML 1.1 takes for text: 1e60."""


class Section(BaseModel):
    """A part of a scenario: frozen; unknown keys and infinite numbers are refused; names end in units."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers_that_can_be_meant(cls, given: Any) -> Any:
        """Refuse yes and no where a number belongs, as they would be 1 and 0, and numbers larger than anything here."""
        for name, value in given.items() if isinstance(given, dict) else ():
            if isinstance(value, bool):
                kind = cls.model_fields[name].annotation if name in cls.model_fields else Any
                if kind is not Any and "bool" not in str(kind):
                    raise ValueError(f"{name} is {'true (or yes)' if value else 'false (or no)'}; write what is meant")
                continue
            is_number = isinstance(value, int | float) or (isinstance(value, str) and LARGE.fullmatch(value.strip()))
            if is_number and MOST < abs(float(value)) < float("inf"):
                raise ValueError(f"{name} is {float(value):.3g}, larger than anything here can be; correct it")
        return given


class HazardSection(Section):
    """A section that describes danger: no search may change it, whatever its aim; levers inside it may be searched."""

    places: ClassVar[tuple[str, ...]] = ()
    """Keys below it that say where harm lands: varying them to see the harm would be a search for targets."""


class NamedStreet(Section):
    """A street, named in one of two ways."""

    name: str | None = None
    """Name of the street, in letters of any case: all its links; give this or `between`."""
    between: tuple[str, str] | None = None
    """Ids of the two nodes that the link joins."""

    @model_validator(mode="after")
    def _one_place(self):
        if (self.name is None) == (self.between is None):
            raise ValueError("say where in exactly one way: name (of the street) or between (ids of two nodes)")
        return self


NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?")


def _no_number(value: Any) -> Any:
    """Refuse a number where a date or a time belongs: it would count seconds from 1970, or from midnight."""
    if isinstance(value, int | float) or (isinstance(value, str) and NUMBER.fullmatch(value.strip())):
        raise ValueError(f"{value!r} is a number; write a date as 2024-08-19, a time of the day as '14:30'")
    return value


YEARS = range(1900, 2201)
"""Years that a scenario or a record may contain; others are taken for mistakes. Assumption."""
MOST = 2**64
"""Largest number of a scenario: a seed is below it."""


def _of_a_year(value: Any) -> Any:
    if value.year not in YEARS:
        raise ValueError(f"the year is {value.year}; it must lie from {YEARS[0]} to {YEARS[-1]}")
    return value


Date = Annotated[date, BeforeValidator(_no_number), AfterValidator(_of_a_year)]
"""A local date, such as 2024-08-19."""
Moment = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_of_a_year)]
"""A date and time, such as 2024-08-19 14:30; local unless it carries an offset."""
ClockTime = Annotated[time, BeforeValidator(_no_number)]
"""Local time of day, such as 15:00."""


class DayRange(Section):
    """Some days, the first and the last among them."""

    first_day: Date
    """First local date."""
    last_day: Date
    """Last local date."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}; swap them")
        return self


class Hours(Section):
    """Hours of each day of a period in which something works."""

    first_day: Date | None = None
    """First local date; default: from before the run."""
    last_day: Date | None = None
    """Last local date on which the hours begin; default: it stays in force."""
    from_time: ClockTime = time(0, 0)
    """Local time at which they begin."""
    until_time: ClockTime = time(0, 0)
    """Local time at which they end, on the next day if not after `from_time`; equal: all day."""

    @model_validator(mode="after")
    def _in_order(self):
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}; swap them")
        return self


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    context = info.context or {}
    path = path_of(path, context.get("folder"))
    if context.get("may_be_gone"):
        return path
    if not isfile(file_of(path)):
        raise ValueError(f"there is no file {str(file_of(path))[:300]}; paths are relative to the scenario file")
    return path.resolve()


MAPS = (".geojson", ".json", ".geojsonl", ".gpkg", ".shp", ".zip", ".parquet", ".fgb", ".csv", ".gz")
"""Ends of the names of files that may be maps."""
MOST_FILES = 5000
"""Files of a folder: a map for each day of 13 years. Assumption."""


def files_of_folder(value: Any, info: ValidationInfo) -> Any:
    """Return the files that a text names, if it names a folder or has a * in it, in order of name; else the value."""
    if not isinstance(value, str | Path):
        return value
    path = path_of(value, (info.context or {}).get("folder"))
    is_pattern = "*" in path.name
    try:
        folder = path.parent if is_pattern else path
        found = sorted(folder.glob(path.name if is_pattern else "*")) if folder.is_dir() else [path]
    except (OSError, ValueError):
        found = [path]
    if found == [path]:
        return [value]
    maps = [one for one in found if one.is_file() and (is_pattern or one.suffix.lower() in MAPS)]
    if not 0 < len(maps) <= MOST_FILES:
        raise ValueError(f"{len(maps):,} maps are in the folder {folder}; give one to {MOST_FILES:,}")
    return maps


DataFile = Annotated[Path, AfterValidator(_existing_file)]
"""A file that must exist; a relative path is taken from the folder of the scenario file that names it."""
