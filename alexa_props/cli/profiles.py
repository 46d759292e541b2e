"""Where logins are stored: one file for the default login, and one for each named profile."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Final

from alexa_props.errors import ConfigurationError

__all__ = ["DEFAULT", "complete_profile", "path_of", "profile_names", "unknown_profile"]

DEFAULT: Final = "default"
"""The name of the login that is used unless another one is named."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUFFIX: Final = ".json"


def path_of(profile: str) -> Path:
    """Return the path of the file of a profile.

    Raises:
        ConfigurationError: It cannot be the name of a profile, or there is no home directory.

    """
    if not _NAME.fullmatch(profile):
        raise ConfigurationError(
            f"{profile!r} cannot be the name of a profile: use at most 64 letters (A to Z), digits, '-', '_' and '.', "
            f"and begin with a letter or a digit"
        )
    folder = _folder()
    return folder / "credentials.json" if profile == DEFAULT else folder / "profiles" / f"{profile}{_SUFFIX}"


def profile_names() -> list[str]:
    """Return the names of the stored profiles, the default first."""
    default = [DEFAULT] if path_of(DEFAULT).exists() else []
    try:
        files = [path.name for path in (_folder() / "profiles").iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return default
    names = [name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)]
    return default + sorted(name for name in names if _NAME.fullmatch(name) and name != DEFAULT)


def unknown_profile(profile: str) -> ConfigurationError:
    """Return the error for a profile that is not stored. It lists those that are."""
    names = profile_names()
    close = difflib.get_close_matches(profile, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    stored = f"the profiles are {', '.join(names)}" if names else "there are none yet"
    return ConfigurationError(
        f"there is no profile {profile!r}{hint} ({stored}): correct the name, or run "
        f"`alexa-props login --profile {profile}`"
    )


def complete_profile(incomplete: str) -> list[str]:
    """Return the profiles whose names begin with what was typed, for the completion of the shell."""
    try:
        return [name for name in profile_names() if name.startswith(incomplete)]
    except (ConfigurationError, OSError):
        return []


def _folder() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME", "")
    # The specification of this variable says to ignore a relative path.
    return (Path(config) if Path(config).is_absolute() else _home() / ".config") / "alexa-props"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # As in a container whose user has no entry in /etc/passwd.
        raise ConfigurationError(
            "cannot find the login without a home directory: set HOME or XDG_CONFIG_HOME, or name the file with "
            "--credentials, or set ALEXA_PROPS_CLIENT_ID, ALEXA_PROPS_CLIENT_SECRET and ALEXA_PROPS_REFRESH_TOKEN"
        ) from None
