"""A study on disk, read: one row per finished run, also while the sweep is still running."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from safepassage.experiments.runs.run import run_key
from safepassage.experiments.runs.store import Store
from safepassage.model.results.columns import unit_of
from safepassage.model.settings.base import ScenarioError


@dataclass(frozen=True)
class StudyFolder:
    """The results of a study: `frame()` is the tidy table, `units()` its units."""

    path: Path

    @cached_property
    def description(self) -> dict:
        """Which study this is: identity, seeds, outcomes, code, versions."""
        found = self._store.description
        outcomes, seeds = found.get("outcomes"), found.get("seeds")
        if not _is_list_of(outcomes, str) or not _is_list_of(seeds, int):
            raise ScenarioError(
                f"{self.path / 'study.json'}: it does not say which seeds and outcomes the study has. Repeat the sweep "
                "into this folder, or take the folder from where it was made."
            )
        return found

    @property
    def _store(self) -> Store:
        return Store(self.path)

    def frame(self, outcomes: tuple[str, ...] | None = None) -> pd.DataFrame:
        """Return one row per finished run: point, scenario, plan, factors, replication, seed, key, outcomes.

        outcomes: which; default: those the study asks for, () for all. Sorted by point, then replication.
        """
        return results_table(self, outcomes).to_pandas()

    def units(self) -> dict[str, str]:
        """Return the unit of each column of the frame; "" for names, codes and factors."""
        schema = results_table(self, ()).schema
        return {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}

    def design(self) -> pd.DataFrame:
        """Return the points of the design: point, scenario, plan, factors, digest."""
        return self._store.read("design").to_pandas()

    @property
    def factors(self) -> list[str]:
        """Names of the factor columns."""
        return [name for name in self._store.read("design").column_names if name not in OWN]

    def timings(self) -> pd.DataFrame:
        """Return one row per run, by key: how long it took to build, to run and in all (s), and on which host."""
        return self._store.timings().to_pandas()

    def failures(self) -> list[dict]:
        """Return the runs that failed: point, replication, seed, command to repeat, traceback."""
        return self._store.failed()

    def table(self, name: str) -> pd.DataFrame:
        """Return a table that was kept of each run, all runs below each other, with point and replication in front.

        Raises ScenarioError if the study did not keep it.
        """
        folder = self.path / "tables" / name
        if not folder.is_dir():
            kept = ", ".join(sorted(path.name for path in self.path.glob("tables/*"))) or "none"
            raise ScenarioError(f"{self.path}: table {name!r} was not kept of each run; kept: {kept}.")
        parts = []
        for row in self.frame(())[["point", "plan", "replication", "key"]].itertuples(index=False):
            path = folder / f"{row.key}.parquet"
            if path.is_file():
                part = pq.read_table(path).to_pandas()
                part.insert(0, "point", row.point)
                part.insert(1, "plan", row.plan)
                part.insert(2, "replication", row.replication)
                parts.append(part)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


OWN = ("point", "scenario", "plan", "digest")
"""Columns of the design that are not factors."""


def _is_list_of(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def open_study(path: Path | str) -> StudyFolder:
    """Return the StudyFolder of a study, finished or still running.

    path: folder of a sweep, or `out` of `run_batch`. Raises ScenarioError if it holds no study.
    """
    folder = StudyFolder(Path(path))
    _ = folder.description
    return folder


def results_table(folder: StudyFolder, outcomes: tuple[str, ...] | None = None) -> pa.Table:
    """Return the rows of StudyFolder.frame as an Arrow table, units in the fields' metadata."""
    store, description = folder._store, folder.description
    if outcomes is None:
        outcomes = tuple(description["outcomes"])
    design, seeds = store.read("design"), description["seeds"]
    if "digest" not in design.column_names or not pa.types.is_string(design["digest"].type):
        raise ScenarioError(
            f"{folder.path / 'design.parquet'}: this is not the design of a study. Repeat the sweep into this folder, "
            "or take the folder from where it was made."
        )
    runs = store.runs()
    row_of = {key: row for row, key in enumerate(runs["key"].to_pylist())}
    point, replication, found = [], [], []
    for number, digest in enumerate(design["digest"].to_pylist()):
        for index, seed in enumerate(seeds):
            row = row_of.get(run_key(digest, seed))
            if row is not None:
                point.append(number)
                replication.append(index)
                found.append(row)
    left = design.drop_columns(["digest"]).take(pa.array(point, pa.int64()))
    right = runs.take(pa.array(found, pa.int64()))
    names = [name for name in right.column_names if name not in ("key", "seed")]
    chosen = outcomes or tuple(names)
    missing = [name for name in chosen if name not in names and not name.startswith("exposure_")]
    if missing and right.num_rows:
        plain = ", ".join(name for name in names if ":" not in name)
        raise ScenarioError(f"{folder.path}: there is no outcome {missing[0]!r}; there are {plain}, and by group.")
    columns = {name: left[name] for name in left.column_names}
    columns["replication"] = pa.array(replication, pa.int32())
    columns |= {name: right[name] for name in ("seed", "key") if name in right.column_names}
    zeros = pa.array(np.zeros(right.num_rows))
    columns |= {name: right[name] if name in names else zeros for name in chosen if name in names or right.num_rows}
    units = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in runs.schema}
    fields = []
    for name, column in columns.items():
        unit = units.get(name, "") if name in chosen else unit_of(name.rsplit(".", 1)[-1])
        fields.append(pa.field(name, column.type, metadata={"unit": unit}))
    return pa.table(list(columns.values()), schema=pa.schema(fields)).combine_chunks()
