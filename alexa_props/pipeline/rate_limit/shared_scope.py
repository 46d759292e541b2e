"""The queue for a quota that several processes share: each turn comes from the record in the store.

While the store cannot be used, the process continues *alone*, with its share of the rate. Once a second a call probes
the store beside its request.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import os
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeVar

import attrs

from alexa_props.call import Call, Lane
from alexa_props.concurrency import Waiter, flattening_task_group, loop_time
from alexa_props.errors import ConfigurationError
from alexa_props.events import SharingBack, SharingLost
from alexa_props.hooks import Hooks, logger
from alexa_props.learned_limits import starting_limits
from alexa_props.limits import ScopeLimits
from alexa_props.pipeline.lifecycle import Closing
from alexa_props.pipeline.rate_limit.controller import Controller, SentRequest
from alexa_props.pipeline.rate_limit.outage import Outage, share_of
from alexa_props.pipeline.rate_limit.permit import MISSED_AFTER, Permit, SharedPermit
from alexa_props.pipeline.rate_limit.queue import Scope
from alexa_props.pipeline.rate_limit.record import Granted, Record, Report, Ticket
from alexa_props.pipeline.rate_limit.shared_record import LostError, SharedRecord
from alexa_props.settings import RateLimit
from alexa_props.shared import Shared

__all__ = ["SharedScope"]

T = TypeVar("T")
_QueueName = Lane | Literal["delayed"]

_LOOK_SEARCHING: Final = 0.05
"""Seconds after which a process with a ticket checks the record while the rate grows."""
_LOOK_PER_MEMBER: Final = 0.0125
"""The same for each member while the rate is held."""
_LOOK: Final = Record.PRESENT / 2
"""The same otherwise, so that the process stays a member."""
_EARLY: Final = 1e-4
"""Seconds by which a timer may be early."""


class SharedScope(Scope):
    """The queue of this process for a shared quota.

    Args:
        settings: With the store in `shared`.
        learned: What to begin with if the store has no record.
        key: The key of the record.
        name: The name of the scope, for messages and events.
        hooks: Receive `SharingLost` and `SharingBack`.

    """

    def __init__(
        self,
        settings: RateLimit,
        learned: ScopeLimits | None,
        store: Shared,
        *,
        key: str,
        name: str,
        hooks: Hooks,
    ) -> None:
        super().__init__(settings, learned)
        self._record = SharedRecord(settings, store, key)
        self._name = name
        self._hooks = hooks
        self._learned = learned
        self._process = 0
        self._member = 0
        self._tickets: dict[_QueueName, Ticket] = {}
        self._turns: dict[_QueueName, deque[SentRequest]] = {}
        self._looked_at = 0.0
        self._reports: list[Report] = []
        self._asking: Waiter | None = None
        self._outage: Outage | None = None

    # What the stage and its permits use.

    @property
    def alone(self) -> bool:
        """Whether the process continues without the store."""
        return self._outage is not None

    def now(self) -> float:
        """Return the event loop's time."""
        if self.alone:
            return super().now()
        # The schedule goes by the clock of the store: that another event loop's differs changes nothing.
        self._seen = loop_time()
        return self._seen

    def time(self) -> float:
        """Return the time by the clock of the store."""
        now, record = self._record.time(), self._record.seen
        if record is not None and now < record.seen - Record.CLOCK_SLACK:
            # It went back. Turns and tickets are of the old time, which would be waited for.
            record.at(now)
            self._tickets.clear()
            self._turns.clear()
            self._looked_at = now
        return now

    async def acquire(self, call: Call, closing: Closing) -> Permit:
        """Wait for a permit, as `Scope.acquire` does."""
        self._enter()
        self._notice_fork()
        taken_at, turn = await self.turn(call, closing, call.lane)
        # From here to the caller's `try` there is no await, so nothing can be cancelled.
        self.in_flight += 1
        return SharedPermit(self, call, closing, taken_at, turn)

    async def turn(self, call: Call, closing: Closing, lane: _QueueName) -> tuple[float, SentRequest | None]:
        """Wait in a lane for a turn; return the event loop's time, and the turn. It is None if the process is alone."""
        waited = call.state.waited
        joined = now = self.now()
        self._forget_another_loop()
        queue = self._lanes[lane]
        self._refuse_wait(call, waited + (0.0 if call.max_wait is None else self._estimate(lane, len(queue))))
        waiter = Waiter()
        queue[waiter] = call.max_wait is not None
        try:
            while True:
                closing.check()
                self._return_if_due(call)
                if self.alone:
                    delay = self._alone_delay(waiter, lane, now)
                    if delay is not None and delay <= 0:
                        self._take(now, lane, held_back=now > joined)
                        return now, None
                else:
                    turn, delay = await self._shared_turn(waiter, lane, call, waited=now > joined)
                    if turn is not None:
                        return now, turn
                # It may have closed during the transaction.
                closing.waiters.add(waiter)
                closing.check()
                so_far = waited + self.now() - joined
                self._refuse_wait(call, so_far + (delay or 0.0))
                if call.max_wait is not None and delay is None:
                    delay = max(0.0, call.max_wait - so_far)
                    if not await waiter.wait(delay):
                        self._refuse_wait(call, math.inf)
                else:
                    await waiter.wait(delay)
                now = self.now()
        finally:
            call.state.waited += self.now() - joined
            # It may have been removed: another event loop clears the queues.
            queue.pop(waiter, None)
            self.wake()

    async def report(self, report: Report, call: Call) -> None:
        """Report the outcome of a request: immediately if it changes the rate, else with the next transaction."""
        if self.alone:
            return
        self._reports.append(report)
        if report.outcome == "throttled" or self.controller.holding:
            while self._asking is not None:
                await self._asking.wait(None)
            if self._reports and not self.alone:
                # The request was sent. The next call raises the error before it sends one.
                with contextlib.suppress(ConfigurationError):
                    await self._ask(None, call, waited=False)

    def request_ended(self, sent: SentRequest) -> None:
        """Report, with the next transaction, that a request has ended."""
        if self.alone:
            super().request_ended(sent)
        elif self.controller.searching:
            self._reports.append(Report(sent, self.time(), "failed"))

    @property
    def probe_due(self) -> bool:
        """Whether the next request should probe the store."""
        outage = self._outage
        return outage is not None and outage.back_at is None and self.now() >= outage.probe_at

    async def beside(self, call: Call, send: Callable[[], Awaitable[T]]) -> T:
        """Probe the store while a request is in flight."""
        async with flattening_task_group(cancelled=False) as tasks:
            tasks.start_soon(self._probe, call)
            return await send()

    def wake(self, *, but: _QueueName | None = None) -> None:
        """Let the first waiter of each lane, but of one, check the clock again."""
        for lane, queue in self._lanes.items():
            if queue and lane != but:
                next(iter(queue)).wake()

    def idle(self) -> bool:
        """Return whether forgetting the scope would change nothing soon."""
        now = self.now() if self.alone else self.time()
        return not self.waiting and not self.in_flight and self.controller.delay(now) <= 0

    def limits(self, now: float) -> ScopeLimits:
        """Return the current state and the learned rates."""
        found = super().limits(now if self.alone else self.time())
        members = self._record.members
        return attrs.evolve(found, members=members, sharing="alone" if self.alone else "yes")

    def adopt(self, learned: ScopeLimits) -> None:
        """Begin with what another client learned if the store has no record. If it has one, that is newer."""
        if self._record.seen is None and not self.alone:
            self._learned = learned
            super().adopt(learned)

    # Turns.

    def _estimate(self, lane: _QueueName, own: int) -> float:
        if self.alone or self._record.seen is None:
            return self.controller.delay(self.now()) + self._time_for_queue(lane) if self.alone else 0.0
        return self._record.seen.time_for(self.time(), _lane(lane), own)

    def _refuse_wait(self, call: Call, wait: float) -> None:
        self._refuse_long_wait(call, self.now() if self.alone else self.time(), wait)

    def _alone_delay(self, waiter: Waiter, lane: _QueueName, now: float) -> float | None:
        """Return the seconds until the waiter's turn; None if others are before it."""
        if self._first() is not waiter:
            return None
        due = self.controller.new_turn_delay if lane == "delayed" else self.controller.delay
        delay = due(now)
        back_at = None if self._outage is None else self._outage.back_at
        return delay if back_at is None else min(delay, max(back_at - now, _EARLY))

    async def _shared_turn(
        self, waiter: Waiter, lane: _QueueName, call: Call, *, waited: bool
    ) -> tuple[SentRequest | None, float | None]:
        """Return the waiter's turn, or the seconds until it should check again; None until it is woken."""
        queue = self._lanes[lane]
        if next(iter(queue), None) is not waiter:
            return None, None
        turns = self._turns.setdefault(lane, deque())
        now = self.time()
        while turns and turns[0].at < now - MISSED_AFTER:
            turns.popleft()
        if not turns:
            if self._asking is not None:
                return None, None
            again = self._ask_at(lane)
            if again > now + _EARLY:
                return None, again - now
            await self._ask(lane, call, waited=waited)
            now = self._looked_at
        if not turns:
            return None, None if self.alone else max(0.0, self._ask_at(lane) - now)
        delay = turns[0].at - now
        return (turns.popleft(), 0.0) if delay <= _EARLY else (None, delay)

    def _ask_at(self, lane: _QueueName) -> float:
        """Return the time of the next transaction for a lane."""
        ticket = self._tickets.get(lane)
        if ticket is None or self._record.seen is None:
            return 0.0
        if self.controller.searching:
            look = _LOOK_SEARCHING
        elif self.controller.holding:
            look = max(_LOOK_SEARCHING, _LOOK_PER_MEMBER * len(self._record.seen.members))
        else:
            look = _LOOK
        return min(ticket.at, self._looked_at + look)

    # Transactions.

    async def _ask(self, lane: _QueueName | None, call: Call, *, waited: bool) -> None:
        """Report, and ask for turns for a lane. Waiters check the result."""
        self._asking = asking = Waiter()
        reports, self._reports = self._reports, []
        want = 0 if lane is None else len(self._lanes[lane])
        ticket = None if lane is None else self._tickets.get(lane)
        try:
            granted = await self._update(
                lambda record, now: record.ask(
                    now,
                    self._member,
                    _lane(lane),
                    want,
                    ticket=ticket,
                    waited=waited,
                    reports=reports,
                )
            )
        except LostError as error:
            self._lose(str(error), call)
        except BaseException:  # cancelled: a report that was stored already is no news the second time
            self._reports = [*reports, *self._reports]
            raise
        else:
            epoch = None if self._record.seen is None else self._record.seen.epoch
            self._looked_at = now = self.time()
            if self._record.seen is not None:
                if self._record.seen.epoch != epoch:
                    # The clock went back during the transaction.
                    granted = Granted((), None)
                # Reports may have changed the schedule. Places of another record, such as a lost one, mean nothing.
                self._tickets = {
                    each: self._record.seen.renew(now, _lane(each), held)
                    for each, held in self._tickets.items()
                    if held.epoch == self._record.seen.epoch
                }
            if lane is not None:
                self._turns.setdefault(lane, deque()).extend(granted.turns)
                self._tickets.pop(lane, None)
                if granted.ticket is not None:
                    self._tickets[lane] = granted.ticket
            if (reason := self._record.too_far()) is not None:
                self._lose(reason, call)
        finally:
            self._asking = None
            asking.wake()
            # The waiter that asked uses the result: it is awake.
            self.wake(but=lane)

    async def _update(self, act: Callable[[Record, float], T]) -> T:
        """Let a function change the record; raises as `SharedRecord.update` does."""
        result = await self._record.update(act, self._start, hurry=self.alone)
        if not self.alone and self._record.seen is not None:
            last, self.controller = self.controller.last_request_id, self._record.seen.controller
            self.controller.last_request_id = last
        return result

    def _start(self) -> Controller:
        """Return a new controller, with what was learned before."""
        learned = starting_limits(self._learned, dt.datetime.now(dt.UTC))
        controller = Controller(
            self.settings.per_second,
            self.settings.burst,
            rate=None if learned is None else learned.rate,
            ceiling=None if learned is None else learned.ceiling,
        )
        if self.controller.paused_until:
            controller.paused_until = self.time() + self.controller.paused_until - self.now()
        return controller

    # Without the store.

    def _lose(self, reason: str, call: Call) -> None:
        """Continue alone, with this process's share of what is known."""
        if self.alone:
            return
        now, time = self.now(), None if self._record.seen is None else self.time()
        self.controller = share_of(self.controller, self.settings, self._record.members, time=time, now=now)
        self._outage = Outage(now)
        self._tickets.clear()
        self._turns.clear()
        self._reports.clear()
        message = (
            "the rate limit of %s is not shared through %s: %s; this process continues alone"
            if time is None
            else "the rate limit of %s is no longer shared through %s: %s; this process continues with its share"
        )
        logger.warning(message, self._name, self._record.store, reason)
        self._emit(SharingLost, call, reason=reason)
        self.wake()

    async def _probe(self, call: Call) -> None:
        """Check whether the store can be used again, and arrange the return."""
        outage = self._outage
        if outage is None:
            return
        outage.postpone_probe(self.now())
        far = self._record.too_far(again=True) is not None

        def rejoin(record: Record, now: float) -> float:
            return record.rejoin(now, self._member, returns=not far)

        try:
            since = await self._update(rejoin)
        except LostError:
            return
        except ConfigurationError as error:
            # Raised, it would end the request beside it.
            if outage.unusable != (reason := str(error)):
                outage.unusable = reason
                logger.warning(
                    "the rate limit of %s cannot be shared through %s again: %s", self._name, self._record.store, reason
                )
            return
        if self._record.too_far(again=True) is None:
            # The clock may have gone back meanwhile.
            outage.back_at = self.now() + min(since - self.time(), Record.RETURN_AFTER)
            self._return_if_due(call)
            self.wake()

    def _return_if_due(self, call: Call) -> None:
        outage, record = self._outage, self._record.seen
        if outage is None or record is None or outage.back_at is None or self.now() < outage.back_at:
            return
        seconds = self.now() - outage.began
        self._outage, self.controller = None, record.controller
        logger.warning(
            "the rate limit of %s is shared through %s again, after %.1f s", self._name, self._record.store, seconds
        )
        self._emit(SharingBack, call, seconds=seconds)

    def _emit(self, event: Callable[..., SharingLost | SharingBack], call: Call, **fields: object) -> None:
        if self._hooks:
            self._hooks.emit(event(**call.identity, store=self._record.store, scope=self._name, **fields))

    # Other processes and event loops.

    def _notice_fork(self) -> None:
        if self._process != os.getpid():
            self._process, self._member = os.getpid(), random.SystemRandom().getrandbits(32)
            self._tickets.clear()
            self._turns.clear()
            self._reports.clear()
            self._asking = None

    def _forget_another_loop(self) -> None:
        before = self._loop
        super()._forget_another_loop()
        if self._loop != before:
            self._asking = None
            if self._outage is not None:
                self._outage.forget_times(self.now())


def _lane(queue: _QueueName | None) -> Lane:
    """Return the lane whose places a queue uses. Requests that missed their turn have waited already."""
    return "bulk" if queue == "bulk" else "interactive"
