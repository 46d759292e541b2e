"""Files with secrets: read and replaced only if no other user can read or replace them.

On systems without POSIX users, permissions are not checked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alexa_props.errors import ConfigurationError
from alexa_props.file_lock import try_lock, unlock
from alexa_props.settings import Secret

__all__ = ["delete", "locate", "lock", "prepare", "read", "write"]

_POSIX: Final = os.name == "posix"
_MAX_LINKS: Final = 40
_LOCK_TIMEOUT: Final = 5.0
"""Seconds to wait for the lock of a folder. A write takes milliseconds."""
_ADVICE: Final = "choose another path (--credentials for a login, XDG_CACHE_HOME for access tokens)"


def locate(path: Path) -> Path:
    """Return a path with its links followed, as far as it exists.

    Raises:
        ConfigurationError: A link on the way belongs to another user.
        OSError: The path cannot be followed.

    """
    with _reporting("use", path):
        return _located(path)


def _located(path: Path) -> Path:
    path = Path.cwd() / path
    if not _POSIX:
        return path.resolve()
    place, ahead, links = Path(path.anchor), list(reversed(path.parts[1:])), 0
    while ahead:
        name = ahead.pop()
        if name == "..":
            place = place.parent
            continue
        following = place / name
        try:
            found = following.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return following.joinpath(*reversed(ahead))
        if not stat.S_ISLNK(found.st_mode):
            place = following
            continue
        if found.st_uid not in (0, os.geteuid()):
            raise ConfigurationError(
                f"{following} is a link that belongs to another user, and is not followed: {_ADVICE}"
            )
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = following.readlink()
        if target.is_absolute():
            place = Path(target.anchor)
        ahead.extend(reversed(target.parts[1:] if target.is_absolute() else target.parts))
    return place


def read(path: Path, *, checked: bool = True) -> Secret | None:
    """Return the content of a file that only its owner can read or replace; None if there is no file.

    Args:
        path: The file.
        checked: Whether to refuse a file that others can read or replace; False to delete it.

    Raises:
        ConfigurationError: Others can read or replace it, or it is not a regular file.
        OSError: It cannot be read.

    """
    path = locate(path)
    with _reporting("read", path):
        try:
            with _folder(path.parent, only_pass=True) as folder, _opened(path, folder) as handle:
                found = os.fstat(handle)
                _check_file(path, found)
                if checked:
                    _check_secrecy(path, found)
                with open(handle, "rb", closefd=False) as file:
                    return Secret(file.read().decode(errors="replace"))
        except (FileNotFoundError, NotADirectoryError):
            return None


def prepare(path: Path) -> None:
    """Make the folder of a file, and check that the file can be written. Raises as `write` does."""
    path = locate(path)
    # One by one: `mkdir(parents=True)` would give parents the permissions that the umask allows.
    for each in reversed([path.parent, *path.parent.parents]):
        with _reporting("create", each):
            each.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    with _reporting("use", path.parent), _folder(path.parent) as folder:
        _check_folders(path.parent, _existing(path, folder))


def write(path: Path, content: Secret) -> None:
    """Replace a file in one step, so that it is never seen incomplete, or by others.

    Raises:
        ConfigurationError: Others can replace it, or the present file is another user's or not a regular file.
        OSError: It cannot be written.

    """
    prepare(path)
    path = locate(path)
    with _reporting("write", path), _folder(path.parent) as folder:
        existing = _existing(path, folder)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        handle = os.open(_at(temporary, folder), flags, stat.S_IRUSR | stat.S_IWUSR, dir_fd=folder)
        try:
            with open(handle, "wb") as file:  # noqa: PTH123 - `Path.open` takes no descriptor
                file.write(content.reveal().encode())
                file.flush()
                os.fsync(file.fileno())
                if _POSIX and os.geteuid() == 0 and existing is not None:
                    # Root may write a user's file: it stays the user's.
                    os.fchown(file.fileno(), existing.st_uid, existing.st_gid)
            os.replace(_at(temporary, folder), _at(path, folder), src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:  # Ctrl-C included: no secret is left beside the file, and the exception is raised again
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_at(temporary, folder), dir_fd=folder)
            raise
        if folder is not None:
            # Else a power failure may bring back the old file, with a revoked token. Some file systems refuse.
            with contextlib.suppress(OSError):
                os.fsync(folder)


def delete(path: Path) -> None:
    """Delete a file of this user, if there is one. A link to it stays.

    Raises:
        ConfigurationError: It is another user's, or not a regular file.
        OSError: It cannot be deleted.

    """
    path = locate(path)
    with (
        _reporting("delete", path),
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        _folder(path.parent) as folder,
    ):
        if _existing(path, folder) is not None:
            os.unlink(_at(path, folder), dir_fd=folder)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep other commands from replacing a file while the block reads and replaces it.

    The folder is locked, so that no lock file is left behind. A holder that keeps the lock for seconds hangs or is
    hostile; then the block runs without the lock.
    """
    with _folder(path.parent) as folder:
        give_up_at = time.monotonic() + _LOCK_TIMEOUT
        locked = False
        with contextlib.suppress(OSError):  # a file system without locks
            while folder is not None and not (locked := try_lock(folder)) and time.monotonic() < give_up_at:
                time.sleep(0.01)
        try:
            yield
        finally:
            if folder is not None and locked:
                unlock(folder)


@contextmanager
def _reporting(what: str, path: Path) -> Iterator[None]:
    """Name the whole path and the next step in errors of the system, which name a temporary file or nothing."""
    try:
        yield
    except OSError as error:
        raise OSError(f"cannot {what} {path}: {error.strerror or error}: check its permissions, or {_ADVICE}") from None


@contextmanager
def _folder(path: Path, *, only_pass: bool = False) -> Iterator[int | None]:
    """Open a folder, so that the block uses this one even if it is replaced. Yields None without POSIX users.

    Args:
        path: The folder.
        only_pass: Require no permission to list the folder, if the system supports that.

    """
    if not _POSIX:
        yield None
        return
    access = getattr(os, "O_PATH", os.O_RDONLY) if only_pass else os.O_RDONLY
    folder = os.open(path, access | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _opened(path: Path, folder: int | None) -> Iterator[int]:
    # Checked first: opening may change a device, and a FIFO waits for its other end.
    _check_file(path, os.stat(_at(path, folder), dir_fd=folder, follow_symlinks=False))
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(_at(path, folder), flags | getattr(os, "O_BINARY", 0), dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


def _at(path: Path, folder: int | None) -> str:
    return str(path) if folder is None else path.name


def _existing(path: Path, folder: int | None) -> os.stat_result | None:
    """Return the status of the file to replace; None if there is none."""
    try:
        found = os.stat(_at(path, folder), dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    _check_file(path, found)
    return found


def _check_file(path: Path, file: os.stat_result) -> None:
    """Refuse anything but a regular file of this user. Root may use a user's file, as in a container that mounts it."""
    if not stat.S_ISREG(file.st_mode):
        raise ConfigurationError(f"{path} is not a regular file: {_ADVICE}")
    if _POSIX and file.st_uid != os.geteuid() != 0:
        raise ConfigurationError(
            f"{path} holds secrets and belongs to another user: run the command as that user, or {_ADVICE}"
        )


def _check_secrecy(path: Path, file: os.stat_result) -> None:
    """Refuse a file that others can read or replace."""
    if _POSIX and file.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"{path} holds secrets, and other users can read it: run `chmod 600 {shlex.quote(str(path))}`"
        )
    _check_folders(path.parent, file)


def _check_folders(folder: Path, file: os.stat_result | None) -> None:
    """Refuse a folder if others can replace the file in it, or any folder above it.

    Root is trusted, and so is the owner of a file that root uses. The user's own group may write: on most systems each
    user has a private group.
    """
    if not _POSIX:
        return
    trusted = {0, os.geteuid()}
    if file is not None:
        trusted.add(file.st_uid)
    for each in (folder, *folder.parents):
        found = each.stat(follow_symlinks=False)
        where = each if each == folder else f"{each}, above {folder},"
        if found.st_uid not in trusted:
            raise ConfigurationError(f"{where} belongs to another user, who could replace the secrets in it: {_ADVICE}")
        # With the sticky bit, as in /tmp, users can replace only their own files.
        if found.st_mode & stat.S_ISVTX:
            continue
        everybody, group = found.st_mode & stat.S_IWOTH, found.st_mode & stat.S_IWGRP
        if everybody or (group and found.st_gid not in (0, os.getegid())):
            who, what = ("everybody", "o-w") if everybody else ("another group", "g-w")
            raise ConfigurationError(
                f"{where} is for secrets, but {who} can write to it: run `chmod {what} {shlex.quote(str(each))}`, "
                "or use a dedicated folder"
            )
