"""A refresh token that may be rotated, by this process and by others that share its store."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar, runtime_checkable

import anyio

from alexa_props.concurrency import being_cancelled
from alexa_props.errors import AuthenticationError
from alexa_props.hooks import logger
from alexa_props.redaction import sanitize
from alexa_props.settings import Secret

__all__ = ["RefreshTokenState", "TokenStore"]

T = TypeVar("T")

_LIMIT: Final = 10.0
"""Seconds a store may take. A save may take them even after its caller was cancelled."""

_REMEMBERED: Final = 8
"""Replaced tokens that are remembered: a store that returns one of them lags behind."""


class TokenStore(Protocol):
    """Store for a refresh token that the server may rotate. Processes may share it.

    The two methods are never called concurrently by one client. Neither may take longer than 10 s.
    """

    async def load(self) -> str | None:
        """Return the refresh token to use; None to use the one that `LoginWithAmazon` was given."""
        ...

    async def save(self, refresh_token: str) -> None:
        """Store a new refresh token. It is used only after this has returned."""
        ...


@runtime_checkable
class RefusalStore(TokenStore, Protocol):
    """A `TokenStore` that remembers refused refresh tokens for a while, for all processes."""

    def known_refusal(self, refresh_token: Secret) -> AuthenticationError | None:
        """Return the error for a refresh token that was refused, by what was last loaded; None if it may be sent."""
        ...

    async def note_refusal(self, refresh_token: Secret, error: AuthenticationError) -> None:
        """Store that a refresh token was refused."""
        ...


class RefreshTokenState:
    """The current refresh token and the store for its successors.

    Raises:
        AuthenticationError: From its methods: the store failed.

    """

    def __init__(self, given: Secret, store: TokenStore | None) -> None:
        self.current = given
        """The token to use."""
        self._store = store
        self._refusals = store if isinstance(store, RefusalStore) else None
        self._begun = False
        self._unreadable = False
        self._unsaved: Secret | None = None
        self._former: Secret | None = None
        self._spent: deque[Secret] = deque(maxlen=_REMEMBERED)

    async def begin(self) -> None:
        """Prepare a refresh: load the stored token, or save the one that an earlier refresh could not save.

        A stored token that is unknown here comes from another process. As some stores lag behind, the unsaved token and
        the one used before remain fallbacks until a refresh succeeds.
        """
        self._unreadable = False
        if self._store is None:
            return
        try:
            stored = await self._load(self._store)
        except AuthenticationError as error:
            if not self._begun or self._unsaved is not None:
                raise
            # The current one may still be the latest.
            logger.warning("checking for a newer refresh token: %s", error)
            self._unreadable = True
            return
        begun, self._begun = self._begun, True
        if stored is None or stored == self.current or stored in self._spent:
            if self._unsaved is not None:
                await self._save(self._unsaved)
        else:
            self._former = self.current if begun else None
            self.current = stored
        refusal = self._known_refusal(self.current)
        if refusal is not None and not await self.use_another():
            raise refusal

    async def note_refusal(self, error: AuthenticationError) -> None:
        """Note that the current token was refused, for all processes if the store can."""
        if self._refusals is not None:
            await self._refusals.note_refusal(self.current, error)

    async def use_another(self) -> bool:
        """Make another known token the current one; return False if there is none.

        The current one was refused: another process may have rotated it.
        """
        if self._store is None:
            return False
        stored = None
        if not self._unreadable:
            try:
                stored = await self._load(self._store)
            except AuthenticationError as error:
                # The refusal that led here is the more useful error.
                logger.warning("checking for a newer refresh token: %s", error)
                return False
        for choice in (stored, self._unsaved, self._former):
            if choice is None or choice == self.current or choice in self._spent:
                continue
            if self._known_refusal(choice) is None:
                self.current = choice
                return True
        return False

    def _known_refusal(self, token: Secret) -> AuthenticationError | None:
        return None if self._refusals is None else self._refusals.known_refusal(token)

    async def finish(self, rotated: Secret | None) -> None:
        """Conclude a successful refresh: save the rotated token, if there is one, then make it the current one.

        A token that could not be saved is not lost: the next refresh saves it first, as the old one may be invalid.
        """
        self._former = None
        self._unsaved = None if rotated == self.current else rotated
        if self._unsaved is not None:
            await self._save(self._unsaved)

    async def _save(self, rotated: Secret) -> None:
        store = self._store
        if store is not None:
            with anyio.move_on_after(_LIMIT, shield=True) as limit:
                await _ask("save the new refresh token", lambda: store.save(rotated.reveal()), *self._known())
            if limit.cancelled_caught:
                raise AuthenticationError(
                    f"the token store did not save the new refresh token within {_LIMIT:g} s, so it is not used; the "
                    f"next call saves it first"
                )
        self._spent.append(self.current)
        self.current, self._unsaved = rotated, None

    def _known(self) -> list[Secret | None]:
        """Return all tokens that a store's error may quote."""
        return [self.current, self._unsaved, self._former, *self._spent]

    async def _load(self, store: TokenStore) -> Secret | None:
        async def load() -> Secret | None:
            stored = await store.load()
            return Secret(stored) if stored else None

        stored = None
        with anyio.move_on_after(_LIMIT) as limit:
            stored = await _ask("load the refresh token", load, *self._known())
        if limit.cancelled_caught:
            raise AuthenticationError(f"the token store did not load the refresh token within {_LIMIT:g} s")
        if stored is not None and not (stored and stored.reveal().isprintable()):
            raise AuthenticationError(
                "the token store loaded an invalid refresh token: load() must return None or one printable line"
            )
        return stored


async def _ask(attempt: str, ask: Callable[[], Awaitable[T]], *secrets: Secret | None) -> T:
    """Return a token store's result, or raise its error without `secrets`: its own exception's frames hold tokens."""
    try:
        return await ask()
    except (Exception, anyio.get_cancelled_exc_class()) as error:  # a store may raise anything
        if not isinstance(error, Exception) and being_cancelled():
            raise
        reason = sanitize(f"{type(error).__name__}: {error}", *secrets)
    raise AuthenticationError(f"the token store could not {attempt}: {reason}")
