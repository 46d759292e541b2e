"""The stage that decides when an attempt may leave: paced from the first one, slower after a refusal.

`controller` is the arithmetic, `line` the queue in front of it, and this the way of a request through both. It is two
transports, one on either side of the auth stage: an attempt takes its turn before it is signed, so that the signature
is fresh, and leaves after it, so that a wait for a token does not let all who had their turn leave at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Mapping
from typing import Final

import anyio
import attrs
import httpx

from alexa_props.answer import request_id_in
from alexa_props.codec import parse_retry_after
from alexa_props.concurrency import loop_time
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import AttemptSent, Hooks
from alexa_props.limits import Limits, ScopeLimits
from alexa_props.operation import EXTENSION, Call, ServiceProtocol, Verdict, call_of, current_item
from alexa_props.pipeline.door import Exit
from alexa_props.pipeline.rate_limit.line import Scope
from alexa_props.settings import RateLimit

__all__ = ["DepartureTransport", "RateLimitTransport"]

_shared: weakref.WeakValueDictionary[Hashable, Scope] = weakref.WeakValueDictionary()
"""Scopes that clients share by name: alive while a client uses them."""


def _shared_scope(settings: RateLimit, learned: ScopeLimits | None) -> Scope:
    scope = _shared.setdefault(settings.scope, Scope(settings, learned))
    if scope.settings != attrs.evolve(settings, max_wait=scope.settings.max_wait):
        raise ConfigurationError(
            f"RateLimit(scope={settings.scope!r}) is shared with per_second={scope.settings.per_second}, "
            f"burst={scope.settings.burst}: all that share a scope must say the same"
        )
    return scope


def _of_use(limits: ScopeLimits) -> ScopeLimits:
    """What of it is knowledge, and not what some client does at the moment."""
    return ScopeLimits(rate=limits.rate, ceiling=limits.ceiling, paused_until=limits.paused_until)


class RateLimitTransport(httpx.AsyncBaseTransport):
    """Gives each attempt its turn: one line for each operation, or one shared line."""

    MAX_SCOPES: Final = 1_000

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        protocol: ServiceProtocol,
        settings: RateLimit,
        learned: Mapping[str, ScopeLimits],
        way_out: Exit,
    ) -> None:
        self._exit = way_out
        self._inner = inner
        self._protocol = protocol
        self._settings = settings
        self._learned = {name: _of_use(scope) for name, scope in learned.items()}
        self._scopes: dict[Hashable, Scope] = {}
        if settings.scope is not None:
            self._scopes[settings.scope] = _shared_scope(settings, self._learned.get(str(settings.scope)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a permit, send, and learn from the answer."""
        call = call_of(request, self._protocol)
        scope = self._scope(call)
        if call.max_wait is None:
            call.max_wait = self._settings.max_wait
        permit = await scope.acquire(call, self._exit)
        try:
            call.permit = permit
            response = await self._inner.handle_async_request(request)
            # The verdict may need the body, and a pool of another kind leaves it on the wire.
            await response.aread()
            verdict = self._protocol.verdict(call, response)
            if verdict is Verdict.THROTTLED:
                call.refused += 1
                permit.throttled(parse_retry_after(response), request_id_in(response, request))
            elif verdict is not Verdict.TRANSIENT:
                # A service that fails may do so because of too many: that confirms no rate.
                permit.accepted()
            return response
        finally:
            # It knows the call: left there, both would wait for the garbage collector.
            call.permit = None
            permit.release()

    def limits(self) -> Limits:
        """What is known and done now, by scope."""
        now = loop_time()
        # What nobody has used yet is not lost when it is saved again.
        used = {str(key): scope.limits(now) for key, scope in self._scopes.items()}
        return Limits({**self._learned, **used})

    def _scope(self, call: Call) -> Scope:
        shared = self._settings.scope
        key = call.operation.name if shared is None else shared
        scope = self._scopes.get(key)
        if scope is None:
            if len(self._scopes) >= self.MAX_SCOPES:
                self._forget_idle()
            scope = self._scopes[key] = Scope(self._settings, self._learned.get(call.operation.name))
        return scope

    def _forget_idle(self) -> None:
        now = anyio.current_time()
        for key in [key for key, scope in self._scopes.items() if scope.idle()]:
            self._learned[str(key)] = _of_use(self._scopes.pop(key).limits(now))
        for name in [*self._learned][: -self.MAX_SCOPES]:
            del self._learned[name]


class DepartureTransport(httpx.AsyncBaseTransport):
    """Lets an attempt that is authorized leave. Requests of the auth flow's own are nobody's attempt."""

    def __init__(self, way_out: Exit, hooks: Hooks) -> None:
        self._exit = way_out
        self._hooks = hooks

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Leave, and send."""
        call = request.extensions.get(EXTENSION)
        if isinstance(call, Call):
            item = current_item.get()
            if item is not None:
                # Here: whoever is cancelled in line has sent nothing, and may be repeated.
                await item.about_to_leave(call.operation)
            if call.permit is not None:
                await call.permit.leave()
            self._exit.check()
            call.sent = "maybe"
            if self._hooks:
                self._hooks.emit(
                    AttemptSent(
                        call_id=id(call), operation=call.operation.name, attempt=call.attempts, waited=call.waited
                    )
                )
        return await self._exit.handle_async_request(request)
