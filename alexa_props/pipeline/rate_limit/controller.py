"""The arithmetic of a rate that nobody tells: events and times in, decisions out. No clock and no waiting of its own.

What it goes by: whenever a request is refused, the quota is used up. So between two refusals the service accepted just
what the quota gave, however large its burst allowance and however long its answers take.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

__all__ = ["Controller", "SentRequest"]


class SentRequest(NamedTuple):
    """A request that left: the how manieth, when, and at which rate."""

    number: int
    at: float
    rate: float


class _Mark(NamedTuple):
    """A moment at which the quota was used up: what had left by then, when, and how much of it was refused."""

    number: int
    at: float
    refused: int


class Controller:
    """Finds the rate that a service accepts, and spaces requests by it.

    It *searches* until the first refusal: the rate doubles while it is the rate that holds requests back and answers
    confirm it. A refusal shows the *ceiling*. From then on it *cruises*: just under the ceiling, slowly up, and ever
    faster once answers confirm that the ceiling is passed; the next refusal measures the ceiling anew. A refusal that
    surprises (the first, one far above the ceiling, one too soon after the last for a measure) makes it *hold*: one
    request in the time that an answer takes, until the answer to one that left since shows that there is room again.

    A refusal of what left before the last cut says nothing new: each congestion event cuts once. A known quota is where
    it starts, and the rate is never above it. One answer pauses all for an hour at most.
    """

    START: Final = 20.0
    """Requests a second to begin with."""
    FLOOR: Final = 0.02
    """Requests a second below which no refusal brings it."""
    DOUBLE: Final = 0.25
    """Seconds in which the rate at most doubles."""
    PATIENCE: Final = 1.5
    """Latencies in which the rate at most doubles: the answers have a say."""
    LEAD: Final = 2.0
    """How many times the confirmed rate the rate may be while it searches."""
    CRUISE_LEAD: Final = 1.25
    """The same while it cruises."""
    MARGIN: Final = 0.97
    """Share of the ceiling at which it begins to cruise."""
    CLIMB: Final = 0.03
    """Share by which the rate climbs in a second. Every probe for more costs a refusal: less at low rates."""
    CLIMB_FULL: Final = 50.0
    """Requests a second from which on it climbs with all of that."""
    PASSED: Final = 1.01
    """Share of the ceiling from which on it seems to have risen."""
    ACCELERATE: Final = 0.15
    """Seconds in which the climbing then doubles."""
    SURPRISE: Final = 1.25
    """Share of the ceiling from which on a refusal says that the ceiling is no measure any more."""
    ENOUGH: Final = 8
    """Accepted requests that make a measure."""
    GENTLE: Final = 0.9
    """Least share of the rate that is left after a refusal that made a measure."""
    HARD: Final = 0.75
    """Share of the ceiling that is left after a surprise."""
    SOFT: Final = 0.95
    """The same where nothing says that the ceiling is far off."""
    PAUSE_COSTS: Final = 10.0
    """How much slower it climbs for each second that the service makes a refusal cost (`Retry-After`)."""
    COSTLY: Final = 10.0
    """Seconds from which on that makes no difference any more: else a quota that rises would not be followed."""
    LONGEST_PAUSE: Final = 3600.0
    """Seconds for which one answer may pause all others; then one request asks again."""
    STARVED: Final = 120.0
    """Seconds of refusals, and nothing but refusals, after which asking again is given up."""
    LATE: Final = 0.05
    """Seconds of waking late that are caught up on."""
    CATCH_UP: Final = 5
    """Requests that leave at once for that, at most."""

    def __init__(
        self, known: float | None, burst: int, *, rate: float | None = None, ceiling: float | None = None
    ) -> None:
        """`known` is the quota, `rate` and `ceiling` what was learned before; None where nobody knows."""
        self._most = math.inf if known is None else known
        self._burst = burst
        self._ceiling = known if ceiling is None else min(ceiling, self._most)
        self.rate = min(max(self.START if rate is None else rate, self.FLOOR), self._most)
        if self._ceiling is not None:
            self.rate = self._most if self._ceiling == self._most else self._cruising()
        self.refused = 0
        self.paused_until = 0.0
        self.last_request_id: str | None = None
        self._next = self._due = self._late_until = 0.0
        self._number = self._cut = 0
        self._latency = self._confirmed = self._pause = self._cost = 0.0
        self._resumed_at = -math.inf
        self._starving_since: float | None = None
        self._refused_at = -math.inf
        self._raised_at: float | None = None
        self._passed_at: float | None = None
        self._anchor: _Mark | None = None
        self._last: _Mark | None = None
        self._holding = self._closed = False
        self._sure = True
        self._share = 1.0

    @property
    def ceiling(self) -> float | None:
        """Requests a second that the service seems to accept; None until it has refused some."""
        return None if self._ceiling is None else min(max(self._ceiling, self._confirmed), self._most)

    def delay(self, now: float) -> float:
        """Seconds until the next request may have its turn; 0 when it may have it now."""
        return max(self._next - self._allowance() - now, self.paused_until - now, 0.0)

    def late_delay(self, now: float) -> float:
        """Seconds until one that had its turn, and was kept, may leave."""
        # All who are kept equally long are as far apart as they were, but for a hair: that is no reason to wait.
        hair = 0.1 / self.rate
        return max(self._due - self._allowance() - hair - now, self.paused_until - now, 0.0)

    def late_ones_leave(self, now: float) -> bool:
        """Whether one that was kept left so shortly before that one more would come on top."""
        return now < self._late_until - 0.1 / self.rate

    def time_for(self, requests: int) -> float:
        """Seconds that so many requests would take, one after the other, as things stand."""
        if self._ceiling is None:
            # While they wait, it doubles: the integral of a rate that grows by a factor of e every so many seconds.
            growth = self._doubling() / math.log(2)
            return growth * math.log1p(requests / (self.rate * growth))
        return requests / (self._cruising() if self._holding else self.rate)

    def take(self, now: float, *, held_back: bool) -> None:
        """The next turn is taken. `held_back`: for want of it, a request waited."""
        # Whoever was held back wakes a little late: the schedule stands. Idle time, on the other hand, is gone.
        late = min(self.LATE, self.CATCH_UP / self.rate) if held_back else 0.0
        # Behind schedule it is not the rate that holds requests back: raised further, it would mean nothing.
        raising = held_back and now - self._next <= late and not self._holding
        self._next = max(self._next, now - late) + 1 / self.rate
        if raising and self._raised_at is not None:
            # At most a second's climb at once: a long pause is no reason to leap.
            since = min(now - self._raised_at, 1.0)
            self.rate = max(self.rate, min(self._most, self._searched(since) or self._climbed(now, since)))
        self._raised_at = now

    def left(self, now: float, *, late: bool = False, held_back: bool = False) -> SentRequest:
        """A request leaves. `late`: it was kept after its turn. `held_back`: it waited for those that were kept too."""
        self._due = max(self._due, now) + 1 / self.rate
        if late:
            self._late_until = self._due
        if held_back:
            # No turns while these leave: they would come on top.
            self._next = max(self._next, self._due)
        self._number += 1
        return SentRequest(self._number, now, self.rate)

    def accepted(self, now: float, departure: SentRequest) -> bool:
        """A request was not refused. True if the next one may now leave earlier than was said."""
        self._starving_since = None
        self._learn_latency(now - departure.at)
        if departure.number <= self._cut:
            return False
        self._confirmed = max(self._confirmed, departure.rate)
        if not self._holding:
            return False
        self._resume(now)
        return True

    def throttled(self, now: float, departure: SentRequest, retry_after: float | None, request_id: str | None) -> None:
        """A request was refused."""
        self._learn_latency(now - departure.at)
        self.refused += 1
        self.last_request_id = request_id
        if self._starving_since is None or now - max(self._refused_at, self.paused_until) > self.STARVED:
            # Time without requests does not count.
            self._starving_since = now
        self._refused_at = now
        self._pause = min(retry_after or 0.0, self.LONGEST_PAUSE)
        self.paused_until = max(self.paused_until, now + self._pause)
        mark = _Mark(departure.number, departure.at, self.refused)
        if self._last is None or mark.number > self._last.number:
            self._last = mark
        if departure.number > self._cut:
            if self._holding:
                self._ask_less_often()
            else:
                self._slow_down(mark)
            self._cut = self._number
            self._confirmed = 0.0
            self._raised_at, self._passed_at = now, None
            # What the old rate had planned no longer holds; after a pause, requests leave one by one.
            self._due = self._next = max(now + 1 / self.rate, self.paused_until) + self._allowance()

    def refused_alone(self, request_id: str | None) -> None:
        """A request was refused for what it asks for: that says nothing of the rate."""
        self.refused += 1
        self.last_request_id = request_id

    def starved(self, now: float) -> bool:
        """Whether nothing has been accepted for so long, although it was asked for."""
        return self._starving_since is not None and now - self._starving_since >= self.STARVED

    def forget_times(self) -> None:
        """Another clock ticks: what was learned stands, what was planned does not."""
        self._due = self._next = self._late_until = self.paused_until = 0.0
        self._raised_at = self._passed_at = self._anchor = self._last = None
        self._resumed_at = self._refused_at = -math.inf
        self._starving_since = None
        if self._holding and self._ceiling is not None:
            self._holding = False
            self._ceiling *= self._share
            self.rate = self._cruising()

    def _allowance(self) -> float:
        """Seconds by which a request may be ahead of the schedule: a burst that time without requests has earned."""
        return 0.0 if self._holding else (self._burst - 1) / self.rate

    def _doubling(self) -> float:
        """Seconds in which the rate may double."""
        return max(self.DOUBLE, self.PATIENCE * self._latency, 2 / self.rate)

    def _cruising(self) -> float:
        """The rate just under the ceiling."""
        assert self._ceiling is not None  # noqa: S101 - nobody asks before there is one
        return min(max(self._ceiling * self.MARGIN, self.FLOOR), self._most)

    def _searched(self, since: float) -> float | None:
        """The rate after so many seconds of searching; None when it is found."""
        if self._ceiling is not None:
            return None
        return min(self.rate * 2 ** (since / self._doubling()), self.LEAD * max(self._confirmed, self.START))

    def _climbed(self, now: float, since: float) -> float:
        """The rate after so many seconds of cruising."""
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
        """Congestion: to the measured rate, or to one request a latency if there is nothing to measure."""
        rate = self.rate
        surprised = self._ceiling is None or rate > self.SURPRISE * self._ceiling
        measured = None if surprised else self._measured(mark)
        if measured is not None:
            # What nobody took while it cruised, the quota may not have kept: much less is not believed at once.
            self._ceiling = min(max(measured, (self.HARD if self._closed else self.GENTLE) * rate), rate)
            self._sure, self._share = True, 1.0
        elif surprised:
            self._ceiling = rate
            self._sure, self._share = False, self.HARD
        else:
            soon = self._anchor is not None or mark.at < self._resumed_at + 1.0
            self._share = self.HARD if soon else self.SOFT
        # After a surprise the ceiling is a guess, and to find a better one is worth the pauses.
        self._cost = 0.0 if surprised else self.PAUSE_COSTS * min(self._pause, self.COSTLY)
        if self._anchor is None or surprised or measured is not None:
            self._anchor, self._closed = mark, False
        if measured is not None and not self._pause:
            self.rate = self._cruising()
        else:
            self._holding = True
            self.rate = min(rate, max(1 / max(self._latency, 2 / rate), self.FLOOR))

    def _ask_less_often(self) -> None:
        """Nothing at all gets through: the quota opens by its own clock, or something else is wrong."""
        self.rate = max(self.rate / 2, min(self.rate, self.FLOOR))
        self._closed = True
        if self._sure:
            # Until it closed, the ceiling was right.
            self._share = self.SOFT

    def _resume(self, now: float) -> None:
        """Something got through again."""
        assert self._ceiling is not None  # noqa: S101 - whoever slowed down has set it
        self._holding = self._sure = False
        # A quota that opens by its own clock is measured from one closing to the next, not while it is closed.
        measured = None if self._closed or self._pause else self._measured(self._last)
        if measured is None:
            self._ceiling *= self._share
        else:
            self._ceiling = min(self._ceiling, max(measured, self._ceiling / 8))
            self._anchor = self._last
        if self._pause:
            # What the quota gave meanwhile, nobody took.
            self._anchor = None
        self.rate = self._cruising()
        self._raised_at = self._resumed_at = now
        self._due = self._next = min(self._next, now + 1 / self.rate) + self._allowance()

    def _measured(self, mark: _Mark | None) -> float | None:
        """Requests a second that were accepted between the last mark and this; None if too few to say."""
        if mark is None or self._anchor is None or self._ceiling is None:
            return None
        seconds = mark.at - self._anchor.at
        accepted = mark.number - self._anchor.number - (mark.refused - self._anchor.refused)
        if seconds <= 0 or (accepted < self.ENOUGH and seconds < max(1.0, self.ENOUGH / self._ceiling)):
            return None
        return (accepted + 1) / seconds

    def _learn_latency(self, seconds: float) -> None:
        self._latency = seconds if not self._latency else 0.9 * self._latency + 0.1 * seconds
