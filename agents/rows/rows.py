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
from typing import Any, ClassVar

import numpy as np
from mesa import Agent, Model
from mesa.agent import AgentSet

from safepassage.agents.rows.columns import Rows, column
from safepassage.agents.rows.sets import AllAgents, RowAgentSet

_RESERVED = ("model", "row", "columns", "unique_id", "random", "rng", "scenario")


class RowAgent(Agent):
    """A Mesa agent that is a handle on one row: its columns and its unique_id live in the model's arrays."""

    pos = None
    current_action: Any = None
    """Mesa 4: what the agent is busy with, which it asks for when the agent is removed."""
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
