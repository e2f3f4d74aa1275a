"""Names for the types of arrays in signatures; the docstring of a function gives their shapes and units."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
"""Whole numbers of any width: rows, counts, codes of an enum."""
Bools = npt.NDArray[np.bool_]
Records = npt.NDArray[Any]
"""Of a structured type: each entry has fields."""


def each(value: Any, n: int, dtype: Any) -> Any:
    """Return n values of a type: those given, or the one given n times."""
    given = np.ascontiguousarray(value, dtype)
    if given.shape == (n,):
        return given
    filled = np.empty(n, given.dtype)
    filled[:] = given
    return filled


def counted(n: Ints) -> tuple[Ints, Ints]:
    """Return (of, rank): n[k] entries for each k, rising, and each one's number among its own, from 0."""
    of = np.repeat(np.arange(n.size), n)
    return of, np.arange(of.size) - (np.cumsum(n) - n)[of]


def rising(rows: Ints | list[int]) -> Ints:
    """Return rows in rising order, each once; NumPy's own `unique` looks them up in a table and takes ten times as
    long."""
    rows = np.array(rows)
    if rows.size < 2:
        return rows
    rows.sort(kind="stable")
    is_first = np.ones(rows.size, np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=is_first[1:])
    return rows if is_first.all() else rows[is_first]


def united(some: Ints, others: Ints) -> Ints:
    """Return rows that are among some, which rise, or among others, in rising order, each once."""
    return rising(np.concatenate((some, others))) if others.size else some


def order_of(keys: Floats) -> Ints:
    """Return the rows by rising key, equal ones in their order, as `np.argsort(keys, kind="stable")` does.

    For drawn numbers, which are hardly ever equal: where none are, NumPy's faster sort gives the same order.
    """
    order = np.argsort(keys)
    sorted_keys = keys[order]
    return np.argsort(keys, kind="stable") if (sorted_keys[1:] == sorted_keys[:-1]).any() else order
