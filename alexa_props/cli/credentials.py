"""The credentials that a command uses, all from the first of these sources that is there.

1. the login that `--credentials` or `--profile` names;
2. the file that ALEXA_PROPS_CREDENTIALS names;
3. the environment, if it has ALEXA_PROPS_REFRESH_TOKEN;
4. the profile that ALEXA_PROPS_PROFILE names;
5. the default login.

For sources 4 and 5, ALEXA_PROPS_REGION, _BASE_URL, _TOKEN_URL and _ORGANIZATION_ID override what is stored.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

import attrs

from alexa_props.auth.token_endpoint import TOKEN_URL
from alexa_props.cli import private_file, stored_login
from alexa_props.cli.login_options import CredentialsFile, Organization, Profile
from alexa_props.cli.profiles import DEFAULT, path_of, unknown_profile
from alexa_props.cli.stored_login import Credentials
from alexa_props.cli.streams import note
from alexa_props.errors import ConfigurationError
from alexa_props.settings import Secret

__all__ = [
    "HOW_TO_FIND",
    "CredentialsFile",
    "Organization",
    "Place",
    "Profile",
    "find",
    "organization_of",
    "place",
]

HOW_TO_FIND: Final = (
    "the console of Alexa Smart Properties shows its id where your client id was granted API access (Administration > "
    "Alexa Management API Clients)"
)
"""How a person finds the id of the organization."""

_CLIENT_ID: Final = "ALEXA_PROPS_CLIENT_ID"
_CLIENT_SECRET: Final = "ALEXA_PROPS_CLIENT_SECRET"  # noqa: S105 - a name
_REFRESH_TOKEN: Final = "ALEXA_PROPS_REFRESH_TOKEN"  # noqa: S105 - a name
_ORGANIZATION_ID: Final = "ALEXA_PROPS_ORGANIZATION_ID"
_FILE: Final = "ALEXA_PROPS_CREDENTIALS"
_PROFILE: Final = "ALEXA_PROPS_PROFILE"


@attrs.frozen
class Place:
    """Where a login is stored."""

    path: Path
    """Its file, with links followed."""
    profile: str | None
    """The name of the profile; None for a file that was named."""
    named: bool
    """Whether the command line or ALEXA_PROPS_CREDENTIALS names it, so that it comes before the environment's login."""


def place(credentials: Path | None, profile: str | None) -> Place:
    """Return where the login is stored that the arguments or the environment name.

    Args:
        credentials: The value of `--credentials`; None if it was not given.
        profile: The value of `--profile`; None if it was not given.

    Raises:
        ConfigurationError: Both are given, the name is invalid, there is no home directory, or another user can replace
            something on the way.
        OSError: The path cannot be followed.

    """
    if credentials is not None and profile is not None:
        raise ConfigurationError("--profile and --credentials both name a login: give one of them")
    if credentials is None and profile is None:
        file, variable = os.environ.get(_FILE), os.environ.get(_PROFILE)
        if file and variable:
            raise ConfigurationError(
                f"{_FILE} and {_PROFILE} both name a login: unset one of them, or use --profile or --credentials"
            )
        if not file:
            chosen = variable or DEFAULT
            return Place(private_file.locate(path_of(chosen)), chosen, named=False)
        credentials = Path(file)
    if credentials is not None:
        # A link stays a link: its target is replaced.
        return Place(private_file.locate(credentials), None, named=True)
    name = DEFAULT if profile is None else profile
    return Place(private_file.locate(path_of(name)), name, named=True)


def find(credentials: Path | None, profile: str | None = None) -> Credentials:
    """Return the credentials to use, all from one source, as at the top of this file. The arguments are as in `place`.

    Raises:
        ConfigurationError: There are none, they are incomplete or of two logins, others can read or replace the file,
            or the file does not hold credentials.
        OSError: The file cannot be read.

    """
    from_environment = bool(os.environ.get(_REFRESH_TOKEN))
    if from_environment and credentials is None and profile is None and not os.environ.get(_FILE):
        if os.environ.get(_PROFILE):
            note(
                f"{_PROFILE} is ignored because {_REFRESH_TOKEN} is set: unset one of them, or use "
                f"--profile {shlex.quote(os.environ[_PROFILE])}"
            )
        return _of_environment()
    where = place(credentials, profile)
    found = stored_login.read(where.path)
    if found is None:
        raise _missing(where, credentials)
    found = attrs.evolve(found, profile=where.profile)
    return _as_a_whole(found) if where.named else _with_environment(found)


def organization_of(credentials: Credentials, given: str | None = None) -> str:
    """Return the id of the organization that a command uses.

    Args:
        credentials: From `find`, which knows the organization of the login and of ALEXA_PROPS_ORGANIZATION_ID.
        given: The value of `--organization`; None if it was not given.

    Raises:
        ConfigurationError: None is known.

    """
    found = given or credentials.organization_id
    if found:
        return found
    raise ConfigurationError(
        f"the organization of client {credentials.client_id} is unknown: name it with --organization or "
        f"{_ORGANIZATION_ID}, or store it with `alexa-props login --organization UNIT_ID`; {HOW_TO_FIND}"
    )


def _of_environment() -> Credentials:
    missing = [name for name in (_CLIENT_ID, _CLIENT_SECRET) if not os.environ.get(name)]
    if missing:
        raise ConfigurationError(
            f"{_REFRESH_TOKEN} is set, but not {' and '.join(missing)}: set all three to use the login of the "
            f"environment, or unset {_REFRESH_TOKEN} to use a stored one"
        )
    return Credentials(
        path=None,
        client_id=os.environ[_CLIENT_ID],
        client_secret=Secret(os.environ[_CLIENT_SECRET]),
        refresh_token=Secret(os.environ[_REFRESH_TOKEN]),
        region=os.environ.get("ALEXA_PROPS_REGION") or "NA",
        base_url=os.environ.get("ALEXA_PROPS_BASE_URL") or None,
        token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
        organization_id=os.environ.get(_ORGANIZATION_ID) or None,
    )


def _missing(where: Place, credentials: Path | None) -> ConfigurationError:
    if where.profile is None:
        path = credentials or Path(os.environ[_FILE])
        return ConfigurationError(
            f"there is no credentials file {path}: correct --credentials or {_FILE}, or run "
            f"`alexa-props login --credentials {shlex.quote(str(path))}`"
        )
    if where.profile != DEFAULT:
        return unknown_profile(where.profile)
    return ConfigurationError(
        f"there is no login: run `alexa-props login`, or set {_CLIENT_ID}, {_CLIENT_SECRET} and {_REFRESH_TOKEN}"
    )


def _as_a_whole(found: Credentials) -> Credentials:
    """Return a login that was named. Only an organization that it lacks comes from the environment."""
    ignored = list(found.with_overrides().overridden_by)
    if found.organization_id is None and _ORGANIZATION_ID in ignored:
        ignored.remove(_ORGANIZATION_ID)
        found = attrs.evolve(found, organization_id=os.environ[_ORGANIZATION_ID], overridden_by=(_ORGANIZATION_ID,))
    if ignored:
        named = found.path if found.profile is None else f"profile {found.profile}"
        note(f"using {named} as a whole, because it was named; ignored: {', '.join(ignored)}")
    return found


def _with_environment(found: Credentials) -> Credentials:
    client_id = os.environ.get(_CLIENT_ID)
    if client_id and client_id != found.client_id:
        raise ConfigurationError(
            f"{_CLIENT_ID} is {client_id}, but the login in {found.path} is of client {found.client_id}: unset it, set "
            f"{_REFRESH_TOKEN} too, or name the login with --profile or --credentials"
        )
    return found.with_overrides()
