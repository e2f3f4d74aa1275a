"""Columns of row agents, and the rows that hold them; agents and model are in `safepassage.agents.rows.rows`."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt


class column:  # noqa: N801 - reads as a declaration
    """One attribute of a class of row agents, kept in an array of the given dtype.

    Reading gives a Python scalar, or a member of `enum` where one is named. Writing checks that the value survives the
    dtype: no wrapping, no cut-off fraction, no number that is not a member. Only float32 may round.
    """

    def __init__(self, dtype: type, enum: type[IntEnum] | None = None, default: Any = None) -> None:
        self.name = "column"
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype.kind not in "biuf" or self.dtype == np.uint64:
            raise TypeError(f"column({self.dtype}): a column holds booleans, integers up to int64 or floats")
        if enum is not None and not issubclass(enum, IntEnum):
            raise TypeError(f"column(..., {enum.__name__}): name an IntEnum, the kind that kernels compile")
        self.enum = enum
        self.members = {int(member): member for member in enum} if enum else None
        if default is None:
            default = next(iter(enum)) if enum else 0
        self.default = self.fit(default)[()]
        number = {"b": bool, "f": float}.get(self.dtype.kind, int)
        limits: Any = np.finfo if number is float else np.iinfo
        low, high = (0, 1) if number is bool else (limits(self.dtype).min, limits(self.dtype).max)
        self._low, self._high = number(low), number(high)
        self._plain = enum or number

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"
        self.key = name

    def __get__(self, agent: Any, owner: type | None = None) -> Any:
        if agent is None:
            return self
        value = agent.model._rows[type(agent)].arrays[self.key].item(agent.row)
        return value if self.members is None else self.members[value]

    def __set__(self, agent: Any, value: Any) -> None:
        if type(value) is not self._plain or not self._low <= value <= self._high:
            value = self.fit(value)
        rows = agent.model._rows[type(agent)]
        rows.arrays[self.key][agent.row] = value
        rows.n_writes += 1

    def fit(self, values: Any) -> np.ndarray:
        """Return values, one or many, in the column's dtype; raise ValueError if one of them does not fit."""
        given = np.asarray(values)
        if given.dtype.kind not in "biuf":
            raise ValueError(f"{self.name} = {values!r}: give {self._wanted()}")
        with np.errstate(over="ignore", invalid="ignore"):
            fitted = given.astype(self.dtype, copy=False)
        if given.dtype == self.dtype:
            wrong = False
        elif self.dtype.kind == "f":
            wrong = np.isfinite(given) & ~np.isfinite(fitted)
        else:
            wrong = fitted != given
        if self.members is not None:
            wrong = wrong | ~np.isin(fitted, list(self.members))
        if np.any(wrong):
            first = np.atleast_1d(given)[np.atleast_1d(wrong)][0]
            raise ValueError(f"{self.name} = {first}: give {self._wanted()}")
        return fitted

    def to_list(self, values: np.ndarray) -> list:
        """Return values of the column as Python scalars or members of its enum."""
        return values.tolist() if self.members is None else [self.members[v] for v in values.tolist()]

    def _wanted(self) -> str:
        if self.enum is not None:
            return f"one of {self.enum.__name__}: " + ", ".join(f"{m.name} ({int(m)})" for m in self.enum)
        if self.dtype.kind == "b":
            return "True or False"
        if self.dtype.kind == "f":
            return f"a number that {self.dtype} can hold"
        return f"a whole number from {np.iinfo(self.dtype).min} to {np.iinfo(self.dtype).max}"


class Rows:
    """All rows of one class, a RowAgent, in one RowModel: columns, ids, who is alive and the handles made so far.

    A row never moves: a removed one stays, with `alive` False, and is not used again. If the arrays are adopted they
    belong to somebody else; they are then used as they are and no row can be added.
    """

    def __init__(self, model: Any, cls: Any, adopted: dict[str, np.ndarray] | None = None) -> None:
        self.model = model
        self.cls = cls
        self.n = 0
        self.n_alive = 0
        self.n_writes = 0
        """How often a column was written through a handle or a set; kernels that write the arrays do not count."""
        self.handles: dict[int, Any] = {}
        self.is_adopted = False
        self.arrays = {name: np.empty(0, spec.dtype) for name, spec in cls.columns.items()}
        self.ids = np.empty(0, np.int64)
        self.alive = np.empty(0, np.bool_)
        if adopted is not None:
            self.arrays = adopted
            self._append(next(iter(adopted.values())).size)
            self.is_adopted = True

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The columns, living and removed rows alike. Write into them; take them anew after rows were added."""
        return {name: array[: self.n] for name, array in self.arrays.items()}

    def agent(self, row: int) -> Any:
        """Return the handle on a row: the one place where handles are made."""
        handle = self.handles.get(row)
        if handle is None:
            handle = self.cls.__new__(self.cls)
            handle.model, handle.row = self.model, row
            handle = self.handles.setdefault(row, handle)
        return handle

    def add(self, n: int, values: Mapping[str, Any]) -> np.ndarray:
        """Append n rows and return them (int64[n]). A value is one for all or n of them; nothing changes on error."""
        name = self.cls.__name__
        if self.is_adopted:
            raise ValueError(
                f"{name}: its columns were adopted by adopt_rows and cannot grow; enlarge the arrays first"
            )
        for key in values.keys() - self.cls.columns.keys():
            raise TypeError(f"{name} has no column {key!r}; its columns are {', '.join(self.cls.columns)}")
        fitted = {key: spec.fit(values.get(key, spec.default)) for key, spec in self.cls.columns.items()}
        for key, array in fitted.items():
            if array.shape not in ((), (n,)):
                raise ValueError(f"{name}.{key}: {array.shape} values for {n} agents; give one value, or {n} in a list")
        self.arrays = {key: _with_room(array, self.n + n) for key, array in self.arrays.items()}
        for key, array in fitted.items():
            self.arrays[key][self.n : self.n + n] = array
        return self._append(n)

    def discard(self, rows: npt.ArrayLike) -> None:
        """Take rows, one or an array of them, out of the model; those already removed are left alone."""
        rows = np.unique(rows)
        rows = rows[self.alive[rows]]
        self.alive[rows] = False
        self.n_alive -= rows.size
        for row in rows.tolist() if self.handles else ():
            self.handles.pop(row, None)

    def living(self) -> np.ndarray:
        """Return the living rows in order of creation (int64)."""
        return np.arange(self.n) if self.n_alive == self.n else np.flatnonzero(self.alive[: self.n])

    def _append(self, n):
        self.ids = _with_room(self.ids, self.n + n)
        self.alive = _with_room(self.alive, self.n + n)
        rows = np.arange(self.n, self.n + n)
        self.ids[rows] = self.model.allocate_ids(n) + np.arange(n)
        self.alive[rows] = True
        self.n += n
        self.n_alive += n
        return rows


def _with_room(array, n):
    if array.size >= n:
        return array
    larger = np.zeros(max(n, 2 * array.size), array.dtype)
    larger[: array.size] = array
    return larger
