"""Advisory locks on open files (`flock`), which the kernel releases when their holder dies. Windows has none."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Final

if sys.platform != "win32":
    import fcntl

__all__ = ["AVAILABLE", "try_lock", "unlock"]

AVAILABLE: Final = sys.platform != "win32"


def try_lock(descriptor: int) -> bool:
    """Lock an open file without waiting; return False if it is already locked.

    Raises:
        OSError: The system or file system has no locks.

    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def unlock(descriptor: int) -> None:
    """Unlock an open file. Closing it does not suffice if a process forked in the meantime has it open too."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
