"""Encryption of the tokens that leave a process. The keys are Fernet's; each record names the one it was written with.

The first byte of a record is its format: 1 is plain, 2 is the key's id of eight characters and a Fernet token.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from alexa_props.errors import AuthenticationError, ConfigurationError
from alexa_props.settings import Secret

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

__all__ = ["TokenCipher"]

_PLAIN, _ENCRYPTED = b"1", b"2"
_ID: Final = 8
_BYTES: Final = 32


class TokenCipher:
    """Encrypts with the first key, and decrypts with the one that a record names. Without keys, records are plain.

    Args:
        keys: The keys, the newest first.
        reads_plain: Whether plain records are read: only if nobody else can write them.

    Raises:
        ConfigurationError: A key is not 32 bytes of urlsafe base64, or the package cryptography is missing.

    """

    def __init__(self, keys: Sequence[Secret], *, reads_plain: bool) -> None:
        # In this order: an invalid key may not be a string.
        fernets = [_fernet(key) for key in keys]
        self._fernets = dict(zip(map(_id, keys), fernets, strict=True))
        self._reads_plain = reads_plain

    def seal(self, data: bytes) -> bytes:
        """Return a record."""
        for name, fernet in self._fernets.items():
            return _ENCRYPTED + name.encode() + fernet.encrypt(data)
        return _PLAIN + data

    def is_current(self, record: bytes) -> bool:
        """Return whether a record was made with the first key."""
        first = next(iter(self._fernets), None)
        return record.startswith(_PLAIN if first is None else _ENCRYPTED + first.encode())

    def open(self, record: bytes) -> bytes | AuthenticationError | None:
        """Return the data of a record; None if it is damaged, an error if it must not be overwritten.

        The error is returned because its traceback would hold the frames of the store, and so the record.
        """
        form, rest = record[:1], record[1:]
        if form == _PLAIN:
            return rest if self._reads_plain else None
        if form != _ENCRYPTED:
            newer = form > _ENCRYPTED
            return AuthenticationError("they have the format of a newer version: update this one") if newer else None
        name = rest[:_ID].decode("ascii", "replace")
        fernet = self._fernets.get(name)
        if fernet is None:
            ours = ", ".join(self._fernets) or "none"
            return AuthenticationError(
                f"they are encrypted with the key {name!r}, and this process has {ours} (ids of keys, not keys): give "
                f"all processes the same keys, the new one first, or delete what is stored"
            )
        from cryptography.fernet import InvalidToken  # late, as an optional dependency

        try:
            return fernet.decrypt(rest[_ID:])
        except InvalidToken:
            return None


def _id(key: Secret) -> str:
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:_ID]


def _fernet(key: Secret) -> Fernet:
    try:
        is_key = len(base64.b64decode(key.reveal(), b"-_", validate=True)) == _BYTES
    except (TypeError, ValueError, AttributeError):
        is_key = False
    if not is_key:
        raise ConfigurationError("key must be 32 bytes in urlsafe base64: SharedTokens.new_key() makes one")
    try:
        from cryptography.fernet import Fernet  # late, as an optional dependency
    except ImportError:
        raise ConfigurationError(
            'encrypting tokens needs the package cryptography: pip install "alexa-props[redis]"'
        ) from None
    return Fernet(key.reveal())
