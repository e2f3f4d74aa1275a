"""Tables that users give: CSV or Parquet in, checked columns out; every error names file, row, value and change.

What is wrong in a table is gathered, so that a user reads all of it at once and not one mistake after the other.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from safepassage.model.settings.base import ScenarioError

YES, NO = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")
N_SHOWN = 5
"""Of mistakes of one kind so many are shown, the rest counted."""


class Table:
    """A table of texts and what has been found wrong in it so far; `check` raises all of that at once.

    What the checks return for wrong cells (NaN, -1) is fit for further checks only, until `check` has passed.
    """

    def __init__(self, path: Path, frame: pd.DataFrame, rows: Sequence | None = None, row: str = "row") -> None:
        """rows: what to call each row of the frame, by default its number from 1; row: the word before that."""
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

    required: columns that must be there; known: columns that may be; others are left out.
    """
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise ScenarioError(f"{path}: this is neither CSV nor Parquet: {' '.join(str(error).split())}.") from None
    missing = [name for name in required if name not in frame.columns]
    if missing:
        raise ScenarioError(
            f"{path}: there is no column {', '.join(map(repr, missing))}; the columns are "
            f"{', '.join(map(str, frame.columns))}. Needed: {', '.join(required)}."
        )
    if frame.empty:
        raise ScenarioError(f"{path}: there is no row in it; give at least one.")
    frame = frame[[name for name in dict.fromkeys((*required, *known)) if name in frame.columns]]
    return Table(path, frame.apply(lambda column: column.where(column.notna(), "").astype(str).str.strip()))
