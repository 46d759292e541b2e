"""Credentials that `alexa-props login` stores: in a file that only its owner can read, or in the system's keyring.

With the keyring the file is there too: it names the keyring's entry that has the secrets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from alexa_props.cli import private_file
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.redaction import sanitize
from alexa_props.responses import parse_json
from alexa_props.settings import Secret

__all__ = ["OVERRIDES", "Credentials", "locked", "prepare", "read", "save", "save_locked"]

OVERRIDES: Final = {
    "region": "ALEXA_PROPS_REGION",
    "base_url": "ALEXA_PROPS_BASE_URL",
    "token_url": "ALEXA_PROPS_TOKEN_URL",
}
"""The fields of a stored login that the environment may override, and the variables."""
_SERVICE: Final = "alexa-props"
"""The service name of our keyring entries."""


@attrs.frozen(kw_only=True)
class Credentials:
    """The credentials and addresses for a client of Smart Properties."""

    path: Path | None
    """The file that `login` wrote; None for credentials of the environment."""
    client_id: str
    """Client id of the security profile."""
    client_secret: Secret
    """Client secret of the same profile."""
    refresh_token: Secret
    """A refresh token of the profile."""
    region: str
    """"NA", "EU" or "FE"."""
    base_url: str | None
    """Used instead of the region's host; None for that host."""
    token_url: str
    """Token endpoint."""
    keyring: str | None = None
    """The keyring's entry that has the two secrets; None if the file has them."""
    overridden_by: tuple[str, ...] = ()
    """The environment variables that override fields of the file."""

    @property
    def source(self) -> str:
        """Where the credentials come from, for people."""
        if self.path is None:
            return "environment"
        return f"keyring, named in {self.path}" if self.keyring else str(self.path)

    def with_overrides(self) -> Credentials:
        """Return the same login with the region and the addresses of the environment."""
        overrides: dict[str, Any] = {
            name: os.environ[variable]
            for name, variable in OVERRIDES.items()
            if os.environ.get(variable) and os.environ[variable] != getattr(self, name)
        }
        return attrs.evolve(self, overridden_by=tuple(OVERRIDES[name] for name in overrides), **overrides)


def read(path: Path) -> Credentials | None:
    """Return the credentials of a file; None if there is no file.

    Raises:
        ConfigurationError: Others can read or replace the file, it does not hold credentials, or the keyring refuses.
        OSError: The file cannot be read.

    """
    content = private_file.read(path)
    return None if content is None else _decode(path, content)


def prepare(credentials: Credentials) -> None:
    """Check that `save` can succeed, before a person is sent to a web page. Raises as `save` does."""
    entry = credentials.keyring
    if entry is not None:
        # A keyring that is missing or locked says so only on the first query.
        _query_keyring(lambda keyring: keyring.get_password(_SERVICE, entry))
    if credentials.path is not None:
        private_file.prepare(credentials.path)


def save(credentials: Credentials) -> None:
    """Write credentials to their file, and their secrets to the keyring if they name an entry.

    Raises:
        ConfigurationError: They come from the environment, others can replace the file, or the keyring refuses.
        OSError: The file cannot be written.

    """
    if credentials.path is None:
        raise ConfigurationError("credentials of the environment cannot be stored")
    private_file.prepare(credentials.path)
    with private_file.lock(credentials.path):
        save_locked(credentials, credentials.path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other commands from replacing the file; without a folder there is nothing to lock."""
    if not path.parent.is_dir():
        yield
        return
    with private_file.lock(path):
        yield


def save_locked(credentials: Credentials, path: Path) -> None:
    """Write credentials as `save` does; the caller holds the lock."""
    fields = {name: getattr(credentials, name) for name in ("client_id", "region", "base_url", "token_url")}
    if credentials.keyring is None:
        private_file.write(path, Secret(json.dumps({**fields, **_secrets(credentials)}, indent=2)))
        return
    entry = credentials.keyring
    _query_keyring(
        lambda keyring: keyring.set_password(_SERVICE, entry, json.dumps(_secrets(credentials))),
        credentials.client_secret,
        credentials.refresh_token,
    )
    private_file.write(path, Secret(json.dumps({**fields, "keyring": entry}, indent=2)))


def _secrets(credentials: Credentials) -> dict[str, str]:
    return {name: getattr(credentials, name).reveal() for name in ("client_secret", "refresh_token")}


def _query_keyring(query: Callable[[Any], str | None], *secrets: Secret) -> Secret:
    """Call `query` with the module `keyring`, and return its result; an empty secret for None.

    Raises:
        ConfigurationError: The package is not installed, or the keyring refuses.

    """
    try:
        # Late: it is optional, and searches the system for keyrings.
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise ConfigurationError('keyring is not installed: pip install "alexa-props[keyring]"') from None
    try:
        return Secret(query(keyring) or "")
    except KeyringError as error:
        reason = sanitize(str(error), *secrets) or type(error).__name__
    raise ConfigurationError(
        f"cannot use the system's keyring: {reason}: unlock it, or log in without --keyring to use a file"
    )


def _decode(path: Path, content: Secret) -> Credentials:
    members = _members(content)
    entry = members.get("keyring")
    if entry:
        members |= _members(_query_keyring(lambda keyring: keyring.get_password(_SERVICE, entry.reveal())))
    try:
        return Credentials(
            path=path,
            client_id=members["client_id"].reveal(),
            client_secret=members["client_secret"],
            refresh_token=members["refresh_token"],
            region=members["region"].reveal(),
            base_url=members["base_url"].reveal() if "base_url" in members else None,
            token_url=members["token_url"].reveal(),
            keyring=entry.reveal() if entry else None,
        )
    except KeyError as error:
        missing = error.args[0]
    where = f"the keyring's entry for {path}" if entry else str(path)
    raise ConfigurationError(f"{where} holds no {missing}: run `alexa-props login` again")


def _members(content: Secret) -> dict[str, Secret]:
    """Return the members of a JSON object that are strings; none if the content is not an object."""
    try:
        value = parse_json(content.reveal().encode())
    except DecodeError:
        return {}
    if not isinstance(value, Mapping):
        return {}
    return {name: Secret(member) for name, member in value.items() if isinstance(member, str)}
