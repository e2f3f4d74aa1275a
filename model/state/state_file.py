"""A state file: everything that a model is made of at a moment, as arrays and JSON in one .npz, never as a program.

`save` writes it, `saved` reads it, `bring` puts it onto a freshly built model. Going on gives the same bits as a run
that was not interrupted. With another plan it gives the bits of a run with that plan from the start; a plan that would
change the past is refused, with the keys that would.
"""

import hashlib
import json
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from safepassage.model.memory import refuse_if_too_large
from safepassage.model.settings.base import ScenarioError
from safepassage.model.settings.files.code import code_digest
from safepassage.model.settings.files.portable import as_kept, files_in, name_of, path_of
from safepassage.model.settings.files.whole import beside, put_in_place
from safepassage.model.settings.scenario import Scenario, Source, laid_over, validated
from safepassage.model.state.graph import Read, StateError, Written
from safepassage.model.state.past import refuse_changes_of_the_past

FORMAT = 1
"""Version of the layout of a state file."""


@dataclass(frozen=True)
class Saved:
    """What a state file holds."""

    path: Path
    header: dict
    nodes: list[dict]
    arrays: Any

    @property
    def time_s(self) -> float:
        """The moment at which it was saved (s after the start of the run)."""
        return self.header["time_s"]

    def demand_rules(self, given: dict) -> None:
        """Raise ScenarioError unless the user's own rules are those that the run was made with."""
        if given != self.header["rules"]:
            names = ", ".join(f"{kind} {rule['name']}" for kind, rule in self.header["rules"].items()) or "none"
            raise ScenarioError(
                f"{self.path}: the run was made with these rules of the user's own: {names}. Pass them in Python "
                "with the argument rules; those given differ."
            )

    def scenario(self, plan: str | Path | Scenario | None = None) -> Scenario:
        """Return the scenario to go on with: another one, or another plan laid over the one that was run, if given."""
        folder = self.path.parent
        source = Source(str(self.path), folder, self.header["scenario"])
        before = self._validated(source)
        if plan is None:
            return before
        if isinstance(plan, Scenario):
            after = plan
        else:
            after = self._validated(laid_over(source, plan, path_of(self.header["folder"], folder)))
        refuse_changes_of_the_past(before, after, self.time_s)
        return after

    def _validated(self, source: Source) -> Scenario:
        scenario = validated(source)
        for name, wanted in self.header["inputs"].items():
            path = path_of(name, self.path.parent)
            if not isfile(path) or _digest(path) != wanted:
                raise ScenarioError(
                    f"{self.path}: the file {path} is gone or has changed since the state was saved. Put it back, or "
                    "run the scenario from its start."
                )
        return scenario


@dataclass(frozen=True)
class Taken:
    """The state of a model at a moment, apart from the model, which may go on."""

    scenario: Scenario
    time_s: float
    rules: dict
    nodes: list[dict]
    arrays: dict[str, np.ndarray]

    def write(self, path: Path) -> Path:
        """Write it to a file; raises ScenarioError if there is a file of that name or it cannot be written."""
        if path.exists():
            raise ScenarioError(f"{path}: a file of this name already exists; give another name.")
        folder = path.parent
        header = {
            "format": FORMAT,
            "code": code_digest(),
            "numpy": np.__version__,
            "time_s": self.time_s,
            "rules": self.rules,
            "scenario": as_kept(self.scenario, folder),
            "folder": name_of(self.scenario.source.folder, folder),
            "inputs": {name_of(one, folder): _digest(one) for one in files_in(self.scenario)},
        }
        partial = beside(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            parts: dict[str, Any] = {"header": _as_bytes(header), "nodes": _as_bytes(self.nodes), **self.arrays}
            with open(partial, "wb") as opened:
                np.savez(opened, **parts)
            put_in_place(partial, path)
        except OSError as error:
            reason = error.strerror
            raise ScenarioError(f"{path}: the state cannot be written ({reason}). Choose another place.") from None
        finally:
            partial.unlink(missing_ok=True)
        return path


def taken(model: Any, *, apart: bool) -> Taken:
    """Return the state of a model. apart: with arrays of its own; if not, it must be written before the model goes on.

    model: an EvacuationModel.
    """
    written = Written(model)
    arrays = {name: array.copy(order="K") for name, array in written.arrays.items()} if apart else written.arrays
    return Taken(model.settings, model.time_s, model.rules.described(), written.nodes, arrays)


def saved(path: Path | str) -> Saved:
    """Read a state file; raises ScenarioError if it is none, is damaged, or another version of the model wrote it."""
    path = Path(path)
    if not isfile(path):
        raise ScenarioError(f"{path}: there is no such state file. Save one with `run --save-at`.")
    try:
        with ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
            refuse_if_too_large(
                2 * size, str(path), "This state was not written by safepassage, or needs a larger machine."
            )
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        header = json.loads(content.pop("header").tobytes())
        nodes = json.loads(content.pop("nodes").tobytes())
        versions = header["format"], header["code"]
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, RecursionError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(
            f"{path}: this is not a complete state file ({type(error).__name__}). Save the state again."
        ) from None
    if versions != (FORMAT, code_digest()):
        raise ScenarioError(
            f"{path}: another version of the model wrote this state, and this version may read it differently. Go on "
            "with that version, or run the scenario from its start."
        )
    return Saved(path, header, nodes, content)


def bring(state: Saved, fresh: Any, *, is_branch: bool) -> None:
    """Give a freshly built model the state that was saved. is_branch: with the settings of another plan."""
    try:
        Read(state.nodes, state.arrays, fresh, settings_as_built=is_branch)
    except (StateError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ScenarioError(f"{state.path}: this state does not fit its scenario ({error}). Save it again.") from None
    _let_mesa_go_on(fresh)


def _let_mesa_go_on(model: Any) -> None:
    """Let Mesa's next step come after the present: from Mesa 3.5 on it is an event, at 1 in a fresh model."""
    events = getattr(model, "_event_list", None)
    for event in events._events if events is not None else ():
        event.time += model.time


def _digest(path: Path) -> str:
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _as_bytes(value: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
