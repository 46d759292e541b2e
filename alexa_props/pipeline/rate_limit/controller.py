"""The arithmetic of an unknown rate: events and times in, decisions out. It has no clock and never waits.

A refusal means that the quota is used up. So between two refusals the service accepted exactly what the quota gave,
however large its burst allowance and however long its responses take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from alexa_props.pipeline.rate_limit import tuning
from alexa_props.pipeline.rate_limit.layout import Layout
from alexa_props.pipeline.rate_limit.measurement import Mark, measured, measured_from_few
from alexa_props.pipeline.rate_limit.schedule import Schedule

__all__ = ["STATE_LENGTH", "Controller", "SentRequest"]


class SentRequest(NamedTuple):
    """A request that was sent: its number, when it was sent, and at which rate."""

    number: int
    at: float
    rate: float


_LAYOUT: Final = Layout(
    numbers=(
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
        "_refused_at",
        "_first_rate",
        "_idle",
        "_proven",
    ),
    optional=("_ceiling", "_starving_since", "_raised_at", "_passed_at", "_opened_at", "_proven_at"),
    counts=("refused", "_number", "_cut", "_accepted", "_accepted_before", "_row", "_first", "_kept", "_lost"),
    flags=("_holding", "_closed", "_sure", "_guessing", "_found", "_answered", "_unproven", "_risen"),
    marks=("_anchor", "_last"),
)
STATE_LENGTH: Final = _LAYOUT.length


class Controller(Schedule):
    """Finds the rate that a service accepts, and spaces requests by it.

    It *searches* until the first refusal: the rate doubles while it is the rate that holds requests back and responses
    confirm it. It rises slowly while so many requests are under way that their refusal would cost much. A refusal
    shows the *ceiling*. From then on it *cruises*: just below the ceiling, slowly rising, and faster once responses
    confirm that the ceiling is passed. The next refusal measures the ceiling again; one that is too soon to measure
    costs a few percent of the rate.

    It *holds* after an unexpected refusal (the first, one far above the ceiling), after a pause, and when requests that
    were sent after a cut are refused, too, or all of those that were under way: one request per latency, until a
    response shows that there is room again. While it holds, each refusal of a probe halves the rate: the quota opens by
    its own clock. Then it begins at no more than what the quota gave from one opening to the next.

    After an unexpected refusal the ceiling is a *guess*: what was accepted of the requests that were under way, or
    from one opening to the next. The rate then climbs by a greater share, and the ceiling with it. The next refusal
    shows that the quota is between what was accepted since and the rate, as some of it may have expired unused.

    If the rate has fallen far below what was measured before, it climbs faster, as others may have used up the quota.
    The climb slows down with the time since: attempts are about a tenth of it apart, so few of them are refused
    however long it lasts.

    A refusal of a request that was sent before the last cut is not news: each congestion event cuts once. A known quota
    is the initial rate, and the rate never exceeds it. One response pauses all requests for an hour at most.
    """

    def __init__(  # noqa: PLR0915 - its state
        self, known: float | None, burst: int, *, rate: float | None = None, ceiling: float | None = None
    ) -> None:
        """`known` is the configured quota; `rate` and `ceiling` were learned before. None if unknown."""
        self._max = math.inf if known is None else known
        rate = min(max(tuning.START if rate is None else rate, tuning.FLOOR), self._max, self._fastest())
        super().__init__(rate, burst)
        self._ceiling = known if ceiling is None else min(ceiling, self._max, self._fastest())
        if self._ceiling is not None:
            self.rate = self._max if self._ceiling == self._max else self._cruising()
        self.refused = 0
        self.last_request_id: str | None = None
        # Requests, by their numbers: sent, sent before the last cut, and those of a measurement.
        self._number = self._cut = 0
        self._anchor: Mark | None = None
        self._last: Mark | None = None
        # What is known of the service.
        self._answered = False
        self._accepted = 0
        self._latency = 0.0
        self._confirmed = 0.0
        """The highest rate since the last cut at which a request was accepted."""
        self._starving_since: float | None = None
        self._refused_at = -math.inf
        self._pause = 0.0
        """What the last refusal asked for."""
        # Climbing.
        self._raised_at: float | None = None
        """Time of the last turn or cut, from which the rate climbs on."""
        self._passed_at: float | None = None
        """Time from which on the confirmed rate is above the ceiling."""
        self._cost = 0.0
        """How much slower it climbs, because refusals cost pauses."""
        # How far the ceiling is believed.
        self._sure = True
        """The last refusal was expected, or has measured the ceiling."""
        self._guessing = False
        """The ceiling is a guess."""
        self._unproven = False
        """Hardly anything was accepted before the first refusal: the rate may double although there is a ceiling."""
        self._risen = False
        """At the last unexpected refusal, the service had accepted more than the ceiling allows."""
        self._found = False
        """It has cruised after a refusal."""
        self._proven = self._ceiling or 0.0
        """The highest rate that was configured, learned or measured."""
        self._proven_at: float | None = None
        """Time at which a request was last accepted at half of it or more."""
        self._share = 1.0
        """Share of the ceiling that remains when something gets through again."""
        # A quota that closes and opens.
        self._closed = False
        """Probes were refused, too."""
        self._row = 0
        """Refusals one after the other, each sent after the last cut."""
        self._opened_at: float | None = None
        """When the quota last opened, without idle time."""
        self._accepted_before = 0
        """Requests that were accepted before that."""
        # Those that were under way at the last cut: the first refused one, and how many were accepted and refused.
        self._first = self._kept = self._lost = 0
        self._first_rate = 0.0

    @property
    def ceiling(self) -> float | None:
        """Requests per second that the service seems to accept; None until it has refused one."""
        return None if self._ceiling is None else min(max(self._ceiling, self._confirmed), self._max)

    @property
    def searching(self) -> bool:
        """Whether the ceiling is unknown: the rate may double soon."""
        return self._ceiling is None or self._unproven

    @property
    def holding(self) -> bool:
        """Whether one request per latency is sent, until one is accepted."""
        return self._holding

    def time_for(self, requests: int) -> float:
        """Return the seconds that this many requests would take, one after the other, at the current rate."""
        if self.searching:
            # The rate doubles while they wait: this is the integral of a rate that grows exponentially.
            growth = self._doubling() / math.log(2)
            return growth * math.log1p(requests / (self.rate * growth))
        return requests / (self._cruising() if self._holding else self.rate)

    def take(self, now: float, *, held_back: bool) -> None:
        """Take the next turn. `held_back`: a request waited for it."""
        step = 1 / self.rate
        if self._ceiling is None and not self._answered:
            # Each of them may be refused, whatever the quota is.
            step *= 2.0 ** min(max(0, self._number + 1 - tuning.UNANSWERED), 10)
        in_time = self._advance(now, step, held_back=held_back)
        # Behind schedule it is not the rate that holds requests back: raising it further would mean nothing.
        if held_back and in_time and not self._holding and self._raised_at is not None:
            # At most one second's climb, or one distance's: a long pause is no reason for a leap.
            since = min(now - self._raised_at, max(1.0, step) if self._has_fallen() else 1.0)
            self._raise(min(self._max, self._searched(since) or self._climbed(now, since)), now)
        self._raised_at = now

    def send(self, now: float, *, delayed: bool = False, held_back: bool = False) -> SentRequest:
        """Record that a request is sent.

        Args:
            now: The time.
            delayed: It missed its turn.
            held_back: It waited for others that missed theirs.

        """
        self._space(now, delayed=delayed, held_back=held_back)
        self._number += 1
        if self._opened_at is None:
            self._opened_at, self._accepted_before = now - self._idle, self._accepted
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
            # Unconfirmed, a search does not reach more: such a rate was learned.
            if self.rate <= tuning.LEAD * tuning.START:
                self.rate = max(min(self.rate, self._most_under_way()), tuning.FLOOR)
            self._hasten(now)
        return self._ceiling is None

    def accepted(self, now: float, sent: SentRequest) -> bool:
        """Record that a request was not refused; return whether the next turn is now earlier than before."""
        self._starving_since = None
        self._learn_latency(now - sent.at)
        self._accepted += 1
        earlier = self.ended(now)
        if sent.number <= self._cut:
            self._kept += sent.number >= self._first
            if not self._holding or not self._shows_room():
                return False
            self._resume(now)
            return True
        self._row = 0
        self._confirmed = max(self._confirmed, sent.rate)
        if sent.rate >= self._proven / 2:
            self._proven_at = now
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
        if self._starving_since is None or now - max(self._refused_at, self.paused_until) > tuning.STARVED:
            # Time without requests does not count.
            self._starving_since = now
        self._refused_at = now
        self._pause = min(retry_after or 0.0, tuning.LONGEST_PAUSE)
        self.paused_until = max(self.paused_until, now + self._pause)
        mark = Mark(sent.number, sent.at - self._idle, self.refused)
        if self._last is None or mark.number > self._last.number:
            self._last = mark
        if sent.number <= self._cut:
            self._lost += sent.number >= self._first
            if not self._holding and not self._kept and self._lost >= tuning.ALL_LOST:
                self._hold()
                self._schedule_anew(now)
            return
        self._row += 1
        if self._holding:
            self._ask_less_often()
        else:
            self._slow_down(mark)
            self._first, self._first_rate, self._kept, self._lost = sent.number, sent.rate, 0, 0
        self._schedule_anew(now)

    def refused_alone(self, request_id: str | None) -> None:
        """Record a refusal of what a request asks for: it says nothing about the rate."""
        self.refused += 1
        self.last_request_id = request_id

    def starved(self, now: float) -> bool:
        """Return whether nothing was accepted for `STARVED` seconds although requests were sent."""
        return self._starving_since is not None and now - self._starving_since >= tuning.STARVED

    def forget_times(self) -> None:
        """Drop the schedule, which is of another clock, but not the learned rates."""
        super().forget_times()
        self._raised_at = self._passed_at = self._opened_at = self._proven_at = self._anchor = self._last = None
        self._refused_at = -math.inf
        self._starving_since = None
        if self._holding and self._ceiling is not None:
            self._holding = False
            self._ceiling *= self._share
            self.rate = self._cruising()

    def state(self) -> tuple[float, ...]:
        """Return the state as numbers, `STATE_LENGTH` of them. Configured rate and burst are not included."""
        return _LAYOUT.numbers(self)

    def restore(self, state: Sequence[float], latest: float) -> None:
        """Take over the state that `state` returned in this or another process.

        Args:
            state: The numbers.
            latest: The latest time that they may contain.

        Raises:
            ValueError: A number is missing or out of range, or they are no state of a controller.

        """
        self.__dict__.update(_LAYOUT.values(state))
        times = (self.paused_until, self._next, self._due, self._delayed_until, self._sent_at, self._idle)
        amounts = (
            self._latency,
            self._confirmed,
            self._pause,
            self._cost,
            self._share,
            self._first_rate,
            self._proven,
            self._ceiling or 0.0,
        )
        # A nan is in no range, and min and max may skip it.
        if not (
            min(tuning.FLOOR, self._max) <= self.rate <= self._fastest()
            and math.isfinite(sum(times) + sum(amounts))
            and min(times) >= 0 <= min(amounts)
            and max(times) <= latest
            and max(amounts) <= self._fastest()
            and not (self._holding and self._ceiling is None)
        ):
            raise ValueError("a number is out of range")

    def _fastest(self) -> float:
        """Return the most requests per second that a record may hold."""
        return tuning.FASTEST if self._max == math.inf else max(tuning.FASTEST, self._max)

    def _doubling(self) -> float:
        """Return the seconds in which the rate may double."""
        return max(tuning.DOUBLE, tuning.PATIENCE * self._latency, 2 / self.rate)

    def _cruising(self) -> float:
        """Return the rate just below the ceiling."""
        assert self._ceiling is not None  # noqa: S101 - it is set before
        return min(max(self._ceiling * tuning.MARGIN, tuning.FLOOR), self._max)

    def _searched(self, since: float) -> float | None:
        """Return the rate after this many seconds of searching; None if it is found."""
        if not self.searching:
            return None
        growth = math.log(2) / self._doubling()
        if self.rate * self._latency > tuning.RISK + tuning.RISK_SHARE * self._accepted:
            growth = min(growth, tuning.RISKY)
        rate = min(self.rate * math.exp(growth * since), tuning.LEAD * max(self._confirmed, tuning.START))
        return min(rate, self._most_under_way())

    def _most_under_way(self) -> float:
        """Return the rate at which no more requests are under way than a search may risk."""
        return (tuning.UNANSWERED + self._accepted) / self._latency if self._latency else math.inf

    def _climbed(self, now: float, since: float) -> float:
        """Return the rate after this many seconds of cruising."""
        assert self._ceiling is not None  # noqa: S101 - else it searches
        climb = tuning.CLIMB * min(1.0, self.rate / tuning.CLIMB_FULL) / (1 + self._cost)
        if fallen := self._has_fallen():
            # The longer ago it was, the longer it may take until it is back.
            seconds = max(now - (self._proven_at or 0.0), 1.0)
            climb = max(climb, min(tuning.HOPE / seconds / (1 + self._cost), math.log(2) / self._doubling()))
        if self._guessing and not fallen:
            fast = min(tuning.GUESS / (1 + self._latency / tuning.GUESS_LATENCY), tuning.GUESS_EACH * self.rate)
            climb = max(climb, fast / (1 + self._cost))
            self._ceiling = max(self._ceiling, min(self._confirmed, self.rate))
            self._passed_at = None
            if self.rate > max(self._proven, tuning.LEAD * self._gave(now - self._idle)):
                # Far from what was accepted on the average: if the quota closes now, it closes for long.
                return self.rate
        elif self._confirmed <= self._ceiling * tuning.PASSED:
            self._passed_at = None
        else:
            self._passed_at = now if self._passed_at is None else self._passed_at
            step = max(tuning.ACCELERATE, 2 * tuning.PATIENCE * self._latency, min(10 / self.rate, 2.0))
            faster = climb * 2 ** min((now - self._passed_at) / step, 60.0)
            climb = min(faster, math.log(2) / self._doubling())
        return min(self.rate * math.exp(climb * since), tuning.LEAD * max(self._confirmed, self._ceiling))

    def _has_fallen(self) -> bool:
        """Return whether the quota gave much more before: it may do so again."""
        return self._proven_at is not None and self.rate < tuning.FALLEN * self._proven

    def _schedule_anew(self, now: float) -> None:
        """Let a refusal of what was sent until now mean nothing new; the schedule of the old rate no longer holds."""
        self._cut = self._number
        self._confirmed = 0.0
        self._raised_at, self._passed_at = now, None
        # The refused request used no quota. But a configured rate is never exceeded.
        distances = 1.0 if self._holding or self._max < math.inf else tuning.RETRY
        self._begin_anew(now, distances / self.rate)

    def _slow_down(self, mark: Mark) -> None:
        """Slow down: to the measured rate, a little, or to one request per latency."""
        rate, ceiling, apart = self.rate, self._ceiling or 0.0, tuning.SOONER * self._latency
        surprised = self._unproven or rate > tuning.OUT * ceiling
        guessed = self._guessing or rate > tuning.SURPRISE * ceiling
        gave = measured(self._anchor, mark, ceiling or rate, apart if guessed else 0.0)
        found = None if surprised else gave
        self._risen = surprised and gave is not None and gave > tuning.SURPRISE * ceiling > 0
        self._guessing = self._unproven = False
        if found is not None:
            self._proven = max(self._proven, min(found, rate))
        if found is not None and guessed:
            self._guess(found, mark)
            self._sure, self._share = True, 1.0
        elif found is not None:
            # Quota unused while cruising may have expired: a much lower measurement is not believed immediately.
            self._ceiling = min(max(found, tuning.GENTLE * rate), rate)
            self._sure, self._share = True, 1.0
        elif surprised:
            self._ceiling = rate
            self._sure, self._share = False, tuning.HARD
        else:
            self._share = tuning.SOFT
        # After an unexpected refusal the ceiling is a guess: finding a better one is worth the pauses.
        self._cost = 0.0 if surprised else tuning.PAUSE_COSTS * min(self._pause, tuning.COSTLY)
        if self._anchor is None or surprised or found is not None:
            self._anchor, self._closed = mark, False
        if surprised or self._pause or (found is None and self._row >= tuning.ROW):
            self._hold()
        elif found is not None:
            self.rate = self._cruising()
        else:
            self._slow_down_a_little(measured_from_few(self._anchor, mark, apart), mark, guessed=guessed)

    def _slow_down_a_little(self, few: float | None, mark: Mark, *, guessed: bool) -> None:
        """Slow down after a refusal that came too soon to measure: it may be chance, and is no reason to stop."""
        rate = self.rate
        if guessed and few is not None:
            self._guess(few, mark, tuning.DROP)
        elif guessed:
            self._ceiling, self._guessing = rate, True
        elif few is not None:
            self._ceiling = min(self._ceiling or rate, max(math.sqrt(few * rate), tuning.GENTLE * rate))
        self.rate = max(min(rate * tuning.MARGIN, self._cruising()), min(rate, tuning.FLOOR))

    def _guess(self, accepted: float, mark: Mark, least: float = 0.0) -> None:
        """Set the ceiling between what was accepted since the anchor, when the rate was lower, and the rate."""
        self._ceiling = min(max(math.sqrt(accepted * self.rate), least * self.rate, tuning.FLOOR), self.rate)
        self._guessing = accepted < tuning.NEAR * self.rate
        self._anchor = mark

    def _hold(self) -> None:
        """Send one request per latency until one of them is accepted."""
        self._holding = True
        self.rate = min(self.rate, max(1 / max(self._latency, tuning.PROBE / self.rate), tuning.FLOOR))

    def _ask_less_often(self) -> None:
        """Halve the rate: nothing gets through. The quota opens by its own clock, or something else is wrong."""
        self.rate = max(self.rate / 2, min(self.rate, tuning.FLOOR))
        self._closed = True
        if self._sure:
            # Until it closed, the ceiling was right.
            self._share = tuning.SOFT

    def _resume(self, now: float) -> None:
        """Cruise again: something got through."""
        assert self._ceiling is not None  # noqa: S101 - slowing down has set it
        self._holding = False
        # A closed quota has opened at some time since the last probe.
        opened_at = now - self._latency / 2 - (0.5 / self.rate if self._closed else 0.0)
        gave = self._gave_until(opened_at - self._idle)
        self._opened_at, self._accepted_before = opened_at - self._idle, self._accepted - 1
        if self._risen and self._row <= tuning.BRIEF:
            # The average is of the quota before it rose.
            gave = math.inf
        # A quota that opens by its own clock is measured from one closing to the next, not while closed.
        found = None if self._closed or self._pause else measured(self._anchor, self._last, self._ceiling)
        if found is None:
            guess = min(self._ceiling * self._share, gave)
            # A configured rate is believed.
            if not self._closed and not self._sure and self._are_many() and self._max == math.inf:
                guess = self._guessed_from_share(gave)
            self._guessing = not self._sure and not self._pause
        else:
            guess, self._anchor = found, self._last
        self._ceiling = max(min(guess, self._ceiling), tuning.FLOOR)
        if self._pause:
            # What the quota gave in the pause was not used.
            self._anchor = None
        self.rate = self._cruising()
        # Others may have used up the quota, if nothing was accepted before: search on.
        self._unproven = self._accepted == 1 and not self._sure
        self._raised_at = now
        self._found, self._sure = True, False
        self._hasten(now)
        self._forgo_burst()

    def _guessed_from_share(self, gave: float) -> float:
        """Return the requests per second that the accepted share of those under way suggests."""
        share = self._first_rate * (self._kept + 1) / (self._kept + self._lost + 1)
        if gave == math.inf:
            return max(share, tuning.DROP * self._first_rate)
        # If hardly any was accepted, the quota is closed: the share tells nothing.
        least = tuning.LEAST if self._kept > tuning.HARDLY * self._lost else 1.0
        return min(max(share, least * gave), tuning.MOST * gave)

    def _gave(self, now: float) -> float:
        """Return the requests per second that were accepted since the quota last opened; infinity if unknown."""
        seconds = 0.0 if self._opened_at is None else now - self._opened_at
        return (self._accepted - self._accepted_before) / seconds if seconds > 0 else math.inf

    def _gave_until(self, opened_at: float) -> float:
        """Return the requests per second that a closed quota gave since it last opened; infinity if it is unknown."""
        # A configured rate is believed, and what the quota gave in a pause was not used.
        known = self._closed or (not self._found and self._are_many())
        return self._gave(opened_at) if known and not self._pause and self._max == math.inf else math.inf

    def _are_many(self) -> bool:
        """Return whether enough requests were under way at the last refusal for their accepted share."""
        return self._cut - self._first >= tuning.FEW

    def _shows_room(self) -> bool:
        """Return whether requests sent after the refused one were accepted: the quota is used up, but not closed."""
        many = self._kept + self._lost >= tuning.SHOWN
        return many and 2 * self._kept >= self._lost and not self._closed and not self._pause

    def _learn_latency(self, seconds: float) -> None:
        seconds = max(seconds, 0.0)  # the clock of a store may have gone back meanwhile
        self._latency = seconds if not self._latency else 0.9 * self._latency + 0.1 * seconds
