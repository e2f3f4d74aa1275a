"""What stands beside the tables of a run, checked when it is read: a folder may come from anybody."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from safepassage.model.results.columns import SCHEMA_VERSION
from safepassage.model.settings.errors import ScenarioError
from safepassage.model.settings.run import LONGEST_H

MOST_BYTES = 20_000_000
"""Size of a manifest; that of Pokrovsk has some 60 kB. Assumption."""
N_SHOWN = 3


class Manifest(BaseModel):
    """The keys that results are read by; others may stand beside them."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    schema_version: int
    scenario: dict[str, Any]
    seed: int = Field(ge=0, lt=2**64)
    simulated_s: float = Field(ge=0, le=LONGEST_H * 3600)
    warning_time_s: float
    crs: str | None = None
    versions: dict[str, str]
    digests: dict[str, str]
    inputs: dict[str, str] = {}
    report: list[str] = []
    timings_s: dict[str, float] = {}


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest of a run as it stands in the file. Raises ScenarioError if it is none, or not whole."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise ScenarioError(f"{path}: this is not a manifest: it holds no keys. Run the scenario again.")
    version = found.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ScenarioError(
            f"{path.parent}: written with table schema {version}, this version reads {SCHEMA_VERSION}. Run the "
            "scenario again."
        )
    from safepassage.model.settings.scenario import Scenario

    try:
        Manifest.model_validate(found)
        Scenario.model_validate(found["scenario"], context={"folder": path.parent, "may_be_gone": True})
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:N_SHOWN]]
        raise ScenarioError(
            f"{path}: this manifest is incomplete or wrong: {'; '.join(wrong)}. Run the scenario again."
        ) from None
    return found


def read_json(path: Path) -> Any:
    """Return what a JSON file holds. Raises ScenarioError if it is none or far too large."""
    try:
        with open(path, "rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ScenarioError(
                f"{path}: this file is larger than {MOST_BYTES:,} bytes and was not written by safepassage."
            )
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(
            f"{path}: this is not a manifest: {' '.join(str(error).split())}. Run the scenario again."
        ) from None
