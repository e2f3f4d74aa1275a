"""The words of a member of an enum stand beside its number: every table, picture, page and message reads them there."""

from enum import IntEnum
from typing import Self


class Worded(IntEnum):
    """An IntEnum whose members are written `NAME = number, "words"`; a member without words is an error."""

    words: str
    """What people read: a short phrase without a capital letter or a full stop."""

    def __new__(cls, number: int, words: str | None = None) -> Self:
        """Make a member of a number and its words; raises TypeError without words."""
        if words is None:
            raise TypeError(f"{cls.__name__}: the member {number} has no words")
        member = int.__new__(cls, number)
        member._value_ = number
        member.words = words
        return member
