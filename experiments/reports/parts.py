"""What a report is made of: pages of parts, tables and pictures."""

import base64
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.model.settings.files.texts import as_written

MOST_ROWS = 200
"""Rows of a table that are shown."""


@dataclass
class ShownTable:
    """A table of the report; cells are text."""

    columns: list[str]
    rows: list[list[str]]
    title: str = ""
    numbers: set[str] = field(default_factory=set)
    """Columns set flush right."""
    changed: set[int] = field(default_factory=set)
    """Rows set in bold."""
    folded: bool = False


@dataclass
class Picture:
    """A PNG picture, base64."""

    caption: str
    data: str


@dataclass
class Part:
    """A section of the report."""

    title: str
    text: str = ""
    pictures: list[Picture] = field(default_factory=list)
    tables: list[ShownTable] = field(default_factory=list)


@dataclass
class Page:
    """What the template shows."""

    kind: str
    title: str
    notice: str
    facts: list[tuple[str, str]]
    sections: list[Part]
    scenarios: list[dict[str, Any]]
    """As a manifest holds them; the plans laid over one scenario come after it."""
    versions: dict[str, str]
    warnings: list[str] = field(default_factory=list)


PLACE = ("longitude_deg", "latitude_deg", "longitude", "latitude")
"""Ends of the names of what is told to a ten-thousandth of a degree and finer (0.1 m)."""


def shown(value: Any, name: object = "") -> str:
    """Return a value as a reader likes it: thousands separated, few digits, no more text than fits.

    name: of the key or column; places in degrees keep the digits that tell one street from the next.
    """
    if str(name).endswith(PLACE) and isinstance(value, float) and np.isfinite(value):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if value is None:
        return "\N{EM DASH}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return "not reached"
        if np.isinf(value):
            return "\N{INFINITY}"
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.4g}"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    text = json.dumps(value, default=str) if isinstance(value, dict | list | tuple) else str(value)
    return text if len(text) <= 300 else text[:297] + "..."


def frame_table(frame: pd.DataFrame, title: str = "", *, folded: bool = False) -> ShownTable:
    """Return a frame as a table, the first rows of it if it is long."""
    part = frame.head(MOST_ROWS)
    names = {c: str(c) if "." in str(c) else str(c).replace("_", " ") for c in part}  # keys of a scenario stay
    numbers = {names[c] for c in part if pd.api.types.is_numeric_dtype(part[c]) and part[c].dtype != bool}
    if len(frame) > MOST_ROWS:
        title = f"{title} (first {MOST_ROWS} of {len(frame):,} rows)".strip()
    rows = [
        [shown(value, name) for name, value in zip(part, row, strict=True)]
        for row in part.itertuples(index=False, name=None)
    ]
    return ShownTable(list(names.values()), rows, title, numbers, folded=folded)


def picture_of(figure, caption: str) -> Picture:
    """Return a matplotlib figure as a picture."""
    content = io.BytesIO()
    with as_written(figure):
        figure.savefig(content, format="png", dpi=110)
    return Picture(caption, base64.b64encode(content.getvalue()).decode())


def picture_file(path: Path, caption: str) -> Picture:
    """Return a PNG file as a picture."""
    return Picture(caption, base64.b64encode(path.read_bytes()).decode())
