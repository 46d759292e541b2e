"""A refresh token that may be rotated, by this process and by others that share its store."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

import anyio

from alexa_props.concurrency import being_cancelled
from alexa_props.errors import AuthenticationError
from alexa_props.hooks import logger
from alexa_props.redaction import sanitize
from alexa_props.settings import Secret

__all__ = ["RefreshTokenState", "TokenStore"]

T = TypeVar("T")

_LIMIT: Final = 10.0
"""Seconds that a store has to answer; to save, it has them though nobody waits for it any more."""

_REMEMBERED: Final = 8
"""Tokens that were replaced: a store that gives one of them lags behind."""


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


class RefreshTokenState:
    """A refresh token, and the store that keeps those which come after it.

    Attributes:
        current: the one to use.

    Raises:
        AuthenticationError: from its methods, the store failed.

    """

    def __init__(self, given: Secret, store: TokenStore | None) -> None:
        self.current = given
        self._store = store
        self._begun = False
        self._unreadable = False
        self._unsaved: Secret | None = None
        self._former: Secret | None = None
        self._spent: deque[Secret] = deque(maxlen=_REMEMBERED)

    async def begin(self) -> None:
        """Before a refresh: take what is in the store, or save what an earlier refresh could not.

        If the store has another token than this one had, another process has gone on from there. But as some stores lag
        behind, the one that was not saved, or used before, stays a second choice until a refresh has succeeded.
        """
        self._unreadable = False
        if self._store is None:
            return
        try:
            stored = await self._load(self._store)
        except AuthenticationError as error:
            if not self._begun or self._unsaved is not None:
                raise
            # The one that it has may be the latest all the same.
            logger.warning("looking for a newer refresh token: %s", error)
            self._unreadable = True
            return
        begun, self._begun = self._begun, True
        if stored is None or stored == self.current or stored in self._spent:
            if self._unsaved is not None:
                await self._save(self._unsaved)
        else:
            self._former = self.current if begun else None
            self.current = stored

    async def is_replaced(self) -> bool:
        """Whether there is another one, which is then the current: another process may have had this one rotated."""
        if self._store is None:
            return False
        stored = None
        if not self._unreadable:
            try:
                stored = await self._load(self._store)
            except AuthenticationError as error:
                # Why it is asked says more.
                logger.warning("looking for a newer refresh token: %s", error)
                return False
        for choice in (stored, self._unsaved, self._former):
            if choice is not None and choice != self.current and choice not in self._spent:
                self.current = choice
                return True
        return False

    async def accepted(self, rotated: Secret | None) -> None:
        """After a refresh: if it gave a new one, save that, and use it from now on.

        If it cannot be saved it is not lost: the next refresh begins with it, as the old one may be dead by now.
        """
        self._former = None
        self._unsaved = None if rotated == self.current else rotated
        if self._unsaved is not None:
            await self._save(self._unsaved)

    async def _save(self, rotated: Secret) -> None:
        store = self._store
        if store is not None:
            with anyio.move_on_after(_LIMIT, shield=True) as limit:
                await _ask("keep the new refresh token", lambda: store.save(rotated.reveal()), rotated, *self._known())
            if limit.cancelled_caught:
                raise AuthenticationError(
                    f"the token store did not keep the new refresh token within {_LIMIT:g} s, so it is not used"
                )
        self._spent.append(self.current)
        self.current, self._unsaved = rotated, None

    def _known(self) -> list[Secret | None]:
        """All tokens that the words of a store may quote."""
        return [self.current, self._unsaved, self._former, *self._spent]

    async def _load(self, store: TokenStore) -> Secret | None:
        async def load() -> Secret | None:
            stored = await store.load()
            return Secret(stored) if stored else None

        stored = None
        with anyio.move_on_after(_LIMIT) as limit:
            stored = await _ask("give the refresh token", load, *self._known())
        if limit.cancelled_caught:
            raise AuthenticationError(f"the token store did not give the refresh token within {_LIMIT:g} s")
        if stored is not None and not (stored and stored.reveal().isprintable()):
            raise AuthenticationError(
                "the token store gave no refresh token: it must be a non-empty string without line breaks, or None"
            )
        return stored


async def _ask(doing: str, ask: Callable[[], Awaitable[T]], *secrets: Secret | None) -> T:
    """What a token store gives. Its exceptions stay inside, without `secrets`: frames and texts may show tokens."""
    try:
        return await ask()
    except (Exception, anyio.get_cancelled_exc_class()) as error:  # a store may do what it wants
        if not isinstance(error, Exception) and being_cancelled():
            raise
        reason = sanitize(f"{type(error).__name__}: {error}", *secrets)
    raise AuthenticationError(f"the token store could not {doing}: {reason}")
