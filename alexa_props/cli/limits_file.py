"""The file of `--limits`: the rates that a run has learned, for the next one."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from alexa_props import Limits
from alexa_props.cli.exit import note
from alexa_props.errors import ConfigurationError

__all__ = ["load", "save"]


def load(path: Path | None) -> Limits | None:
    """Return the limits of a file; None if there is no file, or an empty one.

    Raises:
        ConfigurationError: it holds something else, or `save` could not write there.
        OSError: it cannot be read.

    """
    if path is None:
        return None
    if not path.parent.is_dir():
        raise ConfigurationError(f"--limits {path}: there is no folder {path.parent}: make it, or name another file")
    try:
        # Not blocking: a pipe would be waited for.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    with open(handle, "rb") as file:  # noqa: PTH123 - a path could not be opened so
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ConfigurationError(f"--limits {path}: not a regular file: name another one")
        content = file.read()
    if not content.strip():
        note(f"{path} is empty: no rates are known yet")
        return None
    try:
        return Limits.from_json(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"--limits {path}: {error}: delete the file, or name another one") from None


def save(path: Path | None, limits: Limits) -> None:
    """Write limits to a file. What goes wrong is a line on standard error: the run is over, and its outcome stands."""
    if path is None:
        return
    # A name that cannot be known beforehand, and never through a link: the folder may be open to others.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - as above
                file.write(limits.to_json())
                file.flush()
                os.fsync(handle)
            beside.replace(path)
        except BaseException:  # Ctrl-C too: nothing is left beside the file, and it is raised again
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        note(f"the learned rates could not be stored in {path}: {error.strerror or error}; the next run learns anew")
