"""An access token that several processes share, and the turn to request one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar, runtime_checkable

import anyio
import attrs

from alexa_props.auth.refresh_lock import RefreshLock, Turn
from alexa_props.auth.refresh_token import TokenStore
from alexa_props.auth.token_endpoint import Tokens
from alexa_props.concurrency import being_cancelled
from alexa_props.hooks import logger
from alexa_props.redaction import sanitize
from alexa_props.settings import Secret, is_number

__all__ = ["AccessToken", "AccessTokenStore", "Need", "SharedAccessToken"]

T = TypeVar("T")

_LIMIT: Final = 2.0
"""Seconds a store may take. Without it, a call costs one more request."""


@attrs.frozen(kw_only=True)
class AccessToken:
    """An access token and its life, in seconds since the epoch: other clocks do not outlive a process."""

    value: Secret
    received_at: float
    expires_at: float

    @property
    def age(self) -> float:
        """Seconds since it was received. Negative if the clock was set back."""
        return time.time() - self.received_at

    @property
    def life(self) -> float:
        """Seconds from its receipt to its expiry."""
        return self.expires_at - self.received_at

    @property
    def is_valid(self) -> bool:
        """Whether it may be sent: it has not expired, and it is not from the future."""
        return 0 <= self.age < self.life


@runtime_checkable
class AccessTokenStore(TokenStore, Protocol):
    """A `TokenStore` that also stores the access token. Its failures cost a token request, and fail no call.

    Neither method may take longer than 2 s.
    """

    async def load_access(self) -> AccessToken | None:
        """Return the stored access token; None if there is none for this login."""
        ...

    async def save_access(self, token: AccessToken | None) -> None:
        """Store an access token; None deletes the stored one, because the service refused it."""
        ...


@attrs.frozen
class Need:
    """What a login needs of the shared tokens."""

    is_fresh: Callable[[AccessToken], bool]
    """Whether an access token is worth using; else another one is requested."""
    is_urgent: Callable[[], bool]
    """Whether calls wait: there is no valid access token yet."""


class SharedAccessToken:
    """The access token in a store, and the turn to request one. Failures of the store are logged.

    Args:
        store: The token store; no access token is shared unless it is an `AccessTokenStore`.
        lock: Gives the turns; None if nothing is shared.

    """

    def __init__(self, store: TokenStore | None, lock: RefreshLock | None) -> None:
        self._store = store if isinstance(store, AccessTokenStore) else None
        self._lock = lock
        self._refused: Secret | None = None
        self._refused_is_stored = False

    async def obtain(self, need: Need) -> AccessToken | Turn | None:
        """Return the stored token if it is fresh; else wait for the turn to request one, if there are turns."""
        token = await self._fresh(need)
        if token is not None or self._lock is None:
            return token
        turn = await self._lock.acquire()
        found: AccessToken | Turn | None = None
        try:
            # The previous holder of the lock may have requested one.
            found = await self._fresh(need)
            if found is None:
                await self._delete_refused()
                found = turn
        finally:
            if found is not turn:
                await turn.release()
        return found

    def reject(self, value: Secret) -> None:
        """Note that the service refused a token, which may be the stored one."""
        self._refused = value

    async def share(self, tokens: Tokens, age: float) -> None:
        """Store a token that was received `age` seconds ago."""
        store = self._store
        if store is None:
            return
        received_at = time.time() - age
        token = AccessToken(value=tokens.access, received_at=received_at, expires_at=received_at + tokens.life)
        await _attempt("save the access token", lambda: store.save_access(token), tokens.access)

    async def _fresh(self, need: Need) -> AccessToken | None:
        token = await self._load()
        return token if token is not None and need.is_fresh(token) else None

    async def _load(self) -> AccessToken | None:
        """Return the stored token if it may be sent."""
        store = self._store
        if store is None:
            return None
        token = await _attempt("load the access token", store.load_access)
        if token is not None and not _is_token(token):
            logger.warning("the token store loaded an invalid access token; one more token request may follow")
            token = None
        self._refused_is_stored = token is not None and token.value == self._refused
        return token if token is not None and token.is_valid and not self._refused_is_stored else None

    async def _delete_refused(self) -> None:
        """Delete the stored token if it is the refused one."""
        store = self._store
        if store is not None and self._refused_is_stored:
            await _attempt("delete the access token", lambda: store.save_access(None))


def _is_token(token: object) -> bool:
    """Return whether a store's result is a token that can be sent: a store may be anybody's."""
    return (
        isinstance(token, AccessToken)
        and isinstance(token.value, Secret)
        and bool(token.value)
        and token.value.reveal().isascii()
        and token.value.reveal().isprintable()
        and is_number(token.received_at)
        and is_number(token.expires_at)
    )


async def _attempt(what: str, ask: Callable[[], Awaitable[T]], *secrets: Secret) -> T | None:
    """Return a store's result; None if it fails, which is logged."""
    with anyio.move_on_after(_LIMIT):
        try:
            return await ask()
        except (Exception, anyio.get_cancelled_exc_class()) as error:  # a store may raise anything
            if not isinstance(error, Exception) and being_cancelled():
                raise
            reason = sanitize(f"{type(error).__name__}: {error}", *secrets)
        logger.warning("the token store could not %s: %s; one more token request may follow", what, reason)
        return None
    logger.warning("the token store did not %s within %g s; one more token request may follow", what, _LIMIT)
    return None
