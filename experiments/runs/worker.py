"""A process that does what it is sent: pickled calls come in by stdin, pickled results go out by stdout.

It ends as soon as its parent is gone, whatever it is doing; it needs no guard of `__main__` in the user's script.
"""

import gc
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """A call that gave no result: the traceback, or how the worker died."""

    message: str


READY = "ready"


def serve() -> None:
    """Do calls until stdin closes. A call: (tag, pickled (function, item)); its answer: (tag, result or Failure)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    calls: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    import safepassage.model.evacuation  # noqa: F401 (a worker is ready once it has what runs need)

    _answer(answers, (READY, None))
    is_warm = False
    while True:
        tag, body = calls.get()
        _answer(answers, (tag, do(body)))
        gc.collect()  # a model is few objects, in cycles, that hold much memory; without this several lie about
        if not is_warm:
            gc.freeze()  # what the first call has loaded and made, and the next need too, is looked at no more
            is_warm = True


def do(body: bytes):
    """Return the result of a pickled (function, item), or the Failure."""
    try:
        function, item = pickle.loads(body)
        return function(item)
    except Exception:
        return Failure(traceback.format_exc())


def _listen(stream, calls):
    """Pass on what comes in; end the process when the parent closes the pipe or is killed."""
    try:
        while True:
            calls.put(pickle.load(stream))
    except (EOFError, OSError, pickle.UnpicklingError):
        os._exit(0)


def _answer(stream, message):
    try:
        pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
        stream.flush()
    except OSError:
        os._exit(0)
