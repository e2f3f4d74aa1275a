"""Days and moments as people and agencies write them, turned into ISO 8601 where they can mean one thing only."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import lru_cache

from safepassage.model.settings.base import YEARS

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = r"(?:[ T]+(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?)?"
_FORMS = (
    (re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}"), (1, 2, 3)),
    (re.compile(rf"(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}}){_CLOCK}"), (3, 2, 1)),
    (re.compile(rf"(\d{{1,2}})[- ]([A-Za-z]{{3,9}})\.?[- ,]+(\d{{4}}|\d{{2}}){_CLOCK}"), (3, 2, 1)),
    (re.compile(rf"([A-Za-z]{{3,9}})\.? (\d{{1,2}}),? (\d{{4}}){_CLOCK}"), (3, 1, 2)),
    (re.compile(rf"(\d{{4}})(\d{{2}})(\d{{2}})(?:\.0+)?{_CLOCK}"), (1, 2, 3)),
)
"""Each form, and which of its parts are year, month and day."""
_SLASHES = re.compile(r"\d{1,2}[/-]\d{1,2}[/-](\d{4}|\d{2})\b.*")
_MILLISECONDS = re.compile(r"1\d{12}(\.0+)?")


@lru_cache(maxsize=8192)
def iso(text: str) -> str:
    """Return a day, or a day and a time, in ISO 8601, if it can be read in one way; else the text as it is.

    19.08.2024, 19 August 2024, 19-Aug-24, August 19, 2024 and 20240819 are days; 8/9/2024 is none: it may mean August
    or September.
    """
    text = text.strip()
    if is_moment(text):
        return text
    for form, order in _FORMS:
        found = form.fullmatch(text)
        if found is None:
            continue
        year, month, day = (found.group(part) for part in order)
        if not month.isdigit():
            names = [number for number, name in enumerate(_MONTHS, start=1) if month.lower().startswith(name)]
            month = str(names[0]) if names else "0"
        with suppress(ValueError):
            whole = date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
            clock, zone = found.group(4), found.group(5)
            if not clock:
                return f"{whole}"
            clock = clock.replace(",", ".") if clock[1] != ":" else f"0{clock}"
            return f"{whole}T{clock}{_zone(zone)}"
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return text


def _zone(said: str | None) -> str:
    if said is None:
        return ""
    return "+00:00" if said in ("Z", "UTC") else said if ":" in said else f"{said[:3]}:{said[3:]}"


def iso_day(text: str) -> str:
    """Return the day of a text as YYYY-MM-DD, else the text as it is."""
    found = iso(text)
    return found[:10] if is_moment(found) else text


def is_moment(text: str) -> bool:
    """Return whether a text is a day or a moment, in ISO 8601, of a year that a record may have."""
    try:
        return datetime.fromisoformat(text).year in YEARS
    except ValueError:
        return False


def day(text: str) -> date | None:
    """Return the day that a text tells; None if it tells none, or one of a year that is none."""
    found = iso(text)
    return datetime.fromisoformat(found).date() if is_moment(found) else None


def change_of(text: str) -> str:
    """Return what is wrong with a text that tells no day, and the change to make."""
    if _SLASHES.fullmatch(text.strip()):
        return "between slashes the day may come first or second; write it as 2024-08-19"
    return (
        f"this is not a date or time of the years {YEARS[0]} to {YEARS[-1]}; write it as 2024-08-19, "
        "2024-08-19T14:30 or 2024-08-19T14:30+03:00"
    )
