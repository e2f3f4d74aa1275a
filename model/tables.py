"""Tables that users give: CSV or Parquet in, checked columns out; every error names file, row, value and change."""

from pathlib import Path

import numpy as np
import pandas as pd

from safepassage.model.settings.base import ScenarioError

YES, NO = ("1", "true", "yes", "1.0"), ("0", "false", "no", "0.0")


def read_table(path: Path, required: tuple[str, ...], known: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return a CSV or Parquet file as a frame of texts, empty where nothing stands.

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
            f"{path}: there is no column {missing[0]!r}; the columns are {', '.join(map(str, frame.columns))}. "
            f"Needed: {', '.join(required)}."
        )
    if frame.empty:
        raise ScenarioError(f"{path}: there is no row in it; give at least one.")
    frame = frame[[name for name in dict.fromkeys((*required, *known)) if name in frame.columns]]
    return frame.apply(lambda column: column.where(column.notna(), "").astype(str).str.strip())


def refuse(path: Path, column: str, values, wrong: np.ndarray, change: str):
    """Raise ScenarioError for the first wrong row, if there is one; rows are counted from 1, without the header."""
    rows = np.flatnonzero(wrong)
    if rows.size:
        found = values.iloc[rows[0]] if isinstance(values, pd.Series) else values[rows[0]]
        more = f" ({rows.size - 1:,} more rows are like it)" if rows.size > 1 else ""
        raise ScenarioError(f"{path}: row {rows[0] + 1}: {column} = {found!r}{more}; {change}.")


def numbers(path: Path, frame: pd.DataFrame, column: str, low: float, high: float, *, whole=False) -> np.ndarray:
    """Return a column as numbers from low to high, float64; whole: only whole numbers are accepted."""
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(float)
    wrong = ~((values >= low) & (values <= high))
    if whole:
        wrong |= values != np.floor(values)
    refuse(path, column, frame[column], wrong, f"give a {'whole ' if whole else ''}number from {low:g} to {high:g}")
    return values


def choices(path: Path, frame: pd.DataFrame, column: str, codes: dict[str, int]) -> np.ndarray:
    """Return the code of each text of a column (case and underscores do not matter), int64."""
    text = frame[column].str.lower().str.replace("_", " ")
    values = text.map({name.lower().replace("_", " "): code for name, code in codes.items()})
    refuse(path, column, frame[column], values.isna().to_numpy(), f"give one of {', '.join(codes)}")
    return values.to_numpy(np.int64)


def flags(path: Path, frame: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column of yes and no, bool."""
    return choices(path, frame, column, dict.fromkeys(YES, 1) | dict.fromkeys(NO, 0)).astype(bool)
