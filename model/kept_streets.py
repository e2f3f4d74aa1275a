"""Streets on disk, so that the next process need not read their file again: half the time of building a city.

Kept are the arrays, names and notes that reading a file gave, under a digest of all that they depend on: the content of
the file, the settings, this code and the packages it uses. A file that is damaged, of another layout or not to be read
is not used, and nothing but arrays and JSON is ever read. Where nothing can be written nothing is kept.
"""

import hashlib
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import files_in
from safepassage.model.settings.files.whole import write_whole
from safepassage.model.settings.streets import StreetSettings
from safepassage.model.streets.notes import StreetsReport
from safepassage.model.streets.streets import Streets

FOLDER_NAMED_BY = "SAFEPASSAGE_CACHE"
"""Environment variable that names the folder; empty: nothing is kept."""
LEAST_BYTES = 50_000
"""Streets of smaller files are read as fast from the file itself. Assumption."""
MOST_KEPT = 20
"""Files kept: whoever comes after drops the one that has not been used for longest. Assumption."""
PACKAGES = ("networkx", "numpy", "pyarrow", "pyproj", "scipy", "shapely")
"""Packages on which streets depend; another version reads them anew."""
Read = Callable[[StreetSettings], tuple[Streets, StreetsReport]]


def streets_of(settings: StreetSettings, read: Read) -> tuple[Streets, StreetsReport]:
    """Return what a function reads of settings, from disk if it is kept there; keep it if it is not."""
    paths, folder = files_in(settings), _folder()
    if folder is None or sum(path.stat().st_size for path in paths) < LEAST_BYTES:
        return read(settings)
    path = folder / f"streets-{_key(settings, paths)}.npz"
    found = _kept(path)
    if found is None:
        found = read(settings)
        with suppress(OSError):
            _keep(path, found)
    return found


def _folder() -> Path | None:
    """Return the folder of this user's kept files; None: there is none."""
    named = os.environ.get(FOLDER_NAMED_BY)
    if named is not None:
        return Path(named) if named else None
    with suppress(RuntimeError):
        usual = {"win32": Path.home() / "AppData" / "Local", "darwin": Path.home() / "Library" / "Caches"}
        base = os.environ.get("XDG_CACHE_HOME") or usual.get(sys.platform, Path.home() / ".cache")
        return Path(base) / "safepassage"
    return None


def _key(settings: StreetSettings, paths: list[Path]) -> str:
    """Return a digest of all that streets depend on."""
    what = [settings.model_dump_json(exclude={"network"}), code_digest(), *_versions()]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return hashlib.sha256(json.dumps([what, digests]).encode()).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    return tuple(version(name) for name in PACKAGES)


def _keep(path: Path, found: tuple[Streets, StreetsReport]) -> None:
    """Write streets and notes, whole or not at all, and drop what has not been used for longest."""
    arrays: dict[str, Any] = {}
    others: list[dict[str, Any]] = []
    for part in found:
        values = {field.name: getattr(part, field.name) for field in fields(part)}
        arrays |= {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        others.append({name: value for name, value in values.items() if not isinstance(value, np.ndarray)})
    written = io.BytesIO()
    arrays["others"] = np.frombuffer(json.dumps(others).encode(), np.uint8)
    np.savez(written, **arrays)
    write_whole(path, _digest(written.getvalue()) + written.getvalue())
    kept = sorted(path.parent.glob("streets-*.npz"), key=lambda one: one.stat().st_mtime)
    for one in kept[:-MOST_KEPT]:
        one.unlink(missing_ok=True)


def _kept(path: Path) -> tuple[Streets, StreetsReport] | None:
    """Return what is kept in a file; None: nothing, or it is damaged."""
    try:
        content = path.read_bytes()
        written = content[hashlib.sha256().digest_size * 2 :]
        if not content.startswith(_digest(written)):
            return None
        with np.load(io.BytesIO(written), allow_pickle=False) as arrays:
            values = {name: arrays[name] for name in arrays.files}
        others = json.loads(values.pop("others").tobytes())
        os.utime(path)
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    for array in values.values():
        array.flags.writeable = False
    streets, report = ({name: _as_it_was(value) for name, value in part.items()} for part in others)
    return Streets(**streets, **values), StreetsReport(**report)


def _as_it_was(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
