"""A lock that lets one refresh of a login run at a time on this host: each begins with the previously saved token.

The lock is `flock` on a file in a private folder of the user: the kernel releases it when its holder dies. Other users
and other hosts are not excluded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import stat
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel

from alexa_props.file_lock import AVAILABLE, try_lock, unlock
from alexa_props.hooks import logger

__all__ = ["RefreshLock", "Turn"]

_STALLED: Final = 30.0
"""Seconds without a change of holder after which a waiter proceeds without the lock."""
_LONGEST: Final = 300.0
"""Longest wait in seconds."""
_POLL: Final = (0.02, 0.06)
"""Shortest and longest pause in seconds between two attempts to lock the file."""
_FOLDER: Final = "alexa-props"


class _Queue:
    """The waiters of one event loop, in order of arrival. Only the first one polls the file."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: deque[anyio.Event] = deque()
        self._seen = 0
        self._changed = anyio.current_time()

    async def enter(self, give_up_at: float) -> bool:
        """Wait to be the first waiter; return False if that takes too long."""
        if not self._held:
            self._held = True
            return True
        event = anyio.Event()
        self._waiting.append(event)
        entered = False
        try:
            while not event.is_set():
                if self.is_stalled(give_up_at):
                    return False
                with anyio.move_on_after(self._limit(give_up_at) - anyio.current_time()):
                    await event.wait()
            entered = True
        finally:
            if not entered:
                if event.is_set():
                    self.leave()
                else:
                    self._waiting.remove(event)
        return True

    def leave(self) -> None:
        """Let the next waiter enter."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._held = False

    def note(self, locked_at: int) -> None:
        """Note when the file was last locked: a change shows that its holders make progress."""
        if locked_at != self._seen:
            self._seen, self._changed = locked_at, anyio.current_time()

    def is_stalled(self, give_up_at: float) -> bool:
        """Return whether the lock has not changed hands for too long."""
        return anyio.current_time() >= self._limit(give_up_at)

    def _limit(self, give_up_at: float) -> float:
        return min(self._changed + _STALLED, give_up_at)


# Events belong to an event loop; across loops the file lock decides.
_queues: Final[anyio.lowlevel.RunVar[dict[str, _Queue]]] = anyio.lowlevel.RunVar("alexa_props.refresh_queues")


class Turn:
    """The turn that `RefreshLock.acquire` returns. It may be released from any task."""

    def __init__(self, queue: _Queue | None = None) -> None:
        self._queue = queue
        self._loop = anyio.lowlevel.current_token()
        self._pid = os.getpid()
        self._file: int | None = None

    def lock(self, name: str) -> int | None:
        """Try to lock the file. Return None once it is ours or if it cannot be locked, else when it was last locked."""
        while True:
            if self._file is None:
                self._file = _open(name)
            if self._file is None:
                return None
            try:
                if not try_lock(self._file):
                    return os.fstat(self._file).st_mtime_ns
            except OSError as error:
                logger.debug("refreshing the access token without a lock: %s", error)
                return None
            if os.fstat(self._file).st_nlink:
                # Shows waiters that the holder has changed.
                os.utime(self._file)
                return None
            # The file was removed in the meantime, so later callers would lock another one.
            self._unlock()

    async def release(self) -> None:
        """Let the next refresh begin, without waiting. Releasing again has no effect."""
        self._unlock()
        if self._queue is not None and self._is_on_its_loop():
            queue, self._queue = self._queue, None
            queue.leave()

    def _unlock(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        # A child process forked in the meantime must not release its parent's lock.
        if os.getpid() == self._pid:
            unlock(file)
        os.close(file)

    def _is_on_its_loop(self) -> bool:
        try:
            return anyio.lowlevel.current_token() == self._loop
        except RuntimeError:
            # No event loop is running: the turn was abandoned together with its loop.
            return False

    def __del__(self) -> None:
        self._unlock()


class RefreshLock:
    """Lets one refresh of a login run at a time among all processes, event loops and objects of this user.

    A refresh proceeds without the lock if there is none (no `flock`, no private folder) or its holder hangs.
    """

    def __init__(self, client_id: str, token_url: str) -> None:
        self._name = hashlib.sha256(f"{token_url} {client_id}".encode()).hexdigest()[:32] + ".lock"

    async def acquire(self) -> Turn:
        """Wait for a turn. A cancelled wait leaves nothing behind."""
        give_up_at = anyio.current_time() + _LONGEST
        queue = self._queue()
        if await queue.enter(give_up_at):
            turn = Turn(queue)
            try:
                while (locked_at := turn.lock(self._name)) is not None:
                    queue.note(locked_at)
                    if queue.is_stalled(give_up_at):
                        break
                    await anyio.sleep(random.uniform(*_POLL))  # noqa: S311 - jitter
                else:
                    queue.note(time.monotonic_ns())
                    return turn
            except BaseException:  # cancelled: the next waiter takes over
                await turn.release()
                raise
            await turn.release()
        logger.warning("refreshing the access token without the lock: another refresh seems to hang")
        return Turn()

    def _queue(self) -> _Queue:
        queues = _queues.get({})
        _queues.set(queues)
        return queues.setdefault(self._name, _Queue())


def _open(name: str) -> int | None:
    """Open the lock file in the first private folder; return None if there is none."""
    if not AVAILABLE:
        return None
    for folder in _folders():
        with contextlib.suppress(OSError):
            folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
            found = folder.lstat()
            writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not writable:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                return os.open(folder / name, flags, stat.S_IRUSR | stat.S_IWUSR)
    return None


def _folders() -> Iterator[Path]:
    """Folders for the lock file, the same for all processes of a user. A session's runtime folder would not be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if cache.is_absolute():
        yield cache / _FOLDER
    else:
        with contextlib.suppress(RuntimeError):  # a user without a home
            yield Path.home() / ".cache" / _FOLDER
    yield Path("/tmp") / f"{_FOLDER}-{os.geteuid()}"  # noqa: S108 - refused unless it is ours
