"""Login with Amazon: a refresh token becomes access tokens, one refresh at a time.

Source: https://developer.amazon.com/docs/login-with-amazon/refresh-token.html
"""

from __future__ import annotations

import copy
import math
import threading
import urllib.parse
from collections.abc import AsyncGenerator, Generator
from typing import Final

import anyio
import anyio.lowlevel
import attrs
import httpx

from alexa_props.auth.refresh_lock import RefreshLock, Turn
from alexa_props.auth.refresh_token import RefreshTokenState, TokenStore
from alexa_props.auth.token_endpoint import TOKEN_URL, read_tokens, refusal, refused_with
from alexa_props.call import attached_call
from alexa_props.concurrency import is_running, loop_time
from alexa_props.errors import AlexaError, AuthenticationError, ConfigurationError, TransportError
from alexa_props.hooks import logger
from alexa_props.responses import first_string, json_object
from alexa_props.settings import Secret, Unpicklable, require_https

__all__ = ["TOKEN_URL", "LoginWithAmazon"]

_ADVISORY: Final = 300.0
"""Seconds before expiry from which one caller refreshes while the others go on with the old token."""
_MANDATORY: Final = 60.0
"""Seconds before expiry from which everybody waits for the new token."""
_AFTER_FAILURE: Final = 10.0
"""Seconds between two tries of a refresh that is only advisory."""


@attrs.frozen
class _Token:
    access: Secret
    received: float
    life: float

    def left(self, now: float) -> float:
        return self.received + self.life - now

    # A token that lives shorter than the windows would never be fresh: they shrink with it.
    def needs_refresh(self, now: float) -> bool:
        return self.left(now) < min(_ADVISORY, self.life / 4)

    def usable(self, now: float) -> bool:
        return self.left(now) > min(_MANDATORY, self.life / 10)


class _Refresh:
    """A refresh under way: whoever waits for it gets its outcome, not a turn of their own."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.error: AlexaError | None = None
        self.token: _Token | None = None
        self.turn: Turn | None = None

    def end(self) -> None:
        """Let the others know, in this process and on this host."""
        if self.turn is not None:
            self.turn.release()
        self.done.set()


class LoginWithAmazon(Unpicklable, httpx.Auth):
    """Authorizes requests with access tokens that it fetches by the refresh-token grant.

    Works as `auth=` of this library's clients and of any `httpx.AsyncClient`. One refresh is in flight however many
    requests wait; a refused token is dropped only if it is the one that was refused; `401 FORBIDDEN` means missing
    permission, never a refresh. It serves one event loop at a time, as clients do: make one for each thread.

    Args:
        client_id: of the Login with Amazon security profile.
        client_secret: of the same profile.
        refresh_token: from the authorization-code grant (`Atzr|…`).
        token_url: token endpoint; https, or http to loopback.
        token_store: keeps the refresh token if the server rotates it. Processes may share one. Those of one user on one
            host refresh one after the other, each with the token that is in the store by then. On several hosts, one
            whose token is refused because another has had it rotated takes the new one from the store.

    Raises:
        ConfigurationError: an argument is empty, or the address is not https; from a request: it is in use on another
            event loop that still runs.
        AuthenticationError: from a request, when the token endpoint refuses.

    """

    # The body of a 401 says whether the token or the permission is at fault.
    requires_response_body = True

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        token_url: str = TOKEN_URL,
        token_store: TokenStore | None = None,
    ) -> None:
        self._client_id = client_id
        self._client_secret = Secret(client_secret)
        given = Secret(refresh_token)
        # Before anything may raise: a traceback shows what names are bound to.
        del client_secret, refresh_token
        for name, secret in (
            ("client_id", Secret(client_id)),
            ("client_secret", self._client_secret),
            ("refresh_token", given),
        ):
            if not secret or not secret.reveal().isprintable():
                raise ConfigurationError(f"{name} must be a non-empty string without line breaks")
        self._token_url = require_https("token_url", token_url)
        self._kept = RefreshTokenState(given, token_store)
        # A token that is not stored is not shared either.
        self._lock = None if token_store is None else RefreshLock(client_id, str(self._token_url))
        self._token: _Token | None = None
        self._refresh: _Refresh | None = None
        self._not_before = -math.inf
        self._loop: object = None
        self._moving = threading.Lock()

    def __repr__(self) -> str:
        return f"LoginWithAmazon(client_id={self._client_id!r})"

    def sync_auth_flow(
        self,
        request: httpx.Request,  # noqa: ARG002 - the interface's
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Not there: waiting for a token is asynchronous."""
        raise ConfigurationError("LoginWithAmazon needs an asynchronous client: use httpx.AsyncClient")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authorize the request; a request for a token may come first."""
        call = attached_call(request)
        scheme = "Bearer" if call is None else call.token_scheme
        refreshed = call is not None and call.state.refreshed
        self._move()
        for replacing in (False, True):
            token = self._good_token()
            while token is None:
                refresh = self._refresh
                if refresh is not None:
                    token = await self._outcome(refresh)
                    continue
                self._refresh = refresh = _Refresh()
                try:
                    await self._begin(refresh)
                    response = yield self._token_request()
                    if await refused_with(response) == "invalid_grant" and await self._kept.is_replaced():
                        response = yield self._token_request()
                    token = self._token = refresh.token = await self._accept(response)
                except (AuthenticationError, TransportError) as error:
                    if self._token is None or not self._token.usable(anyio.current_time()):
                        refresh.error = _again(error)
                        raise
                    logger.warning("refreshing the access token failed, the old one still serves: %s", error)
                    token = self._token
                finally:
                    self._end(refresh)

            request.headers["Authorization"] = ("" if scheme == "bare" else "Bearer ") + token.access.reveal()
            response = yield request
            # At most one refresh per call: a fresh token that is refused too is not the token's fault.
            if replacing or refreshed or not await _is_token_refused(response):
                return
            if self._token is token:
                self._token = None

    def _move(self) -> None:
        """Serve the running event loop, if the one before has ended."""
        loop = anyio.lowlevel.current_token()
        if loop == self._loop:
            return
        # Two threads may come at the same moment.
        with self._moving:
            if is_running(self._loop):
                raise ConfigurationError(
                    "the login is in use on another event loop that still runs: make one LoginWithAmazon a thread"
                )
            self._loop = loop
            abandoned, self._refresh = self._refresh, None
        if abandoned is not None and abandoned.turn is not None:
            abandoned.turn.release()

    def _good_token(self) -> _Token | None:
        """The present token, if it may be used without waiting or refreshing."""
        token, now = self._token, anyio.current_time()
        # A token from a clock of another event loop would be older than nothing: it is not trusted.
        if token is None or token.received > now:
            return None
        if token.needs_refresh(now) and not (token.usable(now) and (self._refresh or now < self._not_before)):
            return None
        return token

    async def _begin(self, refresh: _Refresh) -> None:
        if self._lock is not None:
            refresh.turn = await self._lock.acquire()
        await self._kept.begin()

    def _end(self, refresh: _Refresh) -> None:
        if refresh.token is None:
            # It failed or was cancelled: while the old token serves, the next call does not wait for the same.
            self._not_before = loop_time() + _AFTER_FAILURE
        # If the one who refreshes is cancelled, one of those who wait takes over.
        if self._refresh is refresh:
            self._refresh = None
        refresh.end()

    async def _outcome(self, refresh: _Refresh) -> _Token | None:
        """What a refresh of somebody else gives; None if it was cancelled. Raises what it met."""
        await refresh.done.wait()
        if refresh.error is not None:
            raise _again(refresh.error)
        # It is used however short its life: else each of those who wait would fetch one more.
        return (refresh.token if refresh.token is self._token else None) or self._good_token()

    def _token_request(self) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._token_url,
            headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
            content=urllib.parse.urlencode(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": self._kept.current.reveal(),
                    "client_id": self._client_id,
                    "client_secret": self._client_secret.reveal(),
                }
            ).encode(),
        )

    async def _accept(self, response: httpx.Response) -> _Token:
        await response.aread()
        received = anyio.current_time()
        if not response.is_success:
            what = f"{self._token_url.host} refused to give an access token to client {self._client_id!r}"
            raise refusal(response, what, _ADVICE, self._client_secret, self._kept.current)
        tokens = read_tokens(response)
        await self._kept.accepted(tokens.refresh)
        return _Token(tokens.access, received, tokens.life)


_ADVICE: Final = {
    "invalid_grant": " - the refresh token is wrong, belongs to another client, or consent was withdrawn",
    "invalid_client": " - client_id or client_secret is wrong",
    "unauthorized_client": " - the security profile is not allowed to use this grant",
}


async def _is_token_refused(response: httpx.Response) -> bool:
    """Whether it is a 401 that a new token may cure.

    The bulk deletions of alerts give that status to a missing permission too, and to a result that names endpoints.
    """
    if response.status_code != httpx.codes.UNAUTHORIZED:
        return False
    # A plain httpx client leaves it on the wire.
    await response.aread()
    body = json_object(response)
    found = body.get("errors")
    entries = found if isinstance(found, list) else []
    if any(first_string(entry, "endpointId") for entry in entries):
        return False
    return "FORBIDDEN" not in (first_string(body, "type"), *(first_string(entry, "code") for entry in [body, *entries]))


def _again(error: AlexaError) -> AlexaError:
    """Return a copy of an error for another waiter: one exception raised in many tasks collects their tracebacks."""
    again = copy.copy(error)
    again.__cause__ = error.__cause__
    return again
