"""Tables that users give: CSV or Parquet in, checked columns out; every error names file, row, value and change.

What is wrong in a table is gathered, so that a user reads all of it at once and not one mistake after the other.
"""

import csv
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.parquet_files import read_bounded
from safepassage.model.settings.base import ScenarioError
from safepassage.model.text_files import lines_of, read_text

YES, NO = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")
N_SHOWN = 5
"""Of mistakes of one kind so many are shown, the rest counted."""


class Table:
    """A table of texts and what has been found wrong in it so far; `check` raises all of that at once.

    What the checks return for wrong cells (NaN, -1) is fit for further checks only, until `check` has passed.
    """

    def __init__(
        self, path: Path, frame: pd.DataFrame, rows: Sequence | np.ndarray | None = None, row: str = "row"
    ) -> None:
        """rows: what to call each row of the frame, by default its number from 1; row: the word before that.

        path: the file, which errors name.
        """
        self.path, self.frame = path, frame
        self._rows = np.arange(1, len(frame) + 1) if rows is None else np.asarray(rows)
        self._row = row
        self.mistakes: list[str] = []

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, column: str) -> bool:
        return column in self.frame.columns

    def __getitem__(self, column: str) -> pd.Series:
        return self.frame[column]

    def note(self, column: str, wrong: npt.ArrayLike, change: str) -> None:
        """Note the rows with a wrong cell, bool per row, and the change to make."""
        found = self.frame[column].to_numpy()
        self.mistakes += some_of(
            np.flatnonzero(wrong),
            lambda i: f"{self.path}: {self._row} {self._rows[i]}: {column} = {found[i]!r}; {change}.",
            f"{self.path}: {{n}} more rows have such a {column}.",
        )

    def numbers(self, column: str, low: float = -np.inf, high: float = np.inf, *, whole: bool = False) -> np.ndarray:
        """Return a column as numbers from low to high, float64, NaN where they are not; whole: whole numbers only."""
        values = pd.to_numeric(self.frame[column], errors="coerce").to_numpy(np.float64)
        right = np.isfinite(values) & (values >= low) & (values <= high)
        if whole:
            right &= values == np.floor(values)
        limits = f" from {low:g} to {high:g}" if np.isfinite(low) and np.isfinite(high) else ""
        self.note(column, ~right, f"give a {'whole ' if whole else ''}number{limits}")
        return np.where(right, values, np.nan)

    def known(self, column: str, codes: dict[str, int], change: str) -> np.ndarray:
        """Return the code of each text of a column, int64, -1 where it has none."""
        values = self.frame[column].map(codes).fillna(-1).to_numpy(np.int64)
        self.note(column, values < 0, change)
        return values

    def choices(self, column: str, codes: dict[str, int]) -> np.ndarray:
        """Return the code of each text of a column, whatever its case and underscores, int64, -1 where it has none."""
        values = _plain(self.frame[column]).map(dict(zip(_plain(pd.Series(list(codes))), codes.values(), strict=True)))
        self.note(column, values.isna(), f"give one of {', '.join(filter(None, codes))}")
        return values.fillna(-1).to_numpy(np.int64)

    def flags(self, column: str) -> np.ndarray:
        """Return a column of yes and no, bool."""
        return self.choices(column, dict.fromkeys(YES, 1) | dict.fromkeys(NO, 0)) == 1

    def check(self) -> None:
        """Raise ScenarioError with all that was found wrong, one line each."""
        refuse(self.mistakes)


def _plain(texts: pd.Series) -> pd.Series:
    return texts.str.lower().str.replace("_", " ")


def some_of(wrong: Sequence | np.ndarray, describe: Callable[[Any], str], rest: str) -> list[str]:
    """Return a line for each of the first few that are wrong, and one that counts the others: {n} in `rest`."""
    lines = [describe(each) for each in wrong[:N_SHOWN]]
    return lines if len(wrong) <= N_SHOWN else [*lines, rest.format(n=f"{len(wrong) - N_SHOWN:,}")]


def refuse(mistakes: list[str]) -> None:
    """Raise ScenarioError with all mistakes, one line each, if there are any."""
    if mistakes:
        raise ScenarioError("\n".join(mistakes))


def read_table(path: Path, required: tuple[str, ...], known: tuple[str, ...] = ()) -> Table:
    """Return a CSV or Parquet file as a table of texts, empty where nothing stands.

    required: columns that must be there; known: columns that may be. Their names may be written in capitals and with
    spaces. Raises ScenarioError for any other column but a `note`: a misspelt name must not be dropped in silence.
    """
    frame, lines = (_parquet(path), None) if path.suffix == ".parquet" else read_csv(path)
    names = [_name(column) for column in frame.columns]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ScenarioError(f"{path}: there are two columns named {doubles[0]!r}; keep one of them.")
    missing = [name for name in required if name not in names]
    if missing:
        raise ScenarioError(
            f"{path}: there is no column {', '.join(map(repr, missing))}; the columns are "
            f"{', '.join(map(str, frame.columns))}. Needed: {', '.join(required)}."
        )
    may_be = (*required, *(name for name in known if name not in required))
    unknown = [name for name in names if name not in (*may_be, *REMARKS)]
    if unknown:
        raise ScenarioError("\n".join(f"{path}: {_misnamed(name, may_be)}" for name in unknown[:N_SHOWN]))
    if frame.empty:
        raise ScenarioError(f"{path}: there is no row in it; give at least one.")
    frame.columns = names
    frame = frame[[name for name in may_be if name in names]]
    frame = frame.apply(lambda column: column.where(column.notna(), "").astype(str).str.strip())
    return Table(path, frame) if lines is None else Table(path, frame, rows=lines, row="line")


REMARKS = ("note", "notes", "comment", "comments", "remark", "remarks", "source", "sources")
"""Columns that a user may keep for remarks and sources; nothing reads them."""


def _name(column: str) -> str:
    return "_".join(str(column).strip().lower().split())


def _misnamed(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    return (
        f"there is no use for a column {name!r}{meant} Known: {', '.join(known)}. Rename it, leave it out, or put "
        "remarks in a column note."
    )


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return read_bounded(path).to_pandas()
    except ScenarioError:
        raise
    except (ValueError, OSError, TypeError, pa.ArrowException) as error:
        raise ScenarioError(f"{path}: this is not a Parquet file: {' '.join(str(error).split())[:200]}.") from None


def read_csv(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a CSV file as texts, stripped, and the line on which each row begins (from 1, the header's first).

    Commas, semicolons or tabs stand between the values: what the header uses. Empty lines, and empty values beyond the
    last column, are left out. Raises ScenarioError with the line of a row that is too short or too long, of an open
    quotation mark, and for a file without a header.
    """
    text = read_text(path)
    n_cells = text.count(_delimiter(text)) + text.count("\n")
    refuse_needs(
        [Need(str(path), n_cells, "cells of a table", BYTES["table_cell"], "Cut the table to what is needed.")]
    )
    reader = csv.reader(lines_of(text), delimiter=_delimiter(text), strict=True, skipinitialspace=True)
    header, rows, lines, wrong, begins = None, [], [], [], 1
    try:
        for values in reader:
            line, begins = begins, reader.line_num + 1
            if not any(value.strip() for value in values):
                continue
            if header is None:
                header = [value.strip() for value in values]
                while not header[-1]:
                    header.pop()
                continue
            if any(value.strip() for value in values[len(header) :]) or len(values) < len(header):
                wrong.append((line, len(values)))
            rows.append(values[: len(header)])
            lines.append(line)
    except csv.Error as error:
        raise ScenarioError(f"{path}, line {begins}: this is not CSV: {error}. Correct the line.") from None
    if header is None:
        raise ScenarioError(f"{path}: this file is empty; give a table with a header and at least one row.")
    refuse(
        some_of(
            wrong,
            lambda found: (
                f"{path}, line {found[0]}: there are {found[1]} values under {len(header)} columns. Put quotation "
                "marks about a value with a comma in it, and nothing where there is no value."
            ),
            f"{path}: {{n}} more lines have too few or too many values.",
        )
    )
    table = pd.DataFrame(rows, columns=range(len(header)), dtype=str).apply(lambda column: column.str.strip())
    table.columns = header
    return table, np.array(lines, np.int64)


def _delimiter(text: str) -> str:
    """Return what stands between the names of the header: a comma, or what it uses instead."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")
