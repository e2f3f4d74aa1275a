"""Sets of agents over pooled rows: what Mesa's AgentSet offers, done on arrays wherever a column is named.

See `safepassage.agents.rows.rows` for the rows themselves.
"""

import heapq
import math
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import Any, TypeGuard

import numpy as np
from mesa import Agent
from mesa.agent import AgentSet

from safepassage.agents.rows.columns import Rows

try:
    from mesa.agentset import GroupBy
except ImportError:
    from mesa.agent import GroupBy

_AS_PYTHON = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}
"""What NumPy makes of a list of Python scalars, by the kind of dtype they came from."""


class _LiveSet(AgentSet):
    """What the sets below share: they look their agents up when asked, in the model, and hold none themselves."""

    @property
    def _agents(self):
        return weakref.WeakKeyDictionary(dict.fromkeys(self))

    def to_list(self) -> list[Agent]:
        """Return the agents in a list."""
        return list(self)

    def __getitem__(self, item: Any) -> Any:
        return self.to_list()[item]

    def map(self, method: str | Callable, *args: Any, **kwargs: Any) -> list:
        """Call a method or function for each agent, those removed meanwhile left out, and return the results."""
        return list(self._calls(self.to_list(), method, args, kwargs))

    def do(self, method: str | Callable, *args: Any, **kwargs: Any) -> AgentSet:
        """Call a method or function for each agent, those removed meanwhile left out."""
        for _ in self._calls(self.to_list(), method, args, kwargs):
            pass
        return self

    def shuffle_do(self, method: str | Callable, *args: Any, **kwargs: Any) -> AgentSet:
        """Call a method or function for each agent in random order, those removed meanwhile left out."""
        agents = self.to_list()
        self.random.shuffle(agents)
        for _ in self._calls(agents, method, args, kwargs):
            pass
        return self

    @staticmethod
    def _calls(agents: Iterable[Any], method: Any, args: Any, kwargs: Any) -> Iterator[Any]:
        for agent in agents:
            if agent in agent.model.agents_by_type[type(agent)]:
                yield (
                    getattr(agent, method)(*args, **kwargs)
                    if isinstance(method, str)
                    else method(agent, *args, **kwargs)
                )


class RowAgentSet(_LiveSet):
    """A Mesa AgentSet over rows of one class: all living rows, or a view of some of them in an order of its own.

    Whatever names a column works on arrays and makes no object; whatever calls a function makes the handles it needs.
    """

    def __init__(self, source: Rows, rows: np.ndarray | None = None) -> None:
        self.source = source
        self.random = source.model.random
        self._is_whole = rows is None
        self._order = rows
        self._n_ordered = 0

    @property
    def rows(self) -> np.ndarray:
        """The rows of the set in its order (int64); the removed are not among them."""
        source = self.source
        if self._order is None:
            return source.living()
        order = self._order
        if self._is_whole:
            order = np.concatenate((order, np.arange(self._n_ordered, source.n)))
        return order[source.alive[order]]

    def array(self, name: str) -> np.ndarray:
        """Return a copy of the values of one column, in the set's order."""
        return self.source.arrays[name][self.rows]

    def release(self) -> None:
        """Forget the handles made for the set's agents, and with them any attribute that is no column.

        Later touches make new handles; an agent held elsewhere goes on reading and writing its row.
        """
        for row in self.rows.tolist() if self.source.handles else ():
            self.source.handles.pop(row, None)

    def __len__(self) -> int:
        return self.source.n_alive if self._is_whole else self.rows.size

    def __iter__(self) -> Iterator[Agent]:
        source = self.source
        return (source.agent(row) for row in self.rows.tolist() if source.alive[row])

    def __contains__(self, agent: Any) -> bool:
        source = self.source
        if type(agent) is not source.cls or agent.model is not source.model or not source.alive[agent.row]:
            return False
        return self._is_whole or bool(np.any(self._order == agent.row))

    def __getitem__(self, item: slice | int) -> Any:
        rows = self.rows[item]
        return self._handles(rows) if isinstance(item, slice) else self.source.agent(int(rows))

    def __copy__(self) -> "RowAgentSet":
        return self._view(self.rows)

    def copy(self) -> "RowAgentSet":
        """Return a view of the agents that are in the set now."""
        return self._view(self.rows)

    def select(
        self,
        filter_func: Callable[[Agent], bool] | None = None,
        at_most: int | float = math.inf,
        inplace: bool = False,
        agent_type: type[Agent] | None = None,
        where: np.ndarray | None = None,
    ) -> "RowAgentSet":
        """Return a view of the agents that pass, at most so many or, if a float up to 1, such a share of the set.

        `where` is a boolean array with one entry for each agent of the set, in the set's order: the fast way.

        filter_func, at_most, inplace, agent_type: as in Mesa's AgentSet.select.
        """
        rows = self.rows
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(rows.size * at_most)
        if where is not None:
            where = np.asarray(where)
            if where.dtype != np.bool_ or where.shape != rows.shape:
                raise ValueError(
                    f"where has dtype {where.dtype} and shape {where.shape}; give {rows.size} booleans, one for each "
                    "agent of the set, such as agents.array('status') == Status.HOME"
                )
            rows = rows[where]
        if agent_type is not None and not issubclass(self.source.cls, agent_type):
            rows = rows[:0]
        limit = None if at_most == math.inf else max(0, math.ceil(at_most))
        if filter_func is not None:
            passing = (row for row in rows.tolist() if filter_func(self.source.agent(row)))
            rows = np.fromiter(islice(passing, limit), np.int64)
        return self._keep(rows[:limit], inplace)

    def shuffle(self, inplace: bool = False) -> "RowAgentSet":
        """Return the set in random order, drawn as Mesa draws it."""
        rows = self.rows.tolist()
        self.random.shuffle(rows)
        return self._keep(np.array(rows, np.int64), inplace)

    def sort(self, key: Callable | str, ascending: bool = False, inplace: bool = False) -> "RowAgentSet":
        """Return the set sorted by a column, attribute or function; ties keep their order."""
        rows = self.rows
        values = self.source.arrays[key][rows] if self._is_column(key) else None
        if values is None or np.isnan(values).any():
            key = attrgetter(key) if isinstance(key, str) else key
            agents = sorted(self, key=key, reverse=not ascending)
            return self._keep(np.array([agent.row for agent in agents], np.int64), inplace)
        if ascending:
            return self._keep(rows[np.argsort(values, kind="stable")], inplace)
        return self._keep(rows[::-1][np.argsort(values[::-1], kind="stable")][::-1], inplace)

    def get(self, attr_names: str | list[str], handle_missing: str = "error", default_value: Any = None) -> list:
        """Return the attribute of each agent, or a list of attributes of each; columns are read as arrays."""
        if handle_missing not in ("error", "default"):
            raise ValueError(f"Unknown handle_missing option: {handle_missing}, should be one of 'error' or 'default'")
        default = (default_value,) if handle_missing == "default" else ()
        if isinstance(attr_names, str):
            return self._values(attr_names, default)
        values = [self._values(name, default) for name in attr_names]
        return [list(of_one) for of_one in zip(*values, strict=True)] if values else [[] for _ in self.rows]

    def agg(self, attribute: str, func: Callable | Iterable[Callable]) -> Any:
        """Return one function, or a list of functions, of all values of an attribute; NumPy's on arrays."""
        if not callable(func):
            return [self.agg(attribute, one) for one in func]
        if self._is_column(attribute) and (getattr(func, "__module__", None) or "").split(".")[0] == "numpy":
            values = self.array(attribute)
            return func(values.astype(_AS_PYTHON[values.dtype.kind]))
        if func is sum and self._is_column(attribute) and self.array(attribute).dtype.kind != "f":
            return self.array(attribute).sum(dtype=np.int64).item()
        return func(self.get(attribute))

    def set(self, attr_name: str, value: Any) -> "RowAgentSet":
        """Set an attribute of every agent to a value; for a column also to an array with one value for each."""
        if self._is_column(attr_name):
            self.source.arrays[attr_name][self.rows] = self.source.cls.columns[attr_name].fit(value)
            self.source.n_writes += 1
        else:
            for agent in self:
                setattr(agent, attr_name, value)
        return self

    def groupby(self, by: Callable | str, result_type: str = "agentset") -> GroupBy:
        """Group the agents by a column, attribute or function; groups come in order of their first member."""
        rows = self.rows
        groups = {}
        if self._is_column(by):
            values, first, of_row = np.unique(self.array(by), return_index=True, return_inverse=True, equal_nan=False)
            members = np.split(rows[np.argsort(of_row, kind="stable")], np.cumsum(np.bincount(of_row))[:-1])
            names = self.source.cls.columns[by].to_list(values)
            groups = {names[k]: members[k] for k in np.argsort(first).tolist()}
        else:
            listed = defaultdict(list)
            for row in rows.tolist():
                agent = self.source.agent(row)
                listed[by(agent) if callable(by) else getattr(agent, by)].append(row)
            groups = {name: np.array(group, np.int64) for name, group in listed.items()}
        make = self._view if result_type == "agentset" else self._handles
        return RowGroupBy({name: make(group) for name, group in groups.items()})

    def add(self, agent: Agent) -> None:
        """Put an agent of the same class and model into the view."""
        if type(agent) is not self.source.cls or agent.model is not self.source.model:
            raise TypeError(
                f"a set of rows takes agents of its class and model only, found {agent!r}; use mesa's AgentSet"
            )
        if agent not in self:
            self._keep(np.append(self.rows, agent.row), inplace=True)

    def discard(self, agent: Agent) -> None:
        """Take an agent out of the view, if there; it stays in the model."""
        if agent in self:
            self._keep(self.rows[self.rows != agent.row], inplace=True)

    def remove(self, agent: Agent) -> None:
        """Take an agent out of the view; it stays in the model. KeyError if it is not there."""
        if agent not in self:
            raise KeyError(agent)
        self.discard(agent)

    @classmethod
    def _from_iterable(cls, agents: Iterable[Any]) -> AgentSet:
        return AgentSet(agents)

    def __getstate__(self) -> dict[Any, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[Any, Any]) -> None:
        self.__dict__.update(state)

    def _is_column(self, name: object) -> TypeGuard[str]:
        return isinstance(name, str) and name in self.source.cls.columns

    def _values(self, name, default):
        if self._is_column(name):
            return self.source.cls.columns[name].to_list(self.array(name))
        if name == "unique_id":
            return self.source.ids[self.rows].tolist()
        return [getattr(agent, name, *default) for agent in self]

    def _handles(self, rows):
        return [self.source.agent(row) for row in rows.tolist()]

    def _view(self, rows):
        return RowAgentSet(self.source, rows)

    def _keep(self, rows, inplace):
        if not inplace:
            return self._view(rows)
        if self._is_whole and rows.size != self.source.n_alive:
            raise TypeError("the set of all agents of a class cannot be narrowed in place; use what select returns")
        self._order, self._n_ordered = rows, self.source.n
        return self


class RowGroupBy(GroupBy):
    """Mesa's GroupBy whose aggregation works on columns."""

    def agg(self, attr_name: str, func: Callable) -> dict:
        """Return a function of all values of an attribute, by group."""
        return {
            name: group.agg(attr_name, func)
            if isinstance(group, RowAgentSet)
            else func([getattr(agent, attr_name) for agent in group])
            for name, group in self.groups.items()
        }


class AllAgents(_LiveSet):
    """All agents of a model, ordinary ones and rows, in order of creation: what `model.agents` returns."""

    def __init__(self, model: Any, ordinary: AgentSet, sources: list[Rows]) -> None:
        self.random = model.random
        self._model = model
        self._ordinary = ordinary
        self._sources = sources

    def __len__(self) -> int:
        return len(self._ordinary) + sum(source.n_alive for source in self._sources)

    def __iter__(self) -> Iterator[Any]:
        return heapq.merge(self._ordinary, *map(RowAgentSet, self._sources), key=attrgetter("unique_id"))

    def __contains__(self, agent: Any) -> bool:
        return agent in self._ordinary or any(agent in RowAgentSet(source) for source in self._sources)

    def __copy__(self) -> Any:
        return AgentSet(self, self.random)

    def copy(self) -> AgentSet:
        """Return Mesa's own AgentSet of the agents there are now."""
        return AgentSet(self, self.random)

    def select(
        self,
        filter_func: Callable[[Agent], bool] | None = None,
        at_most: int | float = math.inf,
        inplace: bool = False,
        agent_type: type[Agent] | None = None,
    ) -> AgentSet:
        """Return the agents that pass, as Mesa does; all of one class of row agents come as a view of its rows.

        filter_func, at_most, inplace, agent_type: as in Mesa's AgentSet.select.
        """
        self._refuse(inplace)
        if filter_func is None and at_most == math.inf:
            for source in self._sources:
                if source.cls is agent_type and not any(self._derived(agent_type)):
                    return RowAgentSet(source, source.living())
        return self.copy().select(filter_func, at_most, agent_type=agent_type)

    def shuffle(self, inplace: bool = False) -> AgentSet:
        """Return the agents in random order."""
        self._refuse(inplace)
        return self.copy().shuffle()

    def sort(self, key: Callable | str, ascending: bool = False, inplace: bool = False) -> AgentSet:
        """Return the agents sorted by an attribute or function."""
        self._refuse(inplace)
        return self.copy().sort(key, ascending)

    def groupby(self, by: Callable | str, result_type: str = "agentset") -> GroupBy:
        """Group the agents by an attribute or function."""
        return self.copy().groupby(by, result_type)

    def add(self, agent: Agent) -> None:
        """Refuse: agents enter a model when they are created."""
        self._refuse(True)

    discard = remove = add

    def __reduce__(self) -> tuple[Any, tuple[Any, Any, list]]:
        return AllAgents, (self._model, self._ordinary, self._sources)

    @staticmethod
    def _refuse(inplace: bool) -> None:
        if inplace:
            raise TypeError("model.agents is put together when asked for and cannot be changed in place; use a copy")

    def _derived(self, cls):
        return (issubclass(kind, cls) and kind is not cls for kind in self._model.agents_by_type)
