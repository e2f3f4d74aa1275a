"""What leaves a run: tables with units, a manifest beside them, written whole or not at all.

A run is a folder: `manifest.json` (scenario, seed, versions, digests, timings) and one Parquet file per table. Nothing
is ever overwritten: each run takes a folder name of its own.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from safepassage.model.settings.base import ScenarioError

SCHEMA_VERSION = 1
PACKAGES = ("safepassage", "mesa", "networkx", "numba", "numpy", "scipy", "pandas", "pyarrow", "pydantic")

UNITS = {
    "_s": "s",
    "_m": "m",
    "_km": "km",
    "_h": "h",
    "_rad": "rad",
    "_m_s": "m/s",
    "_per_s": "1/s",
    "_person_h": "person-hours",
    "_vehicle_h": "vehicle-hours",
    "age": "years",
}
"""Unit by the end of a column's name, longest match first; `n_` counts; the rest are names, codes or shares."""


def unit_of(column: str) -> str:
    """Return the unit of a column, read off its name; "1" for counts; "" for names and codes."""
    if column.startswith("n_"):
        return "1"
    endings = [ending for ending in UNITS if column.endswith(ending)]
    return UNITS[max(endings, key=len)] if endings else ""


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's columns: names, types and values, whatever the file they stand in."""
    sink = hashlib.sha256()
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_list(column.type):  # Parquet names the items otherwise than Arrow does
            column = column.cast(pa.list_(column.type.value_type))
        sink.update(f"{name}:{column.type};{len(column)};".encode())
        batch = pa.record_batch([column], names=[name])
        sink.update(batch.serialize().to_pybytes())
    return sink.hexdigest()


def table(columns: dict[str, Any]) -> pa.Table:
    """Return an Arrow table of named columns, each with its unit in the field's metadata."""
    arrays = {name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in columns.items()}
    schema = pa.schema(
        [pa.field(name, array.type, metadata={"unit": unit_of(name)}) for name, array in arrays.items()],
        metadata={"schema_version": str(SCHEMA_VERSION)},
    )
    return pa.table(list(arrays.values()), schema=schema)


class Tables(Mapping):
    """Arrow tables by name, each made of its columns when it is first asked for: a sweep needs few of them."""

    def __init__(self, columns_of: dict[str, Callable[[], dict[str, Any]]]):
        """columns_of: name of the table -> function that returns its columns."""
        self._columns_of = columns_of
        self._made: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._made:
            self._made[name] = table(self._columns_of[name]())
        return self._made[name]

    def __contains__(self, name):
        return name in self._columns_of

    def __iter__(self):
        return iter(self._columns_of)

    def __len__(self):
        return len(self._columns_of)


def versions() -> dict[str, str]:
    """Return the versions of this code, of Python and of the packages that results depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    found["commit"] = _commit()
    return found


def _commit() -> str:
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return "not a git checkout"
    try:
        command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_run(folder: Path, tables: Mapping[str, pa.Table], manifest: dict) -> Path:
    """Write tables and manifest to a new folder and return it; the folder appears only when it is complete.

    folder: the wish; if it is taken, a number is added. Raises ScenarioError if nothing can be written there. Whatever
    interrupts it, also Ctrl-C, leaves nothing behind.
    """
    folder = Path(folder)
    partial = folder.parent / f".{folder.name}.partial-{uuid4().hex}"
    try:
        partial.mkdir(parents=True)
        for name, content in tables.items():
            pq.write_table(content, partial / f"{name}.parquet", compression="zstd")
        digests = {name: digest(content) for name, content in tables.items()}
        full = {"schema_version": SCHEMA_VERSION, **manifest, "digests": digests}
        (partial / "manifest.json").write_text(json.dumps(full, indent=1, default=str) + "\n", encoding="utf-8")
        return _move_to_free_name(partial, folder)
    except OSError as error:
        raise ScenarioError(
            f"{folder}: the run could not be written ({error.strerror or error}). Free some space or choose another "
            "folder."
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_writable(folder: Path):
    """Raise ScenarioError unless runs can be written into a folder, which is made if it is not there."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ScenarioError(
            f"{folder}: nothing can be written there ({error.strerror or error}). Choose another folder with --out."
        ) from None


def _move_to_free_name(partial: Path, folder: Path) -> Path:
    for number in range(1, 100_000):
        target = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if target.exists():
            continue
        try:
            os.rename(partial, target)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in (39, 66):  # ENOTEMPTY on Linux, macOS: somebody was faster
                raise
            continue
        return target
    raise OSError(f"no free name beside {folder}")


@dataclass(frozen=True)
class RunFolder:
    """A finished run on disk."""

    path: Path

    @cached_property
    def manifest(self) -> dict:
        """Scenario, seed, versions, digests, timings."""
        return json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))

    def has(self, name: str) -> bool:
        """Return whether there is a table of this name."""
        return (self.path / f"{name}.parquet").is_file()

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a pandas frame; raises ScenarioError naming the tables that there are."""
        path = self.path / f"{name}.parquet"
        if not self.has(name):
            there = ", ".join(sorted(p.stem for p in self.path.glob("*.parquet")))
            raise ScenarioError(f"{self.path}: there is no table {name!r}; there are {there}.")
        try:
            return pq.read_table(path).to_pandas()
        except (pa.ArrowInvalid, OSError) as error:
            raise ScenarioError(f"{path}: this table cannot be read ({error}). Run the scenario again.") from None

    def units(self, name: str) -> dict[str, str]:
        """Return the unit of each column of a table."""
        schema = pq.read_schema(self.path / f"{name}.parquet")
        return {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}


def open_run(path: Path | str) -> RunFolder:
    """Return a finished run; raises ScenarioError if the folder holds none or another schema."""
    path = Path(path)
    if not (path / "manifest.json").is_file():
        raise ScenarioError(
            f"{path}: this is not a run; a run is a folder with manifest.json, as `safepassage run` writes."
        )
    run = RunFolder(path)
    try:
        found = run.manifest.get("schema_version")
    except (ValueError, AttributeError) as error:
        raise ScenarioError(f"{path}/manifest.json: this is not a manifest: {error}. Run the scenario again.") from None
    if found != SCHEMA_VERSION:
        raise ScenarioError(
            f"{path}: written with table schema {found}, this version reads {SCHEMA_VERSION}. Run the scenario again."
        )
    return run


def as_lists(first: np.ndarray, values: np.ndarray) -> pa.ListArray:
    """Return a list column: row i holds values[first[i]:first[i + 1]]."""
    return pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), pa.array(values))
