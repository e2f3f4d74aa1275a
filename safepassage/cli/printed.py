"""How the command line prints: what comes from files and folders is text and never a command to the terminal."""

from typing import Any

from rich.console import Console
from rich.text import Text

from safepassage.model.settings.files.texts import visible


class PlainConsole(Console):
    """A console to which square brackets, :names: and control characters are characters like any other."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as it is printed."""
        return super().render_str(visible(text), **{**options, "markup": False, "emoji": False, "highlight": False})


def styled(*parts: str | tuple[object, str]) -> Text:
    """Return a text of parts, each plain or with a style: styled(("note:", "yellow"), " and the rest")."""
    return Text.assemble(*(visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts))
