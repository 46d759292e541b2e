"""The stage that authorizes an attempt: it drives any `httpx.Auth`, and sends the side requests of its flow."""

from __future__ import annotations

import copy
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

import anyio
import httpx

from alexa_props.call import BESIDE, EXTENSION, attached_call
from alexa_props.concurrency import await_foreign, loop_time
from alexa_props.errors import AuthenticationError, ConfigurationError, TransportError
from alexa_props.pipeline.retry import REPLAY
from alexa_props.redaction import Redactor, remember_secrets, secrets_of

__all__ = ["AuthTransport"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_SIDE_ATTEMPTS: Final = 3
_THROTTLED: Final = 429
_GRACE: Final = 5.0
"""Seconds that a step of a flow may take to end after its caller was cancelled."""
_SIDE_BASE: Final = 0.3
"""Longest wait in seconds before the first retry of a side request; it doubles."""


class AuthTransport(httpx.AsyncBaseTransport):
    """Runs the flow of an `httpx.Auth` around the inner transport.

    Side requests of the flow, such as one for a token, go through the same inner transport and have their own
    small retry policy. When a flow wants to send the API request a second time, this stage does not: it closes the
    flow and returns the response with a mark, so that the second attempt takes a new permit.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, auth: httpx.Auth, origins: Iterable[httpx.URL]) -> None:
        self._inner = inner
        self._auth = auth
        self._origins = dict.fromkeys(map(_origin, origins))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Authorize the request and send it once."""
        if _origin(request.url) not in self._origins:
            allowed = ", ".join(f"{scheme}://{host}:{port}" for scheme, host, port in self._origins)
            raise ConfigurationError(
                f"{request.method} {request.url.path}: this client's credentials are for {allowed}; "
                f"they are not sent to {request.url.host!r}: make another client for it"
            )
        if self._auth.requires_request_body:
            await request.aread()
        flow = self._auth.async_auth_flow(request)
        try:
            return await self._run(flow, request)
        except (TransportError, AuthenticationError) as error:
            # A copy: several calls may get the same error, and each says what it attempted.
            raise _of_call(request, error).with_traceback(error.__traceback__) from error.__cause__
        finally:
            await flow.aclose()

    async def _run(self, flow: AsyncGenerator[httpx.Request, httpx.Response], request: httpx.Request) -> httpx.Response:
        try:
            await self._send_side_requests(flow, await anext(flow), request)
        except StopAsyncIteration:
            raise ConfigurationError(
                f"the flow of {type(self._auth).__name__} ended without yielding the request that it was given"
            ) from None
        call = attached_call(request)
        if call is not None and call.operation.token_header is not None:
            request.headers[call.operation.token_header] = request.headers.get("Authorization", "").rpartition(" ")[2]
        response = await self._inner.handle_async_request(request)
        # A flow may look at it, as digest authentication does for cookies.
        response.request = request
        if self._auth.requires_response_body:
            await response.aread()
        # The flow may replace them, and the next response may still quote the old ones.
        refused = [] if response.is_success else secrets_of(request)
        try:
            await self._send_side_requests(flow, await flow.asend(response), request)
        except StopAsyncIteration:
            return response
        if call is not None and not call.state.refreshed:
            call.state.refreshed = True
            remember_secrets(request, *refused)
            response.extensions[REPLAY] = True
        return response

    async def _send_side_requests(
        self, flow: AsyncGenerator[httpx.Request, httpx.Response], wanted: httpx.Request, request: httpx.Request
    ) -> None:
        """Send what the flow yields, until it yields the API request."""
        while wanted is not request:
            # A token that the service has issued, and rotated, must not get lost because one caller gave up.
            following = await _finish(wanted.extensions.get(BESIDE), self._step, flow, wanted, request)
            if following is None:
                raise StopAsyncIteration
            wanted = following

    async def _step(
        self, flow: AsyncGenerator[httpx.Request, httpx.Response], wanted: httpx.Request, request: httpx.Request
    ) -> httpx.Request | None:
        """Send a side request and return what the flow yields next; None if it has ended."""
        try:
            response = await self._send_side_request(wanted, request)
        except (TransportError, AuthenticationError) as error:
            # The flow may continue without it, or report it to other calls that wait for the same token.
            return await _next(flow.athrow(error))
        return await _next(flow.asend(response))

    async def _send_side_request(self, wanted: httpx.Request, request: httpx.Request) -> httpx.Response:
        """Send a request that the flow yielded.

        Raises:
            TransportError: The last attempt had no response.
            AuthenticationError: A response cannot be read.

        """
        # A flow may copy the request that it was given: the call that travels with that one must not travel with this.
        extensions = {key: value for key, value in wanted.extensions.items() if key not in (EXTENSION, BESIDE)}
        wanted.extensions = {"timeout": request.extensions.get("timeout", {}), **extensions}
        wanted.headers.setdefault("User-Agent", request.headers.get("User-Agent", ""))
        call = attached_call(request)
        sent_before = call is not None and call.state.sent == "maybe"
        left_out = "the call itself was not sent" + (" again" if sent_before else "")
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._inner.handle_async_request(wanted)
                response.request = wanted
                await response.aread()
            except httpx.TransportError as error:
                if attempt == _SIDE_ATTEMPTS:
                    reason = Redactor.of(wanted).sanitize(str(error))
                    raise TransportError(
                        f"asking {wanted.url.host} for authorization failed: {type(error).__name__}: {reason} "
                        f"({attempt} attempts; {left_out})",
                        sent="no",
                        attempts=attempt,
                    ) from error
            except httpx.DecodingError as error:
                reason = Redactor.of(wanted).sanitize(str(error))
                raise AuthenticationError(
                    f"asking {wanted.url.host} for authorization failed: {reason} ({left_out})"
                ) from error
            else:
                if attempt == _SIDE_ATTEMPTS or not (response.is_server_error or response.status_code == _THROTTLED):
                    return response
            await anyio.sleep(random.uniform(0, _SIDE_BASE * 2 ** (attempt - 1)))  # noqa: S311 - jitter


def _of_call(
    request: httpx.Request, error: TransportError | AuthenticationError
) -> TransportError | AuthenticationError:
    """Return the error of one call for an error of the auth flow, which does not know the call."""
    call = attached_call(request)
    if call is None:
        return error
    own = copy.copy(error)
    own.args = (f"{call.description}: {error}",)
    if isinstance(own, TransportError):
        own.sent, own.operation, own.attempts = call.state.sent, call.operation.name, call.state.attempts
    return own


async def _next(wanted: Awaitable[httpx.Request]) -> httpx.Request | None:
    try:
        return await wanted
    except StopAsyncIteration:
        return None


async def _finish(
    beside: Callable[[], Coroutine[Any, Any, None]] | None,
    step: Callable[[Unpack[Ts]], Coroutine[Any, Any, T]],
    *arguments: *Ts,
) -> T:
    """Return what a step returns. If the caller is cancelled, the step has `_GRACE` seconds to end.

    Until it ends, `beside` runs too.

    The step is a task inside this one, because asyncio's `Task.cancel` goes through a shield.
    """
    outcome: list[T] = []
    failure: Exception | None = None
    shield = anyio.CancelScope(shield=True)
    beside_scope = anyio.CancelScope(shield=True)
    done = anyio.Event()

    async def run() -> None:
        nonlocal failure
        try:
            with shield:
                outcome.append(await await_foreign("asking for authorization", step(*arguments)))
        except Exception as error:  # noqa: BLE001 - raised below: out of the group it would replace a cancellation
            failure = error
        finally:
            beside_scope.cancel()
            done.set()

    async def run_beside(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with beside_scope:
            await function()

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            if beside is not None:
                tasks.start_soon(run_beside, beside)
            try:
                await done.wait()
            finally:
                shield.deadline = loop_time() + _GRACE
        if failure is not None:
            raise failure
        return outcome[0]
    finally:
        # Its traceback holds this frame.
        failure = None


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
