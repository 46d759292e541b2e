"""The line in front of one quota: who leaves next.

State changes by the clock and by whoever is next in line, never by a task that sleeps.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import threading
from collections import OrderedDict
from typing import Final, Literal

import anyio
import anyio.lowlevel

from alexa_props.call import SINGLED_OUT, Call, Lane
from alexa_props.concurrency import Waiter, loop_time
from alexa_props.errors import ConfigurationError, RateLimitTooLong
from alexa_props.limits import ScopeLimits
from alexa_props.pipeline.lifecycle import Closing
from alexa_props.pipeline.rate_limit.controller import Controller, SentRequest
from alexa_props.settings import RateLimit

__all__ = ["Permit", "Scope"]


KEPT: Final = 0.05
"""Seconds after which a turn that was not used is missed."""


class Permit:
    """The right of one attempt to leave. What became of it is said to the scope."""

    __slots__ = ("_call", "_closing", "_departure", "_scope", "_taken_at")

    def __init__(self, scope: Scope, call: Call, closing: Closing, taken_at: float) -> None:
        self._scope = scope
        self._call = call
        self._closing = closing
        self._taken_at = taken_at
        self._departure: SentRequest | None = None

    async def send(self) -> None:
        """Leave now. Whoever was kept (for a token, say) has missed its turn, and takes the next one."""
        scope = self._scope
        now = scope.now()
        if now - self._taken_at > KEPT or scope.controller.late_ones_leave(now):
            # Many may have been kept by the same thing: let go, they would all leave at once.
            left_at = await scope.wait(self._call, self._closing, "late")
            self._departure = scope.controller.left(left_at, late=True, held_back=left_at > now)
        else:
            self._departure = scope.controller.left(now)

    def accepted(self) -> None:
        """It was answered, and not refused."""
        self._scope.accepted += 1
        if self._departure is not None and self._scope.controller.accepted(self._scope.now(), self._departure):
            self._scope.wake()

    def throttled(self, retry_after: float | None, request_id: str | None) -> None:
        """It was refused; whoever watches the clock looks again."""
        if self._departure is not None:
            now, controller = self._scope.now(), self._scope.controller
            if self._is_singled_out():
                controller.refused_alone(request_id)
                return
            controller.throttled(now, self._departure, retry_after, request_id)
            if controller.starved(now):
                self._call.state.stopped_by = f"the limit of {controller.STARVED:g} s without an accepted request"
            self._scope.wake()
            if retry_after:
                self._scope.wake_impatient()

    def _is_singled_out(self) -> bool:
        """Whether the refusal is about what this call asks for, such as one unit, and says nothing of the rate."""
        state, accepted = self._call.state, self._scope.accepted
        since, state.accepted_before = state.accepted_before, accepted
        state.singled_out = 0 if since in (None, accepted) else state.singled_out + 1
        return state.singled_out >= SINGLED_OUT

    def release(self) -> None:
        """It has its answer, or never will."""
        self._scope.in_flight -= 1


class Scope:
    """The line of one quota: first in, first out within a lane."""

    BULK_EVERY: Final = 5
    """While both lanes wait, every so many permits one goes to bulk, so that it never starves."""

    def __init__(self, settings: RateLimit, learned: ScopeLimits | None = None) -> None:
        self.settings = settings
        self.controller = Controller(
            settings.per_second,
            settings.burst,
            rate=None if learned is None else learned.rate,
            ceiling=None if learned is None else learned.ceiling,
        )
        self.in_flight = 0
        self.accepted = 0
        self._pause = None if learned is None else learned.paused_until
        # Who waits, and whether not for ever. Whoever is cancelled leaves from the middle, and often thousands do: a
        # deque would be searched for each.
        self._lanes: dict[Lane | Literal["late"], OrderedDict[Waiter, bool]] = {
            "late": OrderedDict(),
            "interactive": OrderedDict(),
            "bulk": OrderedDict(),
        }
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
        return not self.waiting and not self.in_flight and self.controller.delay(self.now()) <= 0

    def _time_for_line(self, lane: Lane | Literal["late"]) -> float:
        """Seconds that those take who would be before one that joined the lane now."""
        ahead = len(self._lanes["late"])
        if lane != "late":
            ahead += len(self._lanes["interactive"])
        if lane == "bulk":
            ahead += len(self._lanes["bulk"])
        return self.controller.time_for(ahead)

    async def acquire(self, call: Call, closing: Closing) -> Permit:
        """Wait for a permit, `max_wait` of the call at most, and not beyond the end of the way out.

        Cancelled at any point, it leaves nothing behind.
        """
        self._enter()
        taken_at = await self.wait(call, closing, call.lane)
        # From here to the caller's `try` nothing waits, so nothing is cancelled.
        self.in_flight += 1
        return Permit(self, call, closing, taken_at)

    async def wait(self, call: Call, closing: Closing, lane: Lane | Literal["late"]) -> float:
        """Wait in a lane for a turn, and take it: when that was.

        The lane "late" is of those that had a turn already, and wait to leave. `max_wait` bounds all waits of a call
        together.
        """
        waited = call.state.waited
        due = self.controller.late_delay if lane == "late" else self.controller.delay
        joined = now = self.now()
        if not (self._lanes["late"] if lane == "late" else self.waiting) and due(now) <= 0:
            self._take(now, lane, held_back=False)
            return now
        self._forget_another_loop()
        self._refuse_long_wait(call, now, waited + due(now) + self._time_for_line(lane))
        waiter = Waiter()
        line = self._lanes[lane]
        line[waiter] = call.max_wait is not None
        closing.waiters.add(waiter)
        try:
            while True:
                closing.check()
                # Whoever was overtaken while it watched the clock finds out when it rings.
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
            # It may be gone: another event loop forgets who stood in line.
            line.pop(waiter, None)
            self.wake()

    def wake(self) -> None:
        """Let the first in line look at the clock again."""
        first = self._first()
        if first is not None:
            first.wake()

    def wake_impatient(self) -> None:
        """Let those who do not wait for ever see whether a pause is too long for them."""
        for line in self._lanes.values():
            for waiter, impatient in line.items():
                if impatient:
                    waiter.wake()

    def now(self) -> float:
        """The event loop's time."""
        now = loop_time()
        if now < self._seen:  # a clock that went back is another event loop's: trio's begin anywhere
            self.controller.forget_times()
        self._seen = now
        return now

    def limits(self, now: float) -> ScopeLimits:
        """What is known and done now."""
        clock = dt.datetime.now(dt.UTC)
        pause = self.controller.paused_until - now
        until = clock + dt.timedelta(seconds=pause) if pause > 0 else self._pause
        return ScopeLimits(
            rate=self.controller.rate,
            ceiling=self.controller.ceiling,
            waiting=self.waiting,
            in_flight=self.in_flight,
            refused=self.controller.refused,
            paused_until=until if until is not None and until > clock else None,
            last_request_id=self.controller.last_request_id,
        )

    def _refuse_long_wait(self, call: Call, now: float, wait: float) -> None:
        # The wait is reckoned from sums of times: a rounding error is no reason to refuse.
        if call.max_wait is not None and wait > call.max_wait + 1e-6:
            allowed, name = call.max_wait, "max_wait"
        elif self.controller.paused_until - now > call.retry.max_retry_after:
            wait, allowed, name = self.controller.delay(now), call.retry.max_retry_after, "max_retry_after"
        else:
            return
        would = "longer" if wait == math.inf else f"{wait:.3g} s"
        raise RateLimitTooLong(
            f"{call.description}: with {self.waiting} call(s) queued at {self.controller.rate:.3g}/s "
            f"it would wait {would}, which is more than {name}={allowed:g} s",
            wait=wait,
            max_wait=allowed,
            operation=call.operation.name,
        )

    def _enter(self) -> None:
        """See to it that whoever is in line belongs to this thread: events wake nobody in another."""
        me = threading.current_thread()
        if self._thread is not me:
            if self._thread is not None and self._thread.is_alive() and not self.idle():
                shared = self.settings.scope
                raise ConfigurationError(
                    "the client is in use in another thread: make one client per thread"
                    if shared is None
                    else f"RateLimit(scope={shared!r}) is in use in another thread: share it in one thread only"
                )
            self._thread = me
        if self._pause is not None:
            # Saved by another process, whose clock was another one.
            pause = min((self._pause - dt.datetime.now(dt.UTC)).total_seconds(), Controller.LONGEST_PAUSE)
            self.controller.paused_until = max(self.controller.paused_until, self.now() + pause)
            self._pause = None

    def _forget_another_loop(self) -> None:
        if self._loop != (loop := anyio.lowlevel.current_token()):
            # Whoever still stands in line was abandoned with the old one.
            for abandoned in self._lanes.values():
                abandoned.clear()
            self._loop = loop

    def _take(self, now: float, lane: Lane | Literal["late"], *, held_back: bool) -> None:
        if lane != "late":
            self.controller.take(now, held_back=held_back)
            self._bulk_turn = next(self._permits) % self.BULK_EVERY == 0

    def _first(self) -> Waiter | None:
        late, interactive, bulk = self._lanes.values()
        line = late or (bulk if bulk and (self._bulk_turn or not interactive) else interactive)
        return next(iter(line), None)
