"""The words of a member of an enum stand beside its number: every table, picture, page and message reads them there."""

from enum import IntEnum
from typing import Self

import numpy as np


class Worded(IntEnum):
    """An IntEnum whose members are written `NAME = number, "words"`; a member without words is an error."""

    words: str
    """What people read: a short phrase without a capital letter or a full stop."""
    __array_ufunc__ = np.ndarray.__array_ufunc__
    """As arrays have it. NumPy looks for it in whatever an array is compared with, and an enum without it takes five
    times as long to say so as the comparison takes."""

    def __new__(cls, number: int, words: str | None = None) -> Self:
        """Make a member of a number and its words; raises TypeError without words."""
        if words is None:
            raise TypeError(f"{cls.__name__}: the member {number} has no words")
        member = int.__new__(cls, number)
        member._value_ = number
        member.words = words
        return member
