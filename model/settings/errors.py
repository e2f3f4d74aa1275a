"""The mistake of a user, in a module that loads at once: the command line needs it before anything else."""

MOST_LETTERS = 2000
"""A message has at most so many letters: it is to be read."""
MOST_OF_A_LINE = 700
"""A line has at most so many: what stands in its middle is a value that somebody gave."""


class ScenarioError(ValueError):
    """Something that a user gave cannot be used. The message names the place, the value and the change to make."""

    def __init__(self, message: object = "") -> None:
        """message: the text; what is too long to be read is cut, and that is said."""
        super().__init__(_readable(str(message)))


def _readable(text: str) -> str:
    """Return a text with long lines cut in their middle, and without the last lines of many."""
    lines = [line if len(line) <= MOST_OF_A_LINE else f"{line[:450]} [...] {line[-200:]}" for line in text.split("\n")]
    kept, n_left = [], MOST_LETTERS - 60
    for line in lines:
        n_left -= len(line) + 1
        if n_left < 0:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append(f"There are {len(lines) - len(kept):,} more lines of mistakes; correct these first.")
    return "\n".join(kept)
