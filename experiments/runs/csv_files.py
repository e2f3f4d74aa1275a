"""CSV files, which spreadsheets open: no text that a user wrote is a formula there."""

from typing import Any

import pandas as pd

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which spreadsheets know a formula (OWASP, CSV Injection)."""


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return a table as a CSV file in UTF-8; a text that a spreadsheet would reckon out gets an apostrophe before it.

    Numbers written as texts stay as they are.
    """
    safe = frame.copy()
    safe.columns = pd.Index([_as_text(name) for name in frame.columns])
    for k, kind in enumerate(frame.dtypes):
        if kind.kind not in "iufbmM":
            safe.isetitem(k, frame.iloc[:, k].astype(object).map(_as_text))
    return safe.to_csv(index=False).encode()


def _as_text(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(BEGINNINGS):
        return value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value
