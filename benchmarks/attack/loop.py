"""The loop of trials: what each led to, how long it took, and what was found, kept so that it can be repeated."""

import random
import shutil
import signal
import sys
import tempfile
import threading
import traceback
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from safepassage.model.settings.errors import ScenarioError

HANG_S = 20.0
"""A trial that takes more time of the processor is reported as a hang, however busy the machine is (s)."""


class Attack(ABC):
    """One kind of trial."""

    def __init__(self, folder: Path) -> None:
        """folder: of its own, for what it makes once."""
        self.folder = folder

    @abstractmethod
    def trial(self, chance: random.Random, folder: Path) -> None:
        """Make an input in a new folder and use it. ScenarioError: it was refused, as it should be if it is wrong."""


class Hang(Exception):
    """A trial took too long."""


@dataclass
class Counts:
    """What trials of one kind led to."""

    n: int = 0
    n_used: int = 0
    n_refused: int = 0
    longest_s: float = 0.0
    found: Counter = field(default_factory=Counter)
    """Kind of fault (exception and the place that raised it) -> how often."""
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Kind of fault -> number of its first trial, and the traceback."""


def attack(
    attacks: dict[str, type[Attack]],
    seconds: float,
    first: int = 0,
    most: int | None = None,
    on_trial: Callable[[str, Counts], None] | None = None,
) -> dict[str, Counts]:
    """Make trials of each kind in turn for some time, and return what they led to.

    attacks: class of each kind, by its name. seconds: for which trials are made. first: number of the first trial; the
    same numbers make the same trials. most: trials of each kind at most. on_trial: called with the kind and its Counts
    after each trial.
    """
    counts = {name: Counts() for name in attacks}
    until = monotonic() + seconds
    with tempfile.TemporaryDirectory() as top, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = {}
        for name, kind in attacks.items():
            own = Path(top) / name
            own.mkdir()
            made[name] = kind(own)
        number = first
        while monotonic() < until and (most is None or number < first + most):
            for name, one in made.items():
                _try(one, name, number, Path(top) / "trial", counts[name])
                if on_trial:
                    on_trial(name, counts[name])
                if monotonic() >= until:
                    break
            number += 1
    return counts


class Teller:
    """Tells of each new kind of fault at once, and every few minutes how many trials were made."""

    every_s = 300.0

    def __init__(self) -> None:
        self.told_at = monotonic()
        self.told: set[tuple[str, str]] = set()

    def __call__(self, name: str, counts: Counts) -> None:
        """Tell what is new; name: kind of the trial just made, counts: of its kind."""
        for kind in counts.found:
            if (name, kind) not in self.told:
                self.told.add((name, kind))
                number, text = counts.first[kind]
                print(f"{name} {number}: {kind}\n{text}", file=sys.stderr, flush=True)
        if monotonic() - self.told_at > self.every_s:
            self.told_at = monotonic()
            print(f"{counts.n:,} trials of {name}", file=sys.stderr, flush=True)


def _try(one: Attack, name: str, number: int, folder: Path, counts: Counts) -> None:
    folder.mkdir()
    began = monotonic()
    counts.n += 1
    try:
        with _no_longer_than(HANG_S):
            one.trial(random.Random(f"{name} {number}"), folder)
        counts.n_used += 1
    except ScenarioError as error:
        counts.n_refused += 1
        if len(str(error)) > 20_000:
            _note(counts, "a message of over 20,000 characters", number, str(error)[:500])
    except (Exception, RecursionError) as error:
        _note(counts, _kind(error), number, traceback.format_exc())
    finally:
        counts.longest_s = max(counts.longest_s, monotonic() - began)
        shutil.rmtree(folder, ignore_errors=True)


def _note(counts: Counts, kind: str, number: int, text: str) -> None:
    counts.found[kind] += 1
    counts.first.setdefault(kind, (number, text))


def _kind(error: BaseException) -> str:
    """Return what tells a fault from others: its class, and the last place in our own code that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in ("model", "agents", "experiments"))
            and "site-packages" not in frame.filename]  # fmt: skip
    last = (ours or frames)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.name}"


@contextmanager
def _no_longer_than(seconds: float):
    """Raise Hang in a block that takes longer; where the system has no alarm, or off the main thread, do nothing."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_):
        raise Hang(f"over {seconds:g} s")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def limit_memory(n_bytes: int) -> None:
    """Limit the memory that this process may take beyond what it has now, where the system can."""
    try:
        import resource
    except ImportError:
        print("this system sets no limit of memory", file=sys.stderr)
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
