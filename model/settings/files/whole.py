"""Files that appear whole or not at all."""

import os
import uuid
from pathlib import Path
from time import monotonic, sleep

READ_MOST_S = 2.0
"""What reads a file has closed it after this time, so that another can take its place on Windows (s). Assumption."""


def beside(path: Path) -> Path:
    """Return a name that nobody has, beside a file, to write it under first."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all; its folder is made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = beside(path)
    try:
        partial.write_bytes(content)
        put_in_place(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def put_in_place(partial: Path, path: Path) -> None:
    """Give a file its name; where somebody reads the one it replaces, Windows refuses that until they are done."""
    until = monotonic() + READ_MOST_S
    while True:
        try:
            os.replace(partial, path)
        except PermissionError:
            if monotonic() > until:
                raise
            sleep(0.05)
        else:
            return
