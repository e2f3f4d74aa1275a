"""Files that a scenario names, written down so that a folder can be moved: from where the folder is, or as shipped."""

import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel

SHIPPED = "safepassage:"
"""Stands before the name of a file that comes with the package."""
LAYER = "|layername="
"""Stands between the name of a file and that of one of its layers, as in QGIS."""


def file_of(path: Path) -> Path:
    """Return the file of a path that may name a layer of it as well."""
    return Path(str(path).partition(LAYER)[0])


def shipped_folder() -> Path:
    """Return the folder of the files that come with the package."""
    return Path(str(files("safepassage.scenarios"))).resolve()


def name_of(path: Path, folder: Path) -> str:
    """Return how a file is named from a folder: safepassage:NAME if it is shipped, else relative to the folder."""
    path = path.resolve()
    if path.is_relative_to(shipped_folder()):
        return SHIPPED + path.relative_to(shipped_folder()).as_posix()
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def path_of(name: Path | str, folder: Path | None) -> Path:
    """Return the path of a file named in a scenario that stands in a folder; the inverse of name_of."""
    text = Path(name).as_posix()
    if text.startswith(SHIPPED):
        return shipped_folder() / text.removeprefix(SHIPPED)
    path = Path(name)
    return path if folder is None or path.is_absolute() else Path(folder) / path


def as_kept(settings: BaseModel, folder: Path) -> dict[str, Any]:
    """Return settings as a manifest in a folder holds them: what JSON knows, files by name_of."""
    return _named(settings.model_dump(mode="python"), settings.model_dump(mode="json"), Path(folder))


def files_in(settings: BaseModel) -> list[Path]:
    """Return all files that settings name, each once, in the order of the settings; layers of a file are not told."""
    return list(dict.fromkeys(map(file_of, _paths(settings.model_dump(mode="python")))))


def _named(value: Any, written: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return name_of(value, folder)
    if isinstance(value, dict):
        pairs = zip(written.items(), value.values(), strict=True)
        return {key: _named(part, text, folder) for (key, text), part in pairs}
    if isinstance(value, list | tuple):
        return [_named(part, text, folder) for part, text in zip(value, written, strict=True)]
    return written


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _paths(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _paths(part)
