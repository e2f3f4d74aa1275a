"""Texts of users are shown as plain text: invisible characters are spelled out and markup has no effect."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that turn the direction of writing, other ends of lines, and halves of characters."""


def visible(text: object) -> str:
    """Return a text in which characters that a terminal would obey are spelled out: ESC as \\x1b."""
    return UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), str(text))


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
