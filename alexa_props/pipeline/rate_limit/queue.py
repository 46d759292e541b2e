"""The queue for one quota: which attempt is sent next.

State changes by the clock and by the first waiter in the queue, never by a sleeping task.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import threading
from collections import OrderedDict
from typing import Final, Literal

from alexa_props.call import Call, Lane
from alexa_props.concurrency import Waiter, current_loop, loop_time
from alexa_props.errors import ConfigurationError, RateLimitTooLong
from alexa_props.learned_limits import starting_limits
from alexa_props.limits import ScopeLimits
from alexa_props.pipeline.lifecycle import Closing
from alexa_props.pipeline.rate_limit import tuning
from alexa_props.pipeline.rate_limit.controller import Controller, SentRequest
from alexa_props.pipeline.rate_limit.permit import Permit
from alexa_props.settings import RateLimit

__all__ = ["Scope"]

_ROUNDING: Final = 1e-6
"""Seconds by which a wait may seem too long only because it was computed as a sum of times."""

_Queue = OrderedDict[Waiter, bool]
"""Waiters in order, and whether each has a `max_wait`. Cancelled waiters leave from the middle, often thousands at a
time: a deque would be searched for each."""


class Scope:
    """The queue of one quota: first in, first out within a lane."""

    def __init__(self, settings: RateLimit, learned: ScopeLimits | None = None) -> None:
        self.settings = settings
        self._begin(learned)
        self.in_flight = 0
        self.accepted = 0
        self._lanes: dict[Lane | Literal["delayed"], _Queue] = {
            "delayed": OrderedDict(),
            "interactive": OrderedDict(),
            "bulk": OrderedDict(),
        }
        self._permits = itertools.count(1)
        self._bulk_turn = False
        self._seen = 0.0
        self._loop: object = None
        self._thread: threading.Thread | None = None

    def _begin(self, learned: ScopeLimits | None) -> None:
        start = starting_limits(learned, dt.datetime.now(dt.UTC))
        self.controller = Controller(
            self.settings.per_second,
            self.settings.burst,
            rate=None if start is None else start.rate,
            ceiling=None if start is None else start.ceiling,
        )
        self._pause = None if start is None else start.paused_until
        self._known = (self.controller.rate, self.controller.ceiling)
        self._learned_at = None if start is None else start.learned_at
        # Until it is found again.
        self._old_ceiling = None if start is None or learned is None else learned.ceiling

    def adopt(self, learned: ScopeLimits) -> None:
        """Start again with what another client learned, if this one is not in use and has learned nothing."""
        searches = self.controller.ceiling is None and self._old_ceiling is None
        in_use = self.waiting or self.in_flight
        if not in_use and (searches or self.limits(self.now()).learned_at is None):
            self._begin(learned)

    @property
    def waiting(self) -> int:
        """Queued calls."""
        return sum(map(len, self._lanes.values()))

    def idle(self) -> bool:
        """Return whether forgetting the scope would change nothing soon: nothing is in flight, queued or paused."""
        return not self.waiting and not self.in_flight and self.controller.delay(self.now()) <= 0

    async def acquire(self, call: Call, closing: Closing) -> Permit:
        """Wait for a permit, for `max_wait` of the call at most, and until the client closes.

        Cancelling it at any point leaves nothing behind.
        """
        self._enter()
        taken_at = await self.wait(call, closing, call.lane)
        # From here to the caller's `try` there is no await, so nothing can be cancelled.
        self.in_flight += 1
        return Permit(self, call, closing, taken_at)

    async def wait(self, call: Call, closing: Closing, lane: Lane | Literal["delayed"]) -> float:
        """Wait in a lane for a turn, take it, and return its time.

        The lane "delayed" is for attempts that missed their turn. `max_wait` bounds all waits of a call together.
        """
        waited = call.state.waited
        due = self.controller.new_turn_delay if lane == "delayed" else self.controller.delay
        joined = now = self.now()
        if not (self._lanes["delayed"] if lane == "delayed" else self.waiting) and due(now) <= 0:
            self._take(now, lane, held_back=False)
            return now
        self._forget_another_loop()
        self._refuse_long_wait(call, now, waited + due(now) + self._time_for_queue(lane))
        waiter = Waiter()
        queue = self._lanes[lane]
        queue[waiter] = call.max_wait is not None
        closing.waiters.add(waiter)
        try:
            while True:
                closing.check()
                # A waiter that was overtaken while it watched the clock finds out when it wakes.
                first = self._first() is waiter
                delay = due(now)
                if first and delay <= 0:
                    self._take(now, lane, held_back=True)
                    return now
                # A pause that began after it had joined may be too long.
                so_far = waited + now - joined
                self._refuse_long_wait(call, now, so_far + delay)
                if first:
                    await waiter.wait(delay)
                elif not await waiter.wait(None if call.max_wait is None else call.max_wait - so_far):
                    self._refuse_long_wait(call, now, math.inf)
                now = self.now()
        finally:
            call.state.waited += self.now() - joined
            # It may have been removed: another event loop clears the queues.
            queue.pop(waiter, None)
            self.wake()

    def request_ended(self, sent: SentRequest) -> None:  # noqa: ARG002 - for `SharedScope`
        """Record that a request has ended, even without a response."""
        if self.controller.ended(self.now()):
            self.wake()

    def wake(self) -> None:
        """Let the first waiter check the clock again."""
        first = self._first()
        if first is not None:
            first.wake()

    def wake_limited(self) -> None:
        """Let waiters that have a `max_wait` check whether a pause is too long for them."""
        for queue in self._lanes.values():
            for waiter, limited in queue.items():
                if limited:
                    waiter.wake()

    def now(self) -> float:
        """Return the event loop's time."""
        now = loop_time()
        if now < self._seen:  # a clock that went back is another event loop's: trio's begin anywhere
            self.controller.forget_times()
        self._seen = now
        return now

    def limits(self, now: float) -> ScopeLimits:
        """Return the current state and the learned rates."""
        clock = dt.datetime.now(dt.UTC)
        pause = self.controller.paused_until - now
        until = clock + dt.timedelta(seconds=pause) if pause > 0 else self._pause
        rate, ceiling = self.controller.rate, self.controller.ceiling
        if ceiling is None and self._old_ceiling is not None and rate <= self._old_ceiling:
            # The search has not come that far again: nothing is learned yet.
            ceiling = self._old_ceiling
        elif (rate, ceiling) != self._known:
            self._known, self._learned_at = (rate, ceiling), clock
        return ScopeLimits(
            rate=rate,
            ceiling=ceiling,
            waiting=self.waiting,
            in_flight=self.in_flight,
            refused=self.controller.refused,
            paused_until=until if until is not None and until > clock else None,
            last_request_id=self.controller.last_request_id,
            learned_at=self._learned_at,
        )

    def _time_for_queue(self, lane: Lane | Literal["delayed"]) -> float:
        """Return the seconds that the waiters take that would be before one that joined the lane now."""
        ahead = len(self._lanes["delayed"])
        if lane != "delayed":
            ahead += len(self._lanes["interactive"])
        if lane == "bulk":
            ahead += len(self._lanes["bulk"])
        return self.controller.time_for(ahead)

    def _refuse_long_wait(self, call: Call, now: float, wait: float) -> None:
        if call.max_wait is not None and wait > call.max_wait + _ROUNDING:
            allowed, name = call.max_wait, "max_wait"
        elif self.controller.paused_until - now > call.retry.max_retry_after:
            wait, allowed, name = self.controller.delay(now), call.retry.max_retry_after, "max_retry_after"
        else:
            return
        would = "longer" if wait == math.inf else f"{wait:.3g} s"
        raise RateLimitTooLong(
            f"{call.description}: with {self.waiting} call(s) queued at {self.controller.rate:.3g}/s "
            f"it would wait {would}, which is more than {name}={allowed:g} s; call again later, or allow more",
            wait=wait,
            max_wait=allowed,
            operation=call.operation.name,
        )

    def _enter(self) -> None:
        """Check that all waiters belong to this thread: events wake none in another."""
        me = threading.current_thread()
        if self._thread is not me:
            if self._thread is not None and self._thread.is_alive() and not self.idle():
                name = self.settings.scope
                raise ConfigurationError(
                    "the client is in use in another thread: make one client per thread"
                    if name is None
                    else f"RateLimit(scope={name!r}) is in use in another thread: share it within one thread only"
                )
            self._thread = me
        if self._pause is not None:
            # Saved by another process, which had another clock.
            pause = min((self._pause - dt.datetime.now(dt.UTC)).total_seconds(), tuning.LONGEST_PAUSE)
            self.controller.paused_until = max(self.controller.paused_until, self.now() + pause)
            self._pause = None

    def _forget_another_loop(self) -> None:
        if self._loop != (loop := current_loop()):
            # Waiters that are still queued were abandoned with the old loop.
            for abandoned in self._lanes.values():
                abandoned.clear()
            self._loop = loop

    def _take(self, now: float, lane: Lane | Literal["delayed"], *, held_back: bool) -> None:
        if lane != "delayed":
            self.controller.take(now, held_back=held_back)
            self._bulk_turn = next(self._permits) % tuning.BULK_EVERY == 0

    def _first(self) -> Waiter | None:
        delayed, interactive, bulk = self._lanes.values()
        queue = delayed or (bulk if bulk and (self._bulk_turn or not interactive) else interactive)
        return next(iter(queue), None)
