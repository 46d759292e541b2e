"""The access token of a login, stored for the next command: ten commands are one token request, not ten.

It is in a file that only its owner can read, in the user's cache folder; or in the system's keyring, if the login's
secrets are there. It belongs to one refresh token, whose hash is stored with it: another login never gets it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from typing import Final, Self

from alexa_props.auth.access_token import AccessToken
from alexa_props.cli import keyring_entries, private_file
from alexa_props.cli.cache_folder import cache_folder
from alexa_props.cli.stored_login import Credentials
from alexa_props.errors import ConfigurationError, DecodeError
from alexa_props.responses import parse_json
from alexa_props.settings import Secret, is_number

__all__ = ["TokenCache"]

_END: Final = 253402300800
"""The year 10000, which no clock shows and no date can be."""


class TokenCache:
    """Stores the access token of a login.

    Args:
        place: Where the login is stored: the path of its file.
        key: The client and the service that the token is for.
        entry: The keyring's entry that has the login's secrets; None if its file has them.

    Raises:
        ConfigurationError: From its methods: others can read or replace the file, or the keyring refuses.
        OSError: From its methods: the file cannot be read or written.

    """

    def __init__(self, place: str, *, key: str = "", entry: str | None = None) -> None:
        self._key = key
        self._entry = None if entry is None else f"access token of {entry}"
        folder = cache_folder()
        self._path = None if folder is None else folder / f"access-token-{_hash(place)}.json"

    @classmethod
    def of(cls, credentials: Credentials) -> Self:
        """Return the cache of a login. Credentials of the environment have no file that would identify them."""
        place = credentials.refresh_token.reveal() if credentials.path is None else str(credentials.path)
        return cls(place, key=credentials.key, entry=credentials.keyring)

    def load(self, refresh_token: Secret) -> AccessToken | None:
        """Return the access token that was stored with this refresh token; None if there is none that can be used."""
        # What others can read or replace is ignored, as what is damaged: the next token replaces it.
        with contextlib.suppress(ConfigurationError):
            return _decode(self._read(), self._owner(refresh_token))
        return None

    def save(self, token: AccessToken, refresh_token: Secret) -> None:
        """Replace the stored access token."""
        content = Secret(
            json.dumps(
                {
                    "owner": self._owner(refresh_token),
                    "access_token": token.value.reveal(),
                    "received_at": token.received_at,
                    "expires_at": token.expires_at,
                }
            )
        )
        if self._entry is not None:
            keyring_entries.write(self._entry, content, token.value)
        elif self._path is not None:
            private_file.write(self._path, content)

    def delete(self) -> None:
        """Delete the stored access token, whichever login it belongs to."""
        if self._entry is not None:
            keyring_entries.delete(self._entry)
        elif self._path is not None:
            private_file.delete(self._path)

    def _read(self) -> Secret | None:
        if self._entry is not None:
            return keyring_entries.read(self._entry)
        return None if self._path is None else private_file.read(self._path)

    def _owner(self, refresh_token: Secret) -> str:
        return _hash(f"{self._key} {refresh_token.reveal()}")


def _decode(content: Secret | None, owner: str) -> AccessToken | None:
    if not content:
        return None
    try:
        value = parse_json(content.reveal().encode())
    except DecodeError:
        return None
    if not isinstance(value, Mapping) or value.get("owner") != owner:
        return None
    times = value.get("received_at"), value.get("expires_at")
    if not isinstance(value.get("access_token"), str) or not all(is_number(at) and 0 <= at < _END for at in times):
        return None
    return AccessToken(
        value=Secret(value["access_token"]), received_at=value["received_at"], expires_at=value["expires_at"]
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
