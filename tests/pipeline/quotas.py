"""Quotas of several kinds, and a run of the rate controller against one in virtual time, without an event loop."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import attrs

from alexa_props.pipeline.rate_limit.controller import Controller, SentRequest

Rate: TypeAlias = "float | Callable[[float], float]"
Quota: TypeAlias = Callable[[float], bool]
"""Whether a request that arrives at a time is accepted. Times do not go back."""


def _rate(rate: Rate, time: float) -> float:
    return rate(time) if callable(rate) else rate


def bucket(rate: Rate, burst: float) -> Quota:
    """So many requests per second, and `burst` together after a while without requests."""
    left, at = burst, 0.0

    def accepts(time: float) -> bool:
        nonlocal left, at
        left, at = min(burst, left + (time - at) * _rate(rate, time)), time
        if left < 1 - 1e-9:
            return False
        left -= 1
        return True

    return accepts


def window(rate: float, seconds: float = 1.0) -> Quota:
    """So many requests per second in each window of the service's clock, at any time in it."""
    used: dict[int, int] = {}

    def accepts(time: float) -> bool:
        now = math.floor(time / seconds + 0.37)
        used[now] = used.get(now, 0) + 1
        return used[now] <= rate * seconds

    return accepts


def shared(quota: Quota, rate: Rate) -> Quota:
    """A quota of which another client takes so many requests per second."""
    theirs = 0.0

    def accepts(time: float) -> bool:
        nonlocal theirs
        while theirs <= time:
            quota(theirs)
            theirs += 1 / _rate(rate, theirs)
        return quota(time)

    return accepts


@attrs.define
class Run:
    """When the service accepted and refused, and how many calls failed."""

    accepted: list[float] = attrs.Factory(list)
    refused: list[float] = attrs.Factory(list)
    lost: int = 0

    @property
    def refused_share(self) -> float:
        return len(self.refused) / (len(self.refused) + len(self.accepted))

    def per_second(self, begin: float = 0.0, end: float = math.inf) -> float:
        """Accepted requests per second between two times; without an end, until the last one."""
        accepted = [time for time in self.accepted if begin <= time < end]
        return len(accepted) / ((accepted[-1] if end == math.inf else end) - begin)


@attrs.define
class _Service:
    """Calls that are queued, in flight or waiting for a retry, on a clock that jumps from event to event."""

    controller: Controller
    quota: Quota
    latency: float
    retry_after: float | None
    chance: random.Random
    queue: deque[int]
    run: Run = attrs.Factory(Run)
    now: float = 0.0
    done: int = 0
    _held_back: bool = False
    _events: list[tuple[float, int, Callable[[], None]]] = attrs.Factory(list)
    _order: Iterator[int] = attrs.Factory(itertools.count)

    def step(self) -> None:
        """Send what may be sent now, then advance to the next event."""
        while self.queue and self.controller.delay(self.now) <= 1e-12:
            self._send(self.queue.popleft() + 1)
        self._held_back = bool(self.queue)
        delay = self.controller.delay(self.now) + 0.0005 * self.chance.random() if self.queue else math.inf
        if self._events and self._events[0][0] <= self.now + delay:
            self.now, _, happens = heapq.heappop(self._events)
            happens()
        else:
            self.now += delay

    def _later(self, seconds: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), happens))

    def _send(self, attempts: int) -> None:
        self.controller.take(self.now, held_back=self._held_back)
        way = self.latency * (1 + 0.2 * self.chance.random()) / 2
        self._later(way, partial(self._arrives, self.controller.send(self.now), attempts, way))

    def _arrives(self, sent: SentRequest, attempts: int, way: float) -> None:
        accepted = self.quota(self.now)
        (self.run.accepted if accepted else self.run.refused).append(self.now)
        self._later(way, partial(self._accepted if accepted else self._refused, sent, attempts))

    def _accepted(self, sent: SentRequest, _: int) -> None:
        self.controller.accepted(self.now, sent)
        self.done += 1

    def _refused(self, sent: SentRequest, attempts: int) -> None:
        self.controller.throttled(self.now, sent, self.retry_after, None)
        if attempts < 4:
            wait = max(self.retry_after or 0, self.chance.uniform(0, 0.5 * 2 ** (attempts - 1)))
            self._later(wait, partial(self.queue.append, attempts))
        else:
            self.run.lost += 1
            self.done += 1


def run(
    controller: Controller,
    quota: Quota,
    *,
    calls: int,
    latency: float,
    until: float = math.inf,
    seed: int = 1,
    retry_after: float | None = None,
) -> Run:
    """Send calls through the controller: all are queued from the beginning.

    The latency varies by a fifth, a timer rings up to half a millisecond late, and a refused call is queued again after
    a random wait of up to 0.5, 1 and 2 s and fails after the fourth attempt, as by default.
    """
    service = _Service(controller, quota, latency, retry_after, random.Random(seed), deque([0] * calls))
    while service.done < calls and service.now < until:
        service.step()
    return service.run
