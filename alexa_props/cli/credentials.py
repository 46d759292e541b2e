"""The credentials that a command uses: those of a named file, of the environment, or of the last login."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated, Final

import typer

from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli import private_file, stored_login
from alexa_props.cli.stored_login import Credentials
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret, require_env

__all__ = ["CredentialsFile", "find", "resolve"]

_CLIENT_ID: Final = "ALEXA_PROPS_CLIENT_ID"
_CLIENT_SECRET: Final = "ALEXA_PROPS_CLIENT_SECRET"  # noqa: S105 - a name
_REFRESH_TOKEN: Final = "ALEXA_PROPS_REFRESH_TOKEN"  # noqa: S105 - a name

CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        metavar="PATH",
        envvar="ALEXA_PROPS_CREDENTIALS",
        help="Credentials file to use instead of the environment. Defaults to the environment, "
        "else to the login stored in $XDG_CONFIG_HOME or ~/.config.",
        show_default=False,
    ),
]


def resolve(path: Path | None) -> Path:
    """Return the path of the credentials file, with links followed; None stands for the default path.

    Raises:
        ConfigurationError: There is no home directory, or another user can replace something on the way.

    """
    if path is None:
        config = os.environ.get("XDG_CONFIG_HOME", "")
        # The specification of this variable says to ignore a relative path.
        folder = Path(config) if Path(config).is_absolute() else _home() / ".config"
        path = folder / "alexa-props" / "credentials.json"
    # A link stays a link: its target is replaced.
    return private_file.locate(path)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # As in a container whose user has no entry in /etc/passwd.
        raise ConfigurationError(
            "cannot find the login without a home directory: set HOME or XDG_CONFIG_HOME, or name the file with "
            f"--credentials, or set {_CLIENT_ID}, {_CLIENT_SECRET} and {_REFRESH_TOKEN}"
        ) from None


def find(path: Path | None) -> Credentials:
    """Return the credentials to use, all from one source: a named file, the environment, or the last login.

    A named file is used as a whole. The environment overrides the region and the addresses of the last login.

    Raises:
        ConfigurationError: There are none, they are incomplete or of two logins, others can read or replace the file,
            or the file does not hold credentials.
        OSError: The file cannot be read.

    """
    if path is not None:
        return _of_named_file(path)
    if os.environ.get(_REFRESH_TOKEN):
        return _of_environment()
    return _of_last_login()


def _of_named_file(path: Path) -> Credentials:
    found = stored_login.read(resolve(path))
    if found is None:
        raise ConfigurationError(
            f"there is no credentials file {path}: correct --credentials or ALEXA_PROPS_CREDENTIALS, or run "
            f"`alexa-props login --credentials {shlex.quote(str(path))}`"
        )
    ignored = found.with_overrides().overridden_by
    if ignored:
        note(f"using {found.path} as a whole, because it was named; ignored: {', '.join(ignored)}")
    return found


def _of_environment() -> Credentials:
    return Credentials(
        path=None,
        client_id=require_env(_CLIENT_ID),
        client_secret=Secret(require_env(_CLIENT_SECRET)),
        refresh_token=Secret(require_env(_REFRESH_TOKEN)),
        region=os.environ.get("ALEXA_PROPS_REGION") or "NA",
        base_url=os.environ.get("ALEXA_PROPS_BASE_URL") or None,
        token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
    )


def _of_last_login() -> Credentials:
    found = stored_login.read(resolve(None))
    if found is None:
        raise ConfigurationError(
            f"there is no login: run `alexa-props login`, or set {_CLIENT_ID}, {_CLIENT_SECRET} and {_REFRESH_TOKEN}"
        )
    client_id = os.environ.get(_CLIENT_ID)
    if client_id and client_id != found.client_id:
        raise ConfigurationError(
            f"{_CLIENT_ID} is {client_id}, but the login in {found.path} is of client {found.client_id}: unset it, set "
            f"{_REFRESH_TOKEN} too, or name the file with --credentials"
        )
    return found.with_overrides()
