"""A folder whose files are records: for the processes of one host, without a server.

A file has two slots, which are written in turn: a process that dies while it writes leaves the previous record. `flock`
admits one process at a time, and the kernel unlocks the file of a process that dies.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import operator
import os
import random
import re
import stat
import struct
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import attrs

from alexa_props.concurrency import loop_time, run_in_thread
from alexa_props.errors import ConfigurationError
from alexa_props.file_lock import AVAILABLE, try_lock, unlock
from alexa_props.shared import LEARNED, SharedUnavailable

__all__ = ["HostShared"]

T = TypeVar("T")

_PATIENCE: Final = 0.1
"""Seconds to wait for another process, which has the file locked for microseconds unless it is stopped."""
_ATTEMPTS: Final = 50
"""Least number of attempts to lock the file: a process that gets no CPU time has not waited for another one."""
_POLL: Final = (0.0002, 0.002)
"""Shortest and longest pause in seconds between two attempts to lock the file."""
_HEADER: Final = struct.Struct("<4sQII")
"""Format, number of the write, length of the record, and checksum of all of these and the record."""
_FORMAT: Final = b"aps1"
_SLOT: Final = 1 << 16
_FIRST: Final = 1024
"""Bytes of a slot that are read first: most records are shorter."""
_LARGEST: Final = _SLOT - _HEADER.size
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_identity: Final = operator.attrgetter("st_dev", "st_ino")


@attrs.define
class _File:
    """An open file."""

    descriptor: int
    path: str
    identity: tuple[int, int]

    def is_open(self) -> bool:
        """Return whether the descriptor is still ours: a daemon may have closed it, and reused it since."""
        try:
            return _identity(os.fstat(self.descriptor)) == self.identity
        except OSError:
            return False

    def is_in_place(self) -> bool:
        """Return whether it is the file at its path, which may have been deleted or replaced."""
        try:
            return _identity(os.lstat(self.path)) == self.identity
        except FileNotFoundError:
            return False

    def close(self) -> None:
        if self.is_open():
            os.close(self.descriptor)


class _OpenFiles(dict[str, _File]):
    """The open files of a process. They are closed when the last thread that uses them drops them."""

    def __init__(self) -> None:
        super().__init__()
        self.pid = os.getpid()
        # Threads share the descriptors, and so the lock on a file.
        self.mutex = threading.Lock()

    def __del__(self) -> None:
        for file in self.values():
            with contextlib.suppress(OSError):
                file.close()


class HostShared:
    """Shares records among the processes of one host, in a folder: `RateLimit(shared="/run/app/alexa")` uses one.

    Records survive restarts of processes and of the host; the clock starts again with the host. The folder is created
    on first use, with mode 0700 and files of mode 0600. Nothing is touched before that, so a process may be forked or
    change its user first. A store may be used from several threads, on any event loop. After `aclose`, it opens its
    files again when it is used.

    Args:
        folder: On a local disk: network file systems lock files unreliably. A relative path is resolved now. "~" is
            refused, because it may be meant literally.

    Raises:
        ConfigurationError: This system has no `flock` (Windows). On use: the folder or a file in it belongs to another
            user, is open to other users, or is a link.

    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        if not AVAILABLE:
            raise ConfigurationError("HostShared needs flock, which Windows does not have: use RedisShared")
        path: object = os.fspath(folder)
        if not isinstance(path, str) or not path or "\0" in path:
            raise ConfigurationError(f"HostShared needs the path of a folder as text, not {path!r}")
        if path.startswith("~"):
            raise ConfigurationError(f"HostShared({path!r}): call os.path.expanduser first, or write ./~ for that name")
        self._folder = os.path.abspath(path)  # noqa: PTH100 - resolves no links
        self._files = _OpenFiles()

    @property
    def name(self) -> str:
        """The folder."""
        return self._folder

    @property
    def distance(self) -> float:
        """Zero: an update takes microseconds."""
        return 0.0

    def now(self) -> float:
        """Return the time since the host was started, which is the same for all of its processes."""
        return time.monotonic()

    async def update(
        self,
        key: str,
        change: Callable[[bytes | None, float], tuple[bytes | None, T]],
        *,
        patience: float | None = None,
    ) -> T:
        """Replace a record; see `Shared.update`.

        That of a rate limit is replaced without awaiting anything, unless another process has the file locked.

        Raises:
            SharedUnavailable: The file stayed locked for 0.1 s, or cannot be read or written.
            ConfigurationError: The folder or the file may be another user's.

        """
        done = self._attempt(key, change)
        if done is None:
            give_up_at = loop_time() + (_PATIENCE if patience is None else patience)
            attempts = 0
            while done is None:
                attempts += 1
                if attempts >= _ATTEMPTS and loop_time() >= give_up_at:
                    raise SharedUnavailable(f"{self._folder}: another process keeps the record of {key!r} locked")
                await anyio.sleep(random.uniform(*_POLL))  # noqa: S311 - jitter
                done = self._attempt(key, change)
        result, written = done
        if written and not key.startswith(LEARNED):
            await run_in_thread(lambda: self._sync(key))
        return result

    async def aclose(self) -> None:
        """Close the files. They are opened again when the store is used again."""
        self._files = _OpenFiles()

    def _attempt(
        self, key: str, change: Callable[[bytes | None, float], tuple[bytes | None, T]]
    ) -> tuple[T, bool] | None:
        """Change the record now; return the result and whether the record was replaced. None: it is locked."""
        files = self._files
        if files.pid != os.getpid():
            # Forked: a lock belongs to the open file, which both processes have.
            files = self._files = _OpenFiles()
        if not files.mutex.acquire(blocking=False):
            return None
        try:
            file = self._locked(files, key)
            if file is None:
                return None
            try:
                number, record = self._read(file)
                record, result = change(record, time.monotonic())
                if record is not None:
                    self._write(file, number + 1, record)
                return result, record is not None
            finally:
                unlock(file.descriptor)
        finally:
            files.mutex.release()

    def _locked(self, files: _OpenFiles, key: str) -> _File | None:
        """Return the file of a key, locked; None if it is locked by another process."""
        try:
            while True:
                file = files.get(key)
                if file is None or not file.is_open():
                    file = files[key] = self._open(key)
                if not try_lock(file.descriptor):
                    return None
                try:
                    if file.is_in_place():
                        return file
                except OSError:  # such as of a folder that is none now
                    unlock(file.descriptor)
                    raise
                del files[key]
                file.close()
        except OSError as error:
            raise self._unavailable(error) from error

    def _open(self, key: str) -> _File:
        folder = Path(self._folder)
        with contextlib.suppress(FileExistsError):  # by something that is no folder
            folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        self._check(self._folder, folder.lstat(), stat.S_ISDIR, stat.S_IWGRP | stat.S_IWOTH)
        path = str(folder / _file_name(key))
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise ConfigurationError(f"{path} is a link, which is not followed: delete it") from error
            raise
        try:
            found = os.fstat(descriptor)
            self._check(path, found, stat.S_ISREG, _OTHERS)
        except BaseException:  # Ctrl-C included: the exception is raised again
            os.close(descriptor)
            raise
        return _File(descriptor, path, _identity(found))

    def _check(self, path: str, found: os.stat_result, is_expected: Callable[[int], bool], forbidden: int) -> None:
        if not is_expected(found.st_mode):
            raise ConfigurationError(f"{path} is a link, or not what HostShared creates there: delete or rename it")
        if found.st_uid != os.geteuid():
            raise ConfigurationError(
                f"{path} belongs to user {found.st_uid}, and this process runs as user {os.geteuid()}: run all "
                f"processes that share it as one user, or use another folder"
            )
        if found.st_mode & forbidden:
            raise ConfigurationError(f"{path} is open to other users: run chmod go= {path}")

    def _read(self, file: _File) -> tuple[int, bytes | None]:
        """Return the number of the last complete write, and its record."""
        newest: tuple[int, bytes | None] = 0, None
        try:
            for start in (0, _SLOT):
                data = os.pread(file.descriptor, _FIRST, start)
                if len(data) < _HEADER.size:
                    continue
                form, number, length, checksum = _HEADER.unpack_from(data)
                if form != _FORMAT or number <= newest[0] or length > _LARGEST:
                    continue
                end = _HEADER.size + length
                if end > len(data):
                    data += os.pread(file.descriptor, end - len(data), start + len(data))
                record = data[_HEADER.size : end]
                if _checksum(number, record) == checksum:
                    newest = number, record
        except OSError as error:
            raise self._unavailable(error) from error
        return newest

    def _write(self, file: _File, number: int, record: bytes) -> None:
        if len(record) > _LARGEST:
            raise ConfigurationError(f"a record of {len(record):,} bytes is too large: the limit is {_LARGEST:,}")
        data = _HEADER.pack(_FORMAT, number, len(record), _checksum(number, record)) + record
        try:
            written = os.pwrite(file.descriptor, data, number % 2 * _SLOT)
        except OSError as error:
            raise self._unavailable(error) from error
        if written != len(data):
            raise SharedUnavailable(f"{self._folder}: {os.strerror(errno.ENOSPC)}")

    def _sync(self, key: str) -> None:
        """Make the present records of a file, and its name, survive a power failure."""
        folder = Path(self._folder)
        for path in (folder / _file_name(key), folder):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> SharedUnavailable:
        return SharedUnavailable(f"{self._folder}: {error.strerror or error}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HostShared) and other._folder == self._folder

    def __hash__(self) -> int:
        return hash(self._folder)

    def __repr__(self) -> str:
        return f"HostShared({self._folder!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return HostShared, (self._folder,)


def _checksum(number: int, record: bytes) -> int:
    # Also of the number: a slot whose header alone was written is incomplete.
    return zlib.crc32(record, number & 0xFFFFFFFF)


def _file_name(key: str) -> str:
    """Return a readable file name that differs between keys, also if the file system ignores case."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{re.sub('[^A-Za-z0-9_.-]', '_', key)[:80]}-{digest[:16]}.1"
