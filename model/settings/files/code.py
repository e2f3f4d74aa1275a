"""What the model's code is, as a digest: files that it wrote are of use to the same code alone."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path


@cache
def code_digest() -> str:
    """Return a digest of the files of the model's code."""
    found = hashlib.sha256()
    for package in ("safepassage.agents", "safepassage.model"):
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()
