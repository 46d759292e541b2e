"""The stage around all attempts of a call: its deadline, its retries, and its events."""

from __future__ import annotations

import random
from typing import Final

import anyio
import httpx

from alexa_props.answer import request_id_in
from alexa_props.codec import parse_retry_after
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
from alexa_props.operation import (
    EXTENSION,
    SINGLED_OUT,
    Call,
    ServiceProtocol,
    Verdict,
    call_of,
    current_item,
    was_sent,
)
from alexa_props.pipeline.door import Exit
from alexa_props.settings import RetryPolicy

__all__ = ["REPLAY", "RetryTransport"]

REPLAY: Final = "alexa_props.replay"
"""Mark on a response: the auth stage has replaced the credentials that were refused, so go round once more."""

_MOST_REFUSALS: Final = 100
"""Refusals that end a call although the service accepts others: it is not the rate that this one is refused for."""

_TRANSIENT = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)


class RetryQuota:
    """What a client may spend on retries after faults: a dying service drains it, successes fill it.

    Throttled attempts cost nothing: they were not handled, and the rate limiter already slows them down.
    """

    CAPACITY: Final = 500
    COST: Final = 5

    def __init__(self) -> None:
        self._left = self.CAPACITY

    def spend(self) -> bool:
        """Take the cost of one retry; False if there is not enough left."""
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
        protocol: ServiceProtocol,
        policy: RetryPolicy,
        hooks: Hooks,
        way_out: Exit,
        *,
        region: str | None,
        max_connections: int,
    ) -> None:
        self._inner = inner
        self._protocol = protocol
        self._region = region
        self._max_connections = max_connections
        self._policy = policy
        self._hooks = hooks
        self._exit = way_out
        self._quota = RetryQuota()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request until it has an answer that stands; raises what the last attempt raised."""
        call = call_of(request, self._protocol)
        if call.attempts:
            # Its owner sends the same request again: the marks on it are of the first time.
            del request.extensions[EXTENSION]
            call = call_of(request, self._protocol)
        # What a request that was not made by the client does not know.
        call.region = call.region or self._region
        call.retry = call.retry or self._policy
        item = current_item.get()
        if item is None:
            return await self._logged(request, call)
        call.lane = call.lane or "bulk"
        started = anyio.current_time()
        verdict: Verdict | None = None
        try:
            response = await self._logged(request, call)
            verdict = call.verdict
            return response
        finally:
            item.ended(
                call,
                verdict=verdict,
                elapsed=loop_time() - started,
                connections=self._max_connections,
            )

    async def _logged(self, request: httpx.Request, call: Call) -> httpx.Response:
        """One line for a call that failed: being cancelled is no failure."""
        try:
            response = await self._with_events(request, call)
        except Exception as error:  # whatever it is goes on
            log_failure(call, error, request)
            raise
        if call.verdict is not Verdict.OK:
            log_failure(call)
        return response

    async def _with_events(self, request: httpx.Request, call: Call) -> httpx.Response:
        if not self._hooks:
            return await self._until_deadline(request, call)
        started = anyio.current_time()
        self._hooks.emit(CallStarted(call_id=id(call), operation=call.operation.name, subject=call.subject))
        error: str | None = None
        try:
            return await self._until_deadline(request, call)
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            self._hooks.emit(
                CallEnded(
                    call_id=id(call),
                    operation=call.operation.name,
                    status=call.status,
                    error=error,
                    request_id=call.request_id,
                    attempts=call.attempts,
                    refused=call.refused,
                    waited=call.waited,
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
        raise DeadlineExceeded(
            f"{call.doing}: not done within {call.time_limit:g} s, {call.attempts} attempt(s) in it; "
            + ("it may have been sent" if call.sent == "maybe" else "nothing was under way"),
            sent=call.sent,
            operation=call.operation.name,
            attempts=call.attempts,
        )

    async def _attempts(self, request: httpx.Request, call: Call) -> httpx.Response:
        last: httpx.Response | httpx.TransportError | None = None
        while True:
            call.attempts += 1
            # What an earlier attempt may have sent stays sent, however this one ends.
            before = call.sent
            try:
                last = await self._attempt(request, call)
            except httpx.TransportError as error:
                last = error
                call.sent = "maybe" if before == "maybe" else was_sent(error)
                again = isinstance(error, _TRANSIENT) and (call.operation.idempotent or call.sent == "no")
                delay = self._delay(call, None) if again else None
            except (RateLimitTooLong, ConfigurationError) as error:
                # It was not sent: too long a line, or the client was closed meanwhile. What the last one met says more.
                call.sent = before
                if last is None:
                    raise
                call.limit = self._kept_from(call, error)
                call.attempts, delay = call.attempts - 1, None
            else:
                if last.extensions.get(REPLAY):
                    # Its cause is mended: should the next attempt not come about, this is not why.
                    call.sent, last = before, None
                    continue
                verdict = self._look_at(last, request, call)
                # A service that fails may have done it all the same.
                call.sent = "maybe" if verdict is Verdict.TRANSIENT else before
                delay = self._delay_after(call, verdict, last)
                if verdict is Verdict.THROTTLED and delay == 0:
                    continue
            if delay is None or not await self._pause(call, delay):
                if isinstance(last, httpx.Response):
                    return last
                raise last

    def _kept_from(self, call: Call, error: RateLimitTooLong | ConfigurationError) -> str:
        if isinstance(error, RateLimitTooLong):
            return f"{'max_wait' if error.max_wait == call.max_wait else 'max_retry_after'}={error.max_wait:g} s"
        return "closing the client" if self._exit.closed else f"an error ({error})"

    async def _pause(self, call: Call, delay: float) -> bool:
        if self._hooks and not self._exit.closed:
            self._hooks.emit(
                RetryScheduled(call_id=id(call), operation=call.operation.name, attempt=call.attempts, delay=delay)
            )
        if await self._exit.pause(delay):
            return True
        call.limit = "closing the client"
        return False

    def _look_at(self, response: httpx.Response, request: httpx.Request, call: Call) -> Verdict:
        """What an answer means, also for those who are told of the call."""
        verdict = self._protocol.verdict(call, response)
        call.verdict, call.status = verdict, response.status_code
        if self._hooks or verdict is not Verdict.OK:
            call.request_id = request_id_in(response, request)
        return verdict

    async def _attempt(self, request: httpx.Request, call: Call) -> httpx.Response:
        if not self._hooks:
            return await self._inner.handle_async_request(request)
        started = anyio.current_time()
        self._hooks.emit(AttemptStarted(call_id=id(call), operation=call.operation.name, attempt=call.attempts))
        status: int | None = None
        request_id: str | None = None
        error: str | None = None
        try:
            response = await self._inner.handle_async_request(request)
            status, request_id = response.status_code, request_id_in(response, request)
            return response
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            self._hooks.emit(
                AttemptEnded(
                    call_id=id(call),
                    operation=call.operation.name,
                    attempt=call.attempts,
                    status=status,
                    error=error,
                    request_id=request_id,
                    elapsed=loop_time() - started,
                )
            )

    def _delay_after_refusal(self, call: Call, response: httpx.Response) -> float | None:
        """Seconds before a throttled attempt is queued again: it was not handled, so that is safe and no failure.

        0, mostly: when it may go is the rate limiter's decision. But a call that is refused while others are
        accepted would take their turns again and again: it waits by itself, ever longer. What forbids another attempt
        is set as the call's limit.
        """
        policy, retry_after = call.retry or self._policy, parse_retry_after(response)
        if self._hooks:
            self._hooks.emit(
                AttemptThrottled(
                    call_id=id(call),
                    operation=call.operation.name,
                    attempt=call.attempts,
                    retry_after=retry_after,
                    request_id=call.request_id,
                )
            )
        asked = retry_after or 0.0
        alone = call.singled_out - SINGLED_OUT
        delay = 0.0 if alone < 0 else max(asked, _drawn(policy, alone))
        wait = max(asked, delay)
        if asked > policy.max_retry_after:
            call.limit = f"max_retry_after={policy.max_retry_after:g} s"
        elif call.max_wait is not None and call.waited + wait > call.max_wait:
            call.limit = f"max_wait={call.max_wait:g} s"
        elif call.deadline is not None and anyio.current_time() + wait >= call.deadline:
            call.limit = f"the deadline of {call.time_limit:g} s"
        elif call.refused >= _MOST_REFUSALS:
            call.limit = f"the limit of {_MOST_REFUSALS} refusals"
        if call.limit is not None:
            return None
        call.waited += delay
        return delay

    def _delay_after(self, call: Call, verdict: Verdict, response: httpx.Response) -> float | None:
        if verdict is Verdict.OK:
            self._quota.earn()
        if verdict is Verdict.THROTTLED:
            return self._delay_after_refusal(call, response)
        if verdict is Verdict.TRANSIENT and call.operation.idempotent:
            return self._delay(call, parse_retry_after(response))
        return None

    def _delay(self, call: Call, asked: float | None) -> float | None:
        """Seconds to wait before the next attempt; None if there is no room for one, which the call then says."""
        policy, failed = call.retry or self._policy, call.attempts - call.refused
        delay = max(_drawn(policy, failed - 1), asked or 0.0)
        if failed >= policy.max_attempts:
            call.limit = f"max_attempts={policy.max_attempts}"
        elif asked is not None and asked > policy.max_retry_after:
            call.limit = f"max_retry_after={policy.max_retry_after:g} s"
        elif call.deadline is not None and anyio.current_time() + delay >= call.deadline:
            call.limit = f"the deadline of {call.time_limit:g} s"
        elif not self._quota.spend():
            call.limit = "the client's retry quota"
        return delay if call.limit is None else None


def _drawn(policy: RetryPolicy, before: int) -> float:
    """The backoff after so many others."""
    return random.uniform(0, min(policy.cap, policy.base * 2.0 ** min(before, 60)))  # noqa: S311 - jitter
