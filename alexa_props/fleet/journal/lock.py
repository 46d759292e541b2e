"""The lock of a journal: one run at a time uses the file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Self

import attrs

from alexa_props.file_lock import AVAILABLE, try_lock, unlock
from alexa_props.fleet.journal.store import HeldError

__all__ = ["Lock"]


@attrs.define(eq=False)
class Lock:
    """A lock that closing another descriptor of the journal does not release.

    SQLite's own are POSIX locks, which are released if the process opens and closes the file again. This one is on
    a file beside the journal: on some systems, a lock of one kind excludes those of the other kind.
    """

    path: Path
    _descriptor: int | None

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take the lock without waiting.

        Raises:
            HeldError: Another run holds it.
            OSError: The file cannot be created or locked.

        """
        if not AVAILABLE:
            # There, SQLite's locks are enough: closing another handle does not release them.
            return cls(path, None)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            # Releasing removes the file: the name may mean no file, or another one.
            held = try_lock(descriptor) and os.path.samestat(path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            held = False
        except OSError as error:
            os.close(descriptor)
            raise OSError(f"{path.name} cannot be locked: {error.strerror}") from None
        if not held:
            os.close(descriptor)
            raise HeldError
        return cls(path, descriptor)

    def release(self) -> None:
        """Release the lock. May be called again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            unlock(descriptor)
            os.close(descriptor)
