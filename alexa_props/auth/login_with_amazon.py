"""Login with Amazon: exchange a refresh token for access tokens, one refresh at a time.

Source: https://developer.amazon.com/docs/login-with-amazon/refresh-token.html
"""

from __future__ import annotations

import copy
import math
import os
import threading
import urllib.parse
from collections.abc import AsyncGenerator, Generator
from typing import Final, Self

import anyio
import attrs
import httpx

from alexa_props.auth.access_token import AccessToken, Need, SharedAccessToken
from alexa_props.auth.refresh_lock import RefreshLock, Turn
from alexa_props.auth.refresh_token import RefreshTokenState, TokenStore
from alexa_props.auth.shared_tokens import SharedLogin, SharedTokens, SharedTurn
from alexa_props.auth.token_endpoint import TOKEN_URL, read_tokens, refusal, refused_with
from alexa_props.call import BESIDE, attached_call
from alexa_props.concurrency import current_loop, is_running, loop_time
from alexa_props.errors import AlexaError, AuthenticationError, ConfigurationError, TransportError
from alexa_props.hooks import logger
from alexa_props.responses import first_string, json_object
from alexa_props.settings import Secret, Unpicklable, require_env, require_https

__all__ = ["TOKEN_URL", "LoginWithAmazon"]

_ADVISORY: Final = 300.0
"""Seconds before expiry: from then on one caller refreshes while the others continue with the old token."""
_MANDATORY: Final = 60.0
"""Seconds before expiry: from then on all callers wait for the new token."""
_AFTER_FAILURE: Final = 10.0
"""Seconds before a failed advisory refresh is tried again."""


_ADVICE: Final = {
    "invalid_grant": (
        " - the refresh token is wrong, belongs to another client, or consent was withdrawn: log in for a new one"
    ),
    "invalid_client": " - client_id or client_secret is wrong: compare them with the security profile",
    "unauthorized_client": " - the security profile is not allowed to use this grant: check its settings",
}
"""Next steps by OAuth error code."""


@attrs.frozen
class _Token:
    access: Secret
    received: float
    life: float

    @classmethod
    def of(cls, stored: AccessToken) -> Self:
        """Return the access token of another process. Its times are those of the wall clock."""
        return cls(stored.value, loop_time() - stored.age, stored.life)

    def left(self, now: float) -> float:
        return self.received + self.life - now

    # A token with a life shorter than the windows would never be fresh, so the windows shrink with it.
    def needs_refresh(self, now: float) -> bool:
        return self.left(now) < min(_ADVISORY, self.life / 4)

    def usable(self, now: float) -> bool:
        return self.left(now) > min(_MANDATORY, self.life / 10)


class _Refresh:
    """A refresh in flight. All callers that wait for it share its outcome."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.error: AlexaError | None = None
        self.token: _Token | None = None
        self.turn: Turn | SharedTurn | None = None

    async def end(self) -> None:
        """Wake the waiters of this login, and let other logins and processes take their turn."""
        self.done.set()
        if self.turn is not None:
            await self.turn.release()


class LoginWithAmazon(Unpicklable, httpx.Auth):
    """Authorizes requests with access tokens from the refresh-token grant.

    Use it as `auth=` of this library's clients or of any `httpx.AsyncClient`. One refresh is in flight however many
    requests wait. A refused token is dropped only if it is still the current one. `401 FORBIDDEN` means a missing
    permission and never causes a refresh. Like a client, it serves one event loop at a time: make one per thread.

    Args:
        client_id: Of the Login with Amazon security profile.
        client_secret: Of the same profile.
        refresh_token: From the authorization-code grant (`Atzr|…`).
        token_url: Token endpoint; https, or http to loopback.
        token_store: Stores the refresh token if the server rotates it. Processes may share one store. The processes of
            one user on one host refresh one after another, each with the token that the store holds by then. On another
            host, a process whose token is refused because it was rotated elsewhere loads the new one from the store.
            If it is an `AccessTokenStore`, one access token serves them all until it expires. With `SharedTokens`, one
            process on any host at a time requests a token, and none of them is refused.

    Raises:
        ConfigurationError: An argument is empty, or the address is not https. From a request: it is in use on another
            event loop that still runs.
        AuthenticationError: From a request, if the token endpoint refuses or the token store fails.

    """

    # The body of a 401 distinguishes a refused token from a missing permission.
    requires_response_body = True

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        token_url: str = TOKEN_URL,
        token_store: TokenStore | SharedTokens | None = None,
    ) -> None:
        self._client_id = client_id
        self._client_secret = Secret(client_secret)
        given = Secret(refresh_token)
        # Before anything may raise: a traceback may be shown with this frame's locals.
        del client_secret, refresh_token
        for name, secret in (
            ("client_id", Secret(client_id)),
            ("client_secret", self._client_secret),
            ("refresh_token", given),
        ):
            if not secret or not secret.reveal().isprintable():
                raise ConfigurationError(f"{name} must be a non-empty string without line breaks")
        self._token_url = require_https("token_url", token_url)
        address = str(self._token_url)
        self._sharing: SharedLogin | SharedAccessToken
        if isinstance(token_store, SharedTokens):
            self._sharing = store = token_store.of_login(client_id, address, given)
            self._refresh_token = RefreshTokenState(given, store)
        else:
            # Without a store, no other process has the token.
            lock = None if token_store is None else RefreshLock(client_id, address)
            self._sharing = SharedAccessToken(token_store, lock)
            self._refresh_token = RefreshTokenState(given, token_store)
        self._token: _Token | None = None
        self._refresh: _Refresh | None = None
        self._not_before = -math.inf
        self._loop: object = None
        self._loop_lock = threading.Lock()

    @classmethod
    def from_env(cls, *, token_store: TokenStore | SharedTokens | None = None) -> Self:
        """Return a login from the environment.

        Reads ALEXA_PROPS_CLIENT_ID, _CLIENT_SECRET and _REFRESH_TOKEN, and _TOKEN_URL if it is set (each beginning with
        ALEXA_PROPS).

        Args:
            token_store: As in the constructor.

        Raises:
            ConfigurationError: A variable is missing or invalid.

        """
        return cls(
            client_id=require_env("ALEXA_PROPS_CLIENT_ID"),
            client_secret=require_env("ALEXA_PROPS_CLIENT_SECRET"),
            refresh_token=require_env("ALEXA_PROPS_REFRESH_TOKEN"),
            token_url=os.environ.get("ALEXA_PROPS_TOKEN_URL") or TOKEN_URL,
            token_store=token_store,
        )

    def __repr__(self) -> str:
        return f"LoginWithAmazon(client_id={self._client_id!r})"

    def sync_auth_flow(
        self,
        request: httpx.Request,  # noqa: ARG002 - httpx's interface
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Raise `ConfigurationError`: a synchronous client cannot wait for a token."""
        raise ConfigurationError("LoginWithAmazon needs an asynchronous client: use httpx.AsyncClient")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize the request, after requesting a token if needed."""
        call = attached_call(request)
        scheme = "Bearer" if call is None else call.token_scheme
        refreshed = call is not None and call.state.refreshed
        await self._adopt_loop()
        for replacing in (False, True):
            token = self._good_token()
            while token is None:
                refresh = self._refresh
                if refresh is not None:
                    token = await self._wait_for(refresh)
                    continue
                self._refresh = refresh = _Refresh()
                try:
                    token = await self._begin(refresh)
                    if token is None:
                        response = yield self._token_request(refresh)
                        if await self._is_grant_invalid(response) and await self._refresh_token.use_another():
                            response = yield self._token_request(refresh)
                            await self._is_grant_invalid(response)
                        token = await self._accept(response, refresh)
                except (AuthenticationError, TransportError) as error:
                    if self._must_wait():
                        refresh.error = _copy_error(error)
                        raise
                    logger.warning("refreshing the access token failed; the current one is still valid: %s", error)
                    token = self._token
                finally:
                    await self._end(refresh)

            request.headers["Authorization"] = ("" if scheme == "bare" else "Bearer ") + token.access.reveal()
            response = yield request
            # At most one refresh per call: if a fresh token is refused too, the token is not the reason.
            if replacing or refreshed or not await _is_token_refused(response):
                return
            if self._token is token:
                self._token = None
                self._sharing.reject(token.access)

    async def _adopt_loop(self) -> None:
        """Move to the running event loop if the previous one has ended."""
        loop = current_loop()
        if loop == self._loop:
            return
        # Two threads may get here at the same time.
        with self._loop_lock:
            if is_running(self._loop):
                raise ConfigurationError(
                    "the login is in use on another event loop that still runs: make one LoginWithAmazon per thread"
                )
            self._loop = loop
            abandoned, self._refresh = self._refresh, None
        if abandoned is not None and abandoned.turn is not None:
            await abandoned.turn.release()

    def _good_token(self) -> _Token | None:
        """Return the current token if it may be used without waiting or refreshing."""
        token, now = self._token, loop_time()
        # A token from the future was timed by another event loop's clock, so its age is unknown.
        if token is None or token.received > now:
            return None
        if token.needs_refresh(now) and not (token.usable(now) and (self._refresh or now < self._not_before)):
            return None
        return token

    async def _begin(self, refresh: _Refresh) -> _Token | None:
        """Prepare a token request; return the token of another process if there is no need for one."""
        found = await self._sharing.obtain(Need(self._is_fresh, self._must_wait))
        if isinstance(found, AccessToken):
            self._token = refresh.token = _Token.of(found)
            return self._token
        refresh.turn = found
        await self._refresh_token.begin()
        return None

    def _is_fresh(self, stored: AccessToken) -> bool:
        """Return whether the access token of another process is fresh."""
        token, now = _Token.of(stored), loop_time()
        if token.needs_refresh(now) and self._token is None and token.usable(now):
            # In case no new one can be had.
            self._token = token
        return not token.needs_refresh(now)

    def _must_wait(self) -> bool:
        """Return whether there is no token that can be used until there is a new one."""
        return self._token is None or not self._token.usable(loop_time())

    async def _end(self, refresh: _Refresh) -> None:
        if refresh.token is None:
            # It failed or was cancelled: while the old token is valid, the next call does not wait for another try.
            self._not_before = loop_time() + _AFTER_FAILURE
        # If the refreshing call was cancelled, one of the waiters takes over.
        if self._refresh is refresh:
            self._refresh = None
        await refresh.end()

    async def _wait_for(self, refresh: _Refresh) -> _Token | None:
        """Return the token of another call's refresh, None if it was cancelled; raise a copy of its error."""
        await refresh.done.wait()
        if refresh.error is not None:
            raise _copy_error(refresh.error)
        # Used however short its life, or each waiter would request another one.
        return (refresh.token if refresh.token is self._token else None) or self._good_token()

    def _token_request(self, refresh: _Refresh) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._token_url,
            headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
            content=urllib.parse.urlencode(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": self._refresh_token.current.reveal(),
                    "client_id": self._client_id,
                    "client_secret": self._client_secret.reveal(),
                }
            ).encode(),
            extensions={BESIDE: refresh.turn.keep} if isinstance(refresh.turn, SharedTurn) else {},
        )

    async def _is_grant_invalid(self, response: httpx.Response) -> bool:
        """Return whether the refresh token was refused, and note it for other processes."""
        if await refused_with(response) != "invalid_grant":
            return False
        await self._refresh_token.note_refusal(self._refusal(response))
        return True

    def _refusal(self, response: httpx.Response) -> AuthenticationError:
        attempt = f"{self._token_url.host} refused to give an access token to client {self._client_id!r}"
        return refusal(response, attempt, _ADVICE, self._client_secret, self._refresh_token.current)

    async def _accept(self, response: httpx.Response, refresh: _Refresh) -> _Token:
        await response.aread()
        received = anyio.current_time()
        if not response.is_success:
            raise self._refusal(response)
        tokens = read_tokens(response)
        await self._refresh_token.finish(tokens.refresh)
        token = _Token(tokens.access, received, tokens.life)
        # First: sharing it may be cancelled.
        self._token = refresh.token = token
        shared = attrs.evolve(tokens, refresh=self._refresh_token.current)
        await self._sharing.share(shared, loop_time() - received)
        return token


async def _is_token_refused(response: httpx.Response) -> bool:
    """Return whether the response is a 401 that a new token may resolve.

    Bulk deletions of alerts also return 401 for a missing permission, and for a result that names endpoints.
    """
    if response.status_code != httpx.codes.UNAUTHORIZED:
        return False
    # A plain httpx client has not read it yet.
    await response.aread()
    body = json_object(response)
    found = body.get("errors")
    entries = found if isinstance(found, list) else []
    if any(first_string(entry, "endpointId") for entry in entries):
        return False
    return "FORBIDDEN" not in (first_string(body, "type"), *(first_string(entry, "code") for entry in [body, *entries]))


def _copy_error(error: AlexaError) -> AlexaError:
    """Return a copy of an error without its traceback.

    Each waiter raises its own: one exception raised in many tasks collects the tracebacks of all. The auth stage makes
    an error per call anyway, but a plain httpx client does not. The refresh holds a copy too, or else its error's
    traceback would hold the refresh.
    """
    again = copy.copy(error)
    again.__cause__ = error.__cause__
    return again
