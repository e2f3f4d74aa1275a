"""Text files that users give, read one way: their encoding, their size, and what is said when they are not text."""

import gzip
import io
import zlib
from pathlib import Path

from safepassage.model.settings.base import ScenarioError

MOST_BYTES = 1_000_000_000
"""Size of a file, after unpacking; a million buildings take 300 MB as GeoJSON. Assumption."""
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))
_GZIP = b"\x1f\x8b"
_OTHERS = (
    (b"PK\x03\x04", "a packed file, such as an Excel workbook or a .zip", "Save the table as CSV, or unpack the file"),
    (b"SQLite format 3\0", "a database, such as a GeoPackage", "Give it the name that it had, ending in .gpkg"),
    (b"PAR1", "a Parquet file", "Give it a name that ends in .parquet"),
    (b"%PDF", "a PDF file", "Give the table or the map itself"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the table as CSV"),
    (b"\x89PNG", "a picture", "Give the table or the map itself"),
    (b"version https://git-lfs", "a pointer to a file that Git LFS keeps elsewhere", "Fetch the file (git lfs pull)"),
    (b"<!DOCTYPE html", "a web page", "Download the file itself"),
    (b"<html", "a web page", "Download the file itself"),
)
"""How other files begin, what they are, and what to do."""
_AT_ONCE = 1 << 20
"""Bytes read in one call: room is made for as many, whether a file has them or not."""


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file: UTF-8 with or without a byte order mark, UTF-16 with one, packed by gzip or not.

    most_bytes: limit of its size after unpacking. Raises ScenarioError, with the line, for a file that cannot be read,
    is larger than that, or is no text.
    """
    content = read_bytes(path, most_bytes)
    for beginning, what, change in _OTHERS:
        if content.startswith(beginning):
            raise ScenarioError(f"{path}: this is {what}, and not text. {change}.")
    encoding = next(name for mark, name in _MARKS if content.startswith(mark))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ScenarioError(
            f"{path}, line {line}: this is not UTF-8 text (byte {error.start + 1:,} of the file). Save it as UTF-8."
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ScenarioError(f"{path}, line {line}: this is not text: it holds a zero byte. Save it as UTF-8 text.")
    return text


def read_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the content of a file, unpacked if gzip packed it. Raises ScenarioError if it is too large or broken."""
    path = Path(path)
    try:
        with open(path, "rb") as opened:
            is_packed = opened.read(2) == _GZIP
            opened.seek(0)
            with gzip.open(opened) if is_packed else opened as source:
                parts, n_left = [], most_bytes + 1
                while n_left and (part := source.read(min(n_left, _AT_ONCE))):
                    parts.append(part)
                    n_left -= len(part)
                content = b"".join(parts)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(f"{path}: this file cannot be read ({reason}). Give another one.") from None
    if len(content) > most_bytes:
        unpacked = " when it is unpacked" if is_packed else ""
        raise ScenarioError(
            f"{path}: this file is larger than {most_bytes:,} bytes{unpacked}. Cut it to the area of the streets."
        )
    return content


def lines_of(text: str) -> io.StringIO:
    """Return a text as a file for readers that want one; line ends are kept as they are."""
    return io.StringIO(text, newline="")
