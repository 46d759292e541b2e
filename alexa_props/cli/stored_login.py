"""Credentials that `alexa-props login` stores: in a file that only its owner can read, or in the system's keyring.

With the keyring the file is there too: it names the keyring's entry that has the secrets.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

from alexa_props.cli import keyring_entries, private_file
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.responses import parse_json
from alexa_props.settings import Region, Secret, is_loopback

__all__ = [
    "ADDRESSES",
    "Credentials",
    "delete",
    "describe",
    "locked",
    "prepare",
    "read",
    "save",
    "save_locked",
    "save_organization",
]

ADDRESSES: Final = {
    "region": "ALEXA_PROPS_REGION",
    "base_url": "ALEXA_PROPS_BASE_URL",
    "token_url": "ALEXA_PROPS_TOKEN_URL",
}
"""The fields of a stored login that say where calls go, and the variables that may override them."""
_OVERRIDES: Final = {**ADDRESSES, "organization_id": "ALEXA_PROPS_ORGANIZATION_ID"}
_PUBLIC: Final = ("client_id", *ADDRESSES, "organization_id", "organization_name")
_SECRET: Final = ("client_secret", "refresh_token")


@attrs.frozen(kw_only=True)
class Credentials:
    """The credentials and addresses for a client of Smart Properties, and its organization."""

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
    """Replaces the region's host; None for that host."""
    token_url: str
    """Token endpoint."""
    organization_id: str | None = None
    """The unit at the top of the account; None if it is unknown."""
    organization_name: str | None = None
    """Its name when the login was stored; None if it is unknown."""
    profile: str | None = None
    """The name under which it is stored; None for a named file and for the environment."""
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

    @property
    def address(self) -> str | None:
        """The host that is called; None for an unknown region, which the client reports."""
        known = self.region in list(Region)
        return self.base_url or (Region(self.region).base_url if known else None)

    @property
    def is_of_simulator(self) -> bool:
        """Whether the token endpoint is on this machine, so that logging in again needs no person."""
        try:
            return is_loopback(httpx.URL(self.token_url).host)
        except httpx.InvalidURL:
            return False

    @property
    def key(self) -> str:
        """Identifies the client and its service in names of files. Has nothing of a secret in it.

        Ids of units and devices are the same for all logins with one key, but two accounts may share it.
        """
        whole = "\n".join((self.client_id, self.token_url, self.address or self.region))
        return hashlib.sha256(whole.encode()).hexdigest()[:32]

    def with_overrides(self) -> Credentials:
        """Return the same login with the region, the addresses and the organization of the environment."""
        overrides: dict[str, Any] = {
            name: os.environ[variable]
            for name, variable in _OVERRIDES.items()
            if os.environ.get(variable) and os.environ[variable] != getattr(self, name)
        }
        overridden_by = tuple(_OVERRIDES[name] for name in overrides)
        if "organization_id" in overrides:
            overrides["organization_name"] = None
        return attrs.evolve(self, overridden_by=overridden_by, **overrides)


def read(path: Path) -> Credentials | None:
    """Return the credentials of a file; None if there is no file.

    Raises:
        ConfigurationError: Others can read or replace the file, it does not hold credentials, or the keyring refuses.
        OSError: The file cannot be read.

    """
    return _read(path, with_secrets=True, checked=True)


def describe(path: Path, *, checked: bool = True) -> Credentials | None:
    """Return the credentials of a file with empty secrets: the keyring is not used. Raises as `read` does.

    Args:
        path: The file.
        checked: Whether to refuse a file that others can read or replace; False to delete it.

    """
    return _read(path, with_secrets=False, checked=checked)


def prepare(credentials: Credentials) -> None:
    """Check that `save` can succeed, before a person is sent to a web page. Raises as `save` does."""
    if credentials.keyring is not None:
        # A keyring that is missing or locked says so only on the first query.
        keyring_entries.read(credentials.keyring)
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


def save_organization(path: Path, client_id: str, organization_id: str, name: str | None) -> None:
    """Add the organization to a stored login, unless a login of another client has replaced it. Raises as `save`."""
    with locked(path):
        stored = read(path)
        if stored is not None and stored.client_id == client_id:
            save_locked(attrs.evolve(stored, organization_id=organization_id, organization_name=name), path)


def delete(path: Path) -> bool:
    """Delete a stored login and its entry in the keyring; return False if there is none.

    Raises:
        ConfigurationError: The keyring refuses, so the file stays; or the file is another user's.
        OSError: The file cannot be deleted.

    """
    with locked(path):
        content = private_file.read(path, checked=False)
        if content is None:
            return False
        entry = _members(content).get("keyring")
        if entry:
            keyring_entries.delete(entry.reveal())
        private_file.delete(path)
    return True


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
    fields = {name: getattr(credentials, name) for name in _PUBLIC}
    if credentials.keyring is None:
        private_file.write(path, Secret(json.dumps({**fields, **_secrets(credentials)}, indent=2)))
        return
    content = Secret(json.dumps(_secrets(credentials)))
    keyring_entries.write(credentials.keyring, content, credentials.client_secret, credentials.refresh_token)
    private_file.write(path, Secret(json.dumps({**fields, "keyring": credentials.keyring}, indent=2)))


def _secrets(credentials: Credentials) -> dict[str, str]:
    return {name: getattr(credentials, name).reveal() for name in _SECRET}


def _read(path: Path, *, with_secrets: bool, checked: bool) -> Credentials | None:
    content = private_file.read(path, checked=checked)
    if content is None:
        return None
    members = _members(content)
    entry = members.get("keyring")
    if not with_secrets:
        members |= dict.fromkeys(_SECRET, Secret(""))
    elif entry:
        members |= _members(keyring_entries.read(entry.reveal()))
    try:
        return Credentials(
            path=path,
            client_id=members["client_id"].reveal(),
            client_secret=members["client_secret"],
            refresh_token=members["refresh_token"],
            region=members["region"].reveal(),
            token_url=members["token_url"].reveal(),
            keyring=entry.reveal() if entry else None,
            base_url=_optional(members, "base_url"),
            organization_id=_optional(members, "organization_id"),
            organization_name=_optional(members, "organization_name"),
        )
    except KeyError as error:
        missing = error.args[0]
    where = f"the keyring's entry for {path}" if entry else str(path)
    raise ConfigurationError(f"{where} holds no {missing}: run `alexa-props login` again")


def _optional(members: Mapping[str, Secret], name: str) -> str | None:
    return members[name].reveal() if name in members else None


def _members(content: Secret) -> dict[str, Secret]:
    """Return the members of a JSON object that are strings; none if the content is not an object."""
    try:
        value = parse_json(content.reveal().encode())
    except DecodeError:
        return {}
    if not isinstance(value, Mapping):
        return {}
    return {name: Secret(member) for name, member in value.items() if isinstance(member, str)}
