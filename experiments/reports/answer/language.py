"""The language of a page: texts by gettext, numbers and dates by Babel (Unicode CLDR). Of the answer page, and of
`safepassage explore`.

A catalogue is the file `languages/CODE.po` beside this module; it is read as it is, no step builds anything. English
needs none. While the header `X-Reviewed-By` of a catalogue is empty, no native speaker has signed it, and pages say so.
"""

import gettext
import io
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from safepassage.model.settings.base import ScenarioError

LANGUAGES = ("en", "uk")
MINUS = "\N{MINUS SIGN}"
REVIEWED_BY = "X-Reviewed-By"


class Language:
    """One language: its words, numbers and dates."""

    def __init__(self, code: str = "en"):
        if code not in LANGUAGES:
            raise ScenarioError(f"--language {code}: there are {', '.join(LANGUAGES)}.")
        self.code = code
        self.missing: set[str] = set()
        """Texts that were asked for and are not in the catalogue; they are shown in English."""
        self._texts, self.reviewed_by = _catalogue(code)

    def __call__(self, text: str, **values: Any) -> str:
        """Return a text in this language, its fields {name} filled with values."""
        found = self._texts.get(text, "")
        if not found and self.code != "en":
            self.missing.add(text)
        return (found or text).format(**values) if values else found or text

    def known(self, text: str) -> str:
        """Return a text in this language if the catalogue has it, else as it is: tables hold words of their own."""
        return self._texts.get(text) or text

    @property
    def texts(self) -> dict[str, str]:
        """All texts: English -> this language; none in English."""
        return self._texts

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody whose language it is has signed the texts."""
        return self.code == "en" or bool(self.reviewed_by)

    def number(self, value: float, digits: int | None = None) -> str:
        """Return a value with as many digits after the point as are asked for, else as say something."""
        return self._digits(value, _digits_of(value) if digits is None else digits)

    def exact(self, value: float) -> str:
        """Return a value as it was set, with up to four digits after the point."""
        from babel.numbers import format_decimal

        return format_decimal(float(value), format="#,##0.####", locale=self.code)

    def signed(self, value: float, digits: int | None = None) -> str:
        """Return a difference with its sign; digits as for `number`."""
        digits = _digits_of(value) if digits is None else digits
        if round(value, digits) == 0:
            return "0"
        return f"{'+' if value > 0 else MINUS}{self._digits(abs(value), digits)}"

    def percent(self, share: float) -> str:
        """Return a share as a whole percentage; 0 and 100 are kept for none and all. Empty for nan."""
        from babel.numbers import format_percent

        if np.isnan(share):
            return ""
        whole = float(np.clip(round(share, 2), 0.01 if share > 0 else 0.0, 0.99 if share < 1 else 1.0))
        sign = "<" if 0 < share < 0.005 else ">" if 0.995 < share < 1 else ""
        return sign + format_percent(whole, locale=self.code)

    def share(self, share: float, digits: int) -> str:
        """Return a share as a percentage with so many digits after the point."""
        from babel.numbers import format_percent

        return format_percent(share, format="0" + ("." + "0" * digits if digits else "") + "%", locale=self.code)

    def moment(self, at: datetime, *, days: bool) -> str:
        """Return a local time as a day (`days`: 1 September) or as a time of day (14:00)."""
        from babel.dates import format_datetime

        return format_datetime(at.replace(tzinfo=None), "d MMMM" if days else "HH:mm", locale=self.code)

    def day(self, at: datetime) -> str:
        """Return a local date and time in full."""
        from babel.dates import format_datetime

        return format_datetime(at.replace(tzinfo=None), "d MMMM y, HH:mm", locale=self.code)

    def moment_of_week(self, at: datetime) -> str:
        """Return a local time with its day, short: Tue 1 Oct, 07:00."""
        from babel.dates import format_datetime

        return format_datetime(at.replace(tzinfo=None), "EEE d MMM, HH:mm", locale=self.code)

    def _digits(self, value: float, digits: int) -> str:
        from babel.numbers import format_decimal

        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(round(float(value), digits), format=pattern, locale=self.code)


def _digits_of(value: float) -> int:
    from safepassage.experiments.reports.differences import digits_of  # takes most of a second: not for who only looks

    return digits_of(value)


@cache
def _catalogue(code: str) -> tuple[dict[str, str], str]:
    """Return the texts of a language, English -> its own, and who has signed them; none for English."""
    if code == "en":
        return {}, ""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    written = files("safepassage.experiments.reports.answer").joinpath(f"languages/{code}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(written), locale=code))
    compiled.seek(0)
    translations = gettext.GNUTranslations(compiled)
    texts = {key: text for key, text in translations._catalog.items() if isinstance(key, str) and key}  # type: ignore
    return texts, translations.info().get(REVIEWED_BY.lower(), "")


ENGLISH = Language("en")
