"""The arithmetic of an unknown rate: events and times in, decisions out. It has no clock and never waits.

A refusal means that the quota is used up. So between two refusals the service accepted exactly what the quota gave,
however large its burst allowance and however long its responses take.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["RECORD_LENGTH", "Controller", "SentRequest"]


class SentRequest(NamedTuple):
    """A request that was sent: its number, when it was sent, and at which rate."""

    number: int
    at: float
    rate: float


class _Mark(NamedTuple):
    """A moment at which the quota was used up: how many were sent by then, when, and how many of them were refused."""

    number: int
    at: float
    refused: int


# The state, by kind and in the order of a record: a change of these is another format of records.
_NUMBERS: Final = (
    "rate",
    "paused_until",
    "_next",
    "_due",
    "_delayed_until",
    "_sent_at",
    "_latency",
    "_confirmed",
    "_pause",
    "_cost",
    "_share",
    "_resumed_at",
    "_refused_at",
)
_OPTIONAL: Final = ("_ceiling", "_starving_since", "_raised_at", "_passed_at", "_opened_at")
_COUNTS: Final = ("refused", "_number", "_cut", "_accepted", "_accepted_before")
_FLAGS: Final = ("_holding", "_closed", "_sure", "_answered")
_MARKS: Final = ("_anchor", "_last")
_NONE: Final = (math.nan,) * 3
_STATE: Final = operator.attrgetter(*_NUMBERS, *_OPTIONAL, *_COUNTS, *_FLAGS, *_MARKS)

RECORD_LENGTH: Final = len(_NUMBERS + _OPTIONAL + _COUNTS + _FLAGS) + 3 * len(_MARKS)


class Controller:
    """Finds the rate that a service accepts, and spaces requests by it.

    It *searches* until the first refusal: the rate doubles while it is the rate that holds requests back and responses
    confirm it. A refusal shows the *ceiling*. From then on it *cruises*: just below the ceiling, slowly rising, and
    faster once responses confirm that the ceiling is passed. The next refusal measures the ceiling again. After an
    unexpected refusal (the first, one far above the ceiling, one too soon after the last to measure) it *holds*: one
    request per latency, until a response to one of them shows that there is room again.

    While it holds, each refusal of a probe halves the rate: the quota opens by its own clock. Then it begins at no more
    than what the quota gave from one opening to the next.

    A refusal of a request that was sent before the last cut is not news: each congestion event cuts once. A known quota
    is the initial rate, and the rate never exceeds it. One response pauses all requests for an hour at most.
    """

    START: Final = 20.0
    """Requests per second at the start."""
    UNANSWERED: Final = 4
    """Requests after which the distances double at the start of a search, until one of them has ended."""
    FASTEST: Final = 100_000.0
    """Requests per second that a stored record may hold at most."""
    FLOOR: Final = 0.02
    """Requests per second below which no refusal brings the rate."""
    DOUBLE: Final = 0.25
    """Seconds in which the rate at most doubles."""
    PATIENCE: Final = 1.5
    """Latencies in which the rate at most doubles, so that responses can confirm it."""
    LEAD: Final = 2.0
    """How many times the confirmed rate the rate may be while it searches."""
    CRUISE_LEAD: Final = 1.25
    """The same while cruising."""
    MARGIN: Final = 0.97
    """Share of the ceiling at which cruising begins."""
    CLIMB: Final = 0.03
    """Share by which the rate climbs per second. Every probe for more costs a refusal, so it is less at low rates."""
    CLIMB_FULL: Final = 50.0
    """Requests per second above which it climbs by the full share."""
    PASSED: Final = 1.01
    """Share of the ceiling above which the ceiling seems to have risen."""
    ACCELERATE: Final = 0.15
    """Seconds in which the climbing then doubles."""
    SURPRISE: Final = 1.25
    """Share of the ceiling above which a refusal means that the ceiling no longer holds."""
    ENOUGH: Final = 8
    """Accepted requests that make a measurement."""
    GENTLE: Final = 0.9
    """Least share of the rate that remains after a refusal that made a measurement."""
    HARD: Final = 0.75
    """Share of the ceiling that remains after an unexpected refusal."""
    SOFT: Final = 0.95
    """The same if nothing suggests that the ceiling is far off."""
    PAUSE_COSTS: Final = 10.0
    """How much slower it climbs per second that a refusal costs (`Retry-After`)."""
    COSTLY: Final = 10.0
    """Seconds above which the cost counts no more: else a rising quota would not be followed."""
    LONGEST_PAUSE: Final = 3600.0
    """Seconds for which one response may pause all requests; then one of them probes again."""
    STARVED: Final = 120.0
    """Seconds of nothing but refusals after which throttled calls fail."""
    LATE: Final = 0.05
    """Seconds of waking late that are made up for."""
    CATCH_UP: Final = 5
    """Requests sent at the same moment to make up for it, at most."""

    def __init__(
        self, known: float | None, burst: int, *, rate: float | None = None, ceiling: float | None = None
    ) -> None:
        """`known` is the configured quota; `rate` and `ceiling` were learned before. None if unknown."""
        self._max = math.inf if known is None else known
        self._burst = burst
        self._ceiling = known if ceiling is None else min(ceiling, self._max)
        self.rate = min(max(self.START if rate is None else rate, self.FLOOR), self._max)
        if self._ceiling is not None:
            self.rate = self._max if self._ceiling == self._max else self._cruising()
        self.refused = 0
        self.paused_until = 0.0
        self.last_request_id: str | None = None
        self._next = self._due = self._delayed_until = self._sent_at = 0.0
        self._number = self._cut = self._accepted = self._accepted_before = 0
        self._latency = self._confirmed = self._pause = self._cost = 0.0
        self._resumed_at = -math.inf
        self._starving_since: float | None = None
        self._refused_at = -math.inf
        self._raised_at: float | None = None
        self._passed_at: float | None = None
        self._opened_at: float | None = None
        self._anchor: _Mark | None = None
        self._last: _Mark | None = None
        self._holding = self._closed = self._answered = False
        self._sure = True
        self._share = 1.0

    @property
    def ceiling(self) -> float | None:
        """Requests per second that the service seems to accept; None until it has refused one."""
        return None if self._ceiling is None else min(max(self._ceiling, self._confirmed), self._max)

    @property
    def searching(self) -> bool:
        """Whether the ceiling is unknown: the rate may double soon."""
        return self._ceiling is None

    @property
    def holding(self) -> bool:
        """Whether one request per latency is sent, until one is accepted."""
        return self._holding

    def delay(self, now: float, ahead: float = 0.0) -> float:
        """Return the seconds until the next turn, or until so many turns after it; 0 if it is now."""
        return max(self._next + ahead / self.rate - self._allowance() - now, self.paused_until - now, 0.0)

    def new_turn_delay(self, now: float) -> float:
        """Return the seconds until a request that missed its turn may be sent."""
        # Requests that are delayed equally long keep their distances, up to rounding: that is no reason to wait.
        tolerance = 0.1 / self.rate
        return max(self._due - self._allowance() - tolerance - now, self.paused_until - now, 0.0)

    def is_sending_delayed(self, now: float) -> bool:
        """Return whether a delayed request was sent so recently that one more now would exceed the rate."""
        return now < self._delayed_until - 0.1 / self.rate

    def time_for(self, requests: int) -> float:
        """Return the seconds that this many requests would take, one after the other, at the current rate."""
        if self._ceiling is None:
            # The rate doubles while they wait: this is the integral of a rate that grows exponentially.
            growth = self._doubling() / math.log(2)
            return growth * math.log1p(requests / (self.rate * growth))
        return requests / (self._cruising() if self._holding else self.rate)

    def take(self, now: float, *, held_back: bool) -> None:
        """Take the next turn. `held_back`: a request waited for it."""
        # A waiter wakes a little late: the schedule stands. Idle time is lost.
        late = min(self.LATE, self.CATCH_UP / self.rate) if held_back else 0.0
        # Behind schedule it is not the rate that holds requests back: raising it further would mean nothing.
        raising = held_back and now - self._next <= late and not self._holding
        step = 1 / self.rate
        if self._ceiling is None and not self._answered:
            # Each of them may be refused, whatever the quota is.
            step *= 2.0 ** min(max(0, self._number + 1 - self.UNANSWERED), 10)
        self._next = max(self._next, now - late) + step
        if raising and self._raised_at is not None:
            # At most one second's climb: a long pause is no reason for a leap.
            since = min(now - self._raised_at, 1.0)
            self.rate = max(self.rate, min(self._max, self._searched(since) or self._climbed(now, since)))
        self._raised_at = now

    def send(self, now: float, *, delayed: bool = False, held_back: bool = False) -> SentRequest:
        """Record that a request is sent.

        Args:
            now: The time.
            delayed: It missed its turn.
            held_back: It waited for others that missed theirs.

        """
        self._due = max(self._due, now) + 1 / self.rate
        if delayed:
            self._delayed_until = self._due
        if held_back:
            # No turns while delayed requests are sent: together they would exceed the rate.
            self._next = max(self._next, self._due)
        self._number += 1
        if self._opened_at is None:
            self._opened_at, self._accepted_before = now, self._accepted
        self._sent_at = max(self._sent_at, now)
        return SentRequest(self._number, now, self.rate)

    @property
    def answered(self) -> bool:
        """Whether a request has ended."""
        return self._answered

    def ended(self, now: float) -> bool:
        """Record that a request has ended, even without a response; return whether the next turn is now earlier."""
        if self._answered:
            return False
        self._answered = True
        if self._ceiling is None:
            self._next = min(self._next, now + 1 / self.rate)
        return self._ceiling is None

    def accepted(self, now: float, sent: SentRequest) -> bool:
        """Record that a request was not refused; return whether the next turn is now earlier than before."""
        self._starving_since = None
        self._learn_latency(now - sent.at)
        self._accepted += 1
        earlier = self.ended(now)
        if sent.number <= self._cut:
            return False
        self._confirmed = max(self._confirmed, sent.rate)
        if not self._holding:
            return earlier
        self._resume(now)
        return True

    def throttled(self, now: float, sent: SentRequest, retry_after: float | None, request_id: str | None) -> None:
        """Record that a request was refused."""
        self._learn_latency(now - sent.at)
        self._answered = True
        self.refused += 1
        self.last_request_id = request_id
        if self._starving_since is None or now - max(self._refused_at, self.paused_until) > self.STARVED:
            # Time without requests does not count.
            self._starving_since = now
        self._refused_at = now
        self._pause = min(retry_after or 0.0, self.LONGEST_PAUSE)
        self.paused_until = max(self.paused_until, now + self._pause)
        mark = _Mark(sent.number, sent.at, self.refused)
        if self._last is None or mark.number > self._last.number:
            self._last = mark
        if sent.number > self._cut:
            if self._holding:
                self._ask_less_often()
            else:
                self._slow_down(mark)
            self._cut = self._number
            self._confirmed = 0.0
            self._raised_at, self._passed_at = now, None
            # The schedule of the old rate no longer holds; after a pause, requests are sent one by one.
            # Turns that were granted ahead of time are still used.
            begin = max(now, self._sent_at) + 1 / self.rate
            self._due = self._next = max(begin, self.paused_until) + self._allowance()

    def refused_alone(self, request_id: str | None) -> None:
        """Record a refusal of what a request asks for: it says nothing about the rate."""
        self.refused += 1
        self.last_request_id = request_id

    def starved(self, now: float) -> bool:
        """Return whether nothing was accepted for `STARVED` seconds although requests were sent."""
        return self._starving_since is not None and now - self._starving_since >= self.STARVED

    def forget_times(self) -> None:
        """Drop the schedule, which is of another clock, but not the learned rates."""
        self._due = self._next = self._delayed_until = self._sent_at = self.paused_until = 0.0
        self._raised_at = self._passed_at = self._opened_at = self._anchor = self._last = None
        self._resumed_at = self._refused_at = -math.inf
        self._starving_since = None
        if self._holding and self._ceiling is not None:
            self._holding = False
            self._ceiling *= self._share
            self.rate = self._cruising()

    def record(self) -> tuple[float, ...]:
        """Return the learned state as numbers, `RECORD_LENGTH` of them. Configured rate and burst are not included."""
        *plain, anchor, last = _STATE(self)
        return (*[math.nan if value is None else value for value in plain], *(anchor or _NONE), *(last or _NONE))

    def restore(self, record: Sequence[float], latest: float) -> None:
        """Take over the state that `record` returned in this or another process.

        Args:
            record: The numbers.
            latest: The latest time that they may contain.

        Raises:
            ValueError: A number is missing or out of range.

        """
        if len(record) != RECORD_LENGTH:
            raise ValueError("not all numbers are there")
        numbers = iter(record)
        # Not by setattr: this is done for every transaction.
        self.__dict__.update(zip(_NUMBERS, itertools.islice(numbers, len(_NUMBERS)), strict=True))
        for name, value in zip(_OPTIONAL, itertools.islice(numbers, len(_OPTIONAL)), strict=True):
            # Only nan differs from itself.
            self.__dict__[name] = value if value == value else None  # noqa: PLR0124
        self.__dict__.update(zip(_COUNTS, map(int, itertools.islice(numbers, len(_COUNTS))), strict=True))
        self.__dict__.update(zip(_FLAGS, map(bool, itertools.islice(numbers, len(_FLAGS))), strict=True))
        for name in _MARKS:
            number, at, refused = itertools.islice(numbers, 3)
            self.__dict__[name] = None if math.isnan(number) else _Mark(int(number), at, int(refused))
        times = (self.paused_until, self._next, self._due, self._delayed_until, self._sent_at)
        amounts = (self._latency, self._confirmed, self._pause, self._cost, self._share, self._ceiling or 0.0)
        # A nan is in no range, and min and max may skip it.
        if not (
            min(self.FLOOR, self._max) <= self.rate <= self.FASTEST
            and math.isfinite(sum(times) + sum(amounts))
            and min(times) >= 0 <= min(amounts)
            and max(times) <= latest
            and max(amounts) <= self.FASTEST
        ):
            raise ValueError("a number is out of range")

    def _allowance(self) -> float:
        """Return the seconds by which requests may be ahead of the schedule: a burst after time without requests."""
        return 0.0 if self._holding else (self._burst - 1) / self.rate

    def _doubling(self) -> float:
        """Return the seconds in which the rate may double."""
        return max(self.DOUBLE, self.PATIENCE * self._latency, 2 / self.rate)

    def _cruising(self) -> float:
        """Return the rate just below the ceiling."""
        assert self._ceiling is not None  # noqa: S101 - it is set before
        return min(max(self._ceiling * self.MARGIN, self.FLOOR), self._max)

    def _searched(self, since: float) -> float | None:
        """Return the rate after this many seconds of searching; None if it is found."""
        if self._ceiling is not None:
            return None
        return min(self.rate * 2 ** (since / self._doubling()), self.LEAD * max(self._confirmed, self.START))

    def _climbed(self, now: float, since: float) -> float:
        """Return the rate after this many seconds of cruising."""
        assert self._ceiling is not None  # noqa: S101 - else it searches
        climb = self.CLIMB * min(1.0, max(0.1, self.rate / self.CLIMB_FULL)) / (1 + self._cost)
        if self._confirmed <= self._ceiling * self.PASSED:
            self._passed_at = None
        else:
            self._passed_at = now if self._passed_at is None else self._passed_at
            step = max(self.ACCELERATE, 2 * self.PATIENCE * self._latency, min(10 / self.rate, 2.0))
            climb = min(climb * 2 ** min((now - self._passed_at) / step, 60.0), math.log(2) / self._doubling())
        return min(self.rate * math.exp(climb * since), self.CRUISE_LEAD * max(self._confirmed, self._ceiling))

    def _slow_down(self, mark: _Mark) -> None:
        """Slow down to the measured rate, or to one request per latency if there is nothing to measure."""
        rate = self.rate
        surprised = self._ceiling is None or rate > self.SURPRISE * self._ceiling
        measured = None if surprised else self._measured(mark)
        if measured is not None:
            # Quota unused while cruising may have expired: a much lower measurement is not believed immediately.
            self._ceiling = min(max(measured, (self.HARD if self._closed else self.GENTLE) * rate), rate)
            self._sure, self._share = True, 1.0
        elif surprised:
            self._ceiling = rate
            self._sure, self._share = False, self.HARD
        else:
            soon = self._anchor is not None or mark.at < self._resumed_at + 1.0
            self._share = self.HARD if soon else self.SOFT
        # After an unexpected refusal the ceiling is a guess: finding a better one is worth the pauses.
        self._cost = 0.0 if surprised else self.PAUSE_COSTS * min(self._pause, self.COSTLY)
        if self._anchor is None or surprised or measured is not None:
            self._anchor, self._closed = mark, False
        if measured is not None and not self._pause:
            self.rate = self._cruising()
        else:
            self._holding = True
            self.rate = min(rate, max(1 / max(self._latency, 2 / rate), self.FLOOR))

    def _ask_less_often(self) -> None:
        """Halve the rate: nothing gets through. The quota opens by its own clock, or something else is wrong."""
        self.rate = max(self.rate / 2, min(self.rate, self.FLOOR))
        self._closed = True
        if self._sure:
            # Until it closed, the ceiling was right.
            self._share = self.SOFT

    def _resume(self, now: float) -> None:
        """Cruise again: something got through."""
        assert self._ceiling is not None  # noqa: S101 - slowing down has set it
        self._holding = self._sure = False
        gave = self._gave_until(now - self._latency / 2)
        # A quota that opens by its own clock is measured from one closing to the next, not while closed.
        measured = None if self._closed or self._pause else self._measured(self._last)
        if measured is None:
            self._ceiling = max(min(self._ceiling * self._share, gave), self.FLOOR)
        else:
            self._ceiling = min(self._ceiling, max(measured, self._ceiling / 8))
            self._anchor = self._last
        if self._pause:
            # What the quota gave in the pause was not used.
            self._anchor = None
        self.rate = self._cruising()
        self._raised_at = self._resumed_at = now
        self._due = self._next = min(self._next, now + 1 / self.rate) + self._allowance()

    def _gave_until(self, opened_at: float) -> float:
        """Return the requests per second that a closed quota gave since it last opened; infinity if it is unknown."""
        seconds = 0.0 if self._opened_at is None else opened_at - self._opened_at
        gave = (self._accepted - self._accepted_before) / seconds if seconds > 0 else math.inf
        self._opened_at, self._accepted_before = opened_at, self._accepted - 1
        # A configured rate is believed, and what the quota gave in a pause was not used.
        return gave if self._closed and not self._pause and self._max == math.inf else math.inf

    def _measured(self, mark: _Mark | None) -> float | None:
        """Return the requests per second that were accepted since the anchor; None if too few to tell."""
        if mark is None or self._anchor is None or self._ceiling is None:
            return None
        seconds = mark.at - self._anchor.at
        accepted = mark.number - self._anchor.number - (mark.refused - self._anchor.refused)
        if seconds <= 0 or (accepted < self.ENOUGH and seconds < max(1.0, self.ENOUGH / self._ceiling)):
            return None
        return (accepted + 1) / seconds

    def _learn_latency(self, seconds: float) -> None:
        self._latency = seconds if not self._latency else 0.9 * self._latency + 0.1 * seconds
