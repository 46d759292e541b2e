"""The client of a command, which stores its access token, and the refresh tokens that the server rotates."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
import attrs

from alexa_props import Limits, LoginWithAmazon, SmartProperties
from alexa_props.auth.access_token import AccessToken
from alexa_props.cli import stored_login
from alexa_props.cli.stored_login import ADDRESSES, Credentials
from alexa_props.cli.streams import note
from alexa_props.cli.token_cache import TokenCache
from alexa_props.hooks import logger
from alexa_props.settings import Secret

__all__ = ["StoredToken", "smart_properties"]


def smart_properties(credentials: Credentials, *, limits: Limits | None = None) -> SmartProperties:
    """Return a client with these credentials. A rotated refresh token is stored where they come from."""
    auth = LoginWithAmazon(
        client_id=credentials.client_id,
        client_secret=credentials.client_secret.reveal(),
        refresh_token=credentials.refresh_token.reveal(),
        token_url=credentials.token_url,
        token_store=StoredToken(credentials),
    )
    # The client reports an invalid region.
    region: Any = credentials.region
    return SmartProperties(auth=auth, region=region, base_url=credentials.base_url, limits=limits)


class StoredToken:
    """An `AccessTokenStore` for the login of a command, whose refresh token other commands may rotate meanwhile.

    A different login that has replaced it is left alone. For credentials of the environment, a rotated refresh token
    cannot be stored: it serves this command only.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._loaded = credentials.refresh_token
        self._cache = TokenCache.of(credentials)
        self._reported = False

    async def load(self) -> str | None:
        """Return the refresh token that is stored now; None if a different login is stored."""
        # In a thread: a disk may be slow, and a keyring may ask its owner.
        return await anyio.to_thread.run_sync(self._load, abandon_on_cancel=True)

    async def save(self, refresh_token: str) -> None:
        """Replace the refresh token that was loaded, unless a different login is stored."""
        await anyio.to_thread.run_sync(self._replace, Secret(refresh_token))

    async def load_access(self) -> AccessToken | None:
        """Return the access token that another command stored."""
        return await anyio.to_thread.run_sync(self._load_access, abandon_on_cancel=True)

    async def save_access(self, token: AccessToken | None) -> None:
        """Store an access token for other commands; None deletes it."""
        save = self._cache.delete if token is None else lambda: self._cache.save(token, self._loaded)
        try:
            await anyio.to_thread.run_sync(save, abandon_on_cancel=True)
        except OSError as error:
            # As in a container with a read-only home: commands can do without.
            logger.info("the access token is not stored for the next command: %s", error)

    def _load_access(self) -> AccessToken | None:
        token = self._cache.load(self._loaded)
        if token is None:
            # Another command may have rotated the refresh token, to which the access token belongs.
            stored = self._same_login()
            token = None if stored is None else self._cache.load(stored.refresh_token)
        return token

    def _load(self) -> str | None:
        stored = self._same_login()
        if stored is None:
            return None
        self._loaded = stored.refresh_token
        return stored.refresh_token.reveal()

    def _replace(self, refresh_token: Secret) -> None:
        path = self._credentials.path
        if path is None:
            return
        with stored_login.locked(path):
            stored = self._same_login()
            # A retry may find its own token.
            if stored is None or stored.refresh_token not in (self._loaded, refresh_token):
                self._report_replaced()
                return
            stored_login.save_locked(attrs.evolve(stored, refresh_token=refresh_token), path)
        self._loaded = refresh_token

    def _report_replaced(self) -> None:
        if self._reported:
            return
        self._reported = True
        note(
            f"{self._credentials.path} now holds a different login or none, and is left unchanged: the new refresh "
            f"token of client {self._credentials.client_id} is not stored and serves this command only; to use this "
            f"client later, log in again"
        )

    def _same_login(self) -> Credentials | None:
        """Return what is stored now, if it is the same login."""
        ours = self._credentials
        stored = None if ours.path is None else stored_login.read(ours.path)
        if stored is None:
            return None
        overridden = [name for name, variable in ADDRESSES.items() if variable in ours.overridden_by]
        differs = any(
            getattr(stored, name) != getattr(ours, name) for name in ("client_id", *ADDRESSES) if name not in overridden
        )
        return None if differs else stored
