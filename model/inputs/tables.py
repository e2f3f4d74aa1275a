"""Tables that users give: CSV or Parquet in, checked columns out; every error names file, row, value and change.

What is wrong in a table is gathered, so that a user reads all of it at once and not one mistake after the other.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from safepassage.model.inputs.parquet_files import read_bounded
from safepassage.model.inputs.text_files import lines_of, read_text
from safepassage.model.memory import BYTES, Need, refuse_needs
from safepassage.model.settings.base import ScenarioError

YES, NO = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")
N_SHOWN = 5
"""Of mistakes of one kind so many are shown, the rest counted."""
MOST_COLUMNS = 10_000
"""Columns of a table. Assumption."""
LONGEST_CELL = 100_000_000
"""Letters of one value: an outline of a coast has millions. Assumption."""
LARGEST_KEPT_BYTES = 100_000
"""Tables of larger files are read again whenever they are needed. Assumption."""
_PLAIN = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_GAP = "[ \u00a0\u2009\u202f'\u2019]"
_GAPS = re.compile(rf"[-+]?[0-9]{{1,3}}({_GAP}[0-9]{{3}})+([.,][0-9]+)?")
_MARKS = re.compile(
    r"[-+]?[0-9]{1,3}((,[0-9]{3}){2,}(\.[0-9]+)?|(\.[0-9]{3}){2,}(,[0-9]+)?|,[0-9]{3}\.[0-9]+|\.[0-9]{3},[0-9]+)"
)
_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+")
_DOUBTFUL = re.compile(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}")


def number_of(value: Any, *, is_count: bool = False) -> float:
    """Return the number that a value stands for, as people write it: 1 950, 1'950, 1,234,567 or 9,5.

    is_count: the number counts something, so that 1.950 may mean 1950. Raises ValueError, with the change to make, for
    what is no number, and for one that may mean two things.
    """
    if isinstance(value, bool | np.bool_) or value is None:
        raise ValueError("give a number")
    if not isinstance(value, str):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError("give a number") from None
    text = value.strip().replace("\u2212", "-")
    if _DOUBTFUL.fullmatch(text) and (is_count or "," in text):
        raise ValueError(
            f"this may mean {re.sub('[.,]', '', text)} or {text.replace(',', '.')}; write it without the mark"
        )
    if _GAPS.fullmatch(text):
        text = re.sub(_GAP, "", text).replace(",", ".")
    elif _MARKS.fullmatch(text):
        last = max(text.rfind("."), text.rfind(","))
        is_decimal = text.count(text[last]) == 1
        text = re.sub("[.,]", "", text[:last]) + ("." if is_decimal else "") + text[last + 1 :]
    elif _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _PLAIN.fullmatch(text):
        raise ValueError("give a number")
    return float(text)


def same_text(value: Any) -> str:
    """Return how a name or a code is compared: one form of each letter, single spaces, 2 for a code saved as 2.0."""
    text = " ".join(unicodedata.normalize("NFC", str(value)).split())
    return text[:-2] if text.endswith(".0") and text[:-2].isdigit() else text


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
        values, is_doubtful = _numbers_of(self.frame[column], low, high, whole)
        right = np.isfinite(values) & (values >= low) & (values <= high)
        if whole:
            right &= values == np.floor(values)
        limits = f" from {low:,.10g} to {high:,.10g}" if np.isfinite(low) and np.isfinite(high) else ""
        self.note(column, is_doubtful, "this may mean two numbers; write it without a mark between thousands")
        self.note(column, ~right & ~is_doubtful, f"give a {'whole ' if whole else ''}number{limits}")
        return np.where(right, values, np.nan)

    def known(self, column: str, codes: dict[str, int], change: str) -> np.ndarray:
        """Return the code of each text of a column, int64, -1 where it has none."""
        plain = {same_text(text): code for text, code in codes.items()} | codes
        values = self.frame[column].map(lambda text: plain.get(text, plain.get(same_text(text), -1))).to_numpy(np.int64)
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


def _numbers_of(texts: pd.Series, low: float, high: float, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of texts, NaN where they are none, and which texts may mean two numbers from low to high."""
    values, is_doubtful = np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_)
    for row, text in enumerate(texts):
        if _DOUBTFUL.fullmatch(text) and (whole or "," in text):
            grouped, broken = float(re.sub("[.,]", "", text)), float(text.replace(",", "."))
            if not low <= grouped <= high and not whole:
                values[row] = broken
            else:
                is_doubtful[row] = True
            continue
        with suppress(ValueError):
            values[row] = number_of(text, is_count=whole)
    return values, is_doubtful


def _plain(texts: pd.Series) -> pd.Series:
    return texts.str.lower().str.replace(r"[_\-\s]+", " ", regex=True)


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
    state = path.stat() if path.is_file() else None
    if state is None or state.st_size > LARGEST_KEPT_BYTES:
        frame, lines = _texts_of(path, required, known)
    else:
        frame, lines = _kept_texts_of(path, required, known, (state.st_mtime_ns, state.st_size))
        frame = frame.copy()
    return Table(path, frame) if lines is None else Table(path, frame, rows=lines, row="line")


@lru_cache(maxsize=16)
def _kept_texts_of(path: Path, required: tuple[str, ...], known: tuple[str, ...], state: tuple[int, int]) -> Any:
    """Return what _texts_of does, read once for all runs of a process while the file stays as it is."""
    del state
    return _texts_of(path, required, known)


def _texts_of(path: Path, required: tuple[str, ...], known: tuple[str, ...]) -> tuple[pd.DataFrame, Any]:
    """Return the texts of a table and the lines on which they stand, None: it has none."""
    frame, lines = (_parquet(path), None) if path.suffix == ".parquet" else read_csv(path)
    names = [_name(column) for column in frame.columns]
    refuse_doubles(path, names)
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
    return frame.apply(lambda column: column.where(column.notna(), "").astype(str).str.strip()), lines


def refuse_doubles(path: Path, names: Sequence[str]) -> None:
    """Raise ScenarioError if two columns of a table have one name; path: the file, which errors name."""
    twice = doubles_of(name for name in names if name)
    if twice:
        raise ScenarioError(f"{path}: there are two columns named {twice[0]!r}; keep one of them.")


def doubles_of(names: Iterable[str]) -> list[str]:
    """Return the names that are there more than once, in order."""
    return sorted(name for name, n in Counter(names).items() if n > 1)


REMARKS = ("note", "notes", "comment", "comments", "remark", "remarks", "source", "sources")
"""Columns that a user may keep for remarks and sources; nothing reads them."""


def _name(column: str) -> str:
    return "_".join(str(column).strip().lower().split())


OTHER_NAMES = {"lon": "longitude_deg", "lng": "longitude_deg", "longitude": "longitude_deg", "lat": "latitude_deg",
               "latitude": "latitude_deg", "x": "x_m", "y": "y_m", "gender": "sex", "district": "zone",
               "car": "has_car", "size": "n_persons", "persons": "n_persons", "household_id": "household",
               "hh_id": "household", "disability": "mobility"}  # fmt: skip
"""What others call columns, and what we call them: proposed, never taken for them."""


def _misnamed(name: str, known: tuple[str, ...]) -> str:
    near = [OTHER_NAMES[name]] if OTHER_NAMES.get(name) in known else None
    near = near or get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]!r}?" if near else "."
    return (
        f"there is no use for a column {name!r}{meant} Known: {', '.join(known)}. Rename it, leave it out, or put "
        "remarks in a column note."
    )


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = read_bounded(path)
        for name, kind in zip(table.schema.names, table.schema.types, strict=True):
            if pa.types.is_binary(kind) or pa.types.is_nested(kind):
                raise ScenarioError(
                    f"{path}: the column {name!r} holds {kind}, and no texts or numbers. Write it as one."
                )
        return table.to_pandas()
    except ScenarioError:
        raise
    except (ValueError, OSError, TypeError, pa.ArrowException) as error:
        raise ScenarioError(f"{path}: this is not a Parquet file: {' '.join(str(error).split())[:200]}.") from None


def read_csv(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a CSV file as texts, stripped, and the line on which each row begins (from 1, the header's first).

    Commas, semicolons, tabs or bars stand between the values: what the header uses, or what a line `sep=;` says. Empty
    lines, lines of remarks (#) above the header, and empty values beyond the last column are left out. Raises
    ScenarioError with the line of a row that is too short or too long, of an open quotation mark, and for a file
    without a header.
    """
    text, n_above = _from_header(read_text(path))
    mark = _delimiter(text)
    n_cells = text.count(mark) + text.count("\n")
    refuse_needs(
        [Need(str(path), n_cells, "cells of a table", BYTES["table_cell"], "Cut the table to what is needed.")]
    )
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(lines_of(text), delimiter=mark, strict=True, skipinitialspace=True)
    header, rows, lines, wrong, begins = None, [], [], [], 1
    try:
        for values in reader:
            line, begins = begins, reader.line_num + 1
            if not any(value.strip() for value in values):
                continue
            if header is None:
                if len(values) > MOST_COLUMNS:
                    raise ScenarioError(
                        f"{path}, line {line + n_above}: the header has {len(values):,} columns; at most "
                        f"{MOST_COLUMNS:,} are read. Put each row on a line of its own."
                    )
                header = [_cell(value) for value in values]
                while not header[-1]:
                    header.pop()
                continue
            if any(value.strip() for value in values[len(header) :]) or len(values) < len(header):
                wrong.append((line + n_above, len(values)))
            rows.append(values[: len(header)])
            lines.append(line + n_above)
    except csv.Error as error:
        raise ScenarioError(f"{path}, line {begins + n_above}: this is not CSV: {error}. Correct the line.") from None
    if header is None:
        raise ScenarioError(f"{path}: this file is empty; give a table with a header and at least one row.")
    _refuse_ragged(path, header, wrong)
    table = pd.DataFrame(rows, columns=range(len(header)), dtype=str).apply(lambda column: column.map(_cell))
    table.columns = header
    return table, np.array(lines, np.int64)


def _refuse_ragged(path: Path, header: list[str], wrong: list[tuple[int, int]]) -> None:
    """Raise ScenarioError if there are rows, given as (line, number of values), with too few or too many values."""
    if wrong and len(header) == 1:
        raise ScenarioError(
            f"{path}, line {wrong[0][0]}: there are {wrong[0][1]} values under the one column {header[0][:60]!r}. The "
            "first line must name the columns: take out the lines above them, and put the same mark between the values "
            "of all lines."
        )
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


def _cell(value: str) -> str:
    """Return a value without spaces about it, and without the ="" that spreadsheets put about a text."""
    value = value.strip()
    return value[2:-1] if value.startswith('="') and value.endswith('"') and len(value) > 2 else value


def _from_header(text: str) -> tuple[str, int]:
    """Return a text from its header on, and how many lines stand above that: remarks, and what names the mark."""
    at, n = 0, 0
    while (found := re.match(r"[^\r\n]*(\r\n|\r|\n)", text[at : at + 10_000])) is not None:
        line = found.group().strip()
        if line and not re.match(r"#(\s|[^,;\t|]*$)|sep=", line, re.IGNORECASE):
            break
        at, n = at + found.end(), n + 1
    return (text[at:], n) if at else (text, 0)


def _delimiter(text: str) -> str:
    """Return what stands between the names of the header: a comma, or what it uses instead."""
    header = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    return next((mark for mark in (",", ";", "\t", "|") if mark in header), ",")
