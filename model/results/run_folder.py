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
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from safepassage.model.inputs.parquet_files import read_bounded
from safepassage.model.results.as_written import refuse_other_columns
from safepassage.model.results.columns import SCHEMA_VERSION, digest
from safepassage.model.results.manifest import read_json, read_manifest
from safepassage.model.settings.base import ScenarioError

PACKAGES = ("safepassage", "mesa", "networkx", "numba", "numpy", "scipy", "pandas", "pyarrow", "pydantic")


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


def program(name: str) -> str | None:
    """Return the path of a program that is installed, None if there is none.

    One that lies in the folder we are in, where Windows looks first, may come from others and is none.
    """
    path = shutil.which(name)
    return None if path is None or Path(path).resolve().parent == Path.cwd() else path


def _commit() -> str:
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return "not a git checkout"
    try:
        command = [program("git") or "", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
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
    interrupts it, also Ctrl-C, leaves nothing behind; a run that is whole and finds no name stays under the one it has.
    """
    folder = Path(folder)
    partial = folder.parent / f".{folder.name}.partial-{uuid4().hex}"
    is_whole = False
    try:
        partial.mkdir(parents=True)
        for name, content in tables.items():
            pq.write_table(content, partial / f"{name}.parquet", compression="zstd")
        digests = {name: digest(content) for name, content in tables.items()}
        full = {"schema_version": SCHEMA_VERSION, **manifest, "digests": digests}
        (partial / "manifest.json").write_text(json.dumps(full, indent=1, default=str) + "\n", encoding="utf-8")
        is_whole = True
        return _move_to_free_name(partial, folder)
    except OSError as error:
        where = f"It is in {partial}; give that a name of its own" if is_whole else "Free some space"
        raise ScenarioError(
            f"{folder}: the run could not be written there ({error.strerror or error}). {where}, or choose another "
            "folder."
        ) from None
    finally:
        if not is_whole:
            shutil.rmtree(partial, ignore_errors=True)


def check_writable(folder: Path) -> None:
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
        if os.path.lexists(target):  # a link too, wherever it leads
            continue
        try:
            os.rename(partial, target)
        except OSError:
            if not os.path.lexists(target):
                raise
            continue  # somebody was faster
        return target
    raise OSError(f"no free name beside {folder}")


@dataclass(frozen=True)
class RunFolder:
    """A finished run on disk; `open_run` returns it."""

    path: Path
    """Its folder."""

    @cached_property
    def manifest(self) -> dict:
        """What was run: scenario with all values, seed, versions, digests of inputs and tables, timings, report."""
        return read_json(self.path / "manifest.json")

    @cached_property
    def _found_whole(self) -> set[str]:
        """Tables that were read and are those that the manifest tells of."""
        return set()

    def has(self, name: str) -> bool:
        """Return whether there is a table of this name."""
        return (self.path / f"{name}.parquet").is_file()

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a pandas frame; columns, units and rows are those of the reference of tables.

        Raises ScenarioError if there is no such table, which names those that there are, or if the file is not the one
        that the run wrote.
        """
        path = self.path / f"{name}.parquet"
        if not self.has(name):
            there = ", ".join(sorted(p.stem for p in self.path.glob("*.parquet")))
            raise ScenarioError(f"{self.path}: there is no table {name!r}; there are {there}.")
        found = read_parquet(path)
        if name not in self._found_whole:
            if digest(found) != self.manifest["digests"].get(name):
                raise ScenarioError(
                    f"{path}: this is not the table that the run wrote: its digest is not the manifest's. Take the "
                    "folder from where it was made, or run the scenario again."
                )
            refuse_other_columns(found, name, path)
            self._found_whole.add(name)
        return found.to_pandas()

    def units(self, name: str) -> dict[str, str]:
        """Return the unit of each column of a table, by name: "s", "m", "1" for counts; "" for names and codes."""
        schema = read_parquet(self.path / f"{name}.parquet").schema
        return {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in schema}


def open_run(path: Path | str) -> RunFolder:
    """Return the RunFolder of a finished run.

    path: folder of the run, as `safepassage run` or `EvacuationModel.save` wrote it. Raises ScenarioError if the folder
    holds no run, or one of a version whose tables are different.
    """
    path = Path(path)
    if not (path / "manifest.json").is_file():
        raise ScenarioError(
            f"{path}: this is not a run; a run is a folder with manifest.json, as `safepassage run` writes."
        )
    read_manifest(path / "manifest.json")
    return RunFolder(path)


def read_parquet(path: Path) -> pa.Table:
    """Return a table of a file. Raises ScenarioError if it cannot be read, or would not fit into memory."""
    try:
        return read_bounded(path)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        if isinstance(error, ScenarioError):
            raise
        why = " ".join(str(error).split())[:200]
        raise ScenarioError(f"{path}: this table cannot be read ({why}). Run the scenario again.") from None
