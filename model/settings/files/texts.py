"""Texts of users are shown as plain text: invisible characters are spelled out and markup has no effect."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, marks that turn the direction of writing, other ends of lines, characters without width that no
script needs, and halves of characters."""
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that no file can have on Windows, whatever follows a dot."""


def visible(text: object) -> str:
    """Return a text in which characters that a terminal would obey are spelled out: ESC as \\x1b."""
    return UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), str(text))


def file_stem(*parts: str) -> str:
    """Return a name of a file, without its ending, that every system takes: `safe-no_car` of `safe:no_car`.

    parts: of the name, joined by hyphens; letters of any script, digits, underscores and hyphens stay as they are.
    """
    stem = re.sub(r"[^\w.-]", "-", "-".join(parts)).strip(".")[:100] or "unnamed"
    return f"{stem}_" if RESERVED.fullmatch(stem) else stem


@contextmanager
def as_written(figure: Any) -> Iterator[None]:
    """Draw a matplotlib figure while the block runs with all texts as they are: a $ begins no formula."""
    import matplotlib
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
        text.set_text(visible(text.get_text()))
    with matplotlib.rc_context({"text.parse_math": False}):
        yield
