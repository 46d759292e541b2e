"""The tokens of a login for many processes: one of them at a time requests a token, and the others use it."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import random
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

import anyio
import attrs

from alexa_props.auth.access_token import AccessToken, Need
from alexa_props.auth.token_cipher import TokenCipher
from alexa_props.auth.token_endpoint import Tokens
from alexa_props.auth.token_record import TURN, Grant, Holder, Refusal, TokenRecord, fingerprint, pack, unpack
from alexa_props.concurrency import loop_time
from alexa_props.errors import AlexaError, AuthenticationError, ConfigurationError
from alexa_props.hooks import logger
from alexa_props.redaction import sanitize
from alexa_props.settings import Secret, Unpicklable
from alexa_props.shared import HostShared, Shared, SharedUnavailable

__all__ = ["SharedLogin", "SharedTokens"]

T = TypeVar("T")

_RENEWAL: Final = 3.0
"""Seconds between renewals of a turn."""
_POLL: Final = (0.05, 0.15)
"""Shortest and longest pause in seconds between two looks at the store."""
_PATIENCE: Final = 2.0
"""Seconds that a transaction may take: longer than at the rate limiter, because without a token all calls fail."""
_AWAY: Final = 10.0
"""Seconds to wait for a store that does not respond."""
_SHARING: Final = 5.0
"""Seconds to try to share an access token, while the call that received it waits."""
_LONGEST: Final = 300.0
"""Seconds to wait for other processes, of which one after another may fail."""


class SharedTokens(Unpicklable):
    """Shares one login's tokens among processes: `LoginWithAmazon(…, token_store=SharedTokens(shared, key))`.

    One process at a time requests a token, and the others use it until it expires. A refresh token that the server
    rotates replaces the configured one in all processes. A configured one that is new is tried first, so deploying a
    new login is enough to replace the old one.

    Args:
        shared: `HostShared` or `RedisShared`. Use another folder or name for each account.
        key: From `SharedTokens.new_key()`; the tokens are encrypted with it. To replace a key, pass a list with the new
            one first. Only `HostShared`, whose files no other user can read, needs none.

    Raises:
        ConfigurationError: The key is missing or invalid, or the package cryptography is not installed.

    """

    def __init__(self, shared: Shared, key: str | Sequence[str] | None = None) -> None:
        keys = [Secret(each) for each in ([key] if isinstance(key, str) else key or ())]
        # Before anything may raise: a traceback may be shown with this frame's locals.
        del key
        if not isinstance(shared, Shared):
            raise ConfigurationError("SharedTokens needs a HostShared, a RedisShared or another Shared")
        is_private = isinstance(shared, HostShared)
        if not keys and not is_private:
            raise ConfigurationError(
                f"SharedTokens needs a key for {shared.name}, because tokens leave this host: SharedTokens.new_key() "
                f"makes one"
            )
        self._shared = shared
        # Where others may write, a plain record could hold their tokens.
        self._cipher = TokenCipher(keys, reads_plain=is_private)

    @staticmethod
    def new_key() -> str:
        """Return a new random key. Store it like a password."""
        return base64.urlsafe_b64encode(os.urandom(32)).decode()

    def __repr__(self) -> str:
        return f"SharedTokens({self._shared.name!r})"

    def of_login(self, client_id: str, token_url: str, given: Secret) -> SharedLogin:
        """Return the tokens of a login; `LoginWithAmazon` calls it.

        Args:
            client_id: Of the security profile.
            token_url: The token endpoint.
            given: The configured refresh token.

        """
        login = hashlib.sha256(f"{token_url} {client_id}".encode()).hexdigest()[:32]
        return SharedLogin(self._shared, self._cipher, login, given)


@attrs.frozen
class _Applied(Generic[T]):
    """What a transaction left in the store, and its result."""

    record: TokenRecord
    refusals: tuple[Refusal, ...]
    result: T


class SharedTurn:
    """The turn of this process to request a token."""

    def __init__(self, login: SharedLogin) -> None:
        self.mark = secrets.token_hex(8)
        self.may_be_held = False
        self._login = login

    async def keep(self) -> None:
        """Renew the turn until cancelled."""
        while True:
            await anyio.sleep(_RENEWAL)
            await self._update(lambda now: Holder(self.mark, now + TURN))

    async def release(self) -> None:
        """Let the next process take its turn. If the store does not respond, the turn ends by itself."""
        if self.may_be_held:
            self.may_be_held = False
            # A store need not begin a transaction for a task that is cancelled already.
            with anyio.CancelScope(shield=True):
                await self._update(lambda _: None)

    async def _update(self, holder_at: Callable[[float], Holder | None]) -> None:
        def change(record: TokenRecord, now: float) -> tuple[TokenRecord | None, None]:
            if record.holder is None or record.holder.mark != self.mark:
                return None, None
            return attrs.evolve(record, holder=holder_at(now)), None

        try:
            await self._login.update(change)
        except (AuthenticationError, SharedUnavailable) as error:
            logger.debug("the turn to request a token: %s", error)


class SharedLogin(Unpicklable):
    """The tokens of one login in a shared store, as one `LoginWithAmazon` uses them."""

    def __init__(self, shared: Shared, cipher: TokenCipher, login: str, given: Secret) -> None:
        self._shared = shared
        self._cipher = cipher
        self._login = login
        self._given, self._given_print = given, fingerprint(given)
        self._tried = False
        self._known = Grant()
        self._refusals: tuple[Refusal, ...] = ()
        self._rejected: Secret | None = None
        self._in_turn: TokenRecord | None = None
        self._turn: SharedTurn | None = None
        self._version = 0
        self._warned = False

    async def obtain(self, need: Need) -> AccessToken | SharedTurn:
        """Wait for a fresh access token, or for the turn to request one.

        Raises:
            AuthenticationError: The store does not respond or cannot be read, or other processes took too long.

        """
        turn = SharedTurn(self)
        take = functools.partial(self._look_or_take, need=need, turn=turn)
        seen, give_up_at = loop_time(), loop_time() + _LONGEST
        found = None
        try:
            while found is None:
                try:
                    found = await self.update(take)
                    seen = loop_time()
                except SharedUnavailable as error:
                    if not need.is_urgent() or loop_time() - seen >= _AWAY:
                        reason = str(error).removeprefix(f"{self._shared.name}: ")
                        raise AuthenticationError(
                            f"the tokens in {self._shared.name} cannot be read, and no token is requested without "
                            f"them, as that could invalidate the stored one: {reason}"
                        ) from error
                if found is None and loop_time() >= give_up_at:
                    raise AuthenticationError(
                        f"other processes that share the tokens in {self._shared.name} requested one for "
                        f"{_LONGEST:g} s, and got none"
                    )
                if found is None:
                    await _pause()
        finally:
            # Also if it was cancelled: the transaction may have ended before.
            if found is not turn:
                await turn.release()
        if isinstance(found, AccessToken):
            return found
        self._turn = turn
        return turn

    def reject(self, value: Secret) -> None:
        """Note that the service refused an access token, which may be the stored one."""
        self._rejected = value

    async def share(self, tokens: Tokens, age: float) -> None:
        """Store tokens that were received `age` seconds ago, and end the turn. A failure costs one more request."""
        turn = self._turn

        def change(record: TokenRecord, now: float) -> tuple[TokenRecord, None]:
            ours = turn is not None and record.holder is not None and record.holder.mark == turn.mark
            holder, grant = None if ours else record.holder, record.grant
            if grant.version <= self._version:
                grant = grant.after(
                    now, self._given_print, refresh=tokens.refresh, access=tokens.access, received=now - age,
                    life=tokens.life,
                )  # fmt: skip
            return attrs.evolve(record, grant=grant, holder=holder), None

        with anyio.move_on_after(_SHARING, shield=True) as limit:
            await self._insist("sharing the new access token", change)
        if limit.cancelled_caught:
            logger.warning("the new access token is not shared, so another process may request one")
            return
        if turn is not None:
            turn.may_be_held = False

    async def load(self) -> str | None:
        """Return the stored refresh token; None to use the configured one, because it is new."""
        record, self._in_turn = self._in_turn, None
        if record is None:
            record = await self.update(lambda record, _: (None, record))
        self._version = record.grant.version
        refresh = record.grant.refresh if self._knows_given(record.grant) else None
        return None if refresh is None else refresh.reveal()

    async def save(self, refresh_token: str) -> None:
        """Store a rotated refresh token, unless another process has stored one since `load`."""
        rotated = Secret(refresh_token)
        # Before anything may raise: a traceback may be shown with this frame's locals.
        del refresh_token

        def change(record: TokenRecord, now: float) -> tuple[TokenRecord | None, int]:
            grant = record.grant
            if grant.refresh == rotated:
                # An attempt that seemed to fail has stored it.
                return None, grant.version
            if grant.version > self._version:
                return None, self._version
            grant = grant.after(now, self._given_print, refresh=rotated)
            return attrs.evolve(record, grant=grant), grant.version

        self._version = await self._insist("saving the new refresh token", change)

    def known_refusal(self, refresh_token: Secret) -> AuthenticationError | None:
        """Return the error for a refresh token that was refused lately, by the record as it was last read."""
        mine = fingerprint(refresh_token)
        return next((each.error() for each in self._refusals if each.token == mine), None)

    async def note_refusal(self, refresh_token: Secret, error: AuthenticationError) -> None:
        """Store that the token endpoint refused a refresh token, so that other processes do not try it."""
        refused = fingerprint(refresh_token)

        def change(record: TokenRecord, now: float) -> tuple[TokenRecord, None]:
            record = record.with_refusal(
                Refusal(refused, now, str(error), error.error_description, error.status, error.request_id)
            )
            if refused != self._given_print or self._knows_given(record.grant):
                return record, None
            return attrs.evolve(record, grant=record.grant.with_given(refused)), None

        try:
            await self.update(change)
        except SharedUnavailable as away:
            logger.warning("other processes may repeat a refused token request: %s", away)

    async def update(self, change: Callable[[TokenRecord, float], tuple[TokenRecord | None, T]]) -> T:
        """Change the record in one transaction, and return the second result of `change`.

        Raises:
            AuthenticationError: The record must not be changed: it has another key or a newer format.
            SharedUnavailable: The store did not respond.

        """

        def apply(stored: bytes | None, now: float) -> tuple[bytes | None, _Applied[T] | AuthenticationError]:
            found = self._read(stored)
            if isinstance(found, AuthenticationError):
                return None, found
            record = found
            if self._known.version > record.grant.version:
                # The store has lost what this process has seen there.
                record = attrs.evolve(record, grant=self._known)
            changed, result = change(record, now)
            if changed is None and (record is not found or (stored and not self._cipher.is_current(stored))):
                changed = record
            refusals = tuple(each for each in (changed or record).refusals if each.is_current(now))
            applied = _Applied(changed or record, refusals, result)
            return None if changed is None else self._cipher.seal(pack(changed, self._login)), applied

        failure: AlexaError | None = None
        try:
            applied = await self._shared.update(f"token:{self._login}", apply, patience=_PATIENCE)
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            failure = self._failure(error)
        else:
            if isinstance(applied, _Applied):
                self._known, self._refusals = applied.record.grant, applied.refusals
                self._tried = self._knows_given(self._known)
                return applied.result
            failure = applied
        try:
            # Outside the handler: the frames of the store hold the record.
            raise failure
        finally:
            # Its traceback holds this frame.
            del failure

    async def _insist(self, attempt: str, change: Callable[[TokenRecord, float], tuple[TokenRecord | None, T]]) -> T:
        """Change the record as soon as the store responds."""
        reported = False
        while True:
            try:
                return await self.update(change)
            except SharedUnavailable as error:
                if not reported:
                    logger.warning("%s is tried again, because the store did not respond: %s", attempt, error)
                reported = True
            await _pause()

    def _look_or_take(
        self, record: TokenRecord, now: float, *, need: Need, turn: SharedTurn
    ) -> tuple[TokenRecord | None, AccessToken | SharedTurn | None]:
        """Return the access token if it is fresh; else the turn if it is free."""
        grant = record.grant
        age = now - grant.received
        if grant.access is not None and self._knows_given(grant):
            if grant.access == self._rejected:
                record = attrs.evolve(record, grant=attrs.evolve(grant, access=None))
            elif -1 < age < grant.life:
                received = time.time() - max(age, 0.0)
                token = AccessToken(value=grant.access, received_at=received, expires_at=received + grant.life)
                if need.is_fresh(token):
                    return None, token
        if record.held(now) and record.holder is not None and record.holder.mark != turn.mark:
            return None, None
        self._in_turn = record
        turn.may_be_held = True
        return attrs.evolve(record, holder=Holder(turn.mark, now + TURN)), turn

    def _failure(self, error: Exception) -> AlexaError:
        """Return an error without the frames and the secrets of an error that the store raised."""
        reason = str(sanitize(str(error), self._given, self._known.refresh, self._known.access))
        if isinstance(error, SharedUnavailable):
            return SharedUnavailable(reason)
        if isinstance(error, ConfigurationError):
            return self._unusable(reason)
        return SharedUnavailable(f"{self._shared.name}: {type(error).__name__}: {reason}")

    def _unusable(self, reason: object) -> AuthenticationError:
        return AuthenticationError(f"the tokens in {self._shared.name} cannot be used: {reason}")

    def _read(self, stored: bytes | None) -> TokenRecord | AuthenticationError:
        opened = None if stored is None else self._cipher.open(stored)
        if isinstance(opened, AuthenticationError):
            return self._unusable(opened)
        record = None if opened is None else unpack(opened, self._login)
        if record is None and stored is not None and not self._warned:
            self._warned = True
            logger.warning("the tokens in %s are damaged and count as absent", self._shared.name)
        return record or TokenRecord()

    def _knows_given(self, grant: Grant) -> bool:
        """Return whether the configured refresh token was tried, by any process. It was if the store lost that."""
        return self._tried or self._given_print in grant.given or grant.refresh == self._given


async def _pause() -> None:
    await anyio.sleep(random.uniform(*_POLL))  # noqa: S311 - jitter
