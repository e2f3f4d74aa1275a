"""Other processes: waiting until something is so, however slow the machine, and never for a fixed time."""

import socket
import time

import psutil

LIMIT_S = 180.0
"""Nothing that a test waits for takes so long, even on a machine that is busy with other things."""


def wait_for(is_so, process=None):
    """Wait until is_so() is true; fail if it never is, or if the process that should make it so has ended."""
    until = time.monotonic() + LIMIT_S
    while not is_so():
        assert process is None or process.poll() is None, (
            f"it ended with status {process.poll()} before it came to that"
        )
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process does anything yet; one that has ended may stay a zombie where nobody asks after it."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
