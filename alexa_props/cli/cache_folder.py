"""The user's cache folder. Commands work without it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Final

__all__ = ["cache_folder", "private_cache_folder"]

_FOLDER: Final = "alexa-props"


def cache_folder() -> Path | None:
    """Return the folder; None for a user without a home."""
    # The specification of this variable says to ignore a relative path.
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if cache.is_absolute():
        return cache / _FOLDER
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".cache" / _FOLDER
    return None


def private_cache_folder(*, create: bool) -> Path | None:
    """Return the folder if no other user can replace its files, otherwise None.

    A planted file could redirect a name to another room.
    """
    folder = cache_folder()
    if folder is None:
        return None
    try:
        if create:
            folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    is_ours = os.name != "posix" or (found.st_uid == os.geteuid() and not shared)
    return folder if stat.S_ISDIR(found.st_mode) and is_ours else None
