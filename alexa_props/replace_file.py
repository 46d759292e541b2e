"""Files that are replaced in one step, so that they are never seen incomplete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

__all__ = ["replace_file"]


def replace_file(
    path: str | os.PathLike[str],
    parts: Iterable[str],
    *,
    encoding: str = "utf-8",
    errors: str = "strict",
    mode: int = 0o666,
    follow_links: bool = True,
) -> None:
    """Write a file in place of the present one. A device or a pipe is written to instead.

    Args:
        path: The file.
        parts: The text.
        encoding: Its encoding.
        errors: What to do with characters that the encoding lacks.
        mode: Permissions of the file, as far as the umask allows.
        follow_links: Whether to replace the file that a link leads to, not the link.

    Raises:
        OSError: It cannot be written. The present file is unchanged.

    """
    target = Path(os.path.realpath(path)) if follow_links else Path(path)
    if follow_links and target.exists() and not target.is_file():
        with target.open("w", encoding=encoding, errors=errors, newline="") as file:
            file.writelines(parts)
        return
    # Unpredictable, and never through a link: the folder may be open to other users.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, mode)
    try:
        with open(handle, "w", encoding=encoding, errors=errors, newline="") as file:  # noqa: PTH123 - a descriptor
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:  # Ctrl-C included: nothing is left beside the file, and the exception is raised again
        temporary.unlink(missing_ok=True)
        raise
