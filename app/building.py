"""The building of a run in a thread of its own: how far it is, and why it failed if it did.

The thread only makes the run; whoever waits for it shows it. So a page stands before its town does.
"""

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from safepassage.app.told.saying import Told
from safepassage.model.settings.base import ScenarioError

LOOK_EVERY_S = 0.1
"""Time between two looks at how far it is (s)."""


class Building:
    """Makes one thing at a time; tells how far it is in words."""

    def __init__(self) -> None:
        self.stage: Told | str = ""
        """What is being made now."""
        self.error = ""
        """Why the last one could not be made; empty: it was, or is under way."""
        self._made: Any = None
        self._done = threading.Event()
        self._done.set()

    @property
    def is_under_way(self) -> bool:
        """Whether something is being made."""
        return not self._done.is_set()

    def begin(self, make: Callable[[Callable[[Told | str], None]], Any]) -> None:
        """Begin to make something. make: is given a function by which it tells in words what it does now."""
        self.wait(lambda stage: None)
        self.stage, self.error, self._made = "", "", None
        self._done.clear()
        threading.Thread(target=self._run, args=(make,), daemon=True).start()

    def wait(self, tell: Callable[[Told | str], None]) -> Any:
        """Wait until it is made and return it; None: it failed, `error` says why. tell: is given each new stage."""
        told = None
        while not self._done.wait(LOOK_EVERY_S):
            if self.stage != told:
                told = self.stage
                tell(told)
        return self._made

    def _run(self, make: Callable[[Callable[[Told | str], None]], Any]) -> None:
        try:
            self._made = make(self._note)
        except (ScenarioError, OSError) as problem:
            self._fail(str(problem))
        except MemoryError:
            self._fail("There is not enough memory for this town. Choose a smaller one, or simulate fewer people.")
        except Exception as problem:  # the page must say it, and the terminal must tell where
            traceback.print_exc()
            self._fail(f"The town could not be built: {type(problem).__name__}: {problem}")
        finally:
            self._done.set()

    def _note(self, stage: str) -> None:
        self.stage = stage

    def _fail(self, why: str) -> None:
        self.error = why
        print(f"error: {why}", file=sys.stderr, flush=True)
