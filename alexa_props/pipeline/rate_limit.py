"""The stage that decides when a request may leave: paced from the first one, slower after a refusal.

`Controller` is the arithmetic: events and times in, decisions out, no clock and no waiting of its own. `Scope` is the
queue in front of it. State changes by the clock and by whoever is next in line, never by a task that sleeps.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Hashable
from typing import Final

import anyio
import anyio.lowlevel
import attrs
import httpx

from alexa_props.codec import parse_retry_after
from alexa_props.errors import ConfigurationError, RateLimitTooLong
from alexa_props.operation import Call, Lane, ServiceProtocol, Verdict, call_of, request_id_of
from alexa_props.settings import RateLimit

__all__ = ["Controller", "RateLimitTransport", "Scope", "ScopeLimits"]


@attrs.frozen(kw_only=True)
class ScopeLimits:
    """What the limiter knows and does for one scope, now.

    Attributes:
        rate: requests a second that may leave now.
        ceiling: the rate at which the service last refused; None if it never did.
        waiting: calls in line.
        in_flight: requests under way.
        refused: answers that said "throttled", since the client was made.
        paused_until: nothing leaves before; None when nothing is paused.
        last_request_id: request id of the last refusal.

    """

    rate: float
    ceiling: float | None
    waiting: int
    in_flight: int
    refused: int
    paused_until: dt.datetime | None
    last_request_id: str | None


class Controller:
    """Finds a rate that the service accepts and spaces requests by it.

    With a known quota it paces by schedule and only ever slows down. Without one it starts low, doubles while nothing
    is refused and the rate is what holds requests back, cuts once per congestion event (a refusal of a request that
    was sent before the last cut says nothing new), and then climbs back slowly.
    """

    START: Final = 20.0
    DOUBLE_EVERY: Final = 0.25
    CUT: Final = 0.7
    FLOOR: Final = 0.2
    CLIMB: Final = 0.05
    """Share of the rate by which it climbs in a second after a cut."""
    LATE: Final = 0.02
    """Seconds of waking late that are caught up on."""

    def __init__(self, settings: RateLimit) -> None:
        self._known = settings.per_second
        self._burst = int(settings.burst)
        self.rate = self.START if self._known is None else self._known
        self.ceiling: float | None = None
        self.paused_until = 0.0
        self.refused = 0
        self.last_request_id: str | None = None
        self._due = 0.0
        self._cut_at = -1.0
        self._raised_at: float | None = None

    def delay(self, now: float) -> float:
        """Seconds until the next request may leave; 0 when it may leave now."""
        allowance = (self._burst - 1) / self.rate
        return max(self._due - allowance - now, self.paused_until - now, 0.0)

    def time_for(self, requests: int) -> float:
        """Seconds that so many requests would take, one after the other, as things stand."""
        if self._known is None and self.ceiling is None:
            # While they wait, it doubles: the integral of a rate that grows by a factor of e every so many seconds.
            growth = self.DOUBLE_EVERY / math.log(2)
            return growth * math.log1p(requests / (self.rate * growth))
        return requests / self.rate

    def take(self, now: float, *, held_back: bool) -> None:
        """A request leaves now. `held_back`: the rate is what made it wait, so a higher one would be used."""
        # Behind schedule, it is not the rate that holds requests back: raised further, it would mean nothing.
        kept = held_back and now - self._due <= self.LATE
        # Whoever was held back wakes a little late: the schedule stands. Idle time, on the other hand, is gone.
        self._due = max(self._due, now - self.LATE if held_back else now) + 1 / self.rate
        if kept:
            self._raise(now)
        else:
            self._raised_at = now

    def throttled(self, now: float, sent_at: float, retry_after: float | None, request_id: str | None) -> None:
        """A request that left at `sent_at` was refused."""
        self.refused += 1
        self.last_request_id = request_id
        if retry_after:
            self.paused_until = max(self.paused_until, now + retry_after)
        if sent_at <= self._cut_at:
            return
        self.ceiling = self.rate
        # A known rate may lie below the floor.
        self.rate = min(self.rate, max(self.rate * self.CUT, self.FLOOR))
        self._cut_at = self._raised_at = now
        # What the old rate had planned no longer holds; after a pause, requests leave one by one.
        self._due = max(now + 1 / self.rate, self.paused_until)

    def forget_times(self) -> None:
        """Another clock ticks: what was learned stands, what was planned does not."""
        self._due = self.paused_until = 0.0
        self._cut_at = -1.0
        self._raised_at = None

    def _raise(self, now: float) -> None:
        since = now - (now if self._raised_at is None else self._raised_at)
        self._raised_at = now
        if self.ceiling is None:
            if self._known is None:
                self.rate *= 2 ** (since / self.DOUBLE_EVERY)
            return
        # At most a second's climb at once: a long pause is no reason to leap.
        self.rate *= 1 + self.CLIMB * min(since, 1.0)
        if self._known is not None:
            self.rate = min(self.rate, self._known)


class _Waiter:
    """One call in line. The first in line waits for the clock, all others for their turn."""

    __slots__ = ("lane", "turn")

    def __init__(self, lane: Lane) -> None:
        self.lane: Lane = lane
        self.turn = anyio.Event()


class Scope:
    """The line of one quota: first in, first out within a lane."""

    BULK_EVERY: Final = 5
    """While both lanes wait, every so many permits one goes to bulk, so that it never starves."""

    def __init__(self, settings: RateLimit) -> None:
        self.settings = settings
        self.controller = Controller(settings)
        self.in_flight = 0
        self._lanes: dict[Lane, deque[_Waiter]] = {"interactive": deque(), "bulk": deque()}
        self._permits = itertools.count(1)
        self._bulk_turn = False
        self._seen = 0.0
        self._loop: object = None
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Calls in line."""
        return sum(map(len, self._lanes.values()))

    def idle(self) -> bool:
        """Whether nobody would notice soon if it were forgotten: nothing is under way, planned or paused."""
        return not self.waiting and not self.in_flight and self.controller.delay(self._now()) <= 0

    def expected_wait(self, lane: Lane) -> float:
        """Seconds that a call would wait that joined the line now, as things stand."""
        ahead = self.waiting if lane == "bulk" else len(self._lanes["interactive"])
        return self.controller.delay(self._now()) + self.controller.time_for(ahead)

    async def acquire(self, call: Call, max_wait: float | None) -> None:
        """Wait for a permit, at most `max_wait` seconds. Cancelled at any point, it leaves nothing behind."""
        self._enter()
        joined = self._now()
        self._refuse_long_wait(call, self.expected_wait(call.lane), max_wait)
        if not self.waiting and self.controller.delay(joined) <= 0:
            self._permit(held_back=False)
            return
        waiter = _Waiter(call.lane)
        line = self._lanes[call.lane]
        line.append(waiter)
        try:
            while True:
                waited = self._now() - joined
                # Whoever was overtaken while it watched the clock finds out when it rings.
                if self._first() is not waiter:
                    with anyio.move_on_after(None if max_wait is None else max_wait - waited) as patience:
                        await waiter.turn.wait()
                    if patience.cancelled_caught:
                        self._refuse_long_wait(call, math.inf, max_wait)
                elif (delay := self.controller.delay(self._now())) > 0:
                    # A pause that began after it had joined may be too long.
                    self._refuse_long_wait(call, waited + delay, max_wait)
                    with anyio.move_on_after(delay):
                        await waiter.turn.wait()
                else:
                    self._permit(held_back=True)
                    return
                waiter.turn = anyio.Event()
        finally:
            if waiter in line:
                line.remove(waiter)
            self._wake()

    def _refuse_long_wait(self, call: Call, wait: float, max_wait: float | None) -> None:
        # The wait is reckoned from sums of times: a rounding error is no reason to refuse.
        if max_wait is not None and wait > max_wait + 1e-6:
            allowed, name = max_wait, "max_wait"
        elif call.retry is not None and self.controller.paused_until - self._now() > call.retry.max_retry_after:
            wait, allowed, name = self.controller.delay(self._now()), call.retry.max_retry_after, "max_retry_after"
        else:
            return
        would = "longer" if wait == math.inf else f"{wait:.3g} s"
        raise RateLimitTooLong(
            f"{call.doing}: with {self.waiting} call(s) in line at {self.controller.rate:.3g} a second it would wait "
            f"{would}, which is more than {name}={allowed:g} s",
            wait=wait,
            max_wait=allowed,
            operation=call.operation.name,
        )

    def _enter(self) -> None:
        """See to it that whoever is in line belongs to this thread and this event loop: events wake nobody else."""
        me = threading.current_thread()
        if self._thread is not me:
            if self._thread is not None and self._thread.is_alive() and not self.idle():
                shared = self.settings.scope
                raise ConfigurationError(
                    "the client is in use in another thread: make one client a thread"
                    if shared is None
                    else f"RateLimit(scope={shared!r}) is in use in another thread: share it in one thread only"
                )
            self._thread = me
        if self._loop != (loop := anyio.lowlevel.current_token()):
            # Another event loop: whoever still stands in line was abandoned with the old one.
            for abandoned in self._lanes.values():
                abandoned.clear()
            self._loop = loop

    def release(self) -> None:
        """A request that had a permit has its answer, or never will."""
        self.in_flight -= 1

    def throttled(self, sent_at: float, retry_after: float | None, request_id: str | None) -> None:
        """The service refused a request; whoever watches the clock looks again."""
        self.controller.throttled(self._now(), sent_at, retry_after, request_id)
        self._wake()

    def _now(self) -> float:
        now = anyio.current_time()
        if now < self._seen:  # a clock that went back is another event loop's: trio's begin anywhere
            self.controller.forget_times()
        self._seen = now
        return now

    def _permit(self, *, held_back: bool) -> None:
        self.controller.take(self._now(), held_back=held_back)
        self.in_flight += 1
        self._bulk_turn = next(self._permits) % self.BULK_EVERY == 0

    def _first(self) -> _Waiter | None:
        interactive, bulk = self._lanes["interactive"], self._lanes["bulk"]
        if bulk and (self._bulk_turn or not interactive):
            return bulk[0]
        return interactive[0] if interactive else None

    def _wake(self) -> None:
        first = self._first()
        if first is not None:
            first.turn.set()


_shared: weakref.WeakValueDictionary[Hashable, Scope] = weakref.WeakValueDictionary()
"""Scopes that clients share by name: alive while a client uses them."""


def _shared_scope(settings: RateLimit) -> Scope:
    scope = _shared.setdefault(settings.scope, Scope(settings))
    if scope.settings != attrs.evolve(settings, max_wait=scope.settings.max_wait):
        raise ConfigurationError(
            f"RateLimit(scope={settings.scope!r}) is shared with per_second={scope.settings.per_second}, "
            f"burst={scope.settings.burst}: all that share a scope must say the same"
        )
    return scope


class RateLimitTransport(httpx.AsyncBaseTransport):
    """Gives each attempt its turn: one line for each operation, or one shared line."""

    MAX_SCOPES: Final = 1_000

    def __init__(self, inner: httpx.AsyncBaseTransport, protocol: ServiceProtocol, settings: RateLimit) -> None:
        self._inner = inner
        self._protocol = protocol
        self._settings = settings
        self._scopes: dict[Hashable, Scope] = {}
        if settings.scope is not None:
            self._scopes[settings.scope] = _shared_scope(settings)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a permit, send, and learn from the answer."""
        call = call_of(request, self._protocol)
        scope = self._scope(call)
        asked_at = anyio.current_time()
        await scope.acquire(call, self._settings.max_wait if call.max_wait is None else call.max_wait)
        try:
            sent_at = anyio.current_time()
            call.waited += sent_at - asked_at
            response = await self._inner.handle_async_request(request)
            # The verdict may need the body, and a pool of another kind leaves it on the wire.
            await response.aread()
            if self._protocol.verdict(call, response) is Verdict.THROTTLED:
                call.refused += 1
                scope.throttled(sent_at, parse_retry_after(response), request_id_of(response))
            return response
        finally:
            scope.release()

    def limits(self) -> dict[str, ScopeLimits]:
        """What is known and done now, by scope."""
        try:
            now = anyio.current_time()
        except RuntimeError:  # asked between two event loops: both run on this clock
            now = time.monotonic()
        clock = dt.datetime.now(dt.UTC)
        return {
            str(key): ScopeLimits(
                rate=scope.controller.rate,
                ceiling=scope.controller.ceiling,
                waiting=scope.waiting,
                in_flight=scope.in_flight,
                refused=scope.controller.refused,
                paused_until=clock + dt.timedelta(seconds=scope.controller.paused_until - now)
                if scope.controller.paused_until > now
                else None,
                last_request_id=scope.controller.last_request_id,
            )
            for key, scope in self._scopes.items()
        }

    def _scope(self, call: Call) -> Scope:
        shared = self._settings.scope
        key = call.operation.name if shared is None else shared
        scope = self._scopes.get(key)
        if scope is None:
            if len(self._scopes) >= self.MAX_SCOPES:
                self._forget_idle()
            scope = self._scopes[key] = Scope(self._settings)
        return scope

    def _forget_idle(self) -> None:
        for key in [key for key, scope in self._scopes.items() if scope.idle()]:
            del self._scopes[key]
