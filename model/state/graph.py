"""Turns everything that a model is made of into plain values and arrays, and back onto a model freshly built from the
same scenario.

Everything that can be reached from the model is its state, unless its class is in FIXED: so no part has to declare
anything, and a new one cannot be forgotten. What is no plain value and belongs to the scenario - functions, shapes,
settings - is taken from the fresh model, where it stands at the same place. Only classes of this package are made, and
without running any code of theirs: a state file can hold wrong numbers, never a program.
"""

import random
import sys
import weakref
from collections import deque
from enum import Enum
from typing import Any

import numpy as np
from mesa.agent import AgentSet
from mesa.datacollection import DataCollector
from pydantic import BaseModel

OURS = ("safepassage.agents.", "safepassage.model.")
FIXED = (
    "agents.ground.nearby:LinkGrid", "agents.ground.nearby:PointGrid", "model.clock:OpenHours",
    "model.daytime:WaysThere",
    "model.hazard.impacts:Area", "model.hazard.impacts:Impacts", "model.hazard.weather:Weather",
    "model.maps.background:Thing", "model.people.margins:Margin", "model.streets.notes:StreetsReport",
    "model.streets.junctions:Junctions", "model.streets.naming:StreetNames", "model.streets.streets:Streets",
    "model.streets.zones:Zones",
)  # fmt: skip
"""Classes whose objects the scenario alone determines, and that nothing changes during a run: they are not written."""
FORGETFUL = ("model.movement.news.outlook:Outlook",)
"""Classes whose objects hold nothing that a run has to remember, only room to work in: they are not written either."""
AGENT_SETS = tuple({AgentSet, getattr(sys.modules.get("mesa.agentset"), "_HardKeyAgentSet", AgentSet)})
"""Sets in which Mesa keeps agents; from 3.5 on a model's own hold them by strong references."""
PLAIN = (type(None), bool, int, float, str)


class StateError(ValueError):
    """Something in a model or in a state file that cannot be written or read."""


def name_of_class(cls: type) -> str:
    """Return the name by which a class is written down."""
    return f"{cls.__module__}:{cls.__qualname__}"


def is_fixed(value: Any) -> bool:
    """Return whether the scenario alone determines an object."""
    return name_of_class(type(value)).removeprefix("safepassage.") in FIXED


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith(OURS) or cls is DataCollector


def attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an object by name, those in slots among them."""
    found = dict(vars(value)) if hasattr(value, "__dict__") else {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return found


class Written:
    """A model as nodes, each a plain value that may name others by number, and arrays."""

    def __init__(self, root: Any) -> None:
        self.nodes: list[dict] = []
        self.arrays: dict[str, np.ndarray] = {}
        self._number: dict[int, int] = {}
        self._values: list[Any] = []
        self._root = root
        self._named(root)
        for value in self._values:  # grows meanwhile
            self.nodes.append(self._node(value))

    def _named(self, value: Any) -> Any:
        """Return a value that stands for itself, or the number of its node."""
        if type(value) in PLAIN:
            return value
        if isinstance(value, Enum):
            return {"enum": name_of_class(type(value)), "name": value.name}
        if type(value) is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, np.generic):
            return {"scalar": value.dtype.str, "value": value.item()}
        if id(value) not in self._number:
            self._number[id(value)] = len(self._values)
            self._values.append(value)  # keeps it alive, so that no other gets its id
        return {"@": self._number[id(value)]}

    def _node(self, value: Any) -> dict:
        cls = type(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, BaseModel):
            return {"settings": name_of_class(cls), "value": value.model_dump(mode="json")}
        if is_fixed(value) or name_of_class(cls).removeprefix("safepassage.") in FORGETFUL:
            return {"kept": name_of_class(cls)}
        if isinstance(value, dict):
            return {"dict": [[self._named(key), self._named(part)] for key, part in value.items()]}
        if isinstance(value, tuple) and hasattr(cls, "_fields"):
            return {"tuple": [self._named(part) for part in value], "class": name_of_class(cls)}
        for kind, name in ((list, "list"), (tuple, "tuple"), (set, "set"), (deque, "deque")):
            if cls is kind:
                return {name: [self._named(part) for part in value]}
        if cls in AGENT_SETS:
            return {"agents": [self._named(agent) for agent in value], "held": cls.__name__}
        if isinstance(value, np.random.Generator):
            return {"generator": value.bit_generator.state}
        if isinstance(value, random.Random):
            return {"random": value.getstate()}
        if isinstance(value, type):
            return {"type": name_of_class(value)}
        if value is self._root or _is_ours(cls):
            at = {name: self._named(part) for name, part in attributes(value).items()}
            return {"object": name_of_class(cls), "at": at}
        return {"kept": name_of_class(cls)}

    def _array(self, array: np.ndarray) -> dict:
        if array.dtype == object:
            return {"objects": [self._named(part) for part in array.ravel()], "shape": array.shape}
        about = {"is_fixed": not array.flags.writeable, "is_aligned": array.dtype.isalignedstruct}
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner is array or array.size == 0:
            name = f"a{len(self.arrays)}"
            self.arrays[name] = array
            return {"array": name, **about}
        offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
        name = np.lib.format.dtype_to_descr(array.dtype)
        return {
            "view": self._named(owner), "dtype": name, "shape": array.shape, "strides": array.strides, "offset": offset,
            **about,
        }  # fmt: skip


class Read:
    """Nodes and arrays brought back onto a freshly built model."""

    def __init__(self, nodes: list[dict], arrays: Any, fresh: Any, *, settings_as_built: bool) -> None:
        """settings_as_built: settings are those of the fresh model, even where they differ from what was saved.

        nodes: parts of the saved state, as numbered.
        """
        self._nodes, self._arrays, self._fresh = nodes, arrays, fresh
        self._settings_as_built = settings_as_built
        self._twin: dict[int, Any] = {}
        self._made: dict[int, Any] = {}
        self._find_twins()
        for number in range(len(nodes)):
            self._make(number)
        for number, node in enumerate(nodes):
            self._fill(node, self._made[number])

    def _find_twins(self) -> None:
        """Find for each node the object of the fresh model that stands at the same place and is of the same kind."""
        claimed: set[int] = set()
        queue: deque[tuple[int, Any]] = deque([(0, self._fresh)])
        while queue:
            number, twin = queue.popleft()
            node = self._nodes[number]
            shared = "kept" in node or "settings" in node
            if number in self._twin or (id(twin) in claimed and not shared) or not _alike(node, twin):
                continue
            self._twin[number] = twin
            claimed.add(id(twin))
            for part, beside in _pairs(node, twin):
                if isinstance(part, dict) and "@" in part:
                    queue.append((part["@"], beside))

    def _value(self, named: Any) -> Any:
        if not isinstance(named, dict):
            return named
        if "enum" in named:
            return _class(named["enum"])[named["name"]]
        if "bytes" in named:
            return bytes.fromhex(named["bytes"])
        if "scalar" in named:
            return np.array(named["value"], np.dtype(named["scalar"]))[()]
        return self._make(named["@"])

    def _make(self, number: int) -> Any:
        """Return the object of a node: the twin where there is one, else a new one; _fill gives it its content."""
        if number in self._made:
            return self._made[number]
        node, twin = self._nodes[number], self._twin.get(number)
        if "tuple" in node:
            parts = [self._value(part) for part in node["tuple"]]
            made = _class(node["class"])._make(parts) if "class" in node else tuple(parts)
        elif "array" in node or "view" in node or "objects" in node:
            made = self._made_array(node)
        elif "settings" in node:
            made = self._made_settings(node, twin)
        elif "type" in node:
            made = _class(node["type"])
        elif twin is not None:
            made = twin
        elif "object" in node:
            cls = _class(node["object"])
            made = cls.__new__(cls)
        elif "agents" in node:
            kind = next((cls for cls in AGENT_SETS if cls.__name__ == node["held"]), AgentSet)
            made = kind([], random=self._fresh.random)
        elif kind := next((kind for kind in (dict, list, set, deque) if kind.__name__ in node), None):
            made = kind()
        else:
            raise StateError(f"a {next(iter(node.values()))} was found where a newly built model has none")
        self._made[number] = made
        return made

    def _made_array(self, node: dict) -> np.ndarray:
        if "objects" in node:
            return np.empty(node["shape"], object)
        if "array" in node:
            array = self._arrays[node["array"]]
            made = np.empty_like(array, _aligned(array.dtype) if node["is_aligned"] else None)
            made[...] = array
        else:
            dtype = np.lib.format.descr_to_dtype(_as_descr(node["dtype"]))
            dtype = _aligned(dtype) if node["is_aligned"] else dtype
            if dtype.hasobject:
                raise StateError("an array of objects is stored as a view of memory")
            owner = self._value(node["view"])
            made = np.ndarray(node["shape"], dtype, owner, node["offset"], node["strides"])
        if node["is_fixed"]:
            made.flags.writeable = False
        return made

    def _made_settings(self, node: dict, twin: Any) -> Any:
        if twin is not None and (self._settings_as_built or twin.model_dump(mode="json") == node["value"]):
            return twin
        return _class(node["settings"]).model_validate(node["value"])

    def _fill(self, node: dict, made: Any) -> None:
        if "object" in node:
            for name in attributes(made).keys() - node["at"].keys():
                object.__delattr__(made, name)
            for name, part in node["at"].items():
                object.__setattr__(made, name, self._value(part))
        elif "dict" in node:
            made.clear()
            made.update((self._value(key), self._value(part)) for key, part in node["dict"])
        elif "list" in node:
            made[:] = [self._value(part) for part in node["list"]]
        elif "set" in node or "deque" in node:
            made.clear()
            add = made.add if "set" in node else made.append
            for part in node["set"] if "set" in node else node["deque"]:
                add(self._value(part))
        elif "objects" in node:
            made.ravel()[:] = [self._value(part) for part in node["objects"]]
        elif "agents" in node:
            hold = weakref.WeakKeyDictionary if isinstance(made, AgentSet) else dict
            made._agents = hold((self._value(part), None) for part in node["agents"])
        elif "generator" in node:
            made.bit_generator.state = node["generator"]
        elif "random" in node:
            version, words, gauss = node["random"]
            made.setstate((version, tuple(words), gauss))


def _alike(node: dict, twin: Any) -> bool:
    """Return whether an object of the fresh model may become what the node says."""
    if "object" in node or "kept" in node or "settings" in node:
        wanted = node.get("object") or node.get("kept") or node["settings"]
        return name_of_class(type(twin)) == wanted
    kinds: dict[str, Any] = {
        "dict": dict,
        "list": list,
        "tuple": tuple,
        "set": set,
        "deque": deque,
        "agents": AGENT_SETS,
    }
    kinds |= {"generator": np.random.Generator, "random": random.Random}
    return any(name in node and isinstance(twin, kind) for name, kind in kinds.items())


def _pairs(node: dict, twin: Any) -> Any:
    """Yield (part of the node, what stands at its place in the twin)."""
    if "object" in node:
        beside = attributes(twin)
        yield from ((part, beside[name]) for name, part in node["at"].items() if name in beside)
    elif "dict" in node:
        by_key = {repr(key): (key, value) for key, value in twin.items() if type(key) in (*PLAIN, type)}
        for (key, part), (own, value) in zip(node["dict"], twin.items(), strict=False):
            if isinstance(key, dict) and "@" in key:
                yield key, own
                yield part, value
        for key, part in node["dict"]:
            if not isinstance(key, dict) and repr(key) in by_key:
                yield part, by_key[repr(key)][1]
            elif isinstance(key, dict) and "enum" in key:
                yield from ((part, v) for k, v in twin.items() if isinstance(k, Enum) and k.name == key["name"])
    elif "list" in node or "tuple" in node or "deque" in node:
        parts = node.get("list") or node.get("tuple") or node.get("deque") or ()
        yield from zip(parts, twin, strict=False)


def _class(name: str) -> Any:
    """Return a class of this package, of Mesa's agents or of the user's model by the name it was written with."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise StateError(f"there is no class {name}")
    if not (module.startswith(OURS) or issubclass(found, AgentSet)):
        raise StateError(f"{name} is not a class of a model")
    return found


def _aligned(dtype: np.dtype) -> np.dtype:
    """Return a dtype of records as one whose fields are aligned, which files do not tell.

    numba makes kernels of their own for others.
    """
    fields = [one[:2] for one in (dtype.fields or {}).values()]
    formats, offsets = zip(*fields, strict=True)
    parts = {"names": dtype.names, "formats": formats, "offsets": offsets, "itemsize": dtype.itemsize}
    return np.dtype(parts, align=True)  # type: ignore[call-overload]


def _as_descr(descr: Any) -> Any:
    """Return what JSON made of a dtype's description as NumPy wants it: lists of fields as tuples."""
    if isinstance(descr, str):
        return descr
    return [tuple(tuple(p) if isinstance(p, list) and i == 2 else _as_descr(p) for i, p in enumerate(f)) for f in descr]
