"""The stage that decides when an attempt is sent: paced from the first one, slower after a refusal.

`controller` sets the rate and `schedule` the turns, `queue` has the waiters, and this module is the path of a request
through them. With `RateLimit(shared=…)`, `record` is what processes share, and `shared_scope` their queue. The path is
two transports, one on either side of the auth stage. An attempt takes its turn before it is signed, so that the
signature is fresh. It is sent after that, so that attempts that waited for the same token are not sent at the same
moment.
"""

from __future__ import annotations

import datetime as dt
import functools
import urllib.parse
import weakref
from collections.abc import Hashable, Mapping
from typing import Final

import anyio
import attrs
import httpx

from alexa_props.call import EXTENSION, Call, ResponseClass, ServiceProtocol, attached_call
from alexa_props.concurrency import loop_time
from alexa_props.errors import ConfigurationError
from alexa_props.hooks import AttemptSent, Hooks
from alexa_props.item import current_item
from alexa_props.learned_limits import is_newer, starting_limits
from alexa_props.limits import Limits, ScopeLimits
from alexa_props.pipeline.lifecycle import Closing
from alexa_props.pipeline.rate_limit.queue import Scope
from alexa_props.pipeline.rate_limit.shared_scope import SharedScope
from alexa_props.responses import parse_retry_after, request_id_in
from alexa_props.settings import RateLimit

__all__ = ["PacingTransport", "RateLimitTransport"]

_named: weakref.WeakValueDictionary[Hashable, Scope] = weakref.WeakValueDictionary()
"""Scopes that clients of this process share by name; each lives while a client uses it."""


def _make(settings: RateLimit, learned: ScopeLimits | None, name: str, host: str, hooks: Hooks) -> Scope:
    if settings.shared is None:
        return Scope(settings, learned)
    # Operations of different hosts have different quotas. A scope that the user names may span hosts.
    scope = urllib.parse.quote(name, safe="~")
    key = f"limit:{host}:{scope}" if settings.scope is None else f"limit:{scope}"
    return SharedScope(settings, learned, settings.shared, key=key, name=name, hooks=hooks)


def _named_scope(settings: RateLimit, learned: ScopeLimits | None, host: str, hooks: Hooks) -> Scope:
    new = _make(settings, learned, str(settings.scope), host, hooks)
    scope = _named.setdefault((settings.scope, settings.shared), new)
    if scope.settings != attrs.evolve(settings, max_wait=scope.settings.max_wait):
        raise ConfigurationError(
            f"RateLimit(scope={settings.scope!r}) is shared with per_second={scope.settings.per_second}, "
            f"burst={scope.settings.burst}: all clients that share a scope need the same settings"
        )
    return scope


def _knowledge(limits: ScopeLimits) -> ScopeLimits:
    """Return what was learned, without what a client does at the moment."""
    return ScopeLimits(
        rate=limits.rate, ceiling=limits.ceiling, paused_until=limits.paused_until, learned_at=limits.learned_at
    )


class RateLimitTransport(httpx.AsyncBaseTransport):
    """Gives each attempt its turn, from one queue per operation or from a shared queue."""

    MAX_SCOPES: Final = 1_000
    """Queues that a client has at most, and as many of what it learned for others."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        protocol: ServiceProtocol,
        settings: RateLimit,
        learned: Mapping[str, ScopeLimits],
        closing: Closing,
        *,
        name: str,
        host: str,
        hooks: Hooks,
    ) -> None:
        self.name = name
        self._closing = closing
        self._host = host
        self._hooks = hooks
        self._inner = inner
        self._protocol = protocol
        self._settings = settings
        now = dt.datetime.now(dt.UTC)
        # Too old: estimates do not use them either.
        self._learned = {name: _knowledge(each) for name, each in learned.items() if starting_limits(each, now)}
        self._scopes: dict[Hashable, Scope] = {}
        if settings.scope is not None:
            self._scopes[settings.scope] = _named_scope(settings, self._learned.get(str(settings.scope)), host, hooks)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a permit, send, and learn from the response."""
        # The retry stage has attached one.
        call: Call = request.extensions[EXTENSION]
        state = call.state
        scope = self._scope(call)
        permit = await scope.acquire(call, self._closing)
        try:
            state.permit = permit
            if isinstance(scope, SharedScope) and scope.probe_due:
                response = await scope.beside(call, functools.partial(self._inner.handle_async_request, request))
            else:
                response = await self._inner.handle_async_request(request)
            # Classifying it may need the body, and a pool of another kind leaves it on the wire.
            await response.aread()
            self._classify(call, request, response)
            if state.response_class is ResponseClass.THROTTLED:
                state.throttled += 1
                await permit.throttled(state.retry_after, state.request_id)
            elif state.response_class is not ResponseClass.TRANSIENT:
                # A service that fails may do so because of too many requests: that confirms no rate.
                await permit.accepted()
            return response
        finally:
            # The permit knows the call: a cycle would keep both until the garbage collector runs.
            state.permit = None
            permit.release()

    def _classify(self, call: Call, request: httpx.Request, response: httpx.Response) -> None:
        """Record what a response means: computed here, once, and read by the other stages, messages and events."""
        state = call.state
        state.response_class = self._protocol.classify(call, response)
        state.status = response.status_code
        if state.response_class is ResponseClass.OK:
            state.request_id = state.retry_after = None
        else:
            state.request_id = request_id_in(response, request)
            state.retry_after = parse_retry_after(response)

    def limits(self) -> Limits:
        """Return the current state and the learned rates, by scope."""
        now = loop_time()
        # Limits that were not used yet are not lost when they are saved again.
        used = {str(key): scope.limits(now) for key, scope in self._scopes.items()}
        return Limits({**self._learned, **used})

    def adopt(self, learned: Mapping[str, ScopeLimits]) -> None:
        """Start with these limits where this client knows nothing newer. Scopes that learn themselves stay."""
        now = dt.datetime.now(dt.UTC)
        used = {str(key): scope for key, scope in self._scopes.items()}
        for name, limits in learned.items():
            if name in used:
                used[name].adopt(limits)
            elif is_newer(limits, self._learned.get(name), now):
                self._learned[name] = _knowledge(limits)

    def _scope(self, call: Call) -> Scope:
        key = call.operation.name if self._settings.scope is None else self._settings.scope
        scope = self._scopes.get(key)
        if scope is None:
            if len(self._scopes) >= self.MAX_SCOPES:
                self._forget_idle()
            name, learned = str(key), self._learned.get(call.operation.name)
            scope = self._scopes[key] = _make(self._settings, learned, name, self._host, self._hooks)
        return scope

    def _forget_idle(self) -> None:
        now = anyio.current_time()
        for key in [key for key, scope in self._scopes.items() if scope.idle()]:
            self._learned[str(key)] = _knowledge(self._scopes.pop(key).limits(now))
        for name in [*self._learned][: -self.MAX_SCOPES]:
            del self._learned[name]


class PacingTransport(httpx.AsyncBaseTransport):
    """Sends an authorized attempt at its turn. Requests of the auth flow itself are no attempts: they are not paced."""

    def __init__(self, inner: httpx.AsyncBaseTransport, closing: Closing, hooks: Hooks) -> None:
        self._inner = inner
        self._closing = closing
        self._hooks = hooks

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the permit's turn, and send."""
        call = attached_call(request)
        if call is not None:
            state, item = call.state, current_item.get()
            if item is not None:
                # Here: a call that is cancelled in the queue has sent nothing, and may be repeated.
                await item.before_sending(call.operation)
            if state.permit is not None:
                await state.permit.send()
            self._closing.check()
            state.sent = "maybe"
            if self._hooks:
                state.sent_at = anyio.current_time()
                self._hooks.emit(AttemptSent(**call.identity, attempt=state.attempts, waited=state.waited))
        return await self._inner.handle_async_request(request)
