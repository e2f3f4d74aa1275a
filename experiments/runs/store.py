"""The folder of a study: one small file per finished run, named by what was run; compacted now and then.

    study.json       which study this is, its seeds, code and package versions
    design.parquet   the points of the design: plan, factors, digest of the scenario
    runs/ab/KEY.json finished runs not yet compacted
    runs.parquet     finished runs, compacted: key, outcomes
    timings.parquet  how long each took and where; kept apart, since no two sweeps agree on it
    tables/NAME/KEY.parquet   tables kept of each run, if the study asks for any
    failed/KEY.json  runs that failed: traceback and the command that repeats them
    results.parquet  what came out: one row per run, sorted by point and replication; written at the end

Every file appears whole or not at all; a run is finished once its file is there, and is then never run again.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from safepassage.experiments.runs.lock import lock
from safepassage.experiments.runs.run import Record
from safepassage.model.results.columns import unit_of
from safepassage.model.results.run_folder import read_parquet
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.whole import beside, put_in_place, write_whole

STORE_VERSION = 1
COMPACT_AFTER = 2000
"""Single files that are gathered into one; more if the store is large, so that all is rewritten seldom."""

OWN_PARTIAL = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
"""Name of a file that was being written when its sweep ended."""


class Store:
    """Results by key, on disk. One process writes; any number may read meanwhile."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self._n_single = 0
        self._n_compacted = 0
        self._locked: int | None = None

    def open_for_writing(self, identity: dict, description: dict):
        """Make the folder, or take up the study that is in it. Raises ScenarioError if that is another one."""
        found = self._described()
        if found is None and self._holds_anything():
            raise ScenarioError(
                f"{self.folder}: this folder has files in it but no study; name a new or an empty folder with --out."
            )
        if found is not None and found.get("store_version") != STORE_VERSION:
            raise ScenarioError(
                f"{self.folder}: written with store version {found.get('store_version')}, this version writes "
                f"{STORE_VERSION}. Name a new folder with --out."
            )
        if found is not None:
            theirs = found["identity"]
            differ = [key for key in identity if theirs.get(key) != identity[key]]
            if differ:
                raise ScenarioError(
                    f"{self.folder}: this folder holds another study, {theirs.get('name')!r}: it differs in "
                    f"{', '.join(differ)}. Name another folder with --out."
                )
        with self._disk():
            (self.folder / "runs").mkdir(parents=True, exist_ok=True)
            (self.folder / "failed").mkdir(exist_ok=True)
            self._locked = lock(self.folder / ".lock")
            try:
                self._refuse_links()
                for left in self.folder.rglob(".*.tmp"):
                    left.unlink()
                whole = {"store_version": STORE_VERSION, "identity": identity, **description}
                write_whole(self.folder / "study.json", json.dumps(whole, indent=1, default=str).encode() + b"\n")
            except BaseException:
                self.close()
                raise

    def _holds_anything(self) -> bool:
        """Return whether there is more in the folder than a sweep makes before it writes what study it is."""
        own = {"runs", "failed", ".lock"}
        there = list(self.folder.rglob("*")) if self.folder.is_dir() else []
        return any(path.name not in own and not OWN_PARTIAL.fullmatch(path.name) for path in there)

    @property
    def description(self) -> dict:
        """Content of study.json. Raises ScenarioError if the folder holds no study."""
        found = self._described()
        if found is None:
            raise ScenarioError(f"{self.folder}: this is not a study; `safepassage sweep STUDY --out DIR` makes one.")
        if found.get("store_version") != STORE_VERSION:
            raise ScenarioError(
                f"{self.folder}: written with store version {found.get('store_version')}, this version reads "
                f"{STORE_VERSION}. Run the study again into a new folder."
            )
        return found

    def keys(self) -> set[str]:
        """Return the keys of all finished runs."""
        single = {entry["key"] for entry in self._entries()}
        compacted = {key for table in self._compacted("runs") for key in table["key"].to_pylist()}
        self._n_single, self._n_compacted = len(single), len(compacted)
        return single | compacted

    def put(self, key: str, seed: int, record: Record):
        """Keep a finished run. Raises ScenarioError if the disk is full; what is finished stays."""
        with self._disk():
            for name, content in record.tables.items():
                write_table(self.folder / "tables" / name / f"{key}.parquet", content)
            entry = {
                "key": key, "seed": seed, "outcomes": record.outcomes, "units": record.units, "timings": record.timings,
            }  # fmt: skip
            write_whole(self._single(key), json.dumps(entry).encode())
            (self.folder / "failed" / f"{key}.json").unlink(missing_ok=True)
        self._n_single += 1
        if self._n_single >= max(COMPACT_AFTER, self._n_compacted // 2):
            self.compact()

    def put_failed(self, key: str, failure: dict):
        """Note a run that failed; it is tried again when the sweep is repeated."""
        with self._disk():
            write_whole(self.folder / "failed" / f"{key}.json", json.dumps(failure, indent=1).encode() + b"\n")

    def failure(self, key: str) -> str:
        """Return the traceback of a run that failed; empty if none is noted."""
        path = self.folder / "failed" / f"{key}.json"
        return json.loads(path.read_bytes())["traceback"] if path.is_file() else ""

    def failed(self) -> list[dict]:
        """Return the runs that failed, in the order of the design."""
        found = []
        for path in (self.folder / "failed").glob("[!.]*.json"):
            try:
                one = json.loads(path.read_bytes())
                is_one = isinstance(one["point"], int | str) and isinstance(one["replication"], int)
            except (OSError, ValueError, RecursionError, TypeError, KeyError):
                continue  # the run is none that is finished, and is tried again
            if is_one:
                found.append(one)
        return sorted(found, key=lambda one: (isinstance(one["point"], str), one["point"], one["replication"]))

    def runs(self) -> pa.Table:
        """Return key, seed and outcomes of all finished runs, sorted by key; a measure that a run lacks is 0."""
        entries = list(self._entries())
        units: dict[str, str] = {}
        for entry in entries:
            units |= entry["units"]
        columns = {name: [entry["outcomes"].get(name, 0.0) for entry in entries] for name in units}
        new = {"key": pa.array([entry["key"] for entry in entries], pa.string())}
        new["seed"] = pa.array([entry["seed"] for entry in entries], pa.uint64())
        new |= {name: pa.array(values, pa.float64()) for name, values in columns.items()}
        return _joined([*self._compacted("runs"), pa.table(new)], units)

    def timings(self) -> pa.Table:
        """Return how long each finished run took (s) and where, sorted by key."""
        rows = [{"key": entry["key"], **_seconds(entry["timings"])} for entry in self._entries()]
        schema = None if rows else pa.schema([("key", pa.string())])
        return _joined([*self._compacted("timings"), pa.Table.from_pylist(rows, schema)], {})

    def compact(self):
        """Gather single files into runs.parquet and timings.parquet. Safe to be killed at any moment."""
        singles = list(self._single_files())
        if not singles:
            return
        with self._disk():
            write_table(self.folder / "timings.parquet", self.timings())
            runs = self.runs()
            write_table(self.folder / "runs.parquet", runs)
            for path in singles:
                with contextlib.suppress(PermissionError):  # read just now, on Windows; it goes at the next time
                    path.unlink()
        self._n_single, self._n_compacted = 0, runs.num_rows

    def write(self, name: str, table: pa.Table):
        """Write a table of the study's folder."""
        with self._disk():
            write_table(self.folder / f"{name}.parquet", table)

    def read(self, name: str) -> pa.Table:
        """Return a table of the study's folder. Raises ScenarioError if it is not there."""
        found = self._compacted(name)
        if not found:
            there = ", ".join(sorted(path.stem for path in self.folder.glob("[!.]*.parquet"))) or "none yet"
            raise ScenarioError(f"{self.folder}: there is no table {name!r}; there are {there}.")
        return found[0]

    def _described(self) -> dict | None:
        path = self.folder / "study.json"
        if not path.is_file():
            return None
        try:
            found = json.loads(path.read_bytes())
            found["identity"]["name"]
        except (ValueError, TypeError, KeyError):
            raise ScenarioError(f"{path}: this is not the description of a study. Name another folder.") from None
        return found

    def _compacted(self, name: str) -> list[pa.Table]:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            return []
        found = read_parquet(path)
        if name in ("runs", "timings") and not _are_of_runs(found, name):
            raise ScenarioError(
                f"{path}: this is not the table that a sweep writes of its runs. Remove it; its runs will be repeated."
            )
        return [found]

    def _single(self, key: str) -> Path:
        return self.folder / "runs" / key[:2] / f"{key}.json"

    def _single_files(self) -> Iterator[Path]:
        return (self.folder / "runs").glob("*/[!.]*.json")

    def _entries(self) -> Iterator[dict]:
        """Yield the single files; one that vanishes meanwhile has been compacted, one cut short was never finished."""
        for path in sorted(self._single_files()):
            try:
                found = json.loads(path.read_bytes())
            except (FileNotFoundError, ValueError, RecursionError):
                continue
            if _is_entry(found, path.stem):
                yield found

    def _refuse_links(self):
        """Raise ScenarioError if anything in the folder leads out of it: we would write there, and take files away."""
        for folder, folders, names in os.walk(self.folder):
            for name in [*folders, *names]:
                path = Path(folder) / name
                if path.is_symlink():
                    raise ScenarioError(
                        f"{path}: this is a link. A study writes only into a folder of its own; take the link away, or "
                        "name another folder."
                    )

    @contextlib.contextmanager
    def _disk(self):
        try:
            yield
        except OSError as error:
            raise ScenarioError(
                f"{self.folder}: the results could not be written ({error.strerror or error}). Free some space, or "
                "make the folder writable. Every finished run is kept: repeat the command to continue."
            ) from None

    def close(self):
        """Let others write."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None


def _are_of_runs(found: pa.Table, name: str) -> bool:
    """Return whether a table is "runs" or "timings" as `compact` writes them, so that more can be joined to it."""

    def kind_of(column: str) -> pa.DataType:
        if column == "key" or (name == "timings" and not column.endswith("_s")):
            return pa.string()
        return pa.uint64() if (name, column) == ("runs", "seed") else pa.float64()

    names = found.column_names
    if len(set(names)) < len(names) or "key" not in names or (name == "runs" and "seed" not in names):
        return False
    return not found["key"].null_count and all(field.type == kind_of(field.name) for field in found.schema)


def _is_entry(found: Any, key: str) -> bool:
    """Return whether a file holds a finished run of this key; one that does not is taken for none, and run again."""
    if not isinstance(found, dict) or found.get("key") != key or not isinstance(found.get("seed"), int):
        return False
    parts = [found.get(name) for name in ("outcomes", "units", "timings")]
    if not all(isinstance(part, dict) for part in parts) or not 0 <= found["seed"] < 2**64:
        return False
    outcomes, units, timings = parts
    return (
        all(isinstance(value, float | int) for value in outcomes.values())
        and all(isinstance(unit, str) for unit in units.values())
        and set(outcomes) <= set(units)
        and all(isinstance(value, float | str) for value in timings.values())
    )


def _seconds(timings: dict[str, Any]) -> dict[str, Any]:
    return {(f"{name}_s" if isinstance(value, float) else name): value for name, value in timings.items()}


def _joined(parts: list[pa.Table], units: dict[str, str]) -> pa.Table:
    """Return tables as one: each key once, sorted by key; columns by name, with units; a measure not listed is 0."""
    known = {one.name: (one.metadata or {}).get(b"unit", b"").decode() for part in parts for one in part.schema}
    known |= units
    whole = pa.concat_tables([part.replace_schema_metadata(None) for part in parts], promote_options="default")
    _, rows = np.unique(whole["key"].to_numpy(zero_copy_only=False).astype(str), return_index=True)
    whole = whole.take(rows).combine_chunks()
    first = [name for name in ("key", "seed") if name in known]
    fields, columns = [], []
    for name in first + sorted(set(known) - set(first)):
        column = whole[name]
        columns.append(column.fill_null(0.0) if column.type == pa.float64() else column)
        fields.append(pa.field(name, column.type, metadata={"unit": known[name] or unit_of(name)}))
    return pa.table(columns, schema=pa.schema(fields))


def write_table(path: Path, table: pa.Table):
    """Write a Parquet file so that it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = beside(path)
    try:
        pq.write_table(table, partial, compression="zstd")
        put_in_place(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
