"""The file of `--limits`: the rates that a run has learned, for the next run."""

from __future__ import annotations

from pathlib import Path

from alexa_props import Limits
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError
from alexa_props.learned_limits import read_regular_file
from alexa_props.replace_file import replace_file

__all__ = ["load", "save"]


def load(path: Path) -> Limits | None:
    """Return the limits of a file; None if the file is missing or empty.

    Raises:
        ConfigurationError: It holds something else, or `save` could not write there.
        OSError: It cannot be read.

    """
    if not path.parent.is_dir():
        raise ConfigurationError(f"--limits {path}: there is no folder {path.parent}: create it, or name another file")
    try:
        content = read_regular_file(path, follow_links=True)
    except ConfigurationError as error:
        raise ConfigurationError(f"--limits {path}: {error}: name another one") from None
    if content is None:
        return None
    if not content.strip():
        note(f"{path} is empty: no rates are known yet")
        return None
    try:
        return Limits.from_json(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"--limits {path}: {error}: delete the file, or name another one") from None


def save(path: Path, limits: Limits) -> None:
    """Write limits to a file. A failure is only reported on standard error: the run is over, and its outcome stands."""
    try:
        replace_file(path, [limits.to_json()], follow_links=False)
    except OSError as error:
        note(f"cannot store the learned rates in {path}: {error.strerror or error}; the next run learns them again")
