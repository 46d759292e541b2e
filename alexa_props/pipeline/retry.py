"""The stage around all attempts of a call: its deadline, its retries, and its events."""

from __future__ import annotations

import random
from typing import Final

import anyio
import attrs
import httpx

from alexa_props.call import EXTENSION, SINGLED_OUT, Call, ResponseClass, ServiceProtocol, attached_call
from alexa_props.concurrency import loop_time
from alexa_props.errors import ConfigurationError, DeadlineExceeded, RateLimitTooLong
from alexa_props.hooks import (
    AttemptEnded,
    AttemptStarted,
    AttemptThrottled,
    CallEnded,
    CallStarted,
    Hooks,
    RetryScheduled,
    log_failure,
)
from alexa_props.item import Limiter, current_item
from alexa_props.pipeline.lifecycle import Closing
from alexa_props.responses import request_id_in
from alexa_props.settings import RetryPolicy
from alexa_props.wire import was_sent

__all__ = ["REPLAY", "CallDefaults", "RetryTransport"]

REPLAY: Final = "alexa_props.replay"
"""Mark on a response: the auth stage has replaced the credentials that were refused, so send the request again."""

_MAX_REFUSALS: Final = 100
"""Refusals that end a call although the service accepts others: it is not refused for the rate."""

_PORTS: Final = {"https": 443, "http": 80}

_TRANSIENT = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)


@attrs.frozen
class CallDefaults:
    """Options of a request that was not made by the client's own methods."""

    protocol: ServiceProtocol
    client: str | None
    region: str | None
    retry: RetryPolicy
    max_wait: float | None

    def attach(self, request: httpx.Request) -> Call:
        """Attach a call with safe defaults to a request."""
        call = Call(
            self.protocol.operation(request),
            self.protocol,
            client=self.client,
            region=self.region,
            lane="interactive" if current_item.get() is None else "bulk",
            max_wait=self.max_wait,
            retry=self.retry,
        )
        # A copy: the caller's dict may serve several requests.
        request.extensions = {**request.extensions, EXTENSION: call}
        return call


class RetryQuota:
    """What a client may spend on retries after faults: a failing service drains it, successes fill it.

    Throttled attempts cost nothing: they were not handled, and the rate limiter already slows them down.
    """

    CAPACITY: Final = 500
    COST: Final = 5

    def __init__(self) -> None:
        self._left = self.CAPACITY

    def spend(self) -> bool:
        """Spend the cost of one retry, and return whether there was enough."""
        if self._left < self.COST:
            return False
        self._left -= self.COST
        return True

    def earn(self) -> None:
        """Give back a little for a success."""
        self._left = min(self._left + 1, self.CAPACITY)


class RetryTransport(httpx.AsyncBaseTransport):
    """Repeats an attempt if that is safe, if the failure may pass, and if attempts, deadline and quota have room."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        defaults: CallDefaults,
        hooks: Hooks,
        closing: Closing,
        *,
        limiter: Limiter,
        max_connections: int,
    ) -> None:
        self._inner = inner
        self._defaults = defaults
        self._limiter = limiter
        self._max_connections = max_connections
        self._hooks = hooks
        self._closing = closing
        self._quota = RetryQuota()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request until it has a final response; raise what the last attempt raised."""
        call = attached_call(request)
        if call is None or call.state.attempts:
            # Not made by the client, or sent again by its owner: then the attached call belongs to the first time.
            call = self._defaults.attach(request)
        item = current_item.get()
        if item is None:
            return await self._logged(request, call)
        item.call_started(self._limiter)
        started = anyio.current_time()
        has_response = False
        try:
            response = await self._logged(request, call)
            has_response = True
            return response
        finally:
            elapsed = loop_time() - started
            item.call_ended(call, has_response=has_response, elapsed=elapsed, connections=self._max_connections)

    async def _logged(self, request: httpx.Request, call: Call) -> httpx.Response:
        """Log one line for a call that failed. Being cancelled is no failure."""
        try:
            response = await self._with_events(request, call)
        except Exception as error:  # any error is logged and raised again
            log_failure(call, error, request)
            raise
        if call.state.response_class is not ResponseClass.OK:
            log_failure(call)
        return response

    async def _with_events(self, request: httpx.Request, call: Call) -> httpx.Response:
        if not self._hooks:
            return await self._until_deadline(request, call)
        started, state = anyio.current_time(), call.state
        # The address is no local variable: the caller may have put a secret in it.
        self._hooks.emit(
            CallStarted(
                **call.identity,
                subject=call.subject,
                method=request.method,
                path=call.operation.path,
                host=request.url.host,
                port=request.url.port or _PORTS.get(request.url.scheme, 0),
            )
        )
        error: str | None = None
        try:
            return await self._until_deadline(request, call)
        except BaseException as failure:  # a cancellation too: the event names it, and it is raised again
            error = type(failure).__name__
            raise
        finally:
            self._hooks.emit(
                CallEnded(
                    **call.identity,
                    status=state.status,
                    error=error,
                    request_id=state.request_id,
                    attempts=state.attempts,
                    refused=state.throttled,
                    waited=state.waited,
                    elapsed=loop_time() - started,
                )
            )

    async def _until_deadline(self, request: httpx.Request, call: Call) -> httpx.Response:
        if call.deadline is None:
            return await self._attempts(request, call)
        if anyio.current_time() < call.deadline:
            with anyio.CancelScope(deadline=call.deadline):
                return await self._attempts(request, call)
        # The deadline had passed, or the scope has cancelled itself: it swallows nothing else.
        state, operation = call.state, call.operation
        outcome = "it may have been sent" if state.sent == "maybe" else "nothing was sent"
        if state.sent == "maybe" and not operation.idempotent:
            outcome += f": {operation.check_advice}"
        raise DeadlineExceeded(
            f"{call.description}: not done within {call.time_limit:g} s, after {state.attempts} attempt(s); {outcome}",
            sent=state.sent,
            operation=operation.name,
            attempts=state.attempts,
        )

    async def _attempts(self, request: httpx.Request, call: Call) -> httpx.Response:
        state = call.state
        last: httpx.Response | httpx.TransportError | None = None
        while True:
            state.attempts += 1
            # What an earlier attempt may have sent stays sent, however this one ends.
            before = state.sent
            try:
                last = await self._attempt(request, call)
            except httpx.TransportError as error:
                last = error
                state.sent = "maybe" if before == "maybe" else was_sent(error)
                again = isinstance(error, _TRANSIENT) and (call.operation.idempotent or state.sent == "no")
                delay = self._delay(call, None) if again else None
            except (RateLimitTooLong, ConfigurationError) as error:
                # It was not sent: the queue is too long, or the client was closed. The last response says more.
                state.sent = before
                if last is None:
                    raise
                state.stopped_by = self._stopped_by(call, error)
                state.attempts, delay = state.attempts - 1, None
            else:
                # Removed: a transport may return the same response again.
                if last.extensions.pop(REPLAY, False):
                    # Its cause is removed: if the next attempt is not made, this response is not the reason.
                    state.forget_response()
                    state.sent, last = before, None
                    continue
                response_class = state.response_class
                # A service that fails may have done it anyway.
                state.sent = "maybe" if response_class is ResponseClass.TRANSIENT else before
                delay = self._delay_after(call)
                if response_class is ResponseClass.THROTTLED and delay == 0:
                    continue
            if delay is None or not await self._pause(call, delay):
                if isinstance(last, httpx.Response):
                    return last
                raise last

    def _stopped_by(self, call: Call, error: RateLimitTooLong | ConfigurationError) -> str:
        if isinstance(error, RateLimitTooLong):
            return f"{'max_wait' if error.max_wait == call.max_wait else 'max_retry_after'}={error.max_wait:g} s"
        return "closing the client" if self._closing.closed else f"an error ({error})"

    async def _pause(self, call: Call, delay: float) -> bool:
        if self._hooks and not self._closing.closed:
            self._hooks.emit(RetryScheduled(**call.identity, attempt=call.state.attempts, delay=delay))
        if await self._closing.pause(delay):
            return True
        call.state.stopped_by = "closing the client"
        return False

    async def _attempt(self, request: httpx.Request, call: Call) -> httpx.Response:
        if not self._hooks:
            return await self._inner.handle_async_request(request)
        started, call.state.sent_at = anyio.current_time(), None
        self._hooks.emit(AttemptStarted(**call.identity, attempt=call.state.attempts))
        status: int | None = None
        request_id: str | None = None
        error: str | None = None
        try:
            response = await self._inner.handle_async_request(request)
            if call.state.request_id is None:
                call.state.request_id = request_id_in(response, request)
            status, request_id = response.status_code, call.state.request_id
            return response
        except BaseException as failure:  # a cancellation too: the event names it, and it is raised again
            error = type(failure).__name__
            raise
        finally:
            ended, sent_at = loop_time(), call.state.sent_at
            self._hooks.emit(
                AttemptEnded(
                    **call.identity,
                    attempt=call.state.attempts,
                    status=status,
                    error=error,
                    request_id=request_id,
                    elapsed=ended - started,
                    exchange=None if sent_at is None else ended - sent_at,
                )
            )

    def _delay_after(self, call: Call) -> float | None:
        state = call.state
        if state.response_class is ResponseClass.OK:
            self._quota.earn()
        if state.response_class is ResponseClass.THROTTLED:
            return self._delay_after_refusal(call)
        if state.response_class is ResponseClass.TRANSIENT and call.operation.idempotent:
            return self._delay(call, state.retry_after)
        return None

    def _delay_after_refusal(self, call: Call) -> float | None:
        """Return seconds before a throttled attempt is queued again: it was not handled, so that is safe.

        Usually 0: the rate limiter decides when it is sent. But a call that is refused while others are accepted would
        take their turns again and again, so it backs off. None if a limit allows no further attempt; the call's state
        then names it.
        """
        policy, state = call.retry, call.state
        if self._hooks:
            self._hooks.emit(
                AttemptThrottled(
                    **call.identity,
                    attempt=state.attempts,
                    retry_after=state.retry_after,
                    request_id=state.request_id,
                )
            )
        asked = state.retry_after or 0.0
        alone = state.singled_out - SINGLED_OUT
        delay = 0.0 if alone < 0 else max(asked, _backoff(policy, alone))
        wait = max(asked, delay)
        if asked > policy.max_retry_after:
            state.stopped_by = f"max_retry_after={policy.max_retry_after:g} s"
        elif call.max_wait is not None and state.waited + wait > call.max_wait:
            state.stopped_by = f"max_wait={call.max_wait:g} s"
        elif _is_past(call, wait):
            state.stopped_by = f"the deadline of {call.time_limit:g} s"
        elif state.throttled >= _MAX_REFUSALS:
            state.stopped_by = f"the limit of {_MAX_REFUSALS} refusals"
        if state.stopped_by is not None:
            return None
        state.waited += delay
        return delay

    def _delay(self, call: Call, asked: float | None) -> float | None:
        """Return seconds before the next attempt; None if a limit allows none, which the call's state then names."""
        policy, state = call.retry, call.state
        failed = state.attempts - state.throttled
        delay = max(_backoff(policy, failed - 1), asked or 0.0)
        if failed >= policy.max_attempts:
            state.stopped_by = f"max_attempts={policy.max_attempts}"
        elif asked is not None and asked > policy.max_retry_after:
            state.stopped_by = f"max_retry_after={policy.max_retry_after:g} s"
        elif _is_past(call, delay):
            state.stopped_by = f"the deadline of {call.time_limit:g} s"
        elif not self._quota.spend():
            state.stopped_by = "the client's retry quota"
        return delay if state.stopped_by is None else None


def _is_past(call: Call, wait: float) -> bool:
    return call.deadline is not None and anyio.current_time() + wait >= call.deadline


def _backoff(policy: RetryPolicy, before: int) -> float:
    """Return a random wait after this number of earlier ones."""
    return random.uniform(0, min(policy.cap, policy.base * 2.0 ** min(before, 60)))  # noqa: S311 - jitter
