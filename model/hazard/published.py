"""Records and fronts as agencies publish them: answers of an API, tables with HXL tags, dates in the names of files."""

import json
import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from safepassage.model.hazard.days import day
from safepassage.model.inputs.tables import read_csv, refuse_doubles
from safepassage.model.inputs.text_files import read_text
from safepassage.model.settings.base import ScenarioError

DAY_PROPERTIES = ("date", "day", "datetime", "snapshot", "published", "updated")
"""Properties of a map, in letters of any case, that tell its day."""
_DAY_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)")
_DAY_IN_WORDS = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?([A-Za-z]{3})[A-Za-z]*[-_ ]?(20\d\d)(?!\d)")
VIINA_NAMES = {"geo_precision": "GEO_PRECISION"}
"""Columns whose names have capitals, by their names without."""
NOT_HELD = ("liberated", "unknown")
"""Words in the name of an area of DeepStateMap that is not beyond the front."""


def read_events(path: Path, layout: str, report: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table of events as texts and the line (of an API's answer: the number) of each row.

    Rows of HXL tags are left out, and told in report. Names of columns may be in letters of any case. path: the file,
    which errors name. layout: whose columns the file has.
    """
    is_json = path.suffix.lower() == ".json" or read_text(path).startswith(("[", "{"))
    frame, lines = _of_answer(path) if is_json else read_csv(path)
    refuse_doubles(path, list(frame.columns))
    known = VIINA_NAMES if layout == "viina" else {}
    names = [known.get(name.lower(), name.lower()) for name in (str(one).strip() for one in frame.columns)]
    if layout != "plain" and len(set(names)) == len(names):
        frame.columns = names
    tags = frame.map(lambda text: text == "" or text.startswith("#")).all(axis=1) & (frame != "").any(axis=1)
    if tags.any():
        report.append(f"{path.name}: {int(tags.sum())} rows of HXL tags are left out.")
    return frame[~tags].reset_index(drop=True), lines[~tags.to_numpy(bool)]


def _of_answer(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of an API's answer: a list of records, or one under data, Result or results."""
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{path}: this is not JSON ({str(error)[:100]}). Save the answer again.") from None
    said = ""
    if isinstance(found, dict):
        said = next((f" It says: {str(found[name])[:200]}." for name in ("error", "message", "messages")
                     if found.get(name)), "")  # fmt: skip
        found = next((found[name] for name in ("data", "Result", "results", "alerts") if name in found), None)
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        empty = "the list of records in it is empty" if found == [] else "there is no list of records in it"
        raise ScenarioError(f"{path}: {empty}, such as under data.{said} Save the answer again.")
    names = list(dict.fromkeys(name for one in found for name in one))
    rows = [["" if one.get(name) is None else str(one[name]).strip() for name in names] for one in found]
    return pd.DataFrame(rows, columns=names, dtype=str), np.arange(1, len(rows) + 1)


def day_of(properties: dict[str, Any], path: Path) -> date | None:
    """Return the day of a map: of a property, else of the name of its file; None: neither tells one."""
    lower = {str(name).lower(): value for name, value in properties.items()}
    said = next((str(lower[name]) for name in DAY_PROPERTIES if lower.get(name) not in (None, "")), None)
    if said is not None:
        return day(said)
    if (found := _DAY_IN_NAME.search(path.name)) is not None:
        with suppress(ValueError):
            return date(*map(int, found.groups()))
    if (found := _DAY_IN_WORDS.search(path.name)) is not None:
        with suppress(ValueError):
            return datetime.strptime("".join(found.groups()), "%d%b%Y").date()
    return None


def is_held(properties: dict[str, Any]) -> bool:
    """Return whether an area lies beyond the front: not if its name says liberated or unknown, as DeepStateMap's do."""
    name = str(properties.get("name") or properties.get("Name") or "").lower()
    return not any(word in name for word in NOT_HELD)
