"""Lets time pass in a run: at a speed, step by step, or without drawing up to a moment."""

import math
import threading
import traceback
from collections.abc import Callable
from time import perf_counter
from typing import Any

from safepassage.model.settings.base import ScenarioError

SPEEDS_S = {"1 min a second": 60.0, "10 min a second": 600.0, "1 h a second": 3600.0, "1 day a second": 86400.0}
"""Simulated time that passes in a second of watching (s), by its name; there is also `as fast as it can`."""
FASTEST = "as fast as it can"
WATCHED_S = 75.0
"""For how long somebody likes to watch a whole run, at most (s). Assumption."""
TELL_EVERY_S = 0.3
"""Time between two tellings of how far a run without pictures has come (s)."""


class Player:
    """Steps the run of one tab in a thread of its own, as fast as is wanted, until it is told to stop."""

    def __init__(self, session: Any, tell: Callable[[], None]) -> None:
        """session: the tab. tell: called when what `state` returns has changed."""
        self._session, self._tell = session, tell
        self.speed = FASTEST
        """How much time passes in a second, by its name."""
        self.to_s: float | None = None
        """The moment up to which it runs without drawing (s); None: it draws."""
        self.error = ""
        self.is_playing = False
        """Whether time passes by itself now."""
        self._turn = 0
        self._woken = threading.Event()

    def state(self) -> dict:
        """Return what the page shows of it."""
        names = [*SPEEDS_S, FASTEST]
        run = self._session.run
        far = {"to_s": self.to_s, "at_s": 0.0 if run is None else run.time_s}
        return {"playing": self.is_playing, "speed": self.speed, "speeds": names, "error": self.error, **far}

    def suit(self, duration_s: float) -> None:
        """Choose the slowest speed at which a run is over in a little more than a minute."""
        fast = [name for name, speed in SPEEDS_S.items() if duration_s / speed <= WATCHED_S]
        self.speed = fast[0] if fast else FASTEST

    def set_speed(self, name: str) -> None:
        """Choose how much time passes in a second, by its name."""
        if name in SPEEDS_S or name == FASTEST:
            self.speed = name
            self._tell()
            if self.is_playing and self.to_s is None:
                self.play()

    def play(self, to_s: float | None = None) -> None:
        """Let time pass, at the speed chosen; to_s: without drawing, up to a moment (s)."""
        self.pause()
        self.to_s, self.error, self.is_playing = to_s, "", True
        self._woken.clear()
        self._tell()
        threading.Thread(target=self._run, args=(self._turn,), daemon=True).start()

    def pause(self) -> None:
        """Stop before the next step; one that has begun ends first."""
        self._turn += 1
        self._woken.set()
        self.is_playing, self.to_s = False, None
        with self._session.pump.busy:
            self._tell()

    def step(self) -> None:
        """Let one step pass."""
        self.pause()
        self._advance(self._turn)
        self._tell()

    def _advance(self, turn: int) -> bool:
        """Step and offer a picture, unless the run is over or somebody has paused; return whether it goes on."""
        with self._session.pump.busy:
            run = self._session.run
            if turn != self._turn or run.is_over:
                return False
            run.step()
            if self.to_s is None:
                self._session.stepped()
            return not run.is_over

    def _run(self, turn: int) -> None:
        error = ""
        try:
            self._go_on(turn)
        except (ScenarioError, OSError) as problem:
            error = str(problem)
        except Exception as problem:  # the page must say it, and the terminal must tell where
            error = f"The run has stopped: {type(problem).__name__}: {problem}"
            traceback.print_exc()
        if turn == self._turn:
            self.pause()
            self.error = error
            with self._session.pump.busy:
                self._session.stepped()
                self._session.rests()
            self._tell()

    def _go_on(self, turn: int) -> None:
        session, told_s = self._session, perf_counter()
        pace = Pace(session.run.time_s)
        while turn == self._turn and session.pump.wait_until_watched(lambda: session.is_closed):
            to_s = self.to_s
            if to_s is not None and session.run.time_s >= to_s - 1e-6:
                return
            if not self._advance(turn):
                return
            if to_s is None:
                self._woken.wait(pace.wait_s(session.run.time_s, SPEEDS_S.get(self.speed, math.inf)))
            elif perf_counter() - told_s > TELL_EVERY_S:
                told_s = perf_counter()
                self._tell()


class Pace:
    """How long to wait between steps, for time to pass at a speed; what was too slow is not made up for."""

    def __init__(self, time_s: float) -> None:
        self._time_s, self._wall_s, self._speed = time_s, perf_counter(), math.inf

    def wait_s(self, time_s: float, speed: float) -> float:
        """Return how long to wait now (s). time_s: the present of the run. speed: simulated seconds per second."""
        now_s = perf_counter()
        if speed != self._speed:
            self._time_s, self._wall_s, self._speed = time_s, now_s, speed
            return 0.0
        wait_s = self._wall_s + (time_s - self._time_s) / speed - now_s
        if wait_s <= 0:
            self._time_s, self._wall_s = time_s, now_s
        return max(0.0, wait_s)
