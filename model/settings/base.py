"""What every section of a scenario file has in common."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, model_validator

from safepassage.model.settings.errors import ScenarioError

__all__ = ["DataFile", "NamedStreet", "ScenarioError", "Section"]


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


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    if folder is not None and not path.is_absolute():
        path = Path(folder) / path
    if not path.is_file():
        raise ValueError(f"there is no file {path}; paths are relative to the scenario file")
    return path.resolve()


DataFile = Annotated[Path, AfterValidator(_existing_file)]
"""A file that must exist; a relative path is taken from the folder of the scenario file that names it."""
