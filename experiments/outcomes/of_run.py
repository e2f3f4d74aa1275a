"""The outcomes of one run, from its tables in memory: what a study keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from safepassage.model.results import metrics
from safepassage.model.settings.base import ScenarioError

GROUP_UNITS = {
    "evacuated_share": "1",
    "casualties_per_1000": "per 1,000 persons",
    "median_arrival_h": "h",
    "n_persons": "persons",
}


@dataclass(frozen=True)
class RunInMemory:
    """A run that is not on disk, read like `results.RunFolder`: manifest, and tables by name as frames."""

    tables: Mapping[str, pa.Table]
    manifest: dict
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Return whether there is a table of this name."""
        return name in self.tables

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a pandas frame; raises ScenarioError naming the tables that there are."""
        if name not in self.tables:
            raise ScenarioError(f"there is no table {name!r}; there are {', '.join(sorted(self.tables))}.")
        if name not in self._frames:
            self._frames[name] = self.tables[name].to_pandas()
        return self._frames[name]

    def units(self, name: str) -> dict[str, str]:
        """Return the unit of each column of a table."""
        return {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in self.tables[name].schema}


def outcomes_of(run) -> dict[str, tuple[float, str]]:
    """Return name -> (value, unit): every measure of `metrics.summary`, and `measure:group` for groups of people."""
    found = {measure.name: (float(measure.value), measure.unit) for measure in metrics.summary(run)}
    for row in metrics.group_rows(run):
        group = row.pop("group").replace(" ", "_")
        found |= {f"{name}:{group}": (float(value), GROUP_UNITS.get(name, "")) for name, value in row.items()}
    return found
