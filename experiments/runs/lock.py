"""One sweep at a time in a folder: a lock that the system lifts when the process ends, however it ends."""

import os
import stat
from pathlib import Path

from safepassage.model.settings.errors import ScenarioError


def lock(path: Path) -> int:
    """Return an open file that holds the lock; closing it lets others in. Never follows a link, changes no content.

    Raises ScenarioError if somebody else holds it or if something else stands there, OSError if it cannot be made.
    """
    if path.is_symlink():  # Windows cannot be asked to follow none when it opens
        raise ScenarioError(f"{path}: this is a link, not a lock file of a sweep. Remove it, or name another folder.")
    opened = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise ScenarioError(f"{path}: this is not a lock file of a sweep. Remove it, or name another folder.")
        _hold(opened)
    except BaseException as error:
        os.close(opened)
        if isinstance(error, BlockingIOError | PermissionError):
            raise ScenarioError(f"{path.parent}: another sweep is writing here. Wait for it, or end it.") from None
        raise
    return opened


def _hold(opened: int):
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        return
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
