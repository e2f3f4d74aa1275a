"""Tables of the answer page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    is_clear: bool | None = None
    """Whether the difference that it tells is clear; None: it tells none."""
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table: headings, and rows whose first cell is what the row tells of."""

    columns: list[str]
    rows: list[list[Cell]]
