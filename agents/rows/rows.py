"""Pooled rows: agents whose state lives in NumPy columns and who become Mesa objects only when touched.

A class of row agents declares its columns. A model that is a `RowModel` holds one array per column and makes a real
`mesa.Agent`, the handle, the first time somebody asks for an agent; it keeps the handle, so an agent is always the
same object. Compiled kernels read and write the columns; Mesa users list, select, sort, group and collect as ever:

    class Civilian(RowAgent):
        status = column(np.int8, Status)
        age_years = column(np.float32)

    Civilian.create_agents(model, 3, age_years=[30.0, 5.0, 70.0])      # the model owns the columns, and they can grow
    model.adopt_rows(Civilian, model.people)                           # or: the arrays that model.people already has
    model.agents_by_type[Civilian].select(lambda a: a.age_years > 18).set("status", Status.TRAVELLING)

What differs from agents that are plain objects: an attribute that is no column lives on the handle alone, where
kernels do not see it; a set of row agents holds living rows only; and sets of all agents (`model.agents`,
`model.agents_by_type[Civilian]`) cannot be narrowed in place. Private names of Mesa used here: `Agent._ids` (its keys
keep every model of Mesa 3.3 alive) and `AgentSet._agents` (which the methods inherited from Mesa read).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from mesa import Agent, Model
from mesa.agent import AgentSet

from safepassage.agents.rows.sets import AllAgents, RowAgentSet

_RESERVED = ("model", "row", "columns", "unique_id", "random", "rng", "scenario")


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


class RowAgent(Agent):
    """A Mesa agent that is a handle on one row: its columns and its unique_id live in the model's arrays."""

    pos = None
    columns: ClassVar[dict[str, column]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        named = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}
        cls.columns = {name: spec for name, spec in named.items() if isinstance(spec, column)}
        for name in cls.columns.keys() & set(_RESERVED):
            raise TypeError(f"{cls.__name__}.{name}: agents already have an attribute of this name; rename the column")

    def __init__(self, model: "RowModel", **values: Any) -> None:
        """Add one row to the model, with the values given and defaults for the other columns."""
        rows = _row_model(model).rows_of(type(self))
        self.model = model
        self.row = int(rows.add(1, values)[0])
        rows.handles[self.row] = self

    @property
    def unique_id(self) -> int:
        """Number of the agent in its model, one count for row agents and ordinary agents."""
        return self.model._rows[type(self)].ids.item(self.row)

    @classmethod
    def create_agents(cls, model: "RowModel", n: int, *args: Any, **values: Any) -> AgentSet:
        """Add n rows at once and return their set. A value is one for all, or an array, list or tuple of n.

        No object is made. A class with its own `__init__` is created as Mesa does it, one object after the other.
        """
        if args or cls.__init__ is not RowAgent.__init__:
            return super().create_agents(model, n, *args, **values)
        rows = _row_model(model).rows_of(cls)
        return RowAgentSet(rows, rows.add(n, values))


class Rows:
    """All rows of one class in one model: its columns, their ids, who is alive and the handles made so far.

    A row never moves: a removed one stays, with `alive` False, and is not used again. If the arrays are adopted they
    belong to somebody else; they are then used as they are and no row can be added.
    """

    def __init__(self, model: "RowModel", cls: type[RowAgent], adopted: dict[str, np.ndarray] | None = None) -> None:
        self.model = model
        self.cls = cls
        self.n = 0
        self.n_alive = 0
        self.n_writes = 0
        """How often a column was written through a handle or a set; kernels that write the arrays do not count."""
        self.handles: dict[int, RowAgent] = {}
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

    def agent(self, row: int) -> RowAgent:
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


def _row_model(model):
    if not isinstance(model, RowModel):
        raise TypeError(f"{type(model).__name__}: row agents live in a RowModel; derive the model from RowModel")
    return model


class RowModel(Model):
    """A Mesa model that may hold row agents beside ordinary ones."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rows: dict[type[RowAgent], Rows] = {}
        self._next_id = 1

    @property
    def agents(self) -> AgentSet:
        """All agents of the model in order of creation, row agents among them."""
        ordinary = super().agents
        return AllAgents(self, ordinary, list(self._rows.values())) if self._rows else ordinary

    def rows_of(self, cls: type[RowAgent]) -> Rows:
        """Return the rows of a class of row agents; the class becomes known to the model if it was not."""
        if cls not in self._rows:
            self._enter(cls, Rows(self, cls))
        return self._rows[cls]

    @property
    def n_writes(self) -> int:
        """How often columns were written through handles or sets so far."""
        return sum(rows.n_writes for rows in self._rows.values())

    def adopt_rows(self, cls: type[RowAgent], arrays: Any) -> RowAgentSet:
        """Make every row of arrays that exist already an agent of class cls; nothing is copied.

        `arrays` maps the name of each column to its array, or is an object with an attribute of that name for each.
        All are one-dimensional, of one length and of the column's dtype. From now on write into the arrays in place:
        an array put in their stead would not be seen. Rows can be removed but not added.
        """
        if cls in self._rows:
            raise ValueError(f"{cls.__name__}: the model has rows of this class already; adopt before creating any")
        if not isinstance(arrays, Mapping):
            missing = [name for name in cls.columns if not hasattr(arrays, name)]
            arrays = {name: getattr(arrays, name) for name in cls.columns if name not in missing}
        if arrays.keys() != cls.columns.keys():
            raise ValueError(f"{cls.__name__}: arrays for {sorted(arrays)}; give one for each of {sorted(cls.columns)}")
        sizes = {name: np.shape(array) for name, array in arrays.items()}
        if not sizes or len(set(sizes.values())) != 1 or len(next(iter(sizes.values()))) != 1:
            raise ValueError(f"{cls.__name__}: arrays of shapes {sizes}; give arrays of one dimension and one length")
        for name, spec in cls.columns.items():
            found = getattr(arrays[name], "dtype", type(arrays[name]).__name__)
            if not isinstance(arrays[name], np.ndarray) or found != spec.dtype:
                raise ValueError(f"{spec.name}: found {found}; give an array of {spec.dtype}, the column's dtype")
            spec.fit(arrays[name])
        self._enter(cls, Rows(self, cls, dict(arrays)))
        return self.agents_by_type[cls]

    def allocate_ids(self, n: int) -> int:
        """Reserve n consecutive unique_ids and return the first."""
        first = self._next_id
        self._next_id += n
        return first

    def register_agent(self, agent: Agent) -> None:
        """Register an ordinary agent; Mesa calls this. Its unique_id comes from the count that the rows use."""
        super().register_agent(agent)
        agent.unique_id = self.allocate_ids(1)
        kept_alive = getattr(Agent, "_ids", None)
        if kept_alive is not None:
            kept_alive.pop(self, None)

    def deregister_agent(self, agent: Agent) -> None:
        """Take an agent out of the model; `agent.remove()` calls this. KeyError if it is not in the model."""
        if not isinstance(agent, RowAgent):
            super().deregister_agent(agent)
        elif agent not in self.agents_by_type[type(agent)]:
            raise KeyError(agent)
        else:
            self._rows[type(agent)].discard(agent.row)

    def remove_all_agents(self) -> None:
        """Remove all agents, calling `remove` on those whose class has its own."""
        super().remove_all_agents()
        for cls, rows in self._rows.items():
            if cls.remove is RowAgent.remove:
                rows.discard(rows.living())
            else:
                self.agents_by_type[cls].do("remove")

    def _enter(self, cls, rows):
        self._rows[cls] = rows
        self.agents_by_type[cls] = RowAgentSet(rows)
