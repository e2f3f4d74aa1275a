"""What every section of a scenario file has in common."""

from datetime import date, time
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, model_validator

from safepassage.model.settings.errors import ScenarioError

__all__ = ["ClockTime", "DataFile", "Hours", "NamedStreet", "ScenarioError", "Section"]


class Section(BaseModel):
    """A part of a scenario: frozen, unknown keys and endless numbers refused, units in the names of quantities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


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


def _clock(value: Any) -> Any:
    """Read what YAML makes of 15:00, the number 900, as minutes since midnight again."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < 1440:
            raise ValueError(f"{value} is no time of day; write it as '06:30', from 00:00 to 23:59")
        return time(value // 60, value % 60)
    return value


ClockTime = Annotated[time, BeforeValidator(_clock)]
"""Local time of day, such as 15:00."""


class Hours(Section):
    """Hours of each day of a period in which something works."""

    first_day: date | None = None
    """First local date; default: from before the run."""
    last_day: date | None = None
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
    folder = (info.context or {}).get("folder")
    if folder is not None and not path.is_absolute():
        path = Path(folder) / path
    if not path.is_file():
        raise ValueError(f"there is no file {path}; paths are relative to the scenario file")
    return path.resolve()


DataFile = Annotated[Path, AfterValidator(_existing_file)]
"""A file that must exist; a relative path is taken from the folder of the scenario file that names it."""
