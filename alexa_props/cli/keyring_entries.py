"""Entries of the system's keyring. The package `keyring` is optional."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from alexa_props.errors import ConfigurationError
from alexa_props.redaction import sanitize
from alexa_props.settings import Secret

__all__ = ["delete", "read", "write"]

_SERVICE: Final = "alexa-props"
"""The service name of our entries."""


def read(entry: str) -> Secret:
    """Return the content of an entry; an empty secret if there is none.

    Raises:
        ConfigurationError: From all functions here: the package is not installed, or the keyring refuses.

    """
    return _query(lambda keyring: keyring.get_password(_SERVICE, entry))


def write(entry: str, content: Secret, *secrets: Secret) -> None:
    """Replace an entry.

    Args:
        entry: Its name.
        content: Its content.
        secrets: Those in the content, which an error of the keyring may quote.

    """
    _query(lambda keyring: keyring.set_password(_SERVICE, entry, content.reveal()), *secrets)


def delete(entry: str) -> None:
    """Delete an entry, if there is one."""
    if read(entry):
        _query(lambda keyring: keyring.delete_password(_SERVICE, entry))


def _query(query: Callable[[Any], str | None], *secrets: Secret) -> Secret:
    """Call `query` with the module `keyring`, and return its result; an empty secret for None."""
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
